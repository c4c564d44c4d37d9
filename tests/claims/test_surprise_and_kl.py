"""What "Surprise and KL" claims beyond its cells."""

import heapq
import math
from functools import cache

import numpy as np
import torch
from aeteach_book.evidence import Cause, Theorem
from torch import Tensor
from torch.distributions import Normal

from aeteach.divergences import entropy, kl, kl_to_standard_normal


@Theorem(
    "kl-not-negative",
    "**A wrong belief saves no surprise on average.**",
    measured="nats by which KL is below 0",
    proof="in lines J1 to J5",
    conditions="2 to 12 outcomes, with or without zeros, many pairs nearly equal",
    cases=500,
    at_most=1e-12,
)
def test_kl_not_negative(case: int) -> float:
    rng = np.random.default_rng(case)
    K = int(rng.integers(2, 13))
    p, q = rng.dirichlet(np.full(K, 0.3), size=2)
    if case % 3:
        q = p + 10 ** rng.uniform(-6, -1) * (q - p)  # near p
    if case % 2:
        p[0] = 0
    P, Q = torch.tensor(p / p.sum()), torch.tensor(q / q.sum())
    return -float(kl(P, Q))


@Theorem(
    "shortest-code",
    "**The shortest code has a length between $H$ and $H + 1$.**",
    measured="bits by which the average length of Huffman's code is out of this range",
    proof="in lines K1 to K4",
    conditions="2 to 40 outcomes, drawn evenly from all distributions or nearly certain",
    cases=300,
    at_most=1e-12,
)
def test_shortest_code(case: int) -> float:
    rng = np.random.default_rng(case)
    p = rng.dirichlet(np.full(int(rng.integers(2, 41)), 0.02 if case % 2 else 1.0))
    heap, length = [float(v) for v in p], 0.0
    heapq.heapify(heap)
    while len(heap) > 1:  # each join puts one more digit before all words below it
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        heapq.heappush(heap, joined)
        length += joined
    H = float(entropy(torch.tensor(p), base=2))
    return max(H - length, length - H - 1)


@Theorem(
    "uniform-is-largest",
    r"So $H(P) \le \log K$, and only the uniform distribution gets there.",
    measured="nats by which the entropy exceeds log K, or reaches it without being uniform",
    proof="in line J6",
    conditions="2 to 12 outcomes, drawn evenly from all distributions, some with zeros",
    cases=500,
    at_most=1e-12,
)
def test_uniform_is_largest(case: int) -> float:
    rng = np.random.default_rng(case)
    K = int(rng.integers(2, 13))
    p = torch.tensor(rng.dirichlet(np.ones(K)) * (rng.random(K) > 0.2 * (case % 2)) + 0.0)
    if not p.sum() > 0:
        return 0
    p = p / p.sum()
    gap = float(entropy(p)) - math.log(K)
    reaches = gap > -1e-9 and float((p - 1 / K).abs().max()) > 1e-3
    return 1 if reaches else gap


X = torch.linspace(-14, 14, 2801, dtype=torch.float64)


def log_mixture(weights: Tensor, means: Tensor, sigmas: Tensor) -> Tensor:
    return torch.logsumexp(weights.log() + Normal(means, sigmas).log_prob(X[:, None]), 1)


def divergence(log_a: Tensor, log_b: Tensor) -> Tensor:
    return (log_a.exp() * (log_a - log_b)).sum(-1) * (X[1] - X[0])


@Theorem(
    "moments-are-best",
    "**The best forward fit has the mean and the variance of $p$**,\nwhatever $p$ is.",
    measured="nats by which the best of 60 other normals is better",
    proof="in lines F1 to F3",
    conditions="mixtures of 1 to 4 normals; the others lie near the best one, and far from it",
    cases=100,
    at_most=1e-9,
)
def test_moments_are_best(case: int) -> float:
    rng = np.random.default_rng(case)
    k = int(rng.integers(1, 5))
    weights, means = torch.tensor(rng.dirichlet(np.ones(k))), torch.tensor(rng.uniform(-3, 3, k))
    log_p = log_mixture(weights, means, torch.tensor(rng.uniform(0.3, 1.2, k)))
    mean = (log_p.exp() * X).sum() * (X[1] - X[0])
    sigma = ((log_p.exp() * (X - mean) ** 2).sum() * (X[1] - X[0])).sqrt()
    scale = torch.tensor(10 ** rng.uniform(-3, 0, 60))
    others = Normal(
        (mean + scale * torch.tensor(rng.normal(size=60)))[:, None],
        (sigma * (scale * torch.tensor(rng.normal(size=60)) / 3).exp())[:, None],
    )
    best = divergence(log_p, Normal(mean, sigma).log_prob(X))
    return float(best - divergence(log_p, others.log_prob(X)).min())


@cache
def reverse_fit(distance: float, start: float) -> tuple[float, float]:
    """Fit a normal by reverse KL to the chapter's mixture, its humps at plus and minus distance."""
    means = torch.tensor([-distance, distance], dtype=torch.float64)
    weights, sigmas = torch.tensor([0.6, 0.4]).double(), torch.tensor([0.7, 0.5]).double()
    log_p = log_mixture(weights, means, sigmas)
    mu = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    log_sigma = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([mu, log_sigma], lr=0.05)
    for _ in range(600):
        log_q = Normal(mu, log_sigma.exp()).log_prob(X)
        optimiser.zero_grad()
        divergence(log_q, log_p).backward()
        optimiser.step()
    return float(mu.detach()), float(log_sigma.exp().detach())


@Cause(
    "close-humps-are-covered",
    "Move them closer, and at some distance the reverse fit, too, covers both with one wide "
    "normal.",
    measured="how far apart the reverse fits that start at -3 and at 3 end",
    changed="the humps at plus and minus 1.2 instead of 2",
    seeds=1,
    before=(3.97, 3.97),
    after=(0, 0),
    within=0.05,
)
def test_close_humps_are_covered(seed: int, changed: bool) -> float:
    distance = 1.2 if changed else 2.0
    (low, _), (high, sigma) = (reverse_fit(distance, start) for start in (-3.0, 3.0))
    assert not changed or sigma > 1.1  # it covers both
    return high - low


@Cause(
    "no-digits-are-lost",
    "The package computes (N3) in a form that loses no digits when `log_var` is near 0.",
    measured="correct digits of the KL in float32, with log_var between 1e-4 and 1e-2",
    changed="the formula as it stands in N3",
    seeds=5,
    before=(6.9, 8.3),
    after=(-1, 3.3),
    within=1.5,
)
def test_no_digits_are_lost(seed: int, changed: bool) -> float:
    generator = torch.Generator().manual_seed(seed)
    log_var = 10 ** (-4 + 2 * torch.rand(1, 1, generator=generator).double())
    v = float(log_var)
    exact = 0.5 * (v**2 / 2 + v**3 / 6 + v**4 / 24 + v**5 / 120)  # exp(v) - 1 - v
    single = log_var.float()
    mu = torch.zeros(1, 1)
    if changed:
        value = 0.5 * (single.exp() + mu**2 - 1 - single).sum(1)
    else:
        value = kl_to_standard_normal(mu, single)
    return -math.log10(abs(float(value.double()) / exact - 1) + 1e-9)
