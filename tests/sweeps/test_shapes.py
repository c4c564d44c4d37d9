"""The tables of the shapes and of the cube: their cells, and a cell of each in small."""

import json
from collections import defaultdict
from dataclasses import replace

import pytest
import torch

from aeteach import channel, recipes, sweeps
from aeteach.metrics import coverage
from aeteach.models import NoisyAutoencoder
from aeteach.recipes import RECIPES
from aeteach.sweeps import cube, engine
from aeteach.sweeps import shapes as module

SHAPES, EPOCHS, MMD, CUBE = (
    sweeps.SWEEPS[name] for name in ("shapes", "shapes_epochs", "mmd", "cube_snr")
)


def rows(sweep, *columns):
    """Seeds of the cells, by what names their row."""
    found = defaultdict(list)
    for cell in sweep.cells:
        found[tuple(cell.columns[column] for column in columns)].append(cell.seed)
    return dict(found)


def first(sweep, **columns):
    return next(c for c in sweep.cells if all(c.columns[k] == v for k, v in columns.items()))


def short(cell, **arguments):
    changed = {**cell.recipe.model_arguments, **arguments}
    return replace(cell, recipe=replace(cell.recipe, epochs=1, model_arguments=changed))


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


@pytest.mark.parametrize("model", ["AE", "VAE"])
def test_a_cell_of_the_cube_in_small(model, monkeypatch, tmp_path):
    monkeypatch.setattr(recipes, "CUBE_POINTS", {"train": (2000, 1), "test": (1000, 2)})
    monkeypatch.setattr(cube, "GENERATED", 500)
    cell = short(first(CUBE, model=model, latent=2, snr_db=20), hidden=(16,))
    row = cube.measure(cell, tmp_path / "a.ckpt")
    json.dumps(row)
    assert row["capacity"] == pytest.approx(channel.capacity(100, 2), abs=1e-3)
    assert 0 <= row["generated_near"] <= 100
    assert row["generated_distance"] > 0
    trained, _ = cell.recipe.train(seed=cell.seed, progress=False)
    assert isinstance(trained, NoisyAutoencoder)
    trained.eval()
    points = recipes.DATA["cube"]("test")
    with torch.no_grad():
        z = trained.encode(points)
        clean = ((trained.reconstruct(points) - points) ** 2).sum((1, 2, 3)).mean().item()
        noise = trained.noise.variance(z)
    rate = (torch.log2(1 + z.double().var(0) / noise.double()) / 2).sum().item()
    assert row["rate"] == pytest.approx(rate, abs=1e-3)
    assert row["squared_error_clean"] == pytest.approx(clean, abs=1e-4)
    assert row["squared_error"] > row["squared_error_clean"]


def test_codes_to_generate_from_are_the_prior_or_a_normal_fit():
    z = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    z = z @ torch.tensor([[2.0, 1.0], [0.0, 0.5]]) + 3
    plain = RECIPES["cube-2-10dB"].build()
    drawn = cube._draw(plain, z, 0.5, seed=1)
    torch.testing.assert_close(drawn.mean(0), z.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(
        torch.cov(drawn.T), torch.cov(z.T) + 0.5 * torch.eye(2), atol=0.25, rtol=0
    )
    prior = cube._draw(RECIPES["cube-vae-2-10dB"].build(), z, 0.5, seed=1)
    torch.testing.assert_close(torch.cov(prior.T), torch.eye(2), atol=0.1, rtol=0)


def test_kurtosis_of_known_distributions():
    generator = torch.Generator().manual_seed(0)
    z = torch.stack(
        [torch.randn(200_000, generator=generator), torch.rand(200_000, generator=generator)], 1
    )
    normal, uniform = cube._excess_kurtosis(z).tolist()
    assert normal == pytest.approx(0, abs=0.05)
    assert uniform == pytest.approx(-1.2, abs=0.02)


def test_the_points_of_the_recipes_are_images_of_one_row():
    train, test = recipes.DATA["cube"]("train"), recipes.DATA["cube"]("test")
    assert train.shape == (20_000, 1, 1, 3)
    assert test.shape == (10_000, 1, 1, 3)
    assert not torch.equal(train[:10_000], test)
