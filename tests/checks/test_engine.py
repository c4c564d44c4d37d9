import numpy as np
import pytest
import torch

from aeteach.checks._engine import Exercise, Mistake, Quantity

X = np.random.default_rng(0).normal(size=(5, 3)) + 2
Y = np.random.default_rng(1).normal(size=(7, 2)) - 1
EXERCISE = Exercise(
    name="Column means",
    right=lambda X: X.mean(0),
    inputs=[(X,), (Y,)],
    mistakes=[
        Mistake("You averaged the rows.", lambda X: X.mean(1)),
        Mistake("One mean for all.", lambda X: X.mean()),
    ],
    praise="Yes.",
)


@pytest.mark.parametrize(
    "answer",
    [
        lambda X: X.mean(0),
        lambda X: torch.tensor(X).mean(0),
        lambda X: X.mean(dim=0),  # written for torch alone
        lambda X: [sum(column) / len(column) for column in X.T],
        lambda X: np.ones(len(X)) @ X / len(X),
    ],
    ids=["numpy", "returns a tensor", "wants a tensor", "list", "other order"],
)
def test_a_right_answer_passes_in_any_form(answer):
    verdict = EXERCISE.check(answer)
    assert verdict
    assert repr(verdict) == "Column means: right. Yes."


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda X: X.mean(1), "You averaged the rows."),
        (lambda X: X.mean(), "One mean for all."),
        (lambda X: None, "returns nothing"),
        (lambda X: X, r"shape \(5, 3\); expected \(3,\)"),
        (lambda X: X.mean(0) * np.nan, "NaN or infinity"),
        (lambda X: -X.mean(0), "wrong sign"),
        (lambda X: 2 * X.mean(0), "off by the same factor"),
        (lambda X: X.mean(0) + 1, "numbers are not"),
        (lambda X: X.sum(0) / 5, "Right on 1 of 2 inputs"),
        (lambda X: "three", "your function returned str 'three'"),
        (lambda X: X.no_such, "raised AttributeError"),
        (lambda X: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (X.mean(0), "without calling it"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(answer, hint):
    verdict = EXERCISE.check(answer)
    assert not verdict
    with np.printoptions(precision=3):
        assert str(X.mean(0)[0])[:6] not in verdict.hint
    import re

    assert re.search(hint, verdict.hint), verdict.hint


def test_an_answer_that_changes_its_input_is_told_so_and_the_inputs_survive():
    before = X.copy()

    def spoils(X):
        X -= X.mean(0)
        return X.sum(0)

    assert "changes the array it is given" in EXERCISE.check(spoils).hint
    assert np.array_equal(X, before)


def test_no_mistake_agrees_with_the_right_answer():
    for arguments in EXERCISE.inputs:
        for mistake in EXERCISE.mistakes:
            assert not EXERCISE._agree(mistake.wrong(*arguments), EXERCISE.right(*arguments))


QUANTITY = Quantity("Parameters", 5122, [(4096, "The biases count too.")], "All counted.")


@pytest.mark.parametrize("answer", [5122, 5122.0, np.int64(5122), torch.tensor(5122)])
def test_a_right_number_passes_in_any_type(answer):
    assert QUANTITY.check(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (4096, "biases count too"),
        (-5122, "wrong sign"),
        (10244, "numbers are not"),
        ("many", "expects a number; it got str"),
        (None, "expects a number; there is none yet"),
        (lambda: 5122, "a number, not a function"),
    ],
)
def test_a_wrong_number_is_told_what_is_wrong(answer, hint):
    import re

    verdict = QUANTITY.check(answer)
    assert not verdict
    assert re.search(hint, verdict.hint), verdict.hint


def test_an_answer_of_several_numbers_may_be_a_tuple_a_list_or_an_array():
    pair = Quantity("Pair", (6, 2), [((2, 6), "The larger first.")], "Both.")
    for answer in ((6, 2), [6.0, 2.0], np.array([6, 2]), torch.tensor([6, 2])):
        assert pair.check(answer)
    assert pair.check((2, 6)).hint == "The larger first."
    assert "shape" in pair.check((6, 2, 1)).hint


def test_no_hint_gives_a_number_of_the_right_answer_away():
    exercise = Exercise(
        "Two", lambda X: (X.mean(), X.std()), [(X,), (Y,)], [], "Yes.", same=lambda a, b: False
    )
    hint = exercise.check(lambda X: "no").hint
    assert "a tuple of 2" in hint
    assert f"{X.mean():.2f}"[:4] not in hint


def test_a_verdict_shows_itself_as_html_with_nothing_unescaped():
    verdict = EXERCISE.check(lambda X: "<b>")
    assert "&lt;b&gt;" in verdict._repr_html_()
    assert 'role="status"' in verdict._repr_html_()
    assert "admonition tip" in EXERCISE.check(lambda X: X.mean(0))._repr_html_()
