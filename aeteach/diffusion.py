r"""Diffusion in one dimension, where every distribution is known in closed form.

A datum x_0 is faded and covered with noise in T steps, x_t ~ N(sqrt(1 - v_t) x_{t-1}, v_t), and a
decoder goes back one step at a time. `signal` is a = (a_0, ..., a_T), the share of the datum's
variance that is left: a_0 = 1 and a_t = a_{t-1} (1 - v_t), falling. The data are an equal mixture
of normal distributions, and the decoder of a step is the best normal one: mean and variance of
q(x_{t-1} | x_t). Nats, float64. Source: Ho, Jain and Abbeel (2020), whose beta_t is v_t here.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aeteach.divergences import kl_normal

_LOG_2PI = math.log(2 * math.pi)
_FIRST, _LAST = 0.98, 0.0067  # a_1 and a_T of the schedule
_REACH, _NODES = 9.0, 1801  # grid of the integrals over x_t: a node every 0.01


class Normal(NamedTuple):
    """A normal distribution in one dimension.

    Attributes:
        mean: its mean.
        variance: its variance, at least 0.
    """

    mean: Tensor
    variance: Tensor


class ChainTerms(NamedTuple):
    """The terms of minus the ELBO of a chain, in nats.

    Attributes:
        prior: KL(q(x_T | x_0) || N(0, 1)).
        steps: KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) for t = 2, ..., T, (T - 1,).
        reconstruction: -E_q[log p(x_0 | x_1)]; negative where densities above 1 are the rule.
    """

    prior: Tensor
    steps: Tensor
    reconstruction: Tensor

    @property
    def negative_elbo(self) -> Tensor:
        """The sum of all terms."""
        return self.prior + self.steps.sum(0) + self.reconstruction


def schedule(steps: int) -> Tensor:
    r"""Return the signal left, a, whose log(a / (1 - a)) falls by equal amounts.

    Args:
        steps: T, at least 1.

    Returns:
        (T + 1,): 1, then from 0.98 down to 0.0067 (for T = 1: 1 and 0.0067).
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    ends = torch.tensor([_FIRST, _LAST], dtype=torch.float64).logit()
    share = torch.linspace(0, 1, steps, dtype=torch.float64) if steps > 1 else torch.ones(1)
    a = (ends[0] + share.double() * (ends[1] - ends[0])).sigmoid()
    return torch.cat([torch.ones(1, dtype=torch.float64), a])


def noise_added(signal: Tensor) -> Tensor:
    """Return v_t = 1 - a_t / a_{t-1} for t = 1, ..., T, the variance that each step adds: (T,)."""
    _check_signal(signal)
    return 1 - signal[1:] / signal[:-1]


def forward(x_0: Tensor, a_t: Tensor) -> Normal:
    r"""Return q(x_t | x_0) = N(sqrt(a_t) x_0, 1 - a_t): all steps up to t at once.

    Args:
        x_0: data, any shape.
        a_t: signal left after step t, in (0, 1], a shape that broadcasts with x_0.
    """
    return Normal(a_t.sqrt() * x_0, (1 - a_t).expand(torch.broadcast_shapes(a_t.shape, x_0.shape)))


def backward(x_0: Tensor, x_t: Tensor, a_before: Tensor, a_t: Tensor) -> Normal:
    r"""Return q(x_{t-1} | x_t, x_0): where the path was one step ago, if its start is known.

    With v = 1 - a_t / a_{t-1}, by Bayes' rule
        mean = [sqrt(a_{t-1}) v x_0 + sqrt(1 - v) (1 - a_{t-1}) x_t] / (1 - a_t),
        variance = v (1 - a_{t-1}) / (1 - a_t).

    Args:
        x_0: the start.
        x_t: where the path is after step t; broadcasts with x_0.
        a_before: a_{t-1}, the signal left one step before.
        a_t: the signal left now, below a_{t-1}.
    """
    v = 1 - a_t / a_before
    of_start = a_before.sqrt() * v / (1 - a_t)
    of_now = (1 - v).sqrt() * (1 - a_before) / (1 - a_t)
    return Normal(of_start * x_0 + of_now * x_t, v * (1 - a_before) / (1 - a_t))


