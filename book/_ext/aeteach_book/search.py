"""Search that works from a folder: what every section says lies in one script beside the pages.

A page that was opened from a folder may not read the files beside it, so Sphinx's search can show
no snippet there, and it knows titles and stems of words only. This one writes a script of each
section with its title, its place and its text, formulas as signs: `_static/search_texts.js`. It is
loaded on the page of the search alone, where `static/search.js` looks in it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.nodes import clean_astext

FILE = "search_texts.js"
# Of TeX's words, those that a reader types as a sign. Other words of TeX stay words, or fall away.
SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ",
    "Lambda": "Λ", "Omega": "Ω", "mid": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖", "vert": "|",
    "lvert": "|", "rvert": "|", "cdot": "·", "times": "×", "le": "≤", "leq": "≤", "ge": "≥",
    "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "sim": "~", "infty": "∞", "to": "→",
    "sum": "∑", "prod": "∏", "int": "∫", "sqrt": "√", "partial": "∂", "nabla": "∇", "in": "∈",
    "log": "log", "exp": "exp", "min": "min", "max": "max", "ldots": "…", "dots": "…", "pm": "±",
    "odot": "⊙", "propto": "∝", "equiv": "≡", "top": "⊤",
}  # fmt: skip
ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304"}
_ACCENT = re.compile(r"\\(hat|tilde|bar)\s*(?:\{\s*(\\?\w+)\s*\}|(\\[A-Za-z]+|\w))")
_WORD = re.compile(r"\\(?:operatorname\*?|(?:math|text)\w*)\s*\{([^{}]*)\}")
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[^}]*\}(?:\{[lcr| ]*\})?|\\(?:label|tag)\*?\{[^}]*\}")
_QUIET = (nodes.comment, nodes.raw, nodes.system_message, nodes.substitution_definition)


class Section(NamedTuple):
    """A part of a page, without the parts below it.

    Attributes:
        anchor: its id; empty for the top of its page.
        title: in plain text.
        text: all that it says, on one line.
    """

    anchor: str
    title: str
    text: str


def setup(app: Sphinx) -> None:
    app.connect("build-finished", _write)


def signs(tex: str) -> str:
    r"""Return a formula as a reader would type it: `\hat x \sim p_\theta` as `x̂ ~ p_θ`."""
    plain = _ENVIRONMENT.sub(" ", tex).replace("\\|", "‖")
    for _ in range(3):  # \mathbb{E}_{\text{KL}}: braces within braces
        plain = _WORD.sub(r" \1 ", plain)
    plain = _ACCENT.sub(lambda m: f"{m[2] or m[3]}{ACCENTS[m[1]]}", plain)
    plain = _COMMAND.sub(lambda m: f" {SIGNS.get(m[1], '')} ", plain)
    plain = re.sub(r"\\[,;:! ]|[{}&\\]|\$", " ", plain)
    return re.sub(r"\s+", " ", re.sub(r"\s*([_^()\[\],|‖=])\s*", r"\1", plain)).strip()


def sections(tree: nodes.document) -> Iterator[Section]:
    """Yield the sections of a page, in its order, each without those below it."""
    for number, section in enumerate(list(tree.findall(nodes.section))):
        title = section.next_node(nodes.title)
        anchor = "" if number == 0 else str(section["ids"][0])
        words = " ".join(_said(section))
        yield Section(anchor, clean_astext(title) if title else "", " ".join(words.split()))


def _said(node: nodes.Element) -> Iterator[str]:
    """Yield the words below a node, but those of its title and of the sections below it."""
    for child in node.children:
        if isinstance(child, (nodes.section, *_QUIET)):
            continue
        if isinstance(child, nodes.title) and isinstance(node, nodes.section):
            continue
        if isinstance(child, nodes.math | nodes.math_block):
            yield f" {signs(child.astext())} "
        elif isinstance(child, nodes.Text):
            yield child.astext()
        elif isinstance(child, nodes.Element):
            if "output" in child.get("classes", ()) or child.tagname == "pending":
                continue
            # Words of one paragraph stay together: `auto*encoder*` is one word.
            inline = isinstance(child, nodes.TextElement) and not isinstance(
                child, nodes.literal_block
            )
            yield "".join(_said(child)) if inline else " ".join(_said(child))


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    pages = [
        {
            "page": app.builder.get_target_uri(name),
            "title": clean_astext(app.env.titles[name]),
            "sections": list(sections(app.env.get_doctree(name))),
        }
        for name in sorted(app.env.found_docs)
        if name in app.env.titles
    ]
    text = f"aeSearch.start({json.dumps(pages, ensure_ascii=False, separators=(',', ':'))});\n"
    (Path(app.outdir) / "_static" / FILE).write_text(text, encoding="utf-8")
