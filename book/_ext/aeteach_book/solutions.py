"""Where the solutions of the exercises stand: `solutions` in _config.yml.

The chapters are run with their solutions in any case, so the tests see them; here they are moved
or left out when a page is written, and in the source that lies beside it.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

PLACES = (IN_PLACE, AT_THE_END, HIDDEN) = ("in place", "at the end", "hidden")


def gated(name: str) -> re.Pattern[str]:
    """Return what finds, in a source, all from a `{name-start}` to its `{name-end}`."""
    return re.compile(
        rf"^`{{3,}}\{{{name}-start\}}.*?^`{{3,}}\{{{name}-end\}}\n`{{3,}}\n?",
        re.DOTALL | re.MULTILINE,
    )


_START = gated("solution")
_WHOLE = re.compile(r"^(?P<open>`{3,})\{solution\}.*?^(?P=open)\n?", re.DOTALL | re.MULTILINE)


def setup(app: Sphinx) -> None:
    app.add_config_value("solutions", IN_PLACE, "html", [str])
    app.connect("config-inited", _check)
    app.connect("doctree-resolved", _put, priority=950)


def _check(app: Sphinx, config: Any) -> None:
    if config.solutions not in PLACES:
        raise ConfigError(f"solutions is {config.solutions!r}; expected one of {', '.join(PLACES)}")


def without_solutions(text: str) -> str:
    """Return the source of a page without the solutions of its exercises."""
    return _WHOLE.sub("", _START.sub("", text))


def _put(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.config.solutions == IN_PLACE:
        return
    found = [n for n in doctree.findall(nodes.Element) if "solution" in n.get("classes", [])]
    for node in found:
        node.parent.remove(node)
    if app.config.solutions == AT_THE_END and found:
        title = nodes.rubric("", "Solutions", classes=["solutions-title"])
        (doctree.next_node(nodes.section) or doctree).extend([title, *found])
