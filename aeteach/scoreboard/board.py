"""The scoreboard's rows: models with their seeds, reported figures beside them, and the verdict."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aeteach.results import ResultsError, Summary, checks


@dataclass(frozen=True)
class Quantity:
    """A column of the scoreboard.

    Attributes:
        short: for the head of a column; empty for what the printed table leaves out.
        label: in full.
        unit: of its numbers.
        better: "low", "high", or "" where neither is.
        digits: after the point, as printed.
    """

    short: str
    label: str
    unit: str
    better: str = "low"
    digits: int = 1


MOST_DIGITS = 20
_GREY = "grey values²"  # summed over the pixels of an image
QUANTITIES = {
    "parameters": Quantity("parameters", "parameters", "count", digits=0),
    "numbers": Quantity("code", "numbers in the code", "count", digits=0),
    "bits": Quantity("rate", "rate", "bits an image", ""),
    "distortion": Quantity("error", "squared error, as sent", _GREY, digits=2),
    "squared_error": Quantity("clean error", "squared error, no noise", _GREY, digits=2),
    "cross_entropy": Quantity("BCE", "cross-entropy", "nats an image"),
    "cross_entropy_bits": Quantity("BCE", "cross-entropy", "bits an image"),
    "negative_elbo": Quantity("−ELBO", "−ELBO", "nats an image", digits=2),
    "normal_elbo": Quantity("S + K", "S + K", "nats an image", digits=2),
    "training_loss": Quantity("in training", "training loss", "nats an image", digits=2),
    "readability": Quantity("read", "read correctly", "%", "high"),
    "generated": Quantity("generated", "generated and accepted", "%", "high"),
    "coverage": Quantity("coverage", "valid images covered", "%", "high"),
    "distance": Quantity("distance", "nearest distance", "grey values", digits=3),
    "hit_kl": Quantity("hit KL", "KL of hit counts", "bits", digits=2),
    "epochs": Quantity("epochs", "epochs", "count", "", digits=0),
    "time": Quantity("time", "training time", "ratio", ""),
    "epoch_time": Quantity("", "time an epoch", "ratio", ""),
}
MNIST = "MNIST, 32×32, squared error"
MNIST_28 = "MNIST, 28×28, cross-entropy"
MNIST_28_SQUARED = "MNIST, 28×28, squared error"
SHAPES = "circles, squares, triangles, 28×28"
RECTANGLES = "rectangles, circles, triangles, 32×32"
CUBE = "points on a cube"
HOLE = "MNIST, 28×28, a hole of 10×10"

# Where a quantity has another unit than elsewhere, and is printed with other digits.
_ELSEWHERE: dict[tuple[str, str], dict[str, Any]] = {
    (CUBE, "bits"): {"unit": "bits a point"},
    (CUBE, "distortion"): {"unit": "edges², a point", "digits": 4},
    (CUBE, "squared_error"): {"unit": "edges², a point", "digits": 4},
    (HOLE, "squared_error"): {"unit": "grey values², the hole"},
}


def quantity(data: str, key: str) -> Quantity:
    """Return a quantity with the unit that it has in a data set.

    Args:
        data: a data set, such as `MNIST`.
        key: of QUANTITIES.

    Raises:
        TypeError, ResultsError: no text, or no such quantity.
    """
    if not isinstance(data, str):
        checks().text(data, "data", "the name of a data set")
    _known(key, "key", QUANTITIES)
    return replace(QUANTITIES[key], **_ELSEWHERE.get((data, key), {}))


@dataclass(frozen=True)
class Entry:
    """One model, all its seeds together.

    Attributes:
        name: as the scoreboard calls it, once in a data set.
        family: what kind of model.
        data: the data set and whatever else makes its numbers comparable.
        table: where the rows are from.
        seeds: how many runs of it the table has.
        numbers: {quantity: its values, one a seed}; what is not defined for it is left out.
        interval: (low, high), from the lowest end to the highest of the seeds' 95 % intervals of
            the readability; None if there are none.
        reported: {quantity: the figure of a report}.
        report: which report or experiment the figures are from.
    """

    name: str
    family: str
    data: str
    table: str
    seeds: int
    numbers: Mapping[str, Summary]
    interval: tuple[float, float] | None = None
    reported: Mapping[str, float] = field(default_factory=dict)
    report: str = ""


@dataclass(frozen=True)
class Claim:
    """A reported figure beside ours.

    Attributes:
        entry: the model.
        quantity: a key of QUANTITIES.
        reported: the figure, in the unit of the quantity.
    """

    entry: Entry
    quantity: str
    reported: float

    @property
    def ours(self) -> Summary:
        """Our values, one a seed."""
        return self.entry.numbers[self.quantity]

    def reaches(self, value: float) -> bool | None:
        """Tell whether a value is as good as the reported one; None where no side is better."""
        value = checks().number(value, "value", infinite=True)
        better = QUANTITIES[self.quantity].better
        if not better:
            return None
        return value >= self.reported if better == "high" else value <= self.reported

    @property
    def reached(self) -> bool | None:
        """Whether the mean over our seeds is as good as the reported figure."""
        return self.reaches(self.ours.mean)

    @property
    def verdict(self) -> str:
        """The answer: "reached", "short by ...", or the difference where no side is better."""
        gap = self.ours.mean - self.reported
        if self.reached is None:
            return f"differs by {gap:+.2f}"
        if self.reached:
            return "reached"
        return f"short by {abs(gap):.2f}" if abs(gap) >= 0.005 else "short by less than 0.01"


@dataclass(frozen=True)
class Seen:
    """How much of a table there is.

    Attributes:
        table: its name.
        finished: rows in it.
        cells: rows that its sweep has in all; None if the file that says so is not there.
    """

    table: str
    finished: int
    cells: int | None

    def __str__(self) -> str:
        if self.cells is None or self.cells == self.finished:
            return f"{self.table}: {self.finished} runs"
        return (
            f"{self.table}: {self.finished} of {self.cells} runs so far; "
            f"`aeteach sweep {self.table}` goes on"
        )


@dataclass(frozen=True)
class Board:
    """All entries, in the order of the sources.

    Attributes:
        entries: the models.
        seen: how much of each table there is.
    """

    entries: tuple[Entry, ...]
    seen: tuple[Seen, ...] = ()

    @property
    def data(self) -> list[str]:
        """The data sets, in order of appearance."""
        return list(dict.fromkeys(entry.data for entry in self.entries))

    def of(self, data: str, *families: str) -> list[Entry]:
        """Return the models of one data set, or of some families of it.

        Raises:
            ResultsError: no such data set.
        """
        _known(data, "data", self.data)
        found = [entry for entry in self.entries if entry.data == data]
        return [entry for entry in found if not families or entry.family in families]

    def entry(self, data: str, name: str) -> Entry:
        """Return one model by its name.

        Raises:
            ResultsError: no such model in this data set.
        """
        models = {entry.name: entry for entry in self.of(data)}
        return models[_known(name, "name", models)]

    def claims(self) -> list[Claim]:
        """Return every reported figure with the model it was reported for."""
        return [
            Claim(entry, quantity, value)
            for entry in self.entries
            for quantity, value in entry.reported.items()
        ]

    def best(self, data: str, quantity: str, count: int = 3) -> list[Entry]:
        """Return the best models of a data set by the mean over seeds, best first.

        Raises:
            ResultsError: no such data set or quantity, or none of whose sides is better.
        """
        _known(quantity, "quantity", [key for key, q in QUANTITIES.items() if q.better])
        count = checks().count(count, "count")
        known = [entry for entry in self.of(data) if quantity in entry.numbers]
        sign = -1 if QUANTITIES[quantity].better == "high" else 1
        return sorted(known, key=lambda e: sign * e.numbers[quantity].mean)[:count]

    def columns(self, data: str) -> dict[str, Quantity]:
        """Return the quantities that some model of a data set has, by key, with their units."""
        entries = self.of(data)
        known = [key for key in QUANTITIES if any(key in entry.numbers for entry in entries)]
        return {key: quantity(data, key) for key in known}

    def text(self, data: str) -> str:
        """Return the table of one data set as text: mean ± standard deviation over the seeds."""
        columns = {key: q for key, q in self.columns(data).items() if q.short}
        lines = [["", "seeds", *(q.short for q in columns.values())]]
        for entry in self.of(data):
            cells = [cell(entry, key, q.digits) for key, q in columns.items()]
            lines.append([entry.name, str(entry.seeds), *cells])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join([name.ljust(widths[0]), *map(str.rjust, rest, widths[1:])])
            for name, *rest in lines
        )


def show(summary: Summary, digits: int = 1) -> str:
    """Write a mean and, for two seeds or more that differ, the standard deviation over them.

    Args:
        summary: of the seeds.
        digits: after the point, from 0 to 20.

    Raises:
        TypeError, ValueError: no summary, or no such number of digits.
    """
    if not isinstance(summary, Summary):
        checks().record(summary, "summary", Summary)
    digits = _digits(digits)
    text = f"{summary.mean:,.{digits}f}"
    if len(summary.values) > 1 and summary.low < summary.high:
        text += f" ± {summary.sd:.{digits}f}"
    return text


def cell(entry: Entry, key: str, digits: int) -> str:
    """Write what a table says of a model: mean ± spread, and the interval of the readability.

    Args:
        entry: the model.
        key: of QUANTITIES; what the model lacks is a dash.
        digits: after the point, from 0 to 20.

    Raises:
        TypeError, ValueError: no entry, no such quantity, or no such number of digits.
    """
    if not isinstance(entry, Entry):
        checks().record(entry, "entry", Entry)
    _known(key, "key", QUANTITIES)
    digits = _digits(digits)
    if key not in entry.numbers:
        return "–"
    text = show(entry.numbers[key], digits)
    if key == "readability" and entry.interval:
        text += " [{:.1f}, {:.1f}]".format(*entry.interval)
    return text


def _known(value: str, name: str, known: Collection[str]) -> str:
    """Return the value if it is among the known ones.

    Raises:
        ResultsError: it is not; names those that are.
    """
    if isinstance(value, str) and value in known:
        return value
    listed = ", ".join(map(repr, known))
    raise ResultsError(f"{name} is {checks().say(value)}; expected one of {listed}")


def _digits(digits: int) -> int:
    """Return a number of digits after the point, if it is one."""
    if type(digits) is int and 0 <= digits <= MOST_DIGITS:
        return digits
    return int(checks().count(digits, "digits", least=0, most=MOST_DIGITS))
