"""The angles between two subspaces: how far a linear autoencoder is from PCA."""

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact


def principal_angles(A: Tensor, B: Tensor) -> Tensor:
    r"""Return the angles between two subspaces, in degrees, smallest first.

    With Q_A and Q_B orthonormal bases of the column spaces, the cosines of the angles are the
    singular values of Q_A^T Q_B. Where a cosine is near 1 the sine is used instead, because the
    arc cosine loses half the digits there.

    Args:
        A: (D, a), columns span the first subspace; independent columns, a <= D.
        B: (D, b), columns span the second.

    Returns:
        (min(a, b),) angles in [0, 90], float64; no gradient flows through them.

    Raises:
        TypeError: not tensors of real numbers.
        ValueError: shapes that do not fit, NaN, or dependent columns.

    Source: Bjorck and Golub (1973), "Numerical methods for computing angles between linear
    subspaces".
    """
    A, B = _columns(A, "A"), _columns(B, "B")
    _validate.one_device(A=A, B=B)
    Q_A, Q_B = _orthonormal(A, "A"), _orthonormal(B, "B")
    if len(Q_A) != len(Q_B):
        raise ValueError(
            f"the columns of A have {len(Q_A)} numbers and those of B {len(Q_B)}: angles need "
            "subspaces of one space; transpose a matrix whose rows span it"
        )
    small, large = sorted((Q_A, Q_B), key=lambda Q: Q.shape[1])
    overlap = large.T @ small  # (b, a)
    cosines = torch.linalg.svdvals(overlap).clamp(max=1.0)  # descending, so angles ascend
    sines = torch.linalg.svdvals(small - large @ overlap).clamp(max=1.0).flip(0)
    return torch.rad2deg(torch.where(cosines**2 < 0.5, torch.acos(cosines), torch.asin(sines)))


def _columns(M: Tensor, name: str) -> Tensor:
    """Return M if its columns may span a subspace, (D, d)."""
    M = _validate.numbers(_validate.tensor(M, name, "a tensor (D, d)"), name)
    if M.ndim != 2 or M.shape[1] > M.shape[0]:
        raise ValueError(
            f"{name} must be (D, d) with d from 1 to D, got {tuple(M.shape)}: its columns span "
            "the subspace; transpose a matrix whose rows do"
        )
    return M


def _orthonormal(M: Tensor, name: str) -> Tensor:
    """Return an orthonormal basis of the column space of M (D, d), float64."""
    # Columns that are dependent but for rounding span nothing reliable: judge by the input's dtype.
    precision = torch.finfo(M.dtype).eps
    M = exact(M.detach())
    # A subspace does not ask how long its vectors are, and squares of huge ones overflow.
    M = M / M.abs().amax(0).clamp(min=torch.finfo(torch.float64).tiny)
    rank = int(torch.linalg.matrix_rank(M, rtol=max(M.shape) * precision))
    if rank < M.shape[1]:
        raise ValueError(
            f"the {M.shape[1]} columns of {name} are dependent, so they span only {rank} "
            "directions; drop columns until they are independent"
        )
    return torch.linalg.qr(M).Q
