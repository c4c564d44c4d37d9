"""The chain of noise in Python: its sums, and what it refuses."""

import pytest

from aeteach.widgets import DiffusionChain
from aeteach.widgets.kit.inputs import StateError


def test_python_measures_the_same_and_refuses_what_it_cannot_show() -> None:
    figure = DiffusionChain()
    assert figure.negative_elbo == pytest.approx(0.9910, abs=1e-4)
    assert figure.entropy == pytest.approx(0.9448, abs=1e-4)
    figure.steps = 40
    assert figure.negative_elbo == pytest.approx(0.9493, abs=1e-4)
    figure.data = "one normal"
    assert figure.negative_elbo == pytest.approx(figure.entropy, abs=1e-9)
    assert repr(figure) == "DiffusionChain('one normal', steps=40, t=3)"
    for bad in (
        {"data": "three"},
        {"steps": 0},
        {"steps": 41},
        {"steps": 2},
        {"t": -1},
        {"seed": -1},
    ):
        with pytest.raises(StateError, match="expected"):
            DiffusionChain(**bad)
