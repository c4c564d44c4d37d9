"""Checkers of *Can a machine read it?*: right in any form, and each likely mistake named."""

import math

import numpy as np
import pytest
import sklearn.metrics
import torch
from scipy import optimize
from torch.nn import functional

from aeteach import checks, models
from aeteach.checks._exercise import secret_of
from aeteach.divergences import cross_entropy
from aeteach.metrics import readability
from tests.checkers import assert_hint


def by_the_book(logits, labels):
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return sum(np.log(1 / p[i, k]) for i, k in enumerate(labels)) / len(labels)


def by_one_hot(logits, labels):
    q = torch.tensor(logits).float().softmax(1)  # (N, 10), in float32
    return cross_entropy(torch.eye(10)[torch.tensor(labels)], q).mean()


def with_sklearn(digits, labels):
    counts = sklearn.metrics.confusion_matrix(labels, digits, labels=range(10))
    return sklearn.metrics.accuracy_score(labels, digits), counts


def with_htr(digits, labels):
    counts = readability.confusion(digits, labels)
    return counts.diagonal().sum() / counts.sum(), counts


def in_a_loop(digits, labels):
    counts = [[0] * 10 for _ in range(10)]
    for read, written in zip(digits, labels, strict=True):
        counts[written][read] += 1
    return [sum(counts[k][k] for k in range(10)) / len(labels), counts]


def solved(k, n, t):
    """Solve |k/n - p| = t sqrt(p (1 - p) / n) numerically, to either side."""

    def gap(p):
        return (k / n - p) ** 2 - t * t * p * (1 - p) / n

    low = optimize.brentq(gap, 0, k / n - 1e-9, xtol=1e-14) if k > 0 else 0.0
    high = optimize.brentq(gap, k / n + 1e-9, 1, xtol=1e-14) if k < n else 1.0
    return np.array([low, high])


def by_roots(k, n, t):
    roots = np.roots([n + t * t, -(2 * k + t * t), k * k / n])
    return sorted(roots)


def by_interval(k, n, t):
    """Ask the package, with the confidence that belongs to t."""
    right = (torch.arange(n) < k)[None]
    return readability.interval(right, math.erf(t / math.sqrt(2)))


def in_torch(right):
    right = right.double()
    images, readers = right.mean(0), right.mean(1)
    return images.var() / len(images) + readers.var() / len(readers)


def with_covariances(right):
    r, n = right.shape
    return np.cov(right.mean(0)) / n + np.cov(right.mean(1)) / r


def mann_whitney(a, b):
    better, worse = (a, b) if a.mean() > b.mean() else (b, a)
    return (worse[:, None] > better[None, :]).mean()


