"""Two clouds of points on a line, moved by hand: their witness function and their MMD."""

import math
from typing import Any, ClassVar

import numpy as np
import torch
import traitlets as t
from torch import Tensor

from aeteach.mmd import KERNELS, median_distance, mmd, mmd_normal
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import Numbers, StateError, read_array
from aeteach.widgets.kit.traits import OneOf, WholeWithin, Within

_FARTHEST = 20.0  # of a point; the axis ends at 5, but a normal distribution does not
_NORMALS = ("mu_x", "sigma_x", "mu_y", "sigma_y")


class WitnessPad(Figure):
    r"""Move two clouds of points and watch the witness function, at any bandwidth.

    At first both clouds are draws of a normal distribution each, whose MMD^2 has a closed form. As
    soon as a point is moved by hand, they are draws of nothing.

    Args:
        mu_x: mean of the normal distribution that x is drawn from, -3 to 3.
        sigma_x: its standard deviation, 0.2 to 2.
        mu_y: mean of the one that y is drawn from, -3 to 3.
        sigma_y: its standard deviation, 0.2 to 2.
        n: points of each cloud, 2 to 100; up to 24 can be moved one by one.
        kernel: "rbf" or "imq"; see `aeteach.mmd`.
        bandwidth: h, in the unit of the points, 0.05 to 20.
        seed: of the first points, 0 to 2147483647.

    Attributes:
        x: the points of the first cloud as they stand now, a list; 2 to 100 within -20 and 20.
        y: those of the second.
        mu_x, sigma_x, mu_y, sigma_y: of the normals; of the points themselves once moved by hand.
        drawn: whether the points are still draws of these normals.

    Raises:
        ValueError: a number outside its range or not finite, or an unknown kernel.
    """

    _module = "witness_pad"
    _limits: ClassVar = {"n": (2, 100)}
    x = Numbers().tag(sync=True)
    y = Numbers().tag(sync=True)
    mu_x = Within(0.0, -3, 3)
    sigma_x = Within(0.5, 0.2, 2)
    mu_y = Within(0.0, -3, 3)
    sigma_y = Within(1.5, 0.2, 2)
    drawn = t.Bool(True).tag(sync=True)
    kernel = OneOf(*KERNELS)
    bandwidth = Within(1.0, 0.05, 20)
    seed = WholeWithin(0, 0, 2**31 - 1)
    start = t.Any(help="What 'Start again' returns to.").tag(sync=True)

    def __init__(
        self,
        mu_x: float = 0.0,
        sigma_x: float = 0.5,
        mu_y: float = 0.0,
        sigma_y: float = 1.5,
        *,
        n: int = 12,
        kernel: str = "rbf",
        bandwidth: float = 1.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        alt = (
            "Two clouds of points x and y on a line, and above them the witness function: a bump "
            "upwards for every x and one downwards for every y, added up. It is above zero where x "
            "has more mass. A slider sets the width of the bumps. Very narrow ones see every point "
            "apart, very wide ones only that the means differ. The numbers are the biased and the "
            "unbiased estimate of the squared maximum mean discrepancy; the mean of the witness "
            "over x less that over y is always the biased one."
        )
        state: dict[str, Any] = {"mu_x": mu_x, "sigma_x": sigma_x, "mu_y": mu_y, "sigma_y": sigma_y}
        state |= {"kernel": kernel, "bandwidth": bandwidth, "seed": seed}
        super().__init__(**{"alt": alt} | state | kwargs)
        fewest, most = self._limits["n"]
        if isinstance(n, bool) or not isinstance(n, int) or not fewest <= n <= most:
            raise StateError(f"n is {n!r}; expected {fewest} to {most} points")
        eps = np.random.default_rng(self.seed).standard_normal((2, n))
        self.x = (self.mu_x + self.sigma_x * eps[0]).round(3).tolist()
        self.y = (self.mu_y + self.sigma_y * eps[1]).round(3).tolist()
        names = (*_NORMALS, "x", "y", "drawn", "kernel", "bandwidth")
        self.start = {name: getattr(self, name) for name in names}

    def mmd(self, *, unbiased: bool = True) -> float:
        """MMD^2 of the points as they stand now, from `aeteach.mmd`."""
        options: dict[str, Any] = {"kernel": self.kernel, "bandwidth": self.bandwidth}
        return float(mmd(_column(self.x), _column(self.y), unbiased=unbiased, **options))

    @property
    def exact(self) -> float:
        """MMD^2 of the two normals; NaN if points were moved by hand, or for the "imq" kernel."""
        if not self.drawn or self.kernel != "rbf":
            return math.nan
        mu_x, sigma_x, mu_y, sigma_y = (
            torch.tensor([getattr(self, name)], dtype=torch.float64) for name in _NORMALS
        )
        variances = 2 * sigma_x.log(), 2 * sigma_y.log()
        return float(mmd_normal(mu_x, variances[0], mu_y, variances[1], bandwidth=self.bandwidth))

    @property
    def median(self) -> float:
        """Median distance between two of all points."""
        return median_distance(_column(self.x), _column(self.y))

    @t.validate("x", "y")
    def _check_points(self, proposal: Any) -> list[float]:
        name = proposal["trait"].name
        points = read_array(name, proposal["value"])
        fewest, most = self._limits["n"]
        if points.ndim != 1 or not fewest <= len(points) <= most:
            came = f"{name} has shape {points.shape}"
            raise StateError(f"{came}; expected {fewest} to {most} numbers")
        if np.abs(points).max() > _FARTHEST:
            raise StateError(
                f"{name} reaches {np.abs(points).max():g}; expected points within -{_FARTHEST:g} "
                f"and {_FARTHEST:g}: divide them by a common unit"
            )
        return [float(v) for v in points]

    def __repr__(self) -> str:
        return (
            f"WitnessPad(n=({len(self.x)}, {len(self.y)}), kernel={self.kernel!r}, "
            f"bandwidth={self.bandwidth:g}, mmd={self.mmd():.4f})"
        )


def _column(points: list[float]) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)[:, None]
