"""Checkers of *Where to go from here*: right in any form, and each likely mistake named."""

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.diffusion import backward, forward
from aeteach.quantize import straight_through


def loop(x_0, v, t, eps):
    """Step by step; the noise of all steps together is eps again."""
    share, variance = 1.0, 0.0
    for step in v[:t]:
        share, variance = share * (1 - step) ** 0.5, (1 - step) * variance + step
    return share * x_0 + variance**0.5 * eps


@pytest.mark.parametrize(
    "answer",
    [
        loop,
        lambda x_0, v, t, eps: (
            np.sqrt(np.prod(1 - v[:t])) * x_0 + np.sqrt(1 - np.cumprod(1 - v)[t - 1]) * eps
        ),
        lambda x_0, v, t, eps: (
            torch.prod(1 - v[:t]).sqrt() * x_0 + (1 - torch.prod(1 - v[:t])).sqrt() * eps
        ).float(),
        lambda x_0, v, t, eps: (
            forward(torch.tensor(x_0), torch.tensor(1 - v[:t]).prod()).mean.numpy()
            + forward(torch.tensor(x_0), torch.tensor(1 - v[:t]).prod()).variance.sqrt().numpy()
            * eps
        ),
    ],
    ids=["a loop", "numpy", "torch, float32", "the package"],
)
def test_all_steps_at_once(answer):
    assert checks.noised(answer)


def by_precision(x_0, x_t, b, a):
    keep = a / b
    precision = keep / (1 - keep) + 1 / (1 - b)
    mean = (keep**0.5 * x_t / (1 - keep) + b**0.5 * x_0 / (1 - b)) / precision
    return mean, 1 / precision


@pytest.mark.parametrize(
    "answer",
    [
        by_precision,
        lambda *given: list(by_precision(*given)),
        lambda x_0, x_t, b, a: (by_precision(x_0, x_t, b, a)[0], np.full(
            x_0.shape, by_precision(x_0, x_t, b, a)[1])),
        lambda x_0, x_t, b, a: backward(
            *(torch.tensor(n, dtype=torch.float64) for n in (x_0, x_t, b, a))),
    ],
    ids=["precisions", "a list", "a variance for each", "the package"],
)  # fmt: skip
def test_one_step_back(answer):
    assert checks.way_back(answer)


@pytest.mark.parametrize(
    "answer",
    [
        straight_through,
        lambda z, e: z - (z - e).detach(),
        lambda z, e: e.detach() + z - z.detach(),
    ],
    ids=["the package", "other signs", "three terms"],
)
def test_straight_through(answer):
    assert checks.straight_through(answer)


@pytest.mark.parametrize(
    ("checker", "answer", "hint"),
    [
        (
            "noised",
            lambda x, v, t, e: np.sqrt(1 - v[t - 1]) * x + np.sqrt(v[t - 1]) * e,
            "one step",
        ),
        (
            "noised",
            lambda x, v, t, e: np.prod(1 - v[:t]) * x + (1 - np.prod(1 - v[:t])) * e,
            "roots",
        ),
        (
            "noised",
            lambda x, v, t, e: np.prod(1 - v[:t]) ** 0.5 * x + (1 - np.prod(1 - v[:t])) * e,
            "root before eps",
        ),
        (
            "noised",
            lambda x, v, t, e: (
                np.prod(1 - v[: t + 1]) ** 0.5 * x + (1 - np.prod(1 - v[: t + 1])) ** 0.5 * e
            ),
            "too many",
        ),
        (
            "noised",
            lambda x, v, t, e: (1 - v[:t].sum()) ** 0.5 * x + v[:t].sum() ** 0.5 * e,
            "added the v",
        ),
        (
            "noised",
            lambda x, v, t, e: np.prod(1 - v[:t]) ** 0.5 * e + (1 - np.prod(1 - v[:t])) ** 0.5 * x,
            "exchanged",
        ),
        ("noised", 3, "itself"),
        ("way_back", lambda x, y, b, a: (by_precision(x, y, b, a)[0], 1 - a / b), "step forward"),
        ("way_back", lambda x, y, b, a: (by_precision(x, y, b, a)[0], 1 - b), "x_t is known"),
        (
            "way_back",
            lambda x, y, b, a: (by_precision(x, y, b, a)[0], 1 / by_precision(x, y, b, a)[1]),
            "precisions",
        ),
        (
            "way_back",
            lambda x, y, b, a: (y / (a / b) ** 0.5, by_precision(x, y, b, a)[1]),
            "without",
        ),
        ("way_back", lambda x, y, b, a: by_precision(y, x, b, a), "exchanged"),
        ("way_back", lambda x, y, b, a: by_precision(x, y, b, a)[0], "that is not wanted"),
        ("straight_through", lambda z, e: e, "no gradient"),
        ("straight_through", lambda z, e: z + (e - z), "no gradient"),
        ("straight_through", lambda z, e: e.detach(), "nobody"),
        ("straight_through", lambda z, e: z + e - z.detach(), "reaches e"),
        ("straight_through", lambda z, e: e + (z - e).detach(), "Upside down"),
        ("straight_through", lambda z, e: z + (z - z).detach(), "any number of bits"),
        ("straight_through", lambda z, e: z + e.detach(), "Both are added"),
        ("straight_through", lambda z, e: 2 * e.detach() - (z + (e - z).detach()), "wrong sign"),
        ("straight_through", lambda z, e: e.detach().numpy(), "without NumPy"),
        ("straight_through", torch.zeros(3), "itself"),
    ],
)  # fmt: skip
def test_wrong_answers_are_named(checker, answer, hint):
    verdict = getattr(checks, checker)(answer)
    assert not verdict
    assert hint in verdict.hint


def test_an_answer_that_overwrites_its_argument_is_refused():
    def in_place(z, e):
        z.data.copy_(e)
        return z

    assert "z holds other numbers afterwards" in checks.straight_through(in_place).hint
