import inspect

import pytest
import torch

from aeteach import models, recipes, training
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
