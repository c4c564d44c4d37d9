"""The convolutional VAE of the Keras example, layer by layer, for 28x28 images.

Layers, widths and counts are those of the example. The weights start as He et al. (2015) say: from
torch's own start most of the 16 features die within 20 steps, and stay dead.
"""

import torch
from torch import nn

from aeteach import _validate
from aeteach.models.conv import MOST
from aeteach.models.vae import VAE, Heads

CHANNELS_LAST = torch.channels_last  # in memory: a third of the time less on a CPU
SIZE = 28
FEATURES = 16


def keras_encoder(*, third: bool = False) -> nn.Sequential:
    """Return two or three 3x3 convolutions of stride 2 and a dense layer: 28x28 -> 16 features.

    Args:
        third: a third convolution, of 128 filters, which leaves 4x4 in place of 7x7.
    """
    _validate.flag(third, "third")
    layers = [
        nn.Conv2d(1, 32, 3, stride=2, padding=1),  # (N, 32, 14, 14)
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),  # (N, 64, 7, 7)
        nn.ReLU(),
    ]
    if third:
        layers += [nn.Conv2d(64, 128, 3, stride=2, padding=1), nn.ReLU()]  # (N, 128, 4, 4)
    numbers = 128 * 4 * 4 if third else 64 * 7 * 7
    layers += [nn.Flatten(), nn.Linear(numbers, FEATURES), nn.ReLU()]
    return nn.Sequential(*layers).to(memory_format=CHANNELS_LAST)  # type: ignore[call-overload]


def keras_decoder(latent: int) -> nn.Sequential:
    """Return a dense layer and three 3x3 transposed convolutions, before the sigmoid.

    Args:
        latent: number of latent dimensions d.
    """
    latent = _validate.count(latent, "latent", most=MOST)
    return nn.Sequential(
        nn.Linear(latent, 64 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1, output_padding=1),  # (N, 64, 14, 14)
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1),  # (N, 32, 28, 28)
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 3, padding=1),  # (N, 1, 28, 28)
    ).to(memory_format=CHANNELS_LAST)  # type: ignore[call-overload]


def keras_vae(latent: int = 2, *, third: bool = False) -> VAE:
    """Return the Keras example: with 2 latent dimensions 69,076 parameters down and 65,089 up.

    Args:
        latent: number of latent dimensions d, at least 1.
        third: a third convolution in the encoder; the decoder stays as it is.

    Source: Chollet (2020), "Variational autoencoder", Keras code examples; the start from He et al.
    (2015), "Delving deep into rectifiers".
    """
    latent = _validate.count(latent, "latent", most=MOST)
    return VAE(
        keras_encoder(third=third),
        Heads(FEATURES, latent),
        keras_decoder(latent),
        latent=latent,
        size=SIZE,
    ).apply(_he)


def _he(module: nn.Module) -> None:
    """Draw weights of variance 2 / inputs, so that ReLU keeps a signal as strong; biases 0."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)
