import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from aeteach import checks
from aeteach.checks import clinic
from aeteach.losses import Elbo
from aeteach.models.base import Output


def torch_loss(x_hat, x, mu, log_var):
    R = F.binary_cross_entropy(x_hat, x, reduction="none").sum((1, 2, 3)).mean()
    q = Normal(mu, torch.exp(0.5 * log_var))
    return R + kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean()


def package_loss(x_hat, x, mu, log_var):
    return Elbo()(Output(x_hat, mu, mu, log_var), x)["loss"]


def numpy_loss(x_hat, x, mu, log_var):
    R = -(x * np.log(x_hat) + (1 - x) * np.log1p(-x_hat)).sum() / len(x)
    return R - 0.5 * (1 + log_var - mu**2 - np.exp(log_var)).sum() / len(x)


def by_eps(draw):
    mu, log_var = torch.full((20_000, 1), 2.0), torch.full((20_000, 1), 1.5)
    z, again = draw(mu, log_var), draw(mu, log_var)
    eps = (z - mu) / torch.exp(log_var / 2)
    return bool(abs(eps.mean()) < 0.05 and abs(eps.std() - 1) < 0.05 and (z != again).any())


def by_kolmogorov_smirnov(draw):
    from scipy.stats import kstest

    mu, log_var = torch.full((2_000,), -1.0), torch.full((2_000,), -3.0)
    z = draw(mu, log_var)
    fits = kstest(z.numpy(), "norm", args=(-1.0, np.exp(-1.5))).pvalue > 1e-4
    return np.bool_(fits and not np.array_equal(z, draw(mu, log_var)))


FAULTS = {"A": "pixel mean", "B": "detached", "C": "variance for sigma", "D": "training mode"}

