"""The exercises of *Using a VAE*."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._agree import follows
from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]
Code = Callable[[Array], Array]


# ---------------------------------------------------------------- keep the known pixels


def _hole(rng: np.random.Generator, D: int, size: int) -> Array:
    missing = np.zeros(D, dtype=bool)
    missing[rng.permutation(D)[:size]] = True
    return missing


def _holes(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    """Yield images with something in the hole, their reconstructions, and the hole."""
    for n, D, size in (
        (3, 7, 3),
        (2, 10, 3),
        (4, 5, 2),
        (5, 5, 1),
        (1, 6, 4),
        (3, 4, 0),
        (2, 3, 3),
    ):
        yield rng.random((n, D)) + 0.1, rng.random((n, D)) + 0.1, _hole(rng, D, size)
    yield rng.normal(0, 50, (3, 6)), rng.random((3, 6)), _hole(rng, 6, 2)
    yield np.round(rng.random((4, 8))), np.round(rng.random((4, 8))), _hole(rng, 8, 5)


def _keep(x: Array, x_hat: Array, missing: Array) -> Array:
    return np.where(missing, x_hat, x)


keep_known_pixels = Exercise(
    "Keep the known pixels",
    _keep,
    inputs=_holes,
    about="x (N, D), x_hat (N, D), missing (D,), true in the hole -> filled images, (N, D).",
    praise="One line. It makes a VAE an inpainter.",
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
        Mistake(
            "The known pixels are right, and the hole is black. It should hold what the model "
            "makes of it.",
            lambda x, x_hat, missing: ~missing * x,
        ),
    ],
)


# ---------------------------------------------------------------- iterate


def _models(rng: np.random.Generator) -> Iterator[tuple[Code, Code, Array, Array, int]]:
    """Yield a linear model with a bend, images, a hole and a number of rounds.

    The rounds are few, so that one more or one less shows.
    """
    for n, D, d, size, rounds in (
        (3, 6, 2, 2, 3), (2, 9, 3, 4, 3), (4, 7, 2, 3, 2), (1, 5, 1, 2, 2), (5, 5, 2, 1, 1),
        (3, 8, 2, 7, 3), (2, 6, 2, 3, 3),
    ):  # fmt: skip
        W, m = rng.normal(size=(D, d)) / np.sqrt(D), rng.random(D)

        def encode(x: Array, W: Array = W, m: Array = m) -> Array:
            return np.asarray(np.tanh((x - m) @ W))

        def decode(z: Array, W: Array = W, m: Array = m) -> Array:
            return np.asarray(2.2 * z @ W.T + m)

        x = rng.random((n, D)) + 0.1
        missing = _hole(rng, D, size)
        x[:, missing] *= 1 + 20 * (n == 2)  # anything at all may stand there
        yield follows(encode), follows(decode), x, missing, rounds


def _inpaint(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    filled = np.where(missing, 0.0, x)
    for _ in range(iterations):
        filled = np.where(missing, decode(encode(filled)), x)
    return filled


def _once(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    return _inpaint(encode, decode, x, missing, 1)


def _drifting(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    x = np.where(missing, 0.0, x)
    for _ in range(iterations):
        x = decode(encode(x))
    return x


def _put_back(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    return np.where(missing, _drifting(encode, decode, x, missing, iterations), x)


def _rebuilt(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    return decode(encode(_inpaint(encode, decode, x, missing, iterations - 1)))


def _peeking(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    for _ in range(iterations):
        x = np.where(missing, decode(encode(x)), x)
    return x


def _half_way(encode: Code, decode: Code, x: Array, missing: Array, iterations: int) -> Array:
    filled = np.where(missing, 0.0, x)
    for _ in range(iterations):
        filled = np.where(missing, (decode(encode(filled)) + filled) / 2, x)
    return filled


iterated_fill = Exercise(
    "Again and again",
    _inpaint,
    inputs=_models,
    about="encode, decode, x (N, D), missing (D,), iterations -> filled images, (N, D).",
    praise="Encode, decode, put the known pixels back, and again.",
    mistakes=[
        Mistake(
            "All rounds give no more than once through, as if each started from the same black "
            "hole. What is encoded next must hold what was just filled in.",
            _once,
        ),
        Mistake(
            "The known pixels drift: you encode the whole reconstruction in the next round. Put "
            "them back each time, before you encode.",
            _drifting,
        ),
        Mistake(
            "You put the known pixels back at the end only. In between they drift: put them back "
            "each time, before you encode.",
            _put_back,
        ),
        Mistake(
            "The rounds are right, but at the end you return the reconstruction, known pixels "
            "and all.",
            _rebuilt,
        ),
        Mistake(
            "You look at what stood in the hole. It is unknown: the first round starts from a "
            "black hole.",
            _peeking,
        ),
        Mistake("One round too few.", lambda e, d, x, m, n: _inpaint(e, d, x, m, n - 1)),
        Mistake("One round too many.", lambda e, d, x, m, n: _inpaint(e, d, x, m, n + 1)),
        Mistake(
            "You go only half of the way in each round. It ends at the same place, later; the "
            "exercise goes all the way.",
            _half_way,
        ),
        Mistake(
            "Hole and known pixels are exchanged: missing is True in the hole.",
            lambda e, d, x, m, n: _inpaint(e, d, x, ~m, n),
        ),
    ],
)


# ---------------------------------------------------------------- signal to noise


def _noisy(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield images and noise with a mean of its own, which counts too."""
    for n, D, sd, mean, scale in (
        (3, 8, 0.3, 0.1, 1.0), (5, 6, 0.1, -0.05, 1.0), (2, 12, 1.0, 0.4, 1.0),
        (4, 4, 0.2, 0.0, 2.0), (1, 9, 0.5, 0.2, 1.0), (6, 2, 0.05, 0.0, 3.0),
        (3, 5, 1e-3, 1e-3, 1.0), (2, 7, 90.0, 20.0, 255.0),
    ):  # fmt: skip
        x = scale * (rng.random((n, D)) ** 2 + 0.3 * np.arange(n)[:, None])
        yield x, x + rng.normal(mean, sd, size=x.shape)


