r"""Checkers for the exercises of *The ELBO*."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = [
    "bernoulli_nll",
    "effective_beta",
    "elbo_from_draws",
    "elbo_gap",
    "gaussian_nll",
]

Array = NDArray[Any]


def elbo_gap(answer: Any) -> Verdict:
    """Check a function (log_evidence, fit, kl) -> gap, each (N,); fit is E_q[log p(x|z)]."""
    return _GAP.check(answer)


def elbo_from_draws(answer: Any) -> Verdict:
    """Check a function (log_likelihood (N, S), mu (N, d), log_var (N, d)) -> ELBO (N,)."""
    return _DRAWS.check(answer)


def gaussian_nll(answer: Any) -> Verdict:
    """Check a function (x_hat (N, D), x (N, D), c) -> -log N(x; x_hat, c I), (N,)."""
    return _GAUSSIAN.check(answer)


def bernoulli_nll(answer: Any) -> Verdict:
    """Check a function (logits (N, D), x (N, D)) -> binary cross-entropy, (N,)."""
    return _BERNOULLI.check(answer)


def effective_beta(answer: Any) -> Verdict:
    """Check a function (beta, D, d, pixels, latents) -> beta in force for summed terms."""
    return _BETA.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, as float32 needs; where both are infinite or NaN, they agree."""
    try:
        a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return False
    if a.shape != b.shape or (np.isfinite(a) != np.isfinite(b)).any():
        return False
    return agree(np.where(np.isfinite(a), a, 0), np.where(np.isfinite(b), b, 0), 1e-4)


# ---------------------------------------------------------------- the gap


def _gap(log_evidence: Array, fit: Array, kl: Array) -> Array:
    return log_evidence - (fit - kl)


_GAP = Exercise(
    name="The gap",
    right=_gap,
    inputs=[
        (np.array([-1.14, -0.9]), np.array([-0.76, -0.5]), np.array([0.55, 0.48])),
        (
            np.array([-92.1, -80.0, -130.4]),
            np.array([-70.2, -66.0, -99.0]),
            np.array([25.0, 18.5, 40.0]),
        ),
    ],
    mistakes=[
        Mistake(
            "You return the KL to the prior. It is a part of the ELBO; the gap is another KL, from "
            "q to the posterior. At the best q the first is usually large and the second small.",
            lambda log_evidence, fit, kl: kl,
        ),
        Mistake(
            "Every number has the wrong sign. The gap is what is missing from the ELBO to the "
            "evidence, so it is never negative.",
            lambda log_evidence, fit, kl: fit - kl - log_evidence,
        ),
        Mistake(
            "Your ELBO adds the KL to the prior. Being far from the prior is a cost: it is "
            "subtracted.",
            lambda log_evidence, fit, kl: log_evidence - (fit + kl),
        ),
        Mistake(
            "You compare the evidence with the reconstruction term alone. The ELBO has two terms.",
            lambda log_evidence, fit, kl: log_evidence - fit,
        ),
        Mistake(
            "This is the ELBO itself. The gap is how far it lies below the evidence.",
            lambda log_evidence, fit, kl: fit - kl,
        ),
        Mistake(
            "You added the evidence and the ELBO. A gap is a difference.",
            lambda log_evidence, fit, kl: log_evidence + fit - kl,
        ),
    ],
    praise="That is all it takes: how far q is from the posterior, without the posterior.",
    same=_close,
)


# ---------------------------------------------------------------- the ELBO from draws


def _kl(mu: Array, log_var: Array) -> Array:
    return 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)


def _elbo(log_likelihood: Array, mu: Array, log_var: Array) -> Array:
    return log_likelihood.mean(1) - _kl(mu, log_var).sum(1)


def _draws(seed: int, n: int, s: int, d: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(-3, 1.5, size=(n, s)),
        rng.normal(0, 1.2, size=(n, d)),
        rng.normal(-1, 0.8, size=(n, d)),
    )


