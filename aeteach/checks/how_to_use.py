"""The exercise of *How to use this book*: a first meeting with a checker."""

from collections.abc import Iterator

import numpy as np

from aeteach.checks._exercise import Exercise, Mistake


def _lists(rng: np.random.Generator) -> Iterator[tuple[list[float]]]:
    yield ([1.0, 2.0, 6.0],)
    yield ([4.0, -1.0, 0.5, 3.0],)
    yield ([2.0, 9.0],)
    yield ([5.0],)
    for n in (7, 8, 12):
        yield (rng.normal(3, 5, size=n).tolist(),)
    yield ([-1e6, 3e6, 7.0, 7.0],)
    yield ([-3.0, -8.0, 2.0],)


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


mean = Exercise(
    "A mean by hand",
    _mean,
    inputs=_lists,
    about="a list of numbers -> their mean.",
    praise="Many lists, many means.",
    mistakes=[
        *(
            Mistake(
                "You divide by one number too few. That is the divisor of a sample variance; "
                "a mean divides by how many numbers there are.",
                wrong,
            )
            for wrong in (
                lambda numbers: sum(numbers) / (len(numbers) - 1),
                lambda numbers: float(np.float64(sum(numbers)) / (len(numbers) - 1)),
            )
        ),
        Mistake("This is the sum. What is missing is the division.", sum),
        Mistake(
            "This is the median, the middle number. One very large number does not move it; "
            "it does move the mean.",
            lambda numbers: float(np.median(numbers)),
        ),
    ],
)
