"""The first checker a reader meets: a mean, in any form, and each likely mistake named."""

import statistics

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.checks import how_to_use as module
from tests.checkers import assert_apart, assert_each_named, assert_finite, assert_hint, assert_right


@pytest.mark.parametrize(
    "answer",
    [
        statistics.fmean,
        np.mean,
        lambda numbers: torch.tensor(numbers, dtype=torch.float64).mean(),
        lambda numbers: sum(number / len(numbers) for number in numbers),
    ],
    ids=["statistics", "numpy", "torch", "parts"],
)
def test_a_mean(answer):
    assert_right(checks.mean(answer))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (sum, "This is the sum"),
        (statistics.median, "This is the median"),
        (lambda numbers: sum(numbers) / (len(numbers) - 1), "one number too few"),
    ],
)
def test_a_likely_mistake_is_named(answer, hint):
    assert_hint(checks.mean(answer), hint)


def test_mistakes_are_told_apart():
    assert_apart(module._MEAN)
    assert_finite(module._MEAN)
    assert_each_named(module._MEAN)
