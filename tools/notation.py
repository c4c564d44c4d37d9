r"""Make the index of letters in book/notation.md from the tables above it.

    python tools/notation.py            write it
    python tools/notation.py --check    fail where it is not what the tables say

A letter has one meaning within a chapter, and may have another in the next one. The index lists
every letter that stands in more than one table with other words beside it, so a clash is stated.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "book" / "notation.md"
BEGIN = "% made by tools/notation.py"
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


def page(text: str) -> str:
    """Return the page with its index made anew."""
    tables = text.split(BEGIN)[0].rstrip() + "\n\n"
    return tables + BEGIN + "\n\n" + index(tables)


def main(arguments: list[str] | None = None) -> int:
    """Write the index, or compare it."""
    parser = argparse.ArgumentParser(description="the index of letters in book/notation.md")
    parser.add_argument("--check", action="store_true", help="write nothing, and compare")
    check = parser.parse_args(arguments).check
    text = PAGE.read_text("utf-8")
    made = page(text)
    if made == text:
        return 0
    if check:
        print(
            "book/notation.md: the index of letters is not that of its tables: run "
            "python tools/notation.py",
            file=sys.stderr,
        )
        return 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
