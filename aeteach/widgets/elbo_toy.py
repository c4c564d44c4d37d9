"""A normal q laid over a posterior by hand: log p(x) = ELBO + gap, all of it computed."""

from typing import Any

import numpy as np
import traitlets as t

from aeteach.toy import Toy
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.traits import OneOf, Within


class ElboToy(Figure):
    """Drag a normal q(z) over the posterior p(z|x) of `aeteach.toy.Toy`, and read its ELBO.

    Args:
        x: the observed number, -1.5 to 3.
        mu: mean of q, -3.5 to 3.5.
        sigma: standard deviation of q, 0.05 to 2.
        unit: "nats" or "bits", of the numbers in the figure.
        variance: c of the model, 0.2 to 2; with less, a cost could be negative, and no bar.
        bend: b of the model's decoder, -1 to 1.

    Attributes:
        x, mu, sigma, unit: as they are now.
        log_evidence: log p(x), nats.
        reconstruction: R = -E_q[log p(x|z)], nats.
        kl: K = KL(q || N(0, 1)), nats.
        elbo: -(R + K), nats.
        gap: KL(q || p(z|x)), nats; log_evidence = elbo + gap.

    Raises:
        ValueError: a number outside its range, or an unknown unit.
    """

    _module = "elbo_toy"
    x = Within(0.5, -1.5, 3)
    mu = Within(-0.6, -3.5, 3.5)
    sigma = Within(0.8, 0.05, 2)
    unit = OneOf("nats", "bits")
    variance = Within(0.25, 0.2, 2, help="Fixed when the figure is made.")
    bend = t.Float(0.5, help="Fixed when the figure is made.").tag(sync=True)
    log_evidence = t.Float(0.0).tag(sync=True)
    reconstruction = t.Float(0.0).tag(sync=True)
    kl = t.Float(0.0).tag(sync=True)
    elbo = t.Float(0.0).tag(sync=True)
    gap = t.Float(0.0).tag(sync=True)

    def __init__(self, x: float = 0.5, mu: float = -0.6, sigma: float = 0.8, **kwargs: Any) -> None:
        alt = (
            "The posterior of a latent number z given the observed x, and a normal distribution q "
            "laid over it, whose mean and width can be moved. Two bars of equal length: the "
            "surprise of x plus the gap between q and the posterior, and the reconstruction term "
            "plus the KL from q to the prior. Moving q changes the gap and never the surprise; "
            "the gap is smallest, and not 0, where q lies closest to the posterior."
        )
        super().__init__(**{"alt": alt, "x": x, "mu": mu, "sigma": sigma} | kwargs)
        self._measure(None)

    @t.validate("bend")
    def _check_bend(self, proposal: Any) -> float:
        try:
            return Toy(bend=float(proposal["value"])).bend
        except ValueError as error:
            raise StateError(str(error)) from None

    @t.observe("x", "mu", "sigma")
    def _measure(self, _: Any) -> None:
        toy, log_var = Toy(self.variance, self.bend), 2 * np.log(self.sigma)
        terms = toy.elbo_terms(self.x, self.mu, log_var)
        self.log_evidence = float(toy.log_evidence(self.x))
        self.reconstruction, self.kl = float(terms.reconstruction), float(terms.kl)
        self.elbo = float(terms.elbo)
        self.gap = float(toy.gap(self.x, self.mu, log_var))

    def __repr__(self) -> str:
        return f"ElboToy(x={self.x:.2f}, mu={self.mu:.2f}, sigma={self.sigma:.2f})"
