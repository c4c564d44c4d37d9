r"""Checkers for the exercises of *The bottleneck as a channel*."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = [
    "correlated_rate",
    "decibels",
    "information_rate",
    "noise_for_snr",
]

Array = NDArray[Any]


def decibels(answer: Any) -> Verdict:
    """Check a function (db) -> ratio of two powers."""
    return _DECIBELS.check(answer)


def noise_for_snr(answer: Any) -> Verdict:
    """Check a function (z (N, d), db) -> variance of the noise, one number."""
    return _NOISE.check(answer)


def information_rate(answer: Any) -> Verdict:
    """Check a function (var_z (d,), var_noise) -> bits of independent latent numbers."""
    return _RATE.check(answer)


def correlated_rate(answer: Any) -> Verdict:
    """Check a function (z (N, d), v) -> bits of normal codes with the covariance of z."""
    return _CORRELATED.check(answer)


# ---------------------------------------------------------------- decibels


def _ratio(db: float) -> float:
    return float(10 ** (db / 10))


_DECIBELS = Exercise(
    name="Decibels",
    right=_ratio,
    inputs=[(20.0,), (3.0,), (13.0,), (0.5,)],
    mistakes=[
        Mistake(
            "This is the ratio of two amplitudes. A power is the square of an amplitude, so "
            "decibels of powers go with 10, not 20.",
            lambda db: 10 ** (db / 20),
        ),
        Mistake(
            "You have the base e. Decibels are a logarithm to base 10.",
            lambda db: math.exp(db / 10),
        ),
        Mistake(
            "You have the base 2. Decibels are a logarithm to base 10.",
            lambda db: 2 ** (db / 10),
        ),
        Mistake(
            "The division is missing: a decibel is a tenth of a bel.",
            lambda db: 10**db,
        ),
        Mistake(
            "The sign is wrong: more decibels are a larger ratio, and 20 dB are above 1.",
            lambda db: 10 ** (-db / 10),
        ),
        Mistake(
            "You went the other way, from a ratio to decibels. Look at -7 dB: -7 has no logarithm, "
            "but -7 dB are a ratio.",
            lambda db: 10 * math.log10(db),
        ),
        Mistake(
            "You divided only. Ten decibels more multiply the ratio; they do not add to it.",
            lambda db: db / 10,
        ),
        Mistake(
            "You squared 10 to get from amplitudes to powers, but these are powers already.",
            lambda db: 10 ** (db / 5),
        ),
    ],
    praise="3 dB are twice the power, nearly; 10 dB are ten times; 0 dB are as much as the noise.",
)


# ---------------------------------------------------------------- noise for a stated ratio


def _power(z: Array) -> float:
    return float(z.var(0).mean())


def _noise(z: Array, db: float) -> float:
    return _power(z) / _ratio(db)


def _codes(seed: int, d: int, db: float) -> tuple[Array, float]:
    """Return codes whose dimensions have different means and variances."""
    rng = np.random.default_rng(seed)
    return rng.normal(rng.normal(0, 2, d) + 1.5, rng.uniform(0.5, 3, d), size=(600, d)), db


def _to_a_percent(got: Any, want: Any) -> bool:
    """Accept a variance divided by N as well as by N - 1."""
    return agree(got, want, 1e-2)


_NOISE = Exercise(
    name="Noise for a stated ratio",
    right=_noise,
    inputs=[_codes(0, 3, 10.5), _codes(1, 2, 4.0), _codes(2, 5, -6.0), _codes(3, 4, 23.0)],
    mistakes=[
        Mistake(
            "You divide by the decibels. First make a ratio of them; with 0 dB signal and noise "
            "have the same power, and you would divide by 0.",
            lambda z, db: _power(z) / db,
        ),
        Mistake(
            "You turn decibels into a ratio of amplitudes. Variances are powers.",
            lambda z, db: _power(z) / 10 ** (db / 20),
        ),
        Mistake(
            "This is the standard deviation of the noise; the exercise asks for its variance.",
            lambda z, db: math.sqrt(_noise(z, db)),
        ),
        Mistake(
            "You multiply by the ratio. More decibels mean less noise.",
            lambda z, db: _power(z) * _ratio(db),
        ),
        Mistake(
            "You took the mean square of z. The mean of z carries nothing; the power is the "
            "variance around it.",
            lambda z, db: (z**2).mean() / _ratio(db),
        ),
        Mistake(
            "You took one variance of all numbers of the batch together. It also counts how far "
            "the means of the dimensions lie apart; take each dimension's own variance first.",
            lambda z, db: z.var() / _ratio(db),
        ),
        Mistake(
            "You took the variance along the wrong axis: over the d numbers of one code. A signal "
            "is what differs from datum to datum.",
            lambda z, db: z.var(1).mean() / _ratio(db),
        ),
        Mistake(
            "You summed the variances of the dimensions. The noise is added to each of them, so "
            "take their mean.",
            lambda z, db: z.var(0).sum() / _ratio(db),
        ),
        Mistake(
            "You took standard deviations of the signal, where variances belong.",
            lambda z, db: z.std(0).mean() / _ratio(db),
        ),
        Mistake(
            "These are the noise variances of each dimension. The channel has one for all: take "
            "the mean of the variances.",
            lambda z, db: z.var(0) / _ratio(db),
        ),
    ],
    praise="Power over ratio; multiply all codes by 10, and the noise follows.",
    same=_to_a_percent,
)


# ---------------------------------------------------------------- the information rate


def _rate(var_z: Array, var_noise: float) -> float:
    return float(0.5 * np.log2(1 + var_z / var_noise).sum())


_RATE = Exercise(
    name="Information rate",
    right=_rate,
    inputs=[
        (np.array([3.0, 15.0, 0.4]), 1.0),
        (np.array([0.7, 2.0]), 0.1),
        (np.array([5.0, 0.02, 1.3, 9.0]), 3.0),
    ],
    mistakes=[
        Mistake(
            "The factor in front is missing. Where did the root in a normal density go?",
            lambda s, v: np.log2(1 + s / v).sum(),
        ),
        Mistake(
            "These are nats. Take the logarithm to base 2 for bits.",
            lambda s, v: 0.5 * np.log1p(s / v).sum(),
        ),
        Mistake(
            "The logarithm has base 10. Take base 2 for bits.",
            lambda s, v: 0.5 * np.log10(1 + s / v).sum(),
        ),
        Mistake(
            "You took the root of the ratio: standard deviations, where variances belong.",
            lambda s, v: 0.5 * np.log2(1 + np.sqrt(s / v)).sum(),
        ),
        Mistake(
            "You squared the ratio, as if the arguments were standard deviations. They are "
            "variances already.",
            lambda s, v: 0.5 * np.log2(1 + (s / v) ** 2).sum(),
        ),
        Mistake(
            "The 1 is missing. What arrives has the variance of signal and noise together; without "
            "the 1 a weak signal would carry less than nothing.",
            lambda s, v: 0.5 * np.log2(s / v).sum(),
        ),
        Mistake(
            "You added the variances first. Each number has a noise of its own, so take the "
            "logarithm first, then the sum.",
            lambda s, v: 0.5 * np.log2(1 + s.sum() / v),
        ),
        Mistake(
            "You multiplied the rates of the dimensions. Bits of independent numbers add up.",
            lambda s, v: (0.5 * np.log2(1 + s / v)).prod(),
        ),
        Mistake(
            "Mean in place of sum: every latent number carries its own bits.",
            lambda s, v: 0.5 * np.log2(1 + s / v).mean(),
        ),
        Mistake(
            "Noise over signal: with more noise your rate grows.",
            lambda s, v: 0.5 * np.log2(1 + v / s).sum(),
        ),
        Mistake(
            "These are the rates of the dimensions. Sum them.",
            lambda s, v: 0.5 * np.log2(1 + s / v),
        ),
    ],
    praise="Right for independent normal codes, and never too small for others of this power.",
)


# ---------------------------------------------------------------- correlated codes


def _covariance(z: Array) -> Array:
    d = z.shape[1]
    return np.cov(z.T, bias=True).reshape(d, d)


def _bits(matrix: Array) -> float:
    return float(0.5 * np.linalg.slogdet(matrix)[1] / math.log(2))


def _correlated(z: Array, v: float) -> float:
    return _bits(np.eye(z.shape[1]) + _covariance(z) / v)


def _mixed(seed: int, d: int, v: float) -> tuple[Array, float]:
    """Return correlated codes, off centre."""
    rng = np.random.default_rng(seed)
    return 1 + rng.normal(size=(500, d)) @ (rng.normal(size=(d, d)) + np.eye(d)), v


_CORRELATED = Exercise(
    name="Correlated codes",
    right=_correlated,
    inputs=[_mixed(0, 2, 0.1), _mixed(1, 3, 0.5), _mixed(2, 4, 2.0)],
    mistakes=[
        Mistake(
            "You added up the rates of the single dimensions. What two of them say together is "
            "then counted twice: use the covariance matrix.",
            lambda z, v: _rate(z.var(0), v),
        ),
        Mistake(
            "These are nats. Divide by the logarithm of 2 for bits.",
            lambda z, v: _correlated(z, v) * math.log(2),
        ),
        Mistake(
            "The factor in front is missing.",
            lambda z, v: 2 * _correlated(z, v),
        ),
        Mistake(
            "You took correlations. Without the variances nothing says how strong the signal is.",
            lambda z, v: _bits(np.eye(z.shape[1]) + np.corrcoef(z.T) / v),
        ),
        Mistake(
            "The identity is missing: this compares the signal with the noise, not signal and "
            "noise together with the noise.",
            lambda z, v: _bits(_covariance(z) / v),
        ),
        Mistake(
            "You divided the determinant by v. The matrix is to be divided, each of its entries.",
            lambda z, v: 0.5 * np.log2(1 + np.linalg.det(_covariance(z)) / v),
        ),
        Mistake(
            "You used products of the codes without centring: the mean carries nothing.",
            lambda z, v: _bits(np.eye(z.shape[1]) + z.T @ z / len(z) / v),
        ),
        Mistake(
            "You divided by the root of v. The noise's variance belongs below a covariance.",
            lambda z, v: _bits(np.eye(z.shape[1]) + _covariance(z) / math.sqrt(v)),
        ),
    ],
    praise="Along the principal axes the noise is the same and the numbers are uncorrelated.",
    same=_to_a_percent,
)
