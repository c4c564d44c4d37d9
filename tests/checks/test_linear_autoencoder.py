import re

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.checks._exercise import secret_of
from tests.checkers import assert_hint


def np_angles(A, B):
    import scipy.linalg

    return np.rad2deg(scipy.linalg.subspace_angles(A, B))[::-1]


def torch_angles(A, B):
    Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q
    return torch.rad2deg(torch.acos(torch.linalg.svdvals(Q_A.T @ Q_B)))


def svd_angles(A, B):
    one, other = (np.linalg.svd(M, full_matrices=False)[0] for M in (A, B))
    squares = np.linalg.eigvalsh(one.T @ other @ other.T @ one)[::-1].clip(0, 1)
    return np.rad2deg(np.arccos(np.sqrt(squares)))[: min(A.shape[1], B.shape[1])]


def sklearn_axes(W2, Z):
    from sklearn.decomposition import PCA

    return PCA(Z.shape[1]).fit(Z @ W2.T).components_.T  # PCA of all reconstructions


def torch_axes(W2, Z):
    Q, R = torch.linalg.qr(W2)
    _, K = torch.linalg.eigh(torch.cov((Z @ R.T).T))
    return -Q @ K.flip(1)  # the other sign


def autograd(w, S):
    w = torch.as_tensor(w).requires_grad_()
    S = torch.as_tensor(S)
    loss = torch.trace(S) - 2 * w @ S @ w + (w @ w) * (w @ S @ w)
    loss.backward()
    return w.grad


def differences(w, S):
    """Central differences: no formula at all."""

    def loss(v):
        return np.trace(S) - 2 * v @ S @ v + (v @ v) * (v @ S @ v)

    return [(loss(w + h) - loss(w - h)) / 2e-4 for h in 1e-4 * np.eye(len(w))]


