"""``{chapter-times}``: how long each chapter takes, by a rule, for whoever plans a course."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from aeteach import checks
from aeteach_book.deeper import main_path
from aeteach_book.solutions import without_solutions

WORDS, FIGURE, FORMULA, STEP = 200, 2, 1, 5  # words a minute; minutes each; rounded up to
_CODE = re.compile(r"^(`{3,})\{?code.*?^\1$", re.DOTALL | re.MULTILINE)
_SHOWN = re.compile(r"^\$\$.*?^\$\$|^```\{math\}.*?^```", re.DOTALL | re.MULTILINE)
_FIGURES = re.compile(r"^from aeteach\.widgets import (.+)$", re.MULTILINE)
_HEAD = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def setup(app: Sphinx) -> None:
    app.add_directive("chapter-times", ChapterTimes)


def reading(text: str) -> int:
    """Return the minutes that a chapter takes to read, without code, exercises and boxes.

    Args:
        text: its source.
    """
    prose = main_path(without_solutions(_HEAD.sub("", text)))
    figures = sum(len(names.split(",")) for names in _FIGURES.findall(prose))
    prose = _CODE.sub("", prose)
    formulas = len(_SHOWN.findall(prose))
    words = len(_SHOWN.sub("", prose).split())
    minutes = words / WORDS + FIGURE * figures + FORMULA * formulas
    return STEP * math.ceil(minutes / STEP)


def table(paths: Iterable[Path]) -> str:
    """Return the table of the chapters that have exercises, in MyST."""
    index = checks.index()
    minutes: Counter[str] = Counter()
    for entry in index:
        minutes[entry.chapter] += entry.minutes
    lines = ["| chapter | reading (minutes) | exercises | their minutes |", "|---|---|---|---|"]
    for path in paths:
        if count := sum(entry.chapter == path.stem for entry in index):
            read = reading(path.read_text("utf-8"))
            lines.append(f"| {{doc}}`{path.stem}` | {read} | {count} | {minutes[path.stem]} |")
    return "\n".join(lines)


class ChapterTimes(SphinxDirective):
    """``{chapter-times}``: a row for each chapter of the book, in its order."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        toc: Any = self.env.config.external_site_map
        names = [str(name).removesuffix(".md") for name in toc]
        paths = [Path(self.env.srcdir) / f"{name}.md" for name in names]
        for path in paths:
            self.env.note_dependency(str(path))
        box = nodes.container()
        lines = StringList(table(paths).splitlines(), source=self.env.doc2path(self.env.docname))
        self.state.nested_parse(lines, self.content_offset, box)
        return [box]
