"""The engine of the sweeps: recipes x seeds, in parallel, interrupted and resumed at will.

A *cell* is one recipe with one seed. Whoever finishes a cell writes it at once to a file of its
own, named after a hash of all that decides its numbers; the table is put together from these
files. So a sweep that was killed goes on where it stopped, a changed recipe is run again, and
nothing else is.
"""

import csv
import datetime
import hashlib
import json
import os
import platform
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from aeteach import _validate, results, weights
from aeteach._files import atomic_write, make_folder
from aeteach._progress import bar
from aeteach.recipes import Recipe
from aeteach.sweeps import records
from aeteach.training import interrupts_raise

CURVE = "curve"  # an entry of this name becomes a long table of its own
CLAIMED = "claimed"  # the answer for a cell that another process is at
_ALONE = threading.Lock()  # training uses the process's random state: one cell at a time in each


class SweepError(RuntimeError):
    """Cells could not be finished; those that were are kept."""


@dataclass(frozen=True)
class Cell:
    """One recipe with one seed.

    Attributes:
        recipe: what to train.
        seed: of weights and order of the images.
        columns: what names the cell's row in the table; they do not decide its numbers.
        settings: what else decides them: plain values that `measure` reads.
    """

    recipe: Recipe
    seed: int
    columns: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


Measure = Callable[[Cell, Path], dict[str, Any]]


@dataclass(frozen=True)
class Sweep:
    """A table to be made.

    Attributes:
        name: of the table.
        about: one line that says what it shows.
        cells: its rows, in order.
        measure: trains a cell, with a file for its checkpoint, and returns the row's measured
            columns; a function that other processes can import.
        needs: shipped weights that `measure` uses; when they change, the cells are run again.
        version: raise it when `measure` or a model's code changes what comes out.
    """

    name: str
    about: str
    cells: tuple[Cell, ...]
    measure: Measure
    needs: tuple[str, ...] = ()
    version: int = 1

    def cell_keys(self) -> list[str]:
        """Return a name for each cell, in order: a hash of all that decides its numbers.

        Columns and reasons decide nothing, so two cells that differ in these alone share a name,
        and are run once.
        """
        common = {
            "measure": f"{self.measure.__module__}.{self.measure.__qualname__}",
            "needs": {name: _digest(weights.FOLDER / f"{name}.safetensors") for name in self.needs},
            "version": self.version,
        }
        return [_key(cell, common) for cell in self.cells]


def run(
    sweep: Sweep,
    folder: str | os.PathLike[str] | None = None,
    *,
    jobs: int = 1,
    dask: str | None = None,
    command: str = "",
    progress: bool = True,
) -> Path:
    """Finish every cell that is not finished yet, then write the table.

    Killing it at any moment is safe: finished cells are kept, and a cell in the middle goes on
    from the checkpoint of its last epoch. Two runs of the same sweep at a time share the work.

    Args:
        sweep: what to run.
        folder: for `NAME.csv` and what lies beside it; cells go to its `.cells/NAME`. By default
            `aeteach.results.folder()`, where `aeteach.results.read` looks first.
        jobs: local processes, at least 1.
        dask: address of a Dask scheduler, such as "tcp://host:8786"; its workers do the work, one
            cell a process at a time, and must see `folder` under the same path.
        command: what to write down as the way to make the table again.
        progress: show how many cells are finished.

    Returns:
        The path of the table.

    Raises:
        SweepError: cells failed, or workers died for good; run it again for what is left.
        ValueError: jobs is less than 1, what several jobs or Dask need is not installed, or the
            folder is that of the tables installed with the package.
    """
    _check(sweep)
    jobs = _validate.count(jobs, "jobs", most=10_000)
    if dask is not None:
        _validate.text(dask, "dask", 'the address of a scheduler, such as "tcp://host:8786"')
    _validate.text(command, "command")
    _validate.flag(progress, "progress")
    if folder is not None:
        folder = _validate.path(folder, "folder")
    cells = cell_folder(sweep, results.writable(folder))
    make_folder(cells)
    keys = sweep.cell_keys()
    records.warn_of_damage(cells, keys)
    pairs = zip(keys, sweep.cells, strict=True)
    todo = {key: cell for key, cell in pairs if records.read(cells, key) is None}
    with _progress(cells, keys, progress):
        failures = _finish_all(sweep.measure, todo, cells, jobs, dask) if todo else []
    missing = [key for key in keys if records.read(cells, key) is None]
    if missing:
        reasons = "\n".join(failures) or "the workers left no reason"
        raise SweepError(
            f"{len(missing)} of {len(keys)} cells of {sweep.name!r} are not finished: "
            f"{reasons}\nThe others are kept in {cells}. Run the same command for what is left."
        )
    return write_table(sweep, folder, command=command)


