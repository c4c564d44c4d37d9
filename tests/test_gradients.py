"""Gradient estimators against closed forms, torch.distributions, quadrature and each other."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal

from aeteach import gradients as g

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
NODES, WEIGHTS = torch.tensor(NODES), torch.tensor(WEIGHTS / WEIGHTS.sum())

numbers = st.floats(-3, 3)
scales = st.floats(0.1, 3)


def noise(n: int, d: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def moments(per_draw: torch.Tensor) -> tuple[float, float]:
    """Exact mean and variance over standard normal eps, by Gauss-Hermite quadrature."""
    mean = float(WEIGHTS @ per_draw)
    return mean, float(WEIGHTS @ (per_draw - mean) ** 2)


# ---------------------------------------------------------------- z = mu + sigma eps


@given(numbers, st.floats(-4, 4), numbers)
def test_z_and_its_gradients_follow_the_formula(mu, log_var, eps):
    m, v = vector(mu).requires_grad_(), vector(log_var).requires_grad_()
    z = g.reparameterize(m, v, vector(eps))
    sigma = math.exp(log_var / 2)
    assert float(z.detach()) == pytest.approx(mu + sigma * eps, abs=1e-12)
    z.sum().backward()
    assert float(m.grad) == 1
    assert float(v.grad) == pytest.approx(sigma * eps / 2, abs=1e-12)


def test_z_has_the_distribution_that_torch_gives():
    mu, log_var = vector(1.5, -2), vector(math.log(4), math.log(0.25))
    z = g.reparameterize(mu, log_var, noise(200_000, 2))
    q = Normal(mu, vector(2, 0.5))
    for level in (0.1, 0.5, 0.9):
        share = (z < q.icdf(vector(level))).double().mean(0)
        assert share == pytest.approx([level, level], abs=0.004)


def test_gradcheck_of_z():
    arguments = [vector(0.3, -1).requires_grad_(), vector(-0.5, 2).requires_grad_(), noise(4, 2)]
    assert torch.autograd.gradcheck(g.reparameterize, arguments)


def test_a_batch_of_distributions_takes_noise_of_its_shape():
    mu, log_var, eps = noise(3, 2, 1), noise(3, 2, 2), noise(3, 2, 3)
    assert torch.allclose(g.reparameterize(mu, log_var, eps), mu + log_var.exp().sqrt() * eps)


# ---------------------------------------------------------------- the two estimators


FUNCTIONS = {
    "square": lambda z: ((z - 1) ** 2).sum(-1),
    "cosine": lambda z: torch.cos(2 * z).sum(-1),
    "quartic": lambda z: (z**4 - z).sum(-1),
}


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("estimator", [g.pathwise, g.score_function])
@given(mu=st.floats(-1.5, 1.5), sigma=st.floats(0.3, 1.5))
@settings(max_examples=20, deadline=None)
def test_both_are_unbiased(f, estimator, mu, sigma):
    """The mean over eps, by quadrature, is the derivative of the mean, by finite differences."""

    def mean(mu, log_var):
        return float(WEIGHTS @ f((mu + math.exp(log_var / 2) * NODES)[:, None]))

    v, h = 2 * math.log(sigma), 1e-5
    per_draw = estimator(f, vector(mu), vector(v), NODES[:, None])
    by_mu = (mean(mu + h, v) - mean(mu - h, v)) / (2 * h)
    by_log_var = (mean(mu, v + h) - mean(mu, v - h)) / (2 * h)
    assert float(WEIGHTS @ per_draw.mu[:, 0]) == pytest.approx(by_mu, rel=1e-6, abs=1e-6)
    assert float(WEIGHTS @ per_draw.log_var[:, 0]) == pytest.approx(by_log_var, rel=1e-6, abs=1e-6)


def test_pathwise_is_what_autograd_finds_through_rsample():
    mu, log_var = vector(0.4, -1.0).requires_grad_(), vector(0.2, -0.6).requires_grad_()
    f, eps = FUNCTIONS["quartic"], noise(50, 2)
    f(mu + torch.exp(log_var / 2) * eps).mean().backward()
    got = g.pathwise(f, mu.detach(), log_var.detach(), eps)
    assert torch.allclose(got.mu.mean(0), mu.grad, atol=1e-12)
    assert torch.allclose(got.log_var.mean(0), log_var.grad, atol=1e-12)


def test_the_score_is_that_of_torch():
    mu, log_var, eps = vector(0.4, -1.0), vector(0.2, -0.6), noise(50, 2)
    m, v = mu.clone().requires_grad_(), log_var.clone().requires_grad_()
    z = (mu + torch.exp(log_var / 2) * eps).detach()
    weight = FUNCTIONS["square"](z) - 0.7
    surrogate = (weight * Normal(m, torch.exp(v / 2)).log_prob(z).sum(-1)).mean()
    surrogate.backward()
    got = g.score_function(FUNCTIONS["square"], mu, log_var, eps, baseline=0.7)
    assert torch.allclose(got.mu.mean(0), m.grad, atol=1e-12)
    assert torch.allclose(got.log_var.mean(0), v.grad, atol=1e-12)


def test_a_step_has_a_score_function_estimate_and_no_pathwise_one():
    def step(z):
        return (z > 0).to(z.dtype).sum(-1)

    mu, log_var, eps = vector(0.5), vector(math.log(4)), noise(200_000)
    got = g.average(g.score_function(step, mu, log_var, eps).mu)
    true = math.exp(-((0.5 / 2) ** 2) / 2) / math.sqrt(2 * math.pi) / 2  # phi(mu/sigma)/sigma
    assert abs(float(got.estimate) - true) < 4 * float(got.standard_error)
    with pytest.raises(ValueError, match="use score_function"):
        g.pathwise(step, mu, log_var, eps)


def test_float32_stays_float32():
    mu, log_var, eps = torch.zeros(2), torch.zeros(2), torch.ones(3, 2)
    for estimator in (g.pathwise, g.score_function):
        got = estimator(FUNCTIONS["square"], mu, log_var, eps)
        assert {t.dtype for t in got} == {torch.float32}
        assert {t.shape for t in got} == {(3, 2)}


def test_no_gradient_is_left_on_the_arguments():
    mu, log_var = vector(0.1).requires_grad_(), vector(0.2).requires_grad_()
    for estimator in (g.pathwise, g.score_function):
        got = estimator(FUNCTIONS["square"], mu, log_var, noise(4))
        assert not any(t.requires_grad for t in got)
    assert mu.grad is None
    assert log_var.grad is None


# ---------------------------------------------------------------- closed forms


@given(mu=numbers, a=numbers, sigma=scales, baseline=st.floats(-10, 30))
@settings(deadline=None)
def test_variances_of_the_quadratic_are_exact(mu, a, sigma, baseline):
    def f(z):
        return ((z - a) ** 2).sum(-1)

    m, v = vector(mu), vector(2 * math.log(sigma))
    path = g.pathwise(f, m, v, NODES[:, None]).mu[:, 0]
    score = g.score_function(f, m, v, NODES[:, None], baseline=baseline).mu[:, 0]
    assert moments(path) == pytest.approx(tuple(map(float, g.quadratic_pathwise(mu - a, sigma))))
    expected = g.quadratic_score(mu - a, sigma, baseline=baseline)
    mean, variance = moments(score)
    assert mean == pytest.approx(float(expected.mean), abs=1e-9 * (1 + variance))
    assert variance == pytest.approx(float(expected.variance), rel=1e-9)


@given(m=numbers, sigma=scales, shift=st.floats(0.1, 5), d=st.integers(1, 50))
def test_no_other_baseline_is_better(m, sigma, shift, d):
    best = float(g.best_baseline(m, sigma, dimensions=d))

    def variance(b):
        return float(g.quadratic_score(m, sigma, baseline=b, dimensions=d).variance)

    gained = (shift / sigma) ** 2
    assert variance(best + shift) - variance(best) == pytest.approx(gained, rel=1e-6)
    assert variance(best - shift) - variance(best) == pytest.approx(gained, rel=1e-6)


@pytest.mark.parametrize("d", [2, 3])
def test_variance_in_more_dimensions_is_exact(d):
    m, sigma, b = 0.7, 1.3, 2.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)  # exact to degree 15; 6 is needed
    grid = torch.cartesian_prod(*[torch.tensor(nodes)] * d)
    weight = torch.cartesian_prod(*[torch.tensor(weights / weights.sum())] * d).prod(-1)
    per_draw = g.score_function(
        lambda z: (z**2).sum(-1),
        torch.full((d,), m, dtype=torch.float64),
        torch.full((d,), 2 * math.log(sigma), dtype=torch.float64),
        grid,
        baseline=b,
    ).mu[:, 0]
    mean = float(weight @ per_draw)
    expected = g.quadratic_score(m, sigma, baseline=b, dimensions=d)
    assert mean == pytest.approx(float(expected.mean))
    assert float(weight @ (per_draw - mean) ** 2) == pytest.approx(float(expected.variance))


def test_the_standard_error_is_what_repetitions_show():
    per_draw = g.score_function(
        FUNCTIONS["square"], vector(2.0), vector(0.0), noise(400 * 500)
    ).mu.reshape(400, 500)
    repeated = [g.average(row) for row in per_draw]
    spread = torch.stack([r.estimate for r in repeated]).std()
    claimed = torch.stack([r.standard_error for r in repeated]).mean()
    assert float(claimed / spread) == pytest.approx(1, abs=0.12)
    exact = math.sqrt(float(g.quadratic_score(1.0, 1.0).variance) / 500)
    assert float(claimed) == pytest.approx(exact, rel=0.05)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("mu", "log_var", "eps", "error", "message"),
    [
        (1.0, vector(0), noise(3), TypeError, "mu must be .*got float"),
        (
            vector(0),
            torch.zeros(1, dtype=torch.int64),
            noise(3),
            TypeError,
            "log_var must be .*got torch.int",
        ),
        (vector(0), vector(0), noise(3).half(), TypeError, "eps must be .*got torch.float16"),
        (vector(0, 1), vector(0), noise(3), ValueError, "shapes do not fit"),
        (vector(0, 1), vector(0, 1), noise(3), ValueError, "shapes do not fit"),
        (vector(0), vector(0), noise(0), ValueError, "eps is empty"),
        (noise(3), noise(3), noise(3), ValueError, r"expected \(d,\) and \(n, d\)"),
    ],
)
@pytest.mark.parametrize("estimator", [g.pathwise, g.score_function])
def test_what_does_not_fit_is_refused(estimator, mu, log_var, eps, error, message):
    with pytest.raises(error, match=message):
        estimator(FUNCTIONS["square"], mu, log_var, eps)


@pytest.mark.parametrize("estimator", [g.pathwise, g.score_function])
@pytest.mark.parametrize("f", [lambda z: z**2, lambda z: (z**2).sum(), lambda z: (z**2).sum(0)])
def test_f_must_give_a_number_a_draw(estimator, f):
    with pytest.raises(ValueError, match="one number for each draw"):
        estimator(f, vector(0, 1), vector(0, 1), noise(3, 2))


def test_numbers_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="baseline is nan"):
        g.score_function(FUNCTIONS["square"], vector(0), vector(0), noise(3), baseline=float("nan"))
    for draws in (torch.tensor(1.0), torch.ones(1), torch.ones(0, 3)):
        with pytest.raises(ValueError, match=r"at least 2 draws|per_draw is empty"):
            g.average(draws)
    for m, sigma in ((0, 0), (0, -1), (math.nan, 1), (0, math.inf)):
        with pytest.raises(ValueError, match=r"^(m|sigma) is "):
            g.quadratic_pathwise(m, sigma)
    with pytest.raises(ValueError, match="baseline is inf"):
        g.quadratic_score(0, 1, baseline=math.inf)
    with pytest.raises(ValueError, match="dimensions must be at least 1, got 0"):
        g.best_baseline(0, 1, dimensions=0)
