"""Ask for a digit: conditional VAEs of two latent numbers, and the plain ones beside them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aeteach import conditional, latent, metrics
from aeteach._exact import exact
from aeteach.data import Digits
from aeteach.losses import squared_error
from aeteach.metrics import readability
from aeteach.metrics.probe import LINEAR, NEIGHBOURS, probe_accuracy
from aeteach.metrics.sharpness import relative_sharpness
from aeteach.models import VAE, count_parameters
from aeteach.recipes import RECIPES
from aeteach.sweeps import scores, trained
from aeteach.sweeps.engine import Cell, Sweep

SEEDS = range(5)
ABLATION_SEEDS = range(3)  # of the models that have one of the two changes only
EACH = 1000  # digits generated of each class
PROBED = 10_000  # training digits whose codes the probes learn from, and test digits asked
DRAWS = 2  # of z a test digit, where the loss is averaged over draws
SURE = 0.9  # mean probability, by all readers, above which a digit is read confidently

MODELS = {
    "VAE": "vae-2",
    "CVAE": "cvae",
    "CVAE, decoder only": "cvae-decoder-only",
    "ConvVAE": "conv-vae-2",
    "ConvCVAE as reported": "conv-cvae",
    "ConvCVAE fixed": "conv-cvae-fixed",
}
ABLATIONS = {
    "ConvCVAE, label planes": "conv-cvae-planes",
    "ConvCVAE, wide decoder": "conv-cvae-wide",
}


def measure(cell: Cell, checkpoint: Path) -> dict[str, Any]:
    """Train a model, ask it for 1,000 digits of each class, and measure it on the test digits.

    A conditional model is asked by the label, with z from the prior. A plain VAE cannot be asked;
    its z is drawn from a normal fitted to the codes of the training digits of the class.

    Returns:
        `parameters`, `epochs`, `seconds`; what readers make of the asked digits, in all and class
        by class, and of digits drawn from the prior; accuracy of two probes on z; sharpness
        relative to the test digits; squared error of decode(mu), and reconstruction, KL and loss
        of draws; the training curve.
    """
    train, test = scores.all_digits("train"), scores.all_digits("test")
    run = trained.train(cell, VAE, checkpoint, train.images, train.labels)
    model = run.model
    asked = torch.arange(10).repeat_interleave(EACH)
    drawn, free = _generated(model, train, asked, cell.seed)
    x_hat = readability.rebuild(model, test.images, _told(model, test.labels))
    return {
        **run.made(),
        "encoder_parameters": count_parameters(model.encoder) + count_parameters(model.heads),
        "decoder_parameters": count_parameters(model.decoder),
        **_readability(drawn, asked),
        "confident": _confident(free),
        "rebuilt_readability": scores.per_cent(readability.score(x_hat, test.labels).accuracy),
        "ceiling": scores.ceiling(),
        **_probes(model, train, test, cell.seed),
        "sharpness_generated": round(relative_sharpness(drawn, test.images), 4),
        "sharpness_rebuilt": round(relative_sharpness(x_hat, test.images), 4),
        "squared_error": round(squared_error(x_hat, test.images).mean().item(), 4),
        **_terms(model, test),
        **run.curve(),
    }


def _generated(model: VAE, train: Digits, asked: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Return digits asked for, and digits for a z from the prior, whatever they show."""
    if model.classes:
        drawn = conditional.generate(model, asked, seed=seed)
        return drawn, drawn  # the asked classes are equally many, and z is from the prior
    codes, labels = _codes(model, train, PROBED, seed)
    z = latent.draw_by_class(codes, labels, asked, seed=seed)
    prior = torch.randn(len(asked), model.latent, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return model.decode(z), model.decode(prior)


def _readability(drawn: Tensor, asked: Tensor) -> dict[str, Any]:
    judged = readability.score(drawn, asked)
    strong = readability.score(drawn, asked, readability.readers(readability.STRONG))
    by_class = judged.confusion.diag() / judged.confusion.sum(1)
    return {
        **scores.readability(judged, strong),
        **{f"class_{c}": scores.per_cent(share) for c, share in enumerate(by_class.tolist())},
    }


def _confident(images: Tensor) -> float:
    """Return the share that all readers read alike, with a mean probability above `SURE`."""
    reading = readability.read(images)
    sure = reading.probabilities.mean(0).amax(1) > SURE
    return scores.per_cent(exact(sure & (reading.agreement == 1)).mean().item())


def _probes(model: VAE, train: Digits, test: Digits, seed: int) -> dict[str, float]:
    known, asked = _codes(model, train, PROBED, seed), _codes(model, test, PROBED, seed + 1)
    return {
        f"probe_{kind}": scores.per_cent(probe_accuracy(*known, *asked, kind=kind))
        for kind in (LINEAR, NEIGHBOURS)
    }


def _terms(model: VAE, test: Digits) -> dict[str, float]:
    cost = metrics.rate_distortion(
        model, test.images, _told(model, test.labels), likelihood="squared_error", draws=DRAWS
    )
    return {
        "reconstruction": round(cost.reconstruction, 4),
        "kl": round(cost.rate, 4),
        "loss": round(cost.negative_elbo, 4),
    }


def _codes(model: VAE, digits: Digits, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return a draw of z for each of the first n digits, and their labels.

    Drawn, as the decoder gets it: a probe on mu would also read what the noise hides from it.
    """
    images, labels = digits.images[:n], digits.labels[:n]
    mu, log_var = metrics.posteriors(model, images, _told(model, labels))
    eps = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
    return mu + torch.exp(log_var / 2) * eps, labels


def _told(model: VAE, labels: Tensor) -> Tensor | None:
    return labels if model.classes else None


def _cells() -> tuple[Cell, ...]:
    """Seed by seed, so that a sweep that is stopped early has some of every row."""
    return tuple(
        Cell(RECIPES[recipe], seed, {"model": name})
        for seed in SEEDS
        for name, recipe in (MODELS | (ABLATIONS if seed in ABLATION_SEEDS else {})).items()
    )


CONDITIONAL = Sweep(
    name="conditional",
    about="digits asked for by label, from conditional VAEs and plain ones, five seeds",
    cells=_cells(),
    measure=measure,
    needs=(*readability.STANDARD, *readability.STRONG),
)
