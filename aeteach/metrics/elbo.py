"""Rate, distortion and likelihood: what an image costs a variational autoencoder, in nats."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach.divergences import kl_to_standard_normal, nats_to_bits
from aeteach.losses import (
    bernoulli_nll,
    bernoulli_nll_from_x_hat,
    gaussian_nll,
    squared_error,
)

if TYPE_CHECKING:
    from aeteach.models.base import Output

_CHUNK = 1000  # images at once: bounds the memory


@dataclass(frozen=True)
class RateDistortion:
    """What an image costs a variational autoencoder, averaged over images, in nats.

    Attributes:
        reconstruction: -log p(x|z) for z drawn from q(z|x), the distortion.
        rate: KL(q(z|x) || N(0, I)): what z tells about the image.
        reconstruction_error: standard error of `reconstruction` over images.
        rate_error: standard error of `rate` over images.
    """

    reconstruction: float
    rate: float
    reconstruction_error: float
    rate_error: float

    @property
    def negative_elbo(self) -> float:
        """Reconstruction + rate, in nats: a bound on -log p(x) if the likelihood is one."""
        return self.reconstruction + self.rate

    @property
    def bits(self) -> tuple[float, float]:
        """Reconstruction and rate in bits an image."""
        return nats_to_bits(self.reconstruction), nats_to_bits(self.rate)


@dataclass(frozen=True)
class LogLikelihood:
    """An estimate of log p(x), averaged over images, in nats.

    Attributes:
        estimate: mean over images.
        standard_error: of the mean over images: how far other images of the same kind would lead.
            It does not count the bias, which is downwards, and shrinks with more samples.
        per_image: estimate for each image, (N,), float64.
        samples: draws of z an image, K.
    """

    estimate: float
    standard_error: float
    per_image: Tensor = field(repr=False, compare=False)
    samples: int


def posteriors(
    model: nn.Module, images: Tensor, labels: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return mu and log_var of q(z|x) for many images, each (N, d), in evaluation mode.

    Args:
        model: a VAE: `forward(x)`, or `forward(x, y)` with labels, returns mu and log_var.
        images: x, (N, 1, H, W), float32 in [0, 1].
        labels: y, (N,), int64, for a conditional model.

    Raises:
        ValueError: images or labels out of range, or a model that is not variational.
    """
    with _measuring(model, 0):
        pairs = [_posterior(out) for out, _ in _outputs(model, images, labels)]
    return torch.cat([mu.cpu() for mu, _ in pairs]), torch.cat([v.cpu() for _, v in pairs])


def kl_by_dimension(mu: Tensor, log_var: Tensor) -> Tensor:
    r"""Return the nats that each latent dimension carries: KL(q(z_i|x) || N(0, 1)), image mean.

    Args:
        mu: means of q(z|x), (N, d), a row an image.
        log_var: logarithms of the variances, (N, d).

    Returns:
        (d,), at least 0; their sum is the rate. A dimension on the prior carries 0.

    Raises:
        TypeError, ValueError: not (N, d), shapes that differ, or numbers that are not finite.
    """
    _check_moments(mu, log_var)
    return kl_to_standard_normal(mu, log_var, per_dimension=True).mean(0)


def active_units(mu: Tensor, threshold: float = 0.01) -> Tensor:
    r"""Return which latent dimensions move with the image: Var_x(mu_i(x)) > threshold.

    Args:
        mu: means of q(z|x), (N, d), N >= 2.
        threshold: variance over images, in squared units of z, at least 0.

    Returns:
        (d,), bool; `.sum()` counts them.

    Raises:
        TypeError, ValueError: not (N, d), fewer than two images, or a negative threshold.

    Source: Burda, Grosse and Salakhutdinov (2016), Importance weighted autoencoders, section 5.2.
    """
    _validate.latents(mu, "mu")
    _check_threshold(threshold)
    if len(mu) < 2:
        raise ValueError(f"mu has {len(mu)} row; a variance over images needs at least 2")
    return mu.detach().double().var(0) > threshold


