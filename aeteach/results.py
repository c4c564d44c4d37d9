"""Where the tables of results are; read them back as tidy rows, and means over the seeds.

A table is a CSV file that `aeteach sweep NAME` has made, one row a cell and seed.
`results/README.md` names the columns and their units.

Sweeps write to `folder()`, and a table is looked for there first, so what was just written is what
is read. A table that is not there is the one that came with the package.
"""

import csv
import math
import os
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT = "AETEACH_RESULTS"
_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_tables"  # the wheel alone has it: results/ as it was at the release
_CLONE = _PACKAGE.parent / "results"
# As a sweep writes them. Python's own int and float take more: "1_0", "٣", "nan", "inf", " 7 ".
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]{1,3})?")
CURVES = "_curve"  # what a table of training curves is called after the name of its sweep

Row = dict[str, Any]


class ResultsError(ValueError):
    """A table is missing or cannot be read, or has no such column or rows."""


@dataclass(frozen=True)
class Summary:
    """What several seeds say together.

    Attributes:
        values: one a seed, in the order of the table.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float:
        """Standard deviation over the seeds, ddof 1; NaN for one seed, whose spread is unknown."""
        return statistics.stdev(self.values) if len(self.values) > 1 else math.nan

    @property
    def low(self) -> float:
        """Smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """Largest value."""
        return max(self.values)


