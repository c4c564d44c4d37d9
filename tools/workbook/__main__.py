"""Make or refresh the workbook."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from .book import Book
from .folder import Folder
from .notebook import notebook
from .start import START, start

ROOT = Path(__file__).resolve().parents[2]


def update(root: Path, path: Path) -> tuple[list[str], list[str]]:
    """Bring the workbook in `path` up to date with the book in `root`.

    Returns:
        What was done, a line each, and the warnings about markup that has no plain form.
    """
    done: list[str] = []
    warnings: list[str] = []
    book = Book.read(root)
    folder = Folder(path, done.append)
    for page in book.pages:
        folder.put(page.file, notebook(book, page, warnings.append))
    folder.put(START, start(book, folder))
    return done, list(dict.fromkeys(warnings))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.workbook", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "workbook")
    arguments = parser.parse_args()
    try:
        done, warnings = update(ROOT, arguments.folder)
    except OSError as error:
        print(f"The workbook could not be written: {error}", file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    quiet = Counter(line.split(":")[0] for line in done)
    for kind in ("new", "refreshed"):
        if quiet[kind]:
            print(f"{quiet[kind]} notebooks {'made' if kind == 'new' else kind}")
    print("\n".join(line for line in done if line.split(":")[0] not in ("new", "refreshed")))
    print(f"Your workbook is {arguments.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
