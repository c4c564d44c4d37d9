"""A digit reader under test: originals, reconstructions and digits that stand elsewhere."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray
from torch import nn

from aeteach.data import mnist
from aeteach.metrics import readability
from aeteach.weights import load
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError, both_or_neither, read_array
from aeteach.widgets.kit.reader import reader_network
from aeteach.widgets.kit.traits import WholeWithin, Within

Array = NDArray[np.float64]
FARTHEST = 8  # pixels; what leaves the picture is lost, and black comes in
# Test digits: clear ones, two that small bottlenecks confuse, one that the first reader misreads.
DIGITS = (0, 1, 3, 4, 8, 18, 61, 247)
SOURCES = {  # what the reader may be shown -> name of the shipped model that rebuilds it
    "linear AE, 2 numbers": "linear-2",
    "linear AE, 10 numbers": "linear-10",
    "MLP AE, 2 numbers": "mlp-2",
    "conv AE, 2 numbers": "conv-flat-2",
    "conv AE, 32 numbers": "conv-2",
}


class Look(NamedTuple):
    """What a reader makes of one image.

    Attributes:
        logits: (10,).
        probabilities: their softmax, (10,).
        verdict: the likeliest digit.
        second: the second likeliest.
        entropy: of the probabilities, in bits, 0 to log2(10).
        argument: share of each pixel in logit[verdict] - logit[second], (size, size).
        rest: what the biases add to that difference; argument.sum() + rest is all of it.
    """

    logits: Array
    probabilities: Array
    verdict: int
    second: int
    entropy: float
    argument: Array
    rest: float


class ReaderProbe(PackedFigure):
    """Show a digit reader a test digit or a reconstruction of it, moved or blended.

    Args:
        reader: with one hidden layer and ReLU; the first of the five shipped ones if left out.
        digits: x, (n, 1, size, size) in [0, 1], at most 12; eight test digits if left out.
        labels: the digit each shows, (n,); needed with `digits`.
        sources: name -> reconstructions x_hat of these digits, (n, 1, size, size); of five
            shipped models if left out, and none if `digits` are given.

    Attributes:
        digit: which digit, from 0.
        source: 0 for the original, else which reconstruction, from 1.
        blend: share of the reconstruction, 0 to 1; the rest is the original.
        right: how far to the right the picture is moved, -8 to 8 pixels.
        down: how far down, -8 to 8 pixels.
        verdict: the digit that is read.
        probability: of the verdict, 0 to 1.
        entropy: of the ten probabilities, in bits.
        squared_error: between what is shown and the original where it stands, summed over pixels.

    Raises:
        ValueError: shapes that do not fit each other, numbers that are not finite, or a state
            out of range.
        TypeError: a reader of other layers.
    """

    _module = "reader_probe"
    labels = t.List(t.Int()).tag(sync=True)
    sources = t.List(t.Unicode()).tag(sync=True)
    digit = WholeWithin(0, 0, lambda figure: len(figure.labels) - 1)
    source = WholeWithin(0, 0, lambda figure: len(figure.sources) - 1)
    blend = Within(1.0, 0, 1)
    right = WholeWithin(0, -FARTHEST, FARTHEST, unit=" pixels")
    down = WholeWithin(0, -FARTHEST, FARTHEST, unit=" pixels")
    verdict = t.Int(0).tag(sync=True)
    probability = t.Float(0.0).tag(sync=True)
    entropy = t.Float(0.0).tag(sync=True)
    squared_error = t.Float(0.0).tag(sync=True)

    def __init__(
        self,
        reader: nn.Module | None = None,
        digits: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        sources: Mapping[str, ArrayLike] | None = None,
        **kwargs: Any,
    ) -> None:
        both_or_neither(digits=digits, labels=labels)
        if digits is None and sources is not None:
            raise StateError("sources are reconstructions of digits: pass digits and labels, too")
        reader = readability.readers()[0] if reader is None else reader
        if digits is None or labels is None:
            digits, labels, sources = _shipped()
        self._layers = _layers(reader)
        size = round(self._layers["W1"].shape[1] ** 0.5)
        x = _pictures("digits", digits, size)
        self._pictures = [x] + [_pictures(n, p, size, len(x)) for n, p in (sources or {}).items()]
        names = read_array("labels", labels)
        if names.shape != (len(x),):
            raise StateError(f"labels have shape {names.shape}; expected ({len(x)},), one a digit")
        arrays = self._layers | {f"pictures{i}": p for i, p in enumerate(self._pictures)}
        exact = {"pictures0": "float32"}  # k / 255 is no float16
        manifest, packed = pack(arrays, exact)
        for name, array in arrays.items():  # what the page computes with is what Python does
            array[...] = array.astype(exact.get(name, "float16"))
        state = {
            "alt": "A handwritten digit as a digit reader gets it: the original or a "
            "reconstruction, which can be blended and moved. Ten bars show the probability "
            "of each digit, a second picture which pixels argue for the verdict.",
            "weights": packed,
            "manifest": manifest,
            "labels": [int(n) for n in names],
            "sources": ["original", *(sources or {})],
        }
        super().__init__(**state | kwargs)
        self._read(None)

    def shown(self) -> Array:
        """Return the picture that the reader gets, (size, size)."""
        original = self._pictures[0][self.digit]
        share = self.blend if self.source else 0.0
        mixed = original + share * (self._pictures[self.source][self.digit] - original)
        return moved(mixed, self.right, self.down)

    def look(self) -> Look:
        """Return what the reader makes of it."""
        return look(self._layers, self.shown())

    @t.observe("digit", "source", "blend", "right", "down")
    def _read(self, _: Any) -> None:
        seen = self.look()
        self.verdict = seen.verdict
        self.probability = float(seen.probabilities[seen.verdict])
        self.entropy = seen.entropy
        self.squared_error = float(((self.shown() - self._pictures[0][self.digit]) ** 2).sum())

    def __repr__(self) -> str:
        return (
            f"ReaderProbe(digit={self.digit}, source={self.sources[self.source]!r}, "
            f"verdict={self.verdict}, probability={self.probability:.2f})"
        )


def moved(picture: Array, right: int, down: int) -> Array:
    """Return a picture moved by whole pixels; black comes in, what leaves is lost.

    Args:
        picture: (size, size).
        right: pixels, negative for left.
        down: pixels, negative for up.
    """
    size = len(picture)
    result = np.zeros_like(picture)
    rows, columns = (slice(max(0, n), size + min(0, n)) for n in (down, right))
    from_rows, from_columns = (slice(max(0, -n), size + min(0, -n)) for n in (down, right))
    result[rows, columns] = picture[from_rows, from_columns]
    return result


def look(layers: Mapping[str, Array], picture: Array) -> Look:
    """Read one picture, and say which pixels argue for the verdict.

    Between its kinks a network of ReLUs is linear, so logit[verdict] - logit[second] is
    exactly g . x + rest, with g its gradient by the pixels: pixel j argues with g_j x_j.

    Args:
        layers: W1 (hidden, size * size), b1 (hidden,), W2 (10, hidden), b2 (10,).
        picture: x, (size, size).
    """
    x = picture.ravel()
    hidden = layers["W1"] @ x + layers["b1"]
    logits = layers["W2"] @ np.maximum(hidden, 0) + layers["b2"]
    powers = np.exp(logits - logits.max())
    p = powers / powers.sum()
    order = np.argsort(-logits, kind="stable")
    verdict, second = int(order[0]), int(order[1])
    gap = (layers["W2"][verdict] - layers["W2"][second]) * (hidden > 0)
    argument = (gap @ layers["W1"]) * x
    rest = float(gap @ layers["b1"] + layers["b2"][verdict] - layers["b2"][second])
    positive = p[p > 0]
    entropy = float(-(positive * np.log2(positive)).sum())
    return Look(logits, p, verdict, second, entropy, argument.reshape(picture.shape), rest)


def _shipped() -> tuple[ArrayLike, ArrayLike, dict[str, ArrayLike]]:
    """Return eight test digits, their labels and what five shipped models make of them."""
    images, labels, _ = mnist("test")
    x, y = images[list(DIGITS)], labels[list(DIGITS)]
    return x, y, {name: readability.rebuild(load(model), x) for name, model in SOURCES.items()}


def _layers(reader: nn.Module) -> dict[str, Array]:
    """Return the two layers of a reader as arrays, or say that it has others."""
    arrays = reader_network(reader).arrays.values()
    names = ("W1", "b1", "W2", "b2")
    return {n: a.cpu().numpy().astype(np.float64) for n, a in zip(names, arrays, strict=True)}


def _pictures(name: str, pictures: ArrayLike, size: int, count: int | None = None) -> Array:
    """Return pictures as (n, size, size), or say what does not fit."""
    array = read_array(name, pictures)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3 or array.shape[1:] != (size, size):
        raise StateError(
            f"{name} have shape {np.shape(pictures)}; the reader knows (n, 1, {size}, {size})"
        )
    if count is None and len(array) > 12:
        raise StateError(f"there are {len(array)} digits to choose from; expected at most 12")
    if count is not None and len(array) != count:
        raise StateError(f"{name} has {len(array)} pictures of {count} digits; pass one of each")
    if count is None and not (array.min() >= 0 and array.max() <= 1):
        raise StateError(
            f"{name} range from {array.min():.4g} to {array.max():.4g}; expected grey values in "
            "[0, 1]: divide bytes by 255"
        )
    return array.copy()
