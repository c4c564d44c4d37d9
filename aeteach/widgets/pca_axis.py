"""An axis through a cloud of points, turned by hand: captured and residual variance."""

from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike

from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import Numbers, StateError, axis_angle, read_array

_LEAST, _MOST = 3, 300


class AxisStats(NamedTuple):
    """The variance of a cloud along an axis and across it."""

    captured: float
    residual: float


def axis_stats(points: ArrayLike, angle: float) -> AxisStats:
    r"""Split the variance of points in the plane along and across an axis through their mean.

    Captured is u^T S u and residual v^T S v, with u = (cos angle, sin angle), v at right angles
    to it and S the sample covariance (ddof 1); their sum is tr S whatever the angle.

    Args:
        points: x, (n, 2), n at least 3, finite.
        angle: of the axis, in degrees from the first feature towards the second.

    Raises:
        ValueError: points of another shape, fewer than 3, or not finite.
    """
    S = np.cov(np.asarray(check_points(points)), rowvar=False)
    turn = np.deg2rad(angle)
    u = np.array([np.cos(turn), np.sin(turn)])
    v = np.array([-u[1], u[0]])
    return AxisStats(float(u @ S @ u), float(v @ S @ v))


def check_points(points: ArrayLike) -> list[list[float]]:
    """Return points in the plane as a list of [x, y], or say what is wrong with them."""
    array = read_array("points", points)
    if array.ndim != 2 or array.shape[1] != 2:
        raise StateError(f"points have shape {array.shape}; expected (n, 2): a row for each point")
    if not _LEAST <= len(array) <= _MOST:
        raise StateError(
            f"there are {len(array)} points; expected {_LEAST} to {_MOST}, so that there is a "
            "variance to split and each can still be dragged"
        )
    return [[float(a), float(b)] for a, b in array]


def default_points() -> list[list[float]]:
    """Return 24 points of a correlated normal cloud, the same on every call."""
    rng = np.random.default_rng(7)
    cloud = rng.multivariate_normal([0.0, 0.0], [[1.9, 0.95], [0.95, 0.9]], size=24)
    return check_points(np.round(cloud, 2))


class PcaAxis(Figure):
    """Turn an axis through a cloud by hand and watch captured and residual variance.

    Args:
        points: x, (n, 2), 3 to 300 points; 24 correlated points if left out.
        angle: of the axis in degrees, taken modulo 180.

    Attributes:
        points: where the points are now, a list of [x, y].
        angle: of the axis, in [0, 180) degrees.
        captured: variance along the axis (ddof 1).
        residual: variance across it; captured + residual is the total variance.

    Raises:
        ValueError: points of another shape, fewer than 3, or not finite; an angle not finite.
    """

    _module = "pca_axis"
    points = Numbers().tag(sync=True)
    start = Numbers(help="What 'Reset points' returns to.").tag(sync=True)
    angle = t.Float(0.0).tag(sync=True)
    captured = t.Float(0.0).tag(sync=True)
    residual = t.Float(0.0).tag(sync=True)

    def __init__(self, points: ArrayLike | None = None, angle: float = 0.0, **kwargs: Any) -> None:
        start = default_points() if points is None else check_points(points)
        alt = (
            f"A cloud of {len(start)} points and an axis through its mean. Each point is projected "
            "onto the axis. The variance along the axis is captured, the variance across it is "
            "residual; their sum does not change as the axis turns. Turn the axis until it "
            "captures the most: that is the first principal component."
        )
        super().__init__(**{"alt": alt, "points": start, "start": start, "angle": angle} | kwargs)

    @t.validate("points", "start")
    def _check_points(self, proposal: Any) -> list[list[float]]:
        return check_points(proposal["value"])

    @t.validate("angle")
    def _check_angle(self, proposal: Any) -> float:
        return axis_angle(proposal["value"])

    @t.observe("points", "angle")
    def _measure(self, _: Any) -> None:
        self.captured, self.residual = axis_stats(self.points, self.angle)

    def __repr__(self) -> str:
        return f"PcaAxis({len(self.points)} points, angle={self.angle:.1f})"
