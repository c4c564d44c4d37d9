"""Print a definition of the package inside a chapter, so that the book never holds a copy."""

import html
import inspect
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
    """
    text = inspect.cleandoc("\n" + inspect.getsource(definition))
    doc = inspect.getdoc(definition)
    if not docstring and doc and '"""' in text:
        before, _, rest = text.partition('"""')
        _, _, after = rest.partition('"""')
        text = before.rstrip().removesuffix(" r").removesuffix("\n    r") + after
    return Source(text)
