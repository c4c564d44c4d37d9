"""The one training loop of the book, and what it measures with."""

import contextlib
import copy
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from aeteach import _validate
from aeteach._exact import own_precision
from aeteach._measure import call, measuring, place_of
from aeteach._modes import modes_kept
from aeteach._progress import bar
from aeteach._random import every_random_state_kept, random_state_kept, seed_all
from aeteach.training import contract
from aeteach.training.best import Best
from aeteach.training.checkpoint import Checkpoint, Run
from aeteach.training.contract import Loss
from aeteach.training.fingerprint import optimiser_settings
from aeteach.training.history import (
    CallbackWarning,
    History,
    InterruptedWarning,
    NonFiniteLossError,
)
from aeteach.training.schedules import Optimiser, Schedule, adam

OnEpoch = Callable[[int, History, nn.Module], None]
_MOST_RATE = 1e30  # a float32 weight and its square hold little more
_raises: ContextVar[bool] = ContextVar("interrupts_raise", default=False)


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
    clip_grad_norm: float | None = None,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    on_epoch: OnEpoch | None = None,
    progress: bool = True,
) -> History:
    """Train a model on images by minimising a loss; the model is changed in place.

    The images move to the model's device and precision once and are batched by index, which on
    small models is faster than a DataLoader. `torch.autocast` is off meanwhile. The same seed on
    the same machine gives the same numbers, whether training ran through or was killed and resumed
    from its checkpoint.

    **Ctrl-C** ends training and returns the epochs that are finished, with a warning and with
    `interrupted` true. With a checkpoint the model is put back to the last of them, and the same
    call goes on from there; without one it is left as the last step made it. An *exception*, from
    the loss or from `on_epoch`, is raised with the finished epochs in its attribute `history`.

    **A checkpoint** is resumed by the same run only: one with the same images, labels, loss,
    optimiser, schedule, numbers and first weights. A function is compared by its code and by what
    it refers to, so a loss of one's own resumes in a new process too. More epochs go on from it,
    unless the schedule is laid out over all of them. A model that `torch.compile` or
    `nn.DataParallel` has wrapped is the same model: either resumes the other's run.

    Args:
        model: has `forward(x) -> Output`; with `labels`, `forward(x, y)`, unless they are for
            the loss. It is left in training mode.
        images: x, float32: images (N, C, H, W) or features (N, F), finite; in [0, 1] where the
            model or the loss asks for it, as a sigmoid and a Bernoulli likelihood do. Arrays, grey
            levels 0 to 255 and tables go through `aeteach.data.examples` first.
        loss: a name in `aeteach.losses.LOSSES`, or a callable that maps (output, x) to named
            scalar terms, among them "loss"; in nats, summed over pixels, averaged over the batch.
            One whose attribute `labelled` is true is called with (output, x, y). One whose
            attribute `scheduled` is true is also given `passes=`, the passes over the training
            images made before this step, fractions counted. One that compares the images of a
            batch says in `least_batch` how many it needs.
        epochs: passes over the images, in all (a resumed run counts those already done).
        batch_size: images a step; the last batch of an epoch may be smaller. A single image that
            is left over joins the batch before it, for a batch of one has no statistics.
        lr: learning rate given to the optimiser.
        seed: fixes the order of the images and every random number drawn inside the model, from 0.
        labels: y, (N,) int64, for a conditional model or a labelled loss.
        held_out: images of the same shape, never trained on, measured after each epoch.
        held_out_labels: their labels, where there are `labels`.
        optimiser: Adam by default; any `torch.optim` class but LBFGS, called with
            (parameters, lr=lr).
        schedule: "one_cycle", "early_peak", "cosine", or a callable from (optimiser, steps in all)
            to a torch scheduler; stepped once a batch. ReduceLROnPlateau is stepped once an epoch,
            with the held-out loss.
        clip_grad_norm: the largest norm of all gradients of a step together; a longer one is
            shortened to it, as `torch.nn.utils.clip_grad_norm_` does. None: no limit.
        patience: **early stopping**: training ends when the held-out loss has not become smaller
            for so many epochs in a row, or after `epochs`; either way the model then has the
            weights of its best epoch, `History.best_epoch`. None: all epochs, the last weights.
        checkpoint: file written after each epoch, atomically; if it exists, training resumes. What
            is no checkpoint of this run is refused and left as it is.
        on_epoch: called after each epoch with (epoch, history, model), to look on: random numbers
            drawn there, modes set there and what is done to the history have no effect on training.
            Weights changed there are put back, with a warning.
        progress: show a progress bar with the loss.

    Returns:
        Terms and times of every epoch.

    Raises:
        NonFiniteLossError: a loss is NaN or infinite; finished epochs are in its `history`.
        CheckpointError: a ValueError; the checkpoint is damaged, of another run, or holds more
            epochs than asked for.
        TypeError, ValueError: images, labels, numbers, model, loss, optimiser or schedule are not
            as described.
        OSError: the checkpoint cannot be written; names the file and the disk.

    Warns:
        InterruptedWarning: training was stopped by Ctrl-C.
        CallbackWarning: `on_epoch` changed the model.
    """
    contract.check_trainable(_validate.model(model))
    criterion = contract.make_loss(loss)
    labelled = _is_labelled(criterion)
    contract.check_loss_parameters(criterion, model)
    contract.check_examples(images, model)
    contract.check_likelihood(model, criterion)
    epochs = _validate.count(epochs, "epochs")
    batch_size = _validate.count(batch_size, "batch_size")
    lr = _validate.number(lr, "lr", above=0, most=_MOST_RATE, hint="for Adam usually 1e-4 to 1e-2")
    seed, progress = _validate.seed(seed), _validate.flag(progress, "progress")
    if clip_grad_norm is not None:
        clip_grad_norm = _validate.number(
            clip_grad_norm, "clip_grad_norm", above=0, hint="often 1 to 10; None for no limit"
        )
    if patience is not None:
        patience = _validate.count(patience, "patience")
    if checkpoint is not None:
        checkpoint = _validate.path(checkpoint, "checkpoint")
    if on_epoch is not None:
        _validate.function(on_epoch, "on_epoch", "a function (epoch, history, model)")
    _check_labels(labels, images, held_out, held_out_labels, criterion, model)
    contract.check_batch(criterion, len(images), batch_size)
    contract.check_forward(model, labels is not None and not labelled)

    opt = contract.make_optimiser(optimiser, model, lr)
    settings = optimiser_settings(opt)
    sched = contract.make_schedule(schedule, opt, epochs * steps_an_epoch(len(images), batch_size))
    if held_out is None and (patience is not None or isinstance(sched, ReduceLROnPlateau)):
        waits = "patience" if patience is not None else "ReduceLROnPlateau"
        raise ValueError(
            f"{waits} watches the loss on images that are not trained on: pass held_out="
        )
    best = Best(model, patience)
    saved = None
    if checkpoint is not None:
        parts = {
            **{"images": images, "labels": labels, "loss": criterion},
            **{"held_out": held_out, "held_out_labels": held_out_labels},
            **{"batch_size": batch_size, "lr": lr, "seed": seed},
            **{"clip_grad_norm": clip_grad_norm, "patience": patience},
        }
        saved = Checkpoint(checkpoint, Run(model, opt, sched, settings, epochs, parts, best))

    training = _Training(model, images, labels, criterion, batch_size, opt, sched, clip_grad_norm)
    with own_precision(), torch.enable_grad(), every_random_state_kept(training.device):
        seed_all(seed, training.device)
        history = saved.begin() if saved else History()
        with bar(progress, total=epochs, initial=history.epochs, unit="epoch") as shown:
            try:
                for epoch in range(history.epochs + 1, epochs + 1):
                    if best.over(history):
                        break
                    seconds, terms = training.epoch(epoch, history)
                    if held_out is not None:
                        history.held_out.append(
                            evaluate(model, held_out, criterion, labels=held_out_labels, seed=seed)
                        )
                        best.look(history)
                    if isinstance(sched, ReduceLROnPlateau):
                        sched.step(history.held_out[-1]["loss"])
                    history.seconds.append(seconds)
                    history.train.append(terms)  # last, for it counts the finished epochs
                    if saved:
                        saved.write(history)
                    if on_epoch is not None:
                        _look_on(on_epoch, epoch, history, model, training.device)
                    shown.set_postfix(loss=f"{terms['loss']:.4g}")
                    shown.update()
            except KeyboardInterrupt:
                if _raises.get():
                    raise
                return _interrupted(history, epochs, saved)
            except Exception as error:
                with contextlib.suppress(AttributeError):
                    error.history = _whole(history)  # type: ignore[attr-defined]
                raise
        best.put_back()
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

    A loss that adds up over images comes out the same whatever the batch size. One that looks at
    a batch as a whole does not: the MMD of a batch, and free bits, which are granted to the mean of
    a batch. Nor does a model that draws: with other batches it draws other numbers. Compare such
    results at one batch size only.

    Args:
        model: as for `fit`, or one without parameters that was fitted, such as a PCA; its parts'
            training modes are put back afterwards, whatever happens.
        images: as for `fit`.
        loss: as for `fit`.
        labels: (N,) int64 for a conditional model or a labelled loss.
        batch_size: images at once; a single one that is left over joins the batch before it.
        seed: for models that sample, from 0; the global random state is left alone.

    Raises:
        TypeError, ValueError: as for `fit`.
    """
    _validate.model(model)
    contract.check_examples(images, model)
    criterion = contract.make_loss(loss)
    contract.check_likelihood(model, criterion)
    batch_size = _validate.count(batch_size, "batch_size")
    seed = _validate.seed(seed)
    if labels is not None:
        contract.check_labels(labels, len(images), model)
    contract.check_batch(criterion, len(images), batch_size)
    contract.check_forward(model, labels is not None and not _is_labelled(criterion))
    sums: dict[str, float] = {}
    with measuring(model, seed) as (device, dtype):
        for index in _split(torch.arange(len(images), device=images.device), batch_size):
            x = images[index].to(device, dtype)
            y = labels[index].to(device) if labels is not None else None
            terms = _terms(model, criterion, x, y)
            if bool(terms["loss"].isnan()):
                raise ValueError(f"the loss is NaN on some of the images: {criterion} gave it")
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(index)
    return {name: total / len(images) for name, total in sums.items()}


@contextlib.contextmanager
def interrupts_raise() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in `fit`, for a block that must not go on half-trained.

    Whoever writes a table or a card after training needs this.
    """
    token = _raises.set(True)
    try:
        yield
    finally:
        _raises.reset(token)


