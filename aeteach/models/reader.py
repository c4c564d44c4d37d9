"""Readers: they say which digit or shape an image shows, and so judge what a model draws."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeteach import _validate
from aeteach.models._arguments import check_images, known_size
from aeteach.models.base import Model
from aeteach.models.conv import conv_side

CLASSES = 10
SHAPE_CLASSES = 4  # circle, rectangle, triangle, no shape


def _convolutions(channels: tuple[int, int, int]) -> list[nn.Module]:
    """Return three times 3x3, batch normalisation, ReLU and a pooling that halves each side."""
    layers: list[nn.Module] = []
    for before, after in zip((1, *channels[:2]), channels, strict=True):
        layers += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return layers


class DigitReader(Model):
    """Fully connected layers 1024-50-10 with one ReLU: the reader of handwritten text.

    Called with images (N, 1, size, size) it returns logits (N, 10), one a digit; their softmax are
    probabilities. It has 51,760 parameters for 32x32 images. With another shape and other classes
    it reads whatever a folder's subfolders name.

    Args:
        size: height and width of the images in pixels; or (H, W), or (C, H, W).
        hidden: width of the hidden layer.
        dropout: share of the pixels blanked in training.
        classes: that it tells apart, at least 2.
    """

    unit = True  # its images are in [0, 1]

    def __init__(
        self,
        *,
        size: int | tuple[int, ...] = 32,
        hidden: int = 50,
        dropout: float = 0.0,
        classes: int = CLASSES,
    ) -> None:
        super().__init__()
        self.size = known_size(size)
        pixels = math.prod(_validate.shape(size))
        _validate.room(pixels * _validate.count(hidden, "hidden"), f"hidden = {hidden}")
        classes = _validate.count(classes, "classes", least=2, most=_validate.MAX_CLASSES)
        dropout = _validate.number(dropout, "dropout", least=0, below=1)
        self.layers = nn.Sequential(
            nn.Flatten(),  # (N, 1, size, size) -> (N, size * size)
            nn.Dropout(dropout),
            nn.Linear(pixels, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) of the images x (N, 1, size, size)."""
        return self.layers(check_images(self, x, self.size))


class ConvReader(Model):
    """Convolutions, for a second opinion: three times 3x3, batch normalisation, ReLU, pooling.

    In training every batch is moved by up to `shift` pixels at random, which makes the
    reader indifferent to where a digit stands. It must be at most the width of the margin: what
    leaves at one edge comes in at the other.

    Args:
        size: height and width of the images in pixels, a multiple of 8.
        channels: of the three convolutions.
        dropout: share of the last numbers set to 0 in training.
        shift: largest move in training, in pixels.
    """

    unit = True  # its images are in [0, 1]

    def __init__(
        self,
        *,
        size: int = 32,
        channels: tuple[int, int, int] = (16, 32, 64),
        dropout: float = 0.2,
        shift: int = 2,
    ) -> None:
        super().__init__()
        conv_side(size)
        _validate.counts(channels, "channels", many=3)
        dropout = _validate.number(dropout, "dropout", least=0, below=1)
        self.size = size
        self.shift = _validate.count(shift, "shift", least=0)
        layers = [*_convolutions(channels), nn.Flatten(), nn.Dropout(dropout)]
        layers += [nn.Linear(channels[2] * (size // 8) ** 2, CLASSES)]
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, 10) of the images x (N, 1, size, size)."""
        check_images(self, x, self.size)
        if self.training and self.shift:
            down, right = torch.randint(-self.shift, self.shift + 1, (2,)).tolist()
            x = x.roll((down, right), dims=(2, 3))
        return self.layers(x)


class ShapeReader(Model):
    """Convolutions that tell circle, rectangle and triangle apart, and all three from what is none.

    Three times 3x3, batch normalisation, ReLU, pooling; a linear layer to four logits (N, 4), the
    last of which stands for "no shape". The images are 28x28 or 32x32; the smaller ones get a
    black margin of 2 pixels, so both sizes are read by the same weights, 7,996 parameters in all.

    Args:
        channels: of the three convolutions.
    """

    unit = True  # its images are in [0, 1]

    def __init__(self, *, channels: tuple[int, int, int] = (8, 16, 32)) -> None:
        super().__init__()
        _validate.counts(channels, "channels", many=3)
        layers = [*_convolutions(channels), nn.Flatten()]
        layers += [nn.Linear(channels[2] * 16, SHAPE_CLASSES)]
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, 4) of the images x, (N, 1, 28, 28) or (N, 1, 32, 32)."""
        small = _validate.tensor(x, "x").shape[-2:] == (28, 28)
        margin = (32 - check_images(self, x, 28 if small else 32).shape[-1]) // 2
        return self.layers(F.pad(x, (margin,) * 4))
