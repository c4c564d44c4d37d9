"""A link to a page that _toc.yml leaves out becomes plain text.

A teacher takes a line out of _toc.yml, and the other pages still speak of that chapter. What a
link names is looked up in the files that lie beside the pages of the book. If a chapter, section,
equation, exercise, term or source is found there, it is left out on purpose, and of the link its
words remain. What is found nowhere is a mistake: the link stays, and Sphinx warns of it.
"""

import ast
import posixpath
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.nodes import Element, Node
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join
from sphinxcontrib.bibtex.directives import BibliographyKey, BibliographyValue

from aeteach_book.names import Names, names_of
from aeteach_book.surroundings import digest_files

_LINK = r"<a\b[^>]*?\bhref=([\"']?)(?P<page>[^\"'#\s>]+)\.html(?:#[^\"'\s>]*)?\1[^>]*>"
_OPENED = re.compile(_LINK, re.I)
# What stands in a script is text, and no link.
_SCRIPT_OR_LINK = re.compile(
    rf"<(?:script|style)\b.*?</(?:script|style)>|{_LINK}(?P<words>.*?)</a>", re.S | re.I
)


def setup(app: Sphinx) -> None:
    app.connect("env-updated", _look, priority=400)  # before citations get their names
    app.add_post_transform(PlainWords)


class LeftOut:
    """The pages that lie beside those of the book.

    Args:
        env: Sphinx's environment, which knows the pages of the book.
    """

    def __init__(self, env: Any) -> None:
        folders = {Path(env.doc2path(name)).parent for name in env.found_docs}
        beside = {env.path2doc(str(file)): file for f in folders for file in sorted(f.glob("*.md"))}
        self.files = {name: file for name, file in beside.items() if name not in env.found_docs}
        self._config = env.myst_config
        self._names: dict[str, Names] | None = None

    @property
    def pages(self) -> dict[str, Names]:
        """What other pages can name of them; they are read when somebody asks."""
        if self._names is None:
            texts = {name: file.read_text("utf-8") for name, file in self.files.items()}
            self._names = {name: names_of(text, self._config) for name, text in texts.items()}
        return self._names

    def title(self, docname: str) -> str | None:
        """Return a page's title; None if it is in the book, or nowhere."""
        return self.pages[docname].title if docname in self.files else None

    def section(self, docname: str, slug: str) -> str | None:
        """Return the title of a section; None if it is in the book, or nowhere."""
        return self.pages[docname].slugs.get(slug) if docname in self.files else None

    def label(self, label: str) -> str | None:
        """Return the words that a label stands for."""
        found = (page.labels[label] for page in self.pages.values() if label in page.labels)
        return next(found, None)

    def explains(self, term: str) -> bool:
        """Tell whether a glossary that is left out has this term."""
        return any(term.lower() in page.terms for page in self.pages.values())

    def list_of_sources(self) -> str | None:
        """Return the name of the page that lists the sources."""
        return next((name for name, page in self.pages.items() if page.has_sources), None)


class PlainWords(SphinxPostTransform):
    """Put words in the place of links to pages that are left out."""

    default_priority = 4  # before anything resolves a link

    def run(self, **kwargs: Any) -> None:
        """Go through the links of one page."""
        left_out: LeftOut = self.env.left_out  # type: ignore[attr-defined]
        if not left_out.files:
            return
        for link in list(self.document.findall(pending_xref)):
            if (words := _words(link, self.env, left_out)) is not None:
                link.replace_self(nodes.inline("", "", *words, classes=["left-out"]))
        for html in list(self.document.findall(nodes.raw)):
            _unlink(html, self.env.docname, left_out)


def digest_left_out(env: Any) -> str:
    """Return a digest of the pages that are left out: their words may stand in any other."""
    return digest_files(env.left_out.files.values())


