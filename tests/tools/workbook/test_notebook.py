"""Every chapter as a notebook: complete, and without a trace of MyST."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import jupytext
import nbformat
import pytest
import yaml
from nbformat import NotebookNode

from tests.paths import BOOK, ROOT
from tests.tools.workbook.markup import JUPYTER, raw
from tools.workbook.book import Book
from tools.workbook.notebook import fingerprint, notebook

NAMES = sorted(path.stem for path in BOOK.glob("*.md"))


def texts(markdown: str) -> Iterator[str]:
    """Yield each paragraph of Markdown as Jupyter reads it, with a bar for code, links and such."""
    for token in JUPYTER.parse(markdown):
        kinds = {"text": None, "softbreak": "\n"}
        if token.type == "inline":
            children = token.children or []
            yield "".join(kinds.get(child.type, "|") or child.content for child in children)


def raw_cells(made: NotebookNode) -> list[str]:
    """Say what markup is left in the Markdown cells of a notebook."""
    found = []
    for cell in made.cells:
        if cell.cell_type == "markdown":
            for text in texts(cell.source):
                found += raw(text)
            fences = [t.info for t in JUPYTER.parse(cell.source) if t.type == "fence"]
            found += [f"directive: {info}" for info in fences if info.startswith("{")]
    return found


def test_the_search_for_raw_markup_finds_it() -> None:
    samples = {
        "role": "See {doc}`one`.",
        "directive": ":::{note}\nA\n:::",
        "label": "(here)=\n\n# Head",
        "mathematics": "cost $ 5",
        "link": "[a](b c)",
        "target": "blues < azure>",
        "comment": "% no",
        "definition list": "a\n: b",
    }
    for kind, text in samples.items():
        cell = nbformat.v4.new_markdown_cell(text)
        found = raw_cells(nbformat.v4.new_notebook(cells=[cell]))
        assert found, kind
        assert any(line.startswith(kind) for line in found), (kind, found)
    fence = nbformat.v4.new_markdown_cell("```{math}\nx\n```")
    assert raw_cells(nbformat.v4.new_notebook(cells=[fence])) == ["directive: {math}"]


@pytest.mark.parametrize("name", NAMES)
def test_no_markup_is_left(notebooks: dict[str, NotebookNode], name: str) -> None:
    assert raw_cells(notebooks[name]) == []


def test_nothing_had_no_plain_form(notebooks: dict, warnings: list[str]) -> None:
    assert len(notebooks) == len(NAMES)
    assert warnings == []


@pytest.mark.parametrize("name", NAMES)
def test_the_code_is_the_chapters(notebooks: dict[str, NotebookNode], name: str) -> None:
    chapter = jupytext.read(BOOK / f"{name}.md", fmt="md:myst")
    expected = [cell.source for cell in chapter.cells if cell.cell_type == "code"]
    assert [c.source for c in notebooks[name].cells if c.cell_type == "code"] == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_complete_notebook_without_outputs(notebooks: dict[str, NotebookNode], name: str) -> None:
    made = notebooks[name]
    nbformat.validate(made)
    assert made.metadata.kernelspec.name == "python3"
    assert made.metadata.aeteach == {"chapter": name, "made": fingerprint(made)}
    ids = [cell.id for cell in made.cells]
    assert len(set(ids)) == len(ids)
    for cell in made.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def folded(made: NotebookNode) -> list[NotebookNode]:
    """Return the cells that Jupyter hides: from a folded heading to the next of its rank."""
    hidden, rank = [], 0
    for cell in made.cells:
        marks = re.findall(r"^(#{1,6}) ", cell.source, re.MULTILINE)
        level = min(map(len, marks), default=7) if cell.cell_type == "markdown" else 7
        if rank and level > rank:
            hidden.append(cell)
            continue
        rank = level if cell.metadata.get("jp-MarkdownHeadingCollapsed") else 0
    return hidden


@pytest.mark.parametrize("name", NAMES)
def test_solutions_and_boxes_and_nothing_else_are_folded(
    notebooks: dict, book: Book, name: str
) -> None:
    cells = notebooks[name].cells
    folds = [c for c in cells if {"solution", "deeper"} & set(c.metadata.get("aeteach", {}))]
    hidden = {cell.id for cell in folded(notebooks[name])}
    all_heads = [c for c in folds if c.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert {c.id for c in folds} - {c.id for c in all_heads} == hidden
    text = (BOOK / f"{name}.md").read_text("utf-8")
    boxes = [c for c in all_heads if "deeper" in c.metadata.aeteach]
    assert len(boxes) == len(re.findall(r"^`+\{deeper-start\}", text, re.MULTILINE))
    assert all(c.source == f"##### {c.metadata.aeteach.deeper}" for c in boxes)
    heads = [c for c in all_heads if c not in boxes]
    solved = re.findall(r"^`+\{solution(?:-start)?\} *(\S+)", text, re.MULTILINE)
    assert [c.metadata.aeteach.solution for c in heads] == solved
    assert [c.source for c in heads] == [
        f"##### Solution of exercise {book.exercises[label].number}" for label in solved
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_a_card_and_a_cell_for_the_answer(
    notebooks: dict, book: Book, name: str
) -> None:
    cells = notebooks[name].cells
    cards = [i for i, c in enumerate(cells) if "exercise" in c.metadata.get("aeteach", {})]
    labels = [cells[i].metadata.aeteach.exercise for i in cards]
    assert labels == [k for k, e in book.exercises.items() if e.page.name == name]
    for i, label in zip(cards, labels, strict=True):
        assert f"#### {book.exercises[label].name} (" in cells[i].source
        assert cells[i].source.endswith("</div>")
        assert cells[i + 1].cell_type == "code"


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(notebooks: dict, book: Book, name: str) -> None:
    here = book.page(name)
    assert here is not None
    files = {page.file: page.name for page in book.pages}
    links = 0
    for cell in notebooks[name].cells:
        if cell.cell_type != "markdown":
            continue
        for href in hrefs(cell.source):
            links += 1
            file, _, fragment = href.partition("#")
            target = notebooks[files[unquote(file) or here.file]]
            if fragment:
                assert unquote(fragment) in headings(target), href
    assert links or name in ("glossary", "references", "self-test")


def hrefs(markdown: str) -> list[str]:
    """Return the addresses of links that stay on this machine."""
    children = [child for token in JUPYTER.parse(markdown) for child in token.children or []]
    found = [str(child.attrs["href"]) for child in children if child.type == "link_open"]
    return [href for href in found if not href.startswith("https://")]


def headings(made: NotebookNode) -> set[str]:
    """Return the names that JupyterLab gives to the headings of a notebook."""
    found = set()
    for cell in made.cells:
        if cell.cell_type == "markdown":
            parsed = JUPYTER.parse(cell.source)
            for opening, inline in pairwise(parsed):
                if opening.type == "heading_open":
                    text = "".join(t.content for t in inline.children or [])
                    found.add(text.replace(" ", "-"))
    return found


def test_ids_stay_when_other_cells_change(small: Path) -> None:
    def ids() -> list[str]:
        book = Book.read(small)
        page = book.page("one")
        assert page is not None
        return [cell.id for cell in notebook(book, page, pytest.fail).cells]

    before = ids()
    path = small / "book" / "one.md"
    path.write_text(path.read_text().replace("# One\n", "# One\n\nA new beginning.\n\n## First\n"))
    after = ids()
    assert len(after) == len(before) + 1
    assert after[2:] == before[1:]
    assert ids() == after


def test_text_after_a_solution_is_not_folded_with_it(small: Path) -> None:
    book = Book.read(small)
    page = book.page("one")
    assert page is not None
    made = notebook(book, page, pytest.fail)
    assert [cell.source.split("\n")[0] for cell in made.cells] == [
        "# One",
        "## The first $x$",
        made.cells[2].source.split("\n")[0],
        "add = 1",
        "##### Solution of exercise 1.1",
        "It is so.",
        "add = 2",
        "#### The first $x$ (continued)",
        "The text goes on.",
        "## Second part",
        "print(add)",
    ]
    assert [cell.source for cell in folded(made)] == ["It is so.", "add = 2"]
    assert made.cells[-1].metadata == {"jupyter": {"source_hidden": True}}


def test_pictures_go_with_the_notebook(small: Path) -> None:
    page = small / "book" / "two.md"
    (small / "book" / "static").mkdir()
    (small / "book" / "static" / "a b.svg").write_text("<svg/>")
    (small / "book" / "static" / "c.svg").write_text("<svg/>")
    figure = "```{figure} static/c.svg\n:alt: C\nA caption of {doc}`one`.\n```"
    page.write_text(f"# Two\n\n![see](static/c.svg)\n\n## Next\n\n{figure}\n\n## Last\n")

    def two() -> NotebookNode:
        book = Book.read(small)
        return notebook(book, book.page("two"), pytest.fail)

    made = two()
    name = re.fullmatch(r"# Two\n\n!\[see\]\(attachment:(.+)\)", made.cells[0].source)[1]
    assert made.cells[0].attachments == {name: {"image/svg+xml": "PHN2Zy8+"}}
    assert made.cells[1].source == (
        f"## Next\n\n![C](attachment:{name})\n\nA caption of [One](01-one.ipynb)."
    )
    assert set(made.cells[1].attachments) == {name}
    assert "attachments" not in made.cells[2]
    nbformat.validate(made)
    (small / "book" / "static" / "c.svg").write_text("<svg></svg>")
    assert two().cells[0].source != made.cells[0].source


def without(gone: str, root: Path) -> Book:
    """Read the real book as if one page's line had been removed from _toc.yml."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    for part in toc["parts"]:
        part["chapters"] = [c for c in part["chapters"] if c["file"] != f"book/{gone}"]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    (root / "_toc.yml").write_text(yaml.safe_dump(toc))
    (root / "_config.yml").symlink_to(ROOT / "_config.yml")
    (root / "book").symlink_to(BOOK)
    (root / "tests").mkdir()
    (root / "tests" / "claims").symlink_to(ROOT / "tests" / "claims")
    return Book.read(root)


@pytest.mark.parametrize("gone", [name for name in NAMES if name != "index"])
def test_a_page_left_out_leaves_plain_text(
    notebooks: dict, book: Book, gone: str, tmp_path: Path
) -> None:
    fewer = without(gone, tmp_path)
    assert [page.name for page in fewer.pages] == [p.name for p in book.pages if p.name != gone]
    link = re.compile(rf"\]\(\d\d-{gone}\.ipynb")
    concerned = [
        p for p in fewer.pages if any(link.search(c.source) for c in notebooks[p.name].cells)
    ]
    assert concerned or gone == "notation"
    for page in concerned[:4]:  # nearly all pages link to the glossary
        made = notebook(fewer, page, pytest.fail)  # which is called with each warning
        assert raw_cells(made) == []
        assert not any(link.search(cell.source) for cell in made.cells)
