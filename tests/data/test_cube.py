import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aeteach.data import cube, surface_distance

N = 60_000


def faces(points):
    """Return which of the six faces each point lies on; every point must lie on exactly one."""
    on = torch.stack([points[:, axis] == end for axis in range(3) for end in (0.0, 1.0)], 1)
    assert (on.sum(1) == 1).all()
    return on.int().argmax(1)


def p_two_sided(statistic, df):
    """Return how extreme a chi-square is: too even counts as much as too uneven."""
    below = stats.chi2.cdf(statistic, df)
    return 2 * min(below, 1 - below)


def chi_square(counts):
    expected = counts.sum() / counts.numel()
    return float(((counts - expected) ** 2 / expected).sum())


def test_shape_type_and_range():
    points = cube(7, seed=0)
    assert points.shape == (7, 3)
    assert points.dtype == torch.float32
    assert cube(1).shape == (1, 3)


@pytest.mark.parametrize("seed", range(5))
def test_every_point_is_exactly_on_the_surface(seed):
    points = cube(N, seed)
    assert points.min() == 0
    assert points.max() == 1
    faces(points)


@pytest.mark.parametrize("seed", range(5))
def test_faces_are_equally_likely_and_their_counts_random(seed):
    counts = faces(cube(N, seed)).bincount(minlength=6).double()
    assert p_two_sided(chi_square(counts), 5) > 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_points_are_uniform_within_each_face(seed):
    points = cube(N, seed)
    face = faces(points)
    bins = 10
    total = 0.0
    for k in range(6):
        axes = [axis for axis in range(3) if axis != k // 2]
        cell = (points[face == k][:, axes] * bins).long()
        counts = (cell[:, 0] * bins + cell[:, 1]).bincount(minlength=bins**2).double()
        total += chi_square(counts)
    assert p_two_sided(total, 6 * (bins**2 - 1)) > 1e-3


def test_face_counts_vary_between_seeds_as_a_multinomial_does():
    n, draws = 600, 2000
    counts = torch.stack([faces(cube(n, seed)).bincount(minlength=6) for seed in range(draws)])
    # One face's count is binomial: variance n/6 * 5/6. A fixed count would have variance 0.
    variance = n / 6 * 5 / 6
    assert counts.double().var(0).tolist() == pytest.approx([variance] * 6, rel=0.15)
    assert counts.double().mean(0).tolist() == pytest.approx([n / 6] * 6, abs=1)


def test_moments_are_those_of_the_surface():
    # A coordinate is 0 or 1 with probability 1/3, else uniform: mean 1/2, variance
    # 1/3 * 1/4 + 2/3 * 1/12 = 5/36. Coordinates are uncorrelated by symmetry.
    points = cube(N, 0).double()
    assert points.mean(0).tolist() == pytest.approx([0.5] * 3, abs=0.006)
    covariance = torch.cov(points.T)
    assert covariance.diagonal().tolist() == pytest.approx([5 / 36] * 3, abs=0.002)
    assert (covariance - covariance.diagonal().diag()).abs().max() < 0.003


def test_same_seed_same_points():
    assert torch.equal(cube(100, 1), cube(100, 1))
    assert not torch.equal(cube(100, 1), cube(100, 2))


def test_the_global_random_state_is_neither_used_nor_changed():
    torch.manual_seed(0)
    first = cube(10, 5)
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(first, cube(10, 5))
    torch.set_rng_state(state)
    cube(10, 5)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_generator_is_advanced():
    generator = torch.Generator().manual_seed(3)
    first, second = cube(50, generator), cube(50, generator)
    assert torch.equal(first, cube(50, 3))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("n", [0, -1])
def test_too_few_points_are_refused(n):
    with pytest.raises(ValueError, match=f"n must be at least 1, got {n}"):
        cube(n)


@pytest.mark.parametrize("n", [3.0, True, "3", None])
def test_n_must_be_a_whole_number(n):
    with pytest.raises(TypeError, match="n must be a whole number"):
        cube(n)


@pytest.mark.parametrize("seed", [1.5, False, None])
def test_the_seed_must_be_a_whole_number(seed):
    with pytest.raises(TypeError, match="seed must be a whole number"):
        cube(3, seed)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be at "):
        cube(3, seed)


def test_points_of_the_cube_lie_on_its_surface():
    assert surface_distance(cube(1000)).max() == 0


def test_distances_one_can_see():
    points = torch.tensor(
        [[0.5, 0.5, 0.5], [0.5, 0.5, 0.9], [0.5, 0.5, 1.3], [2.0, 2.0, 0.5], [-1.0, -2.0, 3.0]]
    )
    expected = torch.tensor([0.5, 0.1, 0.3, 2**0.5, 3.0])
    torch.testing.assert_close(surface_distance(points), expected)


@given(st.lists(st.floats(-2, 3), min_size=3, max_size=3))
def test_no_point_of_a_fine_grid_on_the_surface_is_nearer(point):
    side = np.linspace(0, 1, 41)
    u, v = (g.ravel() for g in np.meshgrid(side, side))
    grid = np.concatenate(
        [np.insert(np.stack([u, v], 1), axis, end, axis=1) for axis in range(3) for end in (0, 1)]
    )
    nearest = np.linalg.norm(grid - np.array(point), axis=1).min()
    found = surface_distance(torch.tensor([point], dtype=torch.float64)).item()
    assert found <= nearest + 1e-9
    assert nearest - found <= 0.025 * 2**0.5 / 2 + 1e-9  # half a diagonal of the grid


def test_what_is_no_point_is_refused():
    with pytest.raises(ValueError, match="points must be"):
        surface_distance(torch.zeros(4, 2))
    with pytest.raises(ValueError, match="finite"):
        surface_distance(torch.tensor([[0.0, 0.0, float("nan")]]))
