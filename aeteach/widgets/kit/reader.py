"""The digit reader that judges in several figures, for reader.js."""

from torch import nn

from aeteach.models import DigitReader
from aeteach.widgets.kit.network import Network, network, without_frame_in

NAME = "reader"  # of its arrays: `reader/w0`, `reader/b0`, `reader/w1`, `reader/b1`


def reader_network(reader: nn.Module, margin: int = 0) -> Network:
    """Return what a 1024-50-10 reader does with an image: its two layers, the first one narrowed.

    Args:
        reader: a `DigitReader`.
        margin: pixels at each edge of the image that are left out, as if they were black.

    Raises:
        TypeError: another kind of reader.
    """
    if not isinstance(reader, DigitReader):
        raise TypeError(
            f"the reader is a {type(reader).__name__}; the page runs a DigitReader only, two fully "
            "connected layers with a ReLU between them"
        )
    layers = [part for part in reader.layers if not isinstance(part, nn.Dropout)]
    if not margin:
        return network(nn.Sequential(*layers), NAME)
    return without_frame_in(network(nn.Sequential(*layers), NAME), margin)


__all__ = ["reader_network"]
