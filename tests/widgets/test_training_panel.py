"""The live training panel without a browser: its buttons are pressed, its widgets are read."""

import base64
import re
import threading
import time
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from aeteach.recipes import RECIPES
from aeteach.training import evaluate, fit
from aeteach.widgets import TrainingPanel, training_panel
from aeteach.widgets.training_panel import AUTOENCODERS


@pytest.fixture
def blobs() -> Tensor:
    """400 images of two directions, 32x32: the linear recipe learns them at once."""
    weights = torch.rand(400, 2, generator=torch.Generator().manual_seed(0))
    grid = torch.linspace(0, 1, 32)
    bases = torch.stack([grid[:, None] * grid[None, :], (1 - grid)[:, None] * grid[None, :]])
    return (torch.einsum("nk,khw->nhw", weights, bases) / 2)[:, None]


def make(blobs: Tensor, recipe: str = "linear-2", **options: Any) -> TrainingPanel:
    defaults: dict[str, Any] = {
        **{"digits": 320, "epochs": 2},
        **{"images": blobs[:320], "held_out": blobs[320:]},
    }
    return TrainingPanel(recipe, **defaults | options)


def press(panel: TrainingPanel, name: str) -> None:
    """Press a button as the front end does, unless it is disabled."""
    button = getattr(panel.controls, name)
    assert not button.disabled
    button.click()


def curve_points(panel: TrainingPanel, name: str) -> int:
    found = re.search(rf'data-curve="{name}" points="([^"]*)"', panel.controls.picture.value)
    assert found is not None
    return len(found[1].split())


def test_start_trains_and_the_curve_and_the_digits_appear(blobs: Tensor) -> None:
    panel = make(blobs, epochs=20)
    assert panel.state == "ready"
    press(panel, "start")
    assert panel.wait(60)
    assert panel.state == "finished"
    assert panel.history is not None
    assert panel.history.epochs == 20
    # The panel trains what `fit` trains: the same numbers from the same seed.
    recipe = RECIPES["linear-2"]
    model = recipe.build(0)
    history = fit(
        model, blobs[:320], epochs=20, batch_size=recipe.batch_size, lr=recipe.lr, seed=0,
        schedule=recipe.schedule, held_out=blobs[320:], progress=False,
    )  # fmt: skip
    assert panel.history.train == history.train
    assert panel.history.held_out == history.held_out
    assert panel.curve[-1][0] == 20.0
    steps = [loss for _, loss in panel.curve]
    assert len(steps) == 60  # 320 images, 128 a step
    assert steps[-1] < steps[0]
    assert curve_points(panel, "training") == 60
    assert curve_points(panel, "held out") == 21  # before training, and after each epoch
    assert panel.controls.progress.value == 1
    assert "Finished" in panel.controls.words.value
    assert (panel.controls.start.disabled, panel.controls.stop.disabled) == (False, True)
    assert panel.model is not None
    assert not panel.model.training


def test_the_picture_shows_the_digits_and_what_the_model_makes_of_them(blobs: Tensor) -> None:
    panel = make(blobs)
    press(panel, "start")
    assert panel.wait(60)
    rows = [
        np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("L"), dtype=float) / 255
        for data in re.findall(r"base64,([^\"]+)", panel.controls.picture.value)
    ]
    assert panel.model is not None
    with torch.no_grad():
        x_hat = panel.model(blobs[320:330]).x_hat
    for row, images in zip(rows, (blobs[320:330], x_hat), strict=True):
        assert row.shape == (34, 340)  # ten digits with a frame of one pixel
        found = row.reshape(34, 10, 34).transpose(1, 0, 2)[:, 1:-1, 1:-1]
        np.testing.assert_allclose(found, images[:, 0].clamp(0, 1), atol=2 / 255)


def test_stop_ends_a_long_run_within_a_step_and_it_can_start_again(blobs: Tensor) -> None:
    panel = make(blobs, "conv-2", epochs=10_000)
    press(panel, "start")
    assert panel.controls.start.disabled
    deadline = time.monotonic() + 60
    while len(panel.curve) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    panel.start()  # a second one does not begin beside it
    assert "under way" in panel.controls.error.value
    began = time.monotonic()
    press(panel, "stop")
    assert panel.wait(10)
    assert time.monotonic() - began < 5
    assert panel.state == "stopped"
    assert panel.history is not None
    assert 0 < panel.history.epochs < 10_000
    assert len(panel.curve) >= 12
    assert "Stopped" in panel.controls.words.value
    seen = len(panel.curve)
    time.sleep(0.1)
    assert len(panel.curve) == seen  # nothing runs on
    panel.controls.epochs.value = 1
    press(panel, "start")
    assert panel.wait(60)
    assert (panel.state, panel.history.epochs) == ("finished", 1)
    assert panel.controls.error.value == ""


