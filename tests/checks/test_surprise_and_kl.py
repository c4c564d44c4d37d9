"""The checkers of *Surprise and KL*, and the chapter's promise that every line is checked."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.integrate import quad
from torch.distributions import Categorical, Normal, kl_divergence

from aeteach import checks
from aeteach.checks._exercise import secret_of
from aeteach.divergences import kl as package_kl
from aeteach.divergences import kl_normal, kl_to_standard_normal, surprise
from tests.paths import BOOK

CHAPTER = BOOK / "surprise-and-kl.md"


@pytest.fixture(autouse=True)
def quiet():
    # A wrong answer may take the logarithm of 0; a reader's notebook would print a warning.
    with np.errstate(all="ignore"):
        yield


def naive(p, q):
    total = 0.0
    for a, b in zip(p, q, strict=True):
        if a > 0:
            total += a * (math.log(a) - (math.log(b) if b > 0 else -math.inf))
    return total


def rows_by_hand(p, q):
    return (
        naive(p, q) if p.ndim == 1 else np.array([naive(a, b) for a, b in zip(p, q, strict=True)])
    )


def backwards_sum(p, q):
    p, q = p[..., ::-1], q[..., ::-1]
    log_p = np.log(p, where=p > 0, out=np.zeros_like(p))
    log_q = np.log(q, where=p > 0, out=np.zeros_like(q))
    return np.einsum("...k,...k->...", p, log_p - log_q)


def torch_gaussians(mu_q, sigma_q, mu_p, sigma_p):
    return kl_divergence(Normal(mu_q, sigma_q), Normal(mu_p, sigma_p))


def integral(mu_q, sigma_q, mu_p, sigma_p):
    def log_normal(x, mu, sigma):
        return -((x - mu) ** 2) / (2 * sigma**2) - math.log(sigma * math.sqrt(2 * math.pi))

    def integrand(x):
        log_q = log_normal(x, mu_q, sigma_q)
        return math.exp(log_q) * (log_q - log_normal(x, mu_p, sigma_p))

    return quad(integrand, mu_q - 12 * sigma_q, mu_q + 12 * sigma_q, epsabs=1e-12)[0]


def prior_loop(mu, log_var):
    return [
        sum((math.exp(v) + m * m - 1 - v) / 2 for m, v in zip(ms, vs, strict=True))
        for ms, vs in zip(mu, log_var, strict=True)
    ]


def moments_by_quadrature(w, mus, sigmas):
    x = np.linspace(-40, 40, 40_001)
    density = sum(
        a * np.exp(-((x - m) ** 2) / (2 * s * s)) / (s * math.sqrt(2 * math.pi))
        for a, m, s in zip(w, mus, sigmas, strict=True)
    )
    step = x[1] - x[0]
    mu = (density * x).sum() * step
    return [mu, math.sqrt((density * (x - mu) ** 2).sum() * step)]


RIGHT = [
    ("surprise_in_bits", lambda p: -np.log2(p)),
    ("surprise_in_bits", lambda p: -torch.log2(p)),  # wants a tensor
    ("surprise_in_bits", lambda p: surprise(p, base=2)),
    ("surprise_in_bits", lambda p: np.log(1 / p) / math.log(2)),
    ("surprise_in_bits", lambda p: [-math.log2(v) for v in p] if p.ndim == 1 else -np.log2(p)),
    ("kl_discrete", package_kl),
    ("kl_discrete", rows_by_hand),
    ("kl_discrete", backwards_sum),
    ("kl_discrete", lambda p, q: np.nansum(p * np.log(p / q), axis=-1)),
    ("kl_discrete", lambda p, q: (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=-1)),
    ("kl_normals", torch_gaussians),
    ("kl_normals", integral),
    ("kl_normals", lambda a, s, b, t: kl_normal(a, 2 * np.log(s), b, 2 * np.log(t))),
    ("kl_normals", lambda a, s, b, t: math.log(t / s) + ((a - b) ** 2 + s**2 - t**2) / (2 * t**2)),
    ("kl_normals", lambda a, s, b, t: ((s * s + (b - a) ** 2) / t**2 - 1) / 2 - torch.log(s / t)),
    ("kl_to_prior", kl_to_standard_normal),
    ("kl_to_prior", prior_loop),
    ("kl_to_prior", lambda m, v: -0.5 * torch.sum(1 + v - m.pow(2) - v.exp(), dim=1)),
    ("kl_to_prior", lambda m, v: kl_divergence(Normal(m, (v / 2).exp()), Normal(0.0, 1.0)).sum(-1)),
    ("kl_to_prior", lambda m, v: (np.expm1(v).sum(-1) + (m * m).sum(-1) - v.sum(-1)) / 2),
    ("moment_match", moments_by_quadrature),
    ("moment_match", lambda w, m, s: (w @ m, np.sqrt(w @ (s**2 + m**2) - (w @ m) ** 2))),
    ("moment_match", lambda w, m, s: (torch.dot(w, m), (w @ (s**2 + m**2) - (w @ m) ** 2).sqrt())),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answer"), RIGHT, ids=[f"{n}-{i}" for i, (n, _) in enumerate(RIGHT)]
)
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = getattr(checks, name)(answer)
    assert verdict, verdict
    assert verdict.hint


def test_a_logarithm_of_zero_is_told_in_words_and_not_as_a_warning():
    with np.errstate(all="warn"):
        assert "0 log 0" in checks.kl_discrete(lambda p, q: (p * np.log(p / q)).sum(-1)).hint
        assert checks.kl_discrete(lambda p, q: np.nansum(p * np.log(p / q), -1))


def test_what_torch_itself_makes_of_two_zeros_is_named():
    def answer(p, q):
        return F.kl_div(torch.log(q), p, reduction="none").sum(-1)

    assert "F.kl_div does the same" in checks.kl_discrete(answer).hint


def test_both_rounds_count_for_a_discrete_kl():
    # Swapped and blind to zeros: the formula is named first.
    verdict = checks.kl_discrete(lambda p, q: -(p * np.log(p / q)).sum(-1))
    assert "two entropies are swapped" in verdict.hint
    assert verdict.exercise == checks.kl_discrete(package_kl).exercise


def test_the_right_functions_agree_with_independent_ones():
    formula = secret_of(secret_of(checks.kl_discrete)[0]).solutions[0]
    normals, moments = (secret_of(e).solutions[0] for e in (checks.kl_normals, checks.moment_match))
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(200):
        p, q = rng.dirichlet(np.ones(5), size=(2, 4))
        expected = kl_divergence(Categorical(torch.tensor(p)), Categorical(torch.tensor(q)))
        np.testing.assert_allclose(formula(p, q), expected, rtol=1e-10, atol=1e-12)
        numbers = rng.normal(), rng.uniform(0.2, 3), rng.normal(), rng.uniform(0.2, 3)
        got, want = normals(*numbers), integral(*numbers)
        worst = max(worst, abs(got - want))
        w, mus, sigmas = rng.dirichlet(np.ones(3)), rng.normal(size=3), rng.uniform(0.3, 2, size=3)
        np.testing.assert_allclose(
            moments(w, mus, sigmas), moments_by_quadrature(w, mus, sigmas), atol=1e-9
        )
    assert worst < 1e-9


def test_the_coin_backwards():
    p, q = torch.tensor([0.5, 0.5]).double(), torch.tensor([0.7, 0.3]).double()
    right = float(kl_divergence(Categorical(q), Categorical(p))) / math.log(2)
    assert checks.coin_backwards(right)
    assert checks.coin_backwards(round(right, 4))
    assert checks.coin_backwards(0.119)  # three digits are asked for
    assert not checks.coin_backwards(0.1178)  # of more digits, and wrong in the third
    assert not checks.coin_backwards(0.5)


@pytest.mark.parametrize(
    ("witness", "passed", "hint"),
    [
        ((0, 3, 0, 3), True, "0.3333 nats, and a KL is never negative"),
        ((1, 0.5, 1, 0.5), True, "not 0"),
        (torch.tensor([1.0, 2.0, 1.0, 2.0]), True, "Convicted"),
        ((0, 2, 0, 2), False, "The text has tried"),
        ((3, 0.5, 3, 0.5), False, "The text has tried"),
        ((0, 1, 0, 1), False, "its mistake makes no difference"),
        ((0.5, 1, -2, 3), False, "its mistake makes no difference"),
        ((0, 0.5, 3, 1), False, "nobody can tell without"),
        ((0, -1, 0, 1), False, "below belongs to no density"),
        ((0, 0, 0, 1), False, "below belongs to no density"),
        ((0, 1, 0), False, "it got 3"),
        ((0, 1e-200, 0, 1e200), False, "as large or as small"),
        ((0, math.nan, 0, 1), False, "finite"),
        ("zero", False, "four numbers"),
        (None, False, "four numbers"),
        (2.0, False, "four numbers"),
    ],
)
def test_the_witness(witness, passed, hint):
    verdict = checks.kl_witness(witness)
    assert verdict.passed == passed
    assert hint in verdict.hint


def cells(text):
    return re.findall(r"```\{code-cell\} ipython3\n(.*?)\n```", text, re.S)


def test_every_numbered_line_of_the_chapter_is_checked_by_a_cell_whose_output_is_compared():
    text = CHAPTER.read_text(encoding="utf-8")
    tags = re.findall(r"\\tag\{([A-Z]\d+)\}", text)
    assert len(tags) == len(set(tags)) >= 25
    checked = []
    for cell in cells(text):
        found = re.findall(r'^ *line\(\s*"([A-Z]\d+)"', cell, re.M)
        assert not found or "nbval-check-output" in cell
        checked += found
    assert sorted(checked) == sorted(tags)  # each once; a result may stand before its proof


def test_the_chapter_has_a_checker_and_a_solution_for_every_exercise():
    text = CHAPTER.read_text(encoding="utf-8")
    labels = re.findall(r"```\{exercise\}[^\n]*\n:label: (\S+)", text)
    assert len(labels) >= 4
    assert re.findall(r"```\{solution-start\} (\S+)", text) == labels
    for name in (
        *("coin_backwards", "kl_discrete", "kl_normals", "kl_to_prior", "kl_witness"),
        *("moment_match", "surprise_in_bits"),
    ):
        assert text.count(f"aeteach.checks.{name}(") == 2, name  # a first try and the solution
