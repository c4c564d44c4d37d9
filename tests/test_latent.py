import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import KDTree
from torch.testing import assert_close

from aeteach.latent import (
    bounds,
    class_medians,
    class_quartiles,
    grid,
    interpolate,
    nearest_code,
)


def codes(n=57, d=3, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) * 5 + 2


def labelled(n=57, classes=10, seed=0):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order % classes


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0])
def test_bounds_are_numpys_quantiles(share):
    z = codes()
    low, high = bounds(z, share)
    ends = np.quantile(z.numpy(), [(1 - share) / 2, (1 + share) / 2], axis=0)
    assert_close(torch.stack([low, high]).double(), torch.tensor(ends), rtol=1e-5, atol=1e-5)


def test_bounds_hold_the_share_they_promise_and_ignore_a_stray_code():
    z = torch.cat([codes(1000), torch.full((1, 3), 1e4)])
    low, high = bounds(z, 0.9)
    assert ((z >= low) & (z <= high)).float().mean(0).tolist() == pytest.approx([0.9] * 3, abs=2e-3)
    assert high.max() < 50


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match=r"share is .*; expected a number above 0, at most 1"):
        bounds(codes(), share)


# ---------------------------------------------------------------- grid


@given(
    n=st.integers(2, 15),
    low=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    size=st.tuples(st.floats(0.5, 50), st.floats(0.5, 50)),
)
def test_a_grid_is_numpys_meshgrid_with_the_top_first(n, low, size):
    high = (low[0] + size[0], low[1] + size[1])
    points = grid(n, low, high)
    across, up = np.meshgrid(np.linspace(low[0], high[0], n), np.linspace(low[1], high[1], n))
    expected = np.stack([across, up[::-1]], axis=-1).reshape(-1, 2)
    assert points.shape == (n * n, 2)
    np.testing.assert_allclose(points.numpy(), expected, atol=1e-4)


def test_a_grid_is_in_reading_order_and_reaches_its_ends():
    points = grid(3, -1, 1)
    assert points.tolist() == [
        [-1, 1], [0, 1], [1, 1],
        [-1, 0], [0, 0], [1, 0],
        [-1, -1], [0, -1], [1, -1],
    ]  # fmt: skip
    assert points.dtype == torch.float32


def test_ends_may_be_numbers_lists_or_tensors():
    assert_close(grid(4, -2, 2), grid(4, [-2, -2], torch.tensor([2.0, 2.0])))


def test_an_axis_from_3_to_3_is_refused_with_the_reason():
    with pytest.raises(
        ValueError,
        match=r"the first axis goes from 3 to 3; .* repeated 12 times: did you mean -3 to 3",
    ):
        grid(12, 3, 3)
    with pytest.raises(ValueError, match=r"the second axis goes from 3 to -3"):
        grid(12, (-3, 3), (3, -3))


@pytest.mark.parametrize("low", [float("nan"), -float("inf"), [0, 1, 2]])
def test_ends_that_are_none_are_refused(low):
    with pytest.raises(ValueError, match=r"low (is|holds) .* expected one finite number"):
        grid(3, low, 5)


def test_a_grid_needs_two_points_an_axis():
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        grid(1, 0, 1)
    with pytest.raises(TypeError, match="whole number"):
        grid(3.0, 0, 1)


# ---------------------------------------------------------------- medians


def test_medians_and_quartiles_are_numpys_class_by_class():
    z, labels = codes(), labelled()
    spread = class_quartiles(z, labels)
    sizes = {int((labels == c).sum()) % 2 for c in range(10)}
    assert sizes == {0, 1}  # even and odd numbers of codes
    for c in range(10):
        own = z[labels == c].numpy()
        for got, q in zip(spread, (25, 50, 75), strict=True):
            np.testing.assert_allclose(got[c], np.percentile(own, q, axis=0), rtol=1e-5)
        np.testing.assert_allclose(class_medians(z, labels)[c], np.median(own, axis=0), rtol=1e-5)


