"""The self-test's Python side: what it is given, its score, and bad questions refused by name."""

import re
from typing import Any

import pytest
from docutils.nodes import make_id

from aeteach.widgets import SelfTest
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.quiz import anchor
from aeteach.widgets.quiz_questions import QUESTIONS, Choice, Question, Slip
from tests.paths import BOOK


def test_an_anchor_is_that_of_docutils_for_every_heading_of_the_book() -> None:
    seen = 0
    for path in BOOK.glob("*.md"):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for heading in re.findall(r"^##+ ([^$`*{]+)$", text, re.MULTILINE):
            assert anchor(heading) == make_id(heading)
            seen += 1
    assert seen > 50


# ---------------------------------------------------------------- the figure's Python side


def test_what_the_figure_is_given_is_plain_and_small() -> None:
    figure = SelfTest()
    assert len(figure.questions) == 20
    assert figure.questions[0]["kind"] == "number"
    assert figure.questions[1]["anchor"] == "why-its-weights-are-not-the-eigenvectors"
    assert repr(figure) == "SelfTest(questions=20, first=0)"
    assert len(figure.page_html().encode()) < 100_000


def test_the_score_counts_first_tries() -> None:
    figure = SelfTest(QUESTIONS[:3])
    figure.verdicts = [[True], [False, True], [False]]
    assert (figure.first, figure.solved) == (1, 2)


ONE = QUESTIONS[1]


NUMBER = QUESTIONS[0]


FOUR = ONE.choices


@pytest.mark.parametrize(
    ("question", "part"),
    [
        (ONE._replace(ask=""), "must not be empty"),
        (ONE._replace(answer=1.0), "either a number"),
        (ONE._replace(choices=()), "either a number"),
        (ONE._replace(choices=FOUR[:3]), "expected four"),
        (ONE._replace(choices=(FOUR[0], *FOUR[:3])), "3 of them different"),
        (ONE._replace(choices=(Choice("a", True, ""), *FOUR[1:])), "its why"),
        (ONE._replace(choices=(FOUR[0], *FOUR[2:], Choice("a", False, "b"))), "0 right"),
        (ONE._replace(choices=(Choice("a", True, "b"), *FOUR[1:])), "2 right"),
        (ONE._replace(why="twice"), "why explains"),
        (NUMBER._replace(why=""), "why explains"),
        (NUMBER._replace(hint=""), "needs a hint"),
        (NUMBER._replace(answer=float("nan")), "finite"),
        (NUMBER._replace(tolerance=-1.0), "tolerance"),
        (NUMBER._replace(slips=(Slip(96.01, "near"),)), "told apart"),
        (NUMBER._replace(slips=(Slip(3.0, "a"), Slip(3.0, "b"))), "told apart"),
    ],
)
def test_a_bad_question_is_refused_by_name(question: Question, part: str) -> None:
    with pytest.raises(StateError, match=part):
        SelfTest([question])


@pytest.mark.parametrize(
    ("state", "part"),
    [
        ({"current": 3}, "current is 3; expected a whole number, 0 to 2"),
        ({"current": -1}, "current is -1"),
        ({"answers": [[]]}, "expected 3"),
        ({"verdicts": [[]] * 4}, "expected 3"),
        ({"revealed": []}, "expected 3"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state: dict[str, Any], part: str) -> None:
    with pytest.raises(StateError, match=part):
        SelfTest(QUESTIONS[:3], **state)
    with pytest.raises(StateError, match="no questions"):
        SelfTest([])
