"""Points on a cube through a noisy bottleneck: latent size by signal-to-noise ratio."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aeteach import channel
from aeteach._exact import exact
from aeteach._measure import moved, place_of
from aeteach._random import seeded
from aeteach.data import surface_distance
from aeteach.divergences import mmd
from aeteach.losses import squared_error
from aeteach.models import NoisyAutoencoder
from aeteach.recipes import CUBE_LATENTS, CUBE_SNRS, DATA, RECIPES
from aeteach.sweeps import trained
from aeteach.sweeps.engine import Cell, Sweep

SEEDS = range(3)
GENERATED = 5000
NEAR = 0.05  # edge lengths: what counts as on the surface
BANDWIDTH = 0.5  # of the MMD between points, edge lengths


def measure(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train an autoencoder of points through a channel, and measure it on 10,000 other points.

    Returns:
        `squared_error` through the noise and without; the rate by the formula and the capacity, in
        bits a point; how normal the codes are; how far generated points are from the surface.
    """
    run = trained.train(cell, NoisyAutoencoder, checkpoint)
    model = run.model
    place = place_of(model)
    points = moved(place, DATA["cube"]("test"))
    assert model.noise.snr is not None
    with torch.no_grad(), seeded(cell.seed, place.device):
        z = model.encode(points)
        noise = model.noise.variance(z)
        received, clean = model(points).x_hat, model.reconstruct(points)
        made = model.decode(_draw(model, z, float(noise), cell.seed)).flatten(1)
    away = surface_distance(made)
    variances = z.var(0)
    return {
        **run.made(),
        "squared_error": round(squared_error(received, points).mean().item(), 6),
        "squared_error_clean": round(squared_error(clean, points).mean().item(), 6),
        "rate": round(channel.information_rate(variances, noise).item(), 4),
        "capacity": round(channel.capacity(model.noise.snr, z.shape[1]), 4),
        "signal_power": round(model.noise.power.item(), 4),
        "kurtosis": round(_excess_kurtosis(z).mean().item(), 4),
        "generated": GENERATED,
        "generated_distance": round(away.mean().item(), 5),
        "generated_near": round(100 * exact(away < NEAR).mean().item(), 2),
        "generated_mmd": round(
            mmd(made, points[:GENERATED].flatten(1), bandwidth=BANDWIDTH, unbiased=False).item(), 6
        ),
        **run.curve("reconstruction", digits=6),
    }


def _draw(model: NoisyAutoencoder, z: Tensor, noise: float, seed: int) -> Tensor:
    """Return codes to generate from: the prior of a VAE; a plain one has none, so a normal fit."""
    generator = torch.Generator().manual_seed(seed)
    eps = torch.randn(GENERATED, z.shape[1], generator=generator, device="cpu").to(z.device)
    if model.variational:
        return eps
    d = z.shape[1]
    received = torch.cov(z.T).reshape(d, d) + noise * torch.eye(d, device=z.device)
    return z.mean(0) + eps @ torch.linalg.cholesky(received).T


def _excess_kurtosis(z: Tensor) -> Tensor:
    """Return the excess kurtosis of each dimension: 0 if it is normal, -1.2 if uniform."""
    c = exact(z) - exact(z).mean(0)
    return (c**4).mean(0) / (c**2).mean(0) ** 2 - 3


def _cells() -> tuple[Cell, ...]:
    return tuple(
        Cell(
            RECIPES[f"cube-{stem}{latent}-{db}dB"],
            seed,
            {"model": model, "latent": latent, "snr_db": db},
        )
        for seed in SEEDS
        for model, stem in (("AE", ""), ("VAE", "vae-"))
        for latent in CUBE_LATENTS
        for db in CUBE_SNRS
    )


CUBE_SNR = Sweep(
    name="cube_snr",
    about="points on a cube through a noisy bottleneck: error, rate and generated points, 3 seeds",
    cells=_cells(),
    measure=measure,
)
