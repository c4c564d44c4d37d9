"""``{deeper-start} Title`` to ``{deeper-end}``: a box that opens, for proofs and side-roads.

Between them stands anything but a heading, cells too. The page shows a `<details>`, which opens
without script, to a link into it, and in print.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from aeteach_book.solutions import gated

logger = logging.getLogger(__name__)
_BOX = gated("deeper")


def setup(app: Sphinx) -> None:
    app.add_directive("deeper-start", Start)
    app.add_directive("deeper-end", End)
    app.add_transform(Gather)
    for node, tag in ((deeper, "details"), (deeper_title, "summary")):
        app.add_node(node, html=_html(tag), latex=(_nothing, _nothing), text=(_nothing, _nothing))


def main_path(text: str) -> str:
    """Return the source of a page without its boxes."""
    return _BOX.sub("", text)


class deeper(nodes.General, nodes.Element):  # noqa: N801  docutils names nodes so
    """The box, its title first."""


class deeper_title(nodes.General, nodes.TextElement):  # noqa: N801
    """What is read while the box is closed."""


class deeper_mark(nodes.Invisible, nodes.Element):  # noqa: N801
    """Where a box starts, with its title, or ends; gone when the page has been read."""


class Start(SphinxDirective):
    """``{deeper-start} Title``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the mark, with the title."""
        children, messages = self.state.inline_text(self.arguments[0], self.lineno)
        mark = deeper_mark("", deeper_title(self.arguments[0], "", *children), starts=True)
        self.set_source_info(mark)
        return [mark, *messages]


class End(SphinxDirective):
    """``{deeper-end}``."""

    def run(self) -> list[nodes.Node]:
        """Return the mark."""
        mark = deeper_mark("", starts=False)
        self.set_source_info(mark)
        return [mark]


class Gather(SphinxTransform):
    """Put what stands between two marks into one box."""

    default_priority = 15  # when all is read, before references are looked for

    def apply(self, **kwargs: Any) -> None:
        """Do so on the page that has been read."""
        for mark in list(self.document.findall(deeper_mark)):
            siblings = mark.parent
            if mark not in siblings.children:  # the end of a box that was gathered
                continue
            start = siblings.index(mark)
            end = next(
                (
                    i
                    for i in range(start + 1, len(siblings))
                    if isinstance(siblings[i], deeper_mark)
                ),
                None,
            )
            if not mark["starts"] or end is None or siblings[end]["starts"]:
                which, other = ("start", "end") if mark["starts"] else ("end", "start")
                logger.warning(
                    "{deeper-%s} has no {deeper-%s}; both stand under the same heading, with no "
                    "heading and no other box between them",
                    which, other, location=mark,
                )  # fmt: skip
                siblings.remove(mark)
                continue
            box = deeper("", mark[0], *siblings[start + 1 : end], classes=["ae-deeper"])
            siblings[start : end + 1] = [box]


def _html(tag: str) -> tuple[Any, Any]:
    def visit(self: Any, node: nodes.Element) -> None:
        self.body.append(self.starttag(node, tag))

    def depart(self: Any, node: nodes.Element) -> None:
        self.body.append(f"</{tag}>\n")

    return visit, depart


def _nothing(self: Any, node: nodes.Element) -> None:
    pass
