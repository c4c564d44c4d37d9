"""Exercises as objects: call one with an answer, and it returns a verdict.

An exercise states its solution, a generator of inputs, and the few mistakes that deserve a
sentence of their own. Everything else a checker says is found by two searches (`_search`).
"""

import functools
import html
import math
import weakref
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from aeteach.checks._agree import (
    Arguments,
    Array,
    agree,
    given,
    numbers,
    one_by_one,
    plain,
    signature,
)
from aeteach.checks._run import Deadline, at_most, left, undisturbed
from aeteach.checks._search import (
    RAISED,
    Finding,
    Mutants,
    Task,
    as_wanted,
    outcome,
    repair,
)
from aeteach.checks._trial import (
    Trial,
    about_idle_arguments,
    about_noise,
    about_the_call,
    about_the_numbers,
    about_unread_arguments,
    describe,
    readers_form,
    trials,
    tried,
)

_PATIENCE = 0.5  # seconds that one call of a mistake's function may take
_PREPARE = 0.5  # seconds that the mutants may take, in one check
_SEARCH = 0.8  # seconds that the search in the answer may take
_EDITED = 256 << 20  # bytes that edited code may take: it may ask for any number of anything


@dataclass(frozen=True)
class Verdict:
    """What a checker says of an answer; it shows itself in a notebook.

    Attributes:
        exercise: name of the exercise.
        passed: whether the answer is right on every input.
        hint: what is likely wrong, or what a right answer has shown.
    """

    exercise: str
    passed: bool
    hint: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{self.exercise}: {'right' if self.passed else 'not yet'}. {self.hint}"

    def _repr_html_(self) -> str:
        role = "tip" if self.passed else "attention"
        title = f"{self.exercise}: {'right' if self.passed else 'not yet'}"
        return (
            f'<div class="admonition {role}" role="status">'
            f'<p class="admonition-title">{html.escape(title)}</p>'
            f"<p>{html.escape(self.hint)}</p></div>"
        )


@dataclass(frozen=True)
class Mistake:
    """A likely error with a sentence of its own.

    Attributes:
        hint: what is likely wrong and where to look; never the answer.
        wrong: takes the exercise's arguments, returns what the mistake returns; it may raise where
            the mistake does.
    """

    hint: str
    wrong: Callable[..., Any]


_SECRETS: "weakref.WeakKeyDictionary[Any, Any]" = weakref.WeakKeyDictionary()


