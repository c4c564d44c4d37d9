"""Turn MyST Markdown into the Markdown that every Jupyter front end shows.

jupyterlab-myst is not used: it shows a notebook's own directives, but knows no other page, no
bibliography and no solution that spans cells, and it drops what stands in `<details>`.
"""

import hashlib
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

from aeteach_book.declarations import LIST as CLAIMS
from aeteach_book.declarations import markup
from aeteach_book.teaching import table
from pybtex.backends.markdown import Backend
from pybtex.style.formatting.plain import Style

from .blocks import Fence, Text, blocks
from .book import EQUATION_LABEL, Book, Page, Target, authors, entries

# An exercise or a remark. Jupyter keeps these styles; elsewhere the text stands without a frame.
CARD = (
    '<div style="border: 1px solid #8888; border-left: 6px solid {colour}; border-radius: 4px; '
    'padding: 4px 16px; margin: 8px 0px;">\n\n{body}\n\n</div>'
)
EXERCISE, REMARK = "#4477aa", "#8888"
REMARKS = (
    "admonition", "attention", "caution", "danger", "error", "hint", "important", "note",
    "seealso", "tip", "warning",
)  # fmt: skip

# A code span, which with a role's name before it is a role; no span reaches over a blank line.
_SPAN = re.compile(
    r"(?<![`\\])(?:\{(?P<role>[A-Za-z][\w:+.-]*)\})?"
    r"(?P<ticks>`+)(?P<body>(?:(?!\n[ \t]*\n)[^`]|(?!(?P=ticks)(?!`))`)+)(?P=ticks)(?!`)"
)
_EXPLICIT = re.compile(r"(?P<text>.*?)\s*<(?P<target>[^<>]+)>", re.DOTALL)
_LABEL = re.compile(r"^\([\w:.-]+\)=[ \t]*$\n?", re.MULTILINE)
_COMMENT = re.compile(r"^%.*$\n?", re.MULTILINE)
_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<file>(?!\w+:)[^)\s]+)\)")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
# LaTeX outside dollars, after all that stands between dollars has been skipped.
_BARE = re.compile(
    r"\$\$.*?\$\$|^(?P<bare>\\begin\{(?P<name>[a-z]+\*?)\}.*?^\\end\{(?P=name)\})[ \t]*$",
    re.DOTALL | re.MULTILINE,
)


