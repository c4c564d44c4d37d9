"""Convolution arithmetic, one cell at a time: which inputs, times which weights, make an output."""

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import Numbers, StateError, read_array
from aeteach.widgets.kit.traits import OneOf, WholeWithin

MODES = ("convolution", "transposed")
_LARGEST, _WIDEST = 8, 4  # the input and the kernel

# Small whole numbers, so that every sum can be done in the head.
X = (
    (1, 2, 0, 1, 3, 0, 2, 1),
    (0, 1, 3, 2, 1, 1, 0, 2),
    (2, 0, 1, 0, 2, 3, 1, 0),
    (1, 3, 0, 2, 0, 1, 2, 1),
    (0, 1, 2, 1, 1, 0, 3, 2),
    (3, 0, 1, 2, 0, 2, 1, 0),
    (1, 2, 0, 0, 3, 1, 0, 1),
    (0, 1, 1, 3, 2, 0, 1, 2),
)
W = ((1, 2, -1, 1), (0, 1, 2, -1), (-1, 1, 1, 0), (2, 0, -1, 1))


class Setting(NamedTuple):
    """What decides the sizes: a convolution or its transpose, and its five numbers."""

    mode: str
    n: int
    kernel_size: int
    stride: int
    padding: int
    output_padding: int


def refusal(setting: Setting) -> str:
    """Return why a setting is impossible, in words; nothing if it is possible."""
    mode, n, k, s, p, extra = setting
    if mode == "convolution":
        if extra:
            return (
                "Output padding belongs to the transposed convolution; a convolution has none: "
                "leave it at 0."
            )
        if k > n + 2 * p:
            return (
                f"A kernel of {k} does not fit: the input has {n} rows, with padding {n + 2 * p}. "
                "Take a smaller kernel, a larger input or more padding."
            )
    elif extra >= s:
        return (
            f"Output padding {extra} must be smaller than the stride {s}: a convolution of stride "
            f"{s} leaves at most {s - 1} rows unread."
        )
    elif output_side(setting) < 1:
        return (
            f"Nothing is left: the stamps cover {(n - 1) * s + k} rows and the padding cuts off "
            f"{2 * p}. Take less padding, a larger kernel or a larger input."
        )
    return ""


def output_side(setting: Setting) -> int:
    """Return height and width of the output, in cells.

    floor((n + 2p - k) / s) + 1 for a convolution, (n - 1) s - 2p + k + output_padding for a
    transposed one; below 1 where the setting is impossible.
    """
    mode, n, k, s, p, extra = setting
    if mode == "convolution":
        return (n + 2 * p - k) // s + 1
    return (n - 1) * s - 2 * p + k + extra


class ConvSteps(Figure):
    """Walk over the cells of a convolution, or of a transposed one, and see every product.

    Args:
        mode: "convolution" or "transposed".
        n: height and width of the input in cells, 3 to 8.
        kernel_size: k, height and width of the kernel, 1 to 4.
        stride: s, how far the kernel moves at a time, 1 to 3.
        padding: p, rows of zeros on every side of the input, 0 to 2; a transposed convolution
            cuts as many off its output.
        output_padding: rows and columns added at the far end of a transposed convolution's
            output, 0 to 2, smaller than the stride.
        x: (8, 8) numbers, of which the first n rows and columns are the input; small whole ones
            if left out.
        w: (4, 4) numbers, of which the first k rows and columns are the kernel.

    Attributes:
        side: whether the cell that is looked at is one of the "output" or of the "input".
        cell: its number, row by row, from 0.

    Raises:
        ValueError: a number out of its range, a setting with no output, or x or w of another shape.
    """

    _module = "conv_steps"
    mode = OneOf(*MODES)
    n = WholeWithin(5, 3, _LARGEST)
    kernel_size = WholeWithin(3, 1, _WIDEST)
    stride = WholeWithin(2, 1, 3)
    padding = WholeWithin(1, 0, 2)
    output_padding = WholeWithin(0, 0, 2)
    side = OneOf("output", "input")
    cell = t.Int(0).tag(sync=True)
    x = Numbers().tag(sync=True)
    w = Numbers().tag(sync=True)

    def __init__(self, x: ArrayLike = X, w: ArrayLike = W, **kwargs: Any) -> None:
        alt = (
            "A grid of input numbers, a kernel of weights and the grid of output numbers they "
            "make. One cell is chosen; the cells of the other grid that it is linked with and the "
            "weights between them are marked, and the products and their sum are written out. "
            "Sliders set the size of the input, the kernel, stride, padding and output padding."
        )
        super().__init__(**{"alt": alt, "x": x, "w": w} | kwargs)

    @property
    def setting(self) -> Setting:
        """What decides the sizes, as it stands now."""
        return Setting(*(getattr(self, name) for name in Setting._fields))

    @property
    def output(self) -> NDArray[np.float64]:
        """The output's numbers by torch, (m, m)."""
        x = torch.tensor(self.x, dtype=torch.float64)[None, None, : self.n, : self.n]
        w = torch.tensor(self.w, dtype=torch.float64)[None, None]
        w = w[..., : self.kernel_size, : self.kernel_size]
        if self.mode == "convolution":
            y = F.conv2d(x, w, stride=self.stride, padding=self.padding)
        else:
            y = F.conv_transpose2d(
                x, w, stride=self.stride, padding=self.padding, output_padding=self.output_padding
            )
        return y[0, 0].numpy()

    @t.validate(*Setting._fields)
    def _check_possible(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if why := refusal(self.setting._replace(**{name: value})):
            raise StateError(f"{name} cannot be {value!r} here. {why}")
        return value

    @t.validate("cell")
    def _check_cell(self, proposal: Any) -> int:
        if not 0 <= proposal["value"] < self._cells():
            raise StateError(
                f"cell is {proposal['value']}; expected 0 to {self._cells() - 1}, counted row by "
                f"row, for the {self.side} has {self._cells()} cells"
            )
        return proposal["value"]

    def _cells(self) -> int:
        side = output_side(self.setting) if self.side == "output" else self.n
        return side * side

    @t.observe("side", *Setting._fields)
    def _stay_inside(self, _: Any) -> None:
        self.cell = min(self.cell, self._cells() - 1)

    @t.validate("x", "w")
    def _check_table(self, proposal: Any) -> list[list[float]]:
        name = proposal["trait"].name
        array = read_array(name, proposal["value"])
        side = _LARGEST if name == "x" else _WIDEST
        if array.shape != (side, side):
            raise StateError(f"{name} has shape {array.shape}; expected ({side}, {side})")
        return [[float(v) for v in row] for row in array]

    def __repr__(self) -> str:
        m = output_side(self.setting)
        return f"ConvSteps({self.mode}, {self.n}x{self.n} -> {m}x{m})"
