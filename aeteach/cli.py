"""The `aeteach` command: check a notebook, fill the data cache, train, evaluate, make tables."""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from aeteach import (
    _grading,
    _own_file,
    _solved,
    data,
    recipes,
    results,
    study,
    sweeps,
    training,
    weights,
)

EXPECTED = (ValueError, OSError, data.DataError, training.NonFiniteLossError, sweeps.SweepError)
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status.

    0: done; every exercise right, if a notebook was checked. 1: it failed; some exercise is not
    right. 2: wrong arguments; a notebook cannot be read. 130: stopped by Ctrl-C.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why, or has shown its help
        return int(stop.code or 0)
    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
    except (_WrongArgumentsError, _grading.NotebookError) as error:
        print(f"aeteach: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except EXPECTED as error:
        print(f"aeteach: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\naeteach: interrupted; {arguments.stopped}", file=sys.stderr)
        return INTERRUPTED
    return int(status or 0)


class _WrongArgumentsError(ValueError):
    """Arguments that do not go together, or that name something unknown."""


def _parser() -> argparse.ArgumentParser:
    from aeteach import __version__

    parser = argparse.ArgumentParser(prog="aeteach", description=__doc__)
    parser.add_argument("--version", action="version", version=f"aeteach {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands)
    _add_data(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_sweep(commands)
    _add_study(commands)
    for name, command in commands.choices.items():
        command.formatter_class = argparse.RawDescriptionHelpFormatter
        command.description = textwrap.fill(command.description or "", 80)
        command.epilog = f"example:\n{textwrap.indent(_EXAMPLES[name], '  ')}"
    return parser


_EXAMPLES = {
    "check": "aeteach check workbook/07-elbo.ipynb",
    "data": "aeteach data --quiet",
    "train": "aeteach train vae-2 --seed 1 --epochs 5\naeteach train --file mine.toml small-vae\n\n"
    f"where mine.toml holds, for instance:\n\n{_own_file.EXAMPLE}",
    "evaluate": "aeteach evaluate vae-2",
    "sweep": "aeteach sweep vae_reference --jobs 2\naeteach sweep --file mine.toml small",
    "study": "aeteach study holiday --size 32 --epochs 20\n\nwrites holiday-study/report.html",
}


def _own(arguments: argparse.Namespace) -> _own_file.Own | None:
    """Return what the file given with --file holds."""
    try:
        return None if arguments.file is None else _own_file.read(arguments.file)
    except _own_file.OwnFileError as error:
        raise _WrongArgumentsError(str(error)) from error


def _whole(name: str, least: int) -> Callable[[str], int]:
    """Return what turns an argument into a whole number, at least `least`."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{name} is {text}; expected a whole number, at least {least}"
            )
        return number

    return convert


def _text(name: str) -> Callable[[str], str]:
    """Return what refuses an empty argument."""

    def convert(text: str) -> str:
        if not text.strip():
            raise argparse.ArgumentTypeError(f"{name} is empty; leave it out, or say which")
        return text

    return convert


def _alone(arguments: argparse.Namespace, option: str, *others: str) -> None:
    """Refuse an option that came with others that say nothing beside it."""
    given = [o for o in others if _given(getattr(arguments, o))]
    if _given(getattr(arguments, option)) and given:
        names = ", ".join("names" if o in ("recipes", "name") else f"--{o}" for o in given)
        raise _WrongArgumentsError(f"--{option} came with {names}: leave one of them out")


def _given(value: object) -> bool:
    """Return whether an argument came; a 0 did."""
    return value is not None and value is not False and value != []


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="run a notebook, and say which of its exercises are right",
        description="Runs all code of the notebook in a process of its own, and prints the last "
        "verdict of each checker outside solutions. The exit status is 0 if all are right, 1 if "
        "some are not, and 2 if the notebook cannot be read.",
    )
    parser.add_argument("notebook", nargs="?", type=Path, help="an .ipynb, or a .md of jupytext")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument(
        "--seconds",
        type=_whole("seconds", 1),
        help=f"stop the notebook after so long (default: {_grading.SECONDS:g})",
    )
    parser.add_argument("--progress", action="store_true", help="what was ever right, by chapter")
    parser.set_defaults(run=_check, stopped="nothing was noted")


def _check(arguments: argparse.Namespace) -> int | None:
    _alone(arguments, "progress", "notebook", "seconds")
    if arguments.progress:
        report = _solved.report()
        print(report.as_json() if arguments.json else report)
        return None
    if arguments.notebook is None:
        raise _WrongArgumentsError("name a notebook, or give --progress")
    found = _grading.grade(arguments.notebook, arguments.seconds or _grading.SECONDS)
    print(found.as_json() if arguments.json else found)
    tried = {
        r.checker: r.state == _grading.RIGHT for r in found.rows if r.state != _grading.UNTRIED
    }
    try:
        _solved.add(tried)
    except _solved.ProgressError as error:  # the verdicts stand all the same
        print(f"aeteach: progress was not noted: {error}", file=sys.stderr)
    return 0 if found.passed else 1


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("data", help="fetch the digits once; later runs need no network")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_data, stopped="what was fetched is kept")


def _data(arguments: argparse.Namespace) -> None:
    for line in data.fill(progress=not arguments.quiet):
        print(line)


def _add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("train", help="train recipes, and write weights and cards")
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="names; see --list")
    parser.add_argument(
        "--file",
        type=Path,
        help="recipes of your own: .toml, or .py, which is run; all of them if none is named",
    )
    parser.add_argument("--list", action="store_true", help="print the recipes and stop")
    parser.add_argument("--ship", action="store_true", help="every recipe shipped in the package")
    parser.add_argument("--seed", type=_whole("seed", 0), help="another seed than the recipe's")
    parser.add_argument("--epochs", type=_whole("epochs", 1), help="another number of passes")
    parser.add_argument("--out", type=Path, help="folder for the files (default: ./weights)")
    parser.set_defaults(run=_train, stopped="the same command goes on after the last whole epoch")


def _train(arguments: argparse.Namespace) -> None:
    _alone(arguments, "list", "recipes", "ship", "seed", "epochs", "out")
    _alone(arguments, "ship", "recipes", "seed", "epochs", "file")
    own = _own(arguments)
    known = recipes.RECIPES if own is None else own.recipes
    if arguments.list:
        for name, recipe in known.items():
            print(f"{name:24} {recipe.model} on {recipe.data}, {recipe.epochs} epochs")
        return
    if arguments.ship and arguments.out is None and results.installed():
        raise ValueError(
            f"--ship replaces the weights in {weights.FOLDER}, which an installation owns: work in "
            "a clone of the repository, or give --out"
        )
    names = list(dict.fromkeys(arguments.recipes or (own.recipes if own else [])))
    if arguments.ship:
        names = [name for name, recipe in recipes.RECIPES.items() if recipe.shipped]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"no recipe is called {unknown[0]!r}" if unknown else "no recipe was named"
        raise _WrongArgumentsError(f"{what}; known: {', '.join(known)}")
    folder = weights.FOLDER if arguments.ship else Path("weights")
    for name in names:
        file = arguments.file
        _train_one(
            name, known[name], arguments.out or folder, arguments.seed, arguments.epochs, file
        )


def _train_one(
    name: str,
    recipe: recipes.Recipe,
    folder: Path,
    seed: int | None,
    epochs: int | None,
    file: Path | None,
) -> None:
    """Train one recipe and write its files; a killed run goes on from its checkpoint."""
    print(f"{name}:")
    seed = recipe.seed if seed is None else seed
    epochs = recipe.epochs if epochs is None else epochs
    weights.check_free(name, folder)  # before an hour of training
    images = recipes.DATA[recipe.data]("train")
    labels = recipes.LABELS[recipe.data]("train") if recipe.labelled else None
    checkpoint = folder / f".{name}-seed-{seed}-epochs-{epochs}.ckpt"
    with training.interrupts_raise():  # a card speaks of a model that was trained to the end
        model, _ = recipe.train(
            seed=seed, epochs=epochs, images=images, labels=labels, checkpoint=checkpoint
        )
    more = f" --epochs {epochs}" if epochs != recipe.epochs else ""
    card = recipe.card(
        name,
        weights.stored(model),
        seed=seed,
        epochs=epochs,
        images=images,
        command=f"aeteach train --file {file.name} {name} --seed {seed}{more}" if file else None,
    )
    weights.save(model, card, folder)
    checkpoint.unlink(missing_ok=True)
    print(f"  {folder / name}.safetensors  {card.metrics}")


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("evaluate", help="measure a trained model on the test images")
    parser.add_argument("name", help="a trained model")
    parser.add_argument("--weights", type=Path, default=weights.FOLDER, help="folder it lies in")
    parser.set_defaults(run=_evaluate, stopped="nothing was written")


def _evaluate(arguments: argparse.Namespace) -> None:
    model = weights.load(arguments.name, arguments.weights)
    digits = recipes.DIGITS
    for term, value in recipes.of_card(model.card).measure(model).items():
        on_card = model.card.metrics.get(term)
        said = "not on its card" if on_card is None else f"on its card {on_card:12.{digits}g}"
        print(f"{term:16} {value:12.{digits}g}   {said}")


def _add_sweep(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("sweep", help="make a table of results; resumes where it stopped")
    parser.add_argument("name", nargs="?", help="a table; see --list")
    parser.add_argument("--file", type=Path, help="tables of your own: .toml, or .py, which is run")
    parser.add_argument("--list", action="store_true", help="print the tables and stop")
    parser.add_argument("--jobs", type=_whole("jobs", 1), help="local processes (default: 1)")
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        type=_text("dask"),
        help="scheduler of a cluster, tcp://host:port",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help=f"folder (default: {results.ENVIRONMENT}, else results/ of the clone, or here)",
    )
    parser.add_argument("--table", action="store_true", help="write the table of what is finished")
    parser.set_defaults(run=_sweep, stopped="finished cells are kept; the same command goes on")


def _sweep(arguments: argparse.Namespace) -> None:
    _alone(arguments, "list", "name", "table", "jobs", "dask")
    _alone(arguments, "table", "jobs", "dask")
    _alone(arguments, "dask", "jobs")
    own = _own(arguments)
    tables = sweeps.SWEEPS if own is None else own.sweeps
    if own is not None and not own.runs_anywhere:
        _alone(arguments, "file", "jobs", "dask")  # no other process can import its functions
    out = results.folder(arguments.out)
    if arguments.list:
        for name, sweep in tables.items():
            done = sweeps.finished(sweep, out)
            print(f"{name:24} {sweep.about}; {done} of {len(sweep.cells)} cells finished")
        return
    known = ", ".join(tables)
    if arguments.name is None:
        raise _WrongArgumentsError(f"no table was named; known: {known}")
    if arguments.name not in tables:
        raise _WrongArgumentsError(f"no table is called {arguments.name!r}; known: {known}")
    sweep = tables[arguments.name]
    file = "" if arguments.file is None else f" --file {arguments.file.name}"
    command = f"aeteach sweep{file} {sweep.name}"
    if arguments.table:
        path = sweeps.write_table(sweep, out, command=command)
    else:
        jobs = 1 if arguments.jobs is None else arguments.jobs
        path = sweeps.run(sweep, out, jobs=jobs, dask=arguments.dask, command=command)
    print(f"{path}: {sweeps.finished(sweep, out)} of {len(sweep.cells)} cells")
    if out != results.folder():
        print(f"It is read when {results.ENVIRONMENT} is {out}")


def _add_study(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "study",
        help="train on a folder of pictures, and write a report with living figures",
        description="Trains an autoencoder, two VAEs and a reader on PNG and JPEG files, and "
        "measures them on pictures held out. Subfolders are classes. Nothing is written into the "
        "folder of the pictures, and no file of yours is written over.",
    )
    parser.add_argument("folder", type=Path, help="of the pictures")
    parser.add_argument("--out", type=Path, help="folder for the report (default: ./FOLDER-study)")
    parser.add_argument(
        "--size",
        type=_whole("size", 4),
        default=study.SIZE,
        help=f"side in pixels that each picture is brought to (default: {study.SIZE})",
    )
    parser.add_argument("--grey", action="store_true", help="one channel in place of three")
    parser.add_argument(
        "--latent",
        type=_whole("latent", 1),
        default=study.LATENT,
        help=f"latent numbers (default: {study.LATENT})",
    )
    parser.add_argument(
        "--epochs",
        type=_whole("epochs", 1),
        default=study.EPOCHS,
        help=f"number of passes (default: {study.EPOCHS})",
    )
    parser.add_argument("--seed", type=_whole("seed", 0), default=0, help="(default: 0)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_study, stopped="the same command goes on after the last whole epoch")


def _study(arguments: argparse.Namespace) -> None:
    report = study.study(
        arguments.folder,
        arguments.out,
        size=arguments.size,
        grey=arguments.grey,
        latent=arguments.latent,
        epochs=arguments.epochs,
        seed=arguments.seed,
        progress=not arguments.quiet,
    )
    print(report)


if __name__ == "__main__":
    sys.exit(main())
