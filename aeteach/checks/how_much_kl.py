"""The exercises of *How much KL?*."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]


def _kl(mu: Array, log_var: Array) -> Array:
    """Return the KL of each image and dimension, (N, d), in nats."""
    return np.asarray((np.exp(log_var) + mu**2 - 1 - log_var) / 2)


# ---------------------------------------------------------------- rate and distortion


def _images(rng: np.random.Generator) -> Iterator[tuple[Array, ...]]:
    for n, pixels, d in ((3, 5, 2), (4, 7, 3), (2, 4, 6), (5, 5, 5), (1, 6, 2), (7, 3, 1)):
        x_hat, x = rng.random((2, n, pixels)) * [[[1.0]], [[1.4]]]
        yield x_hat, x, rng.normal(0, 1.3, size=(n, d)), rng.normal(-1, 0.8, size=(n, d))


def _rate_and_distortion(x_hat: Array, x: Array, mu: Array, log_var: Array) -> tuple[Any, Any]:
    kl = (np.exp(log_var) + mu**2 - 1 - log_var) / 2
    error = ((x - x_hat) ** 2).sum(axis=1)
    return kl.sum(axis=1).mean() / np.log(2), error.mean()


rate_and_distortion = Exercise(
    "Rate and distortion",
    _rate_and_distortion,
    inputs=_images,
    about="x_hat (N, D), x (N, D), mu (N, d), log_var (N, d) -> (bits an image, squared error).",
    praise="A point of the plane: what an image costs to send, and what is lost.",
    mistakes=[
        Mistake(
            "The rate is in nats. A bit is log 2 of a nat, so there are more bits than nats.",
            lambda x_hat, x, mu, lv: (
                _rate_and_distortion(x_hat, x, mu, lv)[0] * np.log(2),
                _rate_and_distortion(x_hat, x, mu, lv)[1],
            ),
        ),
        Mistake(
            "You multiplied the nats by log 2. That makes fewer bits than nats, and a bit is the "
            "smaller unit.",
            lambda x_hat, x, mu, lv: (
                _rate_and_distortion(x_hat, x, mu, lv)[0] * np.log(2) ** 2,
                _rate_and_distortion(x_hat, x, mu, lv)[1],
            ),
        ),
        Mistake(
            "The two numbers are exchanged: first the rate, then the distortion.",
            lambda *a: _rate_and_distortion(*a)[::-1],
        ),
        Mistake(
            "You summed over the images. Rate and distortion are those of one image, on average.",
            lambda x_hat, *a: tuple(len(x_hat) * v for v in _rate_and_distortion(x_hat, *a)),
        ),
        Mistake(
            "Your KL treats log_var as the logarithm of sigma: it squares once too often.",
            lambda x_hat, x, mu, lv: _rate_and_distortion(x_hat, x, mu, 2 * lv),
        ),
        Mistake(
            "Your KL has sigma where sigma squared belongs. exp(log_var) is the variance already.",
            lambda x_hat, x, mu, lv: (
                (np.exp(lv / 2) + mu**2 - 1 - lv).sum(1).mean() / np.log(4),
                _rate_and_distortion(x_hat, x, mu, lv)[1],
            ),
        ),
    ],
)


# ---------------------------------------------------------------- collapsed dimensions


def _posteriors(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield posteriors of dimensions that no shortcut tells apart.

    In use; collapsed; mu far off but the same for every image; sigma small at mu = 0; log_var
    above and below 0 in turn; used through mu alone; a little below and a little above 0.01 nats,
    in every image alike or all of them in one image.
    """
    for n in (20, 30, 12, 7, 8, 2, 41):
        still = rng.normal(0, 0.02, size=n)
        sign = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
        tiny = rng.normal(0, 0.02, size=n)
        mu = [sign * rng.normal(1.5, 0.1, n), still, 2 + still, still, still]
        log_var = [tiny - 2, tiny, tiny, tiny - 1.5, sign]
        for nats in (0.0085, 0.0097, 0.0103, 0.0115, 0.019, 0.006):
            mu.append(sign * np.sqrt(2 * nats))
            log_var.append(np.zeros(n))
            mu.append(np.zeros(n))
            log_var.append(np.full(n, -_width(nats)))
            if n > 2:
                mu.append(np.eye(1, n)[0] * np.sqrt(2 * n * nats))
                log_var.append(np.zeros(n))
        order = rng.permutation(len(mu))
        yield np.stack(mu, axis=1)[:, order], np.stack(log_var, axis=1)[:, order]


