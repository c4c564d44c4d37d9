"""Bad input for every kind of argument, and what a function makes of it.

A call with one bad argument may end in two ways that are right:

- "clear": an error of the package's own, raised by a `raise` of its own, that names the argument;
- "right": a result, where the input means the same as the good one (a list of the same numbers), or
  is none of the bad ones for this argument, for a reason that its entry states.

It is wrong if a result comes back that holds NaN, or that nothing explains; if the error is
one of Python's or torch's; if it takes seconds; or if the model's mode or torch's random state is
another one afterwards.
"""

import ast
import copy
import dataclasses
import functools
import math
import signal
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
import torch
import torch._dynamo  # takes seconds, and would count as a hang of whoever imports it first
from torch import Tensor, nn
from torch.masked import masked_tensor

import aeteach
from aeteach import models
from tests.public_functions import Arg, Case

PACKAGE = Path(aeteach.__file__).parent
SECONDS = 3.0  # for one call
OUTCOMES = ("clear", "right", "wrong number", "raw traceback", "hang", "state changed")

Make = Callable[[Any], Any]  # from the good value to a bad one


class Subclass(Tensor):
    """A tensor of one's own kind."""


class Bad(NamedTuple):
    """A bad input.

    Attributes:
        make: makes it of the good value.
        same: it means the same as the good value, and so may give the same result.
        large: it is a number, only another one, so that a finite result is right.
    """

    make: Make
    same: bool = False
    large: bool = False


class Outcome(NamedTuple):
    """What came of one call.

    Attributes:
        argument: which was bad.
        bad: which bad input.
        kind: one of OUTCOMES.
        says: the message, or what is wrong.
    """

    argument: str
    bad: str
    kind: str
    says: str

    @property
    def passed(self) -> bool:
        """Whether that is how it should end."""
        return self.kind in ("clear", "right")

    def __str__(self) -> str:
        return f"{self.argument} = {self.bad}: {self.kind}: {self.says}"


# Good by themselves, and so at fault only beside the other arguments.
FITTING = {
    *("listed", "tupled", "three_numbers", "array", "huge", "many", "fraction", "float64"),
    *("row_more", "one_row", "column_more", "axis_more", "axis_less", "not_square"),
}


def _is(value: Any, **more: bool) -> Bad:
    return Bad(lambda good: value, **more)


THREE = (0.5, 0.25, 0.125)
GENERAL: dict[str, Bad] = {
    "none": _is(None),
    "text": _is("three"),
    "listed": _is(list(THREE)),
    "tupled": _is(THREE),
    "mapping": _is({}),
    "nothing": _is(object()),
    "a_class": _is(nn.Module),
    "nan": _is(math.nan),
    "inf": _is(math.inf),
    "huge": _is(1e308, large=True),
    "beyond": _is(2**64, large=True),
    "endless": _is(10**400),
    "many": _is(10**11, large=True),
    "negative": _is(-1, large=True),
    "fraction": _is(2.5, large=True),
    "boolean": _is(True),
    "imaginary": _is(1 + 2j),
    "three_numbers": _is(torch.tensor(THREE)),
    "array": _is(np.array(THREE)),
    "generator": Bad(lambda good: torch.Generator().manual_seed(0)),
}


