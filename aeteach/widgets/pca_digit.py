"""A test digit rebuilt from k principal components of the training digits."""

from typing import Any, NamedTuple

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from aeteach.widgets.kit.host import PackedFigure, are_grey_levels, pack
from aeteach.widgets.kit.inputs import StateError, both_or_neither, read_array
from aeteach.widgets.kit.traits import WholeWithin

_COMPONENTS = 100
_CHUNK = 10_000  # rows at a time in float64: 60,000 at once would take 376 MB


class Pca(NamedTuple):
    """The first K principal components of images with D pixels.

    Attributes:
        mean: (D,).
        components: W, (K, D), orthonormal rows, the largest variance first; the entry of largest
            size in each row is positive.
        explained: share of the total variance in the first k components, (K + 1,), k = 0 to K.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    explained: NDArray[np.float64]


def principal_components(images: ArrayLike, k: int = _COMPONENTS) -> Pca:
    """Return the first k principal components of images, from the covariance by `eigh`.

    Args:
        images: x, (N, 1, H, W), (N, H, W) or (N, D), N at least 2, in [0, 1].
        k: how many components, at least 1, at most D and at most N - 1.

    Raises:
        ValueError: images of another shape or range, not finite, or too few for k components.
    """
    X = _flat_images("images", images)
    n, pixels = X.shape
    if not 1 <= k <= min(pixels, n - 1):
        raise StateError(
            f"k is {k}; {n} images of {pixels} pixels have 1 to {min(pixels, n - 1)} components"
        )
    mean = X.mean(axis=0, dtype=np.float64)
    S = np.zeros((pixels, pixels))
    for rows in range(0, n, _CHUNK):
        C = X[rows : rows + _CHUNK] - mean  # (chunk, D), float64
        S += C.T @ C
    variances, vectors = np.linalg.eigh(S / (n - 1))  # ascending
    total = variances.sum()
    if not total > 0:
        raise StateError("all images are the same, so there is no variance to explain")
    W = vectors[:, ::-1][:, :k].T  # (k, D)
    largest = np.abs(W).argmax(axis=1)
    W = W * np.sign(W[np.arange(k), largest])[:, None]
    explained = np.concatenate([[0.0], np.cumsum(variances[::-1][:k]) / total])
    return Pca(mean, W, explained)


class PcaDigit(PackedFigure):
    """Rebuild a test digit from k principal components and watch its squared error.

    Args:
        train_images: (N, 1, H, W), (N, H, W) or (N, D), in [0, 1], what the components are
            computed from; the 60,000 MNIST training digits at 28x28 if left out.
        digits: test digits, at most 60, of as many pixels; two of each class of the MNIST test
            digits if left out.
        labels: their labels, as many; needed with `digits`.
        pca: mean, components and explained variance, if they are already known; then
            `train_images` is not read.
        k: how many components to start with, 0 to K.

    Attributes:
        k: how many components now.
        digit: which of the digits, from 0.
        squared_error: of this digit, summed over its pixels.

    Raises:
        ValueError: shapes that do not fit each other, pixels outside [0, 1], or not finite.
    """

    _module = "pca_digit"
    labels = t.List(t.Int()).tag(sync=True)
    explained = t.List(t.Float()).tag(sync=True)
    k = WholeWithin(0, 0, lambda figure: len(figure._pca.components), unit=" components")
    digit = WholeWithin(0, 0, lambda figure: len(figure._digits) - 1)
    squared_error = t.Float(0.0).tag(sync=True)

    def __init__(
        self,
        train_images: ArrayLike | None = None,
        digits: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        pca: Pca | None = None,
        k: int = 30,
        **kwargs: Any,
    ) -> None:
        both_or_neither(digits=digits, labels=labels)
        if pca is None:
            pca = principal_components(_mnist("train")[0] if train_images is None else train_images)
        if digits is None or labels is None:
            digits, labels = two_of_each(*_mnist("test"))
        self._digits, names = _check_digits(digits, labels, len(pca.mean))
        self._pca = pca
        arrays = {"mean": pca.mean, "components": pca.components, "digits": self._digits}
        # The squared error forgives a rounded component (0.0012 at most), not a rounded digit.
        exact = "grey" if are_grey_levels(self._digits) else "float32"
        manifest, weights = pack(arrays, {"mean": "float32", "digits": exact})
        alt = (
            f"A handwritten digit, the same digit rebuilt from the mean and k of "
            f"{len(pca.components)} principal components, their difference, and component k. A "
            "curve shows the squared error of the digit falling as k grows."
        )
        state = {
            "alt": alt,
            "weights": weights,
            "manifest": manifest,
            "labels": names,
            "explained": [float(e) for e in pca.explained],
            "k": k,
        }
        super().__init__(**state | kwargs)
        self._measure(None)

    @t.observe("k", "digit")
    def _measure(self, _: Any) -> None:
        x, W = self._digits[self.digit] - self._pca.mean, self._pca.components[: self.k]
        self.squared_error = float(np.sum((x - W.T @ (W @ x)) ** 2))

    def __repr__(self) -> str:
        return f"PcaDigit(digit={self.digit}, k={self.k}, squared_error={self.squared_error:.2f})"


def two_of_each(images: ArrayLike, labels: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the first two images of every class, and their labels, in the order of the classes."""
    images, labels = np.asarray(images), np.asarray(labels)
    places = [i for label in np.unique(labels) for i in np.flatnonzero(labels == label)[:2]]
    return images[places], labels[places]


def _mnist(split: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the MNIST digits of a split at 28x28; imported late, as it may read 55 MB."""
    from aeteach.data import mnist

    images, labels, _ = mnist(split, size=28)
    return np.asarray(images), np.asarray(labels)


def _flat_images(name: str, images: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return images as (N, D) in [0, 1], or say what is wrong with them."""
    array = np.asarray(images) if hasattr(images, "dtype") else read_array(name, images)
    if array.ndim < 2 or array.shape[0] < 1 or (array.ndim == 4 and array.shape[1] != 1):
        raise StateError(
            f"{name} have shape {array.shape}; expected (N, 1, H, W), (N, H, W) or (N, D)"
        )
    flat = array.reshape(len(array), -1)
    low, high = float(flat.min()), float(flat.max())
    if not (low >= 0 and high <= 1):  # NaN fails this too
        raise StateError(
            f"{name} range from {low:.4g} to {high:.4g}; expected finite grey values in [0, 1]: "
            "divide bytes by 255"
        )
    return flat


def _check_digits(
    digits: ArrayLike, labels: ArrayLike, pixels: int
) -> tuple[NDArray[np.float64], list[int]]:
    """Return the digits (n, D) and their labels, or say what does not fit."""
    flat = _flat_images("digits", digits).astype(np.float64)
    names = read_array("labels", labels)
    if flat.shape[1] != pixels:
        raise StateError(
            f"digits have {flat.shape[1]} pixels, the components {pixels}; make them equal"
        )
    if round(pixels**0.5) ** 2 != pixels:
        raise StateError(f"digits have {pixels} pixels, which is not a square image")
    if len(flat) > 60:
        raise StateError(f"there are {len(flat)} digits to choose from; expected at most 60")
    if names.shape != (len(flat),):
        raise StateError(f"labels have shape {names.shape}; expected ({len(flat)},), one a digit")
    return flat, [int(n) for n in names]
