"""The exercises of *The scoreboard*."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]


# ---------------------------------------------------------------- squared error in one unit


def _errors(rng: np.random.Generator) -> Iterator[tuple[float, int, str, float]]:
    yield 2150.0, 32, "mean", 255.0
    yield 0.0425, 28, "mean", 1.0
    yield 31.5, 28, "sum", 1.0
    yield 1.1e6, 32, "sum", 255.0
    yield 0.02, 64, "mean", 1.0
    yield 0.0, 8, "mean", 255.0
    yield 9.0, 1, "mean", 3.0
    for how in ("mean", "sum", "mean", "sum"):
        white = float(rng.choice([1.0, 15.0, 100.0, 4095.0]))
        yield float(rng.uniform(0, 900)), int(rng.integers(2, 70)), how, white


def _error(error: float, side: int, how: str, white: float) -> float:
    pixels = side**2 if how == "mean" else 1
    return error * pixels / white**2


error_an_image = Exercise(
    "Squared error of an image",
    _error,
    inputs=_errors,
    about='error, side, how ("mean" or "sum"), white -> squared error of an image, grey in [0, 1].',
    praise="One unit for all. Only now may one of them be called smaller.",
    mistakes=[
        Mistake(
            "You multiply a sum by the number of pixels as well. A sum is of an image already.",
            lambda e, side, how, white: e * side**2 / white**2,
        ),
        Mistake(
            "You return the number as it is. A mean over pixels has to become a sum, and grey "
            "values of 0 to 255 have to become 0 to 1.",
            lambda e, side, how, white: e,
        ),
        Mistake(
            "The side of an image is not its number of pixels.",
            lambda e, side, how, white: e * (side if how == "mean" else 1) / white**2,
        ),
        Mistake(
            "The error is squared, and so is its unit.",
            lambda e, side, how, white: _error(e, side, how, white) * white,
        ),
        Mistake(
            "Grey values of 0 to 255 are left as they are: white has to become 1.",
            lambda e, side, how, white: _error(e, side, how, white) * white**2,
        ),
        Mistake(
            "You go the wrong way from a mean to a sum: the sum over the pixels is the larger one.",
            lambda e, side, how, white: e / (side**2 if how == "mean" else 1) / white**2,
        ),
        Mistake(
            "Upside down: you turn sums into means. All should become sums over an image.",
            lambda e, side, how, white: e / (side**2 if how == "sum" else 1) / white**2,
        ),
    ],
)


# ---------------------------------------------------------------- difference of two means


def _runs(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for n, m in ((5, 3), (5, 5), (3, 8), (2, 2), (9, 4), (6, 5)):
        yield rng.normal(84, 3, n), rng.normal(80, 0.7, m)
    yield rng.normal(-2, 0.01, 4), rng.normal(3, 0.5, 6)
    yield np.array([7.0, 7.0, 7.0]), np.array([5.0, 6.0])


def _difference(a: Array, b: Array) -> tuple[Any, Any]:
    variance = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    return a.mean() - b.mean(), np.sqrt(variance)


difference_of_means = Exercise(
    "Difference of two means",
    _difference,
    inputs=_runs,
    about="a (n,), b (m,), one value a run -> (difference of the means, its standard error).",
    praise="A difference with its own uncertainty: now it can be called large, or not.",
    mistakes=[
        Mistake(
            "The difference has the wrong sign: the first model's mean less the second's.",
            lambda a, b: (-_difference(a, b)[0], _difference(a, b)[1]),
        ),
        Mistake(
            "That is the spread of the difference of two single runs. You compare means, and the "
            "variance of a mean is smaller than that of a run.",
            lambda a, b: (a.mean() - b.mean(), np.sqrt(a.var(ddof=1) + b.var(ddof=1))),
        ),
        Mistake(
            "The variance is the one around the mean of the same few runs, and so too small.",
            lambda a, b: (a.mean() - b.mean(), np.sqrt(np.var(a) / len(a) + np.var(b) / len(b))),
        ),
        Mistake(
            "The root is missing: this is the variance of the difference.",
            lambda a, b: (_difference(a, b)[0], _difference(a, b)[1] ** 2),
        ),
        Mistake(
            "You add the two standard errors. Independent variances add; standard errors do not.",
            lambda a, b: (
                a.mean() - b.mean(),
                a.std(ddof=1) / np.sqrt(len(a)) + b.std(ddof=1) / np.sqrt(len(b)),
            ),
        ),
        Mistake(
            "The variances are subtracted, or only one of them counts. Both means are uncertain, "
            "and one cannot make up for the other.",
            lambda a, b: (a.mean() - b.mean(), a.std(ddof=1) / np.sqrt(len(a))),
        ),
        Mistake(
            "The standard deviations shrink too fast: it is the variance of a mean that falls as "
            "one over the number of runs.",
            lambda a, b: (
                a.mean() - b.mean(),
                np.sqrt(a.var(ddof=1) / len(a) ** 2 + b.var(ddof=1) / len(b) ** 2),
            ),
        ),
        Mistake(
            "You take all runs for one sample. Its spread holds the difference itself.",
            lambda a, b: (
                a.mean() - b.mean(),
                np.concatenate([a, b]).std(ddof=1) / np.sqrt(len(a) + len(b)),
            ),
        ),
        Mistake(
            "You compare the best runs. They say how lucky a model was; more seeds are luckier.",
            lambda a, b: (a.max() - b.max(), _difference(a, b)[1]),
        ),
    ],
)


# ---------------------------------------------------------------- ratio of times


def _times(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield times of two trainings, each disturbed by other work: never shortened by it."""
    for n, m in ((5, 5), (5, 3), (3, 4), (2, 7), (6, 2), (1, 1)):
        yield 90 * (1 + rng.exponential(0.6, n)), 60 * (1 + rng.exponential(0.6, m))
    yield np.array([3.0, 2.0, 2.0]), np.array([4.0, 9.0, 4.0])  # ties
    yield np.array([1e-3, 5e-4]), np.array([700.0, 650.0, 900.0])


def _ratio(seconds: Array, base: Array) -> Any:
    return seconds.min() / base.min()


time_ratio = Exercise(
    "Ratio of times",
    _ratio,
    inputs=_times,
    about="seconds (n,), base (m,) -> how many times as long the model takes, least disturbed.",
    praise="No seconds, and as little of the neighbours' work as the runs allow.",
    mistakes=[
        Mistake(
            "Upside down: how many times as long as the base does the model take?",
            lambda s, base: base.min() / s.min(),
        ),
        Mistake(
            "You take the means. One run beside other work is enough to spoil a mean; that work "
            "can make a run longer and never shorter, so which run is disturbed least?",
            lambda s, base: s.mean() / base.mean(),
        ),
        Mistake(
            "You take the medians. If more than half of the runs were disturbed, so is the median; "
            "other work never makes a run shorter.",
            lambda s, base: np.median(s) / np.median(base),
        ),
        Mistake(
            "You take the longest runs: the ones that were disturbed most.",
            lambda s, base: s.max() / base.max(),
        ),
        Mistake(
            "That is a difference in seconds, and true of one machine only.",
            lambda s, base: s.min() - base.min(),
        ),
        Mistake(
            "You divide a time of one kind by a time of another: the same rule for both.",
            lambda s, base: s.mean() / base.min(),
        ),
        Mistake(
            "You divide a time of one kind by a time of another: the same rule for both.",
            lambda s, base: s.min() / base.mean(),
        ),
        Mistake(
            "The base is missing: seconds mean nothing on another machine.",
            lambda s, base: s.min(),
        ),
    ],
)
