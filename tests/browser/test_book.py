"""Every page of the built book: light and dark, narrow and wide, from the folder and over http."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.browser.conftest import NewPage, Watch
from tests.browser.driver import serve
from tests.browser.pages import WEIGHT_LIMIT, look, redirect, weight
from tests.paths import HTML

NARROW, WIDE = {"width": 375, "height": 800}, {"width": 1280, "height": 900}


# What a tag links to or loads; not what a script only writes.
_NAMED = re.compile(r'<(?:a|link|img|source|script)\b[^<>]*?\s(?:href|src)="([^"#?]+)')
_SCRIPT = re.compile(r"(<script\b[^>]*>).*?</script>", re.DOTALL)


def named(html: str) -> Iterator[str]:
    """Yield the files of the book that a page links to or loads."""
    for found in _NAMED.finditer(_SCRIPT.sub(r"\1", html)):
        if not re.match(r"[a-z]+:|//", found[1]):
            yield unquote(found[1])


@pytest.mark.timeout(900)
def test_every_page_is_whole(pages: list[Path], new_page: NewPage, watch: Watch) -> None:
    # From the folder, where less is allowed than over http, and each page once: to open one takes
    # a second, and to look at it in another width and theme a tenth.
    page = new_page(viewport=WIDE)
    problems = []
    for path in pages:
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        page.goto(path.as_uri())
        found = [f"wide, light: {problem}" for problem in look(page, "light")]
        page.set_viewport_size(NARROW)
        found += [f"narrow, light: {problem}" for problem in look(page, "light")]
        page.emulate_media(color_scheme="dark")
        found += [f"narrow, dark: {problem}" for problem in look(page, "dark")]
        page.set_viewport_size(WIDE)
        found += [f"wide, dark: {problem}" for problem in look(page, "dark")]
        name = path.relative_to(HTML).as_posix()
        problems += [f"{name}: {problem}" for problem in found + watch.problems]
        watch.problems.clear()
    assert problems == []


def test_whatever_a_page_names_is_there_by_a_relative_path(pages: list[Path]) -> None:
    # So it is found over http as from the folder, also where the book is not at the root.
    problems = []
    for path in pages:
        for name in named(path.read_text(encoding="utf-8")):
            if name.startswith("/") or not (path.parent / name).is_file():
                problems.append(f"{path.name}: {name}")
    assert problems == []


def test_pages_open_over_http(pages: list[Path], new_page: NewPage, watch: Watch) -> None:
    """What pages share, on four of them: the lightest two, and the two with most figures."""
    by_figures = sorted(pages, key=lambda p: p.read_text("utf-8").count("data-ae-figure="))
    page = new_page(viewport=NARROW)
    with serve(HTML) as root:
        for path in {*by_figures[:2], *by_figures[-2:]}:
            page.goto(f"{root}/{path.relative_to(HTML).as_posix()}")
            assert look(page, "light") + watch.problems == []


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
