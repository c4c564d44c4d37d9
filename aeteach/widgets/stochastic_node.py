"""A computation graph of scalars with noise inside: what flows forwards, what flows back."""

from typing import Any, NamedTuple

import traitlets as t

from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.traits import Within


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
        x: input, 0.5 to 5.
        w1: first weight, 0.5 to 4; positive like x, so that sigma is.
        w_mu: weight of mu, -10 to 10.
        w_sigma: weight of sigma, 0.5 to 12.
        eps: the noise now, -4 to 4.
        target: what z should be, -100 to 100.

    Attributes:
        draws: how often eps was drawn again; the n-th draw is the same for every reader.

    Raises:
        ValueError: a number outside its range or not finite.
    """

    _module = "stochastic_node"
    x = Within(3.0, 0.5, 5)
    w1 = Within(2.0, 0.5, 4)
    w_mu = Within(8.0, -10, 10)
    w_sigma = Within(9.0, 0.5, 12)
    eps = Within(0.5, -4, 4)
    target = Within(70.0, -100, 100)
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

    def __repr__(self) -> str:
        return f"StochasticNode(x={self.x:g}, eps={self.eps:g})"
