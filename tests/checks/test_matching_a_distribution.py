"""Checkers of *Matching a distribution without KL*: right in any form, each mistake named."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel as sklearn_rbf

from aeteach import channel, checks, mmd
from aeteach.checks._exercise import secret_of
from aeteach.losses import MmdLoss, squared_error
from aeteach.models.base import Output
from tests.checkers import assert_hint

# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize(
    "answer",
    [
        lambda a, b, h: sklearn_rbf(a, b, gamma=1 / (2 * h**2)),
        lambda a, b, h: torch.exp(-(torch.cdist(a, b) ** 2) / (2 * h**2)),
        lambda a, b, h: [[math.exp(-sum((p - q) ** 2) / 2 / h / h) for q in b] for p in a],
        lambda a, b, h: np.float32(np.exp(-((a[:, None] - b) ** 2).sum(2) / h**2 / 2)),
    ],
    ids=["scikit-learn", "torch.cdist", "lists", "float32"],
)
def test_kernel(answer):
    assert checks.rbf_kernel(answer)


def by_pairs(K_xx, K_yy, K_xy):
    def mean(K, skip):
        n, m = K.shape
        return np.mean([K[i, j] for i in range(n) for j in range(m) if not (skip and i == j)])

    return mean(K_xx, True) + mean(K_yy, True) - 2 * mean(K_xy, False)


def upper(K):
    return 2 * np.triu(K, 1).sum() / (len(K) * (len(K) - 1))


@pytest.mark.parametrize(
    "answer",
    [
        by_pairs,
        lambda K, L, C: upper(K) + upper(L) - 2 * C.mean(),
        lambda K, L, C: (
            K[~torch.eye(len(K), dtype=torch.bool)].mean()
            + L[~torch.eye(len(L), dtype=torch.bool)].mean()
            - 2 * C.mean()
        ),
    ],
    ids=["pairs", "upper triangles", "a mask in torch"],
)
def test_unbiased(answer):
    assert checks.unbiased_mmd(answer)


def test_the_unbiased_answer_is_what_the_package_estimates():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(5, 2)), rng.normal(0.5, 1.2, size=(4, 2))
    solution = secret_of(checks.unbiased_mmd).solutions[0]
    want = float(mmd.mmd(torch.tensor(a), torch.tensor(b), bandwidth=1.3))
    kernels = (sklearn_rbf(p, q, gamma=0.5 / 1.3**2) for p, q in ((a, a), (b, b), (a, b)))
    assert solution(*kernels) == pytest.approx(want, abs=1e-12)


def package_total(x_hat, x, mmd2, weight):
    """Sum from the package's squared error; the weight by pixels counted one by one."""
    x_hat, x = torch.as_tensor(x_hat), torch.as_tensor(x)
    pixels = sum(1 for _ in x[0].flatten())
    return squared_error(x_hat, x).mean() + weight * pixels * mmd2


@pytest.mark.parametrize(
    "answer",
    [
        package_total,
        lambda h, x, k, w: h[0].size * (((x - h) ** 2).mean() + w * k),
        lambda h, x, k, w: (
            ((x - h) ** 2).flatten(1).sum(1).mean() + x.shape[2] * x.shape[3] * w * k
        ),
    ],
    ids=["the package", "all times D", "torch"],
)
def test_total(answer):
    assert checks.mmd_total(answer)


def test_the_converted_weight_has_the_gradient_of_the_paper_s_loss():
    torch.manual_seed(0)
    x, z = torch.rand(8, 1, 4, 5), torch.randn(8, 2, requires_grad=True)

    def gradient(scale, weight):
        torch.manual_seed(1)  # the same prior draws
        x_hat = torch.sigmoid(z.sum(1))[:, None, None, None].expand_as(x)
        terms = MmdLoss(weight=weight)(Output(x_hat, z), x)
        return torch.autograd.grad(terms["loss"] / scale, z)[0]

    mean = gradient(20, 20 * 0.1)  # squared error averaged over 20 pixels + 0.1 MMD^2
    torch.testing.assert_close(20 * mean, gradient(1, 20 * 0.1))
    assert not torch.allclose(20 * mean, gradient(1, 0.1))


@pytest.mark.parametrize(
    "answer",
    [
        lambda v, s2, d: channel.information_rate(
            torch.full((d,), s2 - v), torch.full((d,), float(v))
        ),
        lambda v, s2, d: d * (np.log2(np.sqrt(s2)) - np.log2(np.sqrt(v))),
        lambda v, s2, d: torch.tensor(d / 2 * math.log(s2 / v) / math.log(2)),
    ],
    ids=["the channel", "standard deviations", "torch"],
)
def test_rate(answer):
    assert checks.matched_rate(answer)


# ---------------------------------------------------------------- wrong answers, by name


