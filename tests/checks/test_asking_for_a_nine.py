"""Each checker of *Asking for a nine*: right answers in several forms, wrong ones by hint."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aeteach import checks, conditional, latent, models
from tests.checkers import assert_hint


def told_in_torch(z, y):
    z, y = torch.as_tensor(z), torch.as_tensor(y)
    return torch.cat([z.float(), F.one_hot(y, 10)], dim=1)


def told_in_loops(z, y):
    return [
        [*row, *(1.0 if c == digit else 0.0 for c in range(10))]
        for row, digit in zip(z, y, strict=True)
    ]


def told_by_the_package(z, y):
    """What the package's own model hands to its decoder."""
    seen = []

    class Watch(torch.nn.Module):
        def forward(self, values):
            seen.append(values)
            return values

    model = models.VAE(
        Watch(), Watch(), Watch(), latent=z.shape[1], size=8, sigmoid=False, classes=10
    )
    model.decode(torch.as_tensor(z), torch.as_tensor(y))
    return seen[0]


def grid_by_the_package(n, reach):
    return latent.grid(n, -reach, reach)


def grid_in_loops(n, reach):
    step = 2 * reach / (n - 1)
    return [[-reach + c * step, reach - r * step] for r in range(n) for c in range(n)]


def grid_by_meshgrid(n, reach):
    a, b = np.meshgrid(np.linspace(-reach, reach, n), np.linspace(reach, -reach, n))
    return np.stack([a.ravel(), b.ravel()], 1)


def walk_by_the_package(a, b, n):
    return latent.interpolate(torch.eye(10)[a], torch.eye(10)[b], n + 1)


def walk_in_loops(a, b, n):
    rows = np.zeros((n + 1, 10))
    for i in range(n + 1):
        rows[i, a] += (n - i) / n
        rows[i, b] += i / n
    return rows


def walk_by_outer_products(a, b, n):
    t = torch.linspace(0, 1, n + 1)
    return torch.outer(1 - t, torch.eye(10)[a]) + torch.outer(t, torch.eye(10)[b])


RIGHT = [
    (checks.told_decoder, told_in_torch),
    (checks.told_decoder, told_in_loops),
    (checks.told_decoder, told_by_the_package),
    (checks.code_grid, grid_by_the_package),
    (checks.code_grid, grid_in_loops),
    (checks.code_grid, grid_by_meshgrid),
    (checks.edge_sharpness, lambda g: np.average(g, weights=g)),
    (checks.edge_sharpness, lambda g: torch.as_tensor(g).square().sum() / torch.as_tensor(g).sum()),
    (checks.edge_sharpness, lambda g: (g.ravel() @ g.ravel()) / np.abs(g).sum()),
    (checks.label_walk, walk_by_the_package),
    (checks.label_walk, walk_in_loops),
    (checks.label_walk, walk_by_outer_products),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_pass_in_any_form(check, answer):
    verdict = check(answer)
    assert verdict.passed, verdict.hint


def told_as_a_number(z, y):
    return np.column_stack([z, y])


def frozen_grid(n, reach):
    return latent.grid(n, reach - 1e-9, reach)


def diagonal(n, reach):
    t = np.linspace(-reach, reach, n)
    return np.column_stack([t, t])


WRONG = [
    (checks.told_decoder, told_as_a_number, "appended as a number. Then a 9"),
    (checks.told_decoder, lambda z, y: told_in_torch(z, y).roll(10, 1), "label comes first"),
    (checks.told_decoder, lambda z, y: told_in_torch(z, (y + 1) % 10), "too far to the right"),
    (checks.told_decoder, lambda z, y: torch.as_tensor(z), "label is missing"),
    (checks.code_grid, lambda n, r: np.full((n * n, 2), r), "one code is repeated"),
    (checks.code_grid, frozen_grid, "one code is repeated"),
    (checks.code_grid, lambda n, r: latent.grid(n, -r, r) * torch.tensor([1, -1]), "on its head"),
    (
        checks.code_grid,
        lambda n, r: latent.grid(n, -r, r).view(n, n, 2).transpose(0, 1).reshape(-1, 2),
        "exchanged: the second code",
    ),
    (checks.code_grid, diagonal, "the diagonal"),
    (checks.edge_sharpness, np.mean, "mean over all pixels"),
    (checks.edge_sharpness, lambda g: g.sum() / (g != 0).sum(), "trace of grey"),
    (checks.edge_sharpness, np.max, "steepest pixel"),
    (
        checks.edge_sharpness,
        lambda g: g.sum() / (g * g).sum(),
        "upside down",
    ),
    (checks.label_walk, lambda a, b, n: walk_in_loops(b, a, n), "the other way"),
    (checks.label_walk, lambda a, b, n: walk_in_loops(a, b, n)[:-1], "last step is missing"),
    (
        checks.label_walk,
        lambda a, b, n: np.eye(10)[np.round(np.linspace(a, b, n + 1)).astype(int)],
        "A digit is a name",
    ),
    (
        checks.label_walk,
        lambda a, b, n: np.maximum(walk_in_loops(a, b, n), np.eye(10)[a]),
        "sums to more than 1",
    ),
]


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_a_likely_mistake_is_named(check, answer, hint):
    assert_hint(check(answer), hint)


def test_the_walk_that_is_right_is_the_package_s():
    model = models.build("cvae", size=8, seed=1).eval()
    z = torch.tensor([[0.3, -0.7]])
    labels = torch.tensor(walk_in_loops(3, 8, 4)).float()
    by_hand = conditional.decode_mixture(model, z.expand(5, 2), labels)
    walked = conditional.walk(model, z.expand(2, 2), torch.tensor([3, 8]), n=4)
    torch.testing.assert_close(by_hand.detach(), walked)
