"""The folder of a student: brought up to date, and never at the cost of what was written there."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.paths import ROOT
from tools.workbook.__main__ import update

Update = Callable[[], list[str]]
MINE = "add = 3  # mine"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    return tmp_path / "workbook"


@pytest.fixture
def refresh(small: Path, workbook: Path) -> Update:
    """Update the workbook from the small book; returns what was done, without the first page."""

    def run() -> list[str]:
        done, warnings = update(small, workbook)
        assert warnings == []
        return [line for line in done if "00-begin-here" not in line]

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def edit_book(small: Path, old: str, new: str, page: str = "one") -> None:
    path = small / "book" / f"{page}.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def edit_notebook(path: Path, old: str = "add = 1", new: str = MINE) -> None:
    """Change a cell and save as JupyterLab does."""
    made = nbformat.read(path, as_version=4)
    (cell,) = (cell for cell in made.cells if cell.source == old)
    cell.source = new
    save(path, made)


def save(path: Path, made: nbformat.NotebookNode) -> None:
    made.metadata["language_info"]["version"] = "3.99"
    path.write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_new_workbook_holds_every_page(refresh: Update, workbook: Path) -> None:
    assert len(refresh()) == 6
    assert sorted(contents(workbook)) == [
        "00-begin-here.ipynb",
        "00-index.ipynb",
        "00-words.ipynb",
        "01-one.ipynb",
        "02-two.ipynb",
        "03-after.ipynb",
        "04-sources.ipynb",
    ]


def test_twice_is_once(refresh: Update, workbook: Path) -> None:
    refresh()
    before = contents(workbook)
    times = {path.name: path.stat().st_mtime_ns for path in workbook.iterdir()}
    assert refresh() == []
    assert contents(workbook) == before
    assert {path.name: path.stat().st_mtime_ns for path in workbook.iterdir()} == times


def test_what_was_not_changed_is_refreshed(refresh: Update, workbook: Path, small: Path) -> None:
    refresh()
    edit_book(small, "The text goes on.", "It goes on.")
    assert refresh() == ["refreshed: 01-one.ipynb"]
    assert "It goes on." in sources(workbook / "01-one.ipynb")


def test_running_a_notebook_does_not_make_it_changed(
    refresh: Update, workbook: Path, small: Path
) -> None:
    refresh()
    path = workbook / "01-one.ipynb"
    made = nbformat.read(path, as_version=4)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text=f"{number}\n")]
    made.cells.append(nbformat.v4.new_code_cell(""))  # Jupyter adds one after the last that is run
    made.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    save(path, made)
    before = path.read_bytes()
    assert refresh() == []
    assert path.read_bytes() == before

    # The book changes one cell: its output goes, the others' stay.
    edit_book(small, "print(add)", "print(add + 1)")
    assert refresh() == ["refreshed: 01-one.ipynb"]
    made = nbformat.read(path, as_version=4)
    kept = {c.source: (c.outputs, c.execution_count) for c in made.cells if c.cell_type == "code"}
    assert kept["print(add + 1)"] == ([], None)
    assert kept["add = 2"] == ([nbformat.v4.new_output("stream", text="2\n")], 2)
    assert "widgets" in made.metadata


def test_what_the_student_changed_is_never_written_to(
    refresh: Update, workbook: Path, small: Path
) -> None:
    refresh()
    mine = workbook / "01-one.ipynb"
    edit_notebook(mine)
    before = mine.read_bytes()
    assert refresh() == []  # the book has nothing new

    edit_book(small, "The text goes on.", "It goes on.")
    (said,) = refresh()
    assert said.startswith("yours: 01-one.ipynb")
    assert "01-one.new.ipynb" in said
    assert mine.read_bytes() == before
    assert "It goes on." in sources(workbook / "01-one.new.ipynb")

    # It is offered once, even after it has been thrown away; the next version is offered again.
    assert refresh() == []
    (workbook / "01-one.new.ipynb").unlink()
    assert refresh() == []
    edit_book(small, "It goes on.", "And on.")
    assert len(refresh()) == 1
    assert "And on." in sources(workbook / "01-one.new.ipynb")
    assert mine.read_bytes() == before

    # A new version in which the student has begun to work is the student's as well.
    edit_notebook(workbook / "01-one.new.ipynb")
    begun = (workbook / "01-one.new.ipynb").read_bytes()
    edit_book(small, "And on.", "On and on.")
    (said,) = refresh()
    assert "rename or delete 01-one.new.ipynb" in said
    assert contents(workbook)["01-one.ipynb"] == before
    assert contents(workbook)["01-one.new.ipynb"] == begun


def test_taking_the_new_version_over_is_a_rename(
    refresh: Update, workbook: Path, small: Path
) -> None:
    refresh()
    edit_notebook(workbook / "01-one.ipynb")
    edit_book(small, "The text goes on.", "It goes on.")
    refresh()
    (workbook / "01-one.new.ipynb").replace(workbook / "01-one.ipynb")
    assert refresh() == []
    edit_book(small, "It goes on.", "And on.")
    assert refresh() == ["refreshed: 01-one.ipynb"]


def test_a_deleted_notebook_comes_back(refresh: Update, workbook: Path) -> None:
    refresh()
    (workbook / "01-one.ipynb").unlink()
    assert refresh() == ["new: 01-one.ipynb"]


@pytest.mark.parametrize(
    "foreign", [b"", b"{", b"\xff\xfe", b"[1, 2]", b'{"cells": [], "metadata": {}}']
)
def test_what_is_no_notebook_of_the_book_stays(
    refresh: Update, workbook: Path, foreign: bytes
) -> None:
    workbook.mkdir()
    (workbook / "01-one.ipynb").write_bytes(foreign)
    (said,) = (line for line in refresh() if line.startswith("yours"))
    assert "01-one.ipynb is not a notebook of this book" in said
    assert (workbook / "01-one.ipynb").read_bytes() == foreign
    assert MINE not in sources(workbook / "01-one.new.ipynb")
    assert refresh() == []


def test_other_files_stay(refresh: Update, workbook: Path) -> None:
    workbook.mkdir()
    (workbook / "notes.md").write_text("mine")
    (workbook / "01-one-copy.ipynb").write_text("mine")
    refresh()
    refresh()
    assert (workbook / "notes.md").read_text() == "mine"
    assert (workbook / "01-one-copy.ipynb").read_text() == "mine"


def test_a_chapter_with_another_number_keeps_its_work(
    refresh: Update, workbook: Path, small: Path
) -> None:
    refresh()
    edit_notebook(workbook / "01-one.ipynb")
    before = (workbook / "01-one.ipynb").read_bytes()
    toc = small / "_toc.yml"
    one, two = "      - file: book/one\n", "      - file: book/two\n"
    toc.write_text(toc.read_text().replace(one + two, two + one))
    done = refresh()
    assert "renamed: 01-one.ipynb is now 02-one.ipynb" in done
    assert "renamed: 02-two.ipynb is now 01-two.ipynb" in done
    files = contents(workbook)
    assert {"01-one.ipynb", "02-two.ipynb"}.isdisjoint(files)
    assert files["02-one.ipynb"] == before
    # Its links and numbers have changed in the book, and with them the text: that is offered.
    assert "02-one.new.ipynb" in files
    assert "](02-one.ipynb)" in sources(workbook / "01-two.ipynb")[0]


def test_other_names_of_the_linked_notebooks_are_no_new_version(
    refresh: Update, workbook: Path, small: Path
) -> None:
    refresh()
    edit_notebook(workbook / "02-two.ipynb", sources(workbook / "02-two.ipynb")[0], "# Mine")
    toc = small / "_toc.yml"
    toc.write_text(toc.read_text().replace("      - file: book/after\n", ""))
    # The page of sources moves from 04 to 03; no chapter says anything new.
    assert refresh() == ["renamed: 04-sources.ipynb is now 03-sources.ipynb"]
    assert (workbook / "03-after.ipynb").exists()


def test_a_file_in_place_of_the_folder_is_an_error(refresh: Update, workbook: Path) -> None:
    workbook.write_text("mine")
    with pytest.raises(NotADirectoryError, match=r"workbook is a file.*move the file away"):
        refresh()
    assert workbook.read_text() == "mine"


def test_a_write_that_fails_leaves_the_old_notebook(
    refresh: Update, workbook: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh()
    before = contents(workbook)
    edit_book(small, "The text goes on.", "It goes on.")

    def full(path: Path, text: str, *_: object) -> None:
        path.write_bytes(text.encode()[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        refresh()
    assert contents(workbook) == before


KILL = """
import os, signal, sys
from pathlib import Path
from tools.workbook.__main__ import update
replace, count = Path.replace, 0
def killed(self, target):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = killed
update(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_killed_half_way_the_next_run_completes_it(
    refresh: Update, workbook: Path, small: Path
) -> None:
    command = [sys.executable, "-c", KILL, str(small), str(workbook)]
    killed = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert killed.returncode == -signal.SIGKILL
    whole = [path for path in workbook.glob("*.ipynb") if not path.name.startswith(".")]
    assert len(whole) == 2
    for path in whole:
        nbformat.validate(nbformat.read(path, as_version=4))
    assert len(refresh()) == 4
    assert refresh() == []


def test_git_and_the_linter_leave_the_workbook_alone(tmp_path: Path) -> None:
    inside = ["workbook/01-pca-by-hand.ipynb", "workbook/notes.py", "workbook/.offered.json"]
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    ignored = subprocess.run(["git", "check-ignore", *inside], cwd=tmp_path, capture_output=True)
    assert ignored.stdout.decode().split() == inside
    ruff = [sys.executable, "-m", "ruff", "check", "--force-exclude", "--stdin-filename", inside[1]]
    assert subprocess.run([*ruff, "-"], cwd=ROOT, input=b"import os, sys\n").returncode == 0
