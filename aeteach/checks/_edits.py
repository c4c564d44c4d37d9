"""Every small edit of a function: the slips that people make in one place, and that mend one.

An edit takes a node of the syntax tree and puts another in its place. Each rule below states one
kind of slip in two ways: what to say when the edit mends a wrong function (the slip was there),
and what to say when it spoils a right one (the slip is what was put in). The rules are ordered
from the commonest slip to the rarest; the first that explains an answer is the one that is told.

The idea is that of an error model (Singh, Gulwani and Solar-Lezama, *Automated feedback generation
for introductory programming assignments*, PLDI 2013) and of repair by mutation as in Refactory
(Hu et al., ASE 2019); with so few lines in an answer no solver and no corpus of answers is needed.
"""

import ast
import builtins
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

Place = tuple[ast.AST, str, int | None]  # parent, field, position in the field if it is a list
Option = tuple[ast.AST, str, str]  # new node, said when it mends, said when it spoils


@dataclass(frozen=True)
class Scope:
    """What a function's names stand for: its parameters, its own variables, the modules."""

    parameters: tuple[str, ...]
    variables: tuple[str, ...]
    modules: frozenset[str]
    constants: frozenset[float] = frozenset()  # those of a right function
    answer: bool = False  # whether it is an answer that is edited, not a solution


@dataclass(frozen=True)
class Edit:
    """One edit, in force while the generator that made it waits.

    Attributes:
        node: what stood there before.
        new: what stands there now.
        mends: what was wrong, if the edit makes a function right.
        spoils: what is wrong, if the edit is what separates a right function from an answer.
    """

    node: ast.AST
    new: ast.AST
    mends: str
    spoils: str

    @property
    def dropped(self) -> ast.expr | None:
        """The side of an operation that the edit leaves out, if it does that."""
        if isinstance(self.node, ast.BinOp) and self.new in (self.node.left, self.node.right):
            return self.node.right if self.new is self.node.left else self.node.left
        return None


def edits(
    root: ast.FunctionDef | ast.Lambda, scope: Scope, *, habits: bool = False
) -> Iterator[Edit]:
    """Make every edit of a function in turn, in place; each is undone when the next is asked for.

    Args:
        root: the function; the same object again, unchanged, once the iterator is used up or
            closed.
        scope: what its names stand for.
        habits: whether to make an edit in several places at once, too.
    """
    places = list(_places(root, scope.modules))
    for rule in _RULES:
        for parent, field, index in places:
            if rule is not _variable and _only_counted(parent):
                continue
            old = getattr(parent, field) if index is None else getattr(parent, field)[index]
            for new, mends, spoils in rule(old, parent, scope):
                _locate(new, old)
                _put(parent, field, index, new)
                try:
                    yield Edit(old, new, mends, spoils)
                finally:
                    _put(parent, field, index, old)
    if habits:
        yield from _everywhere(places, scope)
    yield from _statement_edits(root)


def _everywhere(places: Sequence[Place], scope: Scope) -> Iterator[Edit]:
    """Make an edit at once in all the places where it is possible: a habit shows more than once."""
    for rule in (_twin, _divisor, _power):
        found: dict[str, dict[int, tuple[Place, ast.AST, Option]]] = {}
        for k, (parent, field, index) in enumerate(places):
            old = getattr(parent, field) if index is None else getattr(parent, field)[index]
            for option in rule(old, parent, scope):
                if rule is not _power or option[1].endswith("too many"):
                    at = (parent, field, index), old, option
                    found.setdefault(option[1], {}).setdefault(k, at)
        for mends, spots in found.items():
            if not 2 <= len(spots) <= 6:
                continue
            for (parent, field, index), old, (new, _, _) in spots.values():
                _locate(new, old)
                _put(parent, field, index, new)
            _, old, (new, _, spoils) = next(iter(spots.values()))
            try:
                yield Edit(old, new, f"{mends}, and not only here", spoils)
            finally:
                for (parent, field, index), old, _ in reversed(spots.values()):
                    _put(parent, field, index, old)


def _put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _locate(new: ast.AST, old: ast.AST) -> None:
    """Give the nodes that an edit made the place of the one that they replace."""
    if "lineno" in new._attributes:
        if hasattr(new, "lineno"):
            return  # an old node in a new place, with all that is below it
        ast.copy_location(new, old)
    for child in ast.iter_child_nodes(new):
        _locate(child, old)


def _places(root: ast.FunctionDef | ast.Lambda, modules: frozenset[str]) -> Iterator[Place]:
    """List where an expression stands, the last line first: there the result is made."""
    if isinstance(root, ast.Lambda):
        yield root, "body", None
    for top in [root.body] if isinstance(root, ast.Lambda) else root.body[::-1]:
        for node in ast.walk(top):
            if isinstance(node, ast.arguments | ast.JoinedStr):
                continue
            for field, value in ast.iter_fields(node):
                if field in ("annotation", "returns", "decorator_list", "func"):
                    continue
                items = enumerate(value) if isinstance(value, list) else [(None, value)]
                for index, item in items:
                    if isinstance(item, ast.expr) and _is_read(item, modules):
                        yield node, field, index


def _only_counted(parent: ast.AST) -> bool:
    """Tell whether of what stands here only the number of its entries is asked for."""
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
        return parent.func.id == "len"
    return isinstance(parent, ast.Attribute) and parent.attr in ("shape", "ndim", "size")


def _is_read(node: ast.expr, modules: frozenset[str]) -> bool:
    if isinstance(node, ast.Name) and node.id in modules:
        return False
    return not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)


# ---------------------------------------------------------------- building and reading nodes

_PREFIX = "_edit_"


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _apply(helper: str, *arguments: ast.expr) -> ast.Call:
    """Call a function of HELPERS."""
    return ast.Call(_load(_PREFIX + helper), list(arguments), [])


