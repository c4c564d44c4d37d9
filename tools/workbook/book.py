"""What the pages of the book are called, and how their parts are numbered: read from the sources.

Sphinx gives the same numbers when it builds the pages (a test compares them): an equation or
exercise counts within its chapter where chapters are numbered, and through all pages that are not.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import yaml
from aeteach_book.declarations import declared
from aeteach_book.evidence import Claim
from mdit_py_plugins.anchors.index import slugify, unique_slug
from pybtex.database import BibliographyData, Entry, Person, parse_file
from pybtex.richtext import Text as RichText
from pybtex.style.formatting.plain import Style as PlainStyle
from sphinx_external_toc.api import Document
from sphinx_external_toc.parsing import parse_toc_data

from .blocks import Text, blocks

EXERCISES = ("exercise", "exercise-start")
EQUATION_LABEL = re.compile(r"^\$\$[ \t]*\((?P<label>[\w:.-]+)\)[ \t]*$", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_HEADING = re.compile(
    r"^(?:\((?P<label>[\w:.-]+)\)=\n+)?(?P<level>#{1,6}) +(?P<title>.+?) *#* *$", re.MULTILINE
)


@dataclass
class Page:
    """One page of the book.

    Attributes:
        name: its file's name without `.md`; what links call it.
        path: its source.
        part: the caption it stands under in _toc.yml, or "".
        number: its chapter's number, or None.
        file: the name of its notebook; "" for a page that _toc.yml leaves out.
        title: its first heading.
    """

    name: str
    path: Path
    part: str
    number: int | None
    file: str = ""
    title: str = ""

    @cached_property
    def text(self) -> str:
        """The source without its front matter."""
        return _FRONT_MATTER.sub("", self.path.read_text("utf-8"))


@dataclass(frozen=True)
class Target:
    """Something a link can lead to: a page, and a heading on it or a number."""

    page: Page
    text: str


@dataclass(frozen=True)
class Exercise:
    """An exercise as it is called on its page, such as 7.2 (The gap)."""

    page: Page
    number: str
    title: str

    @property
    def name(self) -> str:
        """What a link to it says."""
        return f"Exercise {self.number}" if self.page.file else self.number


@dataclass
class Book:
    """The pages in reading order, and what their links can lead to.

    What lies beside the pages and is left out of _toc.yml is known by its words, for links to it.
    """

    title: str
    pages: list[Page]
    left_out: list[Page]
    bibliography: BibliographyData
    exercises: dict[str, Exercise] = field(default_factory=dict)
    equations: dict[str, Target] = field(default_factory=dict)
    sections: dict[str, Target] = field(default_factory=dict)
    anchors: dict[tuple[str, str], str] = field(default_factory=dict)
    terms: dict[str, Target] = field(default_factory=dict)
    references: Page | None = None
    claims: dict[str, dict[str, Claim]] = field(default_factory=dict)
    cited: set[str] = field(default_factory=set)
    solutions: str = "in place"

    @classmethod
    def read(cls, root: Path) -> "Book":
        """Read the book whose _toc.yml and _config.yml lie in `root`."""
        config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
        bibliography = BibliographyData()
        for file in config.get("bibtex_bibfiles", []):
            bibliography.add_entries(parse_file(str(root / file)).entries.items())
        pages = list(_pages(root))
        for page, file in zip(pages, _files(pages), strict=True):
            page.file = file
        book = cls(config.get("title", "The book"), pages, _left_out(pages), bibliography)
        settings = (config.get("sphinx") or {}).get("config") or {}
        book.solutions = settings.get("solutions", book.solutions)
        book.claims = declared(root / "tests" / "claims")
        count: Counter[tuple[str, int | None]] = Counter()
        for page in [*book.left_out, *book.pages]:  # what is in the book comes last, and prevails
            book._read_headings(page)
            book._read_blocks(page, page.text, count)
        return book

    @property
    def labels(self) -> tuple[Collection[str], ...]:
        """All labels that a link can name."""
        return self.exercises, self.equations, self.sections

    def page(self, name: str) -> Page | None:
        """Return the page that links call `name`, which may be left out, or None."""
        known = (page for page in [*self.pages, *self.left_out] if page.name == name)
        return next(known, None)

    def place_in_list(self, key: str) -> int:
        """Return where a publication stands in the bibliography; unknown ones come last."""
        return self._places.get(key, len(self._places))

    @cached_property
    def _places(self) -> dict[str, int]:
        entries = PlainStyle().sort(self.bibliography.entries.values())
        return {entry.key: place for place, entry in enumerate(entries)}

    def link(self, text: str, here: Page, page: Page | None, heading: str = "") -> str:
        """Return a Markdown link from one page to another, or to a heading; bare text if nowhere.

        Jupyter calls a heading by its text, with hyphens for blanks. A heading with mathematics has
        no such name, so the link leads to its notebook.
        """
        fragment = "" if "$" in heading else quote(heading.replace("`", "").replace(" ", "-"))
        if page is None or not page.file or (page is here and not fragment):
            return text
        file = "" if page is here else page.file
        return f"[{text}]({file}{'#' if fragment else ''}{fragment})"

    def _read_headings(self, page: Page) -> None:
        text = "\n\n".join(block.text for block in blocks(page.text) if isinstance(block, Text))
        slugs: set[str] = set()
        for heading in _HEADING.finditer(text):
            title = heading["title"]
            slug = unique_slug(slugify(re.sub(r"\$[^$]*\$|[`*]", "", title)), slugs)
            slugs.add(slug)
            self.anchors[page.name, slug] = title
            if heading["label"]:
                self.sections[heading["label"]] = Target(page, title)
            if not page.title:
                page.title = title

    def _read_blocks(self, page: Page, text: str, count: Counter[tuple[str, int | None]]) -> None:
        """Number the equations and exercises of a piece of a page; note terms and citations."""
        for block in blocks(text):
            if isinstance(block, Text):
                for label in EQUATION_LABEL.findall(block.text):
                    self.equations[label] = Target(page, _next(count, "equation", page))
                if page.file:
                    self.cited.update(_citations(block.text))
                continue
            label = block.options.get("label", "")
            if block.name == "math" and label:
                self.equations[label] = Target(page, _next(count, "equation", page))
            elif block.name in EXERCISES and "nonumber" not in block.options:
                number = _next(count, "exercise", page)
                self.exercises[label] = Exercise(page, number, block.argument)
            elif block.name == "glossary":
                for terms, _ in entries(block.body):
                    entry = Target(page, ", ".join(terms))
                    self.terms |= dict.fromkeys(map(str.lower, terms), entry)
            elif block.name == "bibliography" and page.file:
                self.references = page
            if block.name not in ("", "math", "code-cell", "code-block", "index"):
                self._read_blocks(page, block.body, count)


def _next(count: Counter[tuple[str, int | None]], kind: str, page: Page) -> str:
    """Return the next number of a page's equations or exercises, or words if it is left out."""
    if not page.file:
        return f"an {kind} of “{page.title}”"
    count[kind, page.number] += 1
    number = count[kind, page.number]
    return f"{page.number}.{number}" if page.number else f"{number}"


