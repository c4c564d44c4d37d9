"""The exercises of *Matching a distribution without KL*."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]


# ---------------------------------------------------------------- the kernel


def _clouds(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float]]:
    yield rng.normal(size=(3, 2)), rng.normal(0.5, 1.2, size=(4, 2)), 1.5
    for n, m, d, h in (
        (4, 2, 3, 0.7), (2, 5, 1, 2.5), (3, 3, 3, 1.0), (1, 6, 2, 0.4), (5, 5, 4, 2.0),
        (6, 1, 5, 3.2), (2, 3, 8, 1.8),
    ):  # fmt: skip
        yield rng.normal(size=(n, d)), rng.normal(0.5, 1.2, size=(m, d)), h
    yield rng.normal(0, 90, size=(4, 2)), rng.normal(0, 90, size=(3, 2)), 120.0
    yield rng.normal(0, 1e-3, size=(2, 3)), rng.normal(0, 1e-3, size=(4, 3)), 1e-3
    same = rng.normal(size=(4, 2))
    yield same, same.copy(), 0.9


def _kernel(a: Array, b: Array, h: float) -> Array:
    squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squared / (2 * h**2)))


def _squared(a: Array, b: Array) -> Array:
    return np.asarray(((a[:, None, :] - b[None, :, :]) ** 2).sum(2))


rbf_kernel = Exercise(
    "The kernel",
    _kernel,
    inputs=_clouds,
    about="a (N, d), b (M, d), h -> the rbf kernel of all pairs, (N, M).",
    praise="1 for a point with itself, less the farther apart, and no unit.",
    mistakes=[
        Mistake(
            "The distance is not squared. With the distance itself the kernel has a kink at 0.",
            lambda a, b, h: np.exp(-np.sqrt(_squared(a, b)) / (2 * h**2)),
        ),
        Mistake(
            "The bandwidth is not squared. A squared distance over a length is no pure number: "
            "measure in millimetres, and the kernel would change.",
            lambda a, b, h: np.exp(-_squared(a, b) / (2 * h)),
        ),
        Mistake(
            "Neither distance nor bandwidth is squared.",
            lambda a, b, h: np.exp(-np.sqrt(_squared(a, b)) / (2 * h)),
        ),
        Mistake(
            "The bandwidth is squared together with the factor before it. It is squared alone.",
            lambda a, b, h: np.exp(-_squared(a, b) / (2 * h) ** 2),
        ),
        Mistake(
            "The minus sign is missing, so points far apart are the most alike.",
            lambda a, b, h: np.exp(_squared(a, b) / (2 * h**2)),
        ),
        Mistake(
            "You average over the dimensions. The squared distance is a sum over them.",
            lambda a, b, h: np.exp(-_squared(a, b) / a.shape[1] / (2 * h**2)),
        ),
        Mistake(
            "You divide by the constant of a normal density. A kernel is 1 where the points "
            "coincide.",
            lambda a, b, h: _kernel(a, b, h) / (math.sqrt(2 * math.pi) * h),
        ),
        Mistake(
            "You add up absolute differences. The kernel takes the Euclidean distance, squared.",
            lambda a, b, h: np.exp(-(np.abs(a[:, None] - b).sum(2) ** 2) / (2 * h**2)),
        ),
        Mistake(
            "The matrix is transposed: a row is a point of a, a column one of b.",
            lambda a, b, h: _kernel(a, b, h).T,
        ),
        Mistake(
            "One kernel for each dimension is left. Add up the squared differences over the "
            "dimensions first.",
            lambda a, b, h: np.exp(-((a[:, None, :] - b[None, :, :]) ** 2) / (2 * h**2)),
        ),
    ],
)


# ---------------------------------------------------------------- the unbiased estimate


def _matrices(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    """Yield the kernels of clouds that differ, and of clouds that do not: some estimates are < 0.

    As many of one as of the other, too, so that a diagonal of K_xy could be taken for one.
    """
    for n, m, h, shift in (
        (5, 4, 1.3, 0.5), (3, 6, 1.3, 0.5), (2, 7, 0.8, 0.0), (4, 4, 1.0, 0.0), (6, 6, 2.0, 1.5),
        (3, 2, 0.5, 0.0), (2, 2, 1.0, 2.0), (12, 9, 1.5, 0.1), (7, 3, 3.0, 0.0),
    ):  # fmt: skip
        a, b = rng.normal(size=(n, 2)), rng.normal(shift, 1.2, size=(m, 2))
        # Any kernel will do; not each has k(x, x) = 1.
        for c in (1.0, 2.5) if n in (3, 12) else (1.0,):
            yield c * _kernel(a, a, h), c * _kernel(b, b, h), c * _kernel(a, b, h)


def _unbiased(K_xx: Array, K_yy: Array, K_xy: Array) -> Any:
    n, m = K_xy.shape
    within_x = (K_xx.sum() - np.trace(K_xx)) / (n * (n - 1))
    within_y = (K_yy.sum() - np.trace(K_yy)) / (m * (m - 1))
    return within_x + within_y - 2 * K_xy.mean()


def _off_diagonal(K: Array) -> float:
    return float(K.sum() - np.trace(K))


def _pairs(K: Array) -> int:
    return len(K) * (len(K) - 1)


def _within(K: Array) -> float:
    return _off_diagonal(K) / _pairs(K)


def _cross_off_diagonal(K: Array) -> float:
    return float((K.sum() - np.trace(K)) / (K.size - min(K.shape)))


unbiased_mmd = Exercise(
    "The unbiased estimate",
    _unbiased,
    inputs=_matrices,
    about="K_xx (N, N), K_yy (M, M), K_xy (N, M) -> unbiased estimate of MMD^2.",
    praise="Right on average for every size of the sample, and so below 0 at times.",
    mistakes=[
        Mistake(
            "This is the biased estimate. A point is not independent of itself: leave the "
            "diagonals of K_xx and K_yy out.",
            lambda K, L, C: K.mean() + L.mean() - 2 * C.mean(),
        ),
        Mistake(
            "You left the diagonals out of the sums but not out of the counts: how many pairs of "
            "different points are there?",
            lambda K, L, C: _off_diagonal(K) / K.size + _off_diagonal(L) / L.size - 2 * C.mean(),
        ),
        Mistake(
            "You left the diagonals out of the counts but not out of the sums.",
            lambda K, L, C: K.sum() / _pairs(K) + L.sum() / _pairs(L) - 2 * C.mean(),
        ),
        Mistake(
            "You took the diagonal to hold ones. So it does for the Gaussian kernel; another "
            "kernel may have k(x, x) of another size.",
            lambda K, L, C: (
                (K.sum() - len(K)) / _pairs(K) + (L.sum() - len(L)) / _pairs(L) - 2 * C.mean()
            ),
        ),
        Mistake(
            "The cross term has the wrong sign. Points of x that are like points of y make the "
            "distance smaller.",
            lambda K, L, C: _within(K) + _within(L) + 2 * C.mean(),
        ),
        Mistake(
            "The factor of the cross term is missing: expand a squared difference.",
            lambda K, L, C: _within(K) + _within(L) - C.mean(),
        ),
        Mistake(
            "You left a diagonal out of K_xy too. Point i of x and point i of y are independent: "
            "all their pairs count.",
            lambda K, L, C: _within(K) + _within(L) - 2 * _cross_off_diagonal(C),
        ),
        Mistake(
            "The three terms do not leave out the same: K_xy is divided by fewer pairs than are "
            "in it. Point i of x and point j of y are always independent.",
            lambda K, L, C: (
                _within(K) + _within(L) - 2 * C.sum() / math.sqrt(_pairs(K) * _pairs(L))
            ),
        ),
        Mistake(
            "You took the upper triangles, but divided by all pairs: half of the sum is missing.",
            lambda K, L, C: _within(K) / 2 + _within(L) / 2 - 2 * C.mean(),
        ),
        Mistake(
            "Nothing below 0 is left. An unbiased estimate of 0 has to fall below 0 at times.",
            lambda K, L, C: max(0.0, _unbiased(K, L, C)),
        ),
        Mistake(
            "You took the absolute value. An unbiased estimate of 0 has to fall below 0 at times.",
            lambda K, L, C: abs(_unbiased(K, L, C)),
        ),
        Mistake(
            "This is the root, a distance. The estimate of its square was asked for; its root "
            "is neither unbiased nor defined below 0.",
            lambda K, L, C: math.sqrt(max(0.0, _unbiased(K, L, C))),
        ),
    ],
)


# ---------------------------------------------------------------- the total loss


def _batches(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float, float]]:
    for n, height, width, mmd2, weight in (
        (3, 4, 5, 0.21, 0.1), (5, 6, 7, 0.07, 0.5), (2, 3, 2, -0.013, 2.0), (1, 4, 6, 0.3, 0.25),
        (4, 5, 5, 0.15, 1.5), (6, 2, 3, 0.4, 10.0), (2, 1, 4, 0.05, 3.0), (3, 7, 1, 0.9, 0.02),
    ):  # fmt: skip
        shape = (n, 1, height, width)
        yield rng.random(shape), rng.random(shape) ** 2, mmd2, weight
    x = rng.random((3, 1, 2, 4))
    yield x, x.copy(), 0.5, 0.7  # nothing is lost


def _total(x_hat: Array, x: Array, mmd2: float, weight: float) -> Any:
    pixels = x.shape[2] * x.shape[3]
    error = ((x - x_hat) ** 2).sum(axis=(1, 2, 3))
    return error.mean() + pixels * weight * mmd2


def _error(x_hat: Array, x: Array) -> float:
    return float(((x - x_hat) ** 2).sum() / len(x))


mmd_total = Exercise(
    "The total loss",
    _total,
    inputs=_batches,
    about="x_hat and x (N, 1, H, W), mmd2, weight beside a mean over pixels -> total loss.",
    praise="The paper's loss times the number of pixels: another number, the same minimum.",
    mistakes=[
        Mistake(
            "The weight is taken over as it stands. It was meant beside a mean over pixels; beside "
            "a sum it does not weigh the same.",
            lambda h, x, k, w: _error(h, x) + w * k,
        ),
        Mistake(
            "This is the paper's own loss, with the error averaged over pixels. The minimum is "
            "right, the unit is not: sum over the pixels, and convert the weight.",
            lambda h, x, k, w: ((x - h) ** 2).mean() + w * k,
        ),
        Mistake(
            "You converted the weight, but the error is still a mean over pixels: now the MMD "
            "weighs far too much.",
            lambda h, x, k, w: ((x - h) ** 2).mean() + x[0].size * w * k,
        ),
        Mistake(
            "You divided the weight by the number of pixels. Does the error grow or shrink when "
            "it is no longer averaged over them? The two terms have to stay in balance.",
            lambda h, x, k, w: _error(h, x) + w * k / x[0].size,
        ),
        Mistake(
            "The size of the batch enters the weight, too. The batch is averaged in both losses.",
            lambda h, x, k, w: _error(h, x) + x.size * w * k,
        ),
        Mistake(
            "You converted the weight by the size of the batch. The batch is averaged in both "
            "losses; what is not?",
            lambda h, x, k, w: _error(h, x) + len(x) * w * k,
        ),
        Mistake(
            "The error is summed over the batch. Average it over the images.",
            lambda h, x, k, w: ((x - h) ** 2).sum() + x[0].size * w * k,
        ),
        Mistake(
            "You counted the rows of an image for its pixels.",
            lambda h, x, k, w: _error(h, x) + x.shape[2] * w * k,
        ),
        Mistake(
            "You counted the columns of an image for its pixels.",
            lambda h, x, k, w: _error(h, x) + x.shape[3] * w * k,
        ),
        Mistake(
            "You squared one side to count the pixels, but these images are not square.",
            lambda h, x, k, w: _error(h, x) + x.shape[3] ** 2 * w * k,
        ),
        Mistake(
            "You squared one side to count the pixels, but these images are not square.",
            lambda h, x, k, w: _error(h, x) + x.shape[2] ** 2 * w * k,
        ),
        Mistake(
            "You count the pixels of a 32 by 32 image. Those of these images are in their shape.",
            lambda h, x, k, w: _error(h, x) + 1024 * w * k,
        ),
        Mistake(
            "The MMD has the wrong sign: training would drive the two clouds apart.",
            lambda h, x, k, w: _error(h, x) - x[0].size * w * k,
        ),
    ],
)


# ---------------------------------------------------------------- the rate of a match


def _channels(rng: np.random.Generator) -> Iterator[tuple[float, float, int]]:
    """Yield noise, prior and dimensions; a match needs a prior that varies more than the noise."""
    yield 0.04, 1.0, 3
    yield 5.0, 100.0, 6
    yield 2.0, 9.0, 3
    yield 1.0, 1.0, 4  # nothing but noise
    yield 0.5, 0.8, 1
    yield 1.0, 7.0, 2
    yield 1e-4, 0.02, 5
    for _ in range(5):
        v = float(rng.uniform(0.01, 3))
        yield v, v * float(1 + rng.exponential(8)), int(rng.integers(1, 12))


def _rate(v: float, s2: float, d: int) -> Any:
    return d / 2 * np.log2(s2 / v)


matched_rate = Exercise(
    "The rate that the noise sets",
    _rate,
    inputs=_channels,
    about="v, s2, d -> bits of a code whose q(z), with its noise, matches N(0, s2 I).",
    praise="Noise and prior fix the rate; nothing that is trained can change it.",
    mistakes=[
        Mistake(
            "You take s2 for the variance of the signal alone. It is that of the codes with their "
            "noise, which is what matches the prior.",
            lambda v, s2, d: d / 2 * math.log2(1 + s2 / v),
        ),
        Mistake("This is in nats. Bits were asked for.", lambda v, s2, d: d / 2 * math.log(s2 / v)),
        Mistake(
            "You multiplied the nats by log 2. That makes fewer bits than nats, and a bit is the "
            "smaller unit.",
            lambda v, s2, d: d / 2 * math.log(s2 / v) * math.log(2),
        ),
        Mistake(
            "This is the rate of one dimension. They add up.",
            lambda v, s2, d: 0.5 * math.log2(s2 / v),
        ),
        Mistake(
            "Noise and prior are exchanged: less noise carries more bits.",
            lambda v, s2, d: d / 2 * math.log2(v / s2),
        ),
        Mistake(
            "You forgot the prior's variance. Only its ratio to the noise counts.",
            lambda v, s2, d: -d / 2 * math.log2(v),
        ),
        Mistake(
            "You add the dimensions up inside the logarithm. Each one is a channel of its own: "
            "take the logarithm first.",
            lambda v, s2, d: 0.5 * math.log2(d * s2 / v),
        ),
        Mistake(
            "The noise is subtracted from the prior's variance, but not added again: what arrives "
            "is signal and noise.",
            lambda v, s2, d: d / 2 * (math.log2((s2 - v) / v) if s2 > v else -math.inf),
        ),
        Mistake(
            "Twice too much: a rate is a logarithm of standard deviations, and v and s2 are "
            "variances.",
            lambda v, s2, d: d * math.log2(s2 / v),
        ),
    ],
)
