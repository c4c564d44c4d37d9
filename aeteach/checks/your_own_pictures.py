"""The exercises of *Your own pictures*."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]


# ---------------------------------------------------------------- the square in the middle


def _sides(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    yield 480, 640
    yield 640, 480
    yield 32, 32
    yield 1, 9
    yield 427, 640
    yield 100, 31
    for _ in range(6):
        height, width = rng.integers(8, 900, 2)
        yield int(height), int(width)


def _square(height: int, width: int) -> tuple[int, int, int]:
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side


middle_square = Exercise(
    "The square in the middle",
    _square,
    inputs=_sides,
    about="height, width of a picture -> top, left, side of the largest square in its middle; "
    "top and left rounded down.",
    praise="What lies outside is lost, and the report does not show it: look at what is cut away.",
    mistakes=[
        Mistake(
            "Your square lies in the upper left corner. The same should be lost on both sides.",
            lambda h, w: (0, 0, min(h, w)),
        ),
        Mistake(
            "Your square is as large as the longer side, so it leaves the picture.",
            lambda h, w: ((h - max(h, w)) // 2, (w - max(h, w)) // 2, max(h, w)),
        ),
        Mistake(
            "Top and left have changed places: the top is counted along the height.",
            lambda h, w: ((w - min(h, w)) // 2, (h - min(h, w)) // 2, min(h, w)),
        ),
        Mistake(
            "You begin at the middle of the picture. The middle of the square belongs there.",
            lambda h, w: (h // 2, w // 2, min(h, w)),
        ),
        Mistake(
            "All of what is lost is lost above and on the left: half of it belongs on each side.",
            lambda h, w: (h - min(h, w), w - min(h, w), min(h, w)),
        ),
    ],
)


# ---------------------------------------------------------------- the price of colour

_PIXELS, _HIDDEN, _LATENT = 3 * 16 * 16, 256, 8
_BODY = (_PIXELS + 1) * _HIDDEN
_HEADS = 2 * (_HIDDEN + 1) * _LATENT

colour_parameters = Quantity(
    "The price of colour",
    _BODY + _HEADS,
    digits=None,
    about="parameters of an encoder for 16 by 16 pixels in colour: 256 hidden numbers, two heads "
    "of 8.",
    praise="Nearly all of them read pixels, so a grey encoder has about a third.",
    mistakes=[
        (
            (_PIXELS // 3 + 1) * _HIDDEN + _HEADS,
            "That is the encoder of grey pictures. A pixel in colour is three numbers.",
        ),
        (_BODY + _HEADS // 2, "You have counted one head. A VAE has two, for mu and log_var."),
        (_BODY, "The heads are missing: two layers from the hidden numbers to 8 each."),
        (
            _PIXELS * _HIDDEN + 2 * _HIDDEN * _LATENT,
            "Every layer has a bias as well, one for each number that it makes.",
        ),
        (
            3 * (_PIXELS // 3 + 1) * _HIDDEN + _HEADS,
            "You count the biases of the first layer once for each colour; they belong to the "
            "hidden numbers, of which there are 256.",
        ),
    ],
)


# ---------------------------------------------------------------- coverage without a threshold


def _clouds(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    for n, m, d in ((9, 20, 3), (5, 7, 2), (12, 30, 4), (7, 7, 2), (11, 25, 3), (15, 40, 2)):
        yield rng.normal(size=(n, d)), rng.normal(size=(m, d)), rng.normal(size=(m, d))
    known = rng.normal(size=(30, 3))
    yield rng.normal(size=(9, 3)), known, known  # the median itself is not nearer than the median
    yield rng.normal(size=(9, 3)), known, known[rng.integers(0, 3, 30)]  # three, drawn repeatedly
    yield rng.normal(size=(7, 2)), rng.normal(size=(20, 2)), rng.normal(9, 1, (20, 2))
    yield rng.normal(size=(13, 2)), rng.normal(size=(50, 2)), rng.normal(0, 0.2, (50, 2))
    # The middle of two distances is another than that of their squares: 1 and 3 have 2, not 2.24.
    yield (
        np.array([[0.0, 0], [10, 0]]),
        np.array([[1.0, 0], [13, 0]]),
        np.array([[2.1, 0], [12, 2]]),
    )


def _nearest(a: Array, b: Array) -> Array:
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(2)).min(1)


def _covered(held_out: Array, known: Array, drawn: Array) -> Any:
    # Written out twice: what an edit does to both distances alike is no mistake.
    to_known = ((held_out[:, None] - known[None]) ** 2).sum(2).min(1)
    to_drawn = ((held_out[:, None] - drawn[None]) ** 2).sum(2).min(1)
    return (np.sqrt(to_drawn) < np.median(np.sqrt(to_known))).mean()


own_coverage = Exercise(
    "Coverage with a threshold of its own",
    _covered,
    inputs=_clouds,
    about="held_out (N, D), known (M, D), drawn (M, D) -> share of the held-out pictures, 0 to 1.",
    praise="The training pictures set the threshold, so no one has to choose it.",
    mistakes=[
        Mistake(
            "You ask of each drawn picture whether a held-out one is near. That is validity: a "
            "generator that draws one good picture again and again would score 1.",
            lambda x, known, drawn: float(
                (_nearest(drawn, x) < np.median(_nearest(x, known))).mean()
            ),
        ),
        Mistake(
            "You take the mean distance for the threshold. A few far pictures move a mean; half "
            "of the held-out ones should lie within it.",
            lambda x, known, drawn: float((_nearest(x, drawn) < _nearest(x, known).mean()).mean()),
        ),
        Mistake(
            "Threshold and answer come from the same distances, so about half of the held-out "
            "pictures are covered whatever is drawn. One of the two belongs to the training "
            "pictures, the other to the drawn ones.",
            lambda x, known, drawn: float(
                (_nearest(x, drawn) < np.median(_nearest(x, drawn))).mean()
            ),
        ),
        Mistake(
            "Your threshold is how far training pictures lie from their nearest held-out one: the "
            "question is asked of the held-out ones.",
            lambda x, known, drawn: float(
                (_nearest(x, drawn) < np.median(_nearest(known, x))).mean()
            ),
        ),
        Mistake(
            "You count the pictures that are *not* covered.",
            lambda x, known, drawn: 1 - _covered(x, known, drawn),
        ),
    ],
)
