"""Run a notebook without Jupyter, and collect what the checkers say of the answers in it.

The notebook's code runs in a process of its own, in the notebook's folder, with all the rights of
whoever asks: look at a stranger's notebook before you grade it. What counts is the last verdict of
each checker outside the cells of a solution. A cell that raises does not stop the rest.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aeteach import checks

SECONDS = 1800.0  # that a notebook may take in all
RIGHT, WRONG, UNTRIED = "right", "not yet", "not tried"
_CALL = re.compile(r"\bchecks\s*\.\s*(\w+)\s*\(")
_FENCE = re.compile(r"^(`{3,})\{solution-(start|end)\}", re.MULTILINE)


class NotebookError(ValueError):
    """A file is no notebook that can be run; the message says why and what to do."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its code, its number from 1 on, and whether it belongs to a solution."""

    code: str
    number: int
    solution: bool


@dataclass(frozen=True)
class Row:
    """What became of one exercise.

    Attributes:
        exercise: its title.
        checker: its name in `aeteach.checks`.
        state: "right", "not yet" or "not tried".
        hint: what the checker said last; empty if it was not tried.
    """

    exercise: str
    checker: str
    state: str
    hint: str


@dataclass(frozen=True)
class Report:
    """What the checkers say of a notebook.

    Attributes:
        notebook: the file.
        rows: one for each exercise whose checker the notebook calls, in its order.
        errors: what cells have raised, and why a run ended early.
    """

    notebook: str
    rows: tuple[Row, ...]
    errors: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every exercise is right; an error elsewhere in the notebook does not count."""
        return all(row.state == RIGHT for row in self.rows)

    def as_json(self) -> str:
        """Return the report as JSON: notebook, passed, exercises and errors."""
        return json.dumps(
            {
                "notebook": self.notebook,
                "passed": self.passed,
                "exercises": [vars(row) for row in self.rows],
                "errors": list(self.errors),
            },
            indent=2,
            ensure_ascii=False,
        )

    def __str__(self) -> str:
        wide = max((len(row.exercise) for row in self.rows), default=0)
        lines = [
            f"{row.exercise:{wide}}  {row.state:9}  {_hint(row)}".rstrip() for row in self.rows
        ]
        right = sum(row.state == RIGHT for row in self.rows)
        lines += [f"{right} of {len(self.rows)} right", *self.errors]
        return "\n".join(lines)


def _hint(row: Row) -> str:
    return row.hint if row.state == WRONG else ""


def grade(notebook: str | os.PathLike[str], seconds: float = SECONDS) -> Report:
    """Run a notebook in a process of its own and return what its checkers say.

    Args:
        notebook: an .ipynb; or a text notebook (.md, .py), for which jupytext is needed.
        seconds: the whole run may take so long; then it is stopped, and what is known is reported.

    Raises:
        NotebookError: the file cannot be read, or is no notebook.
    """
    path = Path(notebook)
    cells = read(path)
    asked = list(dict.fromkeys(n for c in cells if not c.solution for n in _CALL.findall(c.code)))
    known = checks.exercises()
    found, errors = _run(cells, path.resolve().parent, seconds)
    rows = []
    for name in asked:
        if name in known:
            said = found.get(name)
            state = UNTRIED if said is None else RIGHT if said["passed"] else WRONG
            rows.append(Row(known[name].name, name, state, said["hint"] if said else ""))
    return Report(str(path), tuple(rows), tuple(errors))


# ---------------------------------------------------------------- reading


def read(path: Path) -> list[Cell]:
    """Return the code cells of a notebook.

    Raises:
        NotebookError: the file cannot be read, or is no notebook.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise NotebookError(f"{path} is no notebook: it is not text in UTF-8") from error
    cells = _of_json(path, text) if path.suffix == ".ipynb" else _of_text(path, text)
    return list(_code_cells(cells))


