"""Double precision on every device, also where the device has none."""

import torch

from aeteach._exact import exact


class OnMps:
    """A tensor as Apple's GPU has it: it has no double precision."""

    device = torch.device("mps")

    def cpu(self):
        return torch.tensor(0.1)

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")


def test_numbers_are_in_double_precision_where_there_is_one():
    assert exact(OnMps()).dtype == torch.float64
    assert exact(torch.tensor(0.1)).item() == torch.tensor(0.1).double().item()
