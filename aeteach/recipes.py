"""Every trained model of the book: data, model, loss and numbers, with a reason beside each."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from aeteach import models
from aeteach.data import mnist
from aeteach.losses import LOSSES
from aeteach.training import History, fit


@dataclass(frozen=True)
class Recipe:
    """How to make one trained model.

    Attributes:
        model: key of `aeteach.models.MODELS`.
        model_arguments: passed to it.
        data: key of `DATA`.
        loss: key of `aeteach.losses.LOSSES`.
        loss_arguments: passed to it.
        epochs: passes over the training images.
        batch_size: images a step.
        lr: learning rate; the peak, when the schedule has one.
        schedule: key of `aeteach.training.SCHEDULES`, or None for a constant rate.
        why: a reason for each number that is not a default.
        shipped: whether its weights are in the package.
    """

    model: str
    model_arguments: Mapping[str, Any]
    why: Mapping[str, str]
    data: str = "mnist"
    loss: str = "squared_error"
    loss_arguments: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 10
    batch_size: int = 128
    lr: float = 1e-3
    schedule: str | None = None
    shipped: bool = False

    def build(self, seed: int = 0) -> nn.Module:
        """Make the untrained model."""
        return models.build(self.model, seed=seed, **self.model_arguments)

    def train(
        self,
        *,
        seed: int = 0,
        epochs: int | None = None,
        images: Tensor | None = None,
        held_out: Tensor | None = None,
        checkpoint: str | Path | None = None,
        progress: bool = True,
    ) -> tuple[nn.Module, History]:
        """Make the model and train it; the seed fixes the weights and the order of the images.

        Args:
            seed: one number for both.
            epochs: another number of passes, for a quick look.
            images: other training images of the same shape.
            held_out: images measured after each epoch, never trained on.
            checkpoint: file to write after each epoch and to resume from.
            progress: show a progress bar.
        """
        model = self.build(seed)
        history = fit(
            model,
            DATA[self.data]("train") if images is None else images,
            loss=LOSSES[self.loss](**self.loss_arguments),
            epochs=epochs or self.epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            schedule=self.schedule,
            seed=seed,
            held_out=held_out,
            checkpoint=checkpoint,
            progress=progress,
        )
        return model, history

    def as_dict(self) -> dict[str, Any]:
        """Return what decides the trained numbers, as plain values, for a card or a table."""
        plain = dataclasses.asdict(self)
        return {name: plain[name] for name in plain if name not in {"why", "shipped"}}


DATA: dict[str, Callable[[str], Tensor]] = {
    "mnist": lambda split: mnist(split).images,
}


def _linear(latent: int) -> Recipe:
    return Recipe(
        model="linear",
        model_arguments={"latent": latent},
        epochs=20,
        batch_size=128,
        lr=2e-2,
        schedule="one_cycle",
        shipped=True,
        why={
            "epochs": "the last principal directions differ little in variance, so the plane "
            "turns into place slowly",
            "lr": "large, so that Adam leaves the saddles early: at 4e-3 the plane of 2 numbers is "
            "still 55 degrees off after 20 epochs",
            "schedule": "a rate that falls to 0 removes the jitter of the batches, which would "
            "keep the plane a few degrees off",
        },
    )


RECIPES: dict[str, Recipe] = {f"linear-{d}": _linear(d) for d in (2, 10)}
