"""The conditional VAEs: counts by hand, who is told the label, one contract with the VAE."""

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo
from aeteach.metrics import readability
from aeteach.models import VAE, LabelPlanes, count_parameters
from aeteach.recipes import RECIPES
from aeteach.training import fit

NAMES = ["cvae", "conv-cvae"]
FIXED = {"label": "planes", "channels": 32}


def digits(n, size=32, seed=0):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(seed))


def linear(inputs, outputs):
    return inputs * outputs + outputs


def conv(before, after, bias=True):
    return 9 * before * after + (after if bias else 0)


BATCH_NORM = 2 * (8 + 16)
CONV_DOWN = conv(8, 16, bias=False) + conv(16, 2) + BATCH_NORM  # without the first convolution


@pytest.mark.parametrize(("told", "extra"), [(("encoder", "decoder"), 10), ("decoder", 0)])
def test_the_reported_cvae_has_the_layers_that_were_reported(told, extra):
    model = models.build("cvae", told=told)
    down = linear(1024 + extra, 128) + linear(128, 64) + linear(64, 32)
    up = linear(12, 32) + linear(32, 64) + linear(64, 128) + linear(128, 1024)
    assert count_parameters(model.encoder) == down
    assert count_parameters(model.heads) == 2 * linear(32, 2)
    assert count_parameters(model.decoder) == up
    total = {10: 285_892, 0: 284_612}[extra]
    assert count_parameters(model) == down + 2 * linear(32, 2) + up == total
    kinds = [type(layer).__name__ for layer in model.encoder]
    assert kinds == ["Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"]


@pytest.mark.parametrize(
    ("arguments", "front", "channels", "total"),
    [
        ({}, linear(1034, 1024) + conv(1, 8, bias=False), 2, 1_063_535),
        ({"label": "planes"}, conv(11, 8, bias=False), 2, 4_415),
        ({"channels": 32}, linear(1034, 1024) + conv(1, 8, bias=False), 32, 1_074_095),
        (FIXED, conv(11, 8, bias=False), 32, 14_975),
        ({"told": "decoder"}, conv(1, 8, bias=False), 2, 3_695),
    ],
)
def test_the_convolutional_cvae_as_reported_and_with_each_change(arguments, front, channels, total):
    model = models.build("conv-cvae", **arguments)
    up = linear(12, 16 * channels) + conv(channels, 16) + conv(16, 8) + conv(8, 1) + BATCH_NORM
    assert count_parameters(model.encoder) == front + CONV_DOWN
    assert count_parameters(model.heads) == 2 * linear(32, 2)
    assert count_parameters(model.decoder) == up
    assert count_parameters(model) == total


def test_as_reported_the_convolutions_see_a_linear_map_of_image_and_label():
    encoder = models.build("conv-cvae").encoder
    mixing, unflatten = encoder[:2]
    assert isinstance(mixing, nn.Linear)
    assert unflatten(mixing(torch.zeros(3, 1034))).shape == (3, 1, 32, 32)
    decoder = models.build("conv-cvae").decoder
    assert decoder[:2](torch.zeros(3, 12)).shape == (3, 2, 4, 4)


@pytest.mark.parametrize("size", [8, 32])
def test_label_planes_leave_the_image_and_light_one_plane(size):
    x, y = digits(6, size), torch.tensor([0, 3, 9, 9, 1, 5])
    told = torch.cat([x.flatten(1), nn.functional.one_hot(y, 10).float()], dim=1)
    planes = LabelPlanes(size)(told)
    assert planes.shape == (6, 11, size, size)
    assert torch.equal(planes[:, :1], x)
    for image, label in zip(planes[:, 1:], y.tolist(), strict=True):
        white = [bool((plane == 1).all()) for plane in image]
        black = [bool((plane == 0).all()) for plane in image]
        assert white == [c == label for c in range(10)]
        assert black == [c != label for c in range(10)]