class Check:
    """Something that takes an answer and returns a verdict.

    Args:
        name: the exercise's title.
        about: what is checked, what goes in and what comes out; `help` shows it.
    """

    def __init__(self, name: str, about: str):
        self.name = name
        self.__doc__ = about

    def __call__(self, answer: Any) -> Verdict:
        """Check an answer."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.__doc__}>"

    def no(self, hint: str) -> Verdict:
        """Return the verdict on a wrong answer."""
        return Verdict(self.name, False, hint)


class Judged(Check):
    """An exercise that needs a judge of its own: a witness, a draw, a choice of names.

    Args:
        name: the exercise's title.
        judge: takes the answer; returns what is wrong with it, or None.
        about: what is checked.
        praise: said of a right answer; or made from it.
    """

    def __init__(
        self,
        name: str,
        judge: Callable[[Any], str | None],
        about: str,
        praise: str | Callable[[Any], str],
    ):
        super().__init__(name, about)
        self._judge, self._praise = judge, praise

    def __call__(self, answer: Any) -> Verdict:
        """Check an answer."""
        with undisturbed():
            hint = self._judge(answer)
        if hint is not None:
            return self.no(hint)
        praise = self._praise(answer) if callable(self._praise) else self._praise
        return Verdict(self.name, True, praise)


class Rounds(Check):
    """An exercise that is checked in rounds: an answer must get through one to reach the next.

    Args:
        rounds: exercises of the same arguments; the last one praises.
        about: what goes in and what comes out.
    """

    def __init__(self, *rounds: Check, about: str):
        super().__init__(rounds[-1].name, about)
        _SECRETS[self] = rounds

    def __call__(self, answer: Any) -> Verdict:
        """Return the first verdict that is not right, or the last."""
        verdict = self.no("")
        for exercise in _SECRETS[self]:
            verdict = exercise(answer)
            if not verdict:
                break
        return verdict


# ---------------------------------------------------------------- functions


@dataclass(frozen=True)
class Secret:
    """What an exercise knows and no attribute of it shows."""

    solutions: tuple[Callable[..., Any], ...]
    generator: Callable[[np.random.Generator], Iterable[Arguments]]
    mistakes: tuple[Mistake, ...]
    same: Callable[[Any, Any], bool]
    otherwise: str
    seed: int

    @functools.cached_property
    def task(self) -> Task:
        """The inputs, and what is right."""
        inputs = [tuple(a) for a in self.generator(np.random.default_rng(self.seed))]
        with undisturbed():
            wants = [tuple(plain(s(*given(a, "numpy"))) for s in self.solutions) for a in inputs]
        return Task(inputs, wants, self.same, self.solutions[0])

    @functools.cached_property
    def mutants(self) -> Mutants:
        """The solutions with one edit each."""
        return Mutants(self.solutions, self.task)


def secret_of(exercise: Check) -> Any:
    """Return what an exercise knows; for the tests."""
    return _SECRETS[exercise]


class Exercise(Check):
    """An exercise whose answer is a function.

    Args:
        name: the exercise's title.
        solution: a right function of NumPy arrays and numbers, written out as a good student would
            write it: its small edits are the mistakes that can be named.
        inputs: takes a random generator, yields tuples of arguments, an ordinary one first: some
            ten to thirty, with the awkward ones among them.
        about: what goes in and what comes out.
        praise: said of a right answer.
        mistakes: those with a sentence of their own, tried in this order.
        also: other right functions; an answer may agree with any of them.
        same: decides whether two results agree, where numbers alone do not.
        tolerance: a factor on how far two numbers may differ.
        rows: places of the arguments that hold a row for each datum, where an answer that is
            written for one row at a time is right as well.
        otherwise: said of a wrong answer in which no mistake is found.
    """

    def __init__(
        self,
        name: str,
        solution: Callable[..., Any],
        *,
        inputs: Callable[[np.random.Generator], Iterable[Arguments]],
        about: str,
        praise: str,
        mistakes: Sequence[Mistake] = (),
        also: Sequence[Callable[..., Any]] = (),
        same: Callable[[Any, Any], bool] | None = None,
        tolerance: float = 1.0,
        rows: tuple[int, ...] = (),
        otherwise: str = "",
    ):
        super().__init__(name, about)
        self._praise, self._rows = praise, rows
        same = _safely(same or (lambda got, want: agree(got, want, tolerance)))
        seed = zlib.crc32(name.encode())
        _SECRETS[self] = Secret((solution, *also), inputs, tuple(mistakes), same, otherwise, seed)

    def __call__(self, answer: Any) -> Verdict:
        """Try an answer, a function of the exercise's arguments, and say what comes of it."""
        if not callable(answer):
            return self.no(
                f"The checker got {describe(answer)}; it expects the function itself, "
                "without calling it: no parentheses after its name."
            )
        secret: Secret = _SECRETS[self]
        with undisturbed():
            done = list(trials(answer, secret.task))
            if done[-1].failure is None:
                return Verdict(self.name, True, self._praise)
            if (
                self._rows
                and all(t.raised for t in done)
                and not _mixes(answer, done[0], secret.task)
            ):
                whole = one_by_one(answer, self._rows)
                for form in ("numpy", "torch"):
                    if tried(whole, form, secret.task).failure is None:
                        return Verdict(self.name, True, self._praise)
            trial = readers_form(done, answer)
            return self.no(_hint(answer, trial, secret))


