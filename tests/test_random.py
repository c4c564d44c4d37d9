"""Other devices; there is none here, so they are played."""

import random

import numpy as np
import pytest
import torch

from aeteach import _random


class OtherBackend:
    """A second torch.cuda with two devices; it knows which one it was asked about."""

    def __init__(self):
        self.states = {"cuda:0": torch.zeros(1), "cuda:1": torch.ones(1)}
        self.asked = []

    def get_rng_state(self, device):
        self.asked.append(str(device))
        return self.states[str(device)]

    def set_rng_state(self, state, device):
        self.asked.append(str(device))
        self.states[str(device)] = state


def test_the_generator_of_the_models_own_device_is_kept_and_no_other(monkeypatch):
    backend, device = OtherBackend(), torch.device("cuda:1")
    monkeypatch.setattr(torch, "get_device_module", lambda device: backend)
    with _random.random_state_kept(device):
        _random.set_random_state(
            device, {"cpu": torch.get_rng_state(), "cuda": torch.full((1,), 7)}
        )
        assert backend.states["cuda:1"] == 7
    assert backend.states == {"cuda:0": torch.zeros(1), "cuda:1": torch.ones(1)}
    assert set(backend.asked) == {"cuda:1"}


def test_apples_gpu_is_asked_without_a_number(monkeypatch):
    class Mps:
        def get_rng_state(self):
            return torch.zeros(1)

        def set_rng_state(self, state):
            self.state = state

    backend = Mps()
    monkeypatch.setattr(torch, "get_device_module", lambda device: backend)
    with _random.random_state_kept(torch.device("mps")):
        pass
    assert torch.equal(backend.state, torch.zeros(1))


def test_seeding_the_cpu_is_what_torch_does():
    state = torch.get_rng_state()
    try:
        torch.manual_seed(11)
        expected = torch.rand(5)
        _random.seed_all(11, torch.device("cpu"))
        assert torch.equal(torch.rand(5), expected)
    finally:
        torch.set_rng_state(state)


@pytest.mark.parametrize("fails", [False, True])
def test_a_seed_fixes_all_that_is_drawn_and_all_states_come_back(fails):
    def draws():
        return random.random(), np.random.rand(), float(torch.rand(()))  # noqa: NPY002

    def seeded():
        with _random.seeded(2**40, torch.device("cpu")):
            found.append(draws())
            if fails:
                raise KeyError

    found = []
    state = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = draws()
    random.setstate(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    torch.set_rng_state(state[2])
    for _ in range(2):
        if fails:
            with pytest.raises(KeyError):
                seeded()
        else:
            seeded()
    assert found[0] == found[1] != expected
    assert draws() == expected