def steps_an_epoch(images: int, batch_size: int) -> int:
    """Return how many steps `fit` makes in one pass over so many images.

    Args:
        images: their number.
        batch_size: as given to `fit`.

    Raises:
        TypeError, ValueError: no whole numbers from 1.
    """
    images, batch_size = (
        _validate.count(images, "images"),
        _validate.count(batch_size, "batch_size"),
    )
    alone = images % batch_size == 1 and batch_size > 1 and images > 1
    return math.ceil(images / batch_size) - alone


class _Training:
    """Model, data and optimiser of one run, and how they make one epoch."""

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor | None,
        criterion: Loss,
        batch_size: int,
        opt: Optimizer,
        sched: LRScheduler | None,
        clip_grad_norm: float | None,
    ) -> None:
        self.model, self.criterion, self.batch_size = model, criterion, batch_size
        self.opt, self.clip_grad_norm = opt, clip_grad_norm
        self.sched = None if isinstance(sched, ReduceLROnPlateau) else sched  # once an epoch
        self.device, dtype = place_of(model)
        self.x = images.to(self.device, dtype)
        self.y = labels.to(self.device) if labels is not None else None

    def epoch(self, epoch: int, history: History) -> tuple[float, dict[str, float]]:
        """Make one pass over the images; return its seconds and its mean terms."""
        start = time.perf_counter()
        self.model.train()
        sums: dict[str, float] = {}
        for step, index in enumerate(self._batches(), start=1):
            terms = self._terms(index, epoch, step)
            if sums and terms.keys() != sums.keys():
                raise ValueError(
                    f"the loss returned {sorted(terms)} in step {step} of epoch {epoch}, and "
                    f"{sorted(sums)} before; expected the same terms in every step"
                )
            # Read here, once a step, where a GPU has to be waited for in any case.
            numbers = {name: value.item() for name, value in terms.items()}
            if not math.isfinite(numbers["loss"]):
                raise NonFiniteLossError(numbers, epoch, step, history)
            contract.check_gradient(terms["loss"])
            self.opt.zero_grad(set_to_none=True)
            terms["loss"].backward()
            if self.clip_grad_norm is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_grad_norm)
            self.opt.step()
            if self.sched is not None:
                self.sched.step()
            for name, number in numbers.items():
                sums[name] = sums.get(name, 0.0) + number * len(index)
        means = {name: total / len(self.x) for name, total in sums.items()}
        return time.perf_counter() - start, means

    def _batches(self) -> Iterator[Tensor]:
        """Yield the indices of an epoch in random order, drawn on the CPU: alike on any device."""
        order = torch.randperm(len(self.x), device="cpu")
        yield from _split(order.to(self.device), self.batch_size)

    def _images(self, index: Tensor) -> Tensor:
        """Return a batch; whole rows are copied in a quarter of the time that indexing takes."""
        return self.x.index_select(0, index) if self.x.is_contiguous() else self.x[index]

    def _terms(self, index: Tensor, epoch: int, step: int) -> dict[str, Tensor]:
        passes = epoch - 1 + (step - 1) * self.batch_size / len(self.x)
        y = self.y[index] if self.y is not None else None
        try:
            return _terms(self.model, self.criterion, self._images(index), y, passes)
        except ValueError as error:
            if len(index) == 1 and "more than 1 value per channel" in str(error):
                raise ValueError(
                    "a batch of one image has no statistics for batch normalisation: train with "
                    f"2 images at least and a batch_size from 2, there are {len(self.x)} and "
                    f"{self.batch_size}"
                ) from error
            raise


