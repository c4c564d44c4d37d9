import itertools
import math
import re
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from aeteach import models
from aeteach.data import mnist
from aeteach.data.mnist import DataError, SampleWarning
from aeteach.divergences import kl_to_standard_normal
from aeteach.losses import (
    LOSSES,
    BernoulliLoss,
    CrossEntropy,
    Elbo,
    SquaredError,
    WithWeightPenalty,
    bernoulli_nll,
    bernoulli_nll_from_x_hat,
    gaussian_nll,
    squared_error,
)
from aeteach.models import Output
from aeteach.training import NonFiniteLossError, fit
from tests.independent import agree

PIXELS = 12  # of the random images below, 3 x 4
# A labelled loss judges a classifier; tests/metrics/test_readability.py has its tests.
RECONSTRUCTING = {k: v for k, v in LOSSES.items() if not getattr(v, "labelled", False)}


def random_images(n=50, seed=0, *, binary=False):
    """Images and logits, (n, 1, 3, 4) float64."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 1, 3, 4, generator=generator, dtype=torch.float64)
    logits = 4 * torch.randn(n, 1, 3, 4, generator=generator, dtype=torch.float64)
    return (x.round() if binary else x), logits


def variational_output(n=50, d=3, seed=1, *, with_logits=True):
    """What a variational model would return for `random_images`, with gradients."""
    _, logits = random_images(n)
    generator = torch.Generator().manual_seed(seed)
    mu, log_var, z = torch.randn(3, n, d, generator=generator, dtype=torch.float64)
    logits, mu, log_var = (v.clone().requires_grad_() for v in (logits, mu, log_var))
    x_hat = torch.sigmoid(logits)
    return Output(x_hat, z, mu, log_var, logits if with_logits else None)


def gradients(loss, output):
    found = torch.autograd.grad(loss, (output.logits, output.mu, output.log_var), retain_graph=True)
    return torch.cat([g.flatten() for g in found])


class TinyVAE(nn.Module):
    """Two linear maps around two latent dimensions, for 8x8 images."""

    def __init__(self):
        super().__init__()
        self.heads = nn.Linear(64, 4)
        self.up = nn.Linear(2, 64)

    def forward(self, x):
        mu, log_var = self.heads(x.flatten(1)).chunk(2, dim=1)
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)
        logits = self.up(z).view_as(x)
        return Output(torch.sigmoid(logits), z, mu, log_var, logits)


# --- one number an image ---


def test_squared_error_is_the_squared_distance():
    x, x_hat = random_images()
    expected = np.linalg.norm((x - x_hat).reshape(50, -1).numpy(), axis=1) ** 2
    agree("squared error", squared_error(x_hat, x), expected)


@pytest.mark.parametrize("variance", [1e-3, 0.5, 1.0, 7.0])
def test_gaussian_nll_against_torch(variance):
    x, x_hat = random_images()
    likelihood = Independent(Normal(x_hat, math.sqrt(variance)), 3)
    agree("gaussian", gaussian_nll(x_hat, x, variance), -likelihood.log_prob(x), 1e-9)
    rest = PIXELS / 2 * math.log(2 * math.pi * variance)
    without = gaussian_nll(x_hat, x, variance, constant=False)
    agree("constant", without + rest, gaussian_nll(x_hat, x, variance))
    agree("squared error", without * 2 * variance, squared_error(x_hat, x))


@pytest.mark.parametrize("variance", [0.01, 1.0, 4.0])
def test_a_gaussian_likelihood_integrates_to_1(variance):
    def density(x):
        x_hat, x = torch.tensor([[[0.3]], [[x]]], dtype=torch.float64)
        return math.exp(-float(gaussian_nll(x_hat, x, variance)))

    reach = 12 * math.sqrt(variance)
    area, _ = integrate.quad(density, 0.3 - reach, 0.3 + reach, points=[0.3], epsrel=1e-12)
    agree("area", area, 1.0)


def test_bernoulli_nll_against_torch():
    x, logits = random_images(binary=True)
    expected = -Independent(Bernoulli(logits=logits), 3).log_prob(x)
    agree("bernoulli, logits", bernoulli_nll(logits, x), expected)
    x_hat = torch.sigmoid(logits)
    agree("bernoulli, x_hat", bernoulli_nll_from_x_hat(x_hat, x), expected)


def test_a_bernoulli_likelihood_sums_to_1_over_all_images():
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=10))).double()  # 1,024 images
    logits = torch.randn(10, generator=torch.Generator().manual_seed(2)).double().expand_as(every)
    agree("logits", torch.exp(-bernoulli_nll(logits, every)).sum(), 1.0)
    agree("x_hat", torch.exp(-bernoulli_nll_from_x_hat(logits.sigmoid(), every)).sum(), 1.0)


def test_grey_pixels_against_scipy():
    x, logits = random_images()
    x[:5], x[5:10] = 0, 1
    x_hat = special.expit(logits.numpy())
    ink, paper = x.numpy(), 1 - x.numpy()
    expected = -special.xlogy(ink, x_hat) - special.xlog1py(paper, -x_hat)
    expected = expected.reshape(50, -1).sum(1)
    agree("grey, logits", bernoulli_nll(logits, x), expected)
    agree("grey, x_hat", bernoulli_nll_from_x_hat(torch.as_tensor(x_hat), x), expected)


def test_no_digits_are_lost_at_large_logits():
    logits = torch.linspace(15, 60, 451, dtype=torch.float64)[:, None]
    white = torch.zeros_like(logits)
    expected = np.logaddexp(0, logits.numpy())[:, 0]
    agree("softplus", bernoulli_nll(logits, white), expected, 1e-15)
    torch_own = (F.softplus(logits)[:, 0] - torch.as_tensor(expected)).abs().max()
    assert torch_own > 1e-9  # why the threshold of torch's softplus is raised


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_at_extreme_logits(dtype):
    logits = torch.tensor([[-1e30], [-1e4], [-50.0], [50.0], [1e4], [1e30]], dtype=dtype)
    logits.requires_grad_()
    for ink in (0.0, 0.3, 1.0):
        x = torch.full_like(logits, ink).detach()
        nll = bernoulli_nll(logits, x)
        (slope,) = torch.autograd.grad(nll.sum(), logits)
        assert nll.isfinite().all()
        assert torch.allclose(slope, torch.sigmoid(logits) - x, atol=1e-6)


def test_certain_pixels_are_read_as_the_definition_says():
    pixels = torch.tensor([[0.0, 1.0]])
    x_hat = pixels.clone().requires_grad_()
    nll = bernoulli_nll_from_x_hat(x_hat, pixels)
    nll.sum().backward()
    assert nll == 0
    assert str(float(nll.detach())) == "0.0"  # not -0.0
    assert x_hat.grad.tolist() == [[1.0, -1.0]]  # finite: 1/(1 - x_hat) and -1/x_hat
    assert bernoulli_nll_from_x_hat(1 - pixels, pixels) == math.inf
    assert bernoulli_nll_from_x_hat(pixels, torch.tensor([[0.0, 0.9]])) == math.inf


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 5.0, 30.0]))
def test_bce_is_never_below_the_entropy_of_the_pixels(seed, scale):
    x, logits = random_images(20, seed)
    nll = bernoulli_nll(scale * logits, x)
    floor = torch.as_tensor(special.entr(x.numpy()) + special.entr(1 - x.numpy())).flatten(1).sum(1)
    assert (nll >= floor).all()
    agree("floor", bernoulli_nll_from_x_hat(x, x), floor)
    agree("floor, logits", bernoulli_nll(torch.logit(x), x), floor)


def test_gradients_against_finite_differences():
    x, logits = random_images(3)
    grey = x.clamp(0.05, 0.95)
    assert torch.autograd.gradcheck(
        lambda v: squared_error(v, x), (logits.clone().requires_grad_(),)
    )
    assert torch.autograd.gradcheck(
        lambda v: gaussian_nll(v, x, 0.3), (logits.clone().requires_grad_(),)
    )
    assert torch.autograd.gradcheck(
        lambda v: bernoulli_nll(v, x), (logits.clone().requires_grad_(),)
    )
    assert torch.autograd.gradcheck(
        lambda v: bernoulli_nll_from_x_hat(v, x), (grey.clone().requires_grad_(),)
    )


# --- MNIST ---


@pytest.fixture(scope="module")
def digits():
    with warnings.catch_warnings():
        warnings.simplefilter("error", SampleWarning)
        try:
            return mnist("train", size=28).images, mnist("test", size=28).images
        except (DataError, SampleWarning):
            pytest.skip("the 70,000 digits are not here: run `aeteach data`")


@pytest.mark.slow
def test_the_floor_of_grey_digits_and_the_cost_of_the_mean_image(digits):
    train, test = digits
    floor = float(bernoulli_nll_from_x_hat(test, test).mean())
    mean = train.double().mean(0, keepdim=True)
    # Two pixels have ink in test digits only: without a bound on x_hat they would cost infinity.
    mean = mean.clamp(1e-6, 1 - 1e-6).float().expand_as(test)
    cost = float(bernoulli_nll_from_x_hat(mean, test).mean())
    print(f"floor {floor:.2f}, mean image {cost:.2f} nats a test image")
    assert floor == pytest.approx(45.53, abs=0.005)
    assert cost == pytest.approx(205.8, abs=0.05)
    assert float(bernoulli_nll(torch.logit(mean), test).mean()) == pytest.approx(cost, rel=1e-5)


# --- named sums ---


def test_squared_error_loss():
    x, _ = random_images()
    output = variational_output()
    terms = SquaredError()(output, x)
    assert set(terms) == {"loss", "reconstruction"}
    expected = (output.x_hat - x).pow(2).mean() * PIXELS  # mean over pixels and batch, times pixels
    agree("loss", terms["loss"].detach(), expected.detach())
    agree("reconstruction", terms["reconstruction"].detach(), expected.detach())


def test_bernoulli_loss_prefers_logits_and_takes_x_hat():
    x, logits = random_images()
    expected = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    wrong = torch.full_like(x, 0.5)
    terms = BernoulliLoss()(Output(wrong, wrong, logits=logits), x)
    assert set(terms) == {"loss", "reconstruction"}
    agree("logits", terms["loss"], expected)
    agree("x_hat", BernoulliLoss()(Output(logits.sigmoid(), wrong), x)["loss"], expected)


def by_torch(output, x, reconstruction, variance):
    """Return the two terms of the ELBO, computed from torch's distributions."""
    if reconstruction == "bernoulli":
        nll = F.binary_cross_entropy(output.x_hat, x, reduction="sum") / len(x)
    else:
        nll = -Normal(output.x_hat, math.sqrt(variance)).log_prob(x).sum() / len(x)
    if reconstruction == "squared_error":
        nll = nll - PIXELS / 2 * math.log(2 * math.pi * variance)
    q = Normal(output.mu, torch.exp(output.log_var / 2))
    prior = Normal(torch.zeros_like(output.mu), torch.ones_like(output.mu))
    return nll, kl_divergence(q, prior).sum() / len(x)


