"""Each checker of *The reparameterization trick*: right answers in several forms, wrong ones."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from aeteach import checks, gradients
from aeteach.checks._exercise import secret_of
from aeteach.widgets.stochastic_node import both_ways
from tests.checkers import assert_not_yet, assert_right


def sample_in_torch(mu, log_var, eps):
    return torch.addcmul(mu, torch.sqrt(torch.exp(log_var)), eps)


def sample_in_loops(mu, log_var, eps):
    return [
        [m + math.exp(v) ** 0.5 * e for m, v, e in zip(*rows, strict=True)]
        for rows in zip(mu, log_var, eps, strict=True)
    ]


def path_by_autograd(slope, mu, log_var, eps):
    v = torch.full((len(eps),), log_var, dtype=torch.float64, requires_grad=True)
    z = mu + torch.exp(v / 2) * torch.as_tensor(eps)
    (gradient,) = torch.autograd.grad((z**3 - z).sum(), v)  # the function whose slope is given
    return gradient


def score_by_torch(f, mu, log_var, eps):
    mean = torch.full((len(eps),), mu, dtype=torch.float64, requires_grad=True)
    sigma = math.exp(log_var / 2)
    z = mu + sigma * torch.as_tensor(eps)
    (score,) = torch.autograd.grad(Normal(mean, sigma).log_prob(z).sum(), mean)
    return f(z) * score


def score_by_package(f, mu, log_var, eps):
    one = torch.tensor([mu, log_var], dtype=torch.float64)
    noise = torch.as_tensor(eps)[:, None]
    return gradients.score_function(lambda z: f(z).sum(-1), one[:1], one[1:], noise).mu[:, 0]


RIGHT: list[tuple[Callable[..., Any], str, Any]] = [
    (checks.reparameterize, "numpy", lambda m, v, e: m + np.exp(v / 2) * e),
    (checks.reparameterize, "root of the variance", lambda m, v, e: m + np.sqrt(np.exp(v)) * e),
    (checks.reparameterize, "torch alone", sample_in_torch),
    (checks.reparameterize, "the package", gradients.reparameterize),
    (checks.reparameterize, "loops", sample_in_loops),
    (
        checks.reparameterize,
        "float32",
        lambda m, v, e: (
            torch.tensor(m) + torch.tensor(v).mul(0.5).exp() * torch.tensor(e)
        ).float(),
    ),
    (
        checks.pathwise_gradient,
        "numpy",
        lambda f, m, v, e: f(m + np.exp(v / 2) * e) * np.exp(v / 2) * e / 2,
    ),
    (
        checks.pathwise_gradient,
        "half of z - mu",
        lambda f, m, v, e: 0.5 * (np.exp(v / 2) * e) * f(m + np.exp(0.5 * v) * e),
    ),
    (checks.pathwise_gradient, "autograd", path_by_autograd),
    (
        checks.score_gradient,
        "numpy",
        lambda f, m, v, e: f(m + np.exp(v / 2) * e) / np.exp(v / 2) * e,
    ),
    (checks.score_gradient, "log_prob", score_by_torch),
    (checks.score_gradient, "the package", score_by_package),
    (checks.graph_gradients, "tuple", (24, -24, -12)),
    (checks.graph_gradients, "tensor", torch.tensor([24.0, -24.0, -12.0])),
    (checks.graph_gradients, "list", [24, -24.0, -12]),
    (checks.baseline, "int", 37),
    (checks.baseline, "tensor", torch.tensor(37.0)),
    (checks.baseline, "the package", gradients.best_baseline(5.0, 2.0)),
]


@pytest.mark.parametrize(
    ("checker", "answer"),
    [(c, a) for c, _, a in RIGHT],
    ids=[f"{c.name}: {name}" for c, name, _ in RIGHT],
)
def test_a_right_answer_passes_in_any_form(checker, answer):
    assert_right(checker(answer))


def seeded(mu, log_var, eps):
    rng = np.random.default_rng(0)
    return mu + np.exp(log_var / 2) * rng.normal(size=mu.shape)


def own_noise(mu, log_var, eps, rng=np.random.default_rng(1)):  # noqa: B008 - shared on purpose
    return mu + np.exp(log_var / 2) * rng.normal(size=mu.shape)


def z(m, v, e):
    return m + np.exp(v / 2) * e


WRONG: list[tuple[Callable[..., Any], Any, str]] = [
    (checks.reparameterize, lambda m, v, e: m + np.exp(v) * e, "It is the variance"),
    (checks.reparameterize, lambda m, v, e: m + torch.exp(v) * e, "It is the variance"),
    (checks.reparameterize, lambda m, v, e: m + np.sqrt(np.exp(v / 2)) * e, "square root too many"),
    (checks.reparameterize, lambda m, v, e: m + v * e, "log_var itself"),
    (checks.reparameterize, lambda m, v, e: m, "returns the mean"),
    (checks.reparameterize, lambda m, v, e: m + np.exp(v / 2), "sigma is added"),
    (checks.reparameterize, lambda m, v, e: m + np.exp(v / 2) * e[0], "that of the first row"),
    (checks.reparameterize, lambda m, v, e: m - np.exp(v / 2) * e, "noise is subtracted"),
    (checks.reparameterize, seeded, "makes no use of eps"),
    (checks.reparameterize, own_noise, "draws noise of its own"),
    (
        checks.reparameterize,
        lambda m, v, e: z(m, v, e).sum(1),
        "a sum too many|shape",
    ),
    (checks.pathwise_gradient, lambda f, m, v, e: f(z(m, v, e)) * e, "gradient by sigma"),
    (checks.pathwise_gradient, lambda f, m, v, e: f(z(m, v, e)), "gradient by mu"),
    (
        checks.pathwise_gradient,
        lambda f, m, v, e: f(z(m, v, e)) * (z(m, v, e) - m),
        "one half is missing",
    ),
    (checks.pathwise_gradient, lambda f, m, v, e: (z(m, v, e) - m) / 2, "slope of f is missing"),
    (checks.score_gradient, lambda f, m, v, e: e / np.exp(v / 2), "f is missing"),
    (checks.score_gradient, lambda f, m, v, e: f(z(m, v, e)), "score is missing"),
    (
        checks.score_gradient,
        lambda f, m, v, e: -f(z(m, v, e)) * (z(m, v, e) - m) / np.exp(v),
        "wrong sign",
    ),
    (checks.score_gradient, lambda f, m, v, e: f(z(m, v, e)) * e / np.exp(v), "by the variance"),
    (
        checks.score_gradient,
        lambda f, m, v, e: np.mean(f(z(m, v, e)) * e / np.exp(v / 2)),
        "You averaged",
    ),
    (checks.graph_gradients, (24, -24, 96), "sigma depends on w1"),
    (checks.graph_gradients, torch.tensor([24.0, -24.0, -108.0]), "mu depends on w1"),
    (checks.graph_gradients, (24, 24, 204), "sign of eps"),
    (checks.graph_gradients, (-24, 24, 12), "sign is turned round"),
    (checks.graph_gradients, (24, -24), "expects 3 numbers; it got 2"),
    (checks.baseline, 29, "the mean of f"),
    (checks.baseline, 31.0, "not squared"),
    (checks.baseline, 12, "between mu and a is missing"),
    (checks.baseline, lambda: 37, "expects a number"),
]


@pytest.mark.parametrize(
    ("checker", "answer", "hint"), WRONG, ids=[f"{c.name}: {h}" for c, _, h in WRONG]
)
def test_a_wrong_answer_is_told_its_mistake(checker, answer, hint):
    assert_not_yet(checker(answer), hint)


def test_the_right_numbers_come_from_elsewhere():
    found = both_ways(3, 2, 8, 9, -1, -10)
    assert secret_of(checks.graph_gradients)[0] == pytest.approx(
        [found.d_w_mu, found.d_w_sigma, found.d_w1]
    )
    assert float(gradients.best_baseline(6 - 1, 2)) == secret_of(checks.baseline)[0]
