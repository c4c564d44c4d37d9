"""The table of autoencoders: its cells."""

import json

from aeteach import sweeps
from aeteach.recipes import RECIPES, Recipe


def test_the_cells_of_experiment_1_are_models_by_bottlenecks_by_five_seeds():
    cells = sweeps.SWEEPS["autoencoders"].cells
    rows = {}
    for cell in cells:
        rows.setdefault((cell.columns["model"], cell.columns["bottleneck"]), []).append(cell)
    assert set(rows) == {
        (model, b)
        for model in ("PCA", "SimpleAE", "AE", "Conv AE (channels)", "Conv AE (numbers)")
        for b in (2, 3, 4)
    }
    for (model, _), row in rows.items():
        assert [cell.seed for cell in row] == ([0] if model == "PCA" else [0, 1, 2, 3, 4])
        assert len({json.dumps(cell.recipe.as_dict()) for cell in row}) == 1
        assert all(cell.recipe.epochs <= 10 for cell in row)
        assert all(isinstance(cell.recipe, Recipe) for cell in row)
    assert rows["AE", 2][0].columns["reported"] == 78.11
    assert RECIPES["mlp-2"] == rows["AE", 2][0].recipe
