"""What is asked of every exercise alike: right answers in any form pass, wrong ones are refused."""

import collections
from typing import Any

import numpy as np
import pytest
import torch

from aeteach import checks
from aeteach.checks._agree import plain
from aeteach.checks._exercise import secret_of

ALL = checks.exercises()
FUNCTIONS = {
    f"{name}[{i}]" if isinstance(exercise, checks.Rounds) else name: part
    for name, exercise in ALL.items()
    for i, part in enumerate(
        secret_of(exercise) if isinstance(exercise, checks.Rounds) else [exercise]
    )
    if isinstance(part, checks.Exercise)
}
NUMBERS = {name: e for name, e in ALL.items() if isinstance(e, checks.Quantity)}
functions = pytest.mark.parametrize("name", FUNCTIONS)
numbers = pytest.mark.parametrize("name", NUMBERS)


# ---------------------------------------------------------------- right answers in any form


def nested(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def tensor(dtype: torch.dtype) -> Any:
    return lambda value: torch.tensor(np.array(value)).to(dtype)


def parameter(value: Any) -> Any:
    made = torch.tensor(np.asarray(value, dtype=np.float64))
    return torch.nn.Parameter(made)


def needs_grad(value: Any) -> Any:
    return torch.tensor(np.asarray(value, dtype=np.float64), requires_grad=True) * 1


FORMS = {
    "as it is": lambda v: v,
    "nested lists": nested,
    "nested tuples": lambda v: tuple(map(nested, v)) if np.ndim(v) else v,
    "float64 tensor": tensor(torch.float64),
    "float32 tensor": tensor(torch.float32),
    "float32 array": lambda v: np.asarray(v, dtype=np.float32),
    "0-d": lambda v: np.asarray(v),
    "Parameter": parameter,
    "requires_grad": needs_grad,
}


@functions
@pytest.mark.parametrize("form", FORMS)
def test_the_solution_passes_in_every_form(name: str, form: str) -> None:
    convert = FORMS[form]
    for solution in secret_of(FUNCTIONS[name]).solutions:

        def answer(*arguments: Any, solution: Any = solution) -> Any:
            result = plain(solution(*(plain(a) for a in arguments)))
            return tuple(map(convert, result)) if isinstance(result, tuple) else convert(result)

        verdict = FUNCTIONS[name](answer)
        assert verdict, verdict


@functions
def test_several_results_may_come_in_any_container(name: str) -> None:
    secret = secret_of(FUNCTIONS[name])
    solution, want = secret.solutions[0], secret.task.wants[0][0]
    if not isinstance(want, tuple):
        pytest.skip("one result")
    named = collections.namedtuple("named", [f"part{i}" for i in range(len(want))])
    containers = [list, lambda r: named(*r), iter]
    if len({np.shape(part) for part in want}) == 1:
        containers += [np.array, lambda r: torch.stack([torch.tensor(np.asarray(p)) for p in r])]
    for container in containers:
        verdict = FUNCTIONS[name](lambda *a, c=container: c(solution(*(plain(x) for x in a))))
        assert verdict, (container, verdict)


@numbers
def test_a_number_passes_in_every_form_and_rounding(name: str) -> None:
    quantity = NUMBERS[name]
    value = np.asarray(secret_of(quantity)[0], dtype=np.float64)
    for form in FORMS.values():
        assert quantity(form(value)), form
    if quantity._digits is not None:
        for extra in range(3):
            with np.errstate(divide="ignore"):
                place = quantity._digits + extra - np.floor(np.log10(np.abs(value))) - 1
            place = np.where(value == 0, 0, place)
            assert quantity(np.round(value * 10.0**place) / 10.0**place), extra
            assert quantity(np.floor(value * 10.0**place) / 10.0**place), extra


# ---------------------------------------------------------------- the mistakes with a sentence


@functions
def test_each_mistake_gets_its_own_hint(name: str) -> None:
    exercise = FUNCTIONS[name]
    for mistake in secret_of(exercise).mistakes:
        verdict = exercise(lambda *a, wrong=mistake.wrong: wrong(*a))
        assert not verdict
        assert verdict.hint == mistake.hint, mistake.hint


@numbers
def test_each_wrong_number_gets_its_own_hint(name: str) -> None:
    for wrong, hint in secret_of(NUMBERS[name])[1]:
        assert NUMBERS[name](wrong).hint == hint


# ---------------------------------------------------------------- odd answers


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no name")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


ODD: dict[str, Any] = {
    "None": None,
    "a number": 3.7,
    "an array": np.eye(3),
    "a word": "word",
    "an object": Odd(),
    "a type": int,
    "no arguments": lambda: 0,
    "returns nothing": lambda *a: None,
    "divides by 0": lambda *a: 1 / 0,
    "a word again": lambda *a: "a word",
    "a ragged list": lambda *a: [[1.0], [2.0, 3.0]],
    "a dictionary": lambda *a: {"a": 1},
    "an odd object": lambda *a: Odd(),
    "NaN": lambda *a: np.nan,
    "empty": lambda *a: np.zeros((0, 0)),
    "complex": lambda *a: 1j,
    "exits": lambda *a: exit(),
    "the function itself": lambda *a: ODD["returns nothing"],
    "deep": lambda *a: [[[[[[1]]]]]],
    "huge": lambda *a: 10**400,
    "a generator": lambda *a: (x for x in "ab"),
    "objects": lambda *a: np.array([object(), None]),
    "a module": np,
    "recursion": lambda *a: ODD["recursion"](*a),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_is_refused_with_a_hint_and_no_crash(name: str, odd: str) -> None:
    verdict = ALL[name](ODD[odd])
    assert not verdict.passed
    assert len(verdict.hint) > 20
