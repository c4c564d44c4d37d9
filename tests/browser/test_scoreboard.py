"""The scoreboard: every way to choose a model, and every number held to the entries."""

import re
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from aeteach import scoreboard
from aeteach.scoreboard import Entry
from aeteach.widgets import Scoreboard
from tests.browser.conftest import Call, Show
from tests.browser.driver import TOUCH, FigureDriver
from tests.widgets.test_scoreboard import FIRST, SECOND, board


@cache
def made() -> Scoreboard:
    return Scoreboard(board())


@pytest.fixture
def show(look: Show) -> Show:
    return partial(look, made, viewport={"width": 1280, "height": 1200})


def pick(figure: FigureDriver, label: str, value: str) -> None:
    figure.root.get_by_label(label, exact=True).select_option(value)


def check(figure: FigureDriver) -> Entry:
    """The read-out, the dots and the table are those of the entries; returns the chosen one."""
    chosen = board().entries[int(figure.value("name"))]
    assert figure.text("name") == chosen.name
    assert figure.value("seeds") == chosen.seeds
    keys = {k: figure.root.get_by_label(n, exact=True).input_value() for k, n in AXES.items()}
    for slot, key in keys.items():
        if key in chosen.numbers:
            assert figure.value(slot) == pytest.approx(np.mean(chosen.numbers[key].values))
            digits = scoreboard.QUANTITIES[key].digits
            assert figure.text(slot).startswith(
                f"{np.mean(chosen.numbers[key].values):,.{digits}f}"
            )
            if chosen.seeds > 1 and chosen.numbers[key].sd > 0:
                sd = np.std(chosen.numbers[key].values, ddof=1)
                assert f"± {sd:.{digits}f}" in figure.text(slot)
        else:
            assert figure.text(slot) == "–"
    lines = figure.root.locator("tbody tr.ae-chosen")
    assert lines.count() == 1
    assert lines.locator("th").inner_text() == chosen.name
    families = figure.root.locator("input[data-family]:checked")
    seen = [str(box.get_attribute("data-family")) for box in families.all()]
    shown = [e for e in board().of(chosen.data) if e.family in seen]
    assert figure.root.locator("tbody tr").count() == len(shown)
    both = [e for e in shown if set(keys.values()) <= set(e.numbers)]
    dots = figure.root.locator("svg.ae-plane circle.ae-fill")
    assert dots.count() == len(both) == figure.value("drawn")
    for dot, one in zip(dots.all(), both, strict=True):
        want = [
            np.log10(v) if key == "parameters" else v
            for key in keys.values()
            for v in [one.numbers[key].mean]
        ]
        assert figure.centre(dot) == pytest.approx(figure.to_window(0, *want), abs=1)
    return chosen


AXES = {"x": "across", "y": "upwards"}


@pytest.mark.parametrize("options", [{}, TOUCH], ids=["mouse", "touch"])
def test_a_dot_or_a_row_is_pointed_at(show: Show, options: dict[str, Any]) -> None:
    figure = show(**options)
    assert check(figure).name == "VAE, b = 2"
    point = figure.page.touchscreen.tap if options else figure.page.mouse.move
    for name in ("CVAE, told the digit", "VAE, b = 4"):
        numbers = board().entry(FIRST, name).numbers
        place = figure.to_window(0, numbers["bits"].mean, numbers["distortion"].mean)
        point(*place)
        assert check(figure).name == name
    row = figure.root.locator("tbody tr").nth(0)
    point(*figure.centre(row.locator("td").first))
    assert check(figure).name == "PCA, b = 2"  # which has no dot
    assert figure.handle("model").count() == 0
    assert figure.text("x") == "–"
    pick(figure, "across", "parameters")
    assert check(figure).name == "VAE, b = 2"  # the first that has both
    pick(figure, "upwards", "readability")
    assert check(figure).name == "VAE, b = 2"
    assert "log₁₀" in figure.root.locator(".ae-axes .ae-title").first.inner_html()
    # The drag of the handle jumps from dot to dot.
    target = figure.to_window(0, np.log10(2000), 80)
    drag = figure.touch_drag if options else figure.drag
    drag(figure.handle("model"), *target)
    assert check(figure).name == "VAE, b = 4"


