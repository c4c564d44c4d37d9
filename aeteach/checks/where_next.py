r"""Checkers for the exercises of *Where to go from here*."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["noised", "straight_through", "way_back"]

Array = NDArray[Any]


def noised(answer: Any) -> Verdict:
    """Check a function (x_0 (N,), v (T,), t from 1 to T, eps (N,)) -> x_t, (N,)."""
    return _NOISED.check(answer)


def way_back(answer: Any) -> Verdict:
    """Check a function (x_0, x_t, a_before, a_t) -> mean and variance of q(x_{t-1}|x_t, x_0)."""
    return _BACK.check(_plain(answer) if callable(answer) else answer)


def straight_through(answer: Any) -> Verdict:
    """Check a function of tensors (z (N, d), e (N, d)) -> z_q, by its value and its gradients."""
    return _STRAIGHT.check(_with_gradients(answer) if callable(answer) else answer)


def _close(got: Any, want: Any) -> bool:
    return agree(got, want, 1e-4)  # float32 will do


# ---------------------------------------------------------------- many steps at once


def _mixed(x_0: Array, a: float, eps: Array) -> Array:
    with np.errstate(invalid="ignore"):  # a wrong a may lie outside [0, 1]
        return np.sqrt(a) * x_0 + np.sqrt(1 - a) * eps


def _left(v: Array, t: int) -> float:
    return float(np.prod(1 - v[:t]))


def _noise(seed: int, n: int, T: int, t: int) -> tuple[Array, Array, int, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.5, 1, n), rng.uniform(0.02, 0.18, T), t, rng.normal(size=n)


_NOISED = Exercise(
    name="All steps at once",
    right=lambda x_0, v, t, eps: _mixed(x_0, _left(v, t), eps),
    inputs=[_noise(0, 4, 5, 3), _noise(1, 3, 6, 5), _noise(2, 5, 4, 2)],
    mistakes=[
        Mistake(
            "This is one step, with the v of step t alone. The signal has been through t steps, "
            "and each leaves a share of it.",
            lambda x_0, v, t, eps: _mixed(x_0, 1 - v[t - 1], eps),
        ),
        Mistake(
            "The square roots are missing: a_t and 1 - a_t are shares of the variance, and x is "
            "multiplied by a standard deviation.",
            lambda x_0, v, t, eps: _left(v, t) * x_0 + (1 - _left(v, t)) * eps,
        ),
        Mistake(
            "The root before eps is missing. 1 - a_t is the variance of the noise.",
            lambda x_0, v, t, eps: _left(v, t) ** 0.5 * x_0 + (1 - _left(v, t)) * eps,
        ),
        Mistake(
            "One step too many: the product runs over v_1 to v_t, the first t entries of v.",
            lambda x_0, v, t, eps: _mixed(x_0, _left(v, t + 1), eps),
        ),
        Mistake(
            "One step too few: the product runs over v_1 to v_t, the first t entries of v.",
            lambda x_0, v, t, eps: _mixed(x_0, _left(v, t - 1), eps),
        ),
        Mistake(
            "You added the v up. Each step takes a share of what is left, so the shares multiply.",
            lambda x_0, v, t, eps: _mixed(x_0, 1 - v[:t].sum(), eps),
        ),
        Mistake(
            "You multiplied the v. What is left after a step is 1 - v, and these multiply.",
            lambda x_0, v, t, eps: _mixed(x_0, np.prod(v[:t]), eps),
        ),
        Mistake(
            "Signal and noise are exchanged: after few steps most of x_t should still be x_0.",
            lambda x_0, v, t, eps: _mixed(x_0, 1 - _left(v, t), eps),
        ),
        Mistake(
            "The same noise eps in every step. Fresh noise partly cancels: variances add up, not "
            "standard deviations.",
            lambda x_0, v, t, eps: _same_noise(x_0, v[:t], eps),
        ),
    ],
    praise="No loop is needed: this is what makes training at a random t cheap.",
    same=_close,
)


def _same_noise(x_0: Array, v: Array, eps: Array) -> Array:
    x = x_0
    for variance in v:
        x = np.sqrt(1 - variance) * x + np.sqrt(variance) * eps
    return x


# ---------------------------------------------------------------- one step back

Pair = tuple[Any, Any]


def _plain(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with a named pair made a plain one."""

    def called(*arguments: Any) -> Any:
        result = answer(*arguments)
        return tuple(result) if isinstance(result, tuple) else result

    return called


def _shares(a_before: float, a_t: float) -> tuple[float, float, float]:
    """Return the weight of x_0, that of x_t, and the variance."""
    v = 1 - a_t / a_before
    of_start = np.sqrt(a_before) * v / (1 - a_t)
    of_now = np.sqrt(1 - v) * (1 - a_before) / (1 - a_t)
    return of_start, of_now, v * (1 - a_before) / (1 - a_t)


def _back(x_0: Array, x_t: Array, a_before: float, a_t: float) -> Pair:
    of_start, of_now, variance = _shares(a_before, a_t)
    return of_start * x_0 + of_now * x_t, variance


def _without_roots(x_0: Array, x_t: Array, a_before: float, a_t: float) -> Pair:
    v = 1 - a_t / a_before
    mean = (a_before * v * x_0 + (1 - v) * (1 - a_before) * x_t) / (1 - a_t)
    return mean, _back(x_0, x_t, a_before, a_t)[1]


