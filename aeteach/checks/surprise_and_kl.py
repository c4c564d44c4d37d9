"""The exercises of *Surprise and KL*.

Every mistake that the chapter's section *Spot the error* shows is here too, as the function that
commits it. A discrete KL is checked in two rounds: first where nothing is zero, for the formula,
then where something is, for the zeros; so either mistake is named beside the other.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict, agree

__all__ = [
    "coin_backwards",
    "kl_discrete",
    "kl_normals",
    "kl_to_prior",
    "kl_witness",
    "moment_match",
    "surprise_in_bits",
]

Array = NDArray[np.float64]


def _array(*values: Any) -> Array:
    return np.array(values, dtype=np.float64)


def _distributions(seed: int, *shape: int) -> Array:
    """Return distributions over the last axis, every probability above 0."""
    counts = np.random.default_rng(seed).uniform(0.2, 2.0, size=shape)
    return counts / counts.sum(-1, keepdims=True)


def _same(got: Any, want: Any) -> bool:
    """Tell whether two results agree, NaN with NaN and infinity with infinity."""
    try:
        a, b = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    # Loose enough for float32, and for a small number added before the logarithm: that one is
    # told where it matters, at the zeros.
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


_SURPRISE = Exercise(
    name="Surprise in bits",
    right=lambda p: np.log2(1 / p),
    inputs=[(_array(0.5, 0.25, 0.1),), (_array(1.0, 0.003),), (_distributions(1, 2, 3),)],
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
            np.log2,
        ),
        Mistake(
            "The sign is missing, and the unit is nats: this is the natural logarithm of p.",
            np.log,
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
    praise="Zero for what is certain, one bit for a coin, and independent events add up.",
)


def _terms(p: Array, q: Array) -> Array:
    return p * np.log(p / q)


_PAIRS = [
    (_array(0.2, 0.5, 0.3), _array(0.4, 0.1, 0.5)),
    (_distributions(2, 4, 3), _distributions(3, 4, 3)),
    (_distributions(4, 3, 5), _distributions(5, 3, 5)),
]
_KL_FORMULA = Exercise(
    name="KL by hand",
    right=lambda p, q: _terms(p, q).sum(-1),
    inputs=_PAIRS,
    mistakes=[
        Mistake(
            "The two entropies are swapped: this is H(P) - H(P, Q), which is never positive. "
            "Believing Q cannot make the truth less surprising on average than knowing P.",
            lambda p, q: -_terms(p, q).sum(-1),
        ),
        Mistake(
            "P and Q are swapped: this is KL(Q || P). The average must be taken over what really "
            "happens, the first of the two.",
            lambda p, q: _terms(q, p).sum(-1),
        ),
        Mistake(
            "The logarithm has base 10. Nothing in this book is measured in decimal digits: nats "
            "need the natural logarithm.",
            lambda p, q: _terms(p, q).sum(-1) / math.log(10),
        ),
        Mistake(
            "The unit is bits: the logarithm has base 2. The exercise asks for nats.",
            lambda p, q: _terms(p, q).sum(-1) / math.log(2),
        ),
        Mistake(
            "This is a mean over the outcomes in place of a sum. The weights p already make an "
            "average; dividing by the number of outcomes divides twice.",
            lambda p, q: _terms(p, q).mean(-1),
        ),
        Mistake(
            "The sum runs over the wrong axis: it adds different distributions, outcome by "
            "outcome. The outcomes lie on the last axis.",
            lambda p, q: _terms(p, q).sum(0),
        ),
        Mistake(
            "The sum runs over everything. Each row is a distribution of its own and needs a "
            "number of its own.",
            lambda p, q: _terms(p, q).sum(),
        ),
        Mistake(
            "The divergences of the rows are averaged. Return one number for each row.",
            lambda p, q: _terms(p, q).sum(-1).mean(),
        ),
        Mistake(
            "The sum is missing: these are the terms, one for each outcome, and some are negative.",
            _terms,
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
            lambda p, q: np.abs(_terms(p, q)).sum(-1),
        ),
    ],
    praise="",
    same=_same,
)


def _drop_impossible(p: Array, q: Array) -> Array:
    both = (p > 0) & (q > 0)
    return np.where(both, p * np.log(np.where(both, p, 1) / np.where(both, q, 1)), 0).sum(-1)


def _kl_with_zeros(p: Array, q: Array) -> Array:
    happens = p > 0
    return np.where(happens, p * np.log(np.where(happens, p, 1) / q), 0).sum(-1)


def _shifted(p: Array, q: Array, epsilon: float) -> Array:
    return (p * np.log((p + epsilon) / (q + epsilon))).sum(-1)


_KL_ZEROS = Exercise(
    name="KL by hand",
    right=_kl_with_zeros,
    inputs=[
        (_array(1.0, 0.0), _array(0.5, 0.5)),
        (_array([0.5, 0.5, 0.0], [0.2, 0.0, 0.8]), _array([0.5, 0.5, 0.0], [0.4, 0.6, 0.0])),
        (_array(0.5, 0.5), _array(1.0, 0.0)),
    ],
    mistakes=[
        Mistake(
            "The formula is right, but 0 log 0 comes out as NaN. An outcome that never happens "
            "adds nothing to an average: keep the logarithm away from it.",
            lambda p, q: _terms(p, q).sum(-1),
        ),
        Mistake(
            "p log p is safe, but p log q is not: where both are 0 it is 0 times minus infinity, "
            "which is NaN. F.kl_div does the same.",
            lambda p, q: (np.where(p > 0, p * np.log(p), 0) - p * np.log(q)).sum(-1),
        ),
        Mistake(
            "Outcomes with q = 0 are left out. Where p is not 0 there, Q rules out what happens, "
            "and the surprise is infinite: say so, with inf.",
            _drop_impossible,
        ),
        Mistake(
            "NaN becomes 0, as it should, but infinity becomes the largest number there is. The "
            "infinity was the right answer.",
            lambda p, q: np.nan_to_num(_terms(p, q)).sum(-1),
        ),
    ]
    + [
        Mistake(
            "A small number is added inside the logarithm. It hides the infinity: the result "
            "then depends on that number and not on P and Q.",
            lambda p, q, epsilon=epsilon: _shifted(p, q, epsilon),
        )
        for epsilon in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
    ],
    praise="Nats, one number a row; 0 log 0 is 0, and what Q rules out costs infinity.",
    same=_same,
)


def _kl_normal(mu_q: float, sigma_q: float, mu_p: float, sigma_p: float) -> Any:
    spread = sigma_q**2 + (mu_q - mu_p) ** 2
    return np.log(sigma_p / sigma_q) + spread / (2 * sigma_p**2) - 0.5


_NORMALS = Exercise(
    name="KL of two normals",
    right=_kl_normal,
    inputs=[(0.3, 0.5, -0.4, 1.6), (2.0, 1.7, 0.5, 0.8), (-1.0, 2.2, 0.2, 2.5)],
    mistakes=[
        Mistake(
            "All signs are turned round: this is -KL. A divergence is never negative.",
            lambda a, s, b, t: -_kl_normal(a, s, b, t),
        ),
        Mistake(
            "q and p are swapped: this is KL(p || q). The average is taken over q.",
            lambda a, s, b, t: _kl_normal(b, t, a, s),
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
            "The logarithm is missing: at equal means and different sigmas the result is wrong, "
            "and it is negative for a narrow q.",
            lambda a, s, b, t: (s**2 + (a - b) ** 2) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "Half a nat is missing: at q = p the result is 1/2 and not 0.",
            lambda a, s, b, t: _kl_normal(a, s, b, t) + 0.5,
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
            "The variance and the squared distance are subtracted. Both make q's points lie "
            "farther from p's mean, so they add up.",
            lambda a, s, b, t: np.log(t / s) + (s**2 - (a - b) ** 2) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "sigma is taken for a variance, so that its square root appears. The function is "
            "given standard deviations.",
            lambda a, s, b, t: _kl_normal(a, np.sqrt(s), b, np.sqrt(t)),
        ),
        Mistake(
            "sigma is taken for the logarithm of a variance. The function is given standard "
            "deviations.",
            lambda a, s, b, t: _kl_normal(a, np.exp(s / 2), b, np.exp(t / 2)),
        ),
        Mistake(
            "The logarithm alone has base 2, the rest is in nats: two units in one sum.",
            lambda a, s, b, t: np.log2(t / s) + (s**2 + (a - b) ** 2) / (2 * t**2) - 0.5,
        ),
        Mistake(
            "The unit is bits. The exercise asks for nats.",
            lambda a, s, b, t: _kl_normal(a, s, b, t) / math.log(2),
        ),
        Mistake(
            "The unit is that of a logarithm to base 10. The exercise asks for nats.",
            lambda a, s, b, t: _kl_normal(a, s, b, t) / math.log(10),
        ),
    ],
    praise="Zero at q = p, never negative, and the integral agrees.",
)


def _prior_terms(mu: Array, log_var: Array) -> Array:
    return 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)


def _latents(seed: int, n: int, d: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.3, 1.0, size=(n, d)), rng.normal(-0.5, 0.8, size=(n, d))


_PRIOR = Exercise(
    name="KL to the prior",
    right=lambda mu, log_var: _prior_terms(mu, log_var).sum(1),
    inputs=[_latents(6, 4, 3), _latents(7, 5, 2), _latents(8, 2, 7)],
    mistakes=[
        Mistake(
            "All signs are turned round: this is -KL. As a loss it would push q away from the "
            "prior.",
            lambda m, v: -_prior_terms(m, v).sum(1),
        ),
        Mistake(
            "This is the mean over the latent dimensions in place of the sum. Divergences of "
            "independent dimensions add up; a mean divides the weight of the KL by d.",
            lambda m, v: _prior_terms(m, v).mean(1),
        ),
        Mistake(
            "The sum runs over the wrong axis: it adds images, latent dimension by latent "
            "dimension. The latent dimensions lie on the last axis.",
            lambda m, v: _prior_terms(m, v).sum(0),
        ),
        Mistake(
            "This is the mean over images, one number for each latent dimension. The exercise "
            "asks for one number for each image.",
            lambda m, v: _prior_terms(m, v).mean(0),
        ),
        Mistake(
            "The sum runs over everything. Return one number for each image; averaging over the "
            "batch comes later.",
            lambda m, v: _prior_terms(m, v).sum(),
        ),
        Mistake(
            "The batch is averaged away. Return one number for each image.",
            lambda m, v: _prior_terms(m, v).sum(1).mean(),
        ),
        Mistake(
            "This is the mean over everything: images and latent dimensions. Return one number "
            "for each image, its latent dimensions summed.",
            lambda m, v: _prior_terms(m, v).mean(),
        ),
        Mistake(
            "The sum over the latent dimensions is missing.",
            _prior_terms,
        ),
        Mistake(
            "sigma stands unsquared where the variance belongs: exp(log_var / 2) is the standard "
            "deviation.",
            lambda m, v: 0.5 * (np.exp(v / 2) + m**2 - 1 - v).sum(1),
        ),
        Mistake(
            "The variance is squared once more: exp(log_var) is the variance already.",
            lambda m, v: 0.5 * (np.exp(2 * v) + m**2 - 1 - v).sum(1),
        ),
        Mistake(
            "log_var is used as if it were the variance. It may be negative; a variance may not.",
            lambda m, v: 0.5 * (v + m**2 - 1 - np.log(np.abs(v))).sum(1),
        ),
        Mistake(
            "The logarithm has the wrong sign: it must punish a variance that goes to 0.",
            lambda m, v: 0.5 * (np.exp(v) + m**2 - 1 + v).sum(1),
        ),
        Mistake(
            "The logarithm of sigma stands where that of the variance belongs: half of log_var "
            "is missing.",
            lambda m, v: 0.5 * (np.exp(v) + m**2 - 1 - v / 2).sum(1),
        ),
        Mistake(
            "The half is missing: every number is twice too large.",
            lambda m, v: 2 * _prior_terms(m, v).sum(1),
        ),
        Mistake(
            "The -1 is missing: at mu = 0 and log_var = 0, where q is the prior, the result must "
            "be 0.",
            lambda m, v: 0.5 * (np.exp(v) + m**2 - v).sum(1),
        ),
        Mistake(
            "mu is missing: a q far from 0 costs nothing here.",
            lambda m, v: 0.5 * (np.exp(v) - 1 - v).sum(1),
        ),
        Mistake(
            "mu is not squared: it may not matter on which side of 0 it lies.",
            lambda m, v: 0.5 * (np.exp(v) + m - 1 - v).sum(1),
        ),
        Mistake(
            "This is KL(p || q), from the prior to q. The average is taken over q.",
            lambda m, v: 0.5 * (v + (1 + m**2) * np.exp(-v) - 1).sum(1),
        ),
        Mistake(
            "The unit is bits. The exercise asks for nats.",
            lambda m, v: _prior_terms(m, v).sum(1) / math.log(2),
        ),
    ],
    praise="One number an image, in nats, summed over latent dimensions: the KL of a VAE's loss.",
)


def _moments(w: Array, mus: Array, sigmas: Array) -> tuple[float, float]:
    mu = float((w * mus).sum())
    return mu, float(np.sqrt((w * (sigmas**2 + (mus - mu) ** 2)).sum()))


def _with_sigma(sigma: Callable[[Array, Array, Array, float], Any]) -> Callable[..., Any]:
    """Return a wrong answer that has the right mean and this standard deviation."""

    def wrong(w: Array, mus: Array, sigmas: Array) -> tuple[float, float]:
        mu = _moments(w, mus, sigmas)[0]
        return mu, float(sigma(w, mus, sigmas, mu))

    return wrong


_MOMENTS = Exercise(
    name="The best single normal",
    right=_moments,
    inputs=[
        (_array(0.6, 0.4), _array(-2.0, 2.0), _array(0.7, 0.5)),
        (_array(0.2, 0.5, 0.3), _array(0.0, 1.5, 4.0), _array(1.0, 0.3, 2.0)),
    ],
    mistakes=[
        Mistake(
            "The mean is right. The second number is the variance; the exercise asks for the "
            "standard deviation.",
            _with_sigma(lambda w, m, s, mu: (w * (s**2 + (m - mu) ** 2)).sum()),
        ),
        Mistake(
            "The mean is right. The standard deviation is the average of the parts' own: the "
            "distance between the parts spreads the mixture too.",
            _with_sigma(lambda w, m, s, mu: (w * s).sum()),
        ),
        Mistake(
            "The mean is right. The variance is the average of the parts' own: the distance "
            "between the parts spreads the mixture too.",
            _with_sigma(lambda w, m, s, mu: np.sqrt((w * s**2).sum())),
        ),
        Mistake(
            "The mean is right. The variance holds only the distances between the parts; each "
            "part has a spread of its own as well.",
            _with_sigma(lambda w, m, s, mu: np.sqrt((w * (m - mu) ** 2).sum())),
        ),
        Mistake(
            "The mean is right. Under the root the sigmas are not squared.",
            _with_sigma(lambda w, m, s, mu: np.sqrt((w * (s + (m - mu) ** 2)).sum())),
        ),
        Mistake(
            "The mean is right. This is the mean of the squares; the square of the mean has not "
            "been taken off.",
            _with_sigma(lambda w, m, s, mu: np.sqrt((w * (s**2 + m**2)).sum())),
        ),
        Mistake(
            "The mean is right. The weights are squared, as for a sum of independent draws. A "
            "draw from a mixture comes from one part, not from all of them.",
            _with_sigma(lambda w, m, s, mu: np.sqrt((w**2 * s**2).sum())),
        ),
        Mistake(
            "The weights are ignored: every part counts the same.",
            lambda w, m, s: _moments(np.full_like(w, 1 / len(w)), m, s),
        ),
        Mistake(
            "This is the heaviest part. It is what the other direction of KL settles for.",
            lambda w, m, s: (float(m[w.argmax()]), float(s[w.argmax()])),
        ),
    ],
    praise="Mean and variance of the mixture: every other normal has a larger KL(p || q).",
)

_FAIR, _BENT = _array(0.5, 0.5), _array(0.7, 0.3)
_BACKWARDS = float(_terms(_BENT, _FAIR).sum())  # nats
_FORWARDS = float(_terms(_FAIR, _BENT).sum())
_BITS, _DIGITS = math.log(2), math.log(10)
_COIN = Quantity(
    name="The coin backwards",
    right=_BACKWARDS / _BITS,
    mistakes=[
        (_FORWARDS / _BITS, "This is KL(P || Q) again. Now Q is true: average over Q."),
        (_FORWARDS, "This is KL(P || Q), and in nats. Now Q is true, and bits are asked for."),
        (_BACKWARDS, "The direction is right, the unit is nats. Bits are asked for."),
        (_BACKWARDS / _DIGITS, "The logarithm has base 10. Bits need base 2."),
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
    praise="Not the same as KL(P || Q): the direction matters.",
)


def _also_with_tensors(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return the answer as one that takes floats, also if it was written for tensors."""

    def either(*numbers: float) -> Any:
        try:
            return answer(*numbers)
        except (TypeError, AttributeError) as with_floats:
            try:
                return answer(*(torch.tensor(v, dtype=torch.float64) for v in numbers))
            except Exception:
                raise with_floats from None

    return either


