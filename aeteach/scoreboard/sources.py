"""Which rows of which table of results/ are one model, and which column is which quantity.

Rows of the same model are its seeds. Models are compared within one data set only: a quantity has
one unit there, and in no other place.
"""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aeteach import reported, results
from aeteach.results import ResultsError, Row, Summary, Table, checks
from aeteach.scoreboard.board import (
    CUBE,
    HOLE,
    MNIST,
    MNIST_28,
    MNIST_28_SQUARED,
    RECTANGLES,
    SHAPES,
    Board,
    Entry,
    Seen,
)

LABEL_BITS = math.log2(10)  # what a conditional model's label costs at most: one of ten digits

Read = str | Callable[[Row], float | None]  # a column, or what is worked out from a row


@dataclass(frozen=True)
class Source:
    """How the rows of one table become entries.

    Attributes:
        table: its name.
        keys: columns whose values name a model; the other rows of the same model are its seeds.
        name: of a row's model.
        family: of a row's model.
        data: of a row's model.
        numbers: {quantity: how to read it}.
        interval: columns of the 95 % interval of the readability.
        reported: {quantity: how to read the reported figure}.
        report: which report or experiment that is.
        base: {column: value} of the model that training times are divided by; None: no times.
    """

    table: str
    keys: tuple[str, ...]
    name: Callable[[Row], str]
    family: Callable[[Row], str]
    data: Callable[[Row], str]
    numbers: Mapping[str, Read]
    interval: tuple[str, str] | None = None
    reported: Mapping[str, Read] = field(default_factory=dict)
    report: str = ""
    base: Mapping[str, object] | None = None


def gather(
    tables: Sequence[str] | None = None, path: str | os.PathLike[str] | None = None
) -> Board:
    """Read tables and put all their models together.

    A table that is not finished gives the models and seeds that it has; `Board.seen` says how many
    of its runs are missing. A model without a row is not in the list.

    Args:
        tables: their names; all that the scoreboard knows if left out.
        path: folder of the tables; by default where `aeteach.results.find` finds each.

    Raises:
        ResultsError: a table is missing, with the command that makes it; or one that the
            scoreboard does not know.
    """
    known = {source.table: source for source in SOURCES}
    names = list(known) if tables is None else tables
    if not isinstance(names, list | tuple):
        names = checks().several(tables, "tables", "names of tables")
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise ResultsError(
                f"no table {checks().say(name)} in the scoreboard; known: {', '.join(known)}"
            )
    entries: list[Entry] = []
    seen = []
    for name in names:
        table = results.read(name, path)
        entries += _entries(known[name], table)
        seen.append(Seen(name, len(table), _cells(name, path)))
    return Board(tuple(entries), tuple(seen))


def _cells(name: str, path: str | os.PathLike[str] | None) -> int | None:
    """Return how many runs the sweep of a table has, from the file beside it."""
    file = results.find(name, path).with_suffix(".json")
    return json.loads(file.read_text(encoding="utf-8"))["cells"] if file.is_file() else None


def _entries(source: Source, table: Table) -> list[Entry]:
    groups = table.by(*source.keys)
    times = {} if source.base is None else {k: _shortest(rows) for k, rows in groups.items()}
    base = _base(source, times)
    entries = []
    for key, rows in groups.items():
        first = rows.rows[0]
        numbers = {q: _summary(rows, read) for q, read in source.numbers.items()}
        if base is not None:
            numbers["time"] = Summary((times[key][0] / base[0],))
            if first["epochs"]:  # PCA has none
                numbers["epoch_time"] = Summary((times[key][1] / base[1],))
        reported = {q: _value(first, read) for q, read in source.reported.items()}
        entries.append(
            Entry(
                name=source.name(first),
                family=source.family(first),
                data=source.data(first),
                table=source.table,
                seeds=len(rows),
                numbers={q: s for q, s in numbers.items() if s is not None},
                interval=_interval(source, rows),
                reported={q: v for q, v in reported.items() if v is not None},
                report=source.report,
            )
        )
    return entries


def _summary(rows: Table, read: Read) -> Summary | None:
    """Return a quantity of all seeds, or None where it is not defined for the model."""
    values = [_value(row, read) for row in rows]
    if all(value is None for value in values):
        return None
    if any(value is None for value in values):
        raise ResultsError(
            f"{rows.name!r} has a model with {read!r} for some seeds only, such as {rows.rows[0]}; "
            f"make the table again with `aeteach sweep {rows.name}`"
        )
    return Summary(tuple(float(v) for v in values if v is not None))


def _value(row: Row, read: Read) -> float | None:
    if callable(read):
        return read(row)
    if read not in row:
        raise ResultsError(f"a row has no column {read!r}; known: {', '.join(row)}")
    value: float | None = row[read]
    return value


