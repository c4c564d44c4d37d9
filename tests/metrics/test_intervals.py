"""Intervals of shares: Wilson's, Student's, and how often they hold the truth."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aeteach.metrics import intervals, readability


def test_one_reader_gives_wilsons_interval():
    for k, n in [(0, 50), (7, 50), (25, 50), (50, 50), (9_123, 10_000)]:
        right = (torch.arange(n) < k)[None]
        expected = scipy.stats.binomtest(k, n).proportion_ci(0.9, method="wilson")
        assert readability.interval(right, 0.9) == pytest.approx(
            (expected.low, expected.high), abs=1e-9
        )


def test_several_readers_give_wilsons_interval_with_students_quantile():
    """Wilson's ends x solve (p - x)^2 = t^2 s^2 x (1 - x) / (p (1 - p))."""
    generator = torch.Generator().manual_seed(4)
    skill = torch.tensor([[0.6], [0.7], [0.8]])
    right = torch.rand(3, 400, generator=generator) < skill
    hits = right.numpy().astype(float)
    p = hits.mean()
    A, B = hits.mean(0).var(ddof=1) / 400, hits.mean(1).var(ddof=1) / 3
    freedom = (A + B) ** 2 / (A**2 / 399 + B**2 / 2)
    assert freedom < 4  # far from the normal quantile
    ratio = scipy.stats.t.ppf(0.975, freedom) ** 2 * (A + B) / (p * (1 - p))
    expected = sorted(np.roots([1 + ratio, -2 * p - ratio, p * p]))
    assert readability.interval(right) == pytest.approx(tuple(expected), abs=2e-3)


def test_a_few_images_have_few_degrees_of_freedom():
    right = torch.tensor([[1, 0, 1, 0], [1, 0, 1, 1], [1, 0, 0, 0]]).bool()
    hits = right.numpy().astype(float)
    p = hits.mean()
    A, B = hits.mean(0).var(ddof=1) / 4, hits.mean(1).var(ddof=1) / 3
    freedom = (A + B) ** 2 / (A**2 / 3 + B**2 / 2)
    ratio = scipy.stats.t.ppf(0.975, freedom) ** 2 * (A + B) / (p * (1 - p))
    expected = sorted(np.roots([1 + ratio, -2 * p - ratio, p * p]))
    assert readability.interval(right) == pytest.approx(tuple(expected), abs=2e-4)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [1.0, 2.0, 4.0, 7.3, 100.0, 9_999.0])
def test_students_quantile(confidence, freedom):
    expected = scipy.stats.t.ppf((1 + confidence) / 2, freedom)
    assert intervals._student(confidence, freedom) == pytest.approx(expected, rel=5e-3)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """400 worlds: readers differ by 2 %, images are easy or hard, both are drawn anew."""
    generator = torch.Generator().manual_seed(0)
    readers, images, holds, binomial = 5, 1000, 0, 0
    for _ in range(400):
        skill = 0.02 * torch.randn(readers, 1, generator=generator)
        ease = 0.1 * torch.randn(1, images, generator=generator)
        chance = (0.75 + skill + ease).clamp(0, 1)
        right = torch.rand(readers, images, generator=generator) < chance
        low, high = readability.interval(right)
        holds += low < 0.75 < high
        low, high = readability.interval(
            right.flatten()[None]
        )  # as if all answers were independent
        binomial += low < 0.75 < high
    assert holds / 400 > 0.93
    assert binomial / 400 < 0.75


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(2, 60), st.floats(0, 1), st.integers(0, 999))
def test_the_interval_surrounds_the_accuracy_and_stays_between_0_and_1(readers, n, p, seed):
    generator = torch.Generator().manual_seed(seed)
    right = torch.rand(readers, n, generator=generator) < p
    low, high = readability.interval(right)
    accuracy = right.double().mean().item()
    assert 0 <= low <= accuracy + 1e-12
    assert accuracy - 1e-12 <= high <= 1
    assert low < high
    wider = readability.interval(right, 0.99)
    assert wider[0] <= low + 1e-12
    assert wider[1] >= high - 1e-12


def test_readers_that_differ_widen_the_interval():
    alike = (torch.arange(1000) < 750).expand(5, -1)
    apart = torch.stack([torch.arange(1000) < k for k in (700, 725, 750, 775, 800)])
    narrow, wide = readability.interval(alike), readability.interval(apart)
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


@pytest.mark.parametrize(
    ("right", "confidence", "what"),
    [
        (torch.ones(2, 5), 0.95, r"right must be a bool tensor \(R, N\).*got torch.float32"),
        (torch.ones(5, dtype=torch.bool), 0.95, r"shape \(5,\)"),
        (torch.ones(2, 1, dtype=torch.bool), 0.95, "at least two images"),
        (torch.ones(2, 5, dtype=torch.bool), 95, "confidence is 95"),
    ],
)
def test_an_interval_of_something_else_is_refused(right, confidence, what):
    with pytest.raises((TypeError, ValueError), match=what):
        readability.interval(right, confidence)
