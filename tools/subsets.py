"""Build choices of chapters, and count the warnings of each: any choice must build without one.

    python tools/subsets.py            each page left out in turn, and a few larger choices
    python tools/subsets.py elbo       only the book without this page

Nothing is run and nothing is written: the text of a page is read, and its links are followed.
"""

import argparse
import contextlib
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

import book

ROOT = Path(__file__).resolve().parents[1]
FIVE = ("pca-by-hand", "nonlinear-autoencoder", "elbo", "how-much-kl", "asking-for-a-nine")


def only(toc: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Return a table of contents with these pages alone; parts may be left empty."""
    parts = [
        {**part, "chapters": [c for c in part["chapters"] if Path(c["file"]).name in names]}
        for part in toc["parts"]
    ]
    return {**toc, "parts": parts}


def backwards(toc: dict[str, Any]) -> dict[str, Any]:
    """Return a table of contents in reversed order."""
    parts = [{**part, "chapters": part["chapters"][::-1]} for part in toc["parts"]]
    return {**toc, "parts": parts[::-1]}


def choices(toc: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of contents to try, by what they are."""
    pages = [Path(chapter["file"]).name for part in toc["parts"] for chapter in part["chapters"]]
    tried = {f"without {name}": only(toc, set(pages) - {name}) for name in pages}
    return tried | {
        "five chapters": only(toc, set(FIVE)),
        "pca-by-hand alone": only(toc, {"pca-by-hand"}),
        "the first page alone": only(toc, set()),
        "backwards": backwards(toc),
    }


def warnings(toc: dict[str, Any], folder: Path) -> list[str]:
    """Return the warnings of the book with this table of contents.

    Args:
        toc: what would stand in _toc.yml.
        folder: a copy of the book, made by `copy`.
    """
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    log = io.StringIO()
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        code = book.build(folder, "--builder", "custom", "--custom-builder", "dummy")
    found = [line for line in log.getvalue().splitlines() if re.search("WARNING|ERROR", line)]
    return found or ([log.getvalue()] if code else [])


def copy(folder: Path) -> dict[str, Any]:
    """Copy the book without what it would run; return its table of contents."""
    for part in ("book", "tests/claims"):
        shutil.copytree(ROOT / part, folder / part)
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    # A kernel that never ran has not named its language.
    config["sphinx"]["config"]["suppress_warnings"] = ["myst-nb.lexer"]
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return dict(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="names without .md; all by default")
    names = parser.parse_args().pages
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        toc = copy(Path(place))
        tried = choices(toc)
        for what in [f"without {name}" for name in names] or tried:
            if what not in tried:
                sys.exit(f"there is no page to be left out in {what!r}")
            found = warnings(tried[what], Path(place))
            print(f"{what}: {len(found)} warnings", *found[:20], sep="\n  ", flush=True)
            bad += len(found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
