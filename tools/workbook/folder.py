"""Keep a folder of notebooks up to date with the book, and lose nothing a student wrote there.

A notebook carries the fingerprint of what the book wrote into it. While its cells still have that
fingerprint it is the book's, and is refreshed; outputs of cells that stay the same stay with them.
From the first change it is the student's, and is never written to: a new version is put beside it,
once.
"""

import json
import os
import platform
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .notebook import fingerprint

# What Jupyter writes into a notebook when its kernel starts. With it there from the beginning, a
# notebook that was only looked at has no unsaved changes.
PYTHON = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}
OFFERED = ".offered.json"  # page -> fingerprint of the version that was last put beside

Say = Callable[[str], None]


class State(Enum):
    """Whose a notebook is."""

    ABSENT = "absent"
    BOOK = "as the book wrote it"
    STUDENT = "changed"
    FOREIGN = "not a notebook of this book"


class Folder:
    """The workbook on disk.

    Args:
        path: made when it is not there.
        say: called with one line about each notebook that was made, refreshed, moved or left alone.

    Raises:
        NotADirectoryError: there is a file of that name.
    """

    def __init__(self, path: Path, say: Say) -> None:
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(
                f"{path} is a file; the workbook needs a folder of that name: move the file away."
            )
        path.mkdir(parents=True, exist_ok=True)
        self.path, self._say = path, say

    def put(self, name: str, new: NotebookNode) -> None:
        """Bring the notebook called `name` up to date with `new`, unless the student changed it."""
        target = self.path / name
        self._follow_number(target)
        old, state = self.read(target)
        if state is State.ABSENT:
            _write(target, new)
            self._say(f"new: {name}")
        elif state is State.BOOK and old is not None:
            refreshed = _with_outputs(new, old)
            if _cells(refreshed) != _cells(old):
                _write(target, refreshed)
                self._say(f"refreshed: {name}")
        elif old is None or old.metadata.get("aeteach", {}).get("made") != _made(new):
            self._offer(target, new, state)

    def read(self, path: Path) -> tuple[NotebookNode | None, State]:
        """Return a notebook, if there is one that can be read, and whose it is."""
        if not path.exists():
            return None, State.ABSENT
        try:
            found = nbformat.reads(path.read_text("utf-8"), as_version=4)
            made = found.metadata.get("aeteach", {}).get("made")
            written = fingerprint(found)
        except Exception:  # whatever is wrong with it, it is not ours to touch
            return None, State.FOREIGN
        if made is None:
            return found, State.FOREIGN
        return found, State.BOOK if written == made else State.STUDENT

    def _offer(self, target: Path, new: NotebookNode, state: State) -> None:
        """Put a new version beside a notebook that is the student's; once for each version."""
        offered = self._offered()
        if offered.get(target.name[3:]) == _made(new):
            return
        beside = target.with_name(f"{target.stem}.new.ipynb")
        if self.read(beside)[1] in (State.STUDENT, State.FOREIGN):
            self._say(
                f"yours: {target.name} and {beside.name}; the book has a newer version: rename or "
                f"delete {beside.name} to get it"
            )
            return
        _write(beside, new)
        offered[target.name[3:]] = _made(new)
        _replace(self.path / OFFERED, json.dumps(offered, indent=1))
        self._say(f"yours: {target.name} is {state.value}; the book's new version is {beside.name}")

    def _offered(self) -> dict[str, str]:
        try:
            return dict(json.loads((self.path / OFFERED).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def _follow_number(self, target: Path) -> None:
        """Rename a notebook whose chapter has got another number, and what lies beside it."""
        if target.exists():
            return
        page = target.stem[3:]
        for suffix in (".ipynb", ".new.ipynb"):
            other = re.compile(rf"\d\d-{re.escape(page + suffix)}")
            found = [p for p in sorted(self.path.iterdir()) if other.fullmatch(p.name)]
            moved = target.with_name(target.stem + suffix)
            if len(found) == 1 and not moved.exists():
                found[0].rename(moved)
                self._say(f"renamed: {found[0].name} is now {moved.name}")


def _made(new: NotebookNode) -> str:
    return str(new.metadata["aeteach"]["made"])


def _cells(made: NotebookNode) -> list[tuple[str, str, str]]:
    """Return what a refresh would change; Jupyter's own empty cells are no reason for one."""
    return [(cell.id, cell.cell_type, cell.source) for cell in made.cells if cell.source.strip()]


def _with_outputs(new: NotebookNode, old: NotebookNode) -> NotebookNode:
    """Return `new` with the outputs that `old` holds for cells of the same code."""
    kept: dict[str, list[NotebookNode]] = defaultdict(list)
    for cell in old.cells:
        if cell.cell_type == "code":
            kept[cell.source].append(cell)
    for cell in new.cells:
        if cell.cell_type == "code" and kept[cell.source]:
            before = kept[cell.source].pop(0)
            cell.outputs, cell.execution_count = before.outputs, before.execution_count
    if "widgets" in old.metadata:  # the state of saved figures
        new.metadata["widgets"] = old.metadata["widgets"]
    return new


def _write(path: Path, made: NotebookNode) -> None:
    made.metadata["language_info"] = nbformat.from_dict(PYTHON)
    _replace(path, nbformat.writes(made) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file so that whoever is interrupted leaves the old content or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        partial.write_text(text, "utf-8")
        partial.chmod(0o644)  # mkstemp makes it readable by its owner only
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
