"""Codes as dots: where they lie, in their digits' colours, none outside the plane."""

import numpy as np
import pytest

from tests.browser.conftest import Call

PAINT = """(() => {
    const canvas = document.createElement("canvas");
    document.body.append(canvas);
    for (let d = 0; d < 10; d++)
        canvas.style.setProperty(`--ae-digit-${d}`, `rgb(${20 * d}, 99, 7)`);
    const on = { canvas, width: 100, height: 50, box: { left: 10, right: 110, top: 20, bottom: 70 },
        px: (v) => 10 + 100 * v, py: (v) => 70 - 50 * v };
    m.paintCodes(on, { data: a[0].flat() }, a[1]);
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    canvas.remove();
    return { width, height, data };
})()"""


def test_a_dot_lies_at_its_code_in_its_digits_colour(call: Call) -> None:
    codes, labels = [[0.2, 0.5], [0.8, 0.1], [5.0, 0.5], [0.5, -3.0]], [3, 9, 5, 6]
    got = call("paint_codes", PAINT, codes, labels)
    assert (got["width"], got["height"]) == (300, 150)  # three pixels a unit
    pixels = np.array(got["data"]).reshape(150, 300, 4)
    for (x, y), label in zip(codes[:2], labels, strict=False):
        column, row = int(300 * x), int(150 * (1 - y))
        assert pixels[row, column].tolist() == [20 * label, 99, 7, 255]
        dot = pixels[row - 9 : row + 9, column - 9 : column + 9, 3].astype(int)
        assert np.abs(dot - dot[:, ::-1]).max() < 100  # round: no piece of it is cut off
        assert np.abs(dot - dot.T).max() < 100
    area = pixels[..., 3].sum() / 255
    assert area == pytest.approx(2 * np.pi * 7.5**2, rel=0.05)  # two dots of radius 2.5 units
    reds = set(pixels[pixels[..., 3] == 255][:, 0].tolist())
    assert reds == {60, 180}


def test_a_plane_without_a_canvas_says_what_to_do(call: Call) -> None:
    with pytest.raises(Exception, match="make it with `canvas: true`"):
        call("paint_codes", "m.paintCodes({ box: {} }, { data: [] }, [])")
