"""A training run as a picture: its axes, its curves and its words."""

import re

import numpy as np
import pytest

from aeteach.widgets import training_view


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(35, 240, [50, 100, 200]), (0.9, 11, [1, 2, 5, 10]), (3, 4, [3.06, 3.92])],
)
def test_ticks_are_round_and_at_least_two(low: float, high: float, ticks: list[float]) -> None:
    assert training_view.log_ticks(low, high) == pytest.approx(ticks)


def test_the_curve_lies_where_its_axes_say() -> None:
    curves = {"training": [(0.5, 100.0), (1.0, 50.0)], "held out": [(0.0, 200.0), (2.0, 20.0)]}
    svg = training_view.curve_svg(curves, 2)
    heights = {
        float(v): float(y) - 4
        for y, v in re.findall(r'y="([\d.]+)" text-anchor="end"[^>]*>([\d.]+)<', svg)
    }
    assert set(heights) == {20, 50, 100, 200}
    slope, origin = np.polyfit(np.log(list(heights)), list(heights.values()), 1)
    points = re.findall(r'points="([^"]*)"', svg)
    for (_, values), text in zip(curves.items(), points, strict=True):
        places = np.array([[float(v) for v in p.split(",")] for p in text.split()])
        np.testing.assert_allclose(
            places[:, 1], origin + slope * np.log([v for _, v in values]), atol=0.2
        )
    assert "training 50; held out 20" in svg
    assert "none yet" in training_view.curve_svg({"training": [], "held out": []}, 3)
