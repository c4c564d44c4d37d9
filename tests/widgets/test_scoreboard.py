"""The scoreboard figure in Python: its defaults and what it refuses."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from aeteach.results import Summary
from aeteach.scoreboard import Board, Entry
from aeteach.widgets import Scoreboard

FIRST, SECOND = "digits", "points"


def entry(name: str, family: str, data: str, seeds: int, **numbers: Any) -> Entry:
    reported = numbers.pop("reported", {})
    summaries = {
        key: Summary(tuple(float(v) for v in np.atleast_1d(values)))
        for key, values in numbers.items()
    }
    return Entry(name, family, data, "toy", seeds, summaries, (40.0, 60.0), reported, "a report")


@cache
def board() -> Board:
    """Two data sets; of the first, one model lacks a rate; the second has one family only."""
    return Board(
        (
            entry(
                "PCA, b = 2", "linear", FIRST, 1, parameters=10, readability=40, squared_error=43.6
            ),
            entry(
                *("VAE, b = 2", "VAE", FIRST, 3),
                parameters=[1000] * 3,
                bits=[5.0, 5.5, 6.0],
                distortion=[30.0, 31.0, 29.5],
                readability=[60.0, 62.0, 66.0],
                reported={"readability": 65.0, "distortion": 31.0},
            ),
            entry(
                *("VAE, b = 4", "VAE", FIRST, 2),
                parameters=[2000] * 2,
                bits=[9.0, 9.4],
                distortion=[24.0, 22.0],
                readability=[80.0, 80.0],
            ),
            entry(
                *("CVAE, told the digit", "conditional VAE", FIRST, 1),
                parameters=100_000,
                bits=7.5,
                distortion=26.0,
            ),
            entry("AE, 20 dB", "noisy autoencoder", SECOND, 1, bits=3.3, distortion=0.02),
            entry(
                "AE, 30 dB",
                "noisy autoencoder",
                SECOND,
                2,
                bits=[5.0, 5.2],
                distortion=[0.01, 0.012],
            ),
        )
    )


def test_a_state_that_is_not_there_is_refused() -> None:
    figure = Scoreboard(board(), data=SECOND)
    assert (figure.data, figure.x, figure.y) == (SECOND, "bits", "distortion")
    assert figure.entry.name == "AE, 20 dB"
    assert repr(figure) == "Scoreboard(models=6, data='points')"
    for name, value, message in (
        ("data", "letters", "data is 'letters'; expected one of 'digits', 'points'"),
        ("x", "beauty", "x is 'beauty'; expected one of"),
        ("sort", "beauty", "sort is 'beauty'"),
        ("row", 6, "row is 6; expected a whole number, 0 to 5"),
        ("hidden", ["GAN"], "hidden is 'GAN'; expected one of"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            setattr(figure, name, value)
    with pytest.raises(ValueError, match="data is 'letters'"):
        Scoreboard(board(), data="letters")
    with pytest.raises(ValueError, match="no models"):
        Scoreboard(Board(()))
