"""What must hold of every page of the built book, looked at in the browser and on disk."""

import re
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as Late

WEIGHT_LIMIT = 1_000_000  # bytes of a page's own: its HTML and its images, without the theme

MATHS_DONE = """() => [...document.querySelectorAll(".math")]
    .every((e) => e.querySelector("mjx-container"))"""

_THEMED = "(scheme) => [undefined, scheme].includes(document.documentElement.dataset.theme)"

_LOOK = r"""() => {
    const found = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    for (const e of all(".math"))
        if (!e.querySelector("mjx-container"))
            found.push(`raw mathematics: ${e.textContent.slice(0, 40)}`);
    for (const e of all("mjx-merror")) found.push(`MathJax error: ${e.textContent.slice(0, 60)}`);

    const code = "pre, code, script, style, textarea, noscript, mjx-container, .math, .ae-figure";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        if (/\\\(|\\\[|\$\$|\\begin\{/.test(node.data) && !node.parentElement.closest(code))
            found.push(`raw mathematics in the text: ${node.data.trim().slice(0, 60)}`);

    for (const figure of all(".ae-figure")) {
        const name = (figure.getAttribute("aria-label") ?? "").slice(0, 40);
        const values = [...figure.querySelectorAll("[data-key]")];
        const hidden = figure.offsetParent === null;
        const waits = "aeFigure" in figure.dataset && !("aeReady" in figure.dataset);
        if (waits) found.push(`figure that did not start: ${name}`); // its still looks like it
        else if (!figure.querySelector("svg, canvas") || !values.some((e) => e.textContent.trim()))
            found.push(`empty figure: ${name}`);
        else if (!hidden && figure.getBoundingClientRect().height < 100)
            found.push(`flat figure: ${name}`);
    }
    // A formula in a line of text neither breaks nor scrolls: what sticks out is cut off.
    const scrolls = (e) => e !== null && (e.scrollWidth > e.clientWidth
        && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    for (const e of all(".bd-article span.math")) {
        const right = e.querySelector("mjx-container")?.getBoundingClientRect().right ?? 0;
        const room = e.parentElement.getBoundingClientRect().right;
        if (e.offsetParent !== null && right > room + 1 && !scrolls(e.parentElement))
            found.push(`formula cut off: ${e.textContent.slice(0, 40)}`);
    }
    for (const image of document.images)
        if (image.complete && image.naturalWidth === 0)
            found.push(`broken image: ${image.getAttribute("src")}`);
    if (all(".jupyter-widgets-view, .widget-subarea, [type*='widget-view']").length > 0)
        found.push("a widget that needs a kernel");
    return found;
}"""

_OVERFLOW = """() => {
    const width = window.innerWidth;
    const actual = document.documentElement.scrollWidth;
    if (actual <= width + 1) return null;
    const scrolls = (e) => e !== null && e !== document.body
        && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
    const right = (e) => e.getBoundingClientRect().right;
    const guilty = [...document.body.querySelectorAll("*")]
        .filter((e) => right(e) > width + 1 && !scrolls(e.parentElement))
        .sort((a, b) => right(b) - right(a))[0];
    const name = guilty && `${guilty.tagName.toLowerCase()}.${guilty.getAttribute("class")}`;
    return `${actual} px wide in ${width}: ${name}`;
}"""


def look(page: Page, scheme: str, *, patience: float = 20_000) -> list[str]:
    """Return what is wrong with the page that is open: mathematics, figures, theme, width."""
    with suppress(Late):  # said below, formula by formula
        page.wait_for_function(MATHS_DONE, timeout=patience)
    found = list(page.evaluate(_LOOK))
    with suppress(Late):  # the theme follows the system a moment later
        page.wait_for_function(_THEMED, arg=scheme, timeout=2_000)
    theme = page.evaluate("document.documentElement.dataset.theme ?? null")
    if theme not in (None, scheme):
        found.append(f"theme is {theme}, the reader asked for {scheme}")
    if overflow := page.evaluate(_OVERFLOW):
        found.append(str(overflow))
    return found


def weight(html: Path) -> int:
    """Return the bytes of a page's own: its HTML, and the files in _images/ that it names."""
    text = html.read_text(encoding="utf-8")
    names = set(re.findall(r"_images/([^\"'#?)\s]+)", text))
    images = [html.parent / "_images" / name for name in names]
    for folder in html.parents:  # pages of a sub-folder name ../_images
        if (folder / "_images").is_dir():
            images = [folder / "_images" / name for name in names]
            break
    return html.stat().st_size + sum(i.stat().st_size for i in images if i.is_file())


def pages_of(folder: Path) -> list[Path]:
    """Return the book's HTML pages: all but the theme's (_static ...) and mere redirects."""
    return sorted(
        path
        for path in folder.rglob("*.html")
        if not any(part.startswith("_") for part in path.relative_to(folder).parts)
        and redirect(path) is None
    )


def redirect(path: Path) -> Path | None:
    """Return where a page sends its reader at once, or None."""
    match = re.search(r'http-equiv="refresh"[^>]*url=([^"]+)"', path.read_text("utf-8"), re.I)
    return path.parent / match[1] if match else None