def surprise_in_bits(answer: Callable[[Any], Any]) -> Verdict:
    """Check a function that returns the surprise, in bits, of every probability of an array."""
    with np.errstate(all="ignore"):
        return _SURPRISE.check(answer)


def kl_discrete(answer: Callable[[Any, Any], Any]) -> Verdict:
    """Check a function (p, q) -> KL(P || Q) in nats, one number a row, with zeros as defined."""
    with np.errstate(all="ignore"):  # a logarithm of 0 is told in words, not as a warning
        verdict = _KL_FORMULA.check(answer)
        return _KL_ZEROS.check(answer) if verdict else verdict


def kl_normals(answer: Callable[[Any, Any, Any, Any], Any]) -> Verdict:
    """Check a function (mu_q, sigma_q, mu_p, sigma_p) -> KL(q || p) of two normals, in nats."""
    with np.errstate(all="ignore"):
        return _NORMALS.check(_also_with_tensors(answer) if callable(answer) else answer)


def kl_to_prior(answer: Callable[[Any, Any], Any]) -> Verdict:
    """Check a function (mu, log_var), each (N, d) -> KL(q || N(0, I)) in nats, (N,)."""
    with np.errstate(all="ignore"):
        return _PRIOR.check(answer)


def moment_match(answer: Callable[[Any, Any, Any], Any]) -> Verdict:
    """Check a function (w, mus, sigmas) of a mixture -> (mu, sigma) with the least KL(p || q)."""
    with np.errstate(all="ignore"):
        return _MOMENTS.check(answer)


