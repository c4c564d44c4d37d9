"""What "A nonlinear autoencoder" claims beyond its cells."""

import pytest
import torch
from aeteach_book.evidence import Cause, OverSeeds, Source
from torch import nn

from aeteach import results
from aeteach.data import mnist
from aeteach.models import Autoencoder
from aeteach.models.mlp import mlp_decoder, mlp_encoder
from aeteach.training import fit

Source(
    "any-function",
    "A network with enough of them comes as near as you like to any continuous function on a "
    "closed and bounded region.",
    key="leshno1993multilayer",
    place="theorem 1",
    says="one hidden layer comes as near as you like to every continuous function on a compact set "
    "if, and only if, its activation is no polynomial.",
)


@OverSeeds(
    "two-beat-four",
    "With two numbers the nonlinear autoencoder is better than PCA with four, by error and by "
    "readability.",
    measured="the smaller of two advantages: squared error in per cent of PCA's, readability in "
    "points",
    seeds=5,
    spread=(23.6, 25.2),
    within=0.1,
    false_at=0,
    table="autoencoders.csv",
)
def test_two_beat_four(seed: int) -> float:
    table = results.read("autoencoders")
    (ours,) = table.where(model="AE", bottleneck=2, seed=seed)
    (pca,) = table.where(model="PCA", bottleneck=4)
    error = 100 * (1 - ours["squared_error"] / pca["squared_error"])
    return min(error, ours["readability"] - pca["readability"])


def lost_of_twenty(start: float) -> int:
    """Latent numbers that are 0 for nearly all test digits, of ten models with a ReLU on them."""
    x, x_test = mnist("train").images[:2000], mnist("test").images
    lost = 0
    for seed in range(10):
        torch.manual_seed(seed)
        encoder = nn.Sequential(mlp_encoder(2), nn.ReLU())
        model = Autoencoder(encoder, mlp_decoder(2), sigmoid=True)
        with torch.no_grad():
            encoder[0][-1].bias += start
        how = {"epochs": 2, "batch_size": 32, "lr": 4e-3, "schedule": "one_cycle"}
        fit(model, x, seed=seed, progress=False, **how)
        with torch.no_grad():
            lost += int(((model.encode(x_test) == 0).float().mean(0) > 0.95).sum())
    return lost


@pytest.mark.slow
@Cause(
    "start-kills",
    "A higher start helps every time: none is lost, at the full rate.",
    measured="latent numbers that are 0 for nearly all digits after training, of 20 in ten seeds",
    changed="1 added, before training, to what enters the ReLU",
    seeds=1,
    before=(12, 12),
    after=(0, 0),
    within=3,
)
def test_start_kills(seed: int, changed: bool) -> int:
    return lost_of_twenty(1.0 if changed else 0.0)