_BACK = Exercise(
    name="One step back",
    right=_back,
    inputs=[
        (np.array([0.8, -1.2]), np.array([-0.3, 0.4]), 0.7, 0.5),
        (np.array([1.0, 0.2, -0.4]), np.array([0.1, 2.0, 1.5]), 0.3, 0.06),
    ],
    mistakes=[
        Mistake(
            "The mean is right. The variance is that of a step forward, v; knowing where the path "
            "ended up and where it started leaves less doubt.",
            lambda x_0, x_t, b, a: (_back(x_0, x_t, b, a)[0], 1 - a / b),
        ),
        Mistake(
            "The mean is right. The variance is that of q(x_{t-1}|x_0): you forgot that x_t is "
            "known as well.",
            lambda x_0, x_t, b, a: (_back(x_0, x_t, b, a)[0], 1 - b),
        ),
        Mistake(
            "The mean is right. This is 1 over the variance: precisions add up, and the variance "
            "is 1 over their sum.",
            lambda x_0, x_t, b, a: (_back(x_0, x_t, b, a)[0], 1 / _shares(b, a)[2]),
        ),
        Mistake(
            "The mean is right. This is the standard deviation; the variance was asked for.",
            lambda x_0, x_t, b, a: (_back(x_0, x_t, b, a)[0], _shares(b, a)[2] ** 0.5),
        ),
        Mistake(
            "x_0 and x_t are exchanged.",
            lambda x_0, x_t, b, a: (
                _shares(b, a)[0] * x_t + _shares(b, a)[1] * x_0,
                _shares(b, a)[2],
            ),
        ),
        Mistake(
            "The square roots are missing from the mean: x_0 is faded by the root of a_{t-1}, and "
            "a step by the root of 1 - v.",
            _without_roots,
        ),
        Mistake(
            "You ran the step backwards without the noise, x_t / sqrt(1 - v). Bayes' rule also "
            "asks which x_{t-1} are likely to begin with, and x_0 tells that.",
            lambda x_0, x_t, b, a: (x_t / np.sqrt(a / b), _shares(b, a)[2]),
        ),
        Mistake(
            "This is q(x_{t-1}|x_0). It does not use x_t at all.",
            lambda x_0, x_t, b, a: (np.sqrt(b) * x_0, 1 - b),
        ),
    ],
    praise="Two normal densities multiplied: precisions add up, and the mean is their balance.",
    same=lambda got, want: (
        isinstance(got, tuple | list)
        and len(got) == 2
        and _close(got[0], want[0])
        and _close(float(np.mean(got[1])), want[1])
        and bool(np.ptp(np.asarray(got[1], dtype=float)) < 1e-6)
    ),
)


# ---------------------------------------------------------------- past the quantiser

Trick = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _with_gradients(answer: Trick) -> Callable[..., Any]:
    """Return the function (z, e, g) -> value, and the gradients of sum(g * z_q) in z and in e."""

    def measured(z: Any, e: Any, g: Any) -> Any:
        leaves = [torch.as_tensor(a).detach().clone().requires_grad_() for a in (z, e)]
        z_q = answer(*leaves)
        if not isinstance(z_q, torch.Tensor):
            raise ValueError(f"z_q is a {type(z_q).__name__}; work on the tensors, without NumPy")
        grads: Any = (None, None)
        if z_q.requires_grad:
            total = (torch.as_tensor(g) * z_q).sum()
            grads = torch.autograd.grad(total, leaves, allow_unused=True)
        found = [torch.zeros_like(leaves[0]) if grad is None else grad for grad in grads]
        return tuple(a.detach().numpy() for a in (z_q, *found))

    return measured


def _vectors(seed: int, n: int, d: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.normal(size=(n, d))


_STRAIGHT = Exercise(
    name="Straight through",
    right=lambda z, e, g: (e, g, 0 * g),
    inputs=[_vectors(0, 3, 2), _vectors(1, 4, 5)],
    mistakes=[
        Mistake(
            "The value is right, and the encoder gets no gradient: z is nowhere in it. This is "
            "what the arg min does by itself.",
            lambda z, e, g: (e, 0 * g, g),
        ),
        Mistake(
            "The value is right, and nobody gets a gradient: all of it is detached.",
            lambda z, e, g: (e, 0 * g, 0 * g),
        ),
        Mistake(
            "The value is right, but the gradient reaches e as well. Detach the whole difference, "
            "not one part of it.",
            lambda z, e, g: (e, g, g),
        ),
        Mistake(
            "Upside down: the decoder gets z, not its code e, and e gets z's gradient. Nothing is "
            "quantised.",
            lambda z, e, g: (z, 0 * g, g),
        ),
        Mistake(
            "The decoder gets z itself: nothing is quantised, and any number of bits would pass.",
            lambda z, e, g: (z, g, 0 * g),
        ),
        Mistake(
            "The gradient has the wrong sign: your z_q falls where z rises.",
            lambda z, e, g: (e, -g, 0 * g),
        ),
        Mistake(
            "Both are added: the value is z + e. The difference e - z was to be added to z.",
            lambda z, e, g: (z + e, g, 0 * g),
        ),
    ],
    praise="Forward the code, backward the identity: a gradient that is wrong, and useful.",
    same=lambda got, want: agree(got, want, 1e-5),
)
