"""The exercises of *The ELBO*."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake, Rounds

Array = NDArray[Any]

# ---------------------------------------------------------------- the gap


def _reports(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    for n, scale in ((3, 1.0), (2, 100.0), (5, 10.0), (1, 1.0), (4, 1e-3), (2, 1e4)):
        fit, kl = -scale * rng.random(n), scale * rng.uniform(0.1, 1, n)
        yield fit - kl + scale * rng.uniform(0.05, 0.5, n), fit, kl
    yield np.array([2.5, -3.0]), np.array([3.0, -2.0]), np.array([0.5, 1.0])  # no gap at all


elbo_gap = Exercise(
    "The gap",
    lambda log_evidence, fit, kl: log_evidence - (fit - kl),
    inputs=_reports,
    about="log_evidence, fit, kl, each (N,), fit = E_q[log p(x|z)] -> the gap of each image, (N,).",
    praise="That is all it takes: how far q is from the posterior, without the posterior.",
    rows=(0, 1, 2),
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
            "Your ELBO adds the KL to the prior. Being far from the prior is a cost.",
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
)

# ---------------------------------------------------------------- the ELBO from draws


def _draws(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    for n, s, d in ((3, 5, 2), (4, 2, 6), (2, 7, 3), (3, 3, 3), (5, 1, 2), (1, 4, 1)):
        yield (
            rng.normal(-3, 1.5, size=(n, s)),
            rng.normal(0, 1.2, size=(n, d)),
            rng.normal(-1, 0.8, size=(n, d)),
        )
    yield rng.normal(-900, 40, size=(3, 4)), rng.normal(0, 3, size=(3, 2)), rng.normal(size=(3, 2))


def _elbo(log_likelihood: Array, mu: Array, log_var: Array) -> Any:
    kl = 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)
    return log_likelihood.mean(axis=1) - kl.sum(axis=1)


def _fit_and(kl: Any) -> Any:
    """Return the mistake that has the right reconstruction term, less another KL."""
    return lambda ll, mu, lv: ll.mean(1) - kl(mu, lv).sum(1)


elbo_from_draws = Exercise(
    "The ELBO from draws",
    _elbo,
    inputs=_draws,
    about="log_likelihood (N, S), mu (N, d), log_var (N, d) -> the ELBO of each image, (N,).",
    praise="One number an image: its reconstruction term, less its KL to the prior.",
    rows=(0, 1, 2),
    mistakes=[
        Mistake(
            "The KL is added. It is a cost and lowers the ELBO: either the sign before it is "
            "wrong, or the sign of every term inside it.",
            _fit_and(lambda mu, lv: -0.5 * (np.exp(lv) + mu**2 - 1 - lv)),
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
            lambda ll, mu, lv: _elbo(ll * ll.shape[1], mu, lv),
        ),
        Mistake(
            "Mean in place of sum: you averaged the KL over the latent dimensions. Their KLs add, "
            "because independent surprises add.",
            _fit_and(lambda mu, lv: 0.5 * (np.exp(lv) + mu**2 - 1 - lv) / mu.shape[1]),
        ),
        Mistake(
            "Your KL has sigma where sigma squared belongs. exp(log_var) is the variance already; "
            "exp(log_var / 2) is its root.",
            _fit_and(lambda mu, lv: 0.5 * (np.exp(lv / 2) + mu**2 - 1 - lv)),
        ),
        Mistake(
            "Your KL treats log_var as the logarithm of sigma: it squares once too often.",
            _fit_and(lambda mu, lv: 0.5 * (np.exp(2 * lv) + mu**2 - 1 - 2 * lv)),
        ),
        Mistake(
            "The factor 1/2 of the KL between normal distributions is missing.",
            _fit_and(lambda mu, lv: np.exp(lv) + mu**2 - 1 - lv),
        ),
        Mistake(
            "You took the logarithm of the mean likelihood. The ELBO has the mean of the "
            "logarithms; Jensen's inequality is the difference between the two.",
            lambda ll, mu, lv: _elbo(
                np.log(np.exp(ll - ll.max(1, keepdims=True)).mean(1, keepdims=True))
                + ll.max(1, keepdims=True),
                mu,
                lv,
            ),
        ),
        Mistake(
            "You took the logarithm of the mean likelihood, and it underflows. The ELBO has the "
            "mean of the logarithms; Jensen's inequality is the difference between the two.",
            lambda ll, mu, lv: _elbo(np.log(np.exp(ll).mean(1, keepdims=True)), mu, lv),
        ),
        Mistake(
            "You averaged over the images as well. Return one number for each image.",
            lambda ll, mu, lv: _elbo(ll, mu, lv).mean(),
        ),
    ],
)

# ---------------------------------------------------------------- Gaussian pixels


def _images(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float]]:
    for n, pixels, c in (
        *((3, 5, 0.25), (2, 9, 1.7), (4, 3, 0.04), (3, 3, 2.5), (1, 6, 1.0), (5, 1, 0.5)),
        *((2, 4, 1e-4), (2, 4, 30.0)),
    ):
        yield rng.random((n, pixels)), 1.3 * rng.random((n, pixels)), c
    x = rng.random((3, 4))
    yield x + 0.01 * rng.normal(size=x.shape), x, 0.002  # a density above 1, so a cost below 0


def _gaussian(x_hat: Array, x: Array, c: float) -> Any:
    squared = ((x - x_hat) ** 2).sum(axis=1)
    return squared / (2 * c) + x.shape[1] / 2 * np.log(2 * np.pi * c)


def _squared(x_hat: Array, x: Array) -> Any:
    return ((x - x_hat) ** 2).sum(1)


gaussian_nll = Exercise(
    "Gaussian pixels",
    _gaussian,
    inputs=_images,
    also=[
        lambda x_hat, x, c: (
            (x - x_hat) ** 2 / (2 * c) + 0.5 * np.log(2 * np.pi) + np.log(np.sqrt(c))
        ).sum(axis=1)
    ],
    about="x_hat (N, D), x (N, D), c -> -log N(x; x_hat, c I) of each image, (N,).",
    praise="A likelihood in nats: errors are measured in units of c, and width is paid for.",
    rows=(0, 1),
    mistakes=[
        Mistake(
            "This is the squared error alone. The likelihood also divides it by a multiple of c, "
            "and that factor decides how much reconstruction weighs against the KL.",
            lambda x_hat, x, c: _squared(x_hat, x),
        ),
        Mistake(
            "The constant is right, but the squared error is not divided by what the exponent of "
            "the density has below.",
            lambda x_hat, x, c: _squared(x_hat, x) + x.shape[1] / 2 * math.log(2 * math.pi * c),
        ),
        Mistake(
            "You divide the squared error by c. Look at the exponent of the normal density again.",
            lambda x_hat, x, c: _gaussian(x_hat, x, c) + _squared(x_hat, x) / (2 * c),
        ),
        Mistake(
            "The constant of the density, with its logarithm, is missing. It does not move x_hat, "
            "but without it values for different c cannot be compared.",
            lambda x_hat, x, c: _squared(x_hat, x) / (2 * c),
        ),
        Mistake(
            "You count the constant with its logarithm once. Every pixel brings one.",
            lambda x_hat, x, c: _squared(x_hat, x) / (2 * c) + 0.5 * math.log(2 * math.pi * c),
        ),
        Mistake(
            "The variance is missing inside the logarithm.",
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
)

# ---------------------------------------------------------------- black and white pixels


def _softplus(v: Array) -> Any:
    return np.logaddexp(0, v)


def _bce(logits: Array, x: Array) -> Any:
    return (x * np.logaddexp(0, -logits) + (1 - x) * np.logaddexp(0, logits)).sum(axis=1)


def _sigmoid(v: Array) -> Any:
    return np.exp(-_softplus(-v))


def _logits(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for n, pixels in ((3, 4), (2, 7), (4, 4), (1, 5), (6, 2), (3, 1)):
        x = (rng.random((n, pixels)) < 0.5).astype(np.float64)
        x[0, 0], x[-1, -1] = 1.0, 0.0
        yield rng.normal(0, 2, size=(n, pixels)), x


def _extreme_logits(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield logits that no naive formula survives."""
    signs = np.array([[1.0, -1.0, 1.0, -2.0], [-1.0, 1.0, -2.0, 1.0]])
    x = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    for size in (800.0, 60.0, 1e4):
        yield size * signs, x
        yield size * signs, np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]])
    yield rng.normal(size=(2, 4)), x


