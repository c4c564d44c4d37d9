import json
import subprocess
import sys

import pytest
import torch

import aeteach
from aeteach import cli, data, recipes, results, weights

SMALL = recipes.Recipe(
    model="linear", model_arguments={"latent": 2, "size": 8}, data="blobs", epochs=2, why={}
)


@pytest.fixture
def small(monkeypatch, blobs):
    """A recipe that trains in a moment."""
    monkeypatch.setitem(recipes.RECIPES, "small", SMALL)
    monkeypatch.setitem(
        recipes.DATA, "blobs", lambda split: blobs[:48] if split == "train" else blobs[48:]
    )


def test_train_writes_weights_and_card_and_evaluate_agrees_with_the_card(small, tmp_path, capsys):
    assert cli.main(["train", "small", "--seed", "3", "--out", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.json", "small.safetensors"]
    card = json.loads((tmp_path / "small.json").read_text())
    assert card["seed"] == 3
    assert card["command"] == "aeteach train small --seed 3"
    assert card["versions"]["aeteach"] == aeteach.__version__
    capsys.readouterr()
    assert cli.main(["evaluate", "small", "--weights", str(tmp_path)]) == 0
    term, measured, *_, on_card = capsys.readouterr().out.splitlines()[0].split()
    assert (term, measured) == ("loss", on_card)


def test_a_killed_training_resumes_and_ends_in_the_same_file(small, tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    cli.main(["train", "small", "--out", str(whole)])

    real = weights.stored
    monkeypatch.setattr(weights, "stored", lambda model: (_ for _ in ()).throw(OSError("killed")))
    assert cli.main(["train", "small", "--out", str(killed)]) == 1
    monkeypatch.setattr(weights, "stored", real)
    assert [p.name for p in killed.iterdir()] == [".small-0.ckpt"]
    assert cli.main(["train", "small", "--out", str(killed)]) == 0
    for name in ("small.json", "small.safetensors"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes()


def test_the_epochs_given_are_on_the_card(small, tmp_path):
    assert cli.main(["train", "small", "--epochs", "1", "--out", str(tmp_path)]) == 0
    card = weights.load("small", tmp_path).card
    assert card.recipe["epochs"] == 1
    assert card.command.endswith("--epochs 1")


def test_the_weights_of_an_installation_are_never_replaced(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "_INSTALLED", tmp_path)
    monkeypatch.setattr(recipes, "RECIPES", {})
    assert cli.main(["train", "--ship"]) == 1
    assert "clone of the repository, or give --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", "lineer-2"], "no recipe is called 'lineer-2'; known: .*linear-2"),
        (["train"], "no recipe was named; known"),
        (["evaluate", "nothing"], "no trained model is called 'nothing'"),
        (["train", "small", "--epochs", "-1"], "epochs is -1; expected a whole number"),
    ],
)
def test_a_wrong_argument_ends_with_a_sentence_and_no_traceback(
    small, argv, message, capsys, tmp_path
):
    if argv[0] == "train":
        argv = [*argv, "--out", str(tmp_path)]
    assert cli.main(argv) == 1
    error = capsys.readouterr().err
    import re

    assert re.search(message, error)
    assert "Traceback" not in error


def test_list_names_every_recipe(capsys):
    assert cli.main(["train", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(
        recipes.RECIPES
    )


def test_data_prints_a_line_a_file(capsys):
    assert cli.main(["data", "--quiet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_data_that_cannot_be_had_ends_with_status_1(monkeypatch, capsys):
    def nothing(progress):
        raise data.DataError("no source works")

    monkeypatch.setattr(data, "fill", nothing)
    assert cli.main(["data"]) == 1
    assert "no source works" in capsys.readouterr().err


def test_the_installed_command_answers():
    done = subprocess.run(
        [sys.executable, "-m", "aeteach.cli", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("data", "train", "evaluate"):
        assert command in done.stdout
    assert torch.__version__  # the command loads what training needs
