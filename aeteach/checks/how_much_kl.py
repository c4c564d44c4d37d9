r"""Checkers for the exercises of *How much KL?*."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = [
    "collapsed_dimensions",
    "free_bits",
    "rate_and_distortion",
    "warm_up_weight",
]

Array = NDArray[Any]


def rate_and_distortion(answer: Any) -> Verdict:
    """Check a function (x_hat (N, D), x (N, D), mu (N, d), log_var (N, d)) -> (bits, S)."""
    return _RATE.check(answer)


def collapsed_dimensions(answer: Any) -> Verdict:
    """Check a function (mu (N, d), log_var (N, d)) -> which dimensions carry < 0.01 nats, (d,)."""
    return _COLLAPSED.check(answer)


def warm_up_weight(answer: Any) -> Verdict:
    """Check a function (step, steps_an_epoch, beta, warm_up) -> weight of the KL in this step."""
    return _WARM_UP.check(answer)


def free_bits(answer: Any) -> Verdict:
    """Check a function (mu (N, d), log_var (N, d), lam) -> KL that is charged, one number."""
    return _FREE.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, as float32 needs."""
    return agree(got, want, 1e-4)


def _kl(mu: Array, log_var: Array) -> Array:
    """KL of each image and dimension, (N, d), in nats."""
    return 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)


def _moments(seed: int, n: int, d: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1.3, size=(n, d)), rng.normal(-1, 0.8, size=(n, d))


# ---------------------------------------------------------------- rate and distortion


def _rate(x_hat: Array, x: Array, mu: Array, log_var: Array) -> tuple[float, float]:
    bits = _kl(mu, log_var).sum(1).mean() / math.log(2)
    return float(bits), float(((x - x_hat) ** 2).sum(1).mean())


def _images(seed: int, n: int, D: int, d: int) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.random((n, D)), rng.random((n, D)), *_moments(seed + 10, n, d)


def _scaled(bits: float, error: float) -> Any:
    """Return the mistake that multiplies rate and squared error by these factors."""

    def wrong(x_hat: Array, x: Array, mu: Array, log_var: Array) -> tuple[float, float]:
        rate, distortion = _rate(x_hat, x, mu, log_var)
        return rate * bits, distortion * error

    return wrong


_RATE = Exercise(
    name="Rate and distortion",
    right=_rate,
    inputs=[_images(0, 3, 5, 2), _images(1, 4, 7, 3), _images(2, 2, 4, 6)],
    mistakes=[
        Mistake(
            "The rate is in nats. A bit is log 2 of a nat, so there are more bits than nats.",
            _scaled(math.log(2), 1),
        ),
        Mistake(
            "You multiplied the nats by log 2. That makes fewer bits than nats, and a bit is the "
            "smaller unit.",
            _scaled(math.log(2) ** 2, 1),
        ),
        Mistake(
            "You converted the squared error as well. It has no logarithm in it, and so no bits.",
            _scaled(1, 1 / math.log(2)),
        ),
        Mistake(
            "The two numbers are exchanged: first the rate, then the distortion.",
            lambda *a: _rate(*a)[::-1],
        ),
        Mistake(
            "Mean in place of sum: you averaged the squared error over the pixels.",
            lambda x_hat, x, mu, lv: (_rate(x_hat, x, mu, lv)[0], ((x - x_hat) ** 2).mean()),
        ),
        Mistake(
            "Mean in place of sum: you averaged the KL over the latent dimensions.",
            lambda x_hat, x, mu, lv: (
                _kl(mu, lv).mean() / math.log(2),
                _rate(x_hat, x, mu, lv)[1],
            ),
        ),
        Mistake(
            "You summed over the images. Rate and distortion are those of one image, on average.",
            lambda x_hat, x, mu, lv: tuple(len(x) * v for v in _rate(x_hat, x, mu, lv)),
        ),
        Mistake(
            "Your KL treats log_var as the logarithm of sigma: it squares once too often.",
            lambda x_hat, x, mu, lv: _rate(x_hat, x, mu, 2 * lv),
        ),
        Mistake(
            "Your KL has sigma where sigma squared belongs. exp(log_var) is the variance already.",
            lambda x_hat, x, mu, lv: (
                (0.5 * (np.exp(lv / 2) + mu**2 - 1 - lv)).sum(1).mean() / math.log(2),
                _rate(x_hat, x, mu, lv)[1],
            ),
        ),
        Mistake(
            "The squared error is halved. That belongs to a likelihood of variance 1; the "
            "distortion here is the squared error itself.",
            _scaled(1, 0.5),
        ),
    ],
    praise="A point of the plane: what an image costs to send, and what is lost.",
    same=_close,
)


