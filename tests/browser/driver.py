"""Move a figure as a reader does, by mouse, touch or keyboard, and read what it says."""

import base64
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image
from playwright.sync_api import Locator, Page

from aeteach.widgets.kit.host import bundle

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
INSTRUCTION = (
    "no Chromium found: install it (Debian: apt-get install --no-install-recommends chromium; "
    "elsewhere: python -m playwright install chromium) or name it in AETEACH_CHROMIUM"
)
LOCAL = re.compile(r"^(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|^(file|data|blob|about|chrome):")


def find_chromium(own: str = "") -> str | None:
    """Return Chromium's path: AETEACH_CHROMIUM, then the system's, then playwright's `own`."""
    named = os.environ.get("AETEACH_CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return own if own and Path(own).is_file() else None


# JavaScript of a figure's root: what in it is cut, lies outside, or lies on another thing.
CLUTTER = """(root) => {
    const found = [];
    const frame = root.getBoundingClientRect();
    const hit = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5
        && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
    const texts = [...root.querySelectorAll("svg.ae-plane text")];
    const boxes = texts.map((t) => t.getBoundingClientRect());
    texts.forEach((t, i) => {
        if (boxes[i].height < 10) found.push(`small: ${t.textContent}`);
        if (boxes[i].left < frame.left || boxes[i].right > frame.right)
            found.push(`outside: ${t.textContent}`);
        for (let j = 0; j < i; j++)
            if (hit(boxes[i], boxes[j])) found.push(`${t.textContent} on ${texts[j].textContent}`);
    });
    for (const part of root.querySelectorAll("button, input[type=range], label span, .ae-value"))
        if (part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)
            found.push(`cut: ${part.className} ${part.textContent}`);
    return found;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Print nothing: a test's output is what failed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing when a browser closes a connection half way."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on 127.0.0.1 while the block runs; gives the address."""
    server = _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def standalone(*figures: str, head: str = "") -> str:
    """Return a page that holds figures' HTML and nothing else."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Figures</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>'
        f"<body>{''.join(figures)}</body></html>"
    )


_bundled = cache(bundle)


def call_module(page: Page, module: str, body: str, *arguments: Any) -> Any:
    """Evaluate `body` on a figure's module m and the arguments a, in the browser's JavaScript."""
    return page.evaluate(
        """async ([source, body, a]) => {
            const known = (window.modules ??= new Map());
            if (!known.has(source)) {
                const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
                known.set(source, import(url));
            }
            const m = await known.get(source);
            const plain = (v) => ArrayBuffer.isView(v) ? Array.from(v)
                : Array.isArray(v) ? v.map(plain)
                : v && typeof v === "object"
                    ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]))
                : v;
            return plain(await new Function("m", "a", `return (${body})`)(m, a));
        }""",
        [_bundled(module), body, list(arguments)],
    )


class FigureDriver:
    """One figure on a page.

    Args:
        page: the page, already loaded.
        nth: which figure on it, from 0.
    """

    def __init__(self, page: Page, nth: int = 0) -> None:
        self.page = page
        self.root = page.locator(".ae-figure").nth(nth)
        self.root.locator("svg, canvas").first.wait_for()
        # The window is as tall as the figure, so that nothing has to be scrolled into view.
        self.root.scroll_into_view_if_needed()

    def value(self, key: str) -> float:
        """Return the number a read-out stands for, in full precision."""
        return float(self._output(key).get_attribute("data-value") or "nan")

    def text(self, key: str) -> str:
        """Return what a read-out says, with a plain minus."""
        return self._output(key).inner_text().replace("−", "-")

    def printed(self, key: str) -> float:
        """Return the number that a read-out prints, without its unit."""
        return float(re.sub(r"[^\d.-]", "", self.text(key)))

    def _output(self, key: str) -> Locator:
        return self.root.locator(f'[data-key="{key}"]')

    def handle(self, label: str) -> Locator:
        """Return the thing to drag with this label."""
        return self.root.get_by_role("slider", name=label, exact=True)

    def button(self, label: str) -> Locator:
        """Return the button with this label."""
        return self.root.get_by_role("button", name=label, exact=True)

    def centre(self, target: Locator) -> tuple[float, float]:
        """Return the middle of an element, in the window's pixels."""
        box = target.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def to_window(self, plane: int, x: float, y: float) -> tuple[float, float]:
        """Return where data (x, y) lies in the window, read off the printed ticks of a plane.

        The ticks are what the reader goes by; the figure's own scales are not asked.
        """
        ticks = (
            self.root.locator("svg.ae-plane")
            .nth(plane)
            .evaluate(
                """(svg) => {
                const texts = [...svg.querySelectorAll(".ae-axes text:not(.ae-title)")];
                const value = (t) => Number(t.textContent.replace("−", "-"));
                const read = (anchor, side) => texts
                    .filter((t) => t.getAttribute("text-anchor") === anchor)
                    .map((t) => [value(t), Number(t.getAttribute(side))]);
                const m = svg.getScreenCTM();
                return { x: read("middle", "x"), y: read("end", "y"), m: [m.a, m.d, m.e, m.f] };
            }"""
            )
        )
        a, d, e, f = ticks["m"]
        place = []
        for axis, v, scale, offset, shift in (("x", x, a, e, 0), ("y", y, d, f, -4)):
            values, places = np.array(ticks[axis]).T
            slope, origin = np.polyfit(values, places + shift, 1)
            place.append(offset + scale * (slope * v + origin))
        return place[0], place[1]

    def drag(self, target: Locator, x: float, y: float) -> None:
        """Drag an element by mouse to a place in the window."""
        self.page.mouse.move(*self.centre(target))
        self.page.mouse.down()
        self.page.mouse.move(x, y, steps=6)
        self.page.mouse.up()

    def touch_drag(self, target: Locator, x: float, y: float) -> None:
        """Drag an element by finger to a place in the window; the page must have touch."""
        session = self.page.context.new_cdp_session(self.page)
        a, b = self.centre(target)

        def touch(kind: str, points: list[dict[str, float]]) -> None:
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", [{"x": a, "y": b}])
        for i in range(1, 7):
            touch("touchMove", [{"x": a + (x - a) * i / 6, "y": b + (y - b) * i / 6}])
        touch("touchEnd", [])
        session.detach()

    def keys(self, target: Locator, *names: str) -> None:
        """Focus an element and press keys."""
        target.focus()
        for name in names:
            self.page.keyboard.press(name)

    def pixels(self, canvas: Locator) -> np.ndarray:
        """Return a canvas' pixels, (height, width, 4), 0 to 255."""
        url = str(canvas.evaluate("(c) => c.toDataURL('image/png')"))
        with Image.open(BytesIO(base64.b64decode(url.split(",")[1]))) as image:
            return np.array(image.convert("RGBA"))


