"""Every model of the book, by name."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from aeteach.models.base import Autoencoder, Output, count_parameters
from aeteach.models.conv import ConvAutoencoder
from aeteach.models.linear import LinearAutoencoder
from aeteach.models.mlp import MLPAutoencoder
from aeteach.models.pca import PCA
from aeteach.models.reader import ConvReader, DigitReader

MODELS: dict[str, Callable[..., nn.Module]] = {
    "conv": ConvAutoencoder,
    "conv-reader": ConvReader,
    "linear": LinearAutoencoder,
    "mlp": MLPAutoencoder,
    "pca": PCA,
    "reader": DigitReader,
}


def build(name: str, *, seed: int = 0, **arguments: Any) -> nn.Module:
    """Make an untrained model whose initial weights depend on nothing but the seed.

    Args:
        name: a key of `MODELS`.
        seed: fixes the initial weights; the global random state is left alone.
        arguments: passed on to the class.

    Raises:
        ValueError: no model has that name.
    """
    if name not in MODELS:
        raise ValueError(f"no model is called {name!r}; known: {', '.join(sorted(MODELS))}")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MODELS[name](**arguments)


__all__ = [
    "MODELS",
    "PCA",
    "Autoencoder",
    "ConvAutoencoder",
    "ConvReader",
    "DigitReader",
    "LinearAutoencoder",
    "MLPAutoencoder",
    "Output",
    "build",
    "count_parameters",
]