RIGHT = [
    ("beta_in_force", 39.2),
    ("beta_in_force", 784 / 20),
    ("beta_in_force", torch.tensor(39.2)),
    ("beta_in_force", np.float32(39.2)),
    ("repair_loss", torch_loss),
    ("repair_loss", package_loss),
    ("repair_loss", numpy_loss),
    ("repair_loss", lambda *a: torch_loss(*(v.double() for v in a))),
    ("sound_draw", by_eps),
    ("sound_draw", by_kolmogorov_smirnov),
    ("sound_draw", lambda draw: torch.tensor(by_eps(draw))),
    ("name_the_fault", FAULTS),
    ("name_the_fault", dict(reversed(FAULTS.items()))),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = getattr(checks, name)(answer)
    assert verdict.passed, verdict.hint


def bce(x_hat, x):
    return F.binary_cross_entropy(x_hat, x, reduction="none")


def kl(mu, log_var):
    return 0.5 * (log_var.exp() - 1 - log_var + mu**2)


def sick_loss(R, K):
    return lambda x_hat, x, mu, log_var: R(bce(x_hat, x)) + K(kl(mu, log_var))


def summed(c):
    return c.flatten(1).sum(1).mean()


def spread_only(draw):
    z = draw(torch.full((9_999,), 4.0), torch.full((9_999,), -2.0))
    return abs(z.std().item() - np.exp(-1.0)) < 0.05


def mean_only(draw):
    z = draw(torch.full((9_999,), 4.0), torch.full((9_999,), -2.0))
    return abs(z.mean().item() - 4) < 0.05


def at_zero(draw):
    z = draw(torch.zeros(9_999), torch.zeros(9_999))
    return abs(z.std().item() - 1) < 0.1 and abs(z.mean().item()) < 0.1


def too_strict(draw):
    """Right for most seeds and not for all: an honest draw fails every other time."""
    mu, log_var = torch.full((100,), 4.0), torch.full((100,), -2.0)
    z = draw(mu, log_var)
    eps = (z - mu) / torch.exp(log_var / 2)
    return bool(abs(eps.mean()) < 0.07 and (z != draw(mu, log_var)).any())


def one_call(draw):
    mu, log_var = torch.full((9_999,), 4.0), torch.full((9_999,), -2.0)
    eps = (draw(mu, log_var) - mu) / torch.exp(log_var / 2)
    return abs(eps.mean().item()) < 0.1 and abs(eps.std().item() - 1) < 0.1


# Written as a student would, not copied from the checker's own list.
WRONG = [
    ("beta_in_force", 784, "forgets the KL"),
    ("beta_in_force", 1 / 20, "forgets the reconstruction"),
    ("beta_in_force", 20, "divided by, alone"),
    ("beta_in_force", 1, "written down"),
    ("beta_in_force", 20 / 784, "Upside down"),
    ("beta_in_force", 784 * 20, "multiplied"),
    ("beta_in_force", 49, "this chapter's models"),
    ("beta_in_force", 40, "."),
    ("beta_in_force", "forty", "expects a number"),
    ("repair_loss", sick_loss(torch.mean, lambda k: -summed(k)), "two faults"),
    ("repair_loss", sick_loss(torch.mean, summed), "averaged over the pixels"),
    ("repair_loss", sick_loss(summed, lambda k: -summed(k)), "wrong sign"),
    ("repair_loss", sick_loss(torch.sum, summed), "added up in the reconstruction"),
    ("repair_loss", sick_loss(torch.sum, torch.sum), "The batch is added up"),
    ("repair_loss", sick_loss(summed, torch.mean), "averaged|a count is missing"),
    ("repair_loss", sick_loss(torch.mean, torch.mean), "Both terms are averaged"),
    ("repair_loss", lambda p, x, m, v: summed(bce(p, x)), "no KL left"),
    ("repair_loss", sick_loss(summed, lambda k: 2 * summed(k)), "constant factor"),
    (
        "repair_loss",
        lambda p, x, m, v: summed(bce(torch.sigmoid(p), x)) + summed(kl(m, v)),
        "wants logits",
    ),
    (
        "repair_loss",
        lambda p, x, m, v: summed((p - x) ** 2) + summed(kl(m, v)),
        "squared error",
    ),
    ("repair_loss", lambda *a: None, "returns nothing"),
    ("repair_loss", 3.0, "expects the function"),
    ("sound_draw", lambda draw: True, "returns mu itself passes"),
    ("sound_draw", lambda draw: False, "convicts a sound draw"),
    ("sound_draw", spread_only, "uniform noise, stretched"),
    ("sound_draw", too_strict, r"convicts a sound draw, in"),
    ("sound_draw", mean_only, "returns mu itself"),
    ("sound_draw", at_zero, "variance in place of sigma"),
    ("sound_draw", one_call, "seed inside"),
    ("sound_draw", lambda draw: draw(torch.zeros(2), torch.zeros(2)), "returned Tensor"),
    ("sound_draw", lambda draw: None, "expected True or False"),
    ("sound_draw", lambda draw: 1 / 0, "raised ZeroDivisionError"),
    ("sound_draw", True, "without calling it"),
    ("name_the_fault", FAULTS | {"A": "KL unused"}, "Chart A: the KL has a weight of 1"),
    ("name_the_fault", FAULTS | {"A": "leak"}, "Chart A: compare the two weights"),
    ("name_the_fault", FAULTS | {"B": "pixel mean"}, "both weights are equal"),
    ("name_the_fault", FAULTS | {"C": "log_var for sigma"}, "almost 4"),
    ("name_the_fault", FAULTS | {"D": "leak"}, "none of these images"),
    ("name_the_fault", FAULTS | {"D": "KL sign"}, "talk to each other"),
    ("name_the_fault", FAULTS | {"D": "flu"}, "no fault of the list"),
    ("name_the_fault", {"A": "leak"}, "Expected"),
    ("name_the_fault", ["pixel mean"], "Expected"),
]


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_a_wrong_answer_is_told_its_mistake(name, answer, hint):
    verdict = getattr(checks, name)(answer)
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint


@pytest.mark.parametrize("name", clinic._SICK)
def test_every_sick_draw_is_missed_by_a_test_for_the_others(name):
    def blind(draw):
        known = {n: d for n, (d, _) in clinic._SICK.items()}
        mu, log_var = torch.full((500,), 2.0), torch.full((500,), 1.5)
        state = torch.get_rng_state()
        own = draw(mu, log_var)
        torch.set_rng_state(state)
        return torch.equal(own, known[name](mu, log_var)) or by_eps(draw)

    verdict = checks.sound_draw(blind)
    assert not verdict.passed
    assert verdict.hint.startswith(clinic._SICK[name][1])
    assert "1 of 6" in verdict.hint


def test_the_checker_leaves_the_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    checks.sound_draw(by_eps)
    assert torch.equal(torch.rand(2), expected)
