"""The tables of the shapes and of the cube: their cells, and a cell of each in small."""

import json
from dataclasses import replace

import pytest
import torch

from aeteach import channel, recipes, sweeps
from aeteach.metrics import coverage
from aeteach.sweeps import engine
from aeteach.sweeps import shapes as module
from tests.sweeps.cells import first, rows, short

SHAPES, EPOCHS, MMD, CUBE = (
    sweeps.SWEEPS[name] for name in ("shapes", "shapes_epochs", "mmd", "cube_snr")
)


def test_every_row_has_three_seeds_and_no_two_cells_are_the_same():
    assert rows(SHAPES, "model").keys() == {("VAE",), ("AE + MMD",)}
    assert rows(MMD, "model", "noise_variance").keys() == {
        ("VAE", None),
        ("MMD-VAE", 2),
        ("MMD-VAE", 5),
        ("MMD-VAE", 15),
    }
    grid = {(m, d, db) for m in ("AE", "VAE") for d in (1, 2, 3) for db in (0, 5, 10, 15, 20, 30)}
    assert rows(CUBE, "model", "latent", "snr_db").keys() == grid
    for sweep, columns in (
        (SHAPES, ["model"]),
        (MMD, ["model", "noise_variance"]),
        (CUBE, ["model", "latent", "snr_db"]),
    ):
        assert all(seeds == [0, 1, 2] for seeds in rows(sweep, *columns).values())
        keys = sweep.cell_keys()
        assert len(set(keys)) == len(keys)
        assert [cell.seed for cell in sweep.cells] == sorted(cell.seed for cell in sweep.cells)


def test_the_shorter_runs_are_those_of_the_table_but_for_the_epochs():
    assert len(EPOCHS.cells) == 4
    for cell in EPOCHS.cells:
        whole = first(SHAPES, model=cell.columns["model"])
        assert cell.seed == whole.seed
        assert cell.recipe == replace(whole.recipe, epochs=cell.columns["epochs"])
        assert whole.recipe.epochs / cell.recipe.epochs in (2, 4)
    assert len(set(EPOCHS.cell_keys())) == 4


def test_only_the_noise_of_the_report_has_its_figures():
    assert first(MMD, noise_variance=5).columns["reported_test"] is not None
    assert first(MMD, noise_variance=2).columns["reported_test"] is None


def test_the_architectures_are_the_report_s():
    vae = first(SHAPES, model="VAE").recipe
    assert vae.model_arguments["hidden"] == (1000, 1000, 1000, 500)
    assert (vae.model_arguments["latent"], vae.model_arguments["dropout"]) == (32, 0.1)
    assert vae.loss_arguments["beta"] == 0.65
    ae = first(SHAPES, model="AE + MMD").recipe
    assert (ae.model_arguments["latent"], ae.model_arguments["dropout"]) == (10, 0.2)
    assert ae.model_arguments["variance"] == pytest.approx(0.2**2)
    # 0.1 beside a mean over 784 pixels is this beside their sum.
    assert ae.loss_arguments["weight"] == pytest.approx(0.1 * 784)
    for cell in MMD.cells:
        noise = cell.columns["noise_variance"]
        assert noise is None or cell.recipe.model_arguments["variance"] == noise
    for cell in CUBE.cells:
        snr = channel.db_to_ratio(cell.columns["snr_db"])
        assert cell.recipe.model_arguments["snr"] == pytest.approx(snr)
        assert cell.recipe.model_arguments["latent"] == cell.columns["latent"]


@pytest.fixture
def few_shapes(monkeypatch):
    """Every 20th shape: the same in every place where shapes are drawn."""
    every = module.shapes

    def some(split=None, seed=0, *, rectangles=False):
        images, factors = every(split, seed, rectangles=rectangles)
        return type(every())(images[::20], factors[::20])

    monkeypatch.setattr(module, "shapes", some)
    monkeypatch.setattr(recipes, "shapes", some)
    monkeypatch.setattr(module, "GENERATED", 400)
    monkeypatch.setattr(module, "SAMPLES", 100)
    return some


@pytest.mark.parametrize(
    ("model", "arguments"),
    [("VAE", {"hidden": (30, 20), "latent": 4}), ("AE + MMD", {"hidden": (30,)})],
)
def test_a_cell_of_the_shapes_in_small(model, arguments, few_shapes, tmp_path):
    cell = short(first(SHAPES, model=model), **arguments)
    row = module.measure_shapes(cell, tmp_path / "a.ckpt")
    json.dumps(row)
    assert row["generated"] == 400
    assert row["epochs"] == len(row[engine.CURVE]) == 1
    assert (row["kl_rate_bits"] is None) == (model == "AE + MMD")

    # The same model again, measured step by step.
    trained, _ = cell.recipe.train(
        seed=cell.seed, images=few_shapes("train").images, progress=False
    )
    latent = cell.recipe.model_arguments["latent"]
    made = coverage.generate(trained.eval(), 400, latent, seed=cell.seed)
    parts = [few_shapes(s).images for s in ("train", "test")]
    found = coverage.worth(torch.cat(parts), made)
    assert row["coverage"] == pytest.approx(100 * found.coverage, abs=1e-3)
    assert row["mean_distance"] == pytest.approx(found.mean_distance, abs=1e-3)
    assert row["kl_bits"] == pytest.approx(found.kl_bits, abs=1e-3)
    assert row["coverage_test"] == pytest.approx(100 * coverage.coverage(parts[1], made), abs=1e-3)


@pytest.mark.parametrize("model", ["VAE", "MMD-VAE"])
def test_a_cell_of_the_rectangles_in_small(model, few_shapes, tmp_path):
    cell = short(first(MMD, model=model), width=4)
    row = module.measure_mmd(cell, tmp_path / "a.ckpt")
    json.dumps(row)
    for name in ("recognisable_test", "same_shape_test", "recognisable_random"):
        assert 0 <= row[f"{name}_low"] <= row[name] <= row[f"{name}_high"] <= 100
    assert row["same_shape_test"] <= row["recognisable_test"]
    assert row["ceiling"] > 95
    assert row["squared_error"] > 0
    # After so few steps the stated noise may drown the codes: 0.000 bits.
    assert row["rate_bits"] > 0 or (model == "MMD-VAE" and row["rate_bits"] == 0)