def _words(link: pending_xref, env: Any, left_out: LeftOut) -> list[Node] | None:
    """Return what remains of a link; None if it leads into the book, or nowhere."""
    kind, target = (link.get("refdomain") or "", link["reftype"]), link["reftarget"]
    page = docname_join(link.get("refdoc", env.docname), target)
    inner = link[0]
    words: str | None
    match kind:
        case ("cite", style):
            return _source(link, style, env)
        case ("std", "doc"):
            words = left_out.title(page)
        case ("doc", "myst"):
            slug = link["reftargetid"]
            words = left_out.section(target, slug) if slug else left_out.title(target)
        case ("std", "term"):
            words = None if _is_term(target, env) else _explained(inner, target, left_out)
        case ("math", _):
            known = target in env.get_domain("math").equations
            words = None if known else left_out.label(target)
        case ("std", "ref" | "numref" | "any") | ("", "any" | "myst"):
            words = None if _is_known(target, page, env) else left_out.label(target.lower())
            if words is None and kind[1] in {"any", "myst"} and not _is_known(target, page, env):
                words = left_out.title(page) or _explained(inner, target, left_out)
        case _:
            return None
    if words is None:
        return None
    # "Figure %s" waits for a number, which nothing has that is left out.
    numbered = kind[1] == "numref" and re.search(r"%s|{number}|{name}", inner.astext())
    own = link.get("refexplicit") and isinstance(inner, Element) and not numbered
    return [child.deepcopy() for child in inner.children] if own else [nodes.Text(words)]


def _is_term(target: str, env: Any) -> bool:
    return ("term", target) in env.get_domain("std").objects or (
        target.lower() in env.get_domain("std")._terms
    )


def _is_known(target: str, page: str, env: Any) -> bool:
    """Tell whether the book has a label, an equation, a term or a page of this name."""
    std = env.get_domain("std")
    return (
        target.lower() in std.anonlabels
        or target in env.get_domain("math").equations
        or _is_term(target, env)
        or page in env.found_docs
    )


def _explained(inner: Node, target: str, left_out: LeftOut) -> str | None:
    return inner.astext() or target if left_out.explains(target) else None


class _NoBuilder:
    """Stands for a builder where a link is made only to be taken out again."""

    name = ""

    def get_relative_uri(self, *names: str) -> str:
        return ""


def _source(link: pending_xref, style: str, env: Any) -> list[Node] | None:
    """Return a citation's words, if the list of sources is left out."""
    domain = env.get_domain("cite")
    if all(key.docname in env.found_docs for key in domain.bibliographies):
        return None
    target = link["reftarget"]
    cited = domain.resolve_xref(env, env.docname, _NoBuilder(), style, target, link, link[0])
    for reference in list(cited.findall(nodes.reference)):
        reference.replace_self(reference.children)
    return list(cited.children)


def _look(app: Sphinx, env: Any) -> None:
    """See which pages are left out; if the list of sources is, citations get names all the same."""
    env.left_out = LeftOut(env)
    if "cite" not in env.domains:
        return
    domain = env.get_domain("cite")
    for key in [key for key in domain.bibliographies if key.docname not in env.found_docs]:
        del domain.bibliographies[key]
    if domain.bibliographies or not env.left_out.files:
        return
    if (page := env.left_out.list_of_sources()) is None:
        return
    files = list(domain.bibdata.bibfiles)
    entries = {entry.key: nodes.citation(ids=[entry.key]) for entry in domain.get_entries(files)}
    domain.bibliographies[BibliographyKey(page, "sources")] = BibliographyValue(
        line=0, bibfiles=files, style=env.config.bibtex_default_style, list_="citation",
        enumtype="arabic", start=1, labelprefix="", keyprefix="", filter_=ast.parse("cited"),
        citation_nodes=entries, keys=[],
    )  # fmt: skip


def _unlink(html: nodes.raw, docname: str, left_out: LeftOut) -> None:
    """Take links to pages that are left out from HTML, such as the table that a cell prints."""

    def is_left_out(link: re.Match[str]) -> bool:
        page = posixpath.join(posixpath.dirname(docname), link["page"])
        return posixpath.normpath(page) in left_out.files

    def plain(link: re.Match[str]) -> str:
        if link["page"] is None or not is_left_out(link):
            return link[0]
        return f"<span>{link['words']}</span>"

    text = _SCRIPT_OR_LINK.sub(plain, html.astext())
    if (link := _OPENED.fullmatch(text)) and is_left_out(link):
        # In a line of Markdown each tag is a node of its own.
        after = html.parent.children[html.parent.index(html) + 1 :]
        ends = (each for each in after if isinstance(each, nodes.raw) and each.astext() == "</a>")
        next(ends, html).children = [nodes.Text("</span>")]
        text = "<span>"
    html.children = [nodes.Text(text)]
