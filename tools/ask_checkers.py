"""Ask every checker of the book what it says of wrong answers that nobody wrote by hand.

    python tools/ask_checkers.py                           everything, some minutes
    python tools/ask_checkers.py covariance kl_normals     only these exercises
    python tools/ask_checkers.py --singles 40 --doubles 4 --fuzz 200 --seed 7     a sample

One slip: every small edit of every solution must be refused, unless it changes nothing; those that
change nothing are known, with the reason, in tools/equivalent_answers.toml. Two slips: answers that
are a solution with two edits, drawn at random, must be refused; how many are told their mistake by
name, whether all that is said is true, and how long a check takes is counted. Odd calls: whatever
is handed to a checker or returned to it, it answers with a verdict. The exit status is 1 where a
wrong answer is accepted, a statement is false, a checker raises, or fewer than 75 % are named.
"""

import argparse
import ast
import collections
import functools
import itertools
import json
import linecache
import random
import re
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aeteach import checks
from aeteach.checks._agree import FORMS, agree, given, numbers, parts_of, plain
from aeteach.checks._edits import Edit, edits, helpers
from aeteach.checks._exercise import Secret, secret_of
from aeteach.checks._run import undisturbed
from aeteach.checks._search import RAISED, Task, of_the_same_file, outcome
from aeteach.checks._source import Program, idle_parameters
from aeteach.checks._trial import trials

ROOT = Path(__file__).resolve().parent.parent
KNOWN = ROOT / "tools" / "equivalent_answers.toml"
NAMED = 0.75  # of the answers with two slips, at least
Answer = Callable[..., Any]


def functions() -> dict[str, checks.Exercise]:
    """Return every exercise whose answer is a function; the rounds of one are numbered."""
    found = {}
    for name, exercise in checks.exercises().items():
        rounds = secret_of(exercise) if isinstance(exercise, checks.Rounds) else (exercise,)
        for i, part in enumerate(rounds):
            if isinstance(part, checks.Exercise):
                found[f"{name}[{i}]" if len(rounds) > 1 else name] = part
    return found


def program_of(solution: Answer) -> Program:
    """Return a solution, ready to be edited."""
    return Program(solution, of_the_same_file(solution))


def passes(answer: Answer, task: Task) -> bool:
    with undisturbed():
        return list(trials(answer, task))[-1].failure is None


_FRESH: dict[int, Task] = {}


def fresh(secret: Secret) -> Task:
    """Return the task with the inputs of other seeds, on which a lucky answer fails."""
    if id(secret) not in _FRESH:
        seeds = range(1000, 1004)
        made = [a for s in seeds for a in secret.generator(np.random.default_rng(s))]
        with undisturbed():
            wants = [tuple(plain(s(*given(a, "numpy"))) for s in secret.solutions) for a in made]
        _FRESH[id(secret)] = Task([tuple(a) for a in made], wants, secret.same, secret.solutions[0])
    return _FRESH[id(secret)]


# ---------------------------------------------------------------- one slip


@dataclass(frozen=True)
class Slip:
    """One edit of a solution that its checker accepts.

    Attributes:
        kind: what the edit is called.
        text: what stood there, and what stands there now.
        idle: whether what stands there has the same value as before, on every input.
        lucky: whether it is wrong on the inputs of other seeds.
    """

    kind: str
    text: str
    idle: bool
    lucky: bool


def accepted(name: str, sample: int | None = None, seed: int = 0) -> Iterator[Slip | None]:
    """Make edits of the solution; yield None for one that is refused, a Slip for one that is not.

    Args:
        name: the exercise.
        sample: how many edits, drawn at random; all if None.
        seed: of the draw.
    """
    secret = secret_of(functions()[name])
    program = program_of(secret.solutions[0])
    total = sum(1 for _ in program.versions())
    chosen = set(range(total))
    if sample is not None and sample < total:
        chosen = set(random.Random(f"{seed} {name}").sample(range(total), sample))
    for i, (edit, part, version) in enumerate(program.versions()):
        if i not in chosen or version is None:
            continue
        if not passes(version, secret.task):
            yield None
            continue
        lucky = not passes(version, fresh(secret))
        text = f"{ast.unparse(edit.node)} -> {ast.unparse(edit.new)}"
        yield Slip(edit.spoils, text, _is_idle(edit, part, program, fresh(secret)), lucky)


