"""MMD against loops, closed forms and repetition."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aeteach import divergences
from aeteach import mmd as module
from aeteach.divergences import (
    median_distance,
    mmd,
    mmd_normal,
    mmd_with_error,
    witness,
)

KERNELS = {
    "rbf": lambda r2, h: math.exp(-r2 / (2 * h * h)),
    "imq": lambda r2, h: 2 * h * h / (2 * h * h + r2),
}


def draw(n, d=3, seed=0, shift=0.0, sd=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return shift + sd * torch.randn(n, d, generator=generator, dtype=dtype)


def by_loop(x, y, kernel, bandwidths, unbiased):
    """The definition, one pair at a time."""

    def k(a, b):
        r2 = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
        return sum(KERNELS[kernel](r2, h) for h in bandwidths) / len(bandwidths)

    def mean(a, b, skip):
        values = [
            k(p, q) for i, p in enumerate(a) for j, q in enumerate(b) if not (skip and i == j)
        ]
        return sum(values) / len(values)

    x, y = x.tolist(), y.tolist()
    return mean(x, x, unbiased) + mean(y, y, unbiased) - 2 * mean(x, y, False)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("kernel", ["rbf", "imq"])
@pytest.mark.parametrize("bandwidths", [[0.7], [0.3, 1.0, 4.0]])
def test_it_is_what_a_double_loop_finds(kernel, bandwidths, unbiased):
    x, y = draw(17), draw(11, seed=1, shift=0.5)
    found = mmd(x, y, kernel=kernel, bandwidth=bandwidths, unbiased=unbiased, chunk=4)
    assert found.item() == pytest.approx(by_loop(x, y, kernel, bandwidths, unbiased), abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_the_unbiased_estimate_is_right_on_average_and_the_biased_one_too_large(shift):
    d, h, n = 2, 1.0, 40
    zeros = torch.zeros(d, dtype=torch.float64)
    exact = mmd_normal(zeros, zeros, zeros + shift, zeros + 0.5, bandwidth=h).item()
    sd = math.exp(0.25)
    fair, large = (
        torch.stack(
            [
                mmd(draw(n, d, 2 * i), draw(n, d, 2 * i + 1, shift, sd), bandwidth=h, unbiased=u)
                for i in range(200)
            ]
        )
        for u in (True, False)
    )
    assert abs(fair.mean() - exact) < 4 * fair.std() / math.sqrt(200)
    # E k of two points of each, by the same closed form: prod h / sqrt(h^2 + 2 s^2)
    within = [(h**2 / (h**2 + 2 * s**2)) ** (d / 2) for s in (1.0, sd)]
    bias = sum(1 - k for k in within) / n
    assert (large.mean() - fair.mean()).item() == pytest.approx(bias, rel=0.06)


def test_the_closed_form_is_the_integral_in_one_dimension():
    a, s, b, t, h = 0.3, 0.8, -0.5, 1.7, 0.9
    grid = torch.linspace(-12, 12, 1201, dtype=torch.float64)
    step = (grid[1] - grid[0]).item()
    exact = [torch.tensor(v, dtype=torch.float64) for v in (a, s, b, t)]  # plain floats: float32
    p = torch.distributions.Normal(*exact[:2]).log_prob(grid).exp() * step
    q = torch.distributions.Normal(*exact[2:]).log_prob(grid).exp() * step
    k = torch.exp(-((grid[:, None] - grid[None, :]) ** 2) / (2 * h * h))
    integral = (p - q) @ k @ (p - q)
    one = [torch.tensor([v], dtype=torch.float64) for v in (a, 2 * math.log(s), b, 2 * math.log(t))]
    assert mmd_normal(*one, bandwidth=h).item() == pytest.approx(integral.item(), rel=1e-9)
    assert mmd_normal(one[0], one[1], one[0], one[1], bandwidth=h).item() < 1e-15


def test_the_closed_form_of_a_product_of_dimensions():
    mu, log_var = torch.zeros(4, 2), torch.zeros(4, 2)
    assert mmd_normal(mu, log_var, mu + 1, log_var, bandwidth=2.0).shape == (4,)
    with pytest.raises(ValueError, match="shapes differ"):
        mmd_normal(mu, log_var, mu[:1], log_var)


@given(
    st.integers(2, 30),
    st.integers(2, 30),
    st.integers(1, 4),
    st.integers(1, 40),
    st.sampled_from(["rbf", "imq"]),
    st.floats(0.05, 20),
)
def test_symmetry_range_and_chunks(n, m, d, chunk, kernel, bandwidth):
    x, y = draw(n, d), draw(m, d, 1, 0.3)
    options = {"kernel": kernel, "bandwidth": bandwidth}
    fair = mmd(x, y, **options, chunk=chunk)
    assert mmd(y, x, **options).item() == pytest.approx(fair.item(), abs=1e-12)
    cloud = mmd(x, y, **options, unbiased=False, chunk=chunk).item()
    assert -1e-12 <= cloud <= 2
    assert mmd(x, x, **options, unbiased=False).item() == pytest.approx(0, abs=1e-12)
    # Both are the same for every rotation and shift of the space.
    turn = torch.linalg.qr(draw(d, d, 5)).Q
    assert mmd(x @ turn + 3, y @ turn + 3, **options).item() == pytest.approx(
        fair.item(), abs=1e-10
    )


def test_several_bandwidths_are_the_mean_of_each():
    x, y = draw(20), draw(20, seed=1)
    each = [mmd(x, y, bandwidth=h).item() for h in (0.5, 2.0)]
    assert mmd(x, y, bandwidth=(0.5, 2.0)).item() == pytest.approx(sum(each) / 2)


def test_the_median_bandwidth_is_the_median_of_all_distances():
    x, y = draw(15), draw(10, seed=1)
    both = torch.cat([x, y])
    away = torch.cdist(both, both)[torch.triu(torch.ones(25, 25), 1).bool()]
    assert median_distance(x, y) == pytest.approx(away.median().item())
    assert mmd(x, y, bandwidth="median") == mmd(x, y, bandwidth=median_distance(x, y))
    with pytest.raises(ValueError, match="median distance is 0"):
        median_distance(torch.zeros(5, 2), torch.zeros(5, 2))


@pytest.mark.parametrize("chunk", [4, 1000])
def test_gradients_are_those_of_finite_differences_in_every_chunk(chunk):
    x = draw(9, 2).requires_grad_()
    y = draw(7, 2, 1).requires_grad_()
    for kernel in KERNELS:
        torch.autograd.gradcheck(lambda a, b, k=kernel: mmd(a, b, kernel=k, chunk=chunk), (x, y))


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
def test_a_gradient_in_several_chunks_is_that_of_the_same_value_in_one(wanted, unbiased):
    """gradcheck compares a function with itself: here the value is the loop's, too."""
    plain = draw(17), draw(11, seed=1, shift=0.5)
    loop = by_loop(*plain, "rbf", [0.7], unbiased)
    gradients = []
    for chunk in (4, 100):
        x, y = (v.clone().requires_grad_(w) for v, w in zip(plain, wanted, strict=True))
        value = mmd(x, y, bandwidth=0.7, unbiased=unbiased, chunk=chunk)
        assert value.item() == pytest.approx(loop, abs=1e-12)
        value.backward()
        assert ((x.grad is not None), (y.grad is not None)) == wanted
        gradients.append([v.grad for v in (x, y) if v.grad is not None])
    for some, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(some, whole, rtol=1e-10, atol=1e-13)


