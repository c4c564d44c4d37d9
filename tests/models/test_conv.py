"""The convolutional autoencoder: its layers by hand, the sizes it takes, and what it refuses."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aeteach import models
from aeteach.models import ConvAutoencoder, conv
from tests.models.noise import noise


def test_kinds_and_numbers_of_the_layers():
    model = ConvAutoencoder(2)
    kinds = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Conv2d]
    assert [type(layer) for layer in model.encoder] == kinds
    assert [layer.bias is not None for layer in model.encoder if isinstance(layer, nn.Conv2d)] == [
        *[False, False, True]
    ]
    up = [layer for layer in model.decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in up] == [(2, 16), (16, 8), (8, 1)]
    assert {(layer.stride, layer.padding, layer.output_padding) for layer in up} == {
        ((2, 2), (1, 1), (1, 1))
    }


def test_the_first_convolution_by_hand():
    """One output number is the sum over its 3x3 window of the image with a margin of zeros."""
    model = models.build("conv", channels=2, seed=1)
    first = model.encoder[0]
    x = noise(1)
    padded = F.pad(x, (1, 1, 1, 1))
    for channel, row, column in [(0, 0, 0), (3, 5, 7), (7, 15, 15)]:
        window = padded[0, 0, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
        expected = (first.weight[channel, 0] * window).sum()
        torch.testing.assert_close(first(x)[0, channel, row, column], expected)


@settings(max_examples=15, deadline=None)
@given(
    channels=st.integers(1, 4),
    latent=st.one_of(st.none(), st.integers(1, 6)),
    side=st.integers(1, 5),
    n=st.integers(1, 3),
)
def test_any_multiple_of_8_comes_back_as_it_went_in(channels, latent, side, n):
    model = ConvAutoencoder(channels, latent=latent, size=8 * side).eval()
    x = noise(n, 8 * side)
    out = model(x)
    assert out.x_hat.shape == x.shape
    assert out.z.shape == ((n, channels, side, side) if latent is None else (n, latent))
    assert out.z[0].numel() == model.numbers


@pytest.mark.parametrize("size", [28, 4, 0])
def test_other_sizes_are_refused_with_the_way_out(size):
    with pytest.raises(ValueError, match=f"size is {size}.*multiple of 8.*size=32"):
        ConvAutoencoder(2, size=size)


def test_images_of_another_size_are_refused():
    with pytest.raises(
        ValueError, match=r"x must be \(N, 1, 32, 32\), got \(3, 1, 28, 28\).*size="
    ):
        ConvAutoencoder(2)(noise(3, 28))


def test_channels_last_changes_nothing_but_the_time():
    model = models.build("conv", channels=2, seed=2).eval()
    plain = ConvAutoencoder(2).to(memory_format=torch.contiguous_format).eval()
    plain.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(noise()).x_hat, plain(noise()).x_hat)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"channels": 0}, "channels must be at least 1, got 0"),
        ({"channels": 2, "latent": 0}, "latent must be at least 1, got 0"),
    ],
)
def test_a_bottleneck_of_nothing_is_refused(arguments, what):
    with pytest.raises(ValueError, match=what):
        ConvAutoencoder(**arguments)


def test_the_flat_bodies_take_a_label_beside_z():
    assert conv.flat_conv_encoder(2)(noise()).shape == (3, 32)
    assert conv.flat_conv_decoder(2, 2, extra=10)(torch.zeros(5, 12)).shape == (5, 1, 32, 32)