_DRAWS = Exercise(
    name="The ELBO from draws",
    right=_elbo,
    inputs=[_draws(0, 3, 5, 2), _draws(1, 4, 2, 6), _draws(2, 2, 7, 3)],
    mistakes=[
        Mistake(
            "The KL is added. It is a cost and lowers the ELBO: either the sign before it is "
            "wrong, or the sign of every term inside it.",
            lambda ll, mu, lv: ll.mean(1) + _kl(mu, lv).sum(1),
        ),
        Mistake(
            "This is minus the ELBO, the loss that training minimises. The exercise asks for the "
            "bound itself.",
            lambda ll, mu, lv: -_elbo(ll, mu, lv),
        ),
        Mistake(
            "The KL to the prior is missing: this is the reconstruction term alone.",
            lambda ll, mu, lv: ll.mean(1),
        ),
        Mistake(
            "You summed over the draws. An expectation under q is estimated by their mean; with "
            "twice as many draws yours would be twice as large.",
            lambda ll, mu, lv: ll.sum(1) - _kl(mu, lv).sum(1),
        ),
        Mistake(
            "Mean in place of sum: you averaged the KL over the latent dimensions. Their KLs add, "
            "because independent surprises add.",
            lambda ll, mu, lv: ll.mean(1) - _kl(mu, lv).mean(1),
        ),
        Mistake(
            "Your KL has sigma where sigma squared belongs. exp(log_var) is the variance already; "
            "exp(log_var / 2) is its root.",
            lambda ll, mu, lv: ll.mean(1) - 0.5 * (np.exp(lv / 2) + mu**2 - 1 - lv).sum(1),
        ),
        Mistake(
            "Your KL treats log_var as the logarithm of sigma: it squares once too often.",
            lambda ll, mu, lv: ll.mean(1) - 0.5 * (np.exp(2 * lv) + mu**2 - 1 - 2 * lv).sum(1),
        ),
        Mistake(
            "The factor 1/2 of the KL between normal distributions is missing.",
            lambda ll, mu, lv: ll.mean(1) - 2 * _kl(mu, lv).sum(1),
        ),
        Mistake(
            "You took the logarithm of the mean likelihood. The ELBO has the mean of the "
            "logarithms; Jensen's inequality is the difference between the two.",
            lambda ll, mu, lv: np.log(np.exp(ll).mean(1)) - _kl(mu, lv).sum(1),
        ),
        Mistake(
            "You averaged over the images as well. Return one number for each image.",
            lambda ll, mu, lv: _elbo(ll, mu, lv).mean(),
        ),
    ],
    praise="One number an image: its reconstruction term, less its KL to the prior.",
    same=_close,
)


# ---------------------------------------------------------------- Gaussian pixels


def _squared(x_hat: Array, x: Array) -> Array:
    return ((x - x_hat) ** 2).sum(1)


def _gaussian(x_hat: Array, x: Array, c: float) -> Array:
    return _squared(x_hat, x) / (2 * c) + x.shape[1] / 2 * math.log(2 * math.pi * c)


def _images(seed: int, n: int, D: int, c: float) -> tuple[Array, Array, float]:
    rng = np.random.default_rng(seed)
    return rng.random((n, D)), rng.random((n, D)), c


_GAUSSIAN = Exercise(
    name="Gaussian pixels",
    right=_gaussian,
    inputs=[_images(0, 3, 5, 0.25), _images(1, 2, 9, 1.7), _images(2, 4, 3, 0.04)],
    mistakes=[
        Mistake(
            "This is the squared error alone. The likelihood also divides it by 2c, and that "
            "factor decides how much reconstruction weighs against the KL.",
            lambda x_hat, x, c: _squared(x_hat, x),
        ),
        Mistake(
            "The constant is right, but the squared error is not divided by 2c.",
            lambda x_hat, x, c: _squared(x_hat, x) + x.shape[1] / 2 * math.log(2 * math.pi * c),
        ),
        Mistake(
            "You divide the squared error by c. Look at the exponent of the normal density again.",
            lambda x_hat, x, c: _gaussian(x_hat, x, c) + _squared(x_hat, x) / (2 * c),
        ),
        Mistake(
            "The term with log(2 pi c) is missing. It does not move x_hat, but without it values "
            "for different c cannot be compared.",
            lambda x_hat, x, c: _squared(x_hat, x) / (2 * c),
        ),
        Mistake(
            "You count the term with log(2 pi c) once. Every pixel brings one.",
            lambda x_hat, x, c: _squared(x_hat, x) / (2 * c) + 0.5 * math.log(2 * math.pi * c),
        ),
        Mistake(
            "The logarithm holds 2 pi, but the variance is missing there.",
            lambda x_hat, x, c: (
                _squared(x_hat, x) / (2 * c) + x.shape[1] / 2 * math.log(2 * math.pi)
            ),
        ),
        Mistake(
            "Mean in place of sum: you averaged over the pixels. Independent likelihoods multiply, "
            "so their logarithms add.",
            lambda x_hat, x, c: _gaussian(x_hat, x, c) / x.shape[1],
        ),
        Mistake(
            "You took c for the standard deviation. It is the variance already.",
            lambda x_hat, x, c: _gaussian(x_hat, x, c**2),
        ),
        Mistake(
            "This is the log-likelihood. A cost is its negative.",
            lambda x_hat, x, c: -_gaussian(x_hat, x, c),
        ),
        Mistake(
            "You averaged over the images as well. Return one number for each image.",
            lambda x_hat, x, c: _gaussian(x_hat, x, c).mean(),
        ),
    ],
    praise="A likelihood in nats: divide by 2c, and pay for the width you claim.",
    same=_close,
)


# ---------------------------------------------------------------- black and white pixels


def _softplus(v: Array) -> Array:
    return np.logaddexp(0, v)


def _bce(logits: Array, x: Array) -> Array:
    return (x * _softplus(-logits) + (1 - x) * _softplus(logits)).sum(1)


def _sigmoid(v: Array) -> Array:
    return np.exp(-_softplus(-v))


