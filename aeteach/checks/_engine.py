"""How an exercise is checked: try several inputs, then look for the mistake behind a wrong result.

A mistake is stated as the function somebody who makes it would write. If an answer agrees with
that function on every input, the hint names the mistake. No hint ever contains the answer.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from aeteach.checks._exercise import Mistake, Verdict

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Exercise:
    """One exercise: the right function, the inputs to try, and the mistakes with a hint each.

    Attributes:
        name: as the reader calls it.
        right: the reference function; takes and returns numpy arrays or floats.
        inputs: argument tuples; at least two, and such that no mistake agrees with `right`.
        mistakes: tried in order; the first that agrees on every input gives the hint.
        praise: said of a right answer.
        same: decides whether two results agree; by default shapes and numbers do.
    """

    name: str
    right: Callable[..., Any]
    inputs: Sequence[Arguments]
    mistakes: Sequence[Mistake]
    praise: str
    same: Callable[[Any, Any], bool] | None = None

    def check(self, answer: Callable[..., Any]) -> Verdict:
        """Try an answer, a function of the exercise's arguments, and return the verdict."""
        if not callable(answer):
            return self._no(
                f"The checker got {_describe(answer)}; it expects the function itself, "
                "without calling it: no parentheses after its name."
            )
        try:
            results = [self._run(answer, arguments) for arguments in self.inputs]
        except _Changed:
            return self._no(
                "Your function changes the array it is given. Work on a copy: X - m makes a new "
                "array, X -= m does not."
            )
        except Exception as error:  # whatever the answer raises is shown to its author
            return self._no(
                f"Your function raised {type(error).__name__}: {error}. "
                f"It was given {', '.join(_describe(a) for a in self.inputs[0])}."
            )
        expected = [self.right(*arguments) for arguments in self.inputs]
        if all(self._agree(got, want) for got, want in zip(results, expected, strict=True)):
            return Verdict(self.name, True, self.praise)
        return self._no(self._mistaken(results) or _generic(results, expected))

    def _mistaken(self, results: list[Any]) -> str | None:
        for mistake in self.mistakes:
            wrong = [mistake.wrong(*arguments) for arguments in self.inputs]
            if all(self._agree(got, want) for got, want in zip(results, wrong, strict=True)):
                return mistake.hint
        return None

    def _agree(self, got: Any, want: Any) -> bool:
        if self.same is not None:
            return self.same(got, want)
        return agree(got, want)

    def _no(self, hint: str) -> Verdict:
        return Verdict(self.name, False, hint)

    @staticmethod
    def _run(answer: Callable[..., Any], arguments: Arguments) -> Any:
        """Call an answer with numpy arrays and, if it was written for torch, with tensors."""
        given = copy.deepcopy(arguments)
        try:
            result = answer(*given)
        except (TypeError, AttributeError, ValueError) as with_numpy:
            tensors = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
            try:
                return _to_numpy(answer(*tensors))
            except Exception:
                raise with_numpy from None
        if not all(_unchanged(a, b) for a, b in zip(given, arguments, strict=True)):
            raise _Changed
        return _to_numpy(result)


@dataclass(frozen=True)
class Quantity:
    """An exercise whose answer is one number (or a tuple of numbers), worked out on paper.

    Attributes:
        name: as the reader calls it.
        right: the value.
        mistakes: wrong values, each with its hint.
        praise: said of a right answer.
        tolerance: largest relative difference accepted, for rounding by hand.
    """

    name: str
    right: Any
    mistakes: Sequence[tuple[Any, str]]
    praise: str
    tolerance: float = 2e-3

    def check(self, answer: Any) -> Verdict:
        """Compare a number with the right one and with those that known mistakes give."""
        if callable(answer):
            return Verdict(self.name, False, "The checker expects a number, not a function.")
        if answer is None:
            return Verdict(self.name, False, "The checker expects a number; there is none yet.")
        try:
            got = np.asarray(_to_numpy(answer), dtype=float)
            right = np.asarray(self.right, dtype=float)
        except (TypeError, ValueError):
            return Verdict(
                self.name, False, f"The checker expects a number; it got {_describe(answer)}."
            )
        if agree(got, right, self.tolerance):
            return Verdict(self.name, True, self.praise)
        for wrong, hint in self.mistakes:
            if agree(got, np.asarray(wrong, dtype=float), self.tolerance):
                return Verdict(self.name, False, hint)
        return Verdict(self.name, False, _generic([got], [right]))


class _Changed(Exception):  # noqa: N818 - a signal inside this module, never seen outside
    pass


def agree(got: Any, want: Any, tolerance: float = 1e-6) -> bool:
    """Tell whether two results have one shape and, to the tolerance, the same numbers."""
    if isinstance(want, tuple):
        return (
            isinstance(got, tuple | list)
            and len(got) == len(want)
            and all(agree(g, w, tolerance) for g, w in zip(got, want, strict=True))
        )
    if got is None or isinstance(got, tuple):
        return False
    try:
        a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance * 1e-2)


def _generic(results: list[Any], expected: list[Any]) -> str:
    """Describe a wrong result that no known mistake explains, without giving the answer away."""
    got, want = results[0], expected[0]
    if got is None:
        return "Your function returns nothing. Does its last line say return?"
    try:
        a, b = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    except (TypeError, ValueError):
        return f"Expected {_kind(want)}, your function returned {_describe(got)}."
    if a.shape != b.shape:
        return f"The result has shape {a.shape}; expected {b.shape}."
    if not np.isfinite(a).all() and np.isfinite(b).all():
        return "The result holds NaN or infinity. Look for a division by 0 or a logarithm of 0."
    right = [agree(g, w) for g, w in zip(results, expected, strict=True)]
    if any(right):
        return (
            f"Right on {sum(right)} of {len(right)} inputs. Something holds for those only: "
            "a fixed size, a mean of 0, or a special value?"
        )
    if agree(-a, b):
        return "Every number has the wrong sign."
    ratios = [_ratio(g, w) for g, w in zip(results, expected, strict=True)]
    known = [r for r in ratios if r is not None]
    if len(known) == len(ratios) and np.allclose(known, known[0], rtol=1e-6):
        return "Every number is off by the same factor. Look for a missing or extra constant."
    return "The shape is right, the numbers are not. Try your function on an example done by hand."


def _ratio(got: Any, want: Any) -> float | None:
    a, b = np.asarray(got, dtype=float).ravel(), np.asarray(want, dtype=float).ravel()
    keep = np.abs(b) > 1e-9
    if a.shape != b.shape or keep.sum() < 2:  # a single number is a multiple of any other
        return None
    ratio = a[keep] / b[keep]
    return float(ratio[0]) if np.allclose(ratio, ratio[0], rtol=1e-6) else None


def _to_numpy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, tuple | list) and any(isinstance(v, torch.Tensor) for v in value):
        return type(value)(_to_numpy(v) for v in value)
    return value


def _unchanged(after: Any, before: Any) -> bool:
    return not isinstance(before, np.ndarray) or np.array_equal(after, before, equal_nan=True)


def _kind(value: Any) -> str:
    """Say what a right answer is made of, and none of its numbers."""
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return f"an array of shape {np.shape(value)}" if np.ndim(value) else "a number"


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    kind = type(value).__name__
    return f"{kind} of shape {tuple(shape)}" if shape is not None else f"{kind} {value!r:.40}"