def _mixes(answer: Callable[..., Any], trial: Trial, task: Task) -> bool:
    """Tell whether an answer makes of a batch what is wanted in shape, and not in numbers.

    It then works along the batch, which happens to be no mistake where there is one row only. A
    function that was written for one row makes another shape of a batch, or nothing.
    """
    trial.finish(answer, task)
    for i, got in enumerate(trial.results):
        found, wanted = signature(got), signature(task.wants[i][0])
        if found and wanted and found[0] == wanted[0] and not task.right(got, i):
            return True
    return False


def _safely(same: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Let a comparison say no to whatever it cannot compare."""

    def agrees(got: Any, want: Any) -> bool:
        try:
            return bool(same(got, want))
        except Exception:  # a result may be anything at all
            return False

    return agrees


def _hint(answer: Callable[..., Any], trial: Trial, secret: Secret) -> str:
    """Say what is wrong with an answer, from the most certain to the most general."""
    task = secret.task
    plainly = about_the_call(answer, trial, task)
    if trial.failure is not None and trial.failure.kind in ("changed", "slow", "long", "nothing"):
        return plainly or ""
    noisy = about_noise(answer, trial, task)
    if noisy:
        return noisy
    trial.finish(answer, task)
    for mistake in secret.mistakes:
        if _commits(mistake, trial, task):
            return mistake.hint
    hint, certain = _searched(answer, trial, secret)
    if certain and not trial.raised:
        return hint
    if not certain and not hint:
        hint = about_idle_arguments(answer, trial, task) or hint
    if not hint and not plainly:
        hint = secret.otherwise or about_the_numbers(answer, trial, task)
    return " ".join(said for said in (plainly, hint) if said)


def _commits(mistake: Mistake, trial: Trial, task: Task) -> bool:
    """Tell whether an answer returns what a mistake returns, and raises where it raises."""
    told = 0
    for result, arguments in zip(trial.results, task.inputs, strict=True):
        wrong = outcome(mistake.wrong, given(arguments, "numpy"), _PATIENCE)
        if (wrong is RAISED) != (result is RAISED):
            return False
        if wrong is not RAISED:
            if not task.same(result, as_wanted(wrong)):
                return False
            told += 1
    return told > 0


def _searched(answer: Callable[..., Any], trial: Trial, secret: Secret) -> tuple[str, bool]:
    """Say what the searches find, and whether it is the whole mistake."""
    task, mutants, first = secret.task, secret.mutants, trial.first_wrong
    with at_most(_EDITED):
        mutants.prepare(first, Deadline(min(_PREPARE, left() / 2)))
        search = Deadline(min(_SEARCH, left() - 0.05))
        found = repair(answer, trial.form, trial.results, first, task, mutants, search, trial.pace)
    if found is not None and found.beside is None:
        mended = f"With that mended, all {len(task.inputs)} inputs come out right."
        return f"{_where(found)}: {found.said}. {mended}", True
    idle = about_unread_arguments(answer, task)
    if idle:
        return idle, False
    first_want = task.wants[0][0]
    yes_or_no = isinstance(first_want, np.ndarray) and first_want.dtype.kind == "b"
    mutant = None if yes_or_no else mutants.like(trial.results)
    if mutant is not None:
        return f"Your results are those of a right function with one slip: {mutant.said}.", True
    if found is None:
        return "", False
    if found.whole:
        return f"{_where(found)}: {found.said}.", True
    assert isinstance(found.beside, Finding)
    both = f"{_where(found)}: {found.said}. {_where(found.beside)}: {found.beside.said}."
    return f"Two changes mend it. {both}", True


def _where(found: Finding) -> str:
    return f"Line {found.line}, `{found.code}`"


# ---------------------------------------------------------------- numbers


def _is_rounded_to(digits: int, got: float, right: float) -> bool:
    """Tell whether a number is another one rounded to some digits; a tie may go either way."""
    ways = (float(f"{right * nudge:.{digits - 1}e}") for nudge in (1 - 1e-12, 1 + 1e-12))
    return any(math.isclose(got, way, rel_tol=1e-9) for way in ways)


class Quantity(Check):
    """An exercise whose answer is one number, or several, worked out on paper.

    Args:
        name: the exercise's title.
        value: what is right: a number, or a tuple of numbers.
        about: what is asked for.
        praise: said of a right answer.
        mistakes: wrong values, each with its hint.
        digits: how many significant digits are asked for; any rounding to as many, or more,
            is right. None for a count, which is exact.
    """

    def __init__(
        self,
        name: str,
        value: Any,
        *,
        about: str,
        praise: str,
        mistakes: Sequence[tuple[Any, str]] = (),
        digits: int | None = 3,
    ):
        super().__init__(name, about)
        self._praise, self._digits = praise, digits
        _SECRETS[self] = value, tuple(mistakes)

    def __call__(self, answer: Any) -> Verdict:
        """Compare a number with the right one and with those that known mistakes give."""
        value, mistakes = _SECRETS[self]
        right = np.asarray(value, dtype=np.float64)
        several = right.size > 1
        asked = f"{right.size} numbers" if several else "a number"
        if callable(answer) and not isinstance(answer, np.ndarray | torch.Tensor):
            return self.no(f"The checker expects {asked}, not a function.")
        if answer is None:
            return self.no(f"The checker expects {asked}; there is none yet.")
        got = numbers(list(answer.values()) if isinstance(answer, Mapping) else answer)
        if got is None or isinstance(answer, str):
            return self.no(f"The checker expects {asked}; it got {describe(answer)}.")
        if got.size == 1 and not several:
            got = got.reshape(right.shape)
        if got.shape != right.shape:
            size = f"{got.size} numbers" if got.ndim == 1 else f"shape {got.shape}"
            return self.no(f"The checker expects {asked}; it got {size}.")
        if not np.isfinite(got).all() and np.isfinite(right).all():
            return self.no("NaN and infinity are no answer: look for a division by 0.")
        if self._equal(got, right):
            return Verdict(self.name, True, self._praise)
        for wrong, hint in mistakes:
            if self._equal(got, np.asarray(wrong, dtype=np.float64)):
                return self.no(hint)
        if self._digits is not None and self._is_rounded(got, right):
            return self.no(f"Rounded too far: {self._digits} significant digits are asked for.")
        return self.no(self._general(got, right))

    def _equal(self, got: Array, right: Array) -> bool:
        """Tell whether each number is the right one, rounded or cut to the digits asked for."""
        if self._digits is None:
            return bool(np.allclose(got, right, rtol=1e-9, atol=0))
        with np.errstate(divide="ignore"):
            place = np.floor(np.log10(np.abs(right))) + 1 - self._digits
        unit = np.where(right == 0, 10.0**-self._digits, 10.0**place)
        cut = np.isclose(got, np.trunc(right / unit) * unit, rtol=1e-9, atol=0)
        return bool((cut | (np.abs(got - right) <= 0.5 * unit * (1 + 1e-9))).all())

    def _is_rounded(self, got: Array, right: Array) -> bool:
        """Tell whether each number is the right one, rounded to fewer digits than asked for."""
        assert self._digits is not None
        if not right.all():
            return False
        pairs = list(zip(got.ravel(), right.ravel(), strict=True))
        return any(
            all(_is_rounded_to(digits, g, r) for g, r in pairs) for digits in range(1, self._digits)
        )

    def _general(self, got: Array, right: Array) -> str:
        if self._equal(-got, right):
            return "The sign is wrong." if got.size == 1 else "Every number has the wrong sign."
        if got.size > 1:
            close = [self._equal(g, r) for g, r in zip(got, right, strict=True)]
            if any(close):
                return f"{sum(close)} of the {len(close)} numbers are right where they stand."
            if self._equal(np.sort(got), np.sort(right)):
                return "The numbers are right, and in another order than the one asked for."
        return "This is not the number. Work it out once more, one step to a line."
