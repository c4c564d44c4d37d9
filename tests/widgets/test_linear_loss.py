"""The loss surface in Python: its closed form is the mean squared error, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeteach.widgets import LinearLoss
from aeteach.widgets.linear_loss import tied_loss, white_points


def test_white_points_are_white() -> None:
    E = white_points()
    np.testing.assert_allclose(E.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(E.T @ E / len(E), np.eye(2), atol=1e-12)
    np.testing.assert_array_equal(E, white_points())


@given(st.tuples(*[st.floats(-2, 2)] * 2), st.floats(0.3, 2), st.floats(0.3, 2), st.floats(0, 179))
def test_the_closed_form_is_the_mean_squared_error(
    w: tuple[float, float], sd1: float, sd2: float, angle: float
) -> None:
    figure = LinearLoss(w, sd1=sd1, sd2=sd2, angle=angle)
    x, v = figure.points, np.array(w)
    direct = ((x - np.outer(x @ v, v)) ** 2).sum(1).mean()
    assert figure.loss == pytest.approx(direct, abs=1e-9)
    assert figure.loss == pytest.approx(tied_loss(x.T @ x / len(x), v), abs=1e-9)
    assert figure.loss >= min(sd1, sd2) ** 2 - 1e-9  # no point on the map lies lower


def test_the_loss_follows_every_trait() -> None:
    figure = LinearLoss(w=(1, 0), sd1=2, sd2=0.5, angle=0)
    assert figure.loss == pytest.approx(0.25)
    figure.angle = 90.0
    assert figure.loss == pytest.approx(4)
    figure.sd1 = 1.0
    assert figure.loss == pytest.approx(1)
    figure.w = [0, 0]
    assert figure.loss == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"w": [1, 2, 3]}, r"w is \[1.0, 2.0, 3.0\]; expected two numbers from -2 to 2"),
        ({"w": [np.nan, 0]}, r"w is \[nan, 0.0\]; expected two"),
        ({"w": [0, 3]}, r"w is \[0.0, 3.0\]; expected two numbers from -2 to 2"),
        ({"w": "ab"}, r"w is \['ab'\]; expected two"),
        ({"sd1": 0.0}, "sd1 is 0; expected 0.3 to 2"),
        ({"sd2": 2.5}, "sd2 is 2.5"),
        ({"sd2": float("nan")}, "sd2 is nan"),
        ({"angle": float("inf")}, "expected a finite number of degrees"),
    ],
)
def test_a_loss_surface_that_cannot_be_drawn_is_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LinearLoss(**options)
