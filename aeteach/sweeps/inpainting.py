"""Inpainting, scored on all test digits: a hole of 10 x 10 pixels, filled in nine ways."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from aeteach import _validate, weights
from aeteach.inpainting import (
    error_in_hole,
    fill_by_mean,
    fill_by_neighbour,
    fill_by_plane,
    hole,
    inpaint,
)
from aeteach.metrics import readability
from aeteach.models import PCA
from aeteach.recipes import RECIPES, Recipe
from aeteach.sweeps import scores
from aeteach.sweeps.engine import Cell, Sweep

SIZE, FIRST, SIDE = 28, 10, 10  # as reported: rows and columns 10 to 19 of 28
ITERATIONS = 20
SETTLED = 10  # draws before this are not averaged
SEEDS = range(3)  # of the draws
REFERENCE = 10_000  # training digits that the nearest is looked for among
MODELS = ("conv-vae-10-beta-1",)
BASELINES = ("nothing", "mean image", "nearest training digit", "normal distribution, 10 axes")
DRAWN = ("drawn", "drawn, averaged")
_CHUNK = 1000  # images whose history is kept at once
_READER = 32  # pixels that the digit readers know


def measure_inpainting(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Fill the hole in every test digit in one way, and score what stands in it.

    Nothing is trained, so there is no checkpoint: models are the package's.

    Returns:
        `digits` scored; `missing` pixels in each; `error`, squared error summed over the hole,
        averaged over digits, and its standard error; `pixel_error`, the same over `missing`;
        `readability` of the filled digits by five readers with its 95 % interval, and by the
        strong one, in per cent.
    """
    del checkpoint
    name, fill = cell.settings["weights"], cell.settings["fill"]
    size = int(weights.load(name).size) if name else SIZE  # type: ignore[arg-type]
    test, mask = scores.all_digits("test", size), reported_hole(size)
    filled = _FILLS.get(fill, _by_baseline)(cell, test.images, mask)
    error = error_in_hole(filled, test.images, mask)
    padded = F.pad(filled, [(_READER - size) // 2] * 4)
    judged = readability.score(padded, test.labels)
    strong = readability.score(padded, test.labels, readability.readers(readability.STRONG))
    missing = int(mask.sum())
    return {
        "digits": len(error),
        "missing": missing,
        "error": round(error.mean().item(), 4),
        "error_standard_error": round(error.std().item() / len(error) ** 0.5, 4),
        "pixel_error": round(error.mean().item() / missing, 6),
        **scores.readability(judged, strong),
    }


def reported_hole(size: int) -> Tensor:
    """Return the hole of the report, in images of 28 pixels or in the same ones padded.

    Args:
        size: of the images, an even number from 28.

    Raises:
        TypeError, ValueError: no such size.
    """
    size = _validate.count(size, "size", least=SIZE, most=4096)
    first = FIRST + (size - SIZE) // 2
    return hole(size, (first, first + SIDE), (first, first + SIDE))


def _by_model(cell: Cell, images: Tensor, mask: Tensor) -> Tensor:
    model = weights.load(cell.settings["weights"])
    fill, iterations = cell.settings["fill"], cell.settings["iterations"]
    if fill == "whole":  # rebuilt with nothing missing: what the model could know of the hole
        return readability.rebuild(model, images).where(mask, images)
    if fill not in DRAWN:
        return inpaint(model, images, mask, iterations=iterations).images
    parts = []
    for i, x in enumerate(images.split(_CHUNK)):
        made = inpaint(
            model, x, mask, iterations=iterations, sample=True, generator=1000 * cell.seed + i,
            history=True,
        )  # fmt: skip
        assert made.history is not None
        parts.append(made.images if fill == "drawn" else made.history[SETTLED + 1 :].mean(0))
    return torch.cat(parts)


def _by_baseline(cell: Cell, images: Tensor, mask: Tensor) -> Tensor:
    train = scores.all_digits("train", SIZE).images
    fills: dict[str, Callable[[], Tensor]] = {
        "nothing": lambda: images.masked_fill(mask, 0.0),
        "mean image": lambda: fill_by_mean(train, images, mask),
        "nearest training digit": lambda: fill_by_neighbour(train[:REFERENCE], images, mask),
        "normal distribution, 10 axes": lambda: fill_by_plane(
            PCA(10, size=SIZE).fit(train), images, mask
        ),
    }
    return fills[cell.settings["fill"]]()


_FILLS: dict[str, Callable[[Cell, Tensor, Tensor], Tensor]] = dict.fromkeys(
    ("whole", "once", "iterated", *DRAWN), _by_model
)


def _cells() -> tuple[Cell, ...]:
    plain = Recipe(model="pca", model_arguments={"latent": 10, "size": SIZE}, epochs=0, why={})
    cells = [_cell(plain, "", fill, 0, 0) for fill in BASELINES]
    for name in MODELS:
        recipe = RECIPES[name]
        for fill, iterations in (("whole", 0), ("once", 1), ("iterated", ITERATIONS)):
            cells.append(_cell(recipe, name, fill, iterations, 0))
        cells += [_cell(recipe, name, fill, ITERATIONS, s) for fill in DRAWN for s in SEEDS]
    return tuple(cells)


def _cell(recipe: Recipe, name: str, fill: str, iterations: int, seed: int) -> Cell:
    columns = {"model": name or "none", "fill": fill, "iterations": iterations}
    settings = {"weights": name, "fill": fill, "iterations": iterations}
    return Cell(recipe, seed, columns, settings)


INPAINTING = Sweep(
    name="inpainting",
    about="a hole of 10 x 10 pixels filled in nine ways, on all test digits",
    cells=_cells(),
    measure=measure_inpainting,
    needs=(*MODELS, *readability.STANDARD, *readability.STRONG),
)
