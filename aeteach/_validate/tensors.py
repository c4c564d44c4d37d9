"""Checks of tensors and of the models they go through."""

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.masked import MaskedTensor
from torch.nn.parameter import is_lazy

from aeteach._exact import exact
from aeteach._validate.plain import MAX_CLASSES, say, shape

FLOATS = (torch.float32, torch.float64)
FAR = 5.0  # x_hat of a linear model leaves [0, 1] a little; grey levels up to 255 go far


def tensor(x: object, name: str, want: str = "a tensor") -> Tensor:
    """Return x if it is a tensor whose numbers are all there: dense, and on a device that has them.

    Args:
        x: what arrived.
        name: what the caller calls it.
        want: what was expected.

    Raises:
        TypeError: no tensor, or a nested, masked, sparse or quantised one.
        ValueError: a tensor on the meta device.
    """
    if not isinstance(x, Tensor):
        kind = f"{type(x).__module__}.{type(x).__qualname__}".removeprefix("builtins.")
        hint = f"use torch.as_tensor({name})" if hasattr(x, "__array__") else "pass a tensor"
        raise TypeError(f"{name} must be {want}, got {kind}: {hint}")
    if x.is_nested or isinstance(x, MaskedTensor):
        what = (
            "nested, rows of different lengths" if x.is_nested else "masked, with numbers missing"
        )
        raise TypeError(f"{name} is {what}; expected {want}, all of whose numbers are there")
    if x.is_meta:
        raise ValueError(
            f"{name} is on the meta device, which holds no numbers; expected {want} on another, "
            "such as cpu"
        )
    if x.layout != torch.strided:
        raise TypeError(f"{name} is sparse ({x.layout}); expected {want}: use {name}.to_dense()")
    if x.is_quantized:
        raise TypeError(f"{name} is quantised; expected {want}: use {name}.dequantize()")
    return x


def floating(x: object, name: str, want: str = "a float32 or float64 tensor") -> Tensor:
    """Return x if it is a tensor of float32 or float64 numbers, of any shape.

    Raises:
        TypeError: no tensor, or another dtype.
        ValueError: a tensor on the meta device, or an empty one.
    """
    x = tensor(x, name, want)
    if x.dtype not in FLOATS:
        hint = _to_floats(x, name)
        raise TypeError(f"{name} must be floating point, float32 or float64, got {x.dtype}: {hint}")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(x)}; expected {want} with at least one number")
    return x


def finite(
    x: object, name: str, want: str = "a float32 or float64 tensor", *, graph: bool = False
) -> Tensor:
    """Return x if it is a tensor of finite float32 or float64 numbers, of any shape.

    Args:
        x: what arrived.
        name: what the caller calls it.
        want: what was expected.
        graph: let NaN through if there is a graph behind it, as behind what a model in training has
            made: `fit` names the step in which NaN began.

    Raises:
        TypeError, ValueError: as for `floating`, or NaN or infinity.
    """
    x = floating(x, name, want)
    if not can_look(x) or (graph and x.grad_fn is not None):
        return x
    if not _all_finite(x):
        bad = int((~x.detach().isfinite()).sum())
        raise ValueError(
            f"{name} must be finite, {bad} of its {x.numel()} numbers are NaN or infinity: find "
            "where they began"
        )
    return x


def images(
    x: object, name: str = "images", size: int | None = None, *, colour: bool = False
) -> Tensor:
    """Return x if it is a batch of images: (N, 1, H, W), float32, in [0, 1], not empty.

    Args:
        x: what arrived.
        name: what the caller calls it.
        size: H and W must be this, in pixels; None for any, which need not be equal.
        colour: any number of channels will do, (N, C, H, W).

    Raises:
        TypeError: not a tensor, or not float32.
        ValueError: another shape, empty, NaN, or outside [0, 1].
    """
    x = _batch(x, name, size, "float32", "a float32 tensor {} in [0, 1]", colour)
    low, high = _ends(x)
    if math.isnan(low):
        raise ValueError(f"{name} holds NaN in {int(x.isnan().sum())} pixels: find where it began")
    _in_unit(name, low, high)
    return x


