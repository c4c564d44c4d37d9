"""The toy model against SciPy's quadrature and optimiser, torch.distributions and closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize
from torch.distributions import Normal, kl_divergence

from aeteach.toy import Toy

variances = st.floats(0.05, 10)
bends = st.floats(-1, 1)
observed = st.floats(-12, 12)
means = st.floats(-4, 4)
log_vars = st.floats(-5, 2)


def f64(value):
    return torch.tensor(value, dtype=torch.float64)


def density(toy, x, z):
    """p(z) p(x|z), written again from the definition."""
    g = z + toy.bend * z**2
    likelihood = math.exp(-((x - g) ** 2) / (2 * toy.variance))
    return (
        math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        * likelihood / math.sqrt(2 * math.pi * toy.variance)
    )  # fmt: skip


def expectation(f, mu, sigma):
    """E[f(z)] under N(mu, sigma^2), by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    return float(weights @ f(mu + sigma * nodes)) / math.sqrt(2 * math.pi)


# ---------------------------------------------------------------- densities and the evidence


def test_log_densities_are_those_of_torch():
    toy, z = Toy(0.4, -0.3), torch.linspace(-3, 3, 13, dtype=torch.float64)
    prior = Normal(f64(0.0), 1.0)
    likelihood = Normal(z - 0.3 * z**2, math.sqrt(0.4))
    assert torch.allclose(toy.log_prior(z), prior.log_prob(z), rtol=1e-14)
    assert torch.allclose(toy.log_likelihood(1.3, z), likelihood.log_prob(f64(1.3)))
    both = prior.log_prob(z) + likelihood.log_prob(f64(1.3))
    assert torch.allclose(toy.log_joint(1.3, z), both, rtol=1e-14)


