"""A Chromium whose every console error and every request to elsewhere fails the test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from aeteach.widgets import Figure
from tests.browser.driver import (
    FLAGS,
    INSTRUCTION,
    LOCAL,
    FigureDriver,
    call_module,
    find_chromium,
    standalone,
)
from tests.browser.pages import pages_of
from tests.paths import HTML


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def pages() -> list[Path]:
    """Return the pages of the built book."""
    if not (HTML / "index.html").is_file():
        pytest.fail(f"there is no built book in {HTML}: run `make book` first")
    return pages_of(HTML)


# Not for the session: while playwright runs, its event loop counts as running in this thread, and
# tests of other folders that start a loop of their own would fail.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = find_chromium(playwright.chromium.executable_path)
        if path is None:
            pytest.fail(INSTRUCTION)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Watch:
    """What went wrong on the pages of the contexts that are followed."""

    problems: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        """Write down errors and refuse every request that leaves this machine."""

        def refuse(route: Route) -> None:
            self.problems.append(f"request to {route.request.url}")
            route.abort()

        def follow_page(page: Page) -> None:
            page.on("pageerror", lambda e: self.problems.append(f"page error: {e}"))
            page.on("websocket", lambda s: self._check("websocket", s.url))
            page.on("console", lambda m: self._console(m.type, m.text))

        context.route(lambda url: not LOCAL.match(url), refuse)
        context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        context.on("page", follow_page)

    def _check(self, what: str, url: str) -> None:
        if not LOCAL.match(url):
            self.problems.append(f"{what} to {url}")

    def _console(self, kind: str, text: str) -> None:
        if kind == "error":
            self.problems.append(f"console error: {text}")


NewPage = Callable[..., Page]
AT_FIRST = {"viewport": {"width": 1280, "height": 1400}}
# What a page can be told after it was opened; anything else needs a context of its own.
CHANGEABLE = {"viewport", "color_scheme", "reduced_motion", "forced_colors"}


class Tabs:
    """Pages that are opened once and lent to test after test: a new one costs a second.

    Every document is loaded anew, so a test finds nothing of an earlier one.
    """

    def __init__(self, browser: Browser, watch: Watch) -> None:
        self.browser, self.watch = browser, watch
        self.free: dict[str, list[Page]] = {}
        self.lent: list[tuple[str, Page]] = []

    def lend(self, **options: Any) -> Page:
        options = AT_FIRST | options
        kind = repr(sorted((k, v) for k, v in options.items() if k not in CHANGEABLE))
        waiting = self.free.setdefault(kind, [])
        page = waiting.pop() if waiting else self.open(options)
        page.set_default_timeout(15_000)
        page.set_viewport_size(options["viewport"])
        page.emulate_media(
            color_scheme=options.get("color_scheme", "light"),
            reduced_motion=options.get("reduced_motion", "no-preference"),
            forced_colors=options.get("forced_colors", "none"),
        )
        self.lent.append((kind, page))
        return page

    def open(self, options: dict[str, Any]) -> Page:
        context = self.browser.new_context(**options)
        self.watch.follow(context)
        return context.new_page()

    def take_back(self) -> None:
        """End what runs on the pages that were lent; one that a test closed is not lent again."""
        lent, self.lent = self.lent, []
        for kind, page in lent:
            if not page.is_closed():
                page.goto("about:blank")
                page.mouse.up()
                page.mouse.move(0, 0)
                self.free[kind].append(page)


@pytest.fixture(scope="package")
def tabs(browser: Browser) -> Iterator[Tabs]:
    tabs = Tabs(browser, Watch())
    yield tabs
    for pages in tabs.free.values():
        for page in pages:
            page.context.close()


@pytest.fixture
def watch(tabs: Tabs) -> Watch:
    tabs.watch.problems.clear()
    return tabs.watch


@pytest.fixture
def new_page(tabs: Tabs, watch: Watch) -> Iterator[NewPage]:
    """Open pages, by the options of a browser's context; nothing may go wrong on any."""
    yield tabs.lend
    tabs.take_back()
    assert watch.problems == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


Show = Callable[..., FigureDriver]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, new_page: NewPage, tmp_path: Path) -> Show:
    """Put figures on a page, open it from the folder, return the first one's driver.

    Figures are given as functions that make them. Over http the tests of the book's pages open all.
    """
    monkeypatch.setenv("AETEACH_HOST", "page")

    def open_page(*make: Callable[[], Figure], before: str = "", **options: Any) -> FigureDriver:
        html = standalone(before, *(m().page_html() for m in make))
        (tmp_path / "index.html").write_text(html, encoding="utf-8")
        page = new_page(**options)
        page.goto((tmp_path / "index.html").as_uri())
        return FigureDriver(page)

    return open_page


# ---------------------------------------------------------------- the modules without a figure

Call = Callable[..., Any]
Agree = Callable[..., None]


@pytest.fixture(scope="package")
def sheet(tabs: Tabs) -> Iterator[Page]:
    """One blank page for all calls: they evaluate functions and leave nothing behind."""
    page = tabs.open(AT_FIRST)
    yield page
    page.context.close()


@pytest.fixture
def call(sheet: Page, watch: Watch) -> Iterator[Call]:
    """Evaluate JavaScript on a module m and arguments a: `call(module, body, *arguments)`."""
    yield partial(call_module, sheet)
    assert watch.problems == []


@pytest.fixture
def agree(record_property: Callable[[str, object], None]) -> Agree:
    """Assert that two arrays differ by less than a bound, and record the largest difference."""

    def check(actual: ArrayLike, expected: ArrayLike, bound: float = 1e-12) -> None:
        a, b = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        assert a.shape == b.shape
        assert a.size > 0
        worst = float(np.abs(a - b).max())
        record_property("largest_difference", worst)
        print(f"{a.size} numbers, largest difference {worst:.2e}")
        assert worst < bound  # NaN fails this too

    return check
