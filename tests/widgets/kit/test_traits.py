"""Ranges of a figure's state: declared once in Python, held there, and shipped to the page."""

import inspect
import math
import re

import numpy as np
import pytest
import torch
import traitlets as t

from aeteach import widgets
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.traits import OneOf, PointWithin, WholeWithin, Within, limits, said

FIGURES = [
    cls
    for name in widgets.__all__
    if inspect.isclass(cls := getattr(widgets, name))
    and issubclass(cls, widgets.Figure)
    and cls is not widgets.Figure
]


class Made(t.HasTraits):
    share = Within(0.25, 0, 1)
    angle = Within(10.0, -90, 90, unit=" degrees")
    points = WholeWithin(3, 2, 9, unit=" points")
    unit = OneOf("nats", "bits")
    place = PointWithin([0.0, 0.5], 0, 1)
    hand = PointWithin([], 0, 1, or_none=True)
    words = t.List(["one", "two"])
    word = WholeWithin(0, 0, lambda made: len(made.words) - 1)
    seed = WholeWithin(0, 0, 2**31 - 1)


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0, 0.0), (1, 1.0), (np.float32(0.5), 0.5), (torch.tensor(0.5), 0.5), (np.array(0.75), 0.75)],
)
def test_a_number_within_its_range_is_kept_as_a_float(value, kept):
    made = Made(share=value)
    assert made.share == kept
    assert type(made.share) is float


@pytest.mark.parametrize(
    "value", [-0.001, 1.001, math.nan, math.inf, True, "0.5", None, [0.5], torch.ones(2)]
)
def test_anything_else_is_refused_and_the_old_value_stays(value):
    made = Made()
    with pytest.raises(StateError, match=r"^share is .*; expected 0 to 1$"):
        made.share = value
    assert made.share == 0.25


def test_the_unit_is_said_with_the_range():
    with pytest.raises(StateError, match="angle is 91; expected -90 to 90 degrees"):
        Made(angle=91)


@pytest.mark.parametrize("value", [2, 9, 4.0, np.int64(5)])
def test_a_whole_number_is_kept_as_an_int(value):
    assert Made(points=value).points == value
    assert type(Made(points=value).points) is int


@pytest.mark.parametrize("value", [1, 10, 2.5, math.nan, True, "3", None, [3]])
def test_what_is_no_whole_number_in_the_range_is_refused(value):
    with pytest.raises(StateError, match=r"points is .*; expected a whole number, 2 to 9 points"):
        Made(points=value)


def test_a_large_bound_is_said_in_full():
    with pytest.raises(StateError, match=r"expected a whole number, 0 to 2147483647$"):
        Made(seed=-1)


@pytest.mark.parametrize("value", ["Bits", "", None, 1])
def test_a_word_is_one_of_those_known(value):
    made = Made(unit="bits")
    with pytest.raises(StateError, match=r"unit is .*; expected 'nats' or 'bits'"):
        made.unit = value
    assert made.unit == "bits"


@pytest.mark.parametrize(
    "value", [(1, 0), [0.5, np.float32(0.5)], torch.tensor([0.25, 1.0]), np.array([0, 1])]
)
def test_a_place_is_kept_as_a_list_of_two_floats(value):
    place = Made(place=value).place
    assert place == [float(v) for v in value]
    assert [type(v) for v in place] == [float, float]


@pytest.mark.parametrize(
    "value",
    [
        [],
        [0.5],
        [0, 0.5, 1],
        [0, 0.5, 7],
        [0, 1.001],
        [math.nan, 0],
        ["0", 1],
        [True, 0],
        None,
        "01",
        5,
    ],
)
def test_what_is_no_place_in_the_range_is_refused(value):
    made = Made()
    with pytest.raises(StateError, match=r"^place is .*; expected two numbers from 0 to 1$"):
        made.place = value
    assert made.place == [0.0, 0.5]


def test_no_place_is_a_place_where_the_figure_says_so():
    made = Made(hand=[0.5, 1])
    made.hand = []
    assert made.hand == []
    with pytest.raises(StateError, match="hand is"):
        made.hand = [0.5]


def test_a_range_may_depend_on_what_the_figure_was_given():
    made = Made(words=["a", "b", "c"], word=2)
    with pytest.raises(StateError, match="word is 3; expected a whole number, 0 to 2"):
        made.word = 3
    assert limits(made)["word"] == [0, 2]


def test_every_range_is_found():
    fixed = {
        "angle": [-90, 90],
        "hand": [0, 1],
        "place": [0, 1],
        "points": [2, 9],
        "seed": [0, 2**31 - 1],
        "share": [0, 1],
    }
    assert limits(Made) == fixed
    assert limits(Made()) == fixed | {"word": [0, 1]}


def ranges(cls):
    return [(cls, name, *pair) for name, pair in (limits(cls) | cls._limits).items()]


@pytest.mark.parametrize(
    ("cls", "name", "low", "high"),
    [case for cls in FIGURES for case in ranges(cls)],
    ids=lambda v: getattr(v, "__name__", str(v)),
)
def test_the_docstring_states_the_range(cls, name, low, high):
    """A limit that is changed alone contradicts what the reader is told."""
    text = " ".join(inspect.getdoc(cls).split())
    lines = re.findall(rf"\b{name}\b[^:]*: [^:]*?(?=\b\w+: |$)", text)
    wanted = f"{said(low)} to {said(high)}"
    assert any(wanted in line for line in lines), (name, wanted, lines)