class Plain:
    """Writes the Markdown of one page of a book for Jupyter.

    Args:
        book: what links can lead to.
        page: the page whose text is written.
        warn: called with one line about each piece of markup that has no plain form.

    Attributes:
        pictures: the files that `attachment:` links of the text written so far stand for, by name.
    """

    def __init__(self, book: Book, page: Page, warn: Callable[[str], None]) -> None:
        self.book, self.page, self._warn = book, page, warn
        self.pictures: dict[str, Path] = {}

    def markdown(self, text: str) -> str:
        """Return a piece of MyST Markdown without roles, directives, labels and comments."""
        parts = [
            self.text(block.text) if isinstance(block, Text) else self.fence(block)
            for block in blocks(text)
        ]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).strip("\n")

    def text(self, text: str) -> str:
        """Return text that holds no fences: labels are dropped, roles and links resolved."""
        text = _COMMENT.sub("", _LABEL.sub("", text))
        text = EQUATION_LABEL.sub(lambda m: f"{self._tag(m['label'])}\n$$", text)
        text = _BARE.sub(lambda m: f"$$\n{m['bare']}\n$$" if m["bare"] else m[0], text)
        # Code and roles are set aside: what looks like a link there is none.
        aside: list[str] = []

        def set_aside(span: re.Match[str]) -> str:
            aside.append(self.role(span["role"], span["body"]) if span["role"] else span[0])
            return f"\0{len(aside) - 1}\0"

        text = _PICTURE.sub(self._attached, _SPAN.sub(set_aside, text))
        text = _LINK.sub(self._link, text)
        return re.sub(r"\0(\d+)\0", lambda m: aside[int(m[1])], text)

    def _attached(self, picture: re.Match[str]) -> str:
        """Return a picture as an attachment, so that its notebook can stand alone.

        Its name holds a digest of the file: when the picture changes, so does the cell.
        """
        path = self.page.path.parent / picture["file"]
        if not path.is_file():
            self._warn(f"{self.page.path.name}: there is no picture {picture['file']}")
            return picture[0]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        name = f"{path.stem}-{digest}{path.suffix}"
        self.pictures[name] = path
        return f"![{picture['alt']}](attachment:{name})"

    # Roles

    def role(self, name: str, body: str) -> str:
        """Return what stands on the page for a role."""
        body = " ".join(body.split())
        explicit = _EXPLICIT.fullmatch(body)
        text, target = (explicit["text"], explicit["target"]) if explicit else ("", body)
        match name:
            case "term":
                entry = self.book.terms.get(target.lower())
                return self._to(entry, text or target)
            case "doc":
                page = self.book.page(target.rsplit("/", 1)[-1])
                return self.book.link(text or (page.title if page else target), self.page, page)
            case "ref" | "numref" | "exercise":
                return self._reference(text, target)
            case "eq" | "math:numref":
                return self._equation(target)
            case "index":
                return text or target
            case "kbd":
                return f"<kbd>{body}</kbd>"
            case "math":
                return f"${body}$"
            case "code" | "literal":
                return f"`{body}`"
            case "claim":
                return self._claim(body)
        if name == "cite" or name.startswith("cite:"):
            return self._citation(name, body)
        self._warn(f"{self.page.path.name}: the role {{{name}}} is shown as plain text")
        return text or body

    def _claim(self, name: str) -> str:
        """Return what stands behind a claim: its kind and figures, and a link to all claims."""
        claim = self.book.claims.get(self.page.name, {}).get(name)
        if claim is None:
            self._warn(f"{self.page.path.name}: there is no claim {name}")
            return ""
        return f" ({self.book.link(claim.short, self.page, self.book.page(CLAIMS))})"

    def _reference(self, text: str, target: str) -> str:
        if exercise := self.book.exercises.get(target):
            return self.book.link(
                text or exercise.name,
                self.page,
                exercise.page,
                heading(exercise.name, exercise.title),
            )
        if target in self.book.equations:
            return self._equation(target, text)
        section = self.book.sections.get(target)
        return self._to(section, text or (section.text if section else target))

    def _to(self, target: Target | None, text: str) -> str:
        """Return a link to a heading, or bare text when it is not in this book."""
        if target is None:
            return text
        return self.book.link(text, self.page, target.page, target.text)

    def _equation(self, label: str, text: str = "") -> str:
        equation = self.book.equations.get(label)
        if equation is None:
            self._warn(f"{self.page.path.name}: there is no equation {label}")
            return text or label
        words = f"({equation.text})" if equation.page.file else equation.text
        return self.book.link(text or words, self.page, equation.page)

    def _citation(self, name: str, keys: str) -> str:
        """Return a citation in the author-year style of the pages."""
        in_text = name in ("cite:t", "cite:ts", "cite:ct")
        cited = []
        for key in sorted((key.strip() for key in keys.split(",")), key=self.book.place_in_list):
            entry = self.book.bibliography.entries.get(key)
            if entry is None:
                self._warn(f"{self.page.path.name}: no entry {key} in the bibliography")
                cited.append(key)
                continue
            who, year = authors(entry), entry.fields.get("year", "")
            cited.append(f"{who} [{year}]" if in_text else f"{who}, {year}")
        text = ", ".join(cited) if in_text else f"[{'; '.join(cited)}]"
        return self.book.link(text, self.page, self.book.references)

    def _link(self, link: re.Match[str]) -> str:
        """Resolve a Markdown link to a file of the book or to a label; leave any other."""
        text, target = link["text"], link["target"].removeprefix("#")
        file, _, anchor = target.partition("#")
        if file.endswith(".md") and "://" not in file:
            page = self.book.page(Path(file).stem)
            title = self.book.anchors.get((page.name, anchor), "") if page else ""
            words = text or title or (page.title if page else file)
            return self.book.link(words, self.page, page, title)
        if any(target in known for known in self.book.labels):
            return self._reference(text, target)
        return link[0]

    # Directives

    def fence(self, block: Fence) -> str:
        """Return what stands on the page for a fenced block."""
        if not block.name:
            return block.source
        return textwrap.indent(self._directive(block), block.indent)

    def _directive(self, block: Fence) -> str:
        name, body = block.name, block.body
        if name in ("index", "tableofcontents", "only"):
            return ""
        if name == "math":
            return self._display(body, block.options.get("label"))
        if name in ("code", "code-block", "code-cell", "sourcecode"):
            return f"```{block.argument}\n{body}\n```"
        if name in ("figure", "image"):
            picture = f"![{block.options.get('alt', '')}]({block.argument})"
            return self.markdown(f"{picture}\n\n{block.body}")
        if name in REMARKS:
            return self._remark(block)
        if name == "glossary":
            return self._glossary(body)
        if name == "bibliography":
            return self._bibliography()
        if name == "claims":
            listed = [page.name for page in self.book.pages]
            return self.markdown(markup(self.book.claims, listed, linked=False))
        if name == "chapter-times":
            return self.markdown(table(page.path for page in self.book.pages))
        self._warn(f"{self.page.path.name}: the directive {{{name}}} is shown as plain text")
        return self.markdown(body)

    def exercise(self, block: Fence) -> str:
        """Return the card of an exercise, which has a heading, so that links find it."""
        known = self.book.exercises.get(block.options.get("label", ""))
        title = heading(known.name if known else "Exercise", self.text(block.argument))
        return CARD.format(colour=EXERCISE, body=f"#### {title}\n\n{self.markdown(block.body)}")

    def _display(self, body: str, label: str | None) -> str:
        body = body.strip()
        if r"\\" in body and r"\begin" not in body:
            body = f"\\begin{{split}}\n{body}\n\\end{{split}}"  # as Sphinx does
        tag = f" {self._tag(label)}" if label else ""
        return f"$$\n{body}{tag}\n$$"

    def _tag(self, label: str) -> str:
        return rf"\tag{{{self.book.equations[label].text}}}"

    def _remark(self, block: Fence) -> str:
        title = self.text(block.argument) or block.name.capitalize()
        body = self.markdown(block.body)
        if "dropdown" in block.options.get("class", "").split():
            return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"
        return CARD.format(colour=REMARK, body=f"**{title}**\n\n{body}")

    def _glossary(self, body: str) -> str:
        return "\n\n".join(
            f"#### {', '.join(terms)}\n\n{self.markdown(definition)}"
            for terms, definition in entries(body)
        )

    def _bibliography(self) -> str:
        """Return what the book cites, in the order of the page."""
        known = self.book.bibliography.entries
        cited = [known[key] for key in sorted(self.book.cited) if key in known]
        backend = Backend()
        formatted = Style().format_entries(cited)
        lines = (" ".join(entry.text.render(backend).split()) for entry in formatted)
        return "\n".join(f"- {_unescaped(line)}" for line in lines)


def heading(name: str, title: str) -> str:
    """Return an exercise's heading, as on its page."""
    return f"{name} ({title})" if title else name


def _unescaped(text: str) -> str:
    """Take back escapes that Markdown does not need, so that the source stays readable."""
    return re.sub(r"\\([.()!+-])", r"\1", text)
