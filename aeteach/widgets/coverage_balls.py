"""Valid points, generated points and balls: what coverage counts, and what it does not."""

import math
from typing import Any

import numpy as np
import torch
import traitlets as t
from numpy.typing import NDArray
from torch import Tensor

from aeteach.metrics import coverage
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.traits import OneOf, PointWithin, WholeWithin, Within

GENERATORS = ("ideal", "blurred", "averages", "collapsed", "memoriser", "noise")
MOST = 240  # generated points
NO_SMOOTHING = -13  # the exponent that stands for a = 0
STEP = 1024  # every coordinate is a whole number of these parts: exact in float32


class CoverageBalls(Figure):
    r"""Grow balls around 48 valid points, and see what six generators are worth.

    Every point is an image of two pixels: across, the grey value of the first; up, that of the
    second. So the distance is that of `aeteach.metrics.coverage`, Euclidean over pixels.

    Args:
        generator: "ideal" draws every valid point alike; "blurred" adds noise of sd 0.03 to such a
            draw; "averages" draws means of two valid points; "collapsed" draws one of the three
            groups alone; "memoriser" repeats the 36 points that were not held out; "noise" draws
            any two grey values.
        threshold: Euclidean distance in grey values, 0.01 to 0.3.
        number: generated points, 1 to 240.
        smoothing: exponent k of the smoothing a = 10^k, -13 to -1, where -13 stands for a = 0.
        place: where the first generated point was put by hand, two grey values, 0 to 1; () leaves
            it where it fell.

    Attributes:
        generator, threshold, number, smoothing, place: as they are now.
        worth: what `aeteach.metrics.coverage.worth` says of it.
        coverage_held_out: share of the 12 held-out points that are covered.
        ideal_kl: mean hit-count KL of an ideal generator, by the binomial sum, bits.

    Raises:
        ValueError: an unknown generator, a number outside its range, a place outside the square.
    """

    _module = "coverage_balls"
    generator = OneOf(*GENERATORS, default="blurred")
    threshold = Within(0.05, 0.01, 0.3)
    number = WholeWithin(60, 1, MOST)
    smoothing = WholeWithin(-10, NO_SMOOTHING, -1)
    place = PointWithin([], 0, 1, or_none=True)
    valid: t.List[Any] = t.List(help="Points (48, 2), fixed.").tag(sync=True)
    held_out: t.List[Any] = t.List(help="Which are held out, (48,), fixed.").tag(sync=True)
    draws = t.Dict(help="{generator: points (240, 2)}, fixed.").tag(sync=True)

    def __init__(
        self,
        generator: str = "blurred",
        threshold: float = 0.05,
        number: int = 60,
        smoothing: int = -10,
        place: tuple[float, ...] | list[float] = (),
        **kwargs: Any,
    ) -> None:
        points, held = valid_points()
        alt = (
            "A square whose points are images of two pixels. Around each of 48 valid points, in "
            "three groups, lies a ball; crosses are generated points. A ball is filled where a "
            "generated point lies in it. Larger balls or more generated points raise the coverage "
            "of every generator, of noise too. A memoriser covers what it was shown and nothing "
            "that was held out; a collapsed one draws only valid points and covers a third."
        )
        state = {
            "alt": alt,
            "valid": points.tolist(),
            "held_out": held.tolist(),
            "draws": {name: draw(name).tolist() for name in GENERATORS},
            "generator": generator,
            "threshold": threshold,
            "number": number,
            "smoothing": smoothing,
            "place": place,
        }
        super().__init__(**state | kwargs)

    @property
    def images(self) -> Tensor:
        """The generated points as images of two pixels, (number, 1, 1, 2)."""
        points = [list(p) for p in self.draws[self.generator][: self.number]]
        if self.place:
            points[0] = list(self.place)
        return _as_images(points)

    @property
    def worth(self) -> coverage.Worth:
        """What the generated points are worth against all valid ones."""
        a = 0.0 if self.smoothing == NO_SMOOTHING else 10.0**self.smoothing
        return coverage.worth(
            _as_images(self.valid), self.images, threshold=self.threshold, smoothing=a
        )

    @property
    def coverage_held_out(self) -> float:
        """Share of the held-out points that are covered."""
        points = [p for p, out in zip(self.valid, self.held_out, strict=True) if out]
        return coverage.coverage(_as_images(points), self.images, self.threshold)

    @property
    def ideal_kl(self) -> float:
        """Mean hit-count KL of an ideal generator, bits."""
        a = 0.0 if self.smoothing == NO_SMOOTHING else 10.0**self.smoothing
        return expected_ideal_kl(len(self.valid), self.number, a)

    def __repr__(self) -> str:
        return f"CoverageBalls({self.generator!r}, {self.threshold:g}, {self.number})"


def valid_points() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return three groups of 4 by 4 points, (48, 2), and which are held out, (48,)."""
    corners = [(160, 576), (608, 640), (384, 160)]
    places = [(64 * i, 64 * j) for j in range(4) for i in range(4)]
    points = [(x + i, y + j) for x, y in corners for i, j in places]
    held = [(j // 64 + 2 * (i // 64)) % 4 == 0 for _ in corners for i, j in places]
    return np.array(points) / STEP, np.array(held)


def draw(generator: str, n: int = MOST) -> NDArray[np.float64]:
    """Draw n points from one of GENERATORS, always the same; (n, 2) in [0, 1]."""
    points, held = valid_points()
    rng = np.random.default_rng(GENERATORS.index(generator) + 1)
    one, two = rng.integers(len(points), size=(2, n))
    made = {
        "ideal": lambda: points[one],
        "blurred": lambda: points[one] + rng.normal(0, 0.03, (n, 2)),
        "averages": lambda: (points[one] + points[two]) / 2,
        "collapsed": lambda: points[one % 16],
        "memoriser": lambda: points[~held][one % 36],
        "noise": lambda: rng.random((n, 2)),
    }[generator]()
    return np.round(made.clip(0, 1) * STEP) / STEP


def expected_ideal_kl(n_valid: int, generated: int, smoothing: float) -> float:
    r"""Return the mean hit-count KL of an ideal generator, exactly, in bits.

    Each of the N valid images is hit c times, c binomial with M tries and the chance 1/N, and the
    KL is the mean of -log2(N q(c)) over the images, q(c) = (c / M + a) / (1 + (N + 1) a). So its
    expected value is sum_c P(c) * -log2(N q(c)).

    Args:
        n_valid: N, at least 2.
        generated: M, at least 1.
        smoothing: a, at least 0; 0 gives infinity.
    """
    if smoothing == 0:
        return math.inf
    total, chance = 0.0, (1 - 1 / n_valid) ** generated
    for c in range(generated + 1):
        q = (c / generated + smoothing) / (1 + (n_valid + 1) * smoothing)
        total -= chance * math.log2(n_valid * q)
        chance *= (generated - c) / (c + 1) / (n_valid - 1)
    return total


def _as_images(points: Any) -> Tensor:
    return torch.tensor(points, dtype=torch.float32)[:, None, None, :]
