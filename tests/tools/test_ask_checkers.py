"""The tool that asks the checkers about wrong answers: what it counts must be what happened."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from aeteach.checks import Exercise, Mistake, Verdict
from aeteach.checks._exercise import secret_of
from tools import ask_checkers as tool


def _pairs(rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    for _ in range(6):
        yield float(rng.uniform(1, 2)), float(rng.uniform(3, 4))


def _ones(rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield inputs that cannot tell x ** 2 from x, nor y - x from (y - x) ** 2."""
    yield 1.0, 2.0 if rng.random() < 2 else 3.0


def _two_kinds(rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield for the checker's own seed what tells nothing, and for others what does."""
    yield (1.0, 2.0) if rng.random() == FIRST else (float(rng.uniform(2, 3)), 5.0)


def exercise(inputs: Any, name: str = "Tiny") -> Exercise:
    mistake = Mistake("That is the sum of the two.", lambda x, y: x + y)
    return Exercise(
        name, lambda x, y: (y - x) ** 2, inputs=inputs, about="", praise="", mistakes=[mistake]
    )


FIRST = np.random.default_rng(secret_of(exercise(_pairs)).seed).random()


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(one: Exercise) -> None:
        monkeypatch.setattr(tool.checks, "exercises", lambda: {"tiny": one})
        monkeypatch.setattr(tool, "known", dict)

    return put


def test_all_edits_of_a_well_asked_exercise_are_refused_or_change_nothing(only: Any) -> None:
    only(exercise(_pairs))
    report = tool.Report("tiny")
    report.ask_singles(None, 0)
    assert report.singles > 40
    told = {said.split(": ")[2] for said in report.wrongly_accepted}
    assert told >= {
        "y - x -> x - y",
        "y - x -> -(y - x)",
        "y - x -> _edit_abs(y - x)",
    }  # the square hides them
    assert report.refused + report.equivalent.total() + len(told) == report.singles
    assert not any(said.startswith("wrong") for said in report.wrongly_accepted)


def test_inputs_that_cannot_tell_are_found(only: Any) -> None:
    only(exercise(_ones))
    report = tool.Report("tiny")
    report.ask_singles(None, 0)
    assert any("a square is missing" in said for said in report.wrongly_accepted)


def test_an_answer_that_is_right_by_luck_is_found(only: Any) -> None:
    only(exercise(_two_kinds))
    slips = [slip for slip in tool.accepted("tiny") if slip is not None]
    assert any(slip.lucky for slip in slips)
    report = tool.Report("tiny")
    report.ask_singles(None, 0)
    assert any(said.startswith("wrong on other inputs") for said in report.wrongly_accepted)


def test_a_known_equivalent_needs_its_kind(only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only(exercise(_pairs))
    slip = tool.Slip("a minus sign is missing", "", idle=False, lucky=False)
    assert tool.reason("tiny", slip) is None
    monkeypatch.setattr(tool, "known", lambda: {"tiny": {"a minus sign": "it is squared"}})
    assert tool.reason("tiny", slip) == "it is squared"
    other = tool.Slip("a term is missing", "", idle=False, lucky=False)
    assert tool.reason("tiny", other) is None


def test_two_slips_are_the_same_for_a_seed_and_others_for_another(only: Any) -> None:
    only(exercise(_pairs))
    texts = [[a.text for a in tool.doubles("tiny", 12, seed)] for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) >= 6


def test_what_names_a_mistake(only: Any) -> None:
    one = exercise(_pairs)
    secret = secret_of(one)
    for answer, way in (
        (lambda x, y: x + y, "special"),
        (lambda x, y: (y - x) ** 2 / 2, "place and kind"),
        (lambda x, y: [x, y][2], "own error"),
        (lambda x, y: np.sin(3 * x) * np.log(y + x) ** 7 - y**0.3 + 5, ""),
    ):
        assert tool.how_named(one(answer), secret) == way


@pytest.mark.parametrize(
    ("said", "false"),
    [
        ("Right on 2 of 6 inputs.", True),
        ("Right on 0 of 6 inputs.", False),
        ("On input 1 of 6 (x = 1, y = 2) line 1 of your code raised ValueError.", True),
        ("On input 1 of 6 (x = 1, y = 2) the result has shape (2,); expected is none.", False),
        ("On input 1 of 6 (x = 1, y = 2) the result has shape (3,); expected is none.", True),
        ("On input 1 of 6 (x = 1, y = 2) the result holds NaN.", True),
        ("With other numbers in x your function returns the same", False),
        ("With other numbers in y your function returns the same", True),
        ("Your function makes no use of x, and a right one does.", False),
        ("Your function makes no use of y, and a right one does.", True),
    ],
)
def test_a_statement_is_looked_at_again(said: str, false: bool) -> None:
    def answer(x: float, y: float) -> Any:
        return np.array([y, y])

    found = tool.falsehoods(answer, Verdict("Tiny", False, said), secret_of(exercise(_pairs)))
    assert bool(found) == false


def test_a_crash_is_counted(only: Any) -> None:
    class Breaks(Exercise):
        def __call__(self, answer: Any) -> Verdict:
            raise RuntimeError("no")

    only(Breaks("Tiny", lambda x, y: x, inputs=_pairs, about="", praise=""))
    report = tool.Report("tiny")
    report.ask_odd(5, 0)
    assert len(report.crashes) == 5


def test_the_whole_is_written_and_bad_news_is_the_exit_status(
    only: Any, tmp_path: Any, capsys: Any
) -> None:
    only(exercise(_pairs))
    file = tmp_path / "found.json"
    asked = ["tiny", "--singles", "10", "--doubles", "6", "--fuzz", "8", "--json", str(file)]
    status = tool.main(asked)
    counts = json.loads(file.read_text())["counts"]
    assert status == (1 if counts["wrongly accepted"] else 0)
    assert counts["odd calls"] == 8
    assert counts["crashes"] == 0
    assert "two slips" in capsys.readouterr().out
    only(exercise(_ones))
    assert tool.main(["--doubles", "0", "--fuzz", "0"]) == 1
    with pytest.raises(SystemExit):
        tool.main(["no_such_exercise"])
