r"""What training minimises: reconstruction terms, and their named sums.

The functions (`squared_error`, `gaussian_nll`, `bernoulli_nll`) return one number an image, (N,),
summed over its pixels. The classes are made once, with their numbers, and then called in training,
`loss(output, x)`, with what a model's `forward` returned. They return named scalar terms in nats:
"loss" is the total to minimise, the others say what it is made of.

**Sum or mean?** Pixels and latent dimensions are summed, and only the batch is averaged. There is
no option. For one image of D pixels, training minimises R + beta K. R sums over the D pixels,
because the likelihoods of independent pixels multiply; K, the KL, sums over the d latent dimensions
for the same reason. A mean in place of a sum divides one term by a number and so moves the minimum.
The beta that is then in force is not the one that was written down:

- R and K summed: R + beta K, in force beta;
- R averaged over pixels: R/D + beta K, in force D beta;
- K averaged over latent dimensions: R + beta K/d, in force beta/d;
- both averaged: R/D + beta K/d, in force beta D/d.

So `F.mse_loss(x_hat, x) + kl` on D = 1,024 pixels has a beta of 1,024, and its latent space
collapses onto the prior. A published mean compares with these sums after multiplication by D.

The unit of R matters likewise. A normal likelihood of variance c has R = S/(2c) + const, S the
squared error. So S + beta K has its minimum where S/(2c) + beta' K has it, with beta' = beta/(2c):
to minimise S + beta K is to minimise the negative ELBO itself for the variance c = beta/2.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeteach import _validate
from aeteach._wrapped import plain_name, plain_parameters
from aeteach.divergences import kl_to_standard_normal, mmd
from aeteach.likelihoods import NLL
from aeteach.mmd import KERNELS

if TYPE_CHECKING:
    from aeteach.models.base import Output

Terms = dict[str, Tensor]
Loss = Callable[..., Terms]  # (output, x), or (output, x, y) for a labelled loss


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    r"""Return the squared error of each image: sum_j (x_j - x_hat_j)^2 over its pixels j.

    It is twice the `gaussian_nll` of variance 1 without its constant.

    Args:
        x_hat: reconstruction, (N, ...), finite; NaN goes through where a model in training has
            made it, with a graph behind it, so that `fit` can name the step it began in.
        x: original, same shape, finite.

    Returns:
        Sum over pixels, (N,), in squared units of x.

    Raises:
        TypeError, ValueError: shapes differ or have no pixels, a number is not finite, or a dtype
            is neither float32 nor float64.
    """
    _check(x_hat=x_hat, x=x)
    # One kernel each way; the power of a difference takes six, and four times as long.
    return F.mse_loss(x_hat, x, reduction="none").flatten(1).sum(1)  # (N, ...) -> (N,)


def gaussian_nll(
    x_hat: Tensor, x: Tensor, variance: float = 1.0, *, constant: bool = True
) -> Tensor:
    r"""Return -log N(x; x_hat, c I) of each image, in nats.

    sum_j (x_j - x_hat_j)^2 / (2c) + (D/2) log(2 pi c) over its D pixels, c the variance.

    The constant is included, so that this is a likelihood and may be compared between values
    of c; a density can exceed 1, so it may be negative. Without it the gradient is the same.

    Args:
        x_hat: mean, the reconstruction, (N, ...), as for `squared_error`.
        x: original, same shape, finite.
        variance: c, positive, in squared units of x.
        constant: add (D/2) log(2 pi c).

    Returns:
        Sum over pixels, (N,), in nats.

    Raises:
        TypeError, ValueError: as for `squared_error`, or the variance is not a positive number.
    """
    variance = _validate.number(variance, "variance", above=0)
    constant = _validate.flag(constant, "constant")
    error = squared_error(x_hat, x)
    extra = x[0].numel() / 2 * (math.log(2 * math.pi) + math.log(variance)) if constant else 0.0
    return error / (2 * variance) + extra


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    r"""Return the binary cross-entropy of each image, from logits l, in nats.

    sum_j [x_j softplus(-l_j) + (1 - x_j) softplus(l_j)], with softplus(l) = log(1 + e^l) and
    x_hat = sigmoid(l). It is never negative. For black-and-white pixels (0 or 1) it is the
    negative log-likelihood. Grey pixels are allowed; then it is a cross-entropy only, and its
    floor, at x_hat = x, is not 0 but the entropy of the pixels.

    Args:
        logits: l, the decoder's output *before* its sigmoid, (N, ...). Reconstructions x_hat
            go to `bernoulli_nll_from_x_hat`: as logits they would be squashed twice. NaN goes
            through as in `squared_error`.
        x: original, same shape, in [0, 1].

    Returns:
        Sum over pixels, (N,), in nats; at least 0, up to rounding.

    Raises:
        TypeError, ValueError: shapes differ or have no pixels, x is outside [0, 1], a number is not
            finite, or a dtype is neither float32 nor float64.
    """
    _check(logits=logits, x=x)
    _check_unit_range("x", x)
    # softplus(-l) = softplus(l) - l, so one softplus is enough: half the time of the two.
    return (_softplus(logits) - x * logits).flatten(1).sum(1)  # (N, ...) -> (N,)


def bernoulli_nll_from_x_hat(x_hat: Tensor, x: Tensor) -> Tensor:
    r"""Return the binary cross-entropy of each image, from reconstructions x_hat, in nats.

    -sum_j [x_j log x_hat_j + (1 - x_j) log(1 - x_hat_j)], with 0 log 0 = 0. It is infinite
    where x_hat is exactly 0 or 1 and x is not, as a float32 sigmoid is above a logit of 17: train
    on logits, with `bernoulli_nll`.

    Args:
        x_hat: reconstruction, (N, ...), in [0, 1]; NaN goes through as in `squared_error`.
        x: original, same shape, in [0, 1].

    Returns:
        Sum over pixels, (N,), in nats, at least 0.

    Raises:
        TypeError, ValueError: as for `bernoulli_nll`, or x_hat is outside [0, 1].
    """
    _check(x_hat=x_hat, x=x)
    _check_unit_range("x", x)
    _check_unit_range("x_hat", x_hat)
    ink = -x * torch.log(torch.where(x > 0, x_hat, 1))  # 0 log 0 = 0, also in the gradient
    paper = -(1 - x) * torch.log1p(-torch.where(x < 1, x_hat, 0))
    return (ink + paper).flatten(1).sum(1)  # (N, ...) -> (N,)


@dataclass
class SquaredError:
    """Squared error, summed over pixels, averaged over the batch.

    Called with (output, x), it returns "loss" and the same value as "reconstruction".
    """

    def __call__(self, output: "Output", x: Tensor) -> Terms:
        """Return the terms for what the model made of x, (N, 1, H, W)."""
        reconstruction = squared_error(_part(output, "x_hat"), x).mean()
        return {"loss": reconstruction, "reconstruction": reconstruction}


@dataclass
class BernoulliLoss:
    """Binary cross-entropy in nats, summed over pixels, averaged over the batch.

    It uses the logits where the model gives them, else x_hat, which must be in [0, 1]. Called
    with (output, x), it returns "loss" and the same value as "reconstruction".
    """

    def __call__(self, output: "Output", x: Tensor) -> Terms:
        """Return the terms for what the model made of x, (N, 1, H, W), in [0, 1]."""
        reconstruction = _bernoulli(output, x).mean()
        return {"loss": reconstruction, "reconstruction": reconstruction}


@dataclass
class NegativeLogLikelihood:
    """-log p(x|z) in nats of the likelihood that the model was made with, averaged over the batch.

    Called with (output, x), it returns "loss" and the same value as "reconstruction".

    Args:
        reconstruction: a name in `likelihoods.NLL`, the model's `likelihood`.

    Raises:
        ValueError: no such likelihood; or, when called, data that it cannot have made.
    """

    reconstruction: str

    def __post_init__(self) -> None:
        _validate.choice(self.reconstruction, "reconstruction", tuple(NLL))

    def __call__(self, output: "Output", x: Tensor) -> Terms:
        """Return the terms for what the model made of x, (N, C, H, W) or (N, F)."""
        reconstruction = NLL[self.reconstruction](_part(output, "logits"), x).mean()
        return {"loss": reconstruction, "reconstruction": reconstruction}


@dataclass
class Elbo:
    r"""The negative evidence lower bound: reconstruction + beta KL(q(z|x) || N(0, I)).

    Reconstruction is summed over pixels, KL over latent dimensions, both are averaged over the
    batch. With beta = 1 and no free bits, the expected "loss" is an upper bound on -log p(x) in
    nats if `reconstruction` is "bernoulli" (on black-and-white pixels) or "gaussian".

    `beta` and `free_bits` are read at every call. `WarmUpElbo` lets beta grow in training.

    Args:
        reconstruction: "bernoulli" (from logits or x_hat), "gaussian" (with its constant) or
            "squared_error" (the gaussian of variance 1/2, without its constant); or the likelihood
            that the model was made with, one of `likelihoods.NLL`.
        beta: weight of the KL, at least 0; 1 is the ELBO.
        free_bits: lambda, nats that each latent dimension may carry at no charge, at least 0:
            the KL is charged as sum_i max(lambda, KL_i), KL_i averaged over the batch first.
        variance: c, of the "gaussian" reconstruction only.

    Returns:
        When called with (output, x): "loss"; "reconstruction"; "kl", as it is, before beta and
        free bits. loss = reconstruction + beta kl where free_bits is 0.

    Raises:
        ValueError: an argument is out of range; or, when called, the model is not variational.

    Source: Kingma and Welling (2014); beta, Higgins et al. (2017); free bits, Kingma et al. (2016).
    """

    reconstruction: str = "bernoulli"
    beta: float = 1.0
    free_bits: float = 0.0
    variance: float = 1.0

    def __post_init__(self) -> None:
        known = ("bernoulli", "gaussian", "squared_error", *NLL)
        _validate.choice(self.reconstruction, "reconstruction", known)
        self.variance = _validate.number(self.variance, "variance", above=0)
        if self.reconstruction != "gaussian" and self.variance != 1:
            raise ValueError(
                f"variance is {self.variance!r}, but a {self.reconstruction!r} reconstruction "
                "has none: use reconstruction='gaussian'"
            )
        self._check_weights()

    def __call__(self, output: "Output", x: Tensor) -> Terms:
        """Return the terms for what the model made of x, (N, 1, H, W)."""
        return self._terms(output, x, self.beta)

    def _terms(self, output: "Output", x: Tensor, beta: float) -> Terms:
        self._check_weights()
        reconstruction = self._reconstruction(output, x).mean()
        mu, log_var = _posterior(output, len(x))
        kl = kl_to_standard_normal(mu, log_var, per_dimension=True).mean(0)  # (N, d) -> (d,)
        charged = kl.clamp(min=self.free_bits)
        return {
            "loss": reconstruction + beta * charged.sum(),
            "reconstruction": reconstruction,
            "kl": kl.sum(),
        }

    def _reconstruction(self, output: "Output", x: Tensor) -> Tensor:
        if self.reconstruction == "bernoulli":
            return _bernoulli(output, x)
        if self.reconstruction in NLL:
            return NLL[self.reconstruction](_part(output, "logits"), x)
        if self.reconstruction == "gaussian":
            return gaussian_nll(_part(output, "x_hat"), x, self.variance)
        return squared_error(_part(output, "x_hat"), x)

    def _check_weights(self) -> None:
        self.beta = _validate.number(self.beta, "beta", least=0)
        self.free_bits = _validate.number(self.free_bits, "free_bits", least=0)


@dataclass
class WarmUpElbo(Elbo):
    r"""The negative ELBO whose KL weight grows in training, in a line from 0 to beta.

    After t passes over the training images, fractions counted, the weight is
    beta min(1, t / warm_up). Without a weight on the KL at first, the decoder learns to use z
    before z has to be paid for; otherwise a dimension may fall onto the prior and stay there.

    `scheduled` tells `fit` that this loss is told t. It keeps no state of its own, so a run that
    is resumed from a checkpoint goes on with the right weight. Without t, as in `evaluate`, the
    warm-up counts as over, so losses on held-out images compare from epoch to epoch.

    Args:
        warm_up: passes over the training images until the weight is beta, above 0.

    Raises:
        ValueError: as for `Elbo`, or warm_up is not a positive number.

    Source: Bowman et al. (2016); Sonderby et al. (2016), Ladder variational autoencoders.
    """

    scheduled: ClassVar[bool] = True
    warm_up: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.warm_up = _validate.number(self.warm_up, "warm_up", above=0)

    def __call__(self, output: "Output", x: Tensor, passes: float = math.inf) -> Terms:
        """Return the terms for what the model made of x, (N, 1, H, W), after t = `passes`."""
        return self._terms(output, x, self.weight(passes))

    def weight(self, passes: float) -> float:
        """Return the weight of the KL after so many passes over the training images."""
        hint = "passes over the images"
        passes = _validate.number(passes, "passes", least=0, infinite=True, hint=hint)
        return self.beta * min(1.0, passes / self.warm_up)


@dataclass
class MmdLoss:
    r"""Reconstruction + weight MMD^2(z, N(0, s^2 I)): any autoencoder, its codes held near a prior.

    Where a KL asks each image's q(z|x) to be near the prior, the MMD asks it of the codes of the
    whole batch together, and so needs no q(z|x): z may be a point. The reconstruction is
    summed over pixels and averaged over the batch; MMD^2 is one number a batch, from 0 to 2, so a
    weight that should matter is as large as the errors to be traded for it. As many
    prior draws as codes are compared, new ones at every call, from torch's global generator, which
    `fit` and `evaluate` seed. The estimate is unbiased, so it is below 0 at times.

    Args:
        reconstruction: "squared_error" or "bernoulli".
        weight: of MMD^2, at least 0.
        prior_sd: s, standard deviation of the prior in each dimension, above 0.
        kernel: "imq" or "rbf"; see `aeteach.mmd`.
        bandwidth: h in units of s, above 0; None for sqrt(d), with which two points of the prior
            are at the distance sqrt(2) h on average (root mean square).

    Returns:
        When called with (output, x): "loss"; "reconstruction"; "mmd", the estimate of MMD^2 before
        the weight.

    Raises:
        ValueError: an argument is out of range; or, when called, a batch of fewer than 2.

    Source: Zhao, Song and Ermon (2019), InfoVAE; Tolstikhin et al. (2018), for the kernel.
    """

    least_batch: ClassVar[int] = 2  # an unbiased estimate compares images of the batch
    reconstruction: str = "squared_error"
    weight: float = 1.0
    prior_sd: float = 1.0
    kernel: str = "imq"
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        _validate.choice(self.reconstruction, "reconstruction", ("bernoulli", "squared_error"))
        _validate.choice(self.kernel, "kernel", KERNELS)
        self.weight = _validate.number(self.weight, "weight", least=0)
        self.prior_sd = _validate.number(self.prior_sd, "prior_sd", above=0)
        if self.bandwidth is not None:
            self.bandwidth = _validate.number(self.bandwidth, "bandwidth", above=0)

    def __call__(self, output: "Output", x: Tensor) -> Terms:
        """Return the terms for what the model made of x, (N, 1, H, W), N >= 2."""
        z = _part(output, "z").flatten(1)  # channels of a bottleneck are numbers like any other
        if self.reconstruction == "bernoulli":
            reconstruction = _bernoulli(output, x).mean()
        else:
            reconstruction = squared_error(_part(output, "x_hat"), x).mean()
        width = math.sqrt(z.shape[1]) if self.bandwidth is None else self.bandwidth
        prior = self.prior_sd * torch.randn_like(z)
        distance = mmd(z, prior, kernel=self.kernel, bandwidth=width * self.prior_sd)
        return {
            "loss": reconstruction + self.weight * distance,
            "reconstruction": reconstruction,
            "mmd": distance,
        }


@dataclass
class CrossEntropy:
    r"""Cross-entropy of a classifier, in nats: -log p(y|x), averaged over the batch.

    `labelled` tells `fit` that this loss is given the labels y, and the model is not. Called
    with (logits, x, y), it returns "loss", and "accuracy", the share of labels given the largest
    logit, which has no gradient.
    """

    labelled: ClassVar[bool] = True

    def __call__(self, logits: Tensor, x: Tensor, y: Tensor) -> Terms:
        """Return the terms for logits (N, classes) of images x with labels y, (N,) int64."""
        if not isinstance(logits, Tensor):
            raise TypeError(
                f"logits are {_validate.say(logits)}, and cross-entropy compares a float tensor "
                "(N, classes): is the model a classifier?"
            )
        logits = _validate.finite(logits, "logits", "a float tensor (N, classes)", graph=True)
        if logits.ndim != 2:
            raise ValueError(
                f"logits have shape {tuple(logits.shape)}; expected (N, classes), one row a label: "
                "is the model a classifier?"
            )
        _validate.floating(x, "x")
        _validate.labels(y, name="y", classes=logits.shape[1])
        if x.ndim == 0 or not len(logits) == len(x) == len(y):
            raise ValueError(
                f"logits have {len(logits)} rows, x has {len(x)} and y {len(y)}; expected one of "
                "each for every image"
            )
        accuracy = (logits.detach().argmax(1) == y).to(logits.dtype).mean()
        return {"loss": F.cross_entropy(logits, y), "accuracy": accuracy}


@dataclass
class WithWeightPenalty:
    r"""Another loss plus strength times the sum of all squared weights of a model.

    Adds "penalty" = strength * sum_W ||W||_F^2 to the terms and to "loss". The matrices are
    the parameters with two or more axes; biases and normalisation scales are left out, for they
    have one. A parameter that two layers share counts once. Squared error alone leaves a linear
    autoencoder free to use any basis of the principal plane; with this penalty, the left
    singular vectors of its decoder's matrix are the principal directions themselves.

    An optimiser's weight_decay is something else. AdamW shrinks the weights beside the
    gradient step, which minimises no loss that could be written down. `torch.optim.Adam` with
    weight_decay = 2 strength has this penalty's gradient, but shrinks the biases as well, and
    no history shows what it costs.

    Args:
        loss: the loss to add to, such as `SquaredError()`.
        model: whose parameters are penalised; the one that is trained.
        strength: at least 0, in the unit of the loss.
        names: parameters to penalise, as in `model.named_parameters()`; all matrices if empty.

    Raises:
        ValueError: the strength is negative, a name is unknown, or there is nothing to penalise.

    Source: Kunin et al. (2019), Loss landscapes of regularized linear autoencoders.
    """

    loss: Loss
    model: nn.Module = field(repr=False)  # a loss that prints short names a run in a checkpoint
    strength: float
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _validate.function(self.loss, "loss", "a loss, such as SquaredError()")
        _validate.model(self.model)
        self.strength = _validate.number(self.strength, "strength", least=0)
        known = plain_parameters(self.model)
        names = _validate.several(self.names, "names", "names of parameters", 0)
        names = tuple(plain_name(name) if isinstance(name, str) else name for name in names)
        for name in names:
            _validate.choice(name, "names", known, "parameters, which are")
        self.names = names or tuple(n for n, p in known.items() if p.ndim > 1)
        if not self.names:
            raise ValueError("the model has no weight matrix to penalise; expected at least one")

    @property
    def scheduled(self) -> bool:
        """Whether the other loss is told how far training has come, as `WarmUpElbo` is."""
        return getattr(self.loss, "scheduled", False)

    @property
    def least_batch(self) -> int:
        """How many images the other loss needs in a batch."""
        return getattr(self.loss, "least_batch", 1)

    def __call__(self, output: "Output", x: Tensor, **told: float) -> Terms:
        """Return the terms of the other loss, "penalty", and the new total."""
        terms = self.loss(output, x, **told)
        weights = [p for name, p in plain_parameters(self.model).items() if name in self.names]
        penalty = self.strength * torch.stack([(w**2).sum() for w in weights]).sum()
        return {**terms, "loss": terms["loss"] + penalty, "penalty": penalty}


LOSSES: dict[str, Callable[..., Loss]] = {
    "squared_error": SquaredError,
    "bernoulli": BernoulliLoss,
    "cross_entropy": CrossEntropy,
    "elbo": Elbo,
    "elbo_warm_up": WarmUpElbo,
    "mmd": MmdLoss,
}


def _softplus(logits: Tensor) -> Tensor:
    """Return log(1 + e^l); torch's own turns linear at 20, where that is still 2e-9 off."""
    return F.softplus(logits, threshold=40)


