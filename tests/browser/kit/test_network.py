"""A network's steps run in the page as torch runs its layers."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from aeteach.models import build
from aeteach.models.cvae import LabelPlanes
from aeteach.models.vae import conv_vae
from aeteach.widgets.kit.network import Network, decoder_network, network
from tests.browser.conftest import Agree, Call

RUN = """m.run(a[0], { shape: a[1], data: Float64Array.from(a[2]) }, a[3], "n")"""


def arrays(plan: Network) -> dict[str, Any]:
    return {
        k: {"shape": list(v.shape), "data": v.flatten().tolist()} for k, v in plan.arrays.items()
    }


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def run(call: Call, plan: Network, x: Tensor) -> tuple[list[int], list[float]]:
    found = call("network", RUN, plan.steps, list(x.shape), x.flatten().tolist(), arrays(plan))
    return found["shape"], found["data"]


def test_pooling_is_that_of_torch(call: Call) -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(3), nn.ReLU(), nn.Flatten()).double()
    x = noise(1, 10, 10)
    plan = network(net, "n")
    _, got = run(call, plan, x)
    with torch.no_grad():
        expected = net(x[None])[0].tolist()  # 8 x 8: the last two rows fill no window
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("margin", [0, 2])
def test_a_convolutional_decoder_loses_its_frame(call: Call, agree: Agree, margin: int) -> None:
    vae = conv_vae(3).eval()
    plan = decoder_network(vae, "n", margin)
    z = 3 * noise(3) - 1
    shape, got = run(call, plan, z)
    assert shape == [1, 32 - 2 * margin, 32 - 2 * margin]
    with torch.no_grad():
        expected = vae.double().decode(z[None])[0]
    inner = slice(margin, 32 - margin)
    agree(got, expected[:, inner, inner].flatten(), 1e-12)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_a_label_becomes_planes_behind_the_image(call: Call, agree: Agree, label: int) -> None:
    layer = LabelPlanes(size=4, classes=3)
    told = torch.cat([noise(16), torch.eye(3)[label]])
    shape, got = run(call, network(nn.Sequential(layer), "n"), told)
    expected = layer(told[None])[0]
    assert shape == [4, 4, 4]
    assert shape == list(expected.shape)
    agree(got, expected.flatten())


def test_numbers_in_and_out(call: Call, agree: Agree) -> None:
    made: Any = build("linear", latent=3, size=8, seed=0)
    plan = network(made.decoder, "n")
    z = noise(3)
    body = "m.compute(a[0], a[1], a[2], 'n')"
    got = call("network", body, plan.steps, z.tolist(), arrays(plan))
    with torch.no_grad():
        agree(got, made.double().decode(z[None]).flatten())
