"""A hole in a digit, to be moved and resized: a VAE fills it once, and again and again."""

from typing import Any

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach.inpainting import error_in_hole, hole, inpaint
from aeteach.metrics import readability
from aeteach.models import VAE
from aeteach.weights import load
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.digits import first_places, mnist_test
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError, both_or_neither
from aeteach.widgets.kit.network import decoder_network, network
from aeteach.widgets.kit.reader import reader_network
from aeteach.widgets.kit.traits import WholeWithin

MODEL, READER = "conv-vae-10-beta-1", "reader-0"
_SHOWN = (7, 2, 0, 4, 9, 5, 3, 8)  # the first test digit of each
_SMALLEST = 2  # side of the hole, in pixels


class Inpainter(PackedFigure):
    """Punch a hole into a digit and let a VAE fill it, once through and iterated.

    Encoder and decoder run in the page, from their weights (float16, batch normalisation folded
    into the convolutions); so does the digit reader that judges. What is computed here, with
    torch, is for comparison.

    Args:
        model: a VAE of convolutions, linear layers and ReLUs, with a sigmoid at the end; the
            package's `conv-vae-10-beta-1` if left out.
        images: x, (n, 1, size, size), float32 in [0, 1], of the model's size, at most 12; the
            first of each of eight MNIST test digits if left out.
        labels: the digit that each shows, (n,), int64; needed with `images`.
        reader: the judge, `aeteach.models.DigitReader`; smaller images are padded for it.

    Attributes:
        digit: which of the images.
        top: first row of the hole, from 0.
        left: first column of it, from 0.
        side: its height and width in pixels; what would lie outside the image is cut off.
        iterations: how often the model is asked, 1 to 60.

    Raises:
        TypeError, ValueError: a model or a reader that the page cannot compute, images or labels
            that do not fit, or a place, side or number that there is not.
    """

    _module = "inpainter"
    network = t.Dict(help="The layers of encoder, mu and decoder, in order.").tag(sync=True)
    pictures = t.Bytes(b"", help="The images, as one PNG.").tag(sync=True)
    labels = t.List(t.Int()).tag(sync=True)
    size = t.Int(0, help="Height and width of an image, in pixels.").tag(sync=True)
    digit = WholeWithin(0, 0, lambda figure: len(figure._images) - 1)
    top = WholeWithin(10, 0, lambda figure: figure._model.size - _SMALLEST)
    left = WholeWithin(10, 0, lambda figure: figure._model.size - _SMALLEST)
    side = WholeWithin(10, _SMALLEST, lambda figure: figure._model.size - 1, unit=" pixels")
    iterations = WholeWithin(20, 1, 60)  # in the page they take a moment each

    def __init__(
        self,
        model: nn.Module | None = None,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        reader: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        both_or_neither(images=images, labels=labels)
        model = load(MODEL) if model is None else model
        self._reader = load(READER) if reader is None else reader
        if not isinstance(model, VAE):
            raise StateError(f"the model is a {type(model).__name__}; the figure takes a VAE")
        if images is None or labels is None:
            images, labels = mnist_test(model.size)
            places = first_places(labels, _SHOWN)
            images, labels = images[places], labels[places]
        self._model, self._images = model.eval(), _checked(images, labels, model.size)
        steps, arrays = _networks(model)
        judge = _judge(self._reader, model.size)
        manifest, weights = pack(arrays | judge)
        state = {
            "alt": _ALT,
            "weights": weights,
            "manifest": manifest,
            "network": steps,
            "pictures": atlas(images, bits=8),
            "labels": labels.tolist(),
            "size": model.size,
        }
        super().__init__(**state | kwargs)

    @property
    def mask(self) -> Tensor:
        """Where the hole is, (size, size), bool."""
        size = self._model.size
        rows = (self.top, min(self.top + self.side, size))
        return hole(size, rows, (self.left, min(self.left + self.side, size)))

    @property
    def once(self) -> Tensor:
        """The image with the hole filled once through, (1, size, size)."""
        return inpaint(self._model, self._images[[self.digit]], self.mask, iterations=1).images[0]

    @property
    def filled(self) -> Tensor:
        """The image with the hole filled after all iterations, (1, size, size)."""
        x = self._images[[self.digit]]
        return inpaint(self._model, x, self.mask, iterations=self.iterations).images[0]

    @property
    def errors(self) -> tuple[float, float]:
        """Squared error summed over the hole: once through, and after all iterations."""
        x = self._images[[self.digit]]
        once, filled = (
            float(error_in_hole(made[None], x, self.mask)) for made in (self.once, self.filled)
        )
        return once, filled

    @property
    def verdicts(self) -> tuple[int, int]:
        """What the reader reads in the two filled images."""
        judge: Any = self._reader
        pad = (judge.size - self._model.size) // 2
        both = nn.functional.pad(torch.stack([self.once, self.filled]), [pad] * 4)
        once, filled = readability.read(both, [judge]).verdict.tolist()
        return once, filled

    def __repr__(self) -> str:
        return (
            f"Inpainter(digit={self.digit}, hole={self.side}x{self.side} at "
            f"({self.top}, {self.left}), iterations={self.iterations})"
        )


_ALT = (
    "A handwritten digit with a square hole that can be moved and resized. A variational "
    "autoencoder fills the hole: asked once, and asked again and again with the known pixels put "
    "back each time. Both results are shown beside the original, with the squared error in the "
    "hole and with what a digit reader makes of them; a curve shows the error by iteration."
)


def _networks(model: VAE) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the layers of encoder with mu, and of decoder, and all their weights."""
    if model.classes:
        raise StateError("the figure takes a VAE without labels")
    mu = getattr(model.heads, "mu", None)
    if not isinstance(mu, nn.Linear):
        raise StateError("the heads have no linear layer called mu: use aeteach.models.Heads")
    down = network(nn.Sequential(model.encoder, mu), "e")
    up = decoder_network(model, "d")
    return {"encoder": down.steps, "decoder": up.steps}, down.arrays | up.arrays


def _judge(reader: nn.Module, size: int) -> dict[str, Tensor]:
    """Return the weights of a reader of images as small as the model's, or say why there are none.

    Images are padded with black for it; what sees the padding is left out.
    """
    known = getattr(reader, "size", size)
    if known < size or (known - size) % 2:
        raise StateError(
            f"the reader knows {known} pixels, the model {size}; the images are padded "
            "evenly, so the reader must know as many, or an even number more"
        )
    return reader_network(reader, (known - size) // 2).arrays


def _checked(images: Tensor, labels: Tensor, size: int) -> Tensor:
    if images.ndim != 4 or images.shape[1:] != (1, size, size) or not 1 <= len(images) <= 12:
        raise StateError(
            f"images have shape {tuple(images.shape)}; expected 1 to 12 of the model's size, "
            f"(n, 1, {size}, {size})"
        )
    if not bool(((images >= 0) & (images <= 1)).all()):
        raise StateError("images leave [0, 1] or hold NaN: divide grey levels by 255")
    if labels.shape != (len(images),):
        raise StateError(
            f"labels have shape {tuple(labels.shape)}; expected ({len(images)},), one an image"
        )
    return images


__all__ = ["Inpainter"]