def _snr(x: Array, noisy: Array) -> Any:
    signal = x.var()
    noise = ((noisy - x) ** 2).mean()
    return 10 * np.log10(signal / noise)


def _decibels(signal: Any, noise: Any) -> Any:
    return 10 * np.log10(signal / noise)


_OF_ONE = (
    "You take the variance within parts of the table and average it. Asked for is one variance, "
    "that of all its numbers."
)

signal_to_noise = Exercise(
    "Signal to noise",
    _snr,
    inputs=_noisy,
    about="x (N, D), noisy (N, D) -> signal-to-noise ratio in decibels.",
    praise="0 dB is where noise and signal have the same power.",
    mistakes=[
        Mistake(
            "20 belongs to a ratio of amplitudes. Variances are powers.",
            lambda x, y: 2 * _snr(x, y),
        ),
        Mistake("Upside down: the noise is over the signal.", lambda x, y: -_snr(x, y)),
        Mistake(
            "This is the ratio itself. Decibels are a logarithm of it.",
            lambda x, y: x.var() / ((y - x) ** 2).mean(),
        ),
        Mistake(
            "The factor of 10 is missing: this is in bels.",
            lambda x, y: np.log10(x.var() / ((y - x) ** 2).mean()),
        ),
        Mistake(
            "You took the variance of the noisy image for the signal. It has the noise in it.",
            lambda x, y: _decibels(y.var(), ((y - x) ** 2).mean()),
        ),
        Mistake(
            "You took the mean square of the image for the signal. A brighter image is no stronger "
            "signal: use its variance.",
            lambda x, y: _decibels((x**2).mean(), ((y - x) ** 2).mean()),
        ),
        Mistake(
            "You took the variance of the noise. Its mean is an error as well: use its mean "
            "square.",
            lambda x, y: _decibels(x.var(), (y - x).var()),
        ),
        Mistake(
            "You took the variance of the noisy image for the noise. The noise is what was added.",
            lambda x, y: _decibels(x.var(), y.var()),
        ),
        Mistake(
            "The noise is summed where its mean is meant: it grows with the size of the table.",
            lambda x, y: _decibels(x.var(), ((y - x) ** 2).sum()),
        ),
        Mistake(
            "You average decibels over the images. Average the powers first, then take one "
            "logarithm.",
            lambda x, y: _decibels(x.var(1), ((y - x) ** 2).mean(1)).mean(),
        ),
        Mistake(_OF_ONE, lambda x, y: _decibels(x.var(1).mean(), ((y - x) ** 2).mean())),
        Mistake(_OF_ONE, lambda x, y: _decibels(x.var(0).mean(), ((y - x) ** 2).mean())),
        Mistake(
            "You took the standard deviation for the signal. Its square is the power.",
            lambda x, y: _decibels(x.std(), ((y - x) ** 2).mean()),
        ),
    ],
)


