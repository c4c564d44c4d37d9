"""Diffusion in one dimension against simulation, Bayes' rule on a grid, and torch's normals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical, MixtureSameFamily, Normal, kl_divergence

from aeteach.diffusion import (
    Humps,
    average_terms,
    backward,
    elbo_terms,
    forward,
    noise_added,
    schedule,
)

TWO, ONE, OFF = Humps(), Humps((0.0,), 1.0), Humps((-0.4, 0.3, 2.0), 0.5)


def mixture(data: Humps, a: torch.Tensor | float = 1.0) -> MixtureSameFamily:
    a = torch.as_tensor(a, dtype=torch.float64)
    centres = torch.tensor(data.centres, dtype=torch.float64)
    spread = (a * data.sd**2 + 1 - a).sqrt()
    return MixtureSameFamily(
        Categorical(torch.ones_like(centres)), Normal(a.sqrt() * centres, spread)
    )


@pytest.mark.parametrize("T", [1, 2, 7, 40])
def test_the_schedule_falls_by_equal_steps_of_log_odds(T):
    a = schedule(T)
    assert a.shape == (T + 1,)
    assert a[0] == 1
    assert a[-1] == pytest.approx(0.0067)
    odds = a[1:].logit()
    assert torch.allclose(odds.diff(), odds.diff().mean().expand(T - 1)) or T == 1
    assert torch.allclose(a[1:], torch.cumprod(1 - noise_added(a), 0))


def test_t_steps_at_once_are_t_single_steps():
    a = schedule(6)
    v = noise_added(a)
    mean, variance = torch.tensor(1.7, dtype=torch.float64), torch.tensor(0.0)
    for t in range(1, 7):
        mean, variance = (1 - v[t - 1]).sqrt() * mean, (1 - v[t - 1]) * variance + v[t - 1]
        at_once = forward(torch.tensor(1.7, dtype=torch.float64), a[t])
        assert float(at_once.mean) == pytest.approx(float(mean))
        assert float(at_once.variance) == pytest.approx(float(variance))


@pytest.mark.parametrize("t", [1, 2, 5, 9])
def test_backward_is_bayes_rule_on_a_grid(t):
    a = schedule(10)
    x_0, x_t = torch.tensor(0.8, dtype=torch.float64), torch.tensor(-0.6, dtype=torch.float64)
    q = backward(x_0, x_t, a[t], a[t + 1])
    grid = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    before = Normal(*[forward(x_0, a[t])[0], forward(x_0, a[t])[1].sqrt()])
    v = noise_added(a)[t]
    log_weight = before.log_prob(grid) + Normal((1 - v).sqrt() * grid, v.sqrt()).log_prob(x_t)
    weight = torch.softmax(log_weight, 0)
    mean = (weight * grid).sum()
    assert float(q.mean) == pytest.approx(float(mean), abs=1e-9)
    assert float(q.variance) == pytest.approx(float((weight * (grid - mean) ** 2).sum()), rel=1e-7)


@pytest.mark.parametrize("data", [TWO, ONE, OFF])
def test_densities_and_entropy_are_those_of_torch(data):
    x = torch.linspace(-3, 4, 29, dtype=torch.float64)
    for a in (1.0, 0.5, 0.01):
        assert torch.allclose(data.log_density(x, a), mixture(data, a).log_prob(x))
    draws = mixture(data).sample((200_000,))
    surprise = -mixture(data).log_prob(draws)
    error = float(surprise.std()) / math.sqrt(len(draws))
    assert float(data.entropy()) == pytest.approx(float(surprise.mean()), abs=4 * error)
    ours = data.sample(100_000, torch.Generator().manual_seed(0))
    assert float(ours.mean()) == pytest.approx(np.mean(data.centres), abs=0.02)
    assert float(ours.var()) == pytest.approx(np.var(data.centres) + data.sd**2, rel=0.02)


@pytest.mark.parametrize("data", [TWO, ONE, OFF])
def test_the_decoder_has_the_moments_of_the_true_way_back(data):
    a = schedule(5)
    grid = torch.linspace(-9, 9, 100_001, dtype=torch.float64)
    for t in range(1, 6):
        x_t = torch.tensor([-1.1, 0.2, 1.9], dtype=torch.float64)
        p = data.decoder(x_t, a[t - 1], a[t])
        v = noise_added(a)[t - 1]
        for i, x in enumerate(x_t):
            step = Normal((1 - v).sqrt() * grid, v.sqrt()).log_prob(x)
            weight = torch.softmax(mixture(data, a[t - 1]).log_prob(grid) + step, 0)
            mean = (weight * grid).sum()
            assert float(p.mean[i]) == pytest.approx(float(mean), abs=1e-7)
            variance = (weight * (grid - mean) ** 2).sum()
            assert float(p.variance[i]) == pytest.approx(float(variance), rel=1e-6)


@pytest.mark.parametrize("data", [TWO, OFF])
@pytest.mark.parametrize("T", [1, 2, 6])
def test_the_terms_sum_to_the_elbo_of_simulated_paths(data, T):
    """log p(x_0, ..., x_T) - log q(x_1, ..., x_T | x_0), averaged over paths."""
    torch.manual_seed(3)
    a, n = schedule(T), 40_000
    v = noise_added(a)
    x_0 = torch.tensor([0.9], dtype=torch.float64)
    path, log_q = [x_0.expand(n)], torch.zeros(n, dtype=torch.float64)
    for t in range(T):
        step = Normal((1 - v[t]).sqrt() * path[-1], v[t].sqrt())
        path.append(step.sample())
        log_q += step.log_prob(path[-1])
    log_p = Normal(0.0, 1.0).log_prob(path[-1])
    for t in range(1, T + 1):
        p = data.decoder(path[t], a[t - 1], a[t])
        log_p = log_p + Normal(p.mean, p.variance.sqrt()).log_prob(path[t - 1])
    cost = log_q - log_p
    error = float(cost.std()) / math.sqrt(n)
    terms = elbo_terms(data, a, x_0)
    assert float(terms.negative_elbo) == pytest.approx(float(cost.mean()), abs=4 * error)
    assert error < 0.02  # so that the line above says something


@pytest.mark.parametrize("data", [TWO, ONE, OFF])
def test_the_average_over_the_data_is_the_average_of_the_terms(data):
    a = schedule(4)
    x = torch.linspace(-6, 7, 131, dtype=torch.float64)
    weight = mixture(data).log_prob(x).exp() * 0.1
    each, average = elbo_terms(data, a, x), average_terms(data, a)
    assert float(weight @ each.prior) == pytest.approx(float(average.prior), abs=1e-8)
    assert (each.steps @ weight).numpy() == pytest.approx(average.steps.numpy(), abs=1e-7)
    assert float(weight @ each.reconstruction) == pytest.approx(
        float(average.reconstruction), abs=1e-7
    )


def test_for_normal_data_only_the_prior_is_missed():
    data = Humps((0.5,), 0.6)
    for T in (1, 3, 12):
        a = schedule(T)
        end = Normal(a[-1].sqrt() * 0.5, (a[-1] * 0.36 + 1 - a[-1]).sqrt())
        missed = kl_divergence(end, Normal(torch.tensor(0.0).double(), 1.0))
        gap = average_terms(data, a).negative_elbo - math.log(2 * math.pi * math.e * 0.36) / 2
        assert float(gap) == pytest.approx(float(missed), abs=1e-8)


def test_more_steps_come_nearer_to_the_entropy():
    gaps = [
        float(average_terms(TWO, schedule(T)).negative_elbo - TWO.entropy())
        for T in (1, 2, 5, 20, 100)
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] > 0


@settings(max_examples=40, deadline=None)
@given(st.floats(-2, 2), st.floats(0.1, 1.5), st.integers(1, 12))
def test_no_chain_gets_below_the_entropy(centre, sd, T):
    data = Humps((centre, -centre), sd)
    terms = average_terms(data, schedule(T))
    assert float(terms.negative_elbo - data.entropy()) > -1e-6
    assert (terms.steps >= -1e-12).all()
    assert float(terms.prior) >= 0


@pytest.mark.parametrize(
    "bad", [[1.0], [0.9, 0.5], [1.0, 0.5, 0.6], [1.0, 0.0], [[1.0, 0.5]], [1.0, 1.0]]
)
def test_a_signal_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="start at 1 and fall"):
        average_terms(TWO, torch.tensor(bad))
    with pytest.raises(ValueError, match="start at 1 and fall"):
        noise_added(torch.tensor(bad))


EDGES = [(0.0, 0.05), (5.0, 0.05), (-5.0, 5.0), (5.0, 1.0)]


@pytest.mark.parametrize(("centre", "sd"), EDGES)
def test_the_quadrature_holds_at_the_edges_of_what_it_takes(centre, sd):
    """One hump is normal, and two that do not meet have log 2 more."""
    of_one = math.log(2 * math.pi * math.e * sd**2) / 2
    assert float(Humps((centre,), sd).entropy()) == pytest.approx(of_one, abs=1e-9)
    if sd < 1:
        apart = Humps((centre - 2 * sd * 9, centre) if centre else (-1.0, 1.0), sd)
        assert float(apart.entropy()) == pytest.approx(of_one + math.log(2), abs=1e-9)
    a = schedule(3)
    end = Normal(a[-1].sqrt() * centre, (a[-1] * sd**2 + 1 - a[-1]).sqrt())
    missed = float(kl_divergence(end, Normal(torch.tensor(0.0).double(), 1.0)))
    gap = average_terms(Humps((centre,), sd), a).negative_elbo - of_one
    assert float(gap) == pytest.approx(missed, abs=1e-8)


@pytest.mark.parametrize("sd", [0.05, 0.3, 5.0])
def test_each_term_averages_to_the_average_at_the_edges(sd):
    data, a = Humps((-5.0, 1.0, 5.0), sd), schedule(3)
    u = torch.linspace(-8, 8, 41, dtype=torch.float64)
    weight = Normal(0.0, 1.0).log_prob(u).exp() * 0.4 / 3
    each = sum(elbo_terms(data, a, c + sd * u).negative_elbo @ weight for c in data.centres)
    assert float(each) == pytest.approx(float(average_terms(data, a).negative_elbo), abs=1e-6)


def test_numbers_may_be_in_anything_and_keep_their_gradient():
    plain, x_0 = forward(0.5, 0.25), torch.tensor([0.5], requires_grad=True)
    assert (float(plain.mean), float(plain.variance)) == (0.25, 0.75)
    assert forward([0.5, 1.0], np.float32(0.25)).mean.tolist() == [0.25, 0.5]
    (slope,) = torch.autograd.grad(forward(x_0, 0.25).mean.sum(), x_0)
    assert slope.tolist() == [0.5]
    assert TWO.log_density([0.1, 0.2], 0.5).dtype == torch.float64
    # Every axis of its own: three signals by two places.
    start = TWO.start(torch.tensor([0.1, 0.2]), torch.tensor([[0.9], [0.5], [0.1]]))
    assert start.mean.shape == start.variance.shape == (3, 2)
    assert float(start.mean[1, 1]) == pytest.approx(float(TWO.start(0.2, 0.5).mean), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: schedule(0), "steps must be at least 1"),
        (lambda: schedule(math.nan), "steps must be a whole number"),
        (lambda: schedule(10**6), "steps must be at most 10.5"),
        (lambda: Humps((0.0,), 0.0), "sd is 0.0; expected a number from 0.05 to 5"),
        (lambda: Humps((0.0,), math.inf), "sd is inf; expected"),
        (lambda: Humps((), 1.0), r"centres is \(\); expected finite numbers.* at least 1"),
        (lambda: Humps((math.nan,), 1.0), "each of centres is nan; expected a number from -5 to 5"),
        (lambda: forward(1.0, 0.0), "a_t runs from 0 to 0; expected the signal left, above 0"),
        (lambda: forward(1.0, [0.5, 1.1]), "a_t runs from 0.5 to 1.1"),
        (lambda: forward([1.0, 2.0], [0.5] * 3), r"broadcast: x_0 \(2,\), a_t \(3,\)"),
        (lambda: backward(1.0, 1.0, 0.5, 0.5), "a_t must be below a_before, .* smallest is 0"),
        (lambda: TWO.decoder(1.0, 0.5, 0.6), "a_t must be below a_before"),
        (lambda: elbo_terms(TWO, [1.0, 0.5], 1.0), r"x_0 has shape \(\); expected \(N,\)"),
        (lambda: elbo_terms(TWO, [1.0, 0.5], [1e80]), "x_0 reaches 1e.80"),
        (lambda: average_terms((0.0,), [1.0, 0.5]), "data is .* expected a Humps"),
        (lambda: noise_added([1.0, 1 - 1e-9]), "must start at 1 and fall, by a share of at least"),
    ],
)
def test_bad_numbers_are_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
