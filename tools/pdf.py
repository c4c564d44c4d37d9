"""Print the built book as one PDF: _build/bottleneck.pdf.

    python tools/pdf.py                      what `make pdf` does
    python tools/pdf.py --solutions left-out     or in-place

Chromium prints one page that is put together from the pages of the built book. So the PDF has
their numbers, their formulas, their figures and their print style, and nothing has to be kept
twice: LaTeX would need a second writer for each figure, mark and exercise. Chromium is what the
tests drive.
"""

import argparse
import posixpath
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import urldefrag

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import sync_playwright
from sphinx_external_toc.api import FileItem, GlobItem
from sphinx_external_toc.parsing import parse_toc_data

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
TARGET = ROOT / "_build" / "bottleneck.pdf"
SOLUTIONS = ("at-the-back", "in-place", "left-out")
DRAWN = """() => document.readyState === "complete"
    && [...document.querySelectorAll(".math")].every((e) => e.querySelector("mjx-container"))
    && [...document.querySelectorAll("[data-ae-figure]")].every((e) => "aeReady" in e.dataset)"""
# Only the first page of the book needs these: the others repeat them.
STYLE = """
@media print {
  .part { break-before: page; padding-top: 30vh; text-align: center; }
  .chapter { break-before: page; }
  .cover { padding-top: 35vh; text-align: center; break-after: page; }
  .contents li { margin: 0.15rem 0; list-style: none; }
}
"""


def reading_order(root: Path) -> list[tuple[str, list[str]]]:
    """Return (part, names of its pages) in the order of _toc.yml, as Jupyter Book reads it.

    Sections stand behind their chapter, what a glob finds in its place; a link is no page.
    """
    data = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    if parts := [part for part in data.pop("parts", None) or [] if part.get("chapters")]:
        data["parts"] = parts
    toc = parse_toc_data(data)
    groups: list[tuple[str, list[str]]] = [("", [])]

    def add(name: str) -> None:
        groups[-1][1].append(name.removesuffix(".md"))
        for tree in toc[name].subtrees if name in toc else []:
            if tree.caption:
                groups.append((tree.caption, []))
            for item in tree.items:
                if isinstance(item, FileItem):
                    add(str(item))
                elif isinstance(item, GlobItem):
                    for path in sorted(root.glob(f"{item}.md")):
                        add(path.relative_to(root).with_suffix("").as_posix())

    add(toc.root.docname)
    return [(caption, pages) for caption, pages in groups if pages]


def together(html: Path, groups: list[tuple[str, list[str]]], solutions: str) -> str:
    """Return one HTML page of all pages, whose links lead from one to the other.

    Args:
        html: the built book.
        groups: what `reading_order` returns.
        solutions: one of SOLUTIONS.
    """
    names = [name for _, pages in groups for name in pages]
    first = _read(html, names[0])
    body = first.body
    assert body is not None
    assert first.html is not None
    first.html["data-content_root"] = "./"
    for node in first.select("link[href], script[src]"):
        which = "href" if node.name == "link" else "src"
        node[which] = _relative(str(node[which]), names[0])
    head = first.new_tag("style")
    head.string = STYLE
    assert first.head is not None
    first.head.append(head)
    whole = first.new_tag("article", attrs={"class": "bd-article"})
    back = first.new_tag("section", attrs={"class": "chapter"})
    whole.append(_contents(first, html, groups))
    for caption, pages in groups:
        if caption:
            title = first.new_tag("h1", attrs={"class": "part"})
            title.string = caption
            whole.append(title)
        for name in pages:
            chapter = _chapter(_read(html, name), name, set(names))
            taken = [] if solutions == "in-place" else chapter.select(".solution")
            for each in taken:
                each.extract()
            if taken and solutions == "at-the-back":
                heading = first.new_tag("h2")
                heading.string = _title(chapter)
                back.extend([heading, *taken])
            whole.append(chapter)
    if back.contents:
        title = first.new_tag("h1")
        title.string = "Solutions"
        back.insert(0, title)
        whole.append(back)
    scripts = list(body.find_all("script", recursive=False))
    container = first.new_tag("main", attrs={"class": "bd-main"})
    container.append(whole)
    body.clear()
    body.extend([container, *scripts])
    return str(first)


