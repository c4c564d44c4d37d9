"""The table of conditional VAEs: its cells, and what a row says, measured again another way."""

import json
from collections import defaultdict
from dataclasses import replace

import pytest
import torch

from aeteach import recipes, sweeps
from aeteach.data import Digits
from aeteach.losses import Elbo
from aeteach.metrics import readability
from aeteach.sweeps import conditional, engine, scores
from aeteach.training import evaluate

SWEEP = sweeps.SWEEPS["conditional"]


@pytest.fixture
def few_digits(monkeypatch):
    """Blurred noise in place of MNIST: 120 "training" and 80 "test" digits."""

    def make(split):
        generator = torch.Generator().manual_seed(len(split))
        n = 120 if split == "train" else 80
        coarse = torch.rand(n, 1, 4, 4, generator=generator)
        images = torch.nn.functional.interpolate(coarse, size=32, mode="bilinear")
        return Digits(images, torch.arange(n) % 10, "made up")

    monkeypatch.setattr(scores, "all_digits", make)
    monkeypatch.setattr(scores, "_ceiling", scores._ceiling.__wrapped__)
    monkeypatch.setattr(conditional, "EACH", 4)
    return make


def test_every_model_has_five_seeds_and_the_two_single_changes_three():
    found = defaultdict(list)
    for cell in SWEEP.cells:
        found[cell.columns["model"]].append(cell.seed)
    assert {name for name, seeds in found.items() if seeds == [0, 1, 2, 3, 4]} == {
        "VAE",
        "CVAE",
        "CVAE, decoder only",
        "ConvVAE",
        "ConvCVAE as reported",
        "ConvCVAE fixed",
    }
    assert {name for name, seeds in found.items() if seeds == [0, 1, 2]} == {
        "ConvCVAE, label planes",
        "ConvCVAE, wide decoder",
    }
    assert len(found) == 8
    assert all(cell.recipe.model_arguments["latent"] == 2 for cell in SWEEP.cells)
    keys = SWEEP.cell_keys()
    assert len(set(keys)) == len(keys)
    first = [cell for cell in SWEEP.cells if cell.seed == 0]
    assert list(SWEEP.cells[: len(first)]) == first  # stopped early, it has some of every row


def test_the_models_of_a_body_are_trained_alike():
    for names in (
        ("VAE", "CVAE", "CVAE, decoder only"),
        ("ConvVAE", "ConvCVAE as reported", "ConvCVAE fixed"),
    ):
        used = [c.recipe for c in SWEEP.cells if c.columns["model"] in names]
        alike = {(r.epochs, r.batch_size, r.lr, r.schedule, r.loss) for r in used}
        assert len(alike) == 1
        assert used[0].epochs <= 10


@pytest.mark.parametrize("name", ["VAE", "CVAE", "CVAE, decoder only", "ConvCVAE fixed"])
def test_a_cell_in_small(name, few_digits, tmp_path):
    cell = next(c for c in SWEEP.cells if c.columns["model"] == name)
    cell = replace(cell, recipe=replace(cell.recipe, epochs=2))
    row = conditional.measure(cell, tmp_path / "a.ckpt")
    json.dumps(row)
    assert row["epochs"] == len(row[engine.CURVE]) == 2
    assert 0 <= row["readability_low"] <= row["readability"] <= row["readability_high"] <= 100
    by_class = [row[f"class_{c}"] for c in range(10)]
    assert sum(by_class) / 10 == pytest.approx(row["readability"], abs=1e-2)
    assert row["loss"] == pytest.approx(row["reconstruction"] + row["kl"], abs=1e-3)
    total = row["encoder_parameters"] + row["decoder_parameters"]
    assert total == row["parameters"]

    # The same model again, judged by other means.
    train, test = few_digits("train"), few_digits("test")
    model, _ = cell.recipe.train(
        seed=cell.seed, images=train.images, labels=train.labels, progress=False
    )
    model.eval()
    told = (test.labels,) if model.classes else ()
    labels = told[0] if told else None
    terms = evaluate(model, test.images, Elbo("squared_error"), labels=labels)
    assert row["kl"] == pytest.approx(terms["kl"], abs=1e-3)
    with torch.no_grad():
        x_hat = model.reconstruct(test.images, *told)
    error = (x_hat - test.images).square().flatten(1).sum(1).mean().item()
    assert row["squared_error"] == pytest.approx(error, abs=1e-3)
    if told:
        asked = torch.arange(10).repeat_interleave(4)
        z = torch.randn(40, 2, generator=torch.Generator().manual_seed(cell.seed))
        with torch.no_grad():
            reading = readability.read(model.decode(z, asked))
        right = (reading.digits == asked).double().mean().item()
        assert row["readability"] == pytest.approx(100 * right, abs=1e-2)
        sure = (reading.probabilities.mean(0).amax(1) > 0.9) & (reading.agreement == 1)
        assert row["confident"] == pytest.approx(100 * sure.double().mean().item(), abs=1e-2)


def test_the_codes_that_are_probed_are_drawn_from_q(few_digits):
    model = recipes.RECIPES["cvae"].build().eval()
    with torch.no_grad():
        model.heads.log_var.bias.fill_(3.0)
    train = few_digits("train")
    z, labels = conditional._codes(model, train, 100, seed=0)
    with torch.no_grad():
        mu, log_var = model.posterior(train.images[:100], train.labels[:100])
    eps = (z - mu) / (log_var / 2).exp()
    assert eps.shape == (100, 2)
    assert abs(float(eps.mean())) < 0.35
    assert 0.8 < float(eps.std()) < 1.2
    assert torch.equal(labels, train.labels[:100])
