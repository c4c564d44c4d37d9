"""Exercises worked on paper: the page judges an answer as the checker does, and remembers it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from aeteach import checks
from aeteach.checks._exercise import Quantity, secret_of
from tests.browser.conftest import NewPage
from tests.browser.driver import standalone
from tests.paths import BOOK

sys.path.insert(0, str(BOOK / "_ext"))  # as _config.yml does
from aeteach_book import answers

SCRIPT = (BOOK / "static" / "answers.js").read_text(encoding="utf-8")
QUANTITIES = {name: each for name, each in vars(checks).items() if isinstance(each, Quantity)}
JUDGE = """([sealed, texts]) => {
    const check = aeAnswers.open(sealed);
    return texts.map((text) => aeAnswers.judge(check, text)).map((v) => [v.passed, v.hint]);
}"""


@pytest.fixture
def judging(new_page: NewPage, tmp_path: Path) -> Page:
    (tmp_path / "index.html").write_text(standalone(f"<script>{SCRIPT}</script>"), "utf-8")
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    return page


def tried(exercise: Quantity) -> Iterator[list[float]]:
    """Answers of every kind: right, rounded, nearly right, each mistake, moved about, too many."""
    value, mistakes = secret_of(exercise)
    right = np.atleast_1d(np.asarray(value, dtype=float))
    yield from ([*right], [*-right], [*right[::-1]], [*right, 1.0], [*(right * 0)])
    for digits in range(1, 7):
        yield [float(f"{x:.{digits}g}") for x in right]
    for part in (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1):
        yield from ([*(right * (1 + part))], [*(right * (1 - part))])
    for wrong, _ in mistakes:
        each = np.atleast_1d(np.asarray(wrong, dtype=float))
        yield from ([*each], [*-each], [*(each * (1 + 1e-3))])
    rng = np.random.default_rng(0)
    for _ in range(20):
        yield [*(right * rng.choice([-1, 1, 1, 2, 0.5], size=right.size))]


@pytest.mark.parametrize("name", QUANTITIES)
def test_the_page_judges_as_the_checker_does(judging: Page, name: str) -> None:
    exercise = QUANTITIES[name]
    given = list(tried(exercise))
    texts = [", ".join(repr(float(x)) for x in each) for each in given]
    found = judging.evaluate(JUDGE, [answers.sealed(exercise), texts])
    for each, (passed, hint) in zip(given, found, strict=True):
        said = exercise(each[0] if len(each) == 1 else tuple(each))
        assert (passed, hint) == (said.passed, said.hint), each
    assert {passed for passed, _ in found} == {True, False}
    assert len({hint for _, hint in found}) >= 4


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "there is none yet"),
        ("six and two", "it got “six”"),
        ("6", "expects 2 numbers; it got 1 number."),
        ("6, 2, 1", "it got 3 numbers"),
        ("6, 1/0", "look for a division by 0"),
        ("6, 1e999", "look for a division by 0"),
    ],
)
def test_what_is_no_answer_is_said(judging: Page, text: str, hint: str) -> None:
    sealed = answers.sealed(checks.paper_eigenvalues)
    ((passed, said),) = judging.evaluate(JUDGE, [sealed, [text]])
    assert not passed
    assert hint in said


@pytest.mark.parametrize("text", ["6, 2", "(6, 2)", "12/2; 4/2", "6 2.0", "6.00,2.00"])
def test_a_right_answer_may_be_written_in_several_ways(judging: Page, text: str) -> None:
    sealed = answers.sealed(checks.paper_eigenvalues)
    ((passed, said),) = judging.evaluate(JUDGE, [sealed, [text]])
    assert passed
    assert said == checks.paper_eigenvalues((6, 2)).hint


def test_a_right_answer_is_remembered_and_a_wrong_one_is_not(
    new_page: NewPage, tmp_path: Path
) -> None:
    form = answers.form("paper_eigenvalues", checks.paper_eigenvalues)
    (tmp_path / "index.html").write_text(standalone(form + f"<script>{SCRIPT}</script>"), "utf-8")
    page = new_page(viewport={"width": 320, "height": 600})
    page.goto((tmp_path / "index.html").as_uri())
    box = page.get_by_role("textbox", name="Your answer")
    box.fill("2, 6")
    page.keyboard.press("Enter")
    assert page.locator("output").inner_text().startswith("Not yet. ")
    page.reload()
    assert box.input_value() == ""
    box.fill("6, 2")
    page.get_by_role("button", name="Check").click()
    right = page.locator("output").inner_text()
    assert right.startswith("Right. ")
    page.reload()
    assert box.input_value() == "6, 2"
    assert page.locator("output").inner_text() == right
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.evaluate("localStorage.clear()")


def test_the_page_source_does_not_show_the_answer() -> None:
    for name, exercise in QUANTITIES.items():
        form = answers.form(name, exercise)
        value, mistakes = secret_of(exercise)
        for shown in [*map(repr, np.atleast_1d(value).tolist()), *(hint for _, hint in mistakes)]:
            assert f'"{shown}"' not in form
            assert len(shown) < 4 or shown not in form


def test_every_exercise_worked_on_paper_is_offered_on_its_page() -> None:
    found: dict[str, Any] = {}
    for path in BOOK.glob("*.md"):
        found |= {c: label for label, c in answers.checkers(path.read_text("utf-8")).items()}
    assert set(QUANTITIES) <= set(found)


@pytest.mark.parametrize("kept", ["null", "5", '"text"', "[1]", "{broken"])
def test_whatever_another_page_has_left_in_the_browser_the_box_is_there(
    new_page: NewPage, tmp_path: Path, kept: str
) -> None:
    form = answers.form("paper_eigenvalues", checks.paper_eigenvalues)
    (tmp_path / "index.html").write_text(standalone(form + f"<script>{SCRIPT}</script>"), "utf-8")
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.evaluate("(kept) => localStorage.setItem('aeteach:answers', kept)", kept)
    page.reload()
    page.get_by_role("textbox", name="Your answer").fill("6, 2")
    page.keyboard.press("Enter")
    assert page.locator("output").inner_text().startswith("Right. ")
    stored = page.evaluate("JSON.parse(localStorage.getItem('aeteach:answers'))")
    assert stored["paper_eigenvalues"] == "6, 2"
    page.evaluate("localStorage.clear()")
