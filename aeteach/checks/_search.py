"""Two searches for the mistake in a wrong answer; what either finds is true by construction.

**Repair.** Every small edit of the reader's own function is tried; if one makes it right on every
input, the mistake is where the edit is. **Mutants.** Every small edit of the reference solution is
tried; if one makes the solution return what the answer returns on every input, its edit is the
mistake. The two meet in the middle: an edit of the answer that makes it equal to a mutant of the
solution leaves one slip; where another edit of the answer mends that too, both places are told.
Neither the repaired code nor the solution is ever shown.

Related work: Singh, Gulwani and Solar-Lezama (PLDI 2013) search repairs from an error model with a
solver; Clara (Gulwani, Radicek and Zuleger, PLDI 2018) and Refactory (Hu et al., ASE 2019) align an
answer with other correct ones. Answers here have a few lines, so trying all edits is enough.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from aeteach.checks._agree import Arguments, Array, agree, given, plain, signature
from aeteach.checks._edits import Edit
from aeteach.checks._run import Deadline, TooLong, call, silent
from aeteach.checks._source import NoSource, Program, constants_of, snippet

Same = Callable[[Any, Any], bool]
RAISED = object()  # stands for the result of a call that raised


@dataclass(frozen=True)
class Task:
    """What a right answer does.

    Attributes:
        inputs: argument tuples.
        wants: the right results of each, one for every way to be right.
        same: decides whether two results agree.
        solution: what makes the first of them.
    """

    inputs: Sequence[Arguments]
    wants: Sequence[tuple[Any, ...]]
    same: Same
    solution: Callable[..., Any]

    def right(self, result: Any, i: int) -> bool:
        """Tell whether a result is right on input i."""
        return any(self.same(result, want) for want in self.wants[i])


@dataclass(frozen=True)
class Mutant:
    """The solution with one edit, and its results on the inputs that were asked for."""

    said: str
    run: Callable[..., Any]
    results: dict[int, Any] = field(default_factory=dict)

    def result(self, i: int, task: Task) -> Any:
        """Return the result on input i, or RAISED."""
        if i not in self.results:
            self.results[i] = outcome(self.run, given(task.inputs[i], "numpy"), 0.05)
        return self.results[i]


def outcome(function: Callable[..., Any], arguments: Arguments, seconds: float) -> Any:
    """Return the plain result of a call, or RAISED."""
    try:
        return call(lambda *given: plain(function(*given)), arguments, seconds)
    except (Exception, TooLong):
        return RAISED


class Mutants:
    """All solutions with one edit, to be looked up by what they return."""

    def __init__(self, solutions: Sequence[Callable[..., Any]], task: Task):
        self.task = task
        self._made: list[Mutant] = []
        self._coming = self._make(solutions)
        self._complete = False
        self._tables: dict[int, dict[Any, tuple[Array, list[Mutant]]]] = {}

    @staticmethod
    def _make(solutions: Sequence[Callable[..., Any]]) -> Iterator[Mutant]:
        for solution in solutions:
            for edit, _, version in Program(solution, of_the_same_file(solution)).versions():
                if version is not None:
                    yield Mutant(edit.spoils, version)

    def all(self, deadline: Deadline | None = None) -> list[Mutant]:
        """Return the mutants; they are made when first asked for, as many as there is time for."""
        for mutant in self._coming:
            self._made.append(mutant)
            if deadline is not None and deadline.left() < 0:
                return self._made
        self._complete = True
        return self._made

    def prepare(self, i: int, deadline: Deadline | None = None) -> None:
        """Run the mutants on input i, as many as there is time for."""
        if self._complete and i in self._tables:
            return
        rows: dict[Any, list[tuple[Array, Mutant]]] = {}
        with silent():
            for mutant in self.all(deadline):
                if i not in mutant.results and deadline is not None and deadline.left() < 0:
                    break
                result = mutant.result(i, self.task)
                found = None if result is RAISED else signature(result)
                if found is not None:
                    rows.setdefault(found[0], []).append((found[1], mutant))
        self._tables[i] = {
            key: (np.array([r[0] for r in found]), [r[1] for r in found])
            for key, found in rows.items()
        }

    def like(self, results: Sequence[Any]) -> Mutant | None:
        """Return the first mutant that returns these results, one an input, or RAISED."""
        wrong = (i for i, r in enumerate(results) if r is not RAISED and not self.task.right(r, i))
        first = next(wrong, None)
        if first is None:
            return None
        if first not in self._tables:
            self.prepare(first, Deadline(0.3))
        return next(
            (m for m in self.close(results[first], first) if self.is_like(m, results)), None
        )

    def close(self, result: Any, i: int) -> list[Mutant]:
        """Return the mutants that agree with a wrong result on one input."""
        found = signature(result)
        if found is None or found[0] not in self._tables[i]:
            return []
        table, mutants = self._tables[i][found[0]]
        if not table.size or not np.isfinite(found[1]).any():
            return []
        if found[1].shape != table.shape[1:]:  # parts of other lengths, an empty one among them
            return []
        scale = np.abs(found[1][np.isfinite(found[1])]).max(initial=0)
        hits = np.isclose(table, found[1], rtol=2e-4, atol=2e-6 * scale, equal_nan=True)
        return [mutants[k] for k in np.flatnonzero(hits.all(1))]

    def is_like(self, mutant: Mutant, results: Sequence[Any]) -> bool:
        """Tell whether a mutant returns these results, and raises where the answer does."""
        told = 0
        for i, result in enumerate(results):
            mine = mutant.result(i, self.task)
            if (mine is RAISED) != (result is RAISED):
                return False
            if mine is not RAISED:
                if not agree(result, as_wanted(mine)) and not self.task.same(result, mine):
                    return False
                told += 1
        return told > 0


def of_the_same_file(solution: Callable[..., Any]) -> Callable[[Any], bool]:
    """Return what tells whether a function stands in the file of the solution."""
    file = solution.__code__.co_filename
    return lambda function: function.__code__.co_filename == file


def as_wanted(value: Any) -> Any:
    """Return a result as something to compare with: lists of numbers become arrays."""
    if isinstance(value, list):
        return np.asarray(value) if signature(value) is not None else tuple(value)
    return value


@dataclass(frozen=True)
class Finding:
    """Where the mistake is, and of what kind."""

    said: str
    line: int
    code: str
    beside: "Finding | Mutant | None" = None  # what is left, if one edit does not mend it all
    whole: bool = False  # whether what is left is that what stands here is another


def repair(
    answer: Callable[..., Any],
    form: str,
    results: Sequence[Any],
    first: int,
    task: Task,
    mutants: Mutants,
    deadline: Deadline,
    pace: float,
) -> Finding | None:
    """Look for the edit of an answer that makes it right, or equal to one mutant of the solution.

    Args:
        answer: the reader's function.
        form: that of the inputs for which it is written.
        results: what it returns on each input.
        first: the first input on which it is wrong.
        task: what is right.
        mutants: those of the solution.
        deadline: when to give up.
        pace: the longest that a call of the answer took, in seconds.

    Returns:
        The first edit that makes it right; if there is none, the first that leaves one mistake.
    """
    try:
        program = Program(answer)
    except (NoSource, RecursionError):
        return None
    program.constants = constants_of(task.solution)
    order = [first, *(i for i in range(len(task.inputs)) if i != first)]
    seconds = min(max(20 * pace, 0.05), 0.2)
    half: Finding | None = None
    met = 0

    def try_out(version: Callable[..., Any], i: int) -> Any:
        return outcome(version, given(task.inputs[i], form), min(seconds, deadline.left()))

    def mends(version: Callable[..., Any], result: Any) -> bool:
        return task.right(result, first) and all(
            task.right(try_out(version, i), i) for i in order[1:]
        )

    def left_over(version: Callable[..., Any], result: Any, edit: Edit) -> Mutant | None:
        """Return the mutant of the solution that an edited answer is equal to."""
        for mutant in mutants.close(result, first)[:3]:
            if _done_to_both(edit.mends, mutant.said):
                continue
            others = {i: try_out(version, i) for i in order[1:]} | {first: result}
            in_order = [others[i] for i in range(len(order))]
            if _vary(in_order) and mutants.is_like(mutant, in_order):
                return mutant
        return None

    def second() -> Finding | None:
        """Look for one more edit that makes right what has been edited once."""
        for edit, name, version in program.versions():
            if deadline.left() <= 0:
                return None
            if version is None or program.loses(edit, name):
                continue
            result = try_out(version, first)
            if result is not RAISED and mends(version, result):
                return _mended(edit, program, name)
        return None

    with silent():
        for edit, name, version in program.versions(habits=True):
            if deadline.left() <= 0:
                break
            if version is None or program.loses(edit, name):
                continue
            result = try_out(version, first)
            if result is RAISED:
                continue
            if mends(version, result):
                return _mended(edit, program, name)
            if half is not None or met > _MEETINGS or not _changes(result, results[first]):
                continue
            if edit.mends == "a constant is wrong":
                continue  # some constant or other fits many things
            if not _same_shape(result, task.wants[first][0]) or is_count(task.wants[first][0]):
                continue
            mutant = left_over(version, result, edit)
            if mutant is None:
                continue
            met += 1
            piece = _half(edit, mutant, program, name)
            if piece is not None:
                half = piece
                continue
            with program.kept(name):
                besides = second()
            here = _mended(edit, program, name)
            if besides is not None and (here.line, here.code) != (besides.line, besides.code):
                half = replace(here, beside=besides)
    return half


_MEETINGS = 3  # edits that leave one slip, of which the second is looked for


def _same_shape(result: Any, want: Any) -> bool:
    """Tell whether numbers are arranged as wanted: what is cut short agrees too easily."""
    mine, right = signature(result), signature(want)
    return mine is not None and right is not None and mine[1].size == right[1].size


def is_count(want: Any) -> bool:
    """Tell whether a result is small whole numbers, or truth values: they agree by chance."""
    if isinstance(want, tuple):
        return False
    found = np.asarray(want)
    return found.dtype.kind == "b" or (found.dtype.kind in "iu" and bool((abs(found) < 100).all()))


def _done_to_both(mends: str, said: str) -> bool:
    """Tell whether one thing is done to both sides: the sums of two different tables may agree."""
    if mends.endswith("at the end") or ("cut" in mends and "cut" in said):
        return True
    word, missing, _ = mends.partition(" is missing")
    return bool(missing) and word in said and "too many" in said


def _vary(results: Sequence[Any]) -> bool:
    """Tell whether results are numbers that differ: NaN, or always 0, says nothing."""
    kept = [r for r in results if r is not RAISED]
    if kept and all(isinstance(r, tuple) and len(r) == len(kept[0]) for r in kept):
        return all(_vary(entries) for entries in zip(*kept, strict=True))
    found = [s[1] for r in kept if (s := signature(r)) is not None]
    together = np.concatenate(found) if found else np.zeros(0)
    if not together.size or not np.isfinite(together).all():
        return False
    return bool(np.ptp(together) > 1e-6 * np.abs(together).max())


def _changes(result: Any, before: Any) -> bool:
    return before is RAISED or not agree(result, as_wanted(before))


def _mended(edit: Edit, program: Program, name: str) -> Finding:
    if edit.dropped is not None and edit.mends.startswith("there is a "):
        said = edit.mends.replace("there is a ", "this ").replace(" too many", " is one too many")
        return _found(said, edit.dropped, program, name, inside=edit.node)
    inside = None
    if isinstance(edit.node, ast.Constant | ast.Name):  # short, and perhaps twice in the line
        inside = _around(edit.new, program.parts[name][1])
    return _found(edit.mends, edit.node, program, name, inside=inside)


def _around(node: ast.AST, tree: ast.AST) -> ast.expr | None:
    """Return the least expression that a node is a part of."""
    for parent in ast.walk(tree):
        if any(child is node for child in ast.iter_child_nodes(parent)):
            if isinstance(parent, ast.expr) and not isinstance(parent, ast.Slice | ast.Tuple):
                return parent
            return _around(parent, tree) if isinstance(parent, ast.expr | ast.keyword) else None
    return None


def _half(edit: Edit, mutant: Mutant, program: Program, name: str) -> Finding | None:
    """Tell of a piece without which the answer is a right function that lacks such a piece."""
    gone, lost = _word(edit.mends, " too many"), _word(mutant.said, " is missing")
    same = gone == lost or {gone, lost} <= {"constant factor", "factor or divisor"}
    if edit.dropped is not None and gone and same:
        said = f"the mistake has to do with this {gone}"
        return _found(said, edit.dropped, program, name, mutant, whole=True)
    return None


def _word(said: str, ending: str) -> str:
    """Return term of "there is a term too many" and of "a term is missing"."""
    if not said.endswith(ending):
        return ""
    return said.removesuffix(ending).removeprefix("there is ").removeprefix("a ")


def _found(
    said: str,
    node: ast.AST,
    program: Program,
    name: str,
    beside: "Finding | Mutant | None" = None,
    *,
    inside: ast.AST | None = None,
    whole: bool = False,
) -> Finding:
    function = program.parts[name][0]
    code = snippet(node, function)
    if inside is not None and (around := snippet(inside, function)) != code:
        code = f"{code}` in `{around}"
    return Finding(said, getattr(node, "lineno", 0), code, beside, whole)
