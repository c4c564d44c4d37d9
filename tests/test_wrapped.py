"""A model that torch.compile or parallel training has wrapped, seen as it was before."""

import pytest
import torch
from torch import Tensor, nn

from aeteach._wrapped import (
    load_plain_state,
    plain_buffers,
    plain_name,
    plain_parameters,
    plain_parts,
    plain_state,
    unwrapped,
)


def compiled(model: nn.Module) -> nn.Module:
    return torch.compile(model, backend="eager")  # type: ignore[return-value]


def in_part(model: nn.Module) -> nn.Module:
    assert isinstance(model, nn.Sequential)
    model[0] = compiled(model[0])
    return model


WRAPPERS = {
    "nothing": lambda model: model,
    "compiled": compiled,
    "parallel": nn.DataParallel,
    "parallel, compiled": lambda model: compiled(nn.DataParallel(model)),
    "compiled, parallel": lambda model: nn.DataParallel(compiled(model)),
    "in part": in_part,
    "in part and whole": lambda model: compiled(in_part(model)),
}


def made(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapped_model_has_the_names_and_the_state_of_the_plain_one(name: str) -> None:
    plain, wrapped = made(), WRAPPERS[name](made())
    assert same(plain_state(wrapped), dict(plain.state_dict()))
    assert same(dict(plain_parameters(wrapped)), dict(plain.named_parameters()))
    assert same(plain_buffers(wrapped), dict(plain.named_buffers()))
    kinds = {part: type(module) for part, module in plain.named_modules()}
    assert {part: type(module) for part, module in plain_parts(wrapped).items()} == kinds


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_plain_state_is_put_into_a_wrapped_model(name: str) -> None:
    other = made(seed=1)
    wrapped = WRAPPERS[name](made())
    assert not same(plain_state(wrapped), dict(other.state_dict()))
    load_plain_state(wrapped, other.state_dict())
    assert same(plain_state(wrapped), dict(other.state_dict()))


def test_a_state_that_lacks_a_tensor_or_has_one_too_many_is_refused() -> None:
    state = dict(made().state_dict())
    for wrong in (state | {"2.weight": torch.ones(1)}, {"0.bias": state["0.bias"]}):
        with pytest.raises(RuntimeError, match=r"(Unexpected|Missing) key\(s\) in state_dict"):
            load_plain_state(compiled(made()), wrong)


def test_only_what_was_put_around_is_taken_off() -> None:
    model = made()
    assert unwrapped(model) is model
    assert unwrapped(compiled(nn.DataParallel(compiled(model)))) is model
    assert plain_name("decoder._orig_mod.0.weight") == "decoder.0.weight"
    assert plain_name("decoder.module.0.weight") == "decoder.module.0.weight"
