"""See a model as it is without what `torch.compile` or parallel training put around it.

Both keep the model as it was, one level deeper, so that its parts have longer names. Whatever is
kept of a model goes by the plain names, and serves the wrapped model as well as the plain one.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

_COMPILED = "_orig_mod"  # the name that torch.compile gives to what it compiles
_PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside what was put around the whole of it; itself if nothing was."""
    while True:
        if isinstance(model, _PARALLEL):
            model = model.module
        elif isinstance(inner := getattr(model, _COMPILED, None), nn.Module):
            model = inner
        else:
            return model


def plain_name(name: str) -> str:
    """Return the name that a part, or a tensor, of a model has where no part is compiled."""
    return ".".join(level for level in name.split(".") if level != _COMPILED)


def plain_parts(model: nn.Module) -> dict[str, nn.Module]:
    """Return each part of a model by its plain name, the whole by the empty one."""
    parts = unwrapped(model).named_modules()
    return {plain_name(name): part for name, part in parts if unwrapped(part) is part}


def plain_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return each parameter of a model by its plain name."""
    return {plain_name(name): p for name, p in unwrapped(model).named_parameters()}


def plain_buffers(model: nn.Module) -> dict[str, Tensor]:
    """Return each buffer of a model by its plain name."""
    return {plain_name(name): b for name, b in unwrapped(model).named_buffers()}


def plain_state(model: nn.Module) -> dict[str, Any]:
    """Return a model's state by plain names."""
    return {plain_name(name): value for name, value in unwrapped(model).state_dict().items()}


def load_plain_state(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Put a state with plain names into a model, wrapped or not.

    Raises:
        RuntimeError: a name is missing or not wanted, or a shape is another.
    """
    inner = unwrapped(model)
    own = {plain_name(name): name for name in inner.state_dict()}
    inner.load_state_dict({own.get(name, name): value for name, value in state.items()})


def not_finite(name: str, value: Tensor) -> str:
    """Return what is wrong with a part of a state that is to be kept; empty if it is finite."""
    bad = int((~value.isfinite()).sum())
    if not bad:
        return ""
    return (
        f"{name} holds {bad} numbers that are NaN or infinite: the model is not worth keeping; "
        "look for a loss that diverged"
    )


def shape_said(shape: torch.Size | None) -> str:
    """Return the shape of a part of a state in words; None is a part that is not there."""
    return "none" if shape is None else str(tuple(shape))
