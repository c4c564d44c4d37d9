"""The witness figure's Python side: what it refuses, and that a refusal changes nothing."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from aeteach.widgets import WitnessPad
from aeteach.widgets.kit.inputs import StateError

# ------------------------------------------------------------------ what Python refuses


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WitnessPad(mu_x=4), "mu_x is 4; expected -3 to 3"),
        (lambda: WitnessPad(sigma_y=0), "sigma_y is 0"),
        (lambda: WitnessPad(bandwidth=math.nan), "bandwidth is nan"),
        (lambda: WitnessPad(n=1), "expected 2 to 100 points"),
        (lambda: WitnessPad(kernel="linear"), "expected 'rbf' or 'imq'"),
    ],
)
def test_numbers_out_of_range_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(StateError, match=message):
        make()


def test_a_refused_state_leaves_the_old_one() -> None:
    pad = WitnessPad()
    before = list(pad.x)
    for points, message in (
        ([1.0], "expected 2 to 100"),
        ([[1.0, 2.0]], "expected"),
        ([1.0, math.inf], "NaN or infinity"),
        ([1.0, 99.0], "expected"),
        (None, "it is None"),
    ):
        with pytest.raises(StateError, match=f"x.*{message}"):
            pad.x = points
    assert pad.x == before
    pad.drawn = False
    assert math.isnan(pad.exact)
    assert repr(pad).startswith("WitnessPad(n=(12, 12), kernel='rbf', bandwidth=1, mmd=0.1569")
