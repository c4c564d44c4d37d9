"""Walks through a latent space: grids, class medians, straight lines, distances to the codes.

None of these knows a model: they take codes z, and return points that a decoder can draw.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact

_CHUNK = 1000  # points at once: 1,000 x 60,000 distances in float32 take 240 MB


def bounds(z: Tensor, share: float = 0.99) -> tuple[Tensor, Tensor]:
    """Return the box that holds a share of the codes in each latent dimension.

    An autoencoder puts its codes anywhere, at any scale: this asks the codes where they are. As
    much is left out below as above, so that a few stray codes do not decide the box.

    Args:
        z: codes, (N, d), finite.
        share: of the codes kept in each dimension, above 0, at most 1.

    Returns:
        low and high, (d,) each, in the units of z.

    Raises:
        TypeError, ValueError: codes of another kind, or a share out of range.
    """
    _validate.latents(z)
    share = _validate.number(share, "share", above=0, most=1, hint="as 0.99")
    low, high = _quantiles(z, ((1 - share) / 2, (1 + share) / 2))
    return low, high


def grid(
    n: int, low: float | Sequence[float] | Tensor, high: float | Sequence[float] | Tensor
) -> Tensor:
    """Return n x n evenly spaced points of a plane, row by row as they would be drawn.

    The first point is the top left one (smallest z1, largest z2), the next lies to its right, so
    n x n decoded images laid out in reading order stand where the axes of a plot say.

    Args:
        n: points along each axis, from 2 to 3,000; both ends are among them.
        low: where both axes begin, or one number for each.
        high: where they end, above `low`.

    Returns:
        (n * n, 2), float32.

    Raises:
        TypeError: n is not a whole number.
        ValueError: fewer than 2 points, ends that are not finite, or an axis that does not go up,
            as from 3 to 3, where one value would be repeated n times.
    """
    _validate.count(n, "n", least=2, most=3000)
    (x_low, y_low), (x_high, y_high) = _two("low", low), _two("high", high)
    for name, a, b in (("first", x_low, x_high), ("second", y_low, y_high)):
        if not a < b:
            raise ValueError(
                f"the {name} axis goes from {a:g} to {b:g}; expected low < high, or one value is "
                f"repeated {n} times: did you mean {-abs(b):g} to {abs(b):g}?"
            )
    across = torch.linspace(x_low, x_high, n, dtype=torch.float32, device="cpu")
    # Images are drawn from the top.
    down = torch.linspace(y_high, y_low, n, dtype=torch.float32, device="cpu")
    return torch.stack([across.repeat(n), down.repeat_interleave(n)], dim=1)


class Spread(NamedTuple):
    """The quartiles of each class in each latent dimension, in the units of z.

    Attributes:
        low: lower quartiles, (C, d): a quarter of the codes lies below.
        median: (C, d): half of them does.
        high: upper quartiles, (C, d).
    """

    low: Tensor
    median: Tensor
    high: Tensor


def class_quartiles(z: Tensor, labels: Tensor, classes: int = 10) -> Spread:
    """Return the quartiles of each latent dimension, class by class.

    Between two codes they are interpolated, so the median of an even number of codes is halfway
    between the middle two (`torch.median` returns the lower one).

    Args:
        z: codes, (N, d), finite.
        labels: the class of each, (N,), int64, 0 to classes - 1, each at least once.
        classes: number of classes C.

    Raises:
        TypeError, ValueError: codes or labels of another kind, or a class without a code.
    """
    _classes(z, labels, classes)
    missing = sorted(set(range(classes)) - set(labels.unique().tolist()))
    if missing:
        raise ValueError(f"no code belongs to class {missing[0]}, so it has no median: pass more")
    each = [_quantiles(z[labels == c], (0.25, 0.5, 0.75)) for c in range(classes)]  # C of (3, d)
    return Spread(*torch.stack(each, dim=1))


def class_medians(z: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """Return the median of each latent dimension, class by class, (C, d).

    The dimensions are taken one at a time, so the result need not be near any code of its class.

    Args:
        z: codes, (N, d), finite.
        labels: the class of each, (N,), int64, 0 to classes - 1, each at least once.
        classes: number of classes C.

    Raises:
        TypeError, ValueError: as for `class_quartiles`.
    """
    return class_quartiles(z, labels, classes).median


def draw_by_class(
    z: Tensor, labels: Tensor, y: Tensor, *, seed: int | torch.Generator, classes: int = 10
) -> Tensor:
    """Return codes drawn where the codes of a class lie: from a normal fitted to each class.

    The normal of class c has the mean and the covariance (ddof 1) of its codes. It asks a model
    for a digit that was never told a label, as far as its codes lie apart.

    Args:
        z: codes, (N, d), finite.
        labels: the class of each, (N,), int64, each asked class with more than d codes.
        y: the classes asked for, (M,), int64.
        seed: a number, or a generator that is used up further with each call.
        classes: number of classes.

    Returns:
        (M, d), of z's type.

    Raises:
        TypeError, ValueError: codes, labels or a seed of another kind, or a class with too few
            codes to have a covariance.
    """
    _classes(z, labels, classes)
    _validate.labels(y, name="y", classes=classes)
    _validate.one_device(z=z, y=y)
    d = z.shape[1]
    noise = torch.randn(
        len(y), d, generator=_validate.generator(seed), dtype=torch.float32, device="cpu"
    )
    drawn = z.new_empty(len(y), d)
    for c in y.unique().tolist():
        own = exact(z[labels == c])
        if len(own) <= d:
            raise ValueError(f"class {c} has {len(own)} codes; a covariance needs more than {d}")
        root = _root(torch.cov(own.T).reshape(d, d), f"the codes z of class {c}")
        asked = y == c
        eps = noise[asked.cpu()].to(root)
        drawn[asked] = (own.mean(0) + eps @ root.T).to(z)
    return drawn


def interpolate(a: Tensor, b: Tensor, n: int) -> Tensor:
    """Return n evenly spaced steps on the straight line from a to b, both ends included.

    Step i is (1 - t) a + t b with t = i / (n - 1). It serves codes and images alike.

    Args:
        a: where it begins, any shape, floating point.
        b: where it ends, the same shape.
        n: steps, at least 2.

    Returns:
        (n, *shape of a).

    Raises:
        TypeError: not floating-point tensors, or n is not a whole number.
        ValueError: shapes differ, or fewer than 2 steps.
    """
    _validate.count(n, "n", least=2)
    for name, value in (("a", a), ("b", b)):
        _validate.finite(value, name, "a float tensor")
    if a.shape != b.shape:
        raise ValueError(
            f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; a line joins two points of one "
            "space: take one code (d,) or one image (1, H, W) each"
        )
    _validate.one_kind(a=a, b=b)
    _validate.room(n * a.numel(), f"n = {n}")
    t = torch.linspace(0, 1, n, dtype=a.dtype, device=a.device).view(-1, *[1] * a.ndim)
    return (1 - t) * a + t * b


class Nearest(NamedTuple):
    """The code nearest to each of some points.

    Attributes:
        distance: Euclidean, (M,), in the units of z.
        place: which of the codes, (M,), int64.
    """

    distance: Tensor
    place: Tensor


def nearest_code(points: Tensor, z: Tensor) -> Nearest:
    """Return how far the nearest code is from each point, and which one it is.

    Args:
        points: (M, d), finite.
        z: codes, (N, d), finite. A point that is itself among them has the distance 0.

    Raises:
        TypeError, ValueError: points or codes of another kind, or of different dimensions.
    """
    _validate.latents(z)
    _validate.latents(points, "points", d=z.shape[1])
    _validate.one_kind(points=points, z=z)
    found = []
    for some in points.split(_CHUNK):
        # The quick way, by |a|^2 - 2ab + |b|^2, cancels where points lie close: not here.
        away = torch.cdist(some, z, compute_mode="donot_use_mm_for_euclid_dist")
        found.append(away.min(dim=1))
    return Nearest(
        torch.cat([f.values for f in found]),
        torch.cat([f.indices for f in found]),
    )


def _two(name: str, ends: float | Sequence[float] | Tensor) -> tuple[float, float]:
    """Return one finite number for each of the two axes."""
    values = _validate.numbers(ends, name, "one finite number, or one for each axis", axes=1)
    if values.numel() > 2:
        raise ValueError(
            f"{name} is {_validate.say(ends)}; expected one finite number, or one for each axis"
        )
    first, last = (
        _validate.number(v, name, least=-1e30, most=1e30) for v in (values.flatten()[[0, -1]])
    )
    return first, last


def _classes(z: Tensor, labels: Tensor, classes: int) -> None:
    """Refuse codes and labels that do not fit each other."""
    _validate.latents(z)
    _validate.count(classes, "classes", most=_validate.MAX_CLASSES)
    _validate.labels(labels, len(z), classes=classes)
    _validate.one_device(z=z, labels=labels)


def _quantiles(z: Tensor, shares: tuple[float, ...]) -> Tensor:
    """Return quantiles of each dimension, (shares, d), at whatever length of z."""
    # torch.quantile takes 16 million numbers at most, and a column of codes is far shorter.
    ends = torch.tensor(shares, dtype=z.dtype, device=z.device)
    return torch.stack([torch.quantile(column, ends) for column in z.unbind(1)], dim=1)


def _root(covariance: Tensor, whose: str) -> Tensor:
    """Return the lower triangular root of a covariance."""
    root, failed = torch.linalg.cholesky_ex(covariance)
    if int(failed):
        raise ValueError(
            f"{whose} lie in a plane of fewer dimensions, so no normal fits them; expected codes "
            "that vary in every dimension"
        )
    return root
