"""Fixtures shared by the tests of the package."""

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from aeteach.data import mnist

# No deadline: a busy machine is no failure. The same examples each time: a failure can be repeated.
settings.register_profile("book", deadline=None, derandomize=True)
settings.load_profile("book")


@pytest.fixture(scope="session")
def train_digits() -> Tensor:
    """The 60,000 training digits, 32x32."""
    return mnist("train").images


@pytest.fixture(scope="session")
def test_digits() -> Tensor:
    """The 10,000 test digits, 32x32."""
    return mnist("test").images


@pytest.fixture
def blobs() -> Tensor:
    """64 smooth 8x8 images on a plane of two directions, in [0, 1]: trained on in a second."""
    generator = torch.Generator().manual_seed(1)
    weights = torch.rand(64, 2, generator=generator)
    grid = torch.linspace(0, 1, 8)
    bases = torch.stack([grid[:, None] * grid[None, :], (1 - grid)[:, None] * grid[None, :]])
    return torch.einsum("nk,khw->nhw", weights, bases)[:, None]
