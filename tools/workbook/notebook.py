"""Turn a chapter into a complete notebook: no outputs, folds closed, cell ids that stay."""

import base64
import hashlib
import mimetypes
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jupytext
import nbformat
from aeteach_book.letters import with_index
from aeteach_book.solutions import AT_THE_END, IN_PLACE
from nbformat import NotebookNode

from .blocks import Fence, Text, blocks
from .book import EXERCISES, Book, Page
from .markdown import Plain

# Tags of cells whose code the page folds away or leaves out.
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
SOLUTIONS = ("solution", "solution-start", "solution-end")
BOXES = ("deeper-start", "deeper-end")
# Jupyter folds what follows such a heading, up to the next heading of its level or above.
FOLD_LEVEL = 5
_FOLDS = {"solution", "deeper"}
_HEADING = re.compile(r"^(#{1,6}) +(.+)$", re.MULTILINE)
_BEFORE_HEADING = re.compile(r"\n(?=#{1,6} )")

Warn = Callable[[str], None]


def notebook(book: Book, page: Page, warn: Warn, solutions: str = IN_PLACE) -> NotebookNode:
    """Return a page of the book as a notebook in plain Jupyter Markdown.

    The metadata of a cell say what it belongs to, under `aeteach`: `exercise` on the card of an
    exercise and `solution` on each cell of its solution, both with the exercise's label; `deeper`
    on each cell of a box that opens, with its title.

    Args:
        book: what links can lead to.
        page: which page.
        warn: called with one line about each piece of markup that has no plain form.
        solutions: where they stand, as `solutions` in _config.yml.
    """
    made = _Cells(book, page, warn)
    if solutions == IN_PLACE:
        return _assemble(list(made.all()), {"chapter": page.name})
    cells = list(made.unmarked())
    kept = [cell for cell in cells if "solution" not in cell.metadata.get("aeteach", {})]
    if solutions == AT_THE_END and len(kept) < len(cells):
        kept.append(_markdown_cell("## Solutions"))
        kept += [cell for cell in cells if "solution" in cell.metadata.get("aeteach", {})]
    return _assemble(kept, {"chapter": page.name})


def _assemble(cells: list[NotebookNode], about: dict[str, str]) -> NotebookNode:
    _name_cells(cells)
    made = nbformat.v4.new_notebook(cells=cells)
    made.nbformat_minor = 5
    made.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
            "aeteach": about | {"made": fingerprint(made)},
        }
    )
    return made


def text_notebook(text: str, about: dict[str, str]) -> NotebookNode:
    """Return a notebook of one Markdown cell."""
    return _assemble([_markdown_cell(text)], about)


def fingerprint(made: NotebookNode) -> str:
    """Return a digest of what is written in a notebook's cells, whatever their outputs.

    Empty cells do not count, for Jupyter adds one at the end of a notebook that is run. Neither do
    the numbers in the names of notebooks that links lead to: they change when chapters are moved.
    """
    digest = hashlib.sha256()
    for cell in made.cells:
        if source := cell.source.strip():
            source = re.sub(r"\]\(\d\d-(?=[\w-]+\.ipynb)", "](", source)
            digest.update(f"{cell.cell_type}\0{source}\0".encode())
    return digest.hexdigest()


def _name_cells(cells: list[NotebookNode]) -> None:
    """Give each cell an id made of its content, which stays when cells around it change."""
    seen: Counter[str] = Counter()
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