def examples(
    x: object,
    name: str = "x",
    size: int | tuple[int, ...] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    unit: bool = False,
    look: bool = True,
) -> Tensor:
    """Return x if it is a batch of images (N, C, H, W) or features (N, F), finite, not empty.

    Args:
        x: what arrived.
        name: what the caller calls it.
        size: shape of one example, as for `shape`; None for any.
        dtype: of the model's weights, float32 or float64.
        unit: the model makes values in [0, 1], so that far ones are a slip.
        look: whether the numbers are looked at, and not only shape and dtype.

    Raises:
        TypeError: not a tensor, or of another dtype.
        ValueError: another shape, empty, NaN, infinite; or what looks like undivided grey levels.
    """
    kind = str(dtype).removeprefix("torch.")
    one = None if size is None else shape(size)
    want = "(N, C, H, W) or (N, F)" if one is None else f"(N, {', '.join(map(str, one))})"
    x = tensor(x, name, f"a {kind} tensor {want}")
    if x.dtype != dtype:
        raise TypeError(f"{name} must be {kind}, got {x.dtype}: {_to_kind(x, kind)}")
    if (x.ndim not in (2, 4)) if one is None else (x.shape[1:] != one):
        raise ValueError(f"{name} must be {want}, got {_shape(x)}: {_to_shape(x, one)}")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(x)}: pass at least one example")
    if look and can_look(x):
        _check_values(x, name, unit)
    return x


def unit(x: Tensor, name: str, why: str) -> Tensor:
    """Return x if its numbers are in [0, 1].

    Args:
        x: what arrived, finite.
        name: what the caller calls it.
        why: what asks for it.

    Raises:
        ValueError: they are not.
    """
    _in_unit(name, *_ends(x), f" {why},")
    return x


def _in_unit(name: str, low: float, high: float, why: str = "") -> None:
    if low < 0 or high > 1:
        hint = "divide grey levels by 255" if low >= 0 and 1 < high <= 255 else "undo the scaling"
        raise ValueError(f"{name} must be in [0, 1],{why} got {low:g} to {high:g}: {hint}")


def _check_values(x: Tensor, name: str, unit: bool) -> None:
    low, high = _ends(x)
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = int((~x.detach().isfinite()).sum())
        raise ValueError(
            f"{name} holds NaN or infinity in {bad} of its numbers: find where they began"
        )
    grey = x.ndim == 4 and low >= 0 and FAR <= high <= 255
    if grey or (unit and not (low > -FAR and high < FAR)):
        raise ValueError(
            f"{name} must be in [0, 1], or a little beyond, and runs from {low:g} to {high:g}: "
            "divide grey levels by 255"
        )


def _to_shape(x: Tensor, one: tuple[int, ...] | None) -> str:
    """Say how to make a batch of another shape."""
    if one is None:
        return "grey images need .unsqueeze(1)" if x.ndim == 3 else "a row for each example"
    if x.shape == one:
        return "one example is a batch of one: use x[None]"
    if len(one) == 3 and x.ndim == 4 and x.shape[1:] == (*one[1:], one[0]):
        return "channels come first: use .permute(0, 3, 1, 2)"
    if len(one) == 1 and x.ndim > 2 and x[0].numel() == one[0]:
        return "use .flatten(1)"
    if one[0] == 1 and len(one) == 3:
        return _to_images(x, one[1] if one[1] == one[2] else (one[1], one[2]))
    return f"the model was made for examples of {one}: say size= when making it, or reshape"


