r"""Checkers for the exercises of the chapter on what a latent dimension means."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Verdict, agree

__all__ = ["cost_of_a_dimension", "eta_squared", "factor_correlation", "turned_model"]

Array = NDArray[Any]
Decode = Callable[[Any], Any]


def factor_correlation(answer: Any) -> Verdict:
    """Check a function (factors (N, F), z (N, d)) -> correlation of every pair, (F, d)."""
    return _CORRELATION.check(answer)


def eta_squared(answer: Any) -> Verdict:
    """Check a function (labels (N,), z (N, d)) -> share of the variance between classes, (d,)."""
    return _ETA.check(answer)


def cost_of_a_dimension(answer: Any) -> Verdict:
    """Check a function (decode, z (N, d), x (N, D)) -> rise of the squared error, (d,)."""
    return _COST.check(answer)


def turned_model(answer: Any) -> Verdict:
    """Check a function (R (d, d), z (N, d), decode) -> (u (N, d), images (N, D))."""
    return _TURN.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, as float32 needs."""
    return agree(got, want, 1e-4)


# ---------------------------------------------------------------- correlation


def _r(factors: Array, z: Array) -> Array:
    a, b = factors - factors.mean(0), z - z.mean(0)
    return _over(a.T @ b, np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0))


def _over(products: Array, first: Array, second: Array) -> Array:
    result: Array = products / first[:, None] / second
    return result


def _covariance(factors: Array, z: Array, ddof: int = 0) -> Array:
    a, b = factors - factors.mean(0), z - z.mean(0)
    result: Array = a.T @ b / (len(z) - ddof)
    return result


def _mixed(n_above: bool) -> Callable[[Array, Array], Array]:
    """Return the correlation with N - 1 in one place and N in the other."""

    def wrong(factors: Array, z: Array) -> Array:
        n = len(z)
        return _r(factors, z) * ((n - 1) / n if n_above else n / (n - 1))

    return wrong


def _not_centred(ddof: int) -> Callable[[Array, Array], Array]:
    def wrong(factors: Array, z: Array) -> Array:
        return _over(factors.T @ z / len(z), factors.std(0, ddof=ddof), z.std(0, ddof=ddof))

    return wrong


def _ranks(values: Array) -> Array:
    return np.argsort(np.argsort(values, axis=0), axis=0).astype(float)


def _codes(seed: int, n: int, F: int, d: int) -> tuple[Array, Array]:
    """Return factors with a mean that is far from 0, and codes that go with some of them."""
    rng = np.random.default_rng(seed)
    factors = rng.gamma(2.0, 3.0, size=(n, F)) + 4
    z = 0.3 * factors @ rng.normal(size=(F, d)) + rng.normal(1.0, 2.0, size=(n, d))
    return factors, z


