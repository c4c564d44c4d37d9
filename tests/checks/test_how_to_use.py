"""The first exercise: a mean by hand."""

import statistics

import numpy as np
import pytest
import torch

from aeteach import checks


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: sum(n) / len(n),
        np.mean,
        statistics.mean,
        statistics.fmean,
        lambda n: torch.tensor(n).mean(),
        lambda n: torch.tensor(n, dtype=torch.float32).mean().item(),
        lambda n: np.array(n) @ np.ones(len(n)) / len(n),
    ],
)
def test_a_mean_in_any_form(answer):
    assert checks.mean(answer)


def test_a_loop_with_its_return_inside_is_told_so():
    def answer(numbers):
        total = 0
        for number in numbers:
            total += number
            return total / len(numbers)

    assert "returned inside the loop" in checks.mean(answer).hint


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n: sum(n) / (len(n) - 1), "one number too few"),
        (lambda n: sum(n) / (len(n) + 1), "`len(n) + 1`"),
        (sum, "This is the sum"),
        (lambda n: sorted(n)[len(n) // 2], "Right on 2 of 9 inputs"),
        (lambda n: float(np.median(n)), "the median"),
        (statistics.median, "This is the median"),
        (lambda n: sum(n) / 3, "`3`: the mistake has to do with this constant factor"),
    ],
)
def test_a_mistake_is_named(answer, hint):
    verdict = checks.mean(answer)
    assert not verdict
    assert hint in verdict.hint
