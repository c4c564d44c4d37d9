r"""Ask a conditional VAE for a digit, and walk through its codes and its labels.

A conditional decoder has two inputs: z, where a digit's style is, and y, which digit it is. Hold
the one and change the other; or change both along one path.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from aeteach import _validate, latent
from aeteach._exact import own_precision
from aeteach._measure import call, measuring, moved, place_of
from aeteach.likelihoods import LIKELIHOODS
from aeteach.models import VAE

_CHUNK = 2000  # images decoded at once: bounds the memory, not the result


def generate(model: VAE, y: Tensor, *, seed: int | torch.Generator) -> Tensor:
    """Return a digit of each asked class, with z drawn from the prior N(0, I), (N, 1, H, W).

    A seed given here fixes the digits, as it should: the same call returns the same digits. To go
    on drawing, make one `torch.Generator` and pass it to every call. A seed fixed *inside* a
    function like this one would return the same digits whatever the caller does.

    Args:
        model: conditional.
        y: the digits asked for, (N,), int64.
        seed: a number, or a generator that is used up further with each call.

    Raises:
        TypeError, ValueError: no conditional model, labels that are none, or no seed.
    """
    _check(model)
    y = _validate.labels(y, name="y", classes=model.classes)
    noise = _validate.generator(seed)
    # Drawn as float32 on the CPU: a seed means the same on any device, in any precision.
    z = torch.randn(len(y), model.latent, generator=noise, dtype=torch.float32, device="cpu")
    return _still(model, z, _one_hot(model, y))


def all_digits(model: VAE, z: Sequence[float] | Tensor) -> Tensor:
    """Return one code decoded as every digit, (classes, 1, H, W): one style, ten digits.

    Args:
        model: conditional.
        z: one code, d numbers.

    Raises:
        TypeError, ValueError: no conditional model, or a code of other dimensions.
    """
    _check(model)
    want = f"one code, {model.latent} numbers"
    code = _validate.numbers(z, "z", want).detach().float().reshape(1, -1)
    _validate.latents(code, d=model.latent)
    every = torch.eye(model.classes, dtype=code.dtype, device="cpu")
    return _still(model, code.expand(model.classes, -1), every)


def digit_grid(model: VAE, digit: int, n: int = 12, low: float = -3.0, high: float = 3.0) -> Tensor:
    """Return one digit decoded over a plane of codes, (n * n, 1, H, W), row by row from the top.

    Args:
        model: conditional, with two latent numbers.
        digit: which.
        n: codes along each axis.
        low: where both axes begin; (-3, 3) holds 99.5 % of the prior's codes.
        high: where they end, above `low`: from 3 to 3, one code would be decoded n n times.

    Raises:
        TypeError, ValueError: another model, no such digit, or an axis that does not go up.
    """
    _check(model)
    if model.latent != 2:
        raise ValueError(f"the model has {model.latent} latent numbers; a plane needs 2")
    digit = _validate.count(digit, "digit", least=0, most=model.classes - 1)
    low, high = _validate.number(low, "low"), _validate.number(high, "high")
    z = latent.grid(n, low, high)
    return _still(model, z, _one_hot(model, torch.full((len(z),), digit, device=z.device)))


def walk(model: VAE, z: Tensor, y: Tensor, n: int) -> Tensor:
    r"""Return the digits met on a path through stations (z_k, y_k), n steps from each to the next.

    Between two stations, step i of n is decoded from ((1 - t) z_k + t z_{k+1}) and the labels
    (1 - t) e_{y_k} + t e_{y_{k+1}}, t = i / n, e_y the one-hot label. So two stations of one
    digit and two codes change the style, two of one code and two digits change the digit.
    A mixture of two labels was never met in training: what it decodes to is not promised.

    Args:
        model: conditional.
        z: codes of the K >= 2 stations, (K, d).
        y: their digits, (K,), int64.
        n: steps between two stations, at least 1.

    Returns:
        ((K - 1) n + 1, 1, H, W), both ends included.

    Raises:
        TypeError, ValueError: no conditional model, fewer than 2 stations, or codes or labels of
            another kind.
    """
    _check(model)
    _validate.latents(z, d=model.latent)
    _validate.labels(y, len(z), "y", model.classes)
    n = _validate.count(n, "n")
    if len(z) < 2:
        raise ValueError(f"z holds {len(z)} station; a path needs at least 2")
    _validate.room((len(z) - 1) * n * math.prod(_validate.shape(model.size)), f"n = {n}")
    _validate.one_device(z=z, y=y)
    z = z.detach()
    stations = torch.cat([z, _one_hot(model, y).to(z.dtype)], dim=1)  # (K, d + classes)
    legs = [latent.interpolate(a, b, n + 1)[:-1] for a, b in pairwise(stations)]
    path = torch.cat([*legs, stations[-1:]])
    return _still(model, path[:, : model.latent], path[:, model.latent :])


def decode_mixture(model: VAE, z: Tensor, weights: Tensor) -> Tensor:
    """Return the images (N, 1, H, W) of codes z whose label is a mixture of classes.

    Args:
        model: conditional, its decoder told the label.
        z: codes, (N, d).
        weights: of the classes, (N, classes), each at least 0, each row summing to 1. A one-hot
            row is the label itself.

    Gradients flow, and the model is in the mode that it is in.

    Raises:
        TypeError, ValueError: another model, or codes or weights of another kind.
    """
    _check(model)
    _validate.latents(z, d=model.latent)
    _validate.latents(weights, "weights", d=model.classes)
    if len(weights) != len(z):
        raise ValueError(f"weights has {len(weights)} rows for {len(z)} codes; expected one each")
    sums = weights.sum(1)
    if bool((weights < 0).any()) or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        raise ValueError(
            "weights must be at least 0 and sum to 1 in each row: a softmax does both, "
            "and so does a one-hot label"
        )
    _validate.one_device(z=z, weights=weights)
    place, z = place_of(model), _validate.fits(model, z, "z")
    with own_precision():
        return _decode(model, moved(place, z), moved(place, weights))


def _still(model: VAE, z: Tensor, weights: Tensor) -> Tensor:
    """Decode in evaluation mode and without a gradient, and leave the model as it was."""
    _validate.room(
        len(z) * math.prod(_validate.shape(model.size)), f"{len(z)} codes, as y or n says,"
    )
    pairs = zip(z.split(_CHUNK), weights.split(_CHUNK), strict=True)
    with measuring(model) as place:
        return torch.cat([_decode(model, moved(place, c), moved(place, w)) for c, w in pairs])


def _decode(model: VAE, z: Tensor, weights: Tensor) -> Tensor:
    told = torch.cat([z, weights.to(z.dtype)], dim=1)
    out = _validate.made(call(model.decoder, "forward", code_and_label=told), "decoder", len(z))
    return LIKELIHOODS[model.likelihood].x_hat(out)


def _one_hot(model: VAE, y: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(y, model.classes).float()


def _check(model: VAE) -> None:
    _validate.model(model)
    if not isinstance(model, VAE) or "decoder" not in model.told:
        raise TypeError(
            f"the model is a {type(model).__name__} whose decoder is not told a label; expected a "
            "conditional one, such as aeteach.load('cvae')"
        )
