"""Reported figures: one home, and the finished tables hold the same ones."""

import math
import re
from pathlib import Path

import pytest

from aeteach import reported, results, sweeps

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "aeteach" / "reported.py"
FIGURES = {
    figure
    for figure in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", HOME.read_text("utf-8"))
    if len(figure) > 4  # 72.0 may be another 72.0
}


def typed(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_the_finished_table_has_the_columns_of_the_cells(name: str) -> None:
    """The tables were written when the figures were typed in: a figure that changes shows here."""
    table = results.read(name)
    cells = sweeps.SWEEPS[name].cells
    assert len(table) == len(cells)
    for row, cell in zip(table, cells, strict=True):
        for column, value in cell.columns.items():
            assert row[column] == typed(value), (column, cell)
        assert row["seed"] == cell.seed


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("autoencoders", "reported"),
        ("vae_kl_weight", "reported"),
        ("keras_vae", "reported"),
        ("vae_reference", "published_negative_elbo"),
        ("shapes", "reported_kl_bits"),
        ("mmd", "reported_test"),
    ],
)
def test_the_figures_of_each_report_are_in_a_table(name: str, column: str) -> None:
    homes = {
        "autoencoders": reported.READABLE_AUTOENCODERS.values(),
        "vae_kl_weight": [v for row in reported.READABLE_VAES.values() for v in row],
        "keras_vae": [v.loss for v in reported.KERAS.values()],
        "vae_reference": [b.negative_elbo for b in reported.VAE_400.values()],
        "shapes": [w.kl for w in reported.SHAPES.values()],
        "mmd": [r.test for r in reported.RECTANGLES.values()],
    }
    found = {value for value in results.read(name).column(column) if value is not None}
    assert found == {value for value in homes[name] if value is not None}


def code(path: Path) -> str:
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return "\n".join(re.findall(r"^```\{code-cell\}.*?^```$", text, re.M | re.S))
    return text


@pytest.mark.parametrize(
    "path",
    [p for p in sorted((ROOT / "aeteach").rglob("*.py")) if p != HOME]
    + sorted((ROOT / "book").glob("*.md")),
    ids=lambda p: p.stem,
)
def test_no_code_has_a_reported_figure_of_its_own(path: Path) -> None:
    found = set(re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", code(path)))
    assert not found & FIGURES, "import it from aeteach.reported"
