"""What the tests of training share: models that train in a moment, and a quiet `fit`."""

import torch
from torch import nn

from aeteach import models
from aeteach.training import fit


def linear(seed=0, latent=2):
    return models.build("linear", latent=latent, size=8, seed=seed)


def quiet(model, images, **arguments):
    return fit(model, images, progress=False, **{"epochs": 3, "batch_size": 16} | arguments)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class Conditional(nn.Module):
    """Rebuilds an image from its label alone: the smallest conditional model."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(2, 64))

    def forward(self, x, y):
        return models.Output(x_hat=self.table[y].view(-1, 1, 8, 8), z=self.table[y][:, :1])


def squared(output, x):
    return (output.x_hat - x).square().flatten(1).sum(1)


def in_meta():
    with torch.device("meta"):
        return linear()


def conv_vae():
    return models.build("conv-vae", latent=2, size=8, seed=0)
