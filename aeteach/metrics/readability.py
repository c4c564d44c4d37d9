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
from aeteach.metrics.intervals import interval
from aeteach.models.reader import CLASSES
from aeteach.weights import load

STANDARD = tuple(f"reader-{seed}" for seed in range(5))  # 1024-50-10, five seeds
STRONG = ("conv-reader",)  # the second opinion
_CHUNK = 2000  # images at once: bounds the memory, not the result
_FAR = 5.0  # x_hat of a linear model leaves [0, 1] a little; grey levels up to 255 go far


@functools.cache
def readers(names: tuple[str, ...] = STANDARD) -> tuple[nn.Module, ...]:
    """Return trained readers that come with the package, in evaluation mode.

    Args:
        names: of the weights: `STANDARD` (five seeds of 1024-50-10) or `STRONG` (one
            convolutional reader).
    """
    return tuple(load(name) for name in names)


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

    Raises:
        TypeError: not a float32 tensor.
        ValueError: the size is not the readers', NaN, or numbers far from [0, 1].
    """
    judges = _judges(readers)
    _check_images(images, judges)
    seen = []
    with torch.no_grad():
        for judge in judges:
            was_training = judge.training
            judge.eval()
            logits = torch.cat([judge(x) for x in images.split(_CHUNK)])  # (N, 10)
            judge.train(was_training)
            seen.append(logits.softmax(1))
    return DigitReading(torch.stack(seen))


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
    right = digits == labels
    low, high = interval(right, confidence)
    return Score(
        accuracy=right.double().mean().item(),
        low=low,
        high=high,
        by_reader=tuple(right.double().mean(1).tolist()),
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
    _validate.images(images)
    _validate.labels(labels, len(images))
    x_hat = rebuild(model, images, labels if conditional else None, seed=seed)
    result = score(x_hat, labels, readers, confidence=confidence)
    ceiling = score(images, labels, readers, confidence=confidence)
    return Readability(**vars(result), ceiling=ceiling)


def rebuild(
    model: nn.Module, images: Tensor, labels: Tensor | None = None, *, seed: int = 0
) -> Tensor:
    """Return a model's reconstructions x_hat, (N, 1, H, W), in evaluation mode, on the CPU.

    A variational autoencoder's are decode(mu): the mean of q(z|x) is decoded, nothing is drawn.

    Args:
        model: has `forward(x) -> Output`, or `forward(x, y)` with labels; one that draws, such as
            a VAE, may have `reconstruct`, with the same arguments, which is used in its place.
        images: x, (N, 1, H, W), float32 in [0, 1].
        labels: y, (N,), int64, for a conditional model.
        seed: for models that sample; the global random state is left alone.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    was_training = model.training
    model.eval()
    made = []
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for index in torch.arange(len(images)).split(_CHUNK):
            x = images[index].to(device)
            y = () if labels is None else (labels[index].to(device),)
            made.append(_x_hat(model, x, *y).cpu())
    model.train(was_training)
    return torch.cat(made)


def _x_hat(model: nn.Module, *inputs: Tensor) -> Tensor:
    """Return a reconstruction with nothing drawn, where the model has a way to make one."""
    if hasattr(model, "reconstruct"):
        return model.reconstruct(*inputs)  # type: ignore[operator]
    return model(*inputs).x_hat


def confusion(digits: Tensor, labels: Tensor) -> Tensor:
    """Count how often each digit was read as each.

    Args:
        digits: what was read, (N,) or (R, N), int64, 0 to 9.
        labels: what should have been, (N,), int64, 0 to 9.

    Returns:
        (10, 10) int64: row i, column j is how often the digit i was read as j.
    """
    _validate.labels(labels, digits.shape[-1])
    _validate.labels(digits.flatten(), name="digits")
    cells = labels.expand_as(digits) * CLASSES + digits
    return torch.bincount(cells.flatten(), minlength=CLASSES**2).view(CLASSES, CLASSES)


def _judges(readers: Sequence[nn.Module] | None) -> Sequence[nn.Module]:
    judges = _standard() if readers is None else readers
    if isinstance(judges, nn.Module):
        raise TypeError("readers is one model; expected several, or a list of one: [reader]")
    if len(judges) == 0:
        raise ValueError("readers is empty; expected at least one, several for an interval")
    return judges


def _standard() -> Sequence[nn.Module]:
    return readers(STANDARD)


def _check_images(images: Tensor, judges: Sequence[nn.Module]) -> None:
    if not isinstance(images, Tensor) or images.dtype != torch.float32:
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images must be float32 in [0, 1], got {kind}: divide levels by 255")
    for size in {getattr(judge, "size", None) for judge in judges} - {None}:
        if images.ndim != 4 or len(images) == 0 or images.shape[1:] != (1, size, size):
            raise ValueError(
                f"images have shape {tuple(images.shape)}; the readers were made for "
                f"(N, 1, {size}, {size}): use mnist(split, size={size}), or other readers"
            )
    low, high = (float(end) for end in torch.aminmax(images.detach()))
    if not (low > -_FAR and high < _FAR):
        raise ValueError(
            f"images run from {low:g} to {high:g}; readers know [0, 1] and a little beyond: divide "
            "grey levels by 255, and look for NaN"
        )
