"""The exercises of *The linear autoencoder is PCA*."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._agree import agree, numbers
from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]

# ---------------------------------------------------------------- parameters

linear_parameters = Quantity(
    "Count the parameters",
    784 * 10 + 10 + 10 * 784 + 784,
    about="how many parameters a linear autoencoder has: 28x28 images, 10 latent numbers.",
    praise="Two matrices and two bias vectors, and nearly all of it is in the matrices.",
    digits=None,
    mistakes=[
        (
            2 * 784 * 10,
            "The two matrices are right. Each layer also adds a number to every output.",
        ),
        (784 * 10 + 10, "That is the encoder. Training changes the decoder as well."),
        (784 * 10 + 784, "That is the decoder. Training changes the encoder as well."),
        (
            2 * 784 * 10 + 784,
            "One bias vector is missing: the one that is added in the bottleneck.",
        ),
        (2 * 784 * 10 + 10, "One bias vector is missing: the one that is added to the pixels."),
        (2 * (784 * 10 + 10), "The decoder's bias is as long as the decoder's output."),
        (
            784 * 10 + 10 + 784,
            "You counted one matrix. Untied, there are two, and both are trained.",
        ),
        (
            1024 * 10 + 10 + 10 * 1024 + 1024,
            "That is for images of 32 by 32 pixels. Here they have 28 by 28.",
        ),
        (784 * 2 + 2 + 2 * 784 + 784, "That is for 2 latent numbers. Here there are 10."),
    ],
)

# ---------------------------------------------------------------- squared error


def _images(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for n, h, w in ((3, 4, 3), (5, 2, 2), (2, 3, 5), (1, 4, 4), (4, 4, 4), (7, 1, 2)):
        x, x_hat = rng.uniform(size=(2, n, 1, h, w))
        yield x, 0.8 * x_hat + 0.4  # off on average, so that a forgotten square shows
    x = rng.uniform(size=(3, 1, 2, 2))
    yield x, x.copy()
    yield x, x + 1e-3


def _squared_error(x: Array, x_hat: Array) -> Any:
    return ((x - x_hat) ** 2).sum(axis=(1, 2, 3)).mean()


def _per_image(x: Array, x_hat: Array) -> Any:
    return np.square(x - x_hat).sum((1, 2, 3))


squared_error = Exercise(
    "Squared error an image",
    _squared_error,
    inputs=_images,
    about="x, x_hat (N, 1, H, W) -> squared error, summed over pixels, averaged over images.",
    praise="Summed over pixels, averaged over images: the unit is squared grey values an image.",
    mistakes=[
        Mistake(
            "You averaged over the pixels too. Then the number no longer is the error of an "
            "image, but that of a pixel.",
            lambda x, x_hat: np.square(x - x_hat).mean(),
        ),
        Mistake(
            "You added up the images as well, so a larger batch looks worse. Over which axis must "
            "the average go?",
            lambda x, x_hat: np.square(x - x_hat).sum(),
        ),
        Mistake(
            "Sum and mean are swapped: you averaged over pixels and added up the images.",
            lambda x, x_hat: np.square(x - x_hat).mean((1, 2, 3)).sum(),
        ),
        Mistake(
            "That is one number for each image. The loss is one number for the batch.",
            _per_image,
        ),
        *(
            Mistake(
                "The differences are not squared, so too bright and too dark cancel.",
                lambda x, x_hat, sign=sign: sign * (x - x_hat).sum((1, 2, 3)).mean(),
            )
            for sign in (1, -1)
        ),
        Mistake(
            "You took the size of each difference, not its square.",
            lambda x, x_hat: np.abs(x - x_hat).sum((1, 2, 3)).mean(),
        ),
        Mistake(
            "There is a square root too many: you return a distance, not a squared error.",
            lambda x, x_hat: np.sqrt(_per_image(x, x_hat)).mean(),
        ),
        Mistake(
            "There is a square root too many, taken at the end.",
            lambda x, x_hat: np.sqrt(_squared_error(x, x_hat)),
        ),
        Mistake(
            "There is a factor of one half that our loss does not have.",
            lambda x, x_hat: _squared_error(x, x_hat) / 2,
        ),
    ],
)

# ---------------------------------------------------------------- principal angles


def _planes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield short columns: every wrong cosine is below 1, so a mistake gives numbers, not NaN."""
    for D, a, b in ((7, 2, 2), (8, 3, 2), (6, 2, 3), (5, 1, 1), (9, 3, 3), (4, 1, 2)):
        A = rng.normal(size=(D, a)) @ (np.eye(a) + 0.4 * rng.normal(size=(a, a)))
        yield 0.15 * A, 0.15 * rng.normal(size=(D, b))