def _read(html: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser")


def _title(chapter: Tag) -> str:
    found = chapter.select_one("h1")
    return found.get_text().rstrip("#").strip() if found else ""


def _contents(page: BeautifulSoup, html: Path, groups: list[tuple[str, list[str]]]) -> Tag:
    """Return the cover and the list of chapters."""
    box = page.new_tag("section", attrs={"class": "contents"})
    cover = page.new_tag("div", attrs={"class": "cover"})
    title = page.new_tag("h1")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    title.string = config["title"]
    cover.append(title)
    box.append(cover)
    for caption, pages in groups:
        heading = page.new_tag("p")
        heading.append(page.new_tag("b"))
        heading.b.string = caption  # type: ignore[union-attr]
        items = page.new_tag("ul")
        for name in pages:
            item, link = page.new_tag("li"), page.new_tag("a", href=f"#{_place(name)}")
            link.string = _title(_read(html, name).select_one("article.bd-article") or page)
            item.append(link)
            items.append(item)
        box.extend([heading, items])
    return box


def _place(name: str, fragment: str = "") -> str:
    return f"{name}--{fragment}" if fragment else name


def _chapter(page: BeautifulSoup, name: str, known: set[str]) -> Tag:
    """Return a page's own part, with names that are its own and links within the one document."""
    article = page.select_one("article.bd-article")
    assert article is not None, f"{name}: no article"
    for box in article.select("aside.ways-out, noscript:not(.math *)"):
        box.decompose()
    for node in article.find_all(id=True):
        node["id"] = _place(name, str(node["id"]))
    for node in article.find_all(popovertarget=True):
        node["popovertarget"] = _place(name, str(node["popovertarget"]))
    for link in article.find_all("a", href=True):
        link["href"] = _within(str(link["href"]), name, known)
    for image in article.find_all("img", src=True):
        image["src"] = _relative(str(image["src"]), name)
    article.name = "section"
    article["class"] = "chapter"
    article["id"] = _place(name)
    return article


def _within(href: str, name: str, known: set[str]) -> str:
    """Return where a link of a page leads in the one document; elsewhere it stays."""
    if re.match(r"[a-z]+:", href):
        return href
    file, fragment = urldefrag(href)
    page = name if not file else _relative(file, name).removesuffix(".html")
    if page not in known:
        return href
    return f"#{_place(page, fragment)}"


def _relative(address: str, name: str) -> str:
    """Return an address of a page, seen from the folder of the built book."""
    if re.match(r"[a-z]+:|/", address):
        return address
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), address))


def print_to(target: Path, page: Path, chromium: str | None, patience: float) -> None:
    """Print a page once all of its formulas and figures are drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        opened = browser.new_page(viewport={"width": 900, "height": 1200}, color_scheme="light")
        opened.set_default_timeout(1000 * patience)
        opened.goto(page.as_uri())
        opened.wait_for_function(DRAWN)
        opened.wait_for_timeout(2000)  # pictures that are unpacked on the way
        opened.pdf(
            path=target, prefer_css_page_size=True, print_background=True, outline=True, tagged=True
        )
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--solutions", choices=SOLUTIONS, default=SOLUTIONS[0])
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    if not (HTML / "book").is_dir():
        print("There is no built book: run `make book` first.", file=sys.stderr)
        return 1
    text = together(HTML, reading_order(ROOT), arguments.solutions)
    with tempfile.NamedTemporaryFile("w", dir=HTML, suffix=".html", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        sys.path.insert(0, str(ROOT))
        from tests.browser.driver import INSTRUCTION, find_chromium

        if (chromium := find_chromium()) is None:
            print(INSTRUCTION, file=sys.stderr)
            return 1
        print_to(arguments.target, Path(file.name), chromium, patience=300)
    print(f"The book is printed: {arguments.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
