"""Double precision on every device: Apple's GPU has none, so there the CPU computes."""

from torch import Tensor

WITHOUT_FLOAT64 = frozenset({"mps"})  # types of device


def exact(x: Tensor) -> Tensor:
    """Return x in float64: where it is, or on the CPU if its device has no such numbers."""
    return where_exact(x).double()


def where_exact(x: Tensor) -> Tensor:
    """Return x as it is, where its numbers could become float64."""
    return x.cpu() if x.device.type in WITHOUT_FLOAT64 else x
