"""The digits a figure shows when it is given none."""

from collections.abc import Iterable

from torch import Tensor


def mnist_test(size: int = 32) -> tuple[Tensor, Tensor]:
    """Return MNIST's test digits, (10000, 1, size, size), and their labels; of a sample, fewer."""
    from aeteach.data import mnist  # late: importing the figures reads no data

    images, labels, _ = mnist("test", size=size)
    return images, labels


def first_places(labels: Tensor, digits: Iterable[int]) -> list[int]:
    """Return the place of the first image of each of these digits, in their order."""
    return [int((labels == digit).nonzero()[0]) for digit in digits]
