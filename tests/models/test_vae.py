"""The variational autoencoder's contract: counts, draws, means, conditions, errors."""

import inspect

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo
from aeteach.metrics import readability
from aeteach.models import VAE, Heads, Output, count_parameters
from aeteach.models.mlp import mlp_decoder, mlp_encoder
from aeteach.training import evaluate, fit

NAMES = {"vae": 32, "conv-vae": 32, "keras-vae": 28, "mlp-vae": 28}


def digits(n, size, seed=0):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(seed))


def conditional(told=("encoder", "decoder"), latent=2):
    """The conditional VAE of fully connected layers: the same class, wider bodies."""
    return VAE(
        mlp_encoder(8, size=8, hidden=(16,), extra=10 if "encoder" in told else 0),
        Heads(8, latent),
        mlp_decoder(latent, size=8, hidden=(16,), extra=10 if "decoder" in told else 0),
        latent=latent,
        size=8,
        classes=10,
        told=told,
    )


def linear(inputs, outputs):
    return inputs * outputs + outputs


def conv(before, after, bias=True):
    return 9 * before * after + (after if bias else 0)


@pytest.mark.parametrize("b", [2, 3, 4])
def test_the_reported_vae_has_the_layers_that_were_reported(b):
    up = linear(b, 32) + linear(32, 64) + linear(64, 128) + linear(128, 1024)
    down = linear(1024, 128) + linear(128, 64) + linear(64, 32) + 2 * linear(32, b)
    model = models.build("vae", latent=b)
    assert count_parameters(model) == down + up
    assert count_parameters(model.decoder) == up
    kinds = [type(layer).__name__ for layer in model.encoder]
    assert kinds == ["Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"]  # none after the 32
    assert model.encoder[-1].out_features == 32


@pytest.mark.parametrize("b", [2, 3, 4])
def test_the_reported_convolutional_vae_has_the_layers_that_were_reported(b):
    batch_norm = 2 * (8 + 16)
    down = conv(1, 8, bias=False) + conv(8, 16, bias=False) + conv(16, b) + batch_norm
    heads = 2 * linear(16 * b, b)
    up = linear(b, 16 * b) + conv(b, 16) + conv(16, 8) + conv(8, 1) + batch_norm
    model = models.build("conv-vae", latent=b)
    assert count_parameters(model.encoder) == down
    assert count_parameters(model.heads) == heads
    assert count_parameters(model) == down + heads + up


@pytest.mark.parametrize("latent", [2, 10, 20])
def test_the_reference_vae_has_one_hidden_layer_each_way(latent):
    expected = linear(784, 400) + 2 * linear(400, latent) + linear(latent, 400) + linear(400, 784)
    model = models.build("mlp-vae", latent=latent)
    assert count_parameters(model) == expected
    assert isinstance(model.encoder[-1], nn.ReLU)


@pytest.mark.parametrize(("name", "size"), NAMES.items())
def test_the_contract(name, size):
    model = models.build(name, latent=3).eval()
    x = digits(5, size)
    out = model(x)
    assert isinstance(out, Output)
    assert out.x_hat.shape == out.logits.shape == x.shape
    assert out.z.shape == out.mu.shape == out.log_var.shape == (5, 3)
    torch.testing.assert_close(out.x_hat, torch.sigmoid(out.logits))
    torch.testing.assert_close(out.x_hat, model.decode(out.z))
    mu, log_var = model.posterior(x)
    assert torch.equal(mu, out.mu)
    assert torch.equal(log_var, out.log_var)
    assert torch.equal(model.encode(x), mu)
    assert torch.equal(model.reconstruct(x), model.decode(mu))
    assert model.latent == 3


@pytest.mark.parametrize("size", [16, 40])
def test_the_convolutional_vae_takes_other_sizes(size):
    vae = models.build("conv-vae", latent=3, size=size).eval()
    side = size // 8
    assert vae.heads.mu.in_features == 3 * side * side
    x = digits(2, size)
    assert vae(x).x_hat.shape == x.shape
    with pytest.raises(ValueError, match=rf"\(N, 1, {size}, {size}\)"):
        vae(digits(2, 32))


@pytest.mark.parametrize("training", [True, False])
def test_z_is_drawn_from_q_in_training_and_in_evaluation_mode(training):
    model = conditional(told="decoder")
    with torch.no_grad():  # a posterior that has a width worth measuring
        model.heads.log_var.bias.fill_(1.0)
    model.train(training)
    n = 20_000
    x, y = digits(1, 8).expand(n, -1, -1, -1), torch.zeros(n, dtype=torch.int64)
    torch.manual_seed(0)
    with torch.no_grad():
        out = model(x, y)
    sigma = (out.log_var[0] / 2).exp()
    eps = (out.z - out.mu) / sigma
    assert (sigma - 1).abs().min() > 0.2  # or sigma taken for its square would pass
    torch.testing.assert_close(eps.mean(0), torch.zeros(2), rtol=0, atol=5 / n**0.5)
    torch.testing.assert_close(eps.var(0), torch.ones(2), rtol=0, atol=5 * (2 / n) ** 0.5)


