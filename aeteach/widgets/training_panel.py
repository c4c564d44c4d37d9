"""A panel that trains a model while the reader watches, with buttons to start and stop it."""

import html
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach.data import mnist
from aeteach.losses import LOSSES
from aeteach.recipes import RECIPES, Recipe
from aeteach.training import History, evaluate, fit, steps_an_epoch
from aeteach.widgets.kit.host import in_page
from aeteach.widgets.training_view import view

AUTOENCODERS = tuple(name for name, recipe in RECIPES.items() if not recipe.labelled)
HELD_OUT = 1000  # test digits measured after each epoch
SHOWN = 10  # test digits with their reconstructions
POINTS = 20  # of the training curve, an epoch
REFRESH = 0.4  # seconds from one picture to the next

_ALONE = (
    "Training live needs a running Jupyter: open this chapter as a notebook there, and the panel "
    "has buttons. Here is what it shows at the end of one short run"
)


class _StopTraining(Exception):  # noqa: N818 - a signal from the button, never an error
    """Leaves `fit` from within a step."""


class _EveryStep:
    """A loss that reports each training step before it is taken, which may also end training."""

    def __init__(self, loss: Callable[..., dict[str, Tensor]], report: Callable[[float], None]):
        self.loss, self.report = loss, report

    def __call__(self, *arguments: Any) -> dict[str, Tensor]:
        terms = self.loss(*arguments)
        if torch.is_grad_enabled():  # not while held-out images are measured
            self.report(float(terms["loss"].detach()))
        return terms


