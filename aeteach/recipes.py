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
        labelled: train with the data's labels, `LABELS`: a conditional model or a labelled loss.
        loss: key of `aeteach.losses.LOSSES`.
        loss_arguments: passed to it.
        epochs: passes over the training images.
        batch_size: images a step.
        lr: learning rate; the peak, when the schedule has one.
        schedule: key of `aeteach.training.SCHEDULES`, or None for a constant rate.
        why: a reason for each number that is not a default.
        seed: of the shipped weights, and the default in training.
        shipped: whether its weights are in the package.
    """

    model: str
    model_arguments: Mapping[str, Any]
    why: Mapping[str, str]
    data: str = "mnist"
    labelled: bool = False
    loss: str = "squared_error"
    loss_arguments: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 10
    batch_size: int = 128
    lr: float = 1e-3
    schedule: str | None = None
    seed: int = 0
    shipped: bool = False

    def build(self, seed: int = 0) -> nn.Module:
        """Make the untrained model."""
        return models.build(self.model, seed=seed, **self.model_arguments)

    def train(
        self,
        *,
        seed: int | None = None,
        epochs: int | None = None,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        held_out: Tensor | None = None,
        held_out_labels: Tensor | None = None,
        checkpoint: str | Path | None = None,
        progress: bool = True,
    ) -> tuple[nn.Module, History]:
        """Make the model and train it; the seed fixes the weights and the order of the images.

        Args:
            seed: one number for both; the recipe's own by default.
            epochs: another number of passes, for a quick look.
            images: other training images of the same shape.
            labels: of these images, for a labelled recipe.
            held_out: images measured after each epoch, never trained on.
            held_out_labels: of these, for a labelled recipe.
            checkpoint: file to write after each epoch and to resume from.
            progress: show a progress bar.
        """
        seed = self.seed if seed is None else seed
        model = self.build(seed)
        if images is None:
            images = DATA[self.data]("train")
            labels = LABELS[self.data]("train") if self.labelled else None
        history = fit(
            model,
            images,
            loss=LOSSES[self.loss](**self.loss_arguments),
            epochs=epochs or self.epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            schedule=self.schedule,
            seed=seed,
            labels=labels if self.labelled else None,
            held_out=held_out,
            held_out_labels=held_out_labels if self.labelled else None,
            checkpoint=checkpoint,
            progress=progress,
        )
        return model, history

    def as_dict(self) -> dict[str, Any]:
        """Return what decides the trained numbers, as plain values, for a card or a table.

        The seed is not among them: a card and a row of a table have their own.
        """
        plain = dataclasses.asdict(self)
        left_out = {"why", "shipped", "seed"} | (set() if self.labelled else {"labelled"})
        return {name: plain[name] for name in plain if name not in left_out}


DATA: dict[str, Callable[[str], Tensor]] = {
    "mnist": lambda split: mnist(split).images,
}
LABELS: dict[str, Callable[[str], Tensor]] = {
    "mnist": lambda split: mnist(split).labels,
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


def _mlp(latent: int) -> Recipe:
    return Recipe(
        model="mlp",
        model_arguments={"latent": latent},
        epochs=10,
        batch_size=32,
        lr=2e-3,
        schedule="one_cycle",
        shipped=True,
        why={
            "batch_size": "many small steps: 10 epochs of 128 images a step end too early",
            "lr": "the peak of a cycle; twice the usual rate of Adam, which the warm-up allows",
            "schedule": "a rate that falls to 0 settles in 10 epochs; a constant one would jitter",
        },
    )


def _conv(channels: int, latent: int | None = None) -> Recipe:
    return Recipe(
        model="conv",
        model_arguments={"channels": channels, "latent": latent},
        epochs=10,
        batch_size=32 if latent is None else 64,
        lr=2e-2,
        schedule="one_cycle",
        why={
            "batch_size": "for channels 32: at 64 the squared error of 5,000 held-out digits ends "
            "a hundredth higher; with a linear layer 64, which is quicker",
            "lr": "large, because batch normalisation forgives it, and few weights must travel "
            "far in 10 epochs: at a peak of 1e-2 the squared error ends a tenth higher",
            "schedule": "a rate that falls to 0 removes the noise that so large a peak brings",
        },
    )


def _reader(seed: int) -> Recipe:
    return Recipe(
        model="reader",
        model_arguments={"dropout": 0.1},
        labelled=True,
        loss="cross_entropy",
        epochs=20,
        batch_size=128,
        lr=4e-3,
        schedule="one_cycle",
        seed=seed,
        shipped=True,
        why={
            "dropout": "of the pixels; with 20 epochs it reads 97.6 % of 5,000 held-out training "
            "digits in place of 97.0, the best of five ways tried",
            "epochs": "with dropout, 20 epochs read 0.5 % more held-out digits than 10",
            "lr": "the peak of a cycle, four times the usual constant rate of Adam",
            "schedule": "a rate that falls to 0 makes readers of other seeds equally good",
        },
    )


def _conv_reader() -> Recipe:
    return Recipe(
        model="conv-reader",
        model_arguments={},
        labelled=True,
        loss="cross_entropy",
        epochs=6,
        batch_size=64,
        lr=1e-2,
        schedule="one_cycle",
        shipped=True,
        why={
            "epochs": "enough for 99.3 % of the held-out digits",
            "batch_size": "each batch is moved as one, so there should be many",
            "lr": "the peak of a cycle, large because of the batch normalisation",
            "schedule": "a rate that falls to 0 is worth a tenth of a per cent at the end",
        },
    )


RECIPES: dict[str, Recipe] = {
    **{f"linear-{d}": _linear(d) for d in (2, 10)},
    **{f"mlp-{d}": _mlp(d) for d in (2, 3, 4)},
    **{f"conv-{c}": _conv(c) for c in (2, 3, 4)},
    **{f"conv-flat-{d}": _conv(d, latent=d) for d in (2, 3, 4)},
    **{f"reader-{seed}": _reader(seed) for seed in range(5)},
    "conv-reader": _conv_reader(),
}
