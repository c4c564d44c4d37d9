"""The workbook says what the built pages say: the same words, formulas, numbers and citations.

Sphinx resolves the pages, `tools.workbook` the notebooks; neither knows of the other.
"""

import re
from functools import cache

import pytest
from bs4 import BeautifulSoup, Tag

from tests.paths import HTML, ROOT
from tests.tools.workbook.markup import JUPYTER
from tools.workbook.book import Book, Page
from tools.workbook.notebook import notebook

BOOK = Book.read(ROOT)
# Code and its outputs, and what only one of the two says: numbers of sections, folded headings,
# formulas for readers without a script, the line for an answer, the ways out of the page.
NOT_TEXT = (
    ".cell, pre, script, noscript, style, a.headerlink, span.section-number, span.eqno, "
    ".solution > .admonition-title, form.answer, .ways-out"
)
ONLY_HERE = re.compile(r"^(##### Solution of exercise [\d.]+|#### .+ \(continued\))$")
FORMULA = re.compile(r"\\begin\{split\}|\\end\{split\}|\\tag\{[\d.]+\}|^\\[(\[]|\\[)\]]$|\s")


# Most of a page's bytes: figures and their weights, which nothing here reads.
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)


def article(page: Page) -> Tag:
    path = HTML / "book" / f"{page.name}.html"
    if not path.is_file():
        pytest.fail(f"there is no built page {path}: run `make book` first")
    html = SCRIPT.sub("", path.read_text("utf-8"))
    found = BeautifulSoup(html, "html.parser").select_one("article.bd-article")
    assert found is not None
    return as_in_a_notebook(found, page)


def texts(page: Page) -> list[str]:
    """Return the texts of a page's notebook."""
    return _texts(page.name)


@cache
def _texts(name: str) -> list[str]:
    (page,) = [page for page in BOOK.pages if page.name == name]
    cells = notebook(BOOK, page, pytest.fail).cells
    return [c.source for c in cells if c.cell_type == "markdown"]


def as_in_a_notebook(html: Tag, page: Page) -> Tag:
    """Put what a notebook says behind a claim in the place of its mark, and of the way to it."""
    for line in html.select(".claim-line"):
        name = str(line["id"]).removeprefix("claim-")
        line.replace_with(f" ({BOOK.claims[page.name][name].short}) ")
    for only_here in html.select('.claim-mark, .claim-list a[href*="#mark-"]'):
        only_here.decompose()
    return html


def rendered(page: Page) -> Tag:
    """Return the text of a page's notebook as HTML."""
    html = "\n".join(JUPYTER.render(text) for text in texts(page) if not ONLY_HERE.match(text))
    return BeautifulSoup(html, "html.parser")


def words(html: Tag) -> list[str]:
    """Return the words and the formulas of a text, in order."""
    for other in html.select(NOT_TEXT):
        other.decompose()
    formulas: list[str] = []

    def in_html(found: re.Match[str]) -> str:
        formulas.append(FORMULA.sub("", found[1]))
        return f" formula{len(formulas) - 1} "

    for maths in html.select(".math"):
        formulas.append(FORMULA.sub("", maths.get_text().strip()))
        maths.replace_with(f" formula{len(formulas) - 1} ")
    # What markdown-it takes for HTML, such as a summary, Jupyter searches for formulas too.
    text = re.sub(r"\$([^$]+)\$", in_html, html.get_text(" "))
    number = re.compile(r"formula(\d+)")
    return [
        formulas[int(found[1])] if (found := number.fullmatch(word)) else word
        for word in re.findall(r"\w+", text)
    ]


# The list of publications has another form there; it is compared below.
@pytest.mark.parametrize(
    "page", [page for page in BOOK.pages if page is not BOOK.references], ids=lambda page: page.name
)
def test_word_for_word(page: Page) -> None:
    assert words(rendered(page)) == words(article(page))


@pytest.mark.parametrize("page", BOOK.pages, ids=lambda page: page.name)
def test_the_same_numbers_on_the_equations(page: Page) -> None:
    source = "\n".join(texts(page))
    shown = [span.get_text().strip("#() ") for span in article(page).select("span.eqno")]
    assert re.findall(r"\\tag\{([\d.]+)\}", source) == shown


def test_the_same_publications() -> None:
    page = BOOK.references
    assert page is not None
    listed = [item.get_text() for item in rendered(page).select("li")]
    shown = article(page).select(".citation")
    assert len(listed) == len(shown) > 50
    for here, there in zip(listed, shown, strict=True):
        assert re.findall(r"\w+", here) == re.findall(r"\w+", there.p.get_text())
