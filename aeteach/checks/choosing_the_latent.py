"""The exercises of *Choosing the latent*."""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]


# ---------------------------------------------------------------- parameters of the encoder


def _encoders(rng: np.random.Generator) -> Iterator[tuple[tuple[int, ...], int, int, int]]:
    yield (8, 12, 20), 30, 5, 3
    yield (32, 64), 28, 16, 2
    yield (32, 64, 128), 28, 16, 2
    yield (4, 6, 10, 12), 26, 7, 1
    yield (3,), 5, 2, 4  # a last side that is odd
    yield (5, 2), 9, 3, 6
    yield (7, 4), 12, 1, 1
    yield (2, 2, 2), 1, 3, 2
    for _ in range(6):
        filters = tuple(int(v) for v in rng.integers(1, 9, rng.integers(1, 4)))
        yield filters, int(rng.integers(2, 40)), int(rng.integers(1, 9)), int(rng.integers(1, 6))


def _parameters(filters: Sequence[int], side: int, features: int, latent: int) -> int:
    total, inputs = 0, 1
    for outputs in filters:
        total += 3 * 3 * inputs * outputs + outputs
        side = (side + 1) // 2
        inputs = outputs
    total += inputs * side * side * features + features
    return total + 2 * (features * latent + latent)


def _layers(filters: Sequence[int], side: int) -> Iterator[tuple[int, int, int]]:
    """Yield of each convolution: channels in, channels out, side of what comes out."""
    for a, b in zip((1, *filters), filters, strict=False):
        side = (side + 1) // 2
        yield a, b, side


def _rest(filters: Sequence[int], side: int, features: int, latent: int) -> int:
    """Return the parameters of all but the convolutions."""
    *_, (_, channels, side) = _layers(filters, side)
    return (channels * side**2 + 1) * features + 2 * (features + 1) * latent


def _body(filters: Sequence[int], side: int) -> int:
    return sum((9 * a + 1) * b for a, b, _ in _layers(filters, side))


