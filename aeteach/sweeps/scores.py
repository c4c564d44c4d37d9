"""What several tables ask: all the digits, shares in per cent, what readers make of images."""

import functools
from typing import Any

from aeteach.data import Digits, mnist
from aeteach.metrics.readability import STANDARD, Score, readers, score


@functools.cache
def all_digits(split: str, size: int = 32) -> Digits:
    """Return all of MNIST's digits of a split, read once; a table is never made of the sample.

    Raises:
        ValueError: only the sample can be had.
    """
    digits = mnist(split, size=size)
    if digits.is_sample:
        raise ValueError(f"the table needs all of MNIST, and only a {digits.source} can be had")
    return digits


def per_cent(share: float) -> float:
    """Return a share, 0 to 1, in per cent, to three decimals."""
    return round(100 * share, 3)


def readability(judged: Score, strong: Score) -> dict[str, Any]:
    """Return the columns of a score by five readers, with its interval, and of the strong one."""
    return {
        "readability": per_cent(judged.accuracy),
        "readability_low": per_cent(judged.low),
        "readability_high": per_cent(judged.high),
        "readability_strong": per_cent(strong.accuracy),
    }


@functools.cache
def ceiling(names: tuple[str, ...] = STANDARD) -> float:
    """Return how many of the test digits themselves are read, in per cent: once a process."""
    test = all_digits("test")
    return per_cent(score(test.images, test.labels, readers(names)).accuracy)
