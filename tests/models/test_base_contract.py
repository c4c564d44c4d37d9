"""What every model keeps, whatever it is made of."""

import pytest
import torch
from torch import Tensor, nn

from aeteach import models
from aeteach.models import MODELS, build

N = 3


def made(name: str) -> tuple[nn.Module, tuple[int, int], tuple[Tensor, ...]]:
    """A model, the size of its images, and what it takes beside them."""
    model = build(name, seed=1).eval()
    size = getattr(model, "size", 32)
    size = size if isinstance(size, tuple) else (size, size)
    if isinstance(model, models.PCA):
        model.fit(torch.rand(20, 1, *size))
    labels = (torch.arange(N),) if getattr(model, "classes", 0) else ()
    return model, size, labels


@pytest.mark.parametrize("name", MODELS)
def test_images_of_another_size_are_refused_by_name(name: str) -> None:
    model, (height, width), labels = made(name)
    for shape in [
        (N, 1, height + 2, width + 2),
        (N, 1, height, width + 2),
        (N, 1, width, 2 * height),
        (N, 3, height, width),
        (N, height, width),
        (N, height * width),
    ]:
        # The reader of shapes was made for two sizes.
        named = r"\(N, 1, H, W\)|" * (name == "shape-reader")
        with pytest.raises(ValueError, match=rf"{named}\(N, 1, {height}, {width}\)") as error:
            model(torch.rand(shape), *labels)
        assert str(shape) in str(error.value)


@pytest.mark.parametrize("name", [name for name in MODELS if "reader" not in name])
def test_decoding_the_code_gives_the_reconstruction(name: str) -> None:
    # The decoder ends where the reconstruction does: with the sigmoid, or without one.
    model, size, labels = made(name)
    with torch.no_grad():
        out = model(torch.rand(N, 1, *size), *labels)
        assert torch.equal(model.decode(out.z, *labels), out.x_hat)
    assert out.x_hat.shape == (N, 1, *size)


def test_an_autoencoder_of_ones_own_takes_any_size_unless_told_one() -> None:
    encoder = nn.AdaptiveAvgPool2d(2)
    decoder = nn.Upsample(size=(6, 4))
    free = models.Autoencoder(encoder, decoder, sigmoid=False)
    assert free(torch.rand(2, 1, 9, 9)).x_hat.shape == (2, 1, 6, 4)
    bound = models.Autoencoder(encoder, decoder, sigmoid=False)
    bound.size = (6, 4)
    assert bound(torch.rand(2, 1, 6, 4)).x_hat.shape == (2, 1, 6, 4)
    with pytest.raises(ValueError, match=r"\(N, 1, 6, 4\).*got \(2, 1, 4, 6\)"):
        bound(torch.rand(2, 1, 4, 6))
