"""The chapters as a reader meets them: exercises, first tries, solutions, and what is above."""

import ast
import copy
import inspect
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.paths import BOOK

FENCE = re.compile(
    r"^(?P<ticks>`{3,})\{(?P<kind>[\w-]+)\}(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=ticks)[ \t]*$",
    re.M | re.S,
)
OPTIONS = re.compile(r"\A(---\n.*?\n---\n|(:[\w-]+:[^\n]*\n)+)", re.S)
CHECKER = re.compile(r"checks\.(\w+)\(")


@dataclass(frozen=True)
class Told:
    """An exercise as a chapter tells it.

    Attributes:
        chapter: name of the page.
        title: of the exercise.
        label: what a link to it names.
        checker: name in `aeteach.checks`.
        text: what is asked.
        first: the code of the first try.
        solution: the code of the solution.
        above: the code of each cell before the exercise that a reader sees without opening a
            solution; a definition that a cell shows counts as a cell.
        prose: the page up to the exercise, without code.
    """

    chapter: str
    title: str
    label: str
    checker: str
    text: str
    first: str
    solution: str
    above: tuple[str, ...]
    prose: str


@cache
def told() -> list[Told]:
    """Return every exercise of the book, page by page in alphabetical order."""
    return [one for page in sorted(BOOK.glob("*.md")) for one in _of(page)]


def _of(page: Path) -> list[Told]:
    text = page.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    found, above, folded = [], list[str](), False
    names: dict[str, Any] = {}
    for i, block in enumerate(blocks):
        kind, body = block["kind"], block["body"]
        folded = (folded or kind == "solution-start") and kind != "solution-end"
        if kind == "code-cell":
            tags, code = _cell(body)
            if not folded and "remove-" not in tags and not CHECKER.search(code):
                above += [code, *_shown(code, names)]
        if kind != "exercise":
            continue
        end = next(b for b in blocks[i:] if b["kind"] == "solution-end")
        cells = [
            (b.start(), _cell(b["body"])[1])
            for b in blocks[i : blocks.index(end)]
            if b["kind"] == "code-cell"
        ]
        opened = next(b.start() for b in blocks[i:] if b["kind"] == "solution-start")
        first = "\n".join(code for at, code in cells if at < opened)
        solution = "\n".join(code for at, code in cells if at > opened)
        options = OPTIONS.match(body)
        label = re.search(r":label: (\S+)", body)
        checker = CHECKER.search(first)
        assert label, (page.name, block["title"])
        assert checker, (page.name, block["title"])
        prose = FENCE.sub("", text[: block.start()])
        asked = body[options.end() :] if options else body
        found.append(
            Told(page.stem, block["title"].strip(), label[1], checker[1], asked, first, solution,
                 tuple(above), prose)
        )  # fmt: skip
    return found


def _cell(body: str) -> tuple[str, str]:
    """Return the options of a code cell and its code."""
    options = OPTIONS.match(body)
    return (options[0], body[options.end() :]) if options else ("", body)


def _shown(code: str, names: dict[str, Any]) -> list[str]:
    """Return the definitions of the package that a cell shows.

    Args:
        code: of the cell.
        names: what the cells before it have imported from the package; the cell's own are added.
    """
    found = []
    for node in ast.walk(ast.parse(_plain(code))):
        if isinstance(node, ast.Import | ast.ImportFrom) and "aeteach" in ast.unparse(node):
            exec(ast.unparse(node), names)  # as the cell does
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "aeteach.show":
            shown = eval(ast.unparse(node.args[0]), names)
            found.append(inspect.cleandoc("\n" + inspect.getsource(shown)))
    return found


# ---------------------------------------------------------------- what an answer consists of

_SAME = {"torch": "np", "dim": "axis", "keepdim": "keepdims"}
_KEPT = {"np", "math", "F", "len", "sum", "max", "min", "abs", "range"}
_OPERATIONS = ast.BinOp | ast.UnaryOp | ast.Call | ast.Compare | ast.Attribute | ast.Subscript
_LONG = 6  # operations of one step of an answer that nobody writes by chance


def answers(code: str) -> set[str]:
    """Return what the functions in some code return, each entry of a tuple by itself.

    A variable that is set once, by a plain assignment, is replaced by what it is set to.
    """
    found = set()
    for function in _functions(ast.parse(_plain(code))):
        known = _assigned(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value:
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                found |= {normal(_Inline(known).visit(copy.deepcopy(v))) for v in values}
    return {answer for answer in found if _size(answer) > 1}


def steps(code: str) -> set[str]:
    """Return the long expressions that some code returns or assigns."""
    nodes = ast.walk(ast.parse(_plain(code)))
    kinds = ast.Return | ast.Assign | ast.AugAssign
    found = {normal(node.value) for node in nodes if isinstance(node, kinds) and node.value}
    return {step for step in found if _size(step) >= _LONG}


@cache
def expressions(code: str) -> frozenset[str]:
    """Return every expression in some code, with its variables as they are and replaced."""
    tree = ast.parse(_plain(code))
    found = {normal(node) for node in ast.walk(tree) if isinstance(node, ast.expr)}
    return frozenset(found | answers(code))


def _functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _assigned(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Return the variables that are set once, outside any loop, to one expression."""
    times = Counter(
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    found: dict[str, ast.expr] = {}
    for line in function.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            name = line.targets[0].id
            if times[name] == 1:
                found[name] = _Inline(found).visit(copy.deepcopy(line.value))
    return found


class _Inline(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]):
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.known.get(node.id, node))


class _Rename(ast.NodeTransformer):
    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        name = _SAME.get(node.id, node.id)
        if name not in _KEPT:
            name = self.names.setdefault(name, f"_{len(self.names)}")
        return ast.Name(name, ast.Load())

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        return ast.keyword(_SAME.get(node.arg or "", node.arg), self.visit(node.value))


def normal(node: ast.AST) -> str:
    """Return an expression so that neither names nor the library make a difference.

    Its variables are numbered in the order in which they occur.
    """
    return ast.dump(_Rename().visit(copy.deepcopy(node)))


def _size(dumped: str) -> int:
    return sum(dumped.count(f"{kind.__name__}(") for kind in _OPERATIONS.__args__)


def _plain(code: str) -> str:
    """Take the magics out."""
    return "\n".join("pass" if re.match(r"\s*[%!]", line) else line for line in code.split("\n"))
