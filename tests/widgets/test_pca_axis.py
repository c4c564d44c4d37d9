"""An axis through a cloud in Python: its variances, its angle, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeteach.widgets import PcaAxis
from aeteach.widgets.pca_axis import axis_stats


@given(
    st.lists(st.tuples(*[st.floats(-50, 50)] * 2), min_size=3, max_size=30),
    st.floats(-720, 720),
)
def test_captured_and_residual_add_up_to_the_total(
    points: list[tuple[float, float]], angle: float
) -> None:
    captured, residual = axis_stats(points, angle)
    total = float(np.var(points, axis=0, ddof=1).sum())
    assert captured + residual == pytest.approx(total, abs=1e-9)
    assert captured >= -1e-9
    assert residual >= -1e-9


def test_captured_variance_is_that_of_the_projections() -> None:
    figure = PcaAxis(angle=25)
    u = np.array([np.cos(np.deg2rad(25)), np.sin(np.deg2rad(25))])
    assert figure.captured == pytest.approx(np.var(np.array(figure.points) @ u, ddof=1))
    figure.angle = 115.0  # at right angles, so they change places
    assert figure.residual == pytest.approx(np.var(np.array(figure.points) @ u, ddof=1))


@pytest.mark.parametrize(
    ("angle", "kept"), [(0, 0), (180, 0), (-30, 150), (725, 5), (-1e-20, 0), (179.5, 179.5)]
)
def test_an_axis_has_no_front(angle: float, kept: float) -> None:
    assert PcaAxis(angle=angle).angle == pytest.approx(kept)
    assert 0 <= PcaAxis(angle=angle).angle < 180


BAD_POINTS: list[Any] = [
    ([1.0, 2.0, 3.0], r"shape \(3,\); expected \(n, 2\)"),
    (np.zeros((5, 3)), r"shape \(5, 3\); expected \(n, 2\)"),
    ([[0, 0], [1, 1]], "there are 2 points; expected 3 to 300"),
    (np.zeros((301, 2)), "there are 301 points"),
    ([[0, 0], [1, np.nan], [2, 2]], r"NaN or infinity, first in row 1 \(1 rows in all\)"),
    ([[0, 0], [1, np.inf], [2, 2]], "NaN or infinity"),
    ([], "points is empty"),
    ([["a", "b"]] * 3, "cannot be read as an array of numbers"),
    ([[0, 0], [1], [2, 2]], "cannot be read as an array of numbers"),
    (None, "cannot be read as an array of numbers"),
]


@pytest.mark.parametrize(("points", "message"), BAD_POINTS)
def test_points_that_cannot_be_shown_are_refused(points: Any, message: str) -> None:
    if points is not None:  # None asks for the default cloud
        with pytest.raises(ValueError, match=message):
            PcaAxis(points)
    figure = PcaAxis()
    before = figure.points
    with pytest.raises(ValueError, match=message):
        figure.points = points
    with pytest.raises(ValueError, match=message):
        axis_stats(points, 0)
    assert figure.points == before


@pytest.mark.parametrize("angle", [float("nan"), float("inf")])
def test_an_angle_must_be_finite(angle: float) -> None:
    with pytest.raises(ValueError, match="expected a finite number of degrees"):
        PcaAxis(angle=angle)
