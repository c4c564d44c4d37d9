"""What "Choosing the latent" claims beyond its cells."""

import math

import numpy as np
import torch
from aeteach_book.evidence import OverSeeds
from scipy.spatial import ConvexHull
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from aeteach import results
from aeteach.data import mnist
from aeteach.models import build


@OverSeeds(
    "five-nats-a-number",
    "From 2 to 10, each further number is worth more than five nats, about ten times the standard "
    "deviation over seeds.",
    measured="nats of test loss saved from 2 to 10 numbers, for each number",
    seeds=3,
    spread=(5.34, 5.55),
    within=0.01,
    false_at=5,
    table="vae_reference.csv",
)
def test_five_nats_a_number(seed: int) -> float:
    loss = {}
    for latent in (2, 10):
        (row,) = results.read("vae_reference").where(latent=latent, beta=1.0, seed=seed)
        loss[latent] = row["negative_elbo"]
    return (loss[2] - loss[10]) / 8


@OverSeeds(
    "all-alive-at-the-start",
    "Of the sixteen, none is dead before training, with any of five seeds.",
    measured="features above 0 for at least one of 1,000 digits, before training",
    seeds=5,
    spread=(16, 16),
    within=0,
    false_at=15,
)
def test_all_alive_at_the_start(seed: int) -> float:
    images = mnist("test", size=28).images[::10]
    model = build("keras-vae", latent=10, seed=seed)
    with torch.no_grad():
        features = torch.cat([model.encoder(part) for part in images.split(200)])
    return int((features > 0).any(0).sum())


@OverSeeds(
    "islands-in-noise",
    "With five samples of noise, perplexity 3 makes such clumps each time.",
    measured="R of the map with perplexity 3",
    seeds=5,
    spread=(0.5, 0.67),
    within=0.1,
    false_at=0.8,
)
def test_islands_in_noise(seed: int) -> float:
    noise = np.random.default_rng(seed).normal(size=(200, 10))
    flat = TSNE(2, perplexity=3, random_state=seed, init="pca", max_iter=500).fit_transform(noise)
    away, _ = NearestNeighbors(n_neighbors=1).fit(flat).kneighbors()  # of the others
    return float(away.mean() / (0.5 * math.sqrt(ConvexHull(flat).volume / len(flat))))
