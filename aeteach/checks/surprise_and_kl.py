"""The exercises of *Surprise and KL*.

A discrete KL is checked in two rounds: first where nothing is zero, for the formula, then where
something is, for the zeros; so either mistake is named beside the other.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._agree import agree
from aeteach.checks._exercise import Exercise, Judged, Mistake, Quantity, Rounds

Array = NDArray[Any]


def _distributions(rng: np.random.Generator, *shape: int) -> Array:
    """Return distributions over the last axis, every probability above 0."""
    counts = rng.uniform(0.2, 2.0, size=shape)
    return np.asarray(counts / counts.sum(-1, keepdims=True))


# ---------------------------------------------------------------- surprise


def _probabilities(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    yield (np.array([0.5, 0.25, 0.1]),)
    yield (np.array([1.0, 0.003]),)
    for shape in ((2, 3), (4,), (3, 3), (1, 5), (7,), (2, 2, 2)):
        yield (_distributions(rng, *shape),)
    yield (np.array([1.0]),)
    yield (np.array([1e-12, 1 - 1e-6]),)


surprise_in_bits = Exercise(
    "Surprise in bits",
    lambda p: -np.log2(p),
    inputs=_probabilities,
    also=[lambda p: np.log(1 / p) / np.log(2)],
    about="p, an array of probabilities -> the surprise of each, in bits.",
    praise="Zero for what is certain, one bit for a coin, and independent events add up.",
    rows=(0,),
    mistakes=[
        Mistake(
            "The unit is nats: this is the natural logarithm. In bits, a fair coin's head must "
            "come out as 1.",
            lambda p: -np.log(p),
        ),
        Mistake(
            "This is the logarithm to base 10. Its unit is the decimal digit; in bits, a fair "
            "coin's head must come out as 1.",
            lambda p: -np.log10(p),
        ),
        Mistake(
            "The sign is missing: a logarithm of a probability is never positive, a surprise is "
            "never negative.",
            lambda p: np.log2(p),
        ),
        Mistake(
            "The sign is missing, and the unit is nats: this is the natural logarithm of p.",
            lambda p: np.log(p),
        ),
        Mistake(
            "Each surprise is multiplied by its probability. That is what an outcome adds to the "
            "entropy; the surprise itself is the logarithm alone.",
            lambda p: -p * np.log2(p),
        ),
        Mistake(
            "1/p grows when p falls, as it should, but a certain event has 1 and not 0, and two "
            "independent events multiply. Something must turn products into sums.",
            lambda p: 1 / p,
        ),
        Mistake(
            "1 - p is 0 for a certain event, as it should be, but two independent events do not "
            "add up: 1 - 1/4 is not twice 1 - 1/2.",
            lambda p: 1 - p,
        ),
    ],
)

# ---------------------------------------------------------------- KL of discrete distributions


def _pairs(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    yield np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.1, 0.5])
    for shape in ((4, 3), (3, 5), (3, 3), (1, 4), (6,), (2, 2), (5, 2)):
        yield _distributions(rng, *shape), _distributions(rng, *shape)
    rare = np.array([[1e-6, 1 - 1e-6], [0.5, 0.5]])
    yield rare, rare[::-1].copy()
    same = _distributions(rng, 3, 4)
    yield same, same.copy()


def _kl(p: Array, q: Array) -> Any:
    return (p * np.log(p / q)).sum(axis=-1)


_formula = Exercise(
    "KL by hand",
    _kl,
    inputs=_pairs,
    also=[
        lambda p, q: (p * (np.log(p) - np.log(q))).sum(axis=-1),
        lambda p, q: -(p * np.log(q)).sum(axis=-1) + (p * np.log(p)).sum(axis=-1),
    ],
    about="the formula, where no probability is 0",
    praise="",
    rows=(0, 1),
    tolerance=10,  # forgives a small number inside the logarithm: it is told at the zeros
    mistakes=[
        Mistake(
            "The two entropies are swapped: this is H(P) - H(P, Q), which is never positive. "
            "Believing Q cannot make the truth less surprising on average than knowing P.",
            lambda p, q: -_kl(p, q),
        ),
        Mistake(
            "P and Q are swapped: this is KL(Q || P). The average must be taken over what really "
            "happens, the first of the two.",
            lambda p, q: _kl(q, p),
        ),
        Mistake(
            "The unit is bits: the logarithm has base 2. The exercise asks for nats.",
            lambda p, q: _kl(p, q) / math.log(2),
        ),
        Mistake(
            "This is a mean over the outcomes in place of a sum. The weights p already make an "
            "average; dividing by the number of outcomes divides twice.",
            lambda p, q: (p * np.log(p / q)).mean(-1),
        ),
        Mistake(
            "The sum runs over the wrong axis: it adds different distributions, outcome by "
            "outcome. The outcomes lie on the last axis.",
            lambda p, q: (p * np.log(p / q)).sum(0),
        ),
        Mistake(
            "The sum runs over everything. Each row is a distribution of its own and needs a "
            "number of its own.",
            lambda p, q: (p * np.log(p / q)).sum(),
        ),
        Mistake(
            "The divergences of the rows are averaged. Return one number for each row.",
            lambda p, q: _kl(p, q).mean(),
        ),
        Mistake(
            "The sum is missing: these are the terms, one for each outcome, and some are negative.",
            lambda p, q: p * np.log(p / q),
        ),
        Mistake(
            "This is the cross-entropy H(P, Q). It is not 0 when Q = P: what you could not have "
            "avoided has still to be taken off.",
            lambda p, q: -(p * np.log(q)).sum(-1),
        ),
        Mistake(
            "This is the difference of two entropies, H(Q) - H(P), each averaged over its own "
            "distribution. The cross-entropy averages the surprise of Q over P.",
            lambda p, q: (p * np.log(p)).sum(-1) - (q * np.log(q)).sum(-1),
        ),
        Mistake(
            "The weights are missing: the logarithms of the ratios are summed as if every outcome "
            "were equally frequent.",
            lambda p, q: np.log(p / q).sum(-1),
        ),
        Mistake(
            "The absolute value of each term is taken. Terms may be negative; it is their sum "
            "that may not.",
            lambda p, q: np.abs(p * np.log(p / q)).sum(-1),
        ),
    ],
)


def _pairs_with_zeros(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    yield (
        np.array([[0.5, 0.5, 0.0], [0.2, 0.0, 0.8]]),
        np.array([[0.5, 0.5, 0.0], [0.4, 0.6, 0.0]]),
    )
    yield np.array([1.0, 0.0]), np.array([0.5, 0.5])
    yield np.array([0.5, 0.5]), np.array([1.0, 0.0])
    yield np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.3, 0.7])
    for column in range(3):
        p, q = _distributions(rng, 4, 3), _distributions(rng, 4, 3)
        p[0, column], q[0, column] = 0.0, 0.0
        p[1, column] = 0.0
        q[2, column] = 0.0
        yield p / p.sum(-1, keepdims=True), q / q.sum(-1, keepdims=True)


def _kl_with_zeros(p: Array, q: Array) -> Any:
    happens = p > 0
    return np.where(happens, p * np.log(np.where(happens, p, 1) / q), 0).sum(axis=-1)


def _only_where_both(p: Array, q: Array) -> Any:
    both = (p > 0) & (q > 0)
    return np.where(both, p * np.log(np.where(both, p, 1) / np.where(both, q, 1)), 0).sum(-1)


_SMALL = (
    "A small number is put inside the logarithm. It hides the infinity: the result then depends "
    "on that number and not on P and Q."
)

_zeros = Exercise(
    "KL by hand",
    _kl_with_zeros,
    inputs=_pairs_with_zeros,
    about="the zeros",
    otherwise="Right where no probability is 0, and wrong where one is.",
    praise="Nats, one number a row; 0 log 0 is 0, and what Q rules out costs infinity.",
    rows=(0, 1),
    tolerance=10,
    mistakes=[
        Mistake(
            "The formula is right, but 0 log 0 comes out as NaN. An outcome that never happens "
            "adds nothing to an average: keep the logarithm away from it.",
            lambda p, q: (p * np.log(p / q)).sum(-1),
        ),
        Mistake(
            "The formula is right, but 0 log 0 comes out as NaN. An outcome that never happens "
            "adds nothing to an average: keep the logarithm away from it.",
            lambda p, q: (p * (np.log(p) - np.log(q))).sum(-1),
        ),
        Mistake(
            "p log p is safe, but p log q is not: where both are 0 it is 0 times minus infinity, "
            "which is NaN. F.kl_div does the same.",
            lambda p, q: (np.where(p > 0, p * np.log(p), 0) - p * np.log(q)).sum(-1),
        ),
        Mistake(
            "Outcomes with q = 0 are left out. Where p is not 0 there, Q rules out what happens, "
            "and the surprise is infinite: say so, with inf.",
            _only_where_both,
        ),
        Mistake(
            "NaN becomes 0, as it should, but infinity becomes the largest number there is. The "
            "infinity was the right answer.",
            lambda p, q: np.nan_to_num(p * np.log(p / q)).sum(-1),
        ),
        *(
            Mistake(
                _SMALL,
                lambda p, q, small=small: (p * np.log((p + small) / (q + small))).sum(-1),
            )
            for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
        ),
        *(
            Mistake(
                _SMALL,
                lambda p, q, small=small: _kl(np.clip(p, small, 1), np.clip(q, small, 1)),
            )
            for small in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
        ),
    ],
)

kl_discrete = Rounds(
    _formula,
    _zeros,
    about="p and q, each (K,) or (N, K), a distribution in each row -> KL(P || Q) in nats, one "
    "number a row, with zeros as defined.",
)

# ---------------------------------------------------------------- KL of two normals


def _two_normals(rng: np.random.Generator) -> Iterator[tuple[float, float, float, float]]:
    yield 0.3, 0.5, -0.4, 1.6
    yield 2.0, 1.7, 0.5, 0.8
    yield -1.0, 2.2, 0.2, 2.5
    for _ in range(8):
        a, b = rng.normal(0, 2, size=2)
        s, t = rng.uniform(0.2, 3, size=2)
        yield float(a), float(s), float(b), float(t)
    yield 0.7, 1.3, 0.7, 1.3  # q = p
    yield 100.0, 0.01, 101.0, 0.02
    yield 0.0, 3.0, 0.0, 0.5


def _kl_normals(mu_q: float, sigma_q: float, mu_p: float, sigma_p: float) -> Any:
    return np.log(sigma_p / sigma_q) + (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2) - 1 / 2


kl_normals = Exercise(
    "KL of two normals",
    _kl_normals,
    inputs=_two_normals,
    about="mu_q, sigma_q, mu_p, sigma_p, four numbers -> KL(q || p) of the two normals, in nats.",
    praise="Zero at q = p, never negative, and the integral agrees.",
    mistakes=[
        Mistake(
            "All signs are turned round: this is -KL. A divergence is never negative.",
            lambda a, s, b, t: -_kl_normals(a, s, b, t),
        ),
        Mistake(
            "q and p are swapped: this is KL(p || q). The average is taken over q.",
            lambda a, s, b, t: _kl_normals(b, t, a, s),
        ),
        Mistake(
            "sigma_q is not squared in the numerator. A variance is added there. Test it with "
            "q = p and sigma = 2: a divergence must be 0.",
            lambda a, s, b, t: np.log(t / s) + (s + (a - b) ** 2) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "sigma_p is not squared in the denominator: distances from mu_p are measured in "
            "variances of p. Test it with q = p and sigma = 2.",
            lambda a, s, b, t: np.log(t / s) + (s**2 + (a - b) ** 2) / (2 * t) - 0.5,
        ),
        Mistake(
            "No sigma is squared. Test it with q = p and sigma = 2; with sigma = 1 it is right by "
            "accident.",
            lambda a, s, b, t: np.log(t / s) + (s + (a - b) ** 2) / (2 * t) - 0.5,
        ),
        Mistake(
            "The numerator holds the variance of p where that of q belongs: it is q that is "
            "averaged over. At q = p you cannot see it; try two different sigmas.",
            lambda a, s, b, t: np.log(t / s) + (t**2 + (a - b) ** 2) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "The denominator holds the variance of q where that of p belongs: it comes from "
            "log p, and only p's sigma is in there.",
            lambda a, s, b, t: np.log(t / s) + (s**2 + (a - b) ** 2) / (2 * s**2) - 0.5,
        ),
        Mistake(
            "The ratio inside the logarithm is upside down. A narrow q has a high density, so it "
            "must cost more when sigma_q falls.",
            lambda a, s, b, t: np.log(s / t) + (s**2 + (a - b) ** 2) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "Half a nat is missing: at q = p the result is 1/2 and not 0.",
            lambda a, s, b, t: _kl_normals(a, s, b, t) + 0.5,
        ),
        Mistake(
            "The factor 2 in the denominator is missing: at q = p the result is 1/2 and not 0.",
            lambda a, s, b, t: np.log(t / s) + (s**2 + (a - b) ** 2) / t**2 - 0.5,
        ),
        Mistake(
            "The difference of the means is not squared: it may not matter on which side q lies.",
            lambda a, s, b, t: np.log(t / s) + (s**2 + (a - b)) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "sigma is taken for a variance, so that its square root appears. The function is "
            "given standard deviations.",
            lambda a, s, b, t: _kl_normals(a, np.sqrt(s), b, np.sqrt(t)),
        ),
        Mistake(
            "sigma is taken for the logarithm of a variance. The function is given standard "
            "deviations.",
            lambda a, s, b, t: _kl_normals(a, np.exp(s / 2), b, np.exp(t / 2)),
        ),
        Mistake(
            "The unit is bits. The exercise asks for nats.",
            lambda a, s, b, t: _kl_normals(a, s, b, t) / math.log(2),
        ),
    ],
)

# ---------------------------------------------------------------- KL to the prior


def _posteriors(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for n, d in ((4, 3), (5, 2), (2, 7), (3, 3), (1, 4), (6, 1), (8, 5)):
        yield rng.normal(0.3, 1.0, size=(n, d)), rng.normal(-0.5, 0.8, size=(n, d))
    yield rng.normal(0, 1e-2, size=(3, 2)), rng.normal(0, 1e-2, size=(3, 2))  # nearly the prior
    yield rng.normal(0, 20, size=(2, 3)), rng.normal(-8, 3, size=(2, 3))
    yield np.zeros((2, 3)), np.zeros((2, 3))  # the prior itself


def _kl_to_prior(mu: Array, log_var: Array) -> Any:
    return (0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)).sum(axis=1)


kl_to_prior = Exercise(
    "KL to the prior",
    _kl_to_prior,
    inputs=_posteriors,
    also=[
        lambda mu, log_var: -0.5 * (1 + log_var - mu**2 - np.exp(log_var)).sum(axis=1),
    ],
    about="mu (N, d), log_var (N, d) -> KL(q || N(0, I)) in nats, summed over the latent "
    "dimensions, (N,).",
    praise="One number an image, in nats, summed over latent dimensions: the KL of a VAE's loss.",
    rows=(0, 1),
    mistakes=[
        Mistake(
            "All signs are turned round: this is -KL. As a loss it would push q away from the "
            "prior.",
            lambda m, v: -_kl_to_prior(m, v),
        ),
        Mistake(
            "This is the mean over the latent dimensions in place of the sum. Divergences of "
            "independent dimensions add up; a mean divides the weight of the KL by d.",
            lambda m, v: _kl_to_prior(m, v) / m.shape[1],
        ),
        Mistake(
            "The sum runs over the wrong axis: it adds images, latent dimension by latent "
            "dimension. The latent dimensions lie on the last axis.",
            lambda m, v: _kl_to_prior(m.T, v.T),
        ),
        Mistake(
            "The sum runs over everything. Return one number for each image; averaging over the "
            "batch comes later.",
            lambda m, v: _kl_to_prior(m, v).sum(),
        ),
        Mistake(
            "The batch is averaged away. Return one number for each image.",
            lambda m, v: _kl_to_prior(m, v).mean(),
        ),
        Mistake(
            "This is the mean over everything: images and latent dimensions. Return one number "
            "for each image, its latent dimensions summed.",
            lambda m, v: _kl_to_prior(m, v).mean() / m.shape[1],
        ),
        Mistake(
            "This is the mean over images, one number for each latent dimension. The exercise "
            "asks for one number for each image.",
            lambda m, v: _kl_to_prior(m.T, v.T) / len(m),
        ),
        Mistake(
            "sigma stands unsquared where the variance belongs: exp(log_var / 2) is the standard "
            "deviation.",
            lambda m, v: (0.5 * (np.exp(v / 2) + m**2 - 1 - v)).sum(1),
        ),
        Mistake(
            "The variance is squared once more: exp(log_var) is the variance already.",
            lambda m, v: (0.5 * (np.exp(2 * v) + m**2 - 1 - v)).sum(1),
        ),
        Mistake(
            "log_var is used as if it were the variance. It may be negative; a variance may not.",
            lambda m, v: (0.5 * (v + m**2 - 1 - np.log(np.abs(v)))).sum(1),
        ),
        Mistake(
            "The logarithm has the wrong sign: it must punish a variance that goes to 0.",
            lambda m, v: (0.5 * (np.exp(v) + m**2 - 1 + v)).sum(1),
        ),
        Mistake(
            "The logarithm of sigma stands where that of the variance belongs: half of log_var "
            "is missing.",
            lambda m, v: (0.5 * (np.exp(v) + m**2 - 1 - v / 2)).sum(1),
        ),
        Mistake(
            "The half is missing: every number is twice too large.",
            lambda m, v: 2 * _kl_to_prior(m, v),
        ),
        Mistake(
            "This is KL(p || q), from the prior to q. The average is taken over q.",
            lambda m, v: (0.5 * (v + (1 + m**2) * np.exp(-v) - 1)).sum(1),
        ),
        Mistake(
            "The unit is bits. The exercise asks for nats.",
            lambda m, v: _kl_to_prior(m, v) / math.log(2),
        ),
    ],
)

# ---------------------------------------------------------------- the best single normal


def _mixtures(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    yield np.array([0.6, 0.4]), np.array([-2.0, 2.0]), np.array([0.7, 0.5])
    yield np.array([0.2, 0.5, 0.3]), np.array([0.0, 1.5, 4.0]), np.array([1.0, 0.3, 2.0])
    for parts in (2, 3, 4, 7):
        for spread in (0.5, 5.0):
            w = _distributions(rng, parts)
            yield w, rng.normal(1, spread, size=parts), rng.uniform(0.3, 2, size=parts)
    yield np.array([1.0]), np.array([-3.0]), np.array([2.0])


def _moments(w: Array, mus: Array, sigmas: Array) -> tuple[Any, Any]:
    mu = (w * mus).sum()
    variance = (w * (sigmas**2 + (mus - mu) ** 2)).sum()
    return mu, np.sqrt(variance)


_MEAN_RIGHT = "The mean is right. "

moment_match = Exercise(
    "The best single normal",
    _moments,
    inputs=_mixtures,
    about="w, mus, sigmas of a mixture, each (K,) -> (mu, sigma) with the least KL(p || q).",
    praise="Mean and variance of the mixture: every other normal has a larger KL(p || q).",
    mistakes=[
        Mistake(
            _MEAN_RIGHT + "The second number is the variance; the exercise asks for the standard "
            "deviation.",
            lambda w, m, s: (_moments(w, m, s)[0], _moments(w, m, s)[1] ** 2),
        ),
        Mistake(
            _MEAN_RIGHT + "The standard deviation is the average of the parts' own: the distance "
            "between the parts spreads the mixture too.",
            lambda w, m, s: ((w * m).sum(), (w * s).sum()),
        ),
        Mistake(
            _MEAN_RIGHT + "The variance is the average of the parts' own: the distance between "
            "the parts spreads the mixture too.",
            lambda w, m, s: ((w * m).sum(), np.sqrt((w * s**2).sum())),
        ),
        Mistake(
            _MEAN_RIGHT + "The variance holds only the distances between the parts; each part has "
            "a spread of its own as well.",
            lambda w, m, s: ((w * m).sum(), np.sqrt((w * (m - (w * m).sum()) ** 2).sum())),
        ),
        Mistake(
            _MEAN_RIGHT + "Under the root the sigmas are not squared.",
            lambda w, m, s: ((w * m).sum(), np.sqrt((w * (s + (m - (w * m).sum()) ** 2)).sum())),
        ),
        Mistake(
            _MEAN_RIGHT + "This is the mean of the squares; the square of the mean has not been "
            "taken off.",
            lambda w, m, s: ((w * m).sum(), np.sqrt((w * (s**2 + m**2)).sum())),
        ),
        Mistake(
            _MEAN_RIGHT + "The weights are squared, as for a sum of independent draws. A draw "
            "from a mixture comes from one part, not from all of them.",
            lambda w, m, s: ((w * m).sum(), np.sqrt((w**2 * s**2).sum())),
        ),
        Mistake(
            "The weights are ignored: every part counts the same.",
            lambda w, m, s: _moments(np.full_like(w, 1 / len(w)), m, s),
        ),
        Mistake(
            "This is the heaviest part. It is what the other direction of KL settles for.",
            lambda w, m, s: (m[w.argmax()], s[w.argmax()]),
        ),
    ],
)

# ---------------------------------------------------------------- on paper

_FAIR, _BENT = np.array([0.5, 0.5]), np.array([0.7, 0.3])
_BACKWARDS, _FORWARDS = float(_kl(_BENT, _FAIR)), float(_kl(_FAIR, _BENT))  # nats
_BITS, _DIGITS = math.log(2), math.log(10)

coin_backwards = Quantity(
    "The coin backwards",
    _BACKWARDS / _BITS,
    about="KL(Q || P) of the chapter's two coins, in bits.",
    praise="Not the same as KL(P || Q): the direction matters.",
    mistakes=[
        (_FORWARDS / _BITS, "This is KL(P || Q) again. Now Q is true: average over Q."),
        (_FORWARDS, "This is KL(P || Q), and in nats. Now Q is true, and bits are asked for."),
        (_BACKWARDS, "The direction is right, the unit is nats. Bits are asked for."),
        (_BACKWARDS / _DIGITS, "The logarithm has base 10, which is not the unit asked for."),
        (_FORWARDS / _DIGITS, "This is KL(P || Q) with a logarithm to base 10: two mistakes."),
        (-_BACKWARDS / _BITS, "The two entropies are swapped: a divergence is never negative."),
        (
            -float((_BENT * np.log2(_BENT)).sum()),
            "This is the entropy H(Q). It still has to be taken off the cross-entropy.",
        ),
        (
            -float((_BENT * np.log2(_FAIR)).sum()),
            "This is the cross-entropy H(Q, P). What is left when H(Q) is taken off?",
        ),
        (
            _BACKWARDS * _BITS,
            "Nats are multiplied by log 2. A bit is the smaller unit, so there are more of them.",
        ),
        (
            _BACKWARDS / _BITS / 2,
            "This is half of it: a mean over the two outcomes in place of a sum.",
        ),
    ],
)


_SHOWN = {(0, 2, 0, 2), (3, 0.5, 3, 0.5), (0, 2, 0, 1), (1, 0.3, 1, 3), (0, 3, 0.5, 1.5)}


def _claim(mu_q: float, sigma_q: float, mu_p: float, sigma_p: float) -> float:
    """Return what the formula with an unsquared sigma_q gives; it may overflow to infinity."""
    a, s, b, t = np.array([mu_q, sigma_q, mu_p, sigma_p], dtype=np.float64)
    return float(np.log(t / s) - 0.5 + (s + (a - b) ** 2) / (2 * t**2))


def _cross_examine(answer: Any) -> str | None:
    try:
        witness = [float(v) for v in answer]
    except (TypeError, ValueError, OverflowError):
        return "The checker expects four numbers: mu_q, sigma_q, mu_p, sigma_p."
    if len(witness) != 4:
        return f"The checker expects four numbers; it got {len(witness)}."
    if not np.isfinite(witness).all():
        return "NaN and infinity are no witnesses: the numbers must be finite."
    mu_q, sigma_q, mu_p, sigma_p = witness
    if sigma_q <= 0 or sigma_p <= 0:
        return "A standard deviation of 0 or below belongs to no density."
    claim, truth = _claim(*witness), _kl_normals(*map(np.float64, witness))
    if not np.isfinite([claim, truth]).all():
        return "With numbers as large or as small as these, nobody can work the formula out."
    if agree(claim, truth, 1e-4):
        return (
            f"With these numbers the formula gives {claim:.4g} nats, and that is right: for "
            f"sigma_q = {sigma_q:g} its mistake makes no difference."
        )
    if tuple(witness) in _SHOWN:
        return "The text has tried these four numbers itself. Find others."
    if claim < 0 or (mu_q, sigma_q) == (mu_p, sigma_p):
        return None
    return (
        f"The formula gives {claim:.4g} nats. That is wrong, but nobody can tell without the "
        "right formula. Find numbers for which it breaks a property that every KL has."
    )


def _conviction(answer: Any) -> str:
    claim = _claim(*(float(v) for v in answer))
    if claim < 0:
        return f"The formula gives {claim:.4g} nats, and a KL is never negative. Convicted."
    return f"Here q = p, and the formula gives {claim:.4g} nats, not 0. Convicted."


kl_witness = Judged(
    "A witness",
    _cross_examine,
    about="four numbers (mu_q, sigma_q, mu_p, sigma_p) that convict the unsquared formula: it "
    "breaks a property that every KL has; it is negative, or not 0 although q and p are the same.",
    praise=_conviction,
)
