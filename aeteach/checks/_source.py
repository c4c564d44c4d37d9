"""The source of a function, and new versions of it: what the edits of a function are made from.

`inspect` and `linecache` know the cells of a notebook as well as files. A function may call others
that its author wrote; they are edited too. Only what is plainly arithmetic is ever run in an
edited version: a function that opens files or reaches outside is left alone.
"""

import ast
import builtins
import contextlib
import copy
import dis
import functools
import itertools
import linecache
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aeteach.checks._edits import Edit, Scope, edits, helpers

_LIBRARIES = tuple(
    path
    for p in {sysconfig.get_paths()[k] for k in ("stdlib", "purelib", "platlib")} | {sys.prefix}
    for path in (p, str(Path(p).resolve()))
)
_PACKAGE = str(Path(__file__).resolve().parents[1])
# What an edited version may call outside its author's own functions.
_HARMLESS = {
    *("numpy", "torch", "math", "cmath", "statistics", "itertools", "functools", "operator"),
    *("collections", "fractions", "decimal", "random", "scipy", "sklearn", "aeteach", "copy"),
    *("typing", "dataclasses", "builtins", "numbers", "heapq", "bisect", "string", "sympy"),
}
_HARMFUL = {
    *("open", "exec", "eval", "compile", "__import__", "input", "breakpoint", "globals", "locals"),
    *("exit", "quit", "setattr", "delattr", "save", "savez", "savetxt", "tofile", "load", "dump"),
    *("system", "popen", "unlink", "remove_file", "rmtree", "write", "write_text", "write_bytes"),
    *("urlopen", "download", "to_csv", "savefig", "show", "manual_seed", "set_default_dtype"),
    *(
        "set_printoptions",
        "seterr",
        "set_num_threads",
        "memmap",
        "fromfile",
        "loadtxt",
        "genfromtxt",
    ),
}


_CONSTANT = (
    *(types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType, np.ufunc),
    *(int, float, complex, str, bytes, bool, type(None), range, slice, np.number),
)


_WITHOUT_END = (itertools.count, itertools.cycle, itertools.repeat)


class NoSource(Exception):  # noqa: N818 - says that there is nothing to edit
    """A function has no source that may be edited."""


