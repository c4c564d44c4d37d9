r"""Formulas that can be read without JavaScript: each carries itself as MathML.

MathJax draws a page's formulas when the page is opened. The build runs the same MathJax, in V8, and
puts its MathML beside the TeX, in `<noscript>`. So both have the same macros, and a formula that
MathJax cannot read is a warning of the build.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import cycle
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging

from aeteach_book.offline import mathjax_folder

PARTS = ("startup.js", "core.js", "adaptors/liteDOM.js", "input/tex-full.js")
# Those that need a page to draw on, and those that hide an error.
LEFT_OUT = ("bussproofs", "noerrors", "noundefined")
CONVERTER = f"""
MathJax._.handlers.html_ts.RegisterHTMLHandler(MathJax._.adaptors.liteAdaptor.liteAdaptor());
const {{ AllPackages }} = MathJax._.input.tex.AllPackages;
const packages = AllPackages.filter((name) => !{json.dumps(LEFT_OUT)}.includes(name));
const InputJax = new MathJax._.input.tex_ts.TeX({{ packages }});
const end = MathJax._.core.MathItem.STATE.CONVERT;
const visitor = new MathJax._.core.MmlTree.SerializedMmlVisitor.SerializedMmlVisitor();
const paper = MathJax._.mathjax.mathjax.document("", {{ InputJax }});
const convert = (tex, display) => visitor.visitTree(paper.convert(tex, {{ display, end }}));
"""
SCRIPTLESS = (
    "<noscript><style>html:root{--light:initial;--dark:;}.math>.tex{display:none!important}"
    "math{font-size:1.08em}div.math>math{flex:1;overflow:auto hidden;padding:.6em 0}"
    "mtd.flush{padding-inline:0}"
    "mtd.tag{padding-left:2em}"
    "</style></noscript>"
)
# Of MathJax's names of an alphabet, the words that Unicode has for it.
ALPHABETS = {
    "bold": "BOLD", "italic": "ITALIC", "bold-italic": "BOLD ITALIC", "script": "SCRIPT",
    "bold-script": "BOLD SCRIPT", "fraktur": "FRAKTUR", "double-struck": "DOUBLE-STRUCK",
    "sans-serif": "SANS-SERIF", "bold-sans-serif": "SANS-SERIF BOLD", "monospace": "MONOSPACE",
}  # fmt: skip
TALL = {
    "mfrac", "mover", "mroot", "msqrt", "msubsup", "msup", "mtable", "munder", "munderover",
}  # fmt: skip
LETTERLIKE = {"SCRIPT": "SCRIPT", "DOUBLE-STRUCK": "DOUBLE-STRUCK", "FRAKTUR": "BLACK-LETTER"}

logger = logging.getLogger(__name__)
Visit = Callable[[Any, Any], None]


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _wrap_renderers, priority=900)
    app.connect("html-page-context", _hide_the_source, priority=930)


class FormulaError(ValueError):
    """MathJax cannot read a formula."""


@cache
def _mathjax() -> MiniRacer:
    context = MiniRacer()
    context.eval("globalThis.window = globalThis; globalThis.MathJax = {};")
    for part in PARTS:
        context.eval((mathjax_folder() / part).read_text("utf-8"))
    context.eval(CONVERTER)
    return context


@cache
def mathml(tex: str, *, display: bool) -> str:
    r"""Return a formula as MathML of the kind that browsers draw themselves (MathML Core).

    Args:
        tex: the formula, without its dollars.
        display: whether it stands on lines of its own.

    Raises:
        FormulaError: MathJax cannot read it; says why.
    """
    made = _mathjax().eval(f"convert({json.dumps(tex)}, {json.dumps(display)})")
    root = ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", str(made)))
    if (error := root.find(".//merror")) is not None:
        raise FormulaError("".join(error.itertext()).strip())
    _unwrap(root)
    flat = not any(node.tag in TALL for node in root.iter())
    for node in root.iter():
        if not (node.text or "").strip("\n "):
            node.text = None
        node.tail = None
        if flat:  # nothing to stretch beside
            node.attrib.pop("stretchy", None)
        _in_core(node)
    return ElementTree.tostring(root, encoding="unicode")


def _unwrap(node: ElementTree.Element) -> None:
    """Take out rows of one element: MathJax makes one for each brace."""
    for place, child in enumerate(list(node)):
        _unwrap(child)
        if child.tag == "mrow" and len(child) == 1:
            node[place] = child[0]


def _in_core(node: ElementTree.Element) -> None:
    """Write a node with what MathML Core has: no alphabets but Unicode's, no labelled rows."""
    for name in [name for name in node.attrib if name.startswith("data-")]:
        del node.attrib[name]
    if words := ALPHABETS.get(node.attrib.get("mathvariant", "")):
        del node.attrib["mathvariant"]
        node.text = "".join(in_alphabet(letter, words) for letter in node.text or "")
    if node.tag == "mtable":
        _lay_out(node)


def _lay_out(table: ElementTree.Element) -> None:
    aligned = table.attrib.pop("columnalign", "center").split()
    flush = "flush" if table.attrib.pop("columnspacing", "").startswith("0em") else ""
    for name in ("rowspacing", "side", "minlabelspacing"):
        table.attrib.pop(name, None)
    for row in table:
        cells = list(row)
        label = cells.pop(0) if row.tag == "mlabeledtr" else None
        row.tag = "mtr"
        for side, cell in zip(cycle(aligned), cells):
            cell.set("style", f"text-align:{side}")
            if flush:
                cell.set("class", flush)
        if label is not None:
            label.attrib = {"class": "tag"}
            row.remove(label)
            row.append(label)


def in_alphabet(letter: str, words: str) -> str:
    """Return a letter or a digit of one of Unicode's mathematical alphabets, or itself.

    Args:
        letter: one character.
        words: the alphabet, such as `BOLD ITALIC`.
    """
    name = unicodedata.name(letter, "")  # such as GREEK SMALL LETTER MU
    which = name.partition(" ")[2].replace("LETTER ", "")
    if name.startswith("DIGIT "):
        which = name
    for start in (f"MATHEMATICAL {words}", LETTERLIKE.get(words, words)):
        try:
            return unicodedata.lookup(f"{start} {which}")
        except KeyError:
            continue
    return letter


def _wrap_renderers(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    for renderers, display in (
        (app.registry.html_inline_math_renderers, False),
        (app.registry.html_block_math_renderers, True),
    ):
        visit, depart = renderers["mathjax"]
        renderers["mathjax"] = (_with_mathml(visit, display), depart)


_DELIMITED = re.compile(r"\\[(\[](.*)\\[)\]]", re.DOTALL)


def _with_mathml(visit: Visit, display: bool) -> Visit:
    """Return what writes a formula as `visit` does, with its MathML beside it."""

    def both(self: Any, node: Any) -> None:
        start = len(self.body)
        try:
            visit(self, node)
        except nodes.SkipNode:
            made = "".join(self.body[start:])
            self.body[start:] = [_DELIMITED.sub(lambda found: _both(found, display, node), made)]
            raise

    return both


def _both(found: re.Match[str], display: bool, node: Any) -> str:
    try:
        drawn = mathml(html.unescape(found[1]).strip(), display=display)
    except FormulaError as error:
        logger.warning("MathJax cannot read the formula %r: %s", found[1], error, location=node)
        return found[0]
    return f'<span class="tex">{found[0]}</span><noscript>{drawn}</noscript>'


def _hide_the_source(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    context["metatags"] = context.get("metatags", "") + SCRIPTLESS
