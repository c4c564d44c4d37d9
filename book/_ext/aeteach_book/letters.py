"""The last table of the notation page: letters that have more than one entry, made from its tables.

A letter has one meaning within a chapter, and may have another in the next one. The index lists
every letter that stands in more than one row with other words beside it, so a clash is stated. It
is made when the page is read, and so cannot fall behind the tables.
"""

import re
from collections.abc import Iterator

from sphinx.application import Sphinx

PAGE = "notation"
TITLE = "Letters with more than one entry"
_SYMBOLS = re.compile(r"\$([^$]+)\$")
_LETTER = re.compile(
    r"\\?(?:[A-Za-z]|alpha|beta|gamma|delta|eta|kappa|lambda|mu|nu|omega|phi|rho"
    r"|sigma|tau|theta|varphi|varepsilon|zeta|Phi|Sigma)"
)


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (section, symbol, meaning) of each letter in each row of the tables."""
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| $"):
            continue
        symbols = (
            s.strip() for found in _SYMBOLS.findall(cells[0]) for s in re.split("[,;]", found)
        )
        for symbol in dict.fromkeys(symbols):
            if _LETTER.fullmatch(symbol):
                yield section, symbol, cells[2]


def index(text: str) -> str:
    """Return the index of a page's tables, as a section of Markdown."""
    entries: dict[str, list[tuple[str, str]]] = {}
    for section, symbol, meaning in rows(text):
        entries.setdefault(symbol, []).append((section, meaning))
    lines = [f"## {TITLE}", "", "| letter | where | meaning there |", "|---|---|---|"]
    for symbol in sorted(entries, key=lambda s: (s.strip("\\").lower(), s)):
        found = entries[symbol]
        if len({meaning for _, meaning in found}) > 1:
            for i, (section, meaning) in enumerate(found):
                letter = f"${symbol}$" if i == 0 else ""
                lines.append(f"| {letter} | {section or 'the whole book'} | {meaning} |")
    return "\n".join(lines) + "\n"


def with_index(name: str, text: str) -> str:
    """Return the source of a page, with the index if it is the notation page."""
    return f"{text.rstrip()}\n\n{index(text)}" if name.rpartition("/")[2] == PAGE else text


def setup(app: Sphinx) -> None:
    app.connect("source-read", _add)


def _add(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = with_index(docname, source[0])