def test_stop_takes_effect_at_the_next_step(blobs: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = make(blobs, epochs=50)
    steps: list[float] = []
    original = training_panel._EveryStep.__call__

    def count(self: Any, *arguments: Any) -> Any:
        if torch.is_grad_enabled():
            steps.append(0)
            if len(steps) == 4:
                panel.stop()
        return original(self, *arguments)

    monkeypatch.setattr(training_panel._EveryStep, "__call__", count)
    press(panel, "start")
    assert panel.wait(60)
    assert panel.state == "stopped"
    assert len(steps) == 4
    assert len(panel.curve) == 3
    assert panel.history is not None
    assert panel.history.epochs == 1  # of three steps; the fourth was never taken


def test_training_leaves_the_front_end_free(blobs: Tensor) -> None:
    panel = make(blobs, epochs=10_000)
    before = threading.active_count()
    began = time.monotonic()
    press(panel, "start")
    assert time.monotonic() - began < 1
    assert threading.active_count() == before + 1
    press(panel, "stop")
    assert panel.wait(10)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("digits", 1, "digits must be at least 2, got 1"),
        ("digits", -5, "digits must be at least 2, got -5"),
        ("epochs", 0, "epochs must be at least 1, got 0"),
        ("seed", -1, "seed must be at least 0, got -1"),
        ("lr", 0.0, "learning rate is 0.0; expected a number above 0"),
        ("lr", -0.1, "learning rate is -0.1"),
        ("lr", float("nan"), "learning rate is nan"),
    ],
)
def test_numbers_out_of_range_are_explained_in_the_panel(
    blobs: Tensor, field: str, value: float, message: str
) -> None:
    panel = make(blobs)
    kept = getattr(panel.controls, field).value
    getattr(panel.controls, field).value = value
    press(panel, "start")
    assert panel.wait(1)
    assert message in panel.controls.error.value
    assert 'role="alert"' in panel.controls.error.value
    assert (panel.state, panel.history) == ("ready", None)
    getattr(panel.controls, field).value = kept
    press(panel, "start")
    assert panel.wait(60)
    assert panel.state == "finished"
    assert panel.controls.error.value == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digits": 321}, "digits is 321; there are 320 training images"),
        ({"lr": 1e30}, "Lower lr"),  # the loss becomes infinite
        (
            {"images": torch.full((320, 1, 32, 32), 2.0)},
            "as the model, a ConvAutoencoder, makes them, got 2 to 2: divide grey levels by 255",
        ),
        ({"images": torch.zeros(320, 1, 28, 28), "epochs": 3}, "held_out has images of (32, 32)"),
        (
            {"images": torch.zeros(320, 1, 28, 28), "held_out": torch.zeros(64, 1, 28, 28)},
            "x must be (N, 1, 32, 32)",
        ),
    ],
)
def test_a_run_that_fails_says_why_and_frees_the_buttons(
    blobs: Tensor, options: dict[str, Any], message: str
) -> None:
    panel = make(blobs, "conv-2" if "images" in options else "linear-2", **options)
    press(panel, "start")
    assert panel.wait(60)
    assert panel.state == "failed"
    assert message in panel.controls.error.value
    assert (panel.controls.start.disabled, panel.controls.stop.disabled) == (False, True)


def test_a_recipe_brings_its_learning_rate(blobs: Tensor) -> None:
    panel = make(blobs)
    assert set(panel.controls.recipe.options) == set(AUTOENCODERS)
    assert not any("reader" in name for name in AUTOENCODERS)
    panel.controls.recipe.value = "mlp-2"
    assert panel.controls.lr.value == RECIPES["mlp-2"].lr
    press(panel, "start")
    assert panel.wait(60)
    assert type(panel.model).__name__ == "MLPAutoencoder"
    with pytest.raises(ValueError, match="no autoencoder's recipe is called 'reader-0'; known: li"):
        TrainingPanel("reader-0")


def test_the_digits_are_those_of_mnist_and_the_held_out_ones_are_never_trained_on(
    monkeypatch: pytest.MonkeyPatch, train_digits: Tensor, test_digits: Tensor
) -> None:
    seen: list[Tensor] = []

    def spy(model: Any, images: Tensor, **options: Any) -> Any:
        seen.extend([images, options["held_out"]])
        return fit(model, images, **options)

    monkeypatch.setattr(training_panel, "fit", spy)
    panel = TrainingPanel("linear-2", digits=500, epochs=1)
    press(panel, "start")
    assert panel.wait(60)
    assert torch.equal(seen[0], train_digits[:500])
    assert torch.equal(seen[1], test_digits[:1000])
    assert panel.history is not None
    assert panel.model is not None
    expected = evaluate(panel.model, test_digits[:1000])["loss"]
    assert panel.history.held_out[-1]["loss"] == pytest.approx(expected)


# ---------------------------------------------------------------- the two hosts


def test_in_jupyter_it_is_a_box_of_widgets(blobs: Tensor) -> None:
    panel = make(blobs)
    bundle = panel._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == panel.controls.box.model_id
    assert repr(panel) == "TrainingPanel('linear-2')"


def test_in_the_page_it_is_a_picture_that_says_what_it_needs(
    blobs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    panel = make(blobs, epochs=3)
    data = panel._repr_mimebundle_()
    assert list(data) == ["text/html"]
    text = data["text/html"]
    assert "needs a running Jupyter" in text
    assert "recipe linear-2, 320 digits, 3 epochs" in text
    assert "<script" not in text
    assert text.count("<img") == 2
    assert len(text) < 100_000
    assert panel._repr_mimebundle_() == data  # trained once
    assert make(blobs, epochs=3)._repr_mimebundle_() == data  # and the same from the seed
    assert panel._controls is None  # no widget was made
    with pytest.raises(ValueError, match="epochs must be at least 1"):
        make(blobs, epochs=0)._repr_mimebundle_()