def test_the_draws_follow_torch_s_seed_and_gradients_flow_through_them():
    model, x = models.build("mlp-vae", latent=2), digits(4, 28)
    torch.manual_seed(3)
    first = model(x)
    torch.manual_seed(3)
    assert torch.equal(model(x).z, first.z)
    assert not torch.equal(model(x).z, first.z)
    eps = ((first.z - first.mu) / (first.log_var / 2).exp()).detach()
    to_mu, to_log_var = torch.autograd.grad(first.z.sum(), (first.mu, first.log_var))
    torch.testing.assert_close(to_mu, torch.ones_like(to_mu))  # dz/dmu = 1
    # dz/dlog_var = eps sigma / 2
    torch.testing.assert_close(to_log_var, eps * (first.log_var.detach() / 2).exp() / 2)


@pytest.mark.parametrize("name", ["vae", "conv-vae"])
def test_training_and_evaluation_repeat_with_the_seed(name):
    x = digits(64, 32)

    def run():
        model = models.build(name, latent=2)
        history = fit(model, x, loss=Elbo(), epochs=2, batch_size=16, seed=5, progress=False)
        return history.curve(), evaluate(model, x, Elbo(), seed=1), evaluate(model, x, Elbo())

    first, again = run(), run()
    assert first == again
    assert first[1] != first[2]  # other draws


def test_a_mean_reconstruction_is_what_is_read_and_a_drawn_one_what_is_bounded():
    model, x = models.build("vae", latent=2), digits(40, 32)
    with torch.no_grad():
        model.heads.log_var.bias.fill_(2.0)
        for layer in model.decoder:  # so that z matters before any training
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(3)
    rebuilt = readability.rebuild(model, x)
    model.eval()
    with torch.no_grad():
        assert torch.equal(rebuilt, model.reconstruct(x))
        at_mean = (rebuilt - x).square().flatten(1).sum(1).mean().item()
    drawn = evaluate(model, x, Elbo("squared_error"))["reconstruction"]
    assert abs(drawn - at_mean) > 0.01 * at_mean


@pytest.mark.parametrize("told", [("encoder",), ("decoder",), ("encoder", "decoder")])
def test_a_condition_is_the_same_class_with_wider_bodies(told):
    model = conditional(told).eval()
    assert type(model) is VAE
    x, y = digits(6, 8), torch.arange(6)
    other = (y + 1) % 10
    assert (not torch.equal(model.encode(x, y), model.encode(x, other))) == ("encoder" in told)
    z = torch.zeros(6, 2)
    assert (not torch.equal(model.decode(z, y), model.decode(z, other))) == ("decoder" in told)
    assert model(x, y).x_hat.shape == x.shape
    assert torch.equal(readability.rebuild(model, x, y), model.reconstruct(x, y).detach())
    history = fit(model, x, labels=y, loss=Elbo(), epochs=1, batch_size=3, progress=False)
    assert history.epochs == 1


def test_the_label_is_appended_as_one_hot():
    seen = []

    class Watch(nn.Module):
        def forward(self, values):
            seen.append(values)
            return values.flatten(1)[:, :8]

    model = VAE(Watch(), Heads(8, 2), Watch(), latent=2, size=8, sigmoid=False, classes=10)
    x, y = digits(2, 8), torch.tensor([3, 9])
    out = model(x, y)
    assert out.logits is None
    assert [tuple(values.shape) for values in seen] == [(2, 64 + 10), (2, 2 + 10)]
    for values, front in zip(seen, (x.flatten(1), out.z), strict=True):
        torch.testing.assert_close(values[:, :-10], front)
        assert values[:, -10:].argmax(1).tolist() == [3, 9]
        assert values[:, -10:].sum() == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: conditional()(digits(2, 8)), ValueError, "labels are missing"),
        (lambda: conditional().encode(digits(2, 8)), ValueError, "labels are missing"),
        (lambda: conditional().decode(torch.zeros(2, 2)), ValueError, "labels are missing"),
        (
            lambda: models.build("mlp-vae")(digits(2, 28), torch.zeros(2).long()),
            ValueError,
            "labels came",
        ),
        (
            lambda: conditional()(digits(2, 8), torch.tensor([1, 10])),
            ValueError,
            "y must be from 0 to 9",
        ),
        (lambda: conditional()(digits(2, 8), torch.zeros(3).long()), ValueError, "each of the 2"),
        (lambda: conditional()(digits(2, 8), torch.zeros(2)), TypeError, "y must be int64"),
        (lambda: models.build("vae")(digits(2, 28)), ValueError, r"\(N, 1, 32, 32\)"),
        (lambda: models.build("keras-vae").encode(digits(2, 32)), ValueError, r"28, 28"),
        (lambda: models.build("vae", latent=0), ValueError, "latent must be at least 1"),
        (lambda: models.build("conv-vae", latent=2.0), TypeError, "latent must be a whole"),
        (lambda: models.build("conv-vae", size=30), ValueError, "size is 30"),
        (lambda: models.build("vae", size=0), ValueError, "size must be at least 1"),
        (lambda: models.build("mlp-vae", size=28.0), TypeError, "size must be a whole"),
        (lambda: models.build("conv-vae", size=8.0), TypeError, "size must be a whole"),
        (lambda: models.build("keras-vae", latent=0), ValueError, "latent must be at least 1"),
        (
            lambda: models.build("vae", hidden=()),
            ValueError,
            r"hidden is \(\); expected whole numbers",
        ),
        (lambda: conditional(told=("decode",)), ValueError, "told is"),
        (lambda: conditional(told=()), ValueError, "told is"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_methods_take_the_labels_last():
    for name in ("posterior", "encode", "decode", "reconstruct", "forward"):
        assert list(inspect.signature(getattr(VAE, name)).parameters)[-1] == "y"
