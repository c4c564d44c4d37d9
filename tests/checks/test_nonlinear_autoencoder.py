import itertools

import numpy as np
import pytest
import torch

from aeteach import checks, latent
from aeteach.models import count_parameters
from aeteach.models.mlp import MLPAutoencoder
from tests.checkers import assert_hint

NAMES = ["mlp_parameters", "layers_in_one", "plane_grid", "class_medians", "nearest_code"]
COUNT = count_parameters(MLPAutoencoder(5, size=28, hidden=(100, 20)))


def by_probing(W1, b1, W2, b2):
    """No algebra: ask the two layers what they do to 0 and to the unit vectors."""
    probes = np.vstack([np.zeros(W1.shape[1]), np.eye(W1.shape[1])])
    through = [W2 @ (W1 @ x + b1) + b2 for x in probes]
    return np.array(through[1:] - through[0]).T, through[0]


def with_torch_layers(W1, b1, W2, b2):
    layers = torch.nn.Sequential(torch.nn.Linear(*W1.shape[::-1]), torch.nn.Linear(*W2.shape[::-1]))
    state = {"0.weight": W1, "0.bias": b1, "1.weight": W2, "1.bias": b2}
    layers.double().load_state_dict({k: torch.as_tensor(v) for k, v in state.items()})
    b = layers(torch.zeros(W1.shape[1]).double())
    return (layers(torch.eye(W1.shape[1]).double()) - b).T, b


def with_loops(n, low, high):
    step = (high - low) / (n - 1)
    return [[low + j * step, high - i * step] for i in range(n) for j in range(n)]