_CORRELATION = Exercise(
    name="Correlate",
    right=_r,
    inputs=[_codes(0, 8, 2, 3), _codes(1, 12, 3, 2), _codes(2, 6, 4, 5)],
    mistakes=[
        Mistake(
            "The means are not subtracted before you multiply: this holds the product of the two "
            "means, which has nothing to do with going together.",
            _not_centred(0),
        ),
        Mistake(
            "Two things: the means are not subtracted before you multiply, and the divisor of the "
            "products is not the one inside the standard deviations.",
            _not_centred(1),
        ),
        Mistake(
            "This is the cosine of the vectors as they are. It is the correlation only after the "
            "means have been subtracted.",
            lambda f, z: _over(f.T @ z, np.linalg.norm(f, axis=0), np.linalg.norm(z, axis=0)),
        ),
        Mistake(
            "This is the covariance: it has units, and grows with them. Divide by both standard "
            "deviations.",
            lambda f, z: _covariance(f, z),
        ),
        Mistake(
            "This is the covariance (with N - 1): it has units, and grows with them. Divide by "
            "both standard deviations.",
            lambda f, z: _covariance(f, z, 1),
        ),
        Mistake(
            "Too small by (N - 1) / N: the covariance is divided by N and the standard deviations "
            "by N - 1. Use one divisor in all three.",
            _mixed(True),
        ),
        Mistake(
            "Too large by N / (N - 1), so it can pass 1: the covariance is divided by N - 1 and "
            "the standard deviations by N. Use one divisor in all three.",
            _mixed(False),
        ),
        Mistake(
            "You divide by the variances. Their roots, the standard deviations, make the units go.",
            lambda f, z: _over(_covariance(f, z), f.var(0), z.var(0)),
        ),
        Mistake(
            "This is the slope of the best line, in units of the factor for a unit of z: you "
            "divide by the variance of z alone.",
            lambda f, z: _covariance(f, z) / z.var(0),
        ),
        Mistake(
            "The sign is lost. Whether the factor grows or falls with z is part of the answer.",
            lambda f, z: np.abs(_r(f, z)),
        ),
        Mistake(
            "This is r squared, the share of the variance explained. The exercise asks for r, "
            "with its sign.",
            lambda f, z: _r(f, z) ** 2,
        ),
        Mistake("Every sign is turned round.", lambda f, z: -_r(f, z)),
        Mistake(
            "Rows and columns are exchanged: a row for each factor, a column for each dimension.",
            lambda f, z: _r(f, z).T,
        ),
        Mistake(
            "You correlate ranks. That is Spearman's coefficient; here the numbers themselves "
            "are meant.",
            lambda f, z: _r(_ranks(f), _ranks(z)),
        ),
    ],
    praise="The cosine of two centred vectors, for every pair at once.",
    same=_close,
)


# ---------------------------------------------------------------- eta squared


def _parts(labels: Array, z: Array, *, weighted: bool = True) -> tuple[Array, Array]:
    """Return the sums of squares (between, within), each (d,)."""
    between, within = np.zeros(z.shape[1]), np.zeros(z.shape[1])
    for c in np.unique(labels):
        mine = z[labels == c]
        between += (len(mine) if weighted else 1) * (mine.mean(0) - z.mean(0)) ** 2
        within += ((mine - mine.mean(0)) ** 2).sum(0)
    return between, within


def _eta(labels: Array, z: Array) -> Array:
    between, within = _parts(labels, z)
    result: Array = between / (between + within)
    return result


def _within(labels: Array, z: Array) -> Array:
    return 1 - _eta(labels, z)


def _f_like(labels: Array, z: Array) -> Array:
    between, within = _parts(labels, z)
    result: Array = between / within
    return result


def _f_ratio(labels: Array, z: Array) -> Array:
    between, within = _parts(labels, z)
    classes = len(np.unique(labels))
    result: Array = (between / (classes - 1)) / (within / (len(z) - classes))
    return result


def _unweighted(labels: Array, z: Array, *, ddof: int, own: bool) -> Array:
    """Variance of the class means, each counted once, over the variance of z."""
    means = np.stack([z[labels == c].mean(0) for c in np.unique(labels)])
    middle = means.mean(0) if own else z.mean(0)
    between = ((means - middle) ** 2).sum(0) / (len(means) - ddof)
    result: Array = between / z.var(0, ddof=ddof)
    return result


def _numbered(labels: Array, z: Array) -> Array:
    result: Array = _r(labels[:, None].astype(float), z)[0] ** 2
    return result


def _all_together(labels: Array, z: Array) -> float:
    between, within = _parts(labels, z)
    return float(between.sum() / (between + within).sum())


def _other_divisors(labels: Array, z: Array) -> Array:
    return _eta(labels, z) * (len(z) - 1) / len(z)


