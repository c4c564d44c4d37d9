r"""How surprising, how uncertain, how different: entropy and the KL divergence, in nats.

Discrete distributions are tensors whose last axis sums to 1. Diagonal normal distributions are a
mean mu and a logarithm of the variance log_var, as an encoder returns them. Everything is in
nats; `base=2` gives bits. Every function is pure, and gradients flow through all of them.

Whatever `torch.as_tensor` takes is accepted, and a tensor returned: Python numbers count as
float64, tensors and arrays keep their float32 or float64. Other dtypes are refused: integers are
counts and not probabilities, and half precision is too coarse for sums of many terms. Shapes must
be equal: nothing is broadcast, for a broadcast that was not meant is a wrong number. A KL may be
infinite; NaN is refused and never returned, but for one case: what a model in training has made,
with a graph behind it, goes through, so that training can name the step in which NaN began.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.distributions import Distribution

from aeteach import _validate
from aeteach._random import seeded
from aeteach.mmd import (
    MmdEstimate,
    median_distance,
    mmd,
    mmd_normal,
    mmd_with_error,
    witness,
)

__all__ = [
    "TOLERANCE",
    "LogDensity",
    "MmdEstimate",
    "MonteCarlo",
    "cross_entropy",
    "entropy",
    "kl",
    "kl_monte_carlo",
    "kl_normal",
    "kl_to_standard_normal",
    "median_distance",
    "mmd",
    "mmd_normal",
    "mmd_with_error",
    "nats_to_bits",
    "surprise",
    "witness",
]

LogDensity = Callable[[Tensor], Tensor]
Nats = TypeVar("Nats", float, Tensor)

# How far a sum of probabilities may be from 1: rounding of softmax over thousands of outcomes
# stays well below, and a table rounded to three digits does not.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-8}


class MonteCarlo(NamedTuple):
    """An average over random draws, and how far to trust it.

    Attributes:
        estimate: the average.
        standard_error: its standard deviation over repetitions; about 68 % of repetitions lie
            within one, 95 % within two of the true value.
    """

    estimate: Tensor
    standard_error: Tensor


def surprise(p: Any, *, base: float = math.e) -> Tensor:
    r"""Return the surprise of outcomes that have probability p: s = log(1/p).

    Args:
        p: probabilities, any shape, each in [0, 1]; they need not belong to one distribution.
        base: of the logarithm, positive and not 1: e gives nats, 2 bits. A base below 1 turns
            every sign round.

    Returns:
        Surprise of each outcome, shape of p, at least 0; infinite where p is 0.

    Raises:
        TypeError, ValueError: p is empty, outside [0, 1], NaN, or neither float32 nor float64.

    Source: Shannon (1948), A mathematical theory of communication.
    """
    p = _as_float("p", p)
    _refuse_unless_in_unit_interval("p", p)
    return (0 - torch.log(p)) / _log(base)  # 0 - 0 is 0, where -log(1) would print as -0


def entropy(p: Any, *, base: float = math.e) -> Tensor:
    r"""Return the average surprise of a distribution: H(P) = -sum_i p_i log p_i.

    An outcome that never happens adds nothing: 0 log 0 = 0.

    Args:
        p: distributions, (..., K), the last axis sums to 1.
        base: as for `surprise`.

    Returns:
        One entropy for each distribution, shape (...): 0 (certain) to log K (all equal).

    Raises:
        TypeError, ValueError: p is not a distribution; says why.

    Source: Shannon (1948).
    """
    p = _distribution("p", p)
    surprises = -torch.where(p > 0, p, 1).log()  # 0 log 0 = 0, also in the gradient
    return (p * surprises).sum(-1) / _log(base)


def cross_entropy(p: Any, q: Any, *, base: float = math.e) -> Tensor:
    r"""Return the average surprise of one who believes Q where P is true: -sum_i p_i log q_i.

    Args:
        p: true distributions P, (..., K), the last axis sums to 1.
        q: believed distributions Q, same shape.
        base: as for `surprise`.

    Returns:
        H(P, Q) for each pair, shape (...): at least H(P); infinite where Q rules out what
        happens under P (q_i = 0, p_i > 0).

    Raises:
        TypeError, ValueError: p or q is not a distribution, or their shapes differ; says why.

    Source: Cover and Thomas (2006), Elements of information theory, chapter 2.
    """
    p, q = _pair(p, q)
    surprises = -torch.where(p > 0, q, 1).log()  # 0 log 0 = 0, also in the gradient
    return (p * surprises).sum(-1) / _log(base)


def kl(p: Any, q: Any, *, base: float = math.e) -> Tensor:
    r"""Return the surprise that believing Q costs where P is true: sum_i p_i log(p_i / q_i).

    KL(P || Q) = H(P, Q) - H(P). It is not symmetric: P is the distribution averaged over.

    Args:
        p: true distributions P, (..., K), the last axis sums to 1.
        q: believed distributions Q, same shape.
        base: as for `surprise`.

    Returns:
        KL(P || Q) for each pair, shape (...): at least 0; 0 if P = Q; infinite where Q rules
        out what happens under P (q_i = 0, p_i > 0).

    Raises:
        TypeError, ValueError: p or q is not a distribution, or their shapes differ; says why.

    Source: Kullback and Leibler (1951), On information and sufficiency.
    """
    p, q = _pair(p, q)
    happens = p > 0  # 0 log 0 = 0, also in the gradient
    log_ratio = torch.where(happens, p, 1).log() - torch.where(happens, q, 1).log()
    # Where p and q are nearly equal, rounding may leave -1e-17 of what is never below 0.
    return (p * log_ratio).sum(-1).clamp(min=0) / _log(base)


def kl_normal(
    mu_q: Any,
    log_var_q: Any,
    mu_p: Any,
    log_var_p: Any,
    *,
    per_dimension: bool = False,
    base: float = math.e,
) -> Tensor:
    r"""Return KL(q || p) between diagonal normal distributions, summed over dimensions.

    With sigma^2 = exp(log_var), a dimension costs
    log(sigma_p / sigma_q) + (sigma_q^2 + (mu_q - mu_p)^2) / (2 sigma_p^2) - 1/2,
    computed as (exp(t) - 1 - t + (mu_q - mu_p)^2 / sigma_p^2) / 2 with t = log_var_q - log_var_p.

    Value and gradient are finite while t and -log_var_p are at most 88 in float32, 709 in
    float64, for means less than sigma_p apart; beyond, the KL itself soon exceeds the largest
    number of the dtype, and is infinite. A q that is a point (log_var_q = -inf) is infinitely far.

    Args:
        mu_q: means of q, (..., d).
        log_var_q: logarithms of its variances, same shape.
        mu_p: means of p, same shape.
        log_var_p: logarithms of its variances, same shape.
        per_dimension: return the terms before the sum, (..., d).
        base: as for `surprise`.

    Returns:
        KL of each pair, shape (...), so (N,) for (N, d); at least 0.

    Raises:
        TypeError, ValueError: the shapes differ, or an argument is empty, not finite, or neither
            float32 nor float64.

    Source: Kingma and Welling (2014), Auto-encoding variational Bayes, appendix B, for p = N(0, I).
    """
    each = _validate.flag(per_dimension, "per_dimension")
    mu_q, log_var_q, mu_p, log_var_p = _parameters(
        mu_q=mu_q, log_var_q=log_var_q, mu_p=mu_p, log_var_p=log_var_p
    )
    # Halving before exp, not squaring after it: exp(-log_var_p) overflows twice as early.
    distance = (mu_q - mu_p) * torch.exp(-log_var_p / 2)
    # Equal means are at no distance, however narrow p: not 0 times infinity.
    distance = torch.where(mu_q == mu_p, 0, distance)
    terms = (_exp_excess(log_var_q - log_var_p) + distance**2) / (2 * _log(base))  # (..., d)
    return terms if each else terms.sum(-1)


def kl_to_standard_normal(
    mu: Any, log_var: Any, *, per_dimension: bool = False, base: float = math.e
) -> Tensor:
    r"""Return KL(N(mu, sigma^2) || N(0, I)), summed over dimensions.

    A dimension costs (sigma^2 - 1 - log sigma^2 + mu^2) / 2 with sigma^2 = exp(log_var).

    Near the prior, where sigma^2 - 1 and log sigma^2 cancel, the relative error stays below
    1e-14 in float64 (2e-6 in float32). Value and gradient are finite for log_var up to 88 in
    float32 (709 in float64) and down to -1e38 (-1e308); a sum over d dimensions that are all so
    large overflows log d earlier. Beyond, it is infinite, as it is for a point (log_var = -inf).

    Args:
        mu: means, (..., d).
        log_var: logarithms of the variances, same shape.
        per_dimension: return the terms before the sum, (..., d).
        base: as for `surprise`.

    Returns:
        KL of each distribution, shape (...), so (N,) for (N, d); at least 0.

    Raises:
        TypeError, ValueError: the shapes differ, or an argument is empty, not finite, or neither
            float32 nor float64.

    Source: Kingma and Welling (2014), appendix B.
    """
    each = _validate.flag(per_dimension, "per_dimension")
    mu, log_var = _parameters(mu=mu, log_var=log_var)
    terms = (_exp_excess(log_var) + mu**2) / (2 * _log(base))  # (..., d)
    return terms if each else terms.sum(-1)


def kl_monte_carlo(
    log_q: LogDensity | Distribution,
    log_p: LogDensity | Distribution,
    samples: Tensor | int,
    *,
    generator: torch.Generator | None = None,
    base: float = math.e,
) -> MonteCarlo:
    r"""Estimate KL(q || p) from draws: the average of log q(z_i) - log p(z_i) with z_i from q.

    It needs no closed form. The estimate is unbiased and can come out negative; its standard
    error, the standard deviation of the n differences over sqrt(n), says how far to trust it.

    Args:
        log_q: maps draws (n, ...) to log-densities (n, ...) in nats, or a torch distribution.
        log_p: the same for p.
        samples: n >= 2 draws from q, the first axis; or how many to draw, where log_q is a
            torch distribution.
        generator: randomness of the draws, needed exactly when `samples` is a number.
        base: as for `surprise`.

    Returns:
        MonteCarlo: estimate and standard error, each of the shape of one log-density; both
        infinite where a draw from q is impossible under p.

    Raises:
        ValueError: fewer than 2 draws, shapes differ, NaN, a draw that q itself rules out, or
            a generator that is missing or not needed.

    Source: Owen (2013), Monte Carlo theory, methods and examples, chapter 2.
    """
    for name, value in (("log_q", log_q), ("log_p", log_p)):
        if not isinstance(value, Distribution):
            _validate.function(value, name, "a torch distribution, or a function of the draws")
    z = _draws(log_q, samples, generator)  # (n, ...)
    of_q, of_p = _log_density("log_q", log_q, z), _log_density("log_p", log_p, z)
    _validate.same(log_q=of_q, log_p=of_p)
    ratio = (of_q - of_p) / _log(base)
    estimate = ratio.mean(0)
    error = ratio.std(0) / math.sqrt(len(z))
    return MonteCarlo(estimate, torch.where(estimate.isinf(), math.inf, error))


def nats_to_bits(nats: Nats) -> Nats:
    """Return nats / log(2): one bit is 0.693 nats, one nat 1.443 bits.

    Args:
        nats: a number, or a float tensor of any shape; infinite where a KL is.

    Raises:
        TypeError, ValueError: no numbers, or NaN.
    """
    if not isinstance(nats, Tensor):
        return _validate.number(nats, "nats", infinite=True) / math.log(2)
    _refuse_nan("nats", _validate.floating(nats, "nats"))
    return nats / math.log(2)


def _exp_excess(t: Tensor) -> Tensor:
    """Return exp(t) - 1 - t without cancellation near 0: by its Taylor series if |t| < 0.1."""
    near = t.abs() < 0.1
    small = torch.where(near, t, 0)  # elsewhere 0, or an overflow would spoil the gradient
    one = torch.ones_like(small)
    series = one  # 1 + t/3 (1 + t/4 (1 + t/5 ...)), from the inside out
    for k in range(10 if t.dtype == torch.float64 else 6, 2, -1):
        series = torch.addcmul(one, small, series, value=1 / k)
    return torch.where(near, small**2 / 2 * series, torch.expm1(t) - t)


def _log(base: float) -> float:
    """Return the natural logarithm of a base, by which nats are divided."""
    hint = "not 1: leave it out for nats, 2 for bits, 10 for decimal digits"
    base = _validate.number(base, "base", above=0, hint=hint)
    if base == 1:
        raise ValueError(f"base is 1; expected a finite number above 0, {hint}")
    return math.log(base)


def _as_float(name: str, value: Any) -> Tensor:
    """Return a float32 or float64 tensor that is not empty, or say what is wrong."""
    return _validate.numbers(value, name, "numbers", whole=False, finite=False)


def _refuse_nan(name: str, x: Tensor) -> None:
    if bool(x.detach().isnan().any()):
        raise ValueError(f"{name} holds NaN; expected numbers: find where it began")


def _refuse_unless_in_unit_interval(name: str, p: Tensor) -> None:
    low, high = (float(end) for end in p.detach().aminmax())  # NaN if any p is
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"{name} must be probabilities in [0, 1], got {low:g} to {high:g}: if these are "
            f"logits, use torch.softmax({name}, -1)"
        )


def _distribution(name: str, value: Any) -> Tensor:
    """Return a tensor whose last axis sums to 1, or say what is wrong."""
    p = _as_float(name, value)
    if p.ndim == 0:
        raise ValueError(
            f"{name} is the single number {float(p.detach()):g}; expected one probability for each "
            f"outcome on the last axis: for a coin, [{name}, 1 - {name}]"
        )
    total = p.detach().sum(-1)
    worst = total.reshape(-1)[(total - 1).abs().argmax()]  # argmax finds NaN first
    low = float(p.detach().min())
    if low < 0 or not abs(float(worst) - 1) <= TOLERANCE[p.dtype]:
        raise ValueError(
            f"{name} is no distribution over its last axis of {p.shape[-1]}: smallest entry "
            f"{low:g}, the sum farthest from 1 is {float(worst):.9g}; expected entries of at "
            f"least 0 that sum to 1 within {TOLERANCE[p.dtype]:g} ({p.dtype}): divide counts by "
            f"their sum, {name} / {name}.sum(-1, keepdim=True); use torch.softmax({name}, -1) on "
            "logits"
        )
    return p


def _pair(p: Any, q: Any) -> tuple[Tensor, Tensor]:
    p, q = _distribution("p", p), _distribution("q", q)
    _validate.same(p=p, q=q)
    _validate.one_device(p=p, q=q)
    return p, q


def _parameters(**values: Any) -> tuple[Tensor, ...]:
    tensors = {name: _moment(name, value) for name, value in values.items()}
    _validate.same(**tensors)
    _validate.one_device(**tensors)
    return tuple(tensors.values())


def _moment(name: str, value: Any) -> Tensor:
    """Return means or logarithms of variances; those of q may be -inf, for a point."""
    if name not in ("log_var", "log_var_q"):
        return _validate.numbers(value, name, whole=False, graph=True)
    x = _validate.numbers(value, name, whole=False, finite=False)
    look = _validate.can_look(x) and x.grad_fn is None
    if look and not bool((x.detach() < math.inf).all()):
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers, or -inf")
    return x


def _draws(
    q: LogDensity | Distribution, samples: Tensor | int, generator: torch.Generator | None
) -> Tensor:
    """Return the draws that were given, or draw them from a torch distribution."""
    if isinstance(samples, list | tuple) or getattr(samples, "shape", None):
        z = _validate.numbers(samples, "samples", "draws (n, ...), or how many to make")
        if generator is not None:
            raise ValueError(
                "samples are draws already made, so no generator is needed: leave it out"
            )
        _enough(len(z) if z.ndim else 0)
        return z
    n = _validate.count(samples, "samples")
    _enough(n)
    if not isinstance(q, Distribution):
        raise ValueError(
            f"samples is the number {n}, but log_q is no torch distribution to draw from: "
            "pass the draws"
        )
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator is {_validate.say(generator)}; a number of draws needs one: "
            "torch.Generator().manual_seed(0)"
        )
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with seeded(seed, _place(q)):  # torch's distributions draw from the global state only
        return q.sample((n,))


def _place(q: Distribution) -> torch.device:
    """Return the device that a distribution draws on: that of its parameters."""
    kept = list(vars(q).values())
    tensors = (value.device for value in kept if isinstance(value, Tensor))
    parts = (_place(value) for value in kept if isinstance(value, Distribution))
    return next(tensors, None) or next(parts, torch.device("cpu"))


def _enough(n: int) -> None:
    if n < 2:
        raise ValueError(
            f"samples holds {n} draws; a standard error needs at least 2, and 1,000 are a start"
        )


def _log_density(name: str, log_density: LogDensity | Distribution, z: Tensor) -> Tensor:
    """Return log-densities of the draws, one for each, or say what is wrong with them."""
    if isinstance(log_density, Distribution):
        try:
            value = log_density.log_prob(z)
        except (ValueError, RuntimeError) as error:  # torch says it for no argument of ours
            raise ValueError(f"{name} cannot tell the density of samples: {error}") from error
    else:
        value = log_density(z)
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise TypeError(f"{name} gave {_validate.say(value)}; expected a float tensor (n, ...)")
    if value.ndim == 0 or len(value) != len(z):
        raise ValueError(
            f"{name} gave shape {tuple(value.shape)} for draws {tuple(z.shape)}; expected one "
            f"log-density for each of the {len(z)} draws on the first axis, not their sum or mean"
        )
    lowest, highest = (float(end) for end in value.detach().aminmax())  # NaN if any is
    if not highest < math.inf or (name == "log_q" and lowest == -math.inf):
        raise ValueError(
            f"{name} runs from {lowest:g} to {highest:g} over the draws; expected finite "
            "log-densities (-inf only for log_p, where p rules a draw out): draw from q itself"
        )
    return value
