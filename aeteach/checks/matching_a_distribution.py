r"""Checkers for the exercises of *Matching a distribution without KL*."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["matched_rate", "mmd_total", "rbf_kernel", "unbiased_mmd"]

Array = NDArray[Any]


def rbf_kernel(answer: Any) -> Verdict:
    """Check a function (a (N, d), b (M, d), h) -> the rbf kernel of all pairs, (N, M)."""
    return _KERNEL.check(answer)


def unbiased_mmd(answer: Any) -> Verdict:
    """Check a function (K_xx (N, N), K_yy (M, M), K_xy (N, M)) -> unbiased estimate of MMD^2."""
    return _UNBIASED.check(answer)


def mmd_total(answer: Any) -> Verdict:
    """Check a function (x_hat, x, both (N, 1, H, W), mmd2, weight beside a mean) -> total loss."""
    return _TOTAL.check(answer)


def matched_rate(answer: Any) -> Verdict:
    """Check a function (v, s2, d) -> bits of a code whose q(z) matches N(0, s2 I)."""
    return _RATE.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, as float32 needs."""
    return agree(got, want, 1e-4)


# ---------------------------------------------------------------- the kernel


def _squared(a: Array, b: Array) -> Array:
    return ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)


def _kernel(a: Array, b: Array, h: float) -> Array:
    return np.exp(-_squared(a, b) / (2 * h**2))


def _clouds(seed: int, n: int, m: int, d: int, h: float) -> tuple[Array, Array, float]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(0.5, 1.2, size=(m, d)), h


_KERNEL = Exercise(
    name="The kernel",
    right=_kernel,
    inputs=[_clouds(0, 3, 4, 2, 1.5), _clouds(1, 4, 2, 3, 0.7), _clouds(2, 2, 5, 1, 2.5)],
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
            "The factor 2 is missing in the denominator.",
            lambda a, b, h: np.exp(-_squared(a, b) / h**2),
        ),
        Mistake(
            "You square 2 h as a whole. Only h is squared.",
            lambda a, b, h: np.exp(-_squared(a, b) / (2 * h) ** 2),
        ),
        Mistake(
            "Neither distance nor bandwidth is squared.",
            lambda a, b, h: np.exp(-np.sqrt(_squared(a, b)) / (2 * h)),
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
            "The matrix is transposed: a row is a point of a, a column one of b.",
            lambda a, b, h: _kernel(a, b, h).T,
        ),
        Mistake(
            "One kernel for each dimension is left. Add up the squared differences over the "
            "dimensions first.",
            lambda a, b, h: np.exp(-((a[:, None, :] - b[None, :, :]) ** 2) / (2 * h**2)),
        ),
    ],
    praise="1 for a point with itself, less the farther apart, and no unit.",
    same=_close,
)


# ---------------------------------------------------------------- the unbiased estimate


def _within(K: Array) -> float:
    n = len(K)
    return float((K.sum() - np.trace(K)) / (n * (n - 1)))


def _unbiased(K_xx: Array, K_yy: Array, K_xy: Array) -> float:
    return _within(K_xx) + _within(K_yy) - 2 * float(K_xy.mean())


def _matrices(seed: int, n: int, m: int) -> tuple[Array, Array, Array]:
    a, b, h = _clouds(seed, n, m, 2, 1.3)
    return _kernel(a, a, h), _kernel(b, b, h), _kernel(a, b, h)


def _off_diagonal(K: Array) -> float:
    return float(K.sum() - np.trace(K))


