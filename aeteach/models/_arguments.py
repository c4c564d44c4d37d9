"""What every model asks of its arguments: images, codes, and the parts that it is made of."""

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._measure import place_of
from aeteach.likelihoods import LIKELIHOODS


def check_images(model: nn.Module, x: Tensor, size: int | tuple[int, ...] | None = None) -> Tensor:
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
    unit = bool(getattr(model, "unit", False))
    x = _validate.examples(x, "x", size, dtype=place_of(model).dtype, unit=unit, look=_looks(model))
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


def likelihood_of(sigmoid: bool, likelihood: str | None) -> str:
    """Return the name of a model's likelihood, by default what its sigmoid says.

    Args:
        sigmoid: whether the decoder's output is squashed into (0, 1).
        likelihood: a name, or None.

    Raises:
        TypeError, ValueError: no such likelihood, or one that contradicts the sigmoid.
    """
    implied = "bernoulli" if sigmoid else "gaussian"
    if likelihood is None:
        return implied
    _validate.choice(likelihood, "likelihood", LIKELIHOODS, "one of the likelihoods")
    if sigmoid != (likelihood == "bernoulli"):
        raise ValueError(
            f"likelihood is {likelihood!r} and sigmoid={sigmoid}; expected sigmoid="
            f"{likelihood == 'bernoulli'}, for the likelihood says what becomes of the output"
        )
    return likelihood


def known_size(size: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """Return a side as a whole number, or the shape of one example, as a model keeps it.

    Args:
        size: a side in pixels; or (H, W), (C, H, W) or (F,).

    Raises:
        TypeError, ValueError: none of these.
    """
    one = _validate.shape(size)
    return one if isinstance(size, tuple | list) else one[-1]


def decoded_size(size: int | tuple[int, ...], likelihood: str | None) -> int | tuple[int, ...]:
    """Return the shape that a decoder makes: for each value as many as its likelihood needs.

    Args:
        size: of one example, as for `known_size`.
        likelihood: a name in `likelihoods.LIKELIHOODS`; None for one number a value.

    Raises:
        TypeError, ValueError: no size, or no such likelihood.
    """
    size = known_size(size)
    if likelihood is None:
        return size
    _validate.choice(likelihood, "likelihood", LIKELIHOODS, "one of the likelihoods")
    many = LIKELIHOODS[likelihood].per_value
    first, *rest = _validate.shape(size)
    return size if many == 1 else (many * first, *rest)


def unflatten(one: tuple[int, ...]) -> list[nn.Module]:
    """Return the layer that gives flat numbers the shape of an example; features have one axis.

    Args:
        one: shape of an example.
    """
    return [nn.Unflatten(1, one)] if len(one) > 1 else []


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
