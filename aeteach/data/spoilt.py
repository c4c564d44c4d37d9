"""Shapes a little softened, and images that are no shape: what the shape reader learns from."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from aeteach import _validate
from aeteach._exact import own_precision
from aeteach._on_cpu import on_cpu
from aeteach.data.shapes import SIZE, Shapes, shapes

NONE = 3  # the label of what is no shape; 0 to 2 are circle, rectangle (or square), triangle
_SOFT, _BLURRED = (0.3, 0.6, 1.0), (2.0, 3.0, 4.0)  # standard deviations of the blur, pixels
_REACH = 8  # pixels of the blur's kernel on each side


@on_cpu
def reader_images(split: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return images to train or to test the shape reader on, and what each shows.

    The shapes are those of both sets of `shapes`, with and without rectangles. The sets have images
    in common, so whatever is a test image of either is left out of the training images. Every
    second shape is softened, as a decoder draws it: blurred by up to 1 pixel, up to 5 % of
    noise. To these come half as many images that are no shape, a fifth each: two shapes one over
    the other, half transparent; a shape with a block of 4 to 8 pixels turned to its negative; a
    shape blurred by 2 to 4 pixels; a shape fainter than 35 % grey; smooth noise.

    Args:
        split: "train" or "test".
        seed: of the spoiling; train and test never share draws.

    Returns:
        images (N, 1, 28, 28) in [0, 1]; labels (N,), 0 to 2 for the shapes, 3 for none.

    Raises:
        TypeError, ValueError: another split, or no seed.
    """
    _validate.choice(split, "split", ("train", "test"))
    seed = _validate.count(seed, "seed", least=0, most=_validate.MAX_SEED // 2)
    images, labels = _sources(split)
    generator = torch.Generator().manual_seed(2 * seed + (split == "test"))
    clean = images.clone()
    soft = torch.arange(len(images)) % 2 == 1
    images[soft] = _soften(images[soft], generator)
    spoilt = _spoil(clean, len(images) // 2, generator)
    none = torch.full((len(spoilt),), NONE)
    return torch.cat([images, spoilt]), torch.cat([labels, none])


def blur(images: Tensor, sigma: float) -> Tensor:
    """Return images blurred by a normal kernel of a standard deviation in pixels; black outside.

    Args:
        images: (N, 1, H, W), float32, finite.
        sigma: above 0, at most 4, in pixels.

    Returns:
        (N, 1, H, W), in [0, 1]: what is outside is cut off.

    Raises:
        TypeError, ValueError: images or a number of another kind.
    """
    _validate.pixels(images, "images")
    sigma = _validate.number(sigma, "sigma", above=0, most=_REACH / 2, hint="pixels")
    return _blur(images, sigma)


@own_precision()
def _blur(images: Tensor, sigma: float) -> Tensor:
    steps = torch.arange(-_REACH, _REACH + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    across = conv2d(pad(images, (_REACH,) * 4), kernel.view(1, 1, 1, -1))
    return conv2d(across, kernel.view(1, 1, -1, 1)).clamp(0, 1)


def _sources(split: str) -> tuple[Tensor, Tensor]:
    """Return the clean shapes of a split of both sets, each once, and their labels."""
    sets = [_with_sides(shapes(split, rectangles=r), r) for r in (False, True)]
    images, factors = (torch.cat([s[i] for s in sets]) for i in (0, 1))
    kept: dict[tuple[int, ...], int] = {}
    for row, what in enumerate(map(tuple, factors.tolist())):
        kept.setdefault(what, row)
    if split == "train":
        for r in (False, True):
            for what in map(tuple, _with_sides(shapes("test", rectangles=r), r).factors.tolist()):
                kept.pop(what, None)
    rows = torch.tensor(list(kept.values()))
    return images[rows], factors[rows, 0]


def _with_sides(found: Shapes, rectangles: bool) -> Shapes:
    """Write the factors of either set in the same way: shape, x, y, width, height."""
    columns = [0, 1, 2, 3, 4] if rectangles else [0, 1, 2, 3, 3]
    return Shapes(found.images, found.factors[:, columns])


def _soften(images: Tensor, generator: torch.Generator) -> Tensor:
    kind = torch.randint(len(_SOFT), (len(images),), generator=generator)
    soft = torch.stack([blur(images, sigma) for sigma in _SOFT])[kind, torch.arange(len(images))]
    share = 0.05 * torch.rand(len(images), 1, 1, 1, generator=generator, dtype=torch.float32)
    noise = torch.randn(soft.shape, generator=generator, dtype=torch.float32)
    return (soft + share * noise).clamp(0, 1)


def _spoil(images: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Return n images that are no shape, five kinds in equal parts."""
    rows = torch.randint(len(images), (2, n), generator=generator)
    some, others = images[rows[0]], images[rows[1]]
    share = torch.rand(n, 1, 1, 1, generator=generator, dtype=torch.float32)
    kinds = torch.arange(n) % 5
    wide = torch.stack([blur(some, sigma) for sigma in _BLURRED])
    which = torch.randint(len(_BLURRED), (n,), generator=generator)
    mixed = (0.35 + 0.3 * share) * some + (0.65 - 0.3 * share) * others
    grain = torch.randn(n, 1, SIZE, SIZE, generator=generator, dtype=torch.float32)
    noise = _blur(grain, 1.5)  # clamped at 0
    noise = noise / noise.flatten(1).amax(1).view(-1, 1, 1, 1).clamp(min=1e-3)
    every = torch.stack(
        [
            mixed,
            _with_block(some, generator),
            wide[which, torch.arange(n)],
            0.35 * share * some,
            noise,
        ]
    )
    return every[kinds, torch.arange(n)]


def _with_block(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn a square block that touches each shape to its negative."""
    out = images.clone()
    for image in out[:, 0]:
        white = image.nonzero()
        centre = white[int(torch.randint(len(white), (), generator=generator))]
        side = int(torch.randint(4, 9, (), generator=generator))
        top, left = (centre - side // 2).clamp(min=0).tolist()
        block = image[top : top + side, left : left + side]
        block.copy_(1 - block)
    return out
