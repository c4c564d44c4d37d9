"""Small models as if they had been trained, and images to show them."""

from typing import Any

import torch
from torch import Tensor, nn

from aeteach.models import VAE, build
from aeteach.models.mlp import MLPAutoencoder


def seeded(make: Any, seed: int = 0) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def worn(make: Any, seed: int = 0) -> Any:
    """A model with weights far from zero and normalisations that have seen something."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = make()
        for part in made.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features)
                part.running_var = 0.2 + 2.8 * torch.rand(part.num_features)
                part.weight.data.uniform_(0.5, 2)
                part.bias.data.normal_()
    return made.eval()


def mlp(latent: int = 2, seed: int = 0) -> MLPAutoencoder:
    """An autoencoder with large weights that float16 holds exactly."""
    made: MLPAutoencoder = seeded(lambda: MLPAutoencoder(latent), seed)
    with torch.no_grad():
        for p in made.parameters():
            p.mul_(3).copy_(p.half().float())
    return made


def vae(name: str = "conv-vae", **arguments: Any) -> VAE:
    """A VAE with running statistics unlike those of the start."""
    made: Any = build(name, latent=3, seed=0, **arguments)
    g = torch.Generator().manual_seed(0)
    for part in made.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.randn(part.num_features, generator=g)
            part.running_var = 0.2 + 2.8 * torch.rand(part.num_features, generator=g)
            part.weight.data = 0.5 + torch.rand(part.num_features, generator=g)
            part.bias.data = torch.randn(part.num_features, generator=g)
    built: VAE = made.eval()
    return built


def framed_digits(n: int = 40, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise of 28x28 pixels in a black frame, and labels in turn."""
    inner = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    return nn.functional.pad(inner, [2] * 4), torch.arange(n) % 10
