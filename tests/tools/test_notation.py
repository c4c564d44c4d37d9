"""The index of letters says what the tables of the notation page say."""

import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

sys.path.append(str(ROOT / "tools"))
import notation

TABLES = """# Notation

| symbol | in code | meaning | shape |
|---|---|---|---|
| $N, z_1$ | `N` | images | |

## One

| symbol | in code | meaning | shape |
|---|---|---|---|
| $a, N$ | | both | |
| $\\beta$ | `beta` | a weight | |

## Two

| symbol | in code | meaning | shape |
|---|---|---|---|
| $a$ | `a` | a share | |
| $\\beta$ | | a weight | |
"""


def test_letters_with_other_words_beside_them_are_listed() -> None:
    lines = notation.index(TABLES).splitlines()[4:]
    assert lines == [
        "| $a$ | One | both |",
        "|  | Two | a share |",
        "| $N$ | the whole book | images |",
        "|  | One | both |",
    ]


def test_the_page_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "notation.md"
    file.write_text(TABLES, encoding="utf-8")
    monkeypatch.setattr(notation, "PAGE", file)
    assert notation.main(["--check"]) == 1
    assert notation.main([]) == 0
    assert notation.main(["--check"]) == 0
    file.write_text(file.read_text("utf-8").replace("a share", "half", 1), encoding="utf-8")
    assert notation.main(["--check"]) == 1


def test_the_books_own_index_is_current() -> None:
    assert notation.main(["--check"]) == 0, "run python tools/notation.py"
