"""The exercises of *A nonlinear autoencoder*."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]

# ---------------------------------------------------------------- parameters

_MATRICES = 784 * 100 + 100 * 20 + 20 * 5  # of one way
_DOWN, _UP = _MATRICES + 100 + 20 + 5, _MATRICES + 20 + 100 + 784

mlp_parameters = Quantity(
    "Count an encoder and its mirror image",
    _DOWN + _UP,
    about="how many parameters 784-100-20-5 and its mirror image have, biases included.",
    praise="Nearly all of it is in the two layers that touch the pixels.",
    digits=None,
    mistakes=[
        (
            2 * _MATRICES,
            "The matrices are right. Each layer also adds a number to every output.",
        ),
        (_DOWN, "That is the way down. Training changes the way up as well."),
        (_UP, "That is the way up. Training changes the way down as well."),
        (
            2 * _DOWN,
            "You doubled the way down. A bias is as long as its layer's output, and on the way up "
            "the outputs are others.",
        ),
        (
            2 * _MATRICES + 784 + 100 + 20 + 5,
            "The matrices are right. Count the biases again, layer by layer: how many layers have "
            "100 outputs?",
        ),
        (
            2 * (1024 * 100 + 100 * 20 + 20 * 5) + 1024 + 240 + 5,
            "That is for images of 32 by 32 pixels. Here they have 28 by 28.",
        ),
    ],
)

# ---------------------------------------------------------------- layers without a ReLU


def _two_layers(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Yield layers between three widths: equal, so that a wrong order runs too, and unequal."""
    for a, b, c in (
        *((3, 3, 3), (4, 4, 4), (5, 3, 2), (2, 3, 5), (3, 5, 3), (4, 1, 3), (1, 4, 1), (2, 2, 4)),
    ):
        yield (
            *(rng.normal(size=(b, a)), rng.normal(size=b)),
            *(rng.normal(size=(c, b)), rng.normal(size=c)),
        )


