"""The cube through a channel in Python: the package's numbers, and what it refuses."""

from functools import cache
from typing import Any

import pytest
import torch

from aeteach import channel, load
from aeteach.data import cube
from aeteach.models import NoisyAutoencoder, noisy_points
from aeteach.widgets import ChannelCube
from aeteach.widgets.channel_cube import FACES, TRAINED
from aeteach.widgets.kit.inputs import StateError


@cache
def model(db: int) -> NoisyAutoencoder:
    loaded = load(f"cube-2-{db}dB")
    assert isinstance(loaded, NoisyAutoencoder)
    return loaded


@cache
def powers(db: int) -> torch.Tensor:
    with torch.no_grad():
        return model(db).encode(cube(10_000, seed=2).view(-1, 1, 1, 3))


def test_python_knows_the_same_and_refuses_what_it_cannot_show() -> None:
    figure = ChannelCube(db=12.0)
    assert figure.model == "10"
    noise = channel.noise_variance(powers(10), channel.db_to_ratio(12))
    assert figure.noise == pytest.approx(noise.item(), rel=1e-5)
    rate = channel.information_rate(powers(10).var(0, correction=0), noise)
    assert figure.rate == pytest.approx(rate.item(), rel=1e-5)
    figure.trained = "30"
    assert figure.model == "30"
    figure.trained = "nearest"
    for db, lower in ((5.0, "0"), (15.0, "10"), (25.0, "20")):  # as near to both
        figure.db = db
        assert figure.model == lower
    assert set(figure.networks) == {str(db) for db in TRAINED}
    assert len(FACES) == 7
    assert repr(figure) == "ChannelCube(db=25, trained='nearest')"
    refused: tuple[dict[str, Any], ...] = (
        {"db": 41.0},
        {"db": float("nan")},
        {"trained": "15"},
        {"face": 7},
        {"seed": -1},
        {"pitch": 91.0},
        {"yaw": 181.0},
        {"models": {}},
        {"models": {10: noisy_points(3)}},
        {"models": {10: torch.nn.Identity()}},
        {"points": torch.rand(5, 2)},
        {"points": torch.rand(2001, 3)},
    )
    for bad in refused:
        with pytest.raises(StateError, match=r"expected|plane of two"):
            ChannelCube(**bad)


def test_a_model_of_ones_own() -> None:
    own = noisy_points(2, snr=4.0, hidden=(8,))
    figure = ChannelCube({6: own}, cube(30, seed=9), db=6.0)
    assert figure.model == "6"
    assert figure.manifest["points"]["shape"] == [30, 3]
    assert len(figure.weights) < 3000
