"""Checks of what is no tensor: numbers, counts, seeds, names, functions, files."""

import itertools
import math
import numbers as abstract
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

MAX_SEED = 2**63 - 1
MAX_CLASSES = 10**6  # more is no label: one-hot rows would fill the memory
MAX_COUNT = 10**7  # more of anything is a slip: days of waiting, or all of the memory
MAX_SIDE = 4096  # of an image, pixels
MAX_ITEMS = 10**6  # of a list: an iterator that never ends would fill the memory
MAX_NUMBERS = 2**31  # of a result: 8 GB in float32

Thing = TypeVar("Thing")


def number(
    value: object,
    name: str,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
    infinite: bool = False,
    hint: str = "",
) -> float:
    """Return a real number within bounds, as Python's float.

    Args:
        value: what arrived: an int, a float, NumPy's, or a tensor without axes.
        name: what the caller calls it.
        above: it must be larger than this.
        least: it must be at least this.
        below: it must be smaller than this.
        most: it must be at most this.
        infinite: whether infinity is one; NaN never is.
        hint: what to do, said at the end.

    Raises:
        TypeError: no number, or not one.
        ValueError: NaN, or out of bounds.
    """
    want = _range(above, least, below, most, infinite) + (f", {hint}" if hint else "")
    x = _real(value)
    if x is None:
        raise TypeError(f"{name} is {say(value)}; expected {want}")
    inside = (
        (math.isfinite(x) or (infinite and not math.isnan(x)))
        and (above is None or x > above)
        and (least is None or x >= least)
        and (below is None or x < below)
        and (most is None or x <= most)
    )
    if not inside:
        raise ValueError(f"{name} is {say(value)}; expected {want}")
    return x


def count(n: object, name: str = "n", least: int = 1, most: int = MAX_COUNT) -> int:
    """Return n if it is a whole number from `least` to `most`, as Python's int.

    Raises:
        TypeError: no whole number (True and 3.0 are none).
        ValueError: out of bounds.
    """
    if isinstance(n, bool) or not isinstance(n, abstract.Integral):
        raise TypeError(f"{name} must be a whole number (int), got {say(n)} ({type(n).__name__})")
    n = operator.index(n)
    if n < least:
        raise ValueError(f"{name} must be at least {least}, got {say(n)}")
    if n > most:
        raise ValueError(f"{name} must be at most {_round(most)}, got {say(n)}")
    return n


def counts(value: Any, name: str, least: int = 1, many: int | None = None) -> tuple[int, ...]:
    """Return several whole numbers from 1 on, such as widths of layers.

    Args:
        value: what arrived, a list or a tuple.
        name: what the caller calls it.
        least: how many there must be at least.
        many: how many there must be exactly; None for any number from `least` on.

    Raises:
        TypeError: no list or tuple, or what is no whole number.
        ValueError: too few of them, or one that is out of bounds.
    """
    items = several(value, name, "whole numbers, such as (128, 64)", least)
    if many is not None and len(items) != many:
        raise ValueError(f"{name} is {say(value)}; expected {many} whole numbers")
    return tuple(count(n, f"each of {name}") for n in items)


def shape(size: Any, name: str = "size") -> tuple[int, ...]:
    """Return the shape of one example: (C, H, W) of an image, (F,) of features.

    Args:
        size: side of a square grey image; or (H, W), (C, H, W) or (F,).
        name: what the caller calls it.

    Raises:
        TypeError, ValueError: none of these.
    """
    if not isinstance(size, list | tuple | torch.Size):
        side = count(size, name, most=MAX_SIDE)
        return (1, side, side)
    if not 1 <= len(size) <= 3:
        raise ValueError(
            f"{name} is {say(size)}; expected a side in pixels, (H, W), (C, H, W), or (F,) for "
            "features"
        )
    most = MAX_COUNT if len(size) == 1 else MAX_SIDE
    found = tuple(count(n, f"a number of {name}", most=most) for n in size)
    return (1, *found) if len(found) == 2 else found


def room(n: int, what: str) -> None:
    """Refuse to make more numbers than a memory holds.

    Args:
        n: how many numbers the result has.
        what: the arguments that say so, with their values, such as "n = 5".

    Raises:
        ValueError: more than 2^31.
    """
    if n > MAX_NUMBERS:
        raise ValueError(
            f"{what} asks for {n:.3g} numbers at once; expected at most 2^31, 8 GB in float32: "
            "ask for fewer, in several calls"
        )


def seed(value: object, name: str = "seed") -> int:
    """Return the seed if it is a whole number from 0 to 2^63 - 1.

    Raises:
        TypeError: not an int.
        ValueError: negative, or too large for a generator.
    """
    value = count(value, name, least=0, most=math.inf)  # type: ignore[arg-type]
    if value > MAX_SEED:
        raise ValueError(f"{name} must be at most 2**63 - 1, got {say(value)}")
    return value


def generator(value: object, name: str = "seed") -> torch.Generator:
    """Return a Generator of the CPU as it is, or a new one for a seed.

    Numbers are drawn on the CPU and moved, so that a seed means the same on every device.

    Raises:
        TypeError: neither a Generator nor an int.
        ValueError: a negative seed, one too large, or a Generator of another device.
    """
    if isinstance(value, torch.Generator):
        if value.device.type != "cpu":
            raise ValueError(
                f"{name} is a Generator on {value.device}; expected one of the CPU, where all "
                "numbers are drawn: torch.Generator()"
            )
        return value
    return torch.Generator().manual_seed(seed(value, name))


