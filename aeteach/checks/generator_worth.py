"""The exercises of *What is a generator worth?*."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]


# ---------------------------------------------------------------- how many are there?


def _sizes(rng: np.random.Generator) -> Iterator[tuple[int, int, int, int]]:
    yield 28, 7, 14, 3
    yield 10, 3, 5, 2
    yield 12, 4, 4, 5
    yield 6, 6, 6, 4  # a box as wide as the image
    yield 9, 1, 9, 1
    for _ in range(6):
        size = int(rng.integers(5, 20))
        low, high = sorted(int(v) for v in rng.integers(1, size, 2))
        yield size, low, high, int(rng.integers(1, 6))


def _count(size: int, smallest: int, largest: int, kinds: int) -> int:
    places = 0
    for side in range(smallest, largest + 1):
        places += (size - side + 1) ** 2
    return kinds * places


count_of_shapes = Exercise(
    "How many are there?",
    _count,
    inputs=_sizes,
    about="size, smallest, largest (pixels), kinds -> number of different images.",
    praise="Places across times places down, added up over the sides, for each kind.",
    mistakes=[
        Mistake(
            "A place is missing in each row. A box as wide as the image still fits once: test your "
            "formula on that.",
            lambda size, low, high, kinds: (
                kinds * sum((size - s) ** 2 for s in range(low, high + 1))
            ),
        ),
        Mistake(
            "You have the places along one edge. The box moves across and down.",
            lambda size, low, high, kinds: kinds * sum(size - s + 1 for s in range(low, high + 1)),
        ),
        Mistake(
            "The largest side is missing: range stops before its end.",
            lambda size, low, high, kinds: (
                kinds * sum((size - s + 1) ** 2 for s in range(low, high))
            ),
        ),
        Mistake(
            "Every kind of shape can stand at each of these places: you have counted one kind.",
            lambda size, low, high, kinds: _count(size, low, high, 1),
        ),
        Mistake(
            "You count a place for every pixel, also those where the box hangs out of the image.",
            lambda size, low, high, kinds: kinds * (high - low + 1) * size**2,
        ),
        Mistake(
            "You multiply the sides. They exclude each other, so their counts add up.",
            lambda size, low, high, kinds: (
                kinds * math.prod((size - s + 1) ** 2 for s in range(low, high + 1))
            ),
        ),
    ],
)


# ---------------------------------------------------------------- coverage


def _clouds(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float]]:
    """Yield images with a few copies, one at the threshold exactly, and some far away."""
    for n, m, threshold in ((24, 14, 1.5), (15, 9, 1.5), (9, 20, 0.75), (12, 12, 3.0), (3, 1, 1.5)):
        valid = rng.integers(0, 2, size=(n, 12)).astype(float)
        valid += 4 * np.arange(n)[:, None] * (rng.random((1, 12)) < 0.4)  # most are far apart
        near = valid[rng.integers(0, max(1, n // 2), size=m)]
        near = near + rng.choice([0, 0.25, 0.5], size=(m, 12)) * (threshold / 1.5)
        far = np.full((2, 12), -9.0)
        edge = valid[-1].copy()
        edge[:9] += threshold / 3  # at the threshold exactly of the last valid image
        yield valid, np.concatenate([near, far, edge[None]]), threshold
    apart = np.array([[0.0, 0, 0, 0], [5, 0, 0, 0], [0, 5, 0, 0]])
    yield apart, np.array([[0.1, 0.1, 0.1, 0.1], [9, 9, 9, 9], [5.3, 0.3, 0, 0]]), 0.5
    yield np.zeros((1, 4)), np.array([[1.0, 0, 0, 0]]), 0.5
    yield np.zeros((2, 4)), np.array([[0.3, 0, 0, 0], [0.0, 0.2, 0, 0]]), 0.5
    for n, m in ((9, 2), (8, 3), (7, 4)):  # with the farthest, or all on average, within reach
        valid, generated = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
        for found in (_distances(valid, generated).max(1), _distances(valid, generated).mean(1)):
            yield valid, generated, float(np.sort(found)[n // 2 - 1 : n // 2 + 1].mean())


def _coverage(valid: Array, generated: Array, threshold: float) -> Any:
    difference = valid[:, None, :] - generated[None, :, :]  # (N, M, D)
    distance = np.sqrt((difference**2).sum(axis=2))
    nearest = distance.min(axis=1)
    return (nearest < threshold).mean()


def _distances(valid: Array, generated: Array) -> Array:
    return np.asarray(np.sqrt(((valid[:, None, :] - generated[None, :, :]) ** 2).sum(2)))  # (N, M)


coverage = Exercise(
    "Coverage",
    _coverage,
    inputs=_clouds,
    about="valid (N, D), generated (M, D), threshold -> share of valid images with one nearer.",
    praise="One row a valid image, its smallest distance, and strictly less than the threshold.",
    mistakes=[
        Mistake(
            "The wrong way round: this is the valid share. Coverage asks of each valid image "
            "whether a generated one is near, not of each generated image whether it is valid.",
            lambda v, g, t: (_distances(v, g).min(0) < t).mean(),
        ),
        Mistake(
            "Look at an image at the threshold exactly: is it nearer than the threshold? On the "
            "shapes this matters, for 1,303 of them have another one at exactly 3.",
            lambda v, g, t: (_distances(v, g).min(1) <= t).mean(),
        ),
        Mistake(
            "You compare the squared distance with the threshold itself.",
            lambda v, g, t: (_distances(v, g).min(1) ** 2 < t).mean(),
        ),
        Mistake(
            "You count pairs. A valid image counts once, however many generated ones are near it.",
            lambda v, g, t: (_distances(v, g) < t).mean(),
        ),
        Mistake(
            "A valid image counts for you only if all generated ones are near it: a largest "
            "distance where the smallest is meant.",
            lambda v, g, t: (_distances(v, g).max(1) < t).mean(),
        ),
        Mistake(
            "This is the number of covered images, and not their share.",
            lambda v, g, t: (_distances(v, g).min(1) < t).sum(),
        ),
        Mistake(
            "The covered valid images are divided by the number of generated ones.",
            lambda v, g, t: (_distances(v, g).min(1) < t).sum() / len(g),
        ),
        Mistake(
            "You average over the pixels where the distance sums: so it is smaller by a factor "
            "that depends on how many pixels there are.",
            lambda v, g, t: (np.sqrt(((v[:, None] - g[None]) ** 2).mean(2)).min(1) < t).mean(),
        ),
        Mistake(
            "You add up absolute differences. That is no Euclidean distance.",
            lambda v, g, t: (np.abs(v[:, None] - g[None]).sum(2).min(1) < t).mean(),
        ),
        Mistake(
            "These are the images that are not covered.", lambda v, g, t: 1 - _coverage(v, g, t)
        ),
        Mistake(
            "In per cent. The exercise asks for a share, 0 to 1.",
            lambda v, g, t: 100 * _coverage(v, g, t),
        ),
        Mistake(
            "This is the mean nearest distance. Coverage asks how many are nearer than the "
            "threshold.",
            lambda v, g, t: _distances(v, g).min(1).mean(),
        ),
    ],
)


# ---------------------------------------------------------------- KL from hit counts


def _hits(rng: np.random.Generator) -> Iterator[tuple[Array, int, float]]:
    yield np.array([4, 0, 3, 1, 0, 7]), 20, 1e-3
    yield np.array([2, 2, 5, 1]), 16, 1e-2
    yield np.array([0, 9, 0, 1, 12, 3, 3, 0]), 40, 1e-4
    yield np.array([3, 3, 3]), 9, 0.05  # no misses, all alike
    yield np.array([0, 0, 6, 0, 0]), 60, 1e-6
    yield np.array([5]), 8, 0.2
    for n in (7, 4, 12, 2):
        counts = rng.poisson(2.5, size=n)
        yield counts, int(counts.sum() + rng.integers(1, 30)), float(10 ** -rng.uniform(1, 6))


def _hit_kl(counts: Array, generated: int, a: float) -> Any:
    n = len(counts)
    q = (counts / generated + a) / (1 + (n + 1) * a)
    return -np.log2(n * q).mean()


def _of(q: Array) -> Any:
    """Return KL(uniform || q) in bits, whether q adds up to 1 or not."""
    return -np.log2(len(q) * q).mean()


def _reverse(counts: Array, generated: int, a: float) -> Any:
    q = (counts / generated + a) / (1 + (len(counts) + 1) * a)
    return (q * np.log2(len(q) * q)).sum()


def _without_smoothing(counts: Array, generated: int, a: float) -> Any:
    with np.errstate(divide="ignore"):
        return _of(counts / generated)


hit_count_kl = Exercise(
    "The KL from hit counts",
    _hit_kl,
    inputs=_hits,
    about="counts (N,), generated M, a -> KL of the data from the model, in bits.",
    praise="Normalised over the valid images and the misses, and finite where nothing was hit.",
    mistakes=[
        Mistake(
            "q is not normalised: it was a distribution before the smoothing, and each of its "
            "outcomes has got a more. What do they add up to now?",
            lambda c, m, a: _of(c / m + a),
        ),
        Mistake(
            "The misses are an outcome as well, and are smoothed like the others: how many "
            "outcomes are there?",
            lambda c, m, a: _of((c / m + a) / (1 + len(c) * a)),
        ),
        Mistake(
            "The smoothing is missing: an image that was never hit makes this infinite.",
            _without_smoothing,
        ),
        Mistake(
            "The images that were never hit are left out. They are what the data have and the "
            "model has not: they cost most.",
            lambda c, m, a: -np.log2(len(c) * c[c > 0] / m).sum() / len(c),
        ),
        Mistake(
            "The other direction: this averages over what the model draws. Average over the data, "
            "every valid image alike.",
            _reverse,
        ),
        Mistake(
            "The misses are forgotten: you divide by the number of hits, and more were generated.",
            lambda c, m, a: _hit_kl(c, int(c.sum()), a),
        ),
        Mistake(
            "In nats. The exercise asks for bits.",
            lambda c, m, a: _hit_kl(c, m, a) * math.log(2),
        ),
        Mistake(
            "This is the cross-entropy. The KL is what it has above the entropy of the data.",
            lambda c, m, a: _hit_kl(c, m, a) + math.log2(len(c)),
        ),
        Mistake(
            "The smoothing is added to the counts. It is a share of all that was generated.",
            lambda c, m, a: _of((c + a) / (m + (len(c) + 1) * a)),
        ),
    ],
)


# ---------------------------------------------------------------- never hit


def _draws(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield few images and few draws, where near misses of the formula show."""
    yield from ((12, 30), (7, 7), (40, 5), (3, 20), (25, 60), (2, 1), (100, 37))
    yield from ((8340, 8340), (8340, 25_000), (5000, 1200))
    for _ in range(4):
        yield int(rng.integers(3, 60)), int(rng.integers(1, 90))