Drag = Callable[[FigureDriver, Locator, float, float], None]
TOUCH = {"has_touch": True}
WAYS: list[Any] = [  # to drag: what the page is opened with, and how
    pytest.param({}, FigureDriver.drag, id="mouse"),
    pytest.param(TOUCH, FigureDriver.touch_drag, id="touch"),
]


def focused(page: Page) -> str:
    """Return the label of what has the focus."""
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def every_look(
    figure: FigureDriver, widths: Sequence[int] = (320, 375, 1280)
) -> Iterator[tuple[int, str]]:
    """Show a figure at each width, in light and in dark; gives both while it stands so."""
    page = figure.page
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
            )
            yield width, theme


def clutter(figure: FigureDriver) -> list[str]:
    """Return what is cut, lies outside, or lies on another thing as the figure now stands."""
    found = list(figure.root.evaluate(CLUTTER))
    width, window = figure.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    if width > window:
        found.append(f"wider than the page: {width} in {window}")
    return found


def close(actual: ArrayLike, expected: ArrayLike, bound: float) -> None:
    """Assert that numbers differ by less than the bound, and print by how much they do."""
    a, b = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert a.shape == b.shape
    assert a.size > 0
    worst = float(np.abs(a - b).max())
    print(f"{a.size} numbers, largest difference {worst:.2e}")
    assert worst < bound  # NaN fails this too