def _binary(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left, op, right)


def _number(value: float | int) -> ast.expr:
    if value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _value(node: ast.AST | None) -> float | int | None:
    """Return the number that a node states, or None."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand)
        return None if inner is None else -inner
    return None


def _called(node: ast.AST) -> str | None:
    """Return the last part of a called function's name: sum for x.sum(), np.sum(x) and sum(x)."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id.removeprefix(_PREFIX) if isinstance(node.func, ast.Name) else None


def _is_method(node: ast.Call, scope: Scope) -> bool:
    """Tell x.sum() from np.sum(x)."""
    if not isinstance(node.func, ast.Attribute):
        return False
    base: ast.AST = node.func.value
    while isinstance(base, ast.Attribute):
        base = base.value
    return not (isinstance(base, ast.Name) and base.id in scope.modules)


def _subject(node: ast.AST, scope: Scope) -> ast.expr | None:
    """Return what a one-argument operation works on: x of np.exp(x), x.exp(), -x, x ** 2, 2 * x."""
    if isinstance(node, ast.Call) and node.func:
        if _is_method(node, scope) and isinstance(node.func, ast.Attribute):
            return node.func.value
        return node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.BinOp) and _value(node.right) is not None:
        return node.left
    return None


def _around(node: ast.AST, subject: ast.expr, scope: Scope) -> ast.expr:
    """Return the one-argument operation of `_subject` around another subject."""
    if isinstance(node, ast.Call):
        if _is_method(node, scope) and isinstance(node.func, ast.Attribute):
            func = ast.Attribute(subject, node.func.attr, ast.Load())
            return ast.Call(func, node.args, node.keywords)
        return ast.Call(node.func, [subject, *node.args[1:]], node.keywords)
    if isinstance(node, ast.UnaryOp):
        return ast.UnaryOp(node.op, subject)
    assert isinstance(node, ast.BinOp)
    return ast.BinOp(subject, node.op, node.right)


def _renamed(node: ast.Call, name: str) -> ast.Call:
    if isinstance(node.func, ast.Attribute):
        func: ast.expr = ast.Attribute(node.func.value, name, ast.Load())
    else:
        func = _load(name if hasattr(builtins, name) else _PREFIX + name)
    return ast.Call(func, node.args, node.keywords)


def _is_piece(node: ast.AST) -> bool:
    """Tell whether a node is a value that a slip may hit as a whole; an empty table is none."""
    if _called(node) in ("zeros", "zeros_like", "empty", "empty_like"):
        return False
    return isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Attribute | ast.Subscript)


# ---------------------------------------------------------------- the rules, commonest first

_REDUCTIONS = {
    **{"sum": "sum", "nansum": "sum", "mean": "average", "nanmean": "average", "prod": "product"},
    **{"max": "maximum", "min": "minimum", "amax": "maximum", "amin": "minimum"},
    **{"argmax": "search for the maximum", "argmin": "search for the minimum"},
    **{"var": "variance", "std": "standard deviation", "median": "median", "norm": "norm"},
    **{"cumsum": "running sum", "cumprod": "running product", "any": "test", "all": "test"},
    **{"softmax": "softmax", "log_softmax": "softmax", "logsumexp": "log-sum-exp"},
    **{"sort": "sorting", "argsort": "sorting", "flip": "reversal", "quantile": "quantile"},
    **{"stack": "stacking", "concatenate": "joining", "cat": "joining", "cov": "covariance"},
}
_AXES: tuple[object, ...] = (0, 1, -1, 2, (0, 1), (1, 2), (1, 2, 3))


