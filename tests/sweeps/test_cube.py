"""The table of the cube: a cell in small, codes to generate from, and kurtosis."""

import json

import pytest
import torch

from aeteach import channel, recipes, sweeps
from aeteach.models import NoisyAutoencoder
from aeteach.recipes import RECIPES
from aeteach.sweeps import cube
from tests.pretend_gpu import GPU, on_gpu
from tests.sweeps.cells import first, short

CUBE = sweeps.SWEEPS["cube_snr"]


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


@pytest.mark.parametrize("double", [True, False])
def test_a_cell_is_measured_where_its_model_is(double, monkeypatch, tmp_path):
    monkeypatch.setattr(recipes, "CUBE_POINTS", {"train": (200, 1), "test": (100, 2)})
    monkeypatch.setattr(cube, "GENERATED", 50)
    cell = short(first(CUBE, model="AE", latent=2, snr_db=20), hidden=(16,))
    with on_gpu(double=double), torch.device(GPU):
        row = cube.measure(cell, tmp_path / "a.ckpt")
    json.dumps(row)
    assert row["rate"] > 0
