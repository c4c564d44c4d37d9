"""Checkers of *Choosing the latent*: right in any form, and each likely mistake named."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize, stats
from torch.distributions import Normal, kl_divergence

from aeteach import checks, metrics
from aeteach.checks import choosing_the_latent as module
from aeteach.checks._exercise import secret_of
from aeteach.losses import gaussian_nll
from aeteach.models import Heads, count_parameters
from aeteach.models.keras_vae import keras_encoder
from tests.checkers import assert_hint


def kl(mu, lv):
    return 0.5 * (np.exp(lv) + mu**2 - 1 - lv)


# ---------------------------------------------------------------- right answers


def by_torch(filters, side, features, latent):
    """Build the layers and let torch count; the flat size is whatever comes out."""
    layers, inputs = [], 1
    for out in filters:
        layers.append(torch.nn.Conv2d(inputs, out, 3, stride=2, padding=1))
        inputs = out
    body = torch.nn.Sequential(*layers, torch.nn.Flatten())
    numbers = body(torch.zeros(1, 1, side, side)).shape[1]
    whole = torch.nn.Sequential(body, torch.nn.Linear(numbers, features), Heads(features, latent))
    return count_parameters(whole)


def by_hand(filters, side, features, latent):
    total, channels = 0, (1, *filters)
    for a, b in zip(channels, filters, strict=False):
        total, side = total + 9 * a * b + b, math.ceil(side / 2)
    total += channels[-1] * side * side * features + features
    return np.int64(total + 2 * (features * latent + latent))


@pytest.mark.parametrize("answer", [by_torch, by_hand])
def test_encoder_parameters(answer):
    assert checks.encoder_parameters(answer)


@pytest.mark.parametrize(("third", "count"), [(False, 69_076), (True, 125_524)])
def test_the_praise_names_the_models_own_counts(third, count):
    made = count_parameters(keras_encoder(third=third)) + count_parameters(Heads(16, 2))
    filters = (32, 64, 128) if third else (32, 64)
    assert made == count == module._parameters(filters, 28, 16, 2)
    assert f"{count:,}" in checks.encoder_parameters(by_hand).hint


def by_loop(mu, lv, share):
    q = Normal(torch.tensor(mu), torch.tensor(lv / 2).exp())
    nats = sorted(kl_divergence(q, Normal(0.0, 1.0)).mean(0).tolist(), reverse=True)
    reached, k = 0.0, 0
    while reached < share * sum(nats):
        reached, k = reached + nats[k], k + 1
    return k


@pytest.mark.parametrize(
    "answer",
    [
        by_loop,
        lambda mu, lv, share: (
            np.searchsorted(np.cumsum(s := np.sort(-kl(mu, lv).sum(0))) / s.sum(), share) + 1
        ),
        lambda mu, lv, share: (
            (
                (n := metrics.kl_by_dimension(torch.tensor(mu), torch.tensor(lv)))
                .sort(descending=True)
                .values.cumsum(0)
                < share * n.sum()
            ).sum()
            + 1
        ),
    ],
    ids=["torch.distributions", "searchsorted", "the package"],
)
def test_dimensions_needed(answer):
    assert checks.dimensions_needed(answer)


def by_search(S, D):
    """Look for the best variance instead of knowing it."""

    def nats(log_c):
        c = math.exp(log_c)
        return S.mean() / (2 * c) + D / 2 * math.log(2 * math.pi * c)

    return optimize.minimize_scalar(nats, bounds=(-12, 6), method="bounded").fun


def by_package(S, D):
    """Spread each image's error over D pixels and ask the loss."""
    x_hat = torch.zeros(len(S), 1, 1, D, dtype=torch.float64)
    x = torch.tensor(S / D).sqrt().view(-1, 1, 1, 1).expand_as(x_hat)
    return gaussian_nll(x_hat, x, float(S.mean() / D)).mean()


