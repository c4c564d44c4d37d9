r"""Checkers for the exercises of *The scoreboard*."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["difference_of_means", "error_an_image", "time_ratio"]

Array = NDArray[Any]


def error_an_image(answer: Any) -> Verdict:
    """Check a function (error, side, how, white) -> squared error of an image, grey in [0, 1]."""
    return _ERROR.check(answer)


def difference_of_means(answer: Any) -> Verdict:
    """Check a function (a (n,), b (m,)) -> (difference of the means, its standard error)."""
    return _DIFFERENCE.check(answer)


def time_ratio(answer: Any) -> Verdict:
    """Check a function (seconds (n,), base (m,)) -> how many times as long, least disturbed."""
    return _TIME.check(answer)


# ---------------------------------------------------------------- squared error in one unit


def _error(error: float, side: int, how: str, white: float) -> float:
    return error * (side**2 if how == "mean" else 1) / white**2


_ERROR = Exercise(
    name="Squared error of an image",
    right=_error,
    inputs=[
        (0.0425, 28, "mean", 1.0),
        (31.5, 28, "sum", 1.0),
        (2150.0, 32, "mean", 255.0),
        (1.1e6, 32, "sum", 255.0),
        (0.02, 64, "mean", 1.0),
    ],
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
            "The error is squared, and so is its unit: divide by white squared, not by white.",
            lambda e, side, how, white: _error(e, side, how, white) * white,
        ),
        Mistake(
            "Grey values of 0 to 255 are left as they are: white has to become 1.",
            lambda e, side, how, white: _error(e, side, how, white) * white**2,
        ),
        Mistake(
            "You divide where you should multiply: a sum over the pixels is larger than a mean.",
            lambda e, side, how, white: e / (side**2 if how == "mean" else 1) / white**2,
        ),
        Mistake(
            "Upside down: you turn sums into means. All should become sums over an image.",
            lambda e, side, how, white: e / (side**2 if how == "sum" else 1) / white**2,
        ),
    ],
    praise="One unit for all. Only now may one of them be called smaller.",
)


# ---------------------------------------------------------------- difference of two means


def _difference(a: Array, b: Array) -> tuple[float, float]:
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return float(a.mean() - b.mean()), float(error)


def _runs(seed: int, n: int, m: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(84, 3, n), rng.normal(80, 0.7, m)


_DIFFERENCE = Exercise(
    name="Difference of two means",
    right=_difference,
    inputs=[_runs(0, 5, 3), _runs(1, 5, 5), _runs(2, 3, 8)],
    mistakes=[
        Mistake(
            "The difference has the wrong sign: the first model's mean less the second's.",
            lambda a, b: (-_difference(a, b)[0], _difference(a, b)[1]),
        ),
        Mistake(
            "That is the spread of the difference of two single runs. You compare means, and the "
            "variance of a mean of n runs is n times smaller.",
            lambda a, b: (a.mean() - b.mean(), np.sqrt(a.var(ddof=1) + b.var(ddof=1))),
        ),
        Mistake(
            "The variance is the one around the mean of the same few runs, and too small: divide "
            "by n - 1 (ddof=1).",
            lambda a, b: (a.mean() - b.mean(), np.sqrt(a.var() / len(a) + b.var() / len(b))),
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
            "You divide by n where the square root of n belongs: the variance of a mean falls as "
            "1/n, its standard deviation more slowly.",
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
    praise="A difference with its own uncertainty: now it can be called large, or not.",
    same=lambda got, want: agree(got, want, 1e-4),
)


# ---------------------------------------------------------------- ratio of times


def _ratio(seconds: Array, base: Array) -> float:
    return float(seconds.min() / base.min())


def _times(seed: int, n: int, m: int) -> tuple[Array, Array]:
    """Return times of two trainings, each disturbed by other work: never shortened by it."""
    rng = np.random.default_rng(seed)
    return 90 * (1 + rng.exponential(0.6, n)), 60 * (1 + rng.exponential(0.6, m))


_TIME = Exercise(
    name="Ratio of times",
    right=_ratio,
    inputs=[_times(0, 5, 5), _times(1, 5, 3), _times(2, 3, 4)],
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
            "The base is missing: seconds mean nothing on another machine.",
            lambda s, base: s.min(),
        ),
    ],
    praise="No seconds, and as little of the neighbours' work as five runs allow.",
)
