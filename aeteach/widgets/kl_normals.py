"""Two normal densities, dragged by hand: the KL between them as an area and in closed form."""

import math
from typing import Any

import torch
import traitlets as t

from aeteach.divergences import kl_normal
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.traits import OneOf, Within


class KlNormals(Figure):
    r"""Drag two normal densities q and p and watch the divergence between them as an area.

    Args:
        mu_q: mean of q, -4 to 4.
        sigma_q: standard deviation of q, 0.3 to 3.
        mu_p: mean of p, -4 to 4.
        sigma_p: standard deviation of p, 0.3 to 3.
        unit: "nats" or "bits", of everything the figure prints.
        direction: "qp" shades the integrand of KL(q || p), "pq" that of KL(p || q).

    Attributes:
        mu_q, sigma_q, mu_p, sigma_p: as they stand now.
        kl_qp: KL(q || p) in nats.
        kl_pq: KL(p || q) in nats.

    Raises:
        ValueError: a number outside its range or not finite; an unknown unit or direction.
    """

    _module = "kl_normals"
    mu_q = Within(1.5, -4, 4)
    sigma_q = Within(0.7, 0.3, 3)
    mu_p = Within(0.0, -4, 4)
    sigma_p = Within(1.0, 0.3, 3)
    unit = OneOf("nats", "bits")
    direction = OneOf("qp", "pq")
    start = t.Any(help="What 'Start again' returns to.").tag(sync=True)

    def __init__(
        self,
        mu_q: float = 1.5,
        sigma_q: float = 0.7,
        mu_p: float = 0.0,
        sigma_p: float = 1.0,
        **kwargs: Any,
    ) -> None:
        state = {"mu_q": mu_q, "sigma_q": sigma_q, "mu_p": mu_p, "sigma_p": sigma_p}
        alt = (
            "Two normal densities q and p that can be moved and widened, and below them the "
            "integrand of the KL divergence, q log(q/p), shaded above and below zero. Where q is "
            "larger than p the integrand is positive, where it is smaller negative; the area "
            "above zero is never the smaller one. Their sum agrees with the closed form wherever "
            "the densities are moved, and is zero only if they are equal."
        )
        super().__init__(**{"alt": alt} | state | kwargs)
        self.start = {name: getattr(self, name) for name in state}

    @property
    def kl_qp(self) -> float:
        """KL(q || p) in nats."""
        return _kl(self.mu_q, self.sigma_q, self.mu_p, self.sigma_p)

    @property
    def kl_pq(self) -> float:
        """KL(p || q) in nats."""
        return _kl(self.mu_p, self.sigma_p, self.mu_q, self.sigma_q)

    def __repr__(self) -> str:
        q, p = f"{self.mu_q:.2f}, {self.sigma_q:.2f}", f"{self.mu_p:.2f}, {self.sigma_p:.2f}"
        return f"KlNormals(q=({q}), p=({p}))"


def _kl(mu_a: float, sigma_a: float, mu_b: float, sigma_b: float) -> float:
    numbers = (mu_a, 2 * math.log(sigma_a), mu_b, 2 * math.log(sigma_b))
    return float(kl_normal(*(torch.tensor([v], dtype=torch.float64) for v in numbers)))
