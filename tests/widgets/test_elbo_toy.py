"""The ELBO figure's Python side: its terms, what it refuses, and its weight."""

import math
from typing import Any

import pytest

from aeteach.toy import Toy
from aeteach.widgets import ElboToy

# ---------------------------------------------------------------- the figure in Python


def test_the_figure_in_python_keeps_its_terms_up_to_date() -> None:
    figure = ElboToy()
    assert repr(figure) == "ElboToy(x=0.50, mu=-0.60, sigma=0.80)"
    assert figure.log_evidence == pytest.approx(float(Toy().log_evidence(0.5)))
    figure.mu, figure.sigma, figure.x = 0.3, 0.4, 1.0
    terms = Toy().elbo_terms(1.0, 0.3, 2 * math.log(0.4))
    assert figure.elbo == pytest.approx(float(terms.elbo), abs=1e-12)
    assert figure.reconstruction + figure.kl == pytest.approx(-figure.elbo, abs=1e-12)
    assert figure.log_evidence == pytest.approx(figure.elbo + figure.gap, abs=1e-10)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"x": 4}, r"x is 4; expected -1\.5 to 3"),
        ({"sigma": 0}, r"sigma is 0; expected 0\.05 to 2"),
        ({"mu": math.nan}, "mu is nan"),
        ({"variance": 0.1}, r"variance is 0\.1; expected 0\.2 to 2"),
        ({"bend": 2}, r"bend is 2\.0; expected a number from -1 to 1"),
        ({"unit": "bans"}, "unit is 'bans'; expected 'nats' or 'bits'"),
    ],
)
def test_a_state_it_cannot_show_is_refused(state: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ElboToy(**state)


def test_it_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    assert len(ElboToy().page_html()) < 100_000  # characters
