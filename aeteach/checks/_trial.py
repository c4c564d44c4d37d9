"""One try of an answer in one form of the inputs, and true statements about how it went.

Every statement is about the input that it names, and an error that is shown is the one that the
reader's own function raised, in the form of inputs for which it is written.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
import torch

from aeteach.checks._agree import (
    FORMS,
    TORCH,
    Arguments,
    agree,
    given,
    numbers,
    parts_of,
    plain,
    signature,
    unchanged,
)
from aeteach.checks._run import (
    EndsProgram,
    TooLong,
    brief,
    call,
    generator_states,
    set_generators,
    silent,
)
from aeteach.checks._search import RAISED, Task, is_count, outcome
from aeteach.checks._source import codes_of, idle_parameters, is_readers_own, line_of, used_by

PATIENCE = 1.0  # seconds that one call of an answer may take
WHOLE = 1.2  # seconds that all calls of it, in all forms, may take
_MORE = 0.4  # seconds after which no other form is tried of an answer that ran


@dataclass(frozen=True)
class Failure:
    """The first input on which an answer is not right.

    Attributes:
        kind: "raised", "slow" (one call), "long" (all calls), "changed", "nothing" or "wrong".
        at: the input.
        error: what was raised.
    """

    kind: str
    at: int
    error: BaseException | None = None


@dataclass
class Trial:
    """How an answer did in one form of the inputs."""

    form: str
    results: list[Any] = field(default_factory=list)
    failure: Failure | None = None
    pace: float = 0.0  # of the longest call, in seconds
    spent: float = 0.0  # in all calls
    allowed: float = WHOLE  # for all calls

    @property
    def raised(self) -> bool:
        """Whether the answer raised an error on the first input that it got wrong."""
        return self.failure is not None and self.failure.kind == "raised"

    @property
    def slow(self) -> bool:
        """Whether the answer was stopped."""
        return self.failure is not None and self.failure.kind in ("slow", "long")

    @property
    def first_wrong(self) -> int:
        """The first input on which the answer is not right."""
        assert self.failure is not None
        return self.failure.at

    def finish(self, answer: Callable[..., Any], task: Task) -> None:
        """Run the answer on the inputs behind the failure, too; afterwards each has a result."""
        with silent():
            start = time.thread_time()
            for i in range(len(self.results), len(task.inputs)):
                left = _MORE - (time.thread_time() - start)
                arguments = given(task.inputs[i], self.form)
                self.results.append(outcome(answer, arguments, left) if left > 0 else RAISED)


def tried(
    answer: Callable[..., Any],
    form: str,
    task: Task,
    *,
    first: bool = False,
    allowed: float | None = None,
) -> Trial:
    """Run an answer on the inputs in one form, up to the first that is not right.

    Args:
        answer: the function.
        form: one of the forms.
        task: what is right.
        first: whether what the answer prints in its first call may be seen.
        allowed: seconds for all calls; WHOLE if not given.
    """
    trial = Trial(form, allowed=WHOLE if allowed is None else allowed)
    for i, arguments in enumerate(task.inputs):
        gives = given(arguments, form)
        start, modules = time.thread_time(), len(sys.modules)
        seconds = min(PATIENCE, trial.allowed - trial.spent)
        try:
            with brief() if first and i == 0 else silent():
                result = call(lambda *a: plain(answer(*a)), gives, seconds)
        except TooLong:
            trial.failure = Failure("slow" if seconds == PATIENCE else "long", i)
            return trial
        except Exception as error:  # told to its author
            trial.failure = Failure("raised", i, error)
            trial.results.append(RAISED)
            return trial
        if len(sys.modules) == modules:  # a first import is nobody's fault
            trial.pace = max(trial.pace, time.thread_time() - start)
            trial.spent += time.thread_time() - start
        trial.results.append(result)
        if trial.spent > trial.allowed:
            trial.failure = Failure("long", i)
            return trial
        if not unchanged(gives, arguments, form):
            trial.failure = Failure("changed", i)
        elif result is None:
            trial.failure = Failure("nothing", i)
        elif not task.right(result, i):
            trial.failure = Failure("wrong", i)
        if trial.failure:
            return trial
    return trial


def trials(answer: Callable[..., Any], task: Task) -> Iterator[Trial]:
    """Try an answer in every form in which it may be meant, until one is right or too slow.

    Where NumPy and torch mean two things by one name (var and std divide by N, or by N - 1), an
    answer that runs in the form for which it is written is not tried in the other.
    """
    speaks = language(answer)
    forms = sorted(FORMS, key=lambda form: (speaks == "torch") != (form in TORCH))
    done: list[Trial] = []
    for form in forms:
        other = speaks is not None and (speaks == "torch") != (form in TORCH)
        if other and any(not t.raised for t in done):
            continue
        allowed = WHOLE - sum(t.spent for t in done)
        done.append(tried(answer, form, task, first=not done, allowed=allowed))
        yield done[-1]
        if done[-1].failure is None or done[-1].slow:
            return
        if sum(t.spent for t in done) > _MORE and any(not t.raised for t in done):
            return


def readers_form(trials: Sequence[Trial], answer: Callable[..., Any]) -> Trial:
    """Return the trial in the form for which an answer is written.

    That is one in which it raises nothing; if it raises in all, that for which its names speak.
    """
    for trial in trials:
        if trial.slow:
            return trial
    ran = [t for t in trials if not t.raised]
    if ran:
        return max(ran, key=lambda t: len(t.results))
    in_torch = language(answer) == "torch"
    return max(trials, key=lambda t: (len(t.results), (t.form == "torch") == in_torch))


def language(answer: Callable[..., Any]) -> str | None:
    """Tell whether a function is written for "numpy" or for "torch" alone; None if for either."""
    modules, names, constants = _vocabulary(answer)
    if "torch" in modules:
        return None if "numpy" in modules else "torch"
    if "numpy" in modules:
        return "numpy"
    only_torch = (hasattr(torch.Tensor, n) and not hasattr(np.ndarray, n) for n in names)
    if any(only_torch) or {"dim", "keepdim", "correction", "unbiased"} & constants:
        return "torch"
    return "numpy" if {"var", "std"} & names else None


def _vocabulary(answer: Callable[..., Any]) -> tuple[set[str], set[str], set[str]]:
    """Return the modules, the attributes and the keywords that a function names."""
    modules, names, constants = set[str](), set[str](), set[str]()
    pending, seen = [answer], set[int]()
    while pending:
        function = pending.pop()
        code = getattr(function, "__code__", None)
        if code is None or id(code) in seen or not is_readers_own(function):
            continue
        seen.add(id(code))
        used = dict(used_by(function))
        for value in used.values():
            name = "__name__" if isinstance(value, ModuleType) else "__module__"
            modules.add(str(getattr(value, name, None)).split(".")[0])
            pending.append(value)
        for inner in codes_of(code):
            names |= set(inner.co_names) - set(used)
            tuples = (c for c in inner.co_consts if isinstance(c, tuple))
            constants |= {word for words in tuples for word in words if isinstance(word, str)}
    return modules, names, constants


# ---------------------------------------------------------------- what can be said of a call


def about_the_call(answer: Callable[..., Any], trial: Trial, task: Task) -> str | None:
    """Say what is wrong with how an answer ran, or with the kind of thing that it returns."""
    failure = trial.failure
    assert failure is not None
    on = f"On input {failure.at + 1} of {len(task.inputs)} ({_arguments(answer, task, failure.at)})"
    if failure.kind == "slow":
        return f"{on} your function did not come to an end. Is there a loop that never stops?"
    if failure.kind == "long":
        return (
            f"{on} your function was stopped: all its calls in one check may take {WHOLE:g} "
            "seconds together. It may well be right, but it is too slow: these inputs are small."
        )
    if failure.kind == "changed":
        return (
            "Your function changes the array it is given. Work on a copy: X - m makes a new "
            "array, X -= m does not."
        )
    if failure.kind == "nothing" and failure.at > 0:
        return f"{on} your function returns nothing. Does every way through it end in a return?"
    if failure.kind == "nothing":
        return "Your function returns nothing. Does its last line say return?"
    if failure.error is not None:
        return about_error(failure.error, on)
    result, want = trial.results[failure.at], task.wants[failure.at][0]
    kind = _about_the_kind(result, want)
    return None if kind is None else f"{on} {kind}"


def about_error(error: BaseException, on: str = "") -> str:
    """Show an error that an answer raised, with the line of the reader's own code."""
    error = error.original if isinstance(error, EndsProgram) else error
    said = f"{type(error).__name__}: {error}".rstrip(".: ").split("\n")[0]
    if len(said) > 200:
        said = said[:197] + "..."
    line = _own_line(error.__traceback__)
    where = "your function" if line is None else f"line {line[0]} of your code, `{line[1]}`,"
    whole = f"{on} {where} raised {said}.".lstrip()
    return whole[:1].upper() + whole[1:]


