"""Double precision on every device: Apple's GPU has none, so there the CPU computes.

And the precision that numbers have, where `torch.autocast` would take another.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

WITHOUT_FLOAT64 = frozenset({"mps"})  # types of device
_CAST = ("cpu", "cuda", "mps", "xpu")  # types of device that torch.autocast knows


@contextmanager
def own_precision() -> Iterator[None]:
    """Let a block or a function compute as precisely as its numbers are, also in `torch.autocast`.

    A measure in 8 bits of precision is another one, and says so nowhere.
    """
    with ExitStack() as stack:
        for kind in _CAST:
            if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def exact(x: Tensor) -> Tensor:
    """Return x in float64: where it is, or on the CPU if its device has no such numbers."""
    return where_exact(x).double()


def where_exact(x: Tensor) -> Tensor:
    """Return x as it is, where its numbers could become float64."""
    return x.cpu() if x.device.type in WITHOUT_FLOAT64 else x
