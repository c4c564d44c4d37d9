import pytest
import torch
import torch.nn.functional as F
import torchinfo
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from aeteach import models, training
from aeteach.models import ConvAutoencoder, MLPAutoencoder, conv, mlp

SIMPLE = [  # name, arguments, parameters, shape of z for 3 images
    ("linear", {"latent": 2}, 5_122, (3, 2)),
    ("mlp", {"latent": 2}, 284_226, (3, 2)),
    ("mlp", {"latent": 4}, 284_226 + 2 * (32 + 1) + 2 * 32, (3, 4)),
    ("conv", {"channels": 2}, 3_147, (3, 2, 4, 4)),
    ("conv", {"channels": 4}, 3_147 + 2 * (9 * 16 + 1) + 2 * 9 * 16, (3, 4, 4, 4)),
    # 32 -> 2 and 2 -> 32 numbers, each with a bias, on top of the channels
    ("conv", {"channels": 2, "latent": 2}, 3_147 + 33 * 2 + 3 * 32, (3, 2)),
    ("conv", {"channels": 3, "latent": 5}, 3_147 + 289 + 49 * 5 + 6 * 48, (3, 5)),
]


def images(n=3, size=32, seed=0):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("name", "arguments", "parameters", "shape"), SIMPLE)
def test_the_parameters_are_those_reported(name, arguments, parameters, shape):
    model = models.build(name, **arguments)
    assert models.count_parameters(model) == parameters
    assert model(images()).z.shape == shape


@pytest.mark.parametrize(("name", "arguments", "parameters", "shape"), SIMPLE)
def test_forward_is_encode_then_decode(name, arguments, parameters, shape):
    model = models.build(name, **arguments).eval()
    x = images()
    out = model(x)
    torch.testing.assert_close(out.z, model.encode(x))
    torch.testing.assert_close(out.x_hat, model.decode(out.z))
    assert out.x_hat.shape == x.shape
    assert out.mu is None
    assert out.log_var is None
    if name != "linear":
        assert 0 < out.x_hat.min() < out.x_hat.max() < 1
        torch.testing.assert_close(out.x_hat, torch.sigmoid(out.logits))


@pytest.mark.parametrize(
    ("name", "arguments", "encoder", "decoder"),
    [
        (
            "mlp",
            {"latent": 2},
            [(1, 1024), (1, 128), (1, 128), (1, 64), (1, 64), (1, 32), (1, 32), (1, 2)],
            [
                *[(1, 32), (1, 32), (1, 64), (1, 64), (1, 128), (1, 128)],
                *[(1, 1024), (1, 1, 32, 32)],
            ],
        ),
        (
            "conv",
            {"channels": 2},
            [*[(1, 8, 16, 16)] * 3, *[(1, 16, 8, 8)] * 3, (1, 2, 4, 4)],
            [*[(1, 16, 8, 8)] * 3, *[(1, 8, 16, 16)] * 3, (1, 1, 32, 32)],
        ),
        (
            "conv",
            {"channels": 2, "latent": 3},
            [*[(1, 8, 16, 16)] * 3, *[(1, 16, 8, 8)] * 3, (1, 2, 4, 4), (1, 32), (1, 3)],
            [
                *[(1, 32), (1, 2, 4, 4)],
                *[(1, 16, 8, 8)] * 3,
                *[(1, 8, 16, 16)] * 3,
                (1, 1, 32, 32),
            ],
        ),
    ],
)
def test_the_layer_summary_shows_the_reported_layers(name, arguments, encoder, decoder):
    model = models.build(name, **arguments).eval()
    summary = torchinfo.summary(model, input_size=(1, 1, 32, 32), verbose=0)
    assert summary.total_params == models.count_parameters(model)
    leaves = [tuple(part.output_size) for part in summary.summary_list if part.is_leaf_layer]
    assert leaves == encoder + decoder


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


def test_the_mlp_computes_what_its_matrices_say():
    model = models.build("mlp", latent=2, seed=3)
    x = images()
    h = x.flatten(1)
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(linear):
        h = h @ layer.weight.T + layer.bias
        if number not in (3, 7):  # no ReLU on z, nor before the sigmoid
            h = h.clamp(min=0)
        if number == 3:
            torch.testing.assert_close(model.encode(x), h)
    torch.testing.assert_close(model(x).x_hat.flatten(1), 1 / (1 + torch.exp(-h)))


def test_the_first_convolution_by_hand():
    """One output number is the sum over its 3x3 window of the image with a margin of zeros."""
    model = models.build("conv", channels=2, seed=1)
    first = model.encoder[0]
    x = images(1)
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
    x = images(n, 8 * side)
    out = model(x)
    assert out.x_hat.shape == x.shape
    assert out.z.shape == ((n, channels, side, side) if latent is None else (n, latent))
    assert out.z[0].numel() == model.numbers


@pytest.mark.parametrize("size", [28, 4, 0])
def test_other_sizes_are_refused_with_the_way_out(size):
    with pytest.raises(ValueError, match=f"size is {size}.*multiple of 8.*size=32"):
        ConvAutoencoder(2, size=size)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 1, 28, 28\).*size=32"):
        ConvAutoencoder(2)(images(3, 28))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: ConvAutoencoder(0), "channels is 0"),
        (lambda: ConvAutoencoder(2, latent=0), "latent is 0"),
        (lambda: MLPAutoencoder(0), "latent is 0"),
        (lambda: mlp.dense(3), r"widths are \(3,\)"),
        (lambda: mlp.dense(3, 0, 2), r"widths are \(3, 0, 2\)"),
    ],
)
def test_bottlenecks_of_nothing_are_refused(make, what):
    with pytest.raises(ValueError, match=what):
        make()


def test_the_bodies_take_a_label_beside_the_image_and_beside_z():
    """1034-128-64-32 down and 12-32-64-128-1024 up: the bodies of the conditional models."""
    down = mlp.mlp_encoder(32, hidden=(128, 64), extra=10)
    up = mlp.mlp_decoder(2, extra=10)
    assert [tuple(p.shape) for p in down.parameters() if p.ndim == 2] == [
        *[(128, 1034), (64, 128), (32, 64)]
    ]
    assert [tuple(p.shape) for p in up.parameters() if p.ndim == 2] == [
        *[(32, 12), (64, 32), (128, 64), (1024, 128)]
    ]
    assert isinstance(down[-1], nn.Linear)  # no ReLU after the 32
    assert up(torch.zeros(5, 12)).shape == (5, 1, 32, 32)
    assert conv.flat_conv_encoder(2)(images()).shape == (3, 32)
    assert conv.flat_conv_decoder(2, 2, extra=10)(torch.zeros(5, 12)).shape == (5, 1, 32, 32)


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_a_few_steps_of_training_lower_the_loss(name):
    model = models.build(name)
    x = (images(64) > 0.7).float()
    history = training.fit(model, x, epochs=8, batch_size=16, lr=1e-2, seed=0, progress=False)
    assert history.curve()[-1] < 0.95 * history.curve()[0]


def test_channels_last_changes_nothing_but_the_time():
    model = models.build("conv", channels=2, seed=2).eval()
    plain = ConvAutoencoder(2).to(memory_format=torch.contiguous_format).eval()
    plain.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(images()).x_hat, plain(images()).x_hat)
