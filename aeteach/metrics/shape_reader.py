r"""The shape reader: is this still a circle, a rectangle or a triangle, or is it none?

Counting good samples by eye does not scale, and the eye that counts knows what it hopes for. The
reader is a small convolutional classifier with a fourth answer, "none", learnt from blends, blurs,
damaged shapes and noise (`aeteach.data.spoilt`). An image is *recognisable* if one of the three
shapes has a probability of at least 0.5, so is likelier than all else together. By this rule every
held-out shape is accepted, and fewer than 1 % of held-out spoilt images and of handwritten digits,
of which the reader has never seen one. Probabilities mean something only if they are calibrated:
one temperature, fitted on shapes that were not trained on, divides the logits.
"""

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact
from aeteach._measure import call, measuring, moved
from aeteach.data.spoilt import NONE, reader_images
from aeteach.metrics.intervals import Share, wilson
from aeteach.weights import load

NAMES = ("circle", "rectangle", "triangle", "none")
CONFIDENCE = 0.5
_SPOILINGS = 4  # of the held-out images, so that its few mistakes do not decide the temperature
_ROUNDING = 1e-4  # of the sum of probabilities
_CHUNK = 2000


class ShapeReading(NamedTuple):
    """What the reader sees in images.

    Attributes:
        probabilities: of NAMES, (N, 4), calibrated; they sum to 1.
        shape: the likeliest of the four, (N,), int64; an index into NAMES.
        accepted: whether one of the three shapes is at least as probable as was asked, (N,).
    """

    probabilities: Tensor
    shape: Tensor
    accepted: Tensor

    @property
    def confidence(self) -> Tensor:
        """Probability of the likeliest answer, (N,)."""
        return self.probabilities.amax(1)


class Boxes(NamedTuple):
    """The bounding box of what is bright in each image, in pixels; -1 where nothing is.

    Attributes:
        x: column of its left edge, (N,), int64.
        y: row of its top edge, (N,).
        width: (N,).
        height: (N,).
    """

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor


def read(images: Tensor, *, confidence: float = CONFIDENCE) -> ShapeReading:
    """Let the reader read images.

    Args:
        images: (N, 1, 28, 28) or (N, 1, 32, 32), float32 in [0, 1].
        confidence: least probability of a shape to accept it, above 0, at most 1.

    Raises:
        TypeError, ValueError: images of another kind or size, or a confidence out of range.
    """
    confidence = _validate.number(confidence, "confidence", above=0, most=1, hint="as 0.5")
    _check_images(images)
    model, temperature = reader()
    probabilities = (_logits(model, images) / temperature).softmax(1)
    best = probabilities.max(1)
    return ShapeReading(
        probabilities, best.indices, (best.indices != NONE) & (best.values >= confidence)
    )


def recognisable(images: Tensor, *, confidence: float = CONFIDENCE) -> Share:
    """Return the share of images that show a circle, a rectangle or a triangle.

    Args:
        images: (N, 1, 28, 28) or (N, 1, 32, 32), float32 in [0, 1].
        confidence: as for `read`.
    """
    accepted = read(images, confidence=confidence).accepted
    return wilson(int(accepted.sum()), len(accepted))


