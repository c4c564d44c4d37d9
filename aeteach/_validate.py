"""Checks of arguments: what arrived, what was expected, what to do. Each returns its argument.

Bad input must never become a wrong number, so every public function asks here first.
"""

import math

import torch
from torch import Tensor

MAX_SEED = 2**63 - 1
MAX_CLASSES = 10**6  # more is no label: one-hot rows would fill the memory


def images(x: object, name: str = "images", size: int | None = None) -> Tensor:
    """Return x if it is a batch of grey images: (N, 1, H, W), float32, in [0, 1], not empty.

    Args:
        x: what arrived.
        name: what the caller calls it.
        size: H and W must be this, in pixels; None for any.

    Raises:
        TypeError: not a tensor, or not float32.
        ValueError: another shape, empty, NaN, or outside [0, 1].
    """
    want = "(N, 1, H, W)" if size is None else f"(N, 1, {size}, {size})"
    x = _tensor(x, name, f"a float32 tensor {want} in [0, 1]")
    if x.dtype != torch.float32:
        raise TypeError(f"{name} must be float32 in [0, 1], got {x.dtype}: {_to_float(x)}")
    if x.ndim != 4 or x.shape[1] != 1 or (size and x.shape[2:] != (size, size)):
        raise ValueError(f"{name} must be {want}, got {_shape(x)}: {_to_images(x, size)}")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(x)}: pass at least one image")
    _in_unit_range(x, name)
    return x


def labels(y: object, n: int | None = None, name: str = "labels", classes: int = 10) -> Tensor:
    """Return y if it is a batch of class labels: (N,), int64, 0 to classes - 1, not empty.

    Args:
        y: what arrived.
        n: there must be this many, one for each image; None for any number.
        name: what the caller calls it.
        classes: number of classes.

    Raises:
        TypeError: not a tensor, or not int64.
        ValueError: another shape or length, empty, or a label that is no class.
    """
    y = _tensor(y, name, f"an int64 tensor (N,) of 0 to {classes - 1}")
    if y.dtype != torch.int64:
        raise TypeError(f"{name} must be int64, got {y.dtype}: use {name}.long()")
    if y.ndim != 1:
        hint = "use .argmax(1) on one-hot rows" if y.ndim == 2 else "one number for each image"
        raise ValueError(f"{name} must be (N,), got {_shape(y)}: {hint}")
    if len(y) == 0:
        raise ValueError(f"{name} is empty: pass at least one label")
    if n is not None and len(y) != n:
        raise ValueError(f"{name} must have one label for each of the {n} images, got {len(y)}")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise ValueError(f"{name} must be from 0 to {classes - 1}, got {low} to {high}")
    return y


def classes(y: object, n: int | None = None, name: str = "labels") -> int:
    """Return how many classes the labels name, from 0 to the largest; at least two must occur.

    Args:
        y: what arrived, (N,), int64, from 0.
        n: there must be this many; None for any number.
        name: what the caller calls it.

    Raises:
        TypeError, ValueError: as for `labels`, or all labels are alike.
    """
    y = labels(y, n, name, MAX_CLASSES)
    if bool((y == y[0]).all()):
        raise ValueError(f"{name} are all alike, {int(y[0])}; expected at least two classes")
    return int(y.max()) + 1


def latents(z: object, name: str = "z", d: int | None = None) -> Tensor:
    """Return z if it is a batch of latent vectors: (N, d), floating point, finite, not empty.

    Args:
        z: what arrived.
        name: what the caller calls it.
        d: number of latent dimensions; None for any.

    Raises:
        TypeError: not a tensor, or not floating point.
        ValueError: another shape, empty, NaN or infinite.
    """
    want = f"(N, {'d' if d is None else d})"
    z = _tensor(z, name, f"a float tensor {want}")
    if not z.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {z.dtype}: use {name}.float()")
    if z.ndim != 2 or (d is not None and z.shape[1] != d):
        hint = f"; flatten channels with {name}.flatten(1)" if z.ndim > 2 else ""
        raise ValueError(f"{name} must be {want}, got {_shape(z)}{hint}")
    if z.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(z)}: pass at least one vector")
    bad = int((~z.isfinite()).any(1).sum())
    if bad:
        raise ValueError(
            f"{name} must be finite, {bad} of its {len(z)} rows hold NaN or infinity: "
            "look for a loss that diverged"
        )
    return z


def count(n: object, name: str = "n", least: int = 1) -> int:
    """Return n if it is a whole number, at least `least`.

    Raises:
        TypeError: not an int (True and 3.0 are not).
        ValueError: less than `least`.
    """
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"{name} must be a whole number (int), got {n!r} ({type(n).__name__})")
    if n < least:
        raise ValueError(f"{name} must be at least {least}, got {n}")
    return n


def seed(value: object, name: str = "seed") -> int:
    """Return the seed if it is a whole number from 0 to 2^63 - 1.

    Raises:
        TypeError: not an int.
        ValueError: negative, or too large for a generator.
    """
    value = count(value, name, least=0)
    if value > MAX_SEED:
        raise ValueError(f"{name} must be at most 2**63 - 1, got {value}")
    return value


def generator(value: object, name: str = "seed") -> torch.Generator:
    """Return a Generator as it is, or a new CPU one for a seed.

    Raises:
        TypeError: neither a Generator nor an int.
        ValueError: a negative seed, or one too large.
    """
    if isinstance(value, torch.Generator):
        return value
    return torch.Generator().manual_seed(seed(value, name))


def _tensor(x: object, name: str, want: str) -> Tensor:
    if isinstance(x, Tensor):
        return x
    kind = f"{type(x).__module__}.{type(x).__qualname__}".removeprefix("builtins.")
    hint = f"use torch.as_tensor({name})" if hasattr(x, "__array__") else "pass a tensor"
    raise TypeError(f"{name} must be {want}, got {kind}: {hint}")


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))


def _to_float(x: Tensor) -> str:
    """Say how to make float32 in [0, 1] of another dtype."""
    if x.is_floating_point() or x.dtype == torch.bool:
        return "convert with .float()"
    return "grey levels 0 to 255 become that with .float() / 255"


def _to_images(x: Tensor, size: int | None) -> str:
    """Say how to make (N, 1, H, W) of another shape."""
    if x.ndim == 4 and x.shape[1] == 1:
        return f"pad or crop; mnist(split, size={size}) gives this size"
    if x.ndim == 4:
        return f"{x.shape[1]} channels are not one grey channel"
    if x.ndim == 3 and x.shape[0] == 1:
        return "one image is a batch of one: .unsqueeze(0)"
    if x.ndim == 3:
        return "add the channel with .unsqueeze(1)"
    if x.ndim == 2:
        return "flat images become square with .reshape(N, 1, H, W), one image with x[None, None]"
    return "N images, 1 channel, H rows, W columns"


def _in_unit_range(x: Tensor, name: str) -> None:
    low, high = (float(end) for end in torch.aminmax(x.detach()))  # NaN if any pixel is
    if math.isnan(low):
        raise ValueError(f"{name} holds NaN in {int(x.isnan().sum())} pixels: find where it began")
    if low < 0 or high > 1:
        hint = "divide grey levels by 255" if low >= 0 and 1 < high <= 255 else "undo the scaling"
        raise ValueError(f"{name} must be in [0, 1], got {low:g} to {high:g}: {hint}")
