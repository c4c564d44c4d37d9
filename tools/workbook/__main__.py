"""Make or refresh the workbook."""

import argparse
import sys
from pathlib import Path

from aeteach_book.solutions import PLACES
from sphinx_external_toc.parsing import MalformedError

from .book import Book
from .folder import Folder
from .notebook import notebook
from .start import START, start

ROOT = Path(__file__).resolve().parents[2]


def update(root: Path, path: Path, solutions: str = "") -> tuple[list[str], list[str]]:
    """Bring the workbook in `path` up to date with the book in `root`.

    Args:
        root: of the book.
        path: of the workbook.
        solutions: where they stand; if empty, as _config.yml says.

    Returns:
        What was done, a line each, and the warnings about markup that has no plain form.
    """
    done: list[str] = []
    warnings: list[str] = []
    book = Book.read(root)
    folder = Folder(path, done.append)
    for page in book.pages:
        folder.put(page.file, notebook(book, page, warnings.append, solutions or book.solutions))
    folder.put(START, start(book, folder))
    return done, list(dict.fromkeys(warnings))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.workbook", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "workbook")
    parser.add_argument(
        "--solutions", choices=PLACES, default="", help="where they stand; if not as in _config.yml"
    )
    arguments = parser.parse_args()
    try:
        done, warnings = update(ROOT, arguments.folder, arguments.solutions)
    except (OSError, MalformedError) as error:
        print(f"The workbook was not made: {error}", file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for line in summary(done):
        print(line)
    print(f"Your workbook is {arguments.folder}")
    return 0


def summary(done: list[str]) -> list[str]:
    """Count what concerns nobody's work, and keep the other lines."""
    counts = {"new": 0, "refreshed": 0}
    rest = []
    for line in done:
        kind = line.split(":")[0]
        if kind in counts:
            counts[kind] += 1
        else:
            rest.append(line)
    return [f"{kind}: {n} notebooks" for kind, n in counts.items() if n] + rest


if __name__ == "__main__":
    sys.exit(main())
