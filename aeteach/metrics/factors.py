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
from aeteach._exact import exact
from aeteach._measure import call, images_of, measuring, moved

_CHUNK = 1000
_MOST_BINS = 100_000


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
    _validate.latents(z, least=3)
    want = f"finite numbers (N, F), a row for each of the {len(z)} codes"
    # A list of rows would be guessed at; whole numbers are as good as others here.
    f = _validate.numbers(_validate.tensor(factors, "factors", want), "factors", want)
    if f.ndim != 2 or len(f) != len(z):
        raise ValueError(f"factors is {_validate.say(factors)}; expected {want}")
    _validate.one_device(factors=f, z=z)
    f, c = exact(f.detach()), exact(z.detach())
    f, c = f - f.mean(0), c - c.mean(0)
    norm_f, norm_c = f.norm(dim=0), c.norm(dim=0)
    if not bool((norm_f > 0).all() & norm_f.isfinite().all()):
        raise ValueError("one of the factors is constant, so nothing correlates: leave it out")
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
    _validate.one_device(labels=labels, z=z)
    c = exact(z.detach())
    c = c - c.mean(0)
    one_hot = exact(torch.nn.functional.one_hot(labels, classes))  # (N, C)
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
    bins = _validate.count(bins, "bins", most=_MOST_BINS)
    classes = _validate.classes(labels, len(z))
    _validate.one_device(labels=labels, z=z)
    counts = torch.bincount(labels, minlength=classes)
    if bool((counts == 0).any()):
        empty = int((counts == 0).nonzero()[0])
        raise ValueError(
            f"labels name {classes} classes, and no code belongs to class {empty}; expected each "
            "from 0 to the largest at least once: number them without a gap"
        )
    _validate.room(classes * z.shape[1] * bins, f"bins = {bins}")
    codes = exact(z.detach())
    labels, counts = labels.to(codes.device), counts.to(codes.device)
    low, high = codes.min(0).values, codes.max(0).values
    high = torch.where(high > low, high, low + 1)  # a constant dimension: all in the first bin
    width = (high - low) / bins
    place = ((codes - low) / width).long().clamp(max=bins - 1)  # (N, d)
    density = codes.new_zeros(classes, z.shape[1], bins)
    for label in range(classes):
        mine = place[labels == label]
        found = codes.new_zeros(z.shape[1], bins)
        found.scatter_add_(1, mine.T, torch.ones_like(mine.T, dtype=torch.float64))
        density[label] = found / (counts[label] * width[:, None])
    steps = torch.arange(bins + 1, dtype=torch.float64, device=codes.device)
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
        (d,), float64, on the CPU: increase of the squared error, summed over pixels, averaged over
        images. It may be a little below 0.

    Raises:
        TypeError, ValueError: images of another kind, or codes that are not (N, d).
    """
    _validate.images(images)
    _validate.model(model, "encode", "decode")
    with measuring(model) as place:
        parts = [call(model, "encode", images=moved(place, x)) for x in images.split(_CHUNK)]
        z = torch.cat([_validate.latents(part, "the model's encode(images)") for part in parts])
        errors = [_error(model, z, images)]
        for i in range(z.shape[1]):
            without = z.clone()
            without[:, i] = z[:, i].mean()
            errors.append(_error(model, without, images))
    return torch.tensor(errors[1:], dtype=torch.float64, device="cpu") - errors[0]


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
        (len(values), 1, H, W), where the model is.

    Raises:
        TypeError, ValueError: a code of another kind, no such dimension, or no values.
    """
    _validate.model(model, "decode")
    if _validate.finite(z, "z", "one code (d,)").ndim != 1:
        raise ValueError(f"z is {_validate.say(z)}; expected one code, (d,): take a row, as z[0]")
    dimension = _validate.count(dimension, "dimension", least=0)
    if dimension >= len(z):
        raise ValueError(f"dimension is {dimension}; the code has the dimensions 0 to {len(z) - 1}")
    steps = _validate.numbers(values, "values", "finite numbers (n,)", axes=1).detach()
    with measuring(model) as place:
        codes = moved(place, z.detach()).repeat(steps.numel(), 1)
        codes[:, dimension] = moved(place, steps)
        return images_of(model, "decode", z=codes)


def _error(model: nn.Module, z: Tensor, images: Tensor) -> float:
    pairs = zip(z.split(_CHUNK), images.split(_CHUNK), strict=True)
    total = 0.0
    for codes, some in pairs:
        x_hat = images_of(model, "decode", z=codes)
        if x_hat.shape != some.shape:
            raise ValueError(
                f"the model's decode(z) gave {_validate.say(x_hat)} for {_validate.say(some)}; "
                "expected images of the same shape"
            )
        total += exact((x_hat - some.to(x_hat.device)).square()).sum().item()
    return total / len(images)