_UNBIASED = Exercise(
    name="The unbiased estimate",
    right=_unbiased,
    inputs=[_matrices(3, 5, 4), _matrices(4, 3, 6), _matrices(5, 2, 7)],
    mistakes=[
        Mistake(
            "This is the biased estimate. A point is not independent of itself: leave the "
            "diagonals of K_xx and K_yy out.",
            lambda K, L, C: K.mean() + L.mean() - 2 * C.mean(),
        ),
        Mistake(
            "You left the diagonals out of the sums but not out of the counts: there are "
            "n (n - 1) pairs of different points, not n squared.",
            lambda K, L, C: (
                _off_diagonal(K) / len(K) ** 2 + _off_diagonal(L) / len(L) ** 2 - 2 * C.mean()
            ),
        ),
        Mistake(
            "You left the diagonals out of the counts but not out of the sums.",
            lambda K, L, C: (
                K.sum() / (len(K) * (len(K) - 1)) + L.sum() / (len(L) * (len(L) - 1)) - 2 * C.mean()
            ),
        ),
        Mistake(
            "The cross term has the wrong sign. Points of x that are like points of y make the "
            "distance smaller.",
            lambda K, L, C: _within(K) + _within(L) + 2 * C.mean(),
        ),
        Mistake(
            "The factor 2 of the cross term is missing: a squared difference has it.",
            lambda K, L, C: _within(K) + _within(L) - C.mean(),
        ),
        Mistake(
            "You left a diagonal out of K_xy too. Point i of x and point i of y are independent: "
            "all their pairs count.",
            lambda K, L, C: (
                _within(K) + _within(L) - 2 * (C.sum() - np.trace(C)) / (C.size - min(C.shape))
            ),
        ),
        Mistake(
            "You took the upper triangles, but divided by all n (n - 1) pairs: half of the sum is "
            "missing.",
            lambda K, L, C: _within(K) / 2 + _within(L) / 2 - 2 * C.mean(),
        ),
        Mistake(
            "Nothing below 0 is left. An unbiased estimate of 0 has to fall below 0 at times.",
            lambda K, L, C: max(0.0, _unbiased(K, L, C)),
        ),
        Mistake(
            "This is the root, a distance. The estimate of its square was asked for; its root "
            "is neither unbiased nor defined below 0.",
            lambda K, L, C: math.sqrt(max(0.0, _unbiased(K, L, C))),
        ),
    ],
    praise="Right on average for every size of the sample, and so below 0 at times.",
    same=_close,
)


# ---------------------------------------------------------------- the total loss


def _error(x_hat: Array, x: Array) -> float:
    return float(((x - x_hat) ** 2).sum() / len(x))


def _total(x_hat: Array, x: Array, mmd2: float, weight: float) -> float:
    return _error(x_hat, x) + x[0].size * weight * mmd2


def _batch(seed: int, n: int, size: int, mmd2: float, weight: float) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    shape = (n, 1, size, size + 1)
    return rng.random(shape), rng.random(shape), mmd2, weight


_TOTAL = Exercise(
    name="The total loss",
    right=_total,
    inputs=[_batch(6, 3, 4, 0.21, 0.1), _batch(7, 5, 6, 0.07, 0.5), _batch(8, 2, 3, -0.013, 2.0)],
    mistakes=[
        Mistake(
            "The weight is taken over as it stands. It was meant beside a mean over pixels; beside "
            "a sum it is too small by the number of pixels.",
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
            "You divided the weight by the number of pixels. The error has grown by that number, "
            "so the weight has to grow as well.",
            lambda h, x, k, w: _error(h, x) + w * k / x[0].size,
        ),
        Mistake(
            "The weight is multiplied by the size of the batch as well. The batch is averaged in "
            "both losses.",
            lambda h, x, k, w: _error(h, x) + x.size * w * k,
        ),
        Mistake(
            "You multiplied by the size of the batch, not by the number of pixels.",
            lambda h, x, k, w: _error(h, x) + len(x) * w * k,
        ),
        Mistake(
            "The error is summed over the batch. Average it over the images.",
            lambda h, x, k, w: ((x - h) ** 2).sum() + x[0].size * w * k,
        ),
        Mistake(
            "You multiplied by the height alone. An image has height times width pixels.",
            lambda h, x, k, w: _error(h, x) + x.shape[2] * w * k,
        ),
        Mistake(
            "You multiplied by the square of the width, but these images are not square.",
            lambda h, x, k, w: _error(h, x) + x.shape[3] ** 2 * w * k,
        ),
        Mistake(
            "The MMD has the wrong sign: training would drive the two clouds apart.",
            lambda h, x, k, w: _error(h, x) - x[0].size * w * k,
        ),
    ],
    praise="The paper's loss times the number of pixels: another number, the same minimum.",
    same=_close,
)


# ---------------------------------------------------------------- the rate of a match


def _rate(v: float, s2: float, d: int) -> float:
    return d / 2 * math.log2(s2 / v)


_RATE = Exercise(
    name="The rate that the noise sets",
    right=_rate,
    inputs=[(0.04, 1.0, 2), (5.0, 100.0, 6), (2.0, 9.0, 3), (1.0, 1.0, 4)],
    mistakes=[
        Mistake(
            "You take s2 for the variance of the signal alone. It is that of the codes with their "
            "noise, which is what matches the prior.",
            lambda v, s2, d: d / 2 * math.log2(1 + s2 / v),
        ),
        Mistake("This is in nats. Bits were asked for.", lambda v, s2, d: d / 2 * math.log(s2 / v)),
        Mistake(
            "The one half is missing: it comes from the square root of a variance.",
            lambda v, s2, d: d * math.log2(s2 / v),
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
            lambda v, s2, d: d / 2 * math.log2((s2 - v) / v) if s2 > v else -math.inf,
        ),
    ],
    praise="Noise and prior fix the rate; nothing that is trained can change it.",
    same=_close,
)