def finished(sweep: Sweep, folder: str | os.PathLike[str] | None = None) -> int:
    """Return how many cells of a sweep are finished.

    Args:
        sweep: as for `run`.
        folder: as for `run`.

    Raises:
        TypeError: no sweep, or no folder.
    """
    cells = cell_folder(sweep, folder)
    return sum(records.read(cells, key) is not None for key in sweep.cell_keys())


def write_table(
    sweep: Sweep, folder: str | os.PathLike[str] | None = None, *, command: str = ""
) -> Path:
    """Put the finished cells together: one row a cell in `NAME.csv`.

    How it was made is said in `NAME.json`. Training curves, where the cells have them, go to
    `NAME_curve.csv`, one row an epoch.

    Args:
        sweep: as for `run`.
        folder: as for `run`.
        command: as for `run`.

    Raises:
        SweepError: no cell is finished.
        TypeError: no sweep, folder or command.
    """
    _check(sweep)
    _validate.text(command, "command")
    folder = results.writable(folder if folder is None else _validate.path(folder, "folder"))
    cells = cell_folder(sweep, folder)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    keys = sweep.cell_keys()
    records.warn_of_damage(cells, keys)
    for key, cell in zip(keys, sweep.cells, strict=True):
        record = records.read(cells, key)
        if record is None:
            continue
        name = {**cell.columns, "seed": cell.seed}
        curve = record["measured"].pop(CURVE, [])
        rows.append({**name, **record["measured"], **record["versions"]})
        curves += [{**name, "epoch": n, "loss": loss} for n, loss in enumerate(curve, 1)]
    if not rows:
        raise SweepError(
            f"no cell of {sweep.name!r} is finished in the folder {cells}: run the sweep first"
        )
    path = folder / f"{sweep.name}.csv"
    if curves:
        _write_csv(folder / f"{sweep.name}_curve.csv", curves)
    _write_csv(path, rows)
    with atomic_write(folder / f"{sweep.name}.json") as partial:
        made = _how_it_was_made(sweep, cells, rows, command)
        partial.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return path