@pytest.mark.parametrize(
    ("reconstruction", "variance"),
    [("bernoulli", None), ("gaussian", 1.0), ("gaussian", 0.05), ("squared_error", None)],
)
@pytest.mark.parametrize("beta", [0.0, 0.75, 1.0, 4.0])
def test_elbo_against_torch(reconstruction, variance, beta):
    x, _ = random_images()
    output = variational_output()
    elbo = Elbo(reconstruction, beta=beta, **({"variance": variance} if variance else {}))
    terms = {name: value.detach() for name, value in elbo(output, x).items()}
    assert set(terms) == {"loss", "reconstruction", "kl"}
    nll, kl = by_torch(output, x, reconstruction, variance or 0.5)
    agree("reconstruction", terms["reconstruction"], nll.detach())
    agree("kl", terms["kl"], kl.detach())
    agree("loss", terms["loss"], (nll + beta * kl).detach())


def test_elbo_equals_the_evidence_where_q_is_the_posterior():
    # z ~ N(0, 1), x | z ~ N(w z, c): the evidence and the posterior are normal, in closed form.
    w, c, x = 1.7, 0.4, 0.9
    var = 1 / (1 + w * w / c)
    mu = var * w * x / c
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    z = torch.as_tensor(mu + math.sqrt(var) * nodes)[:, None]
    nll = gaussian_nll(w * z, torch.full_like(z, x), c)
    expected_nll = float(nll @ torch.as_tensor(weights)) / math.sqrt(2 * math.pi)
    kl = float(kl_to_standard_normal([[mu]], [[math.log(var)]]))
    evidence = float(Normal(0.0, math.sqrt(w * w + c)).log_prob(torch.tensor(x).double()))
    agree("-ELBO and -log p(x)", expected_nll + kl, -evidence, within=1e-7)
    exact = -(math.log(2 * math.pi * (w * w + c)) + x * x / (w * w + c)) / 2
    agree("-ELBO and -log p(x), closed form", expected_nll + kl, -exact)


