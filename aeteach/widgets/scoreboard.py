"""All models of a data set in a plane of two quantities, and in a table that can be sorted."""

from collections.abc import Sequence
from typing import Any

import traitlets as t

from aeteach.scoreboard import Board, Claim, Entry, cell, gather, quantity
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.traits import WholeWithin

__all__ = ["Scoreboard"]

# The first pair of these that a data set has is shown first.
_AXES = (
    ("bits", "distortion"),
    ("bits", "cross_entropy"),
    ("squared_error", "readability"),
    ("parameters", "training_loss"),
)
_LOGARITHMIC = ("parameters",)


class Scoreboard(Figure):
    """Compare the models of one data set: two quantities in a plane, all of them in a table.

    A dot is the mean over the seeds, its bars one standard deviation either way. A model that lacks
    a quantity has no dot where that is an axis, and a dash in the table.

    Args:
        board: the models; those of all tables if left out.
        data: the data set to start with; the first one if left out.

    Attributes:
        data: the data set shown.
        x: key of the quantity along the horizontal axis.
        y: key of the quantity along the vertical axis.
        row: the model that is chosen, by its place in `board.entries`.
        hidden: families of models that are left out.
        sort: key of the quantity the table is sorted by; empty: as in the tables.
        down: whether the largest comes first.

    Raises:
        ValueError: no model, or a data set, quantity, model or family that there is not.
    """

    _module = "scoreboard"
    sets = t.List(t.Dict(), help="Data sets: name, columns, families.").tag(sync=True)
    rows = t.List(t.Dict(), help="Models: name, data, family, values, cells.").tag(sync=True)
    data = t.Unicode("").tag(sync=True)
    x = t.Unicode("").tag(sync=True)
    y = t.Unicode("").tag(sync=True)
    row = WholeWithin(0, 0, lambda figure: len(figure.rows) - 1)
    hidden = t.List(t.Unicode()).tag(sync=True)
    sort = t.Unicode("").tag(sync=True)
    down = t.Bool(False).tag(sync=True)

    def __init__(self, board: Board | None = None, data: str | None = None, **kwargs: Any) -> None:
        board = gather() if board is None else board
        if not board.entries:
            raise StateError("the board has no models; pass one with at least one entry")
        data = board.data[0] if data is None else data
        if data not in board.data:
            raise StateError(f"data is {data!r}; expected one of {', '.join(board.data)}")
        self._board = board
        claims = board.claims()
        x, y = _first_axes(board, data)
        state = {
            "alt": _ALT,
            "sets": [_set(board, name) for name in board.data],
            "rows": [
                _row(entry, [c for c in claims if c.entry is entry]) for entry in board.entries
            ],
            "data": data,
            "x": x,
            "y": y,
            "row": board.entries.index(_first(board, data, x, y)),
        }
        super().__init__(**state | kwargs)

    @t.validate("data")
    def _check_data(self, proposal: Any) -> str:
        return _one_of("data", proposal["value"], self._board.data)

    @t.validate("x", "y", "sort")
    def _check_quantity(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, proposal["value"]
        known = {key for data in self._board.data for key in self._board.columns(data)}
        return _one_of(name, value, [*sorted(known), *([""] if name == "sort" else [])])

    @t.validate("hidden")
    def _check_hidden(self, proposal: Any) -> list[str]:
        families = sorted({entry.family for entry in self._board.entries})
        return [_one_of("hidden", value, families) for value in proposal["value"]]

    @property
    def entry(self) -> Entry:
        """The model that is chosen."""
        return self._board.entries[self.row]

    def __repr__(self) -> str:
        return f"Scoreboard(models={len(self.rows)}, data={self.data!r})"


_ALT = (
    "The models of one data set, as dots in a plane of two quantities that can be chosen, with "
    "bars of one standard deviation over the seeds, and below it the table of all their numbers, "
    "which can be sorted and filtered. The chosen model's name, numbers and reported figures are "
    "given as text."
)


def _one_of(name: str, value: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise StateError(f"{name} is {value!r}; expected one of {', '.join(map(repr, known))}")
    return str(value)


def _has(entry: Entry, *keys: str) -> bool:
    return all(key in entry.numbers for key in keys)


def _first_axes(board: Board, data: str) -> tuple[str, str]:
    """Return the pair of quantities to begin with: one that two models have, if there is one."""
    columns = list(board.columns(data))
    pairs = [*_AXES, (columns[0], columns[-1])]
    for pair in pairs:
        if sum(_has(entry, *pair) for entry in board.of(data)) > 1:
            return pair
    return pairs[-1]


def _first(board: Board, data: str, x: str, y: str) -> Entry:
    entries = board.of(data)
    return next((entry for entry in entries if _has(entry, x, y)), entries[0])


def _set(board: Board, data: str) -> dict[str, Any]:
    """Return what the page needs to know of a data set."""
    columns = [
        {
            "key": key,
            "short": q.short or q.label,
            "label": q.label,
            "unit": q.unit,
            "digits": q.digits,
            "log": key in _LOGARITHMIC,
        }
        for key, q in board.columns(data).items()
    ]
    families = list(dict.fromkeys(entry.family for entry in board.of(data)))
    return {
        "name": data,
        "columns": columns,
        "families": families,
        "axes": _first_axes(board, data),
    }


def _row(entry: Entry, claims: Sequence[Claim]) -> dict[str, Any]:
    """Return what the page shows of a model: [mean, standard deviation or None] by quantity."""
    values = {
        key: [summary.mean, summary.sd if len(summary.values) > 1 else None]
        for key, summary in entry.numbers.items()
    }
    return {
        "name": entry.name,
        "family": entry.family,
        "data": entry.data,
        "seeds": entry.seeds,
        "values": values,
        "cells": {key: cell(entry, key, quantity(entry.data, key).digits) for key in values},
        "reported": {
            c.quantity: f"{c.reported:.{quantity(entry.data, c.quantity).digits}f}: {c.verdict}"
            for c in claims
        },
    }
