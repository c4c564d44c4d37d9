"""What every table does before it measures: train a cell's recipe, and write down how it went."""

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from aeteach.models import count_parameters
from aeteach.sweeps.engine import CURVE, Cell
from aeteach.training import History

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Trained(Generic[Model]):
    """A model in evaluation mode, and its training.

    Attributes:
        model: trained.
        history: one entry an epoch.
    """

    model: Model
    history: History

    def made(self, *, an_epoch: bool = False) -> dict[str, Any]:
        """Return the columns parameters, epochs, seconds and, if asked, seconds_an_epoch."""
        seconds = self.history.seconds
        median = {"seconds_an_epoch": round(statistics.median(seconds), 2)} if an_epoch else {}
        return {
            "parameters": count_parameters(self.model),
            "epochs": self.history.epochs,
            "seconds": round(sum(seconds), 1),
            **median,
        }

    def curve(self, term: str = "loss", digits: int = 4) -> dict[str, list[float]]:
        """Return the training curve of a term as the engine takes it, rounded."""
        return {CURVE: [round(loss, digits) for loss in self.history.curve(term)]}


def train(
    cell: Cell,
    kind: type[Model],
    checkpoint: Path,
    images: Tensor | None = None,
    labels: Tensor | None = None,
) -> Trained[Model]:
    """Train a cell's recipe, from where a run that was killed has left it.

    Args:
        cell: recipe and seed.
        kind: class of the model that the recipe builds.
        checkpoint: file that is written after each epoch.
        images: to train on; the recipe's own if left out.
        labels: theirs, for a conditional model.
    """
    model, history = cell.recipe.train(
        seed=cell.seed, images=images, labels=labels, checkpoint=checkpoint, progress=False
    )
    assert isinstance(model, kind)
    return Trained(model.eval(), history)