def _split(index: Tensor, batch_size: int) -> list[Tensor]:
    """Return the batches of an epoch; a single image at the end joins the batch before it."""
    batches = list(index.split(batch_size))
    if len(batches) != steps_an_epoch(len(index), batch_size):
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


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
    if _is_labelled(criterion):
        if y is None:
            raise ValueError(f"{criterion} compares with labels and there are none: pass labels=")
        terms = criterion(_output(model, images=x), x, y, **told)
    else:
        labels = {} if y is None else {"labels": y}
        terms = criterion(_output(model, images=x, **labels), x, **told)
    return contract.check_terms(terms)


def _output(model: nn.Module, **inputs: Tensor) -> object:
    """Return what a model makes; NaN is refused where it measures, and named by `fit` in training.

    Where it learns, the step in which NaN began says more.
    """
    output = call(model, "forward", **inputs)
    if not torch.is_grad_enabled():
        for part in output if isinstance(output, tuple) else (output,):
            if isinstance(part, Tensor) and part.is_floating_point():
                _validate.made(part, "forward(images)")
    return output


def _is_labelled(criterion: Loss) -> bool:
    return bool(getattr(criterion, "labelled", False))


def _look_on(
    on_epoch: OnEpoch, epoch: int, history: History, model: nn.Module, device: torch.device
) -> None:
    """Call the user's function so that training goes on as if it had not been called."""
    weights = {name: tensor.clone() for name, tensor in _tensors(model).items()}
    trained = {name: p.requires_grad for name, p in model.named_parameters()}
    with torch.enable_grad(), random_state_kept(device), modes_kept(model):
        on_epoch(epoch, copy.deepcopy(history), model)
    changed = [n for n, tensor in _tensors(model).items() if not _same(tensor, weights[n])]
    changed += [n for n, p in model.named_parameters() if p.requires_grad != trained[n]]
    if changed:
        with torch.no_grad():
            for name, tensor in _tensors(model).items():
                tensor.copy_(weights[name])
        for name, p in model.named_parameters():
            p.requires_grad_(trained[name])
        warnings.warn(
            f"on_epoch changed the model ({', '.join(changed[:3])}"
            f"{' and more' if len(changed) > 3 else ''}), which was put back: it may look, and "
            "what changes the model belongs into the model, the loss or the optimiser",
            CallbackWarning,
            stacklevel=3,
        )


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters()) | dict(model.named_buffers())


