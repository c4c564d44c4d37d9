"""Everyone can use every page: axe finds nothing, no target is small, no focus lost.

axe-core comes from package-lock.json, as what checks the figures' JavaScript does.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

from aeteach.widgets import Figure
from tests.browser.conftest import NewPage, Show
from tests.browser.driver import standalone
from tests.browser.pages import MATHS_DONE
from tests.browser.test_figures import ALL
from tests.paths import ROOT
from tools.javascript import NotCheckedError, find_node, install

LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
# Two rules that axe leaves to whoever asks: names that lack what is written, and small targets.
ASKED = {name: {"enabled": True} for name in ("label-content-name-mismatch", "target-size")}
# MathJax's formulas are looked at once: no colour and no width changes what they are called.
RUN = """async ([rules, without]) => {
    const found = await axe.run({ exclude: without }, { resultTypes: ["violations"], rules });
    return found.violations.flatMap((v) => v.nodes.map(
        (node) => `${v.id}: ${node.target.join(" ")} ${node.html.slice(0, 90)}`));
}"""


@cache
def axe() -> str:
    """Return the source of axe-core."""
    try:
        install(ROOT, find_node())
    except NotCheckedError as missing:
        pytest.skip(str(missing))
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def violations(page: Page, *, formulas: bool) -> list[str]:
    """Return what axe finds wrong with the page that is open."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    return list(page.evaluate(RUN, [ASKED, [] if formulas else [["mjx-container"]]]))


@pytest.mark.slow  # six minutes: axe looks at every element of every page, four times
@pytest.mark.timeout(2400)
def test_axe_finds_nothing_on_any_page(pages: list[Path], new_page: NewPage) -> None:
    page = new_page()
    problems = []
    for path in pages:
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.goto(path.as_uri())  # anew: the theme looks once at what scrolls
            page.wait_for_function(MATHS_DONE, timeout=60_000)
            page.wait_for_timeout(400)
            found = violations(page, formulas=(width, scheme) == LOOKS[0])
            problems += [f"{path.stem} {width} {scheme}: {problem}" for problem in found]
    print(len(pages), "pages,", len(problems), "violations")
    assert problems == []


def test_axe_sees_a_fault(new_page: NewPage, tmp_path: Path) -> None:
    faults = '<main><h1>Faults</h1><img src="data:,"><p style="color: #aaa">pale</p></main>'
    (tmp_path / "index.html").write_text(standalone(faults))
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    found = {problem.partition(":")[0] for problem in violations(page, formulas=True)}
    assert found == {"image-alt", "color-contrast"}


# ---------------------------------------------------------------- targets

SMALL = """() => {
    const inline = (e) => e.matches(":is(p, li, td, dd, figcaption, h1, h2, h3, .claim-line) a");
    const seen = (e) => e.checkVisibility({ visibilityProperty: true })
        && e.getBoundingClientRect().width > 0;
    // What lies around what is pressed: a label, or a pseudo-element that was made for it.
    const size = (e) => {
        const boxes = [e, ...(e.labels ?? [])].map((part) => part.getBoundingClientRect());
        const after = getComputedStyle(e, "::after");
        if (after.position === "absolute")
            boxes.push({ width: parseFloat(after.width), height: parseFloat(after.height) });
        return ["width", "height"].map((side) => Math.max(...boxes.map((box) => box[side])));
    };
    const targets = "a[href], button, summary, input, select, textarea, [role=slider]";
    return [...document.querySelectorAll(targets)]
        .filter((e) => seen(e) && !inline(e) && !e.closest("mjx-container"))
        .map((e) => [size(e), e])
        .filter(([[width, height]]) => width < 23.5 || height < 23.5)
        .map(([size, e]) =>
            `${size.map((side) => side.toFixed(1)).join(" x ")}: ${e.outerHTML.slice(0, 110)}`);
}"""


@pytest.mark.slow  # a minute: every page, on a phone and on a desk
@pytest.mark.timeout(900)
def test_no_target_is_smaller_than_24_pixels(pages: list[Path], new_page: NewPage) -> None:
    page = new_page()
    problems = []
    for path in pages:
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path.as_uri())
            page.wait_for_timeout(200)
            problems += [f"{path.stem} {width}: {found}" for found in page.evaluate(SMALL)]
    assert problems == []


def test_a_small_target_is_seen(new_page: NewPage, tmp_path: Path) -> None:
    body = '<main><button style="padding: 0; width: 20px; height: 30px">x</button></main>'
    (tmp_path / "index.html").write_text(standalone(body))
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    (found,) = page.evaluate(SMALL)
    assert found.startswith("20.0 x 30.0: <button")


# ---------------------------------------------------------------- focus and words, of every figure

CONTROLS = "button, input, select, [role=slider], [tabindex]"
# Change a control as a keyboard does, by what it is.
CHANGE = """(e) => {
    e.focus();
    if (e.matches("input[type=checkbox], input[type=radio], button")) e.click();
    else if (e.matches("select")) {
        e.selectedIndex = (e.selectedIndex + 1) % e.options.length;
        e.dispatchEvent(new Event("change", { bubbles: true }));
    } else for (const key of ["ArrowRight", "ArrowUp", "ArrowLeft"])
        e.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}"""
STATE = """(root) => {
    const shown = [...root.querySelectorAll("[data-key], [aria-valuetext], input")];
    const words = shown.map((e) => [e.textContent, e.ariaValueText, e.checked].join());
    const pixels = [...root.querySelectorAll("canvas")].map((c) => c.toDataURL().length);
    return JSON.stringify([words, pixels]);
}"""
SAID = """(root) => [...root.querySelectorAll("[aria-live], [role=status], output")]
    .map((e) => e.textContent).join("|")"""


@pytest.mark.slow  # two minutes: every control of every figure, and a second's rest
@pytest.mark.timeout(900)
@pytest.mark.parametrize("make", ALL)
def test_a_change_keeps_the_focus_and_is_said(look: Show, make: Callable[[], Figure]) -> None:
    made = make()
    figure = look(lambda: made)
    page = figure.page
    page.wait_for_timeout(900)
    lost, silent = [], []
    for at in range(figure.root.locator(CONTROLS).count()):
        control = figure.root.locator(CONTROLS).nth(at)
        if not control.is_visible() or not control.is_enabled():
            continue
        handle = control.element_handle()
        assert handle is not None
        name = handle.evaluate("(e) => `${e.tagName} ${e.ariaLabel ?? e.textContent}`.slice(0, 60)")
        before = [figure.root.evaluate(state) for state in (STATE, SAID)]
        handle.evaluate(CHANGE)
        page.wait_for_timeout(60)
        if not figure.root.evaluate("(root) => root.contains(document.activeElement)"):
            lost.append(name)
        page.wait_for_timeout(800)
        after = [figure.root.evaluate(state) for state in (STATE, SAID)]
        if before[0] != after[0] and before[1] == after[1]:
            silent.append(name)
    assert (lost, silent) == ([], [])
