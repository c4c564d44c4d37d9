"""What the tests of every chapter's checkers ask of a verdict and of an exercise."""

import re
from typing import Any

import numpy as np


def assert_right(verdict: Any) -> None:
    assert verdict.passed, verdict.hint
    assert ": right. " in repr(verdict)


def assert_not_yet(verdict: Any, hint: str) -> None:
    """The answer is refused, with a hint that names the mistake."""
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint
    assert ": not yet. " in repr(verdict)


def assert_apart(exercise: Any) -> None:
    """On the exercise's inputs no two mistakes agree, and none agrees with the right answer."""
    named = {"the answer": exercise.right} | {m.hint: m.wrong for m in exercise.mistakes}
    assert len(named) == 1 + len(exercise.mistakes), "two mistakes share a hint"
    results = {hint: [f(*a) for a in exercise.inputs] for hint, f in named.items()}
    for hint, got in results.items():
        for other, want in results.items():
            agree = all(exercise._agree(g, w) for g, w in zip(got, want, strict=True))
            assert agree == (hint == other), (hint, other)


def assert_hint(verdict: Any, hint: str) -> None:
    """The answer is refused, and the hint holds these very words."""
    assert not verdict
    assert hint in verdict.hint


def assert_finite(exercise: Any) -> None:
    """No mistake gives infinity or NaN, with which every answer would disagree alike."""
    for mistake in exercise.mistakes:
        for arguments in exercise.inputs:
            result = mistake.wrong(*arguments)
            for part in result if isinstance(result, tuple) else (result,):
                assert np.isfinite(part).all(), mistake.hint


def assert_numbers_named(quantity: Any) -> None:
    """Each wrong number gets its own hint."""
    for wrong, hint in quantity.mistakes:
        assert quantity.check(wrong).hint == hint


def assert_each_named(exercise: Any) -> None:
    """Each mistake, given as the answer, gets its own hint and not an earlier one's."""
    for mistake in exercise.mistakes:
        verdict = exercise.check(mistake.wrong)
        assert not verdict
        assert verdict.hint == mistake.hint
