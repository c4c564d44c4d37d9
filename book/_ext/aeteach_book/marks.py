r"""The marks of lines, such as C2: in the text each is a link to its line.

A line of a derivation carries its mark as `\tag{C2}`. Every chapter begins anew, so a mark means a
line of its own chapter. Where that of another is meant, its name stands behind the mark, as in
"V3 of {doc}`matching-a-distribution`", and the link leads there.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join, logging

from aeteach_book.deeper import deeper_title

_TAG = re.compile(r"\\tag\{([A-Z]\d+)\}")
_MARK = re.compile(r"(?<![\w.-])[A-Z]\d+(?![\w.]*\w)")
_ELSEWHERE = re.compile(r"([A-Z]\d+) of $")
# What stands in these is code, a formula, a heading, the name of a box (which is pressed to open
# it), or a link already.
_LEFT_ALONE = (
    nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.reference,
    nodes.raw, nodes.title, nodes.comment, pending_xref, deeper_title,
)  # fmt: skip
_log = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _name_lines)
    app.add_post_transform(Links)


def place(mark: str) -> str:
    """Return the id of a mark's line."""
    return f"line-{mark.lower()}"


@cache
def marks_of(file: str) -> frozenset[str]:
    """Return the marks of a chapter's lines."""
    return frozenset(_TAG.findall(Path(file).read_text("utf-8")))


def _name_lines(app: Sphinx, doctree: nodes.document) -> None:
    """Put the ids of a formula's lines before it, and refuse a mark that a page has twice.

    Not on it: a formula with an id of its own gets a number.
    """
    seen: set[str] = set()
    for formula in list(doctree.findall(nodes.math_block)):
        for mark in _TAG.findall(formula.astext()):
            if mark in seen:
                _log.warning("the mark %s stands at two lines of this page", mark, location=formula)
            else:
                above = formula.parent
                above.insert(above.index(formula), nodes.target(ids=[place(mark)]))
            seen.add(mark)


class Links(SphinxPostTransform):
    """Turn the marks of a page's text into links."""

    default_priority = 5  # while the name of a chapter is still a pending reference

    def run(self, **_: Any) -> None:
        """Replace each text that has marks."""
        own = marks_of(str(self.env.doc2path(self.env.docname)))
        for text in list(self.document.findall(nodes.Text)):
            parent = text.parent
            if parent is None or not _MARK.search(text) or self._left_alone(text):
                continue  # some of a cell's output is in the tree and knows no parent
            # Two texts with the same words are equal, so `index` would find the first of them.
            at = next((i for i, child in enumerate(parent.children) if child is text), None)
            if at is not None:
                behind = parent.children[at + 1] if at + 1 < len(parent.children) else None
                parent[at : at + 1] = list(self._parts(text, own, behind))

    @staticmethod
    def _left_alone(text: nodes.Text) -> bool:
        above = text.parent
        while above is not None:
            if isinstance(above, _LEFT_ALONE):
                return True
            above = above.parent
        return False

    def _parts(
        self, text: nodes.Text, own: frozenset[str], behind: nodes.Node | None
    ) -> Iterator[nodes.Node]:
        words = text.astext()
        other = self._elsewhere(text, behind)
        done = 0
        for found in _MARK.finditer(words):
            mark = found[0]
            if other is not None and words[found.end() :] == " of ":
                link = nodes.reference("", mark, internal=True, refuri=other + "#" + place(mark))
            elif mark in own:
                link = nodes.reference("", mark, internal=True, refid=place(mark))
            else:
                continue
            if found.start() > done:
                yield nodes.Text(words[done : found.start()])
            yield link
            done = found.end()
        if done < len(words):
            yield nodes.Text(words[done:])

    def _elsewhere(self, text: nodes.Text, behind: nodes.Node | None) -> str | None:
        """Return where the page is that follows "V3 of ", if it has such a line."""
        found = _ELSEWHERE.search(text.astext())
        if found is None or not isinstance(behind, pending_xref) or behind["reftype"] != "doc":
            return None
        page = docname_join(self.env.docname, behind["reftarget"])
        if page not in self.env.found_docs or found[1] not in marks_of(
            str(self.env.doc2path(page))
        ):
            return None
        return self.app.builder.get_relative_uri(self.env.docname, page)
