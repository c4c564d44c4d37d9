"""What every model keeps: the contract, held by the models without a posterior."""

import pytest
import torch
import torchinfo
from torch import nn

from aeteach import models, training
from aeteach.models import (
    PCA,
    Autoencoder,
    Output,
    build,
    count_parameters,
)
from tests.models.noise import noise

LINEAR = ("linear", "pca")  # the other models have files of tests of their own


def make(name: str, images: torch.Tensor, **arguments) -> nn.Module:
    model = build(name, seed=0, latent=3, size=8, **arguments)
    return model.fit(images) if isinstance(model, PCA) else model


# ---------------------------------------------------------------- contract


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_model_keeps_the_contract(name, images):
    model = make(name, images)
    output = model(images[:5])
    assert isinstance(output, Output)
    assert output.x_hat.shape == (5, 1, 8, 8)
    assert output.z.shape == (5, 3)
    torch.testing.assert_close(model.encode(images[:5]), output.z)
    torch.testing.assert_close(model.decode(output.z), output.x_hat)
    assert output.mu is None
    assert output.log_var is None
    assert output.logits is None


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_an_image_does_not_depend_on_the_others_of_its_batch(name, n, images):
    model = make(name, images)
    together = model(images[:7]).x_hat[:n]
    torch.testing.assert_close(model(images[:n]).x_hat, together, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(
    "shape", [(5, 1, 28, 28), (5, 1, 8, 9), (5, 3, 8, 8), (5, 64), (1, 8, 8), (0, 1, 8, 8), (5, 1)]
)
def test_images_of_another_shape_are_refused(name, shape, images):
    model = make(name, images)
    with pytest.raises(ValueError, match=r"^x (must be \(N, 1, 8, 8\)|is empty)") as caught:
        model(torch.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"latent": 0}, ValueError),
        ({"latent": -1}, ValueError),
        ({"latent": 2.0}, TypeError),
        ({"latent": True}, TypeError),
        ({"latent": "2"}, TypeError),
        ({"size": 0}, ValueError),
        ({"size": 8.0}, TypeError),
    ],
)
def test_wrong_sizes_are_refused(name, arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        build(name, **arguments)


# ---------------------------------------------------------------- autoencoder


def test_a_sigmoid_squashes_the_decoder_and_keeps_the_logits():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    decoder = nn.Sequential(nn.Linear(2, 16), nn.Unflatten(1, (1, 4, 4)))
    model = Autoencoder(encoder, decoder, sigmoid=True)
    output = model(torch.rand(3, 1, 4, 4))
    assert output.logits is not None
    torch.testing.assert_close(output.x_hat, 1 / (1 + torch.exp(-output.logits)))
    torch.testing.assert_close(model.decode(output.z), output.x_hat)
    torch.testing.assert_close(decoder(output.z), output.logits)


def test_frozen_parameters_are_not_counted():
    layer = nn.Linear(3, 2)
    assert count_parameters(layer) == 8
    layer.bias.requires_grad_(False)
    assert count_parameters(layer) == 6


@pytest.mark.parametrize("name", LINEAR)
def test_state_dict_restores_a_model(name, images):
    model, other = make(name, images), build(name, seed=5, latent=3, size=8)
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(images).x_hat, model(images).x_hat, rtol=0, atol=0)


# ---------------------------------------------------------------- simple models


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


@pytest.mark.parametrize(("name", "arguments", "parameters", "shape"), SIMPLE)
def test_the_parameters_are_those_reported(name, arguments, parameters, shape):
    model = models.build(name, **arguments)
    assert models.count_parameters(model) == parameters
    assert model(noise()).z.shape == shape


@pytest.mark.parametrize(("name", "arguments", "parameters", "shape"), SIMPLE)
def test_forward_is_encode_then_decode(name, arguments, parameters, shape):
    model = models.build(name, **arguments).eval()
    x = noise()
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


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_a_few_steps_of_training_lower_the_loss(name):
    model = models.build(name)
    x = (noise(64) > 0.7).float()
    history = training.fit(model, x, epochs=8, batch_size=16, lr=1e-2, seed=0, progress=False)
    assert history.curve()[-1] < 0.95 * history.curve()[0]


def test_two_sigmoids_in_a_row_are_refused():
    def decoder(*last):
        return torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Sequential(*last))

    shape, own = torch.nn.Unflatten(1, (1, 4, 4)), torch.nn.Sigmoid()
    encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    with pytest.raises(ValueError, match=r"decoder ends in a sigmoid and sigmoid=True adds"):
        models.Autoencoder(encoder, decoder(shape, own), sigmoid=True)
    for last, sigmoid in (((shape, own), False), ((shape,), True)):
        x_hat = models.Autoencoder(encoder, decoder(*last), sigmoid=sigmoid)(
            torch.rand(3, 1, 4, 4)
        )[0]
        assert 0 < x_hat.min() < x_hat.max() < 1
