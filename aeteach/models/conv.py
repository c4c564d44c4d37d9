"""The convolutional autoencoder, and the bodies that its relatives share.

All of them keep channels last in memory, which changes no number's meaning and saves a CPU up to a
third of the time.
"""

import math

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach.models._arguments import decoded_size, known_size
from aeteach.models.base import Autoencoder

MOST = 100_000  # channels or latent dimensions: a convolution of more would fill the memory
SHRINK = 8  # three convolutions of stride 2 make the image 2 * 2 * 2 times smaller each way


def conv_encoder(channels: int, inputs: int = 1) -> nn.Sequential:
    """Return three 3x3 convolutions of stride 2 and padding 1: `inputs` -> 8 -> 16 -> `channels`.

    Each halves height and width: (N, 1, 32, 32) -> (N, channels, 4, 4).

    Args:
        channels: of the last layer, which has neither batch normalisation nor ReLU.
        inputs: channels of the images, 1 for grey ones.
    """
    channels, inputs = _wide("channels", channels), _wide("inputs", inputs)
    return nn.Sequential(
        # Batch normalisation subtracts the mean of each channel, so a bias before it is lost.
        nn.Conv2d(inputs, 8, 3, stride=2, padding=1, bias=False),  # (N, 8, 16, 16)
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False),  # (N, 16, 8, 8)
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, channels, 3, stride=2, padding=1),  # (N, channels, 4, 4)
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def conv_decoder(channels: int, *, size: int | tuple[int, ...] = 32) -> nn.Sequential:
    """Return three 3x3 transposed convolutions, `channels` -> 16 -> 8 -> 1, before the sigmoid.

    Each doubles height and width; `output_padding=1` picks the even one of the two sizes that
    a convolution of stride 2 would have halved to the same: (N, channels, 4, 4) -> (N, 1, 32, 32).

    Args:
        channels: of the input.
        size: of the images, as for `conv_sides`; of a side that is odd somewhere on the way down,
            `output_padding=0` picks the odd one.
    """
    channels, outputs = _wide("channels", channels), _validate.shape(size)[0]
    last, middle, first = _paddings(conv_sides(size))
    return nn.Sequential(
        # The biases before the batch normalisations do nothing; the reported 3,147 has them.
        nn.ConvTranspose2d(
            channels, 16, 3, stride=2, padding=1, output_padding=first
        ),  # (N, 16, 8, 8)
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=middle),  # (N, 8, 16, 16)
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(
            8, outputs, 3, stride=2, padding=1, output_padding=last
        ),  # (N, 1, 32, 32)
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def flat_conv_encoder(
    channels: int, out: int | None = None, *, size: int | tuple[int, ...] = 32
) -> nn.Sequential:
    """Return the convolutional encoder made flat: (N, 1, size, size) -> (N, out).

    Args:
        channels: of the last convolution, which leaves channels * (size / 8)^2 numbers.
        out: width of the linear layer after them; None for no such layer, as under the heads
            of a VAE.
        size: of the images in pixels, as for `conv_sides`.
    """
    channels = _wide("channels", channels)
    numbers = channels * math.prod(conv_sides(size)[-1])
    if out is not None:
        out = _wide("out", out)
        _validate.room(numbers * out, f"size = {size}, out = {out}")
    last = [nn.Linear(numbers, out)] if out is not None else []
    inputs = _validate.shape(size)[0]
    return nn.Sequential(*conv_encoder(channels, inputs), nn.Flatten(), *last)


def flat_conv_decoder(
    latent: int, channels: int, *, size: int | tuple[int, ...] = 32, extra: int = 0
) -> nn.Sequential:
    """Return the convolutional decoder behind a linear layer: (N, latent) -> (N, 1, size, size).

    Args:
        latent: number of latent dimensions d.
        channels: that the linear layer's channels * (size / 8)^2 numbers are arranged into.
        size: of the images in pixels, as for `conv_sides`.
        extra: numbers appended to z, such as the 10 of a one-hot label.
    """
    height, width = conv_sides(size)[-1]
    latent, channels = _wide("latent", latent), _wide("channels", channels)
    extra = _validate.count(extra, "extra", least=0)
    numbers = channels * height * width
    _validate.room((latent + extra) * numbers, f"size = {size}, latent = {latent}")
    return nn.Sequential(
        nn.Linear(latent + extra, numbers),
        nn.Unflatten(1, (channels, height, width)),
        *conv_decoder(channels, size=size),
    )


SPREAD = 64  # numbers between z and the narrowest channels of `wide_conv_decoder`


def wide_conv_encoder(
    width: int = 16, *, size: int | tuple[int, ...] = 32
) -> tuple[nn.Sequential, int]:
    """Return three 3x3 convolutions of stride 2, 1 -> w -> 2w -> 2w, made flat.

    For sharp edges on small data: more channels than `conv_encoder`, and batch normalisation and
    ReLU after the last one too.

    Args:
        width: channels w of the first convolution, at least 1.
        size: of the images in pixels, as for `conv_sides`.

    Returns:
        The body, and how many numbers it ends in: 2w (size / 8)^2.
    """
    width = _wide("width", width)
    numbers = math.prod(conv_sides(size)[-1])
    inputs = _validate.shape(size)[0]
    layers: list[nn.Module] = []
    for before, after in ((inputs, width), (width, 2 * width), (2 * width, 2 * width)):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    body = nn.Sequential(*layers, nn.Flatten())
    body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return body, 2 * width * numbers


