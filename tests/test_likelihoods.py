import math

import pytest
import torch
from torch import distributions as D

from aeteach import likelihoods, models
from aeteach.likelihoods import LIKELIHOODS, NLL
from aeteach.losses import Elbo, NegativeLogLikelihood
from aeteach.training import evaluate, fit

G = torch.Generator().manual_seed(0)


def _made(per_value, n=5, values=3):
    return 3 * torch.randn(n, per_value * values, generator=G, dtype=torch.float64)


def _grey(n=5, values=3):
    return torch.randint(0, 256, (n, values), generator=G).double() / 255


def test_the_learned_gaussian_is_torchs_normal():
    made, x = _made(2), 4 * torch.randn(5, 3, generator=G, dtype=torch.float64)
    mean, raw = made.chunk(2, 1)
    variance = torch.exp(-12 + torch.log1p(torch.exp(raw + 12)))
    expected = -D.Normal(mean, variance.sqrt()).log_prob(x).sum(1)
    torch.testing.assert_close(likelihoods.learned_gaussian_nll(made, x), expected)


def test_the_continuous_bernoulli_is_torchs():
    made, x = torch.linspace(-8, 8, 15).double().reshape(5, 3), _grey()
    expected = -D.ContinuousBernoulli(logits=made).log_prob(x).sum(1)
    found = likelihoods.continuous_bernoulli_nll(made, x)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("logit", [-60.0, -1.0, -0.011, -0.009, -1e-9, 0.0, 1e-9, 0.009, 3.0, 60.0])
def test_the_continuous_bernoulli_adds_up_to_1_and_x_hat_is_its_mean(logit):
    nodes = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    logits = torch.full((len(nodes), 1), logit, dtype=torch.float64)
    near = 1e-7 if abs(logit) < 5 else 2e-5  # of the trapezia
    density = torch.exp(-likelihoods.continuous_bernoulli_nll(logits, nodes[:, None]))
    assert float(torch.trapezoid(density, nodes)) == pytest.approx(1, abs=near)
    mean = float(torch.trapezoid(density * nodes, nodes))
    x_hat = LIKELIHOODS["continuous_bernoulli"].x_hat(logits[:1])
    assert float(x_hat) == pytest.approx(mean, abs=near)


def test_the_gradient_at_a_logit_of_0_is_half_less_x():
    logits = torch.zeros(1, 1, requires_grad=True, dtype=torch.float64)
    x = torch.full((1, 1), 0.2, dtype=torch.float64)
    likelihoods.continuous_bernoulli_nll(logits, x).sum().backward()
    assert float(logits.grad) == pytest.approx(0.3)


@pytest.mark.parametrize("name", ["discretised_logistic", "categorical"])
def test_the_masses_of_the_levels_add_up_to_1(name):
    levels = torch.arange(256).double()[:, None] / 255
    for _ in range(5):
        made = _made(LIKELIHOODS[name].per_value, n=1, values=1).expand(256, -1)
        mass = torch.exp(-NLL[name](made, levels))
        assert float(mass.sum()) == pytest.approx(1, abs=1e-9)


def test_the_discretised_logistic_is_a_difference_of_distribution_functions():
    made, x = torch.tensor([[0.3, -2.0]]).double(), torch.tensor([[100 / 255]]).double()
    m, s = 1 / (1 + math.exp(-0.3)), math.exp(-7 + math.log1p(math.exp(5)))
    cdf = lambda at: 1 / (1 + math.exp(-(at - m) / s))  # noqa: E731
    expected = -math.log(cdf(100.5 / 255) - cdf(99.5 / 255))
    assert float(likelihoods.discretised_logistic_nll(made, x)) == pytest.approx(expected)


def test_a_far_level_of_a_narrow_logistic_has_a_finite_cost_and_gradient():
    made = torch.tensor([[8.0, -30.0]], requires_grad=True)
    likelihoods.discretised_logistic_nll(made, torch.zeros(1, 1)).sum().backward()
    assert made.grad.isfinite().all()


def test_the_categorical_is_torchs_and_x_hat_is_its_mean():
    made, x = _made(256), _grey()
    logits = made.reshape(5, 256, 3).transpose(1, 2)
    expected = -D.Categorical(logits=logits).log_prob((x * 255).round().long()).sum(1)
    torch.testing.assert_close(likelihoods.categorical_nll(made, x), expected)
    mean = (logits.softmax(-1) * torch.arange(256).double() / 255).sum(-1)
    torch.testing.assert_close(LIKELIHOODS["categorical"].x_hat(made), mean)


def test_what_lies_between_levels_has_no_mass():
    with pytest.raises(ValueError, match=r"between 8-bit levels; .*round\(\) / 255"):
        likelihoods.categorical_nll(torch.zeros(1, 256), torch.tensor([[0.5]]))


SHAPES = [(3, 32, 32), (20, 28), (1, 20, 28), (30,)]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("name", ["vae", "conv-vae", "wide-conv-vae", "mlp", "conv", "mlp-vae"])
@pytest.mark.parametrize("size", [(3, 12, 9), (20, 28), (30,)], ids=str)
def test_any_shape_with_any_likelihood_is_trained_and_measured(size, name, likelihood):
    if len(size) == 1 and "conv" in name:
        with pytest.raises(ValueError, match="convolutions need images"):
            models.build(name, size=size)
        return
    model = models.build(name, latent=2, size=size, likelihood=likelihood)
    shape = (1, *size) if len(size) == 2 else size
    x = torch.randint(0, 256, (6, *shape), generator=G).float() / 255
    if "vae" in name:
        loss = Elbo(likelihood)
    elif likelihood in NLL:
        loss = NegativeLogLikelihood(likelihood)
    else:
        loss = "squared_error"
    fit(model, x, loss=loss, epochs=1, batch_size=3, progress=False)
    assert math.isfinite(evaluate(model, x, loss)["loss"])
    assert model(x).x_hat.shape == model.decode(model.encode(x)).shape == x.shape


@pytest.mark.parametrize("name", ["cvae", "conv-cvae"])
def test_any_number_of_classes(name):
    model = models.build(name, latent=2, size=(3, 16, 24), classes=26)
    x, y = torch.rand(26, 3, 16, 24, generator=G), torch.arange(26)
    fit(model, x, labels=y, loss="elbo", epochs=1, progress=False)
    assert model.decode(torch.zeros(26, 2), y).shape == x.shape


def test_standardised_features_need_a_model_without_a_sigmoid():
    x = 10 * torch.randn(40, 30, generator=G)
    linear = models.build("linear", latent=2, size=(30,))
    assert fit(linear, x, epochs=1, progress=False).epochs == 1
    with pytest.raises(ValueError, match=r"images must be in \[0, 1\], as the model, a VAE"):
        fit(models.build("vae", size=(30,)), x, loss="elbo", progress=False)


def test_a_loss_of_another_likelihood_than_the_models_is_refused():
    model = models.build("vae", size=(4,), likelihood="categorical")
    with pytest.raises(ValueError, match=r"'bernoulli', and the model makes 'categorical': make"):
        fit(model, torch.zeros(4, 4), loss="elbo", progress=False)
