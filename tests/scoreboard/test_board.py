"""The scoreboard: means and spreads computed in another way, verdicts, and what is missing."""

import csv
import json
import math
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeteach import scoreboard
from aeteach.results import ResultsError, Summary
from aeteach.scoreboard import MNIST, Board, Claim, Entry

AUTOENCODER_ROWS = [
    # in the order of COLUMNS
    ("PCA", 2, "", 0, 2, 0, 0, 3.0, 37.2, 36.0, 38.0, 43.64),
    ("AE", 2, 78.11, 0, 2, 284226, 10, 90.0, 78.0, 77.0, 79.5, 28.5),
    ("AE", 2, 78.11, 1, 2, 284226, 10, 60.0, 80.0, 78.5, 81.0, 28.1),
    ("Conv AE (channels)", 2, 91.78, 0, 32, 3147, 10, 75.0, 91.0, 90.0, 92.0, 12.0),
    ("Conv AE (channels)", 2, 91.78, 1, 32, 3147, 10, 240.0, 92.0, 91.0, 93.0, 13.0),
]


COLUMNS = [
    *("model", "bottleneck", "reported", "seed", "numbers", "parameters", "epochs", "seconds"),
    *("readability", "readability_low", "readability_high", "squared_error"),
]


def write(
    folder: Path, name: str, columns: list[str], rows: list, cells: int | None = None
) -> Path:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    if cells is not None:
        (folder / f"{name}.json").write_text(json.dumps({"table": name, "cells": cells}))
    return folder


@pytest.fixture
def board(tmp_path: Path) -> Board:
    write(tmp_path, "autoencoders", COLUMNS, AUTOENCODER_ROWS, cells=63)
    return scoreboard.gather(["autoencoders"], tmp_path)


def entry(**numbers: tuple[float, ...]) -> Entry:
    summaries = {key: Summary(values) for key, values in numbers.items()}
    return Entry("a", "VAE", "data", "table", 2, summaries)


# ---------------------------------------------------------------- from a table


def test_rows_of_one_model_become_one_entry(board: Board) -> None:
    assert [e.name for e in board.entries] == [
        "PCA, b = 2",
        "AE, b = 2",
        "Conv AE (channels), b = 2",
    ]
    assert [e.seeds for e in board.entries] == [1, 2, 2]
    assert [e.family for e in board.entries] == ["linear", "autoencoder", "autoencoder"]
    ae = board.entry(MNIST, "AE, b = 2")
    assert ae.numbers["readability"].values == (78.0, 80.0)
    assert ae.numbers["readability"].mean == 79.0
    assert ae.numbers["readability"].sd == pytest.approx(math.sqrt(2))
    assert ae.interval == (77.0, 81.0)  # from the lowest end to the highest
    assert ae.reported == {"readability": 78.11}
    assert "bits" not in ae.numbers  # a code without noise has no rate
    assert board.entries[0].reported == {}


def test_times_are_ratios_of_the_shortest_runs(board: Board) -> None:
    times = {e.name: e.numbers["time"].mean for e in board.entries}
    assert times == {
        "PCA, b = 2": 3.0 / 60,
        "AE, b = 2": 1.0,
        "Conv AE (channels), b = 2": 75.0 / 60,
    }
    assert "epoch_time" not in board.entries[0].numbers  # PCA has no epochs


def test_without_its_base_a_table_has_no_times(tmp_path: Path) -> None:
    write(tmp_path, "autoencoders", COLUMNS, [AUTOENCODER_ROWS[0], AUTOENCODER_ROWS[3]])
    board = scoreboard.gather(["autoencoders"], tmp_path)
    assert len(board.entries) == 2
    assert not any("time" in e.numbers for e in board.entries)


def test_a_partial_table_says_how_much_of_it_there_is(board: Board, tmp_path: Path) -> None:
    (seen,) = board.seen
    assert (seen.finished, seen.cells) == (5, 63)
    assert str(seen) == "autoencoders: 5 of 63 runs so far; `aeteach sweep autoencoders` goes on"
    write(tmp_path, "autoencoders", COLUMNS, AUTOENCODER_ROWS, cells=5)
    assert str(scoreboard.gather(["autoencoders"], tmp_path).seen[0]) == "autoencoders: 5 runs"
    (tmp_path / "autoencoders.json").unlink()
    assert scoreboard.gather(["autoencoders"], tmp_path).seen[0].cells is None


def test_a_missing_table_names_the_command_that_makes_it(tmp_path: Path) -> None:
    write(tmp_path, "autoencoders", COLUMNS, AUTOENCODER_ROWS)
    with pytest.raises(ResultsError, match=r"no table .*`aeteach sweep mmd --out"):
        scoreboard.gather(["autoencoders", "mmd"], tmp_path)
    with pytest.raises(ResultsError, match=r"`aeteach sweep vae_kl_weight --out"):
        scoreboard.gather(path=tmp_path)
    with pytest.raises(ResultsError, match=r"no table 'vae'.*known: autoencoders"):
        scoreboard.gather(["vae"], tmp_path)


