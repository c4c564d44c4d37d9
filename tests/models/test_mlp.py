"""The autoencoder of fully connected layers: what it computes, and the bodies it shares."""

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.models import MLPAutoencoder, mlp
from tests.models.noise import noise


def test_the_mlp_computes_what_its_matrices_say():
    model = models.build("mlp", latent=2, seed=3)
    x = noise()
    h = x.flatten(1)
    linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(linear):
        h = h @ layer.weight.T + layer.bias
        if number not in (3, 7):  # no ReLU on z, nor before the sigmoid
            h = h.clamp(min=0)
        if number == 3:
            torch.testing.assert_close(model.encode(x), h)
    torch.testing.assert_close(model(x).x_hat.flatten(1), 1 / (1 + torch.exp(-h)))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: MLPAutoencoder(0), "latent must be at least 1, got 0"),
        (lambda: mlp.dense(3), r"widths is \(3,\).* at least 2"),
        (lambda: mlp.dense(3, 0, 2), "each of widths must be at least 1, got 0"),
    ],
)
def test_layers_of_nothing_are_refused(make, what):
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
