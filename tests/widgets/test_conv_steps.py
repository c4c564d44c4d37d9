"""ConvSteps in Python: its numbers are torch's, and the impossible is refused."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from aeteach.widgets import ConvSteps
from aeteach.widgets.conv_steps import MODES, Setting, W, X, output_side, refusal
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.traits import limits

LIMITS = limits(ConvSteps)
RANGES = [range(int(LIMITS[k][0]), int(LIMITS[k][1]) + 1) for k in Setting._fields[1:]]
SETTINGS = [Setting(*numbers) for numbers in itertools.product(MODES, *RANGES)]


def by_torch(setting: Setting) -> torch.Tensor | None:
    """What torch makes of ones of that size, or None where it refuses."""
    mode, n, k, s, p, extra = setting
    x, w = torch.ones(1, 1, n, n), torch.ones(1, 1, k, k)
    try:
        if mode == "convolution":
            return F.conv2d(x, w, stride=s, padding=p)
        return F.conv_transpose2d(x, w, stride=s, padding=p, output_padding=extra)
    except RuntimeError:
        return None


def test_every_setting_is_possible_here_exactly_if_it_is_in_torch() -> None:
    possible = 0
    for setting in SETTINGS:
        if setting.mode == "convolution" and setting.output_padding:
            assert "belongs to the transposed" in refusal(setting)
            continue
        y = by_torch(setting)
        why = refusal(setting)
        assert (y is None) == bool(why), setting
        if y is not None:
            assert y.shape == (1, 1, output_side(setting), output_side(setting))
            possible += 1
    assert possible > 300


def by_loops(figure: ConvSteps) -> np.ndarray:
    """The definition in four loops, on a canvas as large as need be."""
    x, w = np.array(figure.x), np.array(figure.w)
    m, k, s, p = output_side(figure.setting), figure.kernel_size, figure.stride, figure.padding
    y = np.zeros((m, m))
    small = m if figure.mode == "convolution" else figure.n
    for u, v, a, b in itertools.product(range(small), range(small), range(k), range(k)):
        r, c = u * s + a - p, v * s + b - p
        if figure.mode == "convolution":
            if 0 <= r < figure.n and 0 <= c < figure.n:
                y[u, v] += w[a, b] * x[r, c]
        elif 0 <= r < m and 0 <= c < m:
            y[r, c] += w[a, b] * x[u, v]
    return y


@given(st.sampled_from([s for s in SETTINGS if not refusal(s)]), st.integers(0, 99))
def test_the_output_is_the_sum_over_the_kernel(setting: Setting, seed: int) -> None:
    rng = np.random.default_rng(seed)
    figure = ConvSteps(rng.normal(size=(8, 8)), rng.normal(size=(4, 4)), **setting._asdict())
    np.testing.assert_allclose(figure.output, by_loops(figure), atol=1e-12)


def test_the_first_number_by_hand() -> None:
    figure = ConvSteps(n=5, kernel_size=3, stride=2, padding=1)
    # The window's first row and column lie in the padding.
    assert figure.output[0, 0] == W[1][1] * X[0][0] + W[1][2] * X[0][1] + (
        W[2][1] * X[1][0] + W[2][2] * X[1][1]
    )
    assert repr(figure) == "ConvSteps(convolution, 5x5 -> 3x3)"


def test_the_cell_stays_inside_when_the_output_shrinks() -> None:
    figure = ConvSteps(n=8, stride=1, cell=60)
    figure.n = 4
    assert figure.cell == 15
    figure.side = "input"
    figure.cell = 15
    figure.n = 3
    assert figure.cell == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 2}, "n is 2; expected a whole number, 3 to 8"),
        ({"n": 9}, "n is 9"),
        ({"kernel_size": 0}, "kernel_size is 0; expected a whole number, 1 to 4"),
        ({"stride": 4}, "stride is 4"),
        ({"padding": -1}, "padding is -1"),
        ({"mode": "correlation"}, "mode is 'correlation'; expected 'convolution' or 'transposed'"),
        ({"side": "kernel"}, "side is 'kernel'; expected 'output' or 'input'"),
        ({"output_padding": 1}, "a convolution has none"),
        ({"n": 3, "kernel_size": 4, "padding": 0}, "A kernel of 4 does not fit: the input has 3"),
        (
            {"mode": "transposed", "output_padding": 2},
            "Output padding 2 must be smaller than the stride 2",
        ),
        (
            {"mode": "transposed", "n": 3, "kernel_size": 1, "stride": 1, "padding": 2},
            "the stamps cover 3 rows and the padding cuts off 4",
        ),
        ({"cell": 9}, "cell is 9; expected 0 to 8"),
        ({"cell": -1}, "cell is -1"),
        ({"x": np.ones((5, 5))}, r"x has shape \(5, 5\); expected \(8, 8\)"),
        ({"w": [[1, np.nan, 0, 0]] * 4}, "w holds NaN"),
    ],
)
def test_what_cannot_be_shown_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConvSteps(**options)


def test_a_refused_change_leaves_the_figure_as_it_was() -> None:
    figure = ConvSteps(mode="transposed", stride=2, output_padding=1)
    with pytest.raises(StateError, match="must be smaller than the stride 1"):
        figure.stride = 1
    with pytest.raises(StateError, match="belongs to the transposed"):
        figure.mode = "convolution"
    assert figure.setting == Setting("transposed", 5, 3, 2, 1, 1)
    with figure.hold_trait_notifications():  # both at once is possible
        figure.mode, figure.output_padding = "convolution", 0
    assert figure.output.shape == (3, 3)


def test_the_page_holds_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    html = ConvSteps().page_html()
    assert html == ConvSteps().page_html()
    assert len(html) < 100_000
