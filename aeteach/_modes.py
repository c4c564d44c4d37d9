"""Put a model's modes back, whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put every part of a model back into training or evaluation mode, each as it was.

    Parts may differ: a layer that was frozen in evaluation mode stays so.
    """
    before = [(part, part.training) for part in model.modules()]
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode for a block, and back as it was, even if the block fails."""
    with modes_kept(model):
        model.eval()
        yield
