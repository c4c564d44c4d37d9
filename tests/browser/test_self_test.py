"""The self-test: every answer it can be given; its questions by mouse, touch and keyboard."""

from functools import partial
from typing import Any

import pytest

from aeteach.widgets import SelfTest
from aeteach.widgets.quiz import kind
from aeteach.widgets.quiz_questions import QUESTIONS, Question
from tests.browser.conftest import Call, Show
from tests.browser.driver import FigureDriver

NAV = (
    '<nav class="bd-links"><a href="elbo.html">7. The ELBO</a> '
    '<a href="pca-by-hand.html">1. PCA by hand</a> <a href="#">Twenty questions</a></nav>'
)


@pytest.fixture
def look(look: Show) -> Show:
    return partial(look, SelfTest, before=NAV)


# ---------------------------------------------------------------- judging, in JavaScript


def test_every_number_and_every_slip_is_judged_as_it_says(call: Call) -> None:
    questions = SelfTest().questions
    seen = 0
    for plain, question in zip(questions, QUESTIONS, strict=True):
        if question.answer is None:
            continue
        values = [question.answer, *(s.value for s in question.slips), 7654.3]
        got = call("quiz", "a[1].map((v) => m.judge(a[0], [v]))", plain, values)
        whys = [question.why, *(s.why for s in question.slips), question.hint]
        assert [g["why"] for g in got] == whys
        assert [g["right"] for g in got] == [True] + [False] * (len(values) - 1)
        seen += len(values)
    assert seen > 50


