import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from torch.distributions import (
    Categorical,
    Distribution,
    Exponential,
    Gamma,
    Independent,
    MixtureSameFamily,
    Normal,
    Uniform,
    kl_divergence,
)

from aeteach.divergences import (
    cross_entropy,
    entropy,
    kl,
    kl_monte_carlo,
    kl_normal,
    kl_to_standard_normal,
    nats_to_bits,
    surprise,
)
from tests.independent import agree

COIN = [0.5, 0.5]
BENT = [0.7, 0.3]

# The largest whole log_var whose exp is a number of the dtype: log(3.4e38), log(1.8e308).
LARGEST = {torch.float32: 88.0, torch.float64: 709.0}


def distributions(n, k, seed, concentration=1.0):
    generator = np.random.default_rng(seed)
    return torch.as_tensor(generator.dirichlet([concentration] * k, size=n))


def normals(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, n, d, generator=generator, dtype=torch.float64).mul(2).unbind(0)


def density(mu, log_var):
    return Independent(Normal(mu, torch.exp(log_var / 2)), 1)


# --- discrete distributions ---


def test_the_coin():
    assert float(kl(COIN, BENT)) == pytest.approx(0.0872, abs=5e-5)
    assert float(kl(COIN, BENT, base=2)) == pytest.approx(0.1258, abs=5e-5)
    assert math.floor(1e4 * float(kl(COIN, BENT, base=10))) == 378  # as printed, cut off
    agree("coin", kl(COIN, BENT), math.log(0.5 / math.sqrt(0.7 * 0.3)))


def test_surprise_has_its_four_properties():
    p, q = torch.tensor([0.9, 0.5, 1 / 6, 1e-8]).double(), torch.tensor([0.1, 0.5, 1, 0.3]).double()
    assert surprise(1.0) == 0  # what is certain does not surprise
    assert str(float(surprise(1.0))) == "0.0"  # and is not -0.0
    assert (surprise(p).diff() > 0).all()  # the rarer, the more surprising
    assert surprise(0.0) == math.inf  # without bound
    agree("independent outcomes add up", surprise(p * q), surprise(p) + surprise(q))


def test_a_lottery_ticket_in_bits():
    agree("1 in 2^20", surprise(2.0**-20, base=2), 20.0)


@pytest.mark.parametrize("base", [math.e, 2, 10, 0.5])
def test_discrete_formulas_against_scipy_and_torch(base):
    p, q = distributions(500, 7, seed=1), distributions(500, 7, seed=2)
    agree("entropy, scipy", entropy(p, base=base), stats.entropy(p, axis=1, base=base))
    agree("kl, scipy", kl(p, q, base=base), stats.entropy(p, q, axis=1, base=base))
    scale = math.log(base)
    agree("entropy, torch", entropy(p, base=base), Categorical(p).entropy() / scale)
    torch_kl = kl_divergence(Categorical(p), Categorical(q))
    agree("kl, torch", kl(p, q, base=base), torch_kl / scale, within=1e-9)  # theirs loses digits
    cross = special.rel_entr(p.numpy(), q.numpy()).sum(-1) + special.entr(p.numpy()).sum(-1)
    agree("cross-entropy, scipy", cross_entropy(p, q, base=base), cross / scale)


def test_kl_is_cross_entropy_less_entropy():
    p, q = distributions(500, 5, seed=3), distributions(500, 5, seed=4)
    agree("H(P,Q) - H(P)", cross_entropy(p, q) - entropy(p), kl(p, q))