@dataclass(frozen=True)
class Table:
    """Rows of one table, each {column: value}.

    A column is of whole numbers, of numbers or of text; an empty cell is None.

    Attributes:
        name: of the table.
        columns: their names, in order.
        rows: in the order of the file.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"Table({self.name!r}, {len(self)} rows, columns: {', '.join(self.columns)})"

    def where(self, **values: Any) -> "Table":
        """Return the rows whose columns have these values.

        Raises:
            ResultsError: no such column, or no such row.
        """
        self._check(*values)
        for name, value in values.items():
            plain = value is None or isinstance(value, str | int | float)
            if not plain or isinstance(value, bool):
                raise ResultsError(
                    f"{name} is {checks().say(value)}; expected one value: a text, a number or None"
                )
        rows = tuple(r for r in self.rows if all(r[c] == v for c, v in values.items()))
        if not rows:
            known = {c: self.unique(c) for c in values}
            asked = {name: checks().say(value) for name, value in values.items()}
            raise ResultsError(f"no row of {self.name!r} has {asked}; there are {known}")
        return Table(self.name, self.columns, rows)

    def unique(self, column: str) -> list[Any]:
        """Return the different values of a column, in order of appearance."""
        self._check(column)
        return list(dict.fromkeys(row[column] for row in self.rows))

    def column(self, column: str) -> list[Any]:
        """Return a column, one value a row."""
        self._check(column)
        return [row[column] for row in self.rows]

    def by(self, *columns: str) -> dict[tuple[Any, ...], "Table"]:
        """Split the rows into groups with the same values in these columns.

        Returns:
            {values: rows}, in order of appearance.
        """
        self._check(*columns)
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row[c] for c in columns), []).append(row)
        return {k: Table(self.name, self.columns, tuple(rows)) for k, rows in groups.items()}

    def summary(self, column: str) -> Summary:
        """Return mean and spread of a column of numbers over all rows.

        Raises:
            ResultsError: no such column, or it has text or empty cells.
        """
        values = self.column(column)
        if not values or any(value is None or isinstance(value, str) for value in values):
            raise ResultsError(
                f"column {column!r} of {self.name!r} has text or empty cells; a summary takes "
                "numbers"
            )
        return Summary(tuple(float(value) for value in values))

    def _check(self, *columns: str) -> None:
        for column in columns:
            _check_text(column, "each of columns", "the name of a column")
        unknown = [column for column in columns if column not in self.columns]
        if unknown:
            raise ResultsError(
                f"{self.name!r} has no column {unknown[0]!r}; known: {', '.join(self.columns)}"
            )


def installed() -> bool:
    """Tell whether this package was installed from a wheel, and is no clone of the repository."""
    return _INSTALLED.is_dir()


def shipped() -> Path:
    """Return where the tables are that came with the package: in it, or in a clone beside it."""
    return _INSTALLED if installed() else _CLONE


def folder(path: str | os.PathLike[str] | None = None) -> Path:
    """Return where tables are written, and looked for first, whether it exists or not.

    Args:
        path: the folder; by default the environment variable AETEACH_RESULTS. Without it, a clone
            of the repository has its own `results/`, and an installed package takes `results/` in
            the working directory.
    """
    if path is None:
        path = os.environ.get(ENVIRONMENT, "").strip() or None
    elif not isinstance(path, str | os.PathLike):
        checks().path(path, "path")
    if path is None:
        path = "results" if installed() else _CLONE
    return Path(path).expanduser().absolute()


def writable(path: str | os.PathLike[str] | None = None) -> Path:
    """Return `folder(path)` if a sweep may write there: anywhere but over an installed package.

    Raises:
        ResultsError: it is the folder of the tables that were installed with the package.
    """
    chosen = folder(path)
    if chosen.resolve().is_relative_to(_INSTALLED):
        raise ResultsError(
            f"{chosen} holds the tables that were installed with the package, and the next "
            f"installation would replace what is written there: choose another folder by --out or "
            f"{ENVIRONMENT}"
        )
    return chosen


def find(name: str, path: str | os.PathLike[str] | None = None) -> Path:
    """Return the file of a table.

    Args:
        name: as for `read`.
        path: look here and nowhere else; by default in `folder()`, then in `shipped()`.

    Raises:
        ResultsError: no such table, with the command that makes it.
    """
    _check_text(name, "name", "the name of a sweep")
    places = [folder(path)] if path is not None else list(dict.fromkeys([folder(), shipped()]))
    for place in places:
        if (place / f"{name}.csv").is_file():
            return place / f"{name}.csv"
    out = "" if path is None else f" --out {places[0]}"
    raise ResultsError(
        f"there is no table at the path "
        f"{' or '.join(str(place / f'{name}.csv') for place in places)}; "
        f"`aeteach sweep {name.removesuffix(CURVES)}{out}` makes it. Tables elsewhere are found "
        f"through {ENVIRONMENT}."
    )


def read(name: str, path: str | os.PathLike[str] | None = None) -> Table:
    """Return a table of results.

    Args:
        name: of the sweep, such as "autoencoders", or "autoencoders_curve" for its training
            curves.
        path: folder of the table; by default where `find` finds it.

    Raises:
        ResultsError: no such table, with the command that makes it; or a broken one.
    """
    file = find(name, path)
    again = f"make the table again with `aeteach sweep {name.removesuffix(CURVES)}`"
    header, *cells = _lines(file, again)
    for number, line in enumerate(cells, 2):
        if len(line) != len(header):
            raise ResultsError(
                f"{file}, row {number}: {len(line)} cells, and the header has {len(header)}; "
                f"{again}"
            )
    if not cells or len(set(header)) != len(header):
        raise ResultsError(f"{file} has no rows, or two columns of one name; {again}")
    columns = [_typed([line[i] for line in cells]) for i in range(len(header))]
    rows = (dict(zip(header, values, strict=True)) for values in zip(*columns, strict=True))
    return Table(name, tuple(header), tuple(rows))


def _lines(file: Path, again: str) -> list[list[str]]:
    """Read the cells of a file as text; a byte-order mark, which spreadsheets write, is skipped."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            lines = [line for line in csv.reader(text) if line] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(f"{file} is no CSV file in UTF-8 ({error}); {again}") from None
    if len(lines[0]) == 1 and ";" in lines[0][0]:
        raise ResultsError(
            f"{file} separates its cells by semicolons; save it with commas, and points in numbers"
        )
    return lines


def checks() -> Any:
    """Return the package's checks of arguments.

    They load torch, which a table is read without: they are asked about what is wrong only.
    """
    from aeteach import _validate

    return _validate


def _check_text(value: object, name: str, want: str) -> None:
    if not isinstance(value, str):
        checks().text(value, name, want)


def _typed(cells: list[str]) -> list[Any]:
    """Read a column as whole numbers, else as numbers, else leave it as text; empty is None."""
    for kind, pattern in ((int, _WHOLE), (float, _NUMBER)):
        if all(cell == "" or pattern.fullmatch(cell) for cell in cells):
            values = [None if cell == "" else kind(cell) for cell in cells]
            if all(value is None or math.isfinite(value) for value in values):  # no 1e999
                return values
    return [None if cell == "" else cell for cell in cells]
