"""Checkers of *The scoreboard*: right in any form, and each likely mistake named."""

import math
import statistics

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.checks import scoreboard as module
from aeteach.checks._exercise import secret_of
from tests.checkers import assert_hint

# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize(
    "answer",
    [
        lambda e, side, how, white: (e if how == "sum" else e * side * side) / (white * white),
        lambda e, side, how, white: torch.tensor(e * {"sum": 1, "mean": side**2}[how] / white**2),
        lambda e, side, how, white: np.float64(e) * [1, side**2][how == "mean"] * white**-2.0,
    ],
    ids=["plain", "torch", "numpy"],
)
def test_error_an_image(answer):
    assert checks.error_an_image(answer)


def welch(a, b):
    """With the standard library alone."""
    parts = [statistics.variance(x.tolist()) / len(x) for x in (a, b)]
    return statistics.fmean(a.tolist()) - statistics.fmean(b.tolist()), math.sqrt(sum(parts))


def error_of(x):
    return x.std(ddof=1) / len(x) ** 0.5


def with_torch(a, b):
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return a.mean() - b.mean(), (a.var() / len(a) + b.var() / len(b)).sqrt()


@pytest.mark.parametrize(
    "answer",
    [
        welch,
        with_torch,
        lambda a, b: [
            a.mean() - b.mean(),
            np.hypot(*(x.std(ddof=1) / len(x) ** 0.5 for x in (a, b))),
        ],
        lambda a, b: (np.float32(welch(a, b)[0]), np.float32(welch(a, b)[1])),
    ],
    ids=["statistics", "torch", "a list, hypot", "float32"],
)
def test_difference_of_means(answer):
    assert checks.difference_of_means(answer)


def test_the_standard_error_is_that_of_scipy():
    from scipy.stats import ttest_ind

    for a, b in secret_of(checks.difference_of_means).task.inputs[:7]:
        gap, error = module._difference(a, b)
        assert gap / error == pytest.approx(ttest_ind(a, b, equal_var=False).statistic)


@pytest.mark.parametrize(
    "answer",
    [
        lambda s, base: min(s) / min(base),
        lambda s, base: torch.as_tensor(s).min() / torch.as_tensor(base).min(),
        lambda s, base: np.sort(s)[0] / np.sort(base)[0],
    ],
    ids=["plain", "torch", "sorted"],
)
def test_time_ratio(answer):
    assert checks.time_ratio(answer)


# ---------------------------------------------------------------- wrong answers, by name


def spread(a, b):
    return np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))


ERROR = [
    (lambda e, n, how, w: e * n * n / w**2, "multiply a sum"),
    (lambda e, n, how, w: e, "as it is"),
    (lambda e, n, how, w: e * (n if how == "mean" else 1) / w**2, "side of an image"),
    (lambda e, n, how, w: e * (n * n if how == "mean" else 1) / w, "so is its unit"),
    (lambda e, n, how, w: e * (n * n if how == "mean" else 1), "left as they are"),
    (lambda e, n, how, w: e / (n * n if how == "mean" else 1) / w**2, "wrong way"),
    (lambda e, n, how, w: (e / n**2 if how == "sum" else e) / w**2, "Upside down"),
]
DIFFERENCE = [
    (lambda a, b: (b.mean() - a.mean(), spread(a, b)), "wrong sign"),
    (lambda a, b: (a.mean() - b.mean(), np.hypot(a.std(ddof=1), b.std(ddof=1))), "single runs"),
    (
        lambda a, b: (a.mean() - b.mean(), (np.var(a) / len(a) + np.var(b) / len(b)) ** 0.5),
        "too small",
    ),
    (lambda a, b: (a.mean() - b.mean(), spread(a, b) ** 2), "root is missing"),
    (
        lambda a, b: (a.mean() - b.mean(), error_of(a) + error_of(b)),
        "add the two standard errors",
    ),
    (lambda a, b: (a.mean() - b.mean(), error_of(a)), "only one of them"),
    (
        lambda a, b: (
            a.mean() - b.mean(),
            np.hypot(a.std(ddof=1) / len(a), b.std(ddof=1) / len(b)),
        ),
        "shrink too fast",
    ),
    (
        lambda a, b: (
            a.mean() - b.mean(),
            np.std([*a, *b], ddof=1) / (len(a) + len(b)) ** 0.5,
        ),
        "one sample",
    ),
    (lambda a, b: (max(a) - max(b), spread(a, b)), "best runs"),
]
TIME = [
    (lambda s, b: min(b) / min(s), "Upside down"),
    (lambda s, b: s.mean() / b.mean(), "take the means"),
    (lambda s, b: statistics.median(s) / statistics.median(b), "medians"),
    (lambda s, b: max(s) / max(b), "longest"),
    (lambda s, b: min(s) - min(b), "difference in seconds"),
    (lambda s, b: s.mean() / b.min(), "same rule"),
    (lambda s, b: s.min(), "base is missing"),
]
CASES = [
    *((checks.error_an_image, *case) for case in ERROR),
    *((checks.difference_of_means, *case) for case in DIFFERENCE),
    *((checks.time_ratio, *case) for case in TIME),
]


@pytest.mark.parametrize(("check", "answer", "hint"), CASES, ids=[case[2] for case in CASES])
def test_each_mistake_is_named(check, answer, hint):
    assert_hint(check(answer), hint)


def test_what_is_no_function_or_returns_nothing_is_told_so():
    assert "the function itself" in checks.time_ratio(1.5).hint
    assert "returns nothing" in checks.time_ratio(lambda s, base: None).hint
    assert "tuple of 2" in checks.difference_of_means(lambda a, b: "large").hint
