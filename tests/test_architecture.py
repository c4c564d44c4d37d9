import json

import pytest
import torch
from torch import nn

from aeteach import architecture, models

ARGUMENTS = {
    "mlp": [{"size": (3, 8, 10), "hidden": (9, 7)}, {"size": (30,), "likelihood": "gaussian"}],
    "conv": [{"size": (3, 20, 28), "channels": 3}, {"latent": 3, "likelihood": "categorical"}],
    "linear": [{"size": (5,), "tied": True}],
    "conv-vae": [{"size": (3, 32, 32), "likelihood": "discretised_logistic"}],
    "cvae": [{"told": ["decoder"], "classes": 26}],
    "noisy-points": [{"variational": True}],
    "conv-reader": [{"channels": (4, 5, 6), "shift": 0, "dropout": 0.5}],
    "reader": [{"hidden": 7, "dropout": 0.25, "size": 12}],
}


@pytest.mark.parametrize("name", sorted(models.MODELS))
def test_every_named_model_is_made_again_of_plain_values(name):
    for arguments in ({}, *ARGUMENTS.get(name, ())):
        model = models.build(name, **arguments)
        again = architecture.build(json.loads(json.dumps(architecture.describe(model))))
        assert type(again) is type(model)
        assert repr(again) == repr(model)
        plain = (int, float, str, bool, tuple, type(None))
        for key, value in vars(model).items():
            if isinstance(value, plain) and not key.startswith("_"):
                assert getattr(again, key) == value, key
        again.load_state_dict(model.state_dict())


def test_layers_of_torch_are_made_again_with_every_argument():
    body = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding="valid", dilation=1, groups=1, bias=False),
        nn.BatchNorm2d(4, eps=1e-2, momentum=None, affine=False),
        nn.GELU(approximate="tanh"),
        nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.PReLU(4)),
        nn.GroupNorm(2, 4, affine=True),
        nn.Flatten(),
        nn.LayerNorm([12], bias=False),
        nn.Unflatten(1, (3, 4)),
    ).to(memory_format=torch.channels_last)
    again = architecture.build(architecture.describe(body))
    assert repr(again) == repr(body)
    assert again[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not again[0].weight.is_contiguous()


class Mine(nn.Module):
    def forward(self, x):
        return x


def shared():
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.ReLU(), layer)


def tied():
    a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    b.weight = a.weight
    return nn.Sequential(a, b)


def hooked():
    layer = nn.Linear(4, 4)
    layer.register_forward_hook(lambda *a: None)
    return layer


def changed():
    model = models.build("mlp", size=8)
    model.encoder.append(nn.Tanh())
    return model


OWN = {
    "class": (lambda: nn.Sequential(nn.ReLU(), Mine()), r"the model\[1\] is a Mine, a class that"),
    "inner": (
        lambda: models.Autoencoder(Mine(), nn.Identity(), sigmoid=False),
        r"encoder is a Mine",
    ),
    "attention": (lambda: nn.MultiheadAttention(4, 2), "MultiheadAttention"),
    "recurrent": (lambda: nn.LSTM(3, 4), "LSTM, does not keep what made it"),
    "shared": (shared, "one and the same Linear"),
    "tied": (tied, "share their weights"),
    "hook": (hooked, "has a hook"),
    "changed": (changed, "MLPAutoencoder was changed after it was made"),
    "infinite": (lambda: nn.LeakyReLU(float("inf")), "negative_slope=inf"),
    "normed": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), "class that only"),
}


@pytest.mark.parametrize("what", OWN)
def test_what_plain_values_cannot_say_is_named(what):
    make, message = OWN[what]
    with pytest.raises(architecture.OwnPartError, match=message):
        architecture.describe(make())


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"part": "os.system", "arguments": {"command": "true"}},
        {"part": "Module"} | {"arguments": {"x": 1}},
        {"part": "functional"},
        {"part": "Sequential"},
        {"part": "Sequential", "inside": ["x"]},
        {"part": "aeteach.VAE", "arguments": {}},
        {
            "part": "Linear",
            "arguments": {"in_features": 2, "out_features": 2},
            "set": {"weight": 1},
        },
        {"part": ["Linear"]},
    ],
    ids=str,
)
def test_what_is_no_description_is_refused(description):
    with pytest.raises((TypeError, ValueError)):
        architecture.build(description)


def test_a_description_without_end_is_refused():
    deep: dict = {"part": "ReLU"}
    for _ in range(100):
        deep = {"part": "Sequential", "inside": [deep]}
    with pytest.raises(ValueError, match="description"):
        architecture.build(deep)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside of torch.compile
def test_a_compiled_model_is_described_as_it_was():
    model = models.build("linear", size=4)
    assert architecture.describe(torch.compile(model)) == architecture.describe(model)
