"""Tables of VAEs: the KL's weight, the same with warm-up, the Keras example, the reference."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aeteach import metrics, reported
from aeteach.losses import squared_error
from aeteach.metrics import readability
from aeteach.models import VAE, count_parameters
from aeteach.recipes import RECIPES, Recipe
from aeteach.sweeps import scores, trained
from aeteach.sweeps.engine import Cell, Sweep

SEEDS = range(5)
REFERENCE_SEEDS = range(3)
IMPORTANCE_IMAGES = 1000  # of the test digits, evenly spaced
IMPORTANCE_SAMPLES = 200
DRAWS = 2  # of z a test digit, where reconstruction is averaged over draws

STEMS = {"VAE": "vae", "ConvVAE": "conv-vae"}

# Those whose mean falls short of the report's in vae_kl_weight.csv, trained once more: all of the
# 10 epochs that the report had, and a weight that grows over the first half of them.
SHORT = {
    ("VAE", 4): (1.0, 1.25),
    ("ConvVAE", 3): (1.0, 1.25, 1.5),
    ("VAE", 3): (1.0, 1.25, 1.5),
}
WARM_UP = 5.0  # epochs

# Variation of the Keras example -> recipe.
KERAS = {
    "latent 2": "keras-vae",
    "third convolution": "keras-vae-third",
    "latent 1": "keras-vae-1",
    "latent 10": "keras-vae-10",
    "squared error": "keras-vae-squared",
}
SPLIT, ALL = "60,000 train, 10,000 test", "70,000 train"


def measure_kl_weight(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a VAE of experiment 2 and measure it on the test digits.

    Readability and `squared_error` are those of decode(mu); `reconstruction`, `kl` and `loss` those
    of draws, as in training: squared error summed over pixels, plus the weight times the KL.

    Returns:
        `parameters`, `epochs`, `seconds`; `readability` by five readers with its 95 % interval,
        by the strong one, and of the originals, in per cent; the squared errors; `kl` and its
        dimensions, largest first, in nats; `active_units`; the training curve.
    """
    train, test = scores.all_digits("train", 32), scores.all_digits("test", 32)
    run = trained.train(cell, VAE, checkpoint, train.images)
    model = run.model
    x_hat = readability.rebuild(model, test.images)
    judged = readability.score(x_hat, test.labels)
    strong = readability.score(x_hat, test.labels, readability.readers(readability.STRONG))
    error = squared_error(x_hat, test.images).mean().item()
    return {
        **run.made(an_epoch=True),
        **scores.readability(judged, strong),
        "ceiling": scores.ceiling(readability.STANDARD),
        "ceiling_strong": scores.ceiling(readability.STRONG),
        "squared_error": round(error, 4),
        **_terms(model, test.images, cell.recipe.loss_arguments),
        **_latent(model, test.images, dimensions=True),
        **run.curve(),
    }


