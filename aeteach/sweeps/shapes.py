"""Tables of generated shapes: what a generator covers, by epochs too, and what is recognised."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aeteach import channel, metrics, reported
from aeteach._exact import exact
from aeteach.data import FACTOR_NAMES, Shapes, shapes
from aeteach.divergences import mmd, nats_to_bits
from aeteach.losses import squared_error
from aeteach.metrics import coverage, shape_reader
from aeteach.metrics.factors import correlation, eta_squared, zeroing
from aeteach.metrics.probe import LINEAR, NEIGHBOURS, probe
from aeteach.models import NoisyAutoencoder
from aeteach.recipes import DATA, RECIPES, RECTANGLES_NOISE, RECTANGLES_PRIOR_SD, Recipe
from aeteach.sweeps import trained
from aeteach.sweeps.engine import Cell, Sweep
from aeteach.sweeps.scores import per_cent
from aeteach.training import evaluate

SEEDS = range(3)
GENERATED = 100_000  # against the 8,340 valid images
SAMPLES = 5000  # random ones, for the shape reader
SHORTER = (4, 2)  # what the epochs are divided by, to see whether the figures still change
NEAREST = 5  # codes that a probe asks: there are only 667, and 25 would reach too far
RECIPE = {"VAE": "shapes-vae", "AE + MMD": "shapes-mmd"}


def measure_shapes(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a model of the shapes and measure what it is worth as a generator.

    Returns:
        The four reported figures over all 8,340 valid images, coverage of the test images alone,
        the ideal generator's KL; the rate; what its latent dimensions say about the factors.
    """
    train, test = shapes("train"), shapes("test")
    run = trained.train(cell, nn.Module, checkpoint, train.images)
    model = run.model
    latent = cell.recipe.model_arguments["latent"]
    made = coverage.generate(model, GENERATED, latent, seed=cell.seed)
    both = torch.cat([train.images, test.images])
    of_valid, of_generated = coverage.nearest_both(both, made)
    found = coverage.judge(of_valid, of_generated)
    new = of_valid.distance[len(train.images) :]
    return {
        **run.made(),
        "generated": found.generated,
        "threshold": found.threshold,
        "mean_distance": round(found.mean_distance, 4),
        "coverage": per_cent(found.coverage),
        "kl_bits": round(found.kl_bits, 4),
        "reconstruction_bits": round(coverage.reconstruction_bits(model, test.images), 3),
        "mean_distance_test": round(new.mean().item(), 4),
        "coverage_test": per_cent(exact(new < found.threshold).mean().item()),
        "valid_share": per_cent(found.valid_share),
        "mean_error": round(found.mean_error, 4),
        "hit": per_cent(found.hit),
        "kl_bits_ideal": round(found.kl_bits_ideal, 4),
        "smoothing": found.smoothing,
        "recognisable": per_cent(shape_reader.recognisable(made[:SAMPLES]).share),
        "squared_error": _error(model, test.images),
        **_rate(model, test.images),
        **_factors(model, test),
        **run.curve("reconstruction"),
    }


