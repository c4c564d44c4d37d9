"""A trained network as a list of plain steps and arrays, which network.js runs in the page."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from aeteach.models.base import Autoencoder
from aeteach.models.cvae import LabelPlanes
from aeteach.widgets.kit.inputs import StateError

LARGE = 20_000  # numbers: only matrices as large as this are worth 8 bits a number


class Network(NamedTuple):
    """Steps for network.js, and the arrays that they name.

    Attributes:
        steps: one dict a layer: `op`, and `at`, the number in its arrays' names, `<prefix>w<at>`
            and `<prefix>b<at>`, where it has any.
        arrays: name -> weight or bias, detached.
    """

    steps: list[dict[str, Any]]
    arrays: dict[str, Tensor]

    @property
    def large(self) -> list[str]:
        """Names of the matrices that 8 bits a number make much lighter."""
        return [n for n, a in self.arrays.items() if a.ndim == 2 and a.numel() >= LARGE]

    @property
    def kinds(self) -> dict[str, str]:
        """How `host.pack` keeps each array: 8 bits, 16, or 32 where layers were folded."""
        folded = {s["at"] for s in self.steps if s.get("folded")}
        exact = {n: "float32" for n in self.arrays if int(n[n.rfind("/") + 2 :]) in folded}
        return exact | dict.fromkeys(self.large, "int8")


def network(module: nn.Module, prefix: str) -> Network:
    r"""Return a chain of layers as steps and arrays.

    A batch normalisation after a convolution is folded into it. In evaluation mode it only scales
    and shifts each channel, so with s = gamma / sqrt(var + eps): weight' = s weight along the
    output channels, bias' = (bias - mean) s + beta.

    Args:
        module: made of Linear, ReLU, Sigmoid, Flatten, Unflatten, Conv2d and ConvTranspose2d
            (square, without dilation or groups), BatchNorm2d right after one of these two,
            MaxPool2d whose windows do not overlap, and the book's LabelPlanes; one after the
            other, as in Sequential.
        prefix: of the arrays' names; they are `<prefix>/w0`, `<prefix>/b0`, ...

    Raises:
        ValueError: another kind of layer, or one with other options.
    """
    steps: list[dict[str, Any]] = []
    arrays: dict[str, Tensor] = {}
    parts = [p for p in module.modules() if not list(p.children())]
    for place, part in enumerate(parts):
        following = parts[place + 1] if place + 1 < len(parts) else None
        norm = following if isinstance(following, nn.BatchNorm2d) else None
        step = _step(part, norm, parts[place - 1] if place else None)
        if step is None:
            continue
        if isinstance(part, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            step["at"] = len(arrays) // 2
            weight, bias = _folded(part, norm)
            arrays[f"{prefix}/w{step['at']}"] = weight
            arrays[f"{prefix}/b{step['at']}"] = bias
        steps.append(step)
    return Network(steps, arrays)


def decoder_network(model: Autoencoder, prefix: str, margin: int = 0) -> Network:
    """Return what `model.decode` does: its decoder, then the sigmoid.

    Args:
        model: with a sigmoid, so that what it draws are grey values from 0 to 1.
        prefix: of the arrays' names.
        margin: pixels at each edge of the image that are left out.

    Raises:
        ValueError: no sigmoid, a layer the page cannot run, or a frame too wide.
    """
    if not model.sigmoid:
        raise StateError(
            f"the {type(model).__name__} has no sigmoid at the end; the page shows grey values "
            "from 0 to 1"
        )
    net = without_frame(network(model.decoder, prefix), margin)
    return net._replace(steps=[*net.steps, {"op": "sigmoid"}])


def without_frame(net: Network, margin: int) -> Network:
    """Return a decoder that draws no frame: a last Linear has fewer rows, else it is cut off."""
    if not margin:
        return net
    if [s["op"] for s in net.steps[-2:]] != ["linear", "reshape"]:
        return net._replace(steps=[*net.steps, {"op": "crop", "margin": margin}])
    *body, linear, reshape = net.steps
    names = [
        name for name in net.arrays if name.endswith((f"/w{linear['at']}", f"/b{linear['at']}"))
    ]
    kept = kept_pixels(len(net.arrays[names[0]]), margin)
    side = reshape["shape"][-1] - 2 * margin
    steps = [*body, linear, {"op": "reshape", "shape": [1, side, side]}]
    return Network(steps, net.arrays | {name: net.arrays[name][kept] for name in names})


def without_frame_in(net: Network, margin: int) -> Network:
    """Return a network of flat images that is given them without their frame, which is black.

    Its first Linear has fewer columns. What comes behind the pixels, a one-hot label, stays.
    """
    first = next(s for s in net.steps if s["op"] != "flatten")
    name = next(n for n in net.arrays if n.endswith(f"/w{first['at']}"))
    kept = kept_numbers(net.arrays[name].shape[1], margin)
    return Network(net.steps, net.arrays | {name: net.arrays[name][:, kept]})


def kept_numbers(numbers: int, margin: int) -> Tensor:
    """Return which numbers of a flat image, a label perhaps behind it, are not of its frame."""
    pixels = math.isqrt(numbers) ** 2
    return torch.cat([kept_pixels(pixels, margin), torch.arange(pixels, numbers)])


def kept_pixels(pixels: int, margin: int) -> Tensor:
    """Return which of the pixels of a square image lie inside its frame."""
    side = round(pixels**0.5)
    if side * side != pixels or side <= 2 * margin:
        raise StateError(f"{pixels} pixels are no square image with a frame of {margin} pixels")
    places = torch.arange(pixels).view(side, side)
    return places[margin : side - margin, margin : side - margin].flatten()


def _step(part: nn.Module, norm: nn.Module | None, before: nn.Module | None) -> dict | None:
    """Return one layer as a step; None for one that an earlier step has taken in."""
    if isinstance(part, nn.BatchNorm2d) and isinstance(before, nn.Conv2d | nn.ConvTranspose2d):
        return None
    if isinstance(part, nn.Linear):
        return {"op": "linear"}
    if isinstance(part, nn.ReLU):
        return {"op": "relu"}
    if isinstance(part, nn.Sigmoid):
        return {"op": "sigmoid"}
    if isinstance(part, nn.Flatten):
        return {"op": "flatten"}
    if isinstance(part, nn.Unflatten):
        return {"op": "reshape", "shape": [int(n) for n in part.unflattened_size]}
    if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
        return _convolution(part) | ({"folded": True} if norm is not None else {})
    if isinstance(part, nn.MaxPool2d):
        return _pooling(part)
    if isinstance(part, LabelPlanes):
        return {"op": "planes", "size": part.size, "classes": part.classes}
    raise StateError(
        f"there is a {type(part).__name__} among the layers; the page runs Linear, ReLU, Sigmoid, "
        "Flatten, Unflatten, Conv2d, ConvTranspose2d, BatchNorm2d after these, MaxPool2d and "
        "LabelPlanes"
    )


def _pooling(part: nn.MaxPool2d) -> dict[str, Any]:
    kernel = part.kernel_size
    plain = part.padding == 0 and part.dilation == 1 and not part.ceil_mode
    if not plain or not isinstance(kernel, int) or part.stride != kernel:
        raise StateError(
            f"{part} has options that the page does not know: expected square windows side by "
            "side, no padding, no dilation, and what does not fill a window left out"
        )
    return {"op": "pool", "kernel": kernel}


def _convolution(part: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, Any]:
    options: dict[str, Any] = {"stride": part.stride, "padding": part.padding}
    if isinstance(part, nn.ConvTranspose2d):
        options["outputPadding"] = part.output_padding
    plain = part.groups == 1 and set(part.dilation) == {1} and part.padding_mode == "zeros"
    pairs = [o for o in options.values() if isinstance(o, tuple) and len(set(o)) == 1]
    if not plain or len(pairs) < len(options):
        raise StateError(
            f"{part} has options that the page does not know: expected one stride and one padding "
            "both ways, zeros around, no dilation and no groups"
        )
    op = "deconv" if isinstance(part, nn.ConvTranspose2d) else "conv"
    return {"op": op} | {name: int(value[0]) for name, value in options.items()}


def _folded(part: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a layer, with the normalisation after it taken in."""
    weight = part.weight.detach()
    out = 1 if isinstance(part, nn.ConvTranspose2d) else 0
    bias = part.bias.detach() if part.bias is not None else torch.zeros(weight.shape[out])
    if norm is None:
        return weight, bias
    if norm.running_var is None or not norm.affine:
        raise StateError(
            "a BatchNorm2d keeps no running variance, or no scale: it cannot be folded"
        )
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.detach().double() - norm.running_mean.double() * scale
    along = scale.view([-1 if axis == out else 1 for axis in range(4)])
    return weight.double() * along, bias.double() * scale + shift


__all__ = [
    "LARGE",
    "Network",
    "decoder_network",
    "kept_numbers",
    "network",
    "without_frame",
    "without_frame_in",
]
