"""Two normals and their divergences in Python: torch's numbers, and what is refused."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aeteach.widgets import KlNormals
from aeteach.widgets.kit.inputs import StateError


def normal_kl(mu_q: float, sigma_q: float, mu_p: float, sigma_p: float) -> float:
    numbers = [torch.tensor(v, dtype=torch.float64) for v in (mu_q, sigma_q, mu_p, sigma_p)]
    return float(kl_divergence(Normal(*numbers[:2]), Normal(*numbers[2:])))


def test_the_numbers_are_those_of_the_state() -> None:
    normals = KlNormals(1.0, 0.5, 0.0, 2.0)
    assert normals.kl_qp == pytest.approx(normal_kl(1.0, 0.5, 0.0, 2.0), abs=1e-14)
    assert normals.kl_pq == pytest.approx(normal_kl(0.0, 2.0, 1.0, 0.5), abs=1e-14)
    assert repr(normals) == "KlNormals(q=(1.00, 0.50), p=(0.00, 2.00))"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda: KlNormals(sigma_q=0.0), "sigma_q is 0; expected 0.3 to 3"),
        (lambda: KlNormals(mu_p=5.0), "mu_p is 5; expected -4 to 4"),
        (lambda: KlNormals(mu_p=math.nan), "mu_p is nan"),
        (lambda: KlNormals(direction="q"), "direction is 'q'; expected 'qp' or 'pq'"),
        (lambda: KlNormals().set_trait("sigma_p", -1.0), "sigma_p is -1"),
    ],
)
def test_a_state_that_cannot_be_shown_is_refused(spoil: Callable[[], Any], message: str) -> None:
    with pytest.raises(StateError, match=message):
        spoil()