def measure_mmd(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a model of rectangles, circles and triangles, and let the shape reader count.

    Returns:
        Squared errors in one unit; the share of recognisable test reconstructions, of those read as
        the shape they came from, and of recognisable random images, with 95 % intervals; the rate.
    """
    images = DATA[cell.recipe.data]("test")
    labels = shapes("test", rectangles=True).factors[:, 0]
    run = trained.train(cell, nn.Module, checkpoint, DATA[cell.recipe.data]("train"))
    model = run.model
    scale = cell.recipe.loss_arguments.get("prior_sd", 1.0)
    latent = cell.recipe.model_arguments["latent"]
    with torch.no_grad():
        again = model.reconstruct(images)  # type: ignore[operator]
    read = shape_reader.read(again)
    kept = read.accepted & (read.shape == labels)
    made = coverage.generate(model, SAMPLES, latent, scale=scale, seed=cell.seed)
    ceiling = shape_reader.recognisable(images)
    return {
        **run.made(),
        "squared_error": _error(model, images),
        "squared_error_clean": round(squared_error(again, images).mean().item(), 4),
        **_share("recognisable_test", shape_reader.recognisable(again)),
        **_share("same_shape_test", shape_reader.wilson(int(kept.sum()), len(kept))),
        **_share("recognisable_random", shape_reader.recognisable(made)),
        "ceiling": per_cent(ceiling.share),
        "random": SAMPLES,
        **_rate(model, images),
        "mmd": round(_distance(model, images, scale), 6),
        **run.curve("reconstruction"),
    }


def _error(model: nn.Module, images: Tensor) -> float:
    """Return the squared error through the noise, or of a draw, summed over pixels."""
    return round(evaluate(model, images, "squared_error")["loss"], 4)


def _moments(model: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the clean codes (N, d) and the variance of the noise, (d,), mean over images."""
    if isinstance(model, NoisyAutoencoder):
        with torch.no_grad():
            z = model.encode(images)
            return z, model.noise.variance(z).expand(z.shape[1])
    mu, log_var = metrics.posteriors(model, images)
    return mu, log_var.exp().mean(0)


def _rate(model: nn.Module, images: Tensor) -> dict[str, Any]:
    """Return the rate by the channel's formula, and, for a VAE, its KL, both in bits an image."""
    z, noise = _moments(model, images)
    kl = None
    if not isinstance(model, NoisyAutoencoder):
        kl = round(nats_to_bits(metrics.rate_distortion(model, images).rate), 3)
    return {
        "rate_bits": round(channel.information_rate(z.var(0), noise).item(), 3),
        "kl_rate_bits": kl,
    }


def _factors(model: nn.Module, test: Shapes) -> dict[str, Any]:
    """Return how well dimensions, directions and neighbours tell each factor, on test images."""
    z, _ = _moments(model, test.images)
    factors = test.factors
    r = correlation(factors[:, 1:], z).abs().amax(1)
    columns: dict[str, Any] = {
        f"correlation_{name}": round(v, 3)
        for name, v in zip(FACTOR_NAMES[1:], r.tolist(), strict=True)
    }
    columns["eta_squared_shape"] = round(eta_squared(factors[:, 0], z).max().item(), 3)
    for i, name in enumerate(FACTOR_NAMES):
        y = factors[:, i] if name == "shape" else factors[:, i].float()
        columns[f"probe_linear_{name}"] = round(probe(z, y, kind=LINEAR).score, 3)
        nearest = probe(z, y, kind=NEIGHBOURS, k=NEAREST)
        columns[f"probe_nearest_{name}"] = round(nearest.score, 3)
    columns["zeroing_largest"] = round(zeroing(model, test.images).max().item(), 3)
    return columns


def _distance(model: nn.Module, images: Tensor, scale: float) -> float:
    """Return MMD^2 between codes with noise and the prior, both in units of the prior."""
    z, noise = _moments(model, images)
    generator = torch.Generator().manual_seed(0)
    received = z + noise.sqrt() * torch.randn(z.shape, generator=generator, device="cpu").to(z)
    prior = torch.randn(z.shape, generator=generator, device="cpu").to(z)
    return mmd(received / scale, prior, kernel="imq", bandwidth=z.shape[1] ** 0.5).item()


def _share(name: str, share: shape_reader.Share) -> dict[str, float]:
    return {
        name: per_cent(share.share),
        f"{name}_low": per_cent(share.low),
        f"{name}_high": per_cent(share.high),
    }


# In each table seed by seed, so that a sweep that is stopped early has some of every row.


def _shapes_cell(model: str, recipe: Recipe, seed: int) -> Cell:
    known = reported.SHAPES[model]
    columns = {
        "model": model,
        "epochs": recipe.epochs,
        "reported_mean_distance": known.distance,
        "reported_coverage": known.coverage,
        "reported_kl_bits": known.kl,
        "reported_reconstruction_bits": known.reconstruction,
        "reported_rate_bits": reported.SHAPES_RATE if model == "AE + MMD" else None,
    }
    return Cell(recipe, seed, columns)


def _shapes_cells() -> tuple[Cell, ...]:
    return tuple(
        _shapes_cell(model, RECIPES[name], seed) for seed in SEEDS for model, name in RECIPE.items()
    )


def _shapes_epochs_cells() -> tuple[Cell, ...]:
    return tuple(
        _shapes_cell(model, replace(recipe, epochs=recipe.epochs // divisor), SEEDS[0])
        for model, recipe in ((model, RECIPES[name]) for model, name in RECIPE.items())
        for divisor in SHORTER
    )


def _mmd_cells() -> tuple[Cell, ...]:
    models: list[tuple[str, int | None, str]] = [("VAE", None, "rectangles-vae")]
    models += [("MMD-VAE", v, f"rectangles-mmd-{v}") for v in RECTANGLES_NOISE]
    cells = []
    for seed in SEEDS:
        for model, noise, name in models:
            known = noise in (None, reported.RECTANGLES_NOISE) and reported.RECTANGLES[model]
            columns = {
                "model": model,
                "noise_variance": noise,
                "prior_variance": 1.0 if noise is None else RECTANGLES_PRIOR_SD**2,
                "reported_test": known.test if known else None,
                "reported_random": known.random if known else None,
                "reported_seconds": known.seconds if known else None,
            }
            cells.append(Cell(RECIPES[name], seed, columns))
    return tuple(cells)


SHAPES_SWEEP = Sweep(
    name="shapes",
    about="what a VAE and an AE + MMD cover of all 8,340 shapes, three seeds",
    cells=_shapes_cells(),
    measure=measure_shapes,
    needs=("shape-reader",),
)
SHAPES_EPOCHS_SWEEP = Sweep(
    name="shapes_epochs",
    about="the same models after fewer epochs, one seed: do the figures still change?",
    cells=_shapes_epochs_cells(),
    measure=measure_shapes,
    needs=("shape-reader",),
)
MMD_SWEEP = Sweep(
    name="mmd",
    about="recognisable shapes of a VAE and of MMD-VAEs by noise variance, three seeds",
    cells=_mmd_cells(),
    measure=measure_mmd,
    needs=("shape-reader",),
)
