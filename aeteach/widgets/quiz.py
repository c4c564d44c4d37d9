"""A self-test in the page: questions answered without a kernel, and every answer told why."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import traitlets as t

from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.traits import WholeWithin
from aeteach.widgets.quiz_questions import QUESTIONS, Choice, Question

__all__ = ["QUESTIONS", "SelfTest", "anchor", "check_question", "kind"]


class SelfTest(Figure):
    """Ask questions one at a time, name the mistake behind a wrong answer, and keep the score.

    Three kinds of question: choose one answer, tick all that apply, type a number. A wrong answer
    may be changed and checked again; the score counts the first try.

    Args:
        questions: what is asked, at least one; the twenty of the book by default.

    Attributes:
        current: place of the question that is shown, from 0.
        answers: for each question the answer checked last: places of the chosen answers, or the
            number; empty if there is none.
        verdicts: for each question, whether each try so far was right.
        revealed: for each question, whether the reader asked to be shown the answer.

    Raises:
        ValueError: no question, one that `check_question` refuses, or a state that does not fit.
    """

    _module = "quiz"
    questions = t.List(t.Dict()).tag(sync=True)
    current = WholeWithin(0, 0, lambda quiz: len(quiz.questions) - 1)
    answers = t.List(t.List(t.Float())).tag(sync=True)
    verdicts = t.List(t.List(t.Bool())).tag(sync=True)
    revealed = t.List(t.Bool()).tag(sync=True)

    def __init__(self, questions: Sequence[Question] = QUESTIONS, **kwargs: Any) -> None:
        if not questions:
            raise StateError("there are no questions; pass at least one")
        for question in questions:
            check_question(question)
        n = len(questions)
        alt = (
            f"A self-test of {n} questions, one at a time: choose an answer, tick all that apply, "
            "or type a number. Each wrong answer is told which mistake leads to it, each right one "
            "why it is right and where the book says so. The number of right answers is kept "
            "until the page is closed."
        )
        state = {
            "alt": alt,
            "questions": [_plain(question) for question in questions],
            "answers": [[] for _ in questions],
            "verdicts": [[] for _ in questions],
            "revealed": [False] * n,
        }
        super().__init__(**state | kwargs)

    @property
    def first(self) -> int:
        """How many questions were answered rightly at the first try."""
        return sum(tries[:1] == [True] for tries in self.verdicts)

    @property
    def solved(self) -> int:
        """How many have been answered rightly at all."""
        return sum(any(tries) for tries in self.verdicts)

    @t.validate("answers", "verdicts", "revealed")
    def _check_length(self, proposal: Any) -> list[Any]:
        name, value = proposal["trait"].name, list(proposal["value"])
        if len(value) != len(self.questions):
            raise StateError(
                f"{name} has {len(value)} entries; expected {len(self.questions)}, one a question"
            )
        return value

    def __repr__(self) -> str:
        return f"SelfTest(questions={len(self.questions)}, first={self.first})"


def kind(question: Question) -> str:
    """Return the kind of a question: "number", "one" or "all"."""
    if question.answer is not None:
        return "number"
    return "all" if question.several else "one"


def check_question(question: Question) -> None:
    """Refuse a question that cannot be asked or explained.

    Raises:
        ValueError: a text that is missing; both a number and answers to choose, or neither; other
            than four different answers; no right one, or several where one is to be chosen; a
            known wrong number that would count as right, or two that cannot be told apart.
    """

    def refuse(what: str) -> StateError:
        return StateError(f"question {question.topic!r} ({question.ask[:40]!r}): {what}")

    if not (question.topic and question.page and question.ask):
        raise refuse("topic, page and ask must not be empty")
    if (question.answer is None) == (not question.choices):
        raise refuse("give either a number as answer, or choices")
    if question.answer is None:
        _check_choices(question.choices, question.several, refuse)
    else:
        _check_number(question, refuse)
    if bool(question.why) != (kind(question) != "one"):
        raise refuse("why explains a number or a question with several answers, and only those")


def _check_choices(choices: tuple[Choice, ...], several: bool, refuse: Any) -> None:
    texts, right = {c.text for c in choices}, sum(c.right for c in choices)
    if len(choices) != 4 or len(texts) != 4:
        raise refuse(f"{len(choices)} answers, {len(texts)} of them different; expected four")
    if not all(c.text and c.why for c in choices):
        raise refuse("every answer needs its text and its why")
    if right == 0 or (right != 1 and not several):
        raise refuse(f"{right} right answers; expected {'at least one' if several else 'one'}")


def _check_number(question: Question, refuse: Any) -> None:
    numbers = [question.answer, question.tolerance, *(slip.value for slip in question.slips)]
    if not all(math.isfinite(v) for v in numbers if v is not None) or question.tolerance < 0:
        raise refuse(f"numbers {numbers}; expected finite ones, and a tolerance of at least 0")
    if not question.hint:
        raise refuse("a number needs a hint, for wrong ones that no slip explains")
    values = [question.answer, *(slip.value for slip in question.slips)]
    for i, a in enumerate(values):
        for b in values[:i]:
            if abs(a - b) <= 2 * reach(b, question.tolerance):  # type: ignore[operator, arg-type]
                raise refuse(f"{a} and {b} cannot be told apart within the tolerance")


def reach(value: float, tolerance: float) -> float:
    """Return how far a typed number may lie from a known one: the tolerance, or 0.1 per cent."""
    return max(tolerance, 1e-3 * abs(value)) if tolerance > 0 else 0.0


def anchor(section: str) -> str:
    """Return the address of a heading within its page, as Sphinx writes it."""
    plain = unicodedata.normalize("NFKD", section.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-").lstrip("0123456789-")


def _plain(question: Question) -> dict[str, Any]:
    """Return a question as what the figure reads."""
    return {
        "kind": kind(question),
        "topic": question.topic,
        "page": question.page,
        "section": question.section,
        "anchor": anchor(question.section),
        "ask": question.ask,
        "why": question.why,
        "choices": [choice._asdict() for choice in question.choices],
        "answer": question.answer,
        "reach": 0.0 if question.answer is None else reach(question.answer, question.tolerance),
        "unit": question.unit,
        "slips": [
            {"value": s.value, "reach": reach(s.value, question.tolerance), "why": s.why}
            for s in question.slips
        ],
        "hint": question.hint,
    }