def wide_conv_decoder(
    latent: int, width: int = 16, *, size: int | tuple[int, ...] = 32
) -> nn.Sequential:
    """Return the way back: two linear layers, three transposed convolutions, before the sigmoid.

    The place of a shape is a number in z and a place in the image, and the linear layers, 64
    numbers between them, make the one of the other.

    Args:
        latent: number of latent dimensions d.
        width: channels w of the last but one; those before have 2w.
        size: of the images in pixels, as for `conv_sides`.
    """
    sides, outputs = conv_sides(size), _validate.shape(size)[0]
    last, middle, first = _paddings(sides)
    rows, columns = sides[-1]
    latent, width = _wide("latent", latent), _wide("width", width)
    numbers = 2 * width * rows * columns
    _validate.room(SPREAD * numbers, f"size = {size}, width = {width}")
    layers: list[nn.Module] = [
        nn.Linear(latent, SPREAD),
        nn.ReLU(),
        nn.Linear(SPREAD, numbers),
        nn.ReLU(),
        nn.Unflatten(1, (2 * width, rows, columns)),
    ]
    for before, after, odd in ((2 * width, 2 * width, first), (2 * width, width, middle)):
        layers += [
            nn.ConvTranspose2d(
                before, after, 3, stride=2, padding=1, output_padding=odd, bias=False
            ),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    layers += [nn.ConvTranspose2d(width, outputs, 3, stride=2, padding=1, output_padding=last)]
    body = nn.Sequential(*layers)
    return body.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class ConvAutoencoder(Autoencoder):
    r"""Three convolutions down, three transposed convolutions up, a sigmoid at the end.

    The bottleneck is one of two. `latent=None` keeps channels: z is (N, channels, 4, 4) for 32x32
    images, so `channels=2` is a bottleneck of 32 numbers; it has 3,147 parameters. With
    `latent=d` a linear layer squeezes these to d numbers, and another one spreads them out again:
    z is (N, d), which may be compared with other models of d numbers.

    Args:
        channels: of the narrowest convolution, at least 1.
        latent: number of latent dimensions d, at least 1; None for a bottleneck of channels.
        size: of the images in pixels, as for `conv_sides`.
        likelihood: see `Autoencoder`.
    """

    def __init__(
        self,
        channels: int = 2,
        *,
        latent: int | None = None,
        size: int | tuple[int, ...] = 32,
        likelihood: str = "bernoulli",
    ) -> None:
        channels, sides = _wide("channels", channels), conv_sides(size)
        latent = None if latent is None else _wide("latent", latent)
        made, inputs = decoded_size(size, likelihood), _validate.shape(size)[0]
        if latent is None:
            encoder = conv_encoder(channels, inputs)
            decoder = conv_decoder(channels, size=made)
        else:
            encoder = flat_conv_encoder(channels, latent, size=size)
            decoder = flat_conv_decoder(latent, channels, size=made)
        sigmoid = likelihood == "bernoulli"
        super().__init__(encoder, decoder, sigmoid=sigmoid, likelihood=likelihood)
        self.size, self.latent = known_size(size), latent
        self.numbers = channels * math.prod(sides[-1]) if latent is None else latent

    def encode(self, x: Tensor) -> Tensor:
        """Return z: (N, channels, size / 8, size / 8), or (N, d) with a latent layer."""
        return super().encode(x)


def conv_sides(size: int | tuple[int, ...]) -> list[tuple[int, int]]:
    """Return height and width of an image and after each of the three convolutions of stride 2.

    Args:
        size: height and width of square grey images in pixels, a multiple of 8; or (H, W) or
            (C, H, W), each side from 8.

    Raises:
        TypeError, ValueError: no such size.
    """
    if not isinstance(size, tuple | list):
        conv_side(size)
    one = _validate.shape(size)
    if len(one) != 3 or min(one[1:]) < SHRINK:
        raise ValueError(
            f"size is {size}; convolutions need images, (H, W) or (C, H, W) with sides from "
            f"{SHRINK}: features and small images go to fully connected layers, such as 'mlp'"
        )
    sides = [(one[1], one[2])]
    for _ in range(3):
        height, width = sides[-1]
        sides.append(((height + 1) // 2, (width + 1) // 2))
    return sides


def _paddings(sides: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the `output_padding` that leads to each size from the next smaller one."""
    return [(1 - height % 2, 1 - width % 2) for height, width in sides[:-1]]


def conv_side(size: int) -> int:
    """Return height and width of the bottleneck in pixels.

    Args:
        size: height and width of the images in pixels, a multiple of 8.

    Raises:
        TypeError, ValueError: no such size.
    """
    size = _validate.count(size, "size", least=0, most=_validate.MAX_SIDE)
    if not size or size % SHRINK:
        raise ValueError(
            f"size is {size}; three strides of 2 need a multiple of {SHRINK}, such as 32 "
            "(mnist(split, size=32) pads the digits to it)"
        )
    return size // SHRINK


def _wide(name: str, value: int) -> int:
    """Return a number of channels or latent dimensions, or say that it is none."""
    return _validate.count(value, name, most=MOST)
