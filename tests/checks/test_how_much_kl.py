"""Checkers of *How much KL?*: right in any form, and each likely mistake named."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aeteach import checks, metrics
from aeteach.checks._exercise import secret_of
from aeteach.losses import Elbo, WarmUpElbo
from aeteach.models.base import Output
from tests.checkers import assert_hint


def kl(mu, lv):
    return 0.5 * (np.exp(lv) + mu**2 - 1 - lv)


def torch_kl(mu, lv):
    mu, lv = torch.as_tensor(mu), torch.as_tensor(lv)
    return kl_divergence(Normal(mu, (lv / 2).exp()), Normal(0.0, 1.0))


# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize(
    "answer",
    [
        lambda x_hat, x, mu, lv: (
            torch_kl(mu, lv).sum() / len(mu) / math.log(2),
            ((torch.as_tensor(x) - torch.as_tensor(x_hat)) ** 2).sum() / len(x),
        ),
        lambda x_hat, x, mu, lv: (
            np.log2(np.e) * kl(mu, lv).mean(0).sum(),
            x.shape[1] * ((x_hat - x) ** 2).mean(),
        ),
        lambda x_hat, x, mu, lv: [
            float(np.float32(kl(mu, lv).sum(1).mean() / np.log(2))),
            float(np.mean([np.sum((a - b) ** 2) for a, b in zip(x, x_hat, strict=True)])),
        ],
    ],
    ids=["torch.distributions", "the other order", "a list, float32"],
)
def test_rate_and_distortion(answer):
    assert checks.rate_and_distortion(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, lv: metrics.kl_by_dimension(torch.tensor(mu), torch.tensor(lv)) < 0.01,
        lambda mu, lv: ~metrics.informative_units(torch.tensor(mu), torch.tensor(lv)),
        lambda mu, lv: kl(mu, lv).sum(0) / len(mu) < 0.01,
        lambda mu, lv: torch_kl(mu, lv).mean(0) <= 0.01,
        lambda mu, lv: [bool(v < 0.01) for v in kl(mu, lv).mean(axis=0)],
    ],
    ids=["kl_by_dimension", "informative_units", "numpy", "torch.distributions", "a list"],
)
def test_collapsed_dimensions(answer):
    assert checks.collapsed_dimensions(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda step, n, beta, w: WarmUpElbo(beta=beta, warm_up=w).weight(step / n),
        lambda step, n, beta, w: min(beta, beta * step / (n * w)),
        lambda step, n, beta, w: torch.tensor(beta * float(np.clip(step / n / w, 0, 1))),
    ],
    ids=["the package", "numpy", "torch"],
)
def test_warm_up(answer):
    assert checks.warm_up_weight(answer)


def charged(mu, lv, lam):
    """The package's own charge: its loss without a reconstruction term."""
    mu, lv = torch.tensor(mu), torch.tensor(lv)
    x = torch.zeros(len(mu), 1, 1, 1, dtype=mu.dtype)
    output = Output(x_hat=x, z=mu, mu=mu, log_var=lv)
    return Elbo("squared_error", free_bits=lam)(output, x)["loss"]


@pytest.mark.parametrize(
    "answer",
    [
        charged,
        lambda mu, lv, lam: torch_kl(mu, lv).mean(0).clamp(min=lam).sum(),
        lambda mu, lv, lam: sum(max(lam, k) for k in kl(mu, lv).sum(0) / len(mu)),
        lambda mu, lv, lam: lam * mu.shape[1] + np.clip(kl(mu, lv).mean(0) - lam, 0, None).sum(),
    ],
    ids=["the package", "torch.distributions", "a loop", "allowance plus excess"],
)
def test_free_bits(answer):
    assert checks.free_bits(answer)


# ---------------------------------------------------------------- wrong answers, by name


def bits(mu, lv):
    return kl(mu, lv).sum(1).mean() / math.log(2)


def squares(x_hat, x):
    return ((x - x_hat) ** 2).sum(1).mean()


