"""Coverage balls in Python: the ideal KL, the generators' points, and what is refused."""

import math

import pytest
import torch
from scipy.stats import binom

from aeteach.metrics import coverage
from aeteach.widgets import CoverageBalls
from aeteach.widgets.coverage_balls import GENERATORS, MOST, draw, expected_ideal_kl, valid_points
from aeteach.widgets.kit.inputs import StateError


def test_the_ideal_kl_is_the_binomial_mean() -> None:
    for n, m, a in ((48, 60, 1e-10), (48, 240, 1e-2), (5, 1, 1e-3)):
        c = torch.arange(m + 1)
        q = (c / m + a) / (1 + (n + 1) * a)
        exact = -(torch.tensor(binom(m, 1 / n).pmf(c)) * torch.log2(n * q.double())).sum()
        assert expected_ideal_kl(n, m, a) == pytest.approx(float(exact), rel=1e-6)
    assert math.isinf(expected_ideal_kl(48, 60, 0))
    runs = coverage.ideal_hit_kl(48, 60, smoothing=1e-3, seed=3)
    assert expected_ideal_kl(48, 60, 1e-3) == pytest.approx(runs, rel=0.1)


def test_the_points_are_what_their_generator_promises() -> None:
    points, held = valid_points()
    valid = {tuple(p) for p in points.tolist()}
    kept = {tuple(p) for p, out in zip(points.tolist(), held, strict=True) if not out}
    made = {name: {tuple(p) for p in draw(name).tolist()} for name in GENERATORS}
    assert (len(valid), len(kept)) == (48, 36)
    assert made["ideal"] == valid
    assert made["memoriser"] == kept
    assert made["collapsed"] == {tuple(p) for p in points[:16].tolist()}
    assert not made["noise"] & valid
    away = torch.pdist(torch.tensor(points))
    assert away.min() == 1 / 16


def test_python_refuses_what_it_cannot_show() -> None:
    assert repr(CoverageBalls()) == "CoverageBalls('blurred', 0.05, 60)"
    for bad in (
        {"generator": "none"},
        {"threshold": 0.0},
        {"threshold": math.nan},
        {"number": 0},
        {"number": MOST + 1},
        {"smoothing": 0},
        {"smoothing": -14},
        {"place": (0.5,)},
        {"place": (0.5, 1.1)},
    ):
        with pytest.raises(StateError, match="expected"):
            CoverageBalls(**bad)