def _of_json(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        cells = json.loads(text)["cells"]
        for cell in cells:
            if not isinstance(cell["cell_type"], str) or not isinstance(cell["source"], str | list):
                raise TypeError
            cell["source"] = "".join(cell["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotebookError(
            f"{path} is no notebook of format 4; open it in Jupyter and save it again"
        ) from error
    return list(cells)


def _of_text(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        import jupytext
    except ImportError as error:
        raise NotebookError(
            f"{path} is a text notebook, which needs jupytext: pip install 'aeteach[book]', or "
            "save the notebook as .ipynb"
        ) from error
    try:
        return list(jupytext.reads(text, fmt=path.suffix.lstrip(".") or "md").cells)
    except Exception as error:  # jupytext and its parsers raise errors of many kinds
        said = str(error).partition("\n")[0]
        raise NotebookError(f"{path} is no notebook that jupytext can read: {said}") from error


def _code_cells(cells: list[dict[str, Any]]) -> Iterator[Cell]:
    """Yield the code cells; a solution is marked by the workbook, or fenced in by the text."""
    number, fenced = 0, False
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for _, which in _FENCE.findall(cell["source"]):
                fenced = which == "start"
        if cell["cell_type"] != "code":
            continue
        number += 1
        own = (cell.get("metadata") or {}).get("aeteach")
        marked = isinstance(own, dict) and "solution" in own
        yield Cell(cell["source"], number, fenced or marked)


# ---------------------------------------------------------------- running


def _run(
    cells: list[Cell], folder: Path, seconds: float
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Run cells in a process of their own; return the last verdict of each checker, and errors."""
    with tempfile.TemporaryDirectory() as scratch:
        task, heard = Path(scratch, "cells.json"), Path(scratch, "heard.jsonl")
        task.write_text(json.dumps([vars(cell) for cell in cells]), encoding="utf-8")
        heard.touch()
        start = [sys.executable, "-m", "aeteach._grading", str(task), str(heard)]
        nowhere = subprocess.DEVNULL
        environment = os.environ | {"MPLBACKEND": "Agg", "IPYTHONDIR": scratch}
        try:
            done: int | None = subprocess.run(
                start, cwd=folder, env=environment, timeout=seconds, check=False,
                stdin=nowhere, stdout=nowhere, stderr=nowhere,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            done = None
        lines = heard.read_text(encoding="utf-8").splitlines()
    verdicts: dict[str, dict[str, Any]] = {}
    errors, last, ended = [], 0, False
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:  # the process ended while it wrote
            continue
        last = said.get("begins", last)
        ended = ended or "ended" in said
        if "checker" in said:
            verdicts[said["checker"]] = said
        if "error" in said:
            errors.append(f"cell {said['cell']} raised {said['error']}")
    if done is None:
        errors.append(f"stopped in cell {last} after {seconds:g} seconds; the rest was not run")
    elif not ended:
        errors.append(f"Python ended in cell {last}; the rest was not run")
    return verdicts, errors


def _serve(task: Path, heard: Path) -> None:
    """Run the cells of a task in this process, and write down what the checkers say."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    cells = [Cell(**cell) for cell in json.loads(task.read_text(encoding="utf-8"))]
    settings = Config()
    settings.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=settings)
    with heard.open("a", encoding="utf-8", buffering=1) as file:

        def note(**said: Any) -> None:
            file.write(json.dumps(said) + "\n")

        counts = [True]
        _listen(lambda **said: note(**said) if counts[0] else None)
        for cell in cells:
            counts[0] = not cell.solution
            note(begins=cell.number)
            result = shell.run_cell(cell.code, store_history=True)
            error = result.error_before_exec or result.error_in_exec
            if error is not None:
                said = f"{type(error).__name__}: {error}".rstrip(": ").partition("\n")[0]
                note(cell=cell.number, error=said)
        note(ended=time.time())


def _listen(hear: Callable[..., None]) -> None:
    """Have every checker say what it has found."""
    names = {id(exercise): name for name, exercise in checks.exercises().items()}

    def heard(method: Callable[..., checks.Verdict]) -> Callable[..., checks.Verdict]:
        def check(exercise: checks.Check, answer: Any) -> checks.Verdict:
            verdict = method(exercise, answer)
            if id(exercise) in names:
                hear(checker=names[id(exercise)], passed=verdict.passed, hint=verdict.hint)
            return verdict

        return check

    for kind in {type(exercise) for exercise in checks.exercises().values()}:
        kind.__call__ = heard(kind.__call__)  # type: ignore[method-assign]


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Path(sys.argv[2]))
