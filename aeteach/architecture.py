"""What a model is made of as plain values, and a model made of them: no code is stored or run.

A description names a part by its class and gives the arguments that make it again. It knows the
layers of `torch.nn`, `nn.Sequential` of them, and the models and parts of this package. A class of
the user's own is code, which a file must not carry: it is refused, and named.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from aeteach import _validate, models
from aeteach._wrapped import unwrapped

Description = dict[str, Any]
DEEP = 30  # parts in parts; what lies deeper was made to do harm
_TORCH = "torch.nn.modules."


class OwnPartError(ValueError):
    """A part of a model that plain values cannot describe; says which, and why."""


def describe(model: nn.Module) -> Description:
    """Return what a model is made of, in values that JSON can hold.

    Args:
        model: of this package, or of torch's layers; what `torch.compile` put around it is not
            described.

    Raises:
        TypeError: no module.
        OwnPartError: a part is of another class, shares its weights with another part, or was
            changed after it was made, so that the description would make another one.
    """
    model = unwrapped(_validate.record(model, "model", nn.Module))
    described = _describe(model, "the model", {})
    with torch.device("meta"):
        again = build(described)
    if repr(again) != repr(model) or _shapes(again) != _shapes(model):
        raise OwnPartError(f"the {type(model).__name__} was changed after it was made")
    own = [n for n, p in model.named_parameters(remove_duplicate=False)]
    if len(own) != sum(1 for _ in model.named_parameters()):
        raise OwnPartError("two parts of the model share their weights")
    return described


def build(description: Mapping[str, Any]) -> nn.Module:
    """Return a new model as a description says, its weights not yet those of any other.

    Args:
        description: as `describe` returned it.

    Raises:
        TypeError, ValueError: no such description, or numbers that make no such part.
    """
    return _build(_validate.record(description, "description", dict), 0)


def _shapes(model: nn.Module) -> dict[str, object]:
    return {
        n: tuple(v.shape) if isinstance(v, Tensor) else v for n, v in model.state_dict().items()
    }


def _describe(part: nn.Module, where: str, seen: dict[int, str]) -> Description:
    part = unwrapped(part)
    kind, name = type(part), type(part).__name__
    if id(part) in seen:
        raise OwnPartError(f"{where} and {seen[id(part)]} are one and the same {name}")
    seen[id(part)] = where
    if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks:
        raise OwnPartError(f"{where}, a {name}, has a hook, which is code")
    if isinstance(part, nn.Sequential) and kind is nn.Sequential:
        inside = [_describe(p, f"{where}[{n}]", seen) for n, p in enumerate(part)]
        return {"part": "Sequential", "inside": inside}
    if kind in _ARGUMENTS:
        values, set_later = _ARGUMENTS[kind](part)
        found: Description = {"part": f"aeteach.{name}", "arguments": _plain(values, where, seen)}
        return found | ({"set": _plain(set_later, where, seen)} if set_later else {})
    known = kind.__module__.startswith(_TORCH) and getattr(nn, name, None) is kind
    if not known or list(part.children()):
        raise OwnPartError(f"{where} is a {name}, a class that only its own code can make")
    found = {"part": name, "arguments": _plain(_torch_arguments(part, where), where, seen)}
    weights = [p for p in part.parameters() if p.ndim == 4]
    if any(_is_channels_last(w) for w in weights):
        found["channels_last"] = True
    return found


def _is_channels_last(w: Tensor) -> bool:
    return not w.is_contiguous() and w.is_contiguous(memory_format=torch.channels_last)


def _torch_arguments(part: nn.Module, where: str) -> dict[str, object]:
    """Return what a layer of torch was made of: it keeps its arguments by their names."""
    found: dict[str, object] = {}
    if type(part).__init__ is nn.Module.__init__:  # it takes none
        return found
    for name, parameter in inspect.signature(type(part)).parameters.items():
        if name in ("device", "dtype") or name.startswith("_"):
            continue
        several = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if several or not hasattr(part, name):
            raise OwnPartError(f"{where}, a {type(part).__name__}, does not keep what made it")
        value = getattr(part, name)
        found[name] = value is not None if name == "bias" else value
    return found


def _plain(values: Mapping[str, object], where: str, seen: dict[int, str]) -> Description:
    """Return arguments as JSON holds them; parts among them are described."""
    found: Description = {}
    for name, value in values.items():
        if isinstance(value, nn.Module):
            inner = name if where == "the model" else f"{where}.{name}"
            found[name] = {"made": _describe(value, inner, seen)}
            continue
        try:
            found[name] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            raise OwnPartError(
                f"{where} was made with {name}={_validate.say(value)}, which is no plain value"
            ) from None
    return found


def _build(description: Any, depth: int) -> nn.Module:
    if not isinstance(description, dict) or depth > DEEP:
        raise ValueError(f"the description of a part is {_validate.say(description)}")
    name, channels_last = description.get("part"), description.get("channels_last", False)
    if name == "Sequential":
        inside = description.get("inside")
        if not isinstance(inside, list):
            raise ValueError("the description of a Sequential has nothing inside")
        return nn.Sequential(*(_build(part, depth + 1) for part in inside))
    kind = _OWN.get(name) if isinstance(name, str) else None
    if kind is None:
        kind = getattr(nn, name, None) if isinstance(name, str) else None
        ours = isinstance(kind, type) and issubclass(kind, nn.Module)
        if not ours or not kind.__module__.startswith(_TORCH):
            raise ValueError(f"a description names the part {name!r}, which is none")
    arguments = {n: _value(v, depth + 1) for n, v in (description.get("arguments") or {}).items()}
    made: nn.Module = kind(**arguments)  # type: ignore[misc]
    for n, value in (description.get("set") or {}).items():
        if n not in ("size", "latent"):
            raise ValueError(f"a description sets {n!r}, which no part has")
        setattr(made, n, _value(value, depth + 1))
    if channels_last:
        made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, dict) and "made" in value:
        return _build(value["made"], depth)
    return tuple(_value(v, depth) for v in value) if isinstance(value, list) else value


def _linears(part: Any) -> list[int]:
    return [layer.out_features for layer in part.modules() if isinstance(layer, nn.Linear)]


def _convolutions(part: Any) -> list[int]:
    return [layer.out_channels for layer in part.modules() if isinstance(layer, nn.Conv2d)]


Arguments = tuple[dict[str, object], dict[str, object]]  # of the class; attributes set afterwards


def _of(*names: str, later: bool = False) -> Callable[[Any], Arguments]:
    """Return a function that reads arguments off the attributes of the same names."""

    def read(part: Any) -> Arguments:
        after = {n: getattr(part, n) for n in ("size", "latent")} if later else {}
        return {n: getattr(part, n) for n in names}, after

    return read


def _vae(m: Any) -> Arguments:
    names = ("encoder", "heads", "decoder", "latent", "size", "sigmoid", "likelihood", "classes")
    told = {"told": list(m.told)} if m.classes else {}
    return {n: getattr(m, n) for n in names} | told, {}


def _mlp(m: Any) -> Arguments:
    hidden = _linears(m.encoder)[:-1]
    return _of("latent", "size", "likelihood")(m)[0] | {"hidden": hidden}, {}


def _conv(m: Any) -> Arguments:
    channels = _convolutions(m.encoder)[-1]
    return _of("latent", "size", "likelihood")(m)[0] | {"channels": channels}, {}


def _linear(m: Any) -> Arguments:
    tied = not isinstance(m.decoder[0], nn.Linear)
    return _of("latent", "size")(m)[0] | {"tied": tied}, {}


def _digit_reader(m: Any) -> Arguments:
    _, drop, first, _, last = m.layers
    found = {"size": m.size, "hidden": first.out_features, "dropout": drop.p}
    return found | {"classes": last.out_features}, {}


def _conv_reader(m: Any) -> Arguments:
    dropout = next(layer.p for layer in m.layers if isinstance(layer, nn.Dropout))
    channels = _convolutions(m.layers)
    return {"size": m.size, "channels": channels, "dropout": dropout, "shift": m.shift}, {}


_ARGUMENTS: dict[type, Callable[[Any], Arguments]] = {
    models.Autoencoder: _of("encoder", "decoder", "sigmoid", "likelihood", later=True),
    models.NoisyAutoencoder: _of(
        "encoder", "decoder", "noise", "sigmoid", "variational", later=True
    ),
    models.VAE: _vae,
    models.Heads: lambda m: (
        {"features": m.mu.in_features, "latent": m.mu.out_features},
        {},
    ),
    models.LabelPlanes: _of("size", "classes"),
    models.LatentNoise: lambda m: (
        {"variance": m.fixed, "snr": m.snr, "momentum": m.momentum},
        {},
    ),
    models.MLPAutoencoder: _mlp,
    models.ConvAutoencoder: _conv,
    models.LinearAutoencoder: _linear,
    models.PCA: lambda m: ({"latent": m.components.shape[1], "size": m.size}, {}),
    models.DigitReader: _digit_reader,
    models.ConvReader: _conv_reader,
    models.ShapeReader: lambda m: ({"channels": _convolutions(m.layers)}, {}),
}
_OWN: dict[str, type] = {f"aeteach.{kind.__name__}": kind for kind in _ARGUMENTS}
