"""A drag follows the finger: one move of any control of any figure costs less than a frame.

Measured is the time that the page's main thread works for one move, as the browser counts it (CPU,
not the clock): the handler, and what it leads to until two frames later. What is ours, code, style
and layout, stays within one frame; with the browser's painting, and its own counting, within two. A
frame is what a fixed piece of work tells: on a slower machine, or a busy one, both take longer.
"""

import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Locator, Page

from tests.browser.conftest import NewPage
from tests.browser.driver import FigureDriver, standalone

FRAME = 16.0  # milliseconds, where WORK costs STANDARD
STANDARD = 16.0
# Arithmetic, strings, layout and drawing, about as a figure has them.
WORK = """() => {
    const box = document.body.appendChild(document.createElement("div"));
    box.style = "position: fixed; contain: strict; inset: 0"; // whatever the page is
    const draw = Object.assign(document.createElement("canvas"), { width: 200 }).getContext("2d");
    let sum = 0;
    for (let i = 0; i < 60; i++) {
        for (let k = 0; k < 10000; k++) sum += Math.exp(-k / 5000) * (i % 7);
        box.append(Object.assign(document.createElement("p"), { textContent: sum.toFixed(3) }));
        sum += box.offsetHeight % 2;
        draw.fillRect(i, i, 20, 20);
    }
    box.remove();
    return sum;
}"""
TRIES = 4  # the least counts: the rest is what else the machine did
MOVES = 9
FIRST = 3  # moves that are not counted: code is compiled, tables are made
REST = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
)
CONTROLS = "input[type=range], [role=slider], canvas.ae-pad"
OURS = {"ScriptDuration", "LayoutDuration", "RecalcStyleDuration"}


def busy(session: CDPSession) -> tuple[float, float]:
    """Return the milliseconds of CPU that the main thread has worked: for us, and in all."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    spent = {m["name"]: 1000 * float(m["value"]) for m in metrics}
    return sum(spent[name] for name in OURS), spent["TaskDuration"]


def state(control: Locator) -> Any:
    """Return where a control stands, as it says itself; None for a sheet to draw on."""
    return control.evaluate("(e) => e.value ?? e.ariaValueText")


def cost(page: Page, session: CDPSession, control: Locator) -> float:
    """Drag a control to and fro; return the median cost of a move: ours, or half of all."""
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    wide = control.evaluate("(e) => e.matches('input')")
    costs = []
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(MOVES):
        at = state(control)
        page.evaluate(REST)
        before = busy(session)
        if wide:  # all over its width, another value each time
            page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * (5 * i % MOVES) / MOVES), y)
        else:
            page.mouse.move(x + 9 * (i % 4 - 1.5), y + 9 * (i % 3 - 1))
        page.evaluate(REST)
        ours, everything = (now - then for now, then in zip(busy(session), before, strict=True))
        if at is None or state(control) != at:
            costs.append(max(ours, everything / 2))
    page.mouse.up()
    page.evaluate(REST)
    return median(costs[FIRST:] or costs or [0.0])


def frame(page: Page, session: CDPSession) -> float:
    """Return how many milliseconds a frame stands for, on this machine at this moment."""
    costs = []
    for _ in range(5):
        _, before = busy(session)
        page.evaluate(WORK)
        costs.append(busy(session)[1] - before)
    return FRAME * max(1.0, median(costs) / STANDARD)


def share(page: Page, session: CDPSession, control: Locator) -> float:
    """Return what part of a frame a move of a control costs."""
    least = float("inf")
    for _ in range(TRIES):
        least = min(least, cost(page, session, control) / frame(page, session))
        if least < 1:
            break
    return least


def watch(page: Page) -> CDPSession:
    """Begin to count."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


@pytest.mark.slow  # two minutes: a hundred controls, twelve moves each
@pytest.mark.timeout(900)
def test_a_move_of_any_control_costs_less_than_a_frame(
    pages: list[Path], new_page: NewPage
) -> None:
    page = new_page(viewport={"width": 1280, "height": 1400})
    session = watch(page)
    costs: dict[str, float] = {}
    for path in pages:
        if "data-ae-figure=" not in path.read_text("utf-8"):
            continue
        page.goto(path.as_uri())
        figures = page.locator(".ae-figure")
        for nth in range(figures.count()):
            figure = FigureDriver(page, nth)
            alike = set()  # the points of one cloud
            for at, control in enumerate(figure.root.locator(CONTROLS).all()):
                name = control.get_attribute("aria-label")
                kind = re.sub(r"\d+", "", str(name))
                if kind not in alike and control.is_visible() and control.is_enabled():
                    alike.add(kind)
                    costs[f"{path.stem} {nth} {at} {name}"] = share(page, session, control)
    print(
        "\n".join(
            f"{part:6.2f} of a frame  {name}"
            for name, part in sorted(costs.items(), key=lambda c: -c[1])
        )
    )
    assert len(costs) > 60
    assert {name: part for name, part in costs.items() if part >= 1} == {}


def test_a_slow_control_is_found(new_page: NewPage, tmp_path: Path) -> None:
    slow = "const end = performance.now() + 120; while (performance.now() < end);"
    bars: Any = "".join(
        f'<p><input type="range" oninput="{code}" style="width: 300px"></p>' for code in (slow, "")
    )
    (tmp_path / "index.html").write_text(standalone(bars))
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    session = watch(page)
    slow_one, fast_one = (share(page, session, bar) for bar in page.locator("input").all())
    assert slow_one > 1 > fast_one