def test_beta_can_change_between_calls():
    x, _ = random_images()
    output = variational_output()
    loss = Elbo(beta=0.0)
    first = loss(output, x)
    assert first["loss"] == first["reconstruction"]
    loss.beta = 2.0
    second = loss(output, x)
    agree("beta", (second["loss"] - first["loss"]).detach(), 2 * first["kl"].detach())


def test_a_warm_up_is_one_line_of_training(blobs):
    loss = Elbo("bernoulli", beta=0.0)
    history = fit(
        TinyVAE(),
        blobs,
        loss=loss,
        epochs=4,
        batch_size=32,
        progress=False,
        on_epoch=lambda epoch, *_: setattr(loss, "beta", min(1, epoch / 2)),
    )
    betas = [(t["loss"] - t["reconstruction"]) / t["kl"] for t in history.train]
    assert betas == pytest.approx([0, 0.5, 1, 1], abs=1e-4)


def test_free_bits_charge_at_least_their_number():
    x, _ = random_images()
    output = variational_output()
    plain, free = Elbo()(output, x), Elbo(free_bits=0.8, beta=2.0)(output, x)
    kl = kl_divergence(Normal(output.mu, torch.exp(output.log_var / 2)), Normal(0.0, 1.0)).mean(0)
    assert (kl < 0.8).any()
    assert (kl > 0.8).any()  # or the test would show one side only
    charged = sum(max(0.8, one) for one in kl.tolist())
    agree("kl is told as it is", free["kl"].detach(), plain["kl"].detach())
    charge = (free["loss"] - free["reconstruction"]).detach()
    agree("charged", charge, 2 * charged)
    (slope,) = torch.autograd.grad(free["loss"], output.mu)
    assert (slope[:, kl < 0.8] == 0).all()  # free of charge, so nothing pulls
    assert (slope[:, kl > 0.8] != 0).any(0).all()


