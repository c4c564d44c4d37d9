"""Every symbol of the notation is explained by its own row: none leans on the row before it."""

import re

import pytest

from tests.paths import BOOK


def rows() -> list[tuple[str, str]]:
    """Each symbol with its meaning; the cells of a row are parted by bars that stand alone."""
    text = (BOOK / "notation.md").read_text(encoding="utf-8")
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:3] == "| $"]
    return [(row[0].strip(), row[2].strip()) for row in cells if len(row) == 4]


def test_no_row_is_missed() -> None:
    assert len(rows()) > 200


@pytest.mark.parametrize(("symbol", "meaning"), rows())
def test_a_row_stands_alone(symbol: str, meaning: str) -> None:
    assert not re.match(r"(its|their|the same|this|these)\b", meaning), (
        f"{symbol}: whose? {meaning}"
    )
