"""The table of exercises says what the package and the chapters hold, no more and no less."""

import importlib.util
import re

import pytest

from aeteach import checks
from aeteach.checks import _index
from tests import told as book
from tests.paths import BOOK, ROOT

ENTRIES = checks.index()


def test_every_exercise_of_the_package_is_in_the_table() -> None:
    assert {e.checker for e in ENTRIES} == set(checks.exercises())
    assert len({e.checker for e in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        assert getattr(checks, entry.checker).name == entry.exercise


def test_every_exercise_is_in_its_chapter_and_every_one_of_a_chapter_in_the_table() -> None:
    told = {(t.checker, t.chapter) for t in book.told()}
    assert {(e.checker, e.chapter) for e in ENTRIES} == told


def test_kinds_and_minutes_follow_the_rule_that_is_stated() -> None:
    by_checker = {e.checker: e for e in ENTRIES}
    assert by_checker["paper_eigenvalues"].kind == "number"
    assert by_checker["kl_witness"].kind == "judged"
    assert by_checker["kl_to_prior"].kind == "function"  # in rounds
    assert {e.minutes for e in ENTRIES if e.kind == "number"} == {5}
    assert {e.minutes for e in ENTRIES if e.kind == "judged"} == {10}
    # X - X.mean(axis=0) has a call and a difference; Wilson's interval has thirty operations.
    assert (by_checker["centring"].minutes, by_checker["wilson_interval"].minutes) == (5, 20)
    assert {e.minutes for e in ENTRIES} <= {5, 10, 15, 20}


@pytest.mark.parametrize(("count", "minutes"), [(1, 5), (5, 5), (6, 10), (12, 15), (99, 20)])
def test_six_operations_are_worth_five_minutes(monkeypatch, count: int, minutes: int) -> None:
    monkeypatch.setattr(_index, "_operations", lambda exercise: count)
    assert _index._minutes(checks.centring, "function") == minutes


def test_the_table_shows_itself_in_a_notebook() -> None:
    shown = ENTRIES._repr_html_()
    assert shown.count("<tr>") == len(ENTRIES) + 1
    assert "<th>exercise</th><th>chapter</th>" in shown
    assert "Wilson&#x27;s interval" in shown


def test_the_page_of_the_book_holds_the_table() -> None:
    spec = importlib.util.spec_from_file_location("exercises", ROOT / "tools" / "exercises.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    text = (BOOK / "all-exercises.md").read_text(encoding="utf-8")
    assert text == tool.page(), "python tools/exercises.py writes the table anew"
    places = {t.checker: t.label for t in book.told()}
    rows = re.findall(r"\{ref\}`[^`]+ <([\w-]+)>` \| [^|]+ \| `(\w+)`", text)
    assert len(rows) == len(ENTRIES)
    assert all(places[checker] == label for label, checker in rows)
