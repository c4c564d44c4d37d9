"""The exercises of *PCA by hand*.

X holds a point in every row and a feature in every column. The inputs are not centred, their
features differ in size, and some of them are square, so that nothing is right by accident.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._agree import agree, numbers
from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]
_SHAPES = ((6, 3), (7, 4), (4, 4), (5, 2), (2, 2), (9, 5), (3, 3), (12, 2), (25, 3), (6, 6))


def _cloud(rng: np.random.Generator, n: int, d: int, scale: float = 1.0) -> Array:
    """Return n points of d features (n, d) whose means and spreads differ from one to the next."""
    mix = rng.normal(size=(d, d)) * np.linspace(1, 3, d)
    return np.asarray(scale * (rng.normal(size=(n, d)) @ mix + np.linspace(4, -3, d)))


def _axes(rng: np.random.Generator, d: int, k: int) -> Array:
    """Return k orthonormal columns (d, k)."""
    return np.asarray(np.linalg.qr(rng.normal(size=(d, d)))[0][:, :k])


def _clouds(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    for n, d in _SHAPES:
        yield (_cloud(rng, n, d),)
    yield (_cloud(rng, 7, 3, 1e-6),)
    yield (_cloud(rng, 5, 4, 1e6),)
    yield (np.array([[1.0, 2.0], [1.0, 2.0], [3.0, -2.0]]),)


def _centre(X: Array) -> Array:
    m = X.mean(axis=0)
    return X - m


centring = Exercise(
    "Centre it yourself",
    _centre,
    inputs=_clouds,
    about="X (N, D) -> C = X - m, (N, D), with m the mean of the rows.",
    praise="Every column of every table now has mean 0, and no distance changed.",
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
            lambda X: X - X.mean(1),
        ),
        *(
            Mistake(
                "You also divided by the standard deviation. That is standardising; centring only "
                "moves the cloud.",
                lambda X, ddof=ddof: (X - X.mean(0)) / X.std(0, ddof=ddof),
            )
            for ddof in (0, 1)
        ),
        Mistake(
            "This is the mean itself. Return the points, seen from there.", lambda X: X.mean(0)
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
)


def _cov(X: Array) -> Array:
    C = X - X.mean(axis=0)
    return C.T @ C / (len(X) - 1)


covariance = Exercise(
    "Covariance from its definition",
    _cov,
    inputs=_clouds,
    about="X (N, D) -> V = C^T C / (N - 1), (D, D), with C the centred points.",
    praise="Symmetric, with the variances on its diagonal.",
    mistakes=[
        Mistake(
            "The divisor is N. That is too small a variance on average: the mean came from the "
            "same points, which leaves one free deviation fewer.",
            lambda X: np.cov(X, rowvar=False, ddof=0).reshape(X.shape[1], -1),
        ),
        Mistake(
            "This is the sum over the points. A covariance is an average; what is the divisor?",
            lambda X: _cov(X) * (len(X) - 1),
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
)

# Its covariance is diagonal with variances 1 : 9 : 4, an order that numpy's eig leaves alone.
_STEPS = np.diag([1.0, 3.0, 2.0])
_UNSORTED = np.vstack([_STEPS, -_STEPS]) + np.array([5.0, 1.0, 2.0])


def _clouds_and_k(rng: np.random.Generator) -> Iterator[tuple[Array, int]]:
    yield _cloud(rng, 9, 4), 2
    yield _UNSORTED, 2
    for n, d, k in ((12, 5, 3), (6, 3, 1), (8, 4, 3), (5, 2, 1), (7, 6, 2), (30, 5, 4)):
        yield _cloud(rng, n, d), k
    yield _cloud(rng, 10, 3, 1e-4), 2
    yield _cloud(rng, 10, 3, 1e4), 2


def _principal_axes(X: Array, k: int) -> Array:
    C = X - X.mean(axis=0)
    V = C.T @ C / (len(X) - 1)
    vectors = np.linalg.eigh(V)[1]
    return vectors[:, ::-1][:, :k]


def _same_axes(got: Any, want: Any) -> bool:
    """Compare axes up to the sign of each; the inputs have k < D, so an axis is the longer side."""
    a, b = numbers(got), numbers(want)
    if a is None or b is None or a.shape != b.shape or a.ndim != 2:
        return False
    along = 0 if a.shape[0] > a.shape[1] else 1
    return agree(a * np.where((a * b).sum(along, keepdims=True) < 0, -1, 1), b, 20)


def _all_axes(V: Array) -> Array:
    return np.linalg.eigh(V)[1][:, ::-1]


principal_axes = Exercise(
    "Principal axes, in order",
    _principal_axes,
    inputs=_clouds_and_k,
    about="X (N, D) and k, from 1 to D -> W (D, k): in its columns the unit eigenvectors of the "
    "covariance that have the k largest eigenvalues, largest first; the sign of each is free.",
    praise="Unit length, largest variance first. The signs are yours: both are right.",
    same=_same_axes,
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
            lambda X, k: _all_axes(_cov(X))[:, :k].T,
        ),
        Mistake(
            "You cut k rows out of the matrix of eigenvectors. An eigenvector is a column.",
            lambda X, k: _all_axes(_cov(X))[:k],
        ),
        Mistake(
            "You cut k rows out of the matrix of eigenvectors as eigh returns it. An eigenvector "
            "is a column.",
            lambda X, k: np.linalg.eigh(_cov(X))[1][:k],
        ),
        Mistake(
            "These are all the axes. The first k are asked for.", lambda X, k: _all_axes(_cov(X))
        ),
        Mistake(
            "You forgot to centre: the first axis points from the origin to the cloud, not along "
            "it.",
            lambda X, k: _all_axes(X.T @ X)[:, :k],
        ),
        Mistake(
            "These are the axes of the standardised points. Standardising changes the directions.",
            lambda X, k: _all_axes(np.corrcoef(X, rowvar=False))[:, :k],
        ),
        *(
            Mistake(
                f"You multiplied each axis by {word}. An axis has length 1.",
                lambda X, k, p=power: (_all_axes(_cov(X)) * _variances(X) ** p)[:, :k],
            )
            for word, power in (("the square root of its eigenvalue", 0.5), ("its eigenvalue", 1))
        ),
        Mistake(
            "These are the left singular vectors: one number for each point. An axis has one "
            "number for each feature.",
            lambda X, k: np.linalg.svd(_centre(X), full_matrices=False)[0][:, :k],
        ),
        Mistake(
            "These are the scores, the coordinates of the points along the axes. The axes "
            "themselves are asked for.",
            lambda X, k: _centre(X) @ _all_axes(_cov(X))[:, :k],
        ),
    ],
)


def _points_and_axes(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    """Yield points, a mean that is not theirs (it comes from the training points), and axes."""
    for n, d, k in ((6, 4, 2), (5, 3, 3), (4, 4, 4), (8, 5, 1), (1, 3, 2), (7, 2, 2), (2, 6, 3)):
        yield _cloud(rng, n, d), rng.normal(0, 2, d), _axes(rng, d, k)
    yield _cloud(rng, 5, 4, 1e-5), rng.normal(0, 1e-5, 4), _axes(rng, 4, 2)
    yield _cloud(rng, 5, 4, 1e5), rng.normal(0, 1e5, 4), _axes(rng, 4, 2)


projection = Exercise(
    "Project onto the axes",
    lambda X, m, W: (X - m) @ W,
    inputs=_points_and_axes,
    about="X (N, D), the mean m (D,) of the training points, and axes W (D, k) with orthonormal "
    "columns -> the scores Z = (X - m) W, (N, k).",
    praise="k numbers for each point: this is what passes through the bottleneck.",
    rows=(0,),
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
        Mistake(
            "You subtracted m after the product. Before it, m has D numbers as a point has; "
            "after it, nothing fits.",
            lambda X, m, W: X @ W - m,
        ),
        Mistake(
            "You used the transpose of W. Its columns are the axes: the product with a point "
            "must sum over the D features.",
            lambda X, m, W: (X - m) @ W.T,
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
)


def _scores_and_axes(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    for n, d, k in ((6, 4, 2), (3, 3, 3), (5, 5, 5), (8, 5, 1), (1, 3, 2), (7, 2, 2), (2, 6, 3)):
        yield _cloud(rng, n, k), rng.normal(0, 2, d), _axes(rng, d, k)
    yield _cloud(rng, 5, 2, 1e-5), rng.normal(0, 1e-5, 4), _axes(rng, 4, 2)
    yield _cloud(rng, 5, 2, 1e5), rng.normal(0, 1e5, 4), _axes(rng, 4, 2)


reconstruction = Exercise(
    "Rebuild from the scores",
    lambda Z, m, W: Z @ W.T + m,
    inputs=_scores_and_axes,
    about="scores Z (N, k), the mean m (D,), and axes W (D, k) with orthonormal columns -> the "
    "rebuilt points X_hat = Z W^T + m, (N, D).",
    praise="D numbers again, the nearest that the plane has to offer.",
    rows=(0,),
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
            lambda Z, m, W: Z @ W + m,
        ),
        Mistake(
            "You used W where its transpose belongs, and the mean is still missing.",
            lambda Z, m, W: Z @ W,
        ),
        Mistake(
            "You added the mean before the product. The scores have k numbers, the mean has D.",
            lambda Z, m, W: (Z + m) @ W.T,
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
)


def _variances(X: Array) -> Array:
    """Return the variances along the principal axes, the largest first."""
    V = np.atleast_2d(np.cov(X, rowvar=False))
    return np.maximum(np.linalg.eigvalsh(V)[::-1], 0)  # rounding makes a 0 slightly negative


def _explained(X: Array) -> Array:
    C = X - X.mean(axis=0)
    values = np.linalg.eigvalsh(C.T @ C)[::-1]
    return np.cumsum(values) / np.sum(values)


def _shares(of: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda X: np.cumsum(of(X)) / np.sum(of(X))


def _tall_clouds(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    for n, d in ((8, 3), (5, 5), (20, 4), (6, 2), (9, 6), (3, 3), (7, 2)):
        yield (_cloud(rng, n, d),)
    yield (_cloud(rng, 9, 3, 1e-3),)
    yield (_cloud(rng, 9, 3, 1e4),)


explained_variance = Exercise(
    "Explained variance",
    _explained,
    inputs=_tall_clouds,
    about="X (N, D), N at least D -> shares (D,), from 0 to 1: entry k - 1 is the variance along "
    "the first k principal axes together, divided by the total variance.",
    praise="The shares rise, never faster than before, and end at 1.",
    mistakes=[
        Mistake(
            "This is the share of each component by itself. Asked for is the share of the first "
            "k together.",
            lambda X: _variances(X) / _variances(X).sum(),
        ),
        Mistake(
            "You added standard deviations: singular values, or roots of eigenvalues. "
            "Variances add up, standard deviations do not.",
            _shares(lambda X: np.sqrt(_variances(X))),
        ),
        Mistake(
            "You started with the smallest eigenvalue: eigh returns them in rising order.",
            _shares(lambda X: _variances(X)[::-1]),
        ),
        Mistake(
            "These are variances, in squared units. A share has none: what do you divide by?",
            lambda X: np.cumsum(_variances(X)),
        ),
        Mistake(
            "This is what is left over after k components. Asked for is what they explain.",
            lambda X: 1 - _explained(X),
        ),
        Mistake(
            "You forgot to centre. Now the first component explains where the cloud lies, not "
            "how it varies.",
            _shares(lambda X: np.linalg.eigvalsh(X.T @ X)[::-1]),
        ),
        Mistake(
            "You standardised first. That gives every feature the same variance, and other shares.",
            _shares(lambda X: np.linalg.eigvalsh(np.atleast_2d(np.corrcoef(X.T)))[::-1]),
        ),
        Mistake(
            "You added up the variances of the features, not those along the principal axes.",
            _shares(lambda X: X.var(0)),
        ),
        Mistake(
            "You added up the sorted variances of the features, not those along the principal "
            "axes.",
            _shares(lambda X: np.sort(X.var(0))[::-1]),
        ),
    ],
)

paper_eigenvalues = Quantity(
    "PCA on paper",
    (6.0, 2.0),
    about="The two eigenvalues of the covariance (ddof 1) of the points (1, 1), (3, 5), (5, 3), "
    "the larger first.",
    praise="Their sum is the trace of the covariance and their product its determinant.",
    mistakes=[
        ((2.0, 6.0), "Both are right. Name the larger one first."),
        (
            (4.0, 4 / 3),
            "The divisor of your covariance is the number of points. One free deviation fewer "
            "is left after centring.",
        ),
        (
            (12.0, 4.0),
            "You did not divide the sums of products. A covariance is an average.",
        ),
        ((33.0, 2.0), "You did not centre before you multiplied."),
        ((22.0, 4 / 3), "You did not centre, and the divisor is the number of points."),
        (
            (4.0, 4.0),
            "This is the diagonal of the covariance. It holds the eigenvalues only if all the "
            "other entries are 0.",
        ),
        ((1.5, 0.5), "These are the eigenvalues of the correlation matrix: you standardised."),
        (
            (6.0**0.5, 2.0**0.5),
            "These are standard deviations, the square roots of what is asked for.",
        ),
        (
            (0.75, 0.25),
            "These are shares of the variance. Asked for are the eigenvalues themselves.",
        ),
    ],
)