def _classes(seed: int, counts: tuple[int, ...], d: int) -> tuple[Array, Array]:
    """Return labels of classes that are not equally large, in no order, and their codes."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    middles = rng.normal(1.0, 1.5, size=(len(counts), d))
    return labels, middles[labels] + rng.normal(size=(len(labels), d))


_ETA = Exercise(
    name="Eta squared",
    right=_eta,
    inputs=[_classes(0, (5, 2, 3), 2), _classes(1, (2, 7, 3, 4), 3), _classes(2, (9, 4, 2), 1)],
    mistakes=[
        Mistake(
            "This is the share within the classes, what the shape does not explain. The exercise "
            "asks for the other part.",
            _within,
        ),
        Mistake(
            "You divide by the part within alone, so the result can pass 1. The share is of the "
            "whole, within plus between.",
            _f_like,
        ),
        Mistake(
            "This is the F ratio of an analysis of variance, a test statistic. The share needs no "
            "degrees of freedom.",
            _f_ratio,
        ),
        Mistake(
            "Every class counts once, however few images it has, in the sum and in the mean. A "
            "class counts as often as it has members.",
            lambda y, z: _unweighted(y, z, ddof=0, own=True),
        ),
        Mistake(
            "Every class counts once, however few images it has. A class counts as often as it "
            "has members (and the variances then share one divisor).",
            lambda y, z: _unweighted(y, z, ddof=1, own=True),
        ),
        Mistake(
            "The mean over all is right, but in the sum every class counts once. Weight each "
            "square by the size of its class.",
            lambda y, z: _unweighted(y, z, ddof=0, own=False),
        ),
        Mistake(
            "The between part lacks the sizes of the classes, while the whole is summed over "
            "images. Weight each square by the size of its class.",
            lambda y, z: _parts(y, z, weighted=False)[0] / ((z - z.mean(0)) ** 2).sum(0),
        ),
        Mistake(
            "You correlate the numbers of the classes. Number them in another order, and this "
            "gives something else.",
            _numbered,
        ),
        Mistake(
            "This is eta, the root of the share.",
            lambda y, z: np.sqrt(_eta(y, z)),
        ),
        Mistake(
            "Too small by (N - 1) / N: one sum of squares is divided by N, the other by N - 1.",
            _other_divisors,
        ),
        Mistake(
            "All dimensions are added up. Each has its own share: the result is (d,).",
            _all_together,
        ),
    ],
    praise="Between over the whole: the R squared of saying the class's mean.",
    same=_close,
)


# ---------------------------------------------------------------- the cost of a dimension


def _as(given: Any, result: Array) -> Any:
    """Return a tensor to whom gave one: answers are written in NumPy or in torch."""
    return torch.as_tensor(result) if isinstance(given, torch.Tensor) else result


def _cost(
    decode: Decode,
    z: Array,
    x: Array,
    *,
    to: Callable[[Array], Any] = lambda column: column.mean(),
    less: bool = True,
    over_pixels: Callable[..., Array] = np.sum,
    over_images: Callable[[Array], Any] = np.mean,
    fresh: bool = True,
    against: bool = True,
) -> Array:
    def error(codes: Array) -> Any:
        target = x if against else np.asarray(decode(z))
        squares = (np.asarray(decode(codes)) - target) ** 2
        return over_images(over_pixels(squares, axis=1))

    costs, kept = [], np.array(z)
    for i in range(z.shape[1]):
        codes = np.array(z) if fresh else kept
        codes[:, i] = to(z[:, i])
        costs.append(error(codes) - (error(z) if less else 0.0))
    return np.array(costs)


def _with(**changes: Any) -> Callable[[Decode, Array, Array], Array]:
    return lambda decode, z, x: _cost(decode, z, x, **changes)


def _task(seed: int, n: int, d: int, D: int) -> tuple[Decode, Array, Array]:
    """Return a decoder with a bend, codes whose mean is not 0, and images it misses a little."""
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(d, D)), rng.random(D)

    def decode(z: Any) -> Any:
        return _as(z, np.tanh(0.5 * np.asarray(z) @ W) + b)

    z = rng.gamma(2.0, 0.5, size=(n, d)) + 0.5
    return decode, z, np.asarray(decode(z)) + 0.1 * rng.normal(size=(n, D))


_COST = Exercise(
    name="The cost of a dimension",
    right=_cost,
    inputs=[_task(0, 7, 3, 5), _task(1, 9, 2, 6), _task(2, 6, 4, 4)],
    mistakes=[
        Mistake(
            "Two things: the dimension is set to 0, an arbitrary place where perhaps no code is; "
            "and the error that was there before is still in it.",
            _with(to=lambda column: 0.0, less=False),
        ),
        Mistake(
            "The dimension is set to 0. Add 3 to all codes and let the decoder subtract it: no "
            "image changes, but your cost does.",
            _with(to=lambda column: 0.0),
        ),
        Mistake(
            "This is the whole squared error without the dimension. The reconstruction was not "
            "perfect before: the cost is the rise.",
            _with(less=False),
        ),
        Mistake(
            "The dimensions stay away once they are taken: the second one is removed together "
            "with the first. Start from the full codes each time.",
            _with(fresh=False),
        ),
        Mistake(
            "You average over pixels. The squared error is summed over them.",
            _with(over_pixels=np.mean),
        ),
        Mistake("You sum over images. Average over them.", _with(over_images=np.sum)),
        Mistake(
            "You compare with the reconstruction. What counts is how far the result is from x.",
            _with(against=False),
        ),
        Mistake(
            "The sign is turned round: a dimension that is worth something should cost more "
            "than 0.",
            lambda decode, z, x: -_cost(decode, z, x),
        ),
        Mistake(
            "You set the dimension to its median. Of all constants the mean is the one at which "
            "a linear decoder loses least.",
            _with(to=np.median),
        ),
        Mistake(
            "Each code's number is replaced by that of another image. That shuffles the dimension, "
            "and counts its variance twice.",
            _with(to=lambda column: np.roll(column, 1)),
        ),
    ],
    praise="What the dimension carries, and nothing that depends on where 0 is.",
    same=_close,
)


# ---------------------------------------------------------------- turn a model


def _turn(
    R: Array, z: Array, decode: Decode, *, there: str = "R^T", back: str = "R"
) -> tuple[Array, Array]:
    by = {"R": R, "R^T": R.T, "1": np.eye(len(R))}
    u = z @ by[there]
    return u, np.asarray(decode(u @ by[back]))


def _turned(there: str, back: str) -> Callable[[Array, Array, Decode], tuple[Array, Array]]:
    return lambda R, z, decode: _turn(R, z, decode, there=there, back=back)


def _elementwise(R: Array, z: Array, decode: Decode) -> tuple[Array, Array]:
    u = z * np.diag(R)
    return u, np.asarray(decode(u))


def _model(seed: int, n: int, d: int, D: int) -> tuple[Array, Array, Decode]:
    rng = np.random.default_rng(seed)
    R = np.linalg.qr(rng.normal(size=(d, d)))[0]
    W = rng.normal(size=(d, D))

    def decode(z: Any) -> Any:
        return _as(z, np.tanh(np.asarray(z) @ W))

    return R, rng.normal(size=(n, d)) + 0.5, decode


_TURN = Exercise(
    name="Turn a model",
    right=_turn,
    inputs=[_model(0, 4, 3, 5), _model(1, 6, 2, 4), _model(2, 5, 4, 3)],
    mistakes=[
        Mistake(
            "Two things: the codes are in rows, so z @ R turns them by the inverse of R; and the "
            "decoder gets the turned codes as they are.",
            _turned("R", "1"),
        ),
        Mistake(
            "The codes are right. But the old decoder gets u, and expects z: the turned model's "
            "decoder turns back first.",
            _turned("R^T", "1"),
        ),
        Mistake(
            "The images are right, the codes are turned the wrong way round: with codes in rows, "
            "z @ R is the inverse of R for each of them.",
            _turned("R", "R^T"),
        ),
        Mistake(
            "The codes are right, but the decoder turns them once more in the same direction, "
            "not back.",
            _turned("R^T", "R^T"),
        ),
        Mistake(
            "Turned the wrong way round, and then once more: with codes in rows, z @ R is the "
            "inverse of R, and it takes R^T to undo it.",
            _turned("R", "R"),
        ),
        Mistake(
            "The images are the old ones, and so are the codes: nothing was turned.",
            _turned("1", "1"),
        ),
        Mistake(
            "Only the diagonal of R is used. A rotation mixes the dimensions: that takes a matrix "
            "product.",
            _elementwise,
        ),
        Mistake(
            "Codes and images are exchanged: the codes come first.",
            lambda R, z, decode: _turn(R, z, decode)[::-1],
        ),
    ],
    praise="Other codes, and not one pixel has changed.",
    same=_close,
)
