"""What a generator is worth: distances against brute force, counts by hand."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.stats import entropy
from torch import nn

from aeteach import models
from aeteach.data import shapes
from aeteach.metrics import coverage
from aeteach.models.base import Output


def random_images(n, seed=0, side=5, levels=None):
    generator = torch.Generator().manual_seed(seed)
    if levels:  # few grey levels: many images equally far, and some equal
        return torch.randint(levels, (n, 1, side, side), generator=generator) / (levels - 1)
    return torch.rand(n, 1, side, side, generator=generator)


def brute(a, b):
    """Distances one pair at a time in float64, (N, M)."""
    a, b = (v.flatten(1).double().numpy() for v in (a, b))
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(2))


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(coverage, "_QUERIES", 7)
    monkeypatch.setattr(coverage, "_REFERENCES", 11)
    monkeypatch.setattr(coverage, "_PAIRS", 5)


@pytest.mark.parametrize("levels", [None, 2, 3])
@pytest.mark.parametrize("side", [1, 2, 5])
def test_nearest_is_brute_force_with_ties_and_over_block_borders(small_blocks, levels, side):
    a, b = random_images(30, 0, side, levels), random_images(40, 1, side, levels)
    away = brute(a, b)
    there, here = coverage.nearest_both(a, b)
    np.testing.assert_allclose(there.distance, away.min(1), rtol=1e-12, atol=0)
    np.testing.assert_array_equal(there.place, away.argmin(1))  # the first of equals
    np.testing.assert_allclose(here.distance, away.min(0), rtol=1e-12, atol=0)
    np.testing.assert_array_equal(here.place, away.argmin(0))
    alone = coverage.nearest(a, b)
    assert torch.equal(alone.distance, there.distance)
    assert torch.equal(alone.place, there.place)


def test_real_images_against_a_tree():
    valid = shapes("test").images[:300]
    made = (valid[torch.arange(500) % 300] * 0.8 + 0.1 * random_images(500, 3, 28)).clamp(0, 1)
    distance, place = cKDTree(made.flatten(1).double()).query(valid.flatten(1).double())
    found = coverage.nearest(valid, made)
    np.testing.assert_allclose(found.distance, distance, rtol=1e-9)
    np.testing.assert_array_equal(found.place, place)


def test_nearly_equal_images_of_great_norm_do_not_cancel():
    a = torch.full((1, 1, 28, 28), 0.9)
    b = a.repeat(3, 1, 1, 1)
    b[0, 0, 0, 0] += 3e-4
    b[1, 0, 0, 0] += 1e-4
    b[2, 0, 0, 0] += 2e-4
    found = coverage.nearest(a, b)
    assert found.place.item() == 1
    step = (b[1, 0, 0, 0].double() - a[0, 0, 0, 0].double()).item()
    assert found.distance.item() == pytest.approx(step, rel=1e-12)
    assert coverage.nearest(a, a).distance.item() == 0


@pytest.mark.parametrize("seed", range(4))
def test_no_nearest_is_lost_to_rounding_on_either_side(small_blocks, seed):
    """Images that nearly agree, of great and of tiny norm: float32 products hide who is nearest."""
    generator = torch.Generator().manual_seed(seed)

    def crowd(n):
        x = 0.9 + 2e-4 * torch.rand(n, 1, 28, 28, generator=generator)
        x[::3] *= 1e-3  # every third is nearly black
        return x

    a, b = crowd(30), crowd(40)
    away = brute(a, b)
    there, here = coverage.nearest_both(a, b)
    np.testing.assert_array_equal(there.place, away.argmin(1))
    np.testing.assert_array_equal(here.place, away.argmin(0))
    np.testing.assert_allclose(there.distance, away.min(1), rtol=1e-9)
    np.testing.assert_allclose(here.distance, away.min(0), rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_far_image_finds_the_nearest_of_a_crowd_whose_own_nearest_is_at_home(small_blocks, seed):
    """Only the far side asks for these pairs, and rounding is larger than the crowd."""
    generator = torch.Generator().manual_seed(seed)
    crowd = 0.9 + 2e-6 * torch.rand(30, 1, 28, 28, generator=generator)
    far = 0.1 + 0.05 * torch.rand(12, 1, 28, 28, generator=generator)
    a, b = crowd, torch.cat([crowd.flip(0), far])
    away = brute(a, b)
    for there, here in (coverage.nearest_both(a, b), coverage.nearest_both(b, a)[::-1]):
        np.testing.assert_array_equal(there.place, away.argmin(1))
        np.testing.assert_array_equal(here.place, away.argmin(0))


@pytest.mark.slow
def test_memory_stays_bounded_while_the_images_grow():
    # In a process of its own: the peak of this one belongs to other tests.
    script = """
