"""How sharp are the strokes? A number in place of a glance, with a unit."""

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact


def sharpness(images: Tensor) -> Tensor:
    r"""Return how steep the edges of each image are, (N,), in grey levels a pixel.

    With g_p = sqrt((x_{r,c+1} - x_{r,c})^2 + (x_{r+1,c} - x_{r,c})^2) at pixel p = (r, c),

        sharpness = sum_p g_p^2 / sum_p g_p,

    the mean of g over the image, each pixel weighted by its own g: flat paper counts nothing.
    An edge that climbs from black to white in w equal steps scores 1/w, however long it is. Blur
    lowers it, and so does a fainter stroke. An image with no edge scores 0. Noise scores high: a
    sharp image need not be a good one.

    Args:
        images: (N, 1, H, W), float32 in [0, 1], at least 2 pixels high and wide.

    Raises:
        TypeError, ValueError: not such images.
    """
    return _sharpness(_checked(images, "images"))


def relative_sharpness(images: Tensor, originals: Tensor) -> float:
    """Return the mean sharpness of images as a share of that of the originals; 1 is as sharp.

    Args:
        images: reconstructions or generated images, (N, 1, H, W), float32 in [0, 1].
        originals: (M, 1, H, W), likewise, of the same size; M may differ from N.

    Raises:
        TypeError, ValueError: as for `sharpness`, or sizes that differ, or originals without an
            edge.
    """
    _checked(images, "images")
    if images.shape[2:] != _checked(originals, "originals").shape[2:]:
        raise ValueError(
            f"images are {tuple(images.shape[2:])}, originals {tuple(originals.shape[2:])}: an "
            "edge of a larger image is wider, so only one size compares"
        )
    made, real = _sharpness(images).mean().item(), _sharpness(originals).mean().item()
    if real == 0:
        raise ValueError("the originals have no edge, so nothing can be as sharp as they are")
    return made / real


def _sharpness(images: Tensor) -> Tensor:
    x = exact(images.detach()[:, 0])
    across = x[:, :-1, 1:] - x[:, :-1, :-1]
    down = x[:, 1:, :-1] - x[:, :-1, :-1]
    square = across**2 + down**2  # (N, H - 1, W - 1)
    steepness = square.sqrt().sum((1, 2))
    return torch.where(steepness > 0, square.sum((1, 2)) / steepness.clamp(min=1e-300), 0.0)


def _checked(images: Tensor, name: str) -> Tensor:
    """Return images that are large enough to have an edge."""
    if min(_validate.images(images, name).shape[2:]) < 2:
        raise ValueError(f"{name} are {tuple(images.shape[2:])}; an edge needs 2 pixels each way")
    return images
