"""Keep a model of one's own in one file, share it, and load it again; and load those of the book.

The file is safetensors: numbers, and a text with the card, which says what the model is made of. No
code is stored, none is run, and the numbers come back bit for bit.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from aeteach import _validate, architecture, weights
from aeteach._files import make_folder, write_whole
from aeteach._wrapped import (
    load_plain_state,
    not_finite,
    plain_parameters,
    plain_state,
    shape_said,
    unwrapped,
)
from aeteach.models import Model
from aeteach.weights import FOLDER, UNKNOWN, Card, WeightsError

ENDING = ".safetensors"
FORMAT = 1
_KEY = "aeteach"
Mine = TypeVar("Mine", bound=nn.Module)


def save(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    data: str = UNKNOWN,
    notes: str = "",
    metrics: Mapping[str, float] | None = None,
) -> Card:
    """Write a model into one file, its card in it; return the card.

    Any model of the package can be loaded by its file alone, and any that is put together from its
    parts and from layers of `torch.nn`. A class of one's own is kept too, as numbers: `load` is
    then given a model of that class, `load(path, into=MyModel())`.

    Args:
        model: its numbers are kept as they are, without what `torch.compile` has put around it.
        path: ends in .safetensors. A model that `save` wrote there is replaced; another file never.
        data: what it was trained on, in words.
        notes: whatever else whoever loads it should know.
        metrics: what it is worth, by name.

    Raises:
        TypeError, ValueError: no model, no such path, or a metric that is no number.
        WeightsError: a ValueError; a number of the model is NaN or infinite, its state holds more
            than tensors, or another file is there.
        OSError: the file cannot be written; names it and the disk.
    """
    _validate.model(model)
    path = _ours(path)
    data, notes = _validate.text(data, "data"), _validate.text(notes, "notes")
    measured = _validate.record(
        {} if metrics is None else metrics, "metrics", dict, "names and numbers"
    )
    numbers = {
        _validate.text(n, "a name in metrics"): _validate.number(v, f"metrics[{n!r}]")
        for n, v in measured.items()
    }
    _check_free(path)
    state = _state(model)
    recipe: dict[str, Any] = {"model": type(unwrapped(model)).__name__, "notes": notes}
    try:
        recipe["architecture"] = architecture.describe(model)
    except architecture.OwnPartError as error:
        recipe["own"] = str(error)
    recipe["frozen"] = [n for n, p in plain_parameters(model).items() if not p.requires_grad]
    card = Card(
        name=path.stem,
        recipe=recipe,
        seed=None,
        data={"source": data},
        metrics=numbers,
        versions=weights.versions(),
        command=f"aeteach.save(model, {path.name!r})",
        machine=weights.machine(),
        weights_sha256=_checksum(state),
    )
    text = json.dumps({"format": FORMAT, "card": dataclasses.asdict(card)}, allow_nan=False)
    make_folder(path.parent)
    write_whole(path, safetensors.torch.save(state, {_KEY: text}))
    return card


@overload
def load(name: str | os.PathLike[str], folder: str | os.PathLike[str] = ...) -> Model: ...
@overload
def load(
    name: str | os.PathLike[str], folder: str | os.PathLike[str] = ..., *, into: Mine
) -> Mine: ...


def load(
    name: str | os.PathLike[str],
    folder: str | os.PathLike[str] = FOLDER,
    *,
    into: nn.Module | None = None,
) -> nn.Module:
    """Return a trained model in evaluation mode; its card is in the attribute `card`.

    Args:
        name: of a model of the book, for instance "linear-2"; or the path of a file that `save`
            wrote, which ends in .safetensors.
        folder: where a model with a name is sought; by default the package.
        into: a model to load the numbers into, made as the saved one was. It is needed where that
            one has classes of its own.

    Raises:
        TypeError: no name, no path, or no model.
        WeightsError: a ValueError; there is no such model; a file is missing, damaged or of another
            version; or the numbers do not fit the model.
    """
    if into is not None:
        _validate.model(into, name="into")
    if isinstance(name, str) and not name.endswith(ENDING) and os.sep not in name:
        found = weights.load(name, folder)
        return (
            found
            if into is None
            else _filled(into, plain_state(found), found.card, Path(name), "into")
        )
    path = _ours(name, "name")
    card, state = _read(path)
    if into is not None:
        return _filled(into, state, card, path, "into")
    if "architecture" not in card.recipe:
        raise WeightsError(
            f"{path} holds the numbers of a {card.recipe.get('model')}, and "
            f"{card.recipe.get('own')}; a file holds no code: make the model as before, and load "
            "the numbers into it with aeteach.load(path, into=model)"
        )
    try:
        made = architecture.build(card.recipe["architecture"])
        for parameter in card.recipe["frozen"]:
            made.get_parameter(parameter).requires_grad_(False)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not describe a model that this version of aeteach can build: {error}"
        ) from error
    return _filled(made.to(torch.get_default_device()), state, card, path)


def _filled(
    model: Mine, state: Mapping[str, Tensor], card: Card, path: Path, name: str = "the model"
) -> Mine:
    """Load numbers into a model, in their own precision; put it into evaluation mode."""
    floats = {v.dtype for v in state.values() if v.is_floating_point()}
    if len(floats) == 1:
        model = model.to(dtype=floats.pop())
    wanted = {n: v.shape for n, v in plain_state(model).items() if isinstance(v, Tensor)}
    for n in sorted(wanted.keys() | state.keys()):
        has, needs = state[n].shape if n in state else None, wanted.get(n)
        if has != needs:
            raise WeightsError(
                f"the numbers in {path} do not fit {name}, a {type(model).__name__}: {n} has "
                f"shape {shape_said(has)} there and {shape_said(needs)} in {name}: make it "
                "as the saved one was"
            )
    load_plain_state(model, state)
    model.card = card  # type: ignore[assignment]
    return model.eval()


def _ours(value: str | os.PathLike[str], name: str = "path") -> Path:
    path = _validate.path(value, name)
    if path.suffix != ENDING:
        raise WeightsError(
            f"{name} is {str(path)!r}; expected one that ends in {ENDING}: {path.stem + ENDING!r}"
        )
    return path


def _check_free(path: Path) -> None:
    """Refuse to write over a file that is not a model that `save` wrote."""
    if path.is_file():
        try:
            _header(path)
        except WeightsError as error:
            raise WeightsError(
                f"{path} is there and no model that save wrote, so it is left as it is: choose "
                "another path"
            ) from error


def _state(model: nn.Module) -> dict[str, Tensor]:
    state = {}
    for name, value in plain_state(model).items():
        if not isinstance(value, Tensor):
            raise WeightsError(
                f"the state of the model has {name}, {_validate.say(value)}; expected tensors "
                "alone: leave out get_extra_state"
            )
        if problem := not_finite(name, value):
            raise WeightsError(problem)
        state[name] = value.detach().cpu().clone().contiguous()
    if not state:
        raise WeightsError(f"the model, a {type(model).__name__}, has no numbers to keep")
    return state


def _checksum(state: dict[str, Tensor]) -> str:
    return hashlib.sha256(safetensors.torch.save(state)).hexdigest()


def _header(path: Path) -> Card:
    """Return the card in a file."""
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
    except FileNotFoundError:
        raise WeightsError(f"there is no file {path}: save(model, path) writes one") from None
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read, or is damaged: {error}") from error
    if text is None:
        raise WeightsError(
            f"{path} was not written by aeteach.save; a model of a recipe, of two files, is loaded "
            f"by its name: aeteach.load({path.stem!r}, {str(path.parent)!r})"
        )
    fields = {field.name for field in dataclasses.fields(Card)}
    try:
        found = json.loads(text)
        card, number = found["card"], found["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"the card in {path} is damaged: {error}") from error
    if number != FORMAT or not isinstance(card, dict) or card.keys() != fields:
        raise WeightsError(
            f"{path} has format {number!r}, and this version of aeteach reads {FORMAT}: load it "
            "with the version that wrote it"
        )
    return Card(**card)


def _read(path: Path) -> tuple[Card, dict[str, Tensor]]:
    card = _header(path)
    state = safetensors.torch.load_file(path)
    if _checksum(state) != card.weights_sha256:
        raise WeightsError(
            f"{path} is damaged: its numbers are not those that its card was written for"
        )
    return card, state
