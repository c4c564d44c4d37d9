"""The training loop against the loop most tutorials print: a DataLoader over a TensorDataset.

Both make the same steps on the same 10,000 digits; read the ratio of the two medians, not times.
"""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from aeteach import models
from aeteach.data import mnist
from aeteach.training import fit

BATCH = 128


@pytest.fixture(scope="module")
def images():
    return mnist("test").images


@pytest.fixture
def model():
    return models.build("linear", latent=10, seed=0)


def with_loader(model, images):
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for (x,) in DataLoader(TensorDataset(images), batch_size=BATCH, shuffle=True):
        loss = (model(x).x_hat - x).square().flatten(1).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@pytest.mark.benchmark(group="one epoch of a linear autoencoder")
def test_fit(benchmark, model, images):
    benchmark(lambda: fit(model, images, epochs=1, batch_size=BATCH, progress=False))


@pytest.mark.benchmark(group="one epoch of a linear autoencoder")
def test_dataloader(benchmark, model, images):
    benchmark(with_loader, model, images)
