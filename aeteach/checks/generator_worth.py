r"""Checkers for the exercises of *What is a generator worth?*."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["count_of_shapes", "coverage", "hit_count_kl", "never_hit"]

Array = NDArray[Any]


def count_of_shapes(answer: Any) -> Verdict:
    """Check a function (size, smallest, largest, kinds) -> number of different images."""
    return _COUNT.check(answer)


def coverage(answer: Any) -> Verdict:
    """Check a function (valid (N, D), generated (M, D), threshold) -> share of valid images."""
    return _COVERAGE.check(answer)


def hit_count_kl(answer: Any) -> Verdict:
    """Check a function (counts (N,), generated, a) -> KL of the data from the model, in bits."""
    return _KL.check(answer)


def never_hit(answer: Any) -> Verdict:
    """Check a function (n_valid, generated) -> share that an ideal generator leaves unhit."""
    return _NEVER.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 5 digits, as float32 needs."""
    return agree(got, want, 1e-5)


# ---------------------------------------------------------------- how many are there?


def _places(
    size: int,
    smallest: int,
    largest: int,
    kinds: int,
    *,
    more: int = 1,
    power: int = 2,
    end: int = 1,
) -> int:
    return kinds * sum((size - s + more) ** power for s in range(smallest, largest + end))


def _places_with(**changes: int) -> Any:
    return lambda size, low, high, kinds: _places(size, low, high, kinds, **changes)