# ---------------------------------------------------------------- collapsed dimensions


def _collapsed(mu: Array, log_var: Array) -> Array:
    return _kl(mu, log_var).mean(0) < 0.01


def _posterior(seed: int, n: int) -> tuple[Array, Array]:
    """Return the posterior of five dimensions that no shortcut tells apart.

    In use; collapsed; mu far off but the same for every image; sigma small at mu = 0; log_var
    above and below 0 in turn, with mean 0.
    """
    rng = np.random.default_rng(seed)
    still = rng.normal(0, 0.02, size=n)
    sign = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    mu = np.stack([sign * rng.normal(1.5, 0.1, n), still, 2 + still, still, still], axis=1)
    tiny = rng.normal(0, 0.02, size=n)
    log_var = np.stack([tiny - 2, tiny, tiny, tiny - 1.5, sign], axis=1)
    order = rng.permutation(5)
    return mu[:, order], log_var[:, order]


_COLLAPSED = Exercise(
    name="Collapsed dimensions",
    right=_collapsed,
    inputs=[_posterior(0, 20), _posterior(1, 30), _posterior(2, 12)],
    mistakes=[
        Mistake(
            "Upside down: you return the dimensions that are in use.",
            lambda mu, lv: ~_collapsed(mu, lv),
        ),
        Mistake(
            "You look at mu alone, at how much it varies. A dimension whose mu stands still may "
            "still carry nats: far from 0, or with a sigma that is not 1.",
            lambda mu, lv: mu.var(0) < 0.01,
        ),
        Mistake(
            "You look at the average of mu. The means of a dimension in use may well average to 0.",
            lambda mu, lv: np.abs(mu.mean(0)) < 0.1,
        ),
        Mistake(
            "You look at log_var alone. A sigma of 1 with a mu away from 0 is not the prior.",
            lambda mu, lv: np.abs(lv).mean(0) < 0.1,
        ),
        Mistake(
            "You look at the average of log_var. Above 0 for some images and below for others, it "
            "averages to 0 and is not the prior's for any.",
            lambda mu, lv: np.abs(lv.mean(0)) < 0.1,
        ),
        Mistake(
            "You put the averages of mu and log_var into the KL. Take the KL of each image first, "
            "then the average: a mu of +1.5 and of -1.5 both cost nats.",
            lambda mu, lv: _kl(mu.mean(0), lv.mean(0)) < 0.01,
        ),
        Mistake(
            "You average over the dimensions. The question is which of them, so average over the "
            "images, axis 0.",
            lambda mu, lv: _kl(mu, lv).mean(1) < 0.01,
        ),
        Mistake(
            "These are the KLs. The exercise asks which of them are below 0.01.",
            lambda mu, lv: _kl(mu, lv).mean(0),
        ),
    ],
    praise="Only the KL of each image, averaged, sees all of it: mu, sigma, and their spread.",
    same=_close,
)


# ---------------------------------------------------------------- warm-up


def _weight(step: int, steps: int, beta: float, warm_up: float) -> float:
    return beta * min(1.0, step / steps / warm_up)