def measure_keras(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a variation of the Keras example; a test loss only where test digits were kept apart.

    Returns:
        `parameters` of each half, `epochs`, `seconds`; `training_loss`, the mean over the steps of
        the last epoch, which is what was reported; reconstruction, KL and loss on the test
        digits, or None; KL by dimension and active units of those; the training curve.
    """
    images = torch.cat([scores.all_digits(split, 28).images for split in _splits(cell.recipe)])
    test = scores.all_digits("test", 28).images
    run = trained.train(cell, VAE, checkpoint, images)
    model = run.model
    kept_apart = _splits(cell.recipe) == ("train",)
    measured: dict[str, Any] = {"test_reconstruction": None, "test_kl": None, "test_loss": None}
    if kept_apart:
        terms = _terms(model, test, cell.recipe.loss_arguments)
        measured = {f"test_{name}": value for name, value in terms.items()}
    decoder = count_parameters(model.decoder)
    return {
        **run.made(an_epoch=True),
        "encoder_parameters": count_parameters(model) - decoder,
        "decoder_parameters": decoder,
        "training_loss": round(run.history.curve()[-1], 3),
        "training_kl": round(run.history.curve("kl")[-1], 3),
        **measured,
        **(_latent(model, test) if kept_apart else {}),
        **run.curve(digits=3),
    }


def measure_reference(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a 784-400-d VAE and measure its bound on the test digits, in nats.

    Grey pixels make the Bernoulli term a cross-entropy, so neither bound is one on a likelihood;
    both are of the same integral, and may be compared with each other.

    Returns:
        `parameters`, `epochs`, `seconds`; `negative_elbo`, `reconstruction`, `kl`, with their
        standard errors over images; `active_units`, `informative_units`; the importance-weighted
        bound on a subset, its standard error, -ELBO on the same subset, and by how much the bound
        is lower, with the standard error of that; the training curve.
    """
    train, test = scores.all_digits("train", 28).images, scores.all_digits("test", 28).images
    run = trained.train(cell, VAE, checkpoint, train)
    model = run.model
    cost = metrics.rate_distortion(model, test, draws=DRAWS)
    return {
        **run.made(an_epoch=True),
        "negative_elbo": round(cost.negative_elbo, 3),
        "reconstruction": round(cost.reconstruction, 3),
        "reconstruction_error": round(cost.reconstruction_error, 3),
        "kl": round(cost.rate, 3),
        "kl_error": round(cost.rate_error, 3),
        **_latent(model, test),
        **_importance(model, test),
        **run.curve(digits=3),
    }


def _importance(model: VAE, test: Tensor) -> dict[str, Any]:
    """Return the importance-weighted bound beside the ELBO on the same digits, same model."""
    images = test[:: max(1, len(test) // IMPORTANCE_IMAGES)]
    many = metrics.importance_weighted_log_likelihood(model, images, samples=IMPORTANCE_SAMPLES)
    one = metrics.importance_weighted_log_likelihood(model, images, samples=1)
    gain = many.per_image - one.per_image
    cost = metrics.rate_distortion(model, images, draws=DRAWS)
    return {
        "importance_images": len(images),
        "importance_samples": IMPORTANCE_SAMPLES,
        "importance_weighted": round(-many.estimate, 3),
        "importance_weighted_error": round(many.standard_error, 3),
        "subset_negative_elbo": round(cost.negative_elbo, 3),
        "gain": round(cost.negative_elbo + many.estimate, 3),
        "gain_error": round(gain.std().item() / len(gain) ** 0.5, 3),
    }


def _terms(model: nn.Module, images: Tensor, loss: Mapping[str, Any]) -> dict[str, float]:
    """Return reconstruction, KL and weighted loss of draws from q(z|x), in the loss's own unit."""
    likelihood = loss.get("reconstruction", "bernoulli")
    cost = metrics.rate_distortion(model, images, likelihood=likelihood, draws=DRAWS)
    return {
        "reconstruction": round(cost.reconstruction, 4),
        "kl": round(cost.rate, 4),
        "loss": round(cost.reconstruction + loss.get("beta", 1.0) * cost.rate, 4),
    }


def _latent(model: nn.Module, images: Tensor, *, dimensions: bool = False) -> dict[str, Any]:
    """Return how many latent dimensions are in use, and what each carries, largest first."""
    mu, log_var = metrics.posteriors(model, images)
    nats = metrics.kl_by_dimension(mu, log_var).sort(descending=True).values.tolist()
    return {
        "active_units": int(metrics.active_units(mu).sum()),
        "informative_units": int(metrics.informative_units(mu, log_var).sum()),
        **({f"kl_{i}": round(n, 4) for i, n in enumerate(nats, 1)} if dimensions else {}),
    }


def _splits(recipe: Recipe) -> tuple[str, ...]:
    return ("train", "test") if recipe.data == "mnist-28-all" else ("train",)


def _weighted(recipe: Recipe, beta: float) -> Recipe:
    return replace(recipe, loss_arguments={**recipe.loss_arguments, "beta": beta})


# In each table seed by seed, so that a sweep that is stopped early has some of every row.


def _kl_weight_cells() -> tuple[Cell, ...]:
    return tuple(
        Cell(
            _weighted(RECIPES[f"{STEMS[name]}-{bottleneck}"], weight),
            seed,
            {"model": name, "bottleneck": bottleneck, "kl_weight": weight, "reported": figure},
        )
        for seed in SEEDS
        for (name, bottleneck), row in reported.READABLE_VAES.items()
        for weight, figure in zip(reported.KL_WEIGHTS, row, strict=True)
    )


def _warm_up_cells() -> tuple[Cell, ...]:
    return tuple(
        replace(
            cell,
            recipe=replace(
                cell.recipe,
                epochs=reported.EPOCHS,
                loss="elbo_warm_up",
                loss_arguments={**cell.recipe.loss_arguments, "warm_up": WARM_UP},
            ),
        )
        for cell in _kl_weight_cells()
        if cell.columns["kl_weight"]
        in SHORT.get((cell.columns["model"], cell.columns["bottleneck"]), ())
    )


def _keras_cells() -> tuple[Cell, ...]:
    cells = []
    for protocol, data in ((ALL, "mnist-28-all"), (SPLIT, "mnist-28")):
        for variation, name in KERAS.items():
            columns = {
                "variation": variation,
                "protocol": protocol,
                "reported": reported.KERAS[variation].loss if protocol == ALL else None,
            }
            cells.append(Cell(replace(RECIPES[name], data=data), 0, columns))
    return tuple(cells)


def _reference_cells() -> tuple[Cell, ...]:
    cells = []
    for seed in REFERENCE_SEEDS:
        for (latent, beta), known in reported.VAE_400.items():
            if seed and beta != 1:  # the row of betas is a curve: one seed shows its shape
                continue
            name = f"mlp-vae-{latent}" if beta == 1 else f"mlp-vae-{latent}-beta-{beta:g}"
            columns = {
                "latent": latent,
                "beta": beta,
                "published_negative_elbo": known.negative_elbo,
                "published_reconstruction": known.reconstruction,
                "published_kl": known.kl,
            }
            cells.append(Cell(RECIPES[name], seed, columns))
    return tuple(cells)


VAE_KL_WEIGHT = Sweep(
    name="vae_kl_weight",
    about="readability of VAEs by bottleneck and weight of the KL, five seeds",
    cells=_kl_weight_cells(),
    measure=measure_kl_weight,
    needs=(*readability.STANDARD, *readability.STRONG),
)
VAE_WARM_UP = Sweep(
    name="vae_warm_up",
    about="the VAEs of that table that fell short, with a weight that grows, five seeds",
    cells=_warm_up_cells(),
    measure=measure_kl_weight,
    needs=(*readability.STANDARD, *readability.STRONG),
)
KERAS_VAE = Sweep(
    name="keras_vae",
    about="five variations of the Keras example, by the report's protocol and with test digits",
    cells=_keras_cells(),
    measure=measure_keras,
)
VAE_REFERENCE = Sweep(
    name="vae_reference",
    about="-ELBO of 784-400-d VAEs by latent dimensions and beta, three seeds",
    cells=_reference_cells(),
    measure=measure_reference,
)