# ---------------------------------------------------------------- area under the ROC curve


def _scores(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield scores in steps of a half, so that many are equal; more of one kind than the other."""
    for n, m, gain in (
        (12, 9, 0.7),
        (30, 14, 0.7),
        (7, 21, 0.2),
        (8, 8, -1.0),
        (2, 5, 0.5),
        (4, 2, 0),
    ):
        s, o = rng.normal(0, 1, n), rng.normal(gain, 1.5, m)
        yield np.round(2 * s) / 2, np.round(2 * o) / 2
    yield np.zeros(3), np.zeros(4)  # says the same of all
    yield np.array([0.1, 0.4, 0.2]), np.array([0.5, 0.9])  # tells all apart
    yield np.array([5.0, 7.0]), np.array([1.0, 3.0, 2.0])  # backwards
    yield np.array([-3.0, -1.0, -2.0, -2.0]), np.array([-2.0, -0.5, -2.5])
    yield rng.normal(size=6) * 1e-4, rng.normal(size=5) * 1e-4
    yield rng.normal(size=9) * 1e4, rng.normal(size=4) * 1e4 + 3e3


def _area(inliers: Array, outliers: Array) -> Any:
    difference = outliers[:, None] - inliers[None, :]
    return (difference > 0).mean() + 0.5 * (difference == 0).mean()


def _won(inliers: Array, outliers: Array) -> Any:
    return (outliers[:, None] > inliers[None, :]).mean()


def _at_the_middle(inliers: Array, outliers: Array) -> Any:
    """Return the share judged rightly with the threshold half way between the two means."""
    cut = (inliers.mean() + outliers.mean()) / 2
    return ((inliers <= cut).mean() + (outliers > cut).mean()) / 2


area_under_roc = Exercise(
    "The area under the ROC curve",
    _area,
    inputs=_scores,
    about="inliers (n,), outliers (m,) -> chance that an outlier scores higher, a tie half of it.",
    praise="The chance that a random outlier scores above a random inlier; a tie is half a win.",
    mistakes=[
        Mistake(
            "Equal scores are counted as lost. Then a score that says the same of every image gets "
            "0, and it is no worse than a coin.",
            _won,
        ),
        Mistake(
            "Equal scores are counted as won. Then a score that says the same of every image gets "
            "1, and it is no better than a coin.",
            lambda s, o: (o[:, None] >= s[None, :]).mean(),
        ),
        Mistake(
            "Upside down: this is the chance that an inlier scores higher. The score should be "
            "large for outliers.",
            lambda s, o: _area(o, s),
        ),
        Mistake(
            "Upside down, and equal scores are counted as lost: this is the chance that an inlier "
            "scores higher.",
            lambda s, o: _won(o, s),
        ),
        Mistake(
            "This is the number of pairs, the statistic of Mann and Whitney. Divide it by how many "
            "pairs there are.",
            lambda s, o: _area(s, o) * len(s) * len(o),
        ),
        Mistake(
            "You divide by the number of scores. Every outlier is compared with every inlier: how "
            "many pairs are that?",
            lambda s, o: _area(s, o) * len(s) * len(o) / (len(s) + len(o)),
        ),
        Mistake(
            "You compare the outliers with one threshold. The area asks about every pair, and so "
            "about all thresholds.",
            _at_the_middle,
        ),
        Mistake(
            "You compare pairs in the order in which they came. Compare every outlier with every "
            "inlier.",
            lambda s, o: np.mean([(b > a) + 0.5 * (b == a) for a, b in zip(s, o, strict=False)]),
        ),
    ],
)
