"""A model that is measured: in evaluation mode, without gradients, and left as it was."""

import pytest
import torch
from torch import nn

from aeteach._measure import Place, batches, call, images_of, measuring, part_of, place_of


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


def test_batches_come_where_the_model_is_and_in_its_precision():
    place = Place(torch.device("cpu"), torch.float64)
    x, y = torch.rand(5, 1, 2, 2), torch.arange(5)
    parts = list(batches(place, 2, images=x, labels=y, others=None))
    assert [list(part) for part in parts] == [["images", "labels"]] * 3
    assert [len(part["images"]) for part in parts] == [2, 2, 1]
    assert {part["images"].dtype for part in parts} == {torch.float64}
    assert torch.equal(torch.cat([part["images"] for part in parts]), x.double())
    assert torch.equal(torch.cat([part["labels"] for part in parts]), y)


def test_a_model_that_cannot_take_its_input_is_named_with_it():
    with pytest.raises(
        ValueError, match=r"a Linear, cannot take images, .*\(2, 4\), in forward"
    ) as e:
        call(nn.Linear(3, 3), "forward", images=torch.zeros(2, 4))
    assert isinstance(e.value.__cause__, RuntimeError)


def test_memory_that_is_full_is_said_as_torch_says_it():
    class Full(nn.Module):
        def forward(self, x):
            raise torch.OutOfMemoryError("no memory")

    with pytest.raises(torch.OutOfMemoryError):
        call(Full(), "forward", images=torch.zeros(2, 4))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("text", "gave 'text'; expected a float tensor"),
        (torch.zeros(3, 1), "gave .3, 1.; expected 2 rows"),
        (torch.full((2, 1), torch.nan), "NaN or infinity"),
    ],
)
def test_images_that_are_none_are_refused(made, message):
    class Model(nn.Module):
        def decode(self, z):
            return made

    with pytest.raises((TypeError, ValueError), match=message):
        images_of(Model(), "decode", z=torch.zeros(2, 4))


def test_an_output_without_the_part_is_refused():
    with pytest.raises(TypeError, match="without x_hat"):
        part_of(torch.zeros(2), "x_hat", 2)