def _is_idle(edit: Edit, part: str, program: Program, task: Task) -> bool:
    """Tell whether the edited piece has the value that it had before, wherever it is worked out."""
    place = _place_of(edit.new, program.parts[part][1])
    if place is None or not (isinstance(edit.node, ast.expr) and isinstance(edit.new, ast.expr)):
        return False
    equal = []

    def compare(before: Any, after: Any) -> Any:
        equal.append(_same_value(before, after))
        return after

    parent, name, index = place
    both = ast.Call(ast.Name("_edit_compare", ast.Load()), [edit.node, edit.new], [])
    ast.copy_location(both, edit.node)
    ast.fix_missing_locations(both)
    program._values["_edit_compare"] = compare
    _put(parent, name, index, both)
    try:
        compared = program._built(part)
    finally:
        _put(parent, name, index, edit.new)
    if compared is None:
        return False
    with undisturbed():
        results = [outcome(compared, given(a, "numpy"), 1.0) for a in task.inputs]
    return bool(equal) and all(equal) and not any(r is RAISED for r in results)


def _same_value(before: Any, after: Any) -> bool:
    if numbers(before) is None:
        return before is after
    return np.shape(plain(before)) == np.shape(plain(after)) and agree(after, plain(before))


def _place_of(node: ast.AST, root: ast.AST) -> tuple[ast.AST, str, int | None] | None:
    for parent in ast.walk(root):
        for name, value in ast.iter_fields(parent):
            if value is node:
                return parent, name, None
            if isinstance(value, list):
                for i, item in enumerate(value):
                    if item is node:
                        return parent, name, i
    return None


