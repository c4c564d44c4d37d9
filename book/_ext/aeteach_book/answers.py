"""Exercises worked on paper are answered in the page, with the checker's own words.

The build takes from the checker what is right, how exactly, and the hint of each known mistake, and
puts it beside the exercise for answers.js. It is encoded, so that nobody reads the answer by
accident in the page's source. It is no secret: who wants to can decode it, as they can open the
solution.
"""

import base64
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from aeteach import checks
from aeteach.checks._exercise import Quantity, secret_of

MASK = 0x2A  # that each byte is mixed with
_EXERCISE = re.compile(r"\{exercise\} [^\n]*\n:label: (\S+)\n.*?checks\.(\w+)\(", re.DOTALL)
FORM = (
    '<form class="answer" hidden data-checker="{name}" data-check="{check}">'
    '<label>Your answer{several} <input type="text" autocomplete="off" spellcheck="false"></label>'
    '<button type="submit">Check</button><output aria-live="polite"></output></form>'
)


def setup(app: Sphinx) -> None:
    app.connect("doctree-resolved", _offer, priority=900)


def checkers(text: str) -> dict[str, str]:
    """Return {label of an exercise: name of its checker} of a page."""
    return dict(_EXERCISE.findall(text))


def sealed(exercise: Quantity) -> str:
    """Return what answers.js needs to judge an answer, encoded."""
    value, mistakes = secret_of(exercise)
    said = {
        "value": _listed(value),
        "digits": exercise._digits,
        "praise": exercise._praise,
        "mistakes": [[_listed(wrong), hint] for wrong, hint in mistakes],
    }
    text = json.dumps(said, ensure_ascii=False).encode()
    return base64.b64encode(bytes(byte ^ MASK for byte in text)).decode("ascii")


def _listed(value: Any) -> list[float]:
    return [float(each) for each in value] if isinstance(value, tuple | list) else [float(value)]


def form(name: str, exercise: Quantity) -> str:
    """Return the line below an exercise where its answer is written."""
    count = len(_listed(secret_of(exercise)[0]))
    several = f" ({count} numbers, with commas)" if count > 1 else ""
    return FORM.format(name=escape(name), check=sealed(exercise), several=several)


def _offer(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    names = checkers(Path(app.env.doc2path(docname)).read_text("utf-8"))
    for node in doctree.findall(nodes.Element):
        if "exercise" not in node.get("classes", []) and "exercise" not in node.tagname:
            continue
        found = getattr(checks, names.get(node.get("label", ""), ""), None)
        if isinstance(found, Quantity):
            node.append(nodes.raw("", form(names[node["label"]], found), format="html"))
