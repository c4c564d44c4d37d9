"""What "How much KL?" claims beyond its cells: mostly from its tables of five seeds."""

import numpy as np
import pytest
import torch
from aeteach_book.evidence import OverSeeds, Theorem
from scipy.optimize import minimize
from torch import nn
from torch.nn.functional import avg_pool2d

import aeteach
from aeteach import metrics, results
from aeteach.data import mnist
from aeteach.losses import Elbo, WarmUpElbo, squared_error
from aeteach.models.vae import dense_vae
from aeteach.training import fit

WEIGHTS = (0.75, 1.0, 1.25, 1.5)


def value(table: str, model: str, bottleneck: int, weight: float, seed: int, column: str) -> float:
    (row,) = results.read(table).where(
        model=model, bottleneck=bottleneck, kl_weight=weight, seed=seed
    )
    return row[column]


@Theorem(
    "price-lies-between",
    "**the squared error that each saved nat costs lies between the two weights.**",
    measured="by how much the price of a nat leaves the interval of the two weights",
    proof="in lines B1 to B4",
    conditions="the best of 3 to 300 pairs (S, K) of any kind, for two weights between 0.01 and 10",
    cases=500,
    at_most=1e-9,
)
def test_price_lies_between(case: int) -> float:
    rng = np.random.default_rng(case)
    S, K = rng.exponential(size=(2, int(rng.integers(3, 301)))) * 10 ** rng.uniform(-1, 2, (2, 1))
    low, high = sorted(10 ** rng.uniform(-2, 1, 2))
    first, second = (int((S + weight * K).argmin()) for weight in (low, high))
    if first == second:
        return 0
    price = (S[second] - S[first]) / (K[first] - K[second])
    return max(low - price, price - high)


@Theorem(
    "used-if-above-c",
    "**A direction\nof the data is used if and only if its variance is above $c = \\beta/2$.**",
    measured="nats by which K at the minimum of W1, found numerically, differs from W5 and W6",
    proof="in lines W1 to W6",
    conditions="variances and c between 0.03 and 30",
    cases=100,
    at_most=1e-3,
)
def test_used_if_above_c(case: int) -> float:
    rng = np.random.default_rng(case)
    variance, c = 10 ** rng.uniform(-1.5, 1.5, 2)

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        """W1 and its derivatives."""
        w, a, log_s2 = v
        s2, left = np.exp(log_s2), 1 - w * a
        by_w = -2 * a * left * variance + 2 * w * s2
        by_a = -2 * w * left * variance + 2 * c * a * variance
        L = left**2 * variance + w**2 * s2 + c * (s2 + a**2 * variance - 1 - log_s2)
        return L, np.array([by_w, by_a, s2 * (w**2 + c) - c])

    starts = rng.normal(size=(3, 3)) * [1, variance**-0.5, 1]
    found = min((minimize(loss, start, jac=True) for start in starts), key=lambda each: each.fun)
    _, a, log_s2 = found.x
    K = 0.5 * (np.exp(log_s2) + a**2 * variance - 1 - log_s2)
    return abs(K - (0.5 * np.log(variance / c) if variance > c else 0))


@Theorem(
    "collapse-is-stationary",
    "**The gradient of such a collapsed state is 0 for any β,\nany network with that first matrix, "
    "and any data.**",
    measured="largest entry of the gradient of the loss, over that of the network as it was made",
    proof="in lines C1 to C3",
    conditions="2 to 9 images of 2 to 12 pixels, 1 to 4 latent numbers, decoders of 2 to 4 layers "
    "with five activations, weights between 0.01 and 100; pairs of opposite draws",
    cases=100,
    at_most=1e-9,
)
def test_collapse_is_stationary(case: int) -> float:
    rng = np.random.default_rng(case)
    N, D, d = (int(rng.integers(*span)) for span in ((2, 10), (2, 13), (1, 5)))
    x, eps = (torch.tensor(rng.random((N, k))) for k in (D, d))
    torch.manual_seed(case)
    activation = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.SiLU, nn.Softplus)[case % 5]
    encoder = nn.Sequential(nn.Linear(D, 8), activation(), nn.Linear(8, 2 * d)).double()
    inner = [m for _ in range(case % 3) for m in (nn.Linear(8, 8), activation())]
    decoder = nn.Sequential(nn.Linear(d, 8), activation(), *inner, nn.Linear(8, D)).double()
    beta = 10 ** rng.uniform(-2, 2)

    def largest() -> float:
        mu, log_var = encoder(x).chunk(2, dim=1)
        z = torch.cat([mu + (log_var / 2).exp() * e for e in (eps, -eps)])
        S = (decoder(z) - torch.cat([x, x])).square().sum(1).mean()
        K = 0.5 * (log_var.exp() + mu**2 - 1 - log_var).sum(1).mean()
        weights = [*encoder.parameters(), *decoder.parameters()]
        return max(float(g.abs().max()) for g in torch.autograd.grad(S + beta * K, weights))

    before = largest()
    with torch.no_grad():
        encoder[-1].weight.zero_(), encoder[-1].bias.zero_(), decoder[0].weight.zero_()
        decoder[-1].bias += x.mean(0) - decoder(torch.zeros(d, dtype=torch.float64))
    return largest() / before


