"""A Chromium whose every console error and every request to elsewhere fails the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


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
    """What went wrong on the pages of one context."""

    problems: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext, *, console: bool = True) -> None:
        """Write down errors and refuse every request that leaves this machine."""

        def refuse(route: Route) -> None:
            self.problems.append(f"request to {route.request.url}")
            route.abort()

        def follow_page(page: Page) -> None:
            page.on("pageerror", lambda e: self.problems.append(f"page error: {e}"))
            page.on("websocket", lambda s: self._check("websocket", s.url))
            if console:
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


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def new_page(browser: Browser, watch: Watch) -> Iterator[NewPage]:
    """Open pages in contexts of their own; at the end nothing may have gone wrong on any."""
    with ExitStack() as contexts:

        def make(*, console: bool = True, **options: Any) -> Page:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 1400}} | options)
            contexts.callback(context.close)
            watch.follow(context, console=console)
            page = context.new_page()
            page.set_default_timeout(15_000)
            return page

        yield make
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
def sheet(browser: Browser) -> Iterator[tuple[Page, Watch]]:
    """One blank page for all calls: they evaluate functions and leave nothing behind."""
    watch = Watch()
    context = browser.new_context()
    watch.follow(context)
    yield context.new_page(), watch
    context.close()


@pytest.fixture
def call(sheet: tuple[Page, Watch]) -> Iterator[Call]:
    """Evaluate JavaScript on a module m and arguments a: `call(module, body, *arguments)`."""
    page, watch = sheet
    watch.problems.clear()
    yield partial(call_module, page)
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