def _width(nats: float) -> float:
    """Return -log_var at which the variance alone costs so many nats."""
    v = 0.0
    while (np.exp(-v) - 1 + v) / 2 < nats:
        v += 1e-5
    return v


def _collapsed(mu: Array, log_var: Array) -> Any:
    kl = 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)
    return kl.mean(axis=0) < 0.01


collapsed_dimensions = Exercise(
    "Collapsed dimensions",
    _collapsed,
    inputs=_posteriors,
    about="mu (N, d), log_var (N, d) -> which dimensions carry less than 0.01 nats, (d,).",
    praise="Only the KL of each image, averaged, sees all of it: mu, sigma, and their spread.",
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
            "You look at mu alone, at how much it varies. A dimension whose mu stands still may "
            "still carry nats: far from 0, or with a sigma that is not 1.",
            lambda mu, lv: mu.std(0) < 0.01,
        ),
        Mistake(
            "You look at the average of mu. The means of a dimension in use may well average to 0.",
            lambda mu, lv: np.abs(mu.mean(0)) < 0.1,
        ),
        Mistake(
            "You look at the average of mu. The means of a dimension in use may well average to 0.",
            lambda mu, lv: np.abs(mu.mean(0)) < 0.01,
        ),
        Mistake(
            "You look at log_var alone. A sigma of 1 with a mu away from 0 is not the prior.",
            lambda mu, lv: np.abs(lv).mean(0) < 0.1,
        ),
        Mistake(
            "You look at log_var alone. A sigma of 1 with a mu away from 0 is not the prior.",
            lambda mu, lv: np.abs(lv).mean(0) < 0.01,
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
            "These are the KLs. The exercise asks which of them are below 0.01.",
            lambda mu, lv: _kl(mu, lv).mean(0),
        ),
    ],
)


# ---------------------------------------------------------------- warm-up


def _steps(rng: np.random.Generator) -> Iterator[tuple[int, int, float, float]]:
    yield 30, 20, 0.5, 2.5
    yield 75, 20, 4.0, 2.5
    yield 0, 20, 4.0, 2.5
    yield 20, 20, 4.0, 10.0
    yield 5000, 100, 2.0, 20.0
    yield 7, 100, 0.5, 1.5
    yield 50, 20, 4.0, 2.5  # the end of the warm-up exactly
    yield 1, 1, 1.0, 3.0
    for _ in range(8):
        steps, warm_up = int(rng.integers(3, 200)), float(rng.uniform(0.3, 8))
        step = int(steps * warm_up * rng.uniform(0, 1.3))
        yield step, steps, float(rng.uniform(0.1, 5)), warm_up


def _weight(step: int, steps_an_epoch: int, beta: float, warm_up: float) -> float:
    epochs = step / steps_an_epoch
    return beta * min(1.0, epochs / warm_up)


warm_up_weight = Exercise(
    "Warm-up",
    _weight,
    inputs=_steps,
    about="step, steps_an_epoch, beta, warm_up (in epochs) -> weight of the KL in this step.",
    praise="From 0 to beta in a line, and then it stays: z may be used before it is paid for.",
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
            "You compare steps with epochs: warm_up is in epochs, step is not. As it is, the "
            "warm-up ends after a few steps.",
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
)


# ---------------------------------------------------------------- free bits


def _mixed(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float]]:
    """Yield dimensions above and below lam, each with images above and below it."""
    for n, lam in ((6, 0.5), (9, 0.25), (5, 0.7), (7, 6.0), (4, 0.1), (1, 0.4), (3, 1.0)):
        mu = rng.normal(0, [1.6, 0.2, 0.9, 0.05], size=(n, 4))
        log_var = rng.normal([-2.5, -0.1, -0.8, 0], 0.2, size=(n, 4))
        keep = rng.permutation(4)[: 3 if n == 5 else 4]
        yield mu[:, keep], log_var[:, keep], lam
    yield rng.normal(size=(6, 3)), rng.normal(-1, 0.5, size=(6, 3)), 0.0  # nothing is free


def _free(mu: Array, log_var: Array, lam: float) -> Any:
    kl = 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var)
    return np.maximum(kl.mean(axis=0), lam).sum()


free_bits = Exercise(
    "Free bits",
    _free,
    inputs=_mixed,
    about="mu (N, d), log_var (N, d), lam -> the KL that is charged, one number.",
    praise="Flat below lambda: nothing pulls a dimension onto the prior until it carries more.",
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
)
