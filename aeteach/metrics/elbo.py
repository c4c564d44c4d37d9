"""Rate, distortion and likelihood: what an image costs a variational autoencoder, in nats."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact
from aeteach._measure import Place, batches, call, measuring, part_of
from aeteach.divergences import kl_to_standard_normal, nats_to_bits
from aeteach.likelihoods import NLL
from aeteach.losses import (
    bernoulli_nll,
    bernoulli_nll_from_x_hat,
    gaussian_nll,
    squared_error,
)
from aeteach.training.contract import check_labels, check_reading

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
        images: x, (N, C, H, W), float32 in [0, 1].
        labels: y, (N,), int64, for a conditional model.

    Returns:
        Where the images are.

    Raises:
        TypeError, ValueError: images or labels out of range, or a model that is not variational.
    """
    _check(model, images, labels)
    with measuring(model) as place:
        pairs = [_posterior(out, x) for out, x in _outputs(model, place, images, labels)]
    mu, log_var = (torch.cat(parts).to(images.device) for parts in zip(*pairs, strict=True))
    return mu, log_var


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
    _validate.latents(mu, "mu", least=2)
    threshold = _validate.number(threshold, "threshold", least=0)
    return exact(mu.detach()).var(0) > threshold


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
    threshold = _validate.number(threshold, "threshold", least=0)
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
    r"""Return reconstruction and rate of each image; their sum is its -ELBO.

    Args:
        model: a VAE: `forward` draws z and returns it with mu and log_var.
        images: x, (N, C, H, W), float32 in [0, 1].
        labels: y, (N,), int64, for a conditional model.
        likelihood: as for `rate_distortion`.
        variance: c, of the "gaussian" likelihood only.
        draws: of z an image, which the reconstruction is averaged over.
        seed: of the draws; the global random state is left alone.

    Returns:
        (N,) each, float64, where the images are, or on the CPU if there is no float64.

    Raises:
        TypeError, ValueError: images, labels or numbers out of range, an unknown likelihood, or
            another than the model's, or a model that is not variational.
    """
    _check(model, images, labels)
    nll = _nll(model, likelihood, variance, ("bernoulli", "gaussian", "squared_error", *NLL))
    draws = _validate.count(draws, "draws")
    distortion, rate = [], []
    with measuring(model, seed) as place:
        for _ in range(draws):
            for out, x in _outputs(model, place, images, labels):
                distortion.append(exact(nll(out, x).to(images.device)))
                kl = kl_to_standard_normal(*_posterior(out, x))
                rate.append(exact(kl.to(images.device)))
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
        images: x, (N, C, H, W), float32 in [0, 1], N >= 2.
        labels: y, (N,), int64, for a conditional model.
        likelihood: "bernoulli", "gaussian", or "squared_error", which is the gaussian of variance
            1/2 without its constant, and so no likelihood; or what the model was made with, one of
            `likelihoods.NLL`.
        variance: c, of the "gaussian" likelihood only.
        draws: of z an image.
        seed: of the draws; the global random state is left alone.

    Returns:
        RateDistortion: sums over pixels and dimensions, means over draws and images, in nats.

    Raises:
        TypeError, ValueError: images, labels or numbers out of range, an unknown likelihood, or
            another than the model's, or a model that is not variational.

    Source: Alemi et al. (2018), Fixing a broken ELBO, who plot one against the other.
    """
    _check(model, images, labels, least=2)
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
        images: x, (N, C, H, W), float32 in [0, 1], N >= 2.
        labels: y, (N,), int64, for a conditional model, whose log p(x|y) it then is.
        samples: K, at least 1; 100 gives an idea, published figures have 5,000.
        likelihood: "bernoulli" or "gaussian"; or what the model was made with.
        variance: c, of the "gaussian" likelihood only.
        seed: of the draws; the global random state is left alone.

    Returns:
        LogLikelihood: mean over images in nats, its standard error, one estimate an image.

    Raises:
        TypeError, ValueError: as for `rate_distortion`.

    Source: Burda, Grosse and Salakhutdinov (2016), equation 8.
    """
    _check(model, images, labels, least=2)
    nll = _nll(model, likelihood, variance, ("bernoulli", "gaussian", *NLL))
    samples = _validate.count(samples, "samples")
    total = torch.full((len(images),), -math.inf, dtype=torch.float64, device="cpu")
    with measuring(model, seed) as place:
        for _ in range(samples):
            outputs = _outputs(model, place, images, labels)
            weights = [_log_weight(out, x, nll(out, x)).cpu() for out, x in outputs]
            total = torch.logaddexp(total, torch.cat(weights))
    if not bool(total.isfinite().all()):
        raise ValueError(
            "the model gives an image of images no likelihood that float64 could hold: look for "
            "z or log_var far from 0"
        )
    per_image = total - math.log(samples)
    error = per_image.std().item() / math.sqrt(len(images))
    return LogLikelihood(per_image.mean().item(), error, per_image, samples)