def pixels(
    x: object,
    name: str = "x",
    size: int | tuple[int, int] | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    look: bool = True,
    colour: bool = False,
) -> Tensor:
    """Return x if it is a batch of images as models take and make them: [0, 1] and a little beyond.

    Args:
        x: what arrived.
        name: what the caller calls it.
        size: H and W must be this, in pixels, one number if they are the same; None for any.
        dtype: of the model's weights, float32 or float64.
        look: whether the numbers are looked at, and not only shape and dtype.
        colour: any number of channels will do.

    Raises:
        TypeError: not a tensor, or of another dtype.
        ValueError: another shape, empty, NaN, or farther than 5 from 0.
    """
    kind = str(dtype).removeprefix("torch.")
    x = _batch(x, name, size, kind, f"a {kind} tensor {{}} in [0, 1]", colour)
    if look and can_look(x):
        low, high = _ends(x)
        if not (low > -FAR and high < FAR):
            raise ValueError(
                f"{name} runs from {low:g} to {high:g}; expected [0, 1], or a little beyond: "
                "divide grey levels by 255, and look for NaN"
            )
    return x


def labels(y: object, n: int | None = None, name: str = "labels", classes: int = 10) -> Tensor:
    """Return y if it is a batch of class labels: (N,), int64, 0 to classes - 1, not empty.

    Args:
        y: what arrived.
        n: there must be this many, one for each image; None for any number.
        name: what the caller calls it.
        classes: number of classes.

    Raises:
        TypeError: not a tensor, or not int64.
        ValueError: another shape or length, empty, or a label that is no class.
    """
    y = tensor(y, name, f"an int64 tensor (N,) of 0 to {classes - 1}")
    if y.dtype != torch.int64:
        raise TypeError(f"{name} must be int64, got {y.dtype}: use {name}.long()")
    if y.ndim != 1:
        hint = "use .argmax(1) on one-hot rows" if y.ndim == 2 else "one number for each image"
        raise ValueError(f"{name} must be (N,), got {_shape(y)}: {hint}")
    if len(y) == 0:
        raise ValueError(f"{name} is empty: pass at least one label")
    if n is not None and len(y) != n:
        raise ValueError(f"{name} must have one label for each of the {n} images, got {len(y)}")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise ValueError(f"{name} must be from 0 to {classes - 1}, got {low} to {high}")
    return y


def classes(y: object, n: int | None = None, name: str = "labels") -> int:
    """Return how many classes the labels name, from 0 to the largest; at least two must occur.

    Args:
        y: what arrived, (N,), int64, from 0.
        n: there must be this many; None for any number.
        name: what the caller calls it.

    Raises:
        TypeError, ValueError: as for `labels`, or all labels are alike.
    """
    y = labels(y, n, name, MAX_CLASSES)
    if bool((y == y[0]).all()):
        raise ValueError(f"{name} are all alike, {int(y[0])}; expected at least two classes")
    return int(y.max()) + 1


def latents(z: object, name: str = "z", d: int | None = None, least: int = 1) -> Tensor:
    """Return z if it is a batch of latent vectors: (N, d), float32 or float64, finite, not empty.

    Args:
        z: what arrived.
        name: what the caller calls it.
        d: number of latent dimensions; None for any.
        least: there must be this many vectors.

    Raises:
        TypeError: not a tensor, or not float32 or float64.
        ValueError: another shape, too few, NaN or infinite.
    """
    want = f"(N, {'d' if d is None else d})"
    z = tensor(z, name, f"a float tensor {want}")
    if z.dtype not in FLOATS:
        raise TypeError(
            f"{name} must be floating point, float32 or float64, got {z.dtype}: "
            f"{_to_floats(z, name)}"
        )
    if z.ndim != 2 or (d is not None and z.shape[1] != d):
        hint = f"; flatten channels with {name}.flatten(1)" if z.ndim > 2 else ""
        raise ValueError(f"{name} must be {want}, got {_shape(z)}{hint}")
    if z.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(z)}: pass at least one vector")
    if len(z) < least:
        raise ValueError(f"{name} holds {len(z)} vector(s), {_shape(z)}; expected at least {least}")
    bad = int((~z.detach().isfinite()).any(1).sum())
    if bad:
        raise ValueError(
            f"{name} must be finite, {bad} of its {len(z)} rows hold NaN or infinity: "
            "look for a loss that diverged"
        )
    return z


