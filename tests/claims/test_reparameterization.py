"""What "The reparameterization trick" claims beyond its cells."""

from functools import cache

import pytest
import torch
from aeteach_book.evidence import Cause, OverSeeds
from torch import Tensor

import aeteach
from aeteach.data import mnist
from aeteach.models import VAE


def gap_after_training(seed: int, score: bool) -> float:
    """Train a linear VAE, one draw an image; return nats above the least possible loss."""
    D, d, c = 16, 4, 0.1
    generator = torch.Generator().manual_seed(seed)
    spread = torch.cat([torch.tensor([4.0, 3.0, 2.0, 1.0]), torch.full((D - d,), 0.05)])
    decoder = (0.3 * torch.randn(D, d, generator=generator)).requires_grad_()
    encoder = (0.3 * torch.randn(d, D, generator=generator)).requires_grad_()
    log_var = torch.zeros(d, requires_grad=True)
    optimiser = torch.optim.Adam([decoder, encoder, log_var], lr=0.01)
    for _ in range(1000):
        x = torch.randn(64, D, generator=generator) * spread.sqrt()
        mu, sigma = x @ encoder.T, (log_var / 2).exp()
        z = mu + sigma * torch.randn(64, d, generator=generator)
        K = 0.5 * (log_var.exp() + mu**2 - 1 - log_var).sum(1)
        if score:
            z = z.detach()
        R = (x - z @ decoder.T).square().sum(1) / (2 * c)
        loss = R + K
        if score:  # the mean of the others is the baseline
            log_q = (-0.5 * log_var - (z - mu) ** 2 / (2 * sigma**2)).sum(1)
            loss = loss + (R - R.mean()).detach() * log_q
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
    with torch.no_grad():
        S = torch.diag(spread)
        left = torch.eye(D) - decoder @ encoder
        R = torch.trace(left @ S @ left.T) + ((decoder**2).sum(0) * log_var.exp()).sum()
        code = torch.diagonal(encoder @ S @ encoder.T)
        K = 0.5 * (log_var.exp() + code - 1 - log_var).sum()
        least = (d * c + 12 * 0.05) / (2 * c) + 0.5 * (spread[:d] / c).log().sum()
        return float(R / (2 * c) + K - least)


@pytest.mark.slow
@Cause(
    "the-path-gets-nearer",
    "With the score function and a baseline, a small linear VAE ends farther from its best loss.",
    measured="nats above the least possible loss after 1,000 steps of a linear VAE of 16 and 4 "
    "numbers, one draw for each image",
    changed="the score function, with the mean of the batch as its baseline, in place of the path",
    seeds=5,
    before=(0.128, 0.267),
    after=(0.37, 0.507),
    within=0.03,
)
def test_the_path_gets_nearer(seed: int, changed: bool) -> float:
    return gap_after_training(seed, changed)


@cache
def vae() -> VAE:
    return aeteach.load("vae-2").requires_grad_(False)


@OverSeeds(
    "the-path-wins-in-a-vae",
    "In the VAE of the next chapter the path wins for each of ten test digits.",
    measured="variance of the score-function estimate with its best constant baseline, over that "
    "of the path, for the gradient of the squared error with respect to the mean (each seed is "
    "another test digit)",
    seeds=10,
    spread=(1.96, 7.19),
    within=0.1,
    false_at=1,
)
def test_the_path_wins_in_a_vae(seed: int) -> float:
    x = mnist("test").images[seed : seed + 1]
    mu, log_var = vae().posterior(x)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(4000, 2, generator=generator)
    sigma = (log_var / 2).exp()
    z = (mu + sigma * noise).requires_grad_()
    f = (vae().decode(z) - x).square().flatten(1).sum(1)
    (path,) = torch.autograd.grad(f.sum(), z)
    s, f = noise / sigma, f.detach()[:, None]

    def variance(g: Tensor) -> float:
        return float(g.var(0).sum())

    best = ((s**2 * f).mean(0) / (s**2).mean(0)).mean()
    return variance((f - best) * s) / variance(path)