class _Cells:
    """Makes the cells of one page."""

    def __init__(self, book: Book, page: Page, warn: Warn) -> None:
        self.book, self.page = book, page
        self.plain = Plain(book, page, warn)
        self.fold: dict[str, str] = {}  # what the cells of the open fold say of themselves
        self.after_fold = False
        self.section = ""

    def all(self) -> Iterator[NotebookNode]:
        for cell in self.unmarked():
            if self.after_fold and not _FOLDS & set(cell.metadata.get("aeteach", {})):
                self.after_fold = False
                if not _ends_fold(cell):
                    yield _markdown_cell(f"#### {self.section} (continued)")
            self._note_section(cell)
            yield cell

    def unmarked(self) -> Iterator[NotebookNode]:
        """Yield the cells, without the headings that end a fold where the text has none."""
        text = with_index(self.page.name, self.page.path.read_text("utf-8"))
        for cell in jupytext.reads(text, fmt="md:myst").cells:
            if cell.cell_type == "code":
                yield self._marked(_code_cell(cell))
            elif cell.cell_type == "markdown":
                yield from self._markdown_cells(cell.source)

    def _markdown_cells(self, source: str) -> Iterator[NotebookNode]:
        loose: list[str] = []
        for block in blocks(source):
            if isinstance(block, Text):
                loose.append(block.text)
            elif block.name in (*EXERCISES, "exercise-end", *SOLUTIONS, *BOXES):
                yield from self._text_cells("\n".join(loose))
                loose = []
                yield from self._carded_cells(block)
            else:
                loose.append(block.source)
        yield from self._text_cells("\n".join(loose))

    def _text_cells(self, source: str) -> Iterator[NotebookNode]:
        """Yield one cell for each heading, so that it can be folded and linked to."""
        for part in _at_headings(self.plain.markdown(source)):
            if part.strip():
                yield self._marked(self._attached(_markdown_cell(part)))

    def _carded_cells(self, block: Fence) -> Iterator[NotebookNode]:
        label = block.options.get("label", "")
        if block.name in EXERCISES:
            yield self._attached(_markdown_cell(self.plain.exercise(block), exercise=label))
        elif block.name in ("solution", "solution-start"):
            exercise = self.book.exercises.get(block.argument)
            title = f"Solution of exercise {exercise.number}" if exercise else "Solution"
            yield self._fold(title, solution=block.argument)
            yield from self._text_cells(block.body)
        elif block.name == "deeper-start":
            title = self.plain.markdown(block.argument).strip()
            yield self._fold(title, deeper=title)
        if block.name in ("solution", "solution-end", "deeper-end"):
            self.fold, self.after_fold = {}, True

    def _fold(self, title: str, **about: str) -> NotebookNode:
        """Open a fold; return its heading."""
        self.fold = about
        cell = self._marked(_markdown_cell(f"{'#' * FOLD_LEVEL} {title}"))
        cell.metadata["jp-MarkdownHeadingCollapsed"] = True
        return cell

    def _attached(self, cell: NotebookNode) -> NotebookNode:
        """Give a cell the pictures that its text shows."""
        pictures = {
            n: p for n, p in self.plain.pictures.items() if f"(attachment:{n})" in cell.source
        }
        if pictures:
            cell.attachments = nbformat.from_dict(
                {
                    name: {
                        mimetypes.guess_type(name)[0]: base64.b64encode(path.read_bytes()).decode()
                    }
                    for name, path in pictures.items()
                }
            )
        return cell

    def _marked(self, cell: NotebookNode) -> NotebookNode:
        if self.fold:
            cell.metadata["aeteach"] = dict(self.fold)
        return cell

    def _note_section(self, cell: NotebookNode) -> None:
        if cell.cell_type == "markdown" and "aeteach" not in cell.metadata:
            for _, title in _HEADING.findall(cell.source):
                self.section = title


def _ends_fold(cell: NotebookNode) -> bool:
    levels = [len(marks) for marks, _ in _HEADING.findall(cell.source)]
    return cell.cell_type == "markdown" and min(levels, default=6) <= FOLD_LEVEL


def _at_headings(text: str) -> Iterator[str]:
    """Cut Markdown before each heading that stands outside code."""
    part: list[str] = []
    for block in blocks(text):
        if isinstance(block, Fence):
            part.append(block.source)
            continue
        first, *rest = _BEFORE_HEADING.split(block.text)
        part.append(first)
        for headed in rest:
            yield "\n".join(part)
            part = [headed]
    yield "\n".join(part)


def _markdown_cell(source: str, **about: str) -> NotebookNode:
    cell = nbformat.v4.new_markdown_cell(source.strip("\n"))
    if about:
        cell.metadata["aeteach"] = about
    return cell


def _code_cell(cell: NotebookNode) -> NotebookNode:
    metadata: dict[str, Any] = {}
    if FOLDED & set(cell.metadata.get("tags", [])):
        metadata["jupyter"] = {"source_hidden": True}
    return nbformat.v4.new_code_cell(cell.source, metadata=nbformat.from_dict(metadata))
