"""Each checker of *PCA by hand*: right answers in several forms, wrong ones with a hint each."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import decomposition

from aeteach import checks
from aeteach.checks._exercise import secret_of
from tests.checkers import assert_right


def eigh_falling(V: Any) -> tuple[Any, Any]:
    values, vectors = np.linalg.eigh(V)
    return values[::-1], vectors[:, ::-1]


def loop_covariance(X: Any) -> list[list[float]]:
    n, d = X.shape
    means = [sum(X[:, i]) / n for i in range(d)]
    return [
        [sum((X[r, i] - means[i]) * (X[r, j] - means[j]) for r in range(n)) / (n - 1)]
        for i in range(d)
        for j in range(d)
    ]


def torch_axes(X: Any, k: int) -> torch.Tensor:
    vectors = torch.linalg.eigh(torch.cov(torch.tensor(X).T))[1]
    return vectors.flip(1)[:, :k]


def axes_by_deflation(X: Any, k: int) -> Any:
    """Power iteration: no eigendecomposition at all."""
    V, found = np.cov(X, rowvar=False), []
    for _ in range(k):
        u = np.arange(1.0, len(V) + 1)
        for _ in range(3000):
            u = V @ u / np.linalg.norm(V @ u)
        found.append(u)
        V = V - (u @ V @ u) * np.outer(u, u)
    return np.stack(found, axis=1)


RIGHT: list[tuple[Callable[..., Any], str, Callable[..., Any]]] = [
    (checks.centring, "numpy", lambda X: X - X.mean(0)),
    (
        checks.centring,
        "float32 tensor",
        lambda X: torch.tensor(X).float() - torch.tensor(X).float().mean(0),
    ),
    (checks.centring, "torch alone", lambda X: X - X.mean(dim=0, keepdim=True)),
    (checks.centring, "matrix", lambda X: (np.eye(len(X)) - 1 / len(X)) @ X),
    (checks.centring, "column by column", lambda X: np.stack([c - c.mean() for c in X.T]).T),
    (checks.centring, "lists", lambda X: [[x - c.mean() for x, c in zip(r, X.T)] for r in X]),  # noqa: B905
    (checks.covariance, "product", lambda X: (X - X.mean(0)).T @ (X - X.mean(0)) / (len(X) - 1)),
    (checks.covariance, "numpy's own", lambda X: np.cov(X, rowvar=False)),
    (checks.covariance, "torch's own", lambda X: torch.cov(X.T)),
    (
        checks.covariance,
        "uncentred, then corrected",
        lambda X: (X.T @ X - len(X) * np.outer(X.mean(0), X.mean(0))) / (len(X) - 1),
    ),
    (
        checks.covariance,
        "sum in the other order, float32",
        lambda X: (
            sum(torch.outer(c, c) for c in torch.tensor((X - X.mean(0))[::-1].copy()).float())
            / (len(X) - 1)
        ),
    ),
    (
        checks.covariance,
        "loops",
        lambda X: np.reshape(loop_covariance(X), (X.shape[1], X.shape[1])),
    ),
    (checks.principal_axes, "eigh", lambda X, k: eigh_falling(np.cov(X.T))[1][:, :k]),
    (
        checks.principal_axes,
        "svd",
        lambda X, k: np.linalg.svd(X - X.mean(0), full_matrices=False)[2][:k].T,
    ),
    (checks.principal_axes, "torch", torch_axes),
    (checks.principal_axes, "scikit-learn", lambda X, k: decomposition.PCA(k).fit(X).components_.T),
    (checks.principal_axes, "power iteration", axes_by_deflation),
    (checks.principal_axes, "ddof 0", lambda X, k: eigh_falling(np.cov(X.T, ddof=0))[1][:, :k]),
    (checks.projection, "product", lambda X, m, W: (X - m) @ W),
    (checks.projection, "torch", lambda X, m, W: torch.tensor(X - m) @ torch.tensor(W)),
    (checks.projection, "two products", lambda X, m, W: X @ W - m @ W),
    (checks.projection, "transposed", lambda X, m, W: (W.T @ (X - m).T).T),
    (checks.projection, "einsum", lambda X, m, W: np.einsum("nd,dk->nk", X - m, W)),
    (checks.reconstruction, "product", lambda Z, m, W: Z @ W.T + m),
    (checks.reconstruction, "torch", lambda Z, m, W: torch.addmm(*map(torch.tensor, (m, Z, W.T)))),
    (checks.reconstruction, "transposed", lambda Z, m, W: (W @ Z.T + m[:, None]).T),
    (
        checks.reconstruction,
        "axis by axis",
        lambda Z, m, W: m + sum(np.outer(z, w) for z, w in zip(Z.T, W.T, strict=True)),
    ),
    (
        checks.explained_variance,
        "eigh",
        lambda X: np.cumsum(eigh_falling(np.cov(X.T))[0]) / np.trace(np.cov(X.T)),
    ),
    (
        checks.explained_variance,
        "svd",
        lambda X: (
            np.cumsum(np.linalg.svd(X - X.mean(0), compute_uv=False) ** 2)
            / np.sum((X - X.mean(0)) ** 2)
        ),
    ),
    (
        checks.explained_variance,
        "torch",
        lambda X: (v := torch.linalg.eigvalsh(torch.cov(X.T)).flip(0)).cumsum(0) / v.sum(),
    ),
    (
        checks.explained_variance,
        "scikit-learn",
        lambda X: np.cumsum(decomposition.PCA().fit(X).explained_variance_ratio_),
    ),
    (
        checks.explained_variance,
        "what is left over, from the end",
        lambda X: (
            1
            - np.append(np.cumsum(np.linalg.eigvalsh(np.cov(X.T)))[-2::-1], 0) / np.cov(X.T).trace()
        ),
    ),
    (checks.paper_eigenvalues, "tuple", (6, 2)),
    (checks.paper_eigenvalues, "list", [6.0, 2.0]),
    (checks.paper_eigenvalues, "array", np.array([6.0, 2.0])),
    (checks.paper_eigenvalues, "tensor", torch.tensor([6.0, 2.0])),
]


@pytest.mark.parametrize(
    ("checker", "answer"),
    [(c, a) for c, _, a in RIGHT],
    ids=[f"{c.name}: {name}" for c, name, _ in RIGHT],
)
def test_a_right_answer_passes_in_any_form(checker, answer):
    assert_right(checker(answer))


def centred(X: Any) -> Any:
    return X - X.mean(0)


WRONG: list[tuple[Callable[..., Any], Any, str]] = [
    (checks.centring, lambda X: X, "as they came"),
    (checks.centring, lambda X: X - X.mean(), "mean of the whole table"),
    (
        checks.centring,
        lambda X: torch.tensor(X) - torch.tensor(X).mean(),
        "mean of the whole table",
    ),
    (checks.centring, lambda X: X - X.mean(1, keepdims=True), "centred the rows"),
    (checks.centring, lambda X: X - X.mean(axis=1), "one number for each point"),
    (checks.centring, lambda X: X - X.mean(dim=1), "one number for each point"),
    (checks.centring, lambda X: centred(X) / X.std(0, ddof=1), "That is standardising"),
    (checks.centring, lambda X: centred(X) / X.std(0), "That is standardising"),
    (checks.centring, lambda X: X.mean(0), "the mean itself"),
    (checks.centring, lambda X: X + X.mean(0), r"`X \+ X.mean\(0\)`: a sign is wrong"),
    (checks.centring, lambda X: X.mean(0) - X, "a minus sign is missing"),
    (checks.centring, lambda X: X - np.median(X, 0), "median"),
    (checks.centring, lambda X: X - X.min(0), "smallest values"),
    (checks.centring, lambda X: centred(X)[:6], "`centred|a selection|constant"),
    (checks.centring, lambda X: X - np.arange(7), "raised ValueError"),
    (checks.covariance, lambda X: np.cov(X.T, bias=True), "divisor is N. That"),
    (checks.covariance, lambda X: centred(X).T @ centred(X), "sum over the points"),
    (
        checks.covariance,
        lambda X: centred(X).T @ centred(X) / (X.shape[1] - 1),
        "a number is wrong",
    ),
    (checks.covariance, lambda X: X.T @ X / (len(X) - 1), "the place of the cloud"),
    (checks.covariance, lambda X: X.T @ X / len(X), "before you centred, and the divisor"),
    (
        checks.covariance,
        lambda X: centred(X) @ centred(X).T / (len(X) - 1),
        "compares points with points",
    ),
    (checks.covariance, lambda X: np.cov(X), "rowvar"),
    (checks.covariance, lambda X: torch.corrcoef(torch.tensor(X).T), "correlation matrix"),
    (checks.covariance, lambda X: X.var(0, ddof=1), "variances alone"),
    (checks.covariance, lambda X: np.diag(X.var(0, ddof=1)), "off the diagonal"),
    (checks.covariance, lambda X: -np.cov(X.T), "minus sign too many"),
    (checks.principal_axes, lambda X, k: np.linalg.eigh(np.cov(X.T))[1][:, :k], "least variance"),
    (checks.principal_axes, lambda X, k: np.linalg.eigh(np.cov(X.T))[1][:, -k:], "wrong order"),
    (checks.principal_axes, lambda X, k: np.linalg.eig(np.cov(X.T))[1][:, :k], "no order"),
    (
        checks.principal_axes,
        lambda X, k: np.linalg.svd(centred(X), full_matrices=False)[2][:k],
        "axes are rows",
    ),
    (checks.principal_axes, lambda X, k: eigh_falling(np.cov(X.T))[1][:k], "cut k rows out of"),
    (
        checks.principal_axes,
        lambda X, k: np.linalg.eigh(np.cov(X.T))[1][:k],
        "as eigh returns it",
    ),
    (checks.principal_axes, lambda X, k: eigh_falling(np.cov(X.T))[1], "all the axes"),
    (checks.principal_axes, lambda X, k: np.linalg.svd(X)[2][:k].T, "forgot to centre"),
    (checks.principal_axes, lambda X, k: eigh_falling(np.corrcoef(X.T))[1][:, :k], "standardised"),
    (
        checks.principal_axes,
        lambda X, k: (
            np.linalg.svd(centred(X))[2][:k].T
            * np.linalg.svd(centred(X), compute_uv=False)[:k]
            / np.sqrt(len(X) - 1)
        ),
        "square root of its eigenvalue",
    ),
    (
        checks.principal_axes,
        lambda X, k: np.cov(X.T) @ eigh_falling(np.cov(X.T))[1][:, :k],
        "axis by its eigenvalue",
    ),
    (
        checks.principal_axes,
        lambda X, k: np.linalg.svd(centred(X), full_matrices=False)[0][:, :k],
        "left singular vectors",
    ),
    (
        checks.principal_axes,
        lambda X, k: decomposition.PCA(k).fit_transform(X),
        "These are the scores",
    ),
    (checks.projection, lambda X, m, W: X @ W, "did not subtract m"),
    (checks.projection, lambda X, m, W: (X - X.mean(0)) @ W, "by its own mean"),
    (checks.projection, lambda X, m, W: (X + m) @ W, "`X [+] m`: a sign is wrong"),
    (checks.projection, lambda X, m, W: X @ W - m, "after the product"),
    (checks.projection, lambda X, m, W: (X - m) @ W.T, "transpose of W"),
    (
        checks.projection,
        lambda X, m, W: torch.tensor(X - m) @ torch.tensor(W).T,
        "transpose of W",
    ),
    (checks.projection, lambda X, m, W: W.T @ (X - m).T, "on their side"),
    (checks.projection, lambda X, m, W: (X - m) @ W @ W.T + m, "went on and rebuilt"),
    (checks.projection, lambda X, m, W: (X - m) @ (W @ W.T), "went on to the shadows"),
    (checks.reconstruction, lambda Z, m, W: Z @ W.T, "forgot to add the mean back"),
    (checks.reconstruction, lambda Z, m, W: Z @ W.T - m, "a second time"),
    (checks.reconstruction, lambda Z, m, W: Z @ W + m, "where its transpose belongs"),
    (checks.reconstruction, lambda Z, m, W: Z @ W, "and the mean is still missing"),
    (checks.reconstruction, lambda Z, m, W: (Z + m) @ W.T, "before the product"),
    (checks.reconstruction, lambda Z, m, W: W @ Z.T + m[:, None], "on their side"),
    (checks.reconstruction, lambda Z, m, W: Z @ W.T + Z.mean(), "mean of the scores"),
    (checks.reconstruction, lambda Z, m, W: (Z @ W.T + m).clip(0, 1), "cut the result"),
    (
        checks.explained_variance,
        lambda X: decomposition.PCA().fit(X).explained_variance_ratio_,
        "each component by itself",
    ),
    (
        checks.explained_variance,
        lambda X: (s := np.linalg.svd(centred(X), compute_uv=False)).cumsum() / s.sum(),
        "added standard deviations",
    ),
    (
        checks.explained_variance,
        lambda X: np.cumsum(np.linalg.eigvalsh(np.cov(X.T))) / np.trace(np.cov(X.T)),
        "started with the smallest",
    ),
    (
        checks.explained_variance,
        lambda X: np.cumsum(decomposition.PCA().fit(X).explained_variance_),
        "in squared units",
    ),
    (
        checks.explained_variance,
        lambda X: 100 * np.cumsum(decomposition.PCA().fit(X).explained_variance_ratio_),
        "constant factor is one too many",
    ),
    (
        checks.explained_variance,
        lambda X: 1 - np.cumsum(decomposition.PCA().fit(X).explained_variance_ratio_),
        "left over",
    ),
    (
        checks.explained_variance,
        lambda X: (s := np.linalg.svd(X, compute_uv=False) ** 2).cumsum() / s.sum(),
        "forgot to centre",
    ),
    (
        checks.explained_variance,
        lambda X: np.cumsum(
            decomposition.PCA().fit(centred(X) / X.std(0)).explained_variance_ratio_
        ),
        "standardised first",
    ),
    (
        checks.explained_variance,
        lambda X: X.var(0).cumsum() / X.var(0).sum(),
        "of the features, not",
    ),
    (
        checks.explained_variance,
        lambda X: np.sort(X.var(0))[::-1].cumsum() / X.var(0).sum(),
        "the sorted variances",
    ),
    (checks.paper_eigenvalues, (2, 6), "larger one first"),
    (checks.paper_eigenvalues, (4, 1.333), "One free deviation fewer"),
    (checks.paper_eigenvalues, (12, 4), "sums of products"),
    (checks.paper_eigenvalues, (33, 2), "did not centre before"),
    (checks.paper_eigenvalues, (22, 4 / 3), "did not centre, and"),
    (checks.paper_eigenvalues, (4, 4), "diagonal"),
    (checks.paper_eigenvalues, (1.5, 0.5), "correlation"),
    (checks.paper_eigenvalues, (2.449, 1.414), "standard deviations"),
    (checks.paper_eigenvalues, (0.75, 0.25), "shares"),
    (checks.paper_eigenvalues, (-6, -2), "wrong sign"),
    (checks.paper_eigenvalues, 6, r"expects 2 numbers; it got shape"),
    (checks.paper_eigenvalues, (7, 1), "not the number"),
]


@pytest.mark.parametrize(
    ("checker", "answer", "hint"), WRONG, ids=[f"{c.name}: {h}" for c, _, h in WRONG]
)
def test_a_wrong_answer_is_told_its_mistake(checker, answer, hint):
    verdict = checker(answer)
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint
    assert ": not yet. " in repr(verdict)


def test_the_paper_exercise_is_what_numpy_computes():
    points = np.array([[1.0, 1.0], [3.0, 5.0], [5.0, 3.0]])
    values = np.linalg.eigvalsh(np.cov(points, rowvar=False))[::-1]
    assert checks.paper_eigenvalues(values)
    for wrong, _ in secret_of(checks.paper_eigenvalues)[1]:
        assert not np.allclose(wrong, values)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([-1.0, 1.0]), min_size=5, max_size=5))
def test_every_choice_of_signs_is_right(signs):
    def axes(X, k):
        return eigh_falling(np.cov(X, rowvar=False))[1][:, :k] * signs[:k]

    assert checks.principal_axes(axes)


@settings(max_examples=8, deadline=None)
@given(st.floats(-5, 5).filter(lambda c: abs(c - 1) > 1e-3))
def test_no_multiple_of_an_answer_passes(c):
    assert not checks.centring(lambda X: c * (X - X.mean(0)))
    assert not checks.covariance(lambda X: c * np.cov(X, rowvar=False))
    assert not checks.projection(lambda X, m, W: c * (X - m) @ W)


@settings(max_examples=12, deadline=None)
@given(st.permutations([0, 1, 2, 3]))
def test_only_one_order_of_the_axes_is_right(order):
    def axes(X, k):
        values, vectors = eigh_falling(np.cov(X, rowvar=False))
        return vectors[:, [j for j in [*order, 4] if j < len(values)]][:, :k]

    assert checks.principal_axes(axes).passed == (order[:3] == [0, 1, 2])
