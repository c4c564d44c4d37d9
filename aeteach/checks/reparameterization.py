r"""Checkers for the exercises of *The reparameterization trick*."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict, agree

__all__ = [
    "baseline",
    "graph_gradients",
    "pathwise_gradient",
    "reparameterize",
    "score_gradient",
]

Array = NDArray[Any]


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


def graph_gradients(answer: Any) -> Verdict:
    """Check (dL/dw_mu, dL/dw_sigma, dL/dw1) of the chapter's graph, eps = -1, target -10."""
    return _GRAPH.check(answer)


def reparameterize(answer: Callable[..., Any]) -> Verdict:
    """Check a function (mu, log_var, eps) -> z with mean mu and variance exp(log_var)."""
    verdict = _SAMPLE.check(answer)
    if verdict.passed or not callable(answer):
        return verdict
    return replace(verdict, hint=_own_noise(answer) or verdict.hint)


def pathwise_gradient(answer: Callable[..., Any]) -> Verdict:
    """Check a function (slope, mu, log_var, eps) -> estimates of dE[f]/dlog_var, one a draw."""
    return _PATHWISE.check(answer)


def score_gradient(answer: Callable[..., Any]) -> Verdict:
    """Check a function (f, mu, log_var, eps) -> estimates of dE[f]/dmu, one a draw."""
    return _SCORE.check(answer)


def baseline(answer: Any) -> Verdict:
    """Check the baseline of least variance for f(z) = (z - 1)^2, mu = 3, sigma = 2."""
    return _BASELINE.check(answer)


# ---------------------------------------------------------------- gradients on paper

_GRAPH = Quantity(
    name="Back through the graph",
    right=np.array([24.0, -24.0, -12.0]),
    mistakes=(
        (np.array([24.0, -24.0, 96.0]), "The last one misses a path: sigma depends on w1 too."),
        (np.array([24.0, -24.0, -108.0]), "The last one misses a path: mu depends on w1 too."),
        (
            np.array([24.0, 24.0, 204.0]),
            "The sign of eps was lost. By what is sigma multiplied in z?",
        ),
        (
            np.array([24.0, 24.0, -12.0]),
            "The sign of eps was lost. By what is sigma multiplied in z?",
        ),
        (
            np.array([24.0, -24.0, -4.0]),
            "The last one is the gradient of h. One step is left, to w1.",
        ),
        (
            np.array([24.0, -24.0, -8.0]),
            "The last one is the gradient of x. Which factor goes with w1?",
        ),
        (
            np.array([4.0, -4.0, -12.0]),
            "The first two stop at mu and sigma. One step is left, to the weights.",
        ),
        (
            np.array([4.0, -4.0, -4.0]),
            "These belong to mu, sigma and h. One step is left, to the weights.",
        ),
        (
            np.array([32.0, -36.0, -12.0]),
            "The first two run to h. Which factor goes with the weight itself?",
        ),
        (
            np.array([-24.0, 24.0, 12.0]),
            "Every sign is turned round: the loss has z - target, not target - z.",
        ),
        (np.array([48.0, -48.0, -24.0]), "Twice too much: the loss has a factor of one half."),
        (
            np.array([-456.0, 456.0, 228.0]),
            "That is for a target of 70. Here it is another number.",
        ),
        (
            np.array([510.0, 255.0, 3187.5]),
            "That is for eps = 0.5. Here the noise is another number.",
        ),
    ),
    praise="Two paths lead to w1, and their gradients add up.",
    tolerance=1e-6,
)

# ---------------------------------------------------------------- z = mu + sigma eps


