"""Double precision on every device, also where the device has none."""

import torch

from aeteach._exact import exact, own_precision


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


def test_a_block_computes_as_precisely_as_its_numbers_and_autocast_goes_on_behind_it():
    x = torch.full((1, 3), 1 / 3)

    @own_precision()
    def product():
        return x @ x.T

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert product().dtype == torch.float32
        assert (x @ x.T).dtype == torch.bfloat16