def _own_line(traceback: TracebackType | None) -> tuple[int, str] | None:
    """Return the last line of the reader's own code that an error went through."""
    found = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_readers_own(code):
            text = line_of(code, traceback.tb_lineno)
            if text:
                found = traceback.tb_lineno, text if len(text) <= 80 else text[:77] + "..."
        traceback = traceback.tb_next
    return found


def _about_the_kind(got: Any, want: Any) -> str | None:
    """Say how a result differs in kind or shape from a right one; None if it does not."""
    if isinstance(want, tuple):
        parts = parts_of(got)
        if parts is None or isinstance(got, str):
            return f"a tuple of {len(want)} is expected; your function returned {describe(got)}."
        if len(parts) != len(want) and isinstance(got, np.ndarray):
            return f"a tuple of {len(want)} is expected; your function returned {describe(got)}."
        if len(parts) != len(want):
            return f"a tuple of {len(want)} is expected; yours has {len(parts)} entries."
        for k, (g, w) in enumerate(zip(parts, want, strict=True)):
            said = _about_the_kind(g, w)
            if said is not None:
                return f"entry {k + 1} of the result is not as expected: {said}"
        return None
    a, b = numbers(got), np.asarray(want, dtype=np.float64)
    if a is None:
        kind = f"an array of shape {b.shape}" if b.ndim else "a number"
        return f"{kind} is expected; your function returned {describe(got)}."
    if a.shape != b.shape:
        mine = f"has shape {a.shape}" if a.ndim else "is a single number"
        expected = f"shape {b.shape}" if b.ndim else "a single number"
        return f"the result {mine}; expected is {expected}."
    if not np.isfinite(a).all() and np.isfinite(b).all():
        what = "NaN" if np.isnan(a).any() else "infinity"
        return (
            f"the result holds {what}. Look for a division by 0, a logarithm of 0, a root of a "
            "negative number, or a number too large for exp."
        )
    return None