def test_seeds_that_disagree_about_what_they_have_are_refused(tmp_path: Path) -> None:
    rows = [list(row) for row in AUTOENCODER_ROWS]
    rows[2][COLUMNS.index("squared_error")] = ""
    write(tmp_path, "autoencoders", COLUMNS, rows)
    with pytest.raises(ResultsError, match=r"'squared_error' for some seeds only.*aeteach sweep"):
        scoreboard.gather(["autoencoders"], tmp_path)
    columns = [c.replace("numbers", "nummers") for c in COLUMNS]
    write(tmp_path, "autoencoders", columns, AUTOENCODER_ROWS)
    with pytest.raises(ResultsError, match="no column 'numbers'"):
        scoreboard.gather(["autoencoders"], tmp_path)


def test_a_label_has_to_be_sent_too(tmp_path: Path) -> None:
    columns = [
        *("model", "seed", "parameters", "epochs", "seconds", "confident", "rebuilt_readability"),
        *("squared_error", "reconstruction", "kl", "loss"),
    ]
    rows = [
        ("VAE", 0, 284292, 10, 60.0, 60.0, 75.0, 29.0, 30.0, 5.0, 35.0),
        ("CVAE", 0, 285892, 10, 66.0, 99.0, 99.9, 26.0, 27.0, 3.5, 30.5),
    ]
    write(tmp_path, "conditional", columns, rows)
    plain, told = scoreboard.gather(["conditional"], tmp_path).entries
    assert plain.numbers["bits"].mean == pytest.approx(5.0 * math.log2(math.e))
    assert told.numbers["bits"].mean == pytest.approx(3.5 * math.log2(math.e) + math.log2(10))
    assert plain.numbers["normal_elbo"].mean == 35.0
    assert told.numbers["normal_elbo"].mean == pytest.approx(30.5 + 2.302585)
    assert (plain.family, told.family) == ("VAE", "conditional VAE")
    assert "readability" in plain.numbers  # and not of a model that is told the digit
    assert "readability" not in told.numbers


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("key", "ours", "reported", "reached", "verdict"),
    [
        ("readability", (80.0, 82.0), 80.0, True, "reached"),
        ("readability", (80.0, 82.0), 81.0, True, "reached"),
        ("readability", (80.0, 82.0), 82.5, False, "short by 1.50"),
        ("distance", (2.0, 2.2), 2.24, True, "reached"),
        ("distance", (2.3, 2.4), 2.24, False, "short by 0.11"),
        ("hit_kl", (8.402, 8.404), 8.4022, False, "short by less than 0.01"),
        ("bits", (12.0, 13.0), 12.9, None, "differs by -0.40"),
    ],
)
def test_verdicts(
    key: str, ours: tuple[float, ...], reported: float, reached: bool | None, verdict: str
) -> None:
    claim = Claim(entry(**{key: ours}), key, reported)
    assert claim.reached is reached
    assert claim.verdict == verdict


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=5), st.floats(-100, 100))
def test_a_verdict_and_its_mirror_image_agree(values: list[float], reported: float) -> None:
    # What is high and good is, with its sign turned, low and good.
    up = Claim(entry(readability=tuple(values)), "readability", reported)
    down = Claim(entry(distance=tuple(-v for v in values)), "distance", -reported)
    assert up.reached is down.reached
    assert up.verdict == down.verdict
    assert up.reached == (statistics.fmean(values) >= reported)
    if not up.reached and (gap := reported - statistics.fmean(values)) >= 0.005:
        assert float(up.verdict.split()[-1]) == pytest.approx(gap, abs=0.00501)


def test_the_best_come_first(board: Board) -> None:
    assert [e.name[:2] for e in board.best(MNIST, "readability")] == ["Co", "AE", "PC"]
    assert [e.name[:2] for e in board.best(MNIST, "squared_error", 2)] == ["Co", "AE"]
    assert [e.name[:2] for e in board.best(MNIST, "parameters", 1)] == ["PC"]
    for key in ("bits", "epochs", "nonsense"):
        with pytest.raises(ResultsError, match=f"quantity is '{key}'; expected .*'parameters'"):
            board.best(MNIST, key)


def test_what_is_not_there_is_named(board: Board) -> None:
    with pytest.raises(ResultsError, match=r"data is 'digits'; expected one of 'MNIST, 32×32"):
        board.of("digits")
    with pytest.raises(ResultsError, match=r"name is 'VAE'; expected .*'PCA, b = 2', 'AE, b = 2'"):
        board.entry(MNIST, "VAE")
    assert board.of(MNIST, "linear") == [board.entries[0]]
    assert board.of(MNIST, "VAE") == []


def test_the_printed_table(board: Board) -> None:
    head, *lines = board.text(MNIST).splitlines()
    assert head.split()[:3] == ["seeds", "parameters", "code"]
    assert "time an epoch" not in head
    assert len({len(line) for line in (head, *lines)}) == 1  # columns stand below each other
    assert "43.64  " in lines[0]
    assert "± " not in lines[0]  # one seed has no spread
    assert "79.0 ± 1.4 [77.0, 81.0]" in lines[1]
    assert scoreboard.show(Summary((3.0, 3.0)), 2) == "3.00"
    assert scoreboard.show(Summary((284226.0,)), 0) == "284,226"
