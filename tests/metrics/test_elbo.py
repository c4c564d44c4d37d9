"""Rate, distortion, units in use, and the importance-weighted bound, against closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence

from aeteach import metrics, models
from aeteach.likelihoods import NLL
from aeteach.losses import Elbo
from aeteach.metrics import (
    active_units,
    elbo_terms,
    importance_weighted_log_likelihood,
    informative_units,
    kl_by_dimension,
    posteriors,
    rate_distortion,
)
from aeteach.models import Output
from aeteach.training import evaluate

PIXELS, D, VARIANCE = 4, 2, 0.1


class LinearGaussian(nn.Module):
    """z ~ N(0, I), x = W z + b + noise: log p(x) and p(z|x) are known, q may be off them."""

    def __init__(self, *, shift=0.0, stretch=1.0, variance=VARIANCE):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.W = nn.Parameter(torch.randn(PIXELS, D, generator=generator))
        self.b = nn.Parameter(torch.rand(PIXELS, generator=generator))
        self.shift, self.stretch, self.variance = shift, stretch, variance
        # q is diagonal, so W^T W must be: otherwise no q could be exact.
        self.W.data = torch.linalg.qr(self.W.data).Q * torch.tensor([0.7, 0.3])
        precision = (self.W.detach() ** 2).sum(0) / variance + 1
        self.register_buffer("sigma2", 1 / precision)

    def forward(self, x):
        mu = (x.flatten(1) - self.b) @ self.W * self.sigma2 / self.variance + self.shift
        log_var = (self.sigma2 * self.stretch**2).log().expand_as(mu)
        z = mu + (log_var / 2).exp() * torch.randn_like(mu)
        return Output((z @ self.W.T + self.b).view_as(x), z, mu, log_var)

    def log_p(self, x):
        """The exact log p(x) of each image: N(b, W W^T + c I), (N,)."""
        W, b = self.W.detach().double(), self.b.detach().double()
        covariance = W @ W.T + self.variance * torch.eye(PIXELS, dtype=torch.float64)
        return MultivariateNormal(b, covariance).log_prob(x.flatten(1).double())

    def elbo(self, x):
        """The exact ELBO of each image: log p(x) - KL(q || p(z|x)), (N,)."""
        s = self.sigma2.double().sqrt()
        gap = kl_divergence(Normal(self.shift, s * self.stretch), Normal(0.0, s)).sum()
        return self.log_p(x) - gap


class TwoPixels(nn.Module):
    """One latent bit in all but name: z drawn from q, two Bernoulli pixels, by logits or x_hat."""

    def __init__(self, *, logits=True):
        super().__init__()
        self.logits = logits
        self.weight = nn.Parameter(torch.tensor([1.5, -0.5]))

    def forward(self, x):
        mu = x.flatten(1)[:, :1] - 0.5
        log_var = torch.full_like(mu, -1.0)
        z = mu + (log_var / 2).exp() * torch.randn_like(mu)
        logits = (z * self.weight).view_as(x)
        x_hat = torch.sigmoid(logits)
        return Output(x_hat, z, mu, log_var, logits if self.logits else None)


def images(n=200, seed=0):
    return torch.rand(n, 1, 2, 2, generator=torch.Generator().manual_seed(seed))


def test_with_the_true_posterior_every_number_of_samples_gives_log_p_exactly():
    model, x = LinearGaussian(), images()
    for samples in (1, 7):
        found = importance_weighted_log_likelihood(
            model, x, samples=samples, likelihood="gaussian", variance=VARIANCE
        )
        assert found.samples == samples
        assert found.per_image.dtype == torch.float64
        torch.testing.assert_close(found.per_image, model.log_p(x).detach(), rtol=0, atol=1e-5)


def test_the_bound_tightens_with_samples_and_reaches_log_p():
    model, x = LinearGaussian(shift=0.4, stretch=1.5), images(500)
    exact = model.log_p(x)
    gaps = []
    for samples in (1, 5, 50, 1000):
        found = importance_weighted_log_likelihood(
            model, x, samples=samples, likelihood="gaussian", variance=VARIANCE
        )
        gap = exact - found.per_image
        error = gap.std().item() / math.sqrt(len(x))
        assert gap.mean().item() > -4 * error  # never above, but for chance
        gaps.append(gap.mean().item())
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 0.3
    assert abs(gaps[-1]) < 0.01


def test_one_sample_is_the_elbo():
    model, x = LinearGaussian(shift=0.4, stretch=1.5), images(400)
    exact = model.elbo(x)
    found = [
        importance_weighted_log_likelihood(
            model, x, samples=1, likelihood="gaussian", variance=VARIANCE, seed=seed
        ).per_image
        for seed in range(40)
    ]
    difference = torch.stack(found) - exact
    error = difference.std().item() / math.sqrt(difference.numel())
    assert error < 0.02
    assert abs(difference.mean().item()) < 4 * error
    cost = rate_distortion(model, x, likelihood="gaussian", variance=VARIANCE, draws=20)
    assert -cost.negative_elbo == pytest.approx(exact.mean().item(), abs=0.03)


def test_weights_that_float32_could_not_hold_are_summed_all_the_same():
    variance = 1e-4  # log p(x) is hundreds below 0: exp of it is 0 even in float64
    model, x = LinearGaussian(variance=variance), images(40)
    x = x[model.log_p(x) < -800]
    exact = model.log_p(x)
    assert len(x) > 10
    found = importance_weighted_log_likelihood(
        model, x, samples=5, likelihood="gaussian", variance=variance
    )
    torch.testing.assert_close(found.per_image, exact, rtol=1e-4, atol=0)


def test_the_standard_error_is_that_of_the_mean_over_images():
    model, x = LinearGaussian(), images()
    found = importance_weighted_log_likelihood(
        model, x, samples=2, likelihood="gaussian", variance=VARIANCE
    )
    assert found.estimate == pytest.approx(found.per_image.mean().item())
    expected = np.std(found.per_image.numpy(), ddof=1) / math.sqrt(len(x))
    assert found.standard_error == pytest.approx(expected)


def test_chunks_change_memory_and_not_the_result(monkeypatch):
    model, x = LinearGaussian(), images(25)
    arguments = {"likelihood": "gaussian", "variance": VARIANCE}
    whole = importance_weighted_log_likelihood(model, x, samples=3, **arguments)
    rate = rate_distortion(model, x, **arguments).rate
    mu, log_var = posteriors(model, x)
    monkeypatch.setattr(metrics.elbo, "_CHUNK", 7)
    # With the true posterior nothing depends on the draws, so only the order could go wrong.
    parts = importance_weighted_log_likelihood(model, x, samples=3, **arguments)
    torch.testing.assert_close(parts.per_image, whole.per_image, rtol=0, atol=1e-5)
    assert rate_distortion(model, x, **arguments).rate == pytest.approx(rate)
    for one, other in zip(posteriors(model, x), (mu, log_var), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("logits", [True, False])
def test_a_bernoulli_bound_against_the_integral_over_z(logits):
    model = TwoPixels(logits=logits)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).view(4, 1, 1, 2)
    z = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    log_p_z = Normal(0.0, 1.0).log_prob(z)
    w = model.weight.detach().double()
    exact = []
    for row in x.view(4, 2).double():
        log_p_x = Bernoulli(logits=z[:, None] * w).log_prob(row).sum(1)
        exact.append(torch.trapezoid((log_p_z + log_p_x).exp(), z).log())
    exact = torch.stack(exact)
    assert exact.exp().sum().item() == pytest.approx(1)  # the four images are all there are
    # 20,000 draws an image: 500 for each of 40 copies, which are averaged as weights are.
    found = importance_weighted_log_likelihood(model, x.repeat(40, 1, 1, 1), samples=500)
    found = found.per_image.view(40, 4).exp().mean(0).log()
    torch.testing.assert_close(found, exact, rtol=0, atol=0.03)


def test_rate_and_distortion_are_what_the_loss_s_terms_are():
    model = models.build("mlp-vae", latent=3)
    x = torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    for likelihood, variance in (("bernoulli", 1.0), ("gaussian", 0.3), ("squared_error", 1.0)):
        loss = Elbo(likelihood, variance=variance)
        terms = evaluate(model, x, loss, seed=9)
        cost = rate_distortion(model, x, likelihood=likelihood, variance=variance, seed=9)
        assert cost.reconstruction == pytest.approx(terms["reconstruction"], rel=1e-5)
        assert cost.rate == pytest.approx(terms["kl"], rel=1e-5)
        assert cost.negative_elbo == pytest.approx(terms["loss"], rel=1e-5)
        assert cost.bits == pytest.approx((cost.reconstruction / 0.6931472, cost.rate / 0.6931472))
    mu, log_var = posteriors(model, x)
    each = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1).detach()
    assert cost.rate == pytest.approx(each.mean().item(), rel=1e-5)
    assert cost.rate_error == pytest.approx(each.std().item() / math.sqrt(30), rel=1e-4)


def test_more_draws_average_the_reconstruction_an_image():
    model, x = LinearGaussian(stretch=1.5), images(50)
    arguments = {"likelihood": "gaussian", "variance": VARIANCE}
    one, many = (rate_distortion(model, x, draws=n, **arguments) for n in (1, 400))
    # E||x - W z - b||^2 / 2c over z ~ q: the error at the mean, plus the spread of q through W.
    W, b = model.W.detach(), model.b.detach()
    mu, log_var = posteriors(model, x)
    at_mean = ((x.flatten(1) - mu.detach() @ W.T - b) ** 2).sum(1)
    spread = ((W**2).sum(0) * log_var.detach().exp()).sum(1)
    constant = PIXELS / 2 * math.log(2 * math.pi * VARIANCE)
    exact = ((at_mean + spread) / (2 * VARIANCE) + constant).mean().item()
    assert many.reconstruction == pytest.approx(exact, abs=0.05)
    assert many.reconstruction_error < one.reconstruction_error


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 2**31))
def test_kl_by_dimension_against_torch_s_distributions(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    mu, log_var = 2 * torch.randn(2, n, d, generator=generator, dtype=torch.float64)
    theirs = kl_divergence(Normal(mu, (log_var / 2).exp()), Normal(0.0, 1.0)).mean(0)
    ours = kl_by_dimension(mu, log_var)
    assert ours.shape == (d,)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    assert torch.equal(informative_units(mu, log_var, 0.5), theirs > 0.5)


def test_a_dimension_on_the_prior_carries_nothing_and_is_not_active():
    mu = torch.tensor([[0.0, 1.0, 0.05], [0.0, -1.0, -0.05], [0.0, 1.0, 0.05], [0.0, -1.0, -0.05]])
    log_var = torch.zeros(4, 3)
    torch.testing.assert_close(
        kl_by_dimension(mu, log_var), torch.tensor([0.0, 0.5, 0.05**2 / 2]), rtol=1e-5, atol=0
    )
    assert active_units(mu).tolist() == [False, True, False]
    assert informative_units(mu, log_var).tolist() == [False, True, False]
    # A mean far from 0 that never moves costs nats and tells nothing: the two counts differ.
    stuck = torch.full((4, 1), 3.0)
    assert active_units(stuck).tolist() == [False]
    assert informative_units(stuck, torch.zeros(4, 1)).tolist() == [True]


@given(st.integers(0, 2**31), st.floats(0.0, 4.0))
def test_active_units_against_numpy(seed, threshold):
    generator = torch.Generator().manual_seed(seed)
    mu = torch.randn(20, 5, generator=generator) * torch.linspace(0, 2, 5)
    expected = np.var(mu.double().numpy(), axis=0, ddof=1) > threshold
    assert active_units(mu, threshold).tolist() == expected.tolist()
    assert torch.equal(active_units(mu + 7, 1.0), active_units(mu, 1.0))


def test_measuring_leaves_mode_and_random_state_alone_and_repeats_with_the_seed():
    model, x = models.build("conv-vae", latent=2).train(), torch.rand(6, 1, 32, 32)
    before = torch.get_rng_state()
    running = model.encoder[1].running_mean.clone()
    first = importance_weighted_log_likelihood(model, x, samples=3, seed=4)
    again = importance_weighted_log_likelihood(model, x, samples=3, seed=4)
    other = importance_weighted_log_likelihood(model, x, samples=3, seed=5)
    assert torch.equal(first.per_image, again.per_image)
    assert not torch.equal(first.per_image, other.per_image)
    assert rate_distortion(model, x, seed=4) == rate_distortion(model, x, seed=4)
    posteriors(model, x)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert torch.equal(model.encoder[1].running_mean, running)


def test_a_conditional_model_is_told_its_labels():
    class Told(LinearGaussian):
        def forward(self, x, y):
            seen.append(y)
            return super().forward(x)

    seen: list[torch.Tensor] = []
    x, y = images(5), torch.arange(5)
    arguments = {"likelihood": "gaussian", "variance": VARIANCE}
    importance_weighted_log_likelihood(Told(), x, y, samples=1, **arguments)
    rate_distortion(Told(), x, y, **arguments)
    posteriors(Told(), x, y)
    assert len(seen) == 3
    assert all(torch.equal(labels, y) for labels in seen)


VAE = models.build("vae", latent=2)
X = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rate_distortion(VAE, X, likelihood="poisson"), ValueError, "likelihood is 'poi"),
        (lambda: rate_distortion(VAE, X, variance=0.5), ValueError, "variance is 0.5"),
        (
            lambda: rate_distortion(VAE, X, likelihood="gaussian", variance=0.0),
            ValueError,
            "variance is 0.0",
        ),
        (lambda: rate_distortion(VAE, X, draws=0), ValueError, "draws must be at least 1"),
        (lambda: rate_distortion(VAE, X[:1]), ValueError, "images holds 1 image"),
        (lambda: rate_distortion(VAE, X * 2), ValueError, r"in \[0, 1\]"),
        (lambda: rate_distortion(VAE, X, seed=-1), ValueError, "seed must be at least 0"),
        (
            lambda: rate_distortion(models.build("mlp", latent=2), X),
            ValueError,
            "no variational autoencoder",
        ),
        (lambda: posteriors(models.build("mlp"), X), ValueError, "no variational autoencoder"),
        (
            lambda: importance_weighted_log_likelihood(VAE, X, likelihood="squared_error"),
            ValueError,
            "expected one of 'bernoulli', 'gaussian', 'learned_gaussian'",
        ),
        (
            lambda: importance_weighted_log_likelihood(VAE, X, samples=0),
            ValueError,
            "samples must be at least 1",
        ),
        (
            lambda: kl_by_dimension(torch.zeros(3, 2), torch.zeros(3, 1)),
            ValueError,
            "same",
        ),
        (lambda: kl_by_dimension(torch.zeros(3), torch.zeros(3)), ValueError, "mu must be"),
        (
            lambda: kl_by_dimension(torch.full((2, 2), math.nan), torch.zeros(2, 2)),
            ValueError,
            "finite",
        ),
        (lambda: active_units(torch.zeros(1, 2)), ValueError, "at least 2"),
        (lambda: active_units(torch.zeros(3, 2), -1.0), ValueError, "threshold is -1.0"),
        (
            lambda: informative_units(torch.zeros(3, 2), torch.zeros(3, 2), -0.5),
            ValueError,
            "threshold is -0.5",
        ),
        (lambda: active_units(torch.zeros(3, 2), -0.5), ValueError, "threshold is -0.5"),
        (
            lambda: informative_units(torch.zeros(3, 2), torch.zeros(3, 2), math.nan),
            ValueError,
            "threshold is nan",
        ),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", NLL)
def test_a_model_is_measured_by_its_own_likelihood_and_by_no_other(name):
    model = models.build("vae", latent=2, size=4, hidden=(5,), likelihood=name)
    x = (torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 255).round() / 255
    reconstruction, rate = elbo_terms(model, x, likelihood=name)
    expected = evaluate(model, x, Elbo(reconstruction=name))
    assert float(reconstruction.mean()) == pytest.approx(expected["reconstruction"], rel=1e-6)
    assert float(rate.mean()) == pytest.approx(expected["kl"], rel=1e-5)
    for measure in (elbo_terms, rate_distortion, importance_weighted_log_likelihood):
        with pytest.raises(ValueError, match=f"makes '{name}'.*or measure with likelihood='{name}"):
            measure(model, x)
    with pytest.raises(ValueError, match="makes 'bernoulli'"):
        elbo_terms(VAE, X, likelihood=name)


def test_a_learned_variance_that_is_the_same_everywhere_is_the_gaussian_of_that_variance():
    model = models.build("vae", latent=2, size=4, hidden=(5,), likelihood="learned_gaussian")
    x = images(6)
    x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    last = [part for part in model.decoder if isinstance(part, nn.Linear)][-1]
    with torch.no_grad():
        last.weight[16:], last.bias[16:] = 0.0, -1.0
    variance = math.exp(-12 + math.log1p(math.exp(11)))
    for measure in (rate_distortion, importance_weighted_log_likelihood):
        own = measure(model, x, likelihood="learned_gaussian")
        same = measure(model, x, likelihood="gaussian", variance=variance)
        for name in ("reconstruction", "rate") if measure is rate_distortion else ("estimate",):
            assert getattr(own, name) == pytest.approx(getattr(same, name), rel=1e-5)


def test_a_unit_carries_more_than_a_hundredth_of_a_nat_unless_told_otherwise():
    kl = torch.tensor([0.009, 0.011])
    mu = (2 * kl).sqrt().expand(3, 2)  # KL = mu^2 / 2 where the variance is 1
    assert informative_units(mu, torch.zeros(3, 2)).tolist() == [False, True]
    spread = (2 * torch.tensor([0.009, 0.011])).sqrt() / 2  # variance of -s and s: 2 s^2
    assert active_units(torch.stack([-spread, spread])).tolist() == [False, True]


def test_two_images_are_enough_for_a_standard_error():
    x = torch.rand(2, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    model = LinearGaussian().eval()
    two = rate_distortion(model, x, likelihood="squared_error")
    assert math.isfinite(two.rate_error)
    bound = importance_weighted_log_likelihood(model, x, samples=5, likelihood="gaussian")
    assert math.isfinite(bound.standard_error)
    with pytest.raises(ValueError, match="at least 2"):
        importance_weighted_log_likelihood(model, x[:1], samples=5, likelihood="gaussian")
