r"""Diffusion in one dimension, where every distribution is known in closed form.

A datum x_0 is faded and covered with noise in T steps, x_t ~ N(sqrt(1 - v_t) x_{t-1}, v_t), and a
decoder goes back one step at a time. `signal` is a = (a_0, ..., a_T), the share of the datum's
variance that is left: a_0 = 1 and a_t = a_{t-1} (1 - v_t), falling. The data are an equal mixture
of normal distributions, and the decoder of a step is the best normal one: mean and variance of
q(x_{t-1} | x_t). Nats, float64. Source: Ho, Jain and Abbeel (2020), whose beta_t is v_t here.

Numbers may be in a tensor, an array, a list or by themselves, and are computed with in float64.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact
from aeteach._on_cpu import on_cpu
from aeteach.divergences import kl_normal

Numbers = Any  # a tensor, an array, a list, or one number

_LOG_2PI = math.log(2 * math.pi)
_FIRST, _LAST = 0.98, 0.0067  # a_1 and a_T of the schedule
_LARGEST = 1e70  # of any argument: its square is still a number
_FARTHEST = 5.0  # the largest |centre| of the data,
_SPREADS = (0.05, 5.0)  # and their standard deviations: the grid below resolves all of these
_STEP = 0.01  # of the grid of the integrals over x_t,
_REACH = 9.0  # which goes on for so many standard deviations
_LEAST = 1e-6  # variance that a step adds: of less, rounding leaves too few digits
_MOST_STEPS = 100_000  # of a schedule: its last steps then add little more than that


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


@on_cpu
def schedule(steps: int) -> Tensor:
    r"""Return the signal left, a, whose log(a / (1 - a)) falls by equal amounts.

    Args:
        steps: T, 1 to 100,000.

    Returns:
        (T + 1,): 1, then from 0.98 down to 0.0067 (for T = 1: 1 and 0.0067).

    Raises:
        TypeError, ValueError: no such number of steps.
    """
    steps = _validate.count(steps, "steps", most=_MOST_STEPS)
    ends = torch.tensor([_FIRST, _LAST], dtype=torch.float64).logit()
    share = torch.linspace(0, 1, steps, dtype=torch.float64) if steps > 1 else torch.ones(1)
    a = (ends[0] + share.double() * (ends[1] - ends[0])).sigmoid()
    return torch.cat([torch.ones(1, dtype=torch.float64), a])


def noise_added(signal: Numbers) -> Tensor:
    """Return v_t = 1 - a_t / a_{t-1} for t = 1, ..., T, the variance that each step adds: (T,).

    Args:
        signal: a, (T + 1,).

    Raises:
        TypeError, ValueError: no numbers that start at 1 and fall.
    """
    a = _signal(signal)
    return 1 - a[1:] / a[:-1]


def forward(x_0: Numbers, a_t: Numbers) -> Normal:
    r"""Return q(x_t | x_0) = N(sqrt(a_t) x_0, 1 - a_t): all steps up to t at once.

    Args:
        x_0: data, any shape.
        a_t: signal left after step t, in (0, 1], a shape that broadcasts with x_0.

    Raises:
        TypeError, ValueError: numbers out of range, or shapes that do not broadcast.
    """
    x_0, a_t = _validate.broadcast(x_0=_numbers("x_0", x_0), a_t=_left("a_t", a_t))
    return Normal(a_t.sqrt() * x_0, 1 - a_t)


def backward(x_0: Numbers, x_t: Numbers, a_before: Numbers, a_t: Numbers) -> Normal:
    r"""Return q(x_{t-1} | x_t, x_0): where the path was one step ago, if its start is known.

    With v = 1 - a_t / a_{t-1}, by Bayes' rule
        mean = [sqrt(a_{t-1}) v x_0 + sqrt(1 - v) (1 - a_{t-1}) x_t] / (1 - a_t),
        variance = v (1 - a_{t-1}) / (1 - a_t).

    Args:
        x_0: the start.
        x_t: where the path is after step t; broadcasts with x_0.
        a_before: a_{t-1}, the signal left one step before.
        a_t: the signal left now, below a_{t-1}.

    Raises:
        TypeError, ValueError: numbers out of range, or shapes that do not broadcast.
    """
    x_0, x_t, a_before, a_t = _together(a_before, a_t, x_0=x_0, x_t=x_t)
    v = 1 - a_t / a_before
    of_start = a_before.sqrt() * v / (1 - a_t)
    of_now = (1 - v).sqrt() * (1 - a_before) / (1 - a_t)
    return Normal(of_start * x_0 + of_now * x_t, v * (1 - a_before) / (1 - a_t))


@dataclass(frozen=True)
class Humps:
    """Data x_0: an equal mixture of normal distributions with one standard deviation.

    Args:
        centres: means of the humps, at least one, each from -5 to 5.
        sd: standard deviation of each, from 0.05 to 5.

    Raises:
        TypeError, ValueError: no hump, or a number beyond these, where the quadrature would lose
            digits.
    """

    centres: tuple[float, ...] = (-0.95, 0.95)
    sd: float = math.sqrt(1 - 0.95**2)  # so that the data have variance 1

    def __post_init__(self) -> None:
        low, high = _SPREADS
        sd = _validate.number(self.sd, "sd", least=low, most=high)
        given = _validate.several(self.centres, "centres", "finite numbers, such as (-1.0, 1.0)")
        centres = [
            _validate.number(c, "each of centres", least=-_FARTHEST, most=_FARTHEST) for c in given
        ]
        object.__setattr__(self, "centres", tuple(centres))
        object.__setattr__(self, "sd", sd)

    @on_cpu
    def sample(self, n: int, generator: torch.Generator | int | None = None) -> Tensor:
        """Return n draws of x_0.

        Args:
            n: how many, at least 1.
            generator: of the draws, or its seed; None takes torch's global one.

        Raises:
            TypeError, ValueError: no number of draws, or no generator.
        """
        n = _validate.count(n)
        noise = None if generator is None else _validate.generator(generator, "generator")
        which = torch.randint(len(self.centres), (n,), generator=noise)
        eps = torch.randn(n, dtype=torch.float64, generator=noise)
        return self._centres()[which] + self.sd * eps

    def log_density(self, x: Numbers, a_t: Numbers = 1.0) -> Tensor:
        """Return log q(x_t), the shape of x: the humps drawn together by sqrt(a_t), and blurred.

        Args:
            x: x_t, any shape.
            a_t: signal left, in (0, 1], a shape that broadcasts with x.

        Raises:
            TypeError, ValueError: numbers out of range, or shapes that do not broadcast.
        """
        x, a_t = _validate.broadcast(x=_numbers("x", x), a_t=_left("a_t", a_t))
        return self._log_weights(x, a_t).logsumexp(-1)

    @on_cpu
    def entropy(self) -> Tensor:
        """Return the entropy of the data, by quadrature over a grid."""
        x, step = self._grid()
        log_q = self.log_density(x)
        return -(log_q.exp() * log_q).sum() * step

    def start(self, x_t: Numbers, a_t: Numbers) -> Normal:
        """Return mean and variance of q(x_0 | x_t): what a perfect denoiser knows.

        Args:
            x_t: any shape.
            a_t: signal left, in (0, 1], a shape that broadcasts with x_t.

        Raises:
            TypeError, ValueError: numbers out of range, or shapes that do not broadcast.
        """
        x_t, a_t = _validate.broadcast(x_t=_numbers("x_t", x_t), a_t=_left("a_t", a_t))
        shares = self._log_weights(x_t, a_t).softmax(-1)
        a_t = a_t[..., None]
        spread = a_t * self.sd**2 + 1 - a_t
        ours = a_t.sqrt() * self.sd**2 * x_t[..., None]
        means = (ours + (1 - a_t) * self._centres(x_t.device)) / spread
        mean = (shares * means).sum(-1)
        between = (shares * (means - mean[..., None]) ** 2).sum(-1)
        within = self.sd**2 * (1 - a_t) / spread
        return Normal(mean, within.squeeze(-1) + between)

    def decoder(self, x_t: Numbers, a_before: Numbers, a_t: Numbers) -> Normal:
        """Return the best normal p(x_{t-1} | x_t): mean and variance of q(x_{t-1} | x_t).

        Args:
            x_t: any shape.
            a_before: a_{t-1}, the signal left one step before.
            a_t: the signal left now, below a_{t-1}.

        Raises:
            TypeError, ValueError: numbers out of range, or shapes that do not broadcast.
        """
        x_t, a_before, a_t = _together(a_before, a_t, x_t=x_t)
        start = self.start(x_t, a_t)
        mean, variance = backward(start.mean, x_t, a_before, a_t)
        of_start = a_before.sqrt() * (1 - a_t / a_before) / (1 - a_t)
        return Normal(mean, variance + of_start**2 * start.variance)

    def _centres(self, device: torch.device | None = None) -> Tensor:
        return torch.tensor(self.centres, dtype=torch.float64, device=device)

    def _log_weights(self, x: Tensor, a_t: Tensor) -> Tensor:
        """Return log of share times density of each hump, (..., humps)."""
        a_t = a_t[..., None]
        spread = a_t * self.sd**2 + 1 - a_t
        away = (x[..., None] - a_t.sqrt() * self._centres(x.device)) ** 2 / spread
        return -(away + spread.log() + _LOG_2PI) / 2 - math.log(len(self.centres))

    def _grid(self, device: torch.device | None = None) -> tuple[Tensor, float]:
        """Return nodes wherever some x_t has a density, and the distance between two."""
        return _nodes(max(map(abs, self.centres)) + _REACH * max(1.0, self.sd), device)


def elbo_terms(data: Humps, signal: Numbers, x_0: Numbers) -> ChainTerms:
    """Return the terms of -ELBO(x_0) for the best normal decoders, by quadrature over x_t.

    Args:
        data: what the decoders are the best for.
        signal: a, (T + 1,).
        x_0: data, (N,).

    Returns:
        Terms for each datum: prior and reconstruction (N,), steps (T - 1, N).

    Raises:
        TypeError, ValueError: numbers out of range, or another shape.
    """
    _validate.record(data, "data", Humps, "such as Humps()")
    a, x_0 = _signal(signal), _numbers("x_0", x_0)
    if x_0.ndim != 1:
        raise ValueError(f"x_0 has shape {tuple(x_0.shape)}; expected (N,), one number a datum")
    a = a.to(x_0.device)
    u, step = _nodes(_REACH, x_0.device)
    _validate.room(len(x_0) * len(u) * len(data.centres), f"x_0 of {len(x_0)} data")
    weights = torch.exp(-(u**2 + _LOG_2PI) / 2) * step
    steps: list[Tensor] = []
    for a_before, a_t in pairwise(a):
        mean, variance = forward(x_0[:, None], a_t)
        x_t = mean + variance.sqrt() * u
        p = data.decoder(x_t, a_before, a_t)
        if not steps:
            cost = ((x_0[:, None] - p.mean) ** 2 / p.variance + p.variance.log() + _LOG_2PI) / 2
        else:
            q = backward(x_0[:, None], x_t, a_before, a_t)
            cost = _kl(q, p)
        steps.append(cost @ weights)
    end = forward(x_0, a[-1])
    prior = _kl(end, Normal(torch.zeros_like(x_0), torch.ones_like(x_0)))
    return ChainTerms(prior, torch.stack(steps[1:]) if steps[1:] else x_0.new_zeros(0), steps[0])


def average_terms(data: Humps, signal: Numbers) -> ChainTerms:
    r"""Return the terms of -ELBO averaged over the data: each step is one integral over x_t.

    The variance of the best decoder is w_t plus what x_0 adds to it, so that the quadratic term of
    the KL averages to 1, and the step costs E[1/2 log(Var p(x_{t-1} | x_t) / w_t)].

    Args:
        data: the distribution of x_0.
        signal: a, (T + 1,).

    Returns:
        prior and reconstruction are numbers; steps is (T - 1,).

    Raises:
        TypeError, ValueError: numbers out of range, or another shape.
    """
    _validate.record(data, "data", Humps, "such as Humps()")
    a = _signal(signal)
    x, step = data._grid(a.device)
    costs: list[Tensor] = []
    for a_before, a_t in pairwise(a):
        variance = data.decoder(x, a_before, a_t).variance
        if not costs:
            cost = (variance.log() + _LOG_2PI + 1) / 2
        else:
            cost = (variance / backward(x, x, a_before, a_t).variance).log() / 2
        costs.append((data.log_density(x, a_t).exp() * cost).sum() * step)
    centres = data._centres(a.device)
    power = (centres**2).mean() + data.sd**2
    left = a[-1]
    prior = (left * power - left - (1 - left).log()) / 2
    steps = torch.stack(costs[1:]) if costs[1:] else a.new_zeros(0)
    return ChainTerms(prior, steps, costs[0])


def _kl(q: Normal, p: Normal) -> Tensor:
    """Return KL(q || p) element by element."""
    shape = torch.broadcast_shapes(*(part.shape for part in (*q, *p)))
    numbers = (q.mean, q.variance.log(), p.mean, p.variance.log())
    flat = [n.expand(shape).reshape(-1, 1) for n in numbers]
    return kl_normal(*flat).reshape(shape)


def _nodes(reach: float, device: torch.device | None = None) -> tuple[Tensor, float]:
    """Return numbers from -reach to reach, and the distance between two, at most a hundredth."""
    n = math.ceil(2 * reach / _STEP) + 1
    x = torch.linspace(-reach, reach, n, dtype=torch.float64, device=device)
    return x, 2 * reach / (len(x) - 1)


def _numbers(name: str, value: Any) -> Tensor:
    """Return finite float64 numbers whose squares are finite too."""
    numbers = exact(_validate.numbers(value, name))
    reach = float(numbers.detach().abs().max())
    if reach > _LARGEST:
        raise ValueError(f"{name} reaches {reach:g}; expected at most {_LARGEST:g}")
    return numbers


def _left(name: str, value: Any) -> Tensor:
    """Return shares of the signal that are left, in (0, 1]."""
    a = exact(_validate.numbers(value, name, "shares above 0, at most 1"))
    low, high = (float(end) for end in a.detach().aminmax())
    if low <= 0 or high > 1:
        raise ValueError(
            f"{name} runs from {low:g} to {high:g}; expected the signal left, above 0 and at most 1"
        )
    return a


def _together(a_before: Numbers, a_t: Numbers, **places: Any) -> list[Tensor]:
    """Return places and what is left before and after a step, each of the one shape."""
    numbers = {name: _numbers(name, value) for name, value in places.items()}
    left = {"a_before": _left("a_before", a_before), "a_t": _left("a_t", a_t)}
    together = _validate.broadcast(**numbers, **left)
    _check_added(together[-2], together[-1], "a_t must be below a_before")
    return together


def _signal(signal: Numbers) -> Tensor:
    """Return a, (T + 1,), float64."""
    want = "(T + 1,) numbers that start at 1 and fall, all above 0, as `schedule` gives them"
    a = exact(_validate.numbers(signal, "signal", want))
    if a.ndim != 1 or len(a) < 2 or a[0] != 1 or bool((a <= 0).any()):
        raise ValueError(f"signal is {a.tolist()!s:.60}; expected {want}")
    _check_added(a[:-1], a[1:], "signal must start at 1 and fall")
    return a


def _check_added(before: Tensor, now: Tensor, must: str) -> None:
    least = float((1 - now / before).detach().min())
    if least < _LEAST:
        raise ValueError(
            f"{must}, by a share of at least {_LEAST:g} in each step; the smallest is {least:g}"
        )
