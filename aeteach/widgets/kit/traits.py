"""Traits of a figure's state that know what they may be, in Python and in the page.

A limit is declared once, in the figure's Python class; `Figure` ships it to the JavaScript as
`limits`.
"""

import math
import numbers
from collections.abc import Callable
from typing import Any

import traitlets

from aeteach.widgets.kit.inputs import StateError

Range = tuple[float, float]
Bound = float | Callable[[Any], float]  # a number, or what makes it of a figure


def said(bound: float) -> str:
    """Return an end of a range as messages and docstrings say it."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


class _Ranged:
    """What has a smallest and a largest value; either may depend on what the figure was given."""

    name: str | None
    low: Bound
    high: Bound
    unit: str

    @property
    def fixed(self) -> bool:
        """Whether the range is the same for every figure of the class."""
        return not callable(self.low) and not callable(self.high)

    def range_of(self, figure: Any) -> Range:
        """Return the smallest and the largest value in this figure."""
        low, high = (b(figure) if callable(b) else b for b in (self.low, self.high))
        return low, high

    def _refuse(self, came: str, kind: str, figure: Any) -> StateError:
        low, high = self.range_of(figure)
        expected = f"{kind}{said(low)} to {said(high)}{self.unit}"
        return StateError(f"{self.name} is {came}; expected {expected}")


class Within(_Ranged, traitlets.Float):
    """A number within a closed range; text, NaN and True are refused, and the old value stays.

    Args:
        default: at first.
        low: smallest value, or a function that is given the figure and returns it.
        high: largest value, likewise.
        unit: said after the range, as " degrees".
    """

    def __init__(
        self, default: float, low: Bound, high: Bound, unit: str = "", **kwargs: Any
    ) -> None:
        super().__init__(default, **kwargs)
        self.low, self.high, self.unit = low, high, unit
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> float:
        """Return the number, or say what came and what was expected."""
        number = _number(value)
        low, high = self.range_of(obj)
        if number is None:
            raise self._refuse(repr(value), "", obj)
        if not low <= number <= high:  # NaN is not either
            raise self._refuse(f"{number:g}", "", obj)
        return number


class WholeWithin(_Ranged, traitlets.Int):
    """A whole number within a closed range; 2.0 is one, 2.5 and True are not.

    Args:
        default: at first.
        low: smallest value, or a function that is given the figure and returns it.
        high: largest value, likewise.
        unit: said after the range, as " points".
    """

    def __init__(
        self, default: int, low: Bound, high: Bound, unit: str = "", **kwargs: Any
    ) -> None:
        super().__init__(default, **kwargs)
        self.low, self.high, self.unit = low, high, unit
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> int:
        """Return the whole number, or say what came and what was expected."""
        whole = isinstance(value, numbers.Real) and not isinstance(value, bool)
        low, high = self.range_of(obj)
        if not whole or not math.isfinite(value) or value != int(value) or not low <= value <= high:
            raise self._refuse(repr(value), "a whole number, ", obj)
        return int(value)


class PointWithin(_Ranged, traitlets.List):
    """Two numbers, each within the same closed range: a place in the plane.

    Args:
        default: at first.
        low: smallest value of either, or a function that is given the figure and returns it.
        high: largest value, likewise.
        unit: said after the range.
        or_none: whether an empty list is one, too: there is no such place.
    """

    def __init__(
        self,
        default: list[float],
        low: Bound,
        high: Bound,
        unit: str = "",
        *,
        or_none: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(default_value=default, **kwargs)
        self.low, self.high, self.unit, self.or_none = low, high, unit, or_none
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> list[float]:
        """Return the two numbers as a list, or say what came and what was expected."""
        try:
            point = [_number(v) for v in value]
        except TypeError:
            raise self._refuse(repr(value), "two numbers from ", obj) from None
        if self.or_none and not point:
            return []
        low, high = self.range_of(obj)
        found = [v for v in point if v is not None and low <= v <= high]
        if len(point) != 2 or len(found) != 2:
            came = repr(list(value) if None in point else point)
            raise self._refuse(came, "two numbers from ", obj)
        return found


def _number(value: Any) -> float | None:
    """Return a number, or the one number of an array or a tensor; None for anything else."""
    if not isinstance(value, numbers.Real):
        try:
            value = value.item()
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return None
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return float(value) if real else None


class OneOf(traitlets.Unicode):
    """One of a few words, the first at first.

    Args:
        words: the words.
        default: at first; the first word if left out.
    """

    def __init__(self, *words: str, default: str | None = None, **kwargs: Any) -> None:
        super().__init__(words[0] if default is None else default, **kwargs)
        self.words = words
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> str:
        """Return the word, or say which there are."""
        if value not in self.words:
            known = " or ".join(repr(word) for word in self.words)
            raise StateError(f"{self.name} is {value!r}; expected {known}")
        return str(value)


def limits(of: type[traitlets.HasTraits] | traitlets.HasTraits) -> dict[str, list[float]]:
    """Return {trait: [smallest, largest]} of every trait that has a range.

    Args:
        of: a figure; or its class, and then without the ranges that depend on what a figure was
            given.
    """
    ranged = {k: v for k, v in sorted(of.class_traits().items()) if isinstance(v, _Ranged)}
    if isinstance(of, type):
        ranged = {k: v for k, v in ranged.items() if v.fixed}
    return {k: list(v.range_of(of)) for k, v in ranged.items()}
