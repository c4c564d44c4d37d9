"""Write the table of book/all-exercises.md from what the package knows of its exercises.

    python tools/exercises.py            write it
    python tools/exercises.py --check    write nothing; fail where it is stale

The package says what there is, who checks it and how long it takes; the chapters say where each
stands, and _toc.yml in which order.
"""

import re
import sys
from pathlib import Path

from aeteach import checks

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "book" / "all-exercises.md"
HEAD = "| exercise | chapter | checker | kind | minutes |\n|---|---|---|---|---|\n"
_EXERCISE = re.compile(r"\{exercise\} [^\n]*\n:label: (\S+)\n.*?checks\.(\w+)\(", re.DOTALL)


def labels() -> dict[str, str]:
    """Return the label of each exercise by its checker."""
    found = {}
    for page in sorted((ROOT / "book").glob("*.md")):
        for label, checker in _EXERCISE.findall(page.read_text(encoding="utf-8")):
            found[checker] = label
    return found


def table() -> str:
    """Return the table in MyST: chapters in the book's order, exercises as they come there."""
    pages = re.findall(r"file: book/([\w-]+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    at, rows = labels(), []
    places = list(at)  # page by page, each from top to bottom
    entries = sorted(
        checks.index(), key=lambda e: (pages.index(e.chapter), places.index(e.checker))
    )
    for entry in entries:
        link = f"{{ref}}`{entry.exercise} <{at[entry.checker]}>`"
        where = f"{{doc}}`{entry.chapter}`"
        rows.append(f"| {link} | {where} | `{entry.checker}` | {entry.kind} | {entry.minutes} |")
    return HEAD + "\n".join(rows) + "\n"


def page() -> str:
    """Return the page as it should be; the table ends it."""
    return PAGE.read_text(encoding="utf-8").partition(HEAD)[0] + table()


def main() -> int:
    """Write the page, or say that it is stale."""
    new = page()
    if "--check" in sys.argv[1:]:
        if new != PAGE.read_text(encoding="utf-8"):
            print(f"{PAGE.name} is stale: run tools/exercises.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
