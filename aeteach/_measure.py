"""Run a model to measure it: in evaluation mode, without gradients, with a seed of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from aeteach import _validate
from aeteach._modes import evaluation_mode
from aeteach._random import seeded


@contextmanager
def measuring(model: nn.Module, seed: int | None = None) -> Iterator[torch.device]:
    """Give the model's device for a block in evaluation mode and without gradients.

    Whatever happens in the block, every part of the model is put back into the mode it was in, and
    torch's random states are those of before.

    Args:
        model: to be run.
        seed: of what the model draws; None if it draws nothing.

    Raises:
        TypeError, ValueError: no seed.
    """
    device = device_of(model)
    number = 0 if seed is None else _validate.seed(seed)
    with evaluation_mode(model), torch.no_grad(), seeded(number, device):
        yield device


def device_of(model: nn.Module) -> torch.device:
    """Return where a model's numbers are: its parameters, or its buffers if it has no others."""
    for number in (*model.parameters(), *model.buffers()):
        return number.device
    return torch.device("cpu")
