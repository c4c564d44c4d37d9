"""Every public function on a GPU, with double precision or without, gives what the CPU gives."""

import copy
import functools
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aeteach import models
from aeteach.clinic import examine
from aeteach.training import fit
from tests.bad_inputs import agree, leaves
from tests.pretend_gpu import CPU, GPU, on_gpu
from tests.public_functions import CASES, Arg, case
from tests.test_bad_input import _quick  # noqa: F401 - a fixture

mpl.use("Agg")

# What gives other numbers, and why; each has a test of its own.
OTHER_NUMBERS = {
    "clinic.examine": "some are drawn on the CPU where the GPU has no float64",
    "models.linear.TiedLinear.forward": "its matrix moves with its encoder",
    "training.loop.fit": "the order is drawn on the CPU, the noise on the GPU",
}
ASKED = [name for name in CASES if name not in {*OTHER_NUMBERS, "data.spoilt.reader_images"}]


def moved(thing: Any, double: bool) -> Any:
    """Return a thing with its tensors on the GPU; what that has no numbers for stays."""
    go = functools.partial(moved, double=double)
    if isinstance(thing, Tensor):
        return thing.detach().to(GPU).requires_grad_(thing.requires_grad)
    if isinstance(thing, nn.Module):
        return copy.deepcopy(thing).to(GPU)
    if isinstance(thing, torch.distributions.Normal):
        return torch.distributions.Normal(go(thing.loc), go(thing.scale))
    if isinstance(thing, dict):
        return {key: go(value) for key, value in thing.items()}
    if isinstance(thing, tuple) and hasattr(thing, "_fields"):  # a record, all in one place
        there = double or all(n.dtype != torch.float64 for n in leaves(thing))
        return type(thing)(*map(go, thing)) if there else thing
    if isinstance(thing, list | tuple):
        return type(thing)(map(go, thing))
    return thing


def argument(given: Arg, value: Any, double: bool) -> Any:
    """Return a good value; a list is a tensor, as precise as the GPU can hold it."""
    if given.kind == "numbers" and isinstance(value, list):
        value = torch.as_tensor(value, dtype=torch.float64 if double else torch.float32)
    if isinstance(value, Tensor) and value.dtype == torch.float64 and not double:
        value = value.float()
    return value


def has_tensors(thing: Any) -> bool:
    if isinstance(thing, nn.Module):
        return bool(thing.state_dict())
    if isinstance(thing, dict):
        return any(map(has_tensors, thing.values()))
    if isinstance(thing, list | tuple):
        return any(map(has_tensors, thing))
    return isinstance(thing, Tensor | torch.distributions.Distribution)


def owner(name: str) -> Any:
    """Return the object whose method a function is, or None."""
    call = case(name).call
    return call.args[0] if isinstance(call, functools.partial) else None


def given(name: str, double: bool) -> dict[str, Any]:
    c = case(name)
    return {key: argument(c.arguments[key], value, double) for key, value in c.good.items()}


both = pytest.mark.parametrize("double", [True, False], ids=["float64", "float32 alone"])


@both
@pytest.mark.parametrize("name", ASKED)
def test_a_gpu_gives_what_the_cpu_gives(name: str, double: bool) -> None:
    call, on, inputs = case(name).call, owner(name), given(name, double)
    if not has_tensors([*inputs.values(), on]):
        return
    torch.manual_seed(3)
    want, inputs = call(**inputs), given(name, double)
    with on_gpu(double=double) as gpu:
        if on is not None:
            call = functools.partial(call.func, moved(on, double))  # type: ignore[attr-defined]
        inputs = moved(inputs, double)
        gpu.random = torch.Generator().manual_seed(3).get_state()
        before = gpu.random, torch.manual_seed(3).get_state()
        assert agree(call(**inputs), want)
        if not case(name).draws:
            assert torch.equal(gpu.random, before[0])
            assert torch.equal(torch.get_rng_state(), before[1])


@both
def test_a_clinic_on_a_gpu_finds_what_it_finds_on_the_cpu(double: bool) -> None:
    given = case("clinic.examine").good
    want = examine(**given)
    with on_gpu(double=double):
        found = examine(**moved(given, double))
    assert [f.name for f in found.findings] == [f.name for f in want.findings]
    assert found.measured.keys() == want.measured.keys()


def train(on: torch.device, name: str, loss: str, epochs: int = 2, **more: Any) -> nn.Module:
    model = models.build(name, latent=2, size=8, seed=1, **more.pop("arguments", {})).to(on)
    fit(model, images(), loss=loss, epochs=epochs, batch_size=5, progress=False, **more)
    return model


def images() -> Tensor:
    return torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@both
@pytest.mark.parametrize("tied", [True, False])
def test_training_on_a_gpu_takes_the_same_steps(tied: bool, double: bool) -> None:
    settings = {"schedule": "one_cycle", "held_out": images(), "arguments": {"tied": tied}}
    want = train(CPU, "linear", "squared_error", **settings).state_dict()
    with on_gpu(double=double, shift=1):  # what is the same was drawn on the CPU
        got = train(GPU, "linear", "squared_error", **settings).state_dict()
        assert {w.device for w in got.values()} == {GPU}
        assert all(torch.allclose(got[key].cpu(), want[key], atol=1e-6) for key in want)


@pytest.mark.parametrize("loss", ["elbo", "mmd"])
def test_a_run_on_a_gpu_goes_on_where_it_ended(loss: str, tmp_path: Path) -> None:
    settings = {"arguments": {"hidden": (4,)}}
    with on_gpu(double=False) as gpu:
        whole = train(GPU, "vae", loss, **settings)
        gpu.random = torch.Generator().manual_seed(8).get_state()
        for epochs in (1, 2):
            parts = train(GPU, "vae", loss, epochs, checkpoint=tmp_path / "run", **settings)
        assert agree(parts, whole, 0)
        assert not agree(train(GPU, "vae", loss, seed=1, **settings), whole)


REFUSED = {
    "two devices": lambda x: x + torch.ones(2),
    "two devices, in place": lambda x: torch.ones(2).add_(x),
    "the other's places": lambda x: torch.ones(2)[x.long()],
    "a generator of the CPU": lambda x: torch.randn(2, device=GPU, generator=torch.Generator()),
    "a generator of the GPU": lambda x: torch.randn(2, generator=torch.Generator(GPU)),
    "float64": lambda x: x.double(),
    "float64 from the start": lambda x: torch.zeros(2, dtype=torch.float64, device=GPU),
    "numpy": lambda x: x.numpy(),
    "an array": np.asarray,
}
FINE = {
    "a number of the CPU": lambda x: x * torch.tensor(3.0),
    "places of the CPU": lambda x: x[torch.tensor([1, 0])],
    "a copy": lambda x: torch.ones(2).copy_(x),
    "a draw": lambda x: torch.randn(2, device=GPU, generator=torch.Generator(GPU)),
    "numbers that are written down": lambda x: torch.tensor([1.0], device=GPU),
    "what numpy is given": lambda x: x.numpy(force=True),
}


@pytest.mark.parametrize("what", [*REFUSED, *FINE])
def test_the_gpu_refuses_what_a_real_one_refuses(what: str) -> None:
    with on_gpu(double=False):
        x = torch.ones(2, device=GPU)
        if what in FINE:
            FINE[what](x)
            return
        with pytest.raises((RuntimeError, TypeError), match=r"device|float64|numpy"):
            REFUSED[what](x)
