"""The keyboard's focus is never lost, and what a control changes is said, in every figure."""

import re
from collections.abc import Callable

import pytest

from aeteach.widgets import Figure
from tests.browser.conftest import Show
from tests.browser.test_figures import ALL

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


@pytest.mark.slow  # two minutes: every kind of control of every figure, and a second's rest
@pytest.mark.timeout(900)
@pytest.mark.parametrize("make", ALL)
def test_a_change_keeps_the_focus_and_is_said(look: Show, make: Callable[[], Figure]) -> None:
    made = make()
    figure = look(lambda: made)
    page = figure.page
    page.wait_for_timeout(900)
    lost, silent = [], []
    alike = set()  # the points of one cloud
    for at in range(figure.root.locator(CONTROLS).count()):
        control = figure.root.locator(CONTROLS).nth(at)
        if not control.is_visible() or not control.is_enabled():
            continue
        handle = control.element_handle()
        assert handle is not None
        name = handle.evaluate("(e) => `${e.tagName} ${e.ariaLabel ?? e.textContent}`.slice(0, 60)")
        if (kind := re.sub(r"\d+", "", name)) in alike:
            continue
        alike.add(kind)
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