def _angles(A: Array, B: Array) -> Any:
    Q1 = np.linalg.qr(A)[0]
    Q2 = np.linalg.qr(B)[0]
    cosines = np.linalg.svd(Q1.T @ Q2, compute_uv=False)
    return np.rad2deg(np.arccos(np.clip(cosines, 0, 1)))


def _cosines(A: Array, B: Array) -> Any:
    return np.cos(np.deg2rad(_angles(A, B)))


def _unit(A: Array) -> Array:
    return np.asarray(A / np.linalg.norm(A, axis=0))


def _degrees(cosines: Array) -> Any:
    return np.rad2deg(np.arccos(np.clip(cosines, -1, 1)))


def _column_angles(A: Array, B: Array) -> Any:
    pairs = zip(_unit(A).T, _unit(B).T, strict=False)
    return _degrees(np.array([a @ b for a, b in pairs]))


principal_angles = Exercise(
    "Principal angles",
    _angles,
    inputs=_planes,
    about="A (D, a), B (D, b) -> principal angles of their column spaces, degrees, ascending.",
    praise="Your angles do not depend on the bases, only on the planes: that is the point.",
    tolerance=5,
    mistakes=[
        Mistake(
            "The angles are in radians. How many degrees is pi?",
            lambda A, B: np.deg2rad(_angles(A, B)),
        ),
        Mistake("These are cosines. One step is left: from a cosine to its angle.", _cosines),
        Mistake(
            "These are the complements of the angles: you took a cosine for a sine.",
            lambda A, B: 90 - _angles(A, B),
        ),
        Mistake(
            "The angles are right and in the wrong order. Which one comes first?",
            lambda A, B: _angles(A, B)[::-1],
        ),
        Mistake(
            "The columns you multiply have neither length 1 nor right angles between them. "
            "What must a basis be, so that dot products are cosines?",
            lambda A, B: _degrees(np.linalg.svd(A.T @ B, compute_uv=False)),
        ),
        Mistake(
            "You gave each column length 1, but the columns of one matrix still lean on each "
            "other. Length is half of what a good basis needs.",
            lambda A, B: np.rad2deg(
                np.arccos(np.linalg.svd(_unit(A).T @ _unit(B), compute_uv=False))
            ),
        ),
        Mistake(
            "You gave each column length 1, but the columns of one matrix still lean on each "
            "other. Length is half of what a good basis needs.",
            lambda A, B: _degrees(np.linalg.svd(_unit(A).T @ _unit(B), compute_uv=False)),
        ),
        Mistake(
            "Those are angles between columns. They change when the same plane gets another "
            "basis; the angle between planes must not.",
            _column_angles,
        ),
    ],
)

# ---------------------------------------------------------------- change of basis


def _models(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array, Array]]:
    for D, d in ((5, 2), (6, 3), (4, 4), (3, 1), (7, 2), (3, 3)):
        T = rng.normal(size=(d, d)) + 2 * np.eye(d)
        yield rng.normal(size=(d, D)), rng.normal(size=d), rng.normal(size=(D, d)), T


def _change(W1: Array, b1: Array, W2: Array, T: Array) -> Any:
    return T @ W1, T @ b1, W2 @ np.linalg.inv(T)