_WARM_UP = Exercise(
    name="Warm-up",
    right=_weight,
    inputs=[
        (30, 20, 0.5, 2.5),
        (75, 20, 4.0, 2.5),
        (0, 20, 4.0, 2.5),
        (20, 20, 4.0, 10.0),
        (5000, 100, 2.0, 20.0),
        (7, 100, 0.5, 1.5),
    ],
    mistakes=[
        Mistake(
            "The weight goes on growing after the warm-up. From then on it stays beta.",
            lambda step, n, beta, w: beta * step / n / w,
        ),
        Mistake(
            "The line ends at 1, not at beta: the share of the warm-up that is over is what has "
            "to stop at 1.",
            lambda step, n, beta, w: min(1.0, beta * step / n / w),
        ),
        Mistake(
            "beta is missing: this is the share of the warm-up that is over.",
            lambda step, n, beta, w: min(1.0, step / n / w),
        ),
        Mistake(
            "You count whole epochs only, so the weight climbs in stairs. Count fractions of an "
            "epoch too.",
            lambda step, n, beta, w: beta * min(1.0, (step // n) / w),
        ),
        Mistake(
            "You compare steps with epochs. warm_up is in epochs: divide step by the steps that an "
            "epoch has. As it is, the warm-up ends after a few steps.",
            lambda step, n, beta, w: beta * min(1.0, step / w),
        ),
        Mistake(
            "The weight falls in place of growing. At step 0 it is 0.",
            lambda step, n, beta, w: beta * (1 - min(1.0, step / n / w)),
        ),
        Mistake(
            "The weight is beta at once. Without a line from 0 there is no warm-up.",
            lambda step, n, beta, w: beta,
        ),
        Mistake(
            "The weight jumps from 0 to beta when the warm-up ends. It should grow in a line.",
            lambda step, n, beta, w: beta * (step / n >= w),
        ),
    ],
    praise="From 0 to beta in a line, and then it stays: z may be used before it is paid for.",
    same=_close,
)


# ---------------------------------------------------------------- free bits


def _free(mu: Array, log_var: Array, lam: float) -> float:
    return float(np.maximum(_kl(mu, log_var).mean(0), lam).sum())


def _mixed(seed: int, n: int, lam: float) -> tuple[Array, Array, float]:
    """Return dimensions above and below lam, each with images above and below it."""
    rng = np.random.default_rng(seed)
    mu = rng.normal(0, [1.6, 0.2, 0.9, 0.05], size=(n, 4))
    log_var = rng.normal([-2.5, -0.1, -0.8, 0], 0.2, size=(n, 4))
    return mu, log_var, lam


_FREE = Exercise(
    name="Free bits",
    right=_free,
    inputs=[_mixed(0, 6, 0.5), _mixed(1, 9, 0.25), _mixed(2, 5, 0.7), _mixed(3, 7, 6.0)],
    mistakes=[
        Mistake(
            "No nats are free: this is the KL itself.",
            lambda mu, lv, lam: _kl(mu, lv).mean(0).sum(),
        ),
        Mistake(
            "You take the larger one for each image, and average afterwards. The KL of a dimension "
            "is averaged over the batch first: an image may then use more where another uses less.",
            lambda mu, lv, lam: np.maximum(_kl(mu, lv), lam).mean(0).sum(),
        ),
        Mistake(
            "You sum over the dimensions first, so one busy dimension uses up the allowance of "
            "all. Every dimension has its own.",
            lambda mu, lv, lam: max(_kl(mu, lv).mean(0).sum(), lam * mu.shape[1]),
        ),
        Mistake(
            "You compare the sum of all dimensions with the allowance of one.",
            lambda mu, lv, lam: max(_kl(mu, lv).mean(0).sum(), lam),
        ),
        Mistake(
            "You take the smaller of the two. Then nats beyond lambda are free, and those below it "
            "are charged: the wrong way round.",
            lambda mu, lv, lam: np.minimum(_kl(mu, lv).mean(0), lam).sum(),
        ),
        Mistake(
            "You subtract the allowance. The gradient is the same, but the charge is lower by "
            "lambda for every dimension; the formula takes the larger of the two.",
            lambda mu, lv, lam: np.maximum(_kl(mu, lv).mean(0) - lam, 0).sum(),
        ),
        Mistake(
            "Mean in place of sum: you averaged over the latent dimensions.",
            lambda mu, lv, lam: np.maximum(_kl(mu, lv).mean(0), lam).mean(),
        ),
        Mistake(
            "You charge nothing for a dimension below lambda, and all of it above. Then the charge "
            "jumps at lambda; the larger of the two is continuous.",
            lambda mu, lv, lam: np.where(_kl(mu, lv).mean(0) > lam, _kl(mu, lv).mean(0), 0).sum(),
        ),
        Mistake(
            "These are the charges dimension by dimension. Sum them.",
            lambda mu, lv, lam: np.maximum(_kl(mu, lv).mean(0), lam),
        ),
    ],
    praise="Flat below lambda: nothing pulls a dimension onto the prior until it carries more.",
    same=_close,
)