def _gaussian(n: int, d: int, seed: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    # Positive log-variances: so no mistake takes the root of a negative number.
    return rng.normal(size=(n, d)), rng.uniform(0.3, 1.5, size=(n, d)), rng.normal(size=(n, d))


_SAMPLE = Exercise(
    name="Mean, spread and noise",
    right=lambda mu, log_var, eps: mu + np.exp(log_var / 2) * eps,
    inputs=(_gaussian(4, 3, 0), _gaussian(6, 2, 1), _gaussian(5, 5, 2)),
    mistakes=(
        Mistake(
            "You took exp(log_var) for the standard deviation. It is the variance.",
            lambda mu, log_var, eps: mu + np.exp(log_var) * eps,
        ),
        Mistake(
            "There is a square root too many: you multiply the noise by the root of sigma.",
            lambda mu, log_var, eps: mu + np.exp(log_var / 4) * eps,
        ),
        Mistake(
            "You took log_var itself for sigma. It is a logarithm, and can be negative.",
            lambda mu, log_var, eps: mu + log_var * eps,
        ),
        Mistake(
            "Half of log_var is the logarithm of sigma, not sigma.",
            lambda mu, log_var, eps: mu + log_var / 2 * eps,
        ),
        Mistake(
            "You took the root of log_var. The logarithm has to be undone before anything else.",
            lambda mu, log_var, eps: mu + np.sqrt(log_var) * eps,
        ),
        Mistake(
            "The variance was squared, not rooted: look at the factor inside exp.",
            lambda mu, log_var, eps: mu + np.exp(2 * log_var) * eps,
        ),
        Mistake(
            "You divide by sigma: a wide distribution gets little noise. Look at the sign in exp.",
            lambda mu, log_var, eps: mu + np.exp(-log_var / 2) * eps,
        ),
        Mistake(
            "There is no noise in it: every draw returns the mean.",
            lambda mu, log_var, eps: mu + 0 * eps,
        ),
        Mistake(
            "There is no noise in it: sigma is added as it is.",
            lambda mu, log_var, eps: mu + np.exp(log_var / 2) + 0 * eps,
        ),
        Mistake(
            "The noise has standard deviation 1, whatever log_var says.",
            lambda mu, log_var, eps: mu + eps,
        ),
        Mistake(
            "The mean is missing: every z scatters around 0.",
            lambda mu, log_var, eps: np.exp(log_var / 2) * eps,
        ),
        Mistake(
            "Every row gets the same noise, that of the first row. Each draw needs its own.",
            lambda mu, log_var, eps: mu + np.exp(log_var / 2) * eps[:1],
        ),
        Mistake(
            "Every dimension gets the same noise, that of the first column. Each needs its own.",
            lambda mu, log_var, eps: mu + np.exp(log_var / 2) * eps[:, :1],
        ),
        Mistake(
            "The mean is multiplied by the noise too. Which of the two should it scale?",
            lambda mu, log_var, eps: (mu + np.exp(log_var / 2)) * eps,
        ),
        Mistake(
            "The same distribution, but the noise is subtracted. The convention is a plus.",
            lambda mu, log_var, eps: mu - np.exp(log_var / 2) * eps,
        ),
    ),
    praise="z is a plain function of mu, log_var and eps, so gradients flow to the first two.",
    same=_close,
)


def _own_noise(answer: Callable[..., Any]) -> str | None:
    """Say so if an answer does not use the noise it is given but draws some of its own."""
    mu, log_var, eps = _SAMPLE.inputs[0]
    try:
        first, again, other = (
            _SAMPLE._run(answer, (mu, log_var, e)) for e in (eps, eps, eps[::-1].copy())
        )
    except Exception:  # the verdict has already said what it raises
        return None
    if np.shape(first) != mu.shape or not np.issubdtype(np.asarray(first).dtype, np.number):
        return None  # wrong in a plainer way, which the verdict has named
    if not agree(first, again):
        return (
            "Two calls with the same eps gave two results: your function draws noise of its own. "
            "Use the eps it is given."
        )
    still = agree(first, other) and not agree(first, mu)
    if still and not agree(first, mu + np.exp(log_var / 2)):
        return (
            "Another eps gave the same result: the noise in your function never changes. "
            "Is there a fixed seed inside?"
        )
    return None


# ---------------------------------------------------------------- two estimators


def _slope(z: Any) -> Any:
    return 3 * z**2 - 1


def _cubic(z: Any) -> Any:
    return z**3 - z + 2


def _draws(n: int, seed: int) -> tuple[float, float, Array]:
    rng = np.random.default_rng(seed)
    return float(rng.uniform(0.5, 2)), float(rng.uniform(0.3, 1.5)), rng.normal(size=n)


def _z(mu: float, log_var: float, eps: Array) -> Array:
    return np.asarray(mu + np.exp(log_var / 2) * eps)


def _path(factor: Callable[[float, Array], Any]) -> Callable[..., Any]:
    """Return the function that multiplies the slope at z by a factor of (log_var, eps)."""
    return lambda slope, mu, log_var, eps: slope(_z(mu, log_var, eps)) * factor(log_var, eps)


_PATHWISE: Exercise = Exercise(
    name="Along the path to log_var",
    right=_path(lambda v, eps: np.exp(v / 2) * eps / 2),
    inputs=tuple((_slope, *_draws(n, seed)) for n, seed in ((6, 0), (9, 1), (4, 2))),
    mistakes=(
        Mistake(
            "That is the gradient by sigma. One step of the chain is left: from sigma to log_var.",
            _path(lambda v, eps: eps),
        ),
        Mistake(
            "That is the gradient by mu. How does z change with log_var?", _path(lambda v, e: 1)
        ),
        Mistake(
            "A factor of one half is missing: differentiate exp(log_var / 2) once more.",
            _path(lambda v, eps: np.exp(v / 2) * eps),
        ),
        Mistake(
            "The derivative of exp(log_var / 2) keeps exp(log_var / 2) as a factor.",
            _path(lambda v, eps: eps / 2),
        ),
        Mistake(
            "There is no noise in it: how far z moves with sigma depends on eps.",
            _path(lambda v, eps: np.exp(v / 2) / 2),
        ),
        Mistake(
            "You took exp(log_var) for the standard deviation. It is the variance.",
            _path(lambda v, eps: np.exp(v) * eps / 2),
        ),
        Mistake("Every number has the wrong sign.", _path(lambda v, eps: -np.exp(v / 2) * eps / 2)),
        Mistake(
            "The slope of f is missing: you return dz/dlog_var alone.",
            lambda slope, mu, log_var, eps: np.exp(log_var / 2) * eps / 2,
        ),
        Mistake(
            "The slope belongs at z, not at the mean. Where does each draw lie?",
            lambda slope, mu, log_var, eps: slope(mu) * np.exp(log_var / 2) * eps / 2,
        ),
        Mistake(
            "The slope belongs at z, not at eps. Where does each draw lie?",
            lambda slope, mu, log_var, eps: slope(eps) * np.exp(log_var / 2) * eps / 2,
        ),
        Mistake(
            "You averaged. Return one estimate for each draw, so that the scatter can be seen.",
            lambda *a: _PATHWISE.right(*a).mean(),
        ),
    ),
    praise="The slope of f, times how far z moves with log_var.",
    same=_close,
)


def _weighted(factor: Callable[[float, Array], Any], sign: int = 1) -> Callable[..., Any]:
    """Return the function that multiplies f(z) by a factor of (log_var, eps)."""
    return lambda f, mu, log_var, eps: sign * f(_z(mu, log_var, eps)) * factor(log_var, eps)


_SCORE: Exercise = Exercise(
    name="The score as a weight",
    right=_weighted(lambda v, eps: eps * np.exp(-v / 2)),
    inputs=tuple((_cubic, *_draws(n, seed)) for n, seed in ((6, 3), (9, 4), (4, 5))),
    mistakes=(
        Mistake(
            "f is missing: this is the score alone, and its mean is 0 for every f.",
            lambda f, mu, log_var, eps: eps * np.exp(-log_var / 2),
        ),
        Mistake(
            "The score is missing: this is f(z) alone, an estimate of the mean itself.",
            _weighted(lambda v, eps: 1),
        ),
        Mistake(
            "Every number has the wrong sign. Differentiate -(z - mu)^2 by mu with care.",
            _weighted(lambda v, eps: eps * np.exp(-v / 2), -1),
        ),
        Mistake(
            "You divided eps by the variance. The score is (z - mu) by the variance, and z - mu "
            "is not eps.",
            _weighted(lambda v, eps: eps * np.exp(-v)),
        ),
        Mistake(
            "You divided by nothing: z - mu over the variance is not eps.",
            _weighted(lambda v, eps: eps),
        ),
        Mistake(
            "You multiplied by sigma where you should divide.",
            _weighted(lambda v, eps: eps * np.exp(v / 2)),
        ),
        Mistake(
            "You divided by the root of sigma. Check the factor inside exp.",
            _weighted(lambda v, eps: eps * np.exp(-v / 4)),
        ),
        Mistake(
            "You divided by log_var as if it were sigma. The logarithm has to be undone.",
            _weighted(lambda v, eps: eps / v),
        ),
        Mistake(
            "That is the score by log_var. Here the gradient by mu is wanted.",
            _weighted(lambda v, eps: (eps**2 - 1) / 2),
        ),
        Mistake(
            "You weigh f by the gradient of q. The score is the gradient of the logarithm of q.",
            _weighted(lambda v, e: e * np.exp(-v) * np.exp(-(e**2) / 2) / np.sqrt(2 * np.pi)),
        ),
        Mistake(
            "f belongs at z, not at eps. Where does each draw lie?",
            lambda f, mu, log_var, eps: f(eps) * eps * np.exp(-log_var / 2),
        ),
        Mistake(
            "You averaged. Return one estimate for each draw, so that the scatter can be seen.",
            lambda *a: _SCORE.right(*a).mean(),
        ),
    ),
    praise="f was only called, never differentiated.",
    same=_close,
)

# ---------------------------------------------------------------- the best baseline

_BASELINE = Quantity(
    name="The best baseline",
    right=16.0,
    mistakes=(
        (8.0, "That is the mean of f. Close, but the score weighs distant draws more."),
        (4.0, "That is f at the mean. The spread of z is missing."),
        (12.0, "The distance between mu and a is missing."),
        (10.0, "sigma is not squared."),
        (21.0, "You took mu for its distance from a."),
        (14.0, "The distance between mu and a is not squared."),
        (28.0, "You took mu + a for the distance between mu and a."),
        (0.0, "That is no baseline at all."),
        (-16.0, "The sign is turned round: the baseline is subtracted from f."),
    ),
    praise="It lies above the mean of f, because draws with a large score count more.",
    tolerance=1e-6,
)
