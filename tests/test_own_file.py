"""Recipes and tables of one's own: what a file may hold, and what is said of one that may not."""

import csv
import dataclasses
import json
from pathlib import Path

import pytest

from aeteach import _own_file, cli, recipes
from aeteach._own_file import OwnFileError
from aeteach.data.cube import cube

RECIPE = """
[recipes.mine]
model = "noisy-points"
data = "cube"
epochs = 1
batch_size = 50
"""
TABLE = """
[sweeps.small]
recipes = ["mine"]
seeds = [0, 3]
"""


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AETEACH_RESULTS", str(tmp_path / "results"))
    points = {"train": cube(200, 1), "test": cube(100, 2)}
    monkeypatch.setitem(recipes.DATA, "cube", lambda split: points[split].view(-1, 1, 1, 3))


def written(text: str, name: str = "mine.toml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def test_the_example_of_the_help_can_be_read():
    own = _own_file.read(written(_own_file.EXAMPLE))
    assert own.recipes["small-vae"] == recipes.Recipe(
        "vae", {"latent": 3}, {}, loss="elbo", epochs=5
    )
    assert [(c.columns["recipe"], c.seed) for c in own.sweeps["small"].cells] == [
        ("small-vae", n) for n in (0, 1, 2)
    ]


def test_a_recipe_is_trained_and_its_card_says_how_to_do_it_again(capsys):
    written(RECIPE)
    assert cli.main(["train", "--file", "mine.toml", "--seed", "4"]) == 0
    card = json.loads(Path("weights/mine.json").read_text(encoding="utf-8"))
    assert card["command"] == "aeteach train --file mine.toml mine --seed 4"
    assert card["recipe"]["model"] == "noisy-points"
    assert cli.main(["evaluate", "mine", "--weights", "weights"]) == 0
    assert cli.main(["train", "--file", "mine.toml", "--list"]) == 0
    assert "noisy-points on cube, 1 epochs" in capsys.readouterr().out


def test_a_table_of_toml_holds_what_the_recipe_measures():
    written(RECIPE + TABLE)
    assert cli.main(["sweep", "--file", "mine.toml", "small"]) == 0
    with Path("results/small.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert [row["seed"] for row in rows] == ["0", "3"]
    recipe = _own_file.read(Path("mine.toml")).recipes["mine"]
    model, _ = recipe.train(seed=3, progress=False)
    assert float(rows[1]["loss"]) == pytest.approx(recipe.measure(model)["loss"], rel=1e-4)


def test_a_python_file_gives_what_the_package_has():
    path = written(
        "from aeteach.recipes import RECIPES as ALL\nRECIPES = {'mine': ALL['cube-2-0dB']}\n",
        "mine.py",
    )
    own = _own_file.read(path)
    assert own.recipes == {"mine": recipes.RECIPES["cube-2-0dB"]}
    assert not own.runs_anywhere
    assert dataclasses.is_dataclass(own.recipes["mine"])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("mine.txt", "", "ends neither in .toml nor in .py"),
        ("mine.toml", "", "holds no recipe and no table; for instance:"),
        ("mine.toml", "[recipes", "is no TOML"),
        ("mine.toml", "[models.x]", "'models' is neither"),
        ("mine.toml", "recipes = 3", "'recipes' is neither"),
        ("mine.toml", RECIPE + "epoch = 3", "recipe 'mine': 'epoch' is none of batch_size, data"),
        ("mine.toml", "[recipes.a]\nmodel = 'vea'", "recipe 'a': model is 'vea'; known: conv"),
        (
            "mine.toml",
            "[recipes.a]\nmodel = 'vae'\nepochs = 0",
            "recipe 'a': epochs must be at least 1",
        ),
        (
            "mine.toml",
            "[recipes.a]\nmodel = 'vae'\nseed = -1",
            "recipe 'a': seed must be at least 0",
        ),
        ("mine.toml", "[recipes.a]\nmodel = 'vae'\nloss = 'mse'", "loss is 'mse'; known:"),
        ("mine.toml", "[recipes.a]\nepochs = 3", "recipe 'a': "),
        ("mine.toml", RECIPE + "[sweeps.s]\nrecipes = ['you']", "called 'you'"),
        ("mine.toml", RECIPE + "[sweeps.s]\nseeds = []", "lists, and not empty"),
        (
            "mine.toml",
            RECIPE + "[sweeps.s]\nseeds = [-1]",
            "sweep 's': each of seeds must be at least 0",
        ),
        ("mine.py", "1 / 0", "cannot be run: ZeroDivisionError"),
        ("mine.py", "RECIPES = [1]", "RECIPES is no dict of names and Recipe"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_file_and_entry(name, text, says, capsys):
    written(text, name)
    with pytest.raises(OwnFileError) as error:
        _own_file.read(Path(name))
    assert says in str(error.value)
    assert name in str(error.value)
    assert cli.main(["train", "--file", name]) == 2
    assert says in capsys.readouterr().err


def test_arguments_that_say_nothing_beside_a_file_are_refused(capsys):
    written("from aeteach.sweeps import SWEEPS\n", "mine.py")
    assert cli.main(["sweep", "--file", "mine.py", "mmd", "--jobs", "2"]) == 2
    assert "--file came with --jobs" in capsys.readouterr().err
    assert cli.main(["train", "--ship", "--file", "mine.py"]) == 2
    assert cli.main(["train", "--file", "no.toml"]) == 2
    assert "there is no file no.toml" in capsys.readouterr().err


@pytest.mark.parametrize("name", cli._EXAMPLES)
def test_each_help_ends_with_an_example(name, capsys):
    assert cli.main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"example:\n  aeteach {name}" in said


def test_every_command_has_its_example():
    (action,) = (a for a in cli._parser()._actions if hasattr(a, "choices") and a.choices)
    assert set(action.choices) == set(cli._EXAMPLES)
