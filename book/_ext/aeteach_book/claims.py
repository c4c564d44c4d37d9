"""The mark behind a claim, which opens its evidence; and the list of all claims.

The mark is a button and the evidence its popover, both plain HTML: they work without a kernel,
without JavaScript and by keyboard. A browser that knows no popovers, and paper, show the evidence
as a note in the text.
"""

from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from aeteach_book.declarations import LIST, declared, markup
from aeteach_book.evidence import Claim, capital

# What the mark says, by kind.
MARKS = {"over seeds": "seeds", "cause": "cause", "theorem": "proof", "source": "source"}

_HTML = (
    '&#8288;<button type="button" class="claim-mark" id="mark-{name}" popovertarget="claim-{name}" '
    'style="anchor-name: --claim-{name}" aria-label="{mark}: see the evidence">{mark}</button>'
    '<span popover class="claim-line" id="claim-{name}" '
    'style="position-anchor: --claim-{name}" role="note"><b>{title}.</b> {evidence} '
    '<span class="claim-test">{test}</span> <a href="{list}.html#list-{name}">All claims</a></span>'
)

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _read)
    app.add_role("claim", ClaimRole())
    app.add_directive("claims", ClaimsDirective)


def folder(app_or_env: Any) -> Path:
    """Return where the claims of a book are declared."""
    return Path(app_or_env.srcdir) / "tests" / "claims"


def _read(app: Sphinx) -> None:
    app.env.claims = declared(folder(app))  # type: ignore[attr-defined]


def tested(claim: Claim) -> str:
    """Say how the claim is tested, and by what."""
    return ", ".join(part for part in (claim.state, claim.test) if part)


def html(claim: Claim) -> str:
    """Return the mark and its evidence."""
    words = {"name": claim.name, "kind": claim.kind, "mark": MARKS[claim.kind], "list": LIST}
    words["title"] = capital(claim.kind)
    says = {"evidence": escape(claim.evidence), "test": escape(tested(claim))}
    return _HTML.format(**words, **says)


class ClaimRole(SphinxRole):
    """``{claim}`name` ``: the mark behind a sentence."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the mark and its evidence."""
        chapter = self.env.docname.rsplit("/", 1)[-1]
        claim = self.env.claims.get(chapter, {}).get(self.text)  # type: ignore[attr-defined]
        if claim is None:
            logger.warning(
                "no claim %r in tests/claims/test_%s.py",
                self.text, chapter.replace("-", "_"), location=self.get_location(),
            )  # fmt: skip
            return [], []
        note = f" ({claim.kind}: {claim.evidence})"
        return [
            nodes.raw("", html(claim), format="html"),
            nodes.raw("", note, format="text"),
        ], []


class ClaimsDirective(SphinxDirective):
    """``{claims}``: all claims of the chapters that are in the book, in their order."""

    def run(self) -> list[nodes.Node]:
        """Return a table of counts, and the claims of each chapter."""
        lines = markup(self.env.claims, _chapters(self.env))  # type: ignore[attr-defined]
        box = nodes.container(classes=["claim-list"])
        text = StringList(lines.splitlines(), source=self.env.doc2path(self.env.docname))
        self.state.nested_parse(text, self.content_offset, box)
        return [box]


def _chapters(env: Any) -> list[str]:
    """Return the pages of the book in reading order, by their short names."""
    toc = env.config.external_site_map
    found = [str(name).removesuffix(".md") for name in toc]
    return [name.rsplit("/", 1)[-1] for name in found]
