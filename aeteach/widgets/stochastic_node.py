"""A computation graph of scalars with noise inside: what flows forwards, what flows back."""

import math
from typing import Any, NamedTuple

import traitlets as t

from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError

_LIMITS = {
    "x": (0.5, 5.0),
    "w1": (0.5, 4.0),
    "w_mu": (-10.0, 10.0),
    "w_sigma": (0.5, 12.0),
    "eps": (-4.0, 4.0),
    "target": (-100.0, 100.0),
}


class Pass(NamedTuple):
    """One pass through the graph: the values forwards, the gradients of the loss back."""

    h: float
    mu: float
    sigma: float
    z: float
    loss: float
    d_z: float
    d_mu: float
    d_sigma: float
    d_h: float
    d_w_mu: float
    d_w_sigma: float
    d_w1: float
    d_x: float


def both_ways(x: float, w1: float, w_mu: float, w_sigma: float, eps: float, target: float) -> Pass:
    r"""Run z = mu + sigma * eps forwards and its gradients back, for one draw of eps.

    h = w1 x, mu = w_mu h, sigma = w_sigma h, loss = (z - target)^2 / 2; a gradient is the
    product of the derivatives along a path, summed over the paths.

    Args:
        x: input.
        w1: weight of the first layer.
        w_mu: weight of the head for mu.
        w_sigma: weight of the head for sigma.
        eps: noise, one standard normal number.
        target: what z should be.
    """
    h = w1 * x
    mu, sigma = w_mu * h, w_sigma * h
    z = mu + sigma * eps
    d_z = z - target
    d_mu, d_sigma = d_z, d_z * eps
    d_h = d_mu * w_mu + d_sigma * w_sigma
    return Pass(
        h, mu, sigma, z, d_z**2 / 2, d_z, d_mu, d_sigma, d_h, d_mu * h, d_sigma * h, d_h * x,
        d_h * w1,
    )  # fmt: skip


class StochasticNode(Figure):
    """Compare a graph that samples z with one that computes it from mu, sigma and eps.

    Args:
        x: input, from 0.5 to 5.
        w1: first weight, from 0.5 to 4; positive like x, so that sigma is.
        w_mu: weight of mu, from -10 to 10.
        w_sigma: weight of sigma, from 0.5 to 12.
        eps: the noise now, from -4 to 4.
        target: what z should be, from -100 to 100.

    Attributes:
        draws: how often eps was drawn again; the n-th draw is the same for every reader.

    Raises:
        ValueError: a number outside its range or not finite.
    """

    _module = "stochastic_node"
    x = t.Float(3.0).tag(sync=True)
    w1 = t.Float(2.0).tag(sync=True)
    w_mu = t.Float(8.0).tag(sync=True)
    w_sigma = t.Float(9.0).tag(sync=True)
    eps = t.Float(0.5).tag(sync=True)
    target = t.Float(70.0).tag(sync=True)
    draws = t.Int(0, min=0).tag(sync=True)

    def __init__(
        self,
        x: float = 3.0,
        w1: float = 2.0,
        w_mu: float = 8.0,
        w_sigma: float = 9.0,
        eps: float = 0.5,
        target: float = 70.0,
        **kwargs: Any,
    ) -> None:
        alt = (
            "Two computation graphs with the same numbers. In both, the input x and the weight w1 "
            "give h, h and two more weights give mu and sigma, and a loss compares z with a "
            "target. On the left z is sampled: gradient arrows run from the loss to z and stop at "
            "a bar, and no weight gets a gradient. On the right z is mu plus sigma times eps, with "
            "eps an input: the arrows run on to every weight, each with its number."
        )
        state = {"x": x, "w1": w1, "w_mu": w_mu, "w_sigma": w_sigma, "eps": eps, "target": target}
        super().__init__(**{"alt": alt} | state | kwargs)

    @t.validate(*_LIMITS)
    def _check(self, proposal: Any) -> float:
        name, value = proposal["trait"].name, float(proposal["value"])
        low, high = _LIMITS[name]
        if not (math.isfinite(value) and low <= value <= high):
            raise StateError(f"{name} is {value}; expected a number from {low:g} to {high:g}")
        return value

    def __repr__(self) -> str:
        return f"StochasticNode(x={self.x:g}, eps={self.eps:g})"
