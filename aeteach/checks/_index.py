"""The exercises of the book in one table: where each is, who checks it, and how long it takes."""

import ast
import html
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from aeteach.checks._exercise import Check, Exercise, Quantity, Rounds, secret_of
from aeteach.checks._source import find

_FUNCTION, _NUMBER, _JUDGED = "function", "number", "judged"
_OPERATIONS = ast.BinOp | ast.UnaryOp | ast.Compare | ast.Call | ast.Subscript
_BASE = {_FUNCTION: 5, _NUMBER: 5, _JUDGED: 10}
_EVERY = 6  # operations of a solution that are worth five minutes more
_MOST = 20  # minutes


@dataclass(frozen=True)
class Entry:
    """An exercise.

    Attributes:
        exercise: its title.
        chapter: name of the page that holds it, as in its address.
        checker: its name in `aeteach.checks`.
        kind: what an answer is: "function", "number" (or several), or "judged" where a judge of
            its own looks at it, such as a witness or a draw.
        minutes: a rough time. A number takes 5, what is judged 10; a function takes 5, and 5 more
            for every 6 operations of its solution, up to 20.
    """

    exercise: str
    chapter: str
    checker: str
    kind: str
    minutes: int


class Index(tuple[Entry, ...]):
    """Entries that show themselves as a table in a notebook."""

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in Entry.__dataclass_fields__)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in vars(e).values()) + "</tr>"
            for e in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def entries(exercises: dict[str, Check], modules: dict[str, ModuleType]) -> Iterator[Entry]:
    """Yield an entry for each exercise, in the order of the modules that hold them.

    Args:
        exercises: by the name under which each is called.
        modules: the chapters' modules by name.
    """
    for module_name, module in modules.items():
        for name, found in vars(module).items():
            if isinstance(found, Check) and exercises.get(name) is found:
                kind = _kind(found)
                chapter = module_name.replace("_", "-")
                yield Entry(found.name, chapter, name, kind, _minutes(found, kind))


def _kind(exercise: Check) -> str:
    if isinstance(exercise, Rounds):
        return _kind(secret_of(exercise)[-1])
    if isinstance(exercise, Exercise):
        return _FUNCTION
    return _NUMBER if isinstance(exercise, Quantity) else _JUDGED


def _minutes(exercise: Check, kind: str) -> int:
    return min(_MOST, _BASE[kind] + 5 * (_operations(exercise) // _EVERY))


def _operations(exercise: Check) -> int:
    """Return how many operations the solution of a function has; the last round has most."""
    if isinstance(exercise, Rounds):
        return _operations(secret_of(exercise)[-1])
    if not isinstance(exercise, Exercise):
        return 0
    solution: Any = inspect.unwrap(secret_of(exercise).solutions[0])
    tree = find(solution)
    assert tree is not None, f"{exercise.name}: its solution has no source"
    return sum(isinstance(node, _OPERATIONS) for node in ast.walk(tree))
