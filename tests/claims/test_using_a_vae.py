"""What "Using a VAE" claims beyond its cells."""

from functools import cache

import torch
from aeteach_book.evidence import OverSeeds
from torch import Tensor

import aeteach
from aeteach import latent, metrics
from aeteach.data import mnist
from aeteach.htr import read
from aeteach.models import VAE


@cache
def model_and_codes() -> tuple[VAE, Tensor, Tensor, Tensor]:
    vae = aeteach.load("conv-vae-10-beta-1").requires_grad_(False)
    training, _ = metrics.posteriors(vae, mnist("train").images[:10_000])
    return vae, training, *metrics.posteriors(vae, mnist("test").images[:2000])


@OverSeeds(
    "distance-is-a-part-of-it",
    "But distance is a part of it only: draws from the prior that lie as near to the codes as "
    "draws from $q(z)$ are still read alike by all five readers less often.",
    measured="points by which the readers agree more often on draws from q(z), where both are "
    "weighed to the same distances from 10,000 codes",
    seeds=5,
    spread=(13.6, 16.5),
    within=2,
    false_at=0,
)
def test_distance_is_a_part_of_it(seed: int) -> float:
    vae, training, mu, log_var = model_and_codes()
    generator = torch.Generator().manual_seed(seed)
    prior, noise = torch.randn(2, *mu.shape, generator=generator)
    draws = {"prior": prior, "posterior": mu + (log_var / 2).exp() * noise}
    away = {name: latent.nearest_code(z, training).distance for name, z in draws.items()}
    agree = {name: (read(vae.decode(z)).agreement == 1).float() for name, z in draws.items()}
    edges = away["posterior"].quantile(torch.linspace(0, 1, 11))[1:-1]
    bins = {name: torch.bucketize(distance, edges) for name, distance in away.items()}
    matched = torch.stack([agree["prior"][bins["prior"] == b].mean() for b in range(10)])
    shares = bins["posterior"].bincount(minlength=10) / len(mu)
    return 100 * float(agree["posterior"].mean() - (matched * shares).sum())