def test_a_median_ignores_how_far_a_stray_code_is():
    z, labels = codes(60), torch.arange(60) % 10
    far = z.clone()
    for c in range(10):
        own = (labels == c).nonzero().flatten()
        top = own[z[own, 0].argmax()]
        far[top, 0] = 1e6
    assert_close(class_medians(far, labels), class_medians(z, labels))


def test_medians_move_and_stretch_with_the_codes():
    z, labels = codes(), labelled()
    assert_close(class_medians(-3 * z + 7, labels), -3 * class_medians(z, labels) + 7)


def test_a_class_without_a_code_is_named():
    labels = labelled()
    labels[labels == 4] = 5
    with pytest.raises(ValueError, match="no code belongs to class 4"):
        class_medians(codes(), labels)


def test_other_numbers_of_classes():
    z = torch.tensor([[1.0], [2.0], [10.0], [30.0]])
    assert class_medians(z, torch.tensor([0, 0, 1, 1]), 2).tolist() == [[1.5], [20.0]]
    with pytest.raises(ValueError, match="from 0 to 1"):
        class_medians(z, torch.tensor([0, 0, 1, 2]), 2)


def test_labels_must_fit_the_codes():
    with pytest.raises(ValueError, match="one label for each"):
        class_medians(codes(), labelled()[:-1])


# ---------------------------------------------------------------- lines


@given(n=st.integers(2, 40))
def test_a_line_is_torchs_lerp_and_keeps_its_ends(n):
    a, b = codes(2)
    steps = interpolate(a, b, n)
    assert_close(steps, torch.stack([torch.lerp(a, b, i / (n - 1)) for i in range(n)]))
    assert torch.equal(steps[0], a)
    assert torch.equal(steps[-1], b)


def test_images_interpolate_too():
    a, b = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    steps = interpolate(a, b, 5)
    assert steps.shape == (5, 1, 4, 4)
    assert steps.mean((1, 2, 3)).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_ends_of_different_spaces_are_refused():
    with pytest.raises(ValueError, match=r"a has shape \(2,\) and b \(3,\)"):
        interpolate(torch.zeros(2), torch.zeros(3), 4)
    with pytest.raises(TypeError, match=r"b must be floating point.*got torch\.int64"):
        interpolate(torch.zeros(2), torch.zeros(2).long(), 4)
    with pytest.raises(ValueError, match="n must be at least 2"):
        interpolate(torch.zeros(2), torch.ones(2), 1)


# ---------------------------------------------------------------- distances


@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_nearest_code_is_the_one_a_tree_finds(d):
    z, points = codes(500, d), codes(2300, d, seed=1)  # more points than are taken at once
    distance, found = nearest_code(points, z)
    expected, place = KDTree(z.double().numpy()).query(points.double().numpy())
    np.testing.assert_allclose(distance, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        (points - z[found]).norm(dim=1), (points - z[place]).norm(dim=1), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_nearest_code_is_the_one_of_brute_force_however_far_from_0(offset, dtype):
    z, points = ((codes(60, 2, s) + offset).to(dtype) for s in (0, 1))
    away = (points.double()[:, None] - z.double()[None]).norm(dim=2)
    distance, found = nearest_code(points, z)
    assert torch.equal(found, away.argmin(1))
    assert_close(distance.double(), away.amin(1), rtol=1e-5, atol=1e-6)


def test_codes_far_from_0_are_told_apart():
    z = torch.tensor([[5000.0, 0.0], [5000.01, 0.0]])
    distance, found = nearest_code(z, z)
    assert distance.tolist() == [0, 0]
    assert found.tolist() == [0, 1]


def test_points_and_codes_must_share_their_dimensions():
    with pytest.raises(ValueError, match=r"points must be \(N, 3\), got \(5, 2\)"):
        nearest_code(torch.zeros(5, 2), codes())
    with pytest.raises(TypeError, match="z must be"):
        nearest_code(torch.zeros(5, 2), [[1.0, 2.0]])
