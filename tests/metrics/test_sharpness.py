"""Sharpness against ramps of a known width."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.testing import assert_close

from aeteach.metrics.sharpness import relative_sharpness, sharpness


def ramp(width, height=1.0, size=32):
    """An edge from 0 to `height` in `width` equal steps."""
    profile = torch.clamp((torch.arange(size) - 8) / width, 0, 1) * height
    return profile.expand(1, 1, size, size).contiguous().float()


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_a_ramp_of_w_steps_has_the_sharpness_1_over_w_either_way(width):
    for image in (ramp(width), ramp(width).transpose(2, 3), 1 - ramp(width)):
        assert_close(sharpness(image.contiguous()), torch.tensor([1 / width]).double())


def test_a_fainter_edge_is_less_sharp_and_a_longer_one_is_not():
    assert_close(sharpness(ramp(2, 0.5)), torch.tensor([0.25]).double())
    short = ramp(2)
    short[:, :, :16] = ramp(1, 0.0)[:, :, :16]
    inner = short[:, :, 17:]
    assert_close(sharpness(inner.contiguous()), torch.tensor([0.5]).double())


def test_blurring_digits_makes_them_less_sharp_and_more_so_the_more(test_digits):
    x = test_digits[:50]
    scores = [sharpness(x)]
    for sigma in (0.7, 1.5, 3.0):
        blurred = gaussian_filter(x.numpy(), (0, 0, sigma, sigma)).clip(0, 1)
        scores.append(sharpness(torch.from_numpy(blurred)))
    for sharper, softer in pairwise(scores):
        assert bool((softer < sharper).all())
    shares = [float(s.mean() / scores[0].mean()) for s in scores]
    assert_close(
        shares[1],
        relative_sharpness(torch.from_numpy(gaussian_filter(x.numpy(), (0, 0, 0.7, 0.7))), x),
        rtol=1e-6,
        atol=0,
    )


def test_sharpness_is_numpy_s_and_does_not_depend_on_the_batch():
    x = torch.rand(5, 1, 9, 7, generator=torch.Generator().manual_seed(0))
    for image, score in zip(x[:, 0].double().numpy(), sharpness(x).tolist(), strict=True):
        g = np.hypot(np.diff(image, axis=1)[:-1], np.diff(image, axis=0)[:, :-1])
        assert math.isclose(score, (g**2).sum() / g.sum(), rel_tol=1e-9)
    assert_close(torch.cat([sharpness(x[:2]), sharpness(x[2:])]), sharpness(x))


def test_paper_without_an_edge_scores_0_and_cannot_be_a_measure():
    blank = torch.full((2, 1, 8, 8), 0.5)
    assert sharpness(blank).tolist() == [0, 0]
    with pytest.raises(ValueError, match="have no edge"):
        relative_sharpness(torch.rand(2, 1, 8, 8), blank)
    with pytest.raises(ValueError, match="only one size"):
        relative_sharpness(torch.rand(2, 1, 8, 8), torch.rand(2, 1, 9, 9))
    for thin in ((8, 1), (1, 8)):
        with pytest.raises(ValueError, match="2 pixels"):
            sharpness(torch.rand(2, 1, *thin))
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        sharpness(2 * torch.rand(2, 1, 8, 8) + 1)