@Theorem(
    "smaller-weight-smaller-loss",
    "**The smallest loss of a smaller weight is never larger.**",
    measured="by how much the smallest loss of the smaller of two weights is larger",
    proof="in the line before",
    conditions="the best of 1 to 300 pairs (S, K) of any kind, for two weights between 0.01 and 10",
    cases=500,
    at_most=1e-12,
)
def test_smaller_weight_smaller_loss(case: int) -> float:
    rng = np.random.default_rng(case)
    S, K = rng.exponential(size=(2, int(rng.integers(1, 301)))) * 10 ** rng.uniform(-1, 2, (2, 1))
    low, high = sorted(10 ** rng.uniform(-2, 1, 2))
    return (S + low * K).min() - (S + high * K).min()


def judged(loss: Elbo, seed: int) -> tuple[float, int]:
    """Train the chapter's small VAE for 96 epochs; return S + 0.5 K and the dimensions in use."""
    small = avg_pool2d(mnist("train").images[:1500], 2)
    torch.manual_seed(seed)
    vae = dense_vae(5, size=16, hidden=(64, 32))
    fit(
        vae, small, loss=loss, epochs=96, batch_size=50, lr=8e-3,
        schedule="early_peak", seed=seed, progress=False,
    )  # fmt: skip
    cost = metrics.rate_distortion(vae, small, likelihood="squared_error")
    units = metrics.informative_units(*metrics.posteriors(vae, small), 0.05)
    return cost.reconstruction + 0.5 * cost.rate, int(units.sum())


@pytest.mark.slow
@OverSeeds(
    "time-is-no-full-cure",
    "**Four times as long, the plain runs still end above warm-up of that length, with fewer "
    "dimensions in use.**",
    measured="S + 0.5 K of the small VAE after 96 epochs above that with warm-up over 72 of them",
    seeds=5,
    spread=(0.25, 0.37),
    within=0.1,
    false_at=0,
)
def test_time_is_no_full_cure(seed: int) -> float:
    plain, few = judged(Elbo("squared_error", 0.5), seed)
    grown, more = judged(WarmUpElbo("squared_error", 0.5, warm_up=72), seed)
    assert few < more
    return plain - grown


@pytest.mark.slow
@OverSeeds(
    "eight-falls-silent",
    "**Started from the model of β = 4 and trained on at 8, it\nfell back towards silence, and its "
    "loss came down towards that of the silent one and not below.**",
    measured="S + 8 K of 2,000 test digits above that of the mean image, after eight passes over "
    "6,000 digits each; at the start it is 5.2",
    seeds=5,
    spread=(0.28, 0.38),
    within=0.15,
    false_at=0,
)
def test_eight_falls_silent(seed: int) -> float:
    digits, test = mnist("train").images, mnist("test").images[:2000]
    vae = aeteach.load("conv-vae-10-beta-4")
    spoken = metrics.rate_distortion(vae, test, likelihood="squared_error").rate
    for k in range(4):
        order = torch.randperm(60_000, generator=torch.Generator().manual_seed(seed * 10 + k))
        fit(
            vae, digits[order[:6000]], loss=Elbo("squared_error", 8.0), epochs=2,
            batch_size=64, lr=1e-3, seed=seed + k, progress=False,
        )  # fmt: skip
    cost = metrics.rate_distortion(vae, test, likelihood="squared_error")
    assert cost.rate < spoken / 3
    silent = squared_error(digits.mean(0).expand_as(test), test).mean()
    return cost.reconstruction + 8 * cost.rate - float(silent)


@OverSeeds(
    "no-cliff",
    "At 1.5 with four numbers every one of our ten runs is read at least three times as well as "
    "the reported two.",
    measured="readability over the reported one, the smaller of both models",
    seeds=5,
    spread=(3.18, 3.25),
    within=0.01,
    false_at=3,
    table="vae_kl_weight.csv",
)
def test_no_cliff(seed: int) -> float:
    return min(
        value("vae_kl_weight", model, 4, 1.5, seed, "readability")
        / value("vae_kl_weight", model, 4, 1.5, seed, "reported")
        for model in ("VAE", "ConvVAE")
    )


@OverSeeds(
    "two-kinds-of-run",
    "None lies between.",
    measured="distance of the nearest run from 86 % (with all four dimensions above, with three "
    "below), in points, the least of four weights",
    seeds=5,
    spread=(1.3, 3.26),
    within=0.01,
    false_at=1,
    table="vae_kl_weight.csv",
)
def test_two_kinds_of_run(seed: int) -> float:
    distances = []
    for weight in WEIGHTS:
        read, dimensions = (
            value("vae_kl_weight", "VAE", 4, weight, seed, column)
            for column in ("readability", "informative_units")
        )
        assert (read > 86) == (dimensions == 4)
        distances.append(abs(read - 86))
    return min(distances)


@OverSeeds(
    "warm-up-keeps-dimensions",
    "For the fully connected VAE with four numbers only the warm-up is new, and there no run has "
    "lost a dimension any more, and the two kinds of run are one kind.",
    measured="dimensions of four that carry more than 0.01 nats, at the weights 1 and 1.25",
    seeds=5,
    spread=(4, 4),
    within=0,
    false_at=3,
    table="vae_warm_up.csv",
)
def test_warm_up_keeps_dimensions(seed: int) -> float:
    return min(
        value("vae_warm_up", "VAE", 4, weight, seed, "informative_units") for weight in (1.0, 1.25)
    )
