"""Each checker of *A variational autoencoder*: right answers in several forms, wrong ones."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Independent, MixtureSameFamily, Normal, kl_divergence
from torch.distributions.categorical import Categorical

from aeteach import checks
from aeteach.losses import Elbo
from aeteach.models import Output
from tests.checkers import assert_not_yet, assert_right


def tensors(*values):
    return [torch.as_tensor(v) for v in values]


def loss_by_distributions(x, x_hat, mu, log_var, beta):
    x, x_hat, mu, log_var = tensors(x, x_hat, mu, log_var)
    q = Independent(Normal(mu, (log_var / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    return F.mse_loss(x_hat, x) * x.shape[1] + beta * kl_divergence(q, prior).mean()


def loss_by_package(x, x_hat, mu, log_var, beta):
    x, x_hat, mu, log_var = tensors(x, x_hat, mu, log_var)
    output = Output(x_hat=x_hat, z=mu, mu=mu, log_var=log_var)
    return Elbo("squared_error", beta=beta)(output, x)["loss"]


def loss_in_loops(x, x_hat, mu, log_var, beta):
    total = 0.0
    for n in range(len(x)):
        total += sum((a - b) ** 2 for a, b in zip(x[n], x_hat[n], strict=True))
        total += beta * sum(
            (m * m + math.exp(v) - 1 - v) / 2 for m, v in zip(mu[n], log_var[n], strict=True)
        )
    return total / len(x)


def loss_in_float32(*arguments):
    *arrays, beta = arguments
    return loss_by_distributions(*(torch.as_tensor(a).float() for a in arrays), beta)


def nats_by_density(S, K, beta, D):
    """From a density itself: all of the error in one pixel, none in the others."""
    pixel = Normal(0.0, math.sqrt(beta / 2))
    one = pixel.log_prob(torch.as_tensor(S).sqrt())
    return K - one.numpy() - (D - 1) * float(pixel.log_prob(torch.tensor(0.0).double()))


def variance_by_mixture(mu, log_var):
    mu, sigma = torch.as_tensor(mu).T, (torch.as_tensor(log_var).T / 2).exp()  # (d, N)
    return MixtureSameFamily(Categorical(torch.ones_like(mu)), Normal(mu, sigma)).variance


def generate_with_generator(decode, n, d, generator=torch.Generator()):  # noqa: B008 - shared
    return decode(torch.randn((n, d), generator=generator))


def generate_with_numpy(decode, n, d):
    return decode(np.random.default_rng().normal(size=(n, d)).astype(np.float32))


def generate_by_inverse(decode, n, d):
    with torch.no_grad():
        return decode(torch.special.ndtri(torch.rand(n, d).clamp(1e-6, 1 - 1e-6))).numpy()


def one_by_one(decode, n, d):
    return torch.cat([decode(torch.randn(1, d)) for _ in range(n)])


def in_batches(decode, n, d):
    return torch.cat([decode(torch.randn(min(64, n - i), d)) for i in range(0, n, 64)])


RIGHT: list[tuple[Callable[..., Any], str, Any]] = [
    (checks.vae_loss, "torch.distributions", loss_by_distributions),
    (checks.vae_loss, "the package", loss_by_package),
    (checks.vae_loss, "loops", loss_in_loops),
    (checks.vae_loss, "float32", loss_in_float32),
    (checks.loss_in_nats, "the density", nats_by_density),
    (
        checks.loss_in_nats,
        "torch",
        lambda S, K, b, D: (
            torch.as_tensor(S) / b + torch.as_tensor(K) + D * math.log(math.pi * b) / 2
        ),
    ),
    (
        checks.loss_in_nats,
        "from the loss",
        lambda S, K, b, D: (S + b * K) / b + D / 2 * np.log(np.pi * b),
    ),
    (checks.aggregate_variance, "torch's mixture", variance_by_mixture),
    (
        checks.aggregate_variance,
        "second moment",
        lambda m, v: (np.exp(v) + m**2).mean(0) - m.mean(0) ** 2,
    ),
    (
        checks.aggregate_variance,
        "float32",
        lambda m, v: (
            torch.as_tensor(v).float().exp().mean(0)
            + torch.as_tensor(m).float().var(0, correction=0)
        ),
    ),
    (checks.generate_digits, "torch", lambda decode, n, d: decode(torch.randn(n, d))),
    (checks.generate_digits, "a generator", generate_with_generator),
    (checks.generate_digits, "numpy", generate_with_numpy),
    (checks.generate_digits, "inverse distribution function", generate_by_inverse),
    (checks.generate_digits, "one by one", one_by_one),
    (checks.generate_digits, "in batches", in_batches),
    (
        checks.generate_digits,
        "torch.distributions, float64",
        lambda decode, n, d: decode(
            Normal(torch.zeros(d).double(), torch.ones(d).double()).sample((n,))
        ),
    ),
]


@pytest.mark.parametrize(
    ("checker", "answer"),
    [(c, a) for c, _, a in RIGHT],
    ids=[f"{c.name}: {name}" for c, name, _ in RIGHT],
)
def test_a_right_answer_passes_in_any_form(checker, answer):
    assert_right(checker(answer))


def kl(mu, log_var):
    return (mu**2 + np.exp(log_var) - 1 - log_var) / 2


def seeded(decode, n, d):
    torch.manual_seed(0)
    return decode(torch.randn(n, d))


def seeded_generator(decode, n, d):
    return decode(torch.randn(n, d, generator=torch.Generator().manual_seed(3)))


def of_prior(change):
    return lambda decode, n, d: decode(change(torch.randn(n, d)))


def laplace(decode, n, d):
    return decode(torch.distributions.Laplace(0.0, math.sqrt(0.5)).sample((n, d)))


def truncated(decode, n, d):
    z = torch.empty(n, d)
    torch.nn.init.trunc_normal_(z, a=-3, b=3)
    return decode(z)


def dependent(decode, n, d):
    z = torch.randn(n, d)
    z[:, 1] = (z[:, 0] + z[:, 1]) / math.sqrt(2)
    return decode(z)


WRONG: list[tuple[Callable[..., Any], Any, str]] = [
    (
        checks.vae_loss,
        lambda x, y, m, v, b: ((x - y) ** 2).mean() + b * kl(m, v).sum(1).mean(),
        "squared error is averaged over pixels",
    ),
    (
        checks.vae_loss,
        lambda x, y, m, v, b: F.mse_loss(y, x) + b * (m**2 + v.exp() - 1 - v).mean() / 2,
        "Both terms are averaged",
    ),
    (
        checks.vae_loss,
        lambda x, y, m, v, b: ((x - y) ** 2).sum() + b * kl(m, v).sum(),
        "sum over the batch",
    ),
    (
        checks.vae_loss,
        lambda x, y, m, v, b: ((x - y) ** 2).sum(1).mean() - b * kl(m, v).sum(1).mean(),
        "rewards a q far from the prior",
    ),
    (
        checks.vae_loss,
        lambda x, y, m, v, b: ((x - y) ** 2).sum(1).mean() + kl(m, v).sum(1).mean(),
        "beta is not used",
    ),
    (checks.vae_loss, lambda x, y, m, v, b: ((x - y) ** 2).sum(1), "shape|term is missing"),
    (checks.loss_in_nats, lambda S, K, b, D: S / b + K, "constant of the normal density"),
    (
        checks.loss_in_nats,
        lambda S, K, b, D: S / (2 * b) + K + D / 2 * np.log(2 * np.pi * b),
        "took beta for the variance",
    ),
    (checks.loss_in_nats, lambda S, K, b, D: S + b * K, "squared grey values"),
    (checks.aggregate_variance, lambda m, v: m.var(0), "how far the means lie apart"),
    (
        checks.aggregate_variance,
        lambda m, v: torch.as_tensor(m).var(0) + torch.as_tensor(v).exp().mean(0),
        "N - 1",
    ),
    (checks.aggregate_variance, lambda m, v: np.exp(v / 2).mean(0) + m.var(0), "Variances add"),
    (
        checks.aggregate_variance,
        lambda m, v: np.exp(v).mean() + m.var(),
        "over everything|single number",
    ),
    (checks.generate_digits, seeded, "fixed seed inside"),
    (checks.generate_digits, seeded_generator, "fixed seed inside"),
    (checks.generate_digits, dependent, "depend on each other"),
    (checks.generate_digits, lambda decode, n, d: decode(torch.rand(n, d)), "uniform, from 0.0"),
    (
        checks.generate_digits,
        lambda decode, n, d: decode(6 * torch.rand(n, d) - 3),
        r"uniform, from -3\.0 to 3\.0",
    ),
    (
        checks.generate_digits,
        lambda decode, n, d: decode(2 * torch.randn(n, d)),
        "variance of your z",
    ),
    (checks.generate_digits, lambda decode, n, d: decode(torch.randn(n, d) + 1), "mean of your z"),
    (
        checks.generate_digits,
        lambda decode, n, d: decode(torch.randn(1, d).expand(n, d)),
        "are the same one. Draw one for each image",
    ),
    (
        checks.generate_digits,
        lambda decode, n, d: decode(torch.randn(n, 1).expand(n, d)),
        "Draw each",
    ),
    (checks.generate_digits, lambda decode, n, d: torch.randn(n, d), "never called"),
    (checks.generate_digits, lambda decode, n, d: decode(torch.randn(d)), "got 1 latent vectors"),
    (checks.generate_digits, of_prior(lambda z: z.clamp(-2.5, 2.5)), "variance of|cuts them off"),
    (checks.generate_digits, of_prior(lambda z: 0.95 * z), "variance of your"),
    (checks.generate_digits, of_prior(torch.sign), "only 2 different values"),
    (checks.generate_digits, of_prior(torch.round), "different values|variance"),
    (checks.generate_digits, laplace, "not a normal one"),
    (checks.generate_digits, truncated, "variance of|cuts them off"),
    (checks.generate_digits, lambda decode, n, d: decode(torch.randn(d, n)), "raised ValueError"),
    (checks.generate_digits, lambda decode, n, d: decode(torch.randn(n, d))[0], "as decode made"),
    (checks.generate_digits, lambda decode, n, d: None, "returns nothing"),
    (checks.generate_digits, lambda decode, n, d: 1 / 0, "raised ZeroDivisionError"),
    (checks.generate_digits, 3, "the function itself"),
]


@pytest.mark.parametrize(
    ("checker", "answer", "hint"), WRONG, ids=[f"{c.name}: {h}" for c, _, h in WRONG]
)
def test_a_wrong_answer_is_told_its_mistake(checker, answer, hint):
    assert_not_yet(checker(answer), hint)


def test_the_seeds_of_the_program_are_left_alone():
    torch.manual_seed(7)
    checks.generate_digits(lambda decode, n, d: decode(torch.randn(n, d)))
    after = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(3))


def test_right_draws_pass_whatever_their_seed():
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        verdict = checks.generate_digits(
            lambda decode, n, d, g=generator: decode(torch.randn(n, d, generator=g))
        )
        assert verdict.passed, verdict.hint
