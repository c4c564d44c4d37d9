"""A drawing becomes an image like MNIST's: held to MNIST itself, to Pillow, and to geometry."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aeteach.data import as_mnist, ink, mnist
from aeteach.data.drawing import BOX, FIELD, PAD, PEN
from aeteach.metrics import readability
from aeteach.widgets.draw_digit import DRAWN

ANY: Any = np.ones((28, 28))
SHARE = st.floats(0, 1, allow_nan=False)
STROKES = st.lists(
    st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=6), min_size=1, max_size=4
)


def centres(images: torch.Tensor) -> torch.Tensor:
    """Centres of mass (row, column) of (N, 1, H, W), pixel centres counted from 0."""
    x = images[:, 0].double().numpy()
    rows, columns = np.indices(x.shape[1:])
    mass = x.sum((1, 2))
    both = [(x * place).sum((1, 2)) / mass for place in (rows, columns)]
    return torch.tensor(np.stack(both, 1))


# ---------------------------------------------------------------- MNIST keeps its own rule


def check_fixed_points(x: torch.Tensor, exceptions: int) -> None:
    c = centres(x)
    assert int(((c < 13.5) | (c >= 14.5)).any(1).sum()) <= exceptions
    off = (as_mnist(x, size=28) - x).abs().flatten(1).amax(1)
    print(f"{int((off < 1e-6).sum())} of {len(x)} come out as they went in")
    assert int((off > 1e-6).sum()) <= exceptions


def test_the_rule_leaves_test_digits_as_they_are() -> None:
    check_fixed_points(mnist("test", size=28).images[:1500], 0)


@pytest.mark.slow
def test_the_rule_leaves_all_test_digits_as_they_are_but_three() -> None:
    x = mnist("test", size=28).images
    c = centres(x)
    assert bool(((c >= 13.5) & (c < 14.5)).all())
    off = (as_mnist(x, size=28) - x).abs().flatten(1).amax(1)
    assert int((off > 1e-6).sum()) == 3
    train = centres(mnist("train", size=28).images)
    assert int(((train < 13.5) | (train >= 14.5)).any(1).sum()) == 3


@pytest.mark.parametrize("times", [2, 8])
def test_an_enlarged_digit_anywhere_on_a_sheet_comes_back(times: int) -> None:
    x = mnist("test", size=28).images[:60]
    large = x.repeat_interleave(times, 2).repeat_interleave(times, 3)
    moved = torch.nn.functional.pad(large, [5, 40, 33, 2])
    assert float((as_mnist(moved, size=28) - x).abs().max()) < 1e-6
    assert float((as_mnist(large) - torch.nn.functional.pad(x, [2] * 4)).abs().max()) < 1e-6


def test_scaling_agrees_with_pillows_box_filter() -> None:
    rng = np.random.default_rng(0)
    for longer in (25, 40, 73, 131):
        sheet = np.zeros((200, 200), np.float32)
        sheet[30 : 30 + longer, 50 : 50 + longer] = rng.random((longer, longer)) * 0.9 + 0.1
        box = Image.fromarray(sheet[30 : 30 + longer, 50 : 50 + longer])
        expected = np.asarray(box.resize((BOX, BOX), Image.Resampling.BOX))
        got = as_mnist(torch.from_numpy(sheet), size=28)[0, 0]
        rows, columns = ((got > 0).any(axis).nonzero().flatten() for axis in (1, 0))
        small = got[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].numpy()
        if longer % BOX == 0:
            assert small == pytest.approx(expected, abs=1e-5)
        else:  # Pillow takes whole pixels only, where ours takes the shares of those it cuts
            assert small.shape == expected.shape
            assert small.mean() == pytest.approx(expected.mean(), abs=0.01)


@settings(max_examples=40, deadline=None)
@given(strokes=STROKES)
def test_what_comes_out_is_a_digit_of_mnist(strokes: list) -> None:
    sheet = ink(strokes)
    x = as_mnist(sheet)
    assert x.shape == (1, 1, 32, 32)
    assert x.dtype == torch.float32
    assert bool(((x >= 0) & (x <= 1)).all())
    assert float(x[..., :2].sum() + x[..., -2:].sum() + x[..., :2, :].sum()) == 0
    rows, columns = ((x[0, 0] > 0).any(axis).nonzero().flatten() for axis in (1, 0))
    h, w = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    assert max(h, w) == BOX
    old = [(sheet > 0).any(axis).nonzero().flatten() for axis in (1, 0)]
    old_h, old_w = (int(o[-1] - o[0]) + 1 for o in old)
    assert abs(h / BOX - old_h / max(old_h, old_w)) < 1 / BOX + 1e-9
    assert abs(w / BOX - old_w / max(old_h, old_w)) < 1 / BOX + 1e-9
    # a mean over areas keeps the ink: what is there, times the area's scale
    scale = (BOX / max(old_h, old_w)) ** 2
    assert float(x.double().sum()) == pytest.approx(float(sheet.double().sum()) * scale, rel=1e-4)
    c = centres(x)[0] - 2
    for middle, first, last in zip(c, (rows[0], columns[0]), (rows[-1], columns[-1]), strict=True):
        at_edge = int(first) == 2 or int(last) == 29
        assert at_edge or 13.5 - 1e-6 <= float(middle) < 14.5 + 1e-6


@settings(max_examples=20, deadline=None)
@given(strokes=STROKES, right=st.integers(0, 60), down=st.integers(0, 60))
def test_the_place_on_the_sheet_does_not_matter(strokes: list, right: int, down: int) -> None:
    sheet = ink(strokes)
    moved = torch.nn.functional.pad(sheet, [right, 60 - right, down, 60 - down])
    assert torch.equal(as_mnist(sheet), as_mnist(moved))


def test_a_symmetric_drawing_stands_still_under_rounding_errors() -> None:
    # Its centre of mass is the middle of an even number of pixels: a tie.
    for radius in (0.04, 0.11, 0.3):
        x = as_mnist(ink([[[0.5, 0.5]]], radius=radius), size=28)
        assert centres(x)[0].tolist() == pytest.approx([13.5, 13.5], abs=1e-6)


def test_ink_pushed_to_the_edge_is_kept() -> None:
    sheet = torch.zeros(100, 100)
    sheet[0:10, 0:10] = 1  # heavy on one side
    sheet[5, 10:100] = 0.01
    x = as_mnist(sheet, size=28)
    assert float(x.double().sum()) == pytest.approx(float(sheet.double().sum()) / 25, rel=1e-5)
    assert int((x[0, 0] > 0).any(0).nonzero().flatten()[-1]) == FIELD - 1


def test_a_blot_too_small_to_shrink_grows() -> None:
    sheet = torch.zeros(50, 50)
    sheet[7:12, 20:24] = 1
    x = as_mnist(sheet, size=28)[0, 0]
    assert float(x.sum()) == pytest.approx(20 * 16)
    assert float(x[4:24].sum()) == pytest.approx(20 * 16)


# ---------------------------------------------------------------- the pen


def test_the_pen_draws_what_geometry_says() -> None:
    radius = PEN * PAD
    dot = ink([[[0.5, 0.5]]]).double().sum()
    assert float(dot) == pytest.approx(math.pi * radius**2, rel=0.01)
    bar = ink([[[0.2, 0.3], [0.8, 0.3]]]).double()
    assert float(bar.sum()) == pytest.approx(2 * radius * 0.6 * PAD + math.pi * radius**2, rel=0.01)
    # half covered where the edge of the line passes through a pixel's centre
    edge = round(0.3 * PAD + radius - 0.5)
    share = 0.3 * PAD + radius - edge  # of the pixel that begins at `edge`
    assert float(bar[edge, PAD // 2]) == pytest.approx(share, abs=1 / 255)


def test_ink_covers_and_does_not_add_up() -> None:
    a, b = [[0.1, 0.2], [0.9, 0.8]], [[0.9, 0.1], [0.2, 0.9], [0.5, 0.5]]
    both = ink([a, b])
    assert torch.equal(both, torch.maximum(ink([a]), ink([b])))
    assert torch.equal(both, ink([b[::-1], a, a]))
    assert float(both.max()) == 1
    assert torch.equal((both * 255).round() / 255, both)
    assert float(ink([]).sum()) == 0


def test_drawn_presets_are_read_as_what_they_are() -> None:
    x = torch.cat([as_mnist(ink(strokes)) for strokes in DRAWN.values()])
    verdict = readability.read(x).verdict.tolist()
    assert verdict[:3] == [3, 7, 4]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: as_mnist(torch.zeros(28, 28)), ValueError, "sheet 0 of drawing holds no ink"),
        (lambda: as_mnist(torch.ones(28, 28, dtype=torch.int64)), TypeError, "got torch.int64"),
        (lambda: as_mnist(ANY), TypeError, "got numpy.ndarray"),
        (lambda: as_mnist(torch.ones(3, 28, 28)), ValueError, r"\(3, 28, 28\); expected one sheet"),
        (lambda: as_mnist(torch.full((4, 4), 255.0)), ValueError, "divide bytes by 255"),
        (lambda: as_mnist(torch.full((4, 4), torch.nan)), ValueError, "outside 0"),
        (
            lambda: as_mnist(torch.ones(4, 4), size=27),
            ValueError,
            "at least 28, got 27",
        ),
        (lambda: as_mnist(torch.ones(4, 4), size=31), ValueError, "size is 31"),
        (lambda: ink([[]]), ValueError, "expected one point or more"),
        (lambda: ink([[[0.5, 1.2]]]), ValueError, "two numbers from 0 to 1"),
        (lambda: ink([[[0.5, math.nan]]]), ValueError, "each of strokes.* is nan"),
        (lambda: ink([[[0.5]]]), ValueError, "two numbers from 0 to 1"),
    ],
)
def test_what_is_no_drawing_is_refused(
    make: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_several_sheets_are_done_one_by_one() -> None:
    sheets = torch.stack([ink(strokes) for strokes in DRAWN.values()])[:, None]
    one_by_one = torch.cat([as_mnist(sheet[0]) for sheet in sheets])
    assert torch.equal(as_mnist(sheets), one_by_one)
