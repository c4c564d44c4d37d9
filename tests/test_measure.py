"""A model that is measured: in evaluation mode, without gradients, and left as it was."""

import pytest
import torch
from torch import nn

from aeteach._measure import Place, measuring, place_of


def noisy() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    model[1].eval()  # a part that was told to stay as it is
    return model


def test_a_block_runs_in_evaluation_mode_without_gradients_and_repeats_with_its_seed():
    model = noisy()
    drawn = []
    before = torch.get_rng_state()
    for seed in (4, 4, 5):
        with measuring(model, seed) as place:
            assert not any(part.training for part in model.modules())
            assert not torch.is_grad_enabled()
            assert place == Place(torch.device("cpu"), torch.float32)
            drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()
    assert [part.training for part in model] == [True, False, True]


def test_what_goes_wrong_in_the_block_leaves_nothing_behind():
    model = noisy()
    before = torch.get_rng_state()

    def fails():
        with measuring(model, 1):
            torch.rand(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert [part.training for part in model] == [True, False, True]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("seed", [1.5, "3", -1, 2**64])
def test_no_seed_is_refused_and_the_mode_kept(seed):
    model = noisy()
    with pytest.raises((TypeError, ValueError), match="seed"), measuring(model, seed):
        pass
    assert model.training


def test_a_place_is_that_of_the_first_real_numbers():
    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(1, dtype=torch.int64))
            self.register_buffer("mean", torch.zeros(1, dtype=torch.float64))

    assert place_of(Counted()).dtype == torch.float64
    assert place_of(nn.Linear(1, 1).double()).dtype == torch.float64
    assert place_of(nn.Linear(1, 1, device="meta")).device.type == "meta"
    assert place_of(nn.Flatten()) == Place(torch.device("cpu"), torch.float32)