def test_the_batch_is_averaged():
    x, _ = random_images()
    output = variational_output()
    twice = Output(*(torch.cat([v, v]) for v in output))
    for name, make in RECONSTRUCTING.items():
        # An MMD is of a batch, not of an image: repeated codes are nearer to each other.
        term = "reconstruction" if name == "mmd" else "loss"
        agree(
            "batch",
            make()(twice, x.repeat(2, 1, 1, 1))[term].detach(),
            make()(output, x)[term].detach(),
        )


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_averaging_is_another_beta(beta):
    x, _ = random_images()
    output = variational_output(d=3)
    D, d = PIXELS, 3
    terms = Elbo("squared_error")(output, x)
    R, K = terms["reconstruction"], terms["kl"]
    in_force = {
        "pixels": (F.mse_loss(output.x_hat, x) + beta * K, D, beta * D),
        "latent dimensions": (R + beta * K / d, 1, beta / d),
        "both": (R / D + beta * K / d, D, beta * D / d),
    }
    for averaged, (loss, scale, effective) in in_force.items():
        ours = gradients(Elbo("squared_error", beta=effective)(output, x)["loss"], output)
        agree(averaged, ours, scale * gradients(loss, output), within=1e-9)
        written_down = gradients(Elbo("squared_error", beta=beta)(output, x)["loss"], output)
        assert not torch.allclose(written_down, scale * gradients(loss, output), rtol=0.05)


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_weighing_the_kl_is_choosing_the_variance(beta):
    x, _ = random_images()
    output = variational_output()
    weighed = gradients(Elbo("squared_error", beta=beta)(output, x)["loss"], output)
    elbo = gradients(Elbo("gaussian", variance=beta / 2)(output, x)["loss"], output)
    agree("c = beta/2", weighed, beta * elbo, within=1e-9)