def cell_folder(sweep: Sweep, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return where the finished cells of a sweep are, as an absolute path.

    Args:
        sweep: as for `run`.
        folder: as for `run`.

    Raises:
        TypeError: no sweep, or no folder.
    """
    _check(sweep)
    if folder is not None:
        folder = _validate.path(folder, "folder")
    return results.folder(folder) / ".cells" / sweep.name


def starts(
    sweep: Sweep, folder: str | os.PathLike[str] | None = None
) -> dict[str, tuple[int, int]]:
    """Return for each cell's key how often it was begun, and how often it came to its end.

    An interrupted cell is begun more than once. None may come to its end twice.

    Args:
        sweep: as for `run`.
        folder: as for `run`.

    Raises:
        TypeError: no sweep, or no folder.
    """
    found = records.counts(cell_folder(sweep, folder))
    return {key: (found["started", key], found["measured", key]) for key in sweep.cell_keys()}


def _check(sweep: Sweep) -> None:
    _validate.record(sweep, "sweep", Sweep, "one of aeteach.sweeps.SWEEPS, or your own")


def _finish_all(
    measure: Measure, todo: Mapping[str, Cell], cells: Path, jobs: int, dask: str | None
) -> list[str]:
    """Finish cells, here or in other processes; return why some could not be."""
    failures: list[str] = []
    with _workers(jobs, dask) as work:
        # First what nobody else has claimed, then wait for what somebody has, who may yet die.
        for wait in (False, True):
            try:
                answers = work([(measure, key, todo[key], cells, wait) for key in todo])
            except Exception as error:  # a dead worker has another exception in each backend
                return [*failures, f"the workers broke off: {type(error).__name__}: {error}"]
            failures += [answer for answer in answers if answer not in (None, CLAIMED)]
            claimed = [key for key, a in zip(todo, answers, strict=True) if a == CLAIMED]
            todo = {key: todo[key] for key in claimed}
            if not todo:
                break
    return failures


Task = tuple[Measure, str, Cell, Path, bool]  # what `_finish` takes
Work = Callable[[Sequence[Task]], list[str | None]]


@contextmanager
def _workers(jobs: int, dask: str | None) -> Iterator[Work]:
    """Choose who works: this process, local processes, or the workers of a Dask scheduler."""
    if dask is None and jobs == 1:
        yield lambda tasks: [_finish(*task) for task in tasks]
        return
    try:
        from joblib import Parallel, delayed, parallel_config

        if dask is not None:
            from distributed import Client
    except ImportError as error:
        what = f"{jobs} jobs need joblib" if dask is None else "a cluster needs joblib and Dask"
        raise ValueError(
            f"{what}: pip install 'aeteach[sweep]'. One job on this machine needs neither."
        ) from error

    def work(tasks: Sequence[Task]) -> list[str | None]:
        # One cell a task, all known to the backend: cells take minutes, and workers may join late.
        return Parallel(batch_size=1, pre_dispatch="all")(delayed(_finish)(*t) for t in tasks)

    if dask is None:
        with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
            yield work
        return
    with (
        Client(dask, set_as_default=False) as client,
        parallel_config(backend="dask", client=client, n_jobs=-1),
    ):
        yield work


def _finish(measure: Measure, key: str, cell: Cell, cells: Path, wait: bool) -> str | None:
    """Run one cell and write its file, unless that was done; return why it could not be.

    The lock is the claim. The operating system lets go of it when a process dies, however it
    dies, so a cell is never claimed by the dead. Who comes second goes on to other cells, or
    waits and finds the file.
    """
    if not cells.is_dir():
        return f"{key}: {socket.gethostname()} does not see {cells}; put it on a shared disk"
    lock = FileLock(cells / f"{key}.lock")
    with _ALONE, _one_thread():
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            return CLAIMED
        except OSError as error:
            return f"{key}: {lock.lock_file} cannot be claimed: {error}"
        try:
            return _run(measure, key, cell, cells)
        except OSError as error:  # of the log or the record; the other cells go on
            return f"{key}: {error}"
        finally:
            lock.release()


def _run(measure: Measure, key: str, cell: Cell, cells: Path) -> str | None:
    """Run one claimed cell."""
    checkpoint = cells / f"{key}.ckpt"
    if records.read(cells, key) is None:
        _log(cells, "started", key)
        began = time.perf_counter()
        try:
            # A cell that was stopped is not finished; a table is the same whatever the GPU.
            with interrupts_raise(), torch.device("cpu"):
                measured = measure(cell, checkpoint)
        except Exception:  # whatever it is, the other cells go on
            return f"{key}: {traceback.format_exc(limit=-3)}"
        record = {
            "measured": measured,
            "versions": weights.versions(),
            "host": socket.gethostname(),
            "wall_seconds": round(time.perf_counter() - began, 1),
            "finished": _now(),
        }
        _log(cells, "measured", key)
        records.write(cells, key, record)
    checkpoint.unlink(missing_ok=True)
    # Whoever waits for this lock, or makes a new one, finds the cell finished.
    (cells / f"{key}.lock").unlink(missing_ok=True)
    return None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread for torch: processes share the cores, and sums come out the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _progress(cells: Path, keys: Sequence[str], show: bool) -> Iterator[None]:
    """Show how many cells are finished, whoever finishes them, by looking at their files."""
    keys = list(dict.fromkeys(keys))
    shown = bar(show, total=len(keys), initial=_done(cells, keys), unit="cell", smoothing=0)
    over = threading.Event()

    def look() -> None:
        if new := _done(cells, keys) - shown.n:
            shown.update(new)

    def watch() -> None:
        while not over.wait(0.5):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    if show:
        watcher.start()
    try:
        yield
    finally:
        over.set()
        if show:
            watcher.join()
            look()
        shown.close()


def _key(cell: Cell, common: Mapping[str, Any]) -> str:
    recipe = {name: value for name, value in cell.recipe.as_dict().items() if value}
    recipe.pop("why", None)  # like what is off (None, False, nothing), a reason decides nothing
    settings = {"settings": dict(cell.settings)} if cell.settings else {}
    what = json.dumps({"recipe": recipe, "seed": cell.seed, **settings, **common}, sort_keys=True)
    return f"{cell.recipe.model}-{cell.seed}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


def _done(cells: Path, keys: Sequence[str]) -> int:
    return sum(records.read(cells, key) is not None for key in keys)


def _digest(path: Path) -> str:
    if not path.exists():
        name = path.stem
        raise SweepError(f"the weights of {name!r} are missing: `aeteach train {name}` makes them")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _log(cells: Path, event: str, key: str) -> None:
    records.log(cells, f"{event} {key} {_now()} {socket.gethostname()}:{os.getpid()}")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _how_it_was_made(
    sweep: Sweep, cells: Path, rows: Sequence[Mapping[str, Any]], command: str
) -> dict[str, Any]:
    keys = sweep.cell_keys()
    present = [record for key in keys if (record := records.read(cells, key)) is not None]
    counts = starts(sweep, cells.parents[1]).values()
    return {
        "table": sweep.name,
        "about": sweep.about,
        "command": command or f"aeteach sweep {sweep.name}",
        "cells": len(keys),
        "finished": len(rows),
        "begun": sum(begun for begun, _ in counts),
        "ended": sum(ended for _, ended in counts),
        "wall_seconds": round(sum(record["wall_seconds"] for record in present), 1),
        "last_finished": max(record["finished"] for record in present),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one thread a cell",
        "versions": [
            dict(pairs) for pairs in sorted({tuple(r["versions"].items()) for r in present})
        ],
        "needs": {name: _digest(weights.FOLDER / f"{name}.safetensors") for name in sweep.needs},
    }
