"""Pictures are written again in fewer bytes, with the same pixels."""

import base64
import io

import nbformat
import numpy as np
import pytest
from aeteach_book.images import in_fewer_bytes, smaller
from PIL import Image


def png(pixels: np.ndarray, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG", **options)
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def picture(colours: int, alpha: int = 255) -> np.ndarray:
    rng = np.random.default_rng(colours)
    table = np.column_stack([rng.integers(0, 256, (colours, 3)), np.full(colours, alpha)])
    return table[rng.integers(0, colours, (60, 90))]


@pytest.mark.parametrize("colours", [1, 2, 200, 256, 257, 4000])
@pytest.mark.parametrize("alpha", [255, 254, 0])
def test_the_pixels_stay_and_the_bytes_do_not_grow(colours: int, alpha: int) -> None:
    before = png(picture(colours, alpha))
    after = smaller(before)
    assert len(after) <= len(before)
    np.testing.assert_array_equal(pixels(after), pixels(before))


def test_the_size_on_paper_stays() -> None:
    file = io.BytesIO()
    Image.fromarray(picture(16).astype(np.uint8)).save(file, "PNG", dpi=(100, 100))
    assert Image.open(io.BytesIO(smaller(file.getvalue()))).info["dpi"] == pytest.approx(
        (100, 100), rel=1e-3
    )


def test_an_opaque_picture_of_few_colours_takes_half_the_room() -> None:
    before = png(picture(16))
    assert len(smaller(before)) < len(before) / 2


def test_grey_and_palettes_stay() -> None:
    grey = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(pixels(smaller(png(grey))), pixels(png(grey)))
    once = smaller(png(picture(16)))
    np.testing.assert_array_equal(pixels(smaller(once)), pixels(once))


def test_the_pictures_of_a_notebook_are_replaced_and_nothing_else() -> None:
    before = png(picture(16))
    data = {"image/png": base64.b64encode(before).decode(), "text/plain": "a plot"}
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_markdown_cell("words"),
        nbformat.v4.new_code_cell(
            "draw()",
            outputs=[
                nbformat.v4.new_output("display_data", data=dict(data)),
                nbformat.v4.new_output("stream", text="printed"),
            ],
        ),
    ]
    in_fewer_bytes(book)
    drawn, printed = book.cells[1].outputs
    assert drawn.data["image/png"] == base64.b64encode(smaller(before)).decode()
    assert (drawn.data["text/plain"], printed.text) == ("a plot", "printed")
