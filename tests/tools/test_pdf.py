"""The pages become one: links lead within it, names stay apart, solutions stand where asked."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.building.conftest import tool
from tests.paths import ROOT

pdf = tool("pdf")
PAGE = """<html data-content_root="../"><head><link href="../_static/a.css"></head><body>
<article class="bd-article"><section><h1 id="top">{title}</h1>
<a href="{other}.html#top">there</a> <a href="#top">here</a> <a href="https://a.org/b.html">out</a>
<a href="../notebooks/x.ipynb">file</a> <img src="../_images/p.png">
<button popovertarget="top">mark</button><div class="solution">Secret {title}</div>
</section><aside class="ways-out">Elsewhere</aside></article>
<script src="../_static/a.js"></script></body></html>"""
GROUPS = [("", ["book/one"]), ("Part", ["book/two"])]


@pytest.fixture
def html(tmp_path: Path) -> Path:
    (tmp_path / "book").mkdir()
    for name, other in (("one", "two"), ("two", "one")):
        text = PAGE.format(title=name.upper(), other=other)
        (tmp_path / "book" / f"{name}.html").write_text(text, encoding="utf-8")
    return tmp_path


def joined(html: Path, solutions: str = "in-place") -> BeautifulSoup:
    return BeautifulSoup(pdf.together(html, GROUPS, solutions), "html.parser")


def test_links_lead_within_and_every_name_is_there_once(html: Path) -> None:
    page = joined(html)
    ids = [str(node["id"]) for node in page.select("[id]")]
    assert len(ids) == len(set(ids))
    within = [str(a["href"])[1:] for a in page.select("a[href^='#']")]
    assert len(within) == 6  # two in each page, two in the list of contents
    assert set(within) <= set(ids)
    assert page.select_one("#book\\/one a")["href"] == "#book/two--top"
    others = {str(a["href"]) for a in page.select("a:not([href^='#'])")}
    assert others == {"https://a.org/b.html", "../notebooks/x.ipynb"}
    assert {str(image["src"]) for image in page.select("img")} == {"_images/p.png"}
    assert {b["popovertarget"] for b in page.select("button")} == {"book/one--top", "book/two--top"}


def test_the_head_is_seen_from_where_the_one_page_lies(html: Path) -> None:
    page = joined(html)
    assert page.select_one("link")["href"] == "_static/a.css"
    assert [script["src"] for script in page.select("script")] == ["_static/a.js"]
    assert page.select_one("html")["data-content_root"] == "./"
    assert "Elsewhere" not in page.get_text()


@pytest.mark.parametrize("place", pdf.SOLUTIONS)
def test_solutions_stand_where_asked(html: Path, place: str) -> None:
    words = joined(html, place).get_text(" ", strip=True)
    found = [words.find(f"Secret {name}") for name in ("ONE", "TWO")]
    if place == "left-out":
        assert found == [-1, -1]
    elif place == "at-the-back":
        assert words.rindex("mark") < words.index("Solutions") < found[0] < found[1]
    else:
        assert 0 < found[0] < words.rindex("mark") < found[1]


def test_the_order_is_that_of_the_book(tmp_path: Path) -> None:
    parts = "parts:\n- caption: A\n  chapters:\n  - file: book/b\n- caption: C\n"
    toc = f"format: jb-book\nroot: book/i\n{parts}"
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    assert pdf.reading_order(tmp_path) == [("", ["book/i"]), ("A", ["book/b"])]


@pytest.mark.parametrize(
    ("toc", "order"),
    [
        (
            "chapters:\n- file: book/a\n  sections:\n  - file: book/b\n- file: book/c",
            [("", ["book/i", "book/a", "book/b", "book/c"])],
        ),
        (
            "parts:\n- caption: A\n  chapters:\n  - url: https://a.org\n    title: out\n"
            "  - file: book/b.md\n- caption: B\n  chapters:\n  - glob: book/c*",
            [("", ["book/i"]), ("A", ["book/b"]), ("B", ["book/c", "book/ca"])],
        ),
    ],
)
def test_whatever_a_table_of_contents_may_hold_is_printed_in_its_place(
    tmp_path: Path, toc: str, order: list[tuple[str, list[str]]]
) -> None:
    (tmp_path / "book").mkdir()
    for name in ("ca", "c", "b", "a"):
        (tmp_path / "book" / f"{name}.md").touch()
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/i\n{toc}\n", "utf-8")
    assert pdf.reading_order(tmp_path) == order


def test_the_book_itself_is_printed_whole() -> None:
    names = [name for _, pages in pdf.reading_order(ROOT) for name in pages]
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    assert names == re.findall(r"(?:file|root): (\S+)", toc)