encoder_parameters = Exercise(
    "Parameters of the encoder",
    _parameters,
    inputs=_encoders,
    about="filters, side of the image, features, latent -> parameters of a Keras-like encoder.",
    praise="With filters (32, 64) it is the 69,076 of the example, with a third layer 125,524.",
    mistakes=[
        Mistake(
            "An odd side is halved the wrong way. Draw a row of an odd number of pixels with its "
            "padding, and count on how many of them the kernel stands.",
            lambda f, s, m, d: (
                _body(f, s) + (f[-1] * (s // 2 ** len(f)) ** 2 + 1) * m + 2 * (m + 1) * d
            ),
        ),
        Mistake(
            "The biases are missing: one for each output of each layer.",
            lambda f, s, m, d: (
                sum(9 * a * b for a, b, _ in _layers(f, s))
                + [b * k * k for _, b, k in _layers(f, s)][-1] * m
                + 2 * m * d
            ),
        ),
        Mistake(
            "The convolutions have no bias in your count. They have one for each filter.",
            lambda f, s, m, d: sum(9 * a * b for a, b, _ in _layers(f, s)) + _rest(f, s, m, d),
        ),
        Mistake(
            "A filter reaches through all channels of its input. You count the same weights for "
            "each, whatever the input has.",
            lambda f, s, m, d: sum(10 * b for _, b, _ in _layers(f, s)) + _rest(f, s, m, d),
        ),
        Mistake(
            "You count too few weights for each channel that a filter sees. Its window is as high "
            "as it is wide.",
            lambda f, s, m, d: (
                sum((3 * a + 1) * b for a, b, _ in _layers(f, s)) + _rest(f, s, m, d)
            ),
        ),
        Mistake(
            "You count the weights of a convolution once for each place. They are shared: the same "
            "ones are used everywhere.",
            lambda f, s, m, d: (
                sum((9 * a + 1) * b * k * k for a, b, k in _layers(f, s)) + _rest(f, s, m, d)
            ),
        ),
        Mistake(
            "The dense layer sees every number of the last feature maps, not one for each channel.",
            lambda f, s, m, d: _body(f, s) + (f[-1] + 1) * m + 2 * (m + 1) * d,
        ),
        Mistake(
            "The dense layer sees a map of side times side for each channel: you have side once.",
            lambda f, s, m, d: (
                _body(f, s) + ([b * k for _, b, k in _layers(f, s)][-1] + 1) * m + 2 * (m + 1) * d
            ),
        ),
        Mistake(
            "Every convolution halves the side. Your dense layer sees maps as large as the image.",
            lambda f, s, m, d: _body(f, s) + (f[-1] * s * s + 1) * m + 2 * (m + 1) * d,
        ),
        Mistake(
            "There is one head in your count. A VAE has one for mu and one for log_var.",
            lambda f, s, m, d: _parameters(f, s, m, d) - (m + 1) * d,
        ),
        Mistake(
            "The two heads are missing.",
            lambda f, s, m, d: _parameters(f, s, m, d) - 2 * (m + 1) * d,
        ),
        Mistake(
            "Your heads stand on the feature maps. They stand on the few features of the dense "
            "layer.",
            lambda f, s, m, d: (
                _parameters(f, s, m, d) + 2 * ([b * k * k for _, b, k in _layers(f, s)][-1] - m) * d
            ),
        ),
    ],
)


# ---------------------------------------------------------------- dimensions needed


def _posteriors(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float]]:
    """Yield dimensions of z with mean 0 and variance 1 or nearly so; their nats differ."""
    for n, share in ((40, 0.9), (30, 0.5), (60, 0.99), (50, 0.75), (50, 0.6), (9, 0.8)):
        variances = np.array([0.01, 0.03, 0.1, 0.3, 0.6, 0.85, 0.97, 1.0])  # of q, on average
        sigma2 = variances * np.exp(rng.normal(0, 0.1, size=(n, 8)))
        mu = rng.normal(size=(n, 8))
        mu = (mu - mu.mean(0)) / mu.std(0) * np.sqrt(np.clip(1 - sigma2.mean(0), 0, None))
        order = rng.permutation(8)
        yield mu[:, order], np.log(sigma2)[:, order], share
    for n, d, share in ((6, 3, 0.7), (5, 5, 0.95), (1, 4, 0.5), (12, 1, 0.9), (20, 6, 0.35)):
        log_var = rng.normal(-2, 1.5, size=(1, d)) + rng.normal(0, 0.3, size=(n, d))
        yield rng.normal(rng.normal(size=d), 1.2, size=(n, d)), log_var, share
    for k in range(24):
        mu, log_var = rng.normal(size=(5, 6)), rng.normal(-1, 1, size=(5, 6))
        mu += rng.normal(size=6) * rng.uniform(0, 2)
        reached = np.cumsum(np.sort(_kl(mu, log_var).mean(0))[::-1])
        beside = reached[rng.integers(1, 5)] / reached[-1] + rng.uniform(0.002, 0.02) * (-1) ** k
        yield mu, log_var, float(beside)  # a little more, or less, than so many dimensions carry
    mu = np.array([[2.0, 4.0, -2.0, 2.0, 2.0], [-2.0, 4.0, 2.0, 2.0, -2.0]])
    yield mu, np.zeros((2, 5)), 0.5  # 8 of 16 nats: the share is reached, and not passed


def _needed(mu: Array, log_var: Array, share: float) -> Any:
    kl = (np.exp(log_var) + mu**2 - 1 - log_var) / 2
    nats = np.sort(kl.mean(axis=0))[::-1]
    reached = np.cumsum(nats)
    return (reached < share * nats.sum()).sum() + 1


def _kl(mu: Array, log_var: Array) -> Array:
    return np.asarray((np.exp(log_var) + mu**2 - 1 - log_var) / 2)


def _first(values: Array, share: float) -> Any:
    """Return how many values, in this order, it takes to reach a share of their sum."""
    return (np.cumsum(values) < share * values.sum()).sum() + 1


dimensions_needed = Exercise(
    "Dimensions needed",
    _needed,
    inputs=_posteriors,
    about="mu (N, d), log_var (N, d), share -> how many dimensions it takes to carry it.",
    praise="Mean and variance of z were 0 and 1 in most of them. Only the nats tell them apart.",
    mistakes=[
        Mistake(
            "You take the dimensions in the order in which they come. Nothing orders the "
            "dimensions of a VAE: sort them by their nats first.",
            lambda mu, lv, share: _first(_kl(mu, lv).mean(0), share),
        ),
        Mistake(
            "You begin with the smallest. To need few dimensions, take the largest first.",
            lambda mu, lv, share: _first(np.sort(_kl(mu, lv).mean(0)), share),
        ),
        Mistake(
            "One too few: these dimensions do not reach the share yet.",
            lambda mu, lv, share: _needed(mu, lv, share) - 1,
        ),
        Mistake(
            "You add up variances of mu. A sigma that falls from 0.1 to 0.01 hardly changes them, "
            "and doubles the nats.",
            lambda mu, lv, share: _first(np.sort(mu.var(0))[::-1], share),
        ),
        Mistake(
            "You put the averages of mu and log_var into the KL. Take the KL of each image first.",
            lambda mu, lv, share: _first(np.sort(_kl(mu.mean(0), lv.mean(0)))[::-1], share),
        ),
        Mistake(
            "That is the share of the number of dimensions, whatever they carry. Variances of z "
            "lead there as well: they are close to 1 in every dimension, used or not.",
            lambda mu, lv, share: math.ceil(share * mu.shape[1]),
        ),
        Mistake(
            "You compare nats with a share. A share of what?",
            lambda mu, lv, share: (np.cumsum(np.sort(_kl(mu, lv).mean(0))[::-1]) < share).sum() + 1,
        ),
        Mistake(
            "You count the dimensions that each carry the share by themselves. Add them up.",
            lambda mu, lv, share: (_kl(mu, lv).mean(0) >= share * _kl(mu, lv).mean(0).sum()).sum(),
        ),
        Mistake(
            "These are the nats of the dimensions. The exercise asks for a number of dimensions.",
            lambda mu, lv, share: _kl(mu, lv).mean(0),
        ),
        Mistake(
            "You average over the dimensions. The nats of a dimension are a mean over images.",
            lambda mu, lv, share: _first(np.sort(_kl(mu, lv).mean(1))[::-1], share),
        ),
    ],
)


# ---------------------------------------------------------------- a Gaussian of fitted variance


def _squares(rng: np.random.Generator) -> Iterator[tuple[Array, int]]:
    for n, pixels, low, high in (
        (5, 784, 10, 60),
        (4, 1024, 20, 90),
        (6, 16, 30, 90),
        (3, 9, 0.1, 4),
        (1, 50, 2, 3),
        (8, 3, 1e-4, 1e-3),
        (2, 2, 5, 900),
    ):
        yield rng.uniform(low, high, size=n), pixels


def _gaussian(S: Array, D: int) -> Any:
    variance = S.mean() / D
    error = S / (2 * variance)
    constant = D / 2 * np.log(2 * np.pi * variance)
    return (error + constant).mean()


def _with(variance: Any, S: Array, D: int) -> Any:
    """Return the nats by a variance that is given."""
    return np.mean(S / (2 * variance) + D / 2 * np.log(2 * np.pi * variance))


fitted_gaussian = Exercise(
    "A Gaussian of fitted variance",
    _gaussian,
    inputs=_squares,
    about="S (N,), squared error of each image over D pixels; D -> nats an image, best variance.",
    praise="Now the number is in nats, and two decoders may be compared by it.",
    also=[lambda S, D: D / 2 * (np.log(2 * np.pi * S.mean() / D) + 1)],
    tolerance=10,  # whoever searches for the variance finds it nearly
    mistakes=[
        Mistake(
            "The variance is 1/2 in your answer, the one that a weight of 1 stands for. It was "
            "never fitted.",
            lambda S, D: _with(0.5, S, D),
        ),
        Mistake("The variance is 1 in your answer. Fit it.", lambda S, D: _with(1.0, S, D)),
        Mistake(
            "You took the squared error of an image for the variance. It is a sum over D pixels; "
            "the variance belongs to one.",
            lambda S, D: _with(S.mean(), S, D),
        ),
        Mistake(
            "Each image has a variance of its own in your answer. Then the receiver must be told "
            "it, at a cost that is not counted. There is one variance for all.",
            lambda S, D: _with(S / D, S, D),
        ),
        Mistake(
            "You took the standard deviation for the variance: a root too many.",
            lambda S, D: _with(np.sqrt(S.mean() / D), S, D),
        ),
        Mistake(
            "The error term is missing. At the best variance it is no small number.",
            lambda S, D: D / 2 * np.log(2 * np.pi * S.mean() / D),
        ),
        Mistake(
            "The constant of the density is missing. At the best variance the other term does not "
            "depend on the model at all.",
            lambda S, D: D / 2,
        ),
        Mistake(
            "The factor 2 pi is missing under the logarithm.",
            lambda S, D: D / 2 * np.log(S.mean() / D) + D / 2,
        ),
        Mistake(
            "The constant belongs to one pixel. There are D of them.",
            lambda S, D: np.log(2 * np.pi * S.mean() / D) / 2 + D / 2,
        ),
        Mistake(
            "The constant has the wrong sign: a small variance must make it small.",
            lambda S, D: D / 2 - D / 2 * np.log(2 * np.pi * S.mean() / D),
        ),
        Mistake(
            "The constant is twice too large: the density has a root in it.",
            lambda S, D: D / 2 + D * np.log(2 * np.pi * S.mean() / D),
        ),
        Mistake(
            "These are bits. The exercise asks for nats.",
            lambda S, D: _gaussian(S, D) / math.log(2),
        ),
        Mistake(
            "You return the sum over the images. Average them.",
            lambda S, D: len(S) * _gaussian(S, D),
        ),
        Mistake(
            "You return the nats of a pixel, and the exercise asks for those of an image.",
            lambda S, D: _gaussian(S, D) / D,
        ),
        Mistake("This is the variance. Put it into the density.", lambda S, D: S.mean() / D),
    ],
)


# ---------------------------------------------------------------- a line in equal shares

_PHI = NormalDist()


def _pictures(rng: np.random.Generator) -> Iterator[tuple[int]]:
    yield from ((12,), (5,), (2,), (31,), (1,), (3,), (8,), (100,))


def _line(n: int) -> Array:
    shares = [(i + 0.5) / n for i in range(n)]
    return np.array([_PHI.inv_cdf(share) for share in shares])


def _quantiles(u: Array) -> Array:
    ends = {0.0: -math.inf, 1.0: math.inf}
    return np.array([ends[p] if p in ends else _PHI.inv_cdf(p) for p in u.tolist()])


def _middles(n: int) -> Array:
    return (np.arange(n) + 0.5) / n


even_line = Exercise(
    "A line in equal shares",
    _line,
    inputs=_pictures,
    about="n -> z of n pictures that stand for equal shares of the prior, (n,), smallest first.",
    praise="Each picture stands for 1/n of what the prior will draw.",
    tolerance=10,
    mistakes=[
        Mistake(
            "These are equal steps of z from -3 to 3. The outer ones stand for hardly any of the "
            "prior.",
            lambda n: np.linspace(-3, 3, n),
        ),
        Mistake(
            "These are the shares. The decoder wants z: go back through the distribution function.",
            _middles,
        ),
        Mistake(
            "You start at a share of 0 and end at 1. Those are minus and plus infinity.",
            lambda n: _quantiles(np.linspace(0, 1, n)),
        ),
        Mistake(
            "You take the left end of each share, and the first one is minus infinity.",
            lambda n: _quantiles(np.arange(n) / n),
        ),
        Mistake(
            "Your points cut the prior into more equal parts than there are pictures. Each picture "
            "should stand inside a part of its own.",
            lambda n: _quantiles(np.arange(1, n + 1) / (n + 1)),
        ),
        Mistake(
            "You went through the distribution function forwards, from steps of z to shares.",
            lambda n: np.array([_PHI.cdf(z) for z in np.linspace(-3, 3, n)]),
        ),
        Mistake(
            "That is the logit, which undoes the sigmoid. The prior is normal.",
            lambda n: np.log(_middles(n) / (1 - _middles(n))),
        ),
        Mistake(
            "From right to left: the first z should be the smallest.",
            lambda n: _line(n)[::-1],
        ),
    ],
)
