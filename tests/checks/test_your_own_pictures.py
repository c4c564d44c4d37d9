"""Checkers of *Your own pictures*: right in any form, and each likely mistake named."""

import numpy as np
import pytest
import torch

from aeteach import checks


@pytest.mark.parametrize(
    "answer",
    [
        lambda h, w: ((h - min(h, w)) // 2, (w - min(h, w)) // 2, min(h, w)),
        lambda h, w: (max(0, h - w) // 2, max(0, w - h) // 2, min(h, w)),
        lambda h, w: [int((h - min(h, w)) / 2), int((w - min(h, w)) / 2), min(h, w)],
    ],
    ids=["by the side", "by the difference", "a list"],
)
def test_the_square_in_the_middle(answer):
    assert checks.middle_square(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda h, w: (0, 0, min(h, w)), "upper left corner"),
        (lambda h, w: ((h - max(h, w)) // 2, (w - max(h, w)) // 2, max(h, w)), "leaves the"),
        (lambda h, w: ((w - min(h, w)) // 2, (h - min(h, w)) // 2, min(h, w)), "changed places"),
        (lambda h, w: (h // 2, w // 2, min(h, w)), "middle of the square"),
        (lambda h, w: (h - min(h, w), w - min(h, w), min(h, w)), "half of it"),
    ],
)
def test_a_wrong_square_is_named(answer, hint):
    verdict = checks.middle_square(answer)
    assert not verdict
    assert hint in verdict.hint


def test_a_result_with_an_empty_part_gets_a_verdict():
    assert not checks.middle_square(lambda h, w: ((), h, w))


def test_the_price_of_colour_is_what_torch_counts():
    model = torch.nn.ModuleList([torch.nn.Linear(768, 256)])
    model.extend(torch.nn.Linear(256, 8) for _ in range(2))
    right = sum(p.numel() for p in model.parameters())
    assert checks.colour_parameters(right)
    assert checks.colour_parameters(float(right))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (257 * 256 + 2 * 257 * 8, "three numbers"),
        (769 * 256 + 257 * 8, "one head"),
        (769 * 256, "heads are missing"),
        (768 * 256 + 2 * 256 * 8, "bias"),
        (3 * 257 * 256 + 2 * 257 * 8, "once for each colour"),
    ],
)
def test_a_wrong_count_is_named(answer, hint):
    verdict = checks.colour_parameters(answer)
    assert not verdict
    assert hint in verdict.hint


def nearest(a, b):
    return torch.cdist(torch.as_tensor(a), torch.as_tensor(b)).min(1).values


def by_torch(held_out, known, drawn):
    return (nearest(held_out, drawn) < np.median(nearest(held_out, known))).double().mean()


def by_loops(held_out, known, drawn):
    def least(x, among):
        return min(float(((x - y) ** 2).sum() ** 0.5) for y in among)

    near = np.median([least(x, known) for x in held_out])
    return sum(least(x, drawn) < near for x in held_out) / len(held_out)


@pytest.mark.parametrize("answer", [by_torch, by_loops])
def test_coverage_with_a_threshold_of_its_own(answer):
    assert checks.own_coverage(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, k, d: (nearest(d, x) < np.median(nearest(x, k))).double().mean(), "validity"),
        (lambda x, k, d: (nearest(x, d) < nearest(x, k).mean()).double().mean(), "mean distance"),
        (
            lambda x, k, d: (nearest(x, d) < np.median(nearest(x, d))).double().mean(),
            "the same distances",
        ),
        (
            lambda x, k, d: (nearest(x, k) < np.median(nearest(x, k))).double().mean(),
            "the same distances",
        ),
        (
            lambda x, k, d: (nearest(x, d) < np.median(nearest(k, x))).double().mean(),
            "asked of the held-out ones",
        ),
        (lambda x, k, d: 1 - by_torch(x, k, d), "*not* covered"),
    ],
)
def test_a_wrong_coverage_is_named(answer, hint):
    verdict = checks.own_coverage(answer)
    assert not verdict
    assert hint in verdict.hint


def test_the_package_measures_the_same():
    """The chapter says that the exercise is what the scorecard does."""
    from aeteach.metrics import coverage

    g = torch.Generator().manual_seed(0)
    x, known, drawn = (torch.rand(n, 3, 4, 4, generator=g) for n in (21, 40, 40))
    near = coverage.nearest(x, known).distance.median().item()
    flat = [v.flatten(1).double() for v in (x, known, drawn)]
    assert coverage.coverage(x, drawn, near) == pytest.approx(by_loops(*flat))
