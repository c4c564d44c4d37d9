"""Autoencoders with a noisy bottleneck: the contract, the noise, the parameter counts."""

import math

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo
from aeteach.models import LatentNoise, NoisyAutoencoder, build, count_parameters
from aeteach.models.mlp import dense, start_large

SIZES = {"noisy-mlp": (28, 28), "noisy-conv": (32, 32), "noisy-points": (1, 3)}


def images(name, n=6):
    return torch.rand(n, 1, *SIZES[name], generator=torch.Generator().manual_seed(0))


def small(name):
    return build(name, **({"hidden": (20, 10)} if name != "noisy-conv" else {"width": 4}))


@pytest.mark.parametrize("name", SIZES)
def test_the_contract(name):
    model, x = small(name).eval(), images(name)
    out = model(x)
    z = model.encode(x)
    assert out.x_hat.shape == x.shape
    assert out.z.shape == z.shape == (6, z.shape[1])
    torch.testing.assert_close(model.decode(out.z), out.x_hat)
    torch.testing.assert_close(model.reconstruct(x), model.decode(z))
    assert (out.logits is None) == (name == "noisy-points")
    assert out.mu is None
    assert not torch.equal(model(x).z, out.z)  # noise in evaluation too
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = model(x).z
        torch.manual_seed(1)
        assert torch.equal(model(x).z, first)


def test_the_report_s_autoencoder_has_its_layers():
    model = build("noisy-mlp")
    linear = [m for m in model.modules() if isinstance(m, nn.Linear)]
    shapes = [(m.in_features, m.out_features) for m in linear]
    assert shapes == [
        *((784, 2000), (2000, 2000), (2000, 2000), (2000, 10)),
        *((10, 2000), (2000, 2000), (2000, 2000), (2000, 784)),
    ]
    assert count_parameters(model) == sum(i * o + o for i, o in shapes) == 19_188_794
    drops = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    assert drops == [0.2] * 6
    assert model.noise.fixed == pytest.approx(0.2**2)


def test_the_report_s_vae_has_its_layers():
    hidden = (1000, 1000, 1000, 500)
    model = build("vae", latent=32, size=28, hidden=hidden, last_relu=True, dropout=0.1)
    encoder = [(m.in_features, m.out_features) for m in model.encoder if isinstance(m, nn.Linear)]
    decoder = [(m.in_features, m.out_features) for m in model.decoder if isinstance(m, nn.Linear)]
    assert encoder == [(784, 1000), (1000, 1000), (1000, 1000), (1000, 500)]
    assert decoder == [(32, 500), (500, 1000), (1000, 1000), (1000, 1000), (1000, 784)]
    heads = 2 * (500 * 32 + 32)
    assert count_parameters(model) == heads + sum(i * o + o for i, o in encoder + decoder)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.1] * 8


