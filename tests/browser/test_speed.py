"""A drag follows the finger: one move of any control of any figure costs less than a frame.

Measured is the time that the page's main thread works for one move, as the browser counts it (CPU,
not the clock): the handler, and what it leads to until two frames later.
"""

from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Locator, Page

from tests.browser.conftest import NewPage
from tests.browser.driver import FigureDriver, standalone

FRAME = 16.0  # milliseconds
MOVES = 12
FIRST = 3  # moves that are not counted: code is compiled, tables are made
REST = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
)
CONTROLS = "input[type=range], [role=slider], canvas.ae-pad"


def busy(session: CDPSession) -> float:
    """Return the milliseconds of CPU that the main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")


def state(control: Locator) -> Any:
    """Return where a control stands, as it says itself; None for a sheet to draw on."""
    return control.evaluate("(e) => e.value ?? e.ariaValueText")


def cost(page: Page, session: CDPSession, control: Locator) -> float:
    """Drag a control to and fro; return the median cost of a move, in milliseconds."""
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
        cpu = busy(session) - before
        if at is None or state(control) != at:
            costs.append(cpu)
    page.mouse.up()
    page.evaluate(REST)
    return median(costs[FIRST:] or costs or [0.0])


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
            for at, control in enumerate(figure.root.locator(CONTROLS).all()):
                if control.is_visible() and control.is_enabled():
                    name = control.get_attribute("aria-label")
                    costs[f"{path.stem} {nth} {at} {name}"] = cost(page, session, control)
    print(
        "\n".join(
            f"{ms:6.1f} ms  {name}" for name, ms in sorted(costs.items(), key=lambda c: -c[1])
        )
    )
    assert len(costs) > 60
    assert {name: ms for name, ms in costs.items() if ms >= FRAME} == {}


def test_a_slow_control_is_found(new_page: NewPage, tmp_path: Path) -> None:
    slow = "const end = performance.now() + 40; while (performance.now() < end);"
    bars: Any = "".join(
        f'<p><input type="range" oninput="{code}" style="width: 300px"></p>' for code in (slow, "")
    )
    (tmp_path / "index.html").write_text(standalone(bars))
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    session = watch(page)
    slow_one, fast_one = (cost(page, session, bar) for bar in page.locator("input").all())
    assert slow_one > FRAME > fast_one
