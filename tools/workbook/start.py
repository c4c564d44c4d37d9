"""The first page of the workbook: what to open, in which order, and how far one has got."""

import re
from dataclasses import dataclass
from itertools import groupby

from nbformat import NotebookNode

from .book import Book, Page
from .folder import Folder
from .notebook import text_notebook

START = "00-begin-here.ipynb"
# What a checker's verdict prints: the exercise, "right" or "not yet", the hint.
_RIGHT = re.compile(r"\A.+?: right\. ", re.DOTALL)

INTRODUCTION = """\
# {title}

This folder is your **workbook**: a notebook for each chapter. It is yours. What you change and save
here stays, and the book itself is not touched. When the book changes, `make lab` brings the
notebooks up to date that you have not changed. Beside one that you have changed it puts the new
version, under a name that ends in `.new`.

**Start with** {first}, then go through the chapters in their order. A click on a name opens the
notebook. <kbd>Shift</kbd> + <kbd>Enter</kbd> runs a cell and goes to the next. Run a chapter from
its top: later cells need the earlier ones. An exercise stands in a frame, with a cell for your
answer below it; its solution is folded away."""

PROGRESS = """\
An exercise counts as solved when its checker said *right* in an output that was saved in your
notebook before this page was made. `make lab` makes the page anew."""


@dataclass(frozen=True)
class Progress:
    """How many exercises of a notebook are solved, of how many."""

    solved: int
    exercises: int

    def __str__(self) -> str:
        return f"{self.solved} of {self.exercises} exercises solved"


def progress(made: NotebookNode) -> Progress:
    """Count the exercises of a notebook, and those whose checker was satisfied outside solutions.

    The answer to an exercise is looked for in all cells from its card to its solution, so that
    cells that were added count as well.
    """
    exercises: dict[str, bool] = {}
    current = None
    for cell in made.cells:
        about = cell.metadata.get("aeteach", {})
        if "solution" in about:
            current = None
        elif "exercise" in about:
            current = about["exercise"]
            exercises[current] = False
        elif current is not None and cell.cell_type == "code":
            exercises[current] |= any(_says_right(output) for output in cell.outputs)
    return Progress(sum(exercises.values()), len(exercises))


def _says_right(output: NotebookNode) -> bool:
    return bool(_RIGHT.match(output.get("data", {}).get("text/plain", "")))


def start(book: Book, folder: Folder) -> NotebookNode:
    """Return the first page; it reads the notebooks of `folder`."""
    home = book.page("how-to-use") or book.pages[0]
    text = INTRODUCTION.format(title=book.title, first=_link(home))
    parts = []
    for caption, pages in groupby(book.pages, key=lambda page: page.part):
        title = f"## {caption}\n\n" if caption else ""
        parts.append(title + "\n".join(_line(page, folder) for page in pages))
    return text_notebook("\n\n".join([text, *parts, PROGRESS]), {"chapter": "start"})


def _line(page: Page, folder: Folder) -> str:
    made, _ = folder.read(folder.path / page.file)
    count = progress(made) if made is not None else Progress(0, 0)
    return f"- {_link(page)}" + (f": {count}" if count.exercises else "")


def _link(page: Page) -> str:
    number = f"{page.number}. " if page.number else ""
    return f"[{number}{page.title}]({page.file})"
