"""The two estimators' figure in Python: what it refuses, and that a refusal changes nothing."""

import pytest

from aeteach.widgets import GradientVariance
from aeteach.widgets.kit.inputs import StateError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sigma", 0.0),
        ("mu", 3.1),
        ("samples", 0),
        ("baseline", float("inf")),
        ("seed", -1),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused(name: str, value: float) -> None:
    with pytest.raises(StateError, match=f"{name} is {value:g}; expected"):
        GradientVariance(**{name: value})
    figure = GradientVariance()
    kept = getattr(figure, name)
    with pytest.raises(StateError, match=f"{name} is {value:g}; expected"):
        setattr(figure, name, value)
    assert getattr(figure, name) == kept
