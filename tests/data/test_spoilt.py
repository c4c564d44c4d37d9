"""Shapes and spoilt shapes that the shape reader learns from, and SciPy's blur."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from aeteach.data import shapes
from aeteach.data.spoilt import NONE, blur, reader_images

# ---------------------------------------------------------------- what it learns from


@pytest.mark.slow
def test_no_test_shape_is_among_the_training_shapes_of_either_set():
    (train, y_train), (test, y_test) = reader_images("train"), reader_images("test")
    assert train.dtype == torch.float32
    assert float(train.min()) >= 0
    assert float(train.max()) <= 1
    clean = {
        image.numpy().tobytes()
        for image, label in zip(train[::2], y_train[::2], strict=True)
        if label != NONE
    }
    for rectangles in (False, True):
        for image in shapes("test", rectangles=rectangles).images:
            assert image.numpy().tobytes() not in clean
    for labels in (y_train, y_test):
        counts = labels.bincount()
        assert counts[NONE] == counts[:NONE].sum() // 2
        assert counts.min() > 0.1 * counts.sum()
    again, _ = reader_images("test")
    assert torch.equal(test, again)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_the_blur_is_scipys(sigma):
    x = shapes("test").images[:3]
    expected = [
        ndimage.gaussian_filter(i[0].double().numpy(), sigma, mode="constant", radius=8) for i in x
    ]
    np.testing.assert_allclose(blur(x, sigma)[:, 0], expected, atol=1e-6)
    with pytest.raises(ValueError, match="sigma is 0"):
        blur(x, 0.0)
