"""Random states: torch's, of the processor and of a model's device, Python's and NumPy's."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Put torch's random states back after a block, those of the CPU and of one device."""
    before = random_state(device)
    try:
        yield
    finally:
        set_random_state(device, before)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed of its own in a block, and put all random states back afterwards."""
    with every_random_state_kept(device):
        seed_all(seed, device)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - what others draw from
        yield


@contextmanager
def every_random_state_kept(device: torch.device) -> Iterator[None]:
    """Put Python's and NumPy's random states back as well: a model may draw from them."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what others have
    try:
        with random_state_kept(device):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def seed_all(seed: int, device: torch.device) -> None:
    """Seed the CPU's generator and that of one device, and no other device's."""
    states = {"cpu": torch.Generator().manual_seed(seed).get_state()}
    if _backend(device) is not None:
        states[device.type] = torch.Generator(device).manual_seed(seed).get_state()
    set_random_state(device, states)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of the CPU's generator, and of the device's if it has its own, by name."""
    states = {"cpu": torch.get_rng_state()}
    backend = _backend(device)
    if backend is not None:
        states[device.type] = backend.get_rng_state(*_index(device))
    return states


def set_random_state(device: torch.device, states: dict[str, Tensor]) -> None:
    """Continue from the states that `random_state` returned for a device of this type."""
    torch.set_rng_state(states["cpu"])
    backend = _backend(device)
    if backend is not None:
        backend.set_rng_state(states[device.type], *_index(device))


def _backend(device: torch.device) -> Any:
    """Return torch.cuda, torch.mps and so on; None where the CPU's generator is used."""
    return None if device.type in ("cpu", "meta") else torch.get_device_module(device)


def _index(device: torch.device) -> tuple[torch.device, ...]:
    """Return what says which of several devices; there is one MPS, and it takes no number."""
    return () if device.type == "mps" else (device,)
