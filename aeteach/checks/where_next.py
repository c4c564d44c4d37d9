"""The exercises of *Where to go from here*."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._agree import agree
from aeteach.checks._exercise import Check, Exercise, Mistake, Verdict

Array = NDArray[Any]


# ---------------------------------------------------------------- many steps at once


def _mixed(x_0: Array, a: float, eps: Array) -> Array:
    with np.errstate(invalid="ignore"):  # a wrong a may lie outside [0, 1]
        return np.sqrt(a) * x_0 + np.sqrt(1 - a) * eps


def _left(v: Array, t: int) -> float:
    return float(np.prod(1 - v[:t]))


def _noise(rng: np.random.Generator) -> Iterator[tuple[Array, Array, int, Array]]:
    for n, steps, t in (
        (4, 5, 3),
        (3, 6, 5),
        (5, 4, 2),
        (2, 7, 1),
        (6, 3, 3),
        (1, 9, 6),
        (4, 4, 4),
    ):
        yield rng.normal(0.5, 1, n), rng.uniform(0.02, 0.18, steps), t, rng.normal(size=n)
    yield rng.normal(size=3), np.array([0.5, 0.0, 0.9, 0.2]), 3, rng.normal(size=3)


def _noised(x_0: Array, v: Array, t: int, eps: Array) -> Array:
    left = np.prod(1 - v[:t])
    return np.sqrt(left) * x_0 + np.sqrt(1 - left) * eps


noised = Exercise(
    "All steps at once",
    _noised,
    inputs=_noise,
    about="x_0 (N,), v (T,), t from 1 to T, eps (N,) -> x_t, (N,).",
    praise="No loop is needed: this is what makes training at a random t cheap.",
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
            "One step too many: the product runs over v_1 to v_t.",
            lambda x_0, v, t, eps: _mixed(x_0, _left(v, t + 1), eps),
        ),
        Mistake(
            "One step too few: the product runs over v_1 to v_t.",
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
)


def _same_noise(x_0: Array, v: Array, eps: Array) -> Array:
    x = x_0
    for variance in v:
        x = np.sqrt(1 - variance) * x + np.sqrt(variance) * eps
    return x


# ---------------------------------------------------------------- one step back

Pair = tuple[Any, Any]


def _steps(rng: np.random.Generator) -> Iterator[tuple[Array, Array, float, float]]:
    yield np.array([0.8, -1.2]), np.array([-0.3, 0.4]), 0.7, 0.5
    yield np.array([1.0, 0.2, -0.4]), np.array([0.1, 2.0, 1.5]), 0.3, 0.06
    for n in (4, 1, 2, 5, 3):
        before = float(rng.uniform(0.05, 0.99))
        yield rng.normal(size=n), rng.normal(size=n), before, before * float(rng.uniform(0.1, 0.97))


def _shares(a_before: float, a_t: float) -> tuple[float, float, float]:
    """Return the weight of x_0, that of x_t, and the variance."""
    v = 1 - a_t / a_before
    of_start = np.sqrt(a_before) * v / (1 - a_t)
    of_now = np.sqrt(1 - v) * (1 - a_before) / (1 - a_t)
    return of_start, of_now, v * (1 - a_before) / (1 - a_t)


def _back(x_0: Array, x_t: Array, a_before: float, a_t: float) -> Pair:
    v = 1 - a_t / a_before
    of_start = np.sqrt(a_before) * v / (1 - a_t)
    of_now = np.sqrt(1 - v) * (1 - a_before) / (1 - a_t)
    return of_start * x_0 + of_now * x_t, v * (1 - a_before) / (1 - a_t)


def _without_roots(x_0: Array, x_t: Array, a_before: float, a_t: float) -> Pair:
    v = 1 - a_t / a_before
    mean = (a_before * v * x_0 + (1 - v) * (1 - a_before) * x_t) / (1 - a_t)
    return mean, _back(x_0, x_t, a_before, a_t)[1]


def _one_variance(got: Any, want: Any) -> bool:
    """Take one variance, or the same one for each number."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        return agree(got, want)
    try:
        spread = np.ptp(np.asarray(got[1], dtype=float))
        variance = np.mean(np.asarray(got[1], dtype=float))
    except (TypeError, ValueError):
        return False
    single = np.asarray(got[0]).dtype.type(variance)
    return bool(spread <= 1e-5 * abs(variance)) and agree((got[0], single), want)