def test_zeros_are_read_as_the_definition_says():
    assert entropy([1.0, 0.0]) == 0
    assert str(float(entropy([1.0]))) == "0.0"  # not -0.0
    assert cross_entropy([1.0, 0.0], [1.0, 0.0]) == 0
    assert kl([1.0, 0.0], [1.0, 0.0]) == 0
    agree("never under P", kl([1.0, 0.0], [0.5, 0.5]), math.log(2))
    assert kl([0.5, 0.5], [1.0, 0.0]) == math.inf  # Q rules out what happens
    assert cross_entropy([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert kl([0.5, 0.5], [1.0, 0.0], base=2) == math.inf
    rows = kl([[0.5, 0.5], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])
    assert rows.tolist() == [math.inf, 0]


def test_a_subnormal_probability_is_no_zero():
    tiny = 5e-324
    assert float(kl([1.0, 0.0], [tiny, 1.0])) == pytest.approx(-math.log(tiny))
    assert float(cross_entropy([0.0, 1.0], [1.0, tiny], base=2)) == pytest.approx(1074)


def test_kl_is_not_negative_and_0_at_equality():
    pairs = []

    @settings(max_examples=200, deadline=None)
    @given(
        st.integers(0, 2**32 - 1),
        st.integers(2, 30),
        st.sampled_from([0.02, 0.3, 1.0, 50.0]),
        st.sampled_from([None, 1e-15, 1e-9, 1e-3]),
        st.sampled_from([torch.float32, torch.float64]),
    )
    def check(seed, k, concentration, nearness, dtype):
        p = distributions(50, k, seed, concentration).to(dtype)
        q = distributions(50, k, seed + 1, concentration).to(dtype)
        if nearness is not None:  # nearly equal, where rounding could turn the sign
            q = p * (1 + nearness * (q - 0.5))
            q = q / q.sum(-1, keepdim=True)
        assert (kl(p, q) >= 0).all()
        assert (kl(p, p) == 0).all()
        assert (entropy(p) >= 0).all()
        assert (entropy(p) <= math.log(k) * (1 + 1e-6)).all()
        slack = 1e-4 if dtype == torch.float32 else 1e-12
        assert (cross_entropy(p, q) >= entropy(p) - slack).all()
        pairs.append(len(p))

    check()
    print(f"{sum(pairs):,} pairs")
    assert sum(pairs) >= 10_000


def test_kl_is_not_symmetric():
    assert float(kl(COIN, BENT)) != pytest.approx(float(kl(BENT, COIN)), rel=1e-2)


def test_gradients_of_discrete_formulas():
    generator = torch.Generator().manual_seed(5)
    a, b = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
    for formula in (kl, cross_entropy):
        assert torch.autograd.gradcheck(
            lambda u, v, f=formula: f(u.softmax(-1), v.softmax(-1)), (a, b)
        )
    assert torch.autograd.gradcheck(lambda u: entropy(u.softmax(-1)), (a,))
    assert torch.autograd.gradcheck(lambda u: surprise(u.sigmoid(), base=2), (a,))


def test_gradients_stay_finite_where_an_outcome_never_happens():
    p = torch.tensor([0.25, 0.75, 0.0], requires_grad=True)
    q = torch.tensor([0.5, 0.5, 0.0], requires_grad=True)
    (kl(p, q) + entropy(p) + cross_entropy(p, q)).backward()
    assert p.grad.isfinite().all()
    assert torch.allclose(q.grad, torch.tensor([-1.0, -3.0, 0.0]))  # -2 p/q, and 0 for 0/0
    sure = torch.tensor([1.0], requires_grad=True)
    surprise(sure).sum().backward()
    assert sure.grad == -1  # d(-log p)/dp = -1/p, at p = 1 as well


def test_lists_arrays_and_tensors_keep_their_precision():
    assert kl(COIN, BENT).dtype == torch.float64
    for dtype in (torch.float32, torch.float64):
        array = torch.tensor(COIN, dtype=dtype).numpy()
        assert entropy(array).dtype == dtype
        assert entropy(torch.as_tensor(array)).dtype == dtype
    assert entropy(distributions(6, 4, seed=1).reshape(2, 3, 4)).shape == (2, 3)
    assert surprise([[0.1, 0.2]]).shape == (1, 2)


@pytest.mark.parametrize(
    ("p", "says"),
    [
        ([0.7, 0.7], r"sum farthest from 1 is 1\.4; .*divide counts by their sum"),
        ([0.333, 0.333, 0.333], r"sum farthest from 1 is 0\.999"),
        ([-0.1, 1.1], r"smallest entry -0\.1"),
        ([0.5, math.nan, 0.5], "nan"),
        ([[0.5, 0.5], [0.5, math.nan]], "nan"),
        ([1.0, math.inf], "inf"),
        ([math.inf, -math.inf], "-inf"),
        ([], "empty"),
        (torch.zeros(0, 3), r"empty, \(0, 3\)"),
        ([3, 1], "int64.*counts"),
        (np.array([1, 0]), "int64.*counts"),
        (torch.tensor([True, False]), "torch.bool"),
        (torch.tensor([0.5, 0.5]).half(), r"float16.*p\.float\(\)"),
        (torch.tensor([0.5, 0.5], dtype=torch.complex64), "complex64"),
        (0.5, r"single number 0\.5.*\[p, 1 - p\]"),
        ([[0.5, 0.5], [1.0]], "cannot become a tensor.*rectangular"),
        ("coin", "'coin'; expected numbers"),
        (None, "None; expected numbers"),
        (torch.tensor([0.5, 0.5 + 1e-4]), "within 1e-05"),
        (torch.tensor([0.5, 0.5 + 1e-7]).double(), "within 1e-08"),
    ],
)
def test_what_is_no_distribution_is_refused(p, says):
    with pytest.raises((TypeError, ValueError), match=f"(?s)^p .*{says}"):
        entropy(p)
    with pytest.raises((TypeError, ValueError), match=f"(?s)^p .*{says}"):
        kl(p, COIN)
    with pytest.raises((TypeError, ValueError), match=r"^(q |shapes differ)"):
        cross_entropy(COIN, p)


@pytest.mark.parametrize("p", [1.5, -0.5, math.nan, [0.5, 2.0]])
def test_what_is_no_probability_does_not_surprise(p):
    with pytest.raises(ValueError, match=r"^p must be probabilities in \[0, 1\].*softmax"):
        surprise(p)


@pytest.mark.parametrize("q", [[0.2, 0.3, 0.5], [BENT], [BENT, BENT]])
def test_shapes_are_never_broadcast(q):
    for formula in (kl, cross_entropy):
        with pytest.raises(ValueError, match=r"shapes differ: p \(2,\), q .*expand_as"):
            formula(COIN, q)


@pytest.mark.parametrize("base", [1, 0, -2, math.inf, math.nan])
def test_a_base_that_makes_no_logarithm_is_refused(base):
    with pytest.raises(ValueError, match=r"^base is .*expected a finite number above 0, not 1"):
        surprise(0.5, base=base)
    with pytest.raises(ValueError, match=r"^base is "):
        kl_to_standard_normal([0.0], [0.0], base=base)


def test_nats_to_bits():
    assert nats_to_bits(math.log(2)) == 1
    agree("bits", nats_to_bits(kl(COIN, BENT)), kl(COIN, BENT, base=2))


# --- normal distributions ---


def test_normal_kl_against_torch():
    mu_q, log_var_q, mu_p, log_var_p = normals(1000, 6, seed=6)
    theirs = kl_divergence(density(mu_q, log_var_q), density(mu_p, log_var_p))
    agree("kl_normal, torch", kl_normal(mu_q, log_var_q, mu_p, log_var_p), theirs)
    prior = density(torch.zeros_like(mu_q), torch.zeros_like(mu_q))
    theirs = kl_divergence(density(mu_q, log_var_q), prior)
    agree("kl_to_standard_normal, torch", kl_to_standard_normal(mu_q, log_var_q), theirs)


def integrated_kl(mu_q, log_var_q, mu_p, log_var_p):
    """KL as the integral that defines it, over 14 standard deviations to each side."""

    def log_density(z, mu, log_var):
        return -(log_var + math.log(2 * math.pi) + (z - mu) ** 2 / math.exp(log_var)) / 2

    def integrand(z):
        log_q = log_density(z, mu_q, log_var_q)
        return math.exp(log_q) * (log_q - log_density(z, mu_p, log_var_p))

    reach = 14 * math.exp(log_var_q / 2)
    ends = mu_q - reach, mu_q + reach
    return integrate.quad(integrand, *ends, epsabs=0, epsrel=1e-13, limit=400, points=[mu_q])[0]


def test_normal_kl_against_numerical_integration():
    arguments = [v.reshape(-1) / 2 for v in normals(100, 1, seed=7)]
    theirs = [integrated_kl(*map(float, row)) for row in zip(*arguments, strict=True)]
    ours = kl_normal(*(v[:, None] for v in arguments))
    agree("kl_normal, integral", ours, theirs)
    theirs = [integrated_kl(float(m), float(v), 0, 0) for m, v in zip(*arguments[:2], strict=True)]
    ours = kl_to_standard_normal(*(v[:, None] for v in arguments[:2]))
    agree("kl_to_standard_normal, integral", ours, theirs)


def test_the_standard_normal_is_a_special_case():
    mu, log_var, *_ = normals(300, 4, seed=8)
    zero = torch.zeros_like(mu)
    agree("p = N(0, I)", kl_normal(mu, log_var, zero, zero), kl_to_standard_normal(mu, log_var))


def test_dimensions_add_up_and_bits_are_bits():
    mu, log_var, mu_p, log_var_p = normals(10, 3, seed=9)
    for formula, arguments in (
        (kl_to_standard_normal, (mu, log_var)),
        (kl_normal, (mu, log_var, mu_p, log_var_p)),
    ):
        terms = formula(*arguments, per_dimension=True)
        assert terms.shape == (10, 3)
        assert formula(*arguments).shape == (10,)
        agree("sum", terms.sum(-1), formula(*arguments))
        agree("bits", formula(*arguments, base=2), nats_to_bits(formula(*arguments)))
    assert kl_to_standard_normal(mu[0], log_var[0]).shape == ()
    agree("one number", kl_to_standard_normal(1.0, 0.0), 0.5)


def test_normal_kl_is_not_negative_and_0_at_equality():
    pairs = []

    @settings(max_examples=100, deadline=None)
    @given(
        st.integers(0, 2**32 - 1),
        st.sampled_from([0.0, 1e-12, 1e-6, 0.1, 3.0, 30.0]),
        st.sampled_from([torch.float32, torch.float64]),
    )
    def check(seed, scale, dtype):
        generator = torch.Generator().manual_seed(seed)
        mu, log_var = torch.randn(2, 100, 5, generator=generator, dtype=dtype)
        change = scale * torch.randn(2, 100, 5, generator=generator, dtype=dtype)
        assert (kl_normal(mu, log_var, mu + change[0], log_var + change[1]) >= 0).all()
        assert (kl_normal(mu, log_var, mu, log_var) == 0).all()
        assert (kl_to_standard_normal(scale * mu, scale * log_var) >= 0).all()
        pairs.append(len(mu))

    check()
    print(f"{sum(pairs):,} pairs")
    assert sum(pairs) >= 10_000
    assert (kl_to_standard_normal(torch.zeros(3, 2), torch.zeros(3, 2)) == 0).all()


@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 2e-6), (torch.float64, 1e-14)])
def test_no_digits_are_lost_near_the_prior(dtype, within):
    sizes = np.concatenate([np.logspace(-15, 1.9, 300), np.linspace(0.05, 0.2, 101)])
    log_var = torch.as_tensor(np.concatenate([sizes, -sizes])).to(dtype)
    ours = kl_to_standard_normal(torch.zeros_like(log_var), log_var, per_dimension=True)
    with mpmath.workdps(80):
        exact = [float((mpmath.exp(t) - 1 - mpmath.mpf(t)) / 2) for t in log_var.tolist()]
    agree(f"near the prior, {dtype}", ours, exact, within)
    naive = (torch.exp(log_var) - 1 - log_var) / 2  # the formula as it is printed everywhere
    assert float((naive[:50] / torch.tensor(exact[:50]).to(dtype) - 1).abs().max()) > 0.99


