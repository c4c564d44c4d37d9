"""The exercises of *A variational autoencoder*."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._agree import agree, numbers, plain
from aeteach.checks._exercise import Exercise, Judged, Mistake
from aeteach.checks._run import TooLong, call, silent
from aeteach.checks._trial import about_error, describe

Array = NDArray[Any]

# ---------------------------------------------------------------- the loss of a batch


def _batches(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    for n, pixels, d, beta in (
        *((4, 9, 2, 0.5), (6, 12, 3, 2.0), (3, 7, 4, 1.5), (5, 5, 5, 0.1), (1, 6, 2, 4.0)),
        *((2, 3, 6, 1.0), (7, 1, 1, 0.3)),
    ):
        x, x_hat = rng.uniform(size=(2, n, pixels))
        yield x, 1.2 * x_hat, rng.normal(size=(n, d)), rng.normal(-0.4, 1.1, size=(n, d)), beta


def _loss(x: Array, x_hat: Array, mu: Array, log_var: Array, beta: float) -> Any:
    S = ((x - x_hat) ** 2).sum(axis=1)
    K = 0.5 * (np.exp(log_var) + mu**2 - 1 - log_var).sum(axis=1)
    return S.mean() + beta * K.mean()


def _squares(x: Array, x_hat: Array) -> Any:
    return (x - x_hat) ** 2


def _kl(mu: Array, log_var: Array) -> Any:
    return (np.exp(log_var) + mu**2 - 1 - log_var) / 2


_ORDER = "The order is: over pixels, over latent dimensions, over images."

vae_loss = Exercise(
    "The loss of a batch",
    _loss,
    inputs=_batches,
    about="x, x_hat (N, D), mu, log_var (N, d), beta -> the loss of a batch, S + beta K.",
    praise="Summed over pixels and latent dimensions, averaged over the batch.",
    mistakes=[
        Mistake(
            "The squared error is averaged over pixels. That divides it by their number, and the "
            f"beta in force is that many times the one written down. {_ORDER}",
            lambda x, y, m, v, beta: _squares(x, y).mean() + beta * _kl(m, v).sum(1).mean(),
        ),
        Mistake(
            "Both terms are averaged where they should be summed: over pixels, and over latent "
            "dimensions. The beta in force is another one.",
            lambda x, y, m, v, beta: _squares(x, y).mean() + beta * _kl(m, v).mean(),
        ),
        Mistake(
            "The KL is averaged over latent dimensions. Divergences of independent dimensions add "
            "up.",
            lambda x, y, m, v, beta: _squares(x, y).sum(1).mean() + beta * _kl(m, v).mean(),
        ),
        Mistake(
            "You return the sum over the batch. Then the loss depends on how many images a batch "
            "holds, and so does the step of the optimiser.",
            lambda x, *others: len(x) * _loss(x, *others),
        ),
        Mistake(
            "The KL has the wrong sign: this loss rewards a q far from the prior.",
            lambda x, y, m, v, beta: _loss(x, y, m, v, -beta),
        ),
        Mistake(
            "The whole loss has the wrong sign: it would make every error as large as it can.",
            lambda *a: -_loss(*a),
        ),
        Mistake("beta is not used.", lambda x, y, m, v, beta: _loss(x, y, m, v, 1.0)),
        Mistake(
            "beta weighs the squared error. It belongs to the other term.",
            lambda x, y, m, v, beta: beta * _loss(x, y, m, v, 1 / beta),
        ),
        Mistake("The KL is missing.", lambda x, y, m, v, beta: _loss(x, y, m, v, 0.0)),
        Mistake(
            "The squared error is missing.",
            lambda x, y, m, v, beta: beta * _kl(m, v).sum(1).mean(),
        ),
        Mistake(
            "There is a factor of one half before the squared error. That is another loss: its "
            "beta means twice as much.",
            lambda x, y, m, v, beta: _loss(x, y, m, v, 2 * beta) / 2,
        ),
        Mistake(
            "The KL has exp(log_var / 2) where the variance belongs. What is the variance?",
            lambda x, y, m, v, beta: (
                _squares(x, y).sum(1).mean()
                + beta * ((np.exp(v / 2) + m**2 - 1 - v) / 2).sum(1).mean()
            ),
        ),
        Mistake(
            "You take the root: this is the error as a length. The loss has the square.",
            lambda x, y, m, v, beta: (
                np.sqrt(_squares(x, y).sum(1)).mean() + beta * _kl(m, v).sum(1).mean()
            ),
        ),
    ],
)

# ---------------------------------------------------------------- from S + beta K to nats


def _reports(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float, int]]:
    for n, beta, pixels in (
        *((3, 0.25, 1024), (4, 4.0, 784), (5, 0.6, 100), (1, 2.0, 12), (2, 1.0, 3), (6, 0.05, 50)),
        *((2, 9.0, 2),),
    ):
        yield rng.uniform(20, 60, size=n), rng.uniform(2, 20, size=n), beta, pixels
    yield rng.uniform(0.1, 0.3, size=3), rng.uniform(0, 1, size=3), 0.02, 40  # below 0 nats


def _in_nats(S: Array, K: Array, beta: float, D: int) -> Any:
    c = beta / 2
    return S / (2 * c) + D / 2 * np.log(2 * np.pi * c) + K


def _with_variance(c: Callable[[float], float]) -> Callable[..., Any]:
    return lambda S, K, beta, D: _in_nats(S, K, 2 * c(beta), D)


loss_in_nats = Exercise(
    "The loss in nats",
    _in_nats,
    inputs=_reports,
    also=[lambda S, K, beta, D: S / beta + D / 2 * np.log(np.pi * beta) + K],
    about="S (N,), K (N,), beta, D -> -ELBO in nats for the variance that beta stands for, (N,).",
    praise="Now losses of different beta have one unit. They may well be negative.",
    rows=(0, 1),
    mistakes=[
        Mistake(
            "You took beta for the variance. There is a factor between them.",
            _with_variance(lambda beta: beta),
        ),
        Mistake(
            "You took 2 beta for the variance. Which of the two is the larger one?",
            _with_variance(lambda beta: 2 * beta),
        ),
        Mistake(
            "You took a root for the variance. That is the standard deviation.",
            _with_variance(lambda beta: float(np.sqrt(beta / 2))),
        ),
        Mistake(
            "The constant of the normal density is missing. Without it, values of different beta "
            "do not compare.",
            lambda S, K, beta, D: S / beta + K,
        ),
        Mistake(
            "The constant has the wrong sign: for a small variance it must be negative.",
            lambda S, K, beta, D: S / beta + K - D / 2 * np.log(np.pi * beta),
        ),
        Mistake(
            "The constant belongs to one pixel. There are D of them.",
            lambda S, K, beta, D: S / beta + K + np.log(np.pi * beta) / 2,
        ),
        Mistake(
            "The constant is twice too large: the density has a root in it.",
            lambda S, K, beta, D: S / beta + K + D * np.log(np.pi * beta),
        ),
        Mistake(
            "The constant has log(2 pi) but not the variance.",
            lambda S, K, beta, D: S / beta + K + D / 2 * np.log(2 * np.pi),
        ),
        Mistake(
            "K still carries its beta. The weight is spent once S is in nats.",
            lambda S, K, beta, D: _in_nats(S, beta * K, beta, D),
        ),
        Mistake(
            "That is S + beta K itself: squared grey values. Divide by what turns them into nats.",
            lambda S, K, beta, D: S + beta * K,
        ),
        Mistake(
            "S is divided by c. Look at the exponent of a normal density again.",
            lambda S, K, beta, D: _in_nats(2 * S, K, beta, D),
        ),
        Mistake(
            "The sign is turned round: this is the ELBO. A loss is its negative.",
            lambda *a: -_in_nats(*a),
        ),
        Mistake(
            "These are bits. The unit asked for is nats.",
            lambda *a: _in_nats(*a) / np.log(2),
        ),
        Mistake(
            "You averaged over the images. Return one number for each.",
            lambda *a: _in_nats(*a).mean(),
        ),
    ],
)

# ---------------------------------------------------------------- the aggregate posterior


def _codes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for n, d in ((5, 2), (8, 3), (4, 1), (3, 3), (2, 4), (9, 5)):
        yield rng.normal(1.0, 1.0, size=(n, d)), rng.normal(-1.2, 1.0, size=(n, d))
    yield rng.normal(50, 0.3, size=(4, 2)), rng.normal(-8, 1, size=(4, 2))


def _aggregate(mu: Array, log_var: Array) -> Any:
    return np.exp(log_var).mean(axis=0) + mu.var(axis=0)


aggregate_variance = Exercise(
    "The variance of all codes",
    _aggregate,
    inputs=_codes,
    also=[lambda mu, log_var: (np.exp(log_var) + mu**2).mean(axis=0) - mu.mean(axis=0) ** 2],
    about="mu (N, d), log_var (N, d) -> the variance of the aggregate posterior, (d,).",
    praise="The mean of the variances plus the variance of the means.",
    mistakes=[
        Mistake(
            "That is how far the means lie apart. Each image also has a spread of its own.",
            lambda mu, log_var: mu.var(0),
        ),
        Mistake(
            "That is the mean spread of one image. The means also lie apart.",
            lambda mu, log_var: np.exp(log_var).mean(0),
        ),
        Mistake(
            "Nearly: you divide by N - 1, as torch's var does. These N images are the whole "
            "mixture, not a sample of it.",
            lambda mu, log_var: np.exp(log_var).mean(0) + mu.var(0, ddof=1),
        ),
        Mistake(
            "You average standard deviations and add that to a variance. Variances add.",
            lambda mu, log_var: np.exp(log_var / 2).mean(0) + mu.var(0),
        ),
        Mistake(
            "You square the mean standard deviation. Average the variances.",
            lambda mu, log_var: np.exp(log_var / 2).mean(0) ** 2 + mu.var(0),
        ),
        Mistake(
            "You average log_var before undoing the logarithm. That gives too little.",
            lambda mu, log_var: np.exp(log_var.mean(0)) + mu.var(0),
        ),
        Mistake(
            "You average log_var itself. It is a logarithm.",
            lambda mu, log_var: log_var.mean(0) + mu.var(0),
        ),
        Mistake(
            "That is the mean of the square of z. Its squared mean has to be subtracted.",
            lambda mu, log_var: (np.exp(log_var) + mu**2).mean(0),
        ),
        Mistake(
            "You took exp(log_var) for the standard deviation. It is the variance.",
            lambda mu, log_var: np.exp(2 * log_var).mean(0) + mu.var(0),
        ),
        Mistake(
            "You return the standard deviation. The question is for the variance.",
            lambda mu, log_var: np.sqrt(_aggregate(mu, log_var)),
        ),
        Mistake(
            "You added the latent dimensions up. Return one variance for each.",
            lambda mu, log_var: _aggregate(mu, log_var).sum(),
        ),
    ],
)

# ---------------------------------------------------------------- digits from the prior

_N, _D, _CALLS = 2000, 3, 5


class _Decoder:
    """A decoder that remembers what it is given: each z becomes an image of 2 x 2 pixels."""

    def __init__(self) -> None:
        self.seen: list[Array] = []

    def __call__(self, z: Any) -> torch.Tensor:
        values = numbers(z)
        if values is None or values.ndim not in (1, 2) or values.shape[-1] != _D:
            what = describe(z) if values is None else f"z of shape {values.shape}"
            raise ValueError(f"decode takes z of shape (n, {_D}), it got {what}")
        self.seen.append(values.reshape(-1, _D))
        return torch.as_tensor(_images(values))


def _images(z: Array) -> Array:
    grey = 1 / (1 + np.exp(-np.asarray(z, dtype=np.float32).sum(-1)))
    return np.ones((1, 2, 2), dtype=np.float32) * grey[..., None, None, None]


def _judge_draws(answer: Any) -> str | None:
    if not callable(answer):
        return "The checker expects the function itself, without calling it: no parentheses."
    calls: list[Array] = []
    for seed in range(_CALLS):
        decode = _Decoder()
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the answer may use any generator
        try:
            with silent():
                result = call(lambda *a: plain(answer(*a)), (decode, _N, _D), 2.0)
            problem = _called_wrongly(decode.seen, result)
        except TooLong:
            return "Your function did not come to an end. Is there a loop that never stops?"
        except Exception as error:  # whatever the answer raises is shown
            return about_error(error)
        if problem:
            return problem
        calls.append(np.concatenate(decode.seen))
    return _drawn_wrongly(calls)


def _called_wrongly(seen: list[Array], result: Any) -> str | None:
    """Say what is wrong with the calls of the decoder, or with what came of them."""
    if result is None:
        return "Your function returns nothing. Does its last line say return?"
    if not seen:
        return "decode was never called: the latent vectors have to become images."
    z = np.concatenate(seen)
    if len(z) != _N:
        return f"decode got {len(z)} latent vectors in one call of your function; n was {_N}."
    images = _images(z)
    found = numbers(result)
    if found is None:
        return f"Your function returned {describe(result)}; expected are the images."
    if found.shape != images.shape and found.size == images.size and found.shape[0] == _N:
        found = found.reshape(images.shape)
    if found.shape != images.shape:
        return (
            f"Your function returned shape {found.shape}; expected are the images as decode made "
            f"them, {images.shape}."
        )
    if not agree(found.astype(np.float32), images):
        return "The images that you return are not those that decode made of your z, in order."
    return None


def _drawn_wrongly(calls: list[Array]) -> str | None:
    """Say how draws differ from draws of N(0, I).

    Each bound lies so far out that a right answer fails one of them in 1 of 100,000 checks.
    """
    z = np.concatenate(calls)
    if any(np.array_equal(calls[0], other) for other in calls[1:]):
        return (
            "Two calls gave the same digits: nothing in your function is drawn anew. Is there a "
            "fixed seed inside?"
        )
    if np.allclose(calls[0], calls[0][:1]):
        return "All n latent vectors are the same one. Draw one for each image."
    if np.allclose(z, z[:, :1]):
        return "All d numbers of a latent vector are the same one. Draw each."
    mean, variance, n = z.mean(0), z.var(0), z.size
    kurtosis = (((z - mean) ** 4).mean(0) / variance**2).mean()
    if abs(kurtosis - 1.8) < 0.1:
        return (
            f"Your z are uniform, from {z.min():.1f} to {z.max():.1f}. The prior is the standard "
            "normal distribution."
        )
    if np.abs(mean).max() > 5.5 / np.sqrt(len(z)):
        return f"The mean of your z is {mean.mean():.2f}. The prior has the mean 0."
    if abs(variance.mean() - 1) > 5.5 * np.sqrt(2 / n) or np.abs(variance - 1).max() > 0.085:
        return f"The variance of your z is {variance.mean():.2f}. The prior has the variance 1."
    if len(np.unique(z)) < 0.9 * n and len(np.unique(z)) < 1000:
        return f"Your z take only {len(np.unique(z))} different values. The prior has no steps."
    together = np.corrcoef(np.hstack([z[:-1], z[1:]]).T)[np.triu_indices(2 * _D, 1)]
    if np.abs(together).max() > 6 / np.sqrt(len(z)):
        return "The numbers of your latent vectors depend on each other. In the prior they do not."
    if np.abs(z).max() < 3.5:
        return "No z lies far out: something cuts them off. The prior is not cut off anywhere."
    ranks = np.searchsorted(np.sort(z.ravel()), _QUANTILES) / n
    if np.abs(ranks - _SHARES).max() > 2.8 / np.sqrt(n):
        return "Mean and variance are those of the prior, but the distribution is not a normal one."
    return None


_SHARES = np.linspace(0.005, 0.995, 199)
_QUANTILES = np.sqrt(2) * torch.erfinv(torch.as_tensor(2 * _SHARES - 1)).numpy()

generate_digits = Judged(
    "Draw, then decode",
    _judge_draws,
    about="a function (decode, n, d) -> n images decoded from draws of N(0, I) in d dimensions. "
    "It is called with several seeds; a right answer is refused in 1 of 100,000 checks.",
    praise="New digits on every call, from the prior.",
)