def test_every_choice_is_judged_as_it_says(call: Call) -> None:
    questions = SelfTest().questions
    for plain, question in zip(questions, QUESTIONS, strict=True):
        body = "a[1].map((v) => m.judge(a[0], v))"
        if kind(question) == "one":
            got = call("quiz", body, plain, [[i] for i in range(4)])
            assert got == [{"right": c.right, "why": c.why} for c in question.choices]
        elif kind(question) == "all":
            sets = [[i for i in range(4) if n >> i & 1] for n in range(16)]
            right = [i for i, c in enumerate(question.choices) if c.right]
            got = call("quiz", body, plain, sets)
            assert [g["right"] for g in got] == [s == right for s in sets]
            for chosen, told in zip(sets, got, strict=True):
                if chosen == right:
                    assert told["why"] == question.why
                    continue
                first = min({*chosen} ^ {*right})
                assert question.choices[first].why in told["why"]
                word = "left out" if first in right else "ticked"
                assert told["why"].startswith(f"You {word}")
                assert told["why"].endswith("this is one.)") == (len({*chosen} ^ {*right}) > 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("96", 96), (" 96 % ", 96), ("0.126", 0.126), ("0,126", 0.126), (",5", 0.5), ("−3", -3),
        ("-.5", -0.5), ("1/8", 0.125), ("1,024", 1024), ("1 024", 1024), ("1,024.5", 1024.5),
        ("5e-1", 0.5), ("12,5", 12.5), ("", None), ("x", None), ("1/0", None), ("1/2/3", None),
        ("1.2.3", None), ("four", None), ("1,02,4", None), ("NaN", None), ("Infinity", None),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(call: Call, text: str, value: float | None) -> None:
    assert call("quiz", "m.parse(a[0])", text) == value


def test_what_was_missed(call: Call) -> None:
    verdicts = [[], [True], [False, True], [False], [], [False]]
    revealed = [False, False, False, False, True, True]
    body = "[a[0].map((v, i) => m.standing(v, a[1][i])), m.missed(...a)]"
    states, missed = call("quiz", body, verdicts, revealed)
    assert states == ["open", "first", "later", "wrong", "shown", "shown"]
    assert missed == [2, 3, 4, 5]


# ---------------------------------------------------------------- in the page


def inputs(figure: FigureDriver) -> Any:
    return figure.root.locator(".ae-question input")


def choose(figure: FigureDriver, question: Question, places: list[int], way: str) -> None:
    """Choose answers, or type the number, as a reader does."""
    for i in places:
        target = inputs(figure).nth(i)
        if way == "touch":
            target.tap()
        elif way == "keyboard":
            figure.keys(target, "Space")
        else:
            target.click()


def press(figure: FigureDriver, name: str, way: str) -> None:
    if way == "touch":
        figure.button(name).tap()
    elif way == "keyboard":
        figure.keys(figure.button(name), "Enter")
    else:
        figure.button(name).click()


def right(question: Question) -> list[int]:
    return [i for i, c in enumerate(question.choices) if c.right]


def test_the_whole_test_by_keyboard_alone(look: Show) -> None:
    """Tab, arrows, Space, Enter and typing: nothing else, and never a focus set from outside."""
    figure = look(before="")
    keyboard = figure.page.keyboard
    keyboard.press("Tab")  # the numbers of the questions
    keyboard.press("Tab")  # the answer
    for i, question in enumerate(QUESTIONS):
        assert figure.text("topic").startswith(f"Question {i + 1} of 20")
        focused = figure.page.evaluate("document.activeElement.closest('.ae-question') !== null")
        assert focused, question.topic
        if question.answer is not None:
            keyboard.type(f"{question.answer:g}")
        elif kind(question) == "one":
            for _ in range(right(question)[0]):
                keyboard.press("ArrowDown")
            if right(question)[0] == 0:
                keyboard.press("Space")
        else:
            for place in range(4):
                if place in right(question):
                    keyboard.press("Space")
                if place < 3:
                    keyboard.press("Tab")
        keyboard.press("Enter")
        why = question.why or question.choices[right(question)[0]].why
        assert figure.text("verdict").startswith(f"Right. {why.replace('−', '-')}"), question.topic
        assert figure.value("first") == i + 1
        name = figure.page.evaluate("document.activeElement.textContent")
        assert name == "Next"
        keyboard.press("Enter")
    assert figure.text("first") == "20 of 20"
    assert figure.value("open") == 0
    assert figure.text("reread") == "All right at the first try."
    assert not figure.button("Again the ones you missed").is_visible()
    assert figure.text("topic").startswith("Question 1 of 20")  # round again


@pytest.mark.parametrize("way", ["mouse", "touch", "keyboard"])
def test_a_wrong_answer_is_named_and_may_be_changed(look: Show, way: str) -> None:
    figure = look(has_touch=True)
    press(figure, "Check", way)
    assert figure.text("verdict") == "Type a number, such as 12, 0.5 or 1/8."
    inputs(figure).fill("0.96")
    press(figure, "Check", way)
    slip = QUESTIONS[0].slips[0]
    assert figure.text("verdict") == f"Not yet. {slip.why}"
    assert [figure.value(k) for k in ("first", "solved", "open")] == [0, 0, 19]
    inputs(figure).fill("96")
    press(figure, "Check", way)
    assert figure.text("verdict").startswith(f"Right. {QUESTIONS[0].why}")
    assert [figure.value(k) for k in ("first", "solved", "open")] == [0, 1, 19]
    assert inputs(figure).is_disabled()
    press(figure, "Next", way)

    press(figure, "Check", way)
    assert figure.text("verdict") == "Choose an answer first."
    one = QUESTIONS[1]
    choose(figure, one, [2], way)
    press(figure, "Check", way)
    assert figure.text("verdict") == f"Not yet. {one.choices[2].why}"
    press(figure, "Show the answer", way)
    assert "The answer is" in figure.text("verdict")
    answer = next(c for c in one.choices if c.right)
    assert answer.text in figure.text("verdict")
    assert inputs(figure).nth(1).is_checked()
    assert [figure.value(k) for k in ("first", "solved", "open")] == [0, 1, 18]
    assert "PCA by hand" in figure.text("reread")

    press(figure, "Again the ones you missed", way)
    assert figure.text("topic").startswith("Question 1 of 20")
    assert inputs(figure).input_value() == ""
    assert [figure.value(k) for k in ("first", "solved", "open")] == [0, 0, 20]
    inputs(figure).fill("96,0")
    press(figure, "Check", way)
    assert [figure.value(k) for k in ("first", "solved", "open")] == [1, 1, 19]
    press(figure, "Start again", way)
    assert [figure.value(k) for k in ("first", "solved", "open")] == [0, 0, 20]
    assert not figure.button("Start again").is_visible()


def test_all_that_apply_gives_one_hint_at_a_time(look: Show) -> None:
    figure = look()
    place = next(i for i, q in enumerate(QUESTIONS) if kind(q) == "all")
    question = QUESTIONS[place]
    figure.root.get_by_role("radio", name=f"question {place + 1},").click(force=True)
    figure.button("Check").click()  # nothing ticked is an answer too
    first = right(question)[0]
    said = figure.text("verdict")
    assert said.startswith(f"Not yet. You left out “{question.choices[first].text}”")
    assert sum(c.why in said for c in question.choices) == 1
    choose(figure, question, right(question), "mouse")
    figure.button("Check").click()
    assert figure.text("verdict").startswith("Right.")
    for choice in question.choices:  # now all of them are explained
        assert choice.why in figure.text("verdict")


def test_what_is_ticked_but_not_checked_waits(look: Show) -> None:
    figure = look()
    inputs(figure).fill("12.5")
    figure.button("Next").click()
    inputs(figure).nth(3).check()
    figure.root.get_by_role("radio", name="question 1,").click(force=True)
    assert inputs(figure).input_value() == "12.5"
    figure.button("Next").click()
    assert inputs(figure).nth(3).is_checked()
    assert figure.value("open") == 20


def test_a_link_appears_with_its_page(look: Show) -> None:
    elbo = next(i for i, q in enumerate(QUESTIONS) if q.page == "elbo")
    later = next(i for i, q in enumerate(QUESTIONS) if q.page == "how-much-kl")

    def open_answer(figure: FigureDriver, place: int) -> Any:
        figure.root.get_by_role("radio", name=f"question {place + 1},").click(force=True)
        inputs(figure).fill(str(QUESTIONS[place].answer))
        figure.button("Check").click()
        return figure.root.locator(".ae-verdict a")

    figure = look()
    link = open_answer(figure, elbo)
    assert link.inner_text() == f"The ELBO: {QUESTIONS[elbo].section}"
    address = link.get_attribute("href") or ""
    assert address.endswith("/elbo.html#second-derivation-how-far-is-q-from-the-posterior")
    assert open_answer(figure, later).count() == 0  # in the book, a page that is not there
    assert "In the book" not in figure.text("verdict")
    figure = look(before="")  # outside of the book, as in Jupyter: the name of the file
    assert open_answer(figure, elbo).count() == 0
    assert f"In the book: elbo.md: {QUESTIONS[elbo].section}" in figure.text("verdict")


@pytest.mark.parametrize("width", [320, 1280])
def test_no_question_overflows(look: Show, width: int) -> None:
    figure = look(viewport={"width": width, "height": 900})
    for i in range(20):
        figure.root.get_by_role("radio", name=f"question {i + 1},").click(force=True)
        if QUESTIONS[i].answer is not None:
            inputs(figure).fill("1")
        else:
            inputs(figure).first.check()
        figure.button("Check").click()
        if figure.button("Show the answer").is_visible():
            figure.button("Show the answer").click()
        assert figure.page.evaluate("document.documentElement.scrollWidth") <= width
        wide = figure.root.evaluate(
            """(r) => [...r.querySelectorAll("p:not(.ae-live), label")]
                .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"""
        )
        assert wide == []
