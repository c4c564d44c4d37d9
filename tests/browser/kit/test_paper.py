"""What a figure draws on paper, without a browser, is what a browser shows before it is moved."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aeteach.widgets import Figure
from tests.browser.conftest import NewPage
from tests.browser.driver import standalone
from tests.browser.test_figures import ALL

NUMBERS = """() => [...document.querySelectorAll("[data-key]")]
    .map((e) => e.textContent.trim()).filter(Boolean)"""
DRAWN = """() => [...document.querySelectorAll("svg, canvas, img")]
    .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect())
    .filter((box) => box.width > 20 && box.height > 10).length"""
MISPLACED = """() => {
    const frame = document.querySelector(".ae-figure").getBoundingClientRect();
    const parts = [...document.querySelectorAll(".ae-figure :is(svg, img, p, span, table)")]
        .filter((e) => e.checkVisibility() && e.closest(".ae-scroll, svg svg") === null);
    return parts.map((e) => [e, e.getBoundingClientRect()])
        .filter(([, b]) => b.width > 0 && (b.right > frame.right + 1 || b.left < frame.left - 1))
        .map(([e]) => e.outerHTML.slice(0, 80));
}"""


@pytest.mark.parametrize("make", ALL)
def test_a_figure_without_script_shows_the_same_numbers_and_pictures(
    make: Callable[[], Figure],
    new_page: NewPage,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    (tmp_path / "index.html").write_text(standalone(make().page_html()), encoding="utf-8")
    address = (tmp_path / "index.html").as_uri()
    narrow = {"viewport": {"width": 320, "height": 900}, "reduced_motion": "reduce"}

    still = new_page(java_script_enabled=False, **narrow)
    still.goto(address)
    without = (still.evaluate(NUMBERS), still.evaluate(DRAWN))
    assert still.evaluate(MISPLACED) == []
    assert still.evaluate("document.documentElement.scrollWidth") <= 320

    live = new_page(**narrow)
    live.goto(address)
    live.locator(".ae-figure svg, .ae-figure canvas").first.wait_for()
    live.wait_for_function(f"() => ({NUMBERS})().length >= {len(without[0])}")
    for _ in range(50):  # pictures are unpacked on the way, and numbers follow from them
        live.wait_for_timeout(100)
        shown = (live.evaluate(NUMBERS), live.evaluate(DRAWN))
        if shown[0] == without[0]:
            break
    assert without[0] == shown[0]
    assert len(without[0]) >= 3
    assert without[1] == pytest.approx(shown[1], abs=2)  # buttons with a picture are left out
    assert without[1] >= 1
    assert re.search(r"\d", " ".join(without[0]))