@pytest.mark.parametrize("name", sorted(RECONSTRUCTING))
def test_every_loss_by_name_trains(name, blobs):
    first, *_, last = fit(
        TinyVAE(), blobs, loss=name, epochs=15, batch_size=16, lr=1e-2, progress=False
    ).train
    assert last["loss"] < first["loss"]


@pytest.mark.parametrize("name", sorted(RECONSTRUCTING))
def test_losses_run_over_an_ensemble_in_one_pass(name, blobs):
    ensemble = [TinyVAE() for _ in range(3)]
    stacked, buffers = torch.func.stack_module_state(ensemble)

    def loss(parameters, buffer):
        output = torch.func.functional_call(ensemble[0], (parameters, buffer), (blobs,))
        return LOSSES[name]()(output._replace(z=output.mu), blobs)["loss"]

    together = torch.func.vmap(loss, randomness="different")(stacked, buffers)
    assert together.shape == (3,)
    assert len(set(together.tolist())) == 3
    slopes = torch.func.vmap(torch.func.grad(loss), randomness="different")(stacked, buffers)
    assert all(slope.isfinite().all() for slope in slopes.values())


@pytest.mark.parametrize(
    ("loss", "prints"),
    [
        (SquaredError(), "SquaredError()"),
        (
            Elbo("gaussian", beta=0.5, variance=2.0),
            "Elbo(reconstruction='gaussian', beta=0.5, free_bits=0.0, variance=2.0)",
        ),
        (
            WithWeightPenalty(SquaredError(), nn.Linear(2, 3), 0.1),
            "WithWeightPenalty(loss=SquaredError(), strength=0.1, names=('weight',))",
        ),
    ],
)
def test_a_loss_prints_its_numbers_and_no_address(loss, prints):
    assert repr(loss) == prints  # a checkpoint knows its run by this


# --- the penalty on weights ---


def test_the_penalty_is_on_all_matrices_and_no_bias():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    x, x_hat = random_images()
    output = Output(x_hat, x_hat)
    terms = WithWeightPenalty(SquaredError(), model, 0.25)(output, x)
    assert set(terms) == {"loss", "reconstruction", "penalty"}
    expected = 0.25 * (model[0].weight.norm() ** 2 + model[3].weight.norm() ** 2).item()
    assert terms["penalty"].item() == pytest.approx(expected, rel=1e-6)
    total = SquaredError()(output, x)["loss"].item() + expected
    assert terms["loss"].item() == pytest.approx(total, rel=1e-6)
    (slope,) = torch.autograd.grad(terms["loss"], model[3].weight)
    assert torch.allclose(slope, 0.5 * model[3].weight)


def test_the_penalty_is_on_the_named_parameters_only():
    model = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 4))
    x, x_hat = random_images()
    loss = WithWeightPenalty(SquaredError(), model, 2.0, names=("1.weight", "1.bias"))
    expected = 2 * (model[1].weight.norm() ** 2 + model[1].bias.norm() ** 2).item()
    penalty = loss(Output(x_hat, x_hat), x)["penalty"]
    assert penalty.item() == pytest.approx(expected, rel=1e-6)


def test_a_shared_matrix_counts_once(blobs):
    model = models.build("linear", latent=2, size=8, tied=True)
    penalty = WithWeightPenalty(SquaredError(), model, 1.0)(model(blobs), blobs)["penalty"]
    assert penalty.item() == pytest.approx(model.encoder_matrix.norm().item() ** 2, rel=1e-6)


