"""What several tables ask: all the digits, shares in per cent, what readers make of images."""

import functools
from collections.abc import Sequence
from typing import Any

from aeteach import _validate
from aeteach.data import Digits, mnist
from aeteach.metrics.readability import STANDARD, Score, readers, score

SPLITS = ("train", "test")


def all_digits(split: str, size: int = 32) -> Digits:
    """Return all of MNIST's digits of a split, read once; a table is never made of the sample.

    Args:
        split: as for `mnist`.
        size: likewise.

    Raises:
        TypeError, ValueError: another split or size, or only the sample can be had.
    """
    return _all_digits(_validate.choice(split, "split", SPLITS), _validate.count(size, "size"))


@functools.cache
def _all_digits(split: str, size: int) -> Digits:
    digits = mnist(split, size=size)
    if digits.is_sample:
        raise ValueError(f"the table needs all of MNIST, and only a {digits.source} can be had")
    return digits


def per_cent(share: float) -> float:
    """Return a share, 0 to 1, in per cent, to three decimals.

    Args:
        share: from 0 to 1.

    Raises:
        TypeError, ValueError: no share.
    """
    return round(100 * _validate.number(share, "share", least=0, most=1), 3)


def readability(judged: Score, strong: Score) -> dict[str, Any]:
    """Return the columns of a score by five readers, with its interval, and of the strong one."""
    return {
        "readability": per_cent(judged.accuracy),
        "readability_low": per_cent(judged.low),
        "readability_high": per_cent(judged.high),
        "readability_strong": per_cent(strong.accuracy),
    }


def ceiling(names: Sequence[str] = STANDARD) -> float:
    """Return how many of the test digits themselves are read, in per cent: once a process.

    Args:
        names: of readers, as for `readers`.

    Raises:
        TypeError, ValueError: names that are none.
    """
    known = _validate.several(names, "names", "several names of readers")
    return _ceiling(tuple(_validate.text(name, "each of names") for name in known))


@functools.cache
def _ceiling(names: tuple[str, ...]) -> float:
    test = all_digits("test")
    return per_cent(score(test.images, test.labels, readers(names)).accuracy)
