"""The exercises of *Convolutions*."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]

# ---------------------------------------------------------------- output size


def _layers(rng: np.random.Generator) -> Iterator[tuple[int, int, int, int]]:
    """Yield sizes that leave every remainder: fractions of a step below, at and above one half."""
    yield 29, 4, 3, 1
    yield 28, 3, 2, 1
    yield 5, 3, 2, 1
    yield 7, 3, 1, 0
    yield 32, 5, 3, 2
    yield 6, 2, 3, 0
    yield 10, 4, 4, 1
    yield 13, 3, 4, 0
    yield 14, 3, 4, 0
    yield 4, 4, 3, 0  # a window as wide as the image
    yield 9, 3, 5, 3
    for _ in range(8):
        k, s, p = (int(v) for v in rng.integers([2, 1, 0], [6, 6, 4]))
        yield int(rng.integers(k, 40)), k, s, p


def _size(n: int, k: int, s: int, p: int) -> int:
    return (n + 2 * p - k) // s + 1


conv_size = Exercise(
    "Size of the output",
    _size,
    inputs=_layers,
    about="n, k, s, p -> height of a convolution's output.",
    praise="One place to begin with, and one more for each step that fits.",
    mistakes=[
        Mistake(
            "You counted the steps the window takes. It also stands somewhere before its first "
            "step.",
            lambda n, k, s, p: (n + 2 * p - k) // s,
        ),
        Mistake(
            "Your sizes are not whole numbers. A window that no longer fits is left out.",
            lambda n, k, s, p: (n + 2 * p - k) / s + 1,
        ),
        Mistake(
            "You rounded up: the last window hangs over the edge. What happens to a step that "
            "does not fit?",
            lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1,
        ),
        *(
            Mistake(
                "You rounded to the nearest whole number. A step that fits by half does not fit.",
                lambda n, k, s, p, half=half: round((n + 2 * p - k) / s + half) + 1,
            )
            for half in (0.0, 1e-9)  # halves to the even number, as round does, or up
        ),
        Mistake(
            "You padded one side only. There is one above and one below.",
            lambda n, k, s, p: (n + p - k) // s + 1,
        ),
        Mistake(
            "Where is the padding? It makes the input larger before the window moves.",
            lambda n, k, s, p: (n - k) // s + 1,
        ),
        Mistake(
            "That is the size for a stride of 1: the window moves further at a time.",
            lambda n, k, s, p: n + 2 * p - k + 1,
        ),
        Mistake(
            "You divided the number of places for a stride of 1. The first place is not a step, "
            "so it must not be divided.",
            lambda n, k, s, p: (n + 2 * p - k + 1) // s,
        ),
        Mistake(
            "The size is not the input's over the stride, though it is close: where are the "
            "kernel and the padding?",
            lambda n, k, s, p: n // s,
        ),
    ],
)

# ---------------------------------------------------------------- convolution by hand


def _images(rng: np.random.Generator) -> Iterator[tuple[Array, Array, int, int]]:
    for shape, kernel, s, p in (
        *(((7, 6), (3, 2), 2, 1), ((5, 6), (2, 3), 1, 0), ((6, 8), (3, 2), 3, 2)),
        *(((5, 5), (3, 3), 1, 1), ((4, 7), (4, 1), 2, 0), ((3, 3), (3, 3), 1, 0)),
        *(((8, 5), (2, 2), 2, 0), ((9, 4), (1, 3), 4, 3)),
    ):
        yield rng.normal(size=shape), rng.normal(size=kernel), s, p


def _convolve(x: Array, w: Array, s: int, p: int) -> Array:
    x = np.pad(x, p)
    h, v = w.shape
    rows = range(0, x.shape[0] - h + 1, s)
    columns = range(0, x.shape[1] - v + 1, s)
    return np.array([[(w * x[i : i + h, j : j + v]).sum() for j in columns] for i in rows])


convolve = Exercise(
    "A convolution by hand",
    _convolve,
    inputs=_images,
    about="x (H, W), w (h, v), s, p -> the convolution of the image x with the kernel w.",
    praise="Each number is one window, times the weights, added up. That is all a layer does.",
    mistakes=[
        Mistake(
            "Your kernel is turned by 180 degrees. Signal processing defines a convolution so; "
            "deep learning leaves the kernel as it is.",
            lambda x, w, s, p: _convolve(x, w[::-1, ::-1], s, p),
        ),
        Mistake(
            "Your window moves one pixel at a time, whatever the stride.",
            lambda x, w, s, p: _convolve(x, w, 1, p),
        ),
        Mistake("The padding is missing.", lambda x, w, s, p: _convolve(x, w, s, 0)),
        Mistake(
            "You padded above and on the left only. All four sides get zeros.",
            lambda x, w, s, p: _convolve(np.pad(x, ((p, 0), (p, 0))), w, s, 0),
        ),
        Mistake(
            "You padded with the values at the border. The zeros are missing.",
            lambda x, w, s, p: _convolve(np.pad(x, p, mode="edge"), w, s, 0),
        ),
        Mistake(
            "The last row and the last column of windows are missing: they begin one place later "
            "than your loops end.",
            lambda x, w, s, p: _convolve(x, w, s, p)[:-1, :-1],
        ),
        Mistake(
            "You took the mean of the products. Their number is no part of a convolution.",
            lambda x, w, s, p: _convolve(x, w, s, p) / w.size,
        ),
        Mistake(
            "You added up the window without its weights.",
            lambda x, w, s, p: _convolve(x, np.ones_like(w), s, p),
        ),
        Mistake(
            "Rows and columns are swapped in the result.",
            lambda x, w, s, p: _convolve(x, w, s, p).T,
        ),
    ],
)

# ---------------------------------------------------------------- output padding

conv_output_padding = Exercise(
    "The output padding",
    lambda n, k, s, p: (n + 2 * p - k) % s,
    inputs=_layers,
    about="n, k, s, p -> the output padding with which a transpose gives back size n.",
    praise="What the last window left unread has to be given back.",
    mistakes=[
        Mistake(
            "You returned the largest output padding there can be. It depends on the size that "
            "went in.",
            lambda n, k, s, p: s - 1,
        ),
        Mistake(
            "That is right for one kernel size and padding. Which rows does the last window leave "
            "unread?",
            lambda n, k, s, p: n % s,
        ),
        Mistake(
            "You forgot that the input was padded before the window moved.",
            lambda n, k, s, p: (n - k) % s,
        ),
        Mistake(
            "You counted the padding once. It lies on both sides.",
            lambda n, k, s, p: (n + p - k) % s,
        ),
        Mistake(
            "That is how many rows one more window would have needed. Count those that were there "
            "and not read.",
            lambda n, k, s, p: -(n + 2 * p - k) % s,
        ),
        Mistake(
            "Without output padding the transpose gives back the smallest of the sizes that "
            "shrink to the same one, which need not be the one that went in.",
            lambda n, k, s, p: 0,
        ),
        Mistake(
            "One row is right for a stride of 2 and an even size. Other strides leave more.",
            lambda n, k, s, p: 1,
        ),
        Mistake(
            "That is the size after the convolution. The question is for the rows to add when "
            "going back.",
            _size,
        ),
        Mistake(
            "That is the size the transpose gives without output padding. How much is missing?",
            lambda n, k, s, p: (_size(n, k, s, p) - 1) * s - 2 * p + k,
        ),
    ],
)

# ---------------------------------------------------------------- parameters

_WEIGHTS = 9 * (8 + 8 * 16 + 16 * 4) + 9 * (4 * 16 + 16 * 8 + 8)
_BIASES = 4 + 16 + 8 + 1
_NORMS = 2 * (8 + 16 + 16 + 8)
_ENCODER = 9 * (8 + 8 * 16 + 16 * 4) + 4 + 2 * (8 + 16)
_ALL = _WEIGHTS + _BIASES + _NORMS

conv_parameters = Quantity(
    "Parameters with 4 channels",
    _ALL,
    about="how many parameters the convolutional autoencoder with 4 channels has.",
    praise="Twice the bottleneck, and not a fifth more parameters: only two layers touch it.",
    digits=None,
    mistakes=[
        (3147, "That is the model with 2 channels, counted in the text. Here there are 4."),
        (_WEIGHTS, "The kernels are right. Biases and batch normalisations are trained as well."),
        (
            _WEIGHTS + _BIASES,
            "The batch normalisations are missing: each channel has a factor and a shift.",
        ),
        (
            _WEIGHTS + _NORMS,
            "The biases are missing: four of the six layers have one for each output channel.",
        ),
        (
            _ALL + 8 + 16,
            "You gave a bias to the encoder's first two convolutions. The batch normalisation "
            "behind them would subtract it.",
        ),
        (
            _ALL - 16 - 8,
            "You left out the biases of the decoder's first two layers. They do nothing, but they "
            "are there and counted.",
        ),
        (
            _ALL + _NORMS,
            "You counted the running means and variances. They are measured, not trained.",
        ),
        (
            _ALL - _NORMS // 2,
            "Batch normalisation has two trained numbers for each channel, not one.",
        ),
        (_ENCODER, "That is the encoder. The decoder is trained as well."),
        (_ALL - _ENCODER, "That is the decoder. The encoder is missing."),
        (
            _WEIGHTS // 9 + _BIASES + _NORMS,
            "A kernel has nine weights for each pair of channels; you counted one.",
        ),
    ],
)