def _put(parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


@functools.cache
def known() -> dict[str, dict[str, str]]:
    """Return, for each exercise, the kinds of edits that change nothing, with the reason."""
    table: dict[str, dict[str, str]] = {}
    for entry in tomllib.loads(KNOWN.read_text(encoding="utf-8"))["because"]:
        for name, kinds in entry["of"].items():
            table.setdefault(name, {}).update(dict.fromkeys(kinds, entry["why"]))
    return table


_OF_NUMBERS = ("absolute", "cut", "square", "root", "power", "rounding", "logarithm", "exponential")


def reason(name: str, slip: Slip) -> str | None:
    """Say why an edit changes nothing; None if it is not known to change nothing.

    An edit of the form, an axis or an order, that leaves every value as it is needs no reason. One
    of the numbers does: perhaps the generator never yields what would tell, a negative number say.
    """
    if slip.idle and not any(word in slip.kind for word in _OF_NUMBERS):
        return "it has the value that stood there before"
    found = known().get(name, {})
    return next((why for kind, why in found.items() if kind in slip.kind), None)


# ---------------------------------------------------------------- two slips

_numbered = itertools.count()


def as_written(program: Program) -> Answer:
    """Return the functions of a program as their trees stand, as if a reader had written them."""
    main = program.main.__name__
    texts = []
    for name, (_, node) in reversed(program.parts.items()):
        text = ast.unparse(node)
        named = "answer" if name == main else name
        texts.append(f"{named} = {text}" if isinstance(node, ast.Lambda) else text)
    text, file = "\n".join(texts) + "\n", f"<answer {next(_numbered)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space: dict[str, Any] = {**program._values, **helpers(), "__name__": "reader"}
    exec(compile(text, file, "exec"), space)
    made: Any = space["answer"] if main == "<lambda>" else space[main]
    made.__defaults__ = program.main.__defaults__
    made.text = text
    return made


def doubles(name: str, number: int, seed: int = 0) -> Iterator[Answer]:
    """Yield answers that are the solution with two edits, drawn at random."""
    rng = random.Random(f"{seed} {name}")
    program = program_of(secret_of(functions()[name]).solutions[0])
    total = sum(1 for _ in program.versions())
    chosen = set(rng.sample(range(total), min(number, total)))
    for i, (_, part, version) in enumerate(program.versions()):
        if i not in chosen or version is None:
            continue
        node, scope = program.parts[part][1], program.scope(part)
        second = rng.randrange(sum(1 for _ in edits(node, scope)))
        for j, _ in enumerate(edits(node, scope)):
            if j == second:
                try:
                    made = as_written(program)
                except (SyntaxError, ValueError):
                    continue
                yield made


def how_named(verdict: checks.Verdict, secret: Secret) -> str:
    """Say in what way a hint names the mistake: "" if it does not.

    That is a sentence of its own, a place in the answer with what is wrong there, a slip in a right
    function, an argument that is not used, or the line at which the answer's own error arose.
    """
    hint = verdict.hint
    if hint in {m.hint for m in secret.mistakes}:
        return "special"
    if re.search(r"Line \d+, `", hint):
        return "place and kind"
    if re.search("one slip: |With other numbers in|makes no use of", hint):
        return "kind"
    return "own error" if re.search(r"line \d+ of your code.* raised \w+", hint) else ""


# ---------------------------------------------------------------- is it true?


def falsehoods(answer: Answer, verdict: checks.Verdict, secret: Secret) -> list[str]:
    """Return what a verdict says and what a second look does not confirm."""
    task, hint, told = secret.task, verdict.hint, []
    if found := re.search(r"[Rr]ight on (\d+) of (\d+) inputs", hint):
        told.append((found[0], _right_on(answer, task, int(found[1]))))
    if found := re.search(r"On input (\d+) of \d+ .*raised (\w+)", hint):
        told.append((found[0], _raises(answer, task, int(found[1]) - 1, found[2])))
    entry = re.search(r"entry (\d+) of the result", hint)
    part = int(entry[1]) - 1 if entry else None
    if found := re.search(r"On input (\d+) .*the result (?:has shape (\(.*?\))|is a single)", hint):
        shape = ast.literal_eval(found[2]) if found[2] else ()
        told.append((found[0], _has_shape(answer, task, int(found[1]) - 1, part, shape)))
    if found := re.search(r"On input (\d+) .*the result holds (NaN|infinity)", hint):
        told.append((found[0], _not_finite(answer, task, int(found[1]) - 1, part)))
    idle = r"With other numbers in (\w+) your function returns|Your function makes no use of (\w+)"
    if found := re.search(idle, hint):
        told.append((found[0], _uses_nothing_of(answer, task, found[1] or found[2])))
    return [said for said, holds in told if not holds]


def _results(answer: Answer, task: Task, i: int) -> Iterator[Any]:
    """Yield what an answer returns in each form: a result, or the error that it raises."""
    for form in FORMS:
        try:
            with undisturbed():
                yield plain(answer(*given(task.inputs[i], form)))
        except Exception as error:  # the answer's own
            yield error


def _right_on(answer: Answer, task: Task, count: int) -> bool:
    by_form = []
    for i in range(len(task.inputs)):
        by_form.append([task.right(result, i) for result in _results(answer, task, i)])
    return any(sum(column) == count for column in zip(*by_form, strict=True))


def _raises(answer: Answer, task: Task, i: int, error: str) -> bool:
    return any(type(result).__name__ == error for result in _results(answer, task, i))


def _numbers(answer: Answer, task: Task, i: int, part: int | None) -> Iterator[Any]:
    """Yield the numbers of a result, or of one entry of it, in each form."""
    for result in _results(answer, task, i):
        entries = None if part is None else parts_of(result)
        if not isinstance(result, Exception) and (part is None or entries):
            found = numbers(entries[part] if entries and part is not None else result)
            if found is not None:
                yield found


def _has_shape(
    answer: Answer, task: Task, i: int, part: int | None, shape: tuple[int, ...]
) -> bool:
    return any(found.shape == shape for found in _numbers(answer, task, i, part))


def _not_finite(answer: Answer, task: Task, i: int, part: int | None) -> bool:
    return any(not np.isfinite(found).all() for found in _numbers(answer, task, i, part))


def _uses_nothing_of(answer: Answer, task: Task, name: str) -> bool:
    """Ask on every input, with twice the numbers in one argument, in any form that runs."""
    if name in idle_parameters(answer):
        return True  # its code never reads it, whether it runs or not
    code = answer.__code__
    at = code.co_varnames[: code.co_argcount].index(name)
    same = collections.Counter[str]()
    for arguments in task.inputs:
        twice = tuple(a * 2 if k == at else a for k, a in enumerate(arguments))
        for form in FORMS:
            with undisturbed():
                first = outcome(answer, given(arguments, form), 1.0)
                second = outcome(answer, given(twice, form), 1.0)
            if first is not RAISED and second is not RAISED:
                same[form] += _same_value(first, second)
                break
    return same.total() > 0


# ---------------------------------------------------------------- odd calls

VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2.5, float("nan"), float("inf"), 10**400, 1j, "word", b"bytes", ""),
    *([], [1], [[1.0, 2.0], [3.0]], (), (1, 2), (None, None), {}, {"a": 1}, {1, 2}, range(3)),
    *(np.zeros(0), np.zeros((2, 0, 3)), np.array(3.0), np.array(["a"]), np.array([None, 1])),
    *(np.eye(3, dtype=bool), np.ma.masked_array([1.0, 2.0], [True, False]), np.float16(1)),
    *(torch.zeros(0), torch.tensor(True), torch.ones(2, requires_grad=True), torch.tensor(1j)),
    *(torch.ones(2, 2).to_sparse(), torch.ones(2, dtype=torch.bfloat16), object(), slice(3)),
    *([np.ones(2), np.ones(3)], (np.ones(2), np.ones(3)), [torch.ones(2), torch.ones(3)]),
    *((torch.ones(2, requires_grad=True), [1.0, None]), np.array(1e308), -0.0, 1e-320),
    *(np.ones((2, 2), dtype="datetime64[s]"), torch.nn.Linear(2, 2), np.ones, np.random),
)
WRAPPED: tuple[Callable[[Any], Any], ...] = (
    lambda v: v,
    lambda v: (v, v),
    lambda v: [v, 1.0],
    lambda v: iter([v]),
    lambda v: (v, [v], (v,)),
    lambda v: {"result": v},
)


