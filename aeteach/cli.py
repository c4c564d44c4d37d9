"""The `aeteach` command: fill the data cache, train, evaluate, and make the tables of results."""

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from aeteach import data, recipes, results, sweeps, training, weights
from aeteach.losses import LOSSES

EXPECTED = (ValueError, OSError, data.DataError, training.NonFiniteLossError, sweeps.SweepError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 2 wrong arguments, 1 it failed."""
    parser = argparse.ArgumentParser(prog="aeteach", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_sweep(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except EXPECTED as error:
        print(f"aeteach: {error}", file=sys.stderr)
        return 1
    return 0


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("data", help="fetch the digits once; later runs need no network")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_data)


def _data(arguments: argparse.Namespace) -> None:
    for line in data.fill(progress=not arguments.quiet):
        print(line)


def _add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("train", help="train recipes, and write weights and cards")
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="names; see --list")
    parser.add_argument("--list", action="store_true", help="print the recipes and stop")
    parser.add_argument("--ship", action="store_true", help="every recipe shipped in the package")
    parser.add_argument("--seed", type=int, help="another seed than the recipe's")
    parser.add_argument("--epochs", type=int, help="another number of passes")
    parser.add_argument("--out", type=Path, help="folder for the files (default: ./weights)")
    parser.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> None:
    if arguments.list:
        for name, recipe in recipes.RECIPES.items():
            print(f"{name:24} {recipe.model} on {recipe.data}, {recipe.epochs} epochs")
        return
    if arguments.ship and arguments.out is None and results.installed():
        raise ValueError(
            f"--ship replaces the weights in {weights.FOLDER}, which an installation owns: work in "
            "a clone of the repository, or give --out"
        )
    names = arguments.recipes
    if arguments.ship:
        names = [name for name, recipe in recipes.RECIPES.items() if recipe.shipped]
    unknown = [name for name in names if name not in recipes.RECIPES]
    if unknown or not names:
        what = f"no recipe is called {unknown[0]!r}" if unknown else "no recipe was named"
        raise ValueError(f"{what}; known: {', '.join(recipes.RECIPES)}")
    folder = arguments.out or (weights.FOLDER if arguments.ship else Path("weights"))
    for name in names:
        print(f"{name}:")
        recipe = recipes.RECIPES[name]
        images = recipes.DATA[recipe.data]("train")
        labels = recipes.LABELS[recipe.data]("train") if recipe.labelled else None
        seed = recipe.seed if arguments.seed is None else arguments.seed
        checkpoint = folder / f".{name}-{seed}.ckpt"
        with training.interrupts_raise():  # a card speaks of a model that was trained to the end
            model, _ = recipe.train(
                seed=seed,
                epochs=arguments.epochs,
                images=images,
                labels=labels,
                checkpoint=checkpoint,
            )
        card = make_card(name, weights.stored(model), images, seed, arguments.epochs)
        weights.save(model, card, folder)
        checkpoint.unlink()
        print(f"  {folder / name}.safetensors  {card.metrics}")


def make_card(
    name: str, model: nn.Module, images: Tensor, seed: int, epochs: int | None = None
) -> weights.Card:
    """Measure a trained model on its recipe's test images and write down where it comes from."""
    recipe = recipes.RECIPES[name]
    metrics = _measure(model, recipe.as_dict())
    return weights.Card(
        name=name,
        recipe=recipe.as_dict() | ({"epochs": epochs} if epochs else {}),
        seed=seed,
        data={
            "name": recipe.data,
            "train_sha256": hashlib.sha256(images.numpy(force=True).tobytes()).hexdigest(),
        },
        metrics={term: float(f"{value:.6g}") for term, value in metrics.items()},
        versions=weights.versions(),
        command=f"aeteach train {name} --seed {seed}" + (f" --epochs {epochs}" if epochs else ""),
    )


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("evaluate", help="measure a trained model on the test images")
    parser.add_argument("name", help="a trained model")
    parser.add_argument("--weights", type=Path, default=weights.FOLDER, help="folder it lies in")
    parser.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> None:
    model = weights.load(arguments.name, arguments.weights)
    for term, value in _measure(model, model.card.recipe).items():
        print(f"{term:16} {value:12.4f}   on its card {model.card.metrics[term]:12.4f}")


def _measure(model: nn.Module, recipe: Mapping[str, Any]) -> dict[str, float]:
    """Return the loss terms of a model on the test images of its recipe, as plain values."""
    test = recipes.DATA[recipe["data"]]("test")
    labels = recipes.LABELS[recipe["data"]]("test") if recipe.get("labelled") else None
    loss = LOSSES[recipe["loss"]](**recipe["loss_arguments"])
    return training.evaluate(model, test, loss, labels=labels)


def _add_sweep(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("sweep", help="make a table of results; resumes where it stopped")
    parser.add_argument("name", nargs="?", help="a table; see --list")
    parser.add_argument("--list", action="store_true", help="print the tables and stop")
    parser.add_argument("--jobs", type=int, default=1, help="local processes (default: 1)")
    parser.add_argument("--dask", metavar="ADDRESS", help="scheduler of a cluster, tcp://host:port")
    parser.add_argument(
        "--out",
        type=Path,
        help=f"folder (default: {results.ENVIRONMENT}, else results/ of the clone, or here)",
    )
    parser.add_argument("--table", action="store_true", help="write the table of what is finished")
    parser.set_defaults(run=_sweep)


def _sweep(arguments: argparse.Namespace) -> None:
    out = results.folder(arguments.out)
    if arguments.list:
        for name, sweep in sweeps.SWEEPS.items():
            done = sweeps.finished(sweep, out)
            print(f"{name:24} {sweep.about}; {done} of {len(sweep.cells)} cells finished")
        return
    if arguments.name not in sweeps.SWEEPS:
        known = ", ".join(sweeps.SWEEPS)
        raise ValueError(f"no table is called {arguments.name!r}; known: {known}")
    sweep = sweeps.SWEEPS[arguments.name]
    command = f"aeteach sweep {sweep.name}"
    if arguments.table:
        path = sweeps.write_table(sweep, out, command=command)
    else:
        path = sweeps.run(sweep, out, jobs=arguments.jobs, dask=arguments.dask, command=command)
    print(f"{path}: {sweeps.finished(sweep, out)} of {len(sweep.cells)} cells")
    if out != results.folder():
        print(f"It is read when {results.ENVIRONMENT} is {out}")


if __name__ == "__main__":
    sys.exit(main())
