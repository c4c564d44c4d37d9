"""The exercises of *Asking for a nine*."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]


# ---------------------------------------------------------------- what the decoder is told


def _codes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for n, d in ((4, 2), (3, 5), (6, 2), (1, 3), (10, 10), (12, 1)):
        yield rng.normal(size=(n, d)), rng.integers(0, 10, size=n)
    yield rng.normal(size=(10, 2)), rng.permutation(10)
    yield rng.normal(size=(3, 4)), np.array([9, 0, 9])
    yield np.zeros((2, 2)), np.array([0, 1])


def _told(z: Array, y: Array) -> Array:
    labels = np.eye(10)[y]
    return np.concatenate([z, labels], axis=1)


def _one_hot(y: Any) -> Array:
    return np.eye(10)[np.asarray(y)]


told_decoder = Exercise(
    "What the decoder is told",
    _told,
    inputs=_codes,
    about="z (N, d), y (N,), digits -> what a conditional decoder is given, (N, d + 10).",
    praise="Ten numbers, one of them 1: no digit is more than another, and none lies between two.",
    mistakes=[
        Mistake(
            "The label is appended as a number. Then a 9 is nine times as much as a 1, and a 4 "
            "lies between a 3 and a 5. Digits are names, not amounts.",
            lambda z, y: np.concatenate([z, y[:, None]], axis=1),
        ),
        *(
            Mistake(
                "The label is appended as a number from 0 to 1. That is a smaller number, and "
                "still an amount: digits are names.",
                lambda z, y, most=most: np.concatenate([z, y[:, None] / most], axis=1),
            )
            for most in (9, 10)
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
            "In place of a 1 stands the digit itself, so a 9 is nine times as much as a 1.",
            lambda z, y: np.concatenate([z, y[:, None] * _one_hot(y)], axis=1),
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
    ],
)


# ---------------------------------------------------------------- the grid of codes


def _grids(rng: np.random.Generator) -> Iterator[tuple[int, float]]:
    yield from ((3, 2.5), (4, 2.0), (12, 3.0), (2, 1.5), (5, 1.0), (7, 0.3), (2, 2.0), (6, 40.0))


def _grid(n: int, reach: float) -> Array:
    across = np.linspace(-reach, reach, n)
    down = np.linspace(reach, -reach, n)
    return np.array([(a, b) for b in down for a in across])


def _all(across: Array, down: Array) -> Array:
    """Return the codes, row by row."""
    return np.array([(a, b) for b in down for a in across])


code_grid = Exercise(
    "A grid of codes",
    _grid,
    inputs=_grids,
    about="n, reach -> the codes of an n x n grid, row by row from the top left, (n * n, 2).",
    praise="From the top left to the bottom right, every z1 with every z2.",
    mistakes=[
        Mistake(
            "Both axes begin and end at the same number, so one code is repeated everywhere. Where "
            "should each begin?",
            lambda n, r: np.full((n * n, 2), r),
        ),
        Mistake(
            "The first axis begins and ends at the same number.",
            lambda n, r: _all(np.full(n, r), np.linspace(r, -r, n)),
        ),
        Mistake(
            "The second axis begins and ends at the same number.",
            lambda n, r: _all(np.linspace(-r, r, n), np.full(n, r)),
        ),
        Mistake(
            "The grid stands on its head: images are drawn from the top, where z2 is largest.",
            lambda n, r: _grid(n, r) * [1, -1],
        ),
        Mistake(
            "Left and right are exchanged: z1 grows to the right.",
            lambda n, r: _grid(n, r) * [-1, 1],
        ),
        Mistake(
            "Rows and columns are exchanged: the second code should lie to the right of the first "
            "one, not below it.",
            lambda n, r: _grid(n, r)[:, ::-1] * -1,
        ),
        Mistake(
            "Rows and columns are exchanged, and z2 grows downwards.",
            lambda n, r: _grid(n, r)[:, ::-1] * [-1, 1],
        ),
        Mistake(
            "The two numbers of each code are exchanged: z1 comes first.",
            lambda n, r: _grid(n, r)[:, ::-1],
        ),
        Mistake(
            "The axes begin at 0, so only one quarter of the plane is seen.",
            lambda n, r: _all(np.linspace(0, r, n), np.linspace(r, 0, n)),
        ),
        Mistake(
            "The last value of each axis is missing: both ends belong to the grid.",
            lambda n, r: _all(
                np.linspace(-r, r, n, endpoint=False), np.linspace(r, -r, n, endpoint=False)
            ),
        ),
        Mistake(
            "This is a line, the diagonal, with n codes. A grid has every z1 with every z2.",
            lambda n, r: np.stack([np.linspace(-r, r, n)] * 2, axis=1),
        ),
        Mistake(
            "This is a line, the other diagonal, with n codes. A grid has every z1 with every z2.",
            lambda n, r: np.stack([np.linspace(-r, r, n), np.linspace(r, -r, n)], axis=1),
        ),
    ],
)


# ---------------------------------------------------------------- sharpness


def _strokes(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    """Yield the steepness of a stroke on paper: most pixels are 0."""
    for shape in ((6, 6), (9, 4), (5, 5), (30,), (1, 8, 8), (2, 20), (3, 1, 6, 6)):
        g = rng.uniform(0.1, 1, size=shape)
        g[rng.uniform(size=shape) < 0.7] = 0
        g.flat[:2] = 0.9, 0.0
        yield (g,)
    yield (rng.uniform(0.1, 40, size=(4, 7)),)
    yield (np.array([[0.3]]),)
    yield (np.array([[1e-4, 0, 0], [0, 0, 3e-4]]),)


def _sharpness(g: Array) -> Any:
    return (g**2).sum() / g.sum()


edge_sharpness = Exercise(
    "How sharp is a stroke?",
    _sharpness,
    inputs=_strokes,
    about="g, of any shape -> the mean steepness, each pixel weighted by its own.",
    praise="Each pixel is weighted by its own steepness, so the paper counts nothing.",
    mistakes=[
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
        Mistake(
            "The root of the sum of squares is divided by the sum: that falls as the stroke "
            "gets longer.",
            lambda g: np.sqrt((g**2).sum()) / g.sum(),
        ),
        Mistake(
            "The paper still counts: the squares are averaged over all pixels, and not the "
            "weights.",
            lambda g: (g**2).mean() / g.sum(),
        ),
    ],
)


# ---------------------------------------------------------------- from one digit to another


def _walks(rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    yield from ((3, 8, 5), (9, 4, 4), (0, 7, 7), (1, 0, 1), (5, 6, 2), (9, 0, 10), (2, 4, 3))


def _walk(a: int, b: int, n: int) -> Array:
    t = np.arange(n + 1)[:, None] / n
    return (1 - t) * np.eye(10)[a] + t * np.eye(10)[b]


label_walk = Exercise(
    "From one digit to another",
    _walk,
    inputs=_walks,
    about="a, b, n -> the labels of n equal steps from digit a to digit b, (n + 1, 10).",
    praise="Every row sums to 1, and both ends are whole digits.",
    mistakes=[
        Mistake(
            "You walk through the digits that lie between the two numbers. A digit is a name: "
            "between a 3 and an 8 there is no 5.",
            lambda a, b, n: _one_hot([round(a + i / n * (b - a)) for i in range(n + 1)]),
        ),
        Mistake(
            "You walk through the digits that lie between the two numbers. A digit is a name: "
            "between a 3 and an 8 there is no 5.",
            lambda a, b, n: _one_hot([int(a + i / n * (b - a)) for i in range(n + 1)]),
        ),
        Mistake(
            "The label jumps from one digit to the other in the middle. Let one fade while the "
            "other one grows.",
            lambda a, b, n: _one_hot([a if i < n / 2 else b for i in range(n + 1)]),
        ),
        Mistake("This walk goes the other way.", lambda a, b, n: _walk(b, a, n)),
        Mistake(
            "The last step is missing: the walk should arrive at the second digit.",
            lambda a, b, n: _walk(a, b, n)[:-1],
        ),
        Mistake(
            "The first row is missing: the walk starts at the first digit.",
            lambda a, b, n: _walk(a, b, n)[1:],
        ),
        Mistake(
            "The steps are too long or too short: n labels from end to end are not n steps.",
            lambda a, b, n: _walk(a, b, n - 1) if n > 1 else _one_hot([a]),
        ),
        Mistake(
            "The first digit stays at 1 while the second one grows. Then the label sums to more "
            "than 1, which the decoder has never met.",
            lambda a, b, n: np.maximum(_walk(a, b, n), _one_hot(a)),
        ),
        Mistake(
            "The first digit fades and the second one never comes.",
            lambda a, b, n: _walk(a, b, n) * _one_hot(a),
        ),
        Mistake(
            "Every step has the same label, half of each digit.",
            lambda a, b, n: np.tile((_one_hot(a) + _one_hot(b)) / 2, (n + 1, 1)),
        ),
    ],
)