def sorted_medians(z, labels):
    rows = []
    for c in range(labels.max() + 1):
        own = np.sort(z[labels == c], axis=0)
        n = len(own)
        rows.append(own[n // 2] if n % 2 else (own[n // 2 - 1] + own[n // 2]) / 2)
    return np.array(rows)


def tree(points, z):
    from scipy.spatial import KDTree

    return KDTree(z).query(points)[0]


RIGHT = [
    ("mlp_parameters", COUNT),
    ("mlp_parameters", torch.tensor(COUNT)),
    ("layers_in_one", by_probing),
    ("layers_in_one", with_torch_layers),
    ("layers_in_one", lambda W1, b1, W2, b2: [W2.dot(W1), b2 + W2.dot(b1)]),
    ("layers_in_one", lambda W1, b1, W2, b2: (torch.mm(W2, W1), torch.mv(W2, b1) + b2)),
    ("plane_grid", with_loops),
    ("plane_grid", latent.grid),
    (
        "plane_grid",
        lambda n, low, high: torch.cartesian_prod(
            torch.linspace(high, low, n), torch.linspace(low, high, n)
        ).flip(1),
    ),
    ("class_medians", sorted_medians),
    (
        "class_medians",
        lambda z, y: torch.stack(
            [torch.quantile(z[y == c], 0.5, dim=0) for c in range(int(y.max()) + 1)]
        ),
    ),
    (
        "class_medians",
        lambda z, y: [np.percentile(z[y == c], 50, axis=0).tolist() for c in np.unique(y)],
    ),
    ("class_medians", latent.class_medians),
    ("nearest_code", tree),
    ("nearest_code", lambda points, z: latent.nearest_code(points, z).distance),
    ("nearest_code", lambda points, z: torch.cdist(points.float(), z.float()).min(1).values),
    (
        "nearest_code",
        lambda points, z: [min(np.sqrt(((p - c) ** 2).sum()) for c in z) for p in points],
    ),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_passes_in_any_form(name, answer):
    verdict = getattr(checks, name)(answer)
    assert verdict.passed, verdict.hint


def test_every_checker_has_a_right_answer_above():
    assert {name for name, _ in RIGHT} == set(NAMES)


def every_class(z, y, of):
    return np.array([of(z[y == c]) for c in range(y.max() + 1)])


# Written as a student would, not copied from the checker's own list.
WRONG = [
    ("mlp_parameters", 2 * (78_400 + 2_000 + 100), "adds a number to every output"),
    ("mlp_parameters", 80_625, "That is the way down"),
    ("mlp_parameters", 81_404, "That is the way up"),
    ("mlp_parameters", 161_250, "doubled the way down"),
    ("mlp_parameters", 161_909, "Count the biases again"),
    ("mlp_parameters", 210_269, "32 by 32"),
    ("mlp_parameters", "lots", "expects a number; it got str"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W1 @ W2, W2 @ b1 + b2), "wrong order"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W1 @ W2, W1 @ b2 + b1), "layer 2 first"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W2 @ W1, b1 + b2), "goes through the second layer"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W2 @ W1, b2), "The first bias is lost"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W2 @ W1, W2 @ b1), "The second bias is lost"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W2 * W1, W2 @ b1 + b2), "number by number"),
    ("layers_in_one", lambda W1, b1, W2, b2: (W1 + W2, b1 + b2), "added the matrices"),
    (
        "plane_grid",
        lambda n, a, b: [[x, y] for y in np.linspace(a, b, n) for x in np.linspace(a, b, n)],
        "upside down",
    ),
    (
        "plane_grid",
        lambda n, a, b: [[x, y] for x in np.linspace(a, b, n) for y in np.linspace(b, a, n)],
        "down the columns",
    ),
    (
        "plane_grid",
        lambda n, a, b: list(itertools.product(np.linspace(a, b, n), repeat=2)),
        "nested loops",
    ),
    (
        "plane_grid",
        lambda n, a, b: [[y, x] for y in np.linspace(b, a, n) for x in np.linspace(a, b, n)],
        "coordinates of each point are swapped",
    ),
    (
        "plane_grid",
        lambda n, a, b: [[x, y] for y in np.linspace(b, a, n) for x in np.linspace(b, b, n)],
        "one value is repeated",
    ),
    (
        "plane_grid",
        lambda n, a, b: [[x, y] for y in np.linspace(b, b, n) for x in np.linspace(a, b, n)],
        "one value is repeated",
    ),
    (
        "plane_grid",
        lambda n, a, b: [
            [x, y]
            for y in np.linspace(a, b, n, endpoint=False)[::-1]
            for x in np.linspace(a, b, n, endpoint=False)
        ],
        "upper end is missing",
    ),
    ("plane_grid", lambda n, a, b: [[x, x] for x in np.linspace(a, b, n)], "diagonal"),
    (
        "plane_grid",
        lambda n, a, b: np.array(with_loops(n, a, b)).reshape(n, n, 2),
        "list of points",
    ),
    ("class_medians", lambda z, y: every_class(z, y, lambda own: own.mean(0)), "Those are means"),
    (
        "class_medians",
        lambda z, y: (
            torch.stack([z[y == c].median(0).values for c in range(int(y.max()) + 1)])
            if isinstance(z, torch.Tensor)
            else z.nothing
        ),
        "as torch.median does",
    ),
    (
        "class_medians",
        lambda z, y: every_class(z, y, lambda own: np.sort(own, 0)[len(own) // 2]),
        "upper of the middle two",
    ),
    (
        "class_medians",
        lambda z, y: every_class(z, y, lambda own: np.repeat(np.median(own), z.shape[1])),
        "all the coordinates together",
    ),
    ("class_medians", lambda z, y: every_class(z, y, np.median), "one number a class"),
    (
        "class_medians",
        lambda z, y: np.tile(np.median(z, 0), (y.max() + 1, 1)),
        "median of all codes",
    ),
    ("class_medians", lambda z, y: np.median(z, 0), "one median for all codes"),
    ("class_medians", lambda z, y: sorted_medians(z, y).T, "transpose too many"),
    (
        "class_medians",
        lambda z, y: every_class(z, y, lambda own: own[len(own) // 2]),
        "before sorting",
    ),
    ("nearest_code", lambda p, z: tree(p, z) ** 2, "squared distances"),
    ("nearest_code", lambda p, z: torch.cdist(p, z).mean(1), "mean distance to all"),
    ("nearest_code", lambda p, z: torch.cdist(p, z).max(1).values, "farthest"),
    ("nearest_code", lambda p, z: tree(z, p), "the other axis"),
    ("nearest_code", lambda p, z: torch.cdist(p, z).argmin(1), "its place in the list"),
    ("nearest_code", lambda p, z: torch.cdist(p, z, p=1).min(1).values, "along streets"),
    ("nearest_code", lambda p, z: np.linalg.norm(p - z.mean(0), axis=1), "mean of all codes"),
    ("nearest_code", lambda p, z: torch.cdist(p, z).min(), "Every point has its own"),
    ("nearest_code", lambda p, z: None, "returns nothing"),
]


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_a_wrong_answer_is_told_its_mistake(name, answer, hint):
    assert_hint(getattr(checks, name)(answer), hint)


@pytest.mark.parametrize("name", NAMES)
def test_at_least_three_mistakes_have_hints_of_their_own(name):
    hints = {getattr(checks, name)(answer).hint for n, answer, _ in WRONG if n == name}
    assert len(hints) >= 3


def test_a_count_must_be_exact():
    assert not checks.mlp_parameters(COUNT + 1)
    assert not checks.mlp_parameters(COUNT - 0.5)
