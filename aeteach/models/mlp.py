"""The autoencoder of fully connected layers, and the bodies that its relatives share."""

import math
from itertools import pairwise

from torch import nn

from aeteach import _validate
from aeteach.models._arguments import check_parts, decoded_size, known_size, unflatten
from aeteach.models.base import Autoencoder

HIDDEN = (128, 64, 32)


def dense(*widths: int, dropout: float = 0.0) -> nn.Sequential:
    """Return fully connected layers of these widths, a ReLU between two and none at the end.

    Args:
        widths: numbers in, numbers of each hidden layer, numbers out: at least two, each >= 1.
        dropout: share of each hidden layer's numbers set to 0 in training, below 1.
    """
    widths = _validate.counts(widths, "widths", least=2)
    dropout = _validate.number(dropout, "dropout", least=0, below=1)
    for before, after in pairwise(widths):
        _validate.room(before * after, f"widths {before} and {after}")
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers[: -2 if dropout else -1])


def start_large(layers: nn.Sequential) -> nn.Sequential:
    """Give fully connected layers weights of variance 2 / inputs and biases 0; return them.

    Torch starts with a sixth of that variance, which the ReLU halves again: after four layers next
    to nothing of the image is left, and a deep VAE spends its first epochs ignoring its latent
    code.

    Args:
        layers: changed in place.

    Source: He et al. (2015), Delving deep into rectifiers.
    """
    check_parts(layers=layers)
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return layers


def mlp_encoder(
    out: int,
    *,
    size: int | tuple[int, ...] = 32,
    hidden: tuple[int, ...] = HIDDEN,
    extra: int = 0,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Return the way down: size*size + extra numbers, the hidden layers, `out` numbers.

    Args:
        out: width of the last layer, which has no ReLU: the latent dimensions d of an
            autoencoder, or the width of the trunk that carries the heads of a VAE.
        size: height and width of the images in pixels; or (H, W), (C, H, W), or (F,) for features.
        hidden: widths of the layers between.
        extra: numbers appended to the flat image, such as the 10 of a one-hot label.
        dropout: share of each hidden layer's numbers set to 0 in training.
    """
    one, extra = _check_layers(size, extra)
    _validate.count(out, "out")
    hidden = _validate.counts(hidden, "hidden", least=0)
    return nn.Sequential(
        nn.Flatten(),  # (N, 1, size, size) -> (N, size * size); flat input stays as it is
        *dense(math.prod(one) + extra, *hidden, out, dropout=dropout),
    )


def mlp_decoder(
    latent: int,
    *,
    size: int | tuple[int, ...] = 32,
    hidden: tuple[int, ...] = HIDDEN[::-1],
    extra: int = 0,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Return the way up: latent + extra numbers, the hidden layers, an image before its sigmoid.

    Args:
        latent: number of latent dimensions d.
        size: height and width of the images in pixels; or (H, W), (C, H, W), or (F,) for features.
        hidden: widths of the layers between.
        extra: numbers appended to z, such as the 10 of a one-hot label.
        dropout: share of each hidden layer's numbers set to 0 in training.
    """
    one, extra = _check_layers(size, extra)
    _validate.count(latent, "latent")
    hidden = _validate.counts(hidden, "hidden", least=0)
    return nn.Sequential(
        *dense(latent + extra, *hidden, math.prod(one), dropout=dropout),
        *unflatten(one),  # (N, size * size) -> (N, 1, size, size)
    )


class MLPAutoencoder(Autoencoder):
    r"""Fully connected layers 1024-128-64-32-d and back, ReLU between them, a sigmoid at the end.

    With `latent=2` on 32x32 images it has 284,226 parameters: 141,602 down, 142,624 up.

    Args:
        latent: number of latent dimensions d, at least 1.
        size: height and width of the images in pixels; or (H, W), (C, H, W), or (F,) for features.
        hidden: widths of the encoder's layers; the decoder has them in reverse.
        likelihood: see `Autoencoder`; "gaussian" for features of any range.
    """

    def __init__(
        self,
        latent: int = 2,
        *,
        size: int | tuple[int, ...] = 32,
        hidden: tuple[int, ...] = HIDDEN,
        likelihood: str = "bernoulli",
    ) -> None:
        _validate.count(latent, "latent")
        hidden = _validate.counts(hidden, "hidden", least=0)
        super().__init__(
            mlp_encoder(latent, size=size, hidden=hidden),
            mlp_decoder(latent, size=decoded_size(size, likelihood), hidden=hidden[::-1]),
            sigmoid=likelihood == "bernoulli",
            likelihood=likelihood,
        )
        self.size, self.latent = known_size(size), latent


def _check_layers(size: int | tuple[int, ...], extra: int) -> tuple[tuple[int, ...], int]:
    return _validate.shape(size), _validate.count(extra, "extra", least=0)
