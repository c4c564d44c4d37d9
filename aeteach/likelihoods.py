r"""What a decoder's numbers say about a value of the data: p(x | z), one factor a value.

A decoder makes `per_value` numbers for each value of x, stacked along the first axis after the
batch: (N, per_value C, H, W) for images (N, C, H, W), (N, per_value F) for features (N, F).

| name | numbers | x | log p(x) |
|---|---|---|---|
| bernoulli | logit l | 0 or 1 (grey: cross-entropy) | x l - softplus(l) |
| gaussian | mean | any | variance c: see `losses.gaussian_nll` |
| learned_gaussian | mean, log variance | any | normal, variance at least e^-12 |
| continuous_bernoulli | logit l | [0, 1] | x l - log((e^l - 1) / l) |
| discretised_logistic | logit of the mean, log scale | k / 255 | mass of a logistic within 1/510 |
| categorical | 256 logits | k / 255 | log softmax |

The first two have their functions in `aeteach.losses`; `nll` knows the other four.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from aeteach import _validate

LEVELS = 256
LEAST_LOG_VARIANCE = -12.0  # sigma = 1/403: below the step of 8-bit grey levels
LEAST_LOG_SCALE = -7.0  # a logistic that is narrower has all its mass in one level
_NEAR = 1e-2  # logits below which the series is more exact than the difference


class Likelihood(NamedTuple):
    """How a decoder's numbers become a likelihood.

    Attributes:
        per_value: numbers that the decoder makes for each value of x.
        x_hat: (N, per_value C, ...) -> the mean of p(x | z), (N, C, ...); of the logistic its
            location.
        unit: x must be in [0, 1].
    """

    per_value: int
    x_hat: Callable[[Tensor], Tensor]
    unit: bool


def learned_gaussian_nll(made: Tensor, x: Tensor) -> Tensor:
    r"""Return -log N(x; m, exp(v)) of each example, in nats, mean and log variance both decoded.

    The variance is bounded below, v = -12 + softplus(r + 12) of the decoder's r: where a pixel is
    always black, a likelihood without a bound grows for ever.

    Args:
        made: m and r, (N, 2 C, ...), float.
        x: data, (N, C, ...), finite, of the same dtype.

    Returns:
        Sum over values, (N,), in nats; may be negative, for a density can exceed 1.

    Raises:
        TypeError, ValueError: shapes that do not go together, or numbers that are not finite.

    Source: Kingma and Welling (2014), appendix C.2.
    """
    _check(made, x, 2)
    mean, raw = made.chunk(2, 1)
    log_var = LEAST_LOG_VARIANCE + F.softplus(raw - LEAST_LOG_VARIANCE)
    terms = (x - mean) ** 2 * torch.exp(-log_var) + log_var + math.log(2 * math.pi)
    return terms.flatten(1).sum(1) / 2


def continuous_bernoulli_nll(made: Tensor, x: Tensor) -> Tensor:
    r"""Return -log p(x) of each example for p(x) = l e^{l x} / (e^l - 1) on [0, 1], in nats.

    It is what the binary cross-entropy lacks on grey pixels: the constant that makes it a density.

    Args:
        made: the logits l, (N, ...), float.
        x: data, same shape and dtype, in [0, 1].

    Returns:
        Sum over values, (N,), in nats; may be negative.

    Raises:
        TypeError, ValueError: as for `learned_gaussian_nll`, or x is outside [0, 1].

    Source: Loaiza-Ganem and Cunningham (2019), The continuous Bernoulli.
    """
    _check(made, x, 1, unit=True)
    size = made.abs().clamp(min=_NEAR)
    far = made.clamp(min=0) + torch.log(-torch.expm1(-size) / size)
    near = made / 2 + made**2 / 24
    normaliser = torch.where(made.abs() < _NEAR, near, far)  # log((e^l - 1) / l)
    return (normaliser - x * made).flatten(1).sum(1)


def discretised_logistic_nll(made: Tensor, x: Tensor) -> Tensor:
    r"""Return -log P(x) of each example of 256 levels, a logistic cut into bins, in nats.

    P(x) = s((x + h - m) / e^r) - s((x - h - m) / e^r), with h = 1/510 and s the sigmoid; the two
    outer levels have the tails. m is the sigmoid of the decoder's first number, and r =
    -7 + softplus(second + 7). The masses of the 256 levels add up to 1.

    Args:
        made: (N, 2 C, ...), float.
        x: data, (N, C, ...), of the same dtype, whole multiples of 1/255 in [0, 1].

    Returns:
        Sum over values, (N,), in nats, at least 0.

    Raises:
        TypeError, ValueError: as for `learned_gaussian_nll`, or x is not 8-bit grey divided by 255.

    Source: Salimans et al. (2017), PixelCNN++.
    """
    _check(made, x, 2, unit=True)
    level = _levels(x)
    place, raw = made.chunk(2, 1)
    scale = torch.exp(LEAST_LOG_SCALE + F.softplus(raw - LEAST_LOG_SCALE))
    half = 0.5 / (LEVELS - 1)
    centred = x - torch.sigmoid(place)
    above, below = (centred + half) / scale, (centred - half) / scale
    upper = torch.where(level == LEVELS - 1, 0.0, F.logsigmoid(above))
    lower = torch.where(level == 0, 0.0, F.logsigmoid(-below))
    # s(a) - s(b) = s(a) s(-b) (1 - e^(b - a)), exact for narrow and far bins alike
    inside = (level > 0) & (level < LEVELS - 1)
    between = torch.where(inside, torch.log(-torch.expm1(-2 * half / scale)), 0.0)
    return -(upper + lower + between).flatten(1).sum(1)


def categorical_nll(made: Tensor, x: Tensor) -> Tensor:
    r"""Return -log P(x) of each example, each of 256 levels with a logit of its own, in nats.

    Args:
        made: logits, (N, 256 C, ...), float; level k of channel c is number k C + c.
        x: data, (N, C, ...), of the same dtype, whole multiples of 1/255 in [0, 1].

    Returns:
        Sum over values, (N,), in nats, at least 0.

    Raises:
        TypeError, ValueError: as for `discretised_logistic_nll`.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu (2016), Pixel recurrent neural networks.
    """
    _check(made, x, LEVELS, unit=True)
    level = _levels(x).long()
    logits = made.unflatten(1, (LEVELS, -1))  # (N, 256, C, ...)
    return F.cross_entropy(logits, level, reduction="none").flatten(1).sum(1)


def _continuous_bernoulli_mean(logits: Tensor) -> Tensor:
    size = torch.where(logits.abs() < _NEAR, 1.0, logits)
    return torch.where(logits.abs() < _NEAR, 0.5 + logits / 12, -1 / torch.expm1(-size) - 1 / size)


def _categorical_mean(made: Tensor) -> Tensor:
    levels = torch.linspace(0, 1, LEVELS, dtype=made.dtype, device=made.device)
    return torch.tensordot(levels, made.unflatten(1, (LEVELS, -1)).softmax(1), dims=([0], [1]))


LIKELIHOODS: dict[str, Likelihood] = {
    "bernoulli": Likelihood(1, torch.sigmoid, unit=True),
    "gaussian": Likelihood(1, lambda made: made, unit=False),
    "learned_gaussian": Likelihood(2, lambda made: made.chunk(2, 1)[0], unit=False),
    "continuous_bernoulli": Likelihood(1, _continuous_bernoulli_mean, unit=True),
    "discretised_logistic": Likelihood(
        2, lambda made: torch.sigmoid(made.chunk(2, 1)[0]), unit=True
    ),
    "categorical": Likelihood(LEVELS, _categorical_mean, unit=True),
}
NLL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "learned_gaussian": learned_gaussian_nll,
    "continuous_bernoulli": continuous_bernoulli_nll,
    "discretised_logistic": discretised_logistic_nll,
    "categorical": categorical_nll,
}


def _check(made: Tensor, x: Tensor, per_value: int, *, unit: bool = False) -> None:
    """Refuse decoded numbers and data that do not go together."""
    _validate.floating(made, "made")
    _validate.floating(x, "x")
    if x.ndim < 2 or made.shape != (len(x), per_value * x.shape[1], *x.shape[2:]):
        want = (len(x), per_value * x.shape[1], *x.shape[2:]) if x.ndim > 1 else "(N, C, ...)"
        raise ValueError(
            f"made has shape {tuple(made.shape)} for x of {tuple(x.shape)}; expected {want}, "
            f"{per_value} for each value: build the model with this likelihood="
        )
    _validate.one_kind(made=made, x=x)
    _validate.finite(made, "made", graph=True)
    _validate.finite(x, "x")
    if unit and _validate.can_look(x) and bool(((x < 0) | (x > 1)).any()):
        raise ValueError("x has values outside [0, 1]; expected [0, 1]: divide grey levels by 255")


def _levels(x: Tensor) -> Tensor:
    """Return the level of each value, 0 to 255, or refuse what is between two levels."""
    scaled = x * (LEVELS - 1)
    level = scaled.round()
    if _validate.can_look(x) and bool(((scaled - level).abs() > 1e-2).any()):
        raise ValueError(
            "x has values between 8-bit levels; expected multiples of 1/255: take "
            "(x * 255).round() / 255, or reconstruction='continuous_bernoulli'"
        )
    return level
