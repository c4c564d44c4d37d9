"""The loss surface of a linear autoencoder with one latent number, walked by hand."""

from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import Numbers, axis_angle
from aeteach.widgets.kit.traits import PointWithin, Within


def tied_loss(S: ArrayLike, w: ArrayLike) -> float:
    r"""Return the mean squared error of x_hat = w w^T x over centred data with covariance S.

    L(w) = mean ||x - w w^T x||^2 = tr S - 2 w^T S w + (w^T w)(w^T S w): summed over features,
    averaged over points. Its gradient is zero at w = 0, a maximum, and at plus and minus every
    unit eigenvector: minima at the first, saddles at the others (Baldi and Hornik, 1989).

    Args:
        S: covariance, (d, d), with 1/n and not 1/(n - 1), because the loss is a mean.
        w: weights, (d,).
    """
    S, w = np.asarray(S, dtype=np.float64), np.asarray(w, dtype=np.float64)
    captured = w @ S @ w
    return float(np.trace(S) - 2 * captured + (w @ w) * captured)


def white_points(n: int = 40, seed: int = 3) -> NDArray[np.float64]:
    """Return n points (n, 2) with mean exactly 0 and covariance (1/n) exactly the identity."""
    points = np.random.default_rng(seed).normal(size=(n, 2))
    points -= points.mean(axis=0)
    L = np.linalg.cholesky(points.T @ points / n)
    return np.linalg.solve(L, points.T).T


class LinearLoss(Figure):
    r"""Walk over the loss of the tied linear autoencoder x -> w w^T x on data in the plane.

    Args:
        w: where to start, two numbers, -2 to 2; the map shows -1.6 to 1.6.
        sd1: standard deviation of the data along its direction u, 0.3 to 2.
        sd2: standard deviation across it, 0.3 to 2.
        angle: of u in degrees, taken modulo 180.

    Attributes:
        w: the weights now, [w1, w2].
        loss: L(w), the mean squared error summed over the two features.

    Raises:
        ValueError: numbers outside these ranges, or not finite.
    """

    _module = "linear_loss"
    w = PointWithin([-0.1, 0.3], -2, 2)  # the map ends at 1.6; the descent may lead beyond
    start = Numbers(help="What 'Start again' returns to.").tag(sync=True)
    white = Numbers(help="Whitened points, from which the data are made.").tag(sync=True)
    sd1 = Within(1.5, 0.3, 2)
    sd2 = Within(0.6, 0.3, 2)
    angle = t.Float(30.0).tag(sync=True)
    loss = t.Float(0.0).tag(sync=True)

    def __init__(
        self,
        w: ArrayLike = (-0.1, 0.3),
        *,
        sd1: float = 1.5,
        sd2: float = 0.6,
        angle: float = 30.0,
        **kwargs: Any,
    ) -> None:
        alt = (
            "Left, the loss of a linear autoencoder with one latent number as a map over its two "
            "weights: a maximum at zero, saddles at plus and minus the second eigenvector, minima "
            "at plus and minus the first. Right, the data and the line the weights span. Gradient "
            "descent from almost anywhere ends in one of the two minima: there is no other."
        )
        values = {"w": w, "sd1": sd1, "sd2": sd2, "angle": angle}
        super().__init__(**{"alt": alt, "white": white_points().tolist()} | values | kwargs)
        self.start = self.w

    @property
    def covariance(self) -> NDArray[np.float64]:
        """S, the covariance of the data, (2, 2), with 1/n."""
        turn = np.deg2rad(self.angle)
        R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return R @ np.diag([self.sd1**2, self.sd2**2]) @ R.T

    @property
    def points(self) -> NDArray[np.float64]:
        """x, the data, (n, 2), centred."""
        turn = np.deg2rad(self.angle)
        R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return np.asarray(self.white) @ np.diag([self.sd1, self.sd2]) @ R.T

    @t.validate("angle")
    def _check_angle(self, proposal: Any) -> float:
        return axis_angle(proposal["value"])

    @t.observe("w", "sd1", "sd2", "angle")
    def _measure(self, _: Any) -> None:
        self.loss = tied_loss(self.covariance, self.w)

    def __repr__(self) -> str:
        return f"LinearLoss(w=({self.w[0]:.2f}, {self.w[1]:.2f}), loss={self.loss:.3f})"
