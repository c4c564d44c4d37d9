"""The one training loop of the book, and the record it leaves."""

import dataclasses
import hashlib
import json
import math
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from aeteach import _validate
from aeteach._files import atomic_write
from aeteach.losses import LOSSES

Loss = Callable[..., dict[str, Tensor]]  # (output, x), or (output, x, y) if it is labelled
Optimiser = Callable[..., torch.optim.Optimizer]
Schedule = Callable[[torch.optim.Optimizer, int], torch.optim.lr_scheduler.LRScheduler]


@dataclasses.dataclass
class History:
    """What happened in training, one entry an epoch.

    Attributes:
        train: loss terms by name, averaged over the training images seen in the epoch.
        held_out: the same terms on the held-out images after the epoch; empty without them.
        seconds: wall-clock time of each epoch's training pass, in seconds.
    """

    train: list[dict[str, float]] = dataclasses.field(default_factory=list)
    held_out: list[dict[str, float]] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many epochs are finished."""
        return len(self.train)

    def curve(self, term: str = "loss", *, held_out: bool = False) -> list[float]:
        """Return one term of the loss, epoch by epoch."""
        rows = self.held_out if held_out else self.train
        known = sorted(rows[0]) if rows else []
        if term not in known:
            which = "held-out" if held_out else "training"
            raise KeyError(f"no {which} term {term!r} in this history; it has {known}")
        return [row[term] for row in rows]


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite; `history` holds the epochs that were finished."""

    def __init__(self, terms: dict[str, float], epoch: int, step: int, history: History) -> None:
        bad = ", ".join(f"{name} = {value}" for name, value in terms.items())
        last = f"{history.train[-1]['loss']:.4g}" if history.train else "none finished"
        super().__init__(
            f"training stopped at epoch {epoch}, step {step}: {bad}. "
            f"Loss of the last finished epoch: {last}. "
            "Expected finite numbers. Lower lr, or check the images for NaN and the model for an "
            "exponential or a logarithm without a bound."
        )
        self.history = history


def one_cycle(peak: float | None = None, warm_up: float = 0.3) -> Schedule:
    """Return a schedule that warms up to a peak rate, then anneals to nearly 0.

    Args:
        peak: largest learning rate; by default the `lr` given to `fit`.
        warm_up: share of the steps before the peak, above 0 and below 1.

    Source: Smith and Topin (2018), "Super-convergence".
    """

    def make(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        top = peak if peak is not None else optimiser.param_groups[0]["lr"]
        total = max(steps, 3)
        share = max(warm_up, 2 / total)  # one step up at least, for torch divides by their number
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, top, total_steps=total, pct_start=share
        )

    return make


def cosine() -> Schedule:
    """Return a schedule that lowers the rate from `lr` to 0 along half a cosine."""

    def make(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=max(steps, 1))

    return make


