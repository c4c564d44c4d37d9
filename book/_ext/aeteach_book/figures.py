"""The figures of one page share what they have in common: each part of the kit is there once."""

import re
from typing import Any

from sphinx.application import Sphinx

# What aeteach.widgets.kit.host writes: a style sheet, and a script of modules that ends in a call.
_STYLE = re.compile(r"<style data-ae-style>.*?</style>\n?", re.DOTALL)
_SCRIPT = re.compile(r'<script type="module">\n(?P<code>const page\$.*?)\n</script>\n?', re.DOTALL)
_MODULE = re.compile(r"^const (?P<name>\w+)\$ = \(\(\) => \{$", re.MULTILINE)
_STILL = re.compile(r'<div class="ae-still">.*?<noscript>', re.DOTALL)
_LONG = re.compile(r"(\d\.\d\d)\d+")  # places that no eye sees, in a still
_CALL = re.compile(r"^page\$\.mount\(", re.MULTILINE)


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", _share, priority=910)


def _share(app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any) -> None:
    if "body" in context:
        context["body"] = shared(context["body"])


def shared(body: str) -> str:
    """Return a page's HTML with one style sheet and one script for all of its figures.

    A figure that cannot start is reported, and the others start all the same.
    """
    scripts = [_light(match["code"]) for match in _SCRIPT.finditer(body)]
    if not scripts:
        return body
    modules: dict[str, str] = {}
    calls = []
    for code in scripts:
        call = _CALL.search(code)
        assert call is not None, f"a figure's script without a call: {code[-80:]!r}"
        modules |= {
            name: text for name, text in _modules(code[: call.start()]) if name not in modules
        }
        calls.append(f"try {{ {code[call.start() :]} }} catch (error) {{ reportError(error); }}")
    style = _STYLE.search(body)
    first = re.sub(r"\s*\n\s*", " ", style[0]) if style else ""
    rest = _STYLE.sub("", _SCRIPT.sub("", body))
    rest = _STILL.sub(lambda still: _LONG.sub(r"\1", still[0]), rest)
    code = "\n".join([*modules.values(), *calls])
    return f'{first}{rest}<script type="module">\n{code}\n</script>\n'


def _light(code: str) -> str:
    """Return a script without lines of comment and indents: no string spans lines in a figure."""
    return re.sub(r"^[ \t]*//.*\n|^[ \t]+|^\n", "", code, flags=re.MULTILINE)


def _modules(code: str) -> list[tuple[str, str]]:
    """Return (name, code) of the modules of a script, every module after those it imports."""
    starts = list(_MODULE.finditer(code))
    ends = [start.start() for start in starts[1:]] + [len(code)]
    return [
        (start["name"], code[start.start() : end].rstrip())
        for start, end in zip(starts, ends, strict=True)
    ]
