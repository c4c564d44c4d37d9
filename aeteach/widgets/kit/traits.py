"""Traits of a figure's state that know what they may be, in Python and in the page.

A limit is declared once, in the figure's Python class; `Figure` ships it to the JavaScript as
`limits`.
"""

import math
import numbers
from typing import Any

import traitlets

from aeteach.widgets.kit.inputs import StateError

Range = tuple[float, float]


class Within(traitlets.Float):
    """A number within a closed range; text, NaN and True are refused, and the old value stays.

    Args:
        default: at first.
        low: smallest value.
        high: largest value.
        unit: said after the range, as " degrees".
    """

    def __init__(
        self, default: float, low: float, high: float, unit: str = "", **kwargs: Any
    ) -> None:
        super().__init__(default, **kwargs)
        self.low, self.high, self.unit = low, high, unit
        self.tag(sync=True)

    @property
    def range(self) -> Range:
        """The smallest and the largest value."""
        return self.low, self.high

    def validate(self, obj: Any, value: Any) -> float:
        """Return the number, or say what came and what was expected."""
        number = value if isinstance(value, numbers.Real) else _item(value)
        if isinstance(number, bool) or not isinstance(number, numbers.Real):
            raise self._refuse(repr(value))
        if not self.low <= float(number) <= self.high:  # NaN is not either
            raise self._refuse(f"{float(number):g}")
        return float(number)

    def _refuse(self, came: str) -> StateError:
        return StateError(
            f"{self.name} is {came}; expected {self.low:g} to {self.high:g}{self.unit}"
        )


class WholeWithin(traitlets.Int):
    """A whole number within a closed range; 2.0 is one, 2.5 and True are not.

    Args:
        default: at first.
        low: smallest value.
        high: largest value.
        unit: said after the range, as " points".
    """

    def __init__(self, default: int, low: int, high: int, unit: str = "", **kwargs: Any) -> None:
        super().__init__(default, **kwargs)
        self.low, self.high, self.unit = low, high, unit
        self.tag(sync=True)

    @property
    def range(self) -> Range:
        """The smallest and the largest value."""
        return self.low, self.high

    def validate(self, obj: Any, value: Any) -> int:
        """Return the whole number, or say what came and what was expected."""
        whole = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not whole or not math.isfinite(value) or value != int(value):
            raise self._refuse(value)
        if not self.low <= value <= self.high:
            raise self._refuse(value)
        return int(value)

    def _refuse(self, came: object) -> StateError:
        return StateError(
            f"{self.name} is {came!r}; expected a whole number, {self.low} to {self.high}"
            f"{self.unit}"
        )


def _item(value: Any) -> object:
    """Return the one number of an array or a tensor; None for anything else."""
    try:
        return value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return None


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


def limits(cls: type[traitlets.HasTraits]) -> dict[str, list[float]]:
    """Return {trait: [smallest, largest]} of every trait of a class that has a range."""
    found = cls.class_traits().items()
    return {k: list(v.range) for k, v in sorted(found) if isinstance(v, Within | WholeWithin)}