@pytest.mark.parametrize(
    "answer",
    [
        by_search,
        by_package,
        lambda S, D: D / 2 * (np.log(2 * np.pi * np.e) + np.log(S.mean()) - np.log(D)),
        lambda S, D: -stats.norm.logpdf(0, scale=np.sqrt(S.mean() / D)) * D + D / 2,
    ],
    ids=["search", "the package", "one line", "scipy"],
)
def test_fitted_gaussian(answer):
    assert checks.fitted_gaussian(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: torch.special.ndtri((torch.arange(n) + 0.5) / n),
        lambda n: stats.norm.ppf(np.linspace(1 / (2 * n), 1 - 1 / (2 * n), n)),
        lambda n: Normal(0.0, 1.0).icdf(torch.linspace(0, 1, 2 * n + 1)[1::2]),
        lambda n: [math.sqrt(2) * float(torch.erfinv(torch.tensor((2 * i + 1) / n - 1)))
                   for i in range(n)],
    ],
    ids=["ndtri", "scipy", "torch.distributions", "erfinv, a list"],
)  # fmt: skip
def test_even_line(answer):
    assert checks.even_line(answer)


# ---------------------------------------------------------------- wrong answers, by name


def layers(filters, side, half=lambda s: (s + 1) // 2):
    for a, b in zip((1, *filters), filters, strict=False):
        side = half(side)
        yield a, b, side


def tail(filters, side, features, latent, *, heads=2, bias=1, half=lambda s: (s + 1) // 2):
    *_, (_, b, s) = layers(filters, side, half)
    return (b * s * s + bias) * features + heads * (features + bias) * latent


def body(filters, side, weigh=lambda a, b, s: 9 * a * b + b):
    return sum(weigh(*layer) for layer in layers(filters, side))


def floor(s):
    return s // 2


def flat(filters, side):
    *_, (_, b, s) = layers(filters, side)
    return b * s * s


PARAMETERS = [
    (lambda f, s, m, d: body(f, s) + tail(f, s, m, d, half=floor), "halved the wrong way"),
    (
        lambda f, s, m, d: body(f, s, lambda a, b, s: 9 * a * b) + tail(f, s, m, d, bias=0),
        "biases are missing",
    ),
    (
        lambda f, s, m, d: body(f, s, lambda a, b, s: 9 * a * b) + tail(f, s, m, d),
        "convolutions have no bias",
    ),
    (
        lambda f, s, m, d: body(f, s, lambda a, b, s: 9 * b + b) + tail(f, s, m, d),
        "reaches through all channels",
    ),
    (
        lambda f, s, m, d: body(f, s, lambda a, b, s: 3 * a * b + b) + tail(f, s, m, d),
        "too few weights for each channel",
    ),
    (
        lambda f, s, m, d: body(f, s, lambda a, b, s: (9 * a * b + b) * s * s) + tail(f, s, m, d),
        "once for each place",
    ),
    (
        lambda f, s, m, d: body(f, s) + (f[-1] + 1) * m + 2 * (m + 1) * d,
        "not one for each channel",
    ),
    (
        lambda f, s, m, d: (
            body(f, s) + (f[-1] * list(layers(f, s))[-1][2] + 1) * m + 2 * (m + 1) * d
        ),
        "side once",
    ),
    (lambda f, s, m, d: body(f, s) + (f[-1] * s * s + 1) * m + 2 * (m + 1) * d, "as large as"),
    (lambda f, s, m, d: body(f, s) + tail(f, s, m, d, heads=1), "one head"),
    (lambda f, s, m, d: body(f, s) + tail(f, s, m, d, heads=0), "two heads are missing"),
    (
        lambda f, s, m, d: body(f, s) + (flat(f, s) + 1) * m + 2 * (flat(f, s) + 1) * d,
        "stand on the feature maps",
    ),
]


def reach(values, share):
    return int(np.searchsorted(np.cumsum(values), share * np.sum(values))) + 1


def down(values):
    return np.array(sorted(values, reverse=True))


NEEDED = [
    (lambda m, v, share: reach(kl(m, v).mean(0), share), "in the order in which they come"),
    (lambda m, v, share: reach(sorted(kl(m, v).mean(0)), share), "begin with the smallest"),
    (lambda m, v, share: reach(down(kl(m, v).mean(0)), share) - 1, "One too few"),
    (lambda m, v, share: reach(down(m.var(0)), share), "variances of mu"),
    (
        lambda m, v, share: reach(down(kl(m.mean(0), v.mean(0))), share),
        "averages of mu and log_var",
    ),
    (lambda m, v, share: math.ceil(share * m.shape[1]), "number of dimensions, whatever"),
    (
        lambda m, v, share: int(np.searchsorted(np.cumsum(down(kl(m, v).mean(0))), share)) + 1,
        "compare nats with a share",
    ),
    (
        lambda m, v, share: sum(k >= share * kl(m, v).mean(0).sum() for k in kl(m, v).mean(0)),
        "by themselves",
    ),
    (lambda m, v, share: kl(m, v).mean(0), "These are the nats"),
    (lambda m, v, share: reach(down(kl(m, v).mean(1)), share), "average over the dimensions"),
]


def nats(c, S, D):
    return float(np.mean(S / (2 * c) + D / 2 * np.log(2 * np.pi * c)))


def best(S, D):
    return nats(S.mean() / D, S, D)


GAUSSIAN = [
    (lambda S, D: S.mean() + D / 2 * np.log(np.pi), "variance is 1/2"),
    (lambda S, D: nats(1.0, S, D), "variance is 1 in"),
    (lambda S, D: nats(S.mean(), S, D), "sum over D pixels"),
    (lambda S, D: np.mean(D / 2 * (np.log(2 * np.pi * S / D) + 1)), "of its own"),
    (lambda S, D: nats(np.sqrt(S.mean() / D), S, D), "a root too many"),
    (lambda S, D: D / 2 * np.log(2 * np.pi * S.mean() / D), "error term is missing"),
    (lambda S, D: D / 2, "constant of the density is missing"),
    (lambda S, D: D / 2 * (np.log(S.mean() / D) + 1), "2 pi is missing"),
    (lambda S, D: D / 2 + np.log(2 * np.pi * S.mean() / D) / 2, "belongs to one pixel"),
    (lambda S, D: D / 2 - D / 2 * np.log(2 * np.pi * S.mean() / D), "wrong sign"),
    (lambda S, D: D / 2 + D * np.log(2 * np.pi * S.mean() / D), "twice too large"),
    (lambda S, D: best(S, D) / np.log(2), "These are bits"),
    (lambda S, D: len(S) * best(S, D), "sum over the images"),
    (lambda S, D: best(S, D) / D, "nats of a pixel"),
    (lambda S, D: S.mean() / D, "This is the variance"),
]
LINE = [
    (lambda n: torch.linspace(-3, 3, n), "equal steps of z"),
    (lambda n: (np.arange(n) + 0.5) / n, "These are the shares"),
    (lambda n: stats.norm.ppf(np.linspace(0, 1, n)), "start at a share of 0 and end at 1"),
    (lambda n: stats.norm.ppf(np.arange(n) / n), "left end"),
    (lambda n: stats.norm.ppf(np.linspace(0, 1, n + 2)[1:-1]), "more equal parts"),
    (lambda n: stats.norm.cdf(np.linspace(-3, 3, n)), "forwards"),
    (lambda n: torch.logit((torch.arange(n) + 0.5) / n), "the logit"),
    (lambda n: stats.norm.isf((np.arange(n) + 0.5) / n), "From right to left"),
]
WRONG = [
    (check, *case)
    for check, cases in (
        (checks.encoder_parameters, PARAMETERS),
        (checks.dimensions_needed, NEEDED),
        (checks.fitted_gaussian, GAUSSIAN),
        (checks.even_line, LINE),
    )
    for case in cases
]


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_each_mistake_is_recognised_by_its_own_hint(check, answer, hint):
    assert_hint(check(answer), hint)


def test_the_dimensions_of_the_exercise_are_what_they_are_said_to_be():
    """Mean and variance of z tell nothing, as the praise says; the nats run from many to none."""
    for mu, lv, _ in secret_of(checks.dimensions_needed).task.inputs[:5]:
        np.testing.assert_allclose(mu.mean(0), 0, atol=1e-9)
        np.testing.assert_allclose(np.exp(lv).mean(0) + mu.var(0), 1, atol=0.05)
        carried = np.sort(kl(mu, lv).mean(0))
        assert carried[0] < 0.02
        assert carried[-1] > 1.5