RIGHT = [
    ("linear_parameters", 16_474),
    ("linear_parameters", torch.tensor(16_474)),
    ("linear_parameters", np.int64(16_474)),
    ("linear_parameters", 16_474.0),
    ("squared_error", lambda x, x_hat: np.square(x - x_hat).sum(axis=(1, 2, 3)).mean()),
    ("squared_error", lambda x, x_hat: ((x_hat - x) ** 2).sum() / len(x)),
    ("squared_error", lambda x, x_hat: (x - x_hat).square().flatten(1).sum(1).mean()),
    ("squared_error", lambda x, y: torch.tensor(((x - y) ** 2).sum() / x.shape[0]).float()),
    ("squared_error", lambda x, y: float(np.mean([np.sum((a - b) ** 2) for a, b in zip(x, y)]))),  # noqa: B905
    ("principal_angles", np_angles),
    ("principal_angles", torch_angles),
    ("principal_angles", svd_angles),
    ("principal_angles", lambda A, B: np_angles(B, A).tolist()),
    (
        "principal_angles",
        lambda A, B: torch_angles(torch.tensor(A).float(), torch.tensor(B).float()),
    ),
    ("change_of_basis", lambda W1, b1, W2, T: (T @ W1, T @ b1, W2 @ torch.linalg.inv(T))),
    (
        "change_of_basis",
        lambda W1, b1, W2, T: [T @ W1, T.dot(b1), np.linalg.solve(T.T, W2.T).T],
    ),
    ("change_of_basis", lambda W1, b1, W2, T: ((W1.T @ T.T).T, b1 @ T.T, W2 @ np.linalg.pinv(T))),
    ("axes_from_weights", sklearn_axes),
    ("axes_from_weights", torch_axes),
    (
        "axes_from_weights",
        lambda W2, Z: np.linalg.svd(W2 @ np.linalg.cholesky(np.cov(Z.T)), full_matrices=False)[0],
    ),
    ("shrinkage", 0.75),
    ("shrinkage", torch.tensor(3 / 4)),
    ("shrinkage", np.array(0.7501)),
    ("tied_gradient", autograd),
    ("tied_gradient", differences),
    ("tied_gradient", lambda w, S: 2 * (w @ S @ w * w + (w @ w - 2) * (S @ w))),
    ("tied_gradient", lambda w, S: 2 * ((w @ S @ w) * w + (w @ w - 2) * torch.mv(S, w))),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = getattr(checks, name)(answer)
    assert verdict.passed, verdict.hint


def unit(A):
    return A / np.linalg.norm(A, axis=0)


def largest_first(M):
    return np.linalg.eigh(np.cov(M.T))[1][:, ::-1]


# Written as a student would, not copied from the checker's own list.
WRONG = [
    ("linear_parameters", 15_680, "adds a number to every output"),
    ("linear_parameters", 7_850, "That is the encoder"),
    ("linear_parameters", 8_624, "That is the decoder"),
    ("linear_parameters", 16_464, "added in the bottleneck"),
    ("linear_parameters", 15_690, "added to the pixels"),
    ("linear_parameters", 15_700, "as long as the decoder's output"),
    ("linear_parameters", 8_634, "counted one matrix"),
    ("linear_parameters", 21_514, "32 by 32"),
    ("linear_parameters", 3_922, "2 latent numbers"),
    ("linear_parameters", 16_475, "."),
    ("linear_parameters", "many", "expects a number; it got str"),
    ("linear_parameters", lambda: 16_474, "expects a number, not a function"),
    ("squared_error", lambda x, y: ((x - y) ** 2).mean(), "averaged over the pixels too"),
    ("squared_error", lambda x, y: torch.nn.functional.mse_loss(x, y), "averaged over the pixels"),
    ("squared_error", lambda x, y: ((x - y) ** 2).sum(), "added up the images"),
    ("squared_error", lambda x, y: ((x - y) ** 2).mean((1, 2, 3)).sum(), "swapped"),
    ("squared_error", lambda x, y: ((x - y) ** 2).sum((1, 2, 3)), "one number for each image"),
    ("squared_error", lambda x, y: (x - y).sum((1, 2, 3)).mean(), "bright and too dark cancel"),
    ("squared_error", lambda x, y: (y - x).sum((1, 2, 3)).mean(), "bright and too dark cancel"),
    ("squared_error", lambda x, y: abs(x - y).sum((1, 2, 3)).mean(), "not its square"),
    (
        "squared_error",
        lambda x, y: np.linalg.norm((x - y).reshape(len(x), -1), axis=1).mean(),
        "a distance, not",
    ),
    ("squared_error", lambda x, y: (((x - y) ** 2).sum() / len(x)) ** 0.5, "taken at the end"),
    ("squared_error", lambda x, y: 0.5 * ((x - y) ** 2).sum() / len(x), "one half"),
    ("squared_error", lambda x, y: None, "returns nothing"),
    ("squared_error", 3.0, "expects the function itself"),
    ("principal_angles", lambda A, B: np.deg2rad(np_angles(A, B)), "radians"),
    ("principal_angles", lambda A, B: np.cos(np.deg2rad(np_angles(A, B))), "These are cosines"),
    ("principal_angles", lambda A, B: 90 - np_angles(A, B), "complements"),
    ("principal_angles", lambda A, B: np_angles(A, B)[::-1], "wrong order"),
    (
        "principal_angles",
        lambda A, B: torch.rad2deg(torch.acos(torch.linalg.svdvals(A.T @ B))),
        "neither length 1 nor right angles",
    ),
    (
        "principal_angles",
        lambda A, B: np.degrees(np.arccos(np.linalg.svd(unit(A).T @ unit(B), compute_uv=False))),
        "still lean on each other",
    ),
    (
        "principal_angles",
        lambda A, B: np.degrees(
            [np.arccos(a @ b) for a, b in zip(unit(A).T, unit(B).T, strict=False)]
        ),
        "angles between columns",
    ),
    ("principal_angles", lambda A, B: np_angles(A, B)[0], "a selection is made that is not wanted"),
    ("change_of_basis", lambda W1, b, W2, T: (T @ W1, b, W2 @ np.linalg.inv(T)), "encoder's bias"),
    ("change_of_basis", lambda W1, b, W2, T: (T @ W1, T @ b, W2), "as if it were the old one"),
    ("change_of_basis", lambda W1, b, W2, T: (T @ W1, T @ b, W2 @ T), "must undo"),
    ("change_of_basis", lambda W1, b, W2, T: (T @ W1, T @ b, W2 @ T.T), "only if T is a rotation"),
    (
        "change_of_basis",
        lambda W1, b, W2, T: (np.linalg.solve(T, W1), np.linalg.solve(T, b), W2 @ T),
        "swapped",
    ),
    ("change_of_basis", lambda W1, b, W2, T: (W1 @ T, T @ b, W2), "raised ValueError"),
    ("axes_from_weights", lambda W2, Z: torch.linalg.qr(W2).Q, "Only the codes know"),
    (
        "axes_from_weights",
        lambda W2, Z: np.linalg.svd(W2, full_matrices=False)[0],
        "the decoder alone",
    ),
    ("axes_from_weights", lambda W2, Z: W2 @ largest_first(Z), "bends them"),
    ("axes_from_weights", lambda W2, Z: unit(W2 @ largest_first(Z)), "gave them length 1"),
    ("axes_from_weights", lambda W2, Z: np.linalg.qr(W2)[0] @ largest_first(Z), "factor is lost"),
    ("axes_from_weights", lambda W2, Z: sklearn_axes(W2, Z)[:, ::-1], "the order is not"),
    ("axes_from_weights", lambda W2, Z: sklearn_axes(W2, Z).T, "they are rows"),
    (
        "axes_from_weights",
        lambda W2, Z: (
            sklearn_axes(W2, Z)
            * np.sqrt(np.linalg.eigvalsh(np.cov((Z @ W2.T).T, ddof=0))[::-1][: Z.shape[1]])
        ),
        "standard deviations",
    ),
    (
        "axes_from_weights",
        lambda W2, Z: np.linalg.eigh(W2 @ Z.T @ Z @ W2.T)[1][:, ::-1][:, : Z.shape[1]],
        "Centre first",
    ),
    ("axes_from_weights", lambda W2, Z: "axes", "returned str"),
    ("shrinkage", 0.25, "which is lost"),
    ("shrinkage", 0.866, "singular value of one matrix"),
    ("shrinkage", 0.5, "ratio of penalty to variance"),
    ("shrinkage", 0.8, "ridge"),
    ("shrinkage", 3, "for a share"),
    ("shrinkage", 1.0, "Without a penalty"),
    ("shrinkage", 0.5625, "squared the share"),
    ("shrinkage", -0.75, "sign is wrong"),
    ("tied_gradient", lambda w, S: -autograd(w, S), "points the other way"),
    (
        "tied_gradient",
        lambda w, S: -4 * S @ w + 2 * (w @ w) * (S @ w),
        "forgot w^T w",
    ),
    (
        "tied_gradient",
        lambda w, S: -4 * S @ w + 2 * (w @ S @ w) * w,
        "forgot the other factor",
    ),
    ("tied_gradient", lambda w, S: -2 * S @ w + 2 * (w @ w) * (S @ w), "with the decoder held"),
    ("tied_gradient", lambda w, S: -2 * S @ w + 2 * (w @ S @ w) * w, "with the encoder held"),
    (
        "tied_gradient",
        lambda w, S: -2 * S @ w + 2 * w * (w @ S @ w) + (w @ w) * (S @ w),
        "stands twice",
    ),
    ("tied_gradient", lambda w, S: -4 * S @ w, "last term is missing"),
    ("tied_gradient", lambda w, S: autograd(w, S) / 2, "half of what"),
]


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_a_wrong_answer_is_told_its_mistake(name, answer, hint):
    assert_hint(getattr(checks, name)(answer), hint)


def test_a_count_must_be_exact():
    assert not checks.linear_parameters(16_474 + 1e-3)
    assert not checks.linear_parameters(16_473)


def test_no_hint_contains_the_answer():
    functions = ("axes_from_weights", "change_of_basis", "principal_angles", "squared_error")
    known = checks.exercises()
    hints = [m.hint for name in functions for m in secret_of(known[name]).mistakes]
    hints += [m.hint for m in secret_of(checks.tied_gradient).mistakes]
    for quantity in (checks.linear_parameters, checks.shrinkage):
        hints += [hint for _, hint in secret_of(quantity)[1]]
    assert len(hints) > 30
    secret = re.compile(
        r"16,?474|0\.75\b|3/4|three quarters|\bqr\b|\bsvd\b|\beigh\b|\binv\b|arccos|acos|"
        r"pinv|len\(|\.sum|\.mean|-4|S w \+|T\^-1|transpose of W",
        re.IGNORECASE,
    )
    for hint in hints:
        assert not secret.search(hint), hint
