r"""Checkers for the exercises of *A nonlinear autoencoder*."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict, agree

__all__ = [
    "class_medians",
    "layers_in_one",
    "mlp_parameters",
    "nearest_code",
    "plane_grid",
]

Array = NDArray[Any]


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


def mlp_parameters(answer: Any) -> Verdict:
    """Check how many parameters 784-100-20-5 and its mirror image have, biases included."""
    return _PARAMETERS.check(answer)


def layers_in_one(answer: Any) -> Verdict:
    """Check a function (W1, b1, W2, b2) -> (W, b): two layers without a ReLU, made one."""
    return _LAYERS.check(answer)


def plane_grid(answer: Any) -> Verdict:
    """Check a function (n, low, high) -> n x n points in reading order, the top row first."""
    return _GRID.check(answer)


def class_medians(answer: Any) -> Verdict:
    """Check a function (z, labels) -> the median of each latent dimension, a class in each row."""
    return _MEDIANS.check(answer)


def nearest_code(answer: Any) -> Verdict:
    """Check a function (points, z) -> distance of each point to the nearest of the codes."""
    return _NEAREST.check(answer)


# ---------------------------------------------------------------- parameters

_PARAMETERS = Quantity(
    name="Count an encoder and its mirror image",
    right=784 * 100
    + 100
    + 100 * 20
    + 20
    + 20 * 5
    + 5
    + 5 * 20
    + 20
    + 20 * 100
    + 100
    + 78_400
    + 784,
    mistakes=(
        (
            2 * (784 * 100 + 100 * 20 + 20 * 5),
            "The matrices are right. Each layer also adds a number to every output.",
        ),
        (
            784 * 100 + 100 + 100 * 20 + 20 + 20 * 5 + 5,
            "That is the way down. Training changes the way up as well.",
        ),
        (
            5 * 20 + 20 + 20 * 100 + 100 + 100 * 784 + 784,
            "That is the way up. Training changes the way down as well.",
        ),
        (
            2 * (784 * 100 + 100 + 100 * 20 + 20 + 20 * 5 + 5),
            "You doubled the way down. A bias is as long as its layer's output, and on the way up "
            "the outputs are others.",
        ),
        (
            2 * (784 * 100 + 100 * 20 + 20 * 5) + 784 + 100 + 20 + 5,
            "The matrices are right. Count the biases again, layer by layer: how many layers have "
            "100 outputs?",
        ),
        (
            2 * (1024 * 100 + 100 * 20 + 20 * 5) + 1024 + 240 + 5,
            "That is for images of 32 by 32 pixels. Here they have 28 by 28.",
        ),
    ),
    praise="Nearly all of it is in the two layers that touch the pixels.",
    tolerance=1e-9,  # a count is exact
)

# ---------------------------------------------------------------- layers without a ReLU


def _two_layers(sizes: tuple[int, int, int], seed: int) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    a, b, c = sizes
    return rng.normal(size=(b, a)), rng.normal(size=b), rng.normal(size=(c, b)), rng.normal(size=c)


def _one_layer(W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, Array]:
    return W2 @ W1, W2 @ b1 + b2


_LAYERS = Exercise(
    name="Two layers are one",
    right=_one_layer,
    inputs=(_two_layers((3, 3, 3), 0), _two_layers((4, 4, 4), 1)),
    mistakes=(
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
    ),
    praise="However many layers you stack: with nothing between them, they are one.",
    same=_close,
)

# ---------------------------------------------------------------- a grid


def _grid(n: int, low: float, high: float) -> Array:
    across, up = np.meshgrid(np.linspace(low, high, n), np.linspace(high, low, n))
    return np.stack([across.ravel(), up.ravel()], axis=1)


def _shape(points: Array, n: int) -> Array:
    return points.reshape(n, n, 2)


_GRID = Exercise(
    name="A grid over the plane",
    right=_grid,
    inputs=((3, -1.0, 2.0), (4, 0.5, 5.0)),
    mistakes=(
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
            "One axis goes from high to high, so one value is repeated. Print the points.",
            lambda n, low, high: np.stack([np.full(n * n, high), _grid(n, low, high)[:, 1]], 1),
        ),
        Mistake(
            "One axis goes from high to high, so one value is repeated. Print the points.",
            lambda n, low, high: np.stack([_grid(n, low, high)[:, 0], np.full(n * n, high)], 1),
        ),
        Mistake(
            "The upper end is missing. Both ends belong to the grid.",
            lambda n, low, high: _shape(
                np.stack(
                    np.meshgrid(
                        low + (high - low) / n * np.arange(n),
                        low + (high - low) / n * np.arange(n)[::-1],
                    ),
                    axis=-1,
                ),
                n,
            ).reshape(-1, 2),
        ),
        Mistake(
            "That is the diagonal only. Every z1 must meet every z2.",
            lambda n, low, high: np.stack([np.linspace(low, high, n)] * 2, axis=1),
        ),
        Mistake(
            "The points are right. Return them as a list of points, one in each row.",
            lambda n, low, high: _shape(_grid(n, low, high), n),
        ),
    ),
    praise="Decoded and laid out row by row, each image stands where its point does.",
    same=_close,
)

# ---------------------------------------------------------------- medians


def _codes(sizes: tuple[int, ...], d: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    z = rng.standard_t(2, size=(len(labels), d)) + 3 * labels[:, None]  # a few codes lie far out
    return z, labels


def _by_class(of: Any) -> Any:
    """Return a function (z, labels) that applies `of` to the codes of each class in turn."""
    return lambda z, labels: np.stack([of(z[labels == c]) for c in np.unique(labels)])


_MEDIANS = Exercise(
    name="Class medians",
    right=_by_class(lambda own: np.median(own, axis=0)),
    inputs=(_codes((6, 9, 4), 2, 0), _codes((8, 5, 7, 6), 3, 1)),
    mistakes=(
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
            "The numbers are right, the table is on its side: a class in each row.",
            lambda z, labels: _by_class(lambda own: np.median(own, axis=0))(z, labels).T,
        ),
        Mistake(
            "You took the code in the middle of the list, before sorting.",
            _by_class(lambda own: own[len(own) // 2]),
        ),
    ),
    praise="Each dimension was treated alone, so the point need not be near any code.",
    same=_close,
)

# ---------------------------------------------------------------- distances


def _points_and_codes(m: int, n: int, d: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, d)) * 3, rng.normal(size=(n, d))


def _away(points: Array, z: Array) -> Array:
    return np.linalg.norm(points[:, None] - z, axis=2)


_NEAREST = Exercise(
    name="How far is the nearest code?",
    right=lambda points, z: _away(points, z).min(axis=1),
    inputs=(_points_and_codes(5, 7, 2, 0), _points_and_codes(4, 9, 3, 1)),
    mistakes=(
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
    ),
    praise="A large distance says that the decoder was never trained anywhere near.",
    same=_close,
)
