"""The exercises of *The reparameterization trick*."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]

# ---------------------------------------------------------------- gradients on paper

graph_gradients = Quantity(
    "Back through the graph",
    (24.0, -24.0, -12.0),
    about="(dL/dw_mu, dL/dw_sigma, dL/dw1) of the chapter's graph with eps = -1, target -10.",
    praise="Two paths lead to w1, and their gradients add up.",
    digits=None,
    mistakes=[
        ((24.0, -24.0, 96.0), "The last one misses a path: sigma depends on w1 too."),
        ((24.0, -24.0, -108.0), "The last one misses a path: mu depends on w1 too."),
        ((24.0, 24.0, 204.0), "The sign of eps was lost. By what is sigma multiplied in z?"),
        ((24.0, 24.0, -12.0), "The sign of eps was lost. By what is sigma multiplied in z?"),
        ((24.0, -24.0, -4.0), "The last one is the gradient of h. One step is left, to w1."),
        ((24.0, -24.0, -8.0), "The last one is the gradient of x. Which factor goes with w1?"),
        (
            (4.0, -4.0, -12.0),
            "The first two stop at mu and sigma. One step is left, to the weights.",
        ),
        ((4.0, -4.0, -4.0), "These belong to mu, sigma and h. One step is left, to the weights."),
        (
            (32.0, -36.0, -12.0),
            "The first two run to h. Which factor goes with the weight itself?",
        ),
        (
            (-24.0, 24.0, 12.0),
            "Every sign is turned round: the loss has z - target, not target - z.",
        ),
        ((48.0, -48.0, -24.0), "Twice too much: the loss has a factor of one half."),
        ((-456.0, 456.0, 228.0), "That is for a target of 70. Here it is another number."),
        ((510.0, 255.0, 3187.5), "That is for eps = 0.5. Here the noise is another number."),
    ],
)

# ---------------------------------------------------------------- z = mu + sigma eps


def _gaussians(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    for n, d in ((4, 3), (6, 2), (5, 5), (1, 3), (7, 1), (3, 4)):
        yield rng.normal(size=(n, d)), rng.normal(0.2, 1.2, size=(n, d)), rng.normal(size=(n, d))
    yield rng.normal(size=(3, 2)), np.full((3, 2), -20.0), rng.normal(size=(3, 2))
    yield np.zeros((2, 3)), np.zeros((2, 3)), rng.normal(size=(2, 3))
    yield 1e4 * rng.normal(size=(2, 3)), np.full((2, 3), 9.0), rng.normal(size=(2, 3))


def _sample(mu: Array, log_var: Array, eps: Array) -> Array:
    sigma = np.exp(log_var / 2)
    return np.asarray(mu + sigma * eps)


reparameterize = Exercise(
    "Mean, spread and noise",
    _sample,
    inputs=_gaussians,
    about="mu, log_var, eps, each (N, d) -> z with mean mu and variance exp(log_var), (N, d).",
    praise="z is a plain function of mu, log_var and eps, so gradients flow to the first two.",
    rows=(0, 1, 2),
    mistakes=[
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
            lambda mu, log_var, eps: mu,
        ),
        Mistake(
            "There is no noise in it: sigma is added as it is.",
            lambda mu, log_var, eps: mu + np.exp(log_var / 2),
        ),
        Mistake(
            "The noise has standard deviation 1, whatever log_var says.",
            lambda mu, log_var, eps: mu + eps,
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
    ],
)

# ---------------------------------------------------------------- two estimators


def _slope(z: Any) -> Any:
    return 3 * z**2 - 1


def _cubic(z: Any) -> Any:
    return z**3 - z + 2


def _draws(f: Callable[[Any], Any]) -> Any:
    def inputs(rng: np.random.Generator) -> Iterator[tuple[Any, float, float, Array]]:
        for n in (6, 9, 4, 1, 5):
            yield f, float(rng.uniform(0.5, 2)), float(rng.uniform(0.3, 1.5)), rng.normal(size=n)
        for mu, log_var in ((-1.0, -2.0), (0.0, 0.0), (2.0, -6.0), (-3.0, 1.0)):
            yield f, mu, log_var, rng.normal(size=5)

    return inputs


def _pathwise(slope: Callable[[Any], Any], mu: float, log_var: float, eps: Array) -> Any:
    sigma = np.exp(log_var / 2)
    z = mu + sigma * eps
    return slope(z) * sigma * eps / 2


def _z(mu: float, log_var: float, eps: Array) -> Any:
    return mu + np.exp(log_var / 2) * eps


pathwise_gradient = Exercise(
    "Along the path to log_var",
    _pathwise,
    inputs=_draws(_slope),
    about="slope (a function), mu, log_var, eps (n,) -> estimates of dE[f]/dlog_var, one a draw, "
    "(n,).",
    praise="The slope of f, times how far z moves with log_var.",
    rows=(3,),
    mistakes=[
        Mistake(
            "That is the gradient by sigma. One step of the chain is left: from sigma to log_var.",
            lambda slope, m, v, e: slope(_z(m, v, e)) * e,
        ),
        Mistake(
            "That is the gradient by mu. How does z change with log_var?",
            lambda slope, m, v, e: slope(_z(m, v, e)),
        ),
        Mistake(
            "A factor of one half is missing: differentiate sigma by log_var once more.",
            lambda slope, m, v, e: 2 * _pathwise(slope, m, v, e),
        ),
        Mistake(
            "The derivative of an exponential keeps the exponential as a factor.",
            lambda slope, m, v, e: slope(_z(m, v, e)) * e / 2,
        ),
        Mistake(
            "There is no noise in it: how far z moves with sigma depends on eps.",
            lambda slope, m, v, e: slope(_z(m, v, e)) * np.exp(v / 2) / 2,
        ),
        Mistake(
            "You took exp(log_var) for the standard deviation. It is the variance.",
            lambda slope, m, v, e: slope(_z(m, v, e)) * np.exp(v) * e / 2,
        ),
        Mistake(
            "The slope of f is missing: you return dz/dlog_var alone.",
            lambda slope, m, v, e: np.exp(v / 2) * e / 2,
        ),
        Mistake(
            "The slope belongs at z, not at the mean. Where does each draw lie?",
            lambda slope, m, v, e: slope(m) * np.exp(v / 2) * e / 2,
        ),
        Mistake(
            "The slope belongs at z, not at eps. Where does each draw lie?",
            lambda slope, m, v, e: slope(e) * np.exp(v / 2) * e / 2,
        ),
        Mistake(
            "You averaged. Return one estimate for each draw, so that the scatter can be seen.",
            lambda *a: _pathwise(*a).mean(),
        ),
    ],
)


def _score(f: Callable[[Any], Any], mu: float, log_var: float, eps: Array) -> Any:
    sigma = np.exp(log_var / 2)
    z = mu + sigma * eps
    return f(z) * eps / sigma


def _weighted(weight: Callable[[float, Array], Any]) -> Callable[..., Any]:
    """Return the function that multiplies f(z) by a wrong weight of log_var and eps."""
    return lambda f, mu, log_var, eps: f(_z(mu, log_var, eps)) * weight(log_var, eps)


score_gradient = Exercise(
    "The score as a weight",
    _score,
    inputs=_draws(_cubic),
    about="f (a function), mu, log_var, eps (n,) -> estimates of dE[f]/dmu, one a draw, (n,).",
    praise="f was only called, never differentiated.",
    rows=(3,),
    mistakes=[
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
            _weighted(lambda v, eps: -eps * np.exp(-v / 2)),
        ),
        Mistake(
            "You divided eps by the variance. The score is (z - mu) by the variance, and z - mu "
            "is not eps.",
            _weighted(lambda v, eps: eps * np.exp(-v)),
        ),
        Mistake(
            "Your weight is eps itself. The score, z - mu over the variance, is another number.",
            _weighted(lambda v, eps: eps),
        ),
        Mistake(
            "You multiplied by sigma. Is a draw far out in a wide q as telling as in a narrow one?",
            _weighted(lambda v, eps: eps * np.exp(v / 2)),
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
            lambda *a: _score(*a).mean(),
        ),
    ],
)

# ---------------------------------------------------------------- the best baseline

baseline = Quantity(
    "The best baseline",
    37,  # m^2 + 3 sigma^2 with m = 5: no other formula that comes to mind gives the same
    about="the baseline of least variance for f(z) = (z - 1)^2, mu = 6, sigma = 2.",
    praise="It lies above the mean of f, because draws with a large score count more.",
    digits=None,
    mistakes=[
        (29, "That is the mean of f. Close, but the score weighs distant draws more."),
        (25, "That is f at the mean. The spread of z is missing."),
        (12, "The distance between mu and a is missing."),
        (31, "sigma is not squared."),
        (48, "You took mu for its distance from a."),
        (17, "The distance between mu and a is not squared."),
        (61, "You took mu + a for the distance between mu and a."),
        (33, "The spread of z counts more than that: which power of eps is averaged here?"),
        (0, "That is no baseline at all."),
        (-37, "The sign is turned round: the baseline is subtracted from f."),
    ],
)
