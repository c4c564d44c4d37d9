"""Recipes and tables of one's own: a TOML file, which is data, or Python, which is run."""

import dataclasses
import runpy
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aeteach import models
from aeteach._validate import count, seed
from aeteach.losses import LOSSES
from aeteach.recipes import DATA, LABELS, Recipe
from aeteach.sweeps import Cell, Sweep
from aeteach.training import SCHEDULES

EXAMPLE = """\
[recipes.small-vae]
model = "vae"
model_arguments = { latent = 3 }
loss = "elbo"
epochs = 5

[sweeps.small]
recipes = ["small-vae"]
seeds = [0, 1, 2]
"""


class OwnFileError(ValueError):
    """A file that holds no recipes or tables; names the file, the entry and what is wrong."""


class Own(NamedTuple):
    """What a file holds.

    Attributes:
        recipes: by name.
        sweeps: likewise.
        runs_anywhere: whether other processes can run its tables.
    """

    recipes: dict[str, Recipe]
    sweeps: dict[str, Sweep]
    runs_anywhere: bool


def read(path: Path) -> Own:
    """Read a file of one's own.

    Args:
        path: ends in .toml: tables [recipes.NAME], with the attributes of `recipes.Recipe`, and
            [sweeps.NAME], with `recipes` and `seeds`. Or ends in .py, and sets RECIPES, SWEEPS or
            both, as the modules `recipes` and `sweeps` of this package do.

    Raises:
        OwnFileError: a ValueError; neither ending, no such file, or an entry that is none.
    """
    if path.suffix not in (".toml", ".py"):
        raise OwnFileError(f"{path} ends neither in .toml nor in .py")
    if not path.is_file():
        raise OwnFileError(f"there is no file {path}")
    return _toml(path) if path.suffix == ".toml" else _python(path)


def measure(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a cell of a table from TOML, and return its loss terms on the test images.

    Args:
        cell: one recipe with one seed.
        checkpoint: file that the training goes on from.
    """
    model, history = cell.recipe.train(seed=cell.seed, checkpoint=checkpoint, progress=False)
    return {"seconds": sum(history.seconds), **cell.recipe.measure(model)}


def _python(path: Path) -> Own:
    try:
        found = runpy.run_path(str(path))
    except Exception as error:
        raise OwnFileError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    recipes, sweeps = (found.get(name, {}) for name in ("RECIPES", "SWEEPS"))
    for name, entries, kind in (("RECIPES", recipes, Recipe), ("SWEEPS", sweeps, Sweep)):
        if not isinstance(entries, Mapping) or not all(
            isinstance(k, str) and isinstance(v, kind) for k, v in entries.items()
        ):
            raise OwnFileError(f"{path}: {name} is no dict of names and {kind.__name__}")
    return _some(path, Own(dict(recipes), dict(sweeps), False))


def _toml(path: Path) -> Own:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OwnFileError(f"{path} is no TOML: {error}") from error
    for name in found:
        if name not in ("recipes", "sweeps") or not isinstance(found[name], dict):
            raise OwnFileError(f"{path}: {name!r} is neither [recipes.NAME] nor [sweeps.NAME]")
    recipes = {
        name: _entry(path, "recipe", name, partial(_recipe, entry))
        for name, entry in found.get("recipes", {}).items()
    }
    sweeps = {
        name: _entry(path, "sweep", name, partial(_sweep, name, entry, recipes))
        for name, entry in found.get("sweeps", {}).items()
    }
    return _some(path, Own(recipes, sweeps, True))


def _some(path: Path, own: Own) -> Own:
    if not own.recipes and not own.sweeps:
        raise OwnFileError(f"{path} holds no recipe and no table; for instance:\n{EXAMPLE}")
    return own


def _entry(path: Path, what: str, name: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (TypeError, ValueError) as error:
        raise OwnFileError(f"{path}, {what} {name!r}: {error}") from error


def _known(entry: Any, names: set[str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise TypeError(f"it is {entry!r}; expected a table")
    other = sorted(set(entry) - names)
    if other:
        raise ValueError(f"{other[0]!r} is none of {', '.join(sorted(names))}")
    return entry


def _recipe(entry: Any) -> Recipe:
    """Return a recipe, once it has made its model and its loss."""
    names = {f.name for f in dataclasses.fields(Recipe)} - {"shipped"}
    recipe = Recipe(**({"why": {}, "model_arguments": {}} | _known(entry, names)))
    choices: dict[str, Mapping[str, Any]] = {"model": models.MODELS, "data": DATA, "loss": LOSSES}
    if recipe.labelled:
        choices["data"] = LABELS
    if recipe.schedule is not None:
        choices["schedule"] = SCHEDULES
    for name, known in choices.items():
        if getattr(recipe, name) not in known:
            raise ValueError(
                f"{name} is {getattr(recipe, name)!r}; known: {', '.join(sorted(known))}"
            )
    count(recipe.epochs, "epochs")
    count(recipe.batch_size, "batch_size")
    seed(recipe.seed)
    recipe.build()
    recipe.make_loss()
    return recipe


def _sweep(name: str, entry: Any, recipes: Mapping[str, Recipe]) -> Sweep:
    given = {"about": "a table of one's own"} | _known(entry, {"about", "recipes", "seeds"})
    chosen, seeds = given.get("recipes", list(recipes)), given.get("seeds", [0])
    if not isinstance(chosen, list) or not chosen or not isinstance(seeds, list) or not seeds:
        raise ValueError("recipes and seeds are lists, and not empty")
    unknown = [each for each in chosen if each not in recipes]
    if unknown:
        raise ValueError(f"no recipe of this file is called {unknown[0]!r}")
    cells = [
        Cell(recipes[each], seed(n, "each of seeds"), {"recipe": each, "seed": n})
        for each in chosen
        for n in seeds
    ]
    return Sweep(name, str(given["about"]), tuple(cells), measure)


__all__ = ["EXAMPLE", "Own", "OwnFileError", "measure", "read"]
