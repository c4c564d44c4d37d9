"""The mark behind a claim: by mouse, touch and keyboard, without JavaScript, on paper."""

import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.paths import BOOK

sys.path.insert(0, str(BOOK / "_ext"))  # as _config.yml does
from aeteach_book.claims import html
from aeteach_book.evidence import Cause, OverSeeds

FIRST = OverSeeds(
    "first", "It grows.", measured="steps", seeds=5, spread=(2, 6), within=0.5, false_at=1
)
SECOND = Cause(
    "second", "The pen writes.", measured="ink & <b>", changed="no pen", seeds=1, before=(4, 4),
    after=(0, 0), within=1,
)  # fmt: skip
BODY = (
    '<p style="margin-top: 200px">Here it grows.{} And more follows.</p>'
    "<p>The pen writes.{} The end.</p>"
)


@pytest.fixture
def show(new_page: NewPage, tmp_path: Path):
    """Put two marks on a page with the book's style; no JavaScript runs there."""

    def put(**options: Any) -> Page:
        style = (BOOK / "static" / "book.css").read_text("utf-8")
        head = f'<meta name="viewport" content="width=device-width"><style>{style}</style>'
        body = BODY.format(html(FIRST), html(SECOND))
        file = tmp_path / "page.html"
        file.write_text(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>")
        page = new_page(java_script_enabled=False, **options)
        page.goto(file.as_uri())
        return page

    return put


def test_the_evidence_is_hidden_until_it_is_asked_for(show) -> None:
    page = show()
    line = page.locator("#claim-first")
    expect(line).to_be_hidden()
    page.get_by_role("button", name="seeds: see the evidence").click()
    expect(line).to_be_visible()
    expect(line).to_contain_text("Steps: 2 to 6 over 5 seeds (within 0.5 on another machine).")
    page.mouse.click(5, 5)
    expect(line).to_be_hidden()


def test_by_keyboard_it_opens_and_closes_and_the_next_mark_follows(show) -> None:
    page = show()
    page.keyboard.press("Tab")
    expect(page.locator("#mark-first")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#claim-first")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="All claims")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#claim-first")).to_be_hidden()
    expect(page.locator("#mark-first")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#claim-second")).to_contain_text("Ink & <b>: 4. With no pen")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_line_lies_within_the_window_and_off_its_mark(show, width: int) -> None:
    page = show(viewport={"width": width, "height": 700}, has_touch=True)
    page.locator("#mark-first").tap()
    mark, line = (page.locator(f"#{kind}-first").bounding_box() for kind in ("mark", "claim"))
    assert line["x"] >= 0
    assert line["x"] + line["width"] <= width
    assert line["y"] >= 0
    assert line["y"] + line["height"] <= 700
    assert line["y"] >= mark["y"] + mark["height"] or line["y"] + line["height"] <= mark["y"]


def test_on_paper_the_evidence_is_a_note_in_the_text(show) -> None:
    page = show()
    page.emulate_media(media="print")
    expect(page.locator("#claim-first")).to_be_visible()
    expect(page.locator("#claim-second")).to_be_visible()
    expect(page.locator("#mark-first")).to_be_hidden()
    expect(page.get_by_role("link")).to_have_count(0)
    page.emulate_media(media="screen")
