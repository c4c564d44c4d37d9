import dataclasses
import json
import math

import pytest
import torch

import aeteach
from aeteach import models, recipes, training, weights
from aeteach.losses import LOSSES
from aeteach.weights import Card

SHIPPED = [name for name, recipe in recipes.RECIPES.items() if recipe.shipped]


def small_card(name="small", **arguments):
    recipe = recipes.Recipe(
        model="linear", model_arguments={"latent": 2, "size": 8} | arguments, why={}
    )
    return Card(name, recipe.as_dict(), 0, {}, {"loss": 1.0}, weights.versions(), "none")


def test_what_is_saved_comes_back(tmp_path):
    model = weights.stored(models.build("linear", latent=2, size=8))
    weights.save(model, small_card(), tmp_path)
    back = weights.load("small", tmp_path)
    assert not back.training
    assert back.card == small_card()
    for a, b in zip(model.state_dict().values(), back.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_stored_rounds_to_half_precision_and_changes_little():
    model = models.build("linear", latent=2, size=8)
    before = model.encoder_matrix.detach().clone()
    after = weights.stored(model).encoder_matrix.detach()
    assert not torch.equal(before, after)
    assert torch.equal(after, before.half().float())


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'linear-3'; known: .*linear-2.*aeteach train linear-3"):
        aeteach.load("linear-3")


def test_weights_that_do_not_fit_their_card_are_named(tmp_path):
    weights.save(models.build("linear", latent=2, size=8), small_card(latent=3), tmp_path)
    with pytest.raises(ValueError, match="weights of 'small' do not fit"):
        weights.load("small", tmp_path)


def test_a_failed_write_leaves_the_old_files(tmp_path, monkeypatch):
    model = models.build("linear", latent=2, size=8)
    weights.save(model, small_card(), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(state, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        weights.save(model, small_card(), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_every_shipped_recipe_has_weights_and_every_file_a_recipe():
    on_disk = {path.stem for path in weights.FOLDER.glob("*.safetensors")}
    assert on_disk == set(SHIPPED)
    assert {path.stem for path in weights.FOLDER.glob("*.json")} == on_disk


def test_all_weights_together_stay_below_8_megabytes():
    assert sum(path.stat().st_size for path in weights.FOLDER.iterdir() if path.is_file()) < 8e6


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_holds_its_recipe_as_it_is_now(name):
    card = json.loads((weights.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(recipes.RECIPES[name].as_dict()))
    assert card["recipe"] == now, "the recipe changed: run `make weights`"
    assert set(card) == {field.name for field in dataclasses.fields(Card)}


@pytest.mark.parametrize(
    "name",
    [  # the Keras example is slow: ten seconds for the test digits
        pytest.param(n, marks=[pytest.mark.slow] if n.startswith("keras") else []) for n in SHIPPED
    ],
)
def test_a_card_tells_the_truth_about_its_model(name):
    model = aeteach.load(name)
    recipe = recipes.RECIPES[name]
    test = recipes.DATA[recipe.data]("test")
    labels = recipes.LABELS[recipe.data]("test") if recipe.labelled else None
    loss = LOSSES[recipe.loss](**recipe.loss_arguments)
    measured = training.evaluate(model, test, loss, labels=labels)
    for term, value in measured.items():
        assert math.isclose(value, model.card.metrics[term], rel_tol=1e-4), term
