"""Checkers of *What is a generator worth?*: right in any form, and each likely mistake named."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.stats import binom, entropy

from aeteach import checks
from aeteach.checks import generator_worth as module
from aeteach.checks._exercise import secret_of
from aeteach.data import shapes
from aeteach.metrics import coverage

# ---------------------------------------------------------------- right answers, in any form


def by_marching(size, smallest, largest, kinds):
    found = set()
    for kind in range(kinds):
        for s in range(smallest, largest + 1):
            for y in range(size):
                for x in range(size):
                    if x + s <= size and y + s <= size:
                        found.add((kind, s, x, y))
    return len(found)


def by_pyramids(size, smallest, largest, kinds):
    def pyramid(n):
        return n * (n + 1) * (2 * n + 1) / 6

    return kinds * (pyramid(size - smallest + 1) - pyramid(size - largest))


@pytest.mark.parametrize("answer", [by_marching, by_pyramids])
def test_count_of_shapes(answer):
    assert checks.count_of_shapes(answer)
    assert answer(28, 7, 14, 3) == len(shapes().images)


def by_package(valid, generated, threshold):
    scale = 200  # the package takes grey values from 0 to 1
    a, b = (torch.as_tensor(v + 9).float()[:, None, None, :] / scale for v in (valid, generated))
    return coverage.coverage(a, b, threshold / scale)


@pytest.mark.parametrize(
    "answer",
    [
        lambda v, g, t: (torch.cdist(v, g).amin(1) < t).double().mean(),
        lambda v, g, t: np.mean(cKDTree(g).query(v)[0] < t),
        lambda v, g, t: np.mean([any(np.linalg.norm(a - b) < t for b in g) for a in v]),
        lambda v, g, t: ((v[:, None] - g) ** 2).sum(-1).min(-1)[0].lt(t**2).float().mean(),
    ],
    ids=["cdist", "a tree", "loops", "squares in torch"],
)
def test_coverage(answer):
    assert checks.coverage(answer)


def test_coverage_of_the_package():
    for valid, generated, threshold in secret_of(checks.coverage).task.inputs[:5]:
        # Only without the image at the threshold exactly, which a scale would round over it.
        kept = generated[:-1]
        expected = module._coverage(valid, kept, threshold)
        assert by_package(valid, kept, threshold) == pytest.approx(expected)


@pytest.mark.parametrize(
    "answer",
    [
        lambda c, m, a: coverage.hit_kl(torch.tensor(c), m, smoothing=a),
        lambda c, m, a: entropy(
            [1 / len(c)] * len(c) + [0], np.append(c, m - sum(c)) / m + a, base=2
        ),
        lambda c, m, a: (
            -math.log2(len(c)) - torch.log2((c / m + a) / (1 + (len(c) + 1) * a)).mean()
        ),
        lambda c, m, a: np.log2((1 + (c.size + 1) * a) / (c.size * (c / m + a))).sum() / c.size,
    ],
    ids=["the package", "scipy", "torch", "a ratio"],
)
def test_hit_count_kl(answer):
    assert checks.hit_count_kl(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n, m: math.exp(m * math.log1p(-1 / n)),
        lambda n, m: binom(m, 1 / n).pmf(0),
    ],
    ids=["logarithms", "scipy"],
)
def test_never_hit(answer):
    assert checks.never_hit(answer)


# ---------------------------------------------------------------- wrong answers, by name


def away(v, g):
    return np.sqrt(((v[:, None] - g) ** 2).sum(-1))


WRONG = [
    ("count_of_shapes", lambda n, a, b, k: k * sum((n - s) ** 2 for s in range(a, b + 1)), "place"),
    ("count_of_shapes", lambda n, a, b, k: k * sum(n - s + 1 for s in range(a, b + 1)), "one edge"),
    ("count_of_shapes", lambda n, a, b, k: k * sum((n - s + 1) ** 2 for s in range(a, b)), "range"),
    ("count_of_shapes", lambda n, a, b, k: by_marching(n, a, b, 1), "one kind"),
    ("coverage", lambda v, g, t: (away(v, g).min(0) < t).mean(), "wrong way round"),
    ("coverage", lambda v, g, t: (away(v, g).min(1) <= t).mean(), "at the threshold exactly"),
    ("coverage", lambda v, g, t: (away(v, g).min(1) ** 2 < t).mean(), "squared"),
    ("coverage", lambda v, g, t: (away(v, g) < t).mean(), "count pairs"),
    ("coverage", lambda v, g, t: away(v, g).min(1).mean(), "mean nearest distance"),
    ("coverage", lambda v, g, t: (away(v, g).min(1) < t).sum(), "number of covered"),
    ("hit_count_kl", lambda c, m, a: -np.log2(len(c) * (c / m + a)).mean(), "not normalised"),
    ("hit_count_kl", lambda c, m, a: module._reverse(c, m, a), "other direction"),
    ("hit_count_kl", lambda c, m, a: coverage.hit_kl(torch.tensor(c), smoothing=a), "misses"),
    ("hit_count_kl", lambda c, m, a: module._hit_kl(c, m, a) * math.log(2), "nats"),
    ("never_hit", lambda n, m: 1 - m / n, "drawn twice"),
    ("never_hit", lambda n, m: math.exp(-m / n), "many images"),
    ("never_hit", lambda n, m: 1 - math.exp(m * math.log(1 - 1 / n)), "at least once"),
    ("never_hit", lambda n, m: (1 - 1 / m) ** n, "exchanged"),
]


@pytest.mark.parametrize(("name", "answer", "part"), WRONG)
def test_a_mistake_is_named(name, answer, part):
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert part in verdict.hint


def test_no_smoothing_is_named_although_it_is_infinite():
    def plain(counts, generated, a):
        with np.errstate(divide="ignore"):
            return -np.log2(len(counts) * counts / generated).mean()

    assert "smoothing is missing" in checks.hit_count_kl(plain).hint
