"""The page's layers against torch's."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.browser.conftest import Agree, Call


def tensor(x: torch.Tensor) -> dict[str, Any]:
    return {"shape": list(x.shape), "data": x.detach().flatten().tolist()}


def test_linear_layer(call: Call, agree: Agree) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(37, 11, dtype=torch.float64)
    x = torch.randn(37, dtype=torch.float64)
    arguments = x.tolist(), tensor(layer.weight), tensor(layer.bias)
    agree(call("layers", "m.linear(a[0], a[1], a[2])", *arguments), layer(x).detach())
    agree(call("layers", "m.linear(a[0], a[1])", *arguments), (layer.weight @ x).detach())


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus"])
def test_nonlinearities_also_far_from_zero(call: Call, agree: Agree, name: str) -> None:
    x = torch.tensor([*np.linspace(-40, 40, 401), -800, 800, -0.0], dtype=torch.float64)
    expected = getattr(torch.nn.functional, name)(x)
    if name == "softplus":
        expected = torch.logaddexp(x, torch.zeros_like(x))  # torch's own is linear beyond 20
    agree(call("layers", f"m.{name}(a[0])", x.tolist()), expected, 1e-14)
    assert np.isnan(call("layers", f"m.{name}([NaN])")).all()


@pytest.mark.parametrize(
    ("channels", "out", "kernel", "stride", "padding", "size"),
    [
        (1, 4, 3, 2, 1, (9, 8)),
        (3, 2, 3, 1, 0, (6, 7)),
        (2, 5, 5, 3, 2, (11, 11)),
        (1, 1, 1, 1, 0, (2, 2)),
    ],
)
def test_convolution(
    call: Call, agree: Agree, channels: int, out: int, kernel: int, stride: int, padding: int,
    size: tuple[int, int],
) -> None:  # fmt: skip
    torch.manual_seed(1)
    layer = nn.Conv2d(channels, out, kernel, stride, padding, dtype=torch.float64)
    x = torch.randn(channels, *size, dtype=torch.float64)
    expected = layer(x[None])[0]
    got = call("layers", "m.conv2d(a[0], a[1], a[2], a[3])",
        tensor(x), tensor(layer.weight), tensor(layer.bias), {"stride": stride, "padding": padding},
    )  # fmt: skip
    assert got["shape"] == list(expected.shape)
    agree(got["data"], expected.detach().flatten())


@pytest.mark.parametrize(
    ("channels", "out", "kernel", "stride", "padding", "extra", "size"),
    [
        (2, 3, 3, 2, 1, 1, (4, 5)),
        (3, 1, 3, 1, 0, 0, (5, 4)),
        (1, 2, 5, 3, 2, 2, (4, 4)),
        (4, 4, 2, 2, 0, 0, (3, 3)),
    ],
)
def test_transposed_convolution(
    call: Call, agree: Agree, channels: int, out: int, kernel: int, stride: int, padding: int,
    extra: int, size: tuple[int, int],
) -> None:  # fmt: skip
    torch.manual_seed(2)
    layer = nn.ConvTranspose2d(
        channels, out, kernel, stride, padding, output_padding=extra, dtype=torch.float64
    )
    x = torch.randn(channels, *size, dtype=torch.float64).relu()  # zeros take a shortcut
    expected = layer(x[None])[0]
    got = call("layers", "m.convTranspose2d(a[0], a[1], a[2], a[3])",
        tensor(x), tensor(layer.weight), tensor(layer.bias),
        {"stride": stride, "padding": padding, "outputPadding": extra},
    )  # fmt: skip
    assert got["shape"] == list(expected.shape)
    agree(got["data"], expected.detach().flatten())


def test_convolutions_move_by_one_without_a_frame_unless_told(call: Call, agree: Agree) -> None:
    torch.manual_seed(4)
    x = torch.randn(2, 5, 4, dtype=torch.float64)
    for name, kind in {"conv2d": nn.Conv2d, "convTranspose2d": nn.ConvTranspose2d}.items():
        layer = kind(2, 2, 3, bias=False, dtype=torch.float64)
        expected = layer(x[None])[0].detach()
        got = call("layers", f"m.{name}(a[0], a[1])", tensor(x), tensor(layer.weight))
        assert got["shape"] == list(expected.shape)
        agree(got["data"], expected.flatten())


@pytest.mark.parametrize("transposed", [False, True])
def test_folded_batch_norm_as_the_module_describes(
    call: Call, agree: Agree, transposed: bool
) -> None:
    torch.manual_seed(3)
    conv = (nn.ConvTranspose2d if transposed else nn.Conv2d)(2, 4, 3, 2, 1, dtype=torch.float64)
    norm = nn.BatchNorm2d(4, dtype=torch.float64)
    network = nn.Sequential(conv, norm)
    for _ in range(5):  # running statistics that are not 0 and 1
        network(3 + 2 * torch.randn(8, 2, 6, 6, dtype=torch.float64))
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    network.eval()
    assert norm.running_var is not None
    assert norm.running_mean is not None
    assert conv.bias is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    along_output = [1, -1, 1, 1] if transposed else [-1, 1, 1, 1]
    weight = conv.weight * scale.reshape(along_output)
    bias = (conv.bias - norm.running_mean) * scale + norm.bias
    x = torch.randn(2, 6, 6, dtype=torch.float64)
    got = call(
        "layers",
        "m[a[3]](a[0], a[1], a[2], { stride: 2, padding: 1 })",
        tensor(x),
        tensor(weight),
        tensor(bias),
        "convTranspose2d" if transposed else "conv2d",
    )
    agree(got["data"], network(x[None])[0].detach().flatten())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("m.linear([1, 2], { shape: [1, 3], data: [1, 2, 3] })", "x has 2 numbers, W takes 3"),
        (
            "m.conv2d({ shape: [2, 3, 3], data: [] }, { shape: [1, 1, 3, 3], data: [] })",
            r"x is \(2,3,3\), the weight takes \(1, height, width\)",
        ),
        (
            "m.convTranspose2d({ shape: [3, 3], data: [] }, { shape: [1, 1, 3, 3], data: [] })",
            r"x is \(3,3\)",
        ),
    ],
)
def test_layers_refuse_shapes_that_do_not_fit(call: Call, body: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        call("layers", body)
