r"""Checkers for the exercises of *Choosing the latent*."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["dimensions_needed", "encoder_parameters", "even_line", "fitted_gaussian"]

Array = NDArray[Any]


def encoder_parameters(answer: Callable[..., Any]) -> Verdict:
    """Check a function (filters, side, features, latent) -> parameters of a Keras-like encoder."""
    return _PARAMETERS.check(answer)


def dimensions_needed(answer: Callable[..., Any]) -> Verdict:
    """Check a function (mu (N, d), log_var (N, d), share) -> how many dimensions carry it."""
    return _NEEDED.check(answer)


def fitted_gaussian(answer: Callable[..., Any]) -> Verdict:
    """Check a function (S (N,), D) -> nats an image by the Gaussian of the best variance."""
    return _GAUSSIAN.check(answer)


def even_line(answer: Callable[..., Any]) -> Verdict:
    """Check a function n -> z of n pictures with equal shares of the prior, (n,)."""
    return _LINE.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


# ---------------------------------------------------------------- parameters of the encoder


def _count(
    *,
    conv: Callable[[int, int, int], int] = lambda inputs, out, side: (9 * inputs + 1) * out,
    halve: Callable[[int], int] = lambda side: (side + 1) // 2,
    flat: Callable[[int, int], int] = lambda channels, side: channels * side**2,
    dense: Callable[[int, int], int] = lambda inputs, out: (inputs + 1) * out,
    heads: Callable[[int, int, int], int] = lambda features, d, flat: 2 * (features + 1) * d,
) -> Callable[..., int]:
    """Return a count that is right, but for the parts that are given."""

    def count(filters: Sequence[int], side: int, features: int, latent: int) -> int:
        total, inputs = 0, 1
        for out in filters:
            side = halve(side)
            total += conv(inputs, out, side)
            inputs = out
        numbers = flat(inputs, side)
        return total + dense(numbers, features) + heads(features, latent, numbers)

    return count


_PARAMETERS = Exercise(
    name="Parameters of the encoder",
    right=_count(),
    inputs=(
        ((32, 64), 28, 16, 2),
        ((32, 64, 128), 28, 16, 2),
        ((8, 12, 20), 30, 5, 3),
        ((4, 6, 10, 12), 26, 7, 1),
    ),
    mistakes=(
        Mistake(
            "An odd side is halved downwards. A kernel of 3 with stride 2 and a padding of 1 "
            "stands on 4 of 7 pixels: 1, 3, 5 and 7.",
            _count(halve=lambda side: side // 2),
        ),
        Mistake(
            "The biases are missing: one for each output of each layer.",
            _count(
                conv=lambda inputs, out, side: 9 * inputs * out,
                dense=lambda inputs, out: inputs * out,
                heads=lambda features, d, flat: 2 * features * d,
            ),
        ),
        Mistake(
            "The convolutions have no bias in your count. They have one for each filter.",
            _count(conv=lambda inputs, out, side: 9 * inputs * out),
        ),
        Mistake(
            "A filter reaches through all channels of its input. You count 9 weights for each, "
            "whatever the input has.",
            _count(conv=lambda inputs, out, side: 10 * out),
        ),
        Mistake(
            "You count 3 weights for each channel that a filter sees. Its window is 3 pixels wide "
            "and 3 high.",
            _count(conv=lambda inputs, out, side: (3 * inputs + 1) * out),
        ),
        Mistake(
            "You count the weights of a convolution once for each place. They are shared: the same "
            "ones are used everywhere.",
            _count(conv=lambda inputs, out, side: (9 * inputs + 1) * out * side**2),
        ),
        Mistake(
            "The dense layer sees every number of the last feature maps, not one for each channel.",
            _count(flat=lambda channels, side: channels),
        ),
        Mistake(
            "The dense layer sees a map of side times side for each channel: you have side once.",
            _count(flat=lambda channels, side: channels * side),
        ),
        Mistake(
            "Every convolution halves the side. Your dense layer sees maps as large as the image.",
            _count(halve=lambda side: side),
        ),
        Mistake(
            "There is one head in your count. A VAE has two, for mu and for log_var.",
            _count(heads=lambda features, d, flat: (features + 1) * d),
        ),
        Mistake("The two heads are missing.", _count(heads=lambda features, d, flat: 0)),
        Mistake(
            "Your heads stand on the feature maps. They stand on the few features of the dense "
            "layer.",
            _count(heads=lambda features, d, flat: 2 * (flat + 1) * d),
        ),
    ),
    praise="With filters (32, 64) it is the 69,076 of the example, with a third layer 125,524.",
)

# ---------------------------------------------------------------- dimensions needed


def _kl(mu: Array, log_var: Array) -> Array:
    return np.asarray((np.exp(log_var) + mu**2 - 1 - log_var) / 2)


def _nats(mu: Array, log_var: Array) -> Array:
    return np.asarray(_kl(mu, log_var).mean(0))


def _first(values: Array, share: float) -> int:
    """Return how many values, in this order, it takes to reach a share of their sum."""
    return int((np.cumsum(values) < share * values.sum()).sum()) + 1


def _needed(mu: Array, log_var: Array, share: float) -> int:
    return _first(np.sort(_nats(mu, log_var))[::-1], share)


def _posterior(seed: int, n: int, share: float) -> tuple[Array, Array, float]:
    """Return eight dimensions of z with mean 0 and variance 1 each; only their nats differ."""
    rng = np.random.default_rng(seed)
    variances = np.array([0.01, 0.03, 0.1, 0.3, 0.6, 0.85, 0.97, 1.0])  # of q, on average
    sigma2 = variances * np.exp(rng.normal(0, 0.1, size=(n, 8)))
    mu = rng.normal(size=(n, 8))
    mu = (mu - mu.mean(0)) / mu.std(0) * np.sqrt(np.clip(1 - sigma2.mean(0), 0, None))
    order = rng.permutation(8)
    return mu[:, order], np.log(sigma2)[:, order], share


_NEEDED = Exercise(
    name="Dimensions needed",
    right=_needed,
    inputs=(
        _posterior(0, 40, 0.9),
        _posterior(1, 30, 0.5),
        _posterior(2, 60, 0.99),
        _posterior(3, 50, 0.75),
        _posterior(4, 50, 0.6),
    ),
    mistakes=(
        Mistake(
            "You take the dimensions in the order in which they come. Nothing orders the "
            "dimensions of a VAE: sort them by their nats first, the largest before the others.",
            lambda mu, lv, share: _first(_nats(mu, lv), share),
        ),
        Mistake(
            "You begin with the smallest. To need few dimensions, take the largest first.",
            lambda mu, lv, share: _first(np.sort(_nats(mu, lv)), share),
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
            "You put the averages of mu and log_var into the KL. Average mu is 0 for every "
            "dimension here. Take the KL of each image first.",
            lambda mu, lv, share: _first(np.sort(_kl(mu.mean(0), lv.mean(0)))[::-1], share),
        ),
        Mistake(
            "That is the share of the number of dimensions, whatever they carry. Variances of z "
            "lead there as well: they are close to 1 in every dimension, used or not.",
            lambda mu, lv, share: math.ceil(share * mu.shape[1]),
        ),
        Mistake(
            "You compare nats with a share. Multiply the share by all nats together.",
            lambda mu, lv, share: int((np.cumsum(np.sort(_nats(mu, lv))[::-1]) < share).sum()) + 1,
        ),
        Mistake(
            "You count the dimensions that each carry the share by themselves. Add them up.",
            lambda mu, lv, share: int((_nats(mu, lv) >= share * _nats(mu, lv).sum()).sum()),
        ),
        Mistake(
            "These are the nats of the dimensions. The exercise asks for a number of dimensions.",
            lambda mu, lv, share: _nats(mu, lv),
        ),
        Mistake(
            "You average over the dimensions. The nats of a dimension are a mean over images.",
            lambda mu, lv, share: _first(np.sort(_kl(mu, lv).mean(1))[::-1], share),
        ),
    ),
    praise="Mean and variance of z were 0 and 1 in all eight. Only the nats tell them apart.",
)

# ---------------------------------------------------------------- a Gaussian of fitted variance


def _gaussian(
    variance: Callable[[Array, int], Any] = lambda S, D: S.mean() / D,
    *,
    constant: Callable[[Any, int], Any] = lambda c, D: D / 2 * np.log(2 * np.pi * c),
    error: Callable[[Array, Any], Any] = lambda S, c: S / (2 * c),
) -> Callable[[Array, int], float]:
    """Return the mean over images of S / (2 c) + D / 2 log(2 pi c), but for the parts given."""

    def nats(S: Array, D: int) -> float:
        c = variance(S, D)
        return float(np.mean(error(S, c) + constant(c, D)))

    return nats


def _errors(seed: int, n: int, D: int, low: float, high: float) -> tuple[Array, int]:
    return np.random.default_rng(seed).uniform(low, high, size=n), D


_GAUSSIAN = Exercise(
    name="A Gaussian of fitted variance",
    right=_gaussian(),
    inputs=(_errors(0, 5, 784, 10, 60), _errors(1, 4, 1024, 20, 90), _errors(2, 6, 16, 30, 90)),
    mistakes=(
        Mistake(
            "The variance is 1/2 in your answer, the one that a weight of 1 stands for. It was "
            "never fitted.",
            _gaussian(lambda S, D: 0.5),
        ),
        Mistake("The variance is 1 in your answer. Fit it.", _gaussian(lambda S, D: 1.0)),
        Mistake(
            "You took the squared error of an image for the variance. It is a sum over D pixels; "
            "the variance belongs to one.",
            _gaussian(lambda S, D: S.mean()),
        ),
        Mistake(
            "Each image has a variance of its own in your answer. Then the receiver must be told "
            "it, at a cost that is not counted. There is one variance for all.",
            _gaussian(lambda S, D: S / D),
        ),
        Mistake(
            "You took the standard deviation for the variance: a root too many.",
            _gaussian(lambda S, D: np.sqrt(S.mean() / D)),
        ),
        Mistake(
            "S / (2 c) is missing. At the best variance it is no small number.",
            _gaussian(error=lambda S, c: 0.0),
        ),
        Mistake(
            "The constant of the density is missing. At the best variance the other term does not "
            "depend on the model at all.",
            _gaussian(constant=lambda c, D: 0.0),
        ),
        Mistake(
            "The factor 2 pi is missing under the logarithm.",
            _gaussian(constant=lambda c, D: D / 2 * np.log(c)),
        ),
        Mistake(
            "The constant belongs to one pixel. There are D of them.",
            _gaussian(constant=lambda c, D: np.log(2 * np.pi * c) / 2),
        ),
        Mistake(
            "The constant has the wrong sign: a small variance must make it small.",
            _gaussian(constant=lambda c, D: -D / 2 * np.log(2 * np.pi * c)),
        ),
        Mistake(
            "The constant is twice too large: the density has a root in it.",
            _gaussian(constant=lambda c, D: D * np.log(2 * np.pi * c)),
        ),
        Mistake(
            "These are bits. The exercise asks for nats.",
            lambda S, D: _gaussian()(S, D) / math.log(2),
        ),
        Mistake(
            "You return the sum over the images. Average them.",
            lambda S, D: len(S) * _gaussian()(S, D),
        ),
        Mistake(
            "You return the nats of a pixel. Those of an image are D times as many.",
            lambda S, D: _gaussian()(S, D) / D,
        ),
        Mistake(
            "This is the variance. Put it into the density.",
            lambda S, D: S.mean() / D,
        ),
    ),
    praise="Now the number is in nats, and two decoders may be compared by it.",
    same=_close,
)

# ---------------------------------------------------------------- a line in equal shares

_PHI = NormalDist()


def _quantiles(u: Array) -> Array:
    ends = {0.0: -math.inf, 1.0: math.inf}
    return np.array([ends[p] if p in ends else _PHI.inv_cdf(p) for p in u.tolist()])


def _middles(n: int) -> Array:
    return (np.arange(n) + 0.5) / n


_LINE = Exercise(
    name="A line in equal shares",
    right=lambda n: _quantiles(_middles(n)),
    inputs=((12,), (5,), (2,), (31,)),
    mistakes=(
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
            "You take the left end of each share, and the first one is minus infinity. Take the "
            "middle.",
            lambda n: _quantiles(np.arange(n) / n),
        ),
        Mistake(
            "Your points cut the prior into n + 1 equal parts, one more than there are pictures. "
            "Each picture should stand in the middle of a part of its own.",
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
            lambda n: _quantiles(_middles(n))[::-1],
        ),
    ),
    praise="Each picture stands for 1/n of what the prior will draw.",
    same=_close,
)
