"""Every circle, square and triangle of eight sizes at every place: data known in full."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._on_cpu import on_cpu

SIZE = 28  # height and width of an image, pixels
SIDES = range(7, 15)  # sides of the bounding box, pixels
SHAPE_NAMES = ("circle", "square", "triangle")
FACTOR_NAMES = ("shape", "x", "y", "side")
RECTANGLE_SIDES = range(6, 17)  # with rectangles=True
RECTANGLE_SHAPE_NAMES = ("circle", "rectangle", "triangle")
RECTANGLE_FACTOR_NAMES = ("shape", "x", "y", "width", "height")
RECTANGLE_COUNT = 10_000


class Shapes(NamedTuple):
    """White shapes on black, and the four numbers each was drawn from.

    Attributes:
        images: x, (N, 1, 28, 28), float32, 0 (black) or 1 (white).
        factors: (N, 4), int64; the columns are FACTOR_NAMES. shape: index into SHAPE_NAMES;
            x, y: column and row of the top left corner of the bounding box, pixels from the
            image's top left; side: height and width of the bounding box, 7 to 14 pixels. With
            rectangles (N, 5), RECTANGLE_FACTOR_NAMES: width and height in place of the side.
    """

    images: Tensor
    factors: Tensor


@on_cpu
def shapes(split: str | None = None, seed: int = 0, *, rectangles: bool = False) -> Shapes:
    """Draw every shape, side and place once.

    A box of side s fits into 28 pixels at 29 - s columns and as many rows. With 3 shapes and
    the sides 7 to 14 that makes

        N = 3 * sum_{s=7}^{14} (29 - s)^2 = 3 * (22^2 + 21^2 + ... + 15^2) = 3 * 2780 = 8340.

    All 8,340 images differ: each shape touches all four sides of its box, so an image shows
    its x, y and side, and for no side do two of the three shapes have the same pixels.

    A study with the same description counted 8,002 images. Any count but 8,340 means that
    images are missing or there more than once; 8,002 is no multiple of 3, so there the three
    shapes cannot even have had the same number of sizes and places. (With shapes drawn by
    another rule, which may coincide or not fill their box, the count can differ too.)

    The order is: by shape, then side, then row, then column.

    **With rectangles** there are 10,000 images: rectangles of any width and height from 6 to 16
    in place of the squares (39,204 in all), and circles and triangles of the sides 6 to 16 (3,674
    of each). Of these are drawn, always the same, without replacement, 3,334, 3,333 and 3,333. All
    10,000 differ. The factors then have five columns, RECTANGLE_FACTOR_NAMES.

    Args:
        split: None for all; "train" or "test" for nine tenths or one tenth of them (7,506 and
            834; with rectangles 9,000 and 1,000), drawn at random without replacement: together
            they are all, and none is in both.
        seed: which random division; give both splits the same one. Not a Generator, whose
            state would move on between the two calls and let the splits overlap.
        rectangles: the second set of images, with rectangles.

    Returns:
        Shapes: images (N, 1, 28, 28) and factors (N, 4), or (N, 5) with rectangles.

    Raises:
        ValueError, TypeError: another split; a seed that is not a whole number from 0.
    """
    if split is not None and (not isinstance(split, str) or split not in ("train", "test")):
        raise ValueError(f'shapes takes split=None, "train" or "test", got {_validate.say(split)}')
    seed, rectangles = _validate.seed(seed), _validate.flag(rectangles, "rectangles")
    images, factors = _draw_rectangles() if rectangles else _draw_all()
    if split is None:
        return Shapes(images, factors)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    n_test = len(images) // 10
    rows = order[:n_test] if split == "test" else order[n_test:]
    rows = rows.sort().values
    return Shapes(images[rows], factors[rows])


@on_cpu
def raster(shape: str, side: int) -> Tensor:
    """Draw one shape that fills a box of side x side pixels, in whole-number arithmetic.

    In half pixels from the box's centre a pixel's centre is at u = 2 j - (side - 1) across and
    v = 2 i - (side - 1) down, for column j and row i. It is white in

    - a circle of diameter `side` if u^2 + v^2 <= side^2;
    - a square always;
    - an upright isosceles triangle with base and height `side` if |u| <= i + 1, half the
      triangle's width at the lower edge of row i.

    All are symmetric about the vertical axis, circle and square about the horizontal one too.

    Args:
        shape: one of SHAPE_NAMES.
        side: height and width in pixels.

    Returns:
        (side, side), float32, 0 or 1.

    Raises:
        TypeError, ValueError: another shape, or no such side.
    """
    _validate.choice(shape, "shape", SHAPE_NAMES)
    side = _validate.count(side, "side", most=4096)
    row = torch.arange(side)[:, None]  # i, (side, 1)
    offset = 2 * torch.arange(side) - (side - 1)
    u, v = offset[None, :], offset[:, None]
    inside = {
        "circle": u**2 + v**2 <= side**2,
        "square": torch.ones(side, side, dtype=torch.bool),
        "triangle": u.abs() <= row + 1,
    }
    return inside[shape].float()


def _draw_all() -> Shapes:
    """Put every raster at every place where its box fits."""
    factors = torch.tensor(
        [
            (shape, x, y, side)
            for shape in range(len(SHAPE_NAMES))
            for side in SIDES
            for x, y in _places(side, side)
        ]
    )
    boxes = factors[:, [0, 1, 2, 3, 3]]
    return Shapes(_draw(boxes), factors)


def _draw_rectangles() -> Shapes:
    """Draw 10,000 of all rectangles, circles and triangles, a third of each, always the same."""
    generator = torch.Generator().manual_seed(0)
    chosen = []
    for shape, name in enumerate(RECTANGLE_SHAPE_NAMES):
        every = torch.tensor(
            [
                (shape, x, y, width, height)
                for width in RECTANGLE_SIDES
                for height in (RECTANGLE_SIDES if name == "rectangle" else (width,))
                for x, y in _places(width, height)
            ]
        )
        n = RECTANGLE_COUNT // 3 + (name == "rectangle")
        chosen.append(every[torch.randperm(len(every), generator=generator)[:n].sort().values])
    factors = torch.cat(chosen)
    return Shapes(_draw(factors), factors)


def _places(width: int, height: int) -> Iterable[tuple[int, int]]:
    """Yield the top left corner (x, y) of every place where a box fits, row by row."""
    return ((x, y) for y in range(SIZE - height + 1) for x in range(SIZE - width + 1))


def _draw(boxes: Tensor) -> Tensor:
    """Draw one shape into each box (shape, x, y, width, height); (N, 5) -> (N, 1, 28, 28)."""
    images = torch.zeros(len(boxes), 1, SIZE, SIZE, dtype=torch.float32)
    kinds = {(shape, width) for shape, _, _, width, _ in boxes.tolist()}
    rasters = {(shape, width): raster(SHAPE_NAMES[shape], width) for shape, width in kinds}
    for image, (shape, x, y, width, height) in zip(images, boxes.tolist(), strict=True):
        # A rectangle is white throughout; what else there is has a square box.
        white = rasters[shape, width] if width == height else torch.ones(())
        image[0, y : y + height, x : x + width] = white
    return images