def describe(value: Any) -> str:
    """Say what kind of thing a value is."""
    kind = type(value).__name__
    try:
        if isinstance(value, np.ndarray | torch.Tensor):
            return f"{kind} of shape {tuple(value.shape)}"
        return f"{kind} {value!r:.40}"
    except Exception:  # a value that cannot even show itself
        return f"something of type {kind}"


def _arguments(answer: Callable[..., Any], task: Task, i: int) -> str:
    values = task.inputs[i]
    return ", ".join(_shown(n, v) for n, v in zip(_names(answer, len(values)), values, strict=True))


def _names(answer: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Return what an answer calls its arguments."""
    code = getattr(answer, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code else ()
    if len(names) != count:
        names = tuple(f"argument {k + 1}" for k in range(count))
    return names


def _shown(name: str, value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{name} of shape {value.shape}"
    if callable(value):
        return f"{name} a function"
    return f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value!r:.40}"


# ---------------------------------------------------------------- noise and idle arguments


def about_noise(answer: Callable[..., Any], trial: Trial, task: Task) -> str | None:
    """Say so if an answer returns something else when it is asked the same again."""
    i = trial.first_wrong
    if trial.results[i] is RAISED or numbers(trial.results[i]) is None:
        return None
    states = generator_states()

    def once_more() -> Any:
        with silent():
            return outcome(answer, given(task.inputs[i], trial.form), PATIENCE)

    first = once_more()
    set_generators(states)
    second = once_more()
    if first is RAISED or second is RAISED:
        return None
    if _alike(trial.results[i], first) and _alike(first, second):
        return None
    if _alike(first, second) or _draws(answer):
        return (
            "Two calls with the same arguments gave two results: your function draws noise of its "
            "own. It should use what it is given."
        )
    return (
        "Two calls with the same arguments gave two results: something outlives the call and is "
        "changed by it, such as a global variable, a list or a default value. What a function "
        "needs should come in as an argument, or be made anew inside."
    )


def _draws(answer: Callable[..., Any]) -> bool:
    """Tell whether a function makes a generator of random numbers, or has one at hand."""
    defaults = getattr(answer, "__defaults__", None) or ()
    named = getattr(answer, "__kwdefaults__", None) or {}
    used = dict(used_by(answer)) if hasattr(answer, "__code__") else {}
    at_hand = [*used.values(), *defaults, *named.values()]
    return bool(_vocabulary(answer)[1] & _MAKERS) or any(isinstance(v, _KINDS) for v in at_hand)


_MAKERS = {"default_rng", "RandomState", "Generator", "SystemRandom", "Random", "urandom"}
_KINDS = (np.random.Generator, np.random.RandomState, random.Random, torch.Generator)


def about_unread_arguments(answer: Callable[..., Any], task: Task) -> str | None:
    """Name an argument that an answer never reads, though the solution does."""
    if not hasattr(answer, "__code__") or not is_readers_own(answer):
        return None
    unread = idle_parameters(answer)
    names = _names(answer, len(task.inputs[0]))
    theirs = task.solution.__code__.co_varnames[: len(names)]
    needed = set(theirs) - set(idle_parameters(task.solution))
    for name, own in zip(names, theirs, strict=False):
        if name in unread and own in needed:
            return f"Your function makes no use of {name}, and a right one does."
    return None


def about_idle_arguments(answer: Callable[..., Any], trial: Trial, task: Task) -> str | None:
    """Name an argument of which an answer makes no use, if there is one."""
    if trial.raised or trial.pace > 0.02:
        return None
    count = len(task.inputs[0])
    if is_count(task.wants[0][0]):
        return None  # it may well stay the same
    for k in range(count):
        if _is_idle(answer, trial, task, k):
            name = _names(answer, count)[k]
            return (
                f"With other numbers in {name} your function returns the same, a right one does "
                "not. Is there a fixed seed inside, or one name for another?"
            )
    return None


def _is_idle(answer: Callable[..., Any], trial: Trial, task: Task, k: int) -> bool:
    """Tell whether nothing follows from argument k, though a right result does depend on it.

    One other value is not enough: a count, or a choice, may well be the same for that.
    """
    rng, matters = np.random.default_rng(0), 0
    for i, arguments in enumerate(task.inputs[:8]):
        before = trial.results[i]
        if before is RAISED or not _is_finite(before):
            continue  # NaN stays NaN, whatever comes in
        for factor in (0.4, 1.2, 2.5):
            changed = _with_another(arguments, k, factor, rng)
            if changed is None:
                return False
            with silent():
                after = outcome(answer, given(changed, trial.form), PATIENCE)
                wants_it = outcome(task.solution, given(changed, "numpy"), PATIENCE)
            if after is RAISED or wants_it is RAISED:
                continue
            if not _alike(before, after):
                return False
            matters += not agree(wants_it, task.wants[i][0])
    return matters > 0


def _with_another(
    arguments: Arguments, k: int, factor: float, rng: np.random.Generator
) -> Arguments | None:
    """Return arguments with other numbers in one of them; None if it holds no real numbers."""
    value = arguments[k]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        # Rankings and thresholds move too: other scales, another order.
        other: Any = rng.permutation(value.ravel()).reshape(value.shape)
        other = other * factor * rng.uniform(0.2, 3.0, value.shape)
    elif isinstance(value, float):
        other = value * factor
    else:
        return None
    return (*arguments[:k], other, *arguments[k + 1 :])


def _is_finite(value: Any) -> bool:
    found = signature(value)
    return found is not None and bool(np.isfinite(found[1]).all())


def _alike(a: Any, b: Any) -> bool:
    first, second = signature(a), signature(b)
    if first is None or second is None:
        return a is b
    return first[0] == second[0] and np.array_equal(first[1], second[1], equal_nan=True)


# ---------------------------------------------------------------- what can be said of the numbers


def about_the_numbers(answer: Callable[..., Any], trial: Trial, task: Task) -> str:
    """Describe wrong numbers that no known mistake explains, without giving the answer away."""
    results = trial.results
    right = [r is not RAISED and task.right(r, i) for i, r in enumerate(results)]
    if any(right):
        said = f"Right on {sum(right)} of {len(right)} inputs."
        apart = _what_sets_apart(task.inputs, right, _names(answer, len(task.inputs[0])))
        return (
            f"{said} {apart}"
            if apart
            else (f"{said} The first that is not: {_arguments(answer, task, right.index(False))}.")
        )
    pairs = [(r, w[0]) for r, w in zip(results, task.wants, strict=True) if r is not RAISED]
    for words, change in _WAYS:
        if all(agree(_changed(r, change), w) for r, w in pairs):
            return words
    ratios = [_ratio(r, w) for r, w in pairs]
    known = [r for r in ratios if r is not None]
    if len(known) == len(ratios) and len(known) > 1 and np.allclose(known, known[0], rtol=1e-5):
        return "Every number is off by the same factor. Look for a missing or extra constant."
    parts = _parts_right(pairs)
    if parts is not None:
        return parts
    return "The shape is right, the numbers are not. Try your function on an example done by hand."


_WAYS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("Every number has the wrong sign.", lambda a: -a),
    ("The numbers are right, the table is on its side.", lambda a: a.T),
    ("The numbers are right, their order is turned round.", lambda a: a[::-1]),
)


def _changed(result: Any, change: Callable[[Any], Any]) -> Any:
    found = numbers(result)
    if found is None:
        return None
    try:
        return change(found)
    except (IndexError, ValueError):
        return None


def _parts_right(pairs: Sequence[tuple[Any, Any]]) -> str | None:
    """Say which entries of a tuple are right on every input."""
    if not pairs or not all(isinstance(w, tuple) for _, w in pairs):
        return None
    size = len(pairs[0][1])
    good = []
    for k in range(size):
        entries = [(parts_of(g), w[k]) for g, w in pairs]
        if all(p is not None and len(p) == size and agree(p[k], w) for p, w in entries):
            good.append(k)
    if not good or len(good) == size:
        return None
    ordinal = ("first", "second", "third", "fourth", "fifth")
    mine = " and ".join(ordinal[k] for k in good)
    others = " and ".join(ordinal[k] for k in range(size) if k not in good)
    return f"Of the results, the {mine} {'is' if len(good) == 1 else 'are'} right on every " + (
        f"input, the {others} {'is' if size - len(good) == 1 else 'are'} not."
    )


def _ratio(got: Any, want: Any) -> float | None:
    a, b = numbers(got), numbers(want)
    if a is None or b is None or a.shape != b.shape:
        return None
    a, b = a.ravel(), b.ravel()
    if not np.allclose(a[b == 0], 0) or not (b != 0).any() or not a.any():
        return None
    ratio = a[b != 0] / b[b != 0]
    return float(ratio[0]) if np.allclose(ratio, ratio[0], rtol=1e-5) else None


def _what_sets_apart(
    inputs: Sequence[Arguments], right: Sequence[bool], names: Sequence[str]
) -> str | None:
    """Name a property that all inputs have on which an answer fails, and no other input has."""
    found: dict[str, set[int]] = {}
    for i, arguments in enumerate(inputs):
        for said in _properties(arguments, names):
            found.setdefault(said, set()).add(i)
    wrong = {i for i, good in enumerate(right) if not good}
    for said, where in found.items():
        if where == wrong:
            return f"It fails on those, and only those, where {said}."
    return None


def _properties(arguments: Arguments, names: Sequence[str]) -> Iterator[str]:
    arrays = [a for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind in "iuf"]
    if any((a < 0).any() for a in arrays):
        yield "a number in the table is negative"
    if any((a == 0).any() for a in arrays):
        yield "a number in the table is 0"
    if any(a.ndim == 2 and a.shape[0] != a.shape[1] for a in arrays):
        yield "a table is not square"
    if any(a.ndim and len(a) == 1 for a in arrays):
        yield "there is one row only"
    if any(a.ndim and len(a) % 2 for a in arrays):
        yield "the number of rows is odd"
    if any(a.ndim and len(a) % 2 == 0 for a in arrays):
        yield "the number of rows is even"
    if any(np.unique(a).size < a.size for a in arrays):
        yield "some numbers are equal"
    if any(not np.isfinite(a).all() for a in arrays):
        yield "a number is not finite"
    sizes = {len(a) for a in arrays if a.ndim}
    if len(sizes) > 1:
        yield "the tables have different numbers of rows"
    for k, value in enumerate(arguments):
        if isinstance(value, bool | str):
            yield f"{names[k]} is {value!r}"
        elif isinstance(value, int | float):
            for said, holds in (
                ("0", value == 0), ("negative", value < 0), ("odd", value % 2 == 1),
                ("even", value % 2 == 0), ("above 1", value > 1), ("below 1", value < 1),
            ):  # fmt: skip
                if holds:
                    yield f"{names[k]} is {said}"
