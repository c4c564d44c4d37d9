"""The search: from a folder, titles first, in both spellings, by signs, with snippets."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage
from tests.paths import BOOK, HTML

BOOKLET = [
    {
        "page": "a.html",
        "title": "The reparameterisation trick",
        "sections": [
            ["", "The reparameterisation trick", "Noise moves out of the way of the gradient."],
            ["why", "Why the sampler blocks it", "A sampler has no slope. The colour of noise."],
        ],
    },
    {
        "page": "b.html",
        "title": "Kullback and Leibler",
        "sections": [
            ["", "Kullback and Leibler", "How far apart? We optimise it, and " + "so on " * 99],
            ["normal", "Two normal distributions", "With σ^2 and β, p_θ(x|z) is normal. Noise."],
            ["noise", "Noise", "What is left."],
        ],
    },
]
Search = Callable[[str], list[str]]


@pytest.fixture
def search(new_page: NewPage, tmp_path: Path) -> Search:
    """Ask a booklet of two pages, from a folder; return where the results lead."""
    script = (BOOK / "static" / "search.js").read_text("utf-8")
    (tmp_path / "index.html").write_text(
        '<!doctype html><html lang="en" data-content_root="./"><meta charset="utf-8">'
        '<form class="bd-search"><input name="q"></form><div id="search-results"></div>'
        f"<script>{script}</script><script>aeSearch.start({json.dumps(BOOKLET)})</script></html>",
        encoding="utf-8",
    )
    page = new_page()

    def ask(query: str) -> list[str]:
        page.goto(f"{(tmp_path / 'index.html').as_uri()}?q={quote(query)}")
        return found(page)

    ask.page = page  # type: ignore[attr-defined]
    return ask


def found(page: Page) -> list[str]:
    links = page.locator("#search-results a").all()
    return [str(link.get_attribute("href")).removeprefix("./") for link in links]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("reparametrization", "a.html"),
        ("reparameterisation trick", "a.html"),
        ("Reparameterized", "a.html"),
        ("color", "a.html#why"),
        ("optimizing", "b.html"),
        ("noise", "b.html#noise"),  # its title, before three sections that only say it
        ("beta", "b.html#normal"),
        ("β", "b.html#normal"),
        ("\\beta", "b.html#normal"),
        ("σ²", "b.html#normal"),
        ("p(x|z)", "b.html#normal"),
        ("p_θ(x | z)", "b.html#normal"),
        ("normal distribution", "b.html#normal"),
        ("gradi", "a.html"),  # not yet typed out
    ],
)
def test_what_is_meant_is_found_first(search: Search, query: str, first: str) -> None:
    assert search(query)[0] == first


def test_titles_come_before_words_and_all_words_are_asked_for(search: Search) -> None:
    first, *rest = search("noise")
    assert first == "b.html#noise"
    assert set(rest) == {"a.html", "a.html#why", "b.html#normal"}
    assert search("noise slope") == ["a.html#why"]
    assert search("sampler zebra") == ["a.html#why"]  # nothing has both
    assert search("zebra") == []
    assert search("") == []


def test_what_was_found_is_shown_and_said(search: Search) -> None:
    search("colour sampler")
    page: Page = search.page  # type: ignore[attr-defined]
    assert page.locator("#search-results mark").all_inner_texts() == ["sampler", "colour"]
    assert page.locator("[role=status]").inner_text() == "1 section on 1 page."
    page.locator("input").fill("zebra")
    assert page.locator("[role=status]").inner_text() == "Nothing found for “zebra”."
    page.locator("input").fill("kullback")
    assert found(page)[0] == "b.html"
    assert len(page.locator("#search-results p").first.inner_text()) < 300


def test_the_book_is_searched_from_the_folder(pages: list[Path], new_page: NewPage) -> None:
    page = new_page()
    where = (HTML / "search.html").as_uri()
    for query, slug in {
        "reparametrization": "reparameterization",
        "ELBO": "elbo",
        "Convolutions": "convolutions",
        "scoreboard": "scoreboard",
    }.items():
        page.goto(f"{where}?q={quote(query)}")
        page.locator("#search-results a").first.wait_for()
        assert found(page)[0].startswith(f"book/{slug}.html"), query
    page.goto(f"{where}?q={quote('D_KL')}")
    assert page.locator("#search-results mark").count() > 3
    page.locator("#search-results a").first.click()
    page.locator("article h1").first.wait_for(timeout=60_000)
    assert page.locator("article h1").count() == 1