def adam(parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """Return Adam with all of a step in one kernel: up to a third of an epoch less on small models.

    Args:
        parameters: to change.
        lr: learning rate.

    Source: Kingma and Ba (2015).
    """
    return torch.optim.Adam(parameters, lr=lr, fused=True)


SCHEDULES: dict[str, Schedule] = {
    "one_cycle": one_cycle(),
    "early_peak": one_cycle(warm_up=0.1),
    "cosine": cosine(),
}


def fit(
    model: nn.Module,
    images: Tensor,
    *,
    loss: str | Loss = "squared_error",
    epochs: int = 10,
    batch_size: int = 128,
    lr: float = 1e-3,
    seed: int = 0,
    labels: Tensor | None = None,
    held_out: Tensor | None = None,
    held_out_labels: Tensor | None = None,
    optimiser: Optimiser = adam,
    schedule: str | Schedule | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    on_epoch: Callable[[int, History, nn.Module], None] | None = None,
    progress: bool = True,
) -> History:
    """Train a model on images by minimising a loss; the model is changed in place.

    The images move to the model's device once and are batched by index, which on small models is
    faster than a DataLoader. The same seed on the same machine gives the same numbers, whether
    training ran through or was killed and resumed from its checkpoint.

    Args:
        model: has `forward(x) -> Output`; with `labels`, `forward(x, y)`, unless they are for
            the loss.
        images: x, (N, 1, H, W), float32 in [0, 1].
        loss: a name in `aeteach.losses.LOSSES`, or a callable that maps (output, x) to named
            scalar terms, among them "loss"; in nats, summed over pixels, averaged over the batch.
            One whose attribute `labelled` is true is called with (output, x, y). One whose
            attribute `scheduled` is true is also given `passes=`, the passes over the training
            images made before this step, fractions counted.
        epochs: passes over the images, in all (a resumed run counts those already done).
        batch_size: images a step; the last batch of an epoch may be smaller.
        lr: learning rate given to the optimiser.
        seed: fixes the order of the images and every random number drawn inside the model.
        labels: y, (N,) int64, for a conditional model or a labelled loss.
        held_out: images the model is never trained on, measured after each epoch.
        held_out_labels: their labels, where there are `labels`.
        optimiser: Adam by default; any `torch.optim` class, called with (parameters, lr=lr).
        schedule: "one_cycle", "early_peak", "cosine", or a callable from (optimiser, steps in all)
            to a torch scheduler; stepped once a batch.
        checkpoint: file written after each epoch, atomically; if it exists, training resumes.
        on_epoch: called after each epoch with (epoch, history, model).
        progress: show a progress bar with the loss.

    Returns:
        Terms and times of every epoch.

    Raises:
        NonFiniteLossError: a loss is NaN or infinite; finished epochs are in its `history`.
        ValueError: images, labels or numbers out of range, or a checkpoint of another run.
    """
    _check_arguments(images, labels, held_out, held_out_labels, epochs, batch_size, lr)
    criterion = LOSSES[_known("loss", loss, LOSSES)]() if isinstance(loss, str) else loss
    if isinstance(schedule, str):
        schedule = SCHEDULES[_known("schedule", schedule, SCHEDULES)]
    device = next(model.parameters()).device
    x = images.to(device)
    y = labels.to(device) if labels is not None else None
    opt = optimiser(model.parameters(), lr=lr)
    steps = epochs * math.ceil(len(x) / batch_size)
    sched = schedule(opt, steps) if schedule else None
    run = _fingerprint(
        model, images, labels, loss, epochs if sched else None, batch_size, lr, seed, opt, sched
    )
    saved = _Checkpoint(checkpoint, run)

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        history = saved.restore(model, opt, sched)
        bar = tqdm(total=epochs, initial=history.epochs, unit="epoch", disable=not progress)
        for epoch in range(history.epochs + 1, epochs + 1):
            start = time.perf_counter()
            terms = _one_epoch(model, x, y, criterion, batch_size, opt, sched, epoch, history)
            history.seconds.append(time.perf_counter() - start)
            history.train.append(terms)
            if held_out is not None:
                history.held_out.append(
                    evaluate(model, held_out, criterion, labels=held_out_labels, seed=seed)
                )
            saved.write(model, opt, sched, history)
            if on_epoch is not None:
                on_epoch(epoch, history, model)
            bar.set_postfix(loss=f"{terms['loss']:.4g}")
            bar.update()
        bar.close()
    return history


def evaluate(
    model: nn.Module,
    images: Tensor,
    loss: str | Loss = "squared_error",
    *,
    labels: Tensor | None = None,
    batch_size: int = 2000,
    seed: int = 0,
) -> dict[str, float]:
    """Return the loss terms of a model on images, in evaluation mode, averaged over all images.

    Args:
        model: as for `fit`; its training mode is put back afterwards.
        images: (N, 1, H, W), float32 in [0, 1].
        loss: as for `fit`.
        labels: (N,) int64 for a conditional model or a labelled loss.
        batch_size: images at once; changes memory, not the result.
        seed: for models that sample; the global random state is left alone.
    """
    _validate.images(images)
    criterion = LOSSES[_known("loss", loss, LOSSES)]() if isinstance(loss, str) else loss
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    sums: dict[str, float] = {}
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for index in torch.arange(len(images)).split(batch_size):
            x = images[index].to(device)
            y = labels[index].to(device) if labels is not None else None
            for name, value in _terms(model, criterion, x, y).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(index)
    model.train(was_training)
    return {name: total / len(images) for name, total in sums.items()}


def _one_epoch(
    model: nn.Module,
    x: Tensor,
    y: Tensor | None,
    criterion: Loss,
    batch_size: int,
    opt: torch.optim.Optimizer,
    sched: torch.optim.lr_scheduler.LRScheduler | None,
    epoch: int,
    history: History,
) -> dict[str, float]:
    model.train()
    sums: dict[str, Tensor] = {}
    for step, index in enumerate(_batches(len(x), batch_size, x.device), start=1):
        batch = x[index]
        passes = epoch - 1 + (step - 1) * batch_size / len(x)
        terms = _terms(model, criterion, batch, y[index] if y is not None else None, passes)
        if not torch.isfinite(terms["loss"]):
            raise NonFiniteLossError(
                {name: value.item() for name, value in terms.items()}, epoch, step, history
            )
        opt.zero_grad(set_to_none=True)
        terms["loss"].backward()
        opt.step()
        if sched is not None:
            sched.step()
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value.detach().double() * len(index)
    return {name: float(total) / len(x) for name, total in sums.items()}


def _batches(n: int, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    """Yield the indices of one epoch in random order, drawn on the CPU: the same on any device."""
    yield from torch.randperm(n).to(device).split(batch_size)


def _terms(
    model: nn.Module,
    criterion: Loss,
    x: Tensor,
    y: Tensor | None,
    passes: float | None = None,
) -> dict[str, Tensor]:
    """Return the loss terms of a batch; a labelled loss is told y, else a conditional model is.

    In training, a scheduled loss is told how far training has come.
    """
    scheduled = getattr(criterion, "scheduled", False) and passes is not None
    told = {"passes": passes} if scheduled else {}
    if getattr(criterion, "labelled", False):
        if y is None:
            raise ValueError(f"{criterion} compares with labels and there are none: pass labels=")
        return criterion(model(x), x, y, **told)
    return criterion(model(x) if y is None else model(x, y), x, **told)


def _known(what: str, name: str, table: dict[str, Any]) -> str:
    if name not in table:
        raise ValueError(f"no {what} is called {name!r}; known: {', '.join(sorted(table))}")
    return name


def _check_arguments(
    images: Tensor,
    labels: Tensor | None,
    held_out: Tensor | None,
    held_out_labels: Tensor | None,
    epochs: int,
    batch_size: int,
    lr: float,
) -> None:
    _validate.images(images)
    if labels is not None:
        _validate.labels(labels, len(images))
    if held_out is not None:
        _validate.images(held_out, "held_out")
        if held_out_labels is not None:
            _validate.labels(held_out_labels, len(held_out), "held_out_labels")
        elif labels is not None:
            raise ValueError("labels came without held_out_labels; pass both, or no held_out")
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected a whole number, at least 1")
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"lr is {lr!r}; expected a positive number, for Adam usually 1e-4 to 1e-2")


def _fingerprint(
    model: nn.Module, images: Tensor, labels: Tensor | None, loss: str | Loss, *numbers: object
) -> str:
    """Name a run, so that a checkpoint is never resumed by a different one."""
    sample = images[:: max(1, len(images) // 64)].contiguous()
    parts = {
        "model": repr(model),
        "images": [
            list(images.shape),
            hashlib.sha256(sample.numpy(force=True).tobytes()).hexdigest(),
        ],
        "labels": None if labels is None else list(labels.shape),
        "loss": loss if isinstance(loss, str) else repr(loss),
        "numbers": [type(n).__name__ if hasattr(n, "state_dict") else n for n in numbers],
    }
    return json.dumps(parts, sort_keys=True, default=str)


class _Checkpoint:
    """The state of a run in one file that is always whole."""

    def __init__(self, path: str | os.PathLike[str] | None, run: str) -> None:
        self.path = Path(path) if path is not None else None
        self.run = run

    def restore(self, model: nn.Module, opt: Any, sched: Any) -> History:
        """Load the file into the objects and return its history; an empty one without a file."""
        if self.path is None or not self.path.exists():
            return History()
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"the checkpoint {self.path} cannot be read ({error}); delete it to start again"
            ) from error
        if state["run"] != self.run:
            raise ValueError(
                f"the checkpoint {self.path} belongs to another run: it was made with "
                f"{state['run']}, this run is {self.run}. Give another file, or delete it."
            )
        model.load_state_dict(state["model"])
        opt.load_state_dict(state["optimiser"])
        if sched is not None:
            sched.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"])
        if state["rng_cuda"] is not None:
            torch.cuda.set_rng_state(state["rng_cuda"])
        return History(**state["history"])

    def write(self, model: nn.Module, opt: Any, sched: Any, history: History) -> None:
        if self.path is None:
            return
        on_gpu = next(model.parameters()).is_cuda
        state = {
            "run": self.run,
            "model": model.state_dict(),
            "optimiser": opt.state_dict(),
            "schedule": sched.state_dict() if sched is not None else None,
            "rng": torch.get_rng_state(),
            "rng_cuda": torch.cuda.get_rng_state() if on_gpu else None,
            "history": dataclasses.asdict(history),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.path) as partial:
            torch.save(state, partial)