def boxes(images: Tensor, threshold: float = 0.5) -> Boxes:
    """Return where each image is brighter than a threshold: the factors x, y, width, height.

    Args:
        images: (N, 1, H, W), float32 in [0, 1].
        threshold: grey value, from 0, below 1.
    """
    _validate.images(images)
    threshold = _validate.number(threshold, "threshold", least=0, below=1, hint="a grey value")
    bright = images[:, 0] > threshold  # (N, H, W)
    x, width = _extent(bright.any(1))
    y, height = _extent(bright.any(2))
    return Boxes(x, y, width, height)


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 15) -> float:
    r"""Return the expected calibration error: how far confidence and accuracy lie apart, mean.

    Images are sorted into bins of equal width by the probability of the likeliest answer;
    ECE = sum_b n_b/N |accuracy_b - mean confidence_b|.

    Args:
        probabilities: (N, C), each row sums to 1.
        labels: true classes, (N,), int64.
        bins: number of bins.

    Raises:
        TypeError, ValueError: numbers that are no probabilities, or labels that are no classes.

    Source: Guo et al. (2017), On calibration of modern neural networks.
    """
    bins = _validate.count(bins, "bins")
    _validate.latents(probabilities, "probabilities")
    _validate.labels(labels, len(probabilities), classes=probabilities.shape[1])
    _validate.one_device(probabilities=probabilities, labels=labels)
    p = exact(probabilities.detach())
    if bool((p < 0).any()) or float((p.sum(1) - 1).abs().max()) > _ROUNDING:
        raise ValueError(
            f"probabilities run from {float(p.min()):g} to {float(p.max()):g}, and rows sum to "
            f"{float(p.sum(1).min()):g} to {float(p.sum(1).max()):g}; expected probabilities that "
            "sum to 1: use logits.softmax(1)"
        )
    best = p.max(1)
    right = exact(best.indices == labels.to(p.device))
    place = (best.values * bins).long().clamp(max=bins - 1)
    gaps = p.new_zeros(bins).scatter_add_(0, place, right - best.values)
    return gaps.abs().sum().item() / len(labels)


@functools.cache
def reader() -> tuple[nn.Module, float]:
    """Return the trained reader and its temperature.

    The temperature is fitted on every second held-out image, once a process; the others are left
    to measure the calibration with (`held_out`).
    """
    model = load("shape-reader")
    images, labels = _half(0)
    return model, temperature(_logits(model, images), labels)


def held_out() -> tuple[Tensor, Tensor]:
    """Return images and labels that neither weights nor temperature have seen, about 5,500."""
    return _half(1)


def temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature T that makes softmax(logits / T) best, by cross-entropy.

    The cross-entropy is convex in 1/T, so a golden-section search over log T, from 0.1 to 10, finds
    its minimum.

    Args:
        logits: (N, C), float32 or float64, finite.
        labels: true classes, (N,), int64.

    Raises:
        TypeError, ValueError: logits that are not finite, as of a classifier whose training has
            diverged, or labels that are no classes.
    """
    _validate.latents(logits, "logits")
    _validate.labels(labels, len(logits), classes=logits.shape[1])
    _validate.one_device(logits=logits, labels=labels)
    log_q = exact(logits.detach())
    truth = labels.to(log_q.device)

    def cost(log_t: float) -> float:
        return nn.functional.cross_entropy(log_q / math.exp(log_t), truth).item()

    golden = (math.sqrt(5) - 1) / 2
    low, high = math.log(0.1), math.log(10.0)
    while high - low > 1e-4:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, b) if cost(a) < cost(b) else (a, high)
    return math.exp((low + high) / 2)


def _half(first: int) -> tuple[Tensor, Tensor]:
    """Return every second pair of held-out images, softened and spoilt in several ways."""
    drawn = [reader_images("test", seed) for seed in range(_SPOILINGS)]
    row = torch.arange(len(drawn[0][0]), device="cpu")
    rows = row // 2 % 2 == first  # pairs: one is clean, one is soft
    return torch.cat([x[rows] for x, _ in drawn]), torch.cat([y[rows] for _, y in drawn])


def _logits(model: nn.Module, images: Tensor) -> Tensor:
    """Return what the reader makes of images, where they are."""
    with measuring(model) as place:
        parts = [call(model, "forward", images=moved(place, x)) for x in images.split(_CHUNK)]
        return torch.cat(parts).to(images.device)


def _check_images(images: Tensor) -> None:
    _validate.images(images)
    if images.shape[2:] not in ((28, 28), (32, 32)):
        raise ValueError(
            f"images are {tuple(images.shape[2:])}; the reader knows (28, 28) and (32, 32)"
        )


def _extent(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the first True of each row is, and how far it is to the last one; -1 if none."""
    n = seen.shape[1]
    first = seen.int().argmax(1)
    last = n - 1 - seen.flip(1).int().argmax(1)
    some = seen.any(1)
    return torch.where(some, first, -1), torch.where(some, last - first + 1, -1)
