"""A still is painted as a canvas would be, and says the figure's numbers."""

import base64
import io
import sys

import numpy as np
import pytest
from PIL import Image

from aeteach.widgets import DrawDigit, KlNormals, PcaAxis
from aeteach.widgets.kit.still import LARGEST, paint


def pixels(address: str) -> np.ndarray:
    """Return what an image's address holds as (height, width, 4)."""
    kind, data = address.split(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.array(image.convert("RGBA")).astype(int)


def path(*parts: list[float], kind: str = "fill", **more: object) -> dict[str, object]:
    return {"kind": kind, "colour": "#ff0000", "alpha": 1, "line": 1, "parts": list(parts)} | more


def test_a_disc_covers_its_area_in_its_colour_and_stands_where_it_should() -> None:
    found = pixels(paint(100, 60, [path([2, 30, 20, 10])]))
    assert found.shape == (60, 100, 4)
    covered = found[..., 3] / 255
    assert covered.sum() == pytest.approx(np.pi * 10**2, rel=0.02)
    rows, columns = np.indices(covered.shape)
    assert (covered * (columns + 0.5)).sum() / covered.sum() == pytest.approx(30, abs=0.1)
    assert (covered * (rows + 0.5)).sum() / covered.sum() == pytest.approx(20, abs=0.1)
    assert found[20, 30] == pytest.approx([255, 0, 0, 255], abs=4)  # few colours are kept


def test_what_is_half_transparent_mixes_with_what_lies_below() -> None:
    square = [[0, 0, 0], [1, 40, 0], [1, 40, 40], [1, 0, 40]]
    steps = [path(*square), path(*square, colour="rgb(0, 0, 255)", alpha=0.5)]
    assert pixels(paint(40, 40, steps))[20, 20] == pytest.approx([127, 0, 128, 255], abs=2)


def test_a_line_is_as_wide_as_it_says() -> None:
    line = path([0, 10, 30], [1, 90, 30], kind="stroke", line=6)
    found = pixels(paint(100, 60, [line]))[..., 3]
    assert found[:, 50].sum() / 255 == pytest.approx(6, abs=0.1)
    assert found[30, 5] == 0


def test_pixels_are_kept_as_they_are_and_stretched_into_their_box() -> None:
    data = bytes([10, 10, 10, 255, 200, 200, 200, 255]).decode("latin-1")
    step = {"kind": "pixels", "width": 2, "height": 1, "data": data, "box": [0, 0, 2, 1]}
    assert pixels(paint(2, 1, [step]))[0, :, 0].tolist() == [10, 200]
    stretched = step | {"box": [-10, 0, 60, 30]}
    found = pixels(paint(40, 30, [stretched, path([2, 5, 5, 1])]))
    assert found[25, 0, 0] == pytest.approx(10, abs=8)
    assert found[25, 39, 0] == pytest.approx(200, abs=8)
    assert found[5, 5, 0] > found[5, 5, 1] + 100  # the disc lies on it


def test_a_large_canvas_is_made_smaller() -> None:
    found = pixels(paint(900, 600, [path([2, 450, 300, 90])]))
    assert found.shape[:2] == (round(LARGEST * 600 / 900), LARGEST)


def test_the_numbers_are_those_of_the_state() -> None:
    numbers = dict(KlNormals().still().numbers)
    assert numbers["mean μ of q"] == "1.50"
    assert dict(KlNormals(mu_q=0.25).still().numbers)["mean μ of q"] == "0.25"
    captured = dict(PcaAxis(angle=30).still().numbers)["captured variance"]
    assert float(captured) == pytest.approx(PcaAxis(angle=30).captured, abs=5e-4)


def test_a_figure_with_pictures_shows_them() -> None:
    drawn = DrawDigit().still()
    sizes = [len(part) for part in drawn.html.split("data:image/png;base64,")[1:]]
    assert len(sizes) >= 10
    assert "read as 4" in drawn.text


def test_without_v8_the_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)  # as if it were not installed
    figure = PcaAxis()
    assert figure.still() is None
    assert figure.text == figure.alt
    assert f">{figure.alt}<noscript>" in figure.page_html()
