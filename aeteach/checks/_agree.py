"""When two results are the same, and the forms in which an exercise hands over its inputs.

A right answer may be written for NumPy, for torch or for plain lists, and may return its numbers
in any container. What is compared is the numbers and how they are arranged.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, ValuesView
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]
Arguments = tuple[Any, ...]
Form = Callable[[Any], Any]

# Relative; a hundredth of it counts against the largest number of the result. The second is what
# rounding leaves where numbers of order 1 cancel.
DOUBLE, SINGLE = (1e-5, 1e-12), (2e-4, 4e-7)
_MOST = 100_000  # items of a result that is no array, such as an iterator, which may have no end
_LARGEST = 10_000_000  # numbers that are looked at


def agree(got: Any, want: Any, tolerance: float = 1.0) -> bool:
    """Tell whether a result holds the numbers that are wanted, in the same arrangement.

    Args:
        got: numbers in any form: arrays, tensors, lists, tuples, single numbers.
        want: a number, an array, or a tuple of these.
        tolerance: a factor on how far two numbers may differ; float32 gets more than float64.
    """
    if isinstance(want, tuple):
        parts = parts_of(got)
        return (
            parts is not None
            and len(parts) == len(want)
            and all(agree(g, w, tolerance) for g, w in zip(parts, want, strict=True))
        )
    a, b = numbers(got), numbers(want)
    if a is None or b is None or a.shape != b.shape:
        return False
    if np.asarray(plain(want)).dtype.kind in "iub":
        return bool(np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True))  # a count is exact
    return _near(a, b, SINGLE, tolerance) and (
        _near(a, b, DOUBLE, tolerance) or is_single(got, a)  # the costly question comes last
    )


def _near(a: Array, b: Array, precision: tuple[float, float], tolerance: float) -> bool:
    """Tell whether all numbers are as near as a precision allows; NaN is near to NaN."""
    relative, rest = precision[0] * tolerance, precision[1]
    with np.errstate(all="ignore"):
        size = np.abs(b)
        scale = size.max(initial=0.0, where=np.isfinite(size))
        near = np.abs(a - b) <= max(relative * 0.01 * scale, rest) + relative * size
    near &= np.isfinite(size)
    return bool(near.all() or (near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


def plain(value: Any) -> Any:
    """Turn tensors into arrays, wherever in a container they are, and iterators into lists.

    Raises:
        ValueError: a container has too many items, or an iterator has no end.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg()
        return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(plain(getattr(value, f.name)) for f in dataclasses.fields(value))
    if isinstance(value, tuple | list) or _is_iterator(value):
        items = [plain(v) for v in itertools.islice(value, _MOST + 1)]
        if len(items) > _MOST:
            raise ValueError(f"the result has more than {_MOST:,} items, if they end at all")
        return items if isinstance(value, list) or _is_iterator(value) else tuple(items)
    return value


def _is_iterator(value: Any) -> bool:
    return hasattr(value, "__next__") or isinstance(value, range | ValuesView)


def parts_of(value: Any) -> list[Any] | None:
    """Return the parts of a tuple, or of what may stand for one."""
    if isinstance(value, tuple | list):
        return list(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value)
    return None


def numbers(value: Any) -> Array | None:
    """Return an array of the numbers of a result, or None if it does not hold an array of them."""
    try:
        found = np.asarray(plain(value))
        if found.size > _LARGEST:
            return None
        if found.dtype.kind == "c" and np.abs(found.imag).max(initial=0) <= 1e-9:
            found = found.real
        if found.dtype.kind not in "biufO":
            return None
        if found.dtype.kind == "O" and any(v is None for v in found.ravel()):
            return None
        return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


def is_single(value: Any, found: Array) -> bool:
    """Tell whether numbers were worked out in float32: if each of them is one."""
    if getattr(plain(value), "dtype", None) == np.float32:
        return True
    with np.errstate(all="ignore"):
        return bool((found.astype(np.float32).astype(np.float64) == found).all())


def signature(value: Any) -> tuple[Any, Array] | None:
    """Return the arrangement of a result and all its numbers in a row, to look it up by."""
    if isinstance(value, tuple):
        parts = [signature(part) for part in value]
        if any(part is None for part in parts):
            return None
        flat = [part for part in parts if part is not None]
        return tuple(p[0] for p in flat), np.concatenate([p[1] for p in flat] or [np.zeros(0)])
    found = numbers(value)
    return None if found is None else (found.shape, found.ravel())


# ---------------------------------------------------------------- forms of the inputs


def follows(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of arrays, which an input is, return a tensor to whom gives it one."""

    def either(*given: Any) -> Any:
        result = function(*(np.asarray(plain(g), dtype=np.float64) for g in given))
        tensors = [g for g in given if isinstance(g, torch.Tensor)]
        if tensors:
            return torch.as_tensor(result, dtype=torch.result_type(tensors[0], 1.0))
        return result

    return either


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _tensor(dtype: torch.dtype, *, also_floats: bool = False) -> Form:
    def convert(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            made = torch.tensor(np.ascontiguousarray(value))
            return made.to(dtype) if made.is_floating_point() else made
        if also_floats and isinstance(value, float):
            return torch.tensor(value, dtype=dtype)
        return value

    return convert


def _zero_d(value: Any) -> Any:
    return np.float64(value) if isinstance(value, float) else _copied(value)


def _lists(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


FORMS: dict[str, Form] = {
    "numpy": _copied,
    "torch": _tensor(torch.float64),
    "float32": _tensor(torch.float32),
    "tensors": _tensor(torch.float64, also_floats=True),
    "float32 tensors": _tensor(torch.float32, also_floats=True),
    "0-d": _zero_d,
    "lists": _lists,
}
TORCH = {"torch", "float32", "tensors", "float32 tensors"}


def given(arguments: Arguments, form: str) -> Arguments:
    """Return fresh copies of an input's arguments in one of the FORMS."""
    return tuple(FORMS[form](a) for a in arguments)


def unchanged(after: Arguments, before: Arguments, form: str) -> bool:
    """Tell whether the arguments that were given in a form still hold what they held."""
    for a, b in zip(after, given(before, form), strict=True):
        if isinstance(b, np.ndarray | torch.Tensor | list):
            first, second = numbers(a), numbers(b)
            if first is None or second is None or first.shape != second.shape:
                return False
            if not np.array_equal(first, second, equal_nan=True):
                return False
    return True


def one_by_one(function: Callable[..., Any], split: tuple[int, ...]) -> Callable[..., Any]:
    """Return a function of batches that asks another one for each row in turn.

    Args:
        function: written for a single row, or a single number, of the arguments in `split`.
        split: places of the arguments that hold a row for each datum.
    """

    def rows(arguments: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        for i in range(len(arguments[split[0]])):
            yield tuple(a[i] if j in split else a for j, a in enumerate(arguments))

    def whole(*arguments: Any) -> Any:
        made = []
        for row in rows(arguments):
            try:
                made.append(plain(function(*row)))
            except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
                if np.ndim(plain(row[split[0]])) == 0:
                    raise
                made.append(plain(whole(*row)))
        if made and isinstance(made[0], tuple):
            return tuple(np.stack([np.asarray(m[k]) for m in made]) for k in range(len(made[0])))
        return np.stack([np.asarray(m) for m in made])

    return whole