def informative_units(mu: Tensor, log_var: Tensor, threshold: float = 0.01) -> Tensor:
    r"""Return which latent dimensions carry more than some nats: KL_i > threshold.

    Args:
        mu: means of q(z|x), (N, d).
        log_var: logarithms of the variances, (N, d).
        threshold: nats, image mean, at least 0.

    Returns:
        (d,), bool; `.sum()` counts them.

    Raises:
        TypeError, ValueError: as for `kl_by_dimension`, or a negative threshold.
    """
    _check_threshold(threshold)
    return kl_by_dimension(mu, log_var) > threshold


def elbo_terms(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    likelihood: str = "bernoulli",
    variance: float = 1.0,
    draws: int = 1,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    r"""Return reconstruction and rate of each image, (N,) each, float64; their sum is its -ELBO.

    Args:
        model: a VAE: `forward` draws z and returns it with mu and log_var.
        images: x, (N, 1, H, W), float32 in [0, 1].
        labels: y, (N,), int64, for a conditional model.
        likelihood: "bernoulli", "gaussian" or "squared_error", as for `rate_distortion`.
        variance: c, of the "gaussian" likelihood only.
        draws: of z an image, which the reconstruction is averaged over.
        seed: of the draws; the global random state is left alone.

    Raises:
        TypeError, ValueError: images, labels or numbers out of range, an unknown likelihood, or
            a model that is not variational.
    """
    nll = _nll(likelihood, variance, ("bernoulli", "gaussian", "squared_error"))
    _validate.count(draws, "draws")
    distortion, rate = [], []
    with _measuring(model, seed):
        for _ in range(draws):
            for out, x in _outputs(model, images, labels):
                distortion.append(nll(out, x).double().cpu())
                rate.append(kl_to_standard_normal(*_posterior(out)).double().cpu())
    first, second = (torch.cat(v).view(draws, -1).mean(0) for v in (distortion, rate))
    return first, second


def rate_distortion(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    likelihood: str = "bernoulli",
    variance: float = 1.0,
    draws: int = 1,
    seed: int = 0,
) -> RateDistortion:
    r"""Measure reconstruction and rate of a variational autoencoder, in evaluation mode.

    Args:
        model: a VAE: `forward` draws z and returns it with mu and log_var.
        images: x, (N, 1, H, W), float32 in [0, 1], N >= 2.
        labels: y, (N,), int64, for a conditional model.
        likelihood: "bernoulli", "gaussian", or "squared_error", which is the gaussian of variance
            1/2 without its constant, and so no likelihood.
        variance: c, of the "gaussian" likelihood only.
        draws: of z an image.
        seed: of the draws; the global random state is left alone.

    Returns:
        RateDistortion: sums over pixels and dimensions, means over draws and images, in nats.

    Raises:
        TypeError, ValueError: images, labels or numbers out of range, an unknown likelihood, or
            a model that is not variational.

    Source: Alemi et al. (2018), Fixing a broken ELBO, who plot one against the other.
    """
    _at_least_two(images)
    per_image = torch.stack(
        elbo_terms(
            model, images, labels, likelihood=likelihood, variance=variance, draws=draws, seed=seed
        )
    )
    errors = per_image.std(1) / math.sqrt(len(images))
    return RateDistortion(*per_image.mean(1).tolist(), *errors.tolist())


def importance_weighted_log_likelihood(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    samples: int = 100,
    likelihood: str = "bernoulli",
    variance: float = 1.0,
    seed: int = 0,
) -> LogLikelihood:
    r"""Estimate log p(x) from K draws of z an image, weighted by how likely they are.

    log (1/K) sum_k w_k, w_k = p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x).

    With K = 1 it is the ELBO of one draw. Its expectation grows with K and never passes log p(x),
    so it is a bound that tightens. With the "bernoulli" likelihood and grey pixels it bounds
    log of the integral of p(z) exp(-BCE) over z, which is no log-likelihood: make the pixels black
    and white for one. Sums of weights are in float64; memory does not grow with K.

    Args:
        model: a VAE: `forward` draws z and returns it with mu and log_var.
        images: x, (N, 1, H, W), float32 in [0, 1], N >= 2.
        labels: y, (N,), int64, for a conditional model, whose log p(x|y) it then is.
        samples: K, at least 1; 100 gives an idea, published figures have 5,000.
        likelihood: "bernoulli" or "gaussian".
        variance: c, of the "gaussian" likelihood only.
        seed: of the draws; the global random state is left alone.

    Returns:
        LogLikelihood: mean over images in nats, its standard error, one estimate an image.

    Raises:
        TypeError, ValueError: as for `rate_distortion`.

    Source: Burda, Grosse and Salakhutdinov (2016), equation 8.
    """
    nll = _nll(likelihood, variance, ("bernoulli", "gaussian"))
    _validate.count(samples, "samples")
    _at_least_two(images)
    total = torch.full((len(images),), -math.inf, dtype=torch.float64)
    with _measuring(model, seed):
        for _ in range(samples):
            weights = [_log_weight(out, nll(out, x)) for out, x in _outputs(model, images, labels)]
            total = torch.logaddexp(total, torch.cat(weights).cpu())
    per_image = total - math.log(samples)
    error = per_image.std().item() / math.sqrt(len(images))
    return LogLikelihood(per_image.mean().item(), error, per_image, samples)


def _log_weight(out: "Output", nll: Tensor) -> Tensor:
    """Return log p(x|z) + log p(z) - log q(z|x), (N,), float64; their log(2 pi) cancel."""
    mu, log_var = (v.double() for v in _posterior(out))
    z = out.z.double()
    prior_over_q = (log_var + (z - mu) ** 2 * torch.exp(-log_var) - z**2).sum(1) / 2
    return prior_over_q - nll.double()


def _nll(
    likelihood: str, variance: float, known: tuple[str, ...]
) -> Callable[["Output", Tensor], Tensor]:
    """Return the function that costs each image, (N,), in nats, or say why there is none."""
    if likelihood not in known:
        raise ValueError(f"likelihood is {likelihood!r}; expected one of {', '.join(known)}")
    if likelihood != "gaussian" and variance != 1:
        raise ValueError(
            f"variance is {variance!r}, but {likelihood!r} has none: use likelihood='gaussian'"
        )
    if likelihood == "gaussian":
        return lambda out, x: gaussian_nll(out.x_hat, x, variance)
    if likelihood == "squared_error":
        return lambda out, x: squared_error(out.x_hat, x)
    return lambda out, x: (
        bernoulli_nll_from_x_hat(out.x_hat, x)
        if out.logits is None
        else bernoulli_nll(out.logits, x)
    )


@contextmanager
def _measuring(model: nn.Module, seed: int) -> Iterator[None]:
    """Evaluation mode, no gradients, a seed of one's own; everything is put back afterwards."""
    _validate.seed(seed)
    device = _device(model)
    was_training = model.training
    model.eval()
    try:
        with (
            torch.no_grad(),
            torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        ):
            torch.manual_seed(seed)
            yield
    finally:
        model.train(was_training)


def _outputs(
    model: nn.Module, images: Tensor, labels: Tensor | None
) -> Iterator[tuple["Output", Tensor]]:
    """Yield what the model makes of each chunk of images, and the chunk."""
    _validate.images(images)
    if labels is not None:
        _validate.labels(labels, len(images))
    device = _device(model)
    for index in torch.arange(len(images)).split(_CHUNK):
        x = images[index].to(device)
        yield (model(x) if labels is None else model(x, labels[index].to(device))), x


def _device(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def _posterior(out: "Output") -> tuple[Tensor, Tensor]:
    if out.mu is None or out.log_var is None:
        raise ValueError(
            "the model gave no mu and log_var, so it is no variational autoencoder and has no "
            "rate: measure its squared error"
        )
    return out.mu, out.log_var


def _at_least_two(images: Tensor) -> None:
    if len(_validate.images(images)) < 2:
        raise ValueError("images holds 1 image; a standard error over images needs at least 2")


def _check_moments(mu: Tensor, log_var: Tensor) -> None:
    _validate.latents(mu, "mu")
    _validate.latents(log_var, "log_var")
    if mu.shape != log_var.shape:
        raise ValueError(
            f"mu has shape {tuple(mu.shape)}, log_var {tuple(log_var.shape)}; expected the same "
            "(N, d): both from one call of the model"
        )


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold < math.inf:
        raise ValueError(f"threshold is {threshold!r}; expected a finite number, at least 0")
