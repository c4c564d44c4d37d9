"""Cells of a sweep, found by their columns, and made short enough for a test."""

from collections import defaultdict
from dataclasses import replace

from aeteach.sweeps import Cell, Sweep


def rows(sweep: Sweep, *columns: str) -> dict[tuple, list[int]]:
    """Seeds of the cells, by what names their row."""
    found = defaultdict(list)
    for cell in sweep.cells:
        found[tuple(cell.columns[column] for column in columns)].append(cell.seed)
    return dict(found)


def first(sweep: Sweep, **columns: object) -> Cell:
    return next(c for c in sweep.cells if all(c.columns[k] == v for k, v in columns.items()))


def short(cell: Cell, epochs: int = 1, **arguments: object) -> Cell:
    changed = {**cell.recipe.model_arguments, **arguments}
    return replace(cell, recipe=replace(cell.recipe, epochs=epochs, model_arguments=changed))
