"""Images on one sheet: Pillow reads each where it belongs, and what is refused."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.inputs import StateError

# ---------------------------------------------------------------- the atlas


def unpacked(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        image.verify()
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L")) / 255


@given(
    n=st.integers(1, 30),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    columns=st.integers(1, 8),
    bits=st.sampled_from([1, 2, 4, 8]),
)
def test_pillow_reads_every_image_where_it_belongs(
    n: int, height: int, width: int, columns: int, bits: int
) -> None:
    images = np.random.default_rng(n).random((n, height, width))
    sheet = unpacked(atlas(images, columns=columns, bits=bits))
    columns = min(columns, n)
    for i, image in enumerate(images):
        top, left = i // columns * height, i % columns * width
        found = sheet[top : top + height, left : left + width]
        assert np.abs(found - image).max() <= 0.5 / (2**bits - 1) + 1e-9


def test_an_atlas_of_bytes_is_exact_and_clips() -> None:
    images = np.arange(256).reshape(1, 16, 16) / 255
    assert np.array_equal(unpacked(atlas(images)), images[0])
    assert np.array_equal(
        unpacked(atlas(images * 3 - 1)), np.round(255 * (images * 3 - 1).clip(0, 1))[0] / 255
    )


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((3, 3)), {}, r"images have shape \(3, 3\)"),
        (np.zeros((2, 3, 4, 4)), {}, r"expected \(N, H, W\)"),
        (np.full((1, 2, 2), np.nan), {}, "NaN"),
        (np.zeros((1, 2, 2)), {"bits": 3}, "knows 1, 2, 4, 8"),
    ],
)
def test_what_no_atlas_holds_is_refused(images: Any, options: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        atlas(images, **options)