class TrainingPanel:
    """Train an autoencoder of the book live: choose the numbers, press Start, watch, press Stop.

    Training runs in a thread, so the notebook stays free; Stop takes effect at the next step. A
    seed gives the same numbers each time, unless other cells draw random numbers meanwhile: torch
    has one global generator, and the thread shares it. In a page without a kernel
    (AETEACH_HOST=page) the panel trains once, when it is shown, and leaves a still picture.

    Args:
        recipe: name of an autoencoder in `aeteach.recipes.RECIPES`; it decides the model, the
            loss, the batch size and the schedule of the learning rate.
        digits: number of training images, taken from the first on.
        lr: learning rate, or its peak; the recipe's own if left out.
        epochs: passes over these images.
        seed: of the initial weights and of the order of the images.
        images: x, (N, 1, 32, 32), float32 in [0, 1]; the training digits if left out.
        held_out: images that are measured and never trained on; test digits if left out.

    Attributes:
        state: "ready", "running", "finished", "stopped" or "failed".
        history: of the finished epochs of the last run; None before the first.
        curve: training loss of the last run as points (epochs done, mean loss since the last).
        model: what the last run trained, also when it was stopped; None before the first.

    Raises:
        ValueError: recipe is not the name of an autoencoder. Other numbers are checked by Start,
            which shows what is wrong in the panel.
    """

    def __init__(
        self,
        recipe: str = "conv-2",
        *,
        digits: int = 5000,
        lr: float | None = None,
        epochs: int = 3,
        seed: int = 0,
        images: Tensor | None = None,
        held_out: Tensor | None = None,
    ) -> None:
        if recipe not in AUTOENCODERS:
            raise ValueError(
                f"no autoencoder's recipe is called {recipe!r}; known: {', '.join(AUTOENCODERS)}"
            )
        self._images, self._held_out = images, held_out
        self._start_values: dict[str, Any] = {
            "recipe": recipe,
            "digits": digits,
            "lr": RECIPES[recipe].lr if lr is None else lr,
            "epochs": epochs,
            "seed": seed,
        }
        self.state = "ready"
        self.history: History | None = None
        self.model: nn.Module | None = None
        self.curve: list[tuple[float, float]] = []
        self._held_out_curve: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._controls: _Controls | None = None

    # ------------------------------------------------------------ what the reader presses

    @property
    def controls(self) -> "_Controls":
        """The ipywidgets of the panel, made when they are first asked for."""
        if self._controls is None:
            self._controls = _Controls(self._start_values)
            self._controls.start.on_click(lambda _: self.start())
            self._controls.stop.on_click(lambda _: self.stop())
        return self._controls

    def start(self) -> None:
        """Check the numbers and start training in a thread; a mistake is shown in the panel."""
        if self._thread is not None and self._thread.is_alive():
            self.controls.complain("A run is under way: press Stop first.")
            return
        values = self.controls.values()
        try:
            _check(values)
        except (TypeError, ValueError) as error:
            self.controls.complain(str(error))
            return
        self._begin()
        self.controls.running(True)
        self._thread = threading.Thread(target=self._run, args=(values,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask a run to end before its next step; the model keeps what it has learnt."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a run to end; returns whether it has."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    # ------------------------------------------------------------ a run

    def _begin(self) -> None:
        self._stop.clear()
        self.state, self.history, self.model = "running", History(), None
        self.curve, self._held_out_curve = [], []

    def _run(self, values: dict[str, Any]) -> None:
        """Train and tell how it ended; nothing may escape, for nobody would see it in a thread."""
        try:
            self._train(values, self._show_now)
            state, words = "finished", "Finished"
        except _StopTraining:
            state, words = "stopped", "Stopped. The model keeps what it has learnt"
        except Exception as error:
            self.controls.complain(f"{type(error).__name__}: {error}")
            state, words = "failed", "Training failed"
            if self.history is None or not self.history.epochs:
                self.model = None  # perhaps it cannot take these images: there is nothing to show
        self._show_now(words)
        self.controls.running(False)
        self.state = state

    def _train(self, values: dict[str, Any], show: Callable[[str], None]) -> None:
        recipe, epochs = RECIPES[values["recipe"]], values["epochs"]
        x, held_out = self._data(values["digits"])
        loss = LOSSES[recipe.loss](**recipe.loss_arguments)
        self._rows = {"test digits": held_out[:SHOWN]}
        self._epochs = epochs
        self.model = model = recipe.build(values["seed"])
        self._measured(0, evaluate(model, held_out, loss)["loss"])
        report = self._reporter(recipe, len(x), show)

        def on_epoch(epoch: int, history: History, _: nn.Module) -> None:
            self.history = history
            self._measured(epoch, history.held_out[-1]["loss"])
            show(f"Epoch {epoch} of {epochs} done")

        fit(
            model,
            x,
            loss=_EveryStep(loss, report),
            epochs=epochs,
            batch_size=recipe.batch_size,
            lr=values["lr"],
            schedule=recipe.schedule,
            seed=values["seed"],
            held_out=held_out,
            on_epoch=on_epoch,
            progress=False,
        )
        model.eval()

    def _data(self, digits: int) -> tuple[Tensor, Tensor]:
        x = mnist("train").images if self._images is None else self._images
        if digits > len(x):
            raise ValueError(f"digits is {digits}; there are {len(x)} training images")
        held_out = mnist("test").images[:HELD_OUT] if self._held_out is None else self._held_out
        return x[:digits], held_out

    def _measured(self, epoch: int, loss: float) -> None:
        if math.isfinite(loss):
            self._held_out_curve.append((float(epoch), loss))

    def _reporter(
        self, recipe: Recipe, images: int, show: Callable[[str], None]
    ) -> Callable[[float], None]:
        """Return what is called at each step: it keeps the curve, shows it, and obeys Stop."""
        steps = steps_an_epoch(images, recipe.batch_size)
        every = max(1, steps // POINTS)
        recent: list[float] = []
        done, shown, began = 0, 0.0, time.perf_counter()

        def report(loss: float) -> None:
            nonlocal done, shown
            if self._stop.is_set():
                raise _StopTraining
            done += 1
            recent.append(loss)
            if len(recent) >= every and math.isfinite(loss):
                self.curve.append((done / steps, sum(recent) / len(recent)))
                recent.clear()
            now = time.perf_counter()
            if now - shown > REFRESH:
                shown = now
                show(f"Epoch {1 + (done - 1) // steps}, step {done}, {now - began:.0f} s")

        return report

    # ------------------------------------------------------------ what is seen

    def _view(self) -> str:
        if self.model is None:  # it ended before there was one
            return ""
        rows = self._rows | {"their reconstructions": _rebuild(self.model, self._rows)}
        curves = {"training": self.curve, "held out": self._held_out_curve}
        done = self.curve[-1][0] if self.curve else 0.0
        # The axis of a long run grows with it, or its beginning would be a dot.
        return view(curves, min(self._epochs, max(20, math.ceil(1.25 * done))), rows)

    def _show_now(self, words: str) -> None:
        done = self.curve[-1][0] / self._epochs if self.curve else 0.0
        self.controls.show(self._view(), words, done)

    def page_html(self) -> str:
        """Train once with the panel's first numbers and return the end as HTML without a kernel."""
        if self.history is None:
            _check(self._start_values)
            self._begin()
            self._train(self._start_values, lambda words: None)
            self.state = "finished"
        v = self._start_values
        run = (
            f"{_ALONE}: recipe {v['recipe']}, {v['digits']:,} digits, {v['epochs']} epochs, "
            f"learning rate {v['lr']:g}, seed {v['seed']}."
        )
        return (
            '<div class="admonition note"><p class="admonition-title">Live training panel</p>'
            f"<p>{html.escape(run)}</p>{self._view()}</div>"
        )

    def __repr__(self) -> str:
        return f"TrainingPanel({self._start_values['recipe']!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if in_page():
            return {"text/html": self.page_html()}
        return self.controls.box._repr_mimebundle_(**kwargs)


class _Controls:
    """The widgets of a panel: fields, buttons, progress, words and picture."""

    def __init__(self, values: dict[str, Any]) -> None:
        wide = {"description_width": "9rem"}
        self.recipe = ipywidgets.Dropdown(
            options=AUTOENCODERS, value=values["recipe"], description="recipe", style=wide
        )
        # Fields without bounds: a number out of range is explained, not silently changed.
        self.digits = ipywidgets.IntText(values["digits"], description="digits", style=wide)
        self.lr = ipywidgets.FloatText(values["lr"], description="learning rate", style=wide)
        self.epochs = ipywidgets.IntText(values["epochs"], description="epochs", style=wide)
        self.seed = ipywidgets.IntText(values["seed"], description="seed", style=wide)
        self.start = ipywidgets.Button(description="Start", button_style="primary")
        self.stop = ipywidgets.Button(description="Stop", disabled=True)
        self.progress = ipywidgets.FloatProgress(min=0, max=1)
        self.words = ipywidgets.HTML("Ready.")
        self.error = ipywidgets.HTML()
        self.picture = ipywidgets.HTML()
        self.recipe.observe(self._take_rate, "value")
        fields = [self.recipe, self.digits, self.lr, self.epochs, self.seed]
        self.box = ipywidgets.VBox(
            [
                *fields,
                ipywidgets.HBox([self.start, self.stop, self.progress]),
                self.words,
                self.error,
                self.picture,
            ]
        )
        self.box.add_class("ae-training-panel")

    def _take_rate(self, change: Any) -> None:
        self.lr.value = RECIPES[change["new"]].lr  # a rate belongs to its recipe

    def values(self) -> dict[str, Any]:
        """Return what the fields hold now."""
        names = ("recipe", "digits", "lr", "epochs", "seed")
        return {name: getattr(self, name).value for name in names}

    def running(self, now: bool) -> None:
        """Let only that button be pressed that makes sense."""
        self.start.disabled, self.stop.disabled = now, not now
        if now:
            self.error.value = ""
            self.show("", "Starting", 0.0)

    def show(self, picture: str, words: str, done: float) -> None:
        """Show a picture, where training stands in words, and the share that is done."""
        self.picture.value = picture
        self.words.value = f'<span aria-live="polite">{html.escape(words)}.</span>'
        self.progress.value = done

    def complain(self, message: str) -> None:
        """Show what is wrong."""
        self.error.value = f'<p role="alert"><b>{html.escape(message)}</b></p>'


def _rebuild(model: nn.Module, rows: dict[str, Tensor]) -> Tensor:
    """Return the reconstructions of the shown digits, in evaluation mode."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        x_hat = model(rows["test digits"]).x_hat
    model.train(was_training)
    return x_hat.nan_to_num(0.0)  # of a run that diverged


def _check(values: dict[str, Any]) -> None:
    """Raise an error in words if the numbers of a run are out of range."""
    _validate.count(values["digits"], "digits", least=2)
    _validate.count(values["epochs"], "epochs")
    _validate.seed(values["seed"])
    lr = values["lr"]
    if not (isinstance(lr, int | float) and math.isfinite(lr) and lr > 0):
        raise ValueError(f"learning rate is {lr!r}; expected a number above 0, such as 0.001")
