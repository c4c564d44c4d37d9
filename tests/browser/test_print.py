"""On paper nothing of a page is cut: code wraps, formulas fit, what was folded is there."""

from pathlib import Path

import pytest

from tests.browser.conftest import NewPage
from tests.browser.pages import MATHS_DONE

PAPER = {"width": 672, "height": 980}  # A4 without its margins, in pixels
CUT = """() => {
    const article = document.querySelector(".bd-article");
    if (article === null) return []; // the search
    const edge = article.getBoundingClientRect().right + 1;
    const found = [];
    const say = (what, e) => found.push(`${what}: ${e.textContent.trim().slice(0, 50)}`);
    const seen = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 0;
    const cuts = (e) => e !== article && (getComputedStyle(e).overflowX !== "visible"
        && e.scrollWidth > e.clientWidth + 1 || cuts(e.parentElement));
    for (const pre of article.querySelectorAll("pre"))
        if (seen(pre) && (pre.scrollWidth > pre.clientWidth + 1 || cuts(pre))) say("code", pre);
    for (const maths of article.querySelectorAll("div.math mjx-math, div.math mjx-labels"))
        if (seen(maths) && maths.getBoundingClientRect().right > edge) say("formula", maths);
    for (const wide of article.querySelectorAll("table, img, svg, canvas, .ae-figure"))
        if (seen(wide) && wide.getBoundingClientRect().right > edge) say(wide.tagName, wide);
    for (const folded of article.querySelectorAll("details.hide pre"))
        if (!folded.checkVisibility({ contentVisibilityAuto: true })) say("folded", folded);
    for (const frame of document.querySelectorAll(".bd-sidebar-primary, .bd-header, form.answer"))
        if (seen(frame)) say("frame", frame);
    for (const figure of article.querySelectorAll(".ae-figure :is(.ae-swatch, .ae-track > span)"))
        if (getComputedStyle(figure).printColorAdjust !== "exact") say("colour", figure);
    return found;
}"""


@pytest.mark.timeout(900)
@pytest.mark.slow  # a minute: every page is laid out as paper
def test_nothing_is_cut_on_paper(pages: list[Path], new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1000, "height": 900})
    problems = []
    for path in pages:
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1000, "height": 900})
        page.goto(path.as_uri())
        page.wait_for_function(MATHS_DONE, timeout=60_000)
        page.wait_for_timeout(50)  # print.js measures once MathJax is done
        page.emulate_media(media="print")
        page.set_viewport_size(PAPER)
        problems += [f"{path.name}: {problem}" for problem in page.evaluate(CUT)]
    page.emulate_media(media="screen")
    print(len(pages), "pages,", len(problems), "problems")
    assert problems == []