@pytest.mark.parametrize("told", ["encoder", "decoder", ("encoder", "decoder")])
@pytest.mark.parametrize(
    ("name", "arguments"), [("cvae", {}), ("conv-cvae", {}), ("conv-cvae", FIXED)]
)
def test_one_contract_with_the_vae(name, arguments, told):
    model = models.build(name, told=told, size=16, latent=3, **arguments).eval()
    assert type(model) is VAE
    x, y = digits(4, 16), torch.tensor([1, 9, 0, 9])
    out = model(x, y)
    assert out.x_hat.shape == out.logits.shape == x.shape
    assert out.z.shape == out.mu.shape == out.log_var.shape == (4, 3)
    torch.testing.assert_close(out.x_hat, model.decode(out.z, y))
    assert torch.equal(model.encode(x, y), out.mu)
    assert torch.equal(readability.rebuild(model, x, y), model.reconstruct(x, y).detach())
    other = (y + 1) % 10
    assert (not torch.equal(model.encode(x, y), model.encode(x, other))) == ("encoder" in told)
    z = torch.zeros(4, 3)
    assert (not torch.equal(model.decode(z, y), model.decode(z, other))) == ("decoder" in told)


@pytest.mark.parametrize("name", NAMES)
def test_with_labels_that_say_something_training_finds_it(name):
    """Two classes, an image each, and a z that the KL forbids: only the label can tell them."""
    model = models.build(name, size=8)
    y = torch.arange(64) % 2
    x = torch.where(y.view(-1, 1, 1, 1) == 1, 0.7, 0.3).expand(-1, 1, 8, 8).contiguous()
    loss = Elbo("squared_error", beta=100.0)
    fit(model, x, labels=y, loss=loss, epochs=60, batch_size=16, lr=3e-3, progress=False)
    model.eval()
    with torch.no_grad():
        made = model.decode(torch.zeros(2, 2), torch.tensor([0, 1])).mean((1, 2, 3))
    torch.testing.assert_close(made, torch.tensor([0.3, 0.7]), rtol=0, atol=0.08)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m(digits(2)), ValueError, "labels are missing"),
        (lambda m: m.decode(torch.zeros(2, 2)), ValueError, "labels are missing"),
        (lambda m: m(digits(2), torch.tensor([1, 10])), ValueError, "y must be from 0 to 9"),
        (lambda m: m(digits(2), torch.tensor([-1, 1])), ValueError, "y must be from 0 to 9"),
        (lambda m: m(digits(2), torch.zeros(3).long()), ValueError, "each of the 2"),
        (lambda m: m(digits(2), torch.ones(2)), TypeError, "y must be int64"),
        (lambda m: m(digits(2), torch.eye(10)[:2].long()), ValueError, "argmax"),
        (lambda m: m(digits(2, 28), torch.ones(2).long()), ValueError, r"\(N, 1, 32, 32\)"),
    ],
)
def test_wrong_labels_and_images_are_refused(name, call, error, message):
    model = models.build(name)
    with pytest.raises(error, match=message):
        call(model)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("cvae", {"latent": 0}, ValueError, "latent must be at least 1"),
        ("cvae", {"hidden": ()}, ValueError, r"hidden is \(\); expected whole numbers"),
        ("cvae", {"size": 28.0}, TypeError, "size must be a whole"),
        ("cvae", {"told": "nobody"}, ValueError, "told is"),
        ("conv-cvae", {"told": ()}, ValueError, "told is"),
        ("conv-cvae", {"label": "plane"}, ValueError, "told by 'linear', 'planes'"),
        (
            "conv-cvae",
            {"label": "plane", "told": "decoder"},
            ValueError,
            "told by 'linear', 'planes'",
        ),
        ("conv-cvae", {"channels": 0}, ValueError, "channels must be at least 1"),
        ("conv-cvae", {"size": 30}, ValueError, "size is 30"),
        ("conv-cvae", {"latent": 2.0}, TypeError, "latent must be a whole"),
    ],
)
def test_arguments_out_of_range_are_refused(name, arguments, error, message):
    with pytest.raises(error, match=message):
        models.build(name, **arguments)


def test_the_recipes_differ_from_the_plain_ones_in_the_label_alone():
    for name, plain in {
        "cvae": "vae-2",
        "cvae-decoder-only": "vae-2",
        "conv-cvae": "conv-vae-2",
        "conv-cvae-planes": "conv-vae-2",
        "conv-cvae-wide": "conv-vae-2",
        "conv-cvae-fixed": "conv-vae-2",
    }.items():
        told, untold = RECIPES[name], RECIPES[plain]
        assert told.labelled
        assert told.epochs <= 10
        for number in ("loss", "loss_arguments", "epochs", "batch_size", "lr", "schedule", "data"):
            assert getattr(told, number) == getattr(untold, number), (name, number)
    assert RECIPES["conv-cvae-fixed"].model_arguments == {"latent": 2, **FIXED}
    reported = RECIPES["conv-cvae"].build()
    assert count_parameters(reported) == 1_063_535