_OVERFLOW = (
    "Right on paper, but not in floats: at a logit of 800 an exponential overflows, or a sigmoid "
    "is rounded to 0 or 1. Take a function that is written for logits, in numpy or in torch."
)


def _naive(logits: Array, x: Array) -> Any:
    return (x * np.log(1 + np.exp(-logits)) + (1 - x) * np.log(1 + np.exp(logits))).sum(1)


def _of_probabilities(logits: Array, x: Array, small: float = 0.0, at: float = 0.0) -> Any:
    p = np.clip(1 / (1 + np.exp(-logits)), at, 1 - at)
    return -(x * np.log(p + small) + (1 - x) * np.log(1 - p + small)).sum(1)


_paper = Exercise(
    "Black and white pixels",
    _bce,
    inputs=_logits,
    also=[lambda logits, x: (np.logaddexp(0, logits) - x * logits).sum(axis=1)],
    about="the formula",
    praise="",
    rows=(0, 1),
    tolerance=10,  # forgives a small number inside the logarithm: the extreme logits tell it
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
            "Black and white are exchanged: the cost of ink is small where the logit is large.",
            lambda logits, x: _bce(-logits, x),
        ),
        Mistake(
            "Only ink is charged for. A pixel that is paper (x = 0) must cost something too where "
            "the decoder draws ink.",
            lambda logits, x: (x * _softplus(-logits)).sum(1),
        ),
        Mistake(
            "Only paper is charged for. A pixel that is ink (x = 1) must cost something too where "
            "the decoder draws paper.",
            lambda logits, x: ((1 - x) * _softplus(logits)).sum(1),
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
)
_floats = Exercise(
    "Black and white pixels",
    _bce,
    inputs=_extreme_logits,
    about="logits of any size",
    praise="Never negative, and safe for any logit.",
    rows=(0, 1),
    otherwise="Right for ordinary logits, and wrong for large ones, of 60 or 800.",
    mistakes=[
        Mistake(_OVERFLOW, _naive),
        Mistake(_OVERFLOW, _of_probabilities),
        *(
            Mistake(
                "A small number inside the logarithm stops it from overflowing, and caps the cost: "
                "a pixel that is wrong by a mile costs no more than one that is wrong by a yard.",
                lambda logits, x, small=small, at=at: _of_probabilities(logits, x, small, at),
            )
            for value in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
            for small, at in ((value, 0.0), (0.0, value))
        ),
    ],
)


