"""What every model asks of its arguments: images, codes, and the parts that it is made of."""

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._measure import place_of


def check_images(model: nn.Module, x: Tensor, size: int | tuple[int, int] | None = None) -> Tensor:
    """Return x if a model can encode it: (N, 1, H, W) of the model's precision.

    The numbers are looked at too, and must be in [0, 1] or a little beyond. In training they are
    not, for `fit` has looked at all of them before the first step.

    Args:
        model: the one that is called.
        x: what arrived.
        size: height and width it was made for, in pixels, one number if they are the same; None
            for any.

    Raises:
        TypeError, ValueError: another shape or dtype, no image, NaN, or grey levels up to 255.
    """
    x = _validate.pixels(x, "x", size, dtype=place_of(model).dtype, look=_looks(model))
    return _differentiable(model, x, "x")


def check_codes(model: nn.Module, z: Tensor, d: int | None = None, name: str = "z") -> Tensor:
    """Return z if a model can decode it: (N, d), or (N, channels, h, w), of the model's precision.

    The numbers are looked at too, and must be finite; in training they are not.

    Args:
        model: the one that is called.
        z: what arrived.
        d: number of latent dimensions; None for whatever the model says itself.
        name: what the caller calls it.

    Raises:
        TypeError, ValueError: another shape or dtype, none at all, or NaN.
    """
    want = f"a float tensor (N, {'...' if d is None else d})"
    z = _validate.floating(z, name, want)
    if _looks(model):
        _validate.finite(z, name, want, graph=True)
    if z.ndim < 2 or (d is not None and z.shape[1:] != (d,)):
        raise ValueError(f"{name} must be {want}, got {tuple(z.shape)}: a row for each image")
    return _differentiable(model, _validate.fits(model, z, name), name)


def check_parts(**parts: nn.Module) -> None:
    """Refuse parts of a model that are no modules.

    Raises:
        TypeError: one is not.
    """
    for name, part in parts.items():
        _validate.record(part, name, nn.Module, "such as nn.Sequential(...)")


def _looks(model: nn.Module) -> bool:
    """Whether a model looks at the numbers it is given: where it measures, not where it learns."""
    return not (model.training and _records(model))


def _records(model: nn.Module) -> bool:
    """Whether what the model does is recorded for gradients of its weights."""
    return torch.is_grad_enabled() and any(p.requires_grad for p in model.parameters())


def _differentiable(model: nn.Module, x: Tensor, name: str) -> Tensor:
    """Return x if a gradient can be recorded, where one is."""
    # What torch.compile traces cannot ask, and torch itself refuses then.
    if not torch.compiler.is_compiling() and x.is_inference() and _records(model):
        raise ValueError(
            f"{name} was made in inference mode, so no gradient can be recorded: use "
            f"{name}.clone(), or call the model under torch.no_grad()"
        )
    return x
