r"""Checkers for the exercises of *A variational autoencoder*."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["aggregate_variance", "generate_digits", "loss_in_nats", "vae_loss"]

Array = NDArray[Any]


def vae_loss(answer: Callable[..., Any]) -> Verdict:
    """Check a function (x, x_hat, mu, log_var, beta) -> the loss of a batch, S + beta K."""
    return _LOSS.check(answer)


def loss_in_nats(answer: Callable[..., Any]) -> Verdict:
    """Check a function (S, K, beta, D) -> -ELBO in nats for the variance that beta stands for."""
    return _NATS.check(answer)


def aggregate_variance(answer: Callable[..., Any]) -> Verdict:
    """Check a function (mu, log_var) -> the variance of the aggregate posterior, (d,)."""
    return _AGGREGATE.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


# ---------------------------------------------------------------- the loss of a batch


def _kl(mu: Array, log_var: Array) -> Array:
    return np.asarray((np.exp(log_var) + mu**2 - 1 - log_var) / 2)


def _total(
    *,
    pixels: Callable[..., Any] = np.sum,
    latents: Callable[..., Any] = np.sum,
    images: Callable[..., Any] = np.mean,
    kl: Callable[[Array, Array], Array] = _kl,
    weigh: Callable[[Any, Any, float], Any] = lambda S, K, beta: S + beta * K,
) -> Callable[..., Any]:
    """Return a loss that is right, but for the parts that are given."""

    def loss(x: Array, x_hat: Array, mu: Array, log_var: Array, beta: float) -> Any:
        S = pixels((x - x_hat) ** 2, axis=1)
        K = latents(kl(mu, log_var), axis=1)
        return weigh(images(S), images(K), beta)

    return loss


def _batch(n: int, D: int, d: int, beta: float, seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    x, x_hat = rng.uniform(size=(2, n, D))
    # Positive log-variances: so no mistake takes the logarithm of a negative number.
    return x, x_hat, rng.normal(size=(n, d)), rng.uniform(0.3, 1.5, size=(n, d)), beta


_ORDER = "The order is: over pixels, over latent dimensions, over images."
_LOSS = Exercise(
    name="The loss of a batch",
    right=_total(),
    inputs=(_batch(4, 9, 2, 0.5, 0), _batch(6, 12, 3, 2.0, 1), _batch(3, 7, 4, 1.5, 2)),
    mistakes=(
        Mistake(
            "The squared error is averaged over pixels. That divides it by their number, and the "
            f"beta in force is that many times the one written down. {_ORDER}",
            _total(pixels=np.mean),
        ),
        Mistake(
            "Both terms are averaged where they should be summed: over pixels, and over latent "
            "dimensions. The beta in force is another one.",
            _total(pixels=np.mean, latents=np.mean),
        ),
        Mistake(
            "The KL is averaged over latent dimensions. Divergences of independent dimensions add "
            "up.",
            _total(latents=np.mean),
        ),
        Mistake(
            "You return the sum over the batch. Then the loss depends on how many images a batch "
            "holds, and so does the step of the optimiser.",
            _total(images=np.sum),
        ),
        Mistake(
            "The KL has the wrong sign: this loss rewards a q far from the prior.",
            _total(weigh=lambda S, K, beta: S - beta * K),
        ),
        Mistake(
            "The whole loss has the wrong sign: it would make every error as large as it can.",
            _total(weigh=lambda S, K, beta: -S - beta * K),
        ),
        Mistake("beta is not used.", _total(weigh=lambda S, K, beta: S + K)),
        Mistake(
            "beta weighs the squared error. It belongs to the other term.",
            _total(weigh=lambda S, K, beta: beta * S + K),
        ),
        Mistake("The KL is missing.", _total(weigh=lambda S, K, beta: S)),
        Mistake("The squared error is missing.", _total(weigh=lambda S, K, beta: beta * K)),
        Mistake(
            "The factor of one half in the KL is missing.", _total(kl=lambda m, v: 2 * _kl(m, v))
        ),
        Mistake(
            "There is a factor of one half before the squared error. That is another loss: its "
            "beta means twice as much.",
            _total(weigh=lambda S, K, beta: S / 2 + beta * K),
        ),
        Mistake(
            "The KL has exp(log_var / 2) where the variance belongs. What is the variance?",
            _total(kl=lambda m, v: (np.exp(v / 2) + m**2 - 1 - v) / 2),
        ),
        Mistake(
            "You took log_var for the standard deviation. It is the logarithm of the variance.",
            _total(kl=lambda m, v: (v**2 + m**2 - 1 - np.log(v**2)) / 2),
        ),
        Mistake(
            "The mean is not squared in the KL.",
            _total(kl=lambda m, v: (np.exp(v) + m - 1 - v) / 2),
        ),
        Mistake(
            "The -1 in the KL is missing: a q that is the prior would cost something.",
            _total(kl=lambda m, v: _kl(m, v) + 0.5),
        ),
        Mistake(
            "You take the root: this is the error as a length. The loss has the square.",
            _total(pixels=lambda e, axis: np.sqrt(e.sum(axis))),
        ),
        Mistake(
            "You return one loss for each image. Average them: training needs one number.",
            _total(images=lambda values: values),
        ),
    ),
    praise="Summed over pixels and latent dimensions, averaged over the batch.",
    same=_close,
)

# ---------------------------------------------------------------- from S + beta K to nats


def _nats(
    variance: Callable[[float], float] = lambda beta: beta / 2,
    *,
    constant: Callable[[float, int], float] = lambda c, D: D / 2 * np.log(2 * np.pi * c),
) -> Callable[..., Any]:
    """Return S/(2c) + constant + K for a variance c of beta."""
    return lambda S, K, beta, D: S / (2 * variance(beta)) + K + constant(variance(beta), D)


def _values(n: int, beta: float, D: int, seed: int) -> tuple[Array, Array, float, int]:
    rng = np.random.default_rng(seed)
    return rng.uniform(20, 60, size=n), rng.uniform(2, 20, size=n), beta, D


_NATS: Exercise = Exercise(
    name="The loss in nats",
    right=_nats(),
    inputs=(_values(3, 0.25, 1024, 0), _values(4, 4.0, 784, 1), _values(5, 0.6, 100, 2)),
    mistakes=(
        Mistake(
            "You took beta for the variance. There is a factor of two between them.",
            _nats(lambda beta: beta),
        ),
        Mistake(
            "You took 2 beta for the variance. Solve beta = 2 c for c.",
            _nats(lambda beta: 2 * beta),
        ),
        Mistake(
            "You took the root of beta / 2 for the variance. That is the standard deviation.",
            _nats(lambda beta: float(np.sqrt(beta / 2))),
        ),
        Mistake(
            "The constant of the normal density is missing. Without it, values of different beta "
            "do not compare.",
            _nats(constant=lambda c, D: 0.0),
        ),
        Mistake(
            "The constant has the wrong sign: for a small variance it must be negative.",
            _nats(constant=lambda c, D: -D / 2 * np.log(2 * np.pi * c)),
        ),
        Mistake(
            "The constant belongs to one pixel. There are D of them.",
            _nats(constant=lambda c, D: np.log(2 * np.pi * c) / 2),
        ),
        Mistake(
            "The constant is twice too large: the density has a root in it.",
            _nats(constant=lambda c, D: D * np.log(2 * np.pi * c)),
        ),
        Mistake(
            "The constant has log(2 pi) but not the variance.",
            _nats(constant=lambda c, D: D / 2 * np.log(2 * np.pi)),
        ),
        Mistake(
            "K still carries its beta. The weight is spent once S is divided by 2c.",
            lambda S, K, beta, D: S / beta + beta * K + D / 2 * np.log(np.pi * beta),
        ),
        Mistake(
            "That is S + beta K itself: squared grey values. Divide by what turns them into nats.",
            lambda S, K, beta, D: S + beta * K,
        ),
        Mistake(
            "S is divided by c. The exponent of a normal density has 2c below.",
            lambda S, K, beta, D: 2 * S / beta + K + D / 2 * np.log(np.pi * beta),
        ),
        Mistake(
            "The sign is turned round: this is the ELBO. A loss is its negative.",
            lambda S, K, beta, D: -_nats()(S, K, beta, D),
        ),
        Mistake(
            "These are bits. The unit asked for is nats.",
            lambda S, K, beta, D: _nats()(S, K, beta, D) / np.log(2),
        ),
        Mistake(
            "You averaged over the images. Return one number for each.",
            lambda S, K, beta, D: _nats()(S, K, beta, D).mean(),
        ),
    ),
    praise="Now losses of different beta have one unit. They may well be negative.",
    same=_close,
)

# ---------------------------------------------------------------- the aggregate posterior


def _codes(n: int, d: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(1.0, 1.0, size=(n, d)), rng.uniform(-3.0, 0.5, size=(n, d))


_AGGREGATE = Exercise(
    name="The variance of all codes",
    right=lambda mu, log_var: np.exp(log_var).mean(0) + mu.var(0),
    inputs=(_codes(5, 2, 0), _codes(8, 3, 1), _codes(4, 1, 2)),
    mistakes=(
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
            lambda mu, log_var: np.sqrt(np.exp(log_var).mean(0) + mu.var(0)),
        ),
        Mistake(
            "You added the latent dimensions up. Return one variance for each.",
            lambda mu, log_var: (np.exp(log_var).mean(0) + mu.var(0)).sum(),
        ),
    ),
    praise="The mean of the variances plus the variance of the means.",
    same=_close,
)

# ---------------------------------------------------------------- digits from the prior

_DRAWS, _LATENT = 6000, 3
_GENERATE = "Draw, then decode"


@dataclass
class _Recorder:
    """A decoder that remembers what it is given: each z becomes an image of 2 x 2 pixels."""

    seen: list[Array] = field(default_factory=list)

    def __call__(self, z: Any) -> torch.Tensor:
        z = torch.as_tensor(np.asarray(z.detach() if isinstance(z, torch.Tensor) else z)).float()
        self.seen.append(z.numpy().astype(float))
        if z.shape[-1:] != (_LATENT,):
            raise ValueError(f"decode takes z of shape (n, {_LATENT}), it got {tuple(z.shape)}")
        grey = torch.sigmoid(z.sum(-1))
        return grey[..., None, None, None].expand(*grey.shape, 1, 2, 2).clone()


def generate_digits(answer: Callable[..., Any]) -> Verdict:
    """Check a function (decode, n, d) -> n images decoded from draws of N(0, I) in d dimensions."""
    if not callable(answer):
        hint = "The checker expects the function itself, without calling it: no parentheses."
        return Verdict(_GENERATE, False, hint)
    decode = _Recorder()
    with torch.random.fork_rng():
        torch.manual_seed(20)
        try:
            results = [answer(decode, _DRAWS, _LATENT) for _ in range(2)]
        except Exception as error:  # whatever the answer raises is shown to its author
            hint = f"Your function raised {type(error).__name__}: {error}."
            return Verdict(_GENERATE, False, hint)
    problem = _called_wrongly(decode.seen, results) or _drawn_wrongly(*decode.seen)
    if problem:
        return Verdict(_GENERATE, False, problem)
    return Verdict(_GENERATE, True, "New digits on every call, from the prior.")


def _called_wrongly(seen: list[Array], results: list[Any]) -> str | None:
    """Say what is wrong with the calls of the decoder, or with what came of them."""
    if results[0] is None:
        return "Your function returns nothing. Does its last line say return?"
    if not seen:
        return "decode was never called: the latent vectors have to become images."
    if len(seen) != 2:
        return (
            "In two calls of your function decode was called "
            f"{len(seen)} times; expected once each, with all n latent vectors."
        )
    if seen[0].shape != (_DRAWS, _LATENT):
        return f"decode got z of shape {seen[0].shape}; expected (n, d), ({_DRAWS}, {_LATENT})."
    if tuple(np.shape(results[0])) != (_DRAWS, 1, 2, 2):
        return (
            f"Your function returned shape {tuple(np.shape(results[0]))}; expected the images as "
            f"decode made them, ({_DRAWS}, 1, 2, 2)."
        )
    return None


def _drawn_wrongly(z: Array, again: Array) -> str | None:
    """Say how the draws of two calls differ from draws of N(0, I); bounds of 6 standard errors."""
    if np.array_equal(z, again):
        return (
            "Two calls gave the same digits: the noise in your function never changes. Is there a "
            "fixed seed inside?"
        )
    if np.allclose(z, z[:1]):
        return "All n latent vectors are the same one. Draw one for each image."
    if np.allclose(z, z[:, :1]):
        return "All d numbers of a latent vector are the same one. Draw each."
    mean, variance = z.mean(0), z.var(0)
    flat = np.abs(((z - mean) ** 4).mean(0) / variance**2 - 1.8).max() < 0.2  # normal: 3
    if flat:
        return (
            f"Your z are uniform, from {z.min():.1f} to {z.max():.1f}. The prior is the standard "
            "normal distribution."
        )
    if np.abs(mean).max() > 6 / np.sqrt(_DRAWS):
        return f"The mean of your z is {mean.mean():.2f}. The prior has the mean 0."
    if np.abs(variance - 1).max() > 6 * np.sqrt(2 / _DRAWS):
        return f"The variance of your z is {variance.mean():.2f}. The prior has the variance 1."
    together = np.corrcoef(z.T)[np.triu_indices(_LATENT, 1)]
    if np.abs(together).max() > 6 / np.sqrt(_DRAWS):
        return "The numbers of a latent vector depend on each other. In the prior they do not."
    return None
