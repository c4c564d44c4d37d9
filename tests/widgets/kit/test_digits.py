"""The digits of figures that are given none."""

import pytest
import torch

from aeteach.data import mnist
from aeteach.widgets.kit.digits import first_places, mnist_test


def test_the_first_of_each() -> None:
    assert first_places(torch.tensor([7, 2, 7, 0, 2]), (2, 7)) == [1, 0]


def test_a_digit_that_is_not_there_is_not_found() -> None:
    with pytest.raises(IndexError):
        first_places(torch.tensor([7, 2]), (3,))


@pytest.mark.parametrize("size", [28, 32])
def test_they_are_mnists_test_digits_of_the_size_that_is_asked(size: int) -> None:
    images, labels = mnist_test(size)
    assert images.shape == (10_000, 1, size, size)
    assert torch.equal(images, mnist("test", size=size).images)
    assert torch.equal(labels, mnist("test").labels)
