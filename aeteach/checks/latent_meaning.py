"""The exercises of the chapter on what a latent dimension means."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._agree import follows
from aeteach.checks._exercise import Exercise, Mistake

Array = NDArray[Any]
Decode = Callable[[Any], Any]

# ---------------------------------------------------------------- correlation


def _codes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield factors with a mean that is far from 0, and codes that go with some of them."""
    for n, F, d in ((8, 2, 3), (12, 3, 2), (6, 4, 5), (9, 3, 3), (4, 4, 4), (7, 1, 2), (5, 2, 1)):
        factors = rng.gamma(2.0, 1.0, size=(n, F)) + 2
        yield factors, 0.3 * factors @ rng.normal(size=(F, d)) + rng.normal(1.0, 2.0, size=(n, d))
    yield rng.normal(size=(6, 2)) - 30, 1e-3 * rng.normal(size=(6, 3))
    yield rng.integers(0, 3, size=(9, 2)) + np.eye(9, 2), 1e3 * rng.normal(size=(9, 2))  # ties


def _correlation(factors: Array, z: Array) -> Any:
    a, b = factors - factors.mean(axis=0), z - z.mean(axis=0)
    covariance = a.T @ b / len(z)
    return covariance / factors.std(axis=0)[:, None] / z.std(axis=0)


def _by_lengths(factors: Array, z: Array) -> Any:
    a, b = factors - factors.mean(axis=0), z - z.mean(axis=0)
    return a.T @ b / np.linalg.norm(a, axis=0)[:, None] / np.linalg.norm(b, axis=0)


def _covariance(factors: Array, z: Array) -> Any:
    return (factors - factors.mean(0)).T @ (z - z.mean(0)) / len(z)


def _not_centred(ddof: int) -> Callable[[Array, Array], Array]:
    def wrong(factors: Array, z: Array) -> Any:
        spread = factors.std(0, ddof=ddof)[:, None] * z.std(0, ddof=ddof)
        return factors.T @ z / len(z) / spread

    return wrong


def _ranks(values: Array) -> Array:
    return np.argsort(np.argsort(values, axis=0), axis=0).astype(float)


def _mean_ranks(values: Array) -> Array:
    """Return ranks in which equal values share one."""
    below = (values[None] < values[:, None]).sum(1)
    return np.asarray(below + ((values[None] == values[:, None]).sum(1) + 1) / 2)


factor_correlation = Exercise(
    "Correlate",
    _correlation,
    inputs=_codes,
    also=[_by_lengths],
    about="factors (N, F), z (N, d) -> correlation of every pair, (F, d).",
    praise="The cosine of two centred vectors, for every pair at once.",
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
            lambda f, z: f.T @ z / np.linalg.norm(f, axis=0)[:, None] / np.linalg.norm(z, axis=0),
        ),
        *(
            Mistake(
                "This is the covariance: it has units, and grows with them. Divide by both "
                "standard deviations.",
                lambda f, z, off=off: _covariance(f, z) * len(z) / (len(z) - off),
            )
            for off in (0, 1)
        ),
        Mistake(
            "Too small: the covariance is divided by N and the standard deviations by N - 1. Use "
            "one divisor in all three.",
            lambda f, z: _by_lengths(f, z) * (len(z) - 1) / len(z),
        ),
        Mistake(
            "Too large, so it can pass 1: the covariance is divided by N - 1 and the standard "
            "deviations by N. Use one divisor in all three.",
            lambda f, z: _by_lengths(f, z) * len(z) / (len(z) - 1),
        ),
        Mistake(
            "You divide by the variances. Their roots, the standard deviations, make the units go.",
            lambda f, z: _covariance(f, z) / f.var(0)[:, None] / z.var(0),
        ),
        Mistake(
            "This is the slope of the best line, in units of the factor for a unit of z: you "
            "divide by the variance of z alone.",
            lambda f, z: _covariance(f, z) / z.var(0),
        ),
        Mistake(
            "The sign is lost. Whether the factor grows or falls with z is part of the answer.",
            lambda f, z: np.abs(_by_lengths(f, z)),
        ),
        Mistake(
            "This is r squared, the share of the variance explained. The exercise asks for r, "
            "with its sign.",
            lambda f, z: _by_lengths(f, z) ** 2,
        ),
        Mistake(
            "Rows and columns are exchanged: a row for each factor, a column for each dimension.",
            lambda f, z: _by_lengths(f, z).T,
        ),
        *(
            Mistake(
                "You correlate ranks. That is Spearman's coefficient; here the numbers themselves "
                "are meant.",
                lambda f, z, ranks=ranks: _by_lengths(ranks(f), ranks(z)),
            )
            for ranks in (_ranks, _mean_ranks)
        ),
    ],
)