change_of_basis = Exercise(
    "Same output, another code",
    _change,
    inputs=_models,
    about="W1 (d, D), b1 (d,), W2 (D, d), T (d, d) -> (W1, b1, W2) of the same model with the "
    "code T z.",
    praise="Another model with the same output, and so with the same error. There is one for "
    "every invertible matrix.",
    tolerance=5,
    mistakes=[
        Mistake(
            "The encoder's bias is part of the code. It was left as it was, so the output moves "
            "by a constant.",
            lambda W1, b1, W2, T: (T @ W1, b1, W2 @ np.linalg.inv(T)),
        ),
        Mistake(
            "The decoder is as it was, so it reads the new code as if it were the old one.",
            lambda W1, b1, W2, T: (T @ W1, T @ b1, W2),
        ),
        Mistake(
            "Encoder and decoder now both apply T. The decoder must undo what the encoder did.",
            lambda W1, b1, W2, T: (T @ W1, T @ b1, W2 @ T),
        ),
        Mistake(
            "The transpose undoes T only if T is a rotation. Here it may be any invertible matrix.",
            lambda W1, b1, W2, T: (T @ W1, T @ b1, W2 @ T.T),
        ),
        Mistake(
            "The output stays the same, but the new code is not T z: encoder and decoder are "
            "swapped.",
            lambda W1, b1, W2, T: (np.linalg.inv(T) @ W1, np.linalg.inv(T) @ b1, W2 @ T),
        ),
    ],
)

# ---------------------------------------------------------------- principal axes


def _decoders_and_codes(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for D, d, n in ((6, 2, 20), (7, 3, 30), (5, 2, 9), (8, 4, 25), (4, 3, 12)):
        codes = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3 * rng.normal(size=d)
        yield rng.normal(size=(D, d)), codes


def _axes(W2: Array, Z: Array) -> Any:
    X = Z @ W2.T
    vectors = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2]
    return vectors[: Z.shape[1]].T


def _directions(X: Array) -> Any:
    """Return the eigenvectors of the covariance of the rows of X as columns, largest first."""
    return np.linalg.eigh(np.atleast_2d(np.cov(X.T)))[1][:, ::-1]


def _lengths(W2: Array, Z: Array) -> Any:
    X = Z @ W2.T
    return np.linalg.svd(X - X.mean(0), compute_uv=False)[: Z.shape[1]]


def _same_up_to_sign(got: Any, want: Any) -> bool:
    """Compare axes up to the sign of each; the inputs have d < D, so an axis is the longer side."""
    a, b = numbers(got), numbers(want)
    if a is None or b is None or a.shape != b.shape or a.ndim != 2:
        return False
    along = 0 if a.shape[0] > a.shape[1] else 1
    return agree(a * np.where((a * b).sum(along, keepdims=True) < 0, -1, 1), b, 20)


axes_from_weights = Exercise(
    "Principal axes from a trained model",
    _axes,
    inputs=_decoders_and_codes,
    about="W2 (D, d), Z (N, d) -> the principal directions as columns, (D, d), by falling "
    "variance; the sign of each is free.",
    praise="Orthogonal, of length 1, largest variance first: these are PCA's own directions.",
    same=_same_up_to_sign,
    mistakes=[
        Mistake(
            "You return an orthonormal basis of the right plane. But which directions in the "
            "plane have the largest variance? Only the codes know.",
            lambda W2, Z: np.linalg.qr(W2)[0],
        ),
        Mistake(
            "You used the decoder alone. It knows the plane, not how the data lie in it: without "
            "a weight penalty its singular vectors mean nothing.",
            lambda W2, Z: np.linalg.svd(W2, full_matrices=False)[0],
        ),
        Mistake(
            "You took the axes of the codes as they are, and the decoder then bends them: its "
            "columns have other lengths and lean on each other.",
            lambda W2, Z: W2 @ _directions(Z),
        ),
        Mistake(
            "You took the axes of the codes, and then gave them length 1. They still lean on each "
            "other, for the decoder's columns do.",
            lambda W2, Z: _unit(W2 @ _directions(Z)),
        ),
        Mistake(
            "One factor is lost: written in an orthonormal basis of the plane, a point is no "
            "longer its code z.",
            lambda W2, Z: np.linalg.qr(W2)[0] @ _directions(Z),
        ),
        Mistake(
            "The directions are right, the order is not: the largest variance comes first.",
            lambda W2, Z: _axes(W2, Z)[:, ::-1],
        ),
        Mistake(
            "The directions are right, but they are rows. Return them as columns.",
            lambda W2, Z: _axes(W2, Z).T,
        ),
        *(
            Mistake(
                "The directions are right, their lengths are not 1 but standard deviations.",
                lambda W2, Z, less=less: _axes(W2, Z) * _lengths(W2, Z) / np.sqrt(len(Z) - less),
            )
            for less in (0, 1)
        ),
        Mistake(
            "The codes have a mean, and it counts as variance here. Centre first.",
            lambda W2, Z: np.linalg.svd(Z @ W2.T, full_matrices=False)[2][: Z.shape[1]].T,
        ),
    ],
)

