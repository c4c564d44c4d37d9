"""Run a model to measure it: in evaluation mode, without gradients, with a seed of its own."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import nn

from aeteach import _validate
from aeteach._modes import evaluation_mode
from aeteach._random import seeded


class Place(NamedTuple):
    """Where a model's numbers are, and in which precision.

    Attributes:
        device: of its first tensor of real numbers; images are moved there.
        dtype: float32, or what the caller has made of it.
    """

    device: torch.device
    dtype: torch.dtype


@contextmanager
def measuring(model: nn.Module, seed: int | None = None) -> Iterator[Place]:
    """Give the model's place for a block in evaluation mode and without gradients.

    Whatever happens in the block, every part of the model is put back into the mode it was in, and
    torch's random states are those of before.

    Args:
        model: to be run.
        seed: of what the model draws; None if it draws nothing.

    Raises:
        TypeError, ValueError: no seed.
    """
    place = place_of(model)
    number = 0 if seed is None else _validate.seed(seed)
    with evaluation_mode(model), torch.no_grad(), seeded(number, place.device):
        yield place


def place_of(model: nn.Module) -> Place:
    """Return device and precision of a model: those of its first tensor of real numbers."""
    tensors = itertools.chain(model.parameters(), model.buffers())
    first = next((t for t in tensors if t.is_floating_point()), torch.zeros(0))
    return Place(first.device, first.dtype)