RIGHT = [
    ("reader_parameters", 79_510),
    ("reader_parameters", torch.tensor(79_510)),
    ("reader_parameters", models.count_parameters(models.build("reader", size=28, hidden=100))),
    ("reader_cross_entropy", by_the_book),
    ("reader_cross_entropy", by_one_hot),
    ("reader_cross_entropy", lambda logits, y: functional.cross_entropy(logits, y)),
    ("reader_cross_entropy", lambda logits, y: functional.nll_loss(logits.log_softmax(1), y)),
    ("reader_cross_entropy", lambda logits, y: sklearn.metrics.log_loss(
        y, torch.tensor(logits).softmax(1).numpy(), labels=range(10))),
    ("accuracy_and_confusion", with_sklearn),
    ("accuracy_and_confusion", with_htr),
    ("accuracy_and_confusion", in_a_loop),
    ("wilson_interval", solved),
    ("wilson_interval", by_roots),
    ("wilson_interval", by_interval),
    ("judge_variance", in_torch),
    ("judge_variance", with_covariances),
    ("judge_variance", lambda right: torch.as_tensor(right).float().mean(0).var() / right.shape[1]
        + torch.as_tensor(right).float().mean(1).var() / right.shape[0]),
    ("wrong_winner", mann_whitney),
    ("wrong_winner", lambda a, b: (
        torch.sign(b[None] - a[:, None]) == torch.sign(a.mean() - b.mean())).float().mean()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = getattr(checks, name)(answer)
    assert verdict.passed, verdict.hint


def softmax(logits, axis=1):
    return np.exp(logits) / np.exp(logits).sum(axis, keepdims=True)


def once(digits, labels):
    counts = np.zeros((10, 10))
    counts[labels, digits] += 1
    return (digits == labels).mean(), counts


def wald(k, n, t):
    p = k / n
    error = math.sqrt(p * (1 - p) / n)
    return p - t * error, p + t * error


# Written as a student would, not copied from the checker's own list.
WRONG = [
    ("reader_parameters", 79_400, "adds biases"),
    ("reader_parameters", 78_500, "first layer"),
    ("reader_parameters", 1_010, "last layer"),
    ("reader_parameters", 79_500, "ten logits"),
    ("reader_parameters", 79_410, "hidden layer"),
    ("reader_parameters", 103_510, "28 by 28"),
    ("reader_parameters", 39_760, "50 hidden"),
    ("reader_parameters", 51_760, "of the chapter"),
    ("reader_parameters", lambda: 79_510, "expects a number"),
    ("reader_cross_entropy", lambda z, y: np.log(softmax(z)[range(len(y)), y]).mean(), "sign"),
    ("reader_cross_entropy", lambda z, y: -np.log2(softmax(z)[range(len(y)), y]).mean(), "base"),
    ("reader_cross_entropy", lambda z, y: -np.log(softmax(z)[range(len(y)), y]).sum(), "added up"),
    ("reader_cross_entropy", lambda z, y: (-np.eye(10)[y] * np.log(softmax(z))).mean(), "ten dig"),
    ("reader_cross_entropy", lambda z, y: (-np.eye(10)[y] * np.log(softmax(z))).sum(1), "missing"),
    ("reader_cross_entropy", lambda z, y: functional.nll_loss(z, y), "average logit"),
    ("reader_cross_entropy", lambda z, y: softmax(z)[range(len(y)), y].mean(), "probability of"),
    (
        "reader_cross_entropy",
        lambda z, y: torch.distributions.Categorical(logits=z).entropy().mean(),
        "own doubt",
    ),
    ("reader_cross_entropy", lambda z, y: -np.log(softmax(z, 0)[range(len(y)), y]).mean(), "over"),
    ("reader_cross_entropy", lambda z, y: -np.log(softmax(z).max(1)).mean(), "prefers"),
    (
        "reader_cross_entropy",
        lambda z, y: -np.log(softmax(z)[range(len(y)), y].mean()),
        "average probability. Each",
    ),
    (
        "accuracy_and_confusion",
        lambda d, y: ((d == y).mean(), sklearn.metrics.confusion_matrix(d, y, labels=range(10))),
        "on its side",
    ),
    (
        "accuracy_and_confusion",
        lambda d, y: ((d == y).mean(), sklearn.metrics.confusion_matrix(y, d)),
        "does not occur",
    ),
    (
        "accuracy_and_confusion",
        lambda d, y: (
            (d == y).mean(),
            sklearn.metrics.confusion_matrix(y, d, labels=range(10)) / len(y),
        ),
        "shares of all",
    ),
    ("accuracy_and_confusion", lambda d, y: (100 * with_sklearn(d, y)[0], with_sklearn(d, y)[1]),
     "per cent"),
    ("accuracy_and_confusion", lambda d, y: ((d == y).sum(), with_sklearn(d, y)[1]), "number of"),
    ("accuracy_and_confusion", lambda d, y: ((d != y).mean(), with_sklearn(d, y)[1]), "errors"),
    ("accuracy_and_confusion", once, "counted again"),
    ("accuracy_and_confusion", lambda d, y: with_sklearn(d, y)[1], "accuracy is missing"),
    ("wilson_interval", wald, "no width"),
    ("wilson_interval", lambda k, n, t: tuple(np.clip(wald(k, n, t), 0, 1)), "cut off"),
    ("wilson_interval", lambda k, n, t: wald(k + t * t / 2, n + t * t, t), "Agresti"),
    ("wilson_interval", lambda k, n, t: solved(k, n, t)[::-1], "swapped"),
    ("wilson_interval", lambda k, n, t: by_roots(n - k, n, t), "wrong answers"),
    ("wilson_interval", lambda k, n, t: tuple(solved(k, n, 1)), "you took one"),
    (
        "wilson_interval",
        lambda k, n, t: tuple(solved(k, n, t) * (1 + t * t / n)),
        "leading coefficient",
    ),
    (
        "wilson_interval",
        lambda k, n, t: tuple(solved(k, n, t) - solved(k, n, t).mean() + k / n),
        "one half",
    ),
    ("judge_variance", lambda m: m.mean(0).var(ddof=1) / m.shape[1], "images' part"),
    ("judge_variance", lambda m: m.mean(1).var(ddof=1) / m.shape[0], "readers' part"),
    ("judge_variance", lambda m: m.mean() * (1 - m.mean()) / m.size, "independent one"),
    ("judge_variance", lambda m: m.mean() * (1 - m.mean()) / m.shape[1], "one reader's variance"),
    (
        "judge_variance",
        lambda m: m.mean(0).var(ddof=1) / m.shape[0] + m.mean(1).var(ddof=1) / m.shape[1],
        "swapped",
    ),
    ("judge_variance", lambda m: m.mean(0).var(ddof=1) + m.mean(1).var(ddof=1), "single images"),
    (
        "judge_variance",
        lambda m: m.mean(0).var() / m.shape[1] + m.mean(1).var() / m.shape[0],
        "one free deviation fewer",
    ),
    ("judge_variance", lambda m: with_covariances(m) ** 0.5, "standard error"),
    ("wrong_winner", lambda a, b: np.mean([y > x for x in a for y in b]), "wins of b"),
    ("wrong_winner", lambda a, b: np.mean([x > y for x in a for y in b]), "wins of a"),
    (
        "wrong_winner",
        lambda a, b: ((b[None] > a[:, None]) == (a.mean() > b.mean())).mean(),
        "Two equal seeds",
    ),
    (
        "wrong_winner",
        lambda a, b: mann_whitney(a, b) + (a[:, None] == b).mean(),
        "Two equal seeds",
    ),
    ("wrong_winner", lambda a, b: ((a[:, None] > b) != (a.mean() > b.mean())).mean(), "equal"),
    ("wrong_winner", lambda a, b: min((a > b[:, None]).mean(), (a < b[:, None]).mean()), "smaller"),
    ("wrong_winner", lambda a, b: 1 - mann_whitney(a, b), "does not lose"),
    ("wrong_winner", lambda a, b: 100 * mann_whitney(a, b), "per cent"),
    ("wrong_winner", lambda a, b: mann_whitney(a, b) * len(a) * len(b), "number of pairs"),
    (
        "wrong_winner",
        lambda a, b: np.mean(
            [(x < y) == (a.mean() > b.mean()) for x, y in zip(a, b)]  # noqa: B905
        ),
        "Any seed of one",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_a_wrong_answer_is_told_its_mistake(name, answer, hint):
    assert_hint(getattr(checks, name)(answer), hint)


def test_the_scores_of_the_exercise_tell_the_mean_from_what_is_like_it():
    """Medians, best seeds and sums order some models otherwise; no two means are equal."""
    pairs = secret_of(checks.wrong_winner).task.inputs
    assert all(a.mean() != b.mean() for a, b in pairs)
    for other in (np.median, np.max, np.sum):
        assert any((a.mean() > b.mean()) != (other(a) > other(b)) for a, b in pairs)
    assert any(np.intersect1d(a, b).size for a, b in pairs)
