"""The digit reader: can a machine still read what a model has drawn?

HTR is short for handwritten text recognition. A reader is trained on original digits alone; the
share of reconstructions that it reads as the digit they came from is a model's *readability*.

**The judge is random too.** Readers that differ in nothing but their seed score alike on originals,
and a per cent or two apart on blurred digits. So several readers judge, and the interval counts
both sources of chance: which images were drawn, and which readers.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact
from aeteach._measure import batches, call, images_of, measuring, moved, part_of
from aeteach.metrics.intervals import interval
from aeteach.models.reader import CLASSES
from aeteach.training.contract import check_labels
from aeteach.weights import load

STANDARD = tuple(f"reader-{seed}" for seed in range(5))  # 1024-50-10, five seeds
STRONG = ("conv-reader",)  # the second opinion
_CHUNK = 2000  # images at once: bounds the memory, not the result


def readers(names: Sequence[str] = STANDARD) -> tuple[nn.Module, ...]:
    """Return trained readers that come with the package, in evaluation mode.

    Args:
        names: of the weights: `STANDARD` (five seeds of 1024-50-10) or `STRONG` (one
            convolutional reader).

    Raises:
        TypeError, ValueError: names that are none.
    """
    want = "several names of readers, such as STANDARD"
    return tuple(
        _reader(_validate.text(name, "each of names"))
        for name in _validate.several(names, "names", want)
    )


@functools.cache
def _reader(name: str) -> nn.Module:
    return load(name)


@dataclass(frozen=True)
class DigitReading:
    """What readers see in images.

    Attributes:
        probabilities: of the digits 0 to 9, by each reader, (R, N, 10); they sum to 1.
    """

    probabilities: Tensor

    @property
    def digits(self) -> Tensor:
        """The likeliest digit by each reader, (R, N), int64."""
        return self.probabilities.argmax(2)

    @property
    def verdict(self) -> Tensor:
        """The digit of the mean probabilities of all readers, (N,), int64."""
        return self.probabilities.mean(0).argmax(1)

    @property
    def agreement(self) -> Tensor:
        """Share of the readers that read the verdict, (N,), from 0 to 1."""
        return (self.digits == self.verdict).float().mean(0)


@dataclass(frozen=True)
class Score:
    """How well readers read images whose digits are known.

    Attributes:
        accuracy: share read correctly, mean over images and readers, 0 to 1.
        low: lower end of the confidence interval of `accuracy`; see `interval`.
        high: upper end.
        by_reader: share read correctly by each reader, in their order.
        confusion: (10, 10) int64; row i, column j: how often the digit i was read as j, summed
            over readers.
        images: number N of images.
        confidence: of the interval, 0 to 1.
    """

    accuracy: float
    low: float
    high: float
    by_reader: tuple[float, ...]
    confusion: Tensor = field(repr=False, compare=False)
    images: int
    confidence: float

    def __str__(self) -> str:
        judges = f"{len(self.by_reader)} reader" + "s" * (len(self.by_reader) > 1)
        return (
            f"{self.accuracy:.2%} [{self.low:.2%}, {self.high:.2%}] "
            f"({self.images:,} images, {judges}, {self.confidence:.0%} interval)"
        )


@dataclass(frozen=True)
class Readability(Score):
    """The score of a model's reconstructions, beside that of the originals.

    Attributes:
        ceiling: score of the originals by the same readers: what a perfect model would reach.
    """

    ceiling: Score

    def __str__(self) -> str:
        return f"{super().__str__()}, originals {self.ceiling.accuracy:.2%}"


def read(images: Tensor, readers: Sequence[nn.Module] | None = None) -> DigitReading:
    """Let readers read images: originals, reconstructions or generated ones.

    Args:
        images: (N, 1, H, W), float32; a linear model's may leave [0, 1] a little, and are read
            as they are.
        readers: each maps images to logits (N, 10); five of 1024-50-10 by default.

    Returns:
        Where the images are.

    Raises:
        TypeError: not a float32 tensor, or readers that are none.
        ValueError: the size is not the readers', NaN, or numbers far from [0, 1].
    """
    judges = _judges(readers)
    for size in {getattr(judge, "size", None) for judge in judges}:
        _validate.pixels(images, "images", size)
    return DigitReading(torch.stack([_logits(judge, images).softmax(1) for judge in judges]))


def score(
    images: Tensor,
    labels: Tensor,
    readers: Sequence[nn.Module] | None = None,
    *,
    confidence: float = 0.95,
) -> Score:
    """Compare what readers see with the digits that images should show.

    Args:
        images: (N, 1, H, W), float32: reconstructions, or images generated for given digits.
        labels: the digit each should show, (N,), int64.
        readers: as for `read`.
        confidence: of the interval, above 0 and below 1.

    Raises:
        TypeError, ValueError: as for `read`, or labels that are none.
    """
    digits = read(images, readers).digits  # (R, N)
    _validate.labels(labels, len(images))
    _validate.one_device(images=images, labels=labels)
    right = digits == labels
    low, high = interval(right, confidence)
    return Score(
        accuracy=exact(right).mean().item(),
        low=low,
        high=high,
        by_reader=tuple(exact(right).mean(1).tolist()),
        confusion=confusion(digits, labels),
        images=len(images),
        confidence=confidence,
    )


def readability(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    readers: Sequence[nn.Module] | None = None,
    *,
    confidence: float = 0.95,
    conditional: bool = False,
    seed: int = 0,
) -> Readability:
    """Score a model's reconstructions: encode, decode, read, compare with the labels.

    Args:
        model: has `forward(x) -> Output`; it is run in evaluation mode.
        images: x, (N, 1, H, W), float32 in [0, 1], that neither model nor readers were trained on.
        labels: the digit of each, (N,), int64.
        readers: as for `read`.
        confidence: of the interval, above 0 and below 1.
        conditional: the model is told the labels, `forward(x, y)`.
        seed: for models that sample; the global random state is left alone.

    Raises:
        TypeError, ValueError: images or labels out of range, or a size the readers do not know.
    """
    _judges(readers)
    _validate.images(images)
    _validate.labels(labels, len(images))
    told = labels if _validate.flag(conditional, "conditional") else None
    x_hat = rebuild(model, images, told, seed=seed)
    result = score(x_hat, labels, readers, confidence=confidence)
    ceiling = score(images, labels, readers, confidence=confidence)
    return Readability(**vars(result), ceiling=ceiling)


def rebuild(
    model: nn.Module, images: Tensor, labels: Tensor | None = None, *, seed: int = 0
) -> Tensor:
    """Return a model's reconstructions x_hat, (N, C, H, W), in evaluation mode.

    A variational autoencoder's are decode(mu): the mean of q(z|x) is decoded, nothing is drawn.

    Args:
        model: has `forward(x) -> Output`, or `forward(x, y)` with labels; one that draws, such as
            a VAE, may have `reconstruct`, with the same arguments, which is used in its place.
        images: x, (N, C, H, W), float32 in [0, 1] or a little beyond, as with noise added.
        labels: y, (N,), int64, for a conditional model.
        seed: for models that sample; the global random state is left alone.

    Returns:
        float32, where the images are.

    Raises:
        TypeError, ValueError: images or labels out of range, or a model that gives no x_hat.
    """
    _validate.model(model)
    _validate.pixels(images, "images", colour=True)
    if labels is not None:
        check_labels(labels, len(images), model)
    with measuring(model, seed) as place:
        parts = batches(place, _CHUNK, images=images, labels=labels)
        return torch.cat([_x_hat(model, **inputs).to(images) for inputs in parts])


def _x_hat(model: nn.Module, **inputs: Tensor) -> Tensor:
    """Return a reconstruction with nothing drawn, where the model has a way to make one."""
    if hasattr(model, "reconstruct"):
        return images_of(model, "reconstruct", **inputs)
    return part_of(call(model, "forward", **inputs), "x_hat", len(inputs["images"]))


def confusion(digits: Tensor, labels: Tensor) -> Tensor:
    """Count how often each digit was read as each.

    Args:
        digits: what was read, (N,) or (R, N), int64, 0 to 9.
        labels: what should have been, (N,), int64, 0 to 9.

    Returns:
        (10, 10) int64: row i, column j is how often the digit i was read as j.

    Raises:
        TypeError, ValueError: digits or labels that are none, or shapes that do not fit.
    """
    if _validate.tensor(digits, "digits", "an int64 tensor (N,) or (R, N)").ndim not in (1, 2):
        raise ValueError(f"digits is {_validate.say(digits)}; expected (N,) or (R, N)")
    _validate.labels(digits.flatten(), name="digits")
    _validate.labels(labels)
    if len(labels) != digits.shape[-1]:
        raise ValueError(
            f"digits is {_validate.say(digits)} and labels {_validate.say(labels)}; expected "
            "(N,) or (R, N), and (N,)"
        )
    _validate.one_device(digits=digits, labels=labels)
    cells = labels.expand_as(digits) * CLASSES + digits
    return torch.bincount(cells.flatten(), minlength=CLASSES**2).view(CLASSES, CLASSES)


def _judges(readers: Sequence[nn.Module] | None) -> Sequence[nn.Module]:
    if readers is None:
        return _standard()
    if isinstance(readers, nn.Module):
        raise TypeError("readers is one model; expected several, or a list of one: [reader]")
    judges = _validate.several(readers, "readers", "several models", 0)
    if len(judges) == 0:
        raise ValueError("readers is empty; expected at least one, several for an interval")
    for judge in judges:
        _validate.model(judge, name="each of readers")
    return judges


def _standard() -> Sequence[nn.Module]:
    return readers(STANDARD)


def _logits(judge: nn.Module, images: Tensor) -> Tensor:
    """Return what a reader makes of images, (N, 10), where they are."""
    parts = []
    with measuring(judge) as place:
        for x in images.split(_CHUNK):
            logits = call(judge, "forward", images=moved(place, x))
            _validate.made(logits, "forward(images), a reader's,", len(x))
            if logits.shape[1:] != (CLASSES,):
                raise ValueError(
                    f"one of readers gave {_validate.say(logits)}; expected logits (N, {CLASSES})"
                )
            parts.append(logits)
    return torch.cat(parts).to(images.device)