def mask(x: object, name: str, want: str) -> Tensor:
    """Return x if it is a tensor of True and False, of any shape.

    Raises:
        TypeError: no tensor, or another dtype.
        ValueError: on the meta device.
    """
    x = tensor(x, name, want)
    if x.dtype != torch.bool:
        raise TypeError(f"{name} must be {want}, got {x.dtype}: compare, such as {name} > 0.5")
    return x


def numbers(
    value: Any,
    name: str,
    want: str = "finite numbers",
    *,
    whole: bool = True,
    finite: bool = True,
    graph: bool = False,
    axes: int | None = None,
) -> Tensor:
    """Return the numbers in a tensor, an array, a list or by themselves as a float tensor.

    Python's numbers and whole numbers become float64; tensors and arrays keep float32 or float64.

    Args:
        value: what arrived.
        name: what the caller calls it.
        want: what was expected.
        whole: whether whole numbers are numbers like any other.
        finite: whether NaN and infinity are refused.
        graph: let them through if there is a graph behind them; see `finite`.
        axes: the most axes there may be; None for any number.

    Raises:
        TypeError: what holds no numbers.
        ValueError: empty, NaN, infinite, or too many axes.
    """
    if isinstance(value, str | bytes | bool) or value is None:
        raise TypeError(f"{name} is {say(value)}; expected {want}")
    try:
        x = value if isinstance(value, Tensor) else torch.as_tensor(value, device="cpu")
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TypeError(
            f"{name} is {say(value)}, which cannot become a tensor; expected {want}, in a tensor, "
            "an array or a rectangular list"
        ) from error
    x = tensor(x, name, want)
    if x.dtype not in FLOATS and (not whole or x.dtype not in _WHOLE):
        hint = _COUNTS if x.dtype in (*_WHOLE, torch.bool) and not whole else _to_floats(x, name)
        raise TypeError(f"{name} has dtype {x.dtype}; expected float32 or float64: {hint}")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(x)}; expected {want}, at least one")
    if axes is not None and x.ndim > axes:
        raise ValueError(f"{name} has shape {_shape(x)}; expected {want}, at most {axes} axis")
    # Python's numbers are float64, which as_tensor would round to float32.
    if not hasattr(value, "dtype"):
        x = torch.as_tensor(value, dtype=torch.float64, device="cpu")
    x = x if x.dtype in FLOATS else exact(x)
    look = finite and can_look(x) and not (graph and x.grad_fn is not None)
    if look and not _all_finite(x):
        raise ValueError(f"{name} holds NaN or infinity; expected {want}")
    return x


def same(**tensors: Tensor) -> None:
    """Refuse tensors whose shapes differ.

    Raises:
        ValueError: they do.
    """
    if len({t.shape for t in tensors.values()}) > 1:
        shapes = ", ".join(f"{name} {_shape(t)}" for name, t in tensors.items())
        raise ValueError(
            f"shapes differ: {shapes}; expected the same shape, for nothing is broadcast here: "
            "make one fit with .expand_as(...) if that is meant"
        )


def broadcast(**tensors: Tensor) -> list[Tensor]:
    """Return tensors, each expanded to the one shape that they broadcast to, on one device.

    Raises:
        ValueError: there is none, or they are on different devices.
    """
    one_device(**tensors)
    place = next((t.device for t in tensors.values() if t.ndim), None)
    try:
        return list(torch.broadcast_tensors(*(t.to(place) for t in tensors.values())))
    except RuntimeError as error:
        shapes = ", ".join(f"{name} {_shape(t)}" for name, t in tensors.items())
        raise ValueError(
            f"shapes that do not broadcast: {shapes}; expected one shape, or axes of length 1"
        ) from error


