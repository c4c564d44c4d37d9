"""The three tables of variational autoencoders: their cells, and what each measure returns."""

import json

import pytest
import torch

from aeteach import recipes, results, sweeps
from aeteach.data import Digits
from aeteach.sweeps import engine, scores, vae
from aeteach.training import evaluate
from tests.sweeps.cells import rows, short

KL_WEIGHT, WARM_UP, KERAS, REFERENCE = (
    sweeps.SWEEPS[name] for name in ("vae_kl_weight", "vae_warm_up", "keras_vae", "vae_reference")
)


@pytest.fixture
def few_digits(monkeypatch):
    """Blurred noise in place of MNIST: 96 "training" and 64 "test" digits of either size."""

    def make(split, size=32):
        generator = torch.Generator().manual_seed(len(split))
        n = 96 if split == "train" else 64
        coarse = torch.rand(n, 1, 4, 4, generator=generator)
        images = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
        return Digits(images, torch.arange(n) % 10, "made up")

    monkeypatch.setattr(scores, "all_digits", make)
    monkeypatch.setattr(scores, "_ceiling", scores._ceiling.__wrapped__)  # keep nothing for later
    monkeypatch.setattr(vae, "IMPORTANCE_IMAGES", 32)
    monkeypatch.setattr(vae, "IMPORTANCE_SAMPLES", 20)
    return make


def test_what_fell_short_is_trained_once_more_with_a_growing_weight_and_nothing_else():
    keys = ("model", "bottleneck", "kl_weight")
    fell_short = {
        key
        for key, group in results.read("vae_kl_weight").by(*keys).items()
        if group.summary("readability").mean < group.column("reported")[0]
    }
    again = rows(WARM_UP, *keys)
    assert set(again) == fell_short
    assert all(seeds == [0, 1, 2, 3, 4] for seeds in again.values())
    plain = {(*(c.columns[k] for k in keys), c.seed): c for c in KL_WEIGHT.cells}
    for cell in WARM_UP.cells:
        before = plain[*(cell.columns[k] for k in keys), cell.seed]
        assert cell.columns == before.columns
        assert cell.recipe.loss_arguments == {**before.recipe.loss_arguments, "warm_up": 5.0}
        assert (cell.recipe.loss, cell.recipe.epochs) == ("elbo_warm_up", 10)


def test_experiment_2_is_two_models_by_two_bottlenecks_by_four_weights_by_five_seeds():
    found = rows(KL_WEIGHT, "model", "bottleneck", "kl_weight")
    assert set(found) == {
        (model, b, weight)
        for model in ("VAE", "ConvVAE")
        for b in (3, 4)
        for weight in (0.75, 1.0, 1.25, 1.5)
    }
    assert all(seeds == [0, 1, 2, 3, 4] for seeds in found.values())
    for cell in KL_WEIGHT.cells:
        recipe, columns = cell.recipe, cell.columns
        assert recipe.epochs <= 10
        assert recipe.model == {"VAE": "vae", "ConvVAE": "conv-vae"}[columns["model"]]
        assert recipe.model_arguments["latent"] == columns["bottleneck"]
        assert recipe.loss_arguments == {
            "reconstruction": "squared_error",
            "beta": columns["kl_weight"],
        }


def test_the_keras_example_is_trained_by_both_protocols_with_at_most_30_epochs():
    found = rows(KERAS, "protocol", "variation")
    variations = {
        "latent 2": ({"latent": 2, "third": False}, "bernoulli"),
        "third convolution": ({"latent": 2, "third": True}, "bernoulli"),
        "latent 1": ({"latent": 1, "third": False}, "bernoulli"),
        "latent 10": ({"latent": 10, "third": False}, "bernoulli"),
        "squared error": ({"latent": 2, "third": False}, "squared_error"),
    }
    assert set(found) == {(p, v) for p in (vae.ALL, vae.SPLIT) for v in variations}
    for cell in KERAS.cells:
        arguments, reconstruction = variations[cell.columns["variation"]]
        assert cell.recipe.model_arguments == arguments
        assert cell.recipe.loss_arguments["reconstruction"] == reconstruction
        assert cell.recipe.epochs <= 30
        everything = cell.columns["protocol"] == vae.ALL
        assert cell.recipe.data == ("mnist-28-all" if everything else "mnist-28")
        assert (cell.columns["reported"] is not None) == everything


def test_the_reference_has_three_seeds_of_each_latent_size():
    found = rows(REFERENCE, "latent", "beta")
    assert set(found) == {(2, 1), (10, 1), (20, 1), (20, 0.1), (20, 0.5), (20, 2), (20, 4)}
    for (_, beta), seeds in found.items():
        assert seeds == ([0, 1, 2] if beta == 1 else [0])
    for cell in REFERENCE.cells:
        assert (cell.recipe.epochs, cell.recipe.batch_size, cell.recipe.lr) == (10, 128, 1e-3)
        assert cell.recipe.schedule is None
        assert cell.recipe.loss_arguments == {"beta": cell.columns["beta"]}
        assert cell.recipe.model_arguments == {"latent": cell.columns["latent"]}


