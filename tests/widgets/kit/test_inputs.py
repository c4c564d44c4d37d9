"""Checks of what a figure is given: what arrived, what was expected, what to do."""

from typing import Any

import numpy as np
import pytest
import torch
import traitlets

from aeteach.widgets.kit.inputs import StateError, axis_angle, both_or_neither, read_array


@pytest.mark.parametrize(
    "values", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), torch.tensor([[1, 2], [3, 4]])]
)
def test_numbers_of_every_kind_are_read_alike(values: Any) -> None:
    array = read_array("x", values)
    assert array.dtype == np.float64
    assert array.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, r"x cannot be read as an array of numbers \(it is None\)"),
        ("ab", "x cannot be read"),
        ([[1], [1, 2]], "x cannot be read"),
        (torch.ones(2, requires_grad=True), "pass a NumPy array, a detached tensor"),
        ([], r"x is empty, shape \(0,\); pass at least one row"),
        (np.zeros((0, 3)), r"x is empty, shape \(0, 3\)"),
        ([[0, 1], [2, np.nan], [np.inf, 3]], r"first in row 1 \(2 rows in all\)"),
        (float("inf"), r"first in row 0 \(1 rows in all\)"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_name(values: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        read_array("x", values)


def test_a_refusal_is_an_error_of_traits_and_of_values() -> None:
    assert issubclass(StateError, traitlets.TraitError)
    assert issubclass(StateError, ValueError)


@pytest.mark.parametrize(
    ("given", "angle"), [(0, 0), (180, 0), (-30, 150), (725, 5), (-1e-20, 0), (179.5, 179.5)]
)
def test_an_angle_is_brought_to_one_half_turn(given: float, angle: float) -> None:
    found = axis_angle(given)
    assert found == pytest.approx(angle)
    assert 0 <= found < 180


@pytest.mark.parametrize("angle", [float("nan"), float("inf")])
def test_an_angle_is_finite(angle: float) -> None:
    with pytest.raises(StateError, match=f"angle is {angle}; expected a finite number"):
        axis_angle(angle)


def test_what_belongs_together_comes_together() -> None:
    both_or_neither(images=1, labels=0)
    both_or_neither(images=None, labels=None)
    for two in ({"images": 1, "labels": None}, {"images": None, "labels": 1}):
        with pytest.raises(StateError, match="images and labels belong together"):
            both_or_neither(**two)
