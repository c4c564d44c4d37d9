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


def test_images_are_handed_on_once_they_are_there_unless_that_was_called_off(call: Call) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 5)) / 255
    body = """(async () => {
        const [bytes, size] = [Uint8Array.from(a[0]), { width: 5, height: 3 }];
        const used = [];
        const use = (name) => (image) => used.push([name, Array.from(image(1))]);
        const stop = m.whenUnpacked(bytes, size, use("called off"));
        stop();
        m.whenUnpacked(bytes, size, use("kept"));
        for (let tries = 0; used.length === 0 && tries < 500; tries++) {
            await new Promise((done) => setTimeout(done, 10));
        }
        await m.unpack(bytes, size);
        await new Promise((done) => setTimeout(done, 100));
        return used;
    })()"""
    ((name, found),) = call("atlas", body, list(atlas(images, columns=2, bits=8)))
    assert name == "kept"
    np.testing.assert_allclose(np.reshape(found, (3, 5)), images[1], atol=1e-6)
