"""Trained models in two files each, with a card that says how a model was made.

A model is `<name>.safetensors` (numbers only, no code, stored as float16) and `<name>.json` (its
card, with the checksum of the other file). `aeteach train --ship` rebuilds those of the package.
"""

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from aeteach import _validate, models
from aeteach._files import make_folder, write_all
from aeteach._wrapped import not_finite, plain_state, shape_said

FOLDER = Path(__file__).parent
UNKNOWN = "not recorded"


class WeightsError(ValueError):
    """Weights or a card that cannot be used; says which file, why, and what to do."""


@dataclass(frozen=True)
class Card:
    """Where a trained model comes from and what it is worth.

    Attributes:
        name: the recipe's name.
        recipe: the recipe, as plain values.
        seed: seed of the weights and of the order of the images; None where it is not known.
        data: source of the data and SHA-256 of the training images' bytes.
        metrics: measured on the test images with the stored weights; to five digits, which are the
            same on any processor.
        versions: of Python, torch and aeteach when it was trained.
        command: rebuilds it: bit for bit on the same machine; on another processor the weights
            are others, as good, and their metrics differ from the second or third digit on.
        machine: processor that it was trained on.
        weights_sha256: checksum of the file of weights; `save` fills it in.
    """

    name: str
    recipe: dict[str, Any]
    seed: int | None
    data: dict[str, str]
    metrics: dict[str, float]
    versions: dict[str, str]
    command: str
    machine: str = UNKNOWN
    weights_sha256: str = ""


def load(name: str, folder: str | os.PathLike[str] = FOLDER) -> models.Model:
    """Return a trained model in evaluation mode; its card is in the attribute `card`.

    Args:
        name: a recipe's name, for instance "linear-2".
        folder: where the two files are; by default the package.

    Raises:
        WeightsError: a ValueError; no trained model has that name; or a file is missing, damaged
            or of another version; or the weights are not those that the card was written for.
    """
    _validate.text(name, "name", "the name of a recipe")
    folder = _validate.path(folder, "folder")
    known = sorted(path.stem for path in folder.glob("*.safetensors"))
    if name not in known:
        raise WeightsError(
            f"no trained model is called {name!r}; known: {', '.join(known) or 'none'}. "
            f"`aeteach train {name}` trains a recipe of that name; the folder {folder} is where it "
            "was sought."
        )
    card, state = read_card(_card_file(folder, name)), folder / f"{name}.safetensors"
    data = _read(state)
    if hashlib.sha256(data).hexdigest() != card.weights_sha256:
        raise WeightsError(
            f"{state} does not hold the weights that its card was written for: one of the two "
            f"files was changed, or writing them was cut short. {_anew(card)}"
        )
    model = _built(card, _card_file(folder, name))
    try:
        tensors = safetensors.torch.load(data)
        model.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        )
    except (RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"the weights of {name!r} do not fit the model on its card: {state}: {error}"
        ) from error
    model.card = card
    return model.eval()


def save(model: nn.Module, card: Card, folder: str | os.PathLike[str] = FOLDER) -> Card:
    """Write a model's weights as float16 and its card; return the card with their checksum.

    A tensor with a number beyond float16's 65,504 is stored as float32. The two files take their
    names one directly after the other; should a kill come between, `load` says so.

    Args:
        model: its state is stored; what `torch.compile` and parallel training add is left out.
        card: names the files.
        folder: made if it is not there.

    Raises:
        WeightsError: the card's name is no file name, a weight is NaN or infinite, the model is
            not the one on the card, or a file of that name is there and is no card or no weights
            of this package; it is left as it is.
        OSError: the files cannot be written; names them and the disk.
    """
    _validate.model(model)
    _validate.record(card, "card", Card, "such as Recipe.card() makes")
    folder = _validate.path(folder, "folder")
    check_free(card.name, folder)
    kept = _kept(model)
    _check_fits(kept, card, _card_file(folder, card.name))
    data = safetensors.torch.save(kept)
    card = dataclasses.replace(card, weights_sha256=hashlib.sha256(data).hexdigest())
    make_folder(folder)
    state, text = folder / f"{card.name}.safetensors", json.dumps(asdict(card), indent=2) + "\n"
    write_all({state: data, _card_file(folder, card.name): text.encode()})
    return card