def test_noise_of_a_stated_variance():
    noise = LatentNoise(variance=0.25)
    z = torch.zeros(40_000, 2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        received, variance = noise(z)
    assert variance.item() == 0.25
    assert received.var().item() == pytest.approx(0.25, rel=0.03)
    assert torch.equal(LatentNoise(variance=0.0)(z)[0], z)


def test_noise_that_follows_the_signal_keeps_the_ratio_at_any_scale():
    for scale in (0.01, 1.0, 100.0):
        noise = LatentNoise(snr=10.0)
        z = scale * torch.randn(5000, 3, generator=torch.Generator().manual_seed(0))
        received, variance = noise(z)
        power = z.var(0, correction=0).mean().item()
        assert variance.item() == pytest.approx(power / 10, rel=1e-5)
        assert (received - z).var().item() == pytest.approx(power / 10, rel=0.1)


def test_in_evaluation_the_power_is_the_running_mean_and_one_image_will_do():
    noise = LatentNoise(snr=4.0, momentum=0.5)
    z = 3 * torch.randn(2000, 1, generator=torch.Generator().manual_seed(0))
    power = z.var(correction=0).item()
    noise(z)
    noise(z)
    assert noise.power.item() == pytest.approx(0.25 * 1 + 0.75 * power, rel=1e-5)
    with pytest.raises(ValueError, match="batch of one"):
        noise(z[:1])
    noise.eval()
    before = noise.power.clone()
    assert noise(z[:1])[1].item() == pytest.approx(before.item() / 4)
    assert torch.equal(noise.power, before)
    assert "power" in noise.state_dict()


def test_an_encoder_cannot_outrun_noise_that_follows_it():
    # The gradient reaches the encoder through the power: a larger scale brings no smaller error.
    z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    scale = torch.ones((), requires_grad=True)
    noise = LatentNoise(snr=2.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        received, _ = noise(scale * z)
    (((received / scale) - z) ** 2).mean().backward()
    assert abs(scale.grad.item()) < 1e-5


def test_with_variational_the_elbo_can_be_taken_and_its_kl_is_that_of_the_noise():
    model = build("noisy-points", latent=2, snr=10.0, variational=True)
    x = images("noisy-points", 50)
    out = model(x)
    assert out.mu.shape == out.log_var.shape == (50, 2)
    assert torch.equal(out.mu, model.encode(x))
    variance = out.mu.var(0, correction=0).mean() / 10
    torch.testing.assert_close(out.log_var.exp(), variance.expand(50, 2))
    terms = Elbo("squared_error")(out, x)
    q = torch.distributions.Normal(out.mu, variance.sqrt())
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(terms["kl"], kl)


def test_of_all_scales_the_kl_is_least_where_it_is_the_capacity():
    # P + P/snr = 1: then the KL is 1/2 log(1 + snr) nats a dimension, what the channel carries.
    snr = 10.0
    for power, above in ((snr / (1 + snr), 0), (0.5, 1), (2.0, 1)):
        kl = (power + power / snr - 1 - math.log(power / snr)) / 2
        assert (kl > math.log(1 + snr) / 2 + 1e-9) == bool(above)


def test_weights_that_start_large_keep_the_size_of_the_signal():
    x = torch.randn(200, 784, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        faint = dense(784, *[400] * 5, 10)
        loud = start_large(dense(784, *[400] * 5, 10))
    assert faint(x).var(0).mean() < 1e-3
    assert 0.5 < loud(x).var(0).mean() < 5
    assert all(m.bias.abs().max() == 0 for m in loud if isinstance(m, nn.Linear))


def test_dropout_stands_after_every_hidden_layer_and_nowhere_else():
    kinds = [type(m).__name__ for m in dense(4, 3, 2, 1, dropout=0.5)]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert [type(m).__name__ for m in dense(4, 3, 1)] == ["Linear", "ReLU", "Linear"]
    with pytest.raises(ValueError, match=r"dropout is 1\.0"):
        dense(4, 3, 1, dropout=1.0)


def test_the_wide_bodies_fit_each_other():
    model = build("wide-conv-vae", latent=3, width=4, size=16).eval()
    x = torch.rand(2, 1, 16, 16)
    assert model(x).x_hat.shape == x.shape
    assert model.encode(x).shape == (2, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LatentNoise(), "exactly one"),
        (lambda: LatentNoise(variance=1.0, snr=1.0), "exactly one"),
        (lambda: LatentNoise(variance=-1.0), "at least 0"),
        (lambda: LatentNoise(snr=0.0), "above 0"),
        (lambda: models.noisy_points(0), "latent must be at least 1"),
        (lambda: models.noisy_conv(2, size=28), "multiple of 8"),
        (lambda: models.noisy_conv(2, width=0), "width must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_printed_model_says_which_noise():
    assert "snr=10" in repr(build("noisy-points", snr=10.0))
    assert isinstance(build("noisy-points"), NoisyAutoencoder)
    assert "variance=5.0" in repr(build("noisy-conv"))


def test_the_shape_reader_takes_both_sizes_and_no_other():
    reader = build("shape-reader").eval()
    assert count_parameters(reader) == 7996
    x = torch.rand(2, 1, 28, 28)
    padded = nn.functional.pad(x, (2, 2, 2, 2))
    torch.testing.assert_close(reader(x), reader(padded))
    for wrong in (torch.rand(2, 1, 30, 30), torch.rand(2, 3, 28, 28), torch.rand(28, 28)):
        with pytest.raises(ValueError, match=r"^x (has shape|must be) .*\(N, 1, "):
            reader(wrong)
