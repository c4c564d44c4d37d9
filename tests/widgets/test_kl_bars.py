"""Bars and their divergences in Python: torch's numbers, two lists moved at once, and refusals."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from aeteach.widgets import KlBars
from aeteach.widgets.kit.inputs import StateError


def true_kl(p: Any, q: Any) -> float:
    P, Q = (Categorical(torch.as_tensor(v, dtype=torch.float64)) for v in (p, q))
    return float(kl_divergence(P, Q))


def test_the_numbers_are_those_of_the_state() -> None:
    bars = KlBars([0.2, 0.8], [0.5, 0.5])
    assert bars.kl_pq == pytest.approx(true_kl([0.2, 0.8], [0.5, 0.5]), abs=1e-14)
    bars.compare([0.25] * 4, [0.4, 0.3, 0.2, 0.1])
    assert bars.kl_qp == pytest.approx(true_kl(bars.q, bars.p), abs=1e-14)
    bars.compare([1.0, 0.0], [0.0, 1.0])
    assert bars.kl_pq == math.inf
    assert repr(bars) == "KlBars(p=(1.00, 0.00), q=(0.00, 1.00))"


def test_two_lists_of_another_length_come_together_or_not_at_all() -> None:
    bars = KlBars([1.0, 0.0], [0.0, 1.0])
    with pytest.raises(StateError, match="expected as many"):
        bars.compare([1.0, 0.0], [0.2, 0.3, 0.5])
    assert (bars.p, bars.q) == ([1.0, 0.0], [0.0, 1.0])  # as before
    bars.set_state({"p": [0.5, 0.25, 0.25], "q": [0.2, 0.3, 0.5]})  # one message of a front end
    assert bars.p == [0.5, 0.25, 0.25]
    assert bars.q == [0.2, 0.3, 0.5]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda: KlBars([0.7, 0.7], [0.5, 0.5]), r"p is \[0.7, 0.7\], which sums to 1.4"),
        (lambda: KlBars([0.5, 0.5], [1.5, -0.5]), "q is .* at least 0"),
        (lambda: KlBars([1.0], [1.0]), r"p has shape \(1,\); expected \(2,\) to \(6,\)"),
        (lambda: KlBars([1 / 7] * 7, [1 / 7] * 7), r"p has shape \(7,\)"),
        (lambda: KlBars([0.5, 0.5], [0.2, 0.3, 0.5]), "expected as many"),
        (lambda: KlBars(unit="Bits"), "unit is 'Bits'; expected 'bits' or 'nats'"),
        (lambda: KlBars().set_trait("p", [0.2, 0.3, 0.5]), r"compare\(p, q\)"),
        (lambda: KlBars([0.5, math.nan], [0.5, 0.5]), "p holds NaN"),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused(spoil: Callable[[], Any], message: str) -> None:
    with pytest.raises(StateError, match=message):
        spoil()
