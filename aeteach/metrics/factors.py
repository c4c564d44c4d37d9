r"""What does a latent dimension mean? Correlation, zeroing and traversals.

Shapes are drawn from known factors, so a latent code can be asked about them. A correlation sees
straight lines in single dimensions; a probe (`aeteach.metrics.probe`) sees whatever a small reader
can find in the whole code. The two may disagree, and a dimension that correlates with a factor is
still no feature: turn the latent space, and the correlations are gone while every reconstruction
is the same.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aeteach import _validate

_CHUNK = 1000


class Histograms(NamedTuple):
    """The distribution of each latent dimension, class by class.

    Attributes:
        edges: of the bins, (d, bins + 1), in the units of z.
        density: (classes, d, bins); times the width of a bin it sums to 1.
    """

    edges: Tensor
    density: Tensor


def correlation(factors: Tensor, z: Tensor) -> Tensor:
    r"""Return Pearson's correlation of each factor with each latent dimension.

    r = cov(f, z) / (sd(f) sd(z)). For numbers only: a shape is a name, and numbering names would
    make up an order. Use `eta_squared` for it.

    Args:
        factors: (N, F), numbers of any dtype, such as x, y and side.
        z: codes, (N, d).

    Returns:
        (F, d), float64, -1 to 1; 0 for a dimension that is constant.

    Raises:
        TypeError, ValueError: shapes that do not fit, fewer than 3 codes, or a constant factor.
    """
    _validate.latents(z)
    if not isinstance(factors, Tensor) or factors.ndim != 2 or len(factors) != len(z):
        got = tuple(factors.shape) if isinstance(factors, Tensor) else type(factors).__name__
        raise ValueError(f"factors is {got} for {len(z)} codes; expected (N, F), a row a code")
    if len(z) < 3:
        raise ValueError(f"{len(z)} codes; a correlation of fewer than 3 says nothing")
    f, c = factors.double(), z.detach().double()
    f, c = f - f.mean(0), c - c.mean(0)
    norm_f, norm_c = f.norm(dim=0), c.norm(dim=0)
    if not bool((norm_f > 0).all() & norm_f.isfinite().all()):
        raise ValueError("a factor is constant or not finite, so nothing correlates: leave it out")
    norm_c = torch.where(norm_c > 0, norm_c, math.inf)
    return (f.T @ c / norm_f[:, None] / norm_c).clamp(-1, 1)


def eta_squared(labels: Tensor, z: Tensor) -> Tensor:
    r"""Return the share of each dimension's variance that lies between classes, not within them.

    eta^2 = sum_c n_c (m_c - m)^2 / sum_i (z_i - m)^2 with m_c the mean of class c: the R^2 of
    predicting a dimension from the class. Its root is to a category what |r| is to a number.

    Args:
        labels: (N,), int64, from 0.
        z: codes, (N, d).

    Returns:
        (d,), float64, 0 to 1; 0 for a dimension that is constant.

    Raises:
        TypeError, ValueError: labels or codes of another kind, or fewer than two classes.
    """
    _validate.latents(z)
    classes = _validate.classes(labels, len(z))
    c = z.detach().double()
    c = c - c.mean(0)
    one_hot = torch.nn.functional.one_hot(labels, classes).double()  # (N, C)
    counts = one_hot.sum(0)
    means = one_hot.T @ c / counts.clamp(min=1)[:, None]  # (C, d)
    total = (c**2).sum(0)
    between = (counts[:, None] * means**2).sum(0)
    return (between / torch.where(total > 0, total, math.inf)).clamp(0, 1)


def by_shape(z: Tensor, labels: Tensor, *, bins: int = 40) -> Histograms:
    """Return the histogram of each latent dimension, class by class, on shared bins.

    Args:
        z: codes, (N, d).
        labels: (N,), int64, from 0; each class at least once.
        bins: number of bins between the smallest and the largest code of a dimension.

    Raises:
        TypeError, ValueError: codes or labels of another kind, or a class without a code.
    """
    _validate.latents(z)
    _validate.count(bins, "bins")
    classes = _validate.classes(labels, len(z))
    counts = torch.bincount(labels, minlength=classes)
    if bool((counts == 0).any()):
        raise ValueError(f"classes have {counts.tolist()} codes; each needs at least one")
    codes = z.detach().double()
    low, high = codes.min(0).values, codes.max(0).values
    high = torch.where(high > low, high, low + 1)  # a constant dimension: all in the first bin
    width = (high - low) / bins
    place = ((codes - low) / width).long().clamp(max=bins - 1)  # (N, d)
    density = torch.zeros(classes, z.shape[1], bins, dtype=torch.float64)
    for label in range(classes):
        mine = place[labels == label]
        found = torch.zeros(z.shape[1], bins, dtype=torch.float64)
        found.scatter_add_(1, mine.T, torch.ones(mine.T.shape, dtype=torch.float64))
        density[label] = found / (counts[label] * width[:, None])
    steps = torch.arange(bins + 1, dtype=torch.float64)
    return Histograms(low[:, None] + width[:, None] * steps, density)


def zeroing(model: nn.Module, images: Tensor) -> Tensor:
    """Return what each latent dimension is worth: the error that its absence adds.

    One dimension of every clean code is set to its mean over the images, all others kept. (The
    mean is 0 where codes follow the prior; a plain autoencoder's are anywhere, and 0 may be far
    from all.)

    Args:
        model: has `encode(x)` and `decode(z)`.
        images: x, (N, 1, H, W), float32 in [0, 1].

    Returns:
        (d,), float64: increase of the squared error, summed over pixels, averaged over images. It
        may be a little below 0.

    Raises:
        TypeError, ValueError: images of another kind, or codes that are not (N, d).
    """
    _validate.images(images)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        z = torch.cat([model.encode(x) for x in images.split(_CHUNK)])  # type: ignore[operator]
        _validate.latents(z, "encode(images)")
        errors = [_error(model, z, images)]
        for i in range(z.shape[1]):
            without = z.clone()
            without[:, i] = z[:, i].mean()
            errors.append(_error(model, without, images))
    model.train(was_training)
    return torch.tensor(errors[1:], dtype=torch.float64) - errors[0]


def traverse(
    model: nn.Module, z: Tensor, dimension: int, values: Sequence[float] | Tensor
) -> Tensor:
    """Return what is decoded while one dimension of a code takes some values.

    Args:
        model: has `decode(z)`.
        z: one code, (d,).
        dimension: which one, from 0 to d - 1.
        values: that it takes, such as torch.linspace(-3, 3, 9), in the units of z.

    Returns:
        (len(values), 1, H, W).

    Raises:
        TypeError, ValueError: a code of another kind, no such dimension, or no values.
    """
    if not isinstance(z, Tensor) or z.ndim != 1:
        raise ValueError("z must be one code, (d,): take one row, such as z[0]")
    _validate.latents(z[None])
    _validate.count(dimension, "dimension", least=0)
    if dimension >= len(z):
        raise ValueError(f"dimension is {dimension}; the code has the dimensions 0 to {len(z) - 1}")
    steps = torch.as_tensor(values, dtype=z.dtype)
    if steps.ndim != 1 or len(steps) == 0 or not bool(steps.isfinite().all()):
        raise ValueError(f"values has shape {tuple(steps.shape)}; expected finite numbers (n,)")
    codes = z.detach().repeat(len(steps), 1)
    codes[:, dimension] = steps
    was_training = model.training
    model.eval()
    with torch.no_grad():
        images = model.decode(codes)  # type: ignore[operator]
    model.train(was_training)
    return images


def _error(model: nn.Module, z: Tensor, images: Tensor) -> float:
    pairs = zip(z.split(_CHUNK), images.split(_CHUNK), strict=True)
    total = 0.0
    for codes, some in pairs:
        total += (model.decode(codes) - some).square().double().sum().item()  # type: ignore[operator]
    return total / len(images)