def test_everything_by_keyboard(show: Show) -> None:
    figure = show()
    knob = figure.handle("model")
    names = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        figure.keys(knob, key)
        names.append(check(figure).name)
    # Along the rate to the right, and then along the error.
    told, wide, small = "CVAE, told the digit", "VAE, b = 4", "VAE, b = 2"
    assert names == [told, wide, wide, told, small]
    assert knob.get_attribute("aria-valuetext") == small

    row = figure.root.locator("tbody tr.ae-chosen button")
    figure.keys(row, "ArrowDown", "ArrowDown")
    assert check(figure).name == told
    figure.page.keyboard.press("ArrowUp")
    assert check(figure).name == wide
    assert figure.root.locator("tbody button[tabindex='0']").count() == 1

    box = figure.root.locator("input[data-family='VAE']")
    box.focus()
    figure.page.keyboard.press("Space")
    assert check(figure).name == told  # the chosen one went with its family
    figure.root.locator("input[data-family='VAE']").focus()
    figure.page.keyboard.press("Space")
    assert check(figure).name == told

    figure.root.get_by_label("data set", exact=True).focus()
    figure.page.keyboard.press("ArrowDown")
    figure.page.keyboard.press("Enter")
    pick(figure, "data set", SECOND)
    assert check(figure).name == "AE, 20 dB"
    assert figure.page.evaluate("scrollY") == 0
    figure.page.wait_for_timeout(800)
    said = figure.root.locator("[aria-live=polite]").inner_text()
    assert said == "AE, 20 dB, 1 seeds: rate 3.3, squared error, as sent 0.02."


def test_the_table_is_sorted_by_its_heads(show: Show) -> None:
    figure = show()

    def names() -> list[str]:
        return figure.root.locator("tbody th").all_inner_texts()

    as_given = [e.name for e in board().of(FIRST)]
    assert names() == as_given
    head = figure.root.locator("[data-key='sort-bits']")
    by_rate = [as_given[i] for i in (1, 3, 2)]
    head.click()
    assert names() == [*by_rate, "PCA, b = 2"]
    assert figure.root.locator("th[aria-sort='ascending']").inner_text() == "rate ▲"
    figure.root.locator("[data-key='sort-bits']").focus()
    figure.page.keyboard.press("Enter")
    assert names() == [*by_rate[::-1], "PCA, b = 2"]  # what lacks it stays last
    focused = figure.page.evaluate("document.activeElement.dataset.key")
    assert focused == "sort-bits"
    figure.page.keyboard.press("Enter")
    assert names() == as_given
    cells = figure.root.locator("tbody tr").nth(1).locator("td").all_inner_texts()
    assert cells[0] == "3"
    assert "5.5 ± 0.5" in cells
    assert any(re.fullmatch(r"62\.7 ± 3\.1 \[40\.0, 60\.0\]", c) for c in cells)
    pick(figure, "upwards", "readability")
    assert figure.text("reported") == "65.0: short by 2.33"
    pick(figure, "upwards", "distortion")
    assert figure.text("reported") == "31.00: reached"


def test_the_modules_own_sums(call: Call) -> None:
    ask = partial(call, "scoreboard")
    assert ask("m.ends([[1, 3], [2, 5]])") == pytest.approx([-0.14, 5.28])
    assert ask("m.ends([[4, 4.5], [4.2, 5]])") == pytest.approx([3.93, 5.07])
    low, high = ask("m.ends([[7, 7]])")
    assert low < 7 < high
    assert [ask("m.scaled(a[0], true)", v) for v in (1000, 0)] == [3, 0]
    box = {"left": 0, "right": 300, "top": 0, "bottom": 200}
    dots = [{"i": i, "px": x, "py": 100} for i, x in enumerate((100, 101, 102, 250))]
    found = ask("m.labels(a[0], a[1], a[2], a[3])", dots, ["one", "two", "three", "far"], 1, box)
    assert found[0]["i"] == 1  # the chosen one first
    assert 3 in [f["i"] for f in found]


def test_narrow_and_dark_the_table_scrolls_in_its_box(show: Show) -> None:
    figure = show(viewport={"width": 320, "height": 1600}, color_scheme="dark")
    check(figure)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 320
    box = figure.root.get_by_role("region")
    assert box.evaluate("(e) => e.scrollWidth > e.clientWidth")
    name = figure.root.locator("tbody th").first
    before = figure.centre(name)[0]
    box.evaluate("(e) => { e.scrollLeft = 200; }")
    assert figure.centre(name)[0] == pytest.approx(before, abs=1)  # names stay in sight