def _log_weight(out: "Output", x: Tensor, nll: Tensor) -> Tensor:
    """Return log p(x|z) + log p(z) - log q(z|x), (N,), float64; their log(2 pi) cancel."""
    mu, log_var = (exact(v) for v in _posterior(out, x))
    z = exact(part_of(out, "z", len(x)))
    prior_over_q = (log_var + (z - mu) ** 2 * torch.exp(-log_var) - z**2).sum(1) / 2
    return prior_over_q - exact(nll)


def _nll(
    model: nn.Module, likelihood: str, variance: float, known: tuple[str, ...]
) -> Callable[["Output", Tensor], Tensor]:
    """Return the function that costs each image, (N,), in nats, or say why there is none."""
    _validate.choice(likelihood, "likelihood", known)
    check_reading(model, likelihood, "this measure", "or measure with likelihood={}")
    variance = _validate.number(variance, "variance", above=0)
    if likelihood != "gaussian" and variance != 1:
        raise ValueError(
            f"variance is {variance!r}, but {likelihood!r} has none: use likelihood='gaussian'"
        )
    if likelihood == "gaussian":
        return lambda out, x: gaussian_nll(part_of(out, "x_hat", len(x)), x, variance)
    if likelihood == "squared_error":
        return lambda out, x: squared_error(part_of(out, "x_hat", len(x)), x)
    if likelihood in NLL:
        return lambda out, x: NLL[likelihood](part_of(out, "logits", len(x)), x)
    return _bernoulli


def _bernoulli(out: "Output", x: Tensor) -> Tensor:
    """Return the binary cross-entropy of each image, from logits if there are any."""
    if getattr(out, "logits", None) is None:
        return bernoulli_nll_from_x_hat(part_of(out, "x_hat", len(x)), x)
    return bernoulli_nll(part_of(out, "logits", len(x)), x)


def _outputs(
    model: nn.Module, place: Place, images: Tensor, labels: Tensor | None
) -> Iterator[tuple["Output", Tensor]]:
    """Yield what the model makes of each chunk of images, and the chunk, where the model is."""
    for inputs in batches(place, _CHUNK, images=images, labels=labels):
        yield call(model, "forward", **inputs), inputs["images"]


def _posterior(out: "Output", x: Tensor) -> tuple[Tensor, Tensor]:
    if getattr(out, "mu", None) is None or getattr(out, "log_var", None) is None:
        raise ValueError(
            "the model gave no mu and log_var, so it is no variational autoencoder and has no "
            "rate: measure its squared error"
        )
    return part_of(out, "mu", len(x)), part_of(out, "log_var", len(x))


def _check(model: nn.Module, images: Tensor, labels: Tensor | None, least: int = 1) -> None:
    """Refuse what cannot be measured."""
    _validate.model(model)
    if len(_validate.images(images, colour=True)) < least:
        raise ValueError("images holds 1 image; a standard error over images needs at least 2")
    if labels is not None:
        check_labels(labels, len(images), model)


def _check_moments(mu: Tensor, log_var: Tensor) -> None:
    _validate.latents(mu, "mu")
    _validate.latents(log_var, "log_var")
    _validate.same(mu=mu, log_var=log_var)
    _validate.one_device(mu=mu, log_var=log_var)
