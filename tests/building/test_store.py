"""A damaged cache is thrown away, with a line that says so, and never stops a build."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from aeteach_book import store as module
from aeteach_book.reads import Reads
from aeteach_book.store import Store
from nbformat import NotebookNode

from .conftest import STAMP, SmallBook

PARTS = {"Python": "3", "digits": "all"}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(module.logger, "info", lambda text, *values: lines.append(text % values))
    return lines


def ran(output: str, code: str = "print(1)") -> NotebookNode:
    cell = nbformat.v4.new_code_cell(
        code, outputs=[nbformat.v4.new_output("stream", name="stdout", text=output)]
    )
    return nbformat.v4.new_notebook(cells=[cell])


def opened(base: Path, parts: dict[str, str] = PARTS) -> Store:
    return Store(base, parts, Reads(base))


def kept(base: Path, output: str = "1\n") -> str:
    """Keep what a chapter printed; return the name of its code."""
    store = opened(base)
    code = store.code("source", lambda: ran(""))
    store.put(ran(output), Reads(base).of([], 0.0), 1.0)
    return code


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (garbage, "global.db"),
        (empty, "global.db"),
        (folder, "global.db"),
        (cut, "global.db"),
        (gone, "global.db"),
        (garbage, "codes.json"),
        (empty, "codes.json"),
        (folder, "codes.json"),
        (garbage, "base.ipynb"),
        (empty, "base.ipynb"),
        (cut, "base.ipynb"),
        (gone, "base.ipynb"),
        (folder, "base.ipynb"),
        (garbage, "surroundings.json"),
        (folder, "surroundings.json"),
    ],
)
def test_damage_costs_a_run_and_no_more(
    tmp_path: Path, said: list[str], damage: Callable[[Path], None], name: str
) -> None:
    code = kept(tmp_path)
    before = opened(tmp_path).output(code, "book/one")
    assert before
    assert said == []
    (path,) = tmp_path.rglob(name)
    damage(path)

    found = opened(tmp_path).output(code, "book/one")
    harmless = (damage, name) == (garbage, "surroundings.json")
    assert found == (before if harmless else "")
    unsaid = harmless or (damage, name) == (gone, "global.db")
    assert unsaid or "damaged" in said[0]
    assert kept(tmp_path) == code
    assert opened(tmp_path).output(code, "book/one") == before


def test_the_folder_of_the_cache_may_be_damaged_too(tmp_path: Path, said: list[str]) -> None:
    code = kept(tmp_path)
    (cache,) = (path for path in tmp_path.iterdir())
    shutil.rmtree(cache)
    cache.write_text("a file in place of the folder")
    assert opened(tmp_path).output(code, "book/one") == ""
    assert "damaged" in said[0]


def test_outputs_are_kept_for_a_state_and_for_two_before(tmp_path: Path) -> None:
    code = kept(tmp_path)
    for number in range(2):
        opened(tmp_path, {**PARTS, "digits": str(number)})
    assert opened(tmp_path).output(code, "book/one")
    for number in range(2, 5):
        opened(tmp_path, {**PARTS, "digits": str(number)})
    assert opened(tmp_path).output(code, "book/one") == ""


def test_other_outputs_have_another_digest_and_the_same_ones_the_same(tmp_path: Path) -> None:
    code = kept(tmp_path, "1\n")
    one = opened(tmp_path).output(code, "book/one")
    assert kept(tmp_path, "1\n") == code
    assert opened(tmp_path).output(code, "book/one") == one
    kept(tmp_path, "2\n")
    assert opened(tmp_path).output(code, "book/one") not in {"", one}


def test_what_is_new_is_said(tmp_path: Path, said: list[str]) -> None:
    kept(tmp_path)
    opened(tmp_path, {**PARTS, "digits": "sample"})
    assert said == ["the chapters run again, for these are new: digits"]


@pytest.mark.slow
def test_a_build_with_a_damaged_database_says_so_and_is_right(book: SmallBook) -> None:
    book.page("index", "Welcome.")
    book.page("one", "", STAMP)
    book.toc("one")
    assert book.build().code == 0
    first = book.ran("one")
    (database,) = (book.root / "_build" / ".jupyter_cache").rglob("global.db")
    database.write_bytes(b"garbage" * 1000)
    built = book.build()
    assert (built.code, built.warnings) == (0, [])
    assert "is damaged" in built.log
    assert book.ran("one") > first
