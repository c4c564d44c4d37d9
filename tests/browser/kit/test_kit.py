"""Numbers as text, and ticks."""

import numpy as np
import pytest

from tests.browser.conftest import Call


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("m.number(-1.5)", "−1.50"),
        ("m.number(-0.001)", "0.00"),
        ("m.number(2, 0)", "2"),
        ("m.number(NaN)", "–"),
        ("m.number(-Infinity)", "–"),
        ("m.roundUp(2.4)", 3),
        ("m.roundUp(70)", 70),
        ("m.roundUp(0)", 1),
        ("m.roundUp(0.0011)", 0.0015),
    ],
)
def test_numbers_as_text(call: Call, body: str, expected: object) -> None:
    assert call("kit", body) == expected


@pytest.mark.parametrize(
    ("low", "high"), [(0, 100), (-1.6, 1.6), (3.2, 3.9), (-5e-3, 2e-3), (0, 7)]
)
def test_ticks_are_round_and_within_the_axis(call: Call, low: float, high: float) -> None:
    got = call("kit", "m.ticks(a[0], a[1], 5)", low, high)
    values = np.array(got["values"])
    steps = np.diff(values)
    assert 3 <= len(values) <= 12
    assert values.min() >= low - 1e-12
    assert values.max() <= high + 1e-12
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]))
    assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-6
    np.testing.assert_allclose(np.round(values, got["digits"]), values, atol=1e-12)
