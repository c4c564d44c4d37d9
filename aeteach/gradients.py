r"""How an average changes with its distribution: two estimates of the gradient of E_q[f(z)].

q is a diagonal normal distribution with mean mu and variance exp(log_var), as an encoder returns
it. Both estimators take the standard normal noise eps as an argument, so the same noise gives the
same numbers, and both give one estimate for each draw: `average` turns those into an estimate
with its standard error. Everything is float32 or float64; nothing is broadcast but mu and log_var
over the draws.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._on_cpu import on_cpu

Function = Callable[[Tensor], Tensor]
_FAR = 1e60  # its fourth power is still a number


class PerDraw(NamedTuple):
    """One estimate of a gradient for each draw, (n, d) both.

    Attributes:
        mu: estimates of the gradient with respect to mu.
        log_var: estimates of the gradient with respect to log_var.
    """

    mu: Tensor
    log_var: Tensor


class Estimate(NamedTuple):
    """An average over draws, and how far to trust it.

    Attributes:
        estimate: the average.
        standard_error: its standard deviation over repetitions; about 95 % of repetitions lie
            within two of the true value.
    """

    estimate: Tensor
    standard_error: Tensor


class Moments(NamedTuple):
    """What an estimator does on average: its mean and the variance of one draw."""

    mean: Tensor
    variance: Tensor


def reparameterize(mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
    r"""Return z = mu + sigma * eps with sigma = exp(log_var / 2).

    If eps is standard normal, z has mean mu and variance exp(log_var). Gradients flow to mu
    (dz/dmu = 1) and to log_var (dz/dlog_var = sigma * eps / 2).

    Args:
        mu: means, (d,) or (n, d), unit of z.
        log_var: logarithms of the variances, same shape as mu.
        eps: standard normal noise, (n, d) or the shape of mu, without unit.

    Returns:
        z, shape of eps.

    Raises:
        TypeError: an argument is not a float32 or float64 tensor.
        ValueError: the shapes do not fit, or an argument is empty.

    Source: Kingma and Welling (2014), Auto-encoding variational Bayes, section 2.4.
    """
    _check(mu, log_var, eps)
    sigma = torch.exp(0.5 * log_var)
    return mu + sigma * eps


def pathwise(f: Function, mu: Tensor, log_var: Tensor, eps: Tensor) -> PerDraw:
    r"""Estimate the gradient of E_q[f(z)] by differentiating through z = mu + sigma * eps.

    A draw gives df/dz for mu and df/dz * sigma * eps / 2 for log_var. Unbiased if f is continuous
    and differentiable almost everywhere.

    Args:
        f: maps z, (n, d), to one number for each draw, (n,), and treats the draws apart.
        mu: means of q, (d,).
        log_var: logarithms of its variances, (d,).
        eps: standard normal noise, (n, d).

    Raises:
        TypeError: an argument is not a float32 or float64 tensor.
        ValueError: the shapes do not fit, or no gradient flows from f back to z.

    Source: Mohamed et al. (2020), Monte Carlo gradient estimation in machine learning, section 5.
    """
    noise = _noise(mu, log_var, eps)
    z = reparameterize(mu, log_var, eps).detach().requires_grad_()
    value = _values(f, z)
    if not value.requires_grad:
        raise ValueError(
            "no gradient flows from f(z) back to z: f rounds, compares or detaches; write f in "
            "differentiable torch operations, or use score_function, which needs no derivative"
        )
    (slope,) = torch.autograd.grad(value.sum(), z)  # (n, d): each draw depends on its own z alone
    return PerDraw(slope, slope * noise / 2)


def score_function(
    f: Function, mu: Tensor, log_var: Tensor, eps: Tensor, *, baseline: float = 0.0
) -> PerDraw:
    r"""Estimate the gradient of E_q[f(z)] by weighing the score of q: (f(z) - b) grad log q(z).

    A draw gives (f(z) - b) * eps / sigma for mu and (f(z) - b) * (eps^2 - 1) / 2 for log_var.
    Unbiased for every constant b; f needs no derivative.

    Args:
        f: maps z, (n, d), to one number for each draw, (n,).
        mu: means of q, (d,).
        log_var: logarithms of its variances, (d,).
        eps: standard normal noise, (n, d).
        baseline: b, a constant that must not depend on these draws, unit of f.

    Raises:
        TypeError: an argument is not a float32 or float64 tensor.
        ValueError: the shapes do not fit, or the baseline is not finite.

    Source: Williams (1992), Simple statistical gradient-following algorithms for connectionist
        reinforcement learning.
    """
    hint = "in the unit of f"
    baseline = _validate.number(baseline, "baseline", least=-1e30, most=1e30, hint=hint)
    _noise(mu, log_var, eps)
    with torch.no_grad():
        value = _values(f, reparameterize(mu, log_var, eps)) - baseline
        score_mu = eps * torch.exp(-0.5 * log_var)
        score_log_var = (eps.square() - 1) / 2
        return PerDraw(value[:, None] * score_mu, value[:, None] * score_log_var)


def average(per_draw: Tensor) -> Estimate:
    r"""Return the mean over the draws and its standard error s / sqrt(n).

    s is the standard deviation of the n draws with divisor n - 1.

    Args:
        per_draw: one estimate for each draw on the first axis, (n, ...), n at least 2.

    Raises:
        ValueError: fewer than 2 draws.
    """
    _validate.finite(per_draw, "per_draw", "a float tensor (n, ...)")
    n = len(per_draw) if per_draw.ndim else 0
    if n < 2:
        raise ValueError(
            f"per_draw has shape {tuple(per_draw.shape)}; expected at least 2 draws on the first "
            "axis: one draw says nothing about its own error"
        )
    return Estimate(per_draw.mean(0), per_draw.std(0) / math.sqrt(n))


def quadratic_pathwise(m: float, sigma: float) -> Moments:
    r"""Return mean and variance of the pathwise estimate by mu for f(z) = (z - a)^2.

    With m = mu - a, a draw gives 2 (m + sigma * eps): mean 2 m, variance 4 sigma^2.

    Args:
        m: distance mu - a, unit of z.
        sigma: standard deviation of q, positive, unit of z.

    Raises:
        ValueError: m is not finite, or sigma is not positive and finite.
    """
    m_, sigma_ = _quadratic(m, sigma)
    return Moments(2 * m_, 4 * sigma_**2)


def quadratic_score(
    m: float, sigma: float, *, baseline: float = 0.0, dimensions: int = 1
) -> Moments:
    r"""Return mean and variance of the score-function estimate by mu_1, f(z) = sum_i (z_i - a)^2.

    With m = mu_i - a the same in all d dimensions, a draw has mean 2 m and variance
    8 m^2 + 6 sigma^2 + (d - 1) (4 m^2 + 2 sigma^2) + (b - b*)^2 / sigma^2,
    smallest at the baseline b* of `best_baseline`.

    Args:
        m: distance mu - a, unit of z.
        sigma: standard deviation of q, positive, unit of z.
        baseline: b, squared unit of z.
        dimensions: d, at least 1.

    Raises:
        ValueError: a number that is not finite, sigma not positive, or d below 1.
    """
    m_, sigma_ = _quadratic(m, sigma)
    baseline = _validate.number(baseline, "baseline", least=-_FAR, most=_FAR)
    miss = baseline - best_baseline(m, sigma, dimensions=dimensions)
    other = (dimensions - 1) * (4 * m_**2 + 2 * sigma_**2)
    return Moments(2 * m_, 8 * m_**2 + 6 * sigma_**2 + other + (miss / sigma_) ** 2)


def best_baseline(m: float, sigma: float, *, dimensions: int = 1) -> Tensor:
    r"""Return the constant baseline of least variance: b* = m^2 + 3 sigma^2 + (d-1)(m^2 + sigma^2).

    It is E[f s^2] / E[s^2] with the score s = eps_1 / sigma, for f(z) = sum_i (z_i - a)^2.

    Args:
        m: distance mu - a, the same in all dimensions, unit of z.
        sigma: standard deviation of q, positive, unit of z.
        dimensions: d, at least 1.

    Raises:
        ValueError: m is not finite, sigma is not positive and finite, or d is below 1.
    """
    m_, sigma_ = _quadratic(m, sigma)
    _validate.count(dimensions, "dimensions")
    return m_**2 + 3 * sigma_**2 + (dimensions - 1) * (m_**2 + sigma_**2)


@on_cpu
def _quadratic(m: float, sigma: float) -> tuple[Tensor, Tensor]:
    m = _validate.number(m, "m", least=-_FAR, most=_FAR)
    hint = "a standard deviation: exp(log_var / 2)"
    sigma = _validate.number(sigma, "sigma", above=0, most=_FAR, hint=hint)
    return torch.tensor(m, dtype=torch.float64), torch.tensor(sigma, dtype=torch.float64)


def _check(mu: Tensor, log_var: Tensor, eps: Tensor) -> None:
    given = {"mu": mu, "log_var": log_var, "eps": eps}
    for name, value in given.items():
        _validate.finite(value, name, graph=True)
    shapes = f"mu {tuple(mu.shape)}, log_var {tuple(log_var.shape)}, eps {tuple(eps.shape)}"
    if mu.shape != log_var.shape or eps.shape[eps.ndim - mu.ndim :] != mu.shape:
        raise ValueError(
            f"shapes do not fit: {shapes}; expected mu and log_var alike, and eps the same or with "
            "a leading axis of draws: torch.randn(n, *mu.shape)"
        )
    _validate.one_device(**given)


def _noise(mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
    """Return sigma * eps without a gradient, or say what is wrong with the shapes."""
    _check(mu, log_var, eps)
    if mu.ndim != 1 or eps.ndim != 2:
        raise ValueError(
            f"mu is {tuple(mu.shape)} and eps {tuple(eps.shape)}; expected (d,) and (n, d): one "
            "distribution q and n draws of its noise"
        )
    return (torch.exp(0.5 * log_var) * eps).detach()


def _values(f: Function, z: Tensor) -> Tensor:
    """Return f(z), one number for each draw, or say what arrived instead."""
    value = _validate.function(f, "f", "a function of z")(z)
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise TypeError(f"f gave {_validate.say(value)}; expected a float tensor ({len(z)},)")
    if value.shape != z.shape[:1]:
        raise ValueError(
            f"f gave shape {tuple(value.shape)} for z {tuple(z.shape)}; expected "
            f"({len(z)},), one number for each draw: sum over the last axis, not over the draws"
        )
    if not bool(value.detach().isfinite().all()):
        raise ValueError("f gave NaN or infinity for some draws; expected finite numbers")
    return value