def _bernoulli(output: "Output", x: Tensor) -> Tensor:
    """Return the binary cross-entropy (N,), from logits if there are any."""
    if getattr(output, "logits", None) is not None:
        return bernoulli_nll(_part(output, "logits"), x)
    return bernoulli_nll_from_x_hat(_part(output, "x_hat"), x)


def _part(output: "Output", name: str) -> Tensor:
    """Return a tensor of an output by its name, or say that this is no output."""
    value = getattr(output, name, None)
    if not isinstance(value, Tensor):
        has = (
            f"whose {name} is {_validate.say(value)}"
            if hasattr(output, name)
            else f"without {name}"
        )
        raise TypeError(
            f"the model returned {_validate.say(output)} {has}; expected an output with a tensor "
            f"{name}, an aeteach.models.Output, as an autoencoder's forward returns it"
        )
    return value


def _posterior(output: "Output", n: int) -> tuple[Tensor, Tensor]:
    """Return mu and log_var of q(z|x), each (N, d), or say why there are none."""
    mu, log_var = getattr(output, "mu", None), getattr(output, "log_var", None)
    if mu is None or log_var is None:
        raise ValueError(
            "the output has no mu and log_var, so the model is no variational autoencoder and "
            "has no KL: use SquaredError() or BernoulliLoss()"
        )
    if mu.ndim != 2 or len(mu) != n:
        raise ValueError(
            f"mu has shape {tuple(mu.shape)} for {n} images; expected (N, d), one row an image: "
            "flatten channels with .flatten(1)"
        )
    return mu, log_var


