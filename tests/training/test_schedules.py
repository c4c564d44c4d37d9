import math

import pytest
import torch
from torch import nn

from aeteach.training import SCHEDULES, adam, cosine, one_cycle
from tests.training.helpers import in_meta, linear


def test_one_cycle_rises_to_its_peak_and_falls_to_nearly_nothing(blobs):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    rates = []
    schedule = one_cycle()(optimiser, 100)
    for _ in range(100):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.3)
    assert rates[0] < 0.05
    assert rates[-1] < 1e-4


@pytest.mark.parametrize(("name", "peak_at"), [("one_cycle", 30), ("early_peak", 10)])
def test_the_peak_comes_after_the_share_of_steps_that_the_name_stands_for(name, peak_at):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = SCHEDULES[name](optimiser, 100)
    rates = []
    for _ in range(100):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert abs(rates.index(max(rates)) - peak_at) <= 1


@pytest.mark.parametrize("name", ["one_cycle", "early_peak"])
def test_a_cycle_of_any_length_stays_between_nothing_and_its_peak(name):
    for steps in range(1, 41):
        optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
        schedule = SCHEDULES[name](optimiser, steps)
        for _ in range(steps):
            assert 0 < optimiser.param_groups[0]["lr"] <= 0.3 + 1e-12
            optimiser.step()
            schedule.step()


def test_cosine_follows_the_closed_form():
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.2)
    schedule = cosine()(optimiser, 10)
    for step in range(10):
        expected = 0.1 * (1 + math.cos(math.pi * step / 10))
        assert optimiser.param_groups[0]["lr"] == pytest.approx(expected, abs=1e-12)
        optimiser.step()
        schedule.step()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"peak": -0.01}, "peak is -0.01; expected a finite number above 0"),
        ({"peak": -0.01}, "a rate, or None for fit's lr"),
        ({"peak": math.inf}, "peak is inf"),
        ({"peak": "0.1"}, "peak is '0.1'"),
        ({"warm_up": 1.0}, "warm_up is 1.0; expected a number above 0, below 1"),
        ({"warm_up": 0.0}, "warm_up is 0.0"),
        ({"warm_up": math.nan}, "warm_up is nan"),
    ],
)
def test_a_cycle_with_impossible_numbers_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        one_cycle(**arguments)


def test_adam_takes_one_kernel_only_where_there_is_one():
    assert adam(linear().parameters(), 1e-3).defaults["fused"]
    assert not adam(in_meta().parameters(), 1e-3).defaults["fused"]


@pytest.mark.parametrize("lr", [0.0, -1e-3, math.inf])
def test_a_rate_that_is_none_is_refused(lr):
    with pytest.raises(ValueError, match=r"^lr is .*above 0"):
        adam(linear().parameters(), lr)