def test_memory_follows_the_chunk_and_not_the_square(monkeypatch):
    largest = []
    measured = module._squared_distances

    def watch(a, b):
        largest.append(len(a) * len(b))
        return measured(a, b)

    monkeypatch.setattr(module, "_squared_distances", watch)
    x = draw(300).requires_grad_()
    mmd(x, draw(200, seed=1), chunk=50).backward()
    assert max(largest) == 50 * 300
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
def test_the_graph_keeps_chunks_and_not_the_square_whichever_side_is_trained(wanted):
    x, y = (draw(n, seed=n).requires_grad_(w) for n, w in zip((300, 200), wanted, strict=True))
    kept = []

    def keep(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        value = mmd(x, y, chunk=50)
    assert sum(kept) < 300 * 200 / 2  # the matrix of all pairs is nowhere kept
    value.backward()


def test_single_precision_agrees_with_double_far_from_the_origin():
    x, y = draw(50, shift=100.0), draw(50, seed=1, shift=100.5)
    exact = mmd(x, y).item()
    assert mmd(x.float(), y.float()).item() == pytest.approx(exact, abs=1e-4)


def test_the_witness_is_the_difference_of_two_means_and_gives_back_the_mmd():
    x, y, points = draw(12, 2), draw(9, 2, 1, 1.0), draw(5, 2, 2)
    found = witness(points, x, y, kernel="imq", bandwidth=1.5, chunk=2)
    for t, value in zip(points.tolist(), found.tolist(), strict=True):
        means = [
            sum(KERNELS["imq"](math.dist(t, p) ** 2, 1.5) for p in some.tolist()) / len(some)
            for some in (x, y)
        ]
        assert value == pytest.approx(means[0] - means[1], abs=1e-12)
    between = witness(x, x, y).mean() - witness(y, x, y).mean()
    assert between.item() == pytest.approx(mmd(x, y, unbiased=False).item(), abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_the_standard_error_is_the_spread_over_repetitions(shift):
    found = [mmd_with_error(draw(60, 2, 2 * i), draw(60, 2, 2 * i + 1, shift)) for i in range(400)]
    estimates = torch.stack([f.estimate for f in found])
    errors = torch.stack([f.standard_error for f in found])
    assert (errors**2).mean().sqrt().item() == pytest.approx(estimates.std().item(), rel=0.15)
    mu = torch.zeros(2, dtype=torch.float64)
    exact = mmd_normal(mu, mu, mu + shift, mu).item()
    assert abs(estimates.mean().item() - exact) < 4 * estimates.std().item() / 20


def test_the_estimate_with_an_error_is_the_loop_without_the_pairs_of_one_index():
    x, y = draw(8), draw(8, seed=1)
    found = mmd_with_error(x, y, bandwidth=0.8, chunk=3).estimate
    k = KERNELS["rbf"]
    total = 0.0
    for i in range(8):
        for j in range(8):
            if i != j:
                pairs = ((x, x, 1), (y, y, 1), (x, y, -1), (y, x, -1))
                total += sum(
                    s * k(math.dist(a[i].tolist(), b[j].tolist()) ** 2, 0.8) for a, b, s in pairs
                )
    assert found.item() == pytest.approx(total / 56, abs=1e-12)
    with pytest.raises(ValueError, match="one size"):
        mmd_with_error(x, y[:5])


def test_an_error_needs_four_points_and_takes_four():
    with pytest.raises(ValueError, match="N >= 4"):
        mmd_with_error(draw(3), draw(3, seed=1))
    assert mmd_with_error(draw(4), draw(4, seed=1)).standard_error.isfinite()


def test_sums_of_single_precision_are_in_double_precision():
    x, y = draw(5000, 1, dtype=torch.float32), draw(5000, 1, 1, dtype=torch.float32)
    found = mmd_with_error(x, y, bandwidth=3.0)
    assert found.estimate.dtype == found.standard_error.dtype == torch.float64
    exact = mmd_with_error(x.double(), y.double(), bandwidth=3.0)
    # float32 rounds each of the 5,000 terms of a row; their float64 sum does not add to that.
    assert found.estimate.item() == pytest.approx(exact.estimate.item(), abs=2e-9)


def test_nan_is_refused_and_comes_through_only_from_a_graph():
    x = draw(5)
    x[0, 0] = math.nan
    with pytest.raises(ValueError, match="x must be finite, 1 of its 15"):
        mmd(x, draw(5, seed=1))
    made = draw(5).requires_grad_() * x  # as a model that diverges makes it
    assert mmd(made, draw(5, seed=1)).isnan()


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_clusters_far_apart_and_far_from_0_are_measured_as_they_lie(offset, dtype):
    """The product |a|^2 - 2 a.b + |b|^2 is off by 1e-7 |a|^2, which is more than a bandwidth."""
    clusters = torch.tensor([-offset, 3 * offset]).repeat(8)[:, None]
    x, y = ((draw(16, 2, s).to(dtype) + clusters).to(dtype) for s in (0, 1))
    near = mmd(x.double(), y.double()).item()
    assert near == pytest.approx(by_loop(x, y, "rbf", [1.0], True), abs=1e-12)
    assert mmd(x, y).item() == pytest.approx(near, abs=1e-5)
    found = mmd_with_error(x, y)
    exact = mmd_with_error(x.double(), y.double())
    assert found.estimate.item() == pytest.approx(exact.estimate.item(), abs=1e-5)
    assert found.standard_error.item() == pytest.approx(exact.standard_error.item(), rel=1e-3)
    w = witness(x, x, y)
    direct = [
        sum(KERNELS["rbf"](math.dist(t, p) ** 2, 1.0) for p in x.tolist()) / 16
        - sum(KERNELS["rbf"](math.dist(t, p) ** 2, 1.0) for p in y.tolist()) / 16
        for t in x.tolist()
    ]
    assert w.tolist() == pytest.approx(direct, abs=1e-5)


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_the_variance_is_right_on_average_over_all_samples_there_are(kernel):
    """Of five pairs all 625 samples of four, drawn with replacement: both sides are exact."""
    pairs = draw(5, 2, 3)
    u, v = (pairs * 2).T  # x and y of each pair on a line

    def h(i, j):
        gaps = (u[i] - u[j], v[i] - v[j], u[i] - v[j], u[j] - v[i])
        a, b, c, d = (KERNELS[kernel](float(gap) ** 2, 0.7) for gap in gaps)
        return a + b - c - d

    table = torch.tensor([[h(i, j) for j in range(5)] for i in range(5)], dtype=torch.float64)
    estimates, variances = [], []
    for sample in itertools.product(range(5), repeat=4):
        rows = torch.tensor(sample)
        some = table[rows][:, rows].clone().fill_diagonal_(0)
        means = some.sum(1) / 3
        estimate = means.mean()
        spread = (some**2).sum() / 12 - estimate**2
        estimates.append(estimate)
        variances.append(module._variance(means, spread))
    exact = torch.stack(estimates).var(correction=0).item()
    assert torch.stack(variances).mean().item() == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": torch.zeros(3)}, ValueError, r"x has shape \(3,\).*flatten"),
        ({"x": torch.zeros(1, 3)}, ValueError, "N >= 2"),
        ({"y": torch.zeros(4, 2)}, ValueError, "one space, dtype and device"),
        ({"y": torch.zeros(4, 3, dtype=torch.float64)}, ValueError, "one space, dtype and device"),
        ({"x": torch.zeros(4, 3, dtype=torch.int64)}, TypeError, "float32 or float64"),
        ({"x": [[1.0]]}, TypeError, "got list"),
        ({"kernel": "linear"}, ValueError, "expected one of 'rbf', 'imq'"),
        ({"bandwidth": 0.0}, ValueError, "bandwidth is 0.*from 1e-15 to"),
        ({"bandwidth": []}, ValueError, "bandwidth is empty"),
        ({"bandwidth": "mean"}, ValueError, "'median'"),
        ({"bandwidth": math.inf}, ValueError, "bandwidth is inf"),
        ({"chunk": 0}, ValueError, "chunk must be at least 1, got 0"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    good = {"x": torch.zeros(4, 3), "y": torch.ones(4, 3)}
    with pytest.raises(error, match=message):
        mmd(**(good | change))


def test_divergences_has_all_of_it():
    for name in ("mmd", "mmd_normal", "mmd_with_error", "witness", "median_distance"):
        assert getattr(divergences, name) is getattr(module, name)
        assert name in divergences.__all__
