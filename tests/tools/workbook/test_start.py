"""The first page: every chapter in its order, and an honest count of what was solved."""

import re
from pathlib import Path

import nbformat
import pytest

import aeteach
from tests.paths import ROOT
from tools.workbook.__main__ import main, update
from tools.workbook.start import START, Progress, progress


def verdict(answer: object) -> nbformat.NotebookNode:
    """Return what a notebook keeps of a checker's verdict."""
    said = aeteach.checks.mean(answer)
    return nbformat.v4.new_output(
        "execute_result", {"text/plain": repr(said), "text/html": said._repr_html_()}
    )


def right(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def start_page(workbook: Path) -> str:
    return nbformat.read(workbook / START, as_version=4).cells[0].source


def test_it_lists_the_pages_under_their_parts(small: Path, tmp_path: Path) -> None:
    update(small, tmp_path / "workbook")
    lines = start_page(tmp_path / "workbook").split("\n")
    assert [line for line in lines if line.startswith(("#", "- "))] == [
        "# Small",
        "- [All](00-index.ipynb)",
        "## Before",
        "- [Words](00-words.ipynb)",
        "## The middle",
        "- [1. One](01-one.ipynb): 0 of 1 exercises solved",
        "- [2. Two `twos`](02-two.ipynb)",
        "## After",
        "- [After](03-after.ipynb): 0 of 1 exercises solved",
        "- [Sources](04-sources.ipynb)",
    ]


def test_the_real_one_leads_to_every_chapter(tmp_path: Path) -> None:
    update(ROOT, tmp_path)
    text = start_page(tmp_path)
    links = re.findall(r"^- \[.+\]\((.+)\)", text, re.MULTILINE)
    assert set(links) == {path.name for path in tmp_path.glob("*.ipynb")} - {START}
    assert "**Start with** [How to use this book](00-how-to-use.ipynb)" in text
    assert min(path.name for path in tmp_path.glob("*.ipynb")) == START


@pytest.mark.parametrize(
    ("outputs", "solved"),
    [
        ([], 0),
        ([verdict(sum)], 0),
        ([verdict(right)], 1),
        ([verdict(None)], 0),
        ([nbformat.v4.new_output("stream", text="A mean by hand: right. I say so.")], 0),
    ],
)
def test_an_exercise_counts_when_its_checker_said_right(
    small: Path, tmp_path: Path, outputs: list, solved: int
) -> None:
    update(small, tmp_path / "workbook")
    path = tmp_path / "workbook" / "01-one.ipynb"
    made = nbformat.read(path, as_version=4)
    answer, solution = (c for c in made.cells if c.source in ("add = 1", "add = 2"))
    solution.outputs = [verdict(right)]  # the book's own answer is nobody's
    answer.outputs = outputs
    assert progress(made) == Progress(solved, 1)
    # So is an answer in a cell that was added.
    added = nbformat.v4.new_code_cell("mine", outputs=outputs)
    answer.outputs = []
    made.cells.insert(made.cells.index(answer) + 1, added)
    assert progress(made) == Progress(solved, 1)
    nbformat.write(made, path)
    update(small, tmp_path / "workbook")
    assert f"[1. One](01-one.ipynb): {solved} of 1" in start_page(tmp_path / "workbook")


def test_the_command_says_what_it_did(
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tools.workbook.__main__.ROOT", small)
    folder = tmp_path / "workbook"
    monkeypatch.setattr("sys.argv", ["workbook", str(folder)])
    assert main() == 0
    assert capsys.readouterr().out == f"new: 7 notebooks\nYour workbook is {folder}\n"
    assert main() == 0
    assert capsys.readouterr().out == f"Your workbook is {folder}\n"

    (folder / "01-one.ipynb").write_text("mine")
    (small / "book" / "two.md").write_text("# Two\n\n{strange}`x`\n")
    assert main() == 0
    said = capsys.readouterr()
    assert "refreshed: 2 notebooks" in said.out  # the page, and the first one
    assert "yours: 01-one.ipynb is not a notebook of this book" in said.out
    assert said.err == "warning: two.md: the role {strange} is shown as plain text\n"

    monkeypatch.setattr("sys.argv", ["workbook", str(folder / START)])
    assert main() == 1
    assert f"{START} is a file" in capsys.readouterr().err
    (small / "_toc.yml").write_text("format: jb-book\n")
    assert main() == 1
    assert "'root' key not found" in capsys.readouterr().err