def sq(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(2)


def rbf(a, b, h):
    return np.exp(-sq(a, b) / (2 * h * h))


def off(K):
    return K[~np.eye(len(K), dtype=bool)]


def good(K, L, C):
    return off(K).mean() + off(L).mean() - 2 * C.mean()


def cross_without_diagonal(C):
    return C[np.arange(C.shape[0])[:, None] != np.arange(C.shape[1])].mean()


def squares(h, x):
    return ((x - h) ** 2).sum((1, 2, 3)).mean()


KERNEL = [
    (lambda a, b, h: np.exp(-np.linalg.norm(a[:, None] - b, axis=2) / (2 * h**2)), "distance is"),
    (lambda a, b, h: np.exp(-sq(a, b) / (2 * h)), "bandwidth is not"),
    (lambda a, b, h: np.exp(-sq(a, b) / h**2), "constant factor"),
    (lambda a, b, h: np.exp(-sq(a, b) / (4 * h * h)), "squared together"),
    (lambda a, b, h: np.exp(-np.sqrt(sq(a, b)) / (2 * h)), "Neither"),
    (lambda a, b, h: 1 / rbf(a, b, h), "minus sign"),
    (lambda a, b, h: np.exp(-((a[:, None] - b) ** 2).mean(2) / (2 * h * h)), "average over"),
    (lambda a, b, h: rbf(a, b, h) / (h * np.sqrt(2 * np.pi)), "normal density"),
    (lambda a, b, h: rbf(b, a, h), "transposed"),
    (lambda a, b, h: np.exp(-((a[:, None] - b) ** 2) / (2 * h * h)), "each dimension"),
]
UNBIASED = [
    (lambda K, L, C: K.mean() + L.mean() - 2 * C.mean(), "biased estimate"),
    (
        lambda K, L, C: off(K).sum() / K.size + off(L).sum() / L.size - 2 * C.mean(),
        "not out of the counts",
    ),
    (
        lambda K, L, C: K.sum() / off(K).size + L.sum() / off(L).size - 2 * C.mean(),
        "not out of the sums",
    ),
    (
        lambda K, L, C: (
            (K.sum() - len(K)) / off(K).size + (L.sum() - len(L)) / off(L).size - 2 * C.mean()
        ),
        "hold ones",
    ),
    (lambda K, L, C: off(K).mean() + off(L).mean() + 2 * C.mean(), "wrong sign"),
    (lambda K, L, C: off(K).mean() + off(L).mean() - C.mean(), "factor of the cross"),
    (
        lambda K, L, C: off(K).mean() + off(L).mean() - 2 * cross_without_diagonal(C),
        "out of K_xy too",
    ),
    (
        lambda K, L, C: (
            np.triu(K, 1).sum() / off(K).size + np.triu(L, 1).sum() / off(L).size - 2 * C.mean()
        ),
        "upper triangles",
    ),
    (lambda K, L, C: max(good(K, L, C), 0), "Nothing below 0"),
    (lambda K, L, C: max(good(K, L, C), 0) ** 0.5, "root"),
]
TOTAL = [
    (lambda h, x, k, w: squares(h, x) + w * k, "as it stands"),
    (lambda h, x, k, w: ((x - h) ** 2).mean() + w * k, "own loss"),
    (lambda h, x, k, w: ((x - h) ** 2).mean() + x[0].size * w * k, "still a mean"),
    (lambda h, x, k, w: squares(h, x) + w / x[0].size * k, "divided the weight"),
    (lambda h, x, k, w: squares(h, x) + w * x.size * k, "batch enters"),
    (lambda h, x, k, w: squares(h, x) + w * len(x) * k, "by the size of the batch"),
    (lambda h, x, k, w: len(x) * squares(h, x) + w * x[0].size * k, "summed over the batch"),
    (lambda h, x, k, w: squares(h, x) + w * x.shape[2] * k, "rows of an image"),
    (lambda h, x, k, w: squares(h, x) + w * x.shape[3] ** 2 * k, "not square"),
    (lambda h, x, k, w: squares(h, x) - w * x[0].size * k, "wrong sign"),
]
RATE = [
    (lambda v, s2, d: d / 2 * np.log2(1 + s2 / v), "signal alone"),
    (lambda v, s2, d: d / 2 * np.log(s2 / v), "in nats"),
    (lambda v, s2, d: d * np.log2(s2 / v), "Twice too much"),
    (lambda v, s2, d: np.log2(s2 / v) / 2, "one dimension"),
    (lambda v, s2, d: d / 2 * np.log2(v / s2), "exchanged"),
    (lambda v, s2, d: d / 2 * np.log2(1 / v), "prior's variance"),
    (lambda v, s2, d: np.log2(s2 * d / v) / 2, "inside the logarithm"),
    (lambda v, s2, d: d / 2 * np.log2(s2 / v - 1) if s2 > v else -np.inf, "not added again"),
]
WRONG = [
    (check, *case)
    for check, cases in (
        (checks.rbf_kernel, KERNEL),
        (checks.unbiased_mmd, UNBIASED),
        (checks.mmd_total, TOTAL),
        (checks.matched_rate, RATE),
    )
    for case in cases
]


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_each_mistake_is_recognised_by_its_own_hint(check, answer, hint):
    assert_hint(check(answer), hint)


def test_the_estimates_of_the_exercise_can_be_told_apart():
    """Some are below 0, else an answer that clips would pass."""
    task = secret_of(checks.unbiased_mmd).task
    assert {-1.0, 1.0} <= {np.sign(wants[0]) for wants in task.wants}
