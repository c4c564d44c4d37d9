"""The map at the end of *The scoreboard*: every link, every page, every system of the reports."""

import re

from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.mdit_to_docutils.base import default_slugify
from myst_parser.parsers.mdit import create_md_parser

from tests.paths import BOOK, ROOT

# ---------------------------------------------------------------- the map at the end of the chapter

CHAPTER = (BOOK / "scoreboard.md").read_text(encoding="utf-8")


LINK = re.compile(r"\[([^\]]+)\]\(([\w-]+)\.md#([\w-]+)\)")


TOC = (ROOT / "_toc.yml").read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """Return the headings of a page by the slugs that the book's Markdown parser gives them."""
    parser = create_md_parser(MdParserConfig(heading_anchors=3), RendererHTML)
    tokens = parser.parse((BOOK / f"{page}.md").read_text(encoding="utf-8"))
    texts = [
        "".join(child.content for child in tokens[i + 1].children or [])
        for i, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag in ("h1", "h2", "h3")
    ]
    return {default_slugify(text): text for text in texts}


def test_every_section_that_the_map_links_to_exists() -> None:
    links = LINK.findall(CHAPTER)
    assert len(links) > 45
    known = {page: sections(page) for page in {page for _, page, _ in links}}
    for text, page, slug in links:
        assert f"book/{page}\n" in TOC
        assert known[page].get(slug) == text, f"{page}.md#{slug}"


def test_every_page_that_the_chapter_names_is_in_the_book() -> None:
    pages = set(re.findall(r"\{doc\}`([\w-]+)`", CHAPTER))
    assert len(pages) > 8
    missing = {page for page in pages if f"book/{page}\n" not in TOC}
    assert missing == set()


def test_every_part_of_the_reports_has_a_line() -> None:
    _, _, after = CHAPTER.partition("## Where to find every system")
    tables, _, mistakes = after.partition("```{deeper-start} Eleven mistakes")
    reports = re.split(r"^```\{deeper-start\} ", tables, flags=re.M)[1:]
    assert len(reports) == 5
    for report in reports:
        lines = re.findall(r"^\| (?!what|---)(.*?) \| (.*) \|$", report, re.M)
        assert lines
        assert all(".md#" in where or "{doc}" in where for _, where in lines)
    mistakes = mistakes.partition("## Recap")[0]
    lines = re.findall(r"^\| (?!mistake|---)(.*) \|$", mistakes, re.M)
    assert len(lines) == 11
    assert all(".md#" in line or "{doc}" in line for line in lines)