@pytest.mark.parametrize("sweep", [KL_WEIGHT, KERAS, REFERENCE], ids=lambda sweep: sweep.name)
def test_no_two_cells_are_the_same_and_a_sweep_stopped_early_has_some_of_every_row(sweep):
    keys = sweep.cell_keys()
    assert len(set(keys)) == len(keys)
    first = [cell for cell in sweep.cells if cell.seed == 0]
    assert list(sweep.cells[: len(first)]) == first
    recipes = {json.dumps(cell.recipe.as_dict(), sort_keys=True) for cell in sweep.cells}
    assert len(recipes) == len(first)


@pytest.mark.parametrize("model", ["VAE", "ConvVAE"])
def test_a_cell_of_experiment_2_in_small(model, few_digits, tmp_path):
    cell = next(
        short(cell, epochs=2)
        for cell in KL_WEIGHT.cells
        if (cell.columns["model"], cell.columns["kl_weight"]) == (model, 1.5)
    )
    row = vae.measure_kl_weight(cell, tmp_path / "a.ckpt")
    assert row["epochs"] == len(row[engine.CURVE]) == 2
    assert 0 <= row["readability_low"] <= row["readability"] <= row["readability_high"] <= 100
    dimensions = [row[f"kl_{i}"] for i in range(1, cell.columns["bottleneck"] + 1)]
    assert dimensions == sorted(dimensions, reverse=True)
    assert sum(dimensions) == pytest.approx(row["kl"], abs=1e-3)
    assert row["loss"] == pytest.approx(row["reconstruction"] + 1.5 * row["kl"], abs=1e-3)
    json.dumps(row)

    # The same model again, judged by the training loop's own loss.
    trained, _ = cell.recipe.train(
        seed=cell.seed, images=few_digits("train", 32).images, progress=False
    )
    from aeteach.losses import Elbo

    test = few_digits("test", 32).images
    terms = evaluate(trained, test, Elbo("squared_error", beta=1.5))
    assert row["kl"] == pytest.approx(terms["kl"], abs=1e-3)
    assert row["loss"] == pytest.approx(terms["loss"], rel=0.03)  # other draws
    mean = (trained.eval().reconstruct(test) - test).square().flatten(1).sum(1).mean().item()
    assert row["squared_error"] == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize("protocol", [vae.ALL, vae.SPLIT])
def test_a_cell_of_the_keras_example_in_small(protocol, few_digits, tmp_path, monkeypatch):
    cell = next(short(c, epochs=2) for c in KERAS.cells if c.columns["protocol"] == protocol)
    seen = []
    train = type(cell.recipe).train

    def watch(recipe, **arguments):
        seen.append(len(arguments["images"]))
        return train(recipe, **arguments)

    monkeypatch.setattr(type(cell.recipe), "train", watch)
    row = vae.measure_keras(cell, tmp_path / "a.ckpt")
    assert (row["encoder_parameters"], row["decoder_parameters"]) == (69_076, 65_089)
    assert row["training_loss"] == row[engine.CURVE][-1]
    if protocol == vae.ALL:
        assert seen == [96 + 64]
        assert row["test_loss"] is None  # for there is nothing to test on
    else:
        assert seen == [96]
        assert row["test_loss"] == pytest.approx(
            row["test_reconstruction"] + row["test_kl"], abs=1e-3
        )
    json.dumps(row)


def test_a_cell_of_the_reference_in_small(few_digits, tmp_path):
    row = vae.measure_reference(short(REFERENCE.cells[0], epochs=2), tmp_path / "a.ckpt")
    assert row["negative_elbo"] == pytest.approx(row["reconstruction"] + row["kl"], abs=2e-3)
    assert row["importance_images"] == 32
    # The bound is lower with more samples, but for chance.
    assert row["gain"] > -3 * row["gain_error"]
    assert row["importance_weighted"] == pytest.approx(
        row["subset_negative_elbo"] - row["gain"], abs=2e-3
    )
    json.dumps(row)


def test_all_digits_are_the_training_digits_and_then_the_test_digits(few_digits, monkeypatch):
    monkeypatch.setattr(recipes, "mnist", few_digits)
    train, test = (few_digits(split, 28).images for split in ("train", "test"))
    assert torch.equal(recipes.DATA["mnist-28-all"]("train"), torch.cat([train, test]))
    assert torch.equal(recipes.DATA["mnist-28-all"]("test"), test)
    assert torch.equal(recipes.DATA["mnist-28"]("train"), train)
    assert recipes.DATA["mnist-28"]("test").shape == (64, 1, 28, 28)
