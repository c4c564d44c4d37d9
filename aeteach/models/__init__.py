"""Every model of the book, by name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from aeteach import _validate
from aeteach.models.base import Autoencoder, Model, Output, count_parameters
from aeteach.models.conv import ConvAutoencoder
from aeteach.models.cvae import LabelPlanes, conv_cvae, dense_cvae
from aeteach.models.keras_vae import keras_vae
from aeteach.models.linear import LinearAutoencoder
from aeteach.models.mlp import MLPAutoencoder
from aeteach.models.noisy import (
    LatentNoise,
    NoisyAutoencoder,
    noisy_conv,
    noisy_mlp,
    noisy_points,
)
from aeteach.models.pca import PCA
from aeteach.models.reader import ConvReader, DigitReader, ShapeReader
from aeteach.models.vae import VAE, Heads, conv_vae, dense_vae, mlp_vae, wide_conv_vae

MODELS: dict[str, Callable[..., Model]] = {
    "conv": ConvAutoencoder,
    "conv-cvae": conv_cvae,
    "conv-reader": ConvReader,
    "conv-vae": conv_vae,
    "cvae": dense_cvae,
    "keras-vae": keras_vae,
    "linear": LinearAutoencoder,
    "mlp": MLPAutoencoder,
    "mlp-vae": mlp_vae,
    "noisy-conv": noisy_conv,
    "noisy-mlp": noisy_mlp,
    "noisy-points": noisy_points,
    "pca": PCA,
    "reader": DigitReader,
    "shape-reader": ShapeReader,
    "vae": dense_vae,
    "wide-conv-vae": wide_conv_vae,
}


def build(name: str, *, seed: int = 0, **arguments: Any) -> Model:
    """Make an untrained model whose initial weights depend on nothing but the seed.

    They are drawn as float32 on the CPU, whatever default the caller has set for torch, and then
    moved to the caller's default device. The global random state is left alone.

    Args:
        name: a key of `MODELS`.
        seed: fixes the initial weights.
        arguments: passed on to the class or function of that name.

    Raises:
        ValueError: no model has that name.
    """
    _validate.choice(name, "name", sorted(MODELS), "one of the models")
    with _drawn_from(_validate.seed(seed)):
        model = MODELS[name](**arguments)
    return model.to(torch.get_default_device())


@contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """Draw from the CPU's generator alone, in float32, tensors that can be trained."""
    dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.inference_mode(False):
        torch.default_generator.manual_seed(seed)
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


__all__ = [
    "MODELS",
    "PCA",
    "VAE",
    "Autoencoder",
    "ConvAutoencoder",
    "ConvReader",
    "DigitReader",
    "Heads",
    "LabelPlanes",
    "LatentNoise",
    "LinearAutoencoder",
    "MLPAutoencoder",
    "Model",
    "NoisyAutoencoder",
    "Output",
    "ShapeReader",
    "build",
    "conv_cvae",
    "conv_vae",
    "count_parameters",
    "dense_cvae",
    "dense_vae",
    "keras_vae",
    "mlp_vae",
    "noisy_conv",
    "noisy_mlp",
    "noisy_points",
    "wide_conv_vae",
]
