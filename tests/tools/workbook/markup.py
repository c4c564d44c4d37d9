"""Markup that a reader must not see, and Markdown as Jupyter reads it."""

import re

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

# In text that is neither code nor mathematics.
RAW = {
    "role": r"\{[A-Za-z][\w:+.-]*\}",
    "directive": r"^\s*:::|^:[\w-]+:|```",
    "label": r"^\([\w:.-]+\)=\s*$",
    "mathematics": r"\$|\\[A-Za-z]+",
    "link": r"\]\(",
    "target": r"<[^>]+>",
    "comment": r"^%",
    "definition list": r"^: ",
}
JUPYTER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, allow_space=False)


def raw(text: str) -> list[str]:
    """Say what markup there is in a paragraph."""
    return [f"{kind}: {text}" for kind, p in RAW.items() if re.search(p, text, re.MULTILINE)]


def count_maths(markdown: str) -> int:
    """Count the formulas of a piece of Markdown."""
    tokens = JUPYTER.parse(markdown)
    children = [child for token in tokens for child in token.children or []]
    in_html = "".join(token.content for token in tokens if token.type == "html_block")
    found = sum(token.type in ("math_inline", "math_block") for token in tokens + children)
    return found + len(re.findall(r"\$[^$]+\$", in_html))
