r"""Conditional VAEs: the VAE of `aeteach.models.vae`, its bodies made wider for a label.

A label y joins the image on its way into the encoder, q(z|x, y), and z on its way into the decoder,
p(x|z, y). Nothing else changes: the class is `VAE`, and so are its methods, its draws and its loss.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach.models._arguments import check_codes, known_size
from aeteach.models.conv import (
    MOST,
    conv_encoder,
    conv_sides,
    flat_conv_decoder,
    flat_conv_encoder,
)
from aeteach.models.mlp import HIDDEN, mlp_decoder, mlp_encoder
from aeteach.models.vae import DECODER, ENCODER, VAE, Heads, check_told

CLASSES = 10
LINEAR, PLANES = "linear", "planes"


class LabelPlanes(nn.Module):
    """Turn a flat image with a one-hot label behind it into an image with a plane for each class.

    (N, size size + classes) -> (N, 1 + classes, size, size). The plane of the true class is white,
    the others are black, so a convolution meets the label at every pixel, and no pixel moves.

    Args:
        size: height and width of the images in pixels.
        classes: number of labels.
    """

    def __init__(self, size: int | tuple[int, ...] = 32, classes: int = CLASSES) -> None:
        super().__init__()
        self.size = known_size(size)
        self.shape = _validate.shape(size)
        self.classes = _validate.count(classes, "classes")

    def forward(self, told: Tensor) -> Tensor:
        """Return image and planes, side by side as channels."""
        pixels = math.prod(self.shape)
        check_codes(self, told, pixels + self.classes, "told")
        image = told[:, :pixels].unflatten(1, self.shape)
        planes = told[:, pixels:, None, None].expand(-1, -1, *self.shape[1:])
        return torch.cat([image, planes], dim=1)


def dense_cvae(
    latent: int = 2,
    *,
    size: int | tuple[int, ...] = 32,
    hidden: tuple[int, ...] = HIDDEN,
    classes: int = CLASSES,
    told: Sequence[str] = (ENCODER, DECODER),
) -> VAE:
    r"""Return a conditional VAE of fully connected layers.

    By default 1034-128-64-32, ReLU between and none after the 32, two heads 32-d; then
    (d + 10)-32-64-128-1024 and a sigmoid. With d = 2 it has 285,892 parameters: 142,816 in the
    encoder's body, 132 in the heads, 142,944 in the decoder; 284,612 if the decoder alone is told.

    Args:
        latent: number of latent dimensions d, at least 1.
        size: height and width of the images in pixels.
        hidden: widths of the encoder's body, at least one; the decoder has them in reverse.
        classes: number of labels.
        told: who is told the label: "encoder", "decoder" or both. An encoder that is not told has
            the body of the plain VAE.

    Source: Sohn, Lee and Yan (2015); the layers are those of the report.
    """
    told = check_told(told)
    latent = _validate.count(latent, "latent")
    classes = _validate.count(classes, "classes", most=_validate.MAX_CLASSES)
    *between, features = hidden = _validate.counts(hidden, "hidden")
    return VAE(
        mlp_encoder(
            features, size=size, hidden=tuple(between), extra=_extra(ENCODER, told, classes)
        ),
        Heads(features, latent),
        mlp_decoder(latent, size=size, hidden=hidden[::-1], extra=_extra(DECODER, told, classes)),
        latent=latent,
        size=size,
        classes=classes,
        told=told,
    )


def conv_cvae(
    latent: int = 2,
    *,
    size: int | tuple[int, ...] = 32,
    label: str = LINEAR,
    channels: int | None = None,
    classes: int = CLASSES,
    told: Sequence[str] = (ENCODER, DECODER),
) -> VAE:
    r"""Return a convolutional conditional VAE: the bodies of the convolutional VAE, and a label.

    **How the encoder is told** is chosen by `label`. "linear", as reported: image and one-hot label
    go through a linear layer 1034 -> 1024, whose output is taken for an image. "planes": the image
    gets a plane for each class, white for the true one.

    **How wide the decoder begins** is chosen by `channels`. As reported, the 12 numbers (z, label)
    become 2 channels of 4x4; whatever the decoder knows of the digit passes these 32 numbers.

    With d = 2, as reported, it has 1,063,535 parameters: 1,061,402 in the encoder's body (1,059,840
    of them in the linear layer), 132 in the heads, 2,001 in the decoder. With planes and 32
    channels it has 14,975: 2,282 + 132 + 12,561.

    Args:
        latent: number of latent dimensions d, and of channels at the encoder's narrowest.
        size: height and width of the images in pixels, a multiple of 8.
        label: "linear" or "planes".
        channels: that the decoder's first linear layer fills, of (size / 8)^2 numbers each; as
            many as latent dimensions if left out, as reported.
        classes: number of labels.
        told: as for `dense_cvae`. An encoder that is not told has neither the linear layer nor
            the planes.

    Raises:
        ValueError: an unknown way to tell the label, or a size that three strides do not divide.
    """
    told, label = check_told(told), _known(label)
    latent = _validate.count(latent, "latent", most=MOST)
    classes = _validate.count(classes, "classes", most=_validate.MAX_CLASSES)
    numbers = latent * math.prod(conv_sides(size)[-1])
    channels = latent if channels is None else _validate.count(channels, "channels")
    return VAE(
        _told_encoder(latent, size, label, classes)
        if ENCODER in told
        else _plain(latent, size, label),
        Heads(numbers, latent),
        flat_conv_decoder(latent, channels, size=size, extra=_extra(DECODER, told, classes)),
        latent=latent,
        size=size,
        classes=classes,
        told=told,
    )


def _told_encoder(
    channels: int, size: int | tuple[int, ...], label: str, classes: int
) -> nn.Sequential:
    """Return the convolutional encoder behind one of the two ways to tell it the label."""
    one = _validate.shape(size)
    pixels = math.prod(one)
    if _known(label) == PLANES:
        told, inputs = LabelPlanes(size, classes), one[0] + classes
        return nn.Sequential(told, *conv_encoder(channels, inputs=inputs), nn.Flatten())
    _validate.room((pixels + classes) * pixels, f"size = {size}")
    return nn.Sequential(
        nn.Linear(pixels + classes, pixels),
        nn.Unflatten(1, one),
        *flat_conv_encoder(channels, size=size),
    )


def _plain(channels: int, size: int | tuple[int, ...], label: str) -> nn.Sequential:
    _known(label)
    return flat_conv_encoder(channels, size=size)


def _known(label: str) -> str:
    return _validate.choice(label, "label", (LINEAR, PLANES), "the encoder to be told by")


def _extra(who: str, told: Sequence[str], classes: int) -> int:
    """Return how many numbers the label adds to what the encoder or the decoder is given."""
    return classes if who in told else 0
