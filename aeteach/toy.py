r"""A latent-variable model so small that everything about it can be computed.

One latent number and one observed number: z ~ N(0, 1) and x | z ~ N(g(z), c), with the decoder
g(z) = z + b z^2. The bend b makes the posterior p(z|x) no normal distribution, so that a normal
q(z) can approach it and not reach it; b = 0 is a straight decoder, whose evidence and posterior
are normal and known. Log-densities are in nats, numbers in float64. Arguments broadcast, so that
a grid of q needs no loop. Nothing here needs a random number but `sample`.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact
from aeteach._on_cpu import on_cpu
from aeteach.divergences import kl_to_standard_normal

LOG_2PI = math.log(2 * math.pi)
_LARGEST = 1e70  # of any argument: its fourth power is still a number
_FARTHEST = 12.0  # the largest |x|; |z| = 4 of the prior is at x = 12
_WIDEST = 160.0  # of log_var: the fourth power of exp(log_var) is still a number
_NODES = 4001  # of the grid over z: nearly two in a standard deviation of any posterior
_ROWS = 128  # values of x integrated at once, 4 MB each time


class ElboTerms(NamedTuple):
    """The two terms of the ELBO, as costs in nats.

    Attributes:
        reconstruction: R = -E_q[log p(x|z)].
        kl: K = KL(q || N(0, 1)).
    """

    reconstruction: Tensor
    kl: Tensor

    @property
    def elbo(self) -> Tensor:
        """The evidence lower bound, -(R + K)."""
        return -(self.reconstruction + self.kl)


class Normal(NamedTuple):
    """A normal distribution q(z), as an encoder gives it: mean and logarithm of the variance."""

    mu: Tensor
    log_var: Tensor


@dataclass(frozen=True)
class Toy:
    r"""z ~ N(0, 1), x | z ~ N(z + b z^2, c).

    Args:
        variance: c, of x given z, from 0.05 to 10.
        bend: b, of the decoder, from -1 to 1.

    Raises:
        ValueError: a number outside these ranges, where the quadrature would lose digits.
    """

    variance: float = 0.25
    bend: float = 0.5

    def __post_init__(self) -> None:
        variance = _validate.number(self.variance, "variance", least=0.05, most=10)
        bend = _validate.number(self.bend, "bend", least=-1, most=1)
        object.__setattr__(self, "variance", variance)
        object.__setattr__(self, "bend", bend)

    def decode(self, z: Any) -> Tensor:
        """Return the mean of x given z, g(z) = z + b z^2."""
        z = _numbers("z", z)
        return z + self.bend * z**2

    def log_prior(self, z: Any) -> Tensor:
        """Return log p(z) = log N(z; 0, 1)."""
        z = _numbers("z", z)
        return -(z**2 + LOG_2PI) / 2

    def log_likelihood(self, x: Any, z: Any) -> Tensor:
        """Return log p(x|z) = log N(x; g(z), c)."""
        x, z = _broadcast(x=x, z=z)
        error = x - self.decode(z)
        return -(error**2 / self.variance + math.log(self.variance) + LOG_2PI) / 2

    def log_joint(self, x: Any, z: Any) -> Tensor:
        """Return log p(x, z) = log p(z) + log p(x|z)."""
        return self.log_prior(z) + self.log_likelihood(x, z)

    def log_evidence(self, x: Any) -> Tensor:
        r"""Return log p(x) = log \int p(z) p(x|z) dz, by the trapezium rule over a grid of z.

        For a smooth integrand that vanishes at both ends, that rule is exact to rounding as soon
        as a few nodes fall within its width.

        Args:
            x: any shape, from -12 to 12.

        Returns:
            Shape of x; relative error of p(x) below 1e-12.

        Raises:
            ValueError: x beyond 12 either way, or not finite.
        """
        x = _observed(x)
        rows = [self._integrate(part) for part in x.reshape(-1, 1).split(_ROWS)]
        return torch.cat(rows).reshape(x.shape)

    def log_posterior(self, x: Any, z: Any) -> Tensor:
        """Return log p(z|x) = log p(x, z) - log p(x)."""
        x, z = _broadcast(x=x, z=z)
        return self.log_joint(x, z) - self.log_evidence(x)

    def elbo_terms(self, x: Any, mu: Any, log_var: Any) -> ElboTerms:
        r"""Return R and K of q = N(mu, sigma^2), in closed form, differentiable.

        With z = mu + sigma t the error is x - g(z) = A - B t - C t^2, where A = x - g(mu),
        B = sigma (1 + 2 b mu) and C = b sigma^2, so E[(x - g(z))^2] = A^2 - 2 A C + B^2 + 3 C^2.

        Args:
            x: observed, any shape.
            mu: mean of q.
            log_var: logarithm of its variance.

        Returns:
            ElboTerms, each of the shape the three broadcast to; ELBO = -(R + K).

        Raises:
            ValueError: a number that is not finite.
        """
        x, mu, log_var = _together(x, mu, log_var)
        sigma = torch.exp(log_var / 2)
        A = x - self.decode(mu)
        B = sigma * (1 + 2 * self.bend * mu)
        C = self.bend * sigma**2
        squared = A**2 - 2 * A * C + B**2 + 3 * C**2  # E[(x - g(z))^2]
        reconstruction = (squared / self.variance + math.log(self.variance) + LOG_2PI) / 2
        return ElboTerms(reconstruction, kl_to_standard_normal(mu, log_var, per_dimension=True))

    def gap(self, x: Any, mu: Any, log_var: Any) -> Tensor:
        r"""Return KL(q || p(z|x)) = \int q(z) [log q(z) - log p(z|x)] dz, by quadrature.

        It knows nothing of `elbo_terms`, so that log p(x) = ELBO + gap can be checked.

        Args:
            x: observed, any shape, from -12 to 12.
            mu: mean of q.
            log_var: logarithm of its variance.

        Returns:
            The gap in nats, of the shape the three broadcast to.

        Raises:
            ValueError: as for `log_evidence`.
        """
        evidence = self.log_evidence(x)
        x, mu, log_var = (a[..., None] for a in _together(x, mu, log_var))
        t = torch.linspace(-9, 9, 361, dtype=torch.float64, device=x.device)
        weight = torch.exp(self.log_prior(t)) * (t[1] - t[0])  # N(t; 0, 1) dt
        log_q = self.log_prior(t) - log_var / 2
        log_p = self.log_joint(x, mu + torch.exp(log_var / 2) * t)  # (..., 361)
        return (weight * (log_q - log_p)).sum(-1) + evidence

    def best_q(self, x: Any) -> Normal:
        r"""Return the normal q with the highest ELBO for each x.

        For a given mu, the slope of the ELBO in sigma^2 is 0 where
        6 b^2 sigma^4 + (slope^2 - 2 b A + c) sigma^2 - c = 0, with slope = 1 + 2 b mu and A as in
        `elbo_terms`: that leaves a search over mu alone, by a grid and then by bisection.

        Args:
            x: observed, any shape, from -12 to 12.

        Returns:
            Normal: mu and log_var, each of the shape of x.

        Raises:
            ValueError: as for `log_evidence`.
        """
        x = _observed(x)
        flat = x.reshape(-1, 1)
        share = torch.linspace(-1, 1, 1001, dtype=torch.float64, device=x.device)
        mu = share * (2 * flat.abs() + 3)  # (n, 1001)
        best = self.elbo_terms(flat, mu, self._best_log_var(flat, mu)).elbo.argmax(1, keepdim=True)
        low, high = mu.gather(1, best - 1), mu.gather(1, best + 1)
        for _ in range(60):
            middle = (low + high) / 2
            uphill = self._slope(flat, middle) > 0
            low, high = torch.where(uphill, middle, low), torch.where(uphill, high, middle)
        mu = (low + high) / 2
        log_var = self._best_log_var(flat, mu)
        return Normal(mu.reshape(x.shape), log_var.reshape(x.shape))

    @on_cpu
    def sample(self, n: int, seed: int | torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw n pairs: z from the prior, then x given z.

        Args:
            n: how many, at least 1.
            seed: or a generator.

        Returns:
            z and x, each (n,), float64.
        """
        n, generator = _validate.count(n), _validate.generator(seed)
        z, eps = torch.randn(2, n, generator=generator, dtype=torch.float64)
        return z, self.decode(z) + math.sqrt(self.variance) * eps

    def _integrate(self, x: Tensor) -> Tensor:
        """Return log p(x), (n, 1), from x, (n, 1)."""
        reach = 2 * x.abs() + 9  # no posterior lies beyond
        share = torch.linspace(-1, 1, _NODES, dtype=torch.float64, device=x.device)
        z = share * reach  # (n, nodes)
        step = z[:, 1:2] - z[:, :1]
        return torch.logsumexp(self.log_joint(x, z), 1, keepdim=True) + torch.log(step)

    def _best_log_var(self, x: Tensor, mu: Tensor) -> Tensor:
        """Return log sigma^2 of the best q with this mean: the positive root, not cancelling."""
        c, b = self.variance, self.bend
        middle = (1 + 2 * b * mu) ** 2 - 2 * b * (x - self.decode(mu)) + c
        root = torch.sqrt(middle**2 + 24 * b**2 * c)
        plus = 2 * c / (middle + root)
        if b == 0:
            return torch.log(plus)
        return torch.log(torch.where(middle > 0, plus, (root - middle) / (12 * b**2)))

    def _slope(self, x: Tensor, mu: Tensor) -> Tensor:
        """Return the derivative in mu of the ELBO, at the best sigma for this mu."""
        b, var = self.bend, torch.exp(self._best_log_var(x, mu))
        slope = 1 + 2 * b * mu
        return slope * (x - self.decode(mu) - 3 * b * var) / self.variance - mu