way_back = Exercise(
    "One step back",
    _back,
    inputs=_steps,
    about="x_0 (N,), x_t (N,), a_before, a_t -> (mean (N,), variance) of q(x_{t-1}|x_t, x_0).",
    praise="Two normal densities multiplied: precisions add up, and the mean is their balance.",
    same=_one_variance,
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
            "You ran the step backwards without the noise: x_t, only made larger again. Bayes' "
            "rule also asks which x_{t-1} are likely to begin with, and x_0 tells that.",
            lambda x_0, x_t, b, a: (x_t / np.sqrt(a / b), _shares(b, a)[2]),
        ),
        Mistake(
            "This is q(x_{t-1}|x_0). It does not use x_t at all.",
            lambda x_0, x_t, b, a: (np.sqrt(b) * x_0, 1 - b),
        ),
    ],
)


# ---------------------------------------------------------------- past the quantiser

Trick = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class _Measured:
    """The function (z, e, g) -> z_q, and the gradients of sum(g * z_q) in z and in e."""

    def __init__(self, answer: Trick):
        self.answer = answer

    def __call__(self, z: Any, e: Any, g: Any) -> Any:
        leaves = [torch.as_tensor(a).detach().clone().requires_grad_() for a in (z, e)]
        z_q = self.answer(*leaves)
        if z_q is None:
            return None
        if not isinstance(z_q, torch.Tensor):
            raise ValueError(f"z_q is a {type(z_q).__name__}; work on the tensors, without NumPy")
        for name, leaf, before in zip("ze", leaves, (z, e), strict=True):
            if not torch.equal(leaf.detach(), torch.as_tensor(before).detach()):
                raise ValueError(f"{name} holds other numbers afterwards; leave it as it is")
        grads: Any = (None, None)
        if z_q.requires_grad:
            total = (torch.as_tensor(g) * z_q).sum()
            grads = torch.autograd.grad(total, leaves, allow_unused=True)
        found = [torch.zeros_like(leaves[0]) if grad is None else grad for grad in grads]
        return tuple(a.detach() for a in (z_q, *found))


class _StraightThrough(Check):
    """An answer is asked for a value and for its gradients."""

    def __init__(self, exercise: Exercise, about: str):
        super().__init__(exercise.name, about)
        self._exercise = exercise

    def __call__(self, answer: Any) -> Verdict:
        """Check a function of tensors."""
        return self._exercise(_Measured(answer) if callable(answer) else answer)


def _vectors(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    for n, d in ((3, 2), (4, 5), (1, 1), (2, 6)):
        z, e, g = rng.normal(size=(3, n, d))
        yield z, e, g


def _identity(z: Array, e: Array, g: Array) -> tuple[Array, Array, Array]:
    return e, g, 0 * g


_VALUE_AND_GRADIENTS = Exercise(
    "Straight through",
    _identity,
    inputs=_vectors,
    about="z, e, g (N, d) -> z_q, and its gradients in z and e along g.",
    praise="Forward the code, backward the identity: a gradient that is wrong, and useful.",
    mistakes=[
        Mistake(
            "The value is right, and the encoder gets no gradient: to autograd, nothing in it "
            "depends on z. This is what the arg min does by itself.",
            lambda z, e, g: (e, 0 * g, g),
        ),
        Mistake(
            "The value is right, and nobody gets a gradient.",
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
            "Both are added: the value is z + e, and the decoder wants e.",
            lambda z, e, g: (z + e, g, 0 * g),
        ),
    ],
)

straight_through = _StraightThrough(
    _VALUE_AND_GRADIENTS,
    "Tensors z (N, d), e (N, d) -> z_q, judged by its value and by its gradients in z and e.",
)