def check_free(name: str, folder: str | os.PathLike[str]) -> None:
    """Refuse a name whose files are there and are not a model's: they would be written over.

    Args:
        name: of a model.
        folder: where it would be written.

    Raises:
        TypeError: no name, or no folder.
        WeightsError: the name is no file name; or a file of that name is no card, or has none.
    """
    _validate.text(name, "name", "the name of a model")
    folder = _validate.path(folder, "folder")
    if not name or Path(name).name != name or name.startswith("."):
        raise WeightsError(f"a card's name becomes a file name, and {name!r} is none")
    state, card = folder / f"{name}.safetensors", _card_file(folder, name)
    if card.is_file():
        try:
            ours = _is_card(json.loads(card.read_bytes()))
        except ValueError:
            ours = False
        if not ours:
            raise WeightsError(
                f"{card} is there and is no card of a trained model, so it is left as it is: "
                "choose another folder"
            )
    elif state.exists():
        raise WeightsError(
            f"{state} is there without a card, so it is left as it is: choose another folder"
        )


def stored(model: nn.Module) -> nn.Module:
    """Round a model's weights to what `save` keeps, so that metrics speak of the stored model.

    Args:
        model: is changed in place, and returned.

    Raises:
        TypeError, ValueError: no model.
        WeightsError: a weight is NaN or infinite.
    """
    _kept(_validate.model(model))
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(_narrow(tensor))
    return model


def read_card(path: str | os.PathLike[str]) -> Card:
    """Return the card in a file.

    Args:
        path: of the file.

    Raises:
        TypeError: no path.
        WeightsError: the file is missing or damaged, is no card, or a card of another version.
    """
    path = _validate.path(path, "path")
    try:
        found = json.loads(_read(path))
    except ValueError as error:  # of decoding, too
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"the file at the path {path} is damaged, or no card: {error}. {_elsewhere()}"
        ) from error
    fields = {field.name for field in dataclasses.fields(Card)}
    if not _is_card(found):
        raise WeightsError(f"{path} is no card of a trained model. {_elsewhere()}")
    if found.keys() != fields:
        lacks, has = sorted(fields - found.keys()), sorted(found.keys() - fields)
        version = found.get("versions", {}).get("aeteach", "unknown")
        raise WeightsError(
            f"{path} is a card of another version of aeteach, {version}: it lacks "
            f"{', '.join(lacks) or 'nothing'} and has {', '.join(has) or 'nothing'} more. "
            f"Train it anew into another folder: `aeteach train {found['name']} --out FOLDER`"
        )
    return Card(**found)


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    from aeteach import __version__

    return {
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "aeteach": __version__,
    }


def machine() -> str:
    """Return what numbers depend on beside versions: the processor, its kernels, the threads."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass  # not Linux, or not a PC: the short name has to do
    kernels, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    return f"{name}, {kernels} kernels, {threads} thread{'s' if threads > 1 else ''}"


def _check_fits(kept: Mapping[str, Tensor], card: Card, path: Path) -> None:
    """Refuse to write what `load` would refuse to read."""
    wanted = {name: tensor.shape for name, tensor in _built(card, path).state_dict().items()}
    have = {name: tensor.shape for name, tensor in kept.items()}
    for name in sorted(wanted.keys() | have.keys()):
        if wanted.get(name) != have.get(name):
            raise WeightsError(
                f"the model is not the one on the card, {card.recipe['model']!r} with "
                f"{card.recipe['model_arguments']}: {name} has shape {shape_said(have.get(name))}, "
                f"and there {shape_said(wanted.get(name))}; nothing was written"
            )


def _kept(model: nn.Module) -> dict[str, Tensor]:
    """Return a model's state as it is stored."""
    state = {}
    for name, tensor in plain_state(model).items():
        if tensor.is_floating_point():
            if problem := not_finite(name, tensor):
                raise WeightsError(problem)
            tensor = _narrow(tensor)
        state[name] = tensor.detach().cpu().clone().contiguous()
    return state


def _narrow(tensor: Tensor) -> Tensor:
    """Return numbers as float16, or as float32 where one of them is too large for it."""
    half = tensor.half()
    return half if torch.equal(half.isfinite(), tensor.isfinite()) else tensor.float()


def _built(card: Card, path: Path) -> models.Model:
    try:
        return models.build(card.recipe["model"], **card.recipe["model_arguments"])
    except (KeyError, TypeError, ValueError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise WeightsError(
            f"{path} does not describe a model that this version of aeteach can build: {what}. "
            f"{_anew(card)}"
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(
            f"the file at the path {path} is missing; a model is two files. {_elsewhere()}"
        ) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise WeightsError(
            f"the file at the path {path} cannot be read ({reason}). {_elsewhere()}"
        ) from error


def _is_card(found: object) -> bool:
    """Return whether what was read is a card, of this version or another."""
    wanted = {"name": str, "recipe": dict, "metrics": dict, "versions": dict}
    return isinstance(found, dict) and all(isinstance(found.get(k), t) for k, t in wanted.items())


def _card_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _anew(card: Card) -> str:
    return f"`{card.command}` makes both anew"


def _elsewhere() -> str:
    return "Train the model into another folder, or take both files from where they were whole."