def _check(**pair: Tensor) -> None:
    """Refuse two tensors that are not what a model made of images (first) and those images."""
    (made, x_hat), (name, x) = pair.items()
    _validate.floating(x_hat, made)
    _validate.floating(x, name)
    if x_hat.shape != x.shape:
        raise ValueError(
            f"{made} has shape {tuple(x_hat.shape)}, {name} has {tuple(x.shape)}; expected the "
            "same shape, for a broadcast would add up wrong numbers: reshape one of them"
        )
    if x.ndim < 2:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; expected (N, 1, H, W), or (N, D) for points, with "
            "at least one of each: one image is a batch of one, x[None]"
        )
    _validate.one_device(**pair)
    _validate.finite(x_hat, made, graph=True)
    _validate.finite(x, name)


def _check_unit_range(name: str, x: Tensor) -> None:
    """Refuse numbers outside [0, 1]; NaN was refused before, or is left for training to name."""
    if not _validate.can_look(x):
        return
    low, high = _range(x)
    if low < 0 or high > 1:
        hint = (
            "divide grey levels by 255"
            if name == "x"
            else "end the model in a sigmoid and give its logits, or use SquaredError()"
        )
        raise ValueError(f"{name} runs from {low:g} to {high:g}; expected [0, 1]: {hint}")


def _range(x: Tensor) -> tuple[float, float]:
    """Return the smallest and the largest number, both NaN if any is: one pass, 16 us a batch."""
    low, high = x.detach().aminmax()
    return float(low), float(high)
