r"""From a pen's strokes to an image that looks like MNIST: the rule by which MNIST was made.

LeCun, Bottou, Bengio and Haffner (1998, section III.A) had black and white scans. They scaled each
to fit a box of 20x20 pixels, kept its aspect ratio, let the anti-aliasing make greys, and moved it
by its centre of mass to the centre of 28x28 pixels. A model trained on MNIST knows nothing else: a
digit drawn in a corner means nothing to it before it has been brought there.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact
from aeteach._on_cpu import on_cpu

BOX = 20  # pixels: the longer side of a digit
FIELD = 28  # pixels: height and width of an image of MNIST
CENTRE = 14  # the pixel, counted from 0, that the centre of mass comes to lie in
_TIE = 1e-9  # pixels: a rounding error must not move a symmetric drawing by a whole pixel
PAD = 8 * FIELD  # pixels: height and width of the sheet that is drawn on
_MOST_SIDE = 4096  # pixels
PEN = 0.04  # radius of the pen, as a share of the sheet's side

Stroke = Sequence[Sequence[float]]


@on_cpu
def as_mnist(drawing: Tensor, *, size: int = 32) -> Tensor:
    r"""Scale and centre drawings as MNIST's digits are.

    1. Cut out the bounding box of the ink, h x w: all rows and columns with a pixel above 0.
    2. Scale by 20 / max(h, w), the same both ways. A new pixel is the mean of the area that it
       covers, which is the anti-aliasing; a side that is no whole number of pixels is centred on
       the next larger one.
    3. Move by whole pixels, so that the centre of mass c (pixel centres counted from 0) comes to
       lie in 13.5 <= c < 14.5 of 28, both ways.
    4. Add the black frame, (size - 28) / 2 pixels wide.

    The interval of step 3 was read off MNIST: all 10,000 test digits lie in it, and all 60,000
    training digits but three. So 9,997 test digits come out as they went in; the other three fill
    19 pixels only. Ink so uneven that step 3 would push some of it over the edge, which MNIST has
    none of, is moved as far as the edge allows.

    Args:
        drawing: 0 (paper) to 1 (ink), one sheet (H, W) or several (N, 1, H, W), floating point.
        size: height and width of the result in pixels, 28 or an even number above it.

    Returns:
        x, (N, 1, size, size), float32, where the drawing is; N is 1 for one sheet.

    Raises:
        TypeError: no float32 or float64 tensor.
        ValueError: another shape, numbers out of range, a sheet without ink, or another size.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section III.A.
    """
    sheets = _sheets(drawing)
    size = _validate.count(size, "size", least=FIELD, most=_MOST_SIDE)
    if size % 2:
        raise ValueError(f"size is {size!r}; expected 28, or an even number above it")
    _validate.room(len(sheets) * size * size, f"size = {size}")
    fields = torch.stack([_field(exact(sheet)) for sheet in sheets.detach().cpu()])
    frame = (size - FIELD) // 2
    return torch.nn.functional.pad(fields.float(), [frame] * 4)[:, None].to(drawing.device)


@on_cpu
def ink(strokes: Sequence[Stroke], *, side: int = PAD, radius: float = PEN) -> Tensor:
    r"""Draw strokes with a round pen.

    The pixel whose centre is at a distance r from the nearest stroke gets
    min(1, max(0, R + 1/2 - r)), with R the radius of the pen in pixels; it is rounded to a 255th,
    half up, as a screen keeps it.

    Args:
        strokes: each a line through its points (x, y), from the upper left corner (0, 0) to the
            lower right (1, 1); one point makes a dot. No strokes make an empty sheet.
        side: height and width of the sheet in pixels.
        radius: of the pen, as a share of the side.

    Returns:
        (side, side), float32, k / 255.

    Raises:
        TypeError, ValueError: a stroke without points, or one that leaves the sheet; or numbers out
            of range.
    """
    side = _validate.count(side, "side", most=_MOST_SIDE)
    radius = _validate.number(radius, "radius", above=0, most=1, hint="a share of the side")
    lines = _validate.several(strokes, "strokes", "a list of strokes, each a list of points", 0)
    sheet = torch.zeros(side, side, dtype=torch.float64)
    middles = torch.arange(side, dtype=torch.float64) + 0.5
    for stroke in lines:
        points = [[side * v for v in point] for point in _points(stroke, "each of strokes")]
        for start, end in zip(points, points[1:] or points, strict=False):
            r = _distance(middles, start, end)
            sheet = torch.maximum(sheet, (radius * side + 0.5 - r).clamp(0, 1))
    return ((255 * sheet + 0.5).floor() / 255).float()


def checked_stroke(stroke: Stroke) -> list[list[float]]:
    """Return the points of a stroke as plain numbers, or say what is wrong with them.

    Args:
        stroke: as for `ink`.

    Raises:
        TypeError, ValueError: no points, or one that is not two numbers from 0 to 1.
    """
    return _points(stroke, "stroke")


def _points(stroke: Stroke, name: str) -> list[list[float]]:
    want = (
        "one point or more, each two numbers from 0 to 1: shares of the sheet's width and height, "
        "from its upper left corner"
    )
    points = [
        [_validate.number(v, f"{name}, a coordinate,") for v in _validate.several(p, name, want)]
        for p in _validate.several(stroke, name, want)
    ]
    if any(len(p) != 2 or not all(0 <= v <= 1 for v in p) for p in points):
        raise ValueError(f"{name} is {points!s:.200}; expected {want}")
    return points


def _sheets(drawing: Tensor) -> Tensor:
    _validate.floating(drawing, "drawing", "a float tensor from 0 (paper) to 1 (ink)")
    several = drawing.ndim == 4 and drawing.shape[1] == 1
    if not (several or drawing.ndim == 2) or drawing.numel() == 0:
        raise ValueError(
            f"drawing is {tuple(drawing.shape)}; expected one sheet (H, W), or (N, 1, H, W)"
        )
    if not bool(((drawing >= 0) & (drawing <= 1)).all()):  # NaN fails this too
        raise ValueError("drawing has numbers outside 0 (paper) to 1 (ink); divide bytes by 255")
    sheets = drawing[:, 0] if several else drawing[None]
    empty = (sheets.flatten(1) > 0).any(1).logical_not().nonzero().flatten()
    if len(empty):
        raise ValueError(
            f"sheet {int(empty[0])} of drawing holds no ink, and nothing can be centred: draw "
            "something first"
        )
    return sheets


def _field(sheet: Tensor) -> Tensor:
    """Return one sheet (H, W), float64, as an image of 28x28."""
    rows = (sheet > 0).any(1).nonzero().flatten()
    columns = (sheet > 0).any(0).nonzero().flatten()
    box = sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longer = max(box.shape)
    down, across = (_averages(n, longer) for n in box.shape)
    small = down @ box @ across.T
    field = torch.zeros(FIELD, FIELD, dtype=torch.float64)
    top, left = _start(small.sum(1)), _start(small.sum(0))
    field[top : top + small.shape[0], left : left + small.shape[1]] = small
    return field.clamp(0, 1)  # a mean may leave [0, 1] by a rounding error


def _averages(n: int, longer: int) -> Tensor:
    """Return the matrix (m, n) that scales n pixels by 20 / longer: each row a mean."""
    m = -(-n * BOX // longer)  # whole numbers, so that 20 stays 20
    step = longer / BOX  # old pixels to a new one
    begin = (torch.arange(m, dtype=torch.float64) * step - (m * step - n) / 2)[:, None]
    old = torch.arange(n, dtype=torch.float64)
    covered = torch.minimum(begin + step, old + 1) - torch.maximum(begin, old)
    return covered.clamp(min=0) / step


def _start(mass: Tensor) -> int:
    """Return where pixels of this mass begin in the field, so that it is centred."""
    centre = float((mass * torch.arange(len(mass), dtype=torch.float64)).sum() / mass.sum())
    return min(max(math.ceil(CENTRE - 0.5 - centre - _TIE), 0), FIELD - len(mass))


def _distance(middles: Tensor, start: Sequence[float], end: Sequence[float]) -> Tensor:
    """Return the distance of every pixel's centre to a line from start to end, in pixels."""
    (ax, ay), (bx, by) = start, end
    dx, dy = bx - ax, by - ay
    px, py = middles[None, :] - ax, middles[:, None] - ay
    length = dx * dx + dy * dy
    share = ((px * dx + py * dy) / length).clamp(0, 1) if length > 0 else torch.zeros(1, 1).double()
    ex, ey = px - share * dx, py - share * dy
    return (ex * ex + ey * ey).sqrt()


__all__ = ["BOX", "FIELD", "PAD", "PEN", "Stroke", "as_mnist", "checked_stroke", "ink"]
