"""The Keras example: its published counts, its third convolution, its start."""

import pytest
import torch

from aeteach import models
from aeteach.data import shapes
from aeteach.losses import Elbo
from aeteach.models import count_parameters
from aeteach.models.keras_vae import keras_decoder, keras_encoder
from tests.models.test_vae import conv, digits, linear


@pytest.mark.parametrize("latent", [1, 2, 10])
def test_the_keras_example_has_the_published_counts(latent):
    features = conv(1, 32) + conv(32, 64) + linear(7 * 7 * 64, 16)
    up = linear(latent, 7 * 7 * 64) + conv(64, 64) + conv(64, 32) + conv(32, 1)
    model = models.build("keras-vae", latent=latent)
    down = count_parameters(model.encoder) + count_parameters(model.heads)
    assert down == features + 2 * linear(16, latent)
    assert count_parameters(model.decoder) == up
    if latent == 2:
        assert (down, up) == (69_076, 65_089)


def test_a_third_convolution_changes_the_encoder_only():
    two, three = (models.build("keras-vae", third=third) for third in (False, True))
    features = conv(1, 32) + conv(32, 64) + conv(64, 128) + linear(4 * 4 * 128, 16)
    assert count_parameters(three.encoder) == features
    assert three.encoder[:6](digits(2, 28)).shape == (2, 128, 4, 4)
    assert repr(three.decoder) == repr(two.decoder)
    assert repr(three.heads) == repr(two.heads)


def test_the_keras_example_starts_with_features_that_live_through_the_first_steps():
    torch.manual_seed(0)
    model = models.build("keras-vae", latent=10)
    for layer in model.modules():  # variance 2 / inputs (He et al., 2015)
        if isinstance(layer, torch.nn.Linear) and layer.weight.numel() > 1000:
            assert layer.weight.var().item() == pytest.approx(2 / layer.in_features, rel=0.1)
            assert not layer.bias.any()
    x = shapes("train").images[:64]
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(20):
        loss = Elbo()(model(x), x)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    alive = (model.encoder(x) > 0).any(0).sum().item()
    assert alive >= 8  # of 16; from torch's own start 1 or 2 are left


def test_keras_s_bodies_halve_and_double_the_image():
    x = digits(3, 28)
    assert keras_encoder()[:2](x).shape == (3, 32, 14, 14)
    assert keras_encoder()[:4](x).shape == (3, 64, 7, 7)
    assert keras_decoder(2)(torch.zeros(3, 2)).shape == (3, 1, 28, 28)