# ---------------------------------------------------------------- penalty

shrinkage = Quantity(
    "What a penalty leaves",
    0.75,
    about="the share of a direction that survives a penalty of 1 when its variance is 4.",
    praise="Strong directions lose little, weak ones much, and those below the penalty vanish.",
    mistakes=[
        (0.25, "That is the share which is lost."),
        (0.75**0.5, "That is the singular value of one matrix. Two matrices act in turn."),
        (0.5, "Take the ratio of penalty to variance; the variance is the square already."),
        (0.8, "That is the shrinkage of ridge regression. Here both matrices are penalised."),
        (3.0, "That is how much variance is left over. The question is for a share, at most 1."),
        (1.0, "Without a penalty, yes. With one, a little less."),
        (0.75**2, "You squared the share; the variance shrinks like this, a length does not."),
    ],
)

# ---------------------------------------------------------------- gradient


def _points(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    for D in (3, 2, 4, 1, 5, 3):
        root = rng.normal(size=(D, D))
        yield rng.normal(size=D), root @ root.T / D + np.eye(D)
    yield 3 * rng.normal(size=2), np.diag([3.0, 1.0])


def _gradient(w: Array, S: Array) -> Any:
    return -4 * S @ w + 2 * (w @ S @ w) * w + 2 * (w @ w) * (S @ w)


tied_gradient = Exercise(
    "Gradient of the tied loss",
    _gradient,
    inputs=_points,
    about="w (D,), S (D, D) -> the gradient of tr S - 2 w^T S w + (w^T w)(w^T S w), (D,).",
    praise="It is zero at w = 0 and at every eigenvector of length 1, and nowhere else.",
    tolerance=10,  # finite differences are right as well
    mistakes=[
        Mistake(
            "Every number has the wrong sign: this is the direction to walk in, the gradient "
            "points the other way.",
            lambda w, S: -_gradient(w, S),
        ),
        Mistake(
            "In the last term you differentiated one factor of the product and forgot w^T w, "
            "which depends on w as well.",
            lambda w, S: _gradient(w, S) - 2 * (w @ S @ w) * w,
        ),
        Mistake(
            "In the last term you differentiated w^T w and forgot the other factor of the product.",
            lambda w, S: _gradient(w, S) - 2 * (w @ w) * (S @ w),
        ),
        Mistake(
            "This is the gradient for the encoder, with the decoder held still. Tied weights move "
            "both at once.",
            lambda w, S: -2 * S @ w + 2 * (w @ w) * (S @ w),
        ),
        Mistake(
            "This is the gradient for the decoder, with the encoder held still. Tied weights move "
            "both at once.",
            lambda w, S: -2 * S @ w + 2 * (w @ S @ w) * w,
        ),
        Mistake(
            "You took S w as the gradient of w^T S w. In w^T S w the vector stands twice.",
            lambda w, S: -2 * S @ w + 2 * (w @ S @ w) * w + (w @ w) * (S @ w),
        ),
        Mistake(
            "The last term is missing: this is the gradient of the middle one alone.",
            lambda w, S: -4 * S @ w,
        ),
        Mistake(
            "Every number is half of what it should be.",
            lambda w, S: _gradient(w, S) / 2,
        ),
    ],
)