class Program:
    """A function with those of its author's functions that it calls, ready to be edited.

    Raises:
        NoSource: the source is not to be had, or does more than arithmetic.
    """

    constants: frozenset[float] | None = None  # of a right function, to try in those of an answer

    def __init__(self, function: Callable[..., Any], owns: Callable[[Any], bool] | None = None):
        self.bound: tuple[Any, ...] = ()
        if not hasattr(function, "__code__") and not hasattr(function, "__wrapped__"):  # an object
            function = type(function).__call__.__get__(function)
        if isinstance(function, types.MethodType):
            self.bound, function = (function.__self__,), function.__func__
        if not isinstance(function, types.FunctionType) and not hasattr(function, "__wrapped__"):
            raise NoSource
        self._owns = owns or is_readers_own
        while not self._owns(function) and hasattr(function, "__wrapped__"):
            function = function.__wrapped__  # a decorator's own function is around the reader's
        if not self._owns(function):
            raise NoSource
        if not isinstance(function, types.FunctionType):
            raise NoSource
        self.main = function
        self.parts: dict[str, tuple[types.FunctionType, ast.FunctionDef | ast.Lambda]] = {}
        self._values: dict[str, Any] = {}  # that no version can change
        self._changing: dict[str, Any] = {}  # of which each version gets a copy
        self._add(function.__name__, function)
        if len(self.parts) > 8:
            raise NoSource
        self._codes = {name: _compiled(*part) for name, part in self.parts.items()}

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's arguments."""
        return _arguments(self.parts[self.main.__name__][1])

    def _add(self, name: str, function: types.FunctionType) -> None:
        node = find(function)
        if node is None:
            raise NoSource
        self.parts[name] = function, node
        for used, value in used_by(function):
            if used in self._values or used in self._changing or used in self.parts:
                continue
            if isinstance(value, types.FunctionType) and self._owns(value) and len(self.parts) < 9:
                if value is not function:
                    self._add(used, value)
                continue
            kept = self._values if isinstance(value, _CONSTANT) else self._changing
            kept[used] = _safe_copy(value)
        for n in ast.walk(node):
            if isinstance(n, ast.Nonlocal | ast.Global | ast.Await | ast.Yield | ast.YieldFrom):
                raise NoSource
            if isinstance(n, ast.Import | ast.ImportFrom):
                names = [getattr(n, "module", None) or a.name for a in n.names]
                if not {m.split(".")[0] for m in names} <= _HARMLESS:
                    raise NoSource
            called = n.id if isinstance(n, ast.Name) else getattr(n, "attr", "")
            if called in _HARMFUL or self._has_no_end(called):
                raise NoSource

    def _has_no_end(self, name: str) -> bool:
        """Tell whether a name is an iterator without end, which an edit might set free."""
        value = self._values.get(name)
        if value is None and itertools in self._values.values():
            value = getattr(itertools, name, None)
        return value in _WITHOUT_END

    def versions(
        self, *, habits: bool = False
    ) -> Iterator[tuple[Edit, str, Callable[..., Any] | None]]:
        """Yield every edit, the name of the function it is in, and the whole so edited.

        The third is None where an edit makes no valid program.

        Args:
            habits: whether to make an edit in several places at once, too.
        """
        for name, (_, node) in self.parts.items():
            for edit in edits(node, self.scope(name), habits=habits):
                yield edit, name, self._built(name)

    @contextlib.contextmanager
    def kept(self, name: str) -> Iterator[None]:
        """Keep the edit that is in force, so that further versions have it too."""
        before = self._codes
        self._codes = before | {name: _compiled(*self.parts[name])}
        try:
            yield
        finally:
            self._codes = before

    def loses(self, edit: Edit, name: str) -> bool:
        """Tell whether an edit puts a name in place of the only use of another.

        Then it mends nothing: it leaves out what the answer has worked out.
        """
        if not (isinstance(edit.node, ast.Name) and isinstance(edit.new, ast.Name)):
            return False
        tree = self.parts[name][1]
        filled = {id(node) for node in _only_filled(tree)}
        names = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in filled)
        return not any(n.id == edit.node.id and isinstance(n.ctx, ast.Load) for n in names)

    def scope(self, name: str) -> Scope:
        """Return what the names of one of the functions stand for."""
        node = self.parts[name][1]
        own = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        modules = {n for n in own if isinstance(self._values.get(n), types.ModuleType)}
        parameters = _arguments(node)
        stored = {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        variables = tuple(sorted(stored - set(parameters)))
        known = self.constants or frozenset()
        return Scope(parameters, variables, frozenset(modules), known, self.constants is not None)

    def _built(self, edited: str) -> Callable[..., Any] | None:
        """Compile one function as its tree stands now, beside the others; None if that fails."""
        space = {"__builtins__": builtins, **self._values, **helpers()}
        space |= {name: _safe_copy(value) for name, value in self._changing.items()}
        try:
            codes = self._codes | {edited: _compiled(*self.parts[edited])}
        except (SyntaxError, ValueError, TypeError, RecursionError):  # all that compile raises
            return None
        for name, code in codes.items():
            function = self.parts[name][0]
            defaults = tuple(_safe_copy(value) for value in function.__defaults__ or ())
            made = types.FunctionType(code, space, name, defaults)
            named = function.__kwdefaults__ or {}
            made.__kwdefaults__ = {key: _safe_copy(value) for key, value in named.items()}
            space[name] = made
        main = space[self.main.__name__]
        bound = [_safe_copy(value) for value in self.bound]
        return functools.partial(main, *bound) if bound else main


def _only_filled(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what a statement such as out.append(x) stands on: that only fills it."""
    for node in ast.walk(tree):
        called = node.value if isinstance(node, ast.Expr) else None
        if isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute):
            yield called.func.value


def _compiled(function: types.FunctionType, node: ast.FunctionDef | ast.Lambda) -> types.CodeType:
    """Return the code of a function, all of whose outer names are looked up as global ones."""
    file = function.__code__.co_filename
    if isinstance(node, ast.Lambda):
        whole = compile(ast.Expression(node), file, "eval")
    else:
        whole = compile(ast.Module([node], []), file, "exec")
    return next(c for c in whole.co_consts if isinstance(c, types.CodeType))


def is_readers_own(function: Any) -> bool:
    """Tell whether a function was written by the reader, not by a library or this package."""
    code = getattr(function, "__code__", function)
    file = getattr(code, "co_filename", None)
    if file is None:
        return False
    return not (file.startswith((*_LIBRARIES, _PACKAGE)) or file.startswith("<frozen"))


def _arguments(node: ast.FunctionDef | ast.Lambda) -> tuple[str, ...]:
    a = node.args
    return tuple(x.arg for x in [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else [])])


def constants_of(function: Callable[..., Any]) -> frozenset[float]:
    """Return the numbers that a function states, and the functions of its file that it calls."""
    file = function.__code__.co_filename
    called = [v for _, v in used_by(function) if isinstance(v, types.FunctionType)]
    codes = [c for c in (function.__code__, *(f.__code__ for f in called)) if c.co_filename == file]
    found = {c for code in codes for inner in codes_of(code) for c in inner.co_consts}
    return frozenset(c for c in found if type(c) in (int, float))


def idle_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters that a function never reads."""
    code = function.__code__
    read = set(code.co_cellvars)
    for step in dis.get_instructions(code):
        if step.opname.startswith("LOAD"):
            read |= set(step.argval) if isinstance(step.argval, tuple) else {step.argval}
    return tuple(p for p in code.co_varnames[: code.co_argcount] if p not in read)


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield the code of a function and of all that is defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_of(constant)


def used_by(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names that a function takes from outside, with what they stand for."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not set yet
            continue
    names = {name for inner in codes_of(code) for name in inner.co_names}
    for name in names & set(function.__globals__):
        yield name, function.__globals__[name]


def _safe_copy(value: Any) -> Any:
    """Return a value that an edited function may do with as it likes."""
    if isinstance(value, types.ModuleType):
        if value.__name__.split(".")[0] not in _HARMLESS:
            raise NoSource
        return value
    if isinstance(value, type):
        _refuse_harm(value, [f for f in vars(value).values() if hasattr(f, "__code__")])
        return value
    if isinstance(value, types.BuiltinFunctionType | np.ufunc | types.FunctionType):
        _refuse_harm(value, [value] if hasattr(value, "__code__") else [])
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray) and value.nbytes > 1e7:
        raise NoSource
    try:
        return copy.deepcopy(value)
    except Exception:  # it cannot be copied, so it cannot be risked
        raise NoSource from None


def _refuse_harm(value: Any, functions: list[Any]) -> None:
    """Refuse a library's class or function that may reach outside, and a reader's own that does.

    Raises:
        NoSource: it is one of these.
    """
    module = (getattr(value, "__module__", None) or "builtins").split(".")[0]
    if module in _HARMLESS:
        return
    own = [f for f in functions if is_readers_own(f)]
    written = isinstance(value, type) and not functions  # a class without a method of its own
    if not own and (not written or module in sys.stdlib_module_names):
        raise NoSource
    for function in own:
        if any(set(code.co_names) & _HARMFUL for code in codes_of(function.__code__)):
            raise NoSource


# ---------------------------------------------------------------- finding the source


def find(function: types.FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """Return a fresh syntax tree of a function, without decorators and defaults, or None."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        return None
    found = [n for n in _functions(text) if _is_code_of(n, code)]
    if len(found) > 1:
        found = [n for n in found if _same_code(n, code)][:1]
    if not found:
        return None
    node = copy.deepcopy(found[0])
    node.args.defaults, node.args.kw_defaults = [], [None] * len(node.args.kwonlyargs)
    if isinstance(node, ast.FunctionDef):
        node.decorator_list, node.returns = [], None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
    return node


@functools.lru_cache(maxsize=64)
def _functions(text: str) -> tuple[ast.FunctionDef | ast.Lambda, ...]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    return tuple(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda))


def _is_code_of(node: ast.FunctionDef | ast.Lambda, code: types.CodeType) -> bool:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    name = node.name if isinstance(node, ast.FunctionDef) else "<lambda>"
    return first == code.co_firstlineno and name == code.co_name


def _same_code(node: ast.FunctionDef | ast.Lambda, code: types.CodeType) -> bool:
    """Tell lambdas of one line apart, by where their bodies stand."""
    spots = [p for p in code.co_positions() if None not in p and p[0] and p[2] is not None]
    if not spots:
        return False
    body = node.body if isinstance(node, ast.Lambda) else node
    begin = body.lineno, body.col_offset
    end = body.end_lineno, body.end_col_offset
    inside = [(p[0], p[2]) for p in spots if (p[0], p[2]) != (code.co_firstlineno, 0)]
    last = max((p[1] or 0, p[3] or 0) for p in spots)
    return bool(inside) and all(begin <= p for p in inside) and last == end


def line_of(code: types.CodeType, number: int) -> str:
    """Return one line of the file or cell from which code was compiled."""
    return linecache.getline(code.co_filename, number).strip()


def snippet(node: ast.AST, function: types.FunctionType) -> str:
    """Return what stands at a node in the source of a function, shortened, on one line."""
    file = function.__code__.co_filename
    text = "".join(linecache.getlines(file, function.__globals__))
    found = ast.get_source_segment(text, node) or ast.unparse(node)
    found = " ".join(found.split())
    return found if len(found) <= 60 else found[:57] + "..."
