r"""Checkers for the exercises of *Using a VAE*."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["area_under_roc", "iterated_fill", "keep_known_pixels", "signal_to_noise"]

Array = NDArray[Any]
Code = Callable[[Array], Array]


def keep_known_pixels(answer: Any) -> Verdict:
    """Check a function (x (N, D), x_hat (N, D), missing (D,), bool) -> filled images, (N, D)."""
    return _KEEP.check(answer)


def iterated_fill(answer: Any) -> Verdict:
    """Check a function (encode, decode, x (N, D), missing (D,), iterations) -> filled, (N, D)."""
    return _ITERATE.check(answer)


def signal_to_noise(answer: Any) -> Verdict:
    """Check a function (x (N, D), noisy (N, D)) -> signal-to-noise ratio in decibels."""
    return _SNR.check(answer)


def area_under_roc(answer: Any) -> Verdict:
    """Check a function (inliers (n,), outliers (m,)) -> chance that an outlier scores higher."""
    return _AUROC.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, as float32 needs."""
    return agree(got, want, 1e-4)


# ---------------------------------------------------------------- keep the known pixels


def _keep(x: Array, x_hat: Array, missing: Array) -> Array:
    return np.where(missing, x_hat, x)


def _pair(seed: int, n: int, D: int) -> tuple[Array, Array, Array]:
    """Return images with something in the hole, reconstructions, and a hole of a third."""
    rng = np.random.default_rng(seed)
    missing = np.zeros(D, dtype=bool)
    missing[rng.permutation(D)[: max(1, D // 3)]] = True
    return rng.random((n, D)) + 0.1, rng.random((n, D)) + 0.1, missing


_KEEP = Exercise(
    name="Keep the known pixels",
    right=_keep,
    inputs=[_pair(0, 3, 7), _pair(1, 2, 10), _pair(2, 4, 5)],
    mistakes=[
        Mistake(
            "The known pixels are gone: this is the reconstruction, hole and all. What you know "
            "should stand as it came.",
            lambda x, x_hat, missing: x_hat,
        ),
        Mistake(
            "The two are exchanged: you keep what stood in the hole, and rebuild what was known. "
            "missing is True in the hole.",
            lambda x, x_hat, missing: np.where(missing, x, x_hat),
        ),
        Mistake(
            "Nothing was filled in: these are the images as they came.",
            lambda x, x_hat, missing: x,
        ),
        Mistake(
            "You add the reconstruction to what already stands in the hole. The old content has "
            "to go.",
            lambda x, x_hat, missing: x + missing * x_hat,
        ),
        Mistake(
            "You average old and new in the hole. What stood there is no information at all.",
            lambda x, x_hat, missing: np.where(missing, (x + x_hat) / 2, x),
        ),
        Mistake(
            "The hole is right, and the known pixels are black. They should stand as they came.",
            lambda x, x_hat, missing: missing * x_hat,
        ),
    ],
    praise="One line. It makes a VAE an inpainter.",
    same=_close,
)


# ---------------------------------------------------------------- iterate


def _iterate(
    encode: Code,
    decode: Code,
    x: Array,
    missing: Array,
    iterations: int,
    *,
    start: Callable[[Array, Array], Array] = lambda x, missing: np.where(missing, 0.0, x),
    step: Callable[[Array, Array, Array], Array] = _keep,
    extra: int = 0,
    damped: float = 1.0,
) -> Array:
    filled = start(np.asarray(x), np.asarray(missing))
    for _ in range(iterations + extra):
        x_hat = np.asarray(decode(encode(filled)))
        filled = step(filled, damped * x_hat + (1 - damped) * filled, missing)
    return filled


def _wrong(**changes: Any) -> Callable[..., Array]:
    def wrong(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
        return _iterate(encode, decode, x, missing, iterations, **changes)

    return wrong


def _never_updated(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    return _iterate(encode, decode, x, missing, 1)


def _last_x_hat(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    before = _iterate(encode, decode, x, missing, iterations - 1)
    return np.asarray(decode(encode(before)))


def _as(given: Any, result: Array) -> Any:
    """Return a tensor to whom gave one: answers are written in NumPy or in torch."""
    return torch.as_tensor(result) if isinstance(given, torch.Tensor) else result


def _task(seed: int, D: int, iterations: int) -> tuple[Any, ...]:
    """Return a linear model with a bend, images, a hole and a number of iterations."""
    rng = np.random.default_rng(seed)
    W, m = rng.normal(size=(D, 2)) / math.sqrt(D), rng.random(D)

    def encode(x: Any) -> Any:
        return _as(x, np.tanh((np.asarray(x) - m) @ W))

    def decode(z: Any) -> Any:
        return _as(z, 1.3 * np.asarray(z) @ W.T + m)

    x, _, missing = _pair(seed + 20, 3, D)
    return encode, decode, x, missing, iterations


_ITERATE = Exercise(
    name="Again and again",
    right=_iterate,
    inputs=[_task(0, 6, 3), _task(1, 9, 5), _task(2, 7, 2)],
    mistakes=[
        Mistake(
            "Every round starts from the same black hole, so all rounds give the same: this is "
            "once through. What is encoded next must hold what was just filled in.",
            _never_updated,
        ),
        Mistake(
            "The known pixels drift: you encode the whole reconstruction in the next round. Put "
            "them back each time, before you encode.",
            _wrong(step=lambda x, x_hat, missing: x_hat),
        ),
        Mistake(
            "The rounds are right, but at the end you return the reconstruction, known pixels "
            "and all.",
            _last_x_hat,
        ),
        Mistake(
            "You look at what stood in the hole. It is unknown: set it to 0 before the first "
            "round.",
            _wrong(start=lambda x, missing: x),
        ),
        Mistake("One round too few.", _wrong(extra=-1)),
        Mistake("One round too many.", _wrong(extra=1)),
        Mistake(
            "You go only half of the way in each round. It ends at the same place, later; the "
            "exercise goes all the way.",
            _wrong(damped=0.5),
        ),
        Mistake(
            "Hole and known pixels are exchanged: missing is True in the hole.",
            lambda e, d, x, missing, n: _iterate(e, d, x, ~np.asarray(missing), n),
        ),
    ],
    praise="Encode, decode, put the known pixels back, and again.",
    same=_close,
)


# ---------------------------------------------------------------- signal to noise


def _ratio(x: Array, noisy: Array) -> float:
    return float(np.var(x) / np.mean((noisy - x) ** 2))


def _snr(x: Array, noisy: Array) -> float:
    return 10 * math.log10(_ratio(x, noisy))


def _noisy(seed: int, n: int, D: int, sd: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.random((n, D)) ** 2
    return x, x + rng.normal(0.1, sd, size=x.shape)  # the noise has a mean: it counts too


_SNR = Exercise(
    name="Signal to noise",
    right=_snr,
    inputs=[_noisy(0, 3, 8, 0.3), _noisy(1, 5, 6, 0.1), _noisy(2, 2, 12, 1.0)],
    mistakes=[
        Mistake("Upside down: the noise is over the signal.", lambda x, y: -_snr(x, y)),
        Mistake(
            "This is the ratio itself. Decibels are 10 times its logarithm to base 10.",
            lambda x, y: _ratio(x, y),
        ),
        Mistake(
            "20 is for a ratio of amplitudes. Variances are powers, so it is 10.",
            lambda x, y: 2 * _snr(x, y),
        ),
        Mistake(
            "The logarithm is the natural one; decibels take base 10.",
            lambda x, y: 10 * math.log(_ratio(x, y)),
        ),
        Mistake(
            "The factor of 10 is missing: this is in bels.", lambda x, y: math.log10(_ratio(x, y))
        ),
        Mistake(
            "You took the variance of the noisy image for the signal. It has the noise in it.",
            lambda x, y: 10 * math.log10(np.var(y) / np.mean((y - x) ** 2)),
        ),
        Mistake(
            "You took the mean square of the image for the signal. A brighter image is no stronger "
            "signal: use its variance.",
            lambda x, y: 10 * math.log10(np.mean(x**2) / np.mean((y - x) ** 2)),
        ),
        Mistake(
            "You took the variance of the noise. Its mean is an error as well: use its mean "
            "square.",
            lambda x, y: 10 * math.log10(np.var(x) / np.var(y - x)),
        ),
        Mistake(
            "You average decibels over the images. Average the powers first, then take one "
            "logarithm.",
            lambda x, y: float(
                np.mean(10 * np.log10(np.var(x, axis=1) / np.mean((y - x) ** 2, axis=1)))
            ),
        ),
    ],
    praise="0 dB is where noise and signal have the same power.",
    same=_close,
)


# ---------------------------------------------------------------- area under the ROC curve


def _pairs(inliers: Array, outliers: Array, count: Callable[[Array], Array]) -> float:
    return float(np.mean(count(np.subtract.outer(outliers, inliers))))


def _area(inliers: Array, outliers: Array) -> float:
    return _pairs(inliers, outliers, lambda d: (d > 0) + 0.5 * (d == 0))


def _scores(seed: int, n: int, m: int) -> tuple[Array, Array]:
    """Return scores in steps of a half, so that many are equal; more of one kind than the other."""
    rng = np.random.default_rng(seed)
    return np.round(2 * rng.normal(0, 1, n)) / 2, np.round(2 * rng.normal(0.7, 1.5, m)) / 2


def _in_half(inliers: Array, outliers: Array) -> float:
    """Return the share judged rightly with the threshold half way between the two means."""
    cut = (inliers.mean() + outliers.mean()) / 2
    return float(((inliers <= cut).mean() + (outliers > cut).mean()) / 2)


_AUROC = Exercise(
    name="The area under the ROC curve",
    right=_area,
    inputs=[_scores(0, 12, 9), _scores(1, 30, 14), _scores(2, 7, 21)],
    mistakes=[
        Mistake(
            "Upside down: this is the chance that an inlier scores higher. The score should be "
            "large for outliers.",
            lambda s, o: 1 - _area(s, o),
        ),
        Mistake(
            "Equal scores are counted as lost. Then a score that says the same of every image gets "
            "0 and not 1/2: count a tie one half.",
            lambda s, o: _pairs(s, o, lambda d: d > 0),
        ),
        Mistake(
            "Equal scores are counted as won. Then a score that says the same of every image gets "
            "1 and not 1/2: count a tie one half.",
            lambda s, o: _pairs(s, o, lambda d: d >= 0),
        ),
        Mistake(
            "This is the number of pairs, the statistic of Mann and Whitney. Divide it by how many "
            "pairs there are.",
            lambda s, o: _area(s, o) * len(s) * len(o),
        ),
        Mistake(
            "You divide by the wrong number: there are n times m pairs, not n + m.",
            lambda s, o: _area(s, o) * len(s) * len(o) / (len(s) + len(o)),
        ),
        Mistake(
            "You compare the outliers with one threshold. The area asks about every pair, and so "
            "about all thresholds.",
            _in_half,
        ),
        Mistake(
            "You compare pairs in the order in which they came. Compare every outlier with every "
            "inlier.",
            lambda s, o: float(
                np.mean([(b > a) + 0.5 * (b == a) for a, b in zip(s, o, strict=False)])
            ),
        ),
    ],
    praise="The chance that a random outlier scores above a random inlier; a tie is half a win.",
    same=_close,
)
