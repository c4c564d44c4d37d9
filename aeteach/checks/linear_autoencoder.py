r"""Checkers for the exercises of *The linear autoencoder is PCA*."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict, agree

__all__ = [
    "axes_from_weights",
    "change_of_basis",
    "linear_parameters",
    "principal_angles",
    "shrinkage",
    "squared_error",
    "tied_gradient",
]

Array = NDArray[Any]


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


def linear_parameters(answer: Any) -> Verdict:
    """Check how many parameters a linear autoencoder has: 28x28 images, 10 latent numbers."""
    return _PARAMETERS.check(answer)


def squared_error(answer: Any) -> Verdict:
    """Check a function (x, x_hat) -> squared error, summed over pixels, averaged over images."""
    return _SQUARED_ERROR.check(answer)


def principal_angles(answer: Any) -> Verdict:
    """Check a function (A, B) -> principal angles of their column spaces, degrees, ascending."""
    return _ANGLES.check(answer)


def change_of_basis(answer: Any) -> Verdict:
    """Check a function (W1, b1, W2, T) -> (W1, b1, W2) of the same model with the code T z."""
    return _CHANGE_OF_BASIS.check(answer)


def axes_from_weights(answer: Any) -> Verdict:
    """Check a function (W2, Z) -> principal directions as columns, by falling variance."""
    return _AXES.check(answer)


def shrinkage(answer: Any) -> Verdict:
    """Check the share of a direction that survives a penalty of 1 when its variance is 4."""
    return _SHRINKAGE.check(answer)


def tied_gradient(answer: Any) -> Verdict:
    """Check a function (w, S) -> gradient of tr S - 2 w^T S w + (w^T w)(w^T S w)."""
    return _TIED_GRADIENT.check(answer)


# ---------------------------------------------------------------- parameters

_PARAMETERS = Quantity(
    name="Count the parameters",
    right=784 * 10 + 10 + 10 * 784 + 784,
    mistakes=(
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
    ),
    praise="Two matrices and two bias vectors, and nearly all of it is in the matrices.",
    tolerance=1e-9,  # a count is exact
)

# ---------------------------------------------------------------- squared error


def _images(n: int, size: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x, x_hat = rng.uniform(size=(2, n, 1, size, size))
    return x, 0.8 * x_hat + 0.4  # off on average, so that a forgotten square shows


def _per_image(x: Array, x_hat: Array) -> Array:
    return np.square(x - x_hat).reshape(len(x), -1).sum(1)


_SQUARED_ERROR = Exercise(
    name="Squared error an image",
    right=lambda x, x_hat: _per_image(x, x_hat).mean(),
    inputs=(_images(3, 4, 0), _images(5, 2, 1)),
    mistakes=(
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
            lambda x, x_hat: np.square(x - x_hat).reshape(len(x), -1).mean(1).sum(),
        ),
        Mistake(
            "That is one number for each image. The loss is one number for the batch.",
            _per_image,
        ),
        Mistake(
            "The differences are not squared, so too bright and too dark cancel.",
            lambda x, x_hat: (x - x_hat).reshape(len(x), -1).sum(1).mean(),
        ),
        Mistake(
            "The differences are not squared, so too bright and too dark cancel.",
            lambda x, x_hat: (x_hat - x).reshape(len(x), -1).sum(1).mean(),
        ),
        Mistake(
            "You took the size of each difference, not its square.",
            lambda x, x_hat: np.abs(x - x_hat).reshape(len(x), -1).sum(1).mean(),
        ),
        Mistake(
            "There is a square root too many: you return a distance, not a squared error.",
            lambda x, x_hat: np.sqrt(_per_image(x, x_hat)).mean(),
        ),
        Mistake(
            "There is a square root too many, taken at the end.",
            lambda x, x_hat: np.sqrt(_per_image(x, x_hat).mean()),
        ),
        Mistake(
            "There is a factor of one half that our loss does not have.",
            lambda x, x_hat: _per_image(x, x_hat).mean() / 2,
        ),
    ),
    praise="Summed over pixels, averaged over images: the unit is squared grey values an image.",
    same=_close,
)

# ---------------------------------------------------------------- principal angles


def _planes(D: int, a: int, b: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(D, a)) @ (np.eye(a) + 0.4 * rng.normal(size=(a, a)))
    # Short columns keep every wrong cosine below 1, so a mistake gives a number and not NaN.
    return 0.15 * A, 0.15 * rng.normal(size=(D, b))


def _cosines(A: Array, B: Array) -> Array:
    return np.linalg.svd(A.T @ B, compute_uv=False)


def _true_cosines(A: Array, B: Array) -> Array:
    return _cosines(np.linalg.qr(A)[0], np.linalg.qr(B)[0])


def _unit(A: Array) -> Array:
    return np.asarray(A / np.linalg.norm(A, axis=0))


def _degrees(cosines: Array) -> Array:
    return np.rad2deg(np.arccos(np.clip(cosines, -1, 1)))


def _column_angles(A: Array, B: Array) -> Array:
    pairs = zip(_unit(A).T, _unit(B).T, strict=False)
    return _degrees(np.array([a @ b for a, b in pairs]))


_ANGLES = Exercise(
    name="Principal angles",
    right=lambda A, B: _degrees(_true_cosines(A, B)),
    inputs=(_planes(7, 2, 2, 5), _planes(8, 3, 2, 6), _planes(6, 2, 3, 7)),
    mistakes=(
        Mistake(
            "The angles are in radians. How many degrees is pi?",
            lambda A, B: np.arccos(_true_cosines(A, B)),
        ),
        Mistake(
            "These are cosines. One step is left: from a cosine to its angle.",
            _true_cosines,
        ),
        Mistake(
            "These are the complements of the angles: you took a cosine for a sine.",
            lambda A, B: np.rad2deg(np.arcsin(_true_cosines(A, B))),
        ),
        Mistake(
            "The angles are right and in the wrong order. Which one comes first?",
            lambda A, B: _degrees(_true_cosines(A, B))[::-1],
        ),
        Mistake(
            "The columns you multiply have neither length 1 nor right angles between them. "
            "What must a basis be, so that dot products are cosines?",
            lambda A, B: _degrees(_cosines(A, B)),
        ),
        Mistake(
            "You gave each column length 1, but the columns of one matrix still lean on each "
            "other. Length is half of what a good basis needs.",
            lambda A, B: _degrees(_cosines(_unit(A), _unit(B))),
        ),
        Mistake(
            "Those are angles between columns. They change when the same plane gets another "
            "basis; the angle between planes must not.",
            _column_angles,
        ),
    ),
    praise="Your angles do not depend on the bases, only on the planes: that is the point.",
    same=_close,
)

# ---------------------------------------------------------------- change of basis


def _model(D: int, d: int, seed: int) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    T = rng.normal(size=(d, d)) + 2 * np.eye(d)
    return rng.normal(size=(d, D)), rng.normal(size=d), rng.normal(size=(D, d)), T


_CHANGE_OF_BASIS = Exercise(
    name="Same output, another code",
    right=lambda W1, b1, W2, T: (T @ W1, T @ b1, W2 @ np.linalg.inv(T)),
    inputs=(_model(5, 2, 0), _model(6, 3, 1)),
    mistakes=(
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
    ),
    praise="Another model with the same output, and so with the same error. There is one for "
    "every invertible matrix.",
    same=_close,
)

# ---------------------------------------------------------------- principal axes


def _decoder_and_codes(D: int, d: int, n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3 * rng.normal(size=d)
    return rng.normal(size=(D, d)), codes


def _directions(X: Array) -> Array:
    """Return the eigenvectors of the covariance of the rows of X as columns, largest first."""
    return np.linalg.eigh(np.atleast_2d(np.cov(X.T)))[1][:, ::-1]


def _axes(W2: Array, Z: Array) -> Array:
    Q, R = np.linalg.qr(W2)
    return Q @ _directions(Z @ R.T)


def _with_lengths(W2: Array, Z: Array) -> Array:
    X = Z @ W2.T
    lengths = np.linalg.svd(X - X.mean(0), compute_uv=False)[: Z.shape[1]]
    return _axes(W2, Z) * lengths / np.sqrt(len(Z))


def _uncentred(W2: Array, Z: Array) -> Array:
    return np.linalg.svd(Z @ W2.T, full_matrices=False)[2][: Z.shape[1]].T


def _same_up_to_sign(got: Any, want: Any) -> bool:
    """Compare axes up to the sign of each; the inputs have d < D, so an axis is the longer side."""
    try:
        got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return False
    if got.shape != want.shape or got.ndim != 2:
        return False
    if want.shape[0] < want.shape[1]:  # a mistake that returns rows
        got, want = got.T, want.T
    return all(_close(a, b) or _close(-a, b) for a, b in zip(got.T, want.T, strict=True))


_AXES = Exercise(
    name="Principal axes from a trained model",
    right=_axes,
    inputs=(_decoder_and_codes(6, 2, 40, 0), _decoder_and_codes(7, 3, 50, 1)),
    mistakes=(
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
        Mistake(
            "The directions are right, their lengths are not 1 but standard deviations.",
            _with_lengths,
        ),
        Mistake(
            "The codes have a mean, and it counts as variance here. Centre first.",
            _uncentred,
        ),
    ),
    praise="Orthogonal, of length 1, largest variance first: these are PCA's own directions.",
    same=_same_up_to_sign,
)

# ---------------------------------------------------------------- penalty

_SHRINKAGE = Quantity(
    name="What a penalty leaves",
    right=0.75,
    mistakes=(
        (0.25, "That is the share which is lost."),
        (np.sqrt(0.75), "That is the singular value of one matrix. Two matrices act in turn."),
        (0.5, "Take the ratio of penalty to variance; the variance is the square already."),
        (0.8, "That is the shrinkage of ridge regression. Here both matrices are penalised."),
        (3.0, "That is how much variance is left over. The question is for a share, at most 1."),
        (1.0, "Without a penalty, yes. With one, a little less."),
        (0.75**2, "You squared the share; the variance shrinks like this, a length does not."),
    ),
    praise="Strong directions lose little, weak ones much, and those below the penalty vanish.",
)

# ---------------------------------------------------------------- gradient


def _point(D: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(D, D))
    return rng.normal(size=D), root @ root.T / D + np.eye(D)


def _gradient(w: Array, S: Array) -> Array:
    return -4 * S @ w + 2 * (w @ S @ w) * w + 2 * (w @ w) * (S @ w)


_TIED_GRADIENT = Exercise(
    name="Gradient of the tied loss",
    right=_gradient,
    inputs=(_point(2, 0), _point(3, 1)),
    mistakes=(
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
            "The last term is missing: this is the gradient of -2 w^T S w alone.",
            lambda w, S: -4 * S @ w,
        ),
        Mistake(
            "Every number is half of what it should be. Look for a factor of 2.",
            lambda w, S: _gradient(w, S) / 2,
        ),
    ),
    praise="It is zero at w = 0 and at every eigenvector of length 1, and nowhere else.",
    same=_close,
)