def _one_layer(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    return W2 @ W1, W2 @ b1 + b2


layers_in_one = Exercise(
    "Two layers are one",
    _one_layer,
    inputs=_two_layers,
    about="W1, b1, W2, b2 -> (W, b): two layers without a ReLU, made one.",
    praise="However many layers you stack: with nothing between them, they are one.",
    mistakes=[
        Mistake(
            "The matrices stand in the wrong order. Which of them meets x first, and on which side "
            "of x does it stand?",
            lambda W1, b1, W2, b2: (W1 @ W2, W2 @ b1 + b2),
        ),
        Mistake(
            "The order of both the matrices and the layers is swapped: that is layer 2 first, then "
            "layer 1.",
            lambda W1, b1, W2, b2: (W1 @ W2, W1 @ b2 + b1),
        ),
        Mistake(
            "The first bias goes through the second layer as well. Put the whole first layer in.",
            lambda W1, b1, W2, b2: (W2 @ W1, b1 + b2),
        ),
        Mistake(
            "The first bias is lost. Put x = 0 into both layers: what comes out?",
            lambda W1, b1, W2, b2: (W2 @ W1, b2),
        ),
        Mistake(
            "The second bias is lost. Put x = 0 into both layers: what comes out?",
            lambda W1, b1, W2, b2: (W2 @ W1, W2 @ b1),
        ),
        Mistake(
            "You multiplied number by number. Layers compose by the matrix product.",
            lambda W1, b1, W2, b2: (W2 * W1, W2 @ b1 + b2),
        ),
        Mistake(
            "You added the matrices. The second acts on what the first returns, not beside it.",
            lambda W1, b1, W2, b2: (W1 + W2, b1 + b2),
        ),
    ],
)

# ---------------------------------------------------------------- a grid


def _planes(rng: np.random.Generator) -> Iterator[tuple[int, float, float]]:
    yield 3, -1.0, 2.0
    yield 4, 0.5, 5.0
    yield 2, -3.0, -1.0
    yield 5, -2.0, 2.0
    yield 6, 0.0, 1.0
    yield 7, -40.0, 0.25
    for _ in range(4):
        low = float(rng.normal())
        yield int(rng.integers(2, 9)), low, low + float(rng.uniform(0.1, 6))


def _grid(n: int, low: float, high: float) -> Array:
    across, up = np.linspace(low, high, n), np.linspace(high, low, n)
    return np.array([[z1, z2] for z2 in up for z1 in across])


def _shape(points: Array, n: int) -> Array:
    return points.reshape(n, n, 2)


_REPEATED = "One axis goes from high to high, so one value is repeated. Print the points."

plane_grid = Exercise(
    "A grid over the plane",
    _grid,
    inputs=_planes,
    about="n, low, high -> n x n points in reading order, the top row first, (n n, 2).",
    praise="Decoded and laid out row by row, each image stands where its point does.",
    mistakes=[
        Mistake(
            "The picture is upside down: images are laid out from the top, where z2 is largest.",
            lambda n, low, high: _shape(_grid(n, low, high), n)[::-1].reshape(-1, 2),
        ),
        Mistake(
            "The points run down the columns. In reading order the next point lies to the right.",
            lambda n, low, high: _shape(_grid(n, low, high), n).swapaxes(0, 1).reshape(-1, 2),
        ),
        Mistake(
            "Your points run column by column and from the bottom up, as nested loops over z1 and "
            "z2 give them.",
            lambda n, low, high: _shape(_grid(n, low, high), n)[::-1].swapaxes(0, 1).reshape(-1, 2),
        ),
        Mistake(
            "The two coordinates of each point are swapped: z1 comes first, and it runs to the "
            "right.",
            lambda n, low, high: _grid(n, low, high)[:, ::-1],
        ),
        Mistake(
            _REPEATED,
            lambda n, low, high: np.stack([np.full(n * n, high), _grid(n, low, high)[:, 1]], 1),
        ),
        Mistake(
            _REPEATED,
            lambda n, low, high: np.stack([_grid(n, low, high)[:, 0], np.full(n * n, high)], 1),
        ),
        Mistake(
            "The upper end is missing. Both ends belong to the grid.",
            lambda n, low, high: _grid(n, low, high - (high - low) / n),
        ),
        Mistake(
            "That is the diagonal only. Every z1 must meet every z2.",
            lambda n, low, high: np.stack([np.linspace(low, high, n)] * 2, axis=1),
        ),
        Mistake(
            "The points are right. Return them as a list of points, one in each row.",
            lambda n, low, high: _shape(_grid(n, low, high), n),
        ),
    ],
)

# ---------------------------------------------------------------- medians


def _codes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield codes of the ten digits: a few far out, classes of odd and even size, one of one code.

    The mean of the middle two lies neither at a code nor at the mean of the class.
    """
    for d, most in ((2, 9), (3, 8), (5, 4), (1, 7), (4, 6), (2, 3)):
        sizes = rng.integers(1, most + 1, size=10)
        sizes[:3] = (1, 4, 3)
        labels = rng.permutation(np.repeat(np.arange(10), sizes))
        yield rng.standard_t(2, size=(len(labels), d)) + 3 * labels[:, None], labels


def _medians(z: Array, labels: Array) -> Array:
    return np.array([np.median(z[labels == c], axis=0) for c in np.unique(labels)])


def _by_class(of: Callable[[Array], Any]) -> Callable[[Array, Array], Array]:
    """Return a function (z, labels) that applies `of` to the codes of each class in turn."""
    return lambda z, labels: np.stack([of(z[labels == c]) for c in np.unique(labels)])


class_medians = Exercise(
    "Class medians",
    _medians,
    inputs=_codes,
    about="z (N, d), labels (N,) of the ten digits -> the median of each latent dimension, a class "
    "in each row, (10, d).",
    praise="Each dimension was treated alone, so the point need not be near any code.",
    mistakes=[
        Mistake(
            "Those are means. A few codes far out pull a mean along; a median stays.",
            _by_class(lambda own: own.mean(axis=0)),
        ),
        Mistake(
            "Of an even number of codes you took the lower of the middle two, as torch.median "
            "does. The median lies halfway between them.",
            _by_class(lambda own: np.sort(own, axis=0)[(len(own) - 1) // 2]),
        ),
        Mistake(
            "Of an even number of codes you took the upper of the middle two. The median lies "
            "halfway between them.",
            _by_class(lambda own: np.sort(own, axis=0)[len(own) // 2]),
        ),
        Mistake(
            "You took one median of all the coordinates together. Each latent dimension has its "
            "own.",
            _by_class(lambda own: np.full(own.shape[1], np.median(own))),
        ),
        Mistake(
            "That is one number a class. Each latent dimension has its own median.",
            _by_class(lambda own: np.median(own)),
        ),
        Mistake(
            "Every class got the median of all codes. Use the labels.",
            lambda z, labels: np.stack([np.median(z, axis=0)] * len(np.unique(labels))),
        ),
        Mistake(
            "That is one median for all codes together. Use the labels: a row for each class.",
            lambda z, labels: np.median(z, axis=0),
        ),
        Mistake(
            "You took the code in the middle of the list, before sorting.",
            _by_class(lambda own: own[len(own) // 2]),
        ),
    ],
)

# ---------------------------------------------------------------- distances


def _points_and_codes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for m, n, d in ((5, 7, 2), (4, 9, 3), (6, 6, 2), (1, 5, 4), (8, 1, 2), (9, 3, 1), (3, 3, 3)):
        yield rng.normal(size=(m, d)) * 3, rng.normal(size=(n, d))
    z = rng.normal(size=(4, 2))
    yield np.concatenate([z[1:3], rng.normal(size=(2, 2))]), z  # two points are codes
    yield 1e3 * rng.normal(size=(3, 2)), 1e3 * rng.normal(size=(5, 2))


def _nearest(points: Array, z: Array) -> Array:
    distances = np.sqrt(((points[:, None] - z) ** 2).sum(axis=2))
    return distances.min(axis=1)


def _away(points: Array, z: Array) -> Array:
    return np.linalg.norm(points[:, None] - z, axis=2)


nearest_code = Exercise(
    "How far is the nearest code?",
    _nearest,
    inputs=_points_and_codes,
    about="points (M, d), z (N, d) -> distance of each point to the nearest of the codes, (M,).",
    praise="A large distance says that the decoder was never trained anywhere near.",
    rows=(0,),
    mistakes=[
        Mistake(
            "Those are squared distances. The distance is in the units of z.",
            lambda points, z: (_away(points, z) ** 2).min(axis=1),
        ),
        Mistake(
            "That is the mean distance to all codes. A hole is far from every code, so the "
            "nearest one decides.",
            lambda points, z: _away(points, z).mean(axis=1),
        ),
        Mistake(
            "That is the distance to the farthest code.",
            lambda points, z: _away(points, z).max(axis=1),
        ),
        Mistake(
            "You looked for the nearest point of each code. Take the nearest code of each point: "
            "the other axis.",
            lambda points, z: _away(points, z).min(axis=0),
        ),
        Mistake(
            "That is which code is nearest, its place in the list. How far away is it?",
            lambda points, z: _away(points, z).argmin(axis=1),
        ),
        Mistake(
            "You added up sizes of coordinates, a walk along streets. The distance is the "
            "straight line.",
            lambda points, z: np.abs(points[:, None] - z).sum(axis=2).min(axis=1),
        ),
        Mistake(
            "That is the distance to the mean of all codes, where there may be no code at all.",
            lambda points, z: np.linalg.norm(points - z.mean(axis=0), axis=1),
        ),
        Mistake(
            "That is one number, the smallest of all. Every point has its own.",
            lambda points, z: _away(points, z).min(),
        ),
    ],
)
