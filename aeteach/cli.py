"""The `aeteach` command: fill the data cache, train a recipe, evaluate a trained model."""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from aeteach import data, recipes, training, weights
from aeteach.losses import LOSSES


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 2 wrong arguments, 1 it failed."""
    parser = argparse.ArgumentParser(prog="aeteach", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data(commands)
    _add_train(commands)
    _add_evaluate(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, OSError, data.DataError, training.NonFiniteLossError) as error:
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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="another number of passes")
    parser.add_argument("--out", type=Path, help="folder for the files (default: ./weights)")
    parser.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> None:
    if arguments.list:
        for name, recipe in recipes.RECIPES.items():
            print(f"{name:24} {recipe.model} on {recipe.data}, {recipe.epochs} epochs")
        return
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
        checkpoint = folder / f".{name}-{arguments.seed}.ckpt"
        model, _ = recipe.train(
            seed=arguments.seed, epochs=arguments.epochs, images=images, checkpoint=checkpoint
        )
        card = make_card(name, weights.stored(model), images, arguments.seed, arguments.epochs)
        weights.save(model, card, folder)
        checkpoint.unlink()
        print(f"  {folder / name}.safetensors  {card.metrics}")


def make_card(
    name: str, model: nn.Module, images: Tensor, seed: int, epochs: int | None = None
) -> weights.Card:
    """Measure a trained model on its recipe's test images and write down where it comes from."""
    recipe = recipes.RECIPES[name]
    test = recipes.DATA[recipe.data]("test")
    metrics = training.evaluate(model, test, LOSSES[recipe.loss](**recipe.loss_arguments))
    return weights.Card(
        name=name,
        recipe=recipe.as_dict() | ({"epochs": epochs} if epochs else {}),
        seed=seed,
        data={
            "name": recipe.data,
            "train_sha256": hashlib.sha256(images.numpy(force=True).tobytes()).hexdigest(),
        },
        metrics={term: round(value, 4) for term, value in metrics.items()},
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
    card: weights.Card = model.card  # type: ignore[assignment]
    test = recipes.DATA[card.recipe["data"]]("test")
    loss = LOSSES[card.recipe["loss"]](**card.recipe["loss_arguments"])
    for term, value in training.evaluate(model, test, loss).items():
        print(f"{term:16} {value:12.4f}   on its card {card.metrics[term]:12.4f}")


if __name__ == "__main__":
    sys.exit(main())