def _citations(text: str) -> Iterator[str]:
    for keys in re.findall(r"\{cite(?::[a-z]+)?\}`([^`]+)`", text):
        yield from (key.strip() for key in keys.split(","))


def entries(glossary: str) -> Iterator[tuple[list[str], str]]:
    """Yield the terms and the definition of each entry of a glossary."""
    terms: list[str] = []
    for entry in re.split(r"\n(?=\S)", glossary.strip("\n")):
        term, _, definition = entry.partition("\n")
        terms.append(term.strip())
        if definition.strip():
            yield terms, "\n".join(line.strip() for line in definition.split("\n")).strip()
            terms = []


def _pages(root: Path) -> Iterator[Page]:
    """Yield the pages of _toc.yml in reading order, without parts that have no chapter."""
    data = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    if parts := [part for part in data.get("parts", []) if part.get("chapters")]:
        data["parts"] = parts
    else:
        data.pop("parts", None)
    toc = parse_toc_data(data)
    chapters = 0

    def below(document: Document, part: str, number: int | None) -> Iterator[Page]:
        nonlocal chapters
        name = document.docname
        yield Page(name.rsplit("/", 1)[-1], root / f"{name}.md", part, number)
        for tree in document.subtrees:
            for child in tree.files():
                inherited = number
                if tree.numbered and number is None:
                    chapters += 1
                    inherited = chapters
                yield from below(toc[child], tree.caption or part, inherited)

    for page in below(toc.root, "", None):
        if page.path.is_file():
            yield page
        elif not list(page.path.parent.glob(f"{page.name}.*")):
            raise FileNotFoundError(f"_toc.yml names a page that is not there: {page.path}")


def _left_out(pages: list[Page]) -> list[Page]:
    """Return the pages that lie beside those of the book."""
    inside = {page.path for page in pages}
    beside = {path for folder in {path.parent for path in inside} for path in folder.glob("*.md")}
    return [Page(path.stem, path, "", None) for path in sorted(beside - inside)]


def _files(pages: list[Page]) -> Iterator[str]:
    """Yield the names of the notebooks, so that a list by name is in reading order.

    A chapter carries its own number, 07-elbo.ipynb. What comes before the first carries 00; what
    comes after the last counts on.
    """
    numbered = any(page.number for page in pages)
    last = 0
    for page in pages:
        if page.number:
            last = page.number
        elif last or not numbered:
            last += 1
        yield f"{last:02d}-{page.name}.ipynb"


def authors(entry: Entry) -> str:
    """Return the last names of a publication's authors, as the pages cite it."""
    people = [_last_name(person) for person in entry.persons.get("author", [])]
    if len(people) > 2:
        return f"{people[0]} et al."
    return " and ".join(people)


def _last_name(person: Person) -> str:
    return str(RichText(" ").join([*person.rich_prelast_names, *person.rich_last_names]))