def _same(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors hold the same values, NaN being the same as NaN."""
    return torch.equal(a, b) or (
        a.is_floating_point() and torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)
    )


def _whole(history: History) -> History:
    """Take off what an unfinished epoch has left behind, and return the history."""
    del history.seconds[history.epochs :], history.held_out[history.epochs :]
    return history


def _interrupted(history: History, epochs: int, saved: Checkpoint | None) -> History:
    """Return the finished epochs of a run that was stopped, and say where it stands."""
    if saved:
        history = saved.back()
        state = f"The model is as it was after them; the same call goes on from {saved.path}."
    else:
        state = "The model is as the last step left it."
    warnings.warn(
        f"training was interrupted: {history.epochs} of {epochs} epochs are finished. {state}",
        InterruptedWarning,
        stacklevel=3,
    )
    history = _whole(history)
    history.interrupted = True
    return history


def _check_labels(
    labels: Tensor | None,
    images: Tensor,
    held_out: Tensor | None,
    held_out_labels: Tensor | None,
    criterion: Loss,
    model: nn.Module,
) -> None:
    """Refuse labels and held-out images that do not go with the images, or with each other."""
    if labels is not None:
        contract.check_labels(labels, len(images), model)
    elif _is_labelled(criterion):
        raise ValueError(f"{criterion} compares with labels and there are none: pass labels=")
    if held_out is None:
        if held_out_labels is not None:
            raise ValueError("held_out_labels came without held_out: pass both or neither")
        return
    contract.check_examples(held_out, model, "held_out")
    if held_out.shape[1:] != images.shape[1:]:
        skip = (
            2 if held_out.ndim == images.ndim == 4 and held_out.shape[1] == images.shape[1] else 1
        )
        raise ValueError(
            f"held_out has images of {tuple(held_out.shape[skip:])} pixels, and images of "
            f"{tuple(images.shape[skip:])}; expected the same size"
        )
    if (labels is None) != (held_out_labels is None):
        came, missing = ("held_out_labels", "labels")[:: 1 if labels is None else -1]
        raise ValueError(f"{came} came without {missing}; pass both, or no held_out")
    if held_out_labels is not None:
        contract.check_labels(held_out_labels, len(held_out), model, "held_out_labels")
    contract.check_batch(criterion, len(held_out), len(held_out))