def _with(value: float) -> Make:
    """Put one number into a tensor."""

    def make(good: Tensor) -> Tensor:
        bad = good.clone()
        bad.view(-1)[bad.numel() // 2] = value
        return bad

    return make


def _as(dtype: torch.dtype) -> Make:
    return lambda good: good.to(dtype)


TENSORS: dict[str, Bad] = {
    "as_list": Bad(lambda good: good.tolist(), same=True),
    "as_array": Bad(lambda good: good.numpy(), same=True),
    "needs_grad": Bad(
        lambda good: good.clone().requires_grad_() if good.is_floating_point() else good,
        same=True,
    ),
    "sparse": Bad(lambda good: good.to_sparse()),
    "meta": Bad(lambda good: good.to("meta")),
    "no_rows": Bad(lambda good: good[:0] if good.ndim else good.new_zeros(0)),
    "axis_more": Bad(lambda good: good[None]),
    "axis_less": Bad(lambda good: good[0] if good.ndim else good[None, None]),
    "row_more": Bad(lambda good: torch.cat([good, good[:1]]) if good.ndim else good[None, None]),
    "one_row": Bad(lambda good: good[:1] if good.ndim else good.new_zeros(1, 1, 1)),
    "imaginary": Bad(_as(torch.complex64)),
    "subclass": Bad(lambda good: good.as_subclass(Subclass), same=True),
    "parameter": Bad(
        lambda good: nn.Parameter(good) if good.is_floating_point() else good, same=True
    ),
    "strided": Bad(lambda good: torch.stack([good, good], -1)[..., 0], same=True),
    "negative_view": Bad(
        lambda good: torch._neg_view(-good) if good.dtype != torch.bool else good, same=True
    ),
    "inference": Bad(lambda good: _inferred(good), same=True),
    "nested": Bad(lambda good: _prototype(torch.nested.nested_tensor, [good])),
    "masked": Bad(
        lambda good: _prototype(masked_tensor, good, torch.ones_like(good, dtype=torch.bool))
    ),
}
FLOATS = TENSORS | {
    "float64": Bad(_as(torch.float64), same=True),
    "float32": Bad(_as(torch.float32), same=True),
    "float16": Bad(_as(torch.float16)),
    "bfloat16": Bad(_as(torch.bfloat16)),
    "int64": Bad(lambda good: (10 * good).long()),
    "uint8": Bad(lambda good: (10 * good).abs().to(torch.uint8)),
    "bool": Bad(lambda good: good > 0),
    "nan_inside": Bad(_with(math.nan)),
    "inf_inside": Bad(_with(math.inf)),
}
LABELS = TENSORS | {
    "nan_inside": Bad(lambda good: _with(math.nan)(good.double())),
    "float32": Bad(_as(torch.float32)),
    "int32": Bad(_as(torch.int32)),
    "uint8": Bad(_as(torch.uint8)),
    "bool": Bad(_as(torch.bool)),
    "negative_inside": Bad(_with(-1)),
    "many_inside": Bad(_with(10**11)),
    "one_hot": Bad(lambda good: nn.functional.one_hot(good, int(good.max()) + 1)),
}
NUMBER = {
    "as_numpy": Bad(lambda good: np.float64(good), same=True),
    "as_tensor": Bad(lambda good: torch.tensor(good, dtype=torch.float64), same=True),
    "empty": _is(torch.zeros(0)),
}
NOT_LARGE = {key: bad._replace(large=False) for key, bad in GENERAL.items()}
MODELS: dict[str, Bad] = {
    "another": _is(nn.Linear(3, 3)),
    "unfitted": _is(models.PCA(2, size=16)),
    "lambda": _is(lambda x: x),
    "nan_weights": Bad(lambda good: _spoilt(good)),
    "in_float64": Bad(lambda good: copy.deepcopy(good).double(), same=True),
    "in_float16": Bad(lambda good: copy.deepcopy(good).half()),
    "in_bfloat16": Bad(lambda good: copy.deepcopy(good).bfloat16()),
    "complex_weights": Bad(lambda good: _prototype(copy.deepcopy(good).to, torch.complex64)),
    "on_meta": Bad(lambda good: copy.deepcopy(good).to("meta")),
    "lazy": Bad(lambda good: _lazy(good)),
    "failing": Bad(lambda good: Failing()),
    "odd": Bad(lambda good: Odd()),
}


class Failing(nn.Module):
    """Whatever it is asked, it raises an error without a word."""

    def forward(self, *args: Any) -> Any:
        raise KeyError

    encode = decode = posterior = reconstruct = forward


class Odd(nn.Module):
    """Whatever it is asked, it gives a text."""

    def forward(self, *args: Any) -> Any:
        return "odd"

    encode = decode = posterior = reconstruct = forward


def _lazy(good: nn.Module) -> nn.Module:
    bad = copy.deepcopy(good)
    bad.extra = _prototype(nn.LazyLinear, 3)
    return bad


def _inferred(good: Tensor) -> Tensor:
    with torch.inference_mode():
        return good.clone()


def _prototype(make: Callable[..., Any], *arguments: Any) -> Any:
    """Make a thing of a kind that torch warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*arguments)


def _spoilt(good: nn.Module) -> nn.Module:
    """A model whose training has diverged: all its numbers are NaN."""
    bad = copy.deepcopy(good)
    with torch.no_grad():
        for tensor in bad.state_dict().values():
            if tensor.is_floating_point():
                tensor.fill_(math.nan)
    return bad


def _file() -> Path:
    """A file of somebody else's, in the working folder."""
    path = Path("somebody.else")
    path.write_text("not yours")
    return path


KINDS: dict[str, dict[str, Bad]] = {
    "images": NOT_LARGE
    | FLOATS
    | {
        "uint8": Bad(lambda good: (255 * good).to(torch.uint8)),
        "grey_levels": Bad(lambda good: 255 * good),
        "not_square": Bad(lambda good: good[..., :12].contiguous()),
        "three_channels": Bad(lambda good: good.expand(-1, 3, -1, -1)),
    },
    "codes": NOT_LARGE | FLOATS | {"column_more": Bad(lambda z: torch.cat([z, z[:, :1]], 1))},
    "floats": NOT_LARGE | FLOATS,
    "labels": NOT_LARGE | LABELS,
    "mask": NOT_LARGE
    | TENSORS
    | {"float32": Bad(_as(torch.float32)), "all_false": Bad(torch.zeros_like)},
    "numbers": {
        key: bad._replace(large=True)
        if key in ("listed", "tupled", "three_numbers", "array")
        else bad
        for key, bad in GENERAL.items()
    }
    | {
        "meta": Bad(lambda good: torch.as_tensor(good).to("meta")),
        "sparse": Bad(lambda good: torch.atleast_1d(torch.as_tensor(good)).to_sparse()),
        "empty": _is(torch.zeros(0)),
        "words": _is(["a", "b"]),
        "ragged": _is([[1.0], [1.0, 2.0]]),
        "int64": Bad(lambda good: torch.as_tensor(good).long(), large=True),
        "float16": Bad(lambda good: torch.as_tensor(good).half(), same=True),
        "float32": Bad(lambda good: torch.as_tensor(good).float(), same=True),
        "float64": Bad(lambda good: torch.as_tensor(good).double(), same=True),
        "nan_inside": Bad(lambda good: _with(math.nan)(torch.as_tensor(good).float())),
        "inf_inside": Bad(lambda good: _with(math.inf)(torch.as_tensor(good).float())),
    },
    "number": GENERAL | NUMBER,
    "count": GENERAL
    | {
        "fraction": _is(2.5),
        "as_float": Bad(float),
        "as_numpy": Bad(lambda good: np.int64(good), same=True),
        "zero": _is(0, large=True),
    },
    "seed": NOT_LARGE
    | {
        "many": GENERAL["many"],
        "as_numpy": Bad(lambda good: np.int64(good), same=True),
    },
    "flag": NOT_LARGE
    | {"boolean": Bad(lambda good: good, same=True), "one": _is(1), "word": _is("no")},
    "choice": NOT_LARGE | {"no_such": _is("no such thing")},
    "text": NOT_LARGE | {"text": Bad(lambda good: good, same=True)},
    "path": NOT_LARGE | {"not_there": _is("no/such/folder"), "a_file": Bad(lambda good: _file())},
    "model": NOT_LARGE | MODELS,
    "part": NOT_LARGE | {"lambda": _is(lambda x: x)},  # of a model: any module, run later
    "function": NOT_LARGE
    | {
        "gives_text": _is(lambda *a, **k: "three"),
        "gives_none": _is(lambda *a, **k: None),
        "gives_nan": _is(lambda *a, **k: torch.tensor(math.nan)),
        "gives_three": _is(lambda *a, **k: torch.tensor(THREE)),
    },
    "other": NOT_LARGE,
}


def ask(case: Case) -> Iterator[Outcome]:
    """Yield what comes of every bad input to every argument of a function."""
    good = _Good(case)
    for name, argument in case.arguments.items():
        # What is left out in the good call is asked with what is bad for anything.
        for key, bad in (NOT_LARGE if argument.value is None else KINDS[argument.kind]).items():
            yield _one(case, good, name, argument, key, bad)


class _Good:
    """The result of the good call, made when it is first needed."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @functools.cached_property
    def result(self) -> Any:
        return self.case.call(**self.case.good)


def _one(case: Case, good: _Good, name: str, argument: Arg, key: str, bad: Bad) -> Outcome:
    value = bad.make(argument.value)
    if argument.value is None and value is None:
        return Outcome(name, key, "right", "it is left out")
    others = case.arguments if key in FITTING else ()
    before = _state(case, value)
    try:
        with _limit(SECONDS):
            result = case.call(**{**case.good, name: value})
    except TimeoutError:
        return Outcome(name, key, "hang", f"more than {SECONDS:g} s")
    except Exception as error:
        outcome = Outcome(name, key, *_of_error(error, name, others))
        draws = False
    else:
        outcome = Outcome(name, key, *_of_result(result, case, good, argument, key, bad))
        draws = case.draws or argument.fine.get(key, "").endswith("global generator")
    if changed := _changed(before, _state(case, value), draws):
        return Outcome(name, key, "state changed", changed)
    return outcome


def _of_error(error: Exception, name: str, others: Iterable[str]) -> tuple[str, str]:
    """Tell whether an error is one of ours and names the argument."""
    says = f"{type(error).__name__}: {error}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    if not isinstance(error, ValueError | TypeError | RuntimeError | LookupError | OSError):
        return "raw traceback", f"{says} ({where})"
    if not _raised(frame.filename, frame.lineno or 0):
        return "raw traceback", f"{says} ({where})"
    # Two that do not fit each other may be named by either.
    if not any(word in str(error) for other in (name, *others) for word in _words(other)):
        return "raw traceback", f"it does not name {name}: {says}"
    if len(str(error)) > 1000:
        return "raw traceback", f"{len(str(error))} characters: {says:.200}"
    return "clear", says


def _words(name: str) -> set[str]:
    """How a message may call an argument."""
    return {name, name.replace("_", " "), name.removesuffix("s")} if len(name) > 2 else {name}


@functools.cache
def _raises(file: str) -> frozenset[int]:
    """Return the lines of a file that belong to a raise statement."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(lines)


def _raised(file: str, line: int) -> bool:
    return Path(file).is_relative_to(PACKAGE) and line in _raises(file)


def _of_result(
    result: Any, case: Case, good: _Good, argument: Arg, key: str, bad: Bad
) -> tuple[str, str]:
    numbers = list(leaves(result))
    if any(n.isnan().any() for n in numbers):
        return "wrong number", "the result holds NaN"
    if not case.infinite and any(n.isinf().any() for n in numbers):
        return "wrong number", "the result is infinite"
    if key in argument.fine:
        return "right", argument.fine[key]
    if bad.large:
        return "right", "another number"
    if not bad.same:
        return "wrong number", f"it gave a {type(result).__name__}"
    if case.draws or agree(result, good.result):
        return "right", "as the good one"
    return "wrong number", "not the result of the good one"


def leaves(result: Any) -> Iterator[Tensor]:
    """Yield all numbers in a result, as tensors."""
    if isinstance(result, Tensor):
        if result.is_meta:  # no numbers at all
            result = torch.tensor(math.nan)
        yield result.detach().to_dense() if result.is_sparse else result.detach()
    elif isinstance(result, bool | str | bytes) or result is None:
        return
    elif isinstance(result, int | float | complex | np.generic | np.ndarray):
        if not isinstance(result, int):
            yield torch.as_tensor(np.asarray(result))
    elif dataclasses.is_dataclass(result) and not isinstance(result, type):
        for field in dataclasses.fields(result):
            value = getattr(result, field.name)
            if not isinstance(value, nn.Module):  # it is kept, not answered
                yield from leaves(value)
    elif isinstance(result, dict):
        for value in result.values():
            yield from leaves(value)
    elif isinstance(result, list | tuple):
        for value in result:
            yield from leaves(value)
    elif isinstance(result, nn.Module):
        yield from leaves(dict(result.state_dict()))


def agree(got: Any, want: Any, tolerance: float = 1e-4) -> bool:
    """Tell whether two results hold the same numbers."""
    a, b = list(leaves(got)), list(leaves(want))
    return len(a) == len(b) and all(
        x.shape == y.shape
        and torch.allclose(x.cpu().double(), y.cpu().double(), rtol=tolerance, atol=tolerance)
        for x, y in zip(a, b, strict=True)
    )


class _State(NamedTuple):
    random: Tensor
    modes: list[tuple[nn.Module, bool]]


def _state(case: Case, value: Any) -> _State:
    parts = [v for v in (*case.good.values(), value) if isinstance(v, nn.Module)]
    modes = [(m, m.training) for part in parts for m in part.modules()]
    return _State(torch.get_rng_state(), modes)


def _changed(before: _State, after: _State, draws: bool) -> str:
    if any(m.training is not was for m, was in before.modes):
        return "a model's mode is another"
    if not draws and not torch.equal(before.random, after.random):
        return "torch's random state is another"
    return ""


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError where the block takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    # The processor's time: a machine that is busy with other things makes nothing a hang.
    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


# ---------------------------------------------------------------- the table


def counts(outcomes: dict[str, list[Outcome]]) -> str:
    """Return the table: calls by outcome, a line for each module."""
    modules: dict[str, list[Outcome]] = {}
    functions: dict[str, int] = {}
    for name, found in outcomes.items():
        module = next(m for m in _by_length(outcomes) if name.startswith(f"{m}."))
        modules.setdefault(module, []).extend(found)
        functions[module] = functions.get(module, 0) + 1
    lines = [["", "functions", "calls", *OUTCOMES]]
    for module, found in [
        *sorted(modules.items()),
        ("all", [o for some in modules.values() for o in some]),
    ]:
        kinds = [sum(o.kind == kind for o in found) for kind in OUTCOMES]
        n = functions.get(module, len(outcomes))
        lines.append([module, *(f"{v:,}" for v in (n, len(found), *kinds))])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([first.ljust(widths[0]), *map(str.rjust, rest, widths[1:])])
        for first, *rest in lines
    )


def _by_length(outcomes: dict[str, list[Outcome]]) -> list[str]:
    """Return the names of modules, the longest first."""
    import importlib
    import sys

    found = set()
    for name in outcomes:
        parts = name.split(".")
        for n in range(1, len(parts)):
            if f"aeteach.{'.'.join(parts[:n])}" in sys.modules:
                found.add(".".join(parts[:n]))
    del importlib
    return sorted(found, key=len, reverse=True)