def test_gradients_of_normal_kl():
    arguments = [v.clone().requires_grad_() for v in normals(3, 2, seed=10)]
    assert torch.autograd.gradcheck(kl_normal, arguments)
    assert torch.autograd.gradgradcheck(kl_normal, arguments)
    near = torch.tensor([[0.0, 1e-3, 0.05, -0.09, -0.11, 0.12]]).double().requires_grad_()
    mu = torch.zeros_like(near).requires_grad_()
    assert torch.autograd.gradcheck(kl_to_standard_normal, (mu, near))
    assert torch.autograd.gradgradcheck(kl_to_standard_normal, (mu, near))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_at_extreme_log_variances(dtype):
    top, lowest = LARGEST[dtype], torch.finfo(dtype).min / 2
    log_var = torch.tensor([[top], [-top], [1e3 * -top], [lowest], [0.0]], dtype=dtype)
    log_var.requires_grad_()
    mu = torch.zeros_like(log_var).requires_grad_()
    value = kl_to_standard_normal(mu, log_var)
    value.sum().backward()
    assert value.isfinite().all()
    assert mu.grad.isfinite().all()
    exact = torch.expm1(log_var.detach().double()) / 2  # d/dt (exp(t) - 1 - t)/2
    assert torch.allclose(log_var.grad.double(), exact, rtol=1e-5, atol=0)
    beyond = kl_to_standard_normal(
        torch.zeros(1, dtype=dtype), torch.tensor([top + 1], dtype=dtype)
    )
    assert beyond == math.inf  # the true value is larger than any number of the dtype
    print(f"{dtype}: value and gradient finite for log_var from {lowest:.1e} to {top:g}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_of_kl_normal_at_extreme_log_variances(dtype):
    top = LARGEST[dtype]
    ends = torch.tensor([[top, top], [-top, -top], [-top, top], [0, -top], [0, top], [top, 0]])
    ends = ends.to(dtype)
    log_var_q, log_var_p = (v.clone()[:, None].requires_grad_() for v in ends.unbind(1))
    mu_q = torch.zeros(6, 1, dtype=dtype, requires_grad=True)
    mu_p = (torch.exp(log_var_p.detach() / 2) / 4).requires_grad_()
    value = kl_normal(mu_q, log_var_q, mu_p, log_var_p)
    value.sum().backward()
    for tensor in (value, *(v.grad for v in (mu_q, log_var_q, mu_p, log_var_p))):
        assert tensor.isfinite().all()
    t = ends.double()[:, 0] - ends.double()[:, 1]
    agree("extremes", value.detach(), (torch.expm1(t) - t + 1 / 16) / 2, within=1e-5)
    far = torch.full((1, 1), -2 * top + 2, dtype=dtype)
    assert kl_normal(0 * far, far, 0 * far, far) == 0  # twice as low, the same distribution


def test_nan_is_refused_and_comes_through_only_from_a_graph():
    for mu, log_var in (([math.nan], [0.0]), ([0.0], [math.nan]), ([math.inf], [0.0])):
        with pytest.raises(ValueError, match=r"^(mu|log_var) holds NaN or infinity"):
            kl_to_standard_normal(mu, log_var)
    with pytest.raises(ValueError, match=r"^log_var_p holds NaN or infinity"):
        kl_normal([0.0], [0.0], [0.0], [-math.inf])
    made = torch.zeros(1, 1, requires_grad=True) * math.nan  # as a model that diverges makes it
    assert kl_to_standard_normal(made, torch.zeros(1, 1)).isnan()
    with torch.no_grad(), pytest.raises(ValueError, match="mu holds NaN"):
        kl_to_standard_normal(made.clone(), torch.zeros(1, 1))


def test_a_point_is_infinitely_far():
    assert kl_to_standard_normal([0.0], [-math.inf]) == math.inf
    assert kl_normal([0.0], [-math.inf], [0.0], [0.0]) == math.inf


@pytest.mark.parametrize(
    ("mu", "log_var", "says"),
    [
        (torch.zeros(3, 2), torch.zeros(2), r"shapes differ: mu \(3, 2\), log_var \(2,\)"),
        (torch.zeros(3, 1), torch.zeros(3, 2), "shapes differ"),
        (torch.zeros(0, 2), torch.zeros(0, 2), "mu is empty"),
        (torch.zeros(3, 2).long(), torch.zeros(3, 2), "mu has dtype torch.int64"),
        (torch.zeros(3, 2), torch.zeros(3, 2).half(), "log_var has dtype torch.float16"),
        (None, torch.zeros(3, 2), "mu is None; expected finite numbers"),
    ],
)
def test_what_is_no_normal_is_refused(mu, log_var, says):
    with pytest.raises((TypeError, ValueError), match=says):
        kl_to_standard_normal(mu, log_var)


# --- Monte Carlo ---


def test_monte_carlo_finds_a_kl_with_a_closed_form():
    pairs: list[tuple[Distribution, Distribution]] = [
        (Normal(0.3, 0.5), Normal(0.0, 1.0)),
        (Gamma(3.0, 2.0), Gamma(2.0, 1.0)),
        (Exponential(1.0), Exponential(2.0)),
        (Categorical(torch.tensor(COIN)), Categorical(torch.tensor(BENT))),
        (density(torch.zeros(3), torch.ones(3)), density(torch.ones(3), torch.zeros(3))),
    ]
    for seed, (q, p) in enumerate(pairs):
        generator = torch.Generator().manual_seed(seed)
        found = kl_monte_carlo(q, p, 20_000, generator=generator)
        true = float(kl_divergence(q, p))
        off = (float(found.estimate) - true) / float(found.standard_error)
        print(f"{q}: {float(found.estimate):.4f} for {true:.4f}, {off:+.2f} standard errors off")
        assert abs(off) < 4
        assert 0 < found.standard_error < 0.05 * (1 + true)


def test_monte_carlo_takes_callables_and_draws_of_ones_own():
    halves = Categorical(torch.tensor(COIN).double())
    mixture = MixtureSameFamily(halves, Normal(torch.tensor([-2.0, 2.0]).double(), 1.0))

    def log_q(z):
        return -(z**2) / 2 - math.log(2 * math.pi) / 2

    z = torch.randn(50_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = kl_monte_carlo(log_q, mixture.log_prob, z)
    points = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    q = log_q(points)
    true = integrate.simpson((q.exp() * (q - mixture.log_prob(points))).numpy(), x=points.numpy())
    assert abs(float(found.estimate) - true) < 4 * float(found.standard_error)
    bits = kl_monte_carlo(log_q, mixture, z, base=2)
    agree("estimate in bits", bits.estimate, nats_to_bits(found.estimate))
    agree("error in bits", bits.standard_error, nats_to_bits(found.standard_error))
    agree("standard error", found.standard_error, stats.sem(log_q(z) - mixture.log_prob(z)))


def test_the_standard_error_is_the_spread_of_repetitions():
    q, p = Normal(0.0, 1.0), Normal(0.7, 1.3)
    generator = torch.Generator().manual_seed(2)
    runs = [kl_monte_carlo(q, p, 200, generator=generator) for _ in range(500)]
    spread = torch.stack([run.estimate for run in runs]).std()
    claimed = torch.stack([run.standard_error for run in runs]).mean()
    off = (torch.stack([run.estimate for run in runs]).mean() - kl_divergence(q, p)) / spread
    print(f"spread {spread:.5f}, standard error {claimed:.5f}")
    assert float(claimed) == pytest.approx(float(spread), rel=0.12)
    assert abs(float(off)) < 4 / math.sqrt(500)


def test_draws_follow_the_generator_and_nothing_else():
    q, p = Normal(0.0, 1.0), Normal(1.0, 1.0)
    before = torch.get_rng_state()
    first, again = (
        kl_monte_carlo(q, p, 10, generator=torch.Generator().manual_seed(3)) for _ in "ab"
    )
    assert first == again
    assert torch.equal(before, torch.get_rng_state())
    generator = torch.Generator().manual_seed(3)
    runs = {float(kl_monte_carlo(q, p, 10, generator=generator).estimate) for _ in range(5)}
    assert len(runs) == 5  # the same generator goes on; it does not start again


def test_one_estimate_for_each_density():
    q = Normal(torch.zeros(4), torch.ones(4))
    p = Normal(torch.arange(4.0), torch.ones(4))
    found = kl_monte_carlo(q, p, 5000, generator=torch.Generator().manual_seed(0))
    assert found.estimate.shape == found.standard_error.shape == (4,)
    assert float(found.estimate[0]) == 0
    assert ((found.estimate - torch.arange(4.0) ** 2 / 2).abs() <= 4 * found.standard_error).all()


def test_a_draw_that_p_rules_out_costs_infinitely_much():
    q, p = Uniform(0.0, 2.0), Uniform(0.0, 1.0, validate_args=False)
    found = kl_monte_carlo(q, p, 100, generator=torch.Generator().manual_seed(0))
    assert found.estimate == found.standard_error == math.inf


UNIT = Normal(0.0, 1.0)
DRAWS = torch.linspace(-1, 1, 10)
GENERATOR = torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    ("q", "p", "samples", "generator", "says"),
    [
        (UNIT, UNIT, DRAWS[:1], None, "1 draws; .*at least 2"),
        (UNIT, UNIT, DRAWS[:0], None, "samples is empty"),
        (UNIT, UNIT, torch.tensor(0.3), None, "samples must be a whole number"),
        (UNIT, UNIT, 1, GENERATOR, "1 draws"),
        (UNIT, UNIT, 10, None, "^generator is None; a number of draws needs one"),
        (UNIT, UNIT, DRAWS, GENERATOR, "draws already made"),
        (UNIT.log_prob, UNIT, 10, GENERATOR, "no torch distribution to draw from"),
        (lambda z: z.sum(), UNIT, DRAWS, None, r"log_q gave shape \(\).*not their sum"),
        (UNIT, lambda z: z[:3], DRAWS, None, r"log_p gave shape \(3,\)"),
        (UNIT, lambda z: z[:, None], DRAWS, None, "shapes differ: log_q .*log_p"),
        (lambda z: z * math.nan, UNIT, DRAWS, None, "log_q runs from nan"),
        (UNIT, lambda z: z * math.nan, DRAWS, None, "log_p runs from nan"),
        (UNIT, lambda z: z + math.inf, DRAWS, None, "log_p runs from inf"),
        (lambda z: z.log(), UNIT, DRAWS.clamp(min=0), None, "log_q runs from -inf.*draw from q"),
    ],
)
def test_what_gives_no_estimate_is_refused(q, p, samples, generator, says):
    with pytest.raises((TypeError, ValueError), match=says):
        kl_monte_carlo(q, p, samples, generator=generator)


# --- mistakes that were printed, each against an independent answer ---


def wrong_entropies(p, q):
    return entropy(p) - cross_entropy(p, q)


def wrong_base(p, q):
    return kl(p, q, base=10)


def wrong_order(p, q):
    return kl(q, p)


def wrong_mean(p, q):
    return kl(p, q) / p.shape[-1]


@pytest.mark.parametrize("wrong", [wrong_entropies, wrong_base, wrong_order, wrong_mean])
def test_mistakes_about_kl_are_told_from_the_right_formula(wrong):
    p, q = distributions(100, 4, seed=11), distributions(100, 4, seed=12)
    true = torch.as_tensor(stats.entropy(p, q, axis=1))
    agree("right", kl(p, q), true)
    assert float(((wrong(p, q) - true) / true).abs().median()) > 0.05


def test_a_coin_of_0_7_and_0_7_is_refused():
    with pytest.raises(ValueError, match=r"q is no distribution.*1\.4"):
        kl(COIN, [0.7, 0.7])


def unsquared_numerator(m, s):
    return -torch.log(s) + (s + m**2) / 2 - 0.5


def flipped_signs(m, s):
    return (1 + torch.log(s**2) - s**2 - m**2) / 2


def subscripts_exchanged(m, s):
    return torch.log(s) + (1 + m**2) / (2 * s**2) - 0.5  # KL(p || q), the other direction


def log_var_taken_for_sigma(m, s):
    return -torch.log(torch.log(s**2).abs()) + (torch.log(s**2) ** 2 + m**2) / 2 - 0.5


def averaged(m, s):
    return kl_to_standard_normal(m, torch.log(s**2), per_dimension=True) / m.shape[-1]


@pytest.mark.parametrize(
    "wrong",
    [
        unsquared_numerator,
        flipped_signs,
        subscripts_exchanged,
        log_var_taken_for_sigma,
        averaged,
    ],
)
def test_mistakes_about_normals_are_told_from_the_right_formula(wrong):
    mu, log_var, *_ = normals(100, 3, seed=13)
    sigma = torch.exp(log_var / 2)
    prior = density(torch.zeros_like(mu), torch.zeros_like(mu))
    true = kl_divergence(density(mu, log_var), prior)
    agree("right", kl_to_standard_normal(mu, log_var), true)
    assert float(((wrong(mu, sigma).sum(-1) - true) / true).abs().median()) > 0.05