bernoulli_nll = Rounds(
    _paper,
    _floats,
    about="logits (N, D), x (N, D) of 0 and 1 -> binary cross-entropy of each image, (N,).",
)

# ---------------------------------------------------------------- sum or mean


def _losses(rng: np.random.Generator) -> Iterator[tuple[float, int, int, str, str]]:
    yield 0.5, 784, 20, "mean", "mean"
    yield 1.0, 1024, 2, "sum", "mean"
    yield 1.0, 1024, 2, "sum", "sum"
    yield 1.0, 1024, 2, "mean", "sum"
    yield 4.0, 3072, 128, "sum", "mean"
    yield 0.25, 100, 3, "mean", "sum"
    yield 3.0, 64, 5, "sum", "sum"
    yield 7.0, 12, 12, "mean", "mean"


def _in_force(beta: float, D: int, d: int, pixels: str, latents: str) -> float:
    if pixels == "mean":
        beta = beta * D
    if latents == "mean":
        beta = beta / d
    return beta


effective_beta = Exercise(
    "The beta in force",
    _in_force,
    inputs=_losses,
    about='beta, D, d, pixels and latents ("sum" or "mean") -> the beta in force for summed terms.',
    praise="You can now read anybody's loss, and say what it minimises.",
    mistakes=[
        Mistake(
            "You return the beta that was written down. Divide the loss by the number that stands "
            "before R, so that R stands alone; then read off what stands before K.",
            lambda beta, D, d, pixels, latents: beta,
        ),
        Mistake(
            "Upside down: a mean over the D pixels makes R small, so how much does K weigh beside "
            "it, more or less? And what does a mean over the d latent dimensions do to K?",
            lambda beta, D, d, pixels, latents: beta**2 / _in_force(beta, D, d, pixels, latents),
        ),
        Mistake(
            "You account for the pixels only. A mean over the latent dimensions changes K as well.",
            lambda beta, D, d, pixels, latents: _in_force(beta, D, d, pixels, "sum"),
        ),
        Mistake(
            "You account for the latent dimensions only. A mean over the pixels changes R.",
            lambda beta, D, d, pixels, latents: _in_force(beta, D, d, "sum", latents),
        ),
        Mistake(
            "D and d are exchanged: R is the sum over the D pixels, K the one over the d latent "
            "dimensions.",
            lambda beta, D, d, pixels, latents: _in_force(beta, d, D, pixels, latents),
        ),
        Mistake(
            "The directions are mixed: one of the two means makes K weigh more beside R, the other "
            "makes it weigh less. Yours push the same way.",
            lambda beta, D, d, pixels, latents: (
                beta * (D if pixels == "mean" else 1) * (d if latents == "mean" else 1)
            ),
        ),
        Mistake(
            "This is the variance c that belongs to the loss, not its beta. What is the factor "
            "between them?",
            lambda beta, D, d, pixels, latents: _in_force(beta, D, d, pixels, latents) / 2,
        ),
    ],
)
