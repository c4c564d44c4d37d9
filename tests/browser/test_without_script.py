"""Without JavaScript the pages of the built book still say what they say: formulas, figures."""

from pathlib import Path

import pytest

from tests.browser.conftest import NewPage

# What is wrong with the formulas of a page: one that is raw, empty or cut off on the right.
FORMULAS = """() => [...document.querySelectorAll(".math")].flatMap((each) => {
    const seen = each.checkVisibility() && each.closest("details:not([open])") === null;
    const drawn = each.querySelector("math");
    if (drawn === null) return [`no MathML: ${each.textContent}`];
    const raw = each.querySelector(".tex");
    const hidden = raw === null || getComputedStyle(raw).display === "none";
    if (!hidden) return [`raw: ${raw.textContent}`];
    const box = drawn.getBoundingClientRect();
    if (seen && !(box.width > 0 && box.height > 0)) return [`empty: ${each.textContent}`];
    return [];
})"""


@pytest.mark.timeout(600)
def test_every_formula_is_drawn(pages: list[Path], new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    problems, count = [], 0
    for path in pages:
        page.goto(path.as_uri())
        count += page.evaluate("document.querySelectorAll('.math').length")
        problems += [f"{path.name}: {problem}" for problem in page.evaluate(FORMULAS)]
    print(count, "formulas")
    assert problems == []
    assert count > 1000


# Of each figure of a page: how many pictures it shows, and how many numbers.
FIGURES = """() => [...document.querySelectorAll("[data-ae-figure]")].map((figure) => {
    const large = (e) => e.getBoundingClientRect().width > 20;
    const pictures = [...figure.querySelectorAll("svg, img")].filter(large);
    const numbers = [...figure.querySelectorAll("[data-key]")];
    const filled = numbers.filter((e) => /\\d/.test(e.textContent));
    return [figure.getAttribute("aria-label").slice(0, 40), pictures.length, filled.length];
})"""


@pytest.mark.timeout(600)
def test_every_figure_has_a_still_with_its_numbers(pages: list[Path], new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False, viewport={"width": 320, "height": 800})
    found = []
    for path in pages:
        page.goto(path.as_uri())
        found += [(path.name, *figure) for figure in page.evaluate(FIGURES)]
    print(len(found), "figures")
    assert len(found) > 20
    bare = [figure for figure in found if figure[2] < 1 or figure[3] < 3]
    assert [figure for figure in bare if figure[0] != "self-test.html"] == []  # it shows questions
