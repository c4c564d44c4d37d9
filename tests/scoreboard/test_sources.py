"""Every mean, spread and name of the scoreboard, read again with the csv module alone."""

import csv
import math
import statistics
from collections import defaultdict

import pytest

from aeteach import reported, results, scoreboard
from aeteach.recipes import RECIPES
from aeteach.scoreboard import QUANTITIES, SOURCES
from aeteach.sweeps.vae import KERAS

# ---------------------------------------------------------------- against the tables


def by_hand(name: str, keys: tuple[str, ...]) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """Read a table with nothing but the csv module: cells as text, grouped by the key columns."""
    groups = defaultdict(list)
    with (results.folder() / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            groups[tuple(row[key] for key in keys)].append(row)
    return groups


PRESENT = [s for s in SOURCES if (results.folder() / f"{s.table}.csv").is_file()]


@pytest.mark.parametrize("source", PRESENT, ids=lambda s: s.table)
def test_every_mean_and_spread_is_that_of_the_table(source: scoreboard.Source) -> None:
    groups = by_hand(source.table, source.keys)
    entries = scoreboard.gather([source.table]).entries
    assert len(entries) == len(groups)
    checked = 0
    for found, rows in zip(entries, groups.values(), strict=True):
        assert found.seeds == len(rows)
        for key, column in source.numbers.items():
            if not isinstance(column, str):
                continue
            cells = [row[column] for row in rows]
            if cells == [""] * len(cells):
                assert key not in found.numbers
                continue
            values = [float(cell) for cell in cells]
            assert found.numbers[key].mean == pytest.approx(sum(values) / len(values))
            if len(values) > 1:
                spread = statistics.stdev(values)
                assert found.numbers[key].sd == pytest.approx(spread, abs=1e-12)
            checked += 1
        for key, column in source.reported.items():
            if isinstance(column, str) and rows[0][column] != "":
                assert found.reported[key] == float(rows[0][column])
    assert checked >= len(entries)


@pytest.mark.parametrize("source", PRESENT, ids=lambda s: s.table)
def test_names_are_different_within_a_data_set(source: scoreboard.Source) -> None:
    entries = scoreboard.gather([source.table]).entries
    names = [(e.data, e.name) for e in entries]
    assert len(set(names)) == len(names)
    for found in entries:
        assert set(found.numbers) <= set(QUANTITIES)
        assert set(found.reported) <= set(found.numbers)  # a figure has ours beside it
        assert all(math.isfinite(v) for s in found.numbers.values() for v in s.values)


def test_a_rate_is_the_kl_in_bits() -> None:
    groups = by_hand("vae_kl_weight", ("model", "bottleneck", "kl_weight"))
    entries = scoreboard.gather(["vae_kl_weight"]).entries
    for found, rows in zip(entries, groups.values(), strict=True):
        nats = statistics.fmean(float(row["kl"]) for row in rows)
        assert found.numbers["bits"].mean == pytest.approx(nats * math.log2(math.e))
        assert found.reported == {"readability": float(rows[0]["reported"])}


def test_every_column_that_is_read_is_documented() -> None:
    text = (results.folder() / "README.md").read_text(encoding="utf-8")
    for source in SOURCES:
        assert f"`{source.table}.csv`" in text
        for column in (*source.keys, *source.numbers.values(), *source.reported.values()):
            if isinstance(column, str):
                assert f"| `{column}` |" in text, f"{source.table}: {column}"


def test_what_the_tables_do_not_say_is_what_the_recipes_say() -> None:
    latent = {name: RECIPES[name].model_arguments.get("latent") for name in RECIPES}
    numbers = {s.table: s.numbers["numbers"] for s in SOURCES if "numbers" in s.numbers}
    assert numbers["shapes"]({"model": "VAE"}) == latent["shapes-vae"]
    assert numbers["shapes"]({"model": "AE + MMD"}) == latent["shapes-mmd"]
    assert numbers["mmd"]({}) == latent["rectangles-vae"] == latent["rectangles-mmd-5"]
    assert numbers["conditional"]({}) == latent["cvae"] == latent["vae-2"]
    for variation, recipe in {"latent 1": "keras-vae-1", "latent 10": "keras-vae-10"}.items():
        assert numbers["keras_vae"]({"variation": variation}) == latent[recipe]
    assert set(reported.KERAS) == set(KERAS)
