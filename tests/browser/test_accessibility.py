"""Everyone can use every page: axe finds nothing, no target is small, no focus lost.

axe-core comes from package-lock.json, as what checks the figures' JavaScript does.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage
from tests.browser.driver import standalone
from tests.browser.pages import MATHS_DONE
from tests.paths import ROOT
from tools.javascript import NotCheckedError, find_node, install

# Each width and each scheme once; before a release, the other two.
LOOKS = [(1280, "light"), (360, "dark")]
OTHER_LOOKS = [(1280, "dark"), (360, "light")]
# Two rules that axe leaves to whoever asks: names that lack what is written, and small targets.
ASKED = {name: {"enabled": True} for name in ("label-content-name-mismatch", "target-size")}
# MathJax's formulas are looked at once: no colour and no width changes what they are called.
RUN = """async ([rules, without]) => {
    // It need not fetch the style sheets: a page in a folder may not read them.
    const options = { resultTypes: ["violations"], rules, preload: false };
    const found = await axe.run({ exclude: without }, options);
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


# What takes minutes, for axe looks at every element: each page in both schemes and both widths. One
# chapter, the front page and the search stand for all while one works.
@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    ("looks", "some"),
    [
        pytest.param(LOOKS, {"elbo", "index", "search"}, id="three-pages"),
        pytest.param(LOOKS, None, marks=pytest.mark.slow, id="all"),
        pytest.param(OTHER_LOOKS, None, marks=[pytest.mark.slow, pytest.mark.release], id="rest"),
    ],
)
def test_everyone_can_use_every_page(
    pages: list[Path], new_page: NewPage, looks: list[tuple[int, str]], some: set[str] | None
) -> None:
    page = new_page()
    problems = []
    for path in pages:
        if some is not None and path.stem not in some:
            continue
        for width, scheme in looks:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.goto(path.as_uri())  # anew: the theme looks once at what scrolls
            page.wait_for_function(MATHS_DONE, timeout=60_000)
            page.wait_for_timeout(400)
            found = violations(page, formulas=(width, scheme) == LOOKS[0])
            found += [f"small: {target}" for target in page.evaluate(SMALL)]
            problems += [f"{path.stem} {width} {scheme}: {problem}" for problem in found]
    assert problems == []


IN_SUMMARY = re.compile(
    r"<summary\b(?:(?!</summary>).)*?<(?:a|button|input|select)\b.*?>", re.DOTALL
)


def test_what_is_pressed_to_open_a_box_holds_nothing_else_to_press(pages: list[Path]) -> None:
    found = {path.stem: IN_SUMMARY.findall(path.read_text("utf-8")) for path in pages}
    assert {stem: links for stem, links in found.items() if links} == {}
    assert IN_SUMMARY.search("<summary>Lines <a href='#line-j1'>J1</a></summary>")


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


def test_a_small_target_is_seen(new_page: NewPage, tmp_path: Path) -> None:
    body = '<main><button style="padding: 0; width: 20px; height: 30px">x</button></main>'
    (tmp_path / "index.html").write_text(standalone(body))
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    (found,) = page.evaluate(SMALL)
    assert found.startswith("20.0 x 30.0: <button")
