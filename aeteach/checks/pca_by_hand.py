"""Checkers for the exercises of *PCA by hand*.

X holds a point in every row and a feature in every column. The inputs are not centred, their
features differ in size, and one of them is square, so that nothing is right by accident.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict

__all__ = [
    "centring",
    "covariance",
    "explained_variance",
    "paper_eigenvalues",
    "principal_axes",
    "projection",
    "reconstruction",
]

Array = NDArray[np.float64]
_MISFIT = "shapes that do not fit"


def _cloud(n: int, d: int, seed: int) -> Array:
    """Return n points of d features (n, d) whose means and spreads differ from one to the next."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(d, d)) * np.linspace(1, 3, d)
    return np.asarray(rng.normal(size=(n, d)) @ mix + np.linspace(4, -3, d))


def _axes(d: int, k: int, seed: int) -> Array:
    """Return k orthonormal columns (d, k)."""
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]
    return np.asarray(basis[:, :k])


def _fits(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a marker instead of raising where the shapes do not fit each other.

    A transposed factor runs on a square input and raises on any other. With the marker, the answer
    and the mistake agree there too, and the hint can name the mistake.
    """

    def run(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (ValueError, RuntimeError, IndexError):  # numpy's, torch's and indexing's misfits
            return _MISFIT

    return run


def _check(exercise: Exercise, answer: Callable[..., Any]) -> Verdict:
    """Check an answer; if it raised, look for a mistake that raises on the same inputs."""
    verdict = exercise.check(answer)
    known = {mistake.hint for mistake in exercise.mistakes}
    if verdict or verdict.hint in known or not callable(answer):
        return verdict
    second = exercise.check(_fits(answer))
    return second if second.hint in known else verdict


def _same(got: Any, want: Any) -> bool:
    """Compare shapes, and numbers to 1e-5 of the largest: what float32 leaves of a sum."""
    if isinstance(got, str) or isinstance(want, str):
        return isinstance(got, str) and isinstance(want, str) and got == want
    try:
        a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max(initial=0))


def _same_axes(got: Any, want: Any) -> bool:
    """Compare axes up to the sign of each; the inputs have k < D, so an axis is the longer side."""
    if isinstance(got, str) or isinstance(want, str):
        return _same(got, want)
    try:
        a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return False
    if a.shape != b.shape or a.ndim != 2 or not np.isfinite(a).all():
        return False
    along = 0 if a.shape[0] > a.shape[1] else 1
    return _same(a * np.where((a * b).sum(along, keepdims=True) < 0, -1, 1), b)


def _centre(X: Array) -> Array:
    return X - X.mean(0)


def _standardise(X: Array, ddof: int = 1) -> Array:
    return _centre(X) / X.std(0, ddof=ddof)


def _cov(X: Array) -> Array:
    C = _centre(X)
    return C.T @ C / (len(X) - 1)


def _falling(V: Array) -> tuple[Array, Array]:
    """Return eigenvalues (D,) and eigenvectors in columns (D, D), largest eigenvalue first."""
    values, vectors = np.linalg.eigh(V)
    return values[::-1], vectors[:, ::-1]


def _cumulative(values: Array) -> Array:
    return np.cumsum(values) / np.sum(values)


_CENTRING = Exercise(
    name="Centre it yourself",
    right=_centre,
    inputs=[(_cloud(6, 3, 1),), (_cloud(4, 4, 2),), (_cloud(9, 2, 3),)],
    mistakes=[
        Mistake(
            "These are the points as they came. What has to be taken away so that every column "
            "has mean 0?",
            lambda X: X,
        ),
        Mistake(
            "You subtract one number, the mean of the whole table. Each feature has a mean of "
            "its own.",
            lambda X: X - X.mean(),
        ),
        Mistake(
            "You centred the rows. A row is a point, a column is a feature; the mean that PCA "
            "needs is taken over the points.",
            lambda X: X - X.mean(1, keepdims=True),
        ),
        Mistake(
            "X.mean(1) has one number for each point. numpy lines it up with the columns, which "
            "runs only if X is square, and is wrong even then. Which axis counts the points?",
            _fits(lambda X: X - X.mean(1)),
        ),
        Mistake(
            "You also divided by the standard deviation. That is standardising; centring only "
            "moves the cloud.",
            _standardise,
        ),
        Mistake(
            "You also divided by the standard deviation (with divisor N). That is standardising; "
            "centring only moves the cloud.",
            lambda X: _standardise(X, 0),
        ),
        Mistake(
            "This is the mean itself. Return the points, seen from there.", lambda X: X.mean(0)
        ),
        Mistake(
            "The mean was added. Seen from the mean, a point at the mean has to lie at 0.",
            lambda X: X + X.mean(0),
        ),
        Mistake(
            "You subtract the median of each column. The deviations from it need not add up to 0.",
            lambda X: X - np.median(X, 0),
        ),
        Mistake(
            "You moved the cloud so that its smallest values lie at 0; its mean has to lie there.",
            lambda X: X - X.min(0),
        ),
    ],
    praise="Every column of every table now has mean 0, and no distance changed.",
    same=_same,
)


def centring(answer: Callable[[Any], Any]) -> Verdict:
    """Check a function that centres a cloud of points.

    Args:
        answer: takes X, (N, D); returns C = X - m, (N, D), with m the mean of the rows.
    """
    return _check(_CENTRING, answer)


_COVARIANCE = Exercise(
    name="Covariance from its definition",
    right=_cov,
    inputs=[(_cloud(7, 3, 4),), (_cloud(4, 4, 5),), (_cloud(12, 2, 6),)],
    mistakes=[
        Mistake(
            "The divisor is N. That is too small a variance on average: the mean came from the "
            "same points, which leaves one free deviation fewer.",
            lambda X: np.cov(X, rowvar=False, ddof=0),
        ),
        Mistake(
            "This is the sum over the points. A covariance is an average; what is the divisor?",
            lambda X: _cov(X) * (len(X) - 1),
        ),
        Mistake(
            "The divisor counts features. Count the points.",
            lambda X: _cov(X) * (len(X) - 1) / (X.shape[1] - 1),
        ),
        Mistake(
            "You multiplied before you centred. Without centring, the place of the cloud counts "
            "as spread.",
            lambda X: X.T @ X / (len(X) - 1),
        ),
        Mistake(
            "You multiplied before you centred, and the divisor is N.",
            lambda X: X.T @ X / len(X),
        ),
        Mistake(
            "C C^T compares points with points. A covariance compares features with features: "
            "it is as wide as the table has columns.",
            lambda X: _centre(X) @ _centre(X).T / (len(X) - 1),
        ),
        Mistake(
            "np.cov takes every row as a feature unless you tell it otherwise (rowvar).",
            np.cov,
        ),
        Mistake(
            "This is the correlation matrix: you divided by the standard deviations, and the "
            "units are gone.",
            lambda X: np.corrcoef(X, rowvar=False),
        ),
        Mistake(
            "These are the variances alone. The products of two different features are missing.",
            lambda X: X.var(0, ddof=1),
        ),
        Mistake(
            "The variances are right, but off the diagonal there are zeros. Those entries say "
            "which features vary together.",
            lambda X: np.diag(X.var(0, ddof=1)),
        ),
    ],
    praise="Symmetric, with the variances on its diagonal.",
    same=_same,
)


def covariance(answer: Callable[[Any], Any]) -> Verdict:
    """Check a function that returns the sample covariance.

    Args:
        answer: takes X, (N, D); returns V = C^T C / (N - 1), (D, D), with C the centred points.
    """
    return _check(_COVARIANCE, answer)


# Its covariance is diagonal with variances 1 : 9 : 4, an order that numpy's eig leaves alone.
_STEPS = np.diag([1.0, 3.0, 2.0])
_UNSORTED = np.vstack([_STEPS, -_STEPS]) + np.array([5.0, 1.0, 2.0])

_AXES = Exercise(
    name="Principal axes, in order",
    right=lambda X, k: _falling(_cov(X))[1][:, :k],
    inputs=[(_cloud(9, 4, 7), 2), (_UNSORTED, 2), (_cloud(12, 5, 8), 3)],
    mistakes=[
        Mistake(
            "These are the axes of least variance: eigh returns its eigenvalues in rising order.",
            lambda X, k: np.linalg.eigh(_cov(X))[1][:, :k],
        ),
        Mistake(
            "The right axes in the wrong order: the one of largest variance comes first.",
            lambda X, k: np.linalg.eigh(_cov(X))[1][:, -k:],
        ),
        Mistake(
            "Your axes come in the order in which eig left them, which is no order. Sort them "
            "by their eigenvalues.",
            lambda X, k: np.linalg.eig(_cov(X))[1][:, :k],
        ),
        Mistake(
            "Your axes are rows. Here every column is an axis: D numbers down, k axes across.",
            lambda X, k: _falling(_cov(X))[1][:, :k].T,
        ),
        Mistake(
            "You cut k rows out of the matrix of eigenvectors. An eigenvector is a column.",
            lambda X, k: _falling(_cov(X))[1][:k],
        ),
        Mistake(
            "You cut k rows out of the matrix of eigenvectors as eigh returns it. An eigenvector "
            "is a column.",
            lambda X, k: np.linalg.eigh(_cov(X))[1][:k],
        ),
        Mistake(
            "These are all the axes. The first k are asked for.", lambda X, k: _falling(_cov(X))[1]
        ),
        Mistake(
            "You forgot to centre: the first axis points from the origin to the cloud, not along "
            "it.",
            lambda X, k: _falling(X.T @ X)[1][:, :k],
        ),
        Mistake(
            "These are the axes of the standardised points. Standardising changes the directions.",
            lambda X, k: _falling(np.corrcoef(X, rowvar=False))[1][:, :k],
        ),
        Mistake(
            "You multiplied each axis by the square root of its eigenvalue. An axis has length 1.",
            lambda X, k: (_falling(_cov(X))[1] * np.sqrt(_falling(_cov(X))[0]))[:, :k],
        ),
        Mistake(
            "You multiplied each axis by its eigenvalue. An axis has length 1.",
            lambda X, k: (_falling(_cov(X))[1] * _falling(_cov(X))[0])[:, :k],
        ),
        Mistake(
            "These are the left singular vectors: one number for each point. An axis has one "
            "number for each feature.",
            lambda X, k: np.linalg.svd(_centre(X), full_matrices=False)[0][:, :k],
        ),
        Mistake(
            "These are the scores, the coordinates of the points along the axes. The axes "
            "themselves are asked for.",
            lambda X, k: _centre(X) @ _falling(_cov(X))[1][:, :k],
        ),
    ],
    praise="Unit length, largest variance first. The signs are yours: both are right.",
    same=_same_axes,
)


def principal_axes(answer: Callable[[Any, int], Any]) -> Verdict:
    """Check a function that returns the first k principal axes; the sign of each is free.

    Args:
        answer: takes X, (N, D), and k, from 1 to D; returns W, (D, k): in its columns the unit
            eigenvectors of the covariance that have the k largest eigenvalues, largest first.
    """
    return _check(_AXES, answer)


_PROJECTION = Exercise(
    name="Project onto the axes",
    right=lambda X, m, W: (X - m) @ W,
    # m is never the mean of X: it comes from the training points, X may be others.
    inputs=[
        (_cloud(6, 4, 9), np.array([1.0, -2.0, 0.5, 3.0]), _axes(4, 2, 10)),
        (_cloud(5, 3, 11), np.array([2.0, 1.0, -1.0]), _axes(3, 3, 12)),
        (_cloud(8, 5, 13), np.array([-1.0, 2.0, 4.0, 0.5, 1.0]), _axes(5, 1, 14)),
    ],
    mistakes=[
        Mistake(
            "You did not subtract m. The axes start at the mean, so positions are measured from "
            "there.",
            lambda X, m, W: X @ W,
        ),
        Mistake(
            "You centred X by its own mean. Use the m that is given: it belongs to the axes, and "
            "came from the training points.",
            lambda X, m, W: _centre(X) @ W,
        ),
        Mistake("You added m. Subtract it.", lambda X, m, W: (X + m) @ W),
        Mistake(
            "You subtracted m after the product. Before it, m has D numbers as a point has; "
            "after it, nothing fits.",
            _fits(lambda X, m, W: X @ W - m),
        ),
        Mistake(
            "You used the transpose of W. Its columns are the axes: the product with a point "
            "must sum over the D features.",
            _fits(lambda X, m, W: (X - m) @ W.T),
        ),
        Mistake(
            "Your scores lie on their side: points belong in rows, components in columns.",
            lambda X, m, W: ((X - m) @ W).T,
        ),
        Mistake(
            "You went on and rebuilt the points. Stop at the scores: k numbers a point.",
            lambda X, m, W: (X - m) @ W @ W.T + m,
        ),
        Mistake(
            "You went on to the shadows, seen from the mean. Stop at the scores: k numbers each.",
            lambda X, m, W: (X - m) @ W @ W.T,
        ),
    ],
    praise="k numbers for each point: this is what passes through the bottleneck.",
    same=_same,
)


def projection(answer: Callable[[Any, Any, Any], Any]) -> Verdict:
    """Check a function that projects points onto axes.

    Args:
        answer: takes X, (N, D), the mean m, (D,), of the training points, and axes W, (D, k),
            with orthonormal columns; returns the scores Z = (X - m) W, (N, k).
    """
    return _check(_PROJECTION, answer)


_RECONSTRUCTION = Exercise(
    name="Rebuild from the scores",
    right=lambda Z, m, W: Z @ W.T + m,
    inputs=[
        (_cloud(6, 2, 15), np.array([1.0, -2.0, 0.5, 3.0]), _axes(4, 2, 16)),
        (_cloud(3, 3, 17), np.array([2.0, 1.0, -1.0]), _axes(3, 3, 18)),
        (_cloud(8, 1, 19), np.array([-1.0, 2.0, 4.0, 0.5, 1.0]), _axes(5, 1, 20)),
    ],
    mistakes=[
        Mistake(
            "You forgot to add the mean back: your points lie around the origin.",
            lambda Z, m, W: Z @ W.T,
        ),
        Mistake(
            "You subtracted the mean a second time. On the way back it is added.",
            lambda Z, m, W: Z @ W.T - m,
        ),
        Mistake(
            "You used W where its transpose belongs. The scores are k numbers; they go in where "
            "the columns of W are counted.",
            _fits(lambda Z, m, W: Z @ W + m),
        ),
        Mistake(
            "You used W where its transpose belongs, and the mean is still missing.",
            _fits(lambda Z, m, W: Z @ W),
        ),
        Mistake(
            "You added the mean before the product. The scores have k numbers, the mean has D.",
            _fits(lambda Z, m, W: (Z + m) @ W.T),
        ),
        Mistake(
            "Your points lie on their side: points belong in rows, features in columns.",
            lambda Z, m, W: (Z @ W.T + m).T,
        ),
        Mistake(
            "You added the mean of the scores. Add the mean of the points, m.",
            lambda Z, m, W: Z @ W.T + Z.mean(),
        ),
        Mistake(
            "You cut the result to the range from 0 to 1. That may suit a picture, but it is no "
            "longer the point of the plane that the scores stand for.",
            lambda Z, m, W: np.clip(Z @ W.T + m, 0, 1),
        ),
    ],
    praise="D numbers again, the nearest that the plane has to offer.",
    same=_same,
)


def reconstruction(answer: Callable[[Any, Any, Any], Any]) -> Verdict:
    """Check a function that rebuilds points from their scores.

    Args:
        answer: takes scores Z, (N, k), the mean m, (D,), and axes W, (D, k), with orthonormal
            columns; returns the rebuilt points X_hat = Z W^T + m, (N, D).
    """
    return _check(_RECONSTRUCTION, answer)


def _variances(X: Array) -> Array:
    return np.maximum(_falling(_cov(X))[0], 0)  # rounding makes a 0 slightly negative


_EXPLAINED = Exercise(
    name="Explained variance",
    right=lambda X: _cumulative(_variances(X)),
    inputs=[(_cloud(8, 3, 21),), (_cloud(5, 5, 22),), (_cloud(20, 4, 23),)],
    mistakes=[
        Mistake(
            "This is the share of each component by itself. Asked for is the share of the first "
            "k together.",
            lambda X: _variances(X) / _variances(X).sum(),
        ),
        Mistake(
            "You added standard deviations: singular values, or roots of eigenvalues. "
            "Variances add up, standard deviations do not.",
            lambda X: _cumulative(np.sqrt(_variances(X))),
        ),
        Mistake(
            "You started with the smallest eigenvalue: eigh returns them in rising order.",
            lambda X: _cumulative(_variances(X)[::-1]),
        ),
        Mistake(
            "These are variances, in squared units. A share has none: what do you divide by?",
            lambda X: np.cumsum(_variances(X)),
        ),
        Mistake(
            "These are per cent. Return shares, from 0 to 1.",
            lambda X: 100 * _cumulative(_variances(X)),
        ),
        Mistake(
            "This is what is left over after k components. Asked for is what they explain.",
            lambda X: 1 - _cumulative(_variances(X)),
        ),
        Mistake(
            "You forgot to centre. Now the first component explains where the cloud lies, not "
            "how it varies.",
            lambda X: _cumulative(_falling(X.T @ X)[0]),
        ),
        Mistake(
            "You standardised first. That gives every feature the same variance, and other shares.",
            lambda X: _cumulative(_falling(np.corrcoef(X, rowvar=False))[0]),
        ),
        Mistake(
            "You added up the variances of the features, not those along the principal axes.",
            lambda X: _cumulative(X.var(0)),
        ),
        Mistake(
            "You added up the sorted variances of the features, not those along the principal "
            "axes.",
            lambda X: _cumulative(np.sort(X.var(0))[::-1]),
        ),
    ],
    praise="The shares rise, never faster than before, and end at 1.",
    same=_same,
)


def explained_variance(answer: Callable[[Any], Any]) -> Verdict:
    """Check a function that returns how much variance the first k components explain.

    Args:
        answer: takes X, (N, D), N at least D; returns shares, (D,), from 0 to 1: entry k - 1 is
            the variance along the first k principal axes together, divided by the total variance.
    """
    return _check(_EXPLAINED, answer)


_PAPER = Quantity(
    name="PCA on paper",
    right=np.array([6.0, 2.0]),
    mistakes=[
        (np.array([2.0, 6.0]), "Both are right. Name the larger one first."),
        (
            np.array([4.0, 4 / 3]),
            "The divisor of your covariance is the number of points. One free deviation fewer "
            "is left after centring.",
        ),
        (
            np.array([12.0, 4.0]),
            "You did not divide the sums of products. A covariance is an average.",
        ),
        (np.array([33.0, 2.0]), "You did not centre before you multiplied."),
        (np.array([22.0, 4 / 3]), "You did not centre, and the divisor is the number of points."),
        (
            np.array([4.0, 4.0]),
            "This is the diagonal of the covariance. It holds the eigenvalues only if all the "
            "other entries are 0.",
        ),
        (
            np.array([1.5, 0.5]),
            "These are the eigenvalues of the correlation matrix: you standardised.",
        ),
        (
            np.sqrt([6.0, 2.0]),
            "These are standard deviations, the square roots of what is asked for.",
        ),
        (
            np.array([0.75, 0.25]),
            "These are shares of the variance. Asked for are the eigenvalues themselves.",
        ),
    ],
    praise="Their sum is the trace of the covariance and their product its determinant.",
)


def paper_eigenvalues(answer: Any) -> Verdict:
    """Check the two eigenvalues of the covariance (ddof 1) of the points (1, 1), (3, 5), (5, 3).

    Args:
        answer: two numbers, the larger first.
    """
    return _PAPER.check(answer)
