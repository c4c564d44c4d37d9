"""Sharpness against ramps of a known width; the probe against scikit-learn."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch.testing import assert_close

from aeteach.probe import probe_accuracy
from aeteach.sharpness import relative_sharpness, sharpness

# ---------------------------------------------------------------- sharpness


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
    with pytest.raises(ValueError, match="2 pixels"):
        sharpness(torch.rand(2, 1, 8, 1))
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        sharpness(2 * torch.rand(2, 1, 8, 8) + 1)


# ---------------------------------------------------------------- probe


def clusters(n, seed, spread):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (n,), generator=generator)
    angle = labels * (2 * math.pi / 10)
    centre = torch.stack([angle.cos(), 7 * angle.sin()], dim=1)
    return centre + spread * torch.randn(n, 2, generator=generator), labels


@pytest.mark.parametrize("spread", [0.2, 0.6])
@pytest.mark.parametrize("kind", ["linear", "neighbours"])
def test_the_probe_agrees_with_scikit_learn(kind, spread):
    (z, y), (held_out, answers) = clusters(600, 0, spread), clusters(400, 1, spread)
    ours = probe_accuracy(z, y, held_out, answers, kind=kind, k=15, penalty=1e-2)
    mean, sd = z.mean(0), z.std(0)
    theirs = {
        # its C weighs the summed loss, so C = 1 / (N penalty)
        "linear": LogisticRegression(C=1 / (600 * 1e-2), max_iter=2000),
        "neighbours": KNeighborsClassifier(15),
    }[kind].fit((z - mean) / sd, y)
    score = theirs.score((held_out - mean) / sd, answers)
    assert abs(ours - score) <= 2 / 400  # a tie or two may go another way
    assert 0.3 < ours < 1


def test_a_code_that_knows_nothing_is_guessed_and_one_that_knows_all_is_read():
    _, y = clusters(2000, 0, 0.2)
    noise = torch.randn(2000, 2, generator=torch.Generator().manual_seed(5))
    for kind in ("linear", "neighbours"):
        guess = probe_accuracy(noise[:1000], y[:1000], noise[1000:], y[1000:], kind=kind)
        assert 0.05 < guess < 0.16
        told = torch.nn.functional.one_hot(y, 10).float() + 0.01 * noise.mean(1, keepdim=True)
        assert probe_accuracy(told[:1000], y[:1000], told[1000:], y[1000:], kind=kind) == 1


def test_neighbours_see_a_ring_that_no_straight_line_does():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(1000) % 2
    radius = torch.where(y == 1, 3.0, 1.0) + 0.1 * torch.randn(1000, generator=generator)
    angle = 2 * math.pi * torch.rand(1000, generator=generator)
    z = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    parts = z[:500], y[:500], z[500:], y[500:]
    assert probe_accuracy(*parts, kind="neighbours") > 0.99
    assert probe_accuracy(*parts, kind="linear") < 0.65


def test_the_unit_of_a_dimension_does_not_matter():
    (z, y), (held_out, answers) = clusters(300, 0, 0.5), clusters(300, 1, 0.5)
    scale = torch.tensor([1e-3, 50.0])
    for kind in ("linear", "neighbours"):
        plain = probe_accuracy(z, y, held_out, answers, kind=kind)
        scaled = probe_accuracy(z * scale, y, held_out * scale, answers, kind=kind)
        assert abs(plain - scaled) <= 1 / 300


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kind": "tree"}, ValueError, "'linear' or 'neighbours'"),
        ({"k": 0}, ValueError, "k must be at least 1"),
        ({"k": 21}, ValueError, "only 20 codes"),
        ({"kind": "linear", "penalty": -1.0}, ValueError, "penalty is -1.0"),
        ({"z": torch.zeros(20, 3)}, ValueError, r"held_out must be \(N, 3\)"),
        ({"labels": torch.zeros(19).long()}, ValueError, "each of the 20"),
        ({"held_out": torch.full((5, 2), torch.nan)}, ValueError, "finite"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    good = {
        "z": torch.randn(20, 2),
        "labels": torch.arange(20) % 10,
        "held_out": torch.randn(5, 2),
        "held_out_labels": torch.arange(5),
    }
    with pytest.raises(error, match=message):
        probe_accuracy(**(good | change))