@settings(max_examples=150, deadline=None)
@given(variances, bends, st.floats(-4, 6))
def test_the_evidence_is_the_integral_that_scipy_finds(c, b, x):
    toy = Toy(c, b)
    z = np.linspace(-12, 12, 2001)
    joint = np.exp(-(z**2) / 2 - (x - z - b * z**2) ** 2 / (2 * c))
    peak = float(z[joint.argmax()])
    value, _ = integrate.quad(
        lambda v: density(toy, x, v),
        -14,
        14,
        points=[peak, -peak],
        limit=400,
        epsabs=0,
        epsrel=1e-11,
    )
    if value < 1e-200:
        return
    assert float(toy.log_evidence(x)) == pytest.approx(math.log(value), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(variances, observed)
def test_a_straight_decoder_has_a_normal_evidence_and_posterior(c, x):
    toy = Toy(c, 0.0)
    evidence = Normal(f64(0.0), math.sqrt(1 + c)).log_prob(f64(x))
    assert float(toy.log_evidence(x)) == pytest.approx(float(evidence), rel=1e-12, abs=1e-12)
    posterior = Normal(f64(x / (1 + c)), math.sqrt(c / (1 + c)))
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    assert torch.allclose(toy.log_posterior(x, z), posterior.log_prob(z), rtol=1e-11, atol=1e-10)
    q = toy.best_q(x)
    assert float(q.mu) == pytest.approx(x / (1 + c), abs=1e-12)
    assert float(q.log_var) == pytest.approx(math.log(c / (1 + c)), abs=1e-12)
    assert float(toy.gap(x, *q)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("bend", [0.0, 0.5, -1.0])
def test_the_evidence_is_a_density_and_the_posterior_too(bend):
    toy = Toy(0.25, bend)
    x = torch.linspace(-12, 12, 2401, dtype=torch.float64)
    mass = float(torch.trapezoid(toy.log_evidence(x).exp(), x))
    assert mass == pytest.approx(1, abs=5e-3 if bend == -1 else 1e-4)  # the rest lies beyond 12
    z = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    assert float(torch.trapezoid(toy.log_posterior(0.5, z).exp(), z)) == pytest.approx(1, abs=1e-12)


def test_shapes_come_out_as_they_went_in():
    toy = Toy()
    x = torch.linspace(-1, 2, 6).reshape(2, 3)  # float32: computed in float64
    assert toy.log_evidence(x).shape == (2, 3)
    assert toy.log_evidence(x).dtype == torch.float64
    assert toy.best_q(x).mu.shape == (2, 3)
    assert toy.log_evidence(0.5).shape == ()
    assert toy.gap(x[..., None], torch.zeros(4), 0.0).shape == (2, 3, 4)
    many = torch.linspace(-2, 4, 300)  # more than one block of rows
    assert torch.equal(toy.log_evidence(many)[[7, 299]], toy.log_evidence(many[[7, 299]]))


# ---------------------------------------------------------------- the bound


@settings(max_examples=200, deadline=None)
@given(variances, bends, observed, means, log_vars)
def test_the_terms_are_expectations_under_q(c, b, x, mu, log_var):
    toy, sigma = Toy(c, b), math.exp(log_var / 2)
    terms = toy.elbo_terms(x, mu, log_var)

    def cost(z):
        return ((x - z - b * z**2) ** 2 / c + math.log(2 * math.pi * c)) / 2

    expected = expectation(cost, mu, sigma)
    assert float(terms.reconstruction) == pytest.approx(expected, rel=1e-10, abs=1e-10)
    kl = kl_divergence(Normal(f64(mu), sigma), Normal(0.0, 1.0))
    assert float(terms.kl) == pytest.approx(float(kl), rel=1e-9, abs=1e-12)
    assert float(terms.elbo) == -float(terms.reconstruction + terms.kl)


@settings(max_examples=200, deadline=None)
@given(variances, bends, observed, means, log_vars)
def test_evidence_is_elbo_plus_gap(c, b, x, mu, log_var):
    toy = Toy(c, b)
    evidence, gap = float(toy.log_evidence(x)), float(toy.gap(x, mu, log_var))
    elbo = float(toy.elbo_terms(x, mu, log_var).elbo)
    assert evidence == pytest.approx(elbo + gap, rel=1e-10, abs=1e-9)
    assert gap > -1e-9
    assert elbo <= evidence + 1e-9


@settings(max_examples=60, deadline=None)
@given(variances, bends, st.floats(-3, 6))
def test_no_optimiser_finds_a_better_q(c, b, x):
    toy = Toy(c, b)

    nodes, weights = np.polynomial.hermite_e.hermegauss(5)  # exact for a polynomial of degree 4
    weights = weights / math.sqrt(2 * math.pi)

    def loss(q):
        mu, log_var = q[0], np.clip(q[1], -30, 30)
        z = mu + np.exp(log_var / 2) * nodes
        fit = weights @ ((x - z - b * z**2) ** 2 / c + math.log(2 * math.pi * c)) / 2
        return fit + (np.exp(log_var) + mu**2 - 1 - log_var) / 2

    best = [float(v) for v in toy.best_q(x)]
    mine = loss(best)
    assert mine == pytest.approx(-float(toy.elbo_terms(x, *best).elbo), abs=1e-9)
    found = min(
        optimize.minimize(loss, [m, v], method="Nelder-Mead", options={"xatol": 1e-9}).fun
        for m in (-2.5, -0.5, 0.5, 2.5)
        for v in (-2.0, 0.0)
    )
    assert mine <= found + 1e-9


def test_the_gradient_is_0_at_the_best_q_wherever_x_lies():
    x = torch.linspace(-12, 12, 49, dtype=torch.float64)
    for c in (0.05, 0.25, 10):
        for b in (-1.0, -0.2, 0.0, 0.5, 1.0):
            toy = Toy(c, b)
            mu, log_var = (v.requires_grad_() for v in toy.best_q(x))
            toy.elbo_terms(x, mu, log_var).elbo.sum().backward()
            assert float(mu.grad.abs().max()) < 1e-10
            assert float(log_var.grad.abs().max()) < 1e-12


def test_gradients_of_the_terms_are_those_of_finite_differences():
    toy = Toy(0.3, 0.7)
    inputs = [torch.tensor([0.4, -1.2], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda m, v: toy.elbo_terms(0.6, m, v).elbo, inputs)


# ---------------------------------------------------------------- draws and refusals


def test_draws_follow_the_model_and_the_seed():
    toy = Toy(0.25, 0.5)
    z, x = toy.sample(200_000, 0)
    n = len(z)
    assert float(z.mean()) == pytest.approx(0, abs=4 / math.sqrt(n))
    assert float(z.var()) == pytest.approx(1, abs=4 * math.sqrt(2 / n))
    assert float(x.mean()) == pytest.approx(0.5, abs=4 * math.sqrt(1.75 / n))  # E g = b
    assert float(x.var()) == pytest.approx(1.75, rel=0.03)  # 1 + 2 b^2 + c
    error = x - toy.decode(z)
    assert float(error.var()) == pytest.approx(0.25, rel=0.02)
    assert torch.equal(toy.sample(5, 3)[1], toy.sample(5, torch.Generator().manual_seed(3))[1])
    assert not torch.equal(toy.sample(5, 3)[1], toy.sample(5, 4)[1])


@pytest.mark.parametrize("wrong", [{"variance": 0}, {"variance": math.nan}, {"variance": 11}])
def test_a_variance_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"variance is .*; expected a number from 0\.05 to 10"):
        Toy(**wrong)


@pytest.mark.parametrize("bend", [1.5, math.nan])
def test_a_bend_out_of_range_is_refused(bend):
    with pytest.raises(ValueError, match=r"bend is .*; expected a number from -1 to 1"):
        Toy(bend=bend)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.log_evidence(12.5), r"\|x\| reaches 12.5; expected at most 12"),
        (lambda t: t.best_q([0.0, -13]), r"\|x\| reaches 13"),
        (lambda t: t.gap(40, 0.0, 0.0), r"\|x\| reaches 40"),
        (lambda t: t.log_evidence(math.nan), "x holds NaN"),
        (lambda t: t.elbo_terms(0.5, math.inf, 0.0), "mu holds NaN or infinity"),
        (lambda t: t.elbo_terms(0.5, 0.0, math.nan), "log_var holds NaN"),
        (lambda t: t.decode("one"), "z is 'one'; expected finite numbers"),
        (
            lambda t: t.elbo_terms(torch.zeros(2), torch.zeros(3), 0.0),
            r"do not broadcast: x \(2,\), mu \(3,\), log_var \(\)",
        ),
        (lambda t: t.sample(0, 0), "n must be at least 1"),
        (lambda t: t.sample(3, -1), "seed must be at least 0"),
    ],
)
def test_what_would_give_a_wrong_number_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(Toy())
