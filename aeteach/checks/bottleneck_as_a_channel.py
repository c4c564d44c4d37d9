"""The exercises of *The bottleneck as a channel*."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]

# ---------------------------------------------------------------- decibels


def _levels(rng: np.random.Generator) -> Iterator[tuple[float]]:
    for db in (13.0, 20.0, 3.0, 0.5, 0.0, -7.0, 10.0, -20.0, 37.5, 1e-3):
        yield (db,)


decibels = Exercise(
    "Decibels",
    lambda db: 10 ** (db / 10),
    inputs=_levels,
    about="db -> the ratio of two powers.",
    praise="3 dB are twice the power, nearly; 10 dB are ten times; 0 dB are as much as the noise.",
    mistakes=[
        Mistake(
            "This is the ratio of two amplitudes. A power is the square of an amplitude, so "
            "decibels of powers go with another number.",
            lambda db: 10 ** (db / 20),
        ),
        Mistake(
            "You have the base e. Decibels belong to another logarithm.",
            lambda db: math.exp(db / 10),
        ),
        Mistake(
            "You have the base 2. Decibels belong to another logarithm.",
            lambda db: 2 ** (db / 10),
        ),
        Mistake("The division is missing: a decibel is a tenth of a bel.", lambda db: 10**db),
        Mistake(
            "The sign is wrong: more decibels are a larger ratio, and 20 dB are above 1.",
            lambda db: 10 ** (-db / 10),
        ),
        Mistake(
            "You went the other way, from a ratio to decibels. Look at -7 dB: -7 has no logarithm, "
            "but -7 dB are a ratio.",
            lambda db: 10 * np.log10(db),
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
            "You squared to get from amplitudes to powers, but these are powers already.",
            lambda db: 10 ** (db / 5),
        ),
    ],
)

# ---------------------------------------------------------------- noise for a stated ratio


def _codes(rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """Yield codes whose dimensions have different means and variances."""
    for n, d, db in (
        *((7, 3, 10.5), (12, 2, 4.0), (9, 5, -6.0), (20, 4, 23.0), (5, 5, 13.0), (6, 2, 3.0)),
        *((300, 3, 17.0), (4, 6, 0.0)),
    ):
        yield rng.normal(rng.normal(0, 2, d) + 1.5, rng.uniform(0.5, 3, d), size=(n, d)), db
    yield 1e3 * rng.normal(size=(8, 2)), 30.0
    yield 1e-3 * rng.normal(size=(8, 2)), 30.0


def _noise(z: Array, db: float) -> Any:
    power = z.var(axis=0).mean()
    return power / 10 ** (db / 10)


noise_for_snr = Exercise(
    "Noise for a stated ratio",
    _noise,
    inputs=_codes,
    also=[lambda z, db: z.var(axis=0, ddof=1).mean() / 10 ** (db / 10)],
    about="z (N, d), db -> the variance of the noise, one number.",
    praise="Power over ratio; multiply all codes by 10, and the noise follows.",
    mistakes=[
        Mistake(
            "You divide by the decibels. First make a ratio of them; with 0 dB signal and noise "
            "have the same power, and you would divide by 0.",
            lambda z, db: z.var(0).mean() / np.float64(db),
        ),
        Mistake(
            "You turn decibels into a ratio of amplitudes. Variances are powers.",
            lambda z, db: z.var(0).mean() / 10 ** (db / 20),
        ),
        Mistake(
            "This is the standard deviation of the noise; the exercise asks for its variance.",
            lambda z, db: np.sqrt(_noise(z, db)),
        ),
        Mistake(
            "You multiply by the ratio. More decibels mean less noise.",
            lambda z, db: z.var(0).mean() * 10 ** (db / 10),
        ),
        Mistake(
            "You took the mean square of z. The mean of z carries nothing; the power is the "
            "variance around it.",
            lambda z, db: (z**2).mean() / 10 ** (db / 10),
        ),
        Mistake(
            "You took one variance of all numbers of the batch together. It also counts how far "
            "the means of the dimensions lie apart; take each dimension's own variance first.",
            lambda z, db: z.var() / 10 ** (db / 10),
        ),
        Mistake(
            "You took the variance along the wrong axis: over the d numbers of one code. A signal "
            "is what differs from datum to datum.",
            lambda z, db: z.var(1).mean() / 10 ** (db / 10),
        ),
        Mistake(
            "You summed the variances of the dimensions. The noise is added to each of them, so "
            "take their mean.",
            lambda z, db: z.var(0).sum() / 10 ** (db / 10),
        ),
        *(
            Mistake(
                "You took standard deviations of the signal, where variances belong.",
                lambda z, db, ddof=ddof: z.std(0, ddof=ddof).mean() / 10 ** (db / 10),
            )
            for ddof in (0, 1)
        ),
        Mistake(
            "These are the noise variances of each dimension. The channel has one for all: take "
            "the mean of the variances.",
            lambda z, db: z.var(0) / 10 ** (db / 10),
        ),
    ],
)

# ---------------------------------------------------------------- the information rate


def _signals(rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    for d, v in ((3, 1.7), (2, 0.1), (4, 3.0), (1, 0.5), (7, 1.0), (5, 20.0)):
        yield rng.uniform(0.02, 9, size=d), v
    yield np.array([0.0, 2.0, 0.0]), 0.4
    yield np.array([1e6, 1e-4]), 1e-2


def _rate(var_z: Array, var_noise: float) -> Any:
    return (0.5 * np.log2(1 + var_z / var_noise)).sum()


information_rate = Exercise(
    "Information rate",
    _rate,
    inputs=_signals,
    also=[lambda var_z, v: 0.5 * (np.log2(v + var_z) - np.log2(v)).sum()],
    about="var_z (d,), var_noise -> bits of independent latent numbers.",
    praise="Right for independent normal codes, and never too small for others of this power.",
    mistakes=[
        Mistake(
            "The factor in front is missing. Where did the root in a normal density go?",
            lambda s, v: np.log2(1 + s / v).sum(),
        ),
        Mistake(
            "These are nats. Bits have another logarithm.",
            lambda s, v: 0.5 * np.log1p(s / v).sum(),
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
            "A term is missing: what arrives has the variance of signal and noise together. As it "
            "is, a weak signal would carry less than nothing.",
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
)

# ---------------------------------------------------------------- correlated codes


def _correlated_codes(rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """Yield correlated codes, off centre."""
    for n, d, v in (
        (20, 2, 0.1),
        (30, 3, 0.5),
        (15, 4, 2.0),
        (9, 3, 1.3),
        (6, 6, 0.7),
        (80, 2, 5.0),
    ):
        yield 1 + rng.normal(size=(n, d)) @ (rng.normal(size=(d, d)) + np.eye(d)), v
    x = rng.normal(size=(12, 1))
    yield np.hstack([x, x + 1e-3 * rng.normal(size=(12, 1))]), 0.2  # two say nearly the same


def _correlated(z: Array, v: float) -> Any:
    centred = z - z.mean(axis=0)
    covariance = centred.T @ centred / len(z)
    return 0.5 * np.log2(np.linalg.det(np.eye(z.shape[1]) + covariance / v))


def _bits(matrix: Array) -> Any:
    return 0.5 * np.linalg.slogdet(matrix)[1] / np.log(2)


def _noisy(covariance: Array, v: float) -> Any:
    return np.eye(len(covariance)) + covariance / v


_CORRELATED_WRONG: list[tuple[str, Callable[[Array, float, Array], Any]]] = [
    (
        "You added up the rates of the single dimensions. What two of them say together is "
        "then counted twice: use the covariance matrix.",
        lambda z, v, C: _rate(np.diag(C), v),
    ),
    ("These are nats. A bit is log 2 of a nat.", lambda z, v, C: _bits(_noisy(C, v)) * np.log(2)),
    ("The factor in front is missing.", lambda z, v, C: 2 * _bits(_noisy(C, v))),
    (
        "You took correlations. Without the variances nothing says how strong the signal is.",
        lambda z, v, C: _bits(_noisy(np.corrcoef(z.T), v)),
    ),
    (
        "The identity is missing: this compares the signal with the noise, not signal and "
        "noise together with the noise.",
        lambda z, v, C: _bits(C / v),
    ),
    (
        "You divided the determinant by v. The matrix is to be divided, each of its entries.",
        lambda z, v, C: 0.5 * np.log2(1 + np.linalg.det(C) / v),
    ),
    (
        "You used products of the codes without centring: the mean carries nothing.",
        lambda z, v, C: _bits(_noisy(z.T @ z / len(z), v)),
    ),
    (
        "You divided by the root of v. The noise's variance belongs below a covariance.",
        lambda z, v, C: _bits(_noisy(C, v**0.5)),
    ),
]

correlated_rate = Exercise(
    "Correlated codes",
    _correlated,
    inputs=_correlated_codes,
    also=[lambda z, v: 0.5 * np.log2(np.linalg.det(np.eye(z.shape[1]) + np.cov(z.T) / v))],
    about="z (N, d), v -> bits of normal codes with the covariance of z.",
    praise="Along the principal axes the noise is the same and the numbers are uncorrelated.",
    mistakes=[
        Mistake(hint, lambda z, v, wrong=wrong, ddof=ddof: wrong(z, v, np.cov(z.T, ddof=ddof)))
        for hint, wrong in _CORRELATED_WRONG
        for ddof in (0, 1)  # either divisor of the covariance is right
    ],
)