def _interval(source: Source, rows: Table) -> tuple[float, float] | None:
    if source.interval is None:
        return None
    low, high = (rows.summary(column) for column in source.interval)
    return low.low, high.high


def _shortest(rows: Table) -> tuple[float, float]:
    """Return the shortest training among the seeds and its shortest epoch, in seconds.

    Whatever else a machine does can make a run longer, never shorter, so the shortest of several
    is the one disturbed least.
    """
    epochs = [row["epochs"] or 1 for row in rows]
    an_epoch = [
        row.get("seconds_an_epoch") or row["seconds"] / n
        for row, n in zip(rows, epochs, strict=True)
    ]
    whole = [seconds * n for seconds, n in zip(an_epoch, epochs, strict=True)]
    return min(whole), min(an_epoch)


def _base(
    source: Source, times: Mapping[tuple[object, ...], tuple[float, float]]
) -> tuple[float, float] | None:
    """Return the times of the model that the others are divided by; None if it is not there."""
    if source.base is None:
        return None
    return times.get(tuple(source.base[key] for key in source.keys))


def _bits(column: str) -> Callable[[Row], float | None]:
    """Return what reads a column of nats in bits."""
    return lambda row: None if row[column] is None else row[column] / math.log(2)


def _constant(value: float) -> Callable[[Row], float]:
    return lambda row: value


AUTOENCODER, VARIATIONAL, CONDITIONAL = "autoencoder", "VAE", "conditional VAE"
NOISY, LINEAR, UNTRAINED = "noisy autoencoder", "linear", "no network"


def _conditional(row: Row) -> bool:
    return "CVAE" in row["model"]


def _keras_all(row: Row) -> bool:
    return row["protocol"] == "70,000 train"


def _keras_latent(row: Row) -> float:
    return {"latent 1": 1, "latent 10": 10}.get(row["variation"], 2)


def _keras_seconds(row: Row) -> float | None:
    known = reported.KERAS.get(row["variation"])
    return known.seconds / reported.KERAS["latent 2"].seconds if known and _keras_all(row) else None


def _keras_test(column: str, squared: bool) -> Callable[[Row], float | None]:
    """Return what reads a test loss of the variation with this likelihood."""
    return lambda row: row[column] if (row["variation"] == "squared error") is squared else None


_EXPERIMENT_2 = Source(
    "vae_kl_weight",
    keys=("model", "bottleneck", "kl_weight"),
    name=lambda r: f"{r['model']}, b = {r['bottleneck']}, β = {r['kl_weight']:g}",
    family=lambda r: VARIATIONAL,
    data=lambda r: MNIST,
    numbers={
        "parameters": "parameters",
        "numbers": "bottleneck",
        "bits": _bits("kl"),
        "distortion": "reconstruction",
        "squared_error": "squared_error",
        "normal_elbo": lambda r: r["reconstruction"] + r["kl"],
        "readability": "readability",
        "epochs": "epochs",
    },
    interval=("readability_low", "readability_high"),
    reported={"readability": "reported"},
    report="Experiment 2",
    base={"model": "VAE", "bottleneck": 3, "kl_weight": 1.0},
)

