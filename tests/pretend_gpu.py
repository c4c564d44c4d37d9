"""A GPU that is played: its tensors say where they are, the CPU computes, and mistakes are errors.

What is refused is what a real one refuses: operands on two devices (but for single numbers and
indices on the CPU), a generator of the other device, float64 where there is none, and NumPy's view
of numbers that are not in the CPU's memory. It has random numbers of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from aeteach import _exact

# Named by torch, of no machine, and its backward pass runs in the thread that asks for it.
GPU = torch.device("lazy")
CPU = torch.device("cpu")
_DOUBLE = (torch.float64, torch.complex128)
# What copies from one device to another, and what takes places from the CPU.
_COPIES = {"aten::copy_", "aten::_to_copy", "aten::_copy_from"}
_INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}

_Generator = torch.Generator


class OnGpu(Tensor):
    """A tensor on the GPU.

    Attributes:
        held: its numbers, on the CPU.
    """

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnGpu":
        made: OnGpu = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=GPU,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} outside of on_gpu(): nothing keeps watch")

    def __repr__(self) -> str:
        return f"OnGpu({self.held})"

    # Torch leaves the next two to a subclass.
    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        if not force:
            raise TypeError(f"can't convert a tensor on {GPU} to numpy: use Tensor.cpu() first")
        return self.detach().cpu().numpy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.held.__reduce_ex__(protocol)  # read back, it is on the CPU

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        copied._is_param = getattr(self, "_is_param", False)
        return memo.setdefault(id(self), copied)


# The GPU's generators by their address: torch hands on another object around the same generator.
_of_gpu: dict[int, _Generator] = {}


class _Either(type(_Generator)):  # type: ignore[misc]
    """A generator of either device is one."""

    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, _Generator)


class Generator(_Generator, metaclass=_Either):
    """torch.Generator, which may also be the GPU's.

    Attributes:
        shift: makes of a seed the one whose numbers the GPU draws: 0 for those of the CPU.
    """

    shift = 0

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made: Generator = _Generator.__new__(cls, "cpu")
        if torch.device(device).type == GPU.type:
            _of_gpu[made._cdata] = made
        return made

    def manual_seed(self, seed: int) -> "Generator":
        super().manual_seed(seed + self.shift * (self.device == GPU))
        return self

    @property
    def device(self) -> torch.device:
        return GPU if self._cdata in _of_gpu else CPU


class _Watch(TorchDispatchMode):
    """Compute on the CPU what is asked of the GPU, and refuse what it would."""

    def __init__(self, double: bool) -> None:
        super().__init__()
        self.double = double
        self.random = _Generator().manual_seed(99).get_state()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = [t for t in tree_iter((args, kwargs)) if isinstance(t, Tensor)]
        there = [t for t in given if isinstance(t, OnGpu)]
        if there:
            self.refuse_the_others(func, args, given)
        asked = kwargs.get("device")
        gpu = torch.device(asked).type == GPU.type if asked is not None else bool(there)
        if func._schema.name == "aten::copy_":
            gpu = isinstance(args[0], OnGpu)
        self.refuse_the_generator(func, (args, kwargs), gpu)
        if asked is not None and gpu:
            kwargs["device"] = CPU
        known = {id(t.held): t for t in there}  # what changes in place is still the same tensor
        args, kwargs = tree_map(lambda t: t.held if isinstance(t, OnGpu) else t, (args, kwargs))
        out = self.with_its_random_state(func, args, kwargs) if gpu else func(*args, **kwargs)
        return tree_map(lambda t: self.placed(t, known), out) if gpu else out

    def refuse_the_others(self, func: Any, args: Any, given: list[Tensor]) -> None:
        name = func._schema.name
        if name in _COPIES:
            return
        if name in _INDEXING and isinstance(args[0], OnGpu):
            given = [t for t in given if not any(t is index for index in args[1])]
        if any(t.ndim > 0 and not isinstance(t, OnGpu) for t in given) or (
            func._schema.is_mutable and not isinstance(args[0], OnGpu | list | tuple)
        ):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device")

    def refuse_the_generator(self, func: Any, given: Any, gpu: bool) -> None:
        for thing in tree_iter(given):
            if isinstance(thing, _Generator) and (thing._cdata in _of_gpu) != gpu:
                raise RuntimeError(f"{func}: a generator of the other device")

    def with_its_random_state(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if torch.Tag.nondeterministic_seeded not in func.tags:  # type: ignore[attr-defined]
            return func(*args, **kwargs)
        of_cpu = torch.get_rng_state()
        torch.set_rng_state(self.random)
        try:
            return func(*args, **kwargs)
        finally:
            self.random = torch.get_rng_state()
            torch.set_rng_state(of_cpu)

    def placed(self, out: Any, known: dict[int, OnGpu]) -> Any:
        if not isinstance(out, Tensor) or id(out) in known:
            return known.get(id(out), out)
        if out.dtype in _DOUBLE and not self.double:
            raise TypeError(f"cannot make {out.dtype}: this GPU has no such numbers")
        return OnGpu(out)


@contextmanager
def _moving_what_is_written() -> Iterator[None]:
    """Let torch.tensor(numbers, device=...) make them on the CPU and move them, as for any mode."""
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        yield
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


@contextmanager
def on_gpu(*, double: bool, shift: int = 0) -> Iterator[_Watch]:
    """Give the machine a GPU for a block.

    Args:
        double: it has double precision.
        shift: where not 0, the same seed gives other numbers there than on the CPU.
    """
    watch = _Watch(double)
    backend = SimpleNamespace(
        get_rng_state=lambda device=None: watch.random,
        set_rng_state=lambda state, device=None: setattr(watch, "random", state),
    )
    with pytest.MonkeyPatch.context() as patch, _moving_what_is_written(), watch:
        patch.setattr(torch, "Generator", Generator)
        patch.setattr(Generator, "shift", shift)
        patch.setattr(torch, "get_device_module", lambda device: backend)
        without = frozenset() if double else frozenset({GPU.type})
        patch.setattr(_exact, "WITHOUT_FLOAT64", without)
        yield watch
    _of_gpu.clear()