def _overflowing(logits: Array, x: Array) -> Array:
    """Cross-entropy as it stands on paper: infinite or NaN once exp(800) is asked for."""
    with np.errstate(all="ignore"):
        terms = x * np.log(1 + np.exp(-logits)) + (1 - x) * np.log(1 + np.exp(logits))
    return terms.sum(1)


def _logits(seed: int, n: int, D: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, size=(n, D)), rng.random((n, D))


_BERNOULLI = Exercise(
    name="Black and white pixels",
    right=_bce,
    inputs=[
        _logits(0, 3, 4),
        _logits(1, 2, 7),
        # Logits no naive formula survives; every image holds both signs and grey.
        (np.array([[800.0, -800.0, 1.0], [-800.0, 800.0, -2.0]]), np.full((2, 3), 0.5)),
    ],
    mistakes=[
        Mistake(
            "Every number is negative: a minus stands before the sum. softplus is never negative, "
            "so the sum is a cost already; with your sign the worst decoder would be the best.",
            lambda logits, x: -_bce(logits, x),
        ),
        Mistake(
            "Mean in place of sum: you averaged over the pixels. That divides the reconstruction "
            "term by D and leaves the KL as it is.",
            lambda logits, x: _bce(logits, x) / x.shape[1],
        ),
        Mistake(
            "The sigmoid is applied twice: you squash the logits and then treat the result as "
            "logits. softplus wants the logits as they are.",
            lambda logits, x: _bce(_sigmoid(logits), x),
        ),
        Mistake(
            "Black and white are exchanged: x should weigh the cost of ink, softplus(-l), which is "
            "small where the logit is large.",
            lambda logits, x: _bce(-logits, x),
        ),
        Mistake(
            "Only ink is charged for. A pixel that is paper (x = 0) must cost something too where "
            "the decoder draws ink.",
            lambda logits, x: (x * _softplus(-logits)).sum(1),
        ),
        Mistake(
            "Right on paper, but not in floats: at a logit of 800, exp(800) is infinite and 1 - "
            "sigmoid is 0. np.logaddexp(0, l) and torch's softplus and logsigmoid are safe.",
            _overflowing,
        ),
        Mistake(
            "This is the squared error of the probabilities. The exercise asks for the "
            "cross-entropy.",
            lambda logits, x: ((x - _sigmoid(logits)) ** 2).sum(1),
        ),
        Mistake(
            "These are bits: the same divided by log 2. The book counts in nats.",
            lambda logits, x: _bce(logits, x) / math.log(2),
        ),
        Mistake(
            "You averaged over the images as well. Return one number for each image.",
            lambda logits, x: _bce(logits, x).mean(),
        ),
    ],
    praise="Never negative, and safe for any logit.",
    same=_close,
)


# ---------------------------------------------------------------- sum or mean


def _beta(beta: float, D: int, d: int, pixels: str, latents: str) -> float:
    return beta * (D if pixels == "mean" else 1) / (d if latents == "mean" else 1)


_BETA = Exercise(
    name="The beta in force",
    right=_beta,
    inputs=[
        (1.0, 1024, 2, "sum", "mean"),
        (1.0, 1024, 2, "sum", "sum"),
        (1.0, 1024, 2, "mean", "sum"),
        (0.5, 784, 20, "mean", "mean"),
        (4.0, 3072, 128, "sum", "mean"),
    ],
    mistakes=[
        Mistake(
            "You return the beta that was written down. Divide the loss by the number that stands "
            "before R, so that R stands alone; then read off what stands before K.",
            lambda beta, D, d, pixels, latents: beta,
        ),
        Mistake(
            "Upside down: a mean over the D pixels makes R small, so K weighs more, not less; a "
            "mean over the d latent dimensions makes K small.",
            lambda beta, D, d, pixels, latents: beta**2 / _beta(beta, D, d, pixels, latents),
        ),
        Mistake(
            "You account for the pixels only. A mean over the latent dimensions changes K as well.",
            lambda beta, D, d, pixels, latents: _beta(beta, D, d, pixels, "sum"),
        ),
        Mistake(
            "You account for the latent dimensions only. A mean over the pixels changes R.",
            lambda beta, D, d, pixels, latents: _beta(beta, D, d, "sum", latents),
        ),
        Mistake(
            "D and d are exchanged: R is the sum over the D pixels, K the one over the d latent "
            "dimensions.",
            lambda beta, D, d, pixels, latents: _beta(beta, d, D, pixels, latents),
        ),
        Mistake(
            "The directions are mixed: a mean over the pixels multiplies beta, a mean over the "
            "latent dimensions divides it. Yours multiplies in both cases.",
            lambda beta, D, d, pixels, latents: (
                beta * (D if pixels == "mean" else 1) * (d if latents == "mean" else 1)
            ),
        ),
        Mistake(
            "This is the variance c that belongs to the loss, not its beta: beta = 2c.",
            lambda beta, D, d, pixels, latents: _beta(beta, D, d, pixels, latents) / 2,
        ),
    ],
    praise="You can now read anybody's loss, and say what it minimises.",
    same=_close,
)
