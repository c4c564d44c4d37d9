"""The engine of the checkers on an exercise of its own: what it says in each case."""

import itertools
import re
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.checks import Exercise, Judged, Mistake, Quantity, Rounds

MEANS = [(5, 3), (7, 2), (4, 4), (1, 3), (6, 1)]


def _tables(rng: np.random.Generator) -> Iterator[tuple[Any]]:
    for n, d in MEANS:
        yield (rng.normal(2, 1, size=(n, d)),)


def _means(X: Any) -> Any:
    return X.mean(axis=0)


EXERCISE = Exercise(
    "Column means",
    _means,
    inputs=_tables,
    about="X (N, d) -> the mean of each column, (d,).",
    praise="Yes.",
    mistakes=[
        Mistake("You averaged the rows.", lambda X: X.mean(1)),
        Mistake("One mean for all.", lambda X: X.mean()),
    ],
    otherwise="Try it on a table done by hand.",
)


@pytest.mark.parametrize(
    "answer",
    [
        lambda X: X.mean(0),
        lambda X: torch.tensor(X).mean(0),
        lambda X: X.mean(dim=0),  # written for torch alone
        lambda X: [sum(column) / len(column) for column in X.T],
        lambda X: np.ones(len(X)) @ X / len(X),
        lambda X: [sum(row[j] for row in X) / len(X) for j in range(len(X[0]))],
        lambda X: dict(enumerate(X.mean(0))).values(),
    ],
    ids=["numpy", "a tensor", "wants a tensor", "list", "other order", "lists", "a view"],
)
def test_a_right_answer_passes_in_any_form(answer: Any) -> None:
    verdict = EXERCISE(answer)
    assert verdict, verdict
    assert repr(verdict) == "Column means: right. Yes."


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda X: X.mean(1), "^You averaged the rows.$"),
        (lambda X: X.mean(), "^One mean for all.$"),
        (lambda X: None, "returns nothing"),
        (
            lambda X: np.stack([X, -3 * X]),
            r"On input 1 of 5 \(X of shape \(5, 3\)\) the result has shape",
        ),
        (lambda X: np.sqrt(-np.exp(X.mean(0) * 7)), "the result holds NaN"),
        (lambda X: -X.mean(0), r"Line \d+, `-X.mean\(0\)`: there is a minus sign too many"),
        (lambda X: 2 * X.mean(0), "`2` in `2 . X.mean.0.`: this constant factor is one too many"),
        (lambda X: X.mean(0) + 0.123, "this term is one too many"),
        (lambda X: X.sum(0) / 5, r"`5`|a sum is taken where an average"),
        (lambda X: "three", "your function returned str 'three'"),
        (lambda X: X.no_such, "raised AttributeError"),
        (lambda X: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (np.ones(3), "ndarray of shape .3,.; it expects the function itself, without calling"),
        (lambda X: np.sin(X.mean(0) * 7) ** 3, "Try it on a table done by hand"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(answer: Any, hint: str) -> None:
    verdict = EXERCISE(answer)
    assert not verdict
    assert re.search(hint, verdict.hint), verdict.hint


def test_an_answer_that_changes_its_input_is_told_so_and_the_inputs_survive() -> None:
    def spoils(X: Any) -> Any:
        X -= X.mean(0)
        return X.sum(0)

    assert "changes the array it is given" in EXERCISE(spoils).hint
    assert EXERCISE(_means)


def test_what_is_said_of_a_right_part() -> None:
    both = Exercise(
        "Mean and spread",
        lambda X: (X.mean(axis=0), np.sqrt(((X - X.mean(axis=0)) ** 2).mean(axis=0))),
        inputs=_tables,
        about="",
        praise="",
    )
    hint = both(lambda X: (X.mean(0), np.cos(X * 3).sum(0) ** 3)).hint
    assert "Of the results, the first is right on every input, the second is not." in hint
    assert "a tuple of 2 is expected" in both(lambda X: "no").hint
    assert "yours has 3 entries" in both(lambda X: (1, 2, 3)).hint


QUANTITY = Quantity(
    "Parameters",
    5122,
    about="",
    praise="All counted.",
    mistakes=[(4096, "The biases count too.")],
    digits=None,
)


@pytest.mark.parametrize("answer", [5122, 5122.0, np.int64(5122), torch.tensor(5122), [5122]])
def test_a_right_number_passes_in_any_type(answer: Any) -> None:
    assert QUANTITY(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (4096, "biases count too"),
        (-5122, "sign is wrong"),
        (10244, "This is not the number"),
        ("many", "expects a number; it got str"),
        (None, "expects a number; there is none yet"),
        (lambda: 5122, "a number, not a function"),
        (float("nan"), "NaN and infinity are no answer"),
        ([5122, 1], "it got 2 numbers"),
    ],
)
def test_a_wrong_number_is_told_what_is_wrong(answer: Any, hint: str) -> None:
    verdict = QUANTITY(answer)
    assert not verdict
    assert hint in verdict.hint


def test_an_answer_of_several_numbers_may_be_a_tuple_a_list_or_an_array() -> None:
    mistakes = [((2.0, 6.0), "The larger first.")]
    pair = Quantity("Pair", (6, 2), about="", praise="Both.", mistakes=mistakes)
    for answer in ((6, 2), [6.0, 2.0], np.array([6, 2]), torch.tensor([6, 2]), {"a": 6, "b": 2}):
        assert pair(answer)
    assert pair((2, 6)).hint == "The larger first."
    assert pair((6, 3)).hint == "1 of the 2 numbers are right where they stand."
    assert "it got 3 numbers" in pair((6, 2, 1)).hint


@pytest.mark.parametrize(("answer", "right"), [(0.123, 1), (0.1234, 1), (0.12, 0), (0.125, 0)])
def test_a_number_is_right_to_the_digits_asked_for(answer: float, right: int) -> None:
    assert bool(Quantity("Share", 0.12345, about="", praise="", digits=3)(answer)) == bool(right)


def test_a_later_round_is_asked_when_the_earlier_are_passed() -> None:
    first = Judged("First", lambda a: None if a > 1 else "Not above 1.", about="", praise="")
    second = Judged("Second", lambda a: None if a > 2 else "Not above 2.", about="", praise="Both.")
    rounds = Rounds(first, second, about="")
    assert [rounds(a).hint for a in (1, 2, 3)] == ["Not above 1.", "Not above 2.", "Both."]


def test_no_hint_gives_a_number_of_the_right_answer_away() -> None:
    hints = [EXERCISE(lambda X, w=w: w(X)).hint for w in (np.sum, np.max, len, lambda X: "no")]
    found = EXERCISE(lambda X: X.mean(0) * np.pi + 0.77).hint
    for hint in [*hints, found]:
        assert not re.search(r"\d\.\d{3}", hint), hint


def test_a_verdict_shows_itself_as_html_with_nothing_unescaped() -> None:
    verdict = EXERCISE(lambda X: "<b>")
    assert "&lt;b&gt;" in verdict._repr_html_()
    assert 'role="status"' in verdict._repr_html_()
    assert "admonition tip" in EXERCISE(_means)._repr_html_()


# ---------------------------------------------------------------- time and memory


def _asks_for_the_world(X: Any) -> Any:
    return np.ones(10**10) + X.mean()


def _sleeps(X: Any) -> Any:
    time.sleep(100)


def _counts(X: Any) -> Any:
    return sum(i for i in itertools.count())


def _repeats(X: Any) -> Any:
    return [0] * 10**12


def _towers(X: Any) -> Any:
    return 10 ** (10**9) % 7


def _waits_a_little(X: Any) -> Any:
    start = time.thread_time()
    while time.thread_time() - start < 0.3:
        pass
    return X - X.mean(0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (_asks_for_the_world, "MemoryError|out of memory"),
        (_sleeps, "did not come to an end"),
        (_counts, "did not come to an end"),
        (_repeats, "MemoryError"),
        (_towers, "did not come to an end|MemoryError"),
        (_waits_a_little, "may well be right, but it is too slow"),
    ],
)
def test_no_answer_takes_more_than_the_budget(answer: Any, hint: str) -> None:
    start = time.thread_time()
    said = checks.centring(answer).hint
    assert re.search(hint, said), said
    assert time.thread_time() - start < 2


def test_edited_code_that_asks_for_any_number_of_anything_is_stopped() -> None:
    """With other operators this asks for a list of 10^60 entries, or a tower of powers."""

    def answer(filters: Any, side: int, features: int, latent: int) -> Any:
        total = sum(10**9 * side**3 * f**9 for f in filters)
        return (total + 2 * (features * latent + latent)) * [1]

    start = time.thread_time()
    assert not checks.encoder_parameters(answer)
    assert time.thread_time() - start < 2


def test_the_limit_of_memory_is_lifted_after_a_check() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    checks.centring(_asks_for_the_world)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(("answer", "hint"), [(0.12, "Rounded too far"), (0.1, "Rounded too far")])
def test_what_is_rounded_too_far_is_told_so(answer: float, hint: str) -> None:
    verdict = Quantity("Share", 0.12345, about="", praise="", digits=3)(answer)
    assert not verdict
    assert hint in verdict.hint
