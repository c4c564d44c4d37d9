r"""Checkers for the exercises of *Asking for a nine*."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["code_grid", "edge_sharpness", "label_walk", "told_decoder"]

Array = NDArray[Any]


def told_decoder(answer: Callable[..., Any]) -> Verdict:
    """Check a function (z, y) -> what a conditional decoder is given, (N, d + 10)."""
    return _TOLD.check(answer)


def code_grid(answer: Callable[..., Any]) -> Verdict:
    """Check a function (n, reach) -> the codes of an n x n grid, from the top left, (n * n, 2)."""
    return _GRID.check(answer)


def edge_sharpness(answer: Callable[..., Any]) -> Verdict:
    """Check a function (g,) -> the mean steepness, each pixel weighted by its own."""
    return _SHARPNESS.check(answer)


def label_walk(answer: Callable[..., Any]) -> Verdict:
    """Check a function (a, b, n) -> the labels of n steps from digit a to digit b, (n + 1, 10)."""
    return _WALK.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


def _one_hot(y: Any) -> Array:
    return np.eye(10)[np.asarray(y)]


# ---------------------------------------------------------------- what the decoder is told


def _codes(n: int, d: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.permutation(10)[:n].astype(np.int64)


_TOLD = Exercise(
    name="What the decoder is told",
    right=lambda z, y: np.concatenate([z, _one_hot(y)], axis=1),
    inputs=(_codes(4, 2, 0), _codes(3, 5, 1), _codes(6, 2, 2)),
    mistakes=(
        Mistake(
            "The label is appended as a number. Then a 9 is nine times as much as a 1, and a 4 "
            "lies between a 3 and a 5. Digits are names, not amounts.",
            lambda z, y: np.concatenate([z, y[:, None]], axis=1),
        ),
        Mistake(
            "The label is appended as a number from 0 to 1. That is a smaller number, and still an "
            "amount: digits are names.",
            lambda z, y: np.concatenate([z, y[:, None] / 9], axis=1),
        ),
        Mistake(
            "The label comes first. The decoder's matrix has its columns in the order of training: "
            "first z, then the label.",
            lambda z, y: np.concatenate([_one_hot(y), z], axis=1),
        ),
        Mistake(
            "The 1 stands one place too far to the right: digits are counted from 0.",
            lambda z, y: np.concatenate([z, np.roll(_one_hot(y), 1, axis=1)], axis=1),
        ),
        Mistake(
            "The 1 stands one place too far to the left: digits are counted from 0.",
            lambda z, y: np.concatenate([z, np.roll(_one_hot(y), -1, axis=1)], axis=1),
        ),
        Mistake(
            "z is missing: the decoder is told the digit and not its style.",
            lambda z, y: _one_hot(y),
        ),
        Mistake("The label is missing.", lambda z, y: z),
        Mistake(
            "Every code is given the label of the first one.",
            lambda z, y: np.concatenate([z, _one_hot(np.full(len(z), y[0]))], axis=1),
        ),
    ),
    praise="Ten numbers, one of them 1: no digit is more than another, and none lies between two.",
    same=_close,
)

# ---------------------------------------------------------------- the grid of codes


def _grid(
    first: Callable[[float, int], Array] = lambda r, n: np.linspace(-r, r, n),
    second: Callable[[float, int], Array] = lambda r, n: np.linspace(r, -r, n),
    *,
    by_rows: bool = True,
) -> Callable[..., Any]:
    def codes(n: int, reach: float) -> Array:
        across, down = first(reach, n), second(reach, n)
        if by_rows:
            return np.stack([np.tile(across, n), np.repeat(down, n)], axis=1)
        return np.stack([np.repeat(across, n), np.tile(down, n)], axis=1)

    return codes


def _up(r: float, n: int) -> Array:
    return np.linspace(-r, r, n)


def _open(r: float, n: int) -> Array:
    return np.asarray(-r + 2 * r * np.arange(n) / n)


_GRID = Exercise(
    name="A grid of codes",
    right=_grid(),
    inputs=((3, 3.0), (4, 2.0), (12, 3.0)),
    mistakes=(
        Mistake(
            "Both axes begin and end at the same number, so one code is repeated everywhere. Where "
            "should each begin?",
            _grid(lambda r, n: np.linspace(r, r, n), lambda r, n: np.linspace(r, r, n)),
        ),
        Mistake(
            "The first axis begins and ends at the same number.",
            _grid(lambda r, n: np.linspace(r, r, n)),
        ),
        Mistake(
            "The second axis begins and ends at the same number.",
            _grid(second=lambda r, n: np.linspace(r, r, n)),
        ),
        Mistake(
            "The grid stands on its head: images are drawn from the top, where z2 is largest.",
            _grid(second=_up),
        ),
        Mistake(
            "Rows and columns are exchanged: the second code should lie to the right of the first "
            "one, not below it.",
            _grid(by_rows=False),
        ),
        Mistake(
            "Rows and columns are exchanged, and z2 grows downwards.",
            _grid(second=_up, by_rows=False),
        ),
        Mistake(
            "Left and right are exchanged: z1 grows to the right.",
            _grid(lambda r, n: np.linspace(r, -r, n)),
        ),
        Mistake(
            "The axes begin at 0, so only one quarter of the plane is seen.",
            _grid(lambda r, n: np.linspace(0, r, n), lambda r, n: np.linspace(r, 0, n)),
        ),
        Mistake(
            "The last value of each axis is missing: both ends belong to the grid.",
            _grid(_open, lambda r, n: -_open(r, n)),
        ),
        Mistake(
            "This is a line, the diagonal, with n codes. A grid has every z1 with every z2.",
            lambda n, r: np.stack([_up(r, n), _up(r, n)], axis=1),
        ),
        Mistake(
            "This is a line, the other diagonal, with n codes. A grid has every z1 with every z2.",
            lambda n, r: np.stack([_up(r, n), -_up(r, n)], axis=1),
        ),
    ),
    praise="From the top left to the bottom right, every z1 with every z2.",
    same=_close,
)

# ---------------------------------------------------------------- sharpness


def _steepness(side: int, seed: int) -> tuple[Array]:
    """Steepness of a stroke on paper: most pixels are 0."""
    rng = np.random.default_rng(seed)
    g = rng.uniform(0.1, 1, size=(side, side))
    g[rng.uniform(size=g.shape) < 0.7] = 0
    g[0, 0], g[0, 1] = 0.9, 0.0
    return (g,)


_SHARPNESS = Exercise(
    name="How sharp is a stroke?",
    right=lambda g: (g**2).sum() / g.sum(),
    inputs=(_steepness(6, 0), _steepness(9, 1), _steepness(5, 2)),
    mistakes=(
        Mistake(
            "This is the mean over all pixels. The paper around the stroke counts, so a thin or a "
            "small digit comes out less sharp.",
            lambda g: g.mean(),
        ),
        Mistake(
            "This is the mean over the pixels where g is not 0. A trace of grey counts as much as "
            "an edge there, so a blur's long skirt decides. Which weight did the text give each "
            "pixel?",
            lambda g: g[g > 0].mean(),
        ),
        Mistake(
            "This is the sum of g. A blurred edge of the same height has the same sum: it says how "
            "much stroke there is, not how sharp it is.",
            lambda g: g.sum(),
        ),
        Mistake(
            "This is the sum of squares. It grows with the length of the stroke: divide by what "
            "grows in the same way.",
            lambda g: (g**2).sum(),
        ),
        Mistake(
            "This is the mean square over all pixels. The paper counts, and the unit is a square.",
            lambda g: (g**2).mean(),
        ),
        Mistake("This is the steepest pixel. One speck of noise decides it.", lambda g: g.max()),
        Mistake("The fraction is upside down.", lambda g: g.sum() / (g**2).sum()),
        Mistake(
            "The root of the sum of squares is divided by the sum: that falls as the stroke "
            "gets longer.",
            lambda g: np.sqrt((g**2).sum()) / g.sum(),
        ),
    ),
    praise="Each pixel is weighted by its own steepness, so the paper counts nothing.",
    same=_close,
)

# ---------------------------------------------------------------- from one digit to another


def _walk(mix: Callable[[int, int, float], Array], last: int = 1) -> Callable[..., Any]:
    return lambda a, b, n: np.stack([mix(a, b, i / n) for i in range(n + last)])


def _mixture(a: int, b: int, t: float) -> Array:
    return np.asarray((1 - t) * _one_hot(a) + t * _one_hot(b))


_WALK = Exercise(
    name="From one digit to another",
    right=_walk(_mixture),
    inputs=((3, 8, 5), (9, 4, 4), (0, 7, 7)),
    mistakes=(
        Mistake(
            "You walk through the digits that lie between the two numbers. A digit is a name: "
            "between a 3 and an 8 there is no 5.",
            _walk(lambda a, b, t: _one_hot(round(a + t * (b - a)))),
        ),
        Mistake(
            "The label jumps from one digit to the other in the middle. Let one fade while the "
            "other one grows.",
            _walk(lambda a, b, t: _one_hot(a if t < 0.5 else b)),
        ),
        Mistake("This walk goes the other way.", _walk(lambda a, b, t: _mixture(b, a, t))),
        Mistake(
            "The last step is missing: the walk should arrive at the second digit. n steps have "
            "n + 1 ends.",
            _walk(_mixture, last=0),
        ),
        Mistake(
            "The first digit stays at 1 while the second one grows. Then the label sums to more "
            "than 1, which the decoder has never met.",
            _walk(lambda a, b, t: _one_hot(a) + t * _one_hot(b)),
        ),
        Mistake(
            "The first digit fades and the second one never comes.",
            _walk(lambda a, b, t: (1 - t) * _one_hot(a)),
        ),
        Mistake(
            "Every step has the same label, half of each digit.",
            _walk(lambda a, b, t: _mixture(a, b, 0.5)),
        ),
    ),
    praise="Every row sums to 1, and both ends are whole digits.",
    same=_close,
)