def _unhit(n_valid: int, generated: int) -> float:
    return (1 - 1 / n_valid) ** generated


never_hit = Exercise(
    "Never hit",
    _unhit,
    inputs=_draws,
    about="n_valid, generated -> share of the valid images that an ideal generator leaves unhit.",
    praise="(1 - 1/N)^M, or nearly e^(-M/N): with as many images as there are, 37 % stay unhit.",
    mistakes=[
        Mistake(
            "That is where the share goes when there are many images. With few of them it is off: "
            "of two images, one draw leaves one unhit. What is the chance to miss one image in one "
            "draw, and then in all?",
            lambda n, m: math.exp(-m / n),
        ),
        Mistake(
            "These are the images that are hit at least once.",
            lambda n, m: 1 - _unhit(n, m),
        ),
        Mistake(
            "This would be right if no image were drawn twice. An ideal generator draws "
            "independently: what is the chance to miss one image M times in a row?",
            lambda n, m: 1 - m / n,
        ),
        Mistake(
            "This would be right if no image were drawn twice before all are drawn. An ideal "
            "generator draws independently: what is the chance to miss one image M times in a row?",
            lambda n, m: max(0.0, 1 - m / n),
        ),
        Mistake(
            "The two numbers are exchanged: there are as many tries as images are generated.",
            lambda n, m: (1 - 1 / m) ** n,
        ),
        Mistake(
            "This is the chance to miss in one try. There are M.",
            lambda n, m: 1 - 1 / n,
        ),
        Mistake(
            "This is a number of images, and not their share.",
            lambda n, m: n * _unhit(n, m),
        ),
    ],
)