def coin_backwards(answer: float) -> Verdict:
    """Check KL(Q || P) of the chapter's two coins, in bits."""
    return _COIN.check(answer)


def kl_witness(answer: Sequence[float]) -> Verdict:
    """Check four numbers (mu_q, sigma_q, mu_p, sigma_p) that convict the unsquared formula.

    They do if the formula breaks a property that every KL has: it is negative, or it is not 0
    although q and p are the same.
    """
    passed, hint = _cross_examine(answer)
    return Verdict("A witness", passed, hint)


def _cross_examine(answer: Any) -> tuple[bool, str]:
    try:
        numbers = [float(v) for v in answer]
    except (TypeError, ValueError):
        return False, "The checker expects four numbers: mu_q, sigma_q, mu_p, sigma_p."
    if len(numbers) != 4:
        return False, f"The checker expects four numbers; it got {len(numbers)}."
    if not np.isfinite(numbers).all():
        return False, "NaN and infinity are no witnesses: the numbers must be finite."
    mu_q, sigma_q, mu_p, sigma_p = numbers
    if sigma_q <= 0 or sigma_p <= 0:
        return False, "A standard deviation of 0 or below belongs to no density."
    claim = math.log(sigma_p / sigma_q) - 0.5
    claim += (sigma_q + (mu_q - mu_p) ** 2) / (2 * sigma_p**2)
    if agree(claim, _kl_normal(*numbers), 1e-9):
        return False, (
            f"With these numbers the formula gives {claim:.4g} nats, and that is right: for "
            f"sigma_q = {sigma_q:g} its mistake makes no difference."
        )
    if claim < 0:
        return True, f"The formula gives {claim:.4g} nats, and a KL is never negative. Convicted."
    if (mu_q, sigma_q) == (mu_p, sigma_p):
        return True, f"Here q = p, and the formula gives {claim:.4g} nats, not 0. Convicted."
    return False, (
        f"The formula gives {claim:.4g} nats. That is wrong, but nobody can tell without the "
        "right formula. Find numbers for which it breaks a property that every KL has."
    )
