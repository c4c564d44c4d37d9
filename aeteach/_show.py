"""Print a definition of the package inside a chapter, so that the book never holds a copy."""

import ast
import html
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Source:
    """Source text that shows itself as highlighted Python in a notebook and in the book."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        try:
            from pygments import highlight
            from pygments.formatters import HtmlFormatter
            from pygments.lexers import PythonLexer
        except ImportError:  # no Jupyter here, so no Pygments: plain text will do
            return f"<pre>{html.escape(self.text)}</pre>"
        return highlight(self.text, PythonLexer(), HtmlFormatter())


def show(definition: Callable[..., Any] | type, *, docstring: bool = False) -> Source:
    """Return the source of a function or class, to be shown where a chapter teaches it.

    Args:
        definition: a function, class or method.
        docstring: keep the docstring; by default it is left out, for the text around says it.

    Raises:
        TypeError: it has no source in Python, or is neither a function nor a class.
    """
    try:
        text = textwrap.dedent(inspect.getsource(definition)).rstrip()
    except (TypeError, OSError):
        raise TypeError(
            f"show takes a function or class whose source is a file or a cell, got {definition!r}"
        ) from None
    return Source(text if docstring else _without_docstring(text))


def _without_docstring(text: str) -> str:
    """Leave out the docstring of the definition itself, and the empty line that follows it."""
    try:
        node = ast.parse(text).body[0]
    except SyntaxError:  # a lambda, of which Python knows the line and not the ends
        return text
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return text
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None or first.lineno == node.lineno:
        return text
    lines = text.splitlines()
    before, after = lines[: first.lineno - 1], lines[first.end_lineno :]
    if not node.body[1:]:  # a definition needs a body
        after = [" " * first.col_offset + "..."]
    while after and not after[0].strip():
        del after[0]
    return "\n".join([*before, *after])
