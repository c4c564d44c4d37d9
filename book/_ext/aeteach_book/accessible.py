"""What the theme and other extensions write is mended once for all pages, for everyone to use.

Templates of the theme that had to change lie in `templates/theme`, styles in `static/book.css`.
Here is what comes out of Python: roles that are out of use, names that hide what is written.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

TEMPLATES = Path(__file__).with_name("templates") / "theme"
# What stands in a page, and what belongs there.
MENDED = {
    # myst-nb: the summary says itself whether it shows or hides, and of what.
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # sphinxcontrib-bibtex, docutils: a reference is an item of its list; the other role is gone.
    'role="doc-biblioentry"': 'role="listitem"',
}


def setup(app: Sphinx) -> None:
    app.connect("config-inited", _add_templates)
    app.connect("html-page-context", _mend, priority=940)


def _add_templates(app: Sphinx, config: Any) -> None:
    config.templates_path.insert(0, str(TEMPLATES))  # before the theme's


def _mend(app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if "body" in context:
        context["body"] = mended(context["body"])


def mended(body: str) -> str:
    """Return a page's HTML with what belongs there."""
    for found, right in MENDED.items():
        body = body.replace(found, right)
    return body
