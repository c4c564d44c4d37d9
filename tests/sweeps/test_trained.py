"""A cell trained: the columns that every table has, and a curve of a run that was killed."""

import statistics

import pytest
import torch

from aeteach.models import LinearAutoencoder, MLPAutoencoder
from aeteach.recipes import Recipe
from aeteach.sweeps import Cell
from aeteach.sweeps.trained import train


@pytest.fixture
def cell() -> Cell:
    recipe = Recipe("linear", {"latent": 2, "size": 8}, why={}, epochs=3, batch_size=16, lr=1e-2)
    return Cell(recipe, seed=4, columns={})


def test_made_says_what_was_trained_and_for_how_long(cell, blobs, tmp_path):
    trained = train(cell, LinearAutoencoder, tmp_path / "a.ckpt", blobs)
    assert not trained.model.training
    made = trained.made(an_epoch=True)
    assert made["parameters"] == 64 * 2 + 2 + 2 * 64 + 64
    assert made["epochs"] == 3
    seconds = trained.history.seconds
    assert made["seconds"] == round(sum(seconds), 1)
    assert made["seconds_an_epoch"] == round(statistics.median(seconds), 2)
    assert "seconds_an_epoch" not in trained.made()
    (curve,) = trained.curve(digits=2).values()
    assert curve == [round(entry["loss"], 2) for entry in trained.history.train]
    assert curve[2] < curve[0]


def test_a_run_goes_on_from_its_checkpoint(cell, blobs, tmp_path):
    whole = train(cell, LinearAutoencoder, tmp_path / "a.ckpt", blobs)
    again = train(cell, LinearAutoencoder, tmp_path / "a.ckpt", blobs)
    assert again.history.seconds == whole.history.seconds  # nothing was trained a second time
    assert torch.equal(again.model.decoder_matrix, whole.model.decoder_matrix)


def test_another_kind_of_model_is_noticed(cell, blobs, tmp_path):
    with pytest.raises(AssertionError):
        train(cell, MLPAutoencoder, tmp_path / "a.ckpt", blobs)
