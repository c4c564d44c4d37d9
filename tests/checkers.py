"""What the tests of every chapter's checkers ask of a verdict and of an exercise."""

import re
from typing import Any


def assert_right(verdict: Any) -> None:
    assert verdict.passed, verdict.hint
    assert ": right. " in repr(verdict)


def assert_not_yet(verdict: Any, hint: str) -> None:
    """The answer is refused, with a hint that names the mistake."""
    assert not verdict.passed
    assert re.search(hint, verdict.hint), verdict.hint
    assert ": not yet. " in repr(verdict)


def assert_hint(verdict: Any, hint: str) -> None:
    """The answer is refused, and the hint holds these very words."""
    assert not verdict
    assert hint in verdict.hint
