"""The stochastic node in Python: its derivatives are autograd's, and what it refuses."""

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike

from aeteach.widgets import StochasticNode
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.stochastic_node import Pass, both_ways


def by_autograd(*numbers: float) -> Pass:
    """The same pass in torch, with no derivative written by hand."""
    x, w1, w_mu, w_sigma, eps, target = (
        torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in numbers
    )
    h = w1 * x
    mu, sigma = w_mu * h, w_sigma * h
    z = mu + sigma * eps
    loss = (z - target) ** 2 / 2
    nodes = (z, mu, sigma, h, w_mu, w_sigma, w1, x)
    found = torch.autograd.grad(loss, nodes)
    return Pass(*(float(v.detach()) for v in (h, mu, sigma, z, loss, *found)))


def states(count: int = 60) -> np.ndarray:
    low, high = np.array([(0.5, 5), (0.5, 4), (-10, 10), (0.5, 12), (-4, 4), (-100, 100)]).T
    return np.random.default_rng(0).uniform(low, high, size=(count, 6))


def close(actual: ArrayLike, expected: ArrayLike) -> None:
    a, b = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert a.shape == b.shape
    assert a.size > 0
    worst = float(np.max(np.abs(a - b) / (1 + np.abs(b))))
    print(f"{a.size} numbers, largest difference {worst:.2e}")
    assert worst < 1e-12


def test_the_python_side_is_autograd() -> None:
    close([both_ways(*s) for s in states()], [by_autograd(*s) for s in states()])


@pytest.mark.parametrize(("name", "value"), [("eps", float("nan")), ("x", 0.0), ("w_sigma", -1.0)])
def test_a_state_that_cannot_be_shown_is_refused(name: str, value: float) -> None:
    with pytest.raises(StateError, match=f"{name} is {value:g}; expected"):
        StochasticNode(**{name: value})
    figure = StochasticNode()
    kept = getattr(figure, name)
    with pytest.raises(StateError, match=f"{name} is {value:g}; expected"):
        setattr(figure, name, value)
    assert getattr(figure, name) == kept