def train(model, loss_of, optimiser, steps=50):
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(model).backward()
        optimiser.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_weight_decay_is_the_penalty_under_adam_and_not_under_adamw(blobs):
    def model():
        torch.manual_seed(4)
        return nn.Sequential(nn.Linear(64, 2, bias=False), nn.Linear(2, 64, bias=False))

    def run(optimiser, strength, **arguments):
        net = model()
        loss = WithWeightPenalty(SquaredError(), net, strength)

        def total(m):
            x_hat = m(blobs.flatten(1)).view_as(blobs)
            return loss(Output(x_hat, x_hat), blobs)["loss"]

        return train(net, total, optimiser(net.parameters(), lr=1e-2, **arguments))

    penalised = run(torch.optim.Adam, 0.3)
    assert torch.allclose(penalised, run(torch.optim.Adam, 0.0, weight_decay=0.6), atol=1e-4)
    assert not torch.allclose(penalised, run(torch.optim.AdamW, 0.0, weight_decay=0.6), atol=1e-2)
    assert not torch.allclose(penalised, run(torch.optim.Adam, 0.0), atol=1e-2)


def decoder_after(strength):
    """Train a linear autoencoder on 5-d points; return its decoder's left singular vectors."""
    generator = torch.Generator().manual_seed(5)
    points = torch.randn(200, 5, generator=generator, dtype=torch.float64)
    points = points * torch.tensor([3.0, 2.0, 1.0, 0.5, 0.2])  # principal directions are the axes
    points = points - points.mean(0)
    torch.manual_seed(6)
    net = nn.Sequential(nn.Linear(5, 2, bias=False), nn.Linear(2, 5, bias=False)).double()
    loss = WithWeightPenalty(SquaredError(), net, strength)
    optimiser = torch.optim.LBFGS(
        net.parameters(), max_iter=2000, tolerance_grad=1e-10, line_search_fn="strong_wolfe"
    )

    def closure():
        optimiser.zero_grad()
        x_hat = net(points)
        total = loss(Output(x_hat, x_hat), points)["loss"]
        total.backward()
        return total

    optimiser.step(closure)
    axes = torch.linalg.eigh(points.T @ points).eigenvectors.flip(1)[:, :2]
    vectors = torch.linalg.svd(net[1].weight.detach()).U[:, :2]
    plane = torch.linalg.svdvals(axes.T @ vectors)  # cosines between the two planes
    each = (axes * vectors).sum(0).abs()  # cosines between direction and singular vector
    return float(plane.min()), float(each.min())


def test_the_penalty_turns_singular_vectors_into_principal_directions():
    plane, each = decoder_after(0.1)
    assert plane > 0.9999
    assert each > 0.9999
    plane, each = decoder_after(0.0)
    assert plane > 0.9999  # the plane is right without it
    assert each < 0.999  # and its basis is not


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"strength": -1.0}, r"strength is -1\.0; expected a finite number, at least 0"),
        ({"strength": math.nan}, "strength is nan"),
        (
            {"strength": 1.0, "names": ("weights",)},
            "names is 'weights'; expected parameters, which are 'weight', 'bias'",
        ),
    ],
)
def test_a_penalty_that_makes_no_sense_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        WithWeightPenalty(SquaredError(), nn.Linear(2, 3), **arguments)


def test_a_model_without_matrices_is_refused():
    with pytest.raises(ValueError, match="no weight matrix to penalise"):
        WithWeightPenalty(SquaredError(), nn.BatchNorm1d(3), 1.0)


# --- bad input ---

GOOD = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(0))
FUNCTIONS = [squared_error, gaussian_nll, bernoulli_nll, bernoulli_nll_from_x_hat]


