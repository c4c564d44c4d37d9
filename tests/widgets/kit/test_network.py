"""A network as plain steps: torch runs them and finds what the model computes."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeteach.models import ConvAutoencoder
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.network import decoder_network, network
from tests.widgets.small import mlp, vae

# ---------------------------------------------------------------- the plane


@pytest.mark.parametrize("margin", [0, 1, 2])
def test_the_decoder_is_packed_without_its_frame(margin: int) -> None:
    made = mlp()
    net = decoder_network(made, "d0", margin)
    arrays = net.arrays
    side = 32 - 2 * margin
    assert net.steps[-2:] == [{"op": "reshape", "shape": [1, side, side]}, {"op": "sigmoid"}]
    z = torch.randn(5, 2, generator=torch.Generator().manual_seed(3)) * 3
    out = z
    for i in range(4):
        out = out @ arrays[f"d0/w{i}"].T + arrays[f"d0/b{i}"]
        out = out.relu() if i < 3 else out.sigmoid()
    inner = slice(margin, 32 - margin)
    expected = made.decode(z)[:, 0, inner, inner].flatten(1)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-6)
    frame = 1024 - side**2
    assert sum(a.numel() for a in arrays.values()) == 142_624 - frame * 129


def test_the_frame_of_a_convolution_is_cut_off() -> None:
    made = ConvAutoencoder(2, latent=2).eval()
    for margin, cut in ((0, []), (2, [{"op": "crop", "margin": 2}])):
        steps = decoder_network(made, "d", margin).steps
        assert steps == [*network(made.decoder, "d").steps, *cut, {"op": "sigmoid"}]


def noise(n: int, size: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, 1, size, size, dtype=torch.float64, generator=generator)


def run(plan: list[dict[str, Any]], a: dict[str, Tensor], x: Tensor, prefix: str) -> Tensor:
    """A network by its plan, with torch's own layers, in float64."""
    for layer in plan:
        if "at" in layer:
            w, b = a[f"{prefix}/w{layer['at']}"].double(), a[f"{prefix}/b{layer['at']}"].double()
        if layer["op"] == "linear":
            x = F.linear(x, w, b)
        elif layer["op"] == "conv":
            x = F.conv2d(x, w, b, layer["stride"], layer["padding"])
        elif layer["op"] == "deconv":
            extra = layer["outputPadding"]
            x = F.conv_transpose2d(x, w, b, layer["stride"], layer["padding"], extra)
        elif layer["op"] == "relu":
            x = x.relu()
        elif layer["op"] == "sigmoid":
            x = x.sigmoid()
        elif layer["op"] == "flatten":
            x = x.flatten(1)
        else:
            assert layer["op"] == "reshape"
            x = x.view(-1, *layer["shape"])
    return x


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("conv-vae", {}), ("keras-vae", {}), ("keras-vae", {"third": True}), ("vae", {"size": 28})],
)
def test_the_plan_computes_what_the_model_computes(name: str, arguments: dict[str, Any]) -> None:
    made: Any = vae(name, **arguments)
    x = noise(4, made.size)
    down = network(nn.Sequential(made.encoder, made.heads.mu), "e")
    up = decoder_network(made, "d")
    assert not set(down.arrays) & set(up.arrays)
    with torch.no_grad():
        made = made.double()
        mu = made.encode(x)
        assert float(mu.std()) > 1e-3
        torch.testing.assert_close(run(*down, x, "e"), mu, rtol=1e-10, atol=1e-10)
        x_hat = run(*up, mu, "d")
        torch.testing.assert_close(x_hat, made.decode(mu), rtol=1e-10, atol=1e-10)


def test_folding_keeps_what_a_convolution_computes() -> None:
    model = vae()
    net = network(model.encoder, "e")
    assert [s["op"] for s in net.steps] == ["conv", "relu", "conv", "relu", "conv", "flatten"]
    assert set(net.kinds.values()) == {"float32"}
    x = noise(3, 32)
    out = x
    for step in net.steps:
        if step["op"] == "conv":
            w, b = net.arrays[f"e/w{step['at']}"], net.arrays[f"e/b{step['at']}"]
            options = {"stride": step["stride"], "padding": step["padding"]}
            out = nn.functional.conv2d(out, w.double(), b.double(), **options)
        else:
            out = out.relu() if step["op"] == "relu" else out.flatten(1)
    torch.testing.assert_close(out, model.double().encoder(x))


@pytest.mark.parametrize(
    "layer", [nn.MaxPool2d(2, stride=1), nn.MaxPool2d(2, padding=1), nn.MaxPool2d((2, 3))]
)
def test_windows_that_do_not_lie_side_by_side_are_refused(layer: nn.Module) -> None:
    with pytest.raises(StateError, match="side by side"):
        network(nn.Sequential(layer), "n")
