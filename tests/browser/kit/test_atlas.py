"""Images on one sheet, written in Python and read in the page."""

import numpy as np
import pytest

from aeteach.widgets.kit.atlas import atlas
from tests.browser.conftest import Call


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_every_image_is_read_where_it_was_written(call: Call, bits: int) -> None:
    images = np.random.default_rng(bits).random((7, 3, 5))
    sheet = atlas(images, columns=3, bits=bits)
    body = """m.unpack(Uint8Array.from(a[0]), { width: 5, height: 3 }).then(
        (image) => Array.from({ length: 7 }, (_, i) => Array.from(image(i))))"""
    found = np.array(call("atlas", body, list(sheet))).reshape(images.shape)
    assert np.abs(found - images).max() <= 0.5 / (2**bits - 1) + 1 / 255 / 2


def test_bytes_that_are_no_picture_are_an_error(call: Call) -> None:
    with pytest.raises(Exception, match=r"decode|EncodingError"):
        call("atlas", "m.unpack(Uint8Array.from([1, 2, 3]), { width: 1, height: 1 })")