import resource, sys, torch
from aeteach.metrics.coverage import nearest
torch.set_num_threads(1)
n, m = int(sys.argv[1]), int(sys.argv[2])
g = torch.Generator().manual_seed(0)
a, b = torch.rand(n, 1, 28, 28, generator=g), torch.rand(m, 1, 28, 28, generator=g)
nearest(a[:600], b[:600])
peaks = []
for part in (b[:600], b[: m // 3], b):
    nearest(a, part)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(peaks[1] - peaks[0], peaks[2] - peaks[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "1500", "15000"], capture_output=True, text=True, check=True
    )
    first, more = (float(v) for v in done.stdout.split())
    # All distances to 5,000 take 30 MB in float32, their intermediate values several times that.
    assert first < 60
    assert more < 30  # the blocks are the same; the 10,000 further images have 60 MB of distances


def test_the_four_numbers_by_hand():
    valid = torch.zeros(4, 1, 1, 4)
    for i in range(4):
        valid[i, 0, 0, i] = 1  # any two are sqrt(2) apart
    made = torch.stack([valid[0], valid[0] * 0.9, valid[1], torch.full((1, 1, 4), 1.0)])
    found = coverage.worth(valid, made, threshold=0.5, smoothing=0.0)
    assert found.coverage == 0.5
    # To image 2 and 3 the nearest are the black part of the others: 0.9 of the first, at
    # sqrt(1.81).
    assert found.mean_distance == pytest.approx((0 + 0 + 2 * math.sqrt(1.81)) / 4, rel=1e-6)
    assert found.valid_share == 0.75  # the last one is sqrt(3) away
    assert found.mean_error == pytest.approx((0 + 0.1 + 0 + math.sqrt(3)) / 4, rel=1e-6)
    assert found.hit == 0.5
    assert math.isinf(found.kl_bits)
    counts = coverage.hits(coverage.nearest(made, valid), 4, threshold=0.5)
    assert counts.tolist() == [2, 1, 0, 0]
    assert coverage.coverage(valid, made, 0.5) == found.coverage
    assert coverage.mean_nearest_distance(valid, made) == found.mean_distance
    assert (found.generated, found.threshold, found.smoothing) == (4, 0.5, 0.0)


def test_a_distance_of_just_the_threshold_is_no_hit_on_either_side():
    valid = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    made = torch.tensor([0.5, 0.75]).view(2, 1, 1, 1)  # 0.5 and 0.25 from their nearest
    found = coverage.worth(valid, made, threshold=0.5)
    assert (found.coverage, found.valid_share, found.hit) == (0.5, 0.5, 0.5)
    assert coverage.coverage(valid, made, 0.5) == 0.5


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(0, 30), st.floats(1e-12, 1)
)
def test_the_kl_is_scipys_over_images_and_misses(counts, misses, smoothing):
    generated = sum(counts) + misses
    if generated == 0:
        return
    tensor = torch.tensor(counts)
    n = len(counts)
    q = (np.array([*counts, misses]) / generated + smoothing) / (1 + (n + 1) * smoothing)
    assert q.sum() == pytest.approx(1)  # normalised, misses and all
    p = np.array([1 / n] * n + [0.0])
    found = coverage.hit_kl(tensor, generated, smoothing=smoothing)
    assert found == pytest.approx(entropy(p, q, base=2), rel=1e-9, abs=1e-12)
    assert found >= -1e-12


def test_the_kl_of_equal_counts_is_0_and_of_half_hit_one_bit():
    assert coverage.hit_kl(torch.full((8,), 3), smoothing=0) == 0
    # Half of what is drawn hits nothing: every q is halved, which costs one bit.
    assert coverage.hit_kl(torch.full((8,), 3), 48, smoothing=0) == pytest.approx(1)
    assert math.isinf(coverage.hit_kl(torch.tensor([1, 0]), smoothing=0))


def test_the_smoothing_decides_what_an_image_without_a_hit_costs():
    counts = torch.tensor([10, 10, 0, 0])
    for smoothing in (1e-4, 1e-8):
        found = coverage.hit_kl(counts, smoothing=smoothing)
        assert found == pytest.approx(0.5 * math.log2(0.25 / smoothing) - 0.5, abs=0.01)


def test_the_ideal_generator_draws_every_image_alike():
    found = coverage.ideal_hit_kl(50, 100, smoothing=1e-3, seed=1)
    # The mean over Binomial(100, 1/50) counts, in closed form.
    k = np.arange(101)
    weights = np.array([math.comb(100, i) * 0.02**i * 0.98 ** (100 - i) for i in k])
    q = (k / 100 + 1e-3) / (1 + 51e-3)
    exact = -(weights * np.log2(50 * q)).sum()
    assert found == pytest.approx(exact, rel=0.1)
    assert coverage.ideal_hit_kl(50, 100, seed=1) == coverage.ideal_hit_kl(50, 100, seed=1)


class Stripes(nn.Module):
    """Decodes a code to an image of 2 pixels; draws noise in forward unless it is told not to."""

    def __init__(self, with_logits=True):
        super().__init__()
        self.with_logits = with_logits
        self.unused = nn.Parameter(torch.zeros(1))
        self.drop = nn.Dropout(0.5)

    def decode(self, z):
        return torch.sigmoid(self.drop(z)).view(-1, 1, 1, 2)

    def forward(self, x):
        logits = 4 * x - 2 + torch.randn(())
        return Output(
            torch.sigmoid(logits), x.flatten(1), logits=logits if self.with_logits else None
        )


def test_generating_is_decoding_seeded_draws_of_the_prior_without_dropout():
    model = Stripes().train()
    made = coverage.generate(model, 5, 2, scale=3.0, seed=4, chunk=2)
    z = 3 * torch.randn(5, 2, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(made, torch.sigmoid(z).view(5, 1, 1, 2))
    assert model.training


def test_the_prior_is_standard_normal_unless_it_is_told():
    made = coverage.generate(Stripes(), 6, 2, seed=1)
    z = torch.randn(6, 2, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(made, torch.sigmoid(z).view(6, 1, 1, 2))


@pytest.mark.parametrize("with_logits", [True, False])
def test_the_reconstruction_in_bits_is_the_cross_entropy(with_logits):
    x = torch.tensor([[0.0, 1.0], [1.0, 1.0]]).view(2, 1, 1, 2)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        shift = torch.randn(()).item()
    chance = 1 / (1 + math.exp(-(2 + shift))), 1 / (1 + math.exp(-(2 - shift)))  # of 1, of 0
    bits = -(3 * math.log2(chance[0]) + math.log2(chance[1])) / 2
    found = coverage.reconstruction_bits(Stripes(with_logits), x, seed=3)
    assert found == pytest.approx(bits, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: coverage.nearest(x, random_images(3, side=4)), ValueError, "one size"),
        (lambda x: coverage.nearest(x * 2, x), ValueError, r"\[0, 1\]"),
        (lambda x: coverage.nearest(x.double(), x), TypeError, "float32"),
        (lambda x: coverage.coverage(x, x, 0.0), ValueError, "threshold is 0.0"),
        (lambda x: coverage.worth(x, x, threshold=-1), ValueError, "threshold is -1"),
        (lambda x: coverage.hits(coverage.nearest(x, x), 2), ValueError, "other way round"),
        (lambda x: coverage.hit_kl(torch.ones(3)), TypeError, "int64"),
        (lambda x: coverage.hit_kl(torch.tensor([2, 2]), 3), ValueError, "3 generated"),
        (lambda x: coverage.hit_kl(torch.tensor([0, 0])), ValueError, "at least 1"),
        (lambda x: coverage.hit_kl(torch.tensor([2, -1])), ValueError, "counts"),
        (lambda x: coverage.hit_kl(torch.tensor([1]), smoothing=-1), ValueError, "smoothing"),
        (lambda x: coverage.generate(Stripes(), 0, 2), ValueError, "n must be at least 1"),
        (lambda x: coverage.generate(Stripes(), 1, 2, scale=0), ValueError, "scale is 0"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(random_images(3))


def test_logits_of_another_likelihood_are_not_read_as_bernoulli_ones():
    model = models.build("vae", size=4, hidden=(5,), likelihood="continuous_bernoulli")
    with pytest.raises(ValueError, match="makes 'continuous_bernoulli'"):
        coverage.reconstruction_bits(model, random_images(3, side=4))
