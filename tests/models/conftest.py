"""Images for the tests of models."""

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="module")
def images() -> Tensor:
    """200 random 8x8 images whose pixels go together, in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    parts = torch.rand(6, 1, 8, 8, generator=generator)
    weights = torch.rand(200, 6, generator=generator) * torch.linspace(1, 0.2, 6)
    noise = 0.01 * torch.rand(200, 1, 8, 8, generator=generator)
    mixed = torch.einsum("nk,kchw->nchw", weights, parts) + noise
    return mixed / mixed.max()
