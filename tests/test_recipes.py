import hashlib
import inspect
from dataclasses import replace

import pytest
import torch

from aeteach import models, recipes, training, weights
from aeteach.losses import LOSSES
from aeteach.recipes import RECIPES, Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_what_exists_and_builds(name):
    recipe = RECIPES[name]
    assert recipe.data in recipes.DATA
    assert recipe.loss in LOSSES
    assert recipe.schedule is None or recipe.schedule in training.SCHEDULES
    assert models.count_parameters(recipe.build()) > 0


@pytest.mark.parametrize("name", RECIPES)
def test_every_number_that_is_not_a_default_has_a_reason(name):
    recipe = RECIPES[name]
    defaults = {
        k: p.default
        for k, p in inspect.signature(Recipe).parameters.items()
        if k in {"epochs", "batch_size", "lr", "schedule"}
    }
    changed = {k for k, default in defaults.items() if getattr(recipe, k) != default}
    assert changed <= set(recipe.why), f"no reason for {sorted(changed - set(recipe.why))}"
    assert all(len(reason) > 20 for reason in recipe.why.values())


def test_the_seed_decides_the_weights_and_nothing_else_does():
    first, again, other = (RECIPES["linear-2"].build(seed) for seed in (1, 1, 2))
    assert torch.equal(first.encoder_matrix, again.encoder_matrix)
    assert not torch.equal(first.encoder_matrix, other.encoder_matrix)


def test_training_a_recipe_uses_its_numbers(blobs, monkeypatch):
    recipe = Recipe(
        model="linear",
        model_arguments={"latent": 2, "size": 8},
        epochs=7,
        batch_size=16,
        lr=1e-2,
        schedule="one_cycle",
        why={},
    )
    model, history = recipe.train(seed=4, images=blobs, progress=False)
    by_hand = models.build("linear", latent=2, size=8, seed=4)
    expected = training.fit(
        by_hand,
        blobs,
        epochs=7,
        batch_size=16,
        lr=1e-2,
        schedule="one_cycle",
        seed=4,
        progress=False,
    )
    assert history.curve() == expected.curve()
    assert torch.equal(model.decoder_matrix, by_hand.decoder_matrix)
    assert recipe.train(epochs=2, images=blobs, progress=False)[1].epochs == 2


@pytest.fixture
def own(monkeypatch, blobs):
    """A recipe of one's own, on images of one's own."""
    monkeypatch.setitem(
        recipes.DATA, "blobs", lambda split: blobs[:48] if split == "train" else blobs
    )
    return Recipe(
        model="linear", model_arguments={"latent": 2, "size": 8}, data="blobs", epochs=2, why={}
    )


def test_a_recipe_of_ones_own_makes_a_card_and_its_model_comes_back(own, blobs, tmp_path):
    model, _ = own.train(seed=3, epochs=1, progress=False)
    card = own.card("mine", weights.stored(model), seed=3, epochs=1, command="python mine.py")
    assert (card.name, card.seed, card.recipe["epochs"]) == ("mine", 3, 1)
    assert card.command == "python mine.py"
    assert card.machine == weights.machine()
    assert card.data == {
        "name": "blobs",
        "train_sha256": hashlib.sha256(blobs[:48].numpy().tobytes()).hexdigest(),
    }
    error = (model(blobs).x_hat - blobs).square().flatten(1).sum(1).double().mean().item()
    assert card.metrics["loss"] == float(f"{error:.5g}")
    weights.save(model, card, tmp_path)
    back = weights.load("mine", tmp_path)
    assert recipes.of_card(back.card).measure(back)["loss"] == pytest.approx(error, rel=1e-6)
    assert own.card("mine", model).command == "not recorded"  # no command of the shell makes it


def test_the_card_of_a_known_recipe_has_the_shell_s_command(own, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "small", own)
    model, _ = own.train(progress=False)
    assert own.card("small", model).command == "aeteach train small --seed 0"
    assert own.card("small", model, seed=4, epochs=2).command == "aeteach train small --seed 4"
    assert own.card("small", model, epochs=3).command == "aeteach train small --seed 0 --epochs 3"


def test_the_recipe_on_a_card_is_the_recipe_without_its_reasons():
    recipe = RECIPES["conv-cvae-fixed"]
    card = weights.read_card(weights.FOLDER / "conv-cvae-fixed.json")
    assert recipes.of_card(card) == replace(recipe, why={}, shipped=False)


@pytest.mark.parametrize(
    "change", [{"loss": "huge"}, {"data": "cats"}, {"wings": 2}, {"loss_arguments": {"x": 1}}]
)
def test_a_recipe_that_this_version_does_not_know_is_named(change):
    card = weights.read_card(weights.FOLDER / "vae-2.json")
    with pytest.raises(ValueError, match="card of 'vae-2' has a recipe that this version"):
        recipes.of_card(replace(card, recipe=card.recipe | change))


@pytest.mark.parametrize(("epochs", "message"), [(0, "1, got 0"), (-1, "1, got -1")])
def test_no_epochs_is_not_taken_for_all_of_them(own, epochs, message):
    with pytest.raises(ValueError, match=message):
        own.train(epochs=epochs, progress=False)
