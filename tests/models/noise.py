"""Images of noise."""

import torch
from torch import Tensor


def noise(n: int = 3, size: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(seed))
