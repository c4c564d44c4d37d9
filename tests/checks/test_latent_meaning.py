"""Checkers of the chapter on what a latent means: right in any form, each mistake named."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import one_hot

from aeteach import checks
from aeteach.metrics import factors

# ---------------------------------------------------------------- right answers


@pytest.mark.parametrize(
    "answer",
    [
        factors.correlation,
        lambda f, z: np.corrcoef(f.T, z.T)[: f.shape[1], f.shape[1] :],
        lambda f, z: [[stats.pearsonr(a, b).statistic for b in z.T] for a in f.T],
        lambda f, z: stats.zscore(f, ddof=1).T @ stats.zscore(z, ddof=1) / (len(z) - 1),
        lambda f, z: (
            (((f - f.mean(0)) / f.std(0)).T.float() @ ((z - z.mean(0)) / z.std(0)).float())
            / (len(z) - 1)
        ),
    ],
    ids=["the package", "numpy", "scipy, one by one", "standardised", "torch, float32"],
)
def test_factor_correlation(answer):
    assert checks.factor_correlation(answer)


def by_regression(labels, z):
    dummies = np.eye(labels.max() + 1)[labels]
    fitted = dummies @ np.linalg.lstsq(dummies, z, rcond=None)[0]
    return 1 - ((z - fitted) ** 2).sum(0) / ((z - z.mean(0)) ** 2).sum(0)


def with_torch(labels, z):
    rows = one_hot(labels).to(z.dtype)
    means = (rows.T @ z) / rows.sum(0)[:, None]
    return means[labels].var(0, correction=0) / z.var(0, correction=0)


def by_f(labels, z):
    groups = [z[labels == c] for c in np.unique(labels)]
    f = stats.f_oneway(*groups).statistic
    between, within = len(groups) - 1, len(z) - len(groups)
    return between * f / (between * f + within)


@pytest.mark.parametrize("answer", [factors.eta_squared, by_regression, with_torch, by_f])
def test_eta_squared(answer):
    assert checks.eta_squared(answer)


def torch_cost(decode, z, x):
    before = (decode(z) - x).square().sum(1).mean()
    costs = []
    for i in range(z.shape[1]):
        without = z.clone()
        without[:, i] = z[:, i].mean()
        costs.append((decode(without) - x).square().sum(1).mean() - before)
    return torch.stack(costs)


def by_masks(decode, z, x):
    d = z.shape[1]
    return [
        np.sum((decode(np.where(np.arange(d) == i, z.mean(0), z)) - x) ** 2 - (decode(z) - x) ** 2)
        / len(z)
        for i in range(d)
    ]


@pytest.mark.parametrize("answer", [torch_cost, by_masks])
def test_cost_of_a_dimension(answer):
    assert checks.cost_of_a_dimension(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda R, z, decode: (z @ R.T, decode(z)),
        lambda R, z, decode: ((R @ z.T).T, decode((R.T @ (R @ z.T)).T)),
        lambda R, z, decode: (
            torch.einsum("ij,nj->ni", R, z),
            decode(torch.linalg.solve(R, R @ z.mT).mT),
        ),
        lambda R, z, decode: [
            np.array([R @ row for row in z]),
            decode(z @ R.T @ np.linalg.inv(R.T)),
        ],
    ],
    ids=["it cancels", "columns", "torch", "row by row, a list"],
)
def test_turned_model(answer):
    assert checks.turned_model(answer)


# ---------------------------------------------------------------- wrong answers, by name


def sd(a, ddof=0):
    return a.std(0, ddof=ddof)


def cost(decode, z, x, to=None, before=None, copy=True):
    e = lambda codes: ((decode(codes) - x) ** 2).sum(1).mean()  # noqa: E731
    costs, kept = [], np.array(z)
    for i in range(z.shape[1]):
        w = np.array(z) if copy else kept
        w[:, i] = z[:, i].mean() if to is None else to
        costs.append(e(w) - (e(z) if before is None else before))
    return np.array(costs)


def centred(a):
    return a - a.mean(0)


def corner(matrix, a, b, **options):
    """The block of a with b of a matrix over all columns."""
    return matrix(a.T, b.T, **options)[: a.shape[1], a.shape[1] :]


def spearman(f, z):
    return [[stats.spearmanr(a, b).statistic for b in z.T] for a in f.T]


WRONG = [
    ("factor_correlation", lambda f, z: f.T @ z / len(z) / sd(f)[:, None] / sd(z), "product of"),
    (
        "factor_correlation",
        lambda f, z: f.T @ z / len(z) / sd(f, 1)[:, None] / sd(z, 1),
        "Two things",
    ),
    ("factor_correlation", lambda f, z: corner(np.cov, f, z, ddof=0), "the covariance:"),
    ("factor_correlation", lambda f, z: corner(np.cov, f, z), "the covariance:"),
    (
        "factor_correlation",
        lambda f, z: centred(f).T @ centred(z) / len(z) / sd(f, 1)[:, None] / sd(z, 1),
        "Too small:",
    ),
    (
        "factor_correlation",
        lambda f, z: centred(f).T @ centred(z) / (len(z) - 1) / sd(f)[:, None] / sd(z),
        "can pass 1",
    ),
    ("factor_correlation", lambda f, z: abs(corner(np.corrcoef, f, z)), "sign is lost"),
    ("factor_correlation", lambda f, z: corner(np.corrcoef, z, f), "exchanged"),
    ("factor_correlation", spearman, "ranks"),
    ("eta_squared", lambda y, z: 1 - by_regression(y, z), "within the classes"),
    ("eta_squared", lambda y, z: by_regression(y, z) / (1 - by_regression(y, z)), "within alone"),
    ("eta_squared", lambda y, z: stats.f_oneway(*[z[y == c] for c in set(y)]).statistic, "F ratio"),
    (
        "eta_squared",
        lambda y, z: np.stack([z[y == c].mean(0) for c in set(y)]).var(0) / z.var(0),
        "counts once",
    ),
    ("eta_squared", lambda y, z: corner(np.corrcoef, y[:, None], z)[0] ** 2, "another order"),
    ("cost_of_a_dimension", lambda d, z, x: cost(d, z, x, to=0), "set to 0. Add 3"),
    ("cost_of_a_dimension", lambda d, z, x: cost(d, z, x, to=0, before=0), "Two things"),
    ("cost_of_a_dimension", lambda d, z, x: cost(d, z, x, before=0), "is the rise"),
    ("cost_of_a_dimension", lambda d, z, x: cost(d, z, x, copy=False), "stay away"),
    ("cost_of_a_dimension", lambda d, z, x: cost(d, z, x) / x.shape[1], "average over pixels"),
    ("turned_model", lambda R, z, d: (z @ R, d(z @ R)), "Two things"),
    ("turned_model", lambda R, z, d: (z @ R.T, d(z @ R.T)), "expects z"),
    ("turned_model", lambda R, z, d: (z @ R, d(z)), "wrong way round"),
    ("turned_model", lambda R, z, d: (z @ R.T, d(z @ R.T @ R.T)), "once more"),
    ("turned_model", lambda R, z, d: (z, d(z)), "nothing was turned"),
    ("turned_model", lambda R, z, d: (d(z), z @ R.T), "come first"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "part"), WRONG)
def test_a_mistake_is_named(name, answer, part):
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert part in verdict.hint


def test_eta_squared_counts_the_classes_that_occur():
    def first_ones(labels, z):
        between = 0
        for c in range(len(np.unique(labels))):
            mine = z[labels == c]
            if len(mine):
                between = between + len(mine) * (mine.mean(0) - z.mean(0)) ** 2
        return between / ((z - z.mean(0)) ** 2).sum(0)

    assert not checks.eta_squared(first_ones)
