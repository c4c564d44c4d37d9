"""The channel: decibels, powers, and bits against simulation and known capacities."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from aeteach import channel


@given(st.floats(-100, 100))
def test_decibels_and_ratios_are_inverse(db):
    assert channel.ratio_to_db(channel.db_to_ratio(db)) == pytest.approx(db, abs=1e-9)


def test_decibels_that_one_knows_by_heart():
    assert channel.db_to_ratio(0) == 1
    assert channel.db_to_ratio(10) == 10
    assert channel.db_to_ratio(3) == pytest.approx(2, rel=0.003)


def test_power_and_noise_of_a_batch_are_numpys_variance():
    z = 3 + 2 * torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    power = z.numpy().astype(np.float64).var(axis=0).mean()
    assert channel.signal_power(z).item() == pytest.approx(power, rel=1e-5)
    assert channel.noise_variance(z, 4.0).item() == pytest.approx(power / 4, rel=1e-5)


def test_what_is_transmitted_has_the_stated_noise_in_each_dimension():
    z = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))
    variance = torch.tensor([0.25, 4.0])
    noise = channel.transmit(z, variance, seed=1) - z
    torch.testing.assert_close(noise.var(0), variance, rtol=0.05, atol=0)
    assert noise.mean(0).abs().max() < 0.06
    assert torch.equal(channel.transmit(z, variance, seed=1), channel.transmit(z, variance, seed=1))
    assert torch.equal(channel.transmit(z, 0.0, seed=1), z)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first = channel.transmit(z, 1.0)
        torch.manual_seed(3)
        assert torch.equal(channel.transmit(z, 1.0), first)


def test_the_rate_is_the_formula():
    signal, noise = [3.0, 15.0, 0.0], [1.0, 1.0, 1.0]
    assert channel.information_rate(torch.tensor(signal), torch.tensor(noise)).item() == 1 + 2
    assert channel.information_rate(torch.tensor(signal), 1.0).item() == 3
    nats = channel.information_rate(torch.tensor(signal), 1.0, base=math.e).item()
    assert nats == pytest.approx(3 * math.log(2))


@given(st.floats(0.01, 1e4), st.integers(1, 8))
def test_the_rate_of_equal_dimensions_is_the_capacity(snr, d):
    rate = channel.information_rate(torch.full((d,), snr, dtype=torch.float64), 1.0).item()
    assert rate == pytest.approx(channel.capacity(snr, d), rel=1e-9)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=6))
def test_of_one_power_equal_dimensions_carry_most(variances):
    signal = torch.tensor(variances, dtype=torch.float64)
    rate = channel.information_rate(signal, 1.0).item()
    if signal.mean() > 0:
        assert rate <= channel.capacity(signal.mean().item(), len(variances)) + 1e-9


@pytest.mark.parametrize("snr", [0.01, 0.5, 1.0, 10.0, 1000.0])
def test_a_normal_signal_gets_the_capacity_through(snr):
    assert channel.mutual_information("normal", snr) == channel.capacity(snr)
    # By the density of y, numerically: an answer that does not know the formula.
    sd = math.sqrt(1 + snr)
    entropy, _ = integrate.quad(
        lambda y: -stats.norm.pdf(y, scale=sd) * stats.norm.logpdf(y, scale=sd), -12 * sd, 12 * sd
    )
    noise = stats.norm.entropy()
    assert (entropy - noise) / math.log(2) == pytest.approx(channel.capacity(snr), abs=1e-6)


@pytest.mark.parametrize("kind", ["binary", "uniform"])
@pytest.mark.parametrize("snr", [0.1, 1.0, 10.0, 100.0])
def test_of_other_signals_less_arrives_than_the_formula_says(kind, snr):
    true = channel.mutual_information(kind, snr)
    formula = channel.information_rate(snr, 1.0).item()
    assert 0 < true < formula
    # log p(y|z) - log p(y), averaged over draws: the definition.
    rng = np.random.default_rng(0)
    n = 100_000
    a = math.sqrt(snr if kind == "binary" else 3 * snr)
    z = a * rng.choice([-1.0, 1.0], n) if kind == "binary" else rng.uniform(-a, a, n)
    y = z + rng.standard_normal(n)
    if kind == "binary":
        density = (stats.norm.pdf(y - a) + stats.norm.pdf(y + a)) / 2
    else:
        density = (stats.norm.cdf(y + a) - stats.norm.cdf(y - a)) / (2 * a)
    bits = (stats.norm.logpdf(y - z) - np.log(density)) / math.log(2)
    assert abs(bits.mean() - true) < 4 * bits.std() / math.sqrt(n) + 1e-9


def test_known_values():
    # Binary input at 0 dB: 0.4859 bits; at high SNR one bit arrives whole.
    assert channel.mutual_information("binary", 1.0) == pytest.approx(0.4859, abs=1e-4)
    assert channel.mutual_information("binary", 1e4) == pytest.approx(1, abs=1e-9)
    # Uniform at high SNR: the shaping loss, 1/2 log2(pi e / 6) = 0.2546 bits.
    lost = channel.capacity(1e6) - channel.mutual_information("uniform", 1e6)
    assert lost == pytest.approx(math.log2(math.pi * math.e / 6) / 2, abs=2e-3)


@settings(max_examples=20)  # each integrates over a fine grid, twice
@given(st.sampled_from(["binary", "uniform"]), st.floats(1e-3, 1e5), st.floats(1.01, 5))
def test_more_signal_brings_more_bits(kind, snr, factor):
    less = channel.mutual_information(kind, snr)
    assert less <= channel.mutual_information(kind, snr * factor) + 1e-9
    assert less <= channel.capacity(snr) + 1e-9


def test_the_rate_is_in_double_precision_whatever_comes():
    signal = torch.tensor([0.1, 1e-9])
    rate = channel.information_rate(signal, 1.0)
    assert rate.dtype == torch.float64
    exact = sum(math.log1p(v) for v in signal.double().tolist()) / (2 * math.log(2))
    assert rate.item() == pytest.approx(exact, rel=1e-14)
    assert channel.information_rate(0.1, 1).dtype == torch.float64


@pytest.mark.parametrize("call", [channel.capacity, channel.ratio_to_db])
@pytest.mark.parametrize("ratio", [math.inf, math.nan])
def test_a_ratio_is_finite(call, ratio):
    with pytest.raises(ValueError, match=f"{ratio}.*finite number above 0"):
        call(ratio)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: channel.db_to_ratio(math.nan), "decibels"),
        (lambda: channel.ratio_to_db(0), "above 0"),
        (lambda: channel.capacity(-1), "above 0"),
        (lambda: channel.mutual_information("laplace", 1), "expected one of 'normal', 'binary'"),
        (
            lambda: channel.mutual_information("binary", 1e7),
            "snr is .*at most 1e.*the grid is made",
        ),
        (lambda: channel.noise_variance(torch.zeros(4, 2), 0.0), "snr is 0.0"),
        (lambda: channel.signal_power(torch.zeros(1, 2)), "at least 2"),
        (lambda: channel.transmit(torch.zeros(4, 2), -1.0), "variance is -1.0"),
        (lambda: channel.transmit(torch.zeros(4, 2), torch.ones(3)), "each of the 2"),
        (lambda: channel.information_rate(torch.tensor([-1.0]), 1.0), "at least 0"),
        (lambda: channel.information_rate(torch.ones(2), 0.0), "no bound"),
        (lambda: channel.information_rate(torch.ones(2), torch.ones(3)), "each of the 2"),
        (lambda: channel.information_rate(torch.ones(2), 1.0, base=1.0), "2 for bits"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