def spoilt(value):
    x = GOOD.clone()
    x[1, 0, 1, 1] = value
    return x


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("made", "x", "says"),
    [
        (GOOD[:1], GOOD, r"has shape \(1, 1, 2, 2\), x has \(3, 1, 2, 2\).*broadcast"),
        (GOOD.flatten(1), GOOD, r"has shape \(3, 4\), x has"),
        (GOOD[:, 0], GOOD, "same shape"),
        (GOOD[:0], GOOD[:0], r"is empty, \(0, 1, 2, 2\).*at least one number"),
        (GOOD[..., :0], GOOD[..., :0], r"is empty, \(3, 1, 2, 0\)"),
        (GOOD[0, 0, 0], GOOD[0, 0, 0], r"x has shape \(2,\).*x\[None\]"),
        (torch.tensor(0.5), torch.tensor(0.5), r"x has shape \(\)"),
        (GOOD, (GOOD * 255).byte(), r"x must be .*got torch\.uint8.*by 255"),
        (GOOD.half(), GOOD, r"must be .*got torch\.float16"),
        (GOOD.bfloat16(), GOOD.bfloat16(), r"must be .*got torch\.bfloat16"),
        (GOOD, spoilt(math.nan), "x must be finite, 1 of its 12 numbers"),
        (GOOD, spoilt(math.inf), "x must be finite, 1 of its 12 numbers"),
    ],
)
def test_what_is_no_pair_of_images_is_refused(function, made, x, says):
    with pytest.raises((TypeError, ValueError), match=says):
        function(made, x)


@pytest.mark.parametrize("function", FUNCTIONS[2:])
@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0])
def test_bce_refuses_an_original_outside_0_to_1(function, value):
    with pytest.raises(ValueError, match=r"^x runs from .*expected \[0, 1\]: divide grey levels"):
        function(GOOD, spoilt(value))


def test_bce_of_x_hat_refuses_numbers_that_are_no_probabilities():
    with pytest.raises(ValueError, match=r"^x_hat runs from .* to 1\.5.*give its logits"):
        bernoulli_nll_from_x_hat(spoilt(1.5), GOOD)
    with pytest.raises(ValueError, match=r"^x_hat runs from -3.*sigmoid"):
        BernoulliLoss()(Output(spoilt(-3.0), GOOD), GOOD)
    with pytest.raises(ValueError, match=r"^x_hat runs from -3.*sigmoid"):
        Elbo()(Output(spoilt(-3.0), GOOD, torch.zeros(3, 2), torch.zeros(3, 2)), GOOD)


def test_any_finite_numbers_have_a_squared_error():
    points = torch.tensor([[-3.0, 7.0, 0.0], [1.0, 1.0, 1.0]])
    assert squared_error(points + 1, points).tolist() == [3.0, 3.0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nan_comes_through_in_training_and_is_refused_elsewhere(function):
    made = spoilt(math.nan).requires_grad_() * 1  # a graph behind it, as in training
    assert function(made, GOOD).isnan().tolist() == [False, True, False]
    with pytest.raises(ValueError, match=r"^(x_hat|logits) must be finite, 1 of its 12 numbers"):
        function(spoilt(math.nan), GOOD)


def test_training_names_the_step_in_which_a_model_made_nan(blobs):
    model = TinyVAE()
    model.up.weight.data[0, 0] = math.nan
    for name in RECONSTRUCTING:
        with pytest.raises(NonFiniteLossError, match="epoch 1, step 1: loss = nan"):
            fit(model, blobs, loss=name, epochs=1, progress=False)


@pytest.mark.parametrize("variance", [0.0, -1.0, math.nan, math.inf])
def test_a_variance_that_is_none_is_refused(variance):
    says = "^variance is .*; expected a finite number above 0"
    with pytest.raises(ValueError, match=says):
        gaussian_nll(GOOD, GOOD, variance)
    with pytest.raises(ValueError, match=says):
        Elbo("gaussian", variance=variance)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"reconstruction": "bce"},
            "reconstruction is 'bce'; expected one of 'bernoulli', 'gaussian'",
        ),
        ({"beta": -1.0}, r"beta is -1\.0; expected a finite number, at least 0"),
        ({"beta": math.nan}, "beta is nan"),
        ({"free_bits": -0.1}, "free_bits is -0.1"),
        ({"variance": 2.0}, r"variance is 2\.0, but a 'bernoulli' reconstruction has none"),
        ({"reconstruction": "squared_error", "variance": 2.0}, "use reconstruction='gaussian'"),
    ],
)
def test_an_elbo_that_makes_no_sense_is_refused(arguments, says):
    with pytest.raises(ValueError, match=re.escape(says) if "\\" not in says else says):
        Elbo(**arguments)