def flag(value: object, name: str) -> bool:
    """Return the value if it is True or False.

    Raises:
        TypeError: something else; what looks like no, as the text "no" does, would count as yes.
    """
    if isinstance(value, bool) or type(value).__name__ == "bool":  # NumPy's has the same name
        return bool(value)
    raise TypeError(f"{name} is {say(value)}; expected True or False")


def choice(value: object, name: str, known: Iterable[str], what: str = "one of") -> str:
    """Return the value if it is among the known names.

    Args:
        value: what arrived.
        name: what the caller calls it.
        known: all that there are.
        what: said before them.

    Raises:
        ValueError: it is not; names those that are.
    """
    known = list(known)
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(map(repr, known))
        raise ValueError(f"{name} is {say(value)}; expected {what} {listed}")
    return value


def text(value: object, name: str, want: str = "a text") -> str:
    """Return the value if it is a str.

    Raises:
        TypeError: something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is {say(value)}; expected {want}")
    return value


def path(value: object, name: str) -> Path:
    """Return the value as a path if it can be one; a "~" at its start is the home folder.

    Raises:
        TypeError: neither a str nor a path.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {say(value)}; expected a path, such as 'folder/file'")
    return Path(os.path.expanduser(value))  # noqa: PTH111 - leaves it where there is no home


def function(value: Thing, name: str, want: str) -> Thing:
    """Return the value if it can be called, and is no class.

    Args:
        value: what arrived.
        name: what the caller calls it.
        want: what it should map to what.

    Raises:
        TypeError: a class, or what cannot be called.
    """
    if isinstance(value, type):
        raise TypeError(
            f"{name} is the class {value.__name__}; expected {want}: make one, {value.__name__}()"
        )
    if not callable(value):
        raise TypeError(f"{name} is {say(value)}; expected {want}")
    return value


def record(value: object, name: str, kind: type[Thing], hint: str = "") -> Thing:
    """Return the value if it is one of a class.

    Raises:
        TypeError: something else.
    """
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} is {say(value)}; expected a {kind.__name__}{f': {hint}' if hint else ''}"
        )
    return value


def several(value: Any, name: str, want: str, least: int = 1) -> tuple[Any, ...]:
    """Return the items of a list, a tuple or whatever else has them in an order.

    A text has none, a set has no order, and more than a million are taken for endless.

    Raises:
        TypeError: something else.
        ValueError: too few, or too many.
    """
    without = isinstance(value, str | bytes | Mapping | Set | Tensor) or _has_no_axis(value)
    if without or not isinstance(value, Iterable):
        raise TypeError(f"{name} is {say(value)}; expected {want}")
    items = tuple(itertools.islice(value, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        raise ValueError(f"{name} has more than {_round(MAX_ITEMS)} items; expected {want}")
    if len(items) < least:
        raise ValueError(f"{name} is {say(value)}; expected {want}, at least {least}")
    return items


def pair(value: Any, name: str) -> tuple[float, float]:
    """Return two finite numbers.

    Raises:
        TypeError: no two items, or what is no number.
        ValueError: NaN or infinity.
    """
    items = several(value, name, "two numbers", 0)
    if len(items) != 2:
        raise ValueError(f"{name} is {say(value)}; expected two numbers")
    first, second = (number(v, name) for v in items)
    return first, second


def say(value: object) -> str:
    """Describe what arrived, in a few words."""
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a {dtype} tensor {tuple(value.shape)}"
    if isinstance(value, int) and abs(value) > 10**20:
        return f"a whole number of {math.ceil(value.bit_length() * math.log10(2)):,} digits"
    if hasattr(value, "__array__") and getattr(value, "shape", None):
        return f"an array {tuple(value.shape)}"  # type: ignore[attr-defined]
    if isinstance(value, bool | int | float | complex | str | bytes) or value is None:
        return f"{value!r:.60}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, Sequence | Mapping) and len(repr(value)) <= 60:
        return repr(value)
    if isinstance(value, abstract.Number):
        return repr(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"a {kind}"


def _real(value: object) -> float | None:
    """Return what holds exactly one real number as a float; None if it does not."""
    if isinstance(value, Tensor):
        if value.ndim or value.is_meta or value.dtype == torch.bool or value.is_complex():
            return None
        return float(value.detach())
    if _has_no_axis(value) and getattr(value, "dtype", None).kind in "iuf":  # type: ignore[union-attr]
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, bool) or not isinstance(value, abstract.Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]


def _has_no_axis(value: object) -> bool:
    """Whether it is one of NumPy's numbers, in an array or not."""
    return getattr(value, "shape", None) == () and hasattr(value, "dtype")


def _range(
    above: float | None,
    least: float | None,
    below: float | None,
    most: float | None,
    infinite: bool,
) -> str:
    """Say which numbers are expected."""
    if least is not None and most is not None:
        return f"a number from {least:g} to {most:g}"
    parts = []
    if above is not None:
        parts.append(f"above {above:g}")
    if least is not None:
        parts.append(f"at least {least:g}" if below is None else f"from {least:g}")
    if below is not None:
        parts.append(f"below {below:g}")
    if most is not None:
        parts.append(f"at most {most:g}")
    bounded = (below is not None or most is not None) and (above is not None or least is not None)
    kind = "a number" if bounded or infinite else "a finite number"
    if least is not None and below is None:
        kind += ","
    return " ".join([kind, ", ".join(parts)]).strip()


def _round(most: float) -> str:
    power = round(math.log10(most)) if most > 0 else 0
    return f"10^{power}" if power > 4 and most == 10**power else f"{most}"


Function = Callable[..., Any]