_COUNT = Exercise(
    name="How many are there?",
    right=_places,
    inputs=[(28, 7, 14, 3), (10, 3, 5, 2), (12, 4, 4, 5)],
    mistakes=[
        Mistake(
            "A place is missing in each row. A box as wide as the image still fits once: test your "
            "formula on that.",
            _places_with(more=0),
        ),
        Mistake(
            "You have the places along one edge. The box moves across and down.",
            _places_with(power=1),
        ),
        Mistake(
            "The largest side is missing: range stops before its end.",
            _places_with(end=0),
        ),
        Mistake(
            "Every kind of shape can stand at each of these places: you have counted one kind.",
            lambda size, low, high, kinds: _places(size, low, high, 1),
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
    praise="Places across times places down, added up over the sides, for each kind.",
)


# ---------------------------------------------------------------- coverage


def _distances(valid: Array, generated: Array) -> Array:
    return np.sqrt(((valid[:, None, :] - generated[None, :, :]) ** 2).sum(2))  # (N, M)


def _coverage(valid: Array, generated: Array, threshold: float) -> float:
    return float((_distances(valid, generated).min(1) < threshold).mean())


def _clouds(seed: int, n: int, m: int) -> tuple[Array, Array, float]:
    """Return images with a few copies, one at the threshold exactly, and some far away."""
    rng = np.random.default_rng(seed)
    valid = rng.integers(0, 2, size=(n, 12)).astype(float)
    near = valid[rng.integers(0, n // 2, size=m)] + rng.choice([0, 0.25, 0.5], size=(m, 12))
    far = np.full((2, 12), 9.0)
    edge = valid[-1].copy()
    edge[:9] += 0.5  # at the distance 1.5 of the last valid image
    return valid, np.concatenate([near, far, edge[None]]), 1.5


_COVERAGE = Exercise(
    name="Coverage",
    right=_coverage,
    inputs=[_clouds(3, 24, 14), _clouds(4, 40, 9), _clouds(6, 30, 33)],
    mistakes=[
        Mistake(
            "The wrong way round: this is the valid share. Coverage asks of each valid image "
            "whether a generated one is near, not of each generated image whether it is valid.",
            lambda v, g, t: float((_distances(v, g).min(0) < t).mean()),
        ),
        Mistake(
            "An image at the threshold exactly is not nearer than the threshold: < and not <=. On "
            "the shapes this matters: 1,303 of them have another one at exactly 3.",
            lambda v, g, t: float((_distances(v, g).min(1) <= t).mean()),
        ),
        Mistake(
            "You compare the squared distance with the threshold. Take the root, or square both.",
            lambda v, g, t: float((_distances(v, g).min(1) ** 2 < t).mean()),
        ),
        Mistake(
            "You count pairs. A valid image counts once, however many generated ones are near it.",
            lambda v, g, t: float((_distances(v, g) < t).mean()),
        ),
        Mistake(
            "A valid image counts for you only if all generated ones are near it: a largest "
            "distance where the smallest is meant.",
            lambda v, g, t: float((_distances(v, g).max(1) < t).mean()),
        ),
        Mistake(
            "This is the number of covered images. Divide by how many valid ones there are.",
            lambda v, g, t: float((_distances(v, g).min(1) < t).sum()),
        ),
        Mistake(
            "The covered valid images are divided by the number of generated ones.",
            lambda v, g, t: float((_distances(v, g).min(1) < t).sum() / len(g)),
        ),
        Mistake(
            "You average over the pixels where the distance sums: so it is smaller by a factor "
            "that depends on how many pixels there are.",
            lambda v, g, t: float(
                (np.sqrt(((v[:, None] - g[None]) ** 2).mean(2)).min(1) < t).mean()
            ),
        ),
        Mistake(
            "You add up absolute differences. Euclidean distance squares them, and takes the root "
            "of their sum.",
            lambda v, g, t: float((np.abs(v[:, None] - g[None]).sum(2).min(1) < t).mean()),
        ),
        Mistake(
            "These are the images that are not covered.",
            lambda v, g, t: 1 - _coverage(v, g, t),
        ),
        Mistake(
            "In per cent. The exercise asks for a share, 0 to 1.",
            lambda v, g, t: 100 * _coverage(v, g, t),
        ),
        Mistake(
            "This is the mean nearest distance. Coverage asks how many are nearer than the "
            "threshold.",
            lambda v, g, t: float(_distances(v, g).min(1).mean()),
        ),
    ],
    praise="One row a valid image, its smallest distance, and strictly less than the threshold.",
    same=_close,
)


# ---------------------------------------------------------------- KL from hit counts


def _q(counts: Array, generated: int, a: float) -> Array:
    return (counts / generated + a) / (1 + (len(counts) + 1) * a)


def _hit_kl(counts: Array, generated: int, a: float) -> float:
    return float(-np.log2(len(counts) * _q(counts, generated, a)).mean())


def _of(q: Array) -> float:
    """Return KL(uniform || q) in bits, whether q adds up to 1 or not."""
    return float(-np.log2(len(q) * q).mean())


def _reverse(counts: Array, generated: int, a: float) -> float:
    q = _q(counts, generated, a)
    return float((q * np.log2(len(q) * q)).sum())


def _without_smoothing(counts: Array, generated: int, a: float) -> float:
    with np.errstate(divide="ignore"):
        return _of(counts / generated)


def _hit_only(counts: Array, generated: int, a: float) -> float:
    hit = counts[counts > 0] / generated
    return float(-np.log2(len(counts) * hit).sum() / len(counts))


_KL = Exercise(
    name="The KL from hit counts",
    right=_hit_kl,
    inputs=[
        (np.array([4, 0, 3, 1, 0, 7]), 20, 1e-3),
        (np.array([2, 2, 5, 1]), 16, 1e-2),
        (np.array([0, 9, 0, 1, 12, 3, 3, 0]), 40, 1e-4),
    ],
    mistakes=[
        Mistake(
            "q is not normalised: it was a distribution before the smoothing, and each of its "
            "outcomes has got a more. Divide by what they add up to now.",
            lambda c, m, a: _of(c / m + a),
        ),
        Mistake(
            "You divide by 1 + N a. The misses are an outcome as well, and are smoothed like the "
            "others: how many outcomes are there?",
            lambda c, m, a: _of((c / m + a) / (1 + len(c) * a)),
        ),
        Mistake(
            "The smoothing is missing: an image that was never hit makes this infinite.",
            _without_smoothing,
        ),
        Mistake(
            "The images that were never hit are left out. They are what the data have and the "
            "model has not: they cost most.",
            _hit_only,
        ),
        Mistake(
            "The other direction: this averages over what the model draws. Average over the data, "
            "every valid image alike.",
            _reverse,
        ),
        Mistake(
            "The misses are forgotten: you divide by the number of hits. Divide by how many images "
            "were generated.",
            lambda c, m, a: _hit_kl(c, int(c.sum()), a),
        ),
        Mistake(
            "In nats. For bits, take the logarithm to base 2.",
            lambda c, m, a: _hit_kl(c, m, a) * math.log(2),
        ),
        Mistake(
            "This is the cross-entropy. The KL is what it has above the entropy of the data, "
            "log2 N.",
            lambda c, m, a: _hit_kl(c, m, a) + math.log2(len(c)),
        ),
        Mistake("The sign is turned.", lambda c, m, a: -_hit_kl(c, m, a)),
        Mistake(
            "You sum over the valid images. Each has the probability 1/N: average.",
            lambda c, m, a: len(c) * _hit_kl(c, m, a),
        ),
        Mistake(
            "The smoothing is added to the counts. It is a share of all that was generated: add it "
            "to c / M.",
            lambda c, m, a: _of((c + a) / (m + (len(c) + 1) * a)),
        ),
    ],
    praise="Normalised over the valid images and the misses, and finite where nothing was hit.",
    same=_close,
)


# ---------------------------------------------------------------- never hit


def _unhit(n_valid: int, generated: int) -> float:
    return (1 - 1 / n_valid) ** generated


_NEVER = Exercise(
    name="Never hit",
    right=_unhit,
    inputs=[(8340, 8340), (8340, 25_000), (5000, 1200)],
    mistakes=[
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
            "The two numbers are exchanged: one try misses with the chance 1 - 1/N, and there are "
            "M tries.",
            lambda n, m: (1 - 1 / m) ** n,
        ),
        Mistake(
            "This is the chance to miss in one try. There are M.",
            lambda n, m: 1 - 1 / n,
        ),
        Mistake(
            "This is a number of images. Divide by N.",
            lambda n, m: n * _unhit(n, m),
        ),
    ],
    praise="(1 - 1/N)^M, or nearly e^(-M/N): with as many images as there are, 37 % stay unhit.",
    same=lambda got, want: agree(got, want, 1e-3),  # e^(-M/N) is right as well
)
