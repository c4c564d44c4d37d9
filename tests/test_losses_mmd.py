"""The MMD as a loss on any autoencoder."""

import math

import pytest
import torch

from aeteach import losses, models
from aeteach.divergences import mmd
from aeteach.losses import LOSSES, MmdLoss
from aeteach.models.base import Output
from aeteach.training import evaluate, fit


def output(n=40, d=3, seed=0, sd=1.0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 1, 4, 4, generator=generator)
    logits = torch.randn(n, 1, 4, 4, generator=generator)
    z = sd * torch.randn(n, d, generator=generator)
    return Output(torch.sigmoid(logits), z.requires_grad_(), logits=logits), x


def seeded(loss, *arguments, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return loss(*arguments)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
@pytest.mark.parametrize("prior_sd", [1.0, 5.0])
def test_the_terms_are_the_reconstruction_and_a_double_loop(kernel, prior_sd):
    out, x = output(12)
    loss = MmdLoss(weight=7.0, kernel=kernel, prior_sd=prior_sd, bandwidth=0.8)
    terms = seeded(loss, out, x, seed=5)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        prior = prior_sd * torch.randn(12, 3)
    h = 0.8 * prior_sd

    def k(a, b):
        u = math.dist(a, b) ** 2 / (2 * h * h)
        return math.exp(-u) if kernel == "rbf" else 1 / (1 + u)

    z, y = out.z.tolist(), prior.tolist()
    within = [sum(k(a[i], a[j]) for i in range(12) for j in range(12) if i != j) for a in (z, y)]
    cross = sum(k(a, b) for a in z for b in y)
    expected = sum(within) / (12 * 11) - 2 * cross / 144
    error = ((out.x_hat - x) ** 2).sum((1, 2, 3)).mean()
    assert terms["mmd"].item() == pytest.approx(expected, abs=1e-5)
    assert terms["reconstruction"].item() == pytest.approx(error.item(), rel=1e-6)
    assert terms["loss"].item() == pytest.approx(error.item() + 7 * expected, rel=1e-5)


def test_the_bernoulli_reconstruction_is_the_other_losses():
    out, x = output()
    terms = seeded(MmdLoss("bernoulli", weight=0.0), out, x)
    assert terms["loss"] == losses.BernoulliLoss()(out, x)["loss"]


def test_codes_of_the_prior_cost_nothing_on_average_and_others_do():
    found = {}
    for sd in (1.0, 3.0):
        found[sd] = torch.stack(
            [
                seeded(MmdLoss(), *output(64, seed=i, sd=sd), seed=1000 + i)["mmd"].detach()
                for i in range(100)
            ]
        )
    fair = found[1.0]
    assert abs(fair.mean()) < 4 * fair.std() / 10
    assert fair.min() < 0  # unbiased: below 0 at times
    assert found[3.0].min() > 0.05


def test_the_gradient_draws_codes_towards_the_prior():
    out, x = output(200, sd=3.0)
    seeded(MmdLoss(weight=1.0), out, x)["loss"].backward()
    # Against the gradient the codes shrink: it points outwards on average.
    assert (out.z.grad * out.z.detach()).sum() > 0


def test_the_scale_of_the_prior_is_a_unit():
    out, x = output()
    wide = Output(out.x_hat, 10 * out.z, logits=out.logits)
    one = seeded(MmdLoss(), out, x)["mmd"]
    ten = seeded(MmdLoss(prior_sd=10.0), wide, x)["mmd"]
    assert ten.item() == pytest.approx(one.item(), abs=1e-5)


def test_channels_of_a_bottleneck_are_numbers():
    out, x = output(40, 8)
    channels = Output(out.x_hat, out.z.view(40, 2, 2, 2), logits=out.logits)
    assert seeded(MmdLoss(), channels, x)["loss"] == seeded(MmdLoss(), out, x)["loss"]


def test_a_plain_autoencoder_trained_with_it_has_codes_near_the_prior(blobs):
    spread = {}
    for weight in (0.0, 30.0):
        model = models.build("mlp", latent=2, size=8, hidden=(32,))
        fit(
            model,
            blobs,
            loss=MmdLoss(weight=weight),
            epochs=120,
            batch_size=64,
            lr=1e-2,
            progress=False,
        )
        spread[weight] = model.encode(blobs).detach()
    prior = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    off = {w: mmd(z, prior, bandwidth=0.8, unbiased=False).item() for w, z in spread.items()}
    assert off[30.0] < off[0.0] / 3
    assert off[30.0] < 0.1


def test_the_same_seed_draws_the_same_prior_in_training_and_evaluation(blobs):
    def run():
        model = models.build("mlp", latent=2, size=8, hidden=(8,))
        history = fit(model, blobs, loss="mmd", epochs=2, progress=False, seed=3)
        return history.curve("mmd"), evaluate(model, blobs, "mmd", seed=1)["mmd"]

    assert run() == run()
    assert LOSSES["mmd"] is MmdLoss


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reconstruction": "gaussian"}, "expected one of 'bernoulli', 'squared_error'"),
        ({"weight": -1.0}, "weight is -1.0"),
        ({"prior_sd": 0.0}, "prior_sd is 0.0"),
        ({"kernel": "cubic"}, "imq"),
        ({"bandwidth": 0.0}, "bandwidth is 0.0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MmdLoss(**arguments)


def test_one_code_is_no_sample():
    with pytest.raises(ValueError, match="N >= 2"):
        MmdLoss()(*output(1))