def _axis(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    word = _REDUCTIONS.get(_called(node) or "")
    if word is None or not isinstance(node, ast.Call):
        return
    at = 0 if _is_method(node, scope) else 1
    keyword = next((k for k in node.keywords if k.arg in ("axis", "dim")), None)
    current: ast.AST | None = keyword.value if keyword else None
    rest = [k for k in node.keywords if k is not keyword]
    arguments = node.args
    if keyword is None and len(node.args) > at:
        current, arguments = node.args[at], node.args[:at] + node.args[at + 1 :]
    if isinstance(node.func, ast.Name):  # Python's own sum and max have no axis
        return
    kind, word = word, f"an {word}" if word[0] in "aeiou" else f"a {word}"
    wrong = f"{word} runs over the wrong axis"
    everything = f"{word} runs over everything, where one axis is meant"
    one = f"{word} runs over one axis, where everything is meant"
    for axis in _AXES:
        if current is not None and ast.unparse(current) == repr(axis):
            continue
        value = ast.parse(repr(axis), mode="eval").body
        new = ast.Call(node.func, [*arguments[:at], value, *arguments[at:]], rest)
        whole = current is None and kind not in ("stacking", "joining", "sorting")
        yield (new, everything, one) if whole else (new, wrong, wrong)
    if current is not None:
        yield ast.Call(node.func, arguments, rest), one, everything


def _all_at_once(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Average everything, or sum everything, where rows are summed and their sums averaged."""
    name = _called(node)
    if name not in ("mean", "sum") or not isinstance(node, ast.Call) or node.keywords:
        return
    inner = _subject(node, scope)
    if inner is None or len(node.args) > (0 if _is_method(node, scope) else 1):
        return
    done = "averaged" if name == "mean" else "summed"
    said = f"everything is {done}, where each row is to be summed and the rows averaged"
    wanted = f"each row is summed and the rows averaged, where everything is to be {done}"
    yield _apply("mean_of_sums", inner), said, wanted


def _of_rows(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Undo that: x.sum(1).mean() becomes x.mean(), x.sum() or x.mean(1).mean()."""
    if _called(node) != "mean" or not isinstance(node, ast.Call) or node.keywords:
        return
    rows = _subject(node, scope)
    if rows is None or _called(rows) != "sum":
        return
    inner = _subject(rows, scope)
    if inner is not None:
        for name, done in (("mean", "averaged"), ("sum", "summed")):
            said = f"everything is {done}, where each row is to be summed and the rows averaged"
            wanted = f"each row is summed and the rows averaged, where everything is to be {done}"
            yield _apply(name, inner), wanted, said


def _at_once(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Change the end of a range, the number after a comparison, or a larger or smaller of two."""
    if _called(parent) in ("range", "arange") and _is_piece(node) and isinstance(node, ast.expr):
        said = "a 1 is missing, or there is one too many"
        yield _binary(node, ast.Add(), _number(1)), said, said
        yield _binary(node, ast.Sub(), _number(1)), said, said
    if _value(node) is not None and isinstance(parent, ast.Compare):
        for value in sorted(scope.constants - {_value(node) or 0}):
            yield _number(value), "a constant is wrong", "a constant is wrong"
    if isinstance(node, ast.Call) and _called(node) in ("max", "min", "maximum", "minimum"):
        for argument in node.args if len(node.args) == 2 else ():
            if _is_piece(argument):
                yield argument, "there is a step too many", "a step is missing"


_TWINS = {
    **{
        "sum": "mean",
        "mean": "sum median",
        "median": "mean",
        "prod": "sum",
        "nansum": "nanmean",
    },
    **{
        "max": "min sum",
        "min": "max mean",
        "amax": "amin",
        "amin": "amax",
        "var": "std",
        "std": "var",
    },
    **{"argmax": "argmin max", "argmin": "argmax min", "cumsum": "sum cumprod", "cumprod": "prod"},
    **{"maximum": "minimum", "minimum": "maximum", "any": "all", "all": "any", "fmax": "fmin"},
    **{"log": "log2 log10 log1p", "log2": "log log10", "log10": "log log2", "log1p": "log"},
    **{"exp": "expm1 exp2", "exp2": "exp", "expm1": "exp", "floor": "ceil round", "int": "ceil"},
    **{"ceil": "floor round", "round": "floor ceil", "sin": "cos", "cos": "sin"},
    **{"arccos": "arcsin", "arcsin": "arccos", "acos": "asin", "asin": "acos"},
    **{"zeros": "ones", "ones": "zeros", "zeros_like": "ones_like", "ones_like": "zeros_like"},
    **{"repeat": "tile", "tile": "repeat", "hstack": "vstack", "vstack": "hstack"},
    **{"tanh": "sigmoid", "sigmoid": "tanh", "cov": "corrcoef", "corrcoef": "cov", "eigh": "eig"},
    **{"argsort": "sort", "nanmean": "nansum", "sorted": "list", "rad2deg": "deg2rad"},
}
_WORDS = {
    **{"sum": "a sum", "mean": "an average", "median": "a median", "prod": "a product"},
    **{"nansum": "a sum", "nanmean": "an average", "cumsum": "a running sum"},
    **{"max": "the largest", "min": "the smallest"},
    **{"amax": "the largest", "amin": "the smallest"},
    **{"argmax": "the place of the largest", "argmin": "the place of the smallest"},
    **{
        "maximum": "the larger of two",
        "minimum": "the smaller of two",
        "fmax": "the larger of two",
    },
    **{"fmin": "the smaller of two", "cumprod": "a running product", "any": "any", "all": "all"},
    **{"var": "a variance", "std": "a standard deviation", "floor": "rounding down"},
    **{"ceil": "rounding up", "round": "rounding to the nearest", "int": "cutting off"},
    **{"cov": "a covariance", "corrcoef": "a correlation", "argsort": "places"},
    **{"sort": "sorted values", "log1p": "a logarithm of one more", "expm1": "one less"},
}
_RARER = {"sum": "min max", "mean": "min", "median": "min", "max": "mean", "min": "sum"}
_LOGS = {"log", "log2", "log10"}


def _twin(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    name = _called(node)
    if name is None or not isinstance(node, ast.Call):
        return
    if name in _LOGS and node.args and _value(node.args[0]) is not None:
        return  # a constant that changes units: another base of it would hide the mistake
    rarer = _RARER.get(name, "") if scope.answer else ""
    for other in f"{_TWINS.get(name, '')} {rarer}".split():
        if isinstance(node.func, ast.Name) and not (other in HELPERS or hasattr(builtins, other)):
            continue
        if {name, other} <= _LOGS:
            mends = spoils = "a logarithm has the wrong base, so the unit is another one"
        else:
            a, b = _WORDS.get(name, name), _WORDS.get(other, other)
            mends, spoils = f"{a} is taken where {b} is meant", f"{b} is taken where {a} is meant"
        yield _renamed(node, other), mends, spoils


def _sign(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        said = "a sign is wrong: one term is added that is to be subtracted, or the reverse"
        yield _binary(node.left, op, node.right), said, said
    too_many, missing = "there is a minus sign too many", "a minus sign is missing"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand, too_many, missing
    elif _is_piece(node) and isinstance(
        parent, ast.Return | ast.Lambda | ast.Call | ast.BinOp | ast.Assign | ast.Tuple
    ):
        if isinstance(parent, ast.BinOp) and node is parent.right:
            return  # told by the operator before it
        if _called(parent) in _RANKED:
            return  # that turns an order round, and is told so
        assert isinstance(node, ast.expr)
        yield ast.UnaryOp(ast.USub(), node), missing, too_many


_RANKED = ("eigh", "eigvalsh", "sort", "argsort", "sorted", "topk", "argmax", "argmin")


def _divisor(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Change the divisor of var, std and cov, in NumPy's words and in torch's."""
    if _called(node) not in ("var", "std", "cov", "nanvar", "nanstd") or not isinstance(
        node, ast.Call
    ):
        return
    said = "a variance is divided by a number that is off by one"
    mine = ("ddof", "correction", "unbiased", "bias")
    rest = [k for k in node.keywords if k.arg not in mine]
    for name, value in (("ddof", 1), ("ddof", 0), ("correction", 0), ("correction", 1)):
        new = ast.Call(node.func, node.args, [*rest, ast.keyword(name, ast.Constant(value))])
        yield new, said, said
    if len(rest) < len(node.keywords):
        yield ast.Call(node.func, node.args, rest), said, said


def _factor(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Put in or take out a constant factor."""
    too_many, missing = "there is a constant factor too many", "a constant factor is missing"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        if _value(node.right) is not None:
            yield node.left, too_many, missing
        elif _value(node.left) is not None and isinstance(node.op, ast.Mult):
            yield node.right, too_many, missing
    number = _value(node)
    if number is not None and isinstance(parent, ast.BinOp) and number not in (0, 1):
        said = _ROLES.get(type(parent.op), "a constant factor is wrong")
        for factor in (2, 0.5):
            changed = number * factor
            yield _number(int(changed) if changed == int(changed) else changed), said, said
        if isinstance(parent.op, ast.Mult | ast.Div):
            yield _number(-number), "the sign of a factor is wrong", "the sign of a factor is wrong"
    if _is_piece(node) and not isinstance(parent, ast.Subscript | ast.Attribute | ast.keyword):
        assert isinstance(node, ast.expr)
        yield _binary(node, ast.Mult(), _number(2)), missing, too_many
        yield _binary(node, ast.Div(), _number(2)), missing, too_many


_ROLES: dict[type[ast.operator], str] = {  # of a number in an operation that is no product
    **{ast.Pow: "an exponent is wrong", ast.Add: "a number is wrong", ast.Sub: "a number is wrong"},
    **{ast.Mod: "a number is wrong"},
}

_UNARY = {
    **{"exp": "an exponential", "log": "a logarithm", "log2": "a logarithm", "sqrt": "a root"},
    **{"log10": "a logarithm", "abs": "an absolute value", "absolute": "an absolute value"},
    **{"square": "a square", "clip": "a cut-off", "clamp": "a cut-off", "relu": "a ReLU"},
    **{"sigmoid": "a sigmoid", "tanh": "a tanh", "softmax": "a softmax", "round": "rounding"},
    **{"floor": "rounding", "ceil": "rounding", "int": "rounding", "nan_to_num": "a replacement"},
    **{"inv": "an inverse", "arccos": "an arc cosine", "rad2deg": "a change of unit"},
    **{"degrees": "a change of unit", "sort": "sorting", "sorted": "sorting", "flip": "a reversal"},
    **{"cumsum": "a running sum", "sum": "a sum", "mean": "an average", "max": "a maximum"},
    **{"min": "a minimum", "log1p": "a logarithm", "expm1": "an exponential", "norm": "a norm"},
    **{"nansum": "a sum", "std": "a spread", "var": "a variance", "prod": "a product"},
    **{"logit": "a logit", "erf": "an error function", "argsort": "sorting", "argmin": "a search"},
    **{"argmax": "a search", "median": "a median", "cos": "a cosine", "sin": "a sine"},
}


def _power(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Put in or take out a square, a root, a logarithm or any other one-argument function."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        word = {2: "a square", 0.5: "a root"}.get(_value(node.right) or 0, "a power")
        yield node.left, f"there is {word} too many", f"{word} is missing"
    name = _called(node)
    if name in _UNARY and isinstance(node, ast.Call):
        inner = _subject(node, scope)
        if inner is not None:
            yield inner, f"there is {_UNARY[name]} too many", f"{_UNARY[name]} is missing"
    if not _is_piece(node) or isinstance(parent, ast.keyword | ast.Subscript):
        return
    assert isinstance(node, ast.expr)
    square = _binary(node, ast.Pow(), _number(2))
    yield square, "a square is missing", "there is a square too many"
    for helper in ("sqrt", "exp", "log", "abs"):
        word = _UNARY[helper]
        yield _apply(helper, node), f"{word} is missing", f"there is {word} too many"


def _meaning(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Take a variance for its root or its logarithm, and the like."""
    if not isinstance(node, ast.Name) or node.id not in scope.parameters:
        return
    said = (
        f"{node.id} is taken for another quantity than it is (a variance, its root and its "
        "logarithm are three things)"
    )
    half, twice = _binary(node, ast.Div(), _number(2)), _binary(node, ast.Mult(), _number(2))
    for new in (_apply("exp", half), _apply("exp", twice), _binary(_apply("log", node), *_TWICE)):
        yield new, said, said
    averaged = getattr(parent, "attr", "") == "mean" or _called(parent) in ("mean", "average")
    if not averaged and (node.id.isupper() or node.id in ("x", "z", "a", "b", "factors")):
        centred = "the mean is not subtracted here"
        yield _apply("centred", node), centred, "a mean is subtracted that should stay"


_TWICE = (ast.Mult(), ast.Constant(2))


def _operator(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    if not isinstance(node, ast.BinOp):
        return
    pairs = {
        (ast.Mult, ast.Div): "a product and a quotient are exchanged",
        (ast.Div, ast.FloorDiv): "rounding down is missing or not wanted",
        (ast.Mult, ast.Add): "a product and a sum are exchanged",
        (ast.Mult, ast.Pow): "a product and a power are exchanged",
        (ast.MatMult, ast.Mult): "a matrix product and one number by number are exchanged",
    }
    for op in _OTHERS.get(type(node.op), ()):
        kinds = type(node.op), op
        both = pairs.get(kinds) or pairs.get(kinds[::-1])
        mends, spoils = (f"a {_OPERATIONS[k]} stands where another is meant" for k in kinds)
        yield _binary(node.left, op(), node.right), both or mends, both or spoils


_OPERATIONS: dict[type[ast.operator], str] = {
    **{ast.Mult: "product", ast.Div: "quotient", ast.FloorDiv: "quotient that is rounded down"},
    **{ast.Mod: "remainder", ast.Add: "sum", ast.MatMult: "matrix product", ast.Pow: "power"},
}
_OTHERS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    **{ast.Mult: (ast.Div, ast.Add, ast.MatMult), ast.Div: (ast.Mult, ast.FloorDiv)},
    **{ast.FloorDiv: (ast.Div, ast.Mod), ast.Mod: (ast.FloorDiv,), ast.Add: (ast.Mult,)},
    **{ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,)},
}


_EXCHANGED: dict[type[ast.operator], str] = {
    ast.Sub: "a difference is taken the wrong way round",
    ast.Div: "a fraction is upside down",
    ast.FloorDiv: "a fraction is upside down",
    ast.MatMult: "the factors of a matrix product are in the wrong order",
    ast.Pow: "base and exponent are exchanged",
    ast.Mod: "the two sides of a remainder are exchanged",
}


def _exchange(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Exchange two operands, arguments, results, branches or indices."""
    if isinstance(node, ast.BinOp) and type(node.op) in _EXCHANGED:
        said = _EXCHANGED[type(node.op)]
        if isinstance(node.op, ast.Pow):  # of whole numbers it may have no end of digits
            yield _apply("power", node.right, node.left), said, said
        else:
            yield _binary(node.right, node.op, node.left), said, said
    if isinstance(node, ast.Call):
        said = "two arguments are exchanged"
        for i, j in _pairs(node.args):
            yield ast.Call(node.func, _swapped(node.args, i, j), node.keywords), said, said
    if isinstance(node, ast.Tuple | ast.List):
        said = "two entries are in the wrong order"
        for i, j in _pairs(node.elts):
            new = type(node)(_swapped(node.elts, i, j), ast.Load())
            yield new, said, said
    if isinstance(node, ast.IfExp):
        said = "a condition is the wrong way round"
        yield ast.IfExp(node.test, node.orelse, node.body), said, said
        for branch in (node.body, node.orelse):
            yield branch, "a case too many is told apart", "a case is forgotten"


def _pairs(items: Sequence[ast.AST]) -> Iterator[tuple[int, int]]:
    for i in range(min(len(items), 4)):
        for j in range(i + 1, min(len(items), 4)):
            if not any(isinstance(items[k], ast.Starred) for k in (i, j)):
                yield i, j


def _swapped(items: list[ast.expr], i: int, j: int) -> list[ast.expr]:
    items = list(items)
    items[i], items[j] = items[j], items[i]
    return items


def _compare(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        said = "a condition is the wrong way round"
        yield node.operand, said, said
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return
    border = "what happens at the border itself, where both are equal, is wrong"
    way = "a comparison is the wrong way round"
    table: dict[type[ast.cmpop], list[tuple[ast.cmpop, str]]] = {
        ast.Lt: [(ast.LtE(), border), (ast.Gt(), way), (ast.GtE(), way)],
        ast.LtE: [(ast.Lt(), border), (ast.GtE(), way), (ast.Gt(), way)],
        ast.Gt: [(ast.GtE(), border), (ast.Lt(), way), (ast.LtE(), way)],
        ast.GtE: [(ast.Gt(), border), (ast.LtE(), way), (ast.Lt(), way)],
        ast.Eq: [(ast.NotEq(), way)],
        ast.NotEq: [(ast.Eq(), way)],
    }
    for op, said in table.get(type(node.ops[0]), []):
        yield ast.Compare(node.left, [op], node.comparators), said, said


def _is_shape(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def _turn(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Transpose or reverse, or leave it."""
    too_many, missing = "there is a transpose too many", "a transpose is missing"
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield node.value, too_many, missing
    elif _called(node) in ("transpose", "t") and isinstance(node, ast.Call):
        inner = _subject(node, scope)
        if inner is not None:
            yield inner, too_many, missing
    elif _is_piece(node) and isinstance(
        parent, ast.BinOp | ast.Return | ast.Lambda | ast.Assign | ast.Call | ast.Tuple
    ):
        assert isinstance(node, ast.expr)
        yield _apply("turned", node), missing, too_many
    said = "an order is reversed"
    if isinstance(node, ast.Subscript) and ast.unparse(node.slice) in ("::-1", ":, ::-1"):
        yield node.value, said, said
    elif _is_piece(node) and (
        isinstance(parent, ast.Return | ast.Lambda | ast.Assign | ast.Call)
        or (
            isinstance(parent, ast.Subscript)
            and node is parent.value
            and scope.answer
            and not _is_shape(node)
        )
    ):
        assert isinstance(node, ast.expr)
        yield _apply("reversed", node), said, said
        yield _apply("reversed_columns", node), said, said


def _constant(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    number = _value(node)
    if number is None or isinstance(parent, ast.UnaryOp):
        return
    if isinstance(number, int):
        said = "a number is off by one" if abs(number) != 1 else "a number is wrong"
        for other in (number + 1, number - 1):
            yield _number(other), said, said
    said = "a constant is wrong"
    values: set[float] = {
        0,
        1,
        2,
        10,
        0.5,
        2 * number,
        number / 2,
        -number,
        1 - number,
        10 * number,
    }
    values |= {number / 10} | ({1 / number, number**0.5} if number > 0 else set())
    values -= {number, number + 1, number - 1}
    whole = isinstance(number, int) and isinstance(parent, ast.Subscript | ast.Slice | ast.Call)
    for value in sorted(values, key=lambda v: (abs(v - number), v)):
        if value == int(value):
            yield _number(int(value)), said, said
        elif not whole:
            yield _number(value), said, said


def _cut(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Cut a list or a table at another place, from the other end, or along the other axis."""
    if not isinstance(node, ast.Subscript):
        return
    yield node.value, "a selection is made that is not wanted", "a selection is missing"
    where = "a table is indexed along the wrong axis"
    index = node.slice
    if isinstance(index, ast.Tuple):
        for i, j in _pairs(index.elts):
            swapped = ast.Tuple(_swapped(index.elts, i, j), ast.Load())
            yield ast.Subscript(node.value, swapped, ast.Load()), where, where
        for part in index.elts:
            yield ast.Subscript(node.value, part, ast.Load()), where, where
    elif isinstance(index, ast.Slice | ast.Name | ast.Constant | ast.Compare):
        both = ast.Tuple([ast.Slice(), index], ast.Load())
        yield ast.Subscript(node.value, both, ast.Load()), where, where
    slices = index.elts if isinstance(index, ast.Tuple) else [index]
    for i, part in enumerate(slices):
        if not isinstance(part, ast.Slice):
            continue
        for new, said in _other_slices(part):
            whole = ast.Tuple([*slices[:i], new, *slices[i + 1 :]], ast.Load())
            changed = whole if isinstance(index, ast.Tuple) else new
            yield ast.Subscript(node.value, changed, ast.Load()), said, said


def _other_slices(part: ast.Slice) -> Iterator[tuple[ast.Slice, str]]:
    off, end = "a slice begins or ends one place off", "a slice is taken from the wrong end"
    for side in ("lower", "upper"):
        bound = getattr(part, side)
        if bound is None:
            continue
        bounds: dict[str, Any] = {"lower": part.lower, "upper": part.upper, "step": part.step}
        for change in (1, -1):
            new = _binary(bound, ast.Add(), _number(change))
            yield ast.Slice(**(bounds | {side: new})), off
        other = "upper" if side == "lower" else "lower"
        if getattr(part, other) is None:
            yield ast.Slice(**(bounds | {side: None, other: bound})), end
            minus = ast.UnaryOp(ast.USub(), bound)
            yield ast.Slice(**(bounds | {side: None, other: minus})), end
    if part.lower is None:
        yield ast.Slice(_number(1), part.upper, part.step), off
    if part.upper is None and part.step is None:
        yield ast.Slice(part.lower, _number(-1), None), off


def _variable(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    if not isinstance(node, ast.Name) or node.id in scope.modules:
        return
    if node.id not in scope.parameters and node.id not in scope.variables:
        return
    for other in (*scope.parameters, *scope.variables):
        if other != node.id:
            said = "one variable stands where another is meant"
            yield _load(other), said, said


def _operand(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Leave out one side of an operation."""
    if isinstance(node, ast.BinOp):
        additive = isinstance(node.op, ast.Add | ast.Sub)
        word = "term" if additive else "factor or divisor"
        if isinstance(node.op, ast.Pow):
            return  # told by the power itself
        if isinstance(node.op, ast.MatMult):
            word = "matrix"
        if isinstance(node.op, ast.Mult | ast.Div):
            constant = _value(node.right) is not None or _value(node.left) is not None
            word = "constant factor" if constant else word
        yield node.left, f"there is a {word} too many", f"a {word} is missing"
        yield node.right, f"there is a {word} too many", f"a {word} is missing"
        if isinstance(node.op, ast.Sub):
            minus = ast.UnaryOp(ast.USub(), node.right)
            yield minus, f"there is a {word} too many", f"a {word} is missing"
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield value, "there is a condition too many", "a condition is missing"
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        for argument in node.args:
            if _is_piece(argument):
                yield argument, "there is a step too many", "a step is missing"


def _brackets(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Group a chain of operations in another way, or move one out of a call or into it."""
    said = "brackets are missing or stand in the wrong place"
    if isinstance(node, ast.BinOp):
        if isinstance(node.left, ast.BinOp):
            inner = _binary(node.left.right, node.op, node.right)
            yield _binary(node.left.left, node.left.op, inner), said, said
        if isinstance(node.right, ast.BinOp):
            inner = _binary(node.left, node.op, node.right.left)
            yield _binary(inner, node.right.op, node.right.right), said, said
        yield from ((new, said, said) for new in _whole_chain(node))
        if isinstance(node.left, ast.Call) and node.left.args:
            over = node.left.args[0]
            if isinstance(over, ast.GeneratorExp | ast.ListComp):
                per_item = type(over)(_binary(over.elt, node.op, node.right), over.generators)
                step = (
                    "an operation is done after another that should come before it, or the reverse"
                )
                yield ast.Call(node.left.func, [per_item], []), step, step
        for side, other in ((node.left, node.right), (node.right, node.left)):
            inner_side = _subject(side, scope)
            if inner_side is None or isinstance(side, ast.BinOp):
                continue
            moved = (
                _binary(inner_side, node.op, other)
                if side is node.left
                else _binary(other, node.op, inner_side)
            )
            step = "an operation is done after another that should come before it, or the reverse"
            yield _around(side, moved, scope), step, step
        left, right = _subject(node.left, scope), _subject(node.right, scope)
        if left is not None and right is not None and _alike(node.left, node.right):
            each = "a function is applied to each part, where it belongs to the whole"
            whole = "a function is applied to the whole, where it belongs to each part"
            yield _around(node.left, _binary(left, node.op, right), scope), each, whole
    if isinstance(node, ast.IfExp):
        if isinstance(node.orelse, ast.BinOp):
            choice = ast.IfExp(node.test, node.body, node.orelse.left)
            yield _binary(choice, node.orelse.op, node.orelse.right), said, said
        if isinstance(node.body, ast.BinOp):
            choice = ast.IfExp(node.test, node.body.right, node.orelse)
            yield _binary(node.body.left, node.body.op, choice), said, said
    subject = None if isinstance(node, ast.BinOp) else _subject(node, scope)
    if isinstance(subject, ast.BinOp):
        step = "an operation is done before another that should come after it, or the reverse"
        left_out = _binary(_around(node, subject.left, scope), subject.op, subject.right)
        right_out = _binary(subject.left, subject.op, _around(node, subject.right, scope))
        yield left_out, step, step
        yield right_out, step, step
        if isinstance(node, ast.Call):
            each = "a function is applied to each part, where it belongs to the whole"
            whole = "a function is applied to the whole, where it belongs to each part"
            parts = (_around(node, side, scope) for side in (subject.left, subject.right))
            left_part, right_part = parts
            yield _binary(left_part, subject.op, right_part), whole, each


def _whole_chain(node: ast.BinOp) -> Iterator[ast.expr]:
    """Put brackets around a sum of which the first term alone has a factor: c * (t + u + v)."""
    terms: list[tuple[ast.operator, ast.expr]] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add | ast.Sub):
        terms.append((first.op, first.right))
        first = first.left
    if len(terms) > 1 and isinstance(first, ast.BinOp) and isinstance(first.op, ast.Mult):
        inside = first.right
        for op, term in reversed(terms):
            inside = _binary(inside, op, term)
        yield _binary(first.left, first.op, inside)


def _alike(a: ast.expr, b: ast.expr) -> bool:
    """Tell whether two one-argument operations are the same one."""
    if isinstance(a, ast.BinOp) and isinstance(b, ast.BinOp):
        return type(a.op) is type(b.op) and _value(a.right) == _value(b.right)
    return _called(a) is not None and _called(a) == _called(b)


def _order(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Exchange two operations that follow each other: the mean of squares, the square of a mean."""
    inner = _subject(node, scope)
    if inner is None:
        return
    innermost = _subject(inner, scope)
    if innermost is None or isinstance(innermost, ast.Constant):
        return
    said = "two steps are taken in the wrong order"
    new = _around(inner, _around(node, innermost, scope), scope)
    yield new, said, said


def _insert(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Put in one more, one less, the complement, the reciprocal, a term or a factor."""
    if not _is_piece(node) or isinstance(parent, ast.keyword | ast.Attribute):
        return
    assert isinstance(node, ast.expr)
    counted = _called(node) == "len" or "shape" in ast.unparse(node)
    one = "a count is off by one" if counted else "a 1 is missing, or there is one too many"
    yield _binary(node, ast.Sub(), _number(1)), one, one
    yield _binary(node, ast.Add(), _number(1)), one, one
    if isinstance(parent, ast.Subscript | ast.Slice):
        return
    left = "what is left over to 1 is taken for the share itself, or the reverse"
    yield _binary(_number(1), ast.Sub(), node), left, left
    upside = "a fraction is upside down"
    yield _binary(_number(1), ast.Div(), node), upside, upside
    if not isinstance(node, ast.BinOp | ast.Call) and not isinstance(
        parent, ast.Return | ast.Lambda
    ):
        if isinstance(node, ast.Name) and isinstance(parent, ast.BinOp | ast.Assign):
            word = "factor or divisor"
            for name in (p for p in scope.parameters if p != node.id):
                for by in (ast.Mult(), ast.Div()):
                    new = _binary(node, by, _load(name))
                    yield new, f"a {word} is missing", f"there is a {word} too many"
        return
    for name in scope.parameters:
        other = _load(name)
        for op in (ast.Mult(), ast.Div(), ast.Add(), ast.Sub()):
            word = "factor or divisor" if isinstance(op, ast.Mult | ast.Div) else "term"
            new = _binary(node, op, other)
            yield new, f"a {word} is missing", f"there is a {word} too many"
        for helper in ("count", "width"):
            for op in (ast.Mult(), ast.Div()):
                new = _binary(node, op, _apply(helper, other))
                yield (
                    new,
                    "a count is missing as a factor or divisor",
                    "there is a count too many as a factor or divisor",
                )


def _whole(node: ast.AST, parent: ast.AST, scope: Scope) -> Iterator[Option]:
    """Do one thing more to the result."""
    result = isinstance(parent, ast.Return) or (
        isinstance(parent, ast.Lambda) and node is parent.body
    )
    if not result or not isinstance(node, ast.expr):
        return
    for helper in ("sum", "mean", "sum0", "sum1", "mean0", "mean1", "max", "min"):
        word = _WORDS[helper.rstrip("01")]
        yield _apply(helper, node), f"{word} is missing at the end", f"{word} too many is taken"
    for helper in ("cut01", "above0"):
        yield _apply(helper, node), "a cut-off is missing", "the result is cut off"
    yield _binary(node, ast.Mult(), _number(100)), "a unit is wrong", "the result is in per cent"
    yield _binary(node, ast.Div(), _number(100)), "the result is in per cent", "a unit is wrong"


_RULES: tuple[Callable[[ast.AST, ast.AST, Scope], Iterator[Option]], ...] = (
    _at_once, _axis, _all_at_once, _of_rows, _twin, _sign, _divisor, _operand, _compare, _operator,
    _exchange,
    _factor, _cut, _power, _meaning, _turn, _constant, _variable, _brackets, _order, _insert,
    _whole,
)  # fmt: skip


# ---------------------------------------------------------------- edits of statements


def _statement_edits(root: ast.AST) -> Iterator[Edit]:
    """Move a return out of a loop, leave out a step, or add up where a value is overwritten."""
    for block in _blocks(root):
        for i, statement in enumerate(block):
            for new, mends, spoils in _other_statements(block, i, statement):
                before = list(block)
                for node in new:
                    _locate(node, statement)
                block[:] = new
                try:
                    yield Edit(statement, statement, mends, spoils)
                finally:
                    block[:] = before


def _blocks(root: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(root):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and not isinstance(node, ast.Module):
                yield block


def _other_statements(
    block: list[ast.stmt], i: int, statement: ast.stmt
) -> Iterator[tuple[list[ast.stmt], str, str]]:
    before, after = block[:i], block[i + 1 :]
    if isinstance(statement, ast.For | ast.While) and len(statement.body) > 1:
        last, first = statement.body[-1], statement.body[0]
        if isinstance(last, ast.Return):
            loop = _with_body(statement, statement.body[:-1])
            yield (
                [*before, loop, last, *after],
                "the result is returned inside the loop, in its first round",
                "the result is returned inside the loop, in its first round",
            )
        if isinstance(first, ast.Assign):
            loop = _with_body(statement, statement.body[1:])
            said = "a value is set again in every round of a loop"
            yield [*before, first, loop, *after], said, said
    if isinstance(statement, ast.If):
        said = "a condition is the wrong way round"
        turned = ast.If(ast.UnaryOp(ast.Not(), statement.test), statement.body, statement.orelse)
        yield [*before, turned, *after], said, said
        for branch in (statement.body, statement.orelse):
            if branch or after:
                said = "a case too many is told apart"
                yield [*before, *branch, *after], said, "a case is forgotten"
    if isinstance(statement, ast.AugAssign):
        assert isinstance(statement.target, ast.expr)
        for op in (ast.Add(), ast.Sub(), ast.Mult()):
            if type(op) is not type(statement.op):
                said = "a running total is put together with the wrong operation"
                new = ast.AugAssign(statement.target, op, statement.value)
                yield [*before, new, *after], said, said
        plain = ast.Assign([statement.target], statement.value)
        yield [*before, plain, *after], _ADDED, _OVERWRITTEN
    elif isinstance(statement, ast.Assign) and isinstance(
        target := statement.targets[0], ast.Name | ast.Subscript
    ):
        added = ast.AugAssign(target, ast.Add(), statement.value)
        yield [*before, added, *after], _OVERWRITTEN, _ADDED
    if len(block) > 1 and not isinstance(statement, ast.Return):
        yield [*before, *after], "there is a step too many", "a step is missing"


_ADDED = "a value is added up where it should be set"
_OVERWRITTEN = "a value is overwritten in each round, where it should be added up"


def _with_body(loop: ast.For | ast.While, body: list[ast.stmt]) -> ast.For | ast.While:
    if isinstance(loop, ast.For):
        return ast.For(loop.target, loop.iter, body, loop.orelse)
    return ast.While(loop.test, body, loop.orelse)


# ---------------------------------------------------------------- what an edit may put in


def _array(x: Any) -> Any:
    if isinstance(x, torch.Tensor | np.ndarray | float | int):
        return x
    return np.asarray(list(itertools.islice(x, 10_000)) if hasattr(x, "__next__") else x)


def _either(of_tensor: Callable[..., Any], of_array: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: object) -> object:
        x = _array(x)
        return of_tensor(x) if isinstance(x, torch.Tensor) else of_array(x)

    return run


def _over(name: str, *axis: int) -> Callable[..., Any]:
    """Return a reduction; of a single number it would be no edit, so there it raises."""
    return _either(
        lambda x: getattr(_table(x), name)(*axis), lambda x: getattr(np, name)(_table(x), *axis)
    )


def _table(x: Any, dimensions: int = 1) -> Any:
    """Return an array that has so many dimensions, or more.

    Raises:
        ValueError: it has fewer, so that what is to be done to it would change nothing.
    """
    if np.ndim(x) < dimensions:
        raise ValueError
    return x


def _power_of(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) > 1000:
        raise OverflowError
    return base**exponent


HELPERS: dict[str, Callable[..., Any]] = {
    "power": _power_of,
    "sqrt": _either(torch.sqrt, np.sqrt),
    "exp": _either(torch.exp, np.exp),
    "log": _either(torch.log, np.log),
    "abs": _either(torch.abs, np.abs),
    "floor": _either(torch.floor, lambda x: int(np.floor(x)) if np.ndim(x) == 0 else np.floor(x)),
    "ceil": _either(torch.ceil, lambda x: int(np.ceil(x)) if np.ndim(x) == 0 else np.ceil(x)),
    "round": _either(torch.round, lambda x: round(x) if np.ndim(x) == 0 else np.round(x)),
    "centred": lambda x: x - x.mean(0),
    "turned": lambda x: _table(_array(x), 2).T,
    "reversed": _either(lambda x: _table(x).flip(0), lambda x: x[::-1]),
    "reversed_columns": _either(lambda x: x.flip(1), lambda x: x[:, ::-1]),
    "count": len,
    "width": lambda x: x.shape[1],
    **{name: _over(name) for name in ("sum", "mean", "max", "min")},
    **{f"{name}{axis}": _over(name, axis) for name in ("sum", "mean") for axis in (0, 1)},
    "mean_of_sums": lambda x: _table(_array(x), 2).sum() / len(x),
    "cut01": _either(lambda x: x.clamp(0, 1), lambda x: np.clip(x, 0, 1)),
    "above0": _either(lambda x: x.clamp(min=0), lambda x: np.maximum(x, 0)),
}  # fmt: skip


def helpers() -> dict[str, Callable[..., Any]]:
    """Return what the edited functions call, by the names that the edits use."""
    return {_PREFIX + name: function for name, function in HELPERS.items()}
