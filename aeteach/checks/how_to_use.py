"""The exercise of *How to use this book*: a first meeting with a checker."""

from collections.abc import Callable
from typing import Any

import numpy as np

from aeteach.checks._engine import Exercise, Mistake, Verdict

__all__ = ["mean"]

_MEAN = Exercise(
    name="A mean by hand",
    right=lambda numbers: sum(numbers) / len(numbers),
    inputs=[([1.0, 2.0, 6.0],), ([4.0, -1.0, 0.5, 3.0],), ([2.0, 9.0],)],
    mistakes=[
        Mistake(
            "You divide by one number too few. That is the divisor of a sample variance; "
            "a mean divides by how many numbers there are.",
            lambda numbers: sum(numbers) / (len(numbers) - 1),
        ),
        Mistake("This is the sum. What is missing is the division.", sum),
        Mistake(
            "This is the median, the middle number. One very large number does not move it; "
            "it does move the mean.",
            lambda numbers: float(np.median(numbers)),
        ),
    ],
    praise="Three lists, three means.",
)


def mean(answer: Callable[[list[float]], Any]) -> Verdict:
    """Check a function that returns the mean of a list of numbers."""
    return _MEAN.check(answer)
