"""The conditional pad's Python side: what it refuses, and that a refusal changes nothing."""

from functools import cache

import pytest
import torch
from torch import nn

from aeteach.models import VAE, conv_cvae, dense_cvae
from aeteach.widgets import ConditionalPad


@cache
def models() -> dict[str, VAE]:
    """Strong weights, so that z and the label show; float16, as they are packed."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        dense, conv = dense_cvae(), conv_cvae(label="planes", channels=32)
        for part in [*dense.decoder.modules(), *conv.decoder.modules()]:
            if isinstance(part, nn.Linear | nn.ConvTranspose2d):
                part.weight.mul_(2.5)
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features)
                part.running_var = 0.2 + 2.8 * torch.rand(part.num_features)
        for model in (dense, conv):
            for values in model.state_dict().values():
                if values.is_floating_point():
                    values.copy_(values.half().float())
    return {"MLP": dense.eval(), "convolutional": conv.eval()}


def test_wrong_states_are_refused_and_leave_the_figure_as_it_was() -> None:
    pad = ConditionalPad(models())
    for name, value, message in (
        ("z", [0.0, 3.5], "two numbers from -3 to 3"),
        ("z", [float("nan"), 0.0], "two numbers from -3 to 3"),
        ("digit", 10, "digit is 10"),
        ("other", -1, "other is -1"),
        ("share", 1.5, "expected 0 to 1"),
    ):
        before = getattr(pad, name)
        with pytest.raises(ValueError, match=message):
            setattr(pad, name, value)
        assert getattr(pad, name) == before
    pad.share, pad.digit, pad.other = 0.25, 3, 3
    assert pad.label.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="expected a conditional VAE"):
        ConditionalPad({"plain": nn.Linear(1, 1)})
    with pytest.raises(ValueError, match="one or two"):
        ConditionalPad({})
