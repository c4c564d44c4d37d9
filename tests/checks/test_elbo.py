"""Checkers of *The ELBO*: right in any form, and each likely mistake named."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from aeteach import checks
from aeteach.checks._exercise import secret_of
from aeteach.losses import bernoulli_nll, gaussian_nll


def sigmoid(v):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-v))


def quietly(answer):
    """A naive answer warns of its overflow; the reader sees that too, the test need not."""

    def wrapped(*arguments):
        with np.errstate(all="ignore"):
            return answer(*arguments)

    return wrapped


# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize(
    "answer",
    [
        lambda e, f, k: e - (f - k),
        lambda e, f, k: k - f + e,
        lambda e, f, k: [float(a - b + c) for a, b, c in zip(e, f, k, strict=True)],
        lambda e, f, k: torch.tensor(e) - torch.tensor(f) + torch.tensor(k),
        lambda e, f, k: (e.double() - f + k).float(),
    ],
    ids=["numpy", "other order", "a list", "torch", "written for tensors, float32"],
)
def test_the_gap(answer):
    assert checks.elbo_gap(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda ll, mu, lv: ll.mean(1) - 0.5 * (np.exp(lv) + mu**2 - 1 - lv).sum(1),
        lambda ll, mu, lv: (
            ll.sum(1) / ll.shape[1] + 0.5 * (1 + lv - mu**2 - np.exp(lv)).sum(axis=-1)
        ),
        lambda ll, mu, lv: (
            ll.mean(dim=-1)
            - kl_divergence(
                Independent(Normal(mu, (lv / 2).exp()), 1),
                Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1),
            )
        ),
        lambda ll, mu, lv: (ll - 0.5 * (np.exp(lv) + mu**2 - 1 - lv).sum(1, keepdims=True)).mean(1),
    ],
    ids=["numpy", "the sign inside", "torch.distributions", "KL before the mean"],
)
def test_the_elbo_from_draws(answer):
    assert checks.elbo_from_draws(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x_hat, x, c: gaussian_nll(torch.tensor(x_hat), torch.tensor(x), c),
        lambda x_hat, x, c: (
            -Normal(torch.tensor(x_hat), math.sqrt(c)).log_prob(torch.tensor(x)).sum(1)
        ),
        lambda x_hat, x, c: (
            ((x - x_hat) ** 2).mean(1) * x.shape[1] / 2 / c
            + x.shape[1] * (math.log(2 * math.pi) + math.log(c)) / 2
        ),
    ],
    ids=["the package", "torch.distributions", "mean times D"],
)
def test_gaussian_pixels(answer):
    assert checks.gaussian_nll(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda logits, x: bernoulli_nll(torch.tensor(logits), torch.tensor(x)),
        lambda logits, x: F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1),
        lambda logits, x: (np.logaddexp(0, logits) - x * logits).sum(1),
        lambda logits, x: (
            -x * F.logsigmoid(logits) - (1 - x) * F.logsigmoid(-logits)
        ).float().sum(-1),
        lambda logits, x: -Bernoulli(logits=logits).log_prob(x).sum(1),
        lambda logits, x: np.where(
            x == 1, np.logaddexp(0, -logits), np.logaddexp(0, logits)
        ).sum(1),
        lambda logits, x: np.einsum("nd->n", np.maximum(logits, 0) - x * logits
                                    + np.log1p(np.exp(-np.abs(logits)))),
    ],
    ids=["the package", "torch", "one softplus", "logsigmoid, float32",
         "torch.distributions", "black or white", "by hand"],
)  # fmt: skip
def test_black_and_white_pixels(answer):
    assert checks.bernoulli_nll(answer)


def test_torch_agrees_that_this_is_a_likelihood_of_binary_pixels():
    logits, x = torch.randn(3, 6, dtype=torch.float64), torch.randint(0, 2, (3, 6)).double()
    bernoulli = secret_of(secret_of(checks.bernoulli_nll)[0]).solutions[0]
    right = bernoulli(logits.numpy(), x.numpy())
    assert right == pytest.approx(-Bernoulli(logits=logits).log_prob(x).sum(1).numpy())


@pytest.mark.parametrize(
    "answer",
    [
        lambda beta, D, d, p, q: beta * {"sum": 1, "mean": D}[p] / {"sum": 1, "mean": d}[q],
        lambda beta, D, d, p, q: torch.tensor(beta) * (D ** (p == "mean")) / (d ** (q == "mean")),
    ],
    ids=["a table", "torch and powers"],
)
def test_the_beta_in_force(answer):
    assert checks.effective_beta(answer)


# ---------------------------------------------------------------- wrong answers, by name


def kl(mu, lv):
    return 0.5 * (np.exp(lv) + mu**2 - 1 - lv)


def bce(logits, x):
    return (np.logaddexp(0, logits) - x * logits).sum(1)


def nll(x_hat, x, c):
    return ((x - x_hat) ** 2).sum(1) / (2 * c) + x.shape[1] / 2 * np.log(2 * np.pi * c)


GAP = [
    (lambda e, f, k: k, "KL to the prior"),
    (lambda e, f, k: (f - k) - e, "wrong sign"),
    (lambda e, f, k: e - f - k, "adds the KL to the prior"),
    (lambda e, f, k: e - f, "reconstruction term alone"),
    (lambda e, f, k: f - k, "This is the ELBO itself"),
    (lambda e, f, k: e + f - k, "A gap is a difference"),
]
DRAWS = [
    (lambda ll, m, v: ll.mean(1) + kl(m, v).sum(1), "The KL is added"),
    (
        lambda ll, m, v: ll.mean(1) - 0.5 * (1 + v - m**2 - np.exp(v)).sum(1),
        "the sign of every term inside it",
    ),
    (lambda ll, m, v: kl(m, v).sum(1) - ll.mean(1), "minus the ELBO"),
    (lambda ll, m, v: ll.mean(1), "KL to the prior is missing"),
    (lambda ll, m, v: ll.sum(1) - kl(m, v).sum(1), "summed over the draws"),
    (lambda ll, m, v: ll.mean(1) - kl(m, v).mean(1), "Mean in place of sum"),
    (
        lambda ll, m, v: ll.mean(1) - 0.5 * (np.exp(v / 2) + m**2 - 1 - v).sum(1),
        "sigma where sigma squared belongs",
    ),
    (
        lambda ll, m, v: ll.mean(1) - 0.5 * (np.exp(v) ** 2 + m**2 - 1 - 2 * v).sum(1),
        "logarithm of sigma",
    ),
    (lambda ll, m, v: ll.mean(1) - 2 * kl(m, v).sum(1), "factor 1/2"),
    (lambda ll, m, v: np.log(np.exp(ll).mean(1)) - kl(m, v).sum(1), "Jensen"),
    (lambda ll, m, v: (ll.mean(1) - kl(m, v).sum(1)).mean(), "averaged over the images"),
]
GAUSSIAN = [
    (lambda h, x, c: ((x - h) ** 2).sum(1), "squared error alone"),
    (
        lambda h, x, c: ((x - h) ** 2).sum(1) + x.shape[1] / 2 * np.log(2 * np.pi * c),
        "not divided by what",
    ),
    (
        lambda h, x, c: ((x - h) ** 2).sum(1) / c + x.shape[1] / 2 * np.log(2 * np.pi * c),
        "divide the squared error by c",
    ),
    (lambda h, x, c: ((x - h) ** 2).sum(1) / (2 * c), "is missing. It does not move"),
    (
        lambda h, x, c: ((x - h) ** 2).sum(1) / (2 * c) + np.log(2 * np.pi * c) / 2,
        "Every pixel brings one",
    ),
    (
        lambda h, x, c: ((x - h) ** 2).sum(1) / (2 * c) + x.shape[1] / 2 * np.log(2 * np.pi),
        "variance is missing inside",
    ),
    (lambda h, x, c: nll(h, x, c) / x.shape[1], "Mean in place of sum"),
    (
        lambda h, x, c: (
            ((x - h) ** 2).sum(1) / (2 * c**2) + x.shape[1] * np.log(2 * np.pi * c**2) / 2
        ),
        "It is the variance already",
    ),
    (lambda h, x, c: -nll(h, x, c), "This is the log-likelihood"),
    (lambda h, x, c: nll(h, x, c).mean(), "averaged over the images"),
]
BERNOULLI = [
    (lambda v, x: -bce(v, x), "a minus stands before the sum"),
    (lambda v, x: bce(v, x) / x.shape[1], "Mean in place of sum"),
    (lambda v, x: bce(sigmoid(v), x), "sigmoid is applied twice"),
    (
        lambda v, x: F.binary_cross_entropy_with_logits(
            torch.sigmoid(torch.tensor(v)), torch.tensor(x), reduction="none"
        ).sum(1),
        "sigmoid is applied twice",
    ),
    (lambda v, x: bce(-v, x), "Black and white are exchanged"),
    (lambda v, x: (x * np.logaddexp(0, -v)).sum(1), "Only ink is charged for"),
    (
        quietly(lambda v, x: (x * np.log(1 + np.exp(-v)) + (1 - x) * np.log(1 + np.exp(v))).sum(1)),
        "not in floats",
    ),
    (
        quietly(lambda v, x: -(x * np.log(sigmoid(v)) + (1 - x) * np.log(1 - sigmoid(v))).sum(1)),
        "not in floats",
    ),
    (lambda v, x: ((x - sigmoid(v)) ** 2).sum(1), "squared error of the probabilities"),
    (lambda v, x: bce(v, x) / np.log(2), "These are bits"),
    (lambda v, x: bce(v, x).mean(), "averaged over the images"),
]
BETA = [
    (lambda b, D, d, p, q: b, "the beta that was written down"),
    (
        lambda b, D, d, p, q: b / (D if p == "mean" else 1) * (d if q == "mean" else 1),
        "Upside down",
    ),
    (lambda b, D, d, p, q: b * D if p == "mean" else b, "the pixels only"),
    (lambda b, D, d, p, q: b / d if q == "mean" else b, "the latent dimensions only"),
    (
        lambda b, D, d, p, q: b * (d if p == "mean" else 1) / (D if q == "mean" else 1),
        "D and d are exchanged",
    ),
    (
        lambda b, D, d, p, q: b * (D if p == "mean" else 1) * (d if q == "mean" else 1),
        "push the same way",
    ),
    (
        lambda b, D, d, p, q: b * (D if p == "mean" else 1) / (d if q == "mean" else 1) / 2,
        "This is the variance c",
    ),
]
CASES = [
    *((checks.elbo_gap, *case) for case in GAP),
    *((checks.elbo_from_draws, *case) for case in DRAWS),
    *((checks.gaussian_nll, *case) for case in GAUSSIAN),
    *((checks.bernoulli_nll, *case) for case in BERNOULLI),
    *((checks.effective_beta, *case) for case in BETA),
]


@pytest.mark.parametrize(("checker", "answer", "hint"), CASES)
def test_a_mistake_is_named(checker, answer, hint):
    verdict = checker(answer)
    assert not verdict
    assert hint in verdict.hint


def test_an_average_along_the_batch_is_not_taken_for_a_function_of_one_image():
    def along_the_batch(ll, mu, lv):
        kl = 0.5 * (mu**2 + np.exp(lv) - 1 - lv).sum(0)
        return ll.mean(0) - kl

    def of_one_image(ll, mu, lv):
        kl = sum(
            0.5 * (float(m) ** 2 + math.exp(v) - 1 - float(v)) for m, v in zip(mu, lv, strict=True)
        )
        return sum(float(one) for one in ll) / len(ll) - kl

    assert checks.elbo_from_draws(of_one_image)
    assert not checks.elbo_from_draws(along_the_batch)
