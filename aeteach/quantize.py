r"""Codes from a finite list: the quantiser of a VQ-VAE, and how a gradient gets past it.

Source: van den Oord, Vinyals and Kavukcuoglu (2017).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from aeteach import _validate

_CHUNK = 4096  # vectors at once: bounds the memory, not the result


class Quantized(NamedTuple):
    """What `quantize` gives.

    Attributes:
        z_q: the codes, with the encoder's gradient, (N, d).
        which: place of each in the codebook, (N,), int64.
        codebook_loss: squared distance of the entries to the z that chose them: moves the entries.
        commitment_loss: the same number: moves the encoder.
    """

    z_q: Tensor
    which: Tensor
    codebook_loss: Tensor
    commitment_loss: Tensor


def nearest(z: Tensor, codebook: Tensor) -> Tensor:
    """Return the place of the nearest entry of the codebook, (N,), for each z.

    Args:
        z: latent vectors, (N, d), float32 or float64.
        codebook: entries e, (K, d), of the same dtype and device.

    Raises:
        TypeError, ValueError: vectors of another kind, NaN, or shapes that do not fit.
    """
    for name, value in (("z", z), ("codebook", codebook)):
        if _validate.finite(value, name, "a float tensor", graph=True).ndim != 2:
            raise ValueError(f"{name} has shape {tuple(value.shape)}; expected two axes, (N, d)")
    if z.shape[1] != codebook.shape[1]:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and codebook {tuple(codebook.shape)}; expected (N, d) "
            "and (K, d)"
        )
    _validate.one_kind(z=z, codebook=codebook)
    # The quick way, by |a|^2 - 2ab + |b|^2, cancels where entries lie close, far from 0: not here.
    exact = "donot_use_mm_for_euclid_dist"
    with torch.no_grad():
        return torch.cat(
            [torch.cdist(some, codebook, compute_mode=exact).argmin(1) for some in z.split(_CHUNK)]
        )


def straight_through(z: Tensor, e: Tensor) -> Tensor:
    """Return e going forward, and pass the gradient to z as if z_q were z going back."""
    _same(z=z, e=e)
    return z + (e - z).detach()


def quantize(z: Tensor, codebook: Tensor) -> Quantized:
    r"""Return the nearest entries of the codebook, and the two losses that keep both together.

    Summed over latent dimensions and averaged over the batch, with sg for "no gradient":
        codebook loss = |sg(z) - e|^2, commitment loss = |z - sg(e)|^2.

    Args:
        z: what the encoder gives, (N, d).
        codebook: entries e, (K, d).
    """
    which = nearest(z, codebook)
    e = codebook[which]
    return Quantized(
        straight_through(z, e),
        which,
        F.mse_loss(e, z.detach(), reduction="sum") / len(z),
        F.mse_loss(z, e.detach(), reduction="sum") / len(z),
    )


def _same(**given: Tensor) -> None:
    """Refuse two tensors that are not alike in shape, dtype and device."""
    for name, value in given.items():
        _validate.finite(value, name, graph=True)
    _validate.same(**given)
    _validate.one_kind(**given)