RATE = [
    (lambda h, x, m, v: (kl(m, v).sum(1).mean(), squares(h, x)), "in nats"),
    (lambda h, x, m, v: (bits(m, v) * math.log(2) ** 2, squares(h, x)), "fewer bits than nats"),
    (
        lambda h, x, m, v: (bits(m, v), squares(h, x) / math.log(2)),
        "factor or divisor is one too many",
    ),
    (lambda h, x, m, v: (squares(h, x), bits(m, v)), "exchanged"),
    (
        lambda h, x, m, v: (bits(m, v), ((x - h) ** 2).mean()),
        "everything is averaged, where each row is to be summed",
    ),
    (
        lambda h, x, m, v: (kl(m, v).mean() / math.log(2), squares(h, x)),
        "everything is averaged, where each row is to be summed",
    ),
    (lambda h, x, m, v: (len(x) * bits(m, v), len(x) * squares(h, x)), "summed over the images"),
    (lambda h, x, m, v: (bits(m, 2 * v), squares(h, x)), "logarithm of sigma"),
    (
        lambda h, x, m, v: (
            (0.5 * (np.exp(v / 2) + m**2 - 1 - v)).sum(1).mean() / math.log(2),
            squares(h, x),
        ),
        "sigma squared belongs",
    ),
    (lambda h, x, m, v: (bits(m, v), squares(h, x) / 2), "constant factor is one too many"),
]
COLLAPSED = [
    (lambda m, v: kl(m, v).mean(0) >= 0.01, "in use"),
    (lambda m, v: m.var(0, ddof=1) < 0.01, "how much it varies"),
    (lambda m, v: abs(m.mean(0)) < 0.1, "average of mu"),
    (lambda m, v: abs(v).mean(0) < 0.1, "log_var alone"),
    (lambda m, v: abs(v.mean(0)) < 0.1, "average of log_var"),
    (lambda m, v: kl(m.mean(0), v.mean(0)) < 0.01, "averages of mu and log_var into the KL"),
    (lambda m, v: kl(m, v).mean(1) < 0.01, "runs over the wrong axis"),
    (lambda m, v: kl(m, v).mean(0), "These are the KLs"),
    (lambda m, v: (kl(m, v) < 0.01).any(0), "."),
    (lambda m, v: (kl(m, v) < 0.01).all(0), "."),
    (lambda m, v: np.median(kl(m, v), axis=0) < 0.01, "."),
]
WARM_UP = [
    (lambda step, n, beta, w: beta * step / n / w, "goes on growing"),
    (lambda step, n, beta, w: min(1, beta * step / n / w), "ends at 1, not at beta"),
    (lambda step, n, beta, w: min(1, step / n / w), "beta is missing"),
    (lambda step, n, beta, w: beta * min(1, int(step / n) / w), "whole epochs only"),
    (lambda step, n, beta, w: beta * min(1, step / w), "compare steps with epochs"),
    (lambda step, n, beta, w: beta - beta * min(1, step / n / w), "falls in place of growing"),
    (lambda step, n, beta, w: beta, "at once"),
    (lambda step, n, beta, w: beta if step / n >= w else 0.0, "jumps"),
]
FREE = [
    (lambda m, v, lam: kl(m, v).sum(1).mean(), "No nats are free"),
    (lambda m, v, lam: np.maximum(lam, kl(m, v)).sum(1).mean(), "for each image"),
    (lambda m, v, lam: max(lam * 4, kl(m, v).sum(1).mean()), "allowance of all"),
    (lambda m, v, lam: max(lam, kl(m, v).sum(1).mean()), "allowance of one"),
    (lambda m, v, lam: np.minimum(kl(m, v).mean(0), lam).sum(), "smaller of the two"),
    (lambda m, v, lam: np.clip(kl(m, v).mean(0) - lam, 0, None).sum(), "subtract"),
    (lambda m, v, lam: np.maximum(kl(m, v).mean(0), lam).mean(), "Mean in place of sum"),
    (lambda m, v, lam: sum(k for k in kl(m, v).mean(0) if k > lam), "jumps at lambda"),
    (lambda m, v, lam: np.maximum(kl(m, v).mean(0), lam), "dimension by dimension"),
]
WRONG = [
    (check, *case)
    for check, cases in (
        (checks.rate_and_distortion, RATE),
        (checks.collapsed_dimensions, COLLAPSED),
        (checks.warm_up_weight, WARM_UP),
        (checks.free_bits, FREE),
    )
    for case in cases
]


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_each_mistake_is_recognised_by_its_own_hint(check, answer, hint):
    assert_hint(check(answer), hint)


def test_the_dimensions_of_the_exercise_are_what_they_are_said_to_be():
    """Some carry a little less than 0.01 nats, some a little more."""
    for mu, lv in secret_of(checks.collapsed_dimensions).task.inputs:
        nats = torch_kl(mu, lv).mean(0).numpy()
        assert ((nats > 0.009) & (nats < 0.01)).any()
        assert ((nats > 0.01) & (nats < 0.011)).any()
        if len(mu) > 2:
            assert (mu.var(0) < 0.01).sum() >= 4
