"""What the tables share: digits that are all of MNIST, shares in per cent, a reader's columns."""

import pytest
import torch

from aeteach.data import Digits
from aeteach.data.mnist import SAMPLE
from aeteach.sweeps import scores


@pytest.mark.parametrize("size", [28, 32])
def test_a_table_is_never_made_of_the_sample(monkeypatch, size):
    sample = Digits(torch.zeros(1, 1, size, size), torch.zeros(1, dtype=torch.int64), SAMPLE)
    monkeypatch.setattr(scores, "mnist", lambda split, size: sample)
    with pytest.raises(ValueError, match="needs all of MNIST"):
        scores._all_digits.__wrapped__("train", size)