@dataclass(frozen=True)
class Humps:
    """Data x_0: an equal mixture of normal distributions with one standard deviation.

    Args:
        centres: means of the humps, at least one.
        sd: standard deviation of each, above 0.

    Raises:
        ValueError: no hump, a number that is not finite, or an sd that is not above 0.
    """

    centres: tuple[float, ...] = (-0.95, 0.95)
    sd: float = math.sqrt(1 - 0.95**2)  # so that the data have variance 1

    def __post_init__(self) -> None:
        if not self.centres or not all(math.isfinite(c) for c in (*self.centres, self.sd)):
            raise ValueError(f"{self}: expected finite numbers and at least one centre")
        if self.sd <= 0:
            raise ValueError(f"sd is {self.sd:g}; expected a number above 0")

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Return n draws of x_0."""
        which = torch.randint(len(self.centres), (n,), generator=generator)
        eps = torch.randn(n, dtype=torch.float64, generator=generator)
        return self._centres()[which] + self.sd * eps

    def log_density(self, x: Tensor, a_t: Tensor | float = 1.0) -> Tensor:
        """Return log q(x_t), the shape of x: the humps drawn together by sqrt(a_t), and blurred."""
        weights = self._log_weights(x, torch.as_tensor(a_t, dtype=torch.float64))
        return weights.logsumexp(-1)

    def entropy(self) -> Tensor:
        """Return the entropy of the data, by quadrature over a grid."""
        x, step = _grid()
        log_q = self.log_density(x)
        return -(log_q.exp() * log_q).sum() * step

    def start(self, x_t: Tensor, a_t: Tensor) -> Normal:
        """Return mean and variance of q(x_0 | x_t): what a perfect denoiser knows."""
        shares = self._log_weights(x_t, a_t).softmax(-1)
        spread = a_t * self.sd**2 + 1 - a_t
        ours = a_t.sqrt() * self.sd**2 * x_t[..., None]
        means = (ours + (1 - a_t) * self._centres()) / spread
        mean = (shares * means).sum(-1)
        between = (shares * (means - mean[..., None]) ** 2).sum(-1)
        return Normal(mean, self.sd**2 * (1 - a_t) / spread + between)

    def decoder(self, x_t: Tensor, a_before: Tensor, a_t: Tensor) -> Normal:
        """Return the best normal p(x_{t-1} | x_t): mean and variance of q(x_{t-1} | x_t)."""
        start = self.start(x_t, a_t)
        mean, variance = backward(start.mean, x_t, a_before, a_t)
        of_start = a_before.sqrt() * (1 - a_t / a_before) / (1 - a_t)
        return Normal(mean, variance + of_start**2 * start.variance)

    def _centres(self) -> Tensor:
        return torch.tensor(self.centres, dtype=torch.float64)

    def _log_weights(self, x: Tensor, a_t: Tensor) -> Tensor:
        """Return log of share times density of each hump, (..., humps)."""
        spread = a_t * self.sd**2 + 1 - a_t
        away = (x[..., None] - a_t.sqrt() * self._centres()) ** 2 / spread
        return -(away + spread.log() + _LOG_2PI) / 2 - math.log(len(self.centres))


def elbo_terms(data: Humps, signal: Tensor, x_0: Any) -> ChainTerms:
    """Return the terms of -ELBO(x_0) for the best normal decoders, by quadrature over x_t.

    Args:
        data: what the decoders are the best for.
        signal: a, (T + 1,).
        x_0: data, (N,).

    Returns:
        Terms for each datum: prior and reconstruction (N,), steps (T - 1, N).
    """
    _check_signal(signal)
    x_0 = torch.as_tensor(x_0, dtype=torch.float64)
    u, step = _grid()
    weights = torch.exp(-(u**2 + _LOG_2PI) / 2) * step
    steps = []
    for t in range(1, len(signal)):
        a_before, a_t = signal[t - 1], signal[t]
        mean, variance = forward(x_0[:, None], a_t)
        x_t = mean + variance.sqrt() * u
        p = data.decoder(x_t, a_before, a_t)
        if t == 1:
            cost = ((x_0[:, None] - p.mean) ** 2 / p.variance + p.variance.log() + _LOG_2PI) / 2
        else:
            q = backward(x_0[:, None], x_t, a_before, a_t)
            cost = _kl(q, p)
        steps.append(cost @ weights)
    end = forward(x_0, signal[-1])
    prior = _kl(end, Normal(torch.zeros_like(x_0), torch.ones_like(x_0)))
    return ChainTerms(prior, torch.stack(steps[1:]) if steps[1:] else x_0.new_zeros(0), steps[0])


def average_terms(data: Humps, signal: Tensor) -> ChainTerms:
    r"""Return the terms of -ELBO averaged over the data: each step is one integral over x_t.

    The variance of the best decoder is w_t plus what x_0 adds to it, so that the quadratic term of
    the KL averages to 1, and the step costs E[1/2 log(Var p(x_{t-1} | x_t) / w_t)].

    Args:
        data: the distribution of x_0.
        signal: a, (T + 1,).

    Returns:
        prior and reconstruction are numbers; steps is (T - 1,).
    """
    _check_signal(signal)
    x, step = _grid()
    costs = []
    for t in range(1, len(signal)):
        a_before, a_t = signal[t - 1], signal[t]
        variance = data.decoder(x, a_before, a_t).variance
        if t == 1:
            cost = (variance.log() + _LOG_2PI + 1) / 2
        else:
            cost = (variance / backward(x, x, a_before, a_t).variance).log() / 2
        costs.append((data.log_density(x, a_t).exp() * cost).sum() * step)
    centres = data._centres()
    power = (centres**2).mean() + data.sd**2
    left = signal[-1]
    prior = (left * power - left - (1 - left).log()) / 2
    steps = torch.stack(costs[1:]) if costs[1:] else torch.zeros(0, dtype=torch.float64)
    return ChainTerms(prior, steps, costs[0])


def _kl(q: Normal, p: Normal) -> Tensor:
    """Return KL(q || p) element by element."""
    shape = torch.broadcast_shapes(*(part.shape for part in (*q, *p)))
    numbers = (q.mean, q.variance.log(), p.mean, p.variance.log())
    flat = [n.expand(shape).reshape(-1, 1) for n in numbers]
    return kl_normal(*flat).reshape(shape)


def _grid() -> tuple[Tensor, float]:
    x = torch.linspace(-_REACH, _REACH, _NODES, dtype=torch.float64)
    return x, 2 * _REACH / (_NODES - 1)


def _check_signal(signal: Tensor) -> None:
    falling = signal.ndim == 1 and len(signal) > 1 and bool((signal.diff() < 0).all())
    if not falling or signal[0] != 1 or signal[-1] <= 0:
        raise ValueError(
            f"signal is {signal.tolist()}; expected (T + 1,) numbers that start at 1 and fall, all "
            "above 0, as `schedule` gives them"
        )
