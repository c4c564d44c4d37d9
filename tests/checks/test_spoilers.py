"""No visible cell, sentence or hint tells a reader the answer before the solution does."""

import ast
import json
import re
from typing import Any

import numpy as np
import pytest

from aeteach import checks
from aeteach.checks._exercise import secret_of
from tests import told as book
from tests.paths import ROOT

TOLD = book.told()
exercises = pytest.mark.parametrize("told", TOLD, ids=[t.checker for t in TOLD])


@exercises
def test_nothing_that_is_visible_above_an_exercise_is_its_answer(told: book.Told) -> None:
    wanted = book.answers(told.solution) | book.steps(told.solution)
    wanted -= book.expressions(told.first)
    for code in (*told.above, *inline_code(told.prose + told.text)):
        assert not wanted & book.expressions(code), code


def inline_code(prose: str) -> list[str]:
    """Return what stands between backticks and is an expression."""
    found = []
    for code in re.findall(r"(?<![}`])`([^`\n]+)`", prose):
        try:
            ast.parse(code, mode="eval")
        except SyntaxError:
            continue
        found.append(code)
    return found


def test_an_answer_is_found_under_other_names_and_in_steps() -> None:
    wanted = book.answers("def f(n, k):\n    a = n - k\n    return a // 2 + 1, k")
    assert wanted == book.answers("def g(x, y):\n    return (x - y) // 2 + 1")
    assert wanted <= book.expressions("print([(p - q) // 2 + 1 for p, q in pairs])")
    assert wanted <= book.expressions("def h(s, t):\n    u = s - t\n    return u // 2 + 1")
    assert not wanted & book.expressions("(p - q) // 2 - 1")
    assert book.answers("def f(x):\n    return np.exp(x)") == book.answers(
        "def f(y):\n    return torch.exp(y)"
    )


# ---------------------------------------------------------------- the first try, and the solution


def verdicts(chapter: str, code: str) -> list[str]:
    """Return what the checkers say in the stored outputs of the cells of some code."""
    path = ROOT / "tests" / "reference" / f"{chapter}.ipynb"
    said = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"]).strip()
        if "checks." in source and source in code:
            outputs: list[Any] = cell["outputs"]
            said += ["".join(o["data"]["text/plain"]) for o in outputs if "data" in o]
    return said


@exercises
def test_the_first_try_is_wrong_and_the_solution_is_right(told: book.Told) -> None:
    first, solution = verdicts(told.chapter, told.first), verdicts(told.chapter, told.solution)
    assert first
    assert solution
    assert all(": not yet." in said for said in first), first
    assert all(": right." in said for said in solution), solution


def printed_above(told: book.Told) -> str:
    """Return what the compared cells above an exercise print."""
    path = ROOT / "tests" / "reference" / f"{told.chapter}.ipynb"
    said: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if f"checks.{told.checker}(" in "".join(cell["source"]):
            break
        said += ["".join(o.get("text") or o["data"].get("text/plain", "")) for o in cell["outputs"]]
    return "\n".join(said)


ON_PAPER = [t for t in TOLD if isinstance(checks.exercises().get(t.checker), checks.Quantity)]


@pytest.mark.parametrize("told", ON_PAPER, ids=[t.checker for t in ON_PAPER])
def test_no_sentence_or_output_above_an_exercise_holds_its_number(told: book.Told) -> None:
    above = told.prose + told.text + printed_above(told)
    for value in np.ravel(secret_of(getattr(checks, told.checker))[0]).astype(float):
        forms = {f"{value:.{digits}f}" for digits in range(5)} | {f"{value:,.0f}"}
        close = {f for f in forms if np.isclose(float(f.replace(",", "")), value, rtol=2e-3)}
        for form in close:
            if len(re.sub(r"\D", "", form).lstrip("0")) > 2:  # others stand for anything
                assert not re.search(rf"(?<![\d.,]){re.escape(form)}(?!\d)", above), form


# ---------------------------------------------------------------- hints


def hints(exercise: Any) -> list[str]:
    secret = secret_of(exercise)
    if isinstance(exercise, checks.Rounds):
        return [hint for part in secret for hint in hints(part)]
    if isinstance(exercise, checks.Quantity):
        return [hint for _, hint in secret[1]]
    return [*(mistake.hint for mistake in secret.mistakes), secret.otherwise]


@exercises
def test_no_hint_holds_a_line_of_the_solution(told: book.Told) -> None:
    exercise = checks.exercises().get(told.checker)
    if not isinstance(exercise, checks.Exercise | checks.Quantity | checks.Rounds):
        pytest.skip("its hints are made while it judges")
    pieces = {
        re.sub(r"\s", "", ast.unparse(node.value))
        for node in ast.walk(ast.parse(told.solution))
        if isinstance(node, ast.Return | ast.Assign) and node.value
    }
    pieces = {piece for piece in pieces if len(piece) > 8}
    if isinstance(exercise, checks.Quantity) and exercise._digits is None:
        value = secret_of(exercise)[0]
        pieces |= {str(value), f"{value:,}"} if np.ndim(value) == 0 else {str(value)}
    for hint in hints(exercise):
        close = re.sub(r"\s", "", hint)
        assert not [piece for piece in pieces if piece in close], hint
