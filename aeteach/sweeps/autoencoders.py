"""Experiment 1: what can a reader still read after a bottleneck of 2, 3 or 4?"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from aeteach.data import Digits
from aeteach.losses import squared_error
from aeteach.metrics import readability
from aeteach.models import PCA
from aeteach.recipes import RECIPES, Recipe
from aeteach.reported import READABLE_AUTOENCODERS
from aeteach.sweeps import scores, trained
from aeteach.sweeps.engine import Cell, Sweep
from aeteach.sweeps.trained import Trained
from aeteach.training import History

SEEDS = range(5)
BOTTLENECKS = (2, 3, 4)
# Name in the table -> first part of the recipe's name.
MODELS = {
    "SimpleAE": "linear",
    "AE": "mlp",
    "Conv AE (channels)": "conv",
    "Conv AE (numbers)": "conv-flat",
}


def measure(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train one autoencoder and measure it on the test digits.

    Returns:
        `numbers` in the bottleneck; `parameters`; `epochs`; `seconds` of training;
        `readability` by five readers with its 95 % interval, and by the strong one, in per cent;
        `squared_error`, summed over pixels, averaged over the test digits; the training curve.
    """
    train, test = scores.all_digits("train"), scores.all_digits("test")
    made = _trained(cell, train, checkpoint)
    model = made.model
    judged = readability.readability(model, test.images, test.labels)
    strong = readability.readability(
        model, test.images, test.labels, readability.readers(readability.STRONG)
    )
    x_hat = readability.rebuild(model, test.images)
    return {
        "numbers": model.encode(test.images[:1]).numel(),  # type: ignore[operator]
        **made.made(),
        **scores.readability(judged, strong),
        "ceiling": scores.per_cent(judged.ceiling.accuracy),
        "ceiling_strong": scores.per_cent(strong.ceiling.accuracy),
        "squared_error": round(squared_error(x_hat, test.images).mean().item(), 4),
        **made.curve(),
    }


def _trained(cell: Cell, train: Digits, checkpoint: Path) -> Trained[nn.Module]:
    """Return the trained model; PCA is fitted in one step, which is no epoch."""
    if cell.recipe.model != "pca":
        return trained.train(cell, nn.Module, checkpoint, train.images)
    start = time.perf_counter()
    pca = cell.recipe.build()
    assert isinstance(pca, PCA)
    pca.fit(train.images).eval()
    return Trained(pca, History(seconds=[time.perf_counter() - start]))


def _recipe(stem: str, bottleneck: int) -> Recipe:
    if stem == "linear":  # the shipped ones have 20 epochs, and none has 3 or 4 numbers
        base = RECIPES["linear-2"]
        return replace(base, model_arguments={"latent": bottleneck}, epochs=10)
    return RECIPES[f"{stem}-{bottleneck}"]


def _cells() -> tuple[Cell, ...]:
    cells = [
        Cell(
            recipe=Recipe(model="pca", model_arguments={"latent": bottleneck}, why={}),
            seed=0,
            columns={"model": "PCA", "bottleneck": bottleneck, "reported": None},
        )
        for bottleneck in BOTTLENECKS
    ]
    # Seed by seed, so that a sweep that is stopped early has some of every row.
    for seed in SEEDS:
        for name, stem in MODELS.items():
            for bottleneck in BOTTLENECKS:
                columns = {
                    "model": name,
                    "bottleneck": bottleneck,
                    "reported": READABLE_AUTOENCODERS.get((name, bottleneck)),
                }
                cells.append(Cell(_recipe(stem, bottleneck), seed, columns))
    return tuple(cells)


AUTOENCODERS = Sweep(
    name="autoencoders",
    about="readability of reconstructions by model and bottleneck, five seeds",
    cells=_cells(),
    measure=measure,
    needs=(*readability.STANDARD, *readability.STRONG),
)
