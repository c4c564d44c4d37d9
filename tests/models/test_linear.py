"""The linear autoencoder: its formula, its counts, and tied weights."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from aeteach.models import (
    LinearAutoencoder,
    build,
    count_parameters,
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"latent": 2}, 5_122),  # the SimpleAEncoder with a bottleneck of 2
        ({"latent": 10}, 1024 * 10 + 10 + 10 * 1024 + 1024),
        ({"latent": 10, "size": 28}, 784 * 10 + 10 + 10 * 784 + 784),
        ({"latent": 2, "tied": True}, 1024 * 2 + 2 + 1024),
    ],
)
def test_parameters_are_as_many_as_counted_by_hand(arguments, expected):
    assert count_parameters(LinearAutoencoder(**arguments)) == expected


@pytest.mark.parametrize("tied", [False, True])
def test_the_linear_autoencoder_computes_its_formula(tied, images):
    model = build("linear", seed=1, latent=3, size=8, tied=tied)
    nn.init.normal_(model.decoder[0].bias)
    W1, b1 = model.encoder_matrix.detach().numpy(), model.encoder[1].bias.detach().numpy()
    W2, b2 = model.decoder_matrix.detach().numpy(), model.decoder[0].bias.detach().numpy()
    assert W1.shape == (3, 64)
    assert W2.shape == (64, 3)
    x = images[:4].flatten(1).numpy()
    z = x @ W1.T + b1
    output = model(images[:4])
    np.testing.assert_allclose(output.z.detach(), z, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        output.x_hat.detach().flatten(1), z @ W2.T + b2, rtol=1e-4, atol=1e-5
    )


def test_any_other_basis_of_the_code_gives_the_same_output(images):
    model = build("linear", seed=1, latent=3, size=8)
    before = model(images).x_hat
    T = torch.tensor([[2.0, 1, 0], [0, -1, 0.5], [1, 0, 1]])
    with torch.no_grad():
        model.encoder[1].weight.copy_(T @ model.encoder_matrix)
        model.encoder[1].bias.copy_(T @ model.encoder[1].bias)
        model.decoder[0].weight.copy_(model.decoder_matrix @ torch.linalg.inv(T))
    torch.testing.assert_close(model(images).x_hat, before, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- tied weights


@pytest.fixture
def tied() -> LinearAutoencoder:
    return build("linear", seed=2, latent=3, size=8, tied=True)


def assert_tied(model: LinearAutoencoder) -> None:
    """The decoder must follow whatever happens to the encoder's matrix."""
    with torch.no_grad():
        model.encoder[1].weight.add_(0.5)
    assert torch.equal(model.decoder_matrix, model.encoder_matrix.T)
    z = torch.ones(1, 3)
    expected = z @ model.encoder_matrix + model.decoder[0].bias
    torch.testing.assert_close(model.decode(z).flatten(1), expected)


def test_tied_weights_are_one_matrix(tied):
    assert_tied(tied)


def test_a_step_of_training_moves_both_sides(tied, images):
    before = tied.decoder_matrix.detach().clone()
    optimiser = torch.optim.SGD(tied.parameters(), lr=1e-2)
    (images - tied(images).x_hat).square().sum().backward()
    optimiser.step()
    assert not torch.equal(tied.decoder_matrix, before)
    assert_tied(tied)


def test_the_gradient_of_the_shared_matrix_is_the_sum_of_both_uses(tied, images):
    (images - tied(images).x_hat).square().sum().backward()
    W = tied.encoder_matrix.detach()
    down, up = W.clone().requires_grad_(), W.clone().requires_grad_()
    z = images.flatten(1) @ down.T + tied.encoder[1].bias.detach()
    x_hat = z @ up + tied.decoder[0].bias.detach()
    (images.flatten(1) - x_hat).square().sum().backward()
    torch.testing.assert_close(
        tied.encoder[1].weight.grad, down.grad + up.grad, rtol=1e-4, atol=1e-3
    )


def test_tied_weights_are_saved_once_and_loaded_for_both(tied, images):
    state = tied.state_dict()
    assert sorted(state) == ["decoder.0.bias", "encoder.1.bias", "encoder.1.weight"]
    other = build("linear", seed=9, latent=3, size=8, tied=True)
    other.load_state_dict(state)
    torch.testing.assert_close(other(images).x_hat, tied(images).x_hat)
    assert_tied(other)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_tied_to_itself_and_not_to_the_original(clone, tied, images):
    twin = clone(tied)
    torch.testing.assert_close(twin(images).x_hat, tied(images).x_hat)
    before = tied.encoder_matrix.detach().clone()
    assert_tied(twin)
    assert torch.equal(tied.encoder_matrix, before)
    assert_tied(tied)


def test_tied_weights_stay_tied_in_another_precision(tied):
    tied.double()
    assert tied.decoder_matrix.dtype == torch.float64
    assert torch.equal(tied.decoder_matrix, tied.encoder_matrix.T)


def test_untied_weights_do_not_follow():
    model = build("linear", seed=2, latent=3, size=8)
    before = model.decoder_matrix.detach().clone()
    with torch.no_grad():
        model.encoder[1].weight.add_(0.5)
    assert torch.equal(model.decoder_matrix, before)