def odd_calls(name: str, number: int, seed: int = 0) -> Iterator[Any]:
    """Yield things that no exercise asks for: values, and functions that return them."""
    rng = random.Random(f"{seed} {name}")
    for _ in range(number):
        value, wrap = rng.choice(VALUES), rng.choice(WRAPPED)
        kind = rng.randrange(4)
        if kind == 0:
            yield wrap(value)
        elif kind == 1:
            yield lambda *a, v=value, w=wrap: w(v)
        elif kind == 2:  # mixed with what came in
            yield lambda *a, v=value, w=wrap: (w(v), *a)
        else:
            yield lambda *a, v=value: a[0] * v


# ---------------------------------------------------------------- the report


@dataclass
class Report:
    """What came of all questions about one exercise."""

    name: str
    singles: int = 0
    refused: int = 0
    equivalent: collections.Counter[str] = field(default_factory=collections.Counter)
    wrongly_accepted: list[str] = field(default_factory=list)
    doubles: int = 0
    named: collections.Counter[str] = field(default_factory=collections.Counter)
    not_named: list[tuple[str, str]] = field(default_factory=list)
    false: list[tuple[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    odd: int = 0
    crashes: list[str] = field(default_factory=list)

    def ask_singles(self, sample: int | None, seed: int) -> None:
        """Ask about the solution with one edit, or about a sample of these."""
        for slip in accepted(self.name, sample, seed):
            self.singles += 1
            why = None if slip is None or slip.lucky else reason(self.name, slip)
            if slip is None:
                self.refused += 1
            elif why is None:
                lucky = "wrong on other inputs" if slip.lucky else "not known to be equivalent"
                self.wrongly_accepted.append(f"{lucky}: {slip.kind}: {slip.text}")
            else:
                self.equivalent[why] += 1

    def ask_doubles(self, number: int, seed: int) -> None:
        """Ask about the solution with two edits, drawn at random."""
        exercise = functions()[self.name]
        secret = secret_of(exercise)
        for answer in doubles(self.name, number, seed):
            start = time.thread_time()
            verdict = exercise(answer)
            self.seconds.append(time.thread_time() - start)
            if verdict:
                if not passes(answer, fresh(secret)):
                    self.wrongly_accepted.append(answer.text)  # type: ignore[attr-defined]
                continue
            self.doubles += 1
            way = how_named(verdict, secret)
            self.named[way or "not named"] += 1
            shown = (answer.text, verdict.hint)  # type: ignore[attr-defined]
            if not way:
                self.not_named.append(shown)
            if falsehoods(answer, verdict, secret):
                self.false.append(shown)

    def ask_odd(self, number: int, seed: int) -> None:
        """Ask about what no exercise asks for."""
        exercise = checks.exercises()[self.name.split("[")[0]]
        for odd in odd_calls(self.name, number, seed):
            self.odd += 1
            try:
                verdict = exercise(odd)
                assert isinstance(verdict, checks.Verdict)
            except Exception as error:
                self.crashes.append(f"{type(error).__name__}: {error}")


def whole(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the counts of all exercises together."""
    named = sum((r.named for r in reports), collections.Counter())
    seconds = [s for r in reports for s in r.seconds] or [0.0]
    return {
        "exercises": len(reports),
        "one slip": sum(r.singles for r in reports),
        "of these refused": sum(r.refused for r in reports),
        "of these equivalent": sum(r.equivalent.total() for r in reports),
        "two slips": named.total(),
        "of these named": named.total() - named["not named"],
        "by": dict(named.most_common()),
        "wrongly accepted": sum(len(r.wrongly_accepted) for r in reports),
        "told something false": sum(len(r.false) for r in reports),
        "seconds a check, median": round(float(np.median(seconds)), 3),
        "seconds a check, most": round(max(seconds), 3),
        "odd calls": sum(r.odd for r in reports),
        "crashes": sum(len(r.crashes) for r in reports),
    }


def _good(counts: dict[str, Any]) -> bool:
    bad = counts["wrongly accepted"] + counts["told something false"] + counts["crashes"]
    return not bad and counts["of these named"] >= NAMED * counts["two slips"]


def _print_details(report: Report) -> None:
    for text in report.wrongly_accepted:
        print(f"  accepted: {text}")
    for text in report.crashes:
        print(f"  crashed: {text}")
    for text, hint in report.false:
        print(f"  false: {hint}\n{text}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print what came of it, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", help="exercises; all if none is named")
    parser.add_argument("--singles", type=int, help="edits of each solution; all if not given")
    parser.add_argument("--doubles", type=int, default=40, help="answers with two slips, of each")
    parser.add_argument("--fuzz", type=int, default=300, help="odd calls of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write everything that was found here")
    args = parser.parse_args(arguments)
    chosen = args.names or list(functions())
    if unknown := set(chosen) - set(functions()):
        parser.error(f"no such exercise: {', '.join(sorted(unknown))}")
    reports = []
    for name in chosen:
        report = Report(name)
        report.ask_singles(args.singles, args.seed)
        report.ask_doubles(args.doubles, args.seed)
        report.ask_odd(args.fuzz, args.seed)
        reports.append(report)
        counts = whole([report])
        print(
            f"{name:24s} one slip {report.refused:4d} of {report.singles:4d} refused, "
            f"{counts['of these equivalent']:3d} equivalent; two slips "
            f"{counts['of these named']:3d} of {report.doubles:3d} named; "
            f"{counts['seconds a check, median']:.2f} s, at most "
            f"{counts['seconds a check, most']:.2f} s",
            flush=True,
        )
        _print_details(report)
    counts = whole(reports)
    for said, value in counts.items():
        print(f"{said:>24s}: {value}")
    if args.json is not None:
        found = {"counts": counts, "exercises": [vars(r) for r in reports]}
        args.json.write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")
    return 0 if _good(counts) else 1


if __name__ == "__main__":
    sys.exit(main())
