"""Every page of the built book: over http, light and dark, narrow and wide; and from the folder."""

from pathlib import Path

import pytest

from tests.browser.conftest import NewPage, Watch
from tests.browser.driver import serve
from tests.browser.pages import WEIGHT_LIMIT, look, pages_of, redirect, weight
from tests.paths import HTML

NARROW, WIDE = {"width": 375, "height": 800}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def pages() -> list[Path]:
    if not (HTML / "index.html").is_file():
        pytest.fail(f"there is no built book in {HTML}: run `make book` first")
    return pages_of(HTML)


@pytest.mark.timeout(900)
def test_every_page_is_whole(pages: list[Path], new_page: NewPage, watch: Watch) -> None:
    page = new_page(viewport=NARROW)
    problems = []
    with serve(HTML) as root:
        for path in pages:
            name = path.relative_to(HTML).as_posix()
            page.set_viewport_size(NARROW)
            page.emulate_media(color_scheme="light")
            page.goto(f"{root}/{name}")
            found = [f"narrow, light: {problem}" for problem in look(page, "light")]
            page.emulate_media(color_scheme="dark")
            found += [f"narrow, dark: {problem}" for problem in look(page, "dark")]
            page.set_viewport_size(WIDE)
            found += [f"wide, dark: {problem}" for problem in look(page, "dark")]
            problems += [f"{name}: {problem}" for problem in found + watch.problems]
            watch.problems.clear()
    assert problems == []


@pytest.mark.timeout(900)
def test_every_page_opens_from_the_folder(
    pages: list[Path], new_page: NewPage, watch: Watch
) -> None:
    """The first look and the console: the rest is the same as over http."""
    page = new_page(viewport=WIDE)
    problems = []
    for path in pages:
        page.goto(path.as_uri())
        found = look(page, "light")
        problems += [f"{path.name}: {problem}" for problem in found + watch.problems]
        watch.problems.clear()
    assert problems == []


def test_the_first_page_leads_into_the_book(pages: list[Path]) -> None:
    first = HTML / "index.html"
    assert first in pages or redirect(first) in pages


def test_no_page_of_its_own_weighs_a_megabyte(pages: list[Path]) -> None:
    weights = {path.relative_to(HTML).as_posix(): weight(path) for path in pages}
    print("\n".join(f"{bytes_:9,} {name}" for name, bytes_ in weights.items()))
    assert {n: w for n, w in weights.items() if w >= WEIGHT_LIMIT} == {}


def test_the_book_has_figures(pages: list[Path]) -> None:
    # Guards the loop above: with no figure on any page it would have nothing to look at.
    assert any("data-ae-figure=" in path.read_text(encoding="utf-8") for path in pages)