def test_a_bad_schedule_is_refused_when_it_acts():
    loss = Elbo()
    loss.beta = math.nan
    with pytest.raises(ValueError, match="beta is nan"):
        loss(variational_output(), random_images()[0])


@pytest.mark.parametrize(
    ("mu", "log_var", "says"),
    [
        (None, None, "no variational autoencoder"),
        (torch.zeros(3, 2), None, "no variational autoencoder"),
        (torch.zeros(3), torch.zeros(3), r"mu has shape \(3,\) for 3 images; expected \(N, d\)"),
        (torch.zeros(1, 2), torch.zeros(1, 2), r"mu has shape \(1, 2\) for 3 images"),
        (torch.zeros(3, 2, 4, 4), torch.zeros(3, 2, 4, 4), r"\.flatten\(1\)"),
        (torch.zeros(3, 2), torch.zeros(3, 1), "shapes differ: mu .*, log_var"),
    ],
)
def test_a_posterior_that_is_none_is_refused(mu, log_var, says):
    with pytest.raises(ValueError, match=says):
        Elbo()(Output(GOOD, torch.zeros(3, 2), mu, log_var, GOOD), GOOD)


@pytest.mark.parametrize(
    ("logits", "labels", "error", "says"),
    [
        (torch.zeros(5, 10), torch.zeros(4).long(), ValueError, "5 rows, x has 5 and y 4"),
        (
            torch.zeros(5, 10, 1),
            torch.zeros(5).long(),
            ValueError,
            r"shape \(5, 10, 1\).*a classifier",
        ),
        (torch.zeros(5), torch.zeros(5).long(), ValueError, r"shape \(5,\).*a classifier"),
        (torch.zeros(5, 3), torch.full((5,), 3), ValueError, "y .*3"),
        (
            Output(torch.zeros(5, 10), torch.zeros(5, 2)),
            torch.zeros(5).long(),
            TypeError,
            "a classifier",
        ),
    ],
)
def test_what_is_no_answer_of_a_classifier_is_refused(logits, labels, error, says):
    with pytest.raises(error, match=says):
        CrossEntropy()(logits, torch.zeros(5, 1, 4, 4), labels)


def test_fit_says_that_an_autoencoder_is_no_classifier(blobs):
    labels = torch.zeros(len(blobs), dtype=torch.int64)
    with pytest.raises(TypeError, match="is the model a classifier"):
        fit(
            models.build("linear", size=8), blobs, labels=labels, loss="cross_entropy",
            progress=False,
        )  # fmt: skip


# --- mistakes that were printed, each against an independent answer ---


def minus_before_the_sum(logits, x):
    return -(x * F.softplus(-logits) + (1 - x) * F.softplus(logits)).flatten(1).sum(1)


def mean_in_place_of_sum(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).mean(1)


def sigmoid_twice(logits, x):
    return bernoulli_nll(torch.sigmoid(logits), x)


def sides_exchanged(logits, x):
    return (x * F.softplus(logits) + (1 - x) * F.softplus(-logits)).flatten(1).sum(1)


@pytest.mark.parametrize(
    "wrong", [minus_before_the_sum, mean_in_place_of_sum, sigmoid_twice, sides_exchanged]
)
def test_mistakes_about_bce_are_told_from_the_right_formula(wrong):
    x, logits = random_images(binary=True)
    true = -Independent(Bernoulli(logits=logits), 3).log_prob(x)
    agree("right", bernoulli_nll(logits, x), true)
    assert float(((wrong(logits, x) - true) / true).abs().median()) > 0.05


def test_cross_entropy_lets_what_training_made_through_for_fit_names_the_step():
    x, y = torch.zeros(2, 1, 4, 4), torch.tensor([0, 1])
    logits = torch.tensor([[math.nan, 0.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="logits must be finite, 1 of its 4"):
        CrossEntropy()(logits, x, y)
    assert CrossEntropy()(logits.requires_grad_() * 1, x, y)["loss"].isnan()