def _numbers(name: str, value: Any) -> Tensor:
    """Return finite float64 numbers, no farther from 0 than their fourth power allows."""
    numbers = exact(_validate.numbers(value, name, "finite numbers"))
    reach = float(numbers.detach().abs().max())
    if reach > _LARGEST:
        raise ValueError(f"{name} reaches {reach:g}; expected at most {_LARGEST:g}")
    return numbers


def _observed(x: Any) -> Tensor:
    x = _numbers("x", x)
    reach = float(x.detach().abs().max())
    if reach > _FARTHEST:
        raise ValueError(
            f"|x| reaches {reach:g}; expected at most {_FARTHEST:g}: beyond, the grid over z is "
            "too coarse to be trusted"
        )
    return x


def _together(x: Any, mu: Any, log_var: Any) -> list[Tensor]:
    """Return x, mu and log_var, broadcast to one shape."""
    numbers = _broadcast(x=x, mu=mu, log_var=log_var)
    highest = float(numbers[2].detach().max())
    if highest > _WIDEST:
        raise ValueError(f"log_var reaches {highest:g}; expected at most {_WIDEST:g}")
    return numbers


def _broadcast(**given: Any) -> list[Tensor]:
    """Return numbers broadcast to one shape."""
    return _validate.broadcast(**{name: _numbers(name, value) for name, value in given.items()})
