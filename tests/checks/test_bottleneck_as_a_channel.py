"""Checkers of *The bottleneck as a channel*: right in any form, each likely mistake named."""

import math

import numpy as np
import pytest
import torch

from aeteach import channel, checks
from tests.checkers import assert_hint

LOG2 = math.log(2)

# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize(
    "answer",
    [
        channel.db_to_ratio,
        lambda db: math.exp(db * math.log(10) / 10),
        lambda db: torch.pow(torch.tensor(10.0, dtype=torch.float64), db / 10),
        lambda db: (10 ** (db / 20)) ** 2,
    ],
    ids=["the package", "exp", "torch", "an amplitude, squared"],
)
def test_decibels(answer):
    assert checks.decibels(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda z, db: channel.noise_variance(torch.tensor(z), channel.db_to_ratio(db)),
        lambda z, db: torch.var(z, 0).mean() / 10 ** (db / 10),  # N - 1
        lambda z, db: np.mean((z - z.mean(0)) ** 2) * 10 ** (-db / 10),
        lambda z, db: np.trace(np.cov(z.T)) / z.shape[1] / 10 ** (db / 10),
        lambda z, db: np.float32(np.var(z, axis=0).mean() / 10 ** (db / 10)),
    ],
    ids=["the package", "torch, N - 1", "centred squares", "trace", "float32"],
)
def test_noise_for_snr(answer):
    assert checks.noise_for_snr(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda s, v: channel.information_rate(torch.tensor(s), v),
        lambda s, v: 0.5 * torch.log2(1 + s / v).sum() if torch.is_tensor(s) else s.nothing,
        lambda s, v: np.log2(np.sqrt((s + v) / v)).sum(),
        lambda s, v: sum(math.log(1 + a / v) for a in s) / (2 * LOG2),
        lambda s, v: np.log2(np.prod(1 + s / v)) / 2,
    ],
    ids=["the package", "torch only", "roots", "a loop", "logarithm of the product"],
)
def test_information_rate(answer):
    assert checks.information_rate(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda z, v: (
            torch.logdet(torch.eye(z.shape[1]) + torch.cov(torch.tensor(z).T) / v) / math.log(4)
        ),
        lambda z, v: 0.5 * np.log2(1 + np.linalg.eigvalsh(np.cov(z.T)) / v).sum(),
        lambda z, v: 0.5 * np.log2(1 + np.linalg.svd(z - z.mean(0))[1] ** 2 / len(z) / v).sum(),
        lambda z, v: np.log2(np.linalg.det(np.eye(z.shape[1]) + np.cov(z.T) / v)) / 2,
    ],
    ids=["torch", "eigenvalues", "singular values", "det"],
)
def test_correlated_rate(answer):
    assert checks.correlated_rate(answer)


# ---------------------------------------------------------------- wrong answers, by name


def power(z):
    return z.var(0).mean()


def ratio(db):
    return 10 ** (db / 10)


def bits(m):
    return np.log2(np.linalg.det(m)) / 2


def eye(z):
    return np.eye(z.shape[1])


DECIBELS = [
    (lambda db: 10 ** (db / 20), "amplitudes"),
    (lambda db: np.exp(db / 10), "base e"),
    (lambda db: 2 ** (db / 10), "base 2"),
    (lambda db: 10**db, "tenth of a bel"),
    (lambda db: 1 / ratio(db), "sign is wrong"),
    (lambda db: 10 * np.log10(db), "other way"),
    (lambda db: db / 10, "divided only"),
    (lambda db: ratio(db) ** 2, "powers already"),
]
NOISE = [
    (lambda z, db: power(z) / db, "divide by the decibels"),
    (lambda z, db: power(z) / 10 ** (db / 20), "ratio of amplitudes"),
    (lambda z, db: np.sqrt(power(z) / ratio(db)), "standard deviation of the noise"),
    (lambda z, db: power(z) * ratio(db), "multiply by the ratio"),
    (lambda z, db: np.square(z).mean() / ratio(db), "mean square"),
    (lambda z, db: z.var() / ratio(db), "all numbers of the batch together"),
    (lambda z, db: z.var(axis=1).mean() / ratio(db), "wrong axis"),
    (lambda z, db: z.var(0).sum() / ratio(db), "summed the variances"),
    (lambda z, db: z.std(0, ddof=1).mean() / ratio(db), "standard deviations of the signal"),
    (lambda z, db: z.var(0) / ratio(db), "of each dimension"),
]
RATE = [
    (lambda s, v: np.log2((s + v) / v).sum(), "factor in front"),
    (lambda s, v: np.log(1 + s / v).sum() / 2, "These are nats"),
    (lambda s, v: np.log10(1 + s / v).sum() / 2, "wrong base"),
    (lambda s, v: np.log2(1 + s**0.5 / v**0.5).sum() / 2, "root of the ratio"),
    (lambda s, v: np.log2(1 + s**2 / v**2).sum() / 2, "squared the ratio"),
    (lambda s, v: np.log2(s / v).sum() / 2, "A term is missing"),
    (lambda s, v: np.log2(1 + s.sum() / v) / 2, "added the variances first"),
    (lambda s, v: np.prod(np.log2(1 + s / v) / 2), "multiplied the rates"),
    (lambda s, v: np.log2(1 + s / v).mean() / 2, "Mean in place of sum"),
    (lambda s, v: np.log2(1 + v / s).sum() / 2, "Noise over signal"),
    (lambda s, v: np.log2(1 + s / v) / 2, "Sum them"),
]
CORRELATED = [
    (lambda z, v: np.log2(1 + z.var(0) / v).sum() / 2, "counted twice"),
    (lambda z, v: bits(eye(z) + np.cov(z.T) / v) * LOG2, "These are nats"),
    (lambda z, v: 2 * bits(eye(z) + np.cov(z.T) / v), "factor in front"),
    (lambda z, v: bits(eye(z) + np.corrcoef(z.T) / v), "took correlations"),
    (lambda z, v: bits(np.cov(z.T, bias=True) / v), "identity is missing"),
    (lambda z, v: np.log2(1 + np.linalg.det(np.cov(z.T)) / v) / 2, "divided the determinant"),
    (lambda z, v: bits(eye(z) + (z[:, :, None] * z[:, None]).mean(0) / v), "without centring"),
    (lambda z, v: bits(eye(z) + np.cov(z.T) / v**0.5), "root of v"),
]
WRONG = [
    (check, *case)
    for check, cases in (
        (checks.decibels, DECIBELS),
        (checks.noise_for_snr, NOISE),
        (checks.information_rate, RATE),
        (checks.correlated_rate, CORRELATED),
    )
    for case in cases
]


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_each_mistake_is_recognised_by_its_own_hint(check, answer, hint):
    assert_hint(check(answer), hint)
