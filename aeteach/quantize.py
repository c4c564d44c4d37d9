r"""Codes from a finite list: the quantiser of a VQ-VAE, and how a gradient gets past it.

Source: van den Oord, Vinyals and Kavukcuoglu (2017).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


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
        z: latent vectors, (N, d).
        codebook: entries e, (K, d).
    """
    if z.ndim != 2 or codebook.ndim != 2 or z.shape[1] != codebook.shape[1]:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and codebook {tuple(codebook.shape)}; expected (N, d) "
            "and (K, d)"
        )
    return torch.cdist(z, codebook).argmin(1)


def straight_through(z: Tensor, e: Tensor) -> Tensor:
    """Return e going forward, and pass the gradient to z as if z_q were z going back."""
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
