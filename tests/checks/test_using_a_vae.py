"""Checkers of *Using a VAE*: right in any form, and each likely mistake named."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from aeteach import checks
from aeteach.checks._exercise import secret_of
from aeteach.metrics import auroc

# ---------------------------------------------------------------- right answers


def assign(x, x_hat, missing):
    filled = x.copy()
    filled[:, missing] = x_hat[:, missing]
    return filled


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, x_hat, missing: torch.where(missing, x_hat, x),
        lambda x, x_hat, missing: x * (1 - missing) + x_hat * missing,
        lambda x, x_hat, missing: (~missing) * x + missing * x_hat,
        assign,
    ],
    ids=["torch", "a sum", "the other order", "an assignment"],
)
def test_keep_known_pixels(answer):
    assert checks.keep_known_pixels(answer)


def by_recursion(encode, decode, x, missing, iterations):
    if iterations == 0:
        return np.where(missing, 0.0, x)
    before = by_recursion(encode, decode, x, missing, iterations - 1)
    return np.where(missing, decode(encode(before)), x)


def with_torch(encode, decode, x, missing, iterations):
    filled = x.masked_fill(missing, 0)
    for _ in range(iterations):
        filled = torch.where(missing, decode(encode(filled)), filled)
    return filled


def in_place(encode, decode, x, missing, iterations):
    filled = np.array(x)
    filled[:, missing] = 0
    for _ in range(iterations):
        filled[:, missing] = decode(encode(filled))[:, missing]
    return filled


@pytest.mark.parametrize("answer", [by_recursion, with_torch, in_place])
def test_iterated_fill(answer):
    assert checks.iterated_fill(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, y: 10 * torch.log10(x.var(correction=0) / ((y - x) ** 2).mean()),
        lambda x, y: 20 * np.log10(np.std(x) / np.sqrt(np.mean((x - y) ** 2))),
        lambda x, y: 10 * (np.log10(x.var()) - np.log10(np.square(x - y).mean())),
        lambda x, y: np.float32(10 / math.log(10) * np.log(x.var() / ((x - y) ** 2).mean())),
    ],
    ids=["torch", "amplitudes", "a difference", "float32"],
)
def test_signal_to_noise(answer):
    assert checks.signal_to_noise(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda s, o: auroc.auroc(torch.tensor(s), torch.tensor(o)).value,
        lambda s, o: roc_auc_score([0] * len(s) + [1] * len(o), np.concatenate([s, o])),
        lambda s, o: mannwhitneyu(o, s).statistic / (len(s) * len(o)),
        lambda s, o: np.mean([(b > a) + (b == a) / 2 for a in s for b in o]),
        lambda s, o: (torch.sign(o[:, None] - s[None]).mean() + 1) / 2,
    ],
    ids=["the package", "scikit-learn", "scipy", "loops", "signs"],
)
def test_area_under_roc(answer):
    assert checks.area_under_roc(answer)


# ---------------------------------------------------------------- wrong answers, by name


def fixed(encode, decode, x, missing, iterations):
    start = np.where(missing, 0, x)
    for _ in range(iterations):
        filled = np.where(missing, decode(encode(start)), x)
    return filled


def drifting(encode, decode, x, missing, iterations):
    x = np.where(missing, 0, x)
    for _ in range(iterations):
        x = decode(encode(x))
    return x


def peeking(encode, decode, x, missing, iterations):
    for _ in range(iterations):
        x = np.where(missing, decode(encode(x)), x)
    return x


def reconstruction(encode, decode, x, missing, iterations):
    filled = np.where(missing, 0, x)
    for _ in range(iterations):
        x_hat = decode(encode(filled))
        filled = np.where(missing, x_hat, x)
    return x_hat


def early(encode, decode, x, missing, iterations):
    return by_recursion(encode, decode, x, missing, iterations - 1)


def late(encode, decode, x, missing, iterations):
    return by_recursion(encode, decode, x, missing, iterations + 1)


def at_the_end(encode, decode, x, missing, iterations):
    filled = np.where(missing, 0, x)
    for _ in range(iterations):
        filled = decode(encode(filled))
    return np.where(missing, filled, x)


WRONG = [
    ("keep_known_pixels", lambda x, h, m: h, "hole and all"),
    ("keep_known_pixels", lambda x, h, m: np.where(m, x, h), "exchanged"),
    ("keep_known_pixels", lambda x, h, m: x, "Nothing was filled in"),
    ("keep_known_pixels", lambda x, h, m: x + h * m, "add the reconstruction"),
    ("keep_known_pixels", lambda x, h, m: h * m, "known pixels are black"),
    ("keep_known_pixels", lambda x, h, m: np.where(m, (x + h) / 2, x), "average old and new"),
    ("iterated_fill", fixed, "once through"),
    ("iterated_fill", drifting, "known pixels drift"),
    ("iterated_fill", peeking, "what stood in the hole"),
    ("iterated_fill", reconstruction, "you return the reconstruction"),
    ("iterated_fill", early, "too few"),
    ("iterated_fill", late, "too many"),
    ("signal_to_noise", lambda x, y: 20 * np.log10(x.var() / ((x - y) ** 2).mean()), "amplitudes"),
    ("signal_to_noise", lambda x, y: x.var() / ((x - y) ** 2).mean(), "the ratio itself"),
    ("signal_to_noise", lambda x, y: 10 * np.log10(((x - y) ** 2).mean() / x.var()), "Upside down"),
    ("signal_to_noise", lambda x, y: 10 * np.log(x.var() / ((x - y) ** 2).mean()), "wrong base"),
    ("signal_to_noise", lambda x, y: 10 * np.log10(y.var() / ((x - y) ** 2).mean()), "noisy image"),
    ("signal_to_noise", lambda x, y: 10 * np.log10(x.var() / (x - y).var()), "variance of the no"),
    ("area_under_roc", lambda s, o: (o[:, None] > s).mean(), "counted as lost"),
    ("area_under_roc", lambda s, o: (o[:, None] >= s).mean(), "counted as won"),
    ("area_under_roc", lambda s, o: mannwhitneyu(o, s).statistic, "number of pairs"),
    ("area_under_roc", lambda s, o: roc_auc_score([1] * len(s) + [0] * len(o), [*s, *o]), "Upside"),
    ("iterated_fill", at_the_end, "at the end only"),
    ("signal_to_noise", lambda x, y: 10 * np.log10(x.var() / y.var()), "what was added"),
    (
        "signal_to_noise",
        lambda x, y: 10 * np.log10((x**2).mean() / ((x - y) ** 2).mean()),
        "bright",
    ),
    ("area_under_roc", lambda s, o: (s[:, None] > o).mean(), "inlier scores higher"),
]


@pytest.mark.parametrize(("name", "answer", "part"), WRONG)
def test_a_mistake_is_named(name, answer, part):
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert part in verdict.hint


def test_rounds_and_ties_are_few_enough_to_tell():
    """Each round of every model still changes what is filled in; some scores are equal."""
    solution, tasks = secret_of(checks.iterated_fill).solutions[0], secret_of(checks.iterated_fill)
    for encode, decode, x, missing, n in tasks.task.inputs:
        change = solution(encode, decode, x, missing, n + 1) - solution(
            encode, decode, x, missing, n
        )
        assert np.abs(change).max() > 1e-3
    assert any(np.intersect1d(s, o).size for s, o in secret_of(checks.area_under_roc).task.inputs)
