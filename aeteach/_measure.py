"""Run a model to measure it: in evaluation mode, without gradients, with a seed of its own.

Every measure keeps to this: a model is run where it is and in its own precision, in batches that
are moved to it; what comes back lies where the images came from, so 60,000 images need no room
beside the model. Double precision is `aeteach._exact`'s.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import own_precision
from aeteach._modes import evaluation_mode
from aeteach._random import seeded


class Place(NamedTuple):
    """Where a model's numbers are, and in which precision.

    Attributes:
        device: of its first tensor of real numbers; images are moved there.
        dtype: float32, or what the caller has made of it.
    """

    device: torch.device
    dtype: torch.dtype


@contextmanager
def measuring(model: nn.Module, seed: int = 0) -> Iterator[Place]:
    """Give the model's place for a block in evaluation mode, without gradients and autocast.

    Whatever happens in the block, every part of the model is put back into the mode it was in, and
    torch's random states are those of before.

    Args:
        model: to be run.
        seed: of what the model draws.

    Raises:
        TypeError, ValueError: no seed.
    """
    place = place_of(model)
    seed = _validate.seed(seed)
    with (
        own_precision(),
        evaluation_mode(model),
        torch.no_grad(),
        seeded(seed, place.device),
    ):
        yield place


def place_of(model: nn.Module) -> Place:
    """Return device and precision of a model: those of its first tensor of real numbers."""
    tensors = itertools.chain(model.parameters(), model.buffers())
    first = next((t for t in tensors if t.is_floating_point()), torch.zeros(0))
    return Place(first.device, first.dtype)


def batches(place: Place, size: int, **tensors: Tensor | None) -> Iterator[dict[str, Tensor]]:
    """Yield the rows of some tensors, so many at once, where a model is and as precise as it.

    Args:
        place: of the model.
        size: rows at once: bounds the memory, not the result.
        tensors: of the same length, by the names that the caller knows; None is left out.
    """
    given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    for parts in zip(*(tensor.split(size) for tensor in given.values()), strict=True):
        yield {name: moved(place, part) for name, part in zip(given, parts, strict=True)}


def moved(place: Place, x: Tensor) -> Tensor:
    """Return a tensor where a model is, real numbers in its precision."""
    return x.to(place.device, place.dtype if x.is_floating_point() else x.dtype)


def call(model: nn.Module, method: str, **inputs: Tensor) -> Any:
    """Return what a method of a model makes of tensors, or say that it cannot take them.

    Args:
        model: is called.
        method: its name, such as "forward" or "decode".
        inputs: what it is given, in order, by the names that the caller knows.

    Raises:
        ValueError: the model raised an error, which is the cause; memory that is full is no such.
    """
    run = model if method == "forward" else getattr(model, method)  # hooks run with a call
    try:
        return run(*inputs.values())
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        given = " and ".join(f"{name}, {_validate.say(x)}" for name, x in inputs.items())
        what = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(
            f"the model, a {type(model).__name__}, cannot take {given}, in {method}(): {what:.500}"
        ) from error


def images_of(model: nn.Module, method: str, **inputs: Tensor) -> Tensor:
    """Return the images that a method of a model makes, as many as there were inputs.

    Raises:
        TypeError, ValueError: as for `call`, or what it made is no batch of finite numbers.
    """
    n = len(next(iter(inputs.values())))
    return _validate.made(call(model, method, **inputs), f"{method}({', '.join(inputs)})", n)


def part_of(output: object, name: str, n: int) -> Tensor:
    """Return a tensor of what `forward` gave, by its name, with a row for each of n images.

    Raises:
        TypeError, ValueError: the output has no such tensor, or not n rows of finite numbers.
    """
    value = getattr(output, name, None)
    if value is None:
        raise TypeError(
            f"the model's forward gave {_validate.say(output)} without {name}; expected an "
            f"aeteach.models.Output with {name}, as an autoencoder's forward returns it"
        )
    return _validate.made(value, f"forward(images).{name}", n)