# ---------------------------------------------------------------- eta squared


def _classes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield labels of classes that are not equally large, in no order, and their codes."""
    for counts, d in (
        *(((5, 2, 3), 2), ((2, 7, 3, 4), 3), ((9, 4, 2), 1), ((1, 6), 4), ((3, 2, 5, 8, 4), 5)),
        *(((3, 4, 2), 3), ((2, 3), 2)),
    ):
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        middles = rng.normal(1.0, 1.5, size=(len(counts), d))
        yield labels, middles[labels] + rng.normal(size=(len(labels), d))
    labels = rng.permutation(np.repeat([0, 2, 5], (4, 6, 3)))  # classes that do not occur
    yield labels, 1e3 * rng.normal(size=(13, 2)) + 500
    yield labels, -1e-3 * rng.gamma(2, size=(13, 3))


def _eta(labels: Array, z: Array) -> Any:
    between = np.zeros(z.shape[1])
    for c in np.unique(labels):
        mine = z[labels == c]
        between += len(mine) * (mine.mean(axis=0) - z.mean(axis=0)) ** 2
    return between / ((z - z.mean(axis=0)) ** 2).sum(axis=0)


def _by_within(labels: Array, z: Array) -> Any:
    within = np.zeros(z.shape[1])
    for c in np.unique(labels):
        within += ((z[labels == c] - z[labels == c].mean(axis=0)) ** 2).sum(axis=0)
    return 1 - within / ((z - z.mean(axis=0)) ** 2).sum(axis=0)


def _f_ratio(labels: Array, z: Array) -> Any:
    share, classes = _eta(labels, z), len(np.unique(labels))
    return (share / (classes - 1)) / ((1 - share) / (len(z) - classes))


def _unweighted(labels: Array, z: Array, *, ddof: int, own: bool) -> Any:
    """Variance of the class means, each counted once, over the variance of z."""
    means = np.stack([z[labels == c].mean(0) for c in np.unique(labels)])
    middle = means.mean(0) if own else z.mean(0)
    between = ((means - middle) ** 2).sum(0) / (len(means) - ddof)
    return between / z.var(0, ddof=ddof)


def _sizes_left_out(labels: Array, z: Array) -> Any:
    means = np.stack([z[labels == c].mean(0) for c in np.unique(labels)])
    return ((means - z.mean(0)) ** 2).sum(0) / ((z - z.mean(0)) ** 2).sum(0)


def _all_together(labels: Array, z: Array) -> Any:
    whole = ((z - z.mean(0)) ** 2).sum(0)
    return (_eta(labels, z) * whole).sum() / whole.sum()


eta_squared = Exercise(
    "Eta squared",
    _eta,
    inputs=_classes,
    also=[_by_within],
    about="labels (N,), z (N, d) -> share of the variance that is between classes, (d,).",
    praise="Between over the whole: the R squared of saying the class's mean.",
    mistakes=[
        Mistake(
            "This is the share within the classes, what the shape does not explain. The exercise "
            "asks for the other part.",
            lambda labels, z: 1 - _eta(labels, z),
        ),
        Mistake(
            "You divide by the part within alone, so the result can pass 1. The share is of the "
            "whole, within plus between.",
            lambda labels, z: _eta(labels, z) / (1 - _eta(labels, z)),
        ),
        Mistake(
            "This is the F ratio of an analysis of variance, a test statistic. The share needs no "
            "degrees of freedom.",
            _f_ratio,
        ),
        Mistake(
            "Every class counts once, however few images it has, in the sum and in the mean. A "
            "class counts as often as it has members.",
            lambda labels, z: _unweighted(labels, z, ddof=0, own=True),
        ),
        Mistake(
            "Every class counts once, however few images it has. A class counts as often as it "
            "has members (and the variances then share one divisor).",
            lambda labels, z: _unweighted(labels, z, ddof=1, own=True),
        ),
        Mistake(
            "The mean over all is right, but in the sum every class counts once. Weight each "
            "square by the size of its class.",
            lambda labels, z: _unweighted(labels, z, ddof=0, own=False),
        ),
        Mistake(
            "The between part lacks the sizes of the classes, while the whole is summed over "
            "images. Weight each square by the size of its class.",
            _sizes_left_out,
        ),
        Mistake(
            "You correlate the numbers of the classes. Number them in another order, and this "
            "gives something else.",
            lambda labels, z: _by_lengths(labels[:, None].astype(float), z)[0] ** 2,
        ),
        Mistake(
            "This is eta, the root of the share.",
            lambda labels, z: np.sqrt(_eta(labels, z)),
        ),
        Mistake(
            "Too small: one sum of squares is divided by N, the other by N - 1.",
            lambda labels, z: _eta(labels, z) * (len(z) - 1) / len(z),
        ),
        Mistake(
            "All dimensions are added up. Each has its own share: the result is (d,).",
            _all_together,
        ),
    ],
)


# ---------------------------------------------------------------- the cost of a dimension


def _models(rng: np.random.Generator) -> Iterator[tuple[Decode, Array, Array]]:
    """Yield a decoder with a bend, codes whose mean is not 0, and images it misses a little."""
    for n, d, D in ((7, 3, 5), (9, 2, 6), (6, 4, 4), (5, 5, 5), (1, 3, 4), (8, 1, 3)):
        W, b = rng.normal(size=(d, D)), rng.random(D)
        decode = follows(lambda z, W=W, b=b: np.tanh(0.5 * z @ W) + b)
        z = rng.gamma(2.0, 0.5, size=(n, d)) + 0.5
        yield decode, z, decode(z) + 0.1 * rng.normal(size=(n, D))
    W = rng.normal(size=(3, 6))
    decode, z = follows(lambda z: 3 * np.tanh(z @ W)), rng.normal(0.4, 1.0, size=(6, 3))
    still = z.copy()
    still[:, 1] = z[:, 1].mean()
    yield decode, z, decode(still)  # a dimension that does harm: without it the error falls


def _cost(decode: Decode, z: Array, x: Array) -> Any:
    before = ((decode(z) - x) ** 2).sum(axis=1).mean()
    costs = []
    for i in range(z.shape[1]):
        without = z.copy()
        without[:, i] = z[:, i].mean()
        costs.append(((decode(without) - x) ** 2).sum(axis=1).mean() - before)
    return np.array(costs)


def _otherwise(
    to: Callable[[Array], Any] = np.mean,
    *,
    less: bool = True,
    over_images: Callable[[Array], Any] = np.mean,
    fresh: bool = True,
    against: bool = True,
) -> Callable[[Decode, Array, Array], Any]:
    """Return the cost with something done in another way."""

    def wrong(decode: Decode, z: Array, x: Array) -> Any:
        target = x if against else decode(z)

        def error(codes: Array) -> Any:
            return over_images(((decode(codes) - target) ** 2).sum(axis=1))

        costs, kept = [], z.copy()
        for i in range(z.shape[1]):
            codes = z.copy() if fresh else kept
            codes[:, i] = to(z[:, i])
            costs.append(error(codes) - (error(z) if less else 0.0))
        return np.array(costs)

    return wrong


cost_of_a_dimension = Exercise(
    "The cost of a dimension",
    _cost,
    inputs=_models,
    about="decode (a function), z (N, d), x (N, D) -> rise of the squared error, (d,).",
    praise="What the dimension carries, and nothing that depends on where 0 is.",
    mistakes=[
        Mistake(
            "Two things: the dimension is set to 0, an arbitrary place where perhaps no code is; "
            "and the error that was there before is still in it.",
            _otherwise(lambda column: 0.0, less=False),
        ),
        Mistake(
            "The dimension is set to 0. Add 3 to all codes and let the decoder subtract it: no "
            "image changes, but your cost does.",
            _otherwise(lambda column: 0.0),
        ),
        Mistake(
            "This is the whole squared error without the dimension. The reconstruction was not "
            "perfect before: the cost is the rise.",
            _otherwise(less=False),
        ),
        Mistake(
            "The dimensions stay away once they are taken: the second one is removed together "
            "with the first. Start from the full codes each time.",
            _otherwise(fresh=False),
        ),
        Mistake(
            "You average over pixels. The squared error is summed over them.",
            lambda decode, z, x: _cost(decode, z, x) / x.shape[1],
        ),
        Mistake("You sum over images. Average over them.", _otherwise(over_images=np.sum)),
        Mistake(
            "You compare with the reconstruction. What counts is how far the result is from x.",
            _otherwise(against=False),
        ),
        Mistake(
            "The sign is turned round: a dimension that is worth something should cost more "
            "than 0.",
            lambda decode, z, x: -_cost(decode, z, x),
        ),
        Mistake(
            "You set the dimension to its median. Of all constants the mean is the one at which "
            "a linear decoder loses least.",
            _otherwise(np.median),
        ),
        Mistake(
            "Each code's number is replaced by that of another image. That shuffles the dimension, "
            "and counts its variance twice.",
            _otherwise(lambda column: np.roll(column, 1)),
        ),
    ],
)


# ---------------------------------------------------------------- turn a model


def _rotations(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Decode]]:
    for n, d, D in ((4, 3, 5), (6, 2, 4), (5, 4, 3), (3, 3, 3), (1, 2, 2), (2, 2, 6)):
        R = np.linalg.qr(rng.normal(size=(d, d)))[0]
        W = rng.normal(size=(d, D))
        yield R, rng.normal(size=(n, d)) + 0.5, follows(lambda z, W=W: np.tanh(z @ W))


def _turn(R: Array, z: Array, decode: Decode) -> Any:
    u = z @ R.T
    return u, decode(u @ R)


_Turned = Callable[[Array, Array, Decode], Any]


def _turned(there: Callable[[Array], Array], back: Callable[[Array], Array]) -> _Turned:
    """Return the function that multiplies the codes by one matrix, and what is decoded by two."""
    return lambda R, z, decode: (z @ there(R), decode(z @ there(R) @ back(R)))


def _elementwise(R: Array, z: Array, decode: Decode) -> Any:
    u = z * np.diag(R)
    return u, decode(u)


def _as_it_is(R: Array) -> Array:
    return R


def _inverse(R: Array) -> Array:
    return R.T


def _nothing(R: Array) -> Array:
    return np.eye(len(R))


turned_model = Exercise(
    "Turn a model",
    _turn,
    inputs=_rotations,
    about="R (d, d), z (N, d), decode (a function) -> (u (N, d), images (N, D)).",
    praise="Other codes, and not one pixel has changed.",
    mistakes=[
        Mistake(
            "Two things: the codes are in rows, so z @ R turns them by the inverse of R; and the "
            "decoder gets the turned codes as they are.",
            _turned(_as_it_is, _nothing),
        ),
        Mistake(
            "The codes are right. But the old decoder gets u, and expects z: the turned model's "
            "decoder turns back first.",
            _turned(_inverse, _nothing),
        ),
        Mistake(
            "The images are right, the codes are turned the wrong way round: with codes in rows, "
            "z @ R is the inverse of R for each of them.",
            _turned(_as_it_is, _inverse),
        ),
        Mistake(
            "The codes are right, but the decoder turns them once more in the same direction, "
            "not back.",
            _turned(_inverse, _inverse),
        ),
        Mistake(
            "Turned the wrong way round, and then once more: with codes in rows, z @ R is the "
            "inverse of R, and it takes R^T to undo it.",
            _turned(_as_it_is, _as_it_is),
        ),
        Mistake(
            "The images are the old ones, and so are the codes: nothing was turned.",
            _turned(_nothing, _nothing),
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
)