SOURCES = (
    Source(
        "autoencoders",
        keys=("model", "bottleneck"),
        name=lambda r: f"{r['model']}, b = {r['bottleneck']}",
        family=lambda r: LINEAR if r["model"] in ("PCA", "SimpleAE") else AUTOENCODER,
        data=lambda r: MNIST,
        numbers={
            "parameters": "parameters",
            "numbers": "numbers",
            "distortion": "squared_error",  # a code without noise is sent as it is
            "squared_error": "squared_error",
            "readability": "readability",
            "epochs": "epochs",
        },
        interval=("readability_low", "readability_high"),
        reported={"readability": "reported"},
        report="Experiment 1",
        base={"model": "AE", "bottleneck": 2},
    ),
    _EXPERIMENT_2,
    replace(
        _EXPERIMENT_2,
        table="vae_warm_up",
        name=lambda r: f"{_EXPERIMENT_2.name(r)}, warm-up",
        report="Experiment 2, once more",
    ),
    Source(
        "conditional",
        keys=("model",),
        name=lambda r: r["model"] if _conditional(r) else f"{r['model']}, b = 2, β = 1",
        family=lambda r: CONDITIONAL if _conditional(r) else VARIATIONAL,
        data=lambda r: MNIST,
        numbers={
            "parameters": "parameters",
            "numbers": _constant(2),
            # Whoever is told the digit has to be sent it, too.
            "bits": lambda r: r["kl"] / math.log(2) + LABEL_BITS * _conditional(r),
            "distortion": "reconstruction",
            "squared_error": "squared_error",
            "normal_elbo": lambda r: r["loss"] + math.log(10) * _conditional(r),
            # Reconstructions of a model that is told the digit: its readability says little.
            "readability": lambda r: None if _conditional(r) else r["rebuilt_readability"],
            "generated": "confident",
            "epochs": "epochs",
        },
        base={"model": "VAE"},
    ),
    Source(
        "vae_reference",
        keys=("latent", "beta"),
        name=lambda r: f"784-400-{r['latent']}, β = {r['beta']:g}",
        family=lambda r: VARIATIONAL,
        data=lambda r: MNIST_28,
        numbers={
            "parameters": "parameters",
            "numbers": "latent",
            "bits": _bits("kl"),
            "cross_entropy": "reconstruction",
            "negative_elbo": "negative_elbo",
            "epochs": "epochs",
        },
        reported={"negative_elbo": "published_negative_elbo"},
        report="elsewhere",
        base={"latent": 20, "beta": 1.0},
    ),
    Source(
        "keras_vae",
        keys=("variation", "protocol"),
        name=lambda r: f"Keras, {r['variation']}{', all 70,000' if _keras_all(r) else ''}",
        family=lambda r: VARIATIONAL,
        data=lambda r: MNIST_28_SQUARED if r["variation"] == "squared error" else MNIST_28,
        numbers={
            "parameters": "parameters",
            "numbers": _keras_latent,
            "bits": _bits("test_kl"),
            "cross_entropy": _keras_test("test_reconstruction", squared=False),
            "negative_elbo": _keras_test("test_loss", squared=False),
            "distortion": _keras_test("test_reconstruction", squared=True),
            "normal_elbo": _keras_test("test_loss", squared=True),
            "training_loss": "training_loss",
            "epochs": "epochs",
        },
        reported={"training_loss": "reported", "epoch_time": _keras_seconds},
        report="Keras example",
        base={"variation": "latent 2", "protocol": "70,000 train"},
    ),
    Source(
        "shapes",
        keys=("model",),
        name=lambda r: r["model"],
        family=lambda r: VARIATIONAL if r["model"] == "VAE" else NOISY,
        data=lambda r: SHAPES,
        numbers={
            "parameters": "parameters",
            "numbers": lambda r: 32 if r["model"] == "VAE" else 10,
            "bits": lambda r: r["rate_bits"] if r["kl_rate_bits"] is None else r["kl_rate_bits"],
            "distortion": "squared_error",
            "cross_entropy_bits": "reconstruction_bits",
            "generated": "recognisable",
            "coverage": "coverage",
            "distance": "mean_distance",
            "hit_kl": "kl_bits",
            "epochs": "epochs",
        },
        reported={
            "distance": "reported_mean_distance",
            "coverage": "reported_coverage",
            "hit_kl": "reported_kl_bits",
            "cross_entropy_bits": "reported_reconstruction_bits",
            "bits": "reported_rate_bits",
        },
        report="shapes",
        base={"model": "VAE"},
    ),
    Source(
        "mmd",
        keys=("model", "noise_variance"),
        name=lambda r: (
            r["model"]
            if r["noise_variance"] is None
            else f"{r['model']}, noise {r['noise_variance']:g}"
        ),
        family=lambda r: VARIATIONAL if r["model"] == "VAE" else NOISY,
        data=lambda r: RECTANGLES,
        numbers={
            "parameters": "parameters",
            "numbers": _constant(6),
            "bits": lambda r: r["rate_bits"] if r["kl_rate_bits"] is None else r["kl_rate_bits"],
            "distortion": "squared_error",
            "squared_error": "squared_error_clean",
            "readability": "recognisable_test",
            "generated": "recognisable_random",
            "epochs": "epochs",
        },
        interval=("recognisable_test_low", "recognisable_test_high"),
        reported={
            "readability": "reported_test",
            "generated": "reported_random",
            "time": lambda r: (
                None
                if r["reported_seconds"] is None
                else r["reported_seconds"] / reported.RECTANGLES["VAE"].seconds
            ),
        },
        report="rectangles",
        base={"model": "VAE", "noise_variance": None},
    ),
    Source(
        "cube_snr",
        keys=("model", "latent", "snr_db"),
        name=lambda r: f"{r['model']}, d = {r['latent']}, {r['snr_db']} dB",
        family=lambda r: VARIATIONAL if r["model"] == "VAE" else NOISY,
        data=lambda r: CUBE,
        numbers={
            "parameters": "parameters",
            "numbers": "latent",
            "bits": "rate",
            "distortion": "squared_error",
            "squared_error": "squared_error_clean",
            "generated": "generated_near",
            "epochs": "epochs",
        },
        base={"model": "AE", "latent": 2, "snr_db": 20},
    ),
    Source(
        "inpainting",
        keys=("model", "fill"),
        name=lambda r: r["fill"],
        family=lambda r: UNTRAINED if r["model"] == "none" else VARIATIONAL,
        data=lambda r: HOLE,
        numbers={
            "squared_error": "error",
            "readability": "readability",
        },
        interval=("readability_low", "readability_high"),
    ),
)
