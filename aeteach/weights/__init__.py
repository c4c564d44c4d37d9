"""Trained models shipped with the package, each with a card that says how it was made.

A model is two files: `<recipe>.safetensors` (numbers only, no code, stored as float16) and
`<recipe>.json` (its card). `aeteach train --ship` rebuilds them all.
"""

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from aeteach import models
from aeteach._files import atomic_write

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Card:
    """Where a trained model comes from and what it is worth.

    Attributes:
        name: the recipe's name.
        recipe: the recipe, as plain values.
        seed: seed of the weights and of the order of the images.
        data: source of the data and SHA-256 of the training images' bytes.
        metrics: measured on the test images with the stored weights.
        versions: of Python, torch and aeteach when it was trained.
        command: rebuilds it.
    """

    name: str
    recipe: dict[str, Any]
    seed: int
    data: dict[str, str]
    metrics: dict[str, float]
    versions: dict[str, str]
    command: str


def load(name: str, folder: str | Path = FOLDER) -> models.Model:
    """Return a trained model in evaluation mode; its card is in the attribute `card`.

    Args:
        name: a recipe's name, for instance "linear-2".
        folder: where the two files are; by default the package.

    Raises:
        ValueError: no trained model has that name, or its weights do not fit its card.
    """
    folder = Path(folder)
    known = sorted(path.stem for path in folder.glob("*.safetensors"))
    if name not in known:
        raise ValueError(
            f"no trained model is called {name!r}; known: {', '.join(known) or 'none'}. "
            f"`aeteach train {name}` trains a recipe of that name."
        )
    card = Card(**json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
    model = models.build(card.recipe["model"], **card.recipe["model_arguments"])
    state = load_file(folder / f"{name}.safetensors")
    try:
        model.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        )
    except RuntimeError as error:
        raise ValueError(
            f"the weights of {name!r} do not fit the model on its card: {error}"
        ) from None
    model.card = card
    return model.eval()


def save(model: nn.Module, card: Card, folder: str | Path = FOLDER) -> None:
    """Write a model's weights as float16 and its card, each file whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        k: (v.half() if v.is_floating_point() else v).contiguous()
        for k, v in model.state_dict().items()
    }
    with atomic_write(folder / f"{card.name}.safetensors") as path:
        save_file(state, path)
    with atomic_write(folder / f"{card.name}.json") as path:
        path.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")


def stored(model: nn.Module) -> nn.Module:
    """Round a model's weights to what `save` keeps, so that metrics speak of the stored model."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    return model


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    from aeteach import __version__

    return {
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "aeteach": __version__,
    }
