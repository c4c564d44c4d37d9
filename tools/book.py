"""Build the book as _toc.yml has it, with warnings as errors.

    python tools/book.py              what `make book` does
    python tools/book.py --builder latex        further options are those of `jupyter-book build`

Any choice of chapters, in any order, is a book. A part of _toc.yml whose last chapter was taken
out is left out, too; Jupyter Book alone would refuse it.
"""

import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import yaml
from jupyter_book.cli.main import main as jupyter_book

ROOT = Path(__file__).resolve().parents[1]


def without_empty_parts(toc: dict[str, Any]) -> dict[str, Any]:
    """Return a table of contents without parts that have no chapter, and lists that are empty."""
    kept = {key: value for key, value in toc.items() if key not in {"parts", "chapters"} or value}
    if "parts" in kept:
        kept["parts"] = [part for part in kept["parts"] if part.get("chapters")]
        if not kept["parts"]:
            del kept["parts"]
    return kept


def trimmed(root: Path) -> Path:
    """Return the table of contents to build from: _toc.yml, or a copy without its empty parts."""
    path = root / "_toc.yml"
    toc = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(toc, dict) or without_empty_parts(toc) == toc:
        return path
    copy = root / "_build" / "toc.yml"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(yaml.safe_dump(without_empty_parts(toc), sort_keys=False), encoding="utf-8")
    return copy


def build(root: str | Path, *options: str) -> int:
    """Build the book whose _config.yml and _toc.yml are in `root`; return 0 if all went well."""
    root = Path(root)
    arguments = ["build", str(root), "--toc", str(trimmed(root)), "-W", "--keep-going", *options]
    with chdir(root):  # _config.yml names its extension from here
        try:
            jupyter_book(arguments, standalone_mode=False)
        except RuntimeError as error:  # Sphinx has said above what is wrong
            print(error, file=sys.stderr)
            return 1
        except SystemExit as stop:
            code = stop.code or 0
            return code if isinstance(code, int) else 1  # Ctrl-C arrives as an exception
    return 0


if __name__ == "__main__":
    sys.exit(build(ROOT, *sys.argv[1:]))
