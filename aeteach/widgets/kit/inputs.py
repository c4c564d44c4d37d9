"""Checks of what a figure is given: each says what arrived, what was expected, what to do."""

from typing import Any

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray


class StateError(traitlets.TraitError, ValueError):
    """A figure was given a state it cannot show; a trait keeps the value it had."""


class Numbers(traitlets.TraitType[Any, Any]):
    """A trait of numbers in nested lists, never None; its figure checks the shape."""

    info_text = "numbers in nested lists"
    default_value = ()


def read_array(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return values as finite float64 numbers, or raise StateError with the name in it."""
    try:
        if values is None:  # NumPy would read it as NaN
            raise TypeError("it is None")
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor with gradient
        raise StateError(
            f"{name} cannot be read as an array of numbers ({error}); pass a NumPy array, a "
            "detached tensor or a list of lists"
        ) from None
    if array.size == 0:
        raise StateError(f"{name} is empty, shape {array.shape}; pass at least one row")
    if not np.isfinite(array).all():
        rows = np.unique(np.argwhere(~np.isfinite(array))[:, 0]) if array.ndim else np.array([0])
        raise StateError(
            f"{name} holds NaN or infinity, first in row {rows[0]} ({len(rows)} rows in all); "
            "drop or repair them"
        )
    return array


def axis_angle(value: float) -> float:
    """Return the angle of an axis, which has no front and no back, in [0, 180) degrees."""
    angle = float(value)
    if not np.isfinite(angle):
        raise StateError(f"angle is {angle}; expected a finite number of degrees")
    wrapped = angle % 180.0
    return 0.0 if wrapped == 180.0 else wrapped  # -1e-20 % 180 rounds up to 180


def both_or_neither(**two: Any) -> None:
    """Raise StateError if one of two inputs that belong together is None and the other is not."""
    if len({value is None for value in two.values()}) > 1:
        raise StateError(f"{' and '.join(two)} belong together: pass both or neither")