def one_kind(**tensors: Tensor) -> None:
    """Refuse tensors that are on different devices, or whose dtypes differ.

    Raises:
        ValueError: they are.
    """
    one_device(**tensors)
    if len({t.dtype for t in tensors.values()}) > 1:
        kinds = ", ".join(f"{name} {t.dtype}" for name, t in tensors.items())
        raise ValueError(
            f"dtypes differ: {kinds}; expected one: convert with .float() or .double()"
        )


def one_device(**tensors: Tensor) -> None:
    """Refuse tensors that are on different devices; one number on the CPU goes with any.

    Raises:
        ValueError: they are.
    """
    if len({t.device for t in tensors.values() if t.ndim or t.device.type != "cpu"}) > 1:
        places = ", ".join(f"{name} on {t.device}" for name, t in tensors.items())
        raise ValueError(f"{places}; expected one device: move one with .to(...)")


def model(m: object, *needs: str, name: str = "model") -> nn.Module:
    """Return m if it is a model whose weights are numbers, with the methods that are needed.

    Args:
        m: what arrived.
        needs: methods, such as "decode".
        name: what the caller calls it.

    Raises:
        TypeError: no module, a class of them, or one without the methods.
        ValueError: on the meta device, or not float32 or float64.
    """
    if isinstance(m, type):
        raise TypeError(f"{name} is the class {m.__name__}: make one, {m.__name__}(...)")
    if not isinstance(m, nn.Module):
        with_ = f" with {' and '.join(needs)}" if needs else ""
        raise TypeError(f"{name} is {say(m)}; expected a torch.nn.Module{with_}")
    missing = [method for method in needs if not callable(getattr(m, method, None))]
    if missing:
        raise TypeError(
            f"{name} is a {type(m).__name__}, which has no {missing[0]}; expected one with "
            f"{' and '.join(needs)}, as aeteach.models.Autoencoder has"
        )
    for weight in (*m.parameters(), *m.buffers()):
        if is_lazy(weight):
            raise ValueError(
                f"{name} has a lazy layer whose weights are not made yet: call it once with a batch"
            )
        if weight.is_meta:
            raise ValueError(
                f"{name} is on the meta device, which holds no numbers: make it on another, such "
                "as cpu"
            )
        if weight.is_complex():
            raise ValueError(f"{name} has complex weights, {weight.dtype}; expected float32")
        if weight.is_floating_point() and weight.dtype not in FLOATS:
            raise ValueError(
                f"{name} has weights of {weight.dtype}; expected float32: use {name}.float()"
            )
    return m


def fits(m: nn.Module, x: Tensor, name: str) -> Tensor:
    """Return x if it has the dtype of a model's weights; without any, either dtype fits.

    Raises:
        ValueError: it has another.
    """
    weights = itertools.chain(m.parameters(), m.buffers())
    dtype = next((w.dtype for w in weights if w.is_floating_point()), x.dtype)
    if x.dtype != dtype:
        convert = "float()" if dtype == torch.float32 else "double()"
        raise ValueError(
            f"{name} is {x.dtype} and the weights of the model {dtype}; expected one dtype: use "
            f"{name}.{convert}"
        )
    return x


