"""Each checker of *PCA by hand*: right answers in several forms, wrong ones with a hint each."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import decomposition

from aeteach import checks
from aeteach.checks import pca_by_hand as module
from tests.checkers import assert_apart, assert_right

EXERCISES = {
    checks.centring: module._CENTRING,
    checks.covariance: module._COVARIANCE,
    checks.principal_axes: module._AXES,
    checks.projection: module._PROJECTION,
    checks.reconstruction: module._RECONSTRUCTION,
    checks.explained_variance: module._EXPLAINED,
}


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
    ids=[f"{c.__name__}: {name}" for c, name, _ in RIGHT],
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
    (checks.centring, lambda X: centred(X) / X.std(0), r"\(with divisor N\)"),
    (checks.centring, lambda X: X.mean(0), "the mean itself"),
    (checks.centring, lambda X: X + X.mean(0), "mean was added"),
    (checks.centring, lambda X: X.mean(0) - X, "wrong sign"),
    (checks.centring, lambda X: X - np.median(X, 0), "median"),
    (checks.centring, lambda X: X - X.min(0), "smallest values"),
    (checks.centring, lambda X: centred(X)[:6], "Right on 2 of 3"),
    (checks.centring, lambda X: X - np.arange(7), "raised ValueError"),
    (checks.covariance, lambda X: np.cov(X.T, bias=True), "divisor is N. That"),
    (checks.covariance, lambda X: centred(X).T @ centred(X), "sum over the points"),
    (checks.covariance, lambda X: centred(X).T @ centred(X) / (X.shape[1] - 1), "Count the points"),
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
    (checks.covariance, lambda X: -np.cov(X.T), "wrong sign"),
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
    (checks.projection, lambda X, m, W: (X + m) @ W, "You added m"),
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
        "per cent",
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
    (checks.paper_eigenvalues, 6, r"shape \(\); expected \(2,\)"),
    (checks.paper_eigenvalues, (7, 1), "numbers are not"),
]


@pytest.mark.parametrize(
    ("checker", "answer", "hint"), WRONG, ids=[f"{c.__name__}: {h}" for c, _, h in WRONG]
)
def test_a_wrong_answer_is_told_its_mistake(checker, answer, hint):
    verdict = checker(answer)
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint
    assert ": not yet. " in repr(verdict)
    # No number is given away: shapes in brackets and counts of inputs are all a hint may say.
    said = re.sub(r"\([^)]*\)", "", verdict.hint)
    assert not re.search(r"\d\.\d", said), verdict.hint


@pytest.mark.parametrize("checker", [*EXERCISES, checks.paper_eigenvalues])
def test_every_checker_knows_at_least_three_mistakes_apart(checker):
    hints = {checker(answer).hint for c, answer, _ in WRONG if c is checker}
    assert len(hints) >= 3
    assert len(hints) >= len({h for c, _, h in WRONG if c is checker})


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_no_two_mistakes_and_no_mistake_and_the_answer_agree(exercise):
    assert_apart(exercise)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.name)
def test_every_mistake_is_named_and_the_inputs_leave_no_special_case(exercise):
    for mistake in exercise.mistakes:
        assert exercise.check(mistake.wrong).hint == mistake.hint
    clouds = [arguments[0] for arguments in exercise.inputs]
    assert len({c.shape for c in clouds}) == len(clouds) >= 3
    assert any(c.shape[0] != c.shape[1] for c in clouds)
    assert all(abs(c.mean(0)).min() > 1e-2 for c in clouds), "a feature is centred already"


@pytest.mark.parametrize("checker", EXERCISES)
@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (np.eye(3), "expects the function itself"),
        (None, "expects the function itself"),
        (3.0, "expects the function itself"),
        (lambda *a: None, "returns nothing"),
        (lambda *a: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda *a: a[0] @ np.ones((99, 1)), "raised ValueError"),
        (lambda *a: a[0].no_such_name, "raised AttributeError"),
        (lambda: 0, "raised TypeError"),
        (lambda *a: "a word", "returned str 'a word'"),
        (lambda *a: (a[0], a[0]), "shape"),
        (lambda *a: [[1.0], [2.0, 3.0]], "returned list"),
        (lambda *a: 1.0, r"shape \(\); expected"),
        (lambda *a: np.zeros((0, 0)), r"shape \(0, 0\); expected"),
    ],
    ids=[
        "an array", "None", "a number", "returns None", "divides by 0", "shapes do not fit",
        "no attribute", "takes no argument", "a string", "a pair", "a ragged list", "a scalar",
        "empty",
    ],
)  # fmt: skip
def test_an_answer_of_the_wrong_kind_gets_a_sensible_hint(checker, answer, hint):
    verdict = checker(answer)
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint
    assert not re.search(r"-?\d\.\d{2}", verdict.hint), verdict.hint


@pytest.mark.parametrize("checker", EXERCISES)
def test_nan_of_the_right_shape_is_called_nan(checker):
    right = EXERCISES[checker].right
    assert "NaN or infinity" in checker(lambda *a: right(*a) * np.nan).hint
    assert "NaN or infinity" in checker(lambda *a: right(*a) + np.inf).hint


@pytest.mark.parametrize("checker", EXERCISES)
def test_an_answer_that_spoils_its_input_is_told_so(checker):
    def spoil(X, *others):
        X -= 1
        return X

    before = [a[0].copy() for a in EXERCISES[checker].inputs]
    assert "changes the array" in checker(spoil).hint
    after = [a[0] for a in EXERCISES[checker].inputs]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (None, "expects a number"),
        ("six and two", "got str"),
        (lambda: (6, 2), "not a function"),
        ((6, None), "NaN|expects a number"),
        ((float("nan"), 2), "NaN"),
        ((6, 2, 0), r"shape \(3,\)"),
    ],
)
def test_a_paper_answer_of_the_wrong_kind_gets_a_sensible_hint(answer, hint):
    verdict = checks.paper_eigenvalues(answer)
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint


def test_the_paper_exercise_is_what_numpy_computes():
    points = np.array([[1.0, 1.0], [3.0, 5.0], [5.0, 3.0]])
    values = np.linalg.eigvalsh(np.cov(points, rowvar=False))[::-1]
    assert checks.paper_eigenvalues(values)
    assert np.allclose(module._PAPER.right, values)
    for wrong, _ in module._PAPER.mistakes:
        assert not np.allclose(wrong, values)


@given(st.lists(st.sampled_from([-1.0, 1.0]), min_size=5, max_size=5))
def test_every_choice_of_signs_is_right(signs):
    def axes(X, k):
        return eigh_falling(np.cov(X, rowvar=False))[1][:, :k] * signs[:k]

    assert checks.principal_axes(axes)


@given(st.floats(-5, 5).filter(lambda c: abs(c - 1) > 1e-3))
def test_no_multiple_of_an_answer_passes(c):
    assert not checks.centring(lambda X: c * (X - X.mean(0)))
    assert not checks.covariance(lambda X: c * np.cov(X, rowvar=False))
    assert not checks.projection(lambda X, m, W: c * (X - m) @ W)


@given(st.permutations([0, 1, 2, 3]))
def test_only_one_order_of_the_axes_is_right(order):
    def axes(X, k):
        values, vectors = eigh_falling(np.cov(X, rowvar=False))
        return vectors[:, [j for j in [*order, 4] if j < len(values)]][:, :k]

    assert checks.principal_axes(axes).passed == (order[:3] == [0, 1, 2])