def made(x: object, what: str, n: int | None = None) -> Tensor:
    """Return what a model made, if it is a tensor of finite numbers.

    Args:
        x: what it made.
        what: which of its methods gave it, such as "decode(z)".
        n: how many rows it should have; None for any number.

    Raises:
        TypeError: no tensor of numbers.
        ValueError: NaN or infinity, or another number of rows.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(f"the model's {what} gave {say(x)}; expected a float tensor")
    if n is not None and (x.ndim == 0 or len(x) != n):
        raise ValueError(f"the model's {what} gave {_shape(x)}; expected {n} rows, one for each")
    if not _all_finite(x):
        raise ValueError(
            f"the model's {what} gave NaN or infinity: its training has diverged, or its weights "
            "are broken"
        )
    return x


def can_look(x: Tensor) -> bool:
    """Whether the numbers are there: not while torch.func maps or torch.compile traces."""
    wrapped: bool = torch._C._functorch.is_functorch_wrapped_tensor(x)
    return not wrapped and not torch.compiler.is_compiling()


_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_COUNTS = "write 1.0 for 1; counts become probabilities when divided by their sum"


def _batch(
    x: object,
    name: str,
    size: int | tuple[int, int] | None,
    kind: str,
    want: str,
    colour: bool = False,
) -> Tensor:
    """Return x if it is (N, 1, H, W), or (N, C, H, W) in colour, of a dtype, not empty."""
    sides = (size, size) if isinstance(size, int) else size
    channels = "C" if colour else 1
    shape = (
        f"(N, {channels}, H, W)" if sides is None else f"(N, {channels}, {sides[0]}, {sides[1]})"
    )
    x = tensor(x, name, want.format(shape))
    if x.dtype != getattr(torch, kind):
        raise TypeError(f"{name} must be {kind} in [0, 1], got {x.dtype}: {_to_kind(x, kind)}")
    grey = x.ndim == 4 and x.shape[1] == 1
    if not (grey or (colour and x.ndim == 4)) or (sides and x.shape[2:] != sides):
        raise ValueError(f"{name} must be {shape}, got {_shape(x)}: {_to_images(x, size)}")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty, {_shape(x)}: pass at least one image")
    return x


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))


def _all_finite(x: Tensor) -> bool:
    """Return whether no number is NaN or infinite.

    A sum carries every NaN and infinity along, so a finite one answers in a single pass, without
    the masks that `isfinite` makes: a tenth of a small model's training. A sum may also overflow.
    """
    x = x.detach()
    return math.isfinite(x.sum().item()) or bool(x.isfinite().all())


def _ends(x: Tensor) -> tuple[float, float]:
    """Return the smallest and the largest number, both NaN if any is."""
    low, high = torch.aminmax(x.detach())
    return float(low), float(high)


def _to_floats(x: Tensor, name: str) -> str:
    """Say how to make float32 of another dtype."""
    if x.is_complex():
        return f"use {name}.real or {name}.abs()"
    if x.is_floating_point():
        return f"use {name}.float(), for sums of many terms need it"
    grey = ", and divide grey levels 0 to 255 by 255" if x.dtype == torch.uint8 else ""
    return f"use {name}.float(){grey}"


def _to_kind(x: Tensor, kind: str) -> str:
    """Say how to make images in [0, 1] of another dtype."""
    convert = ".float()" if kind == "float32" else ".double()"
    if x.is_complex():
        return "take .real or .abs()"
    if x.is_floating_point() or x.dtype == torch.bool:
        return f"convert with {convert}"
    return f"grey levels 0 to 255 become that with {convert} / 255"


def _to_images(x: Tensor, size: int | tuple[int, int] | None) -> str:
    """Say how to make (N, 1, H, W) of another shape."""
    if x.ndim == 4 and x.shape[1] == 1:
        here = f"; mnist(split, size={size}) gives this size" if size in (28, 32) else ""
        return f"pad or crop them{here}, or make the model with another size="
    if x.ndim == 4:
        return f"{x.shape[1]} channels are not one grey channel"
    if x.ndim == 3 and x.shape[0] == 1:
        return "one image is a batch of one: .unsqueeze(0)"
    if x.ndim == 3:
        return "add the channel with .unsqueeze(1)"
    if x.ndim == 2:
        return "flat images become square with .reshape(N, 1, H, W), one image with x[None, None]"
    return "N images, 1 channel, H rows, W columns"
