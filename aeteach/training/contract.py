"""What `fit` and `evaluate` ask of a model, a loss, an optimiser and a schedule.

Each check says what came, what was expected and what to do.
"""

import inspect
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from aeteach import _validate
from aeteach._wrapped import unwrapped
from aeteach.likelihoods import LIKELIHOODS, NLL
from aeteach.losses import LOSSES, BernoulliLoss
from aeteach.training.schedules import SCHEDULES, Optimiser, Schedule

_FROM_X_HAT = ("bernoulli", "gaussian")  # read from x_hat, which the loss wants in [0, 1]
Loss = Callable[..., dict[str, Tensor]]  # (output, x), or (output, x, y) if it is labelled


def check_trainable(model: nn.Module) -> None:
    """Refuse a model that no training can change.

    Raises:
        ValueError: it has no parameters, or all are frozen.
    """
    name = type(model).__name__
    parameters = list(model.parameters())
    if not parameters:
        hint = f": {name} is fitted by its own method, model.fit(images)"
        raise ValueError(
            f"the model, a {name}, has no parameters that training could change"
            f"{hint if hasattr(model, 'fit') else ''}"
        )
    if not any(p.requires_grad for p in parameters):
        raise ValueError(
            f"all {len(parameters)} parameters of the model are frozen (requires_grad is False); "
            "expected at least one to change: p.requires_grad_() thaws one"
        )


def check_forward(model: nn.Module, tells_label: bool) -> None:
    """Refuse labels for a model whose forward takes none, and a model that needs more than x.

    Raises:
        TypeError: the arguments do not fit.
    """
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):  # a compiled one has none
        return
    try:
        signature.bind(*range(1 + tells_label))
    except TypeError as error:
        name = type(model).__name__
        raise TypeError(
            f"labels came and {name}.forward{signature} takes none: leave labels out, or use a "
            "conditional model or a loss with `labelled = True`"
            if tells_label
            else f"{name}.forward{signature} cannot be called with images alone: {error}"
        ) from error


def make_loss(loss: object) -> Loss:
    """Return a loss to be called: by its name, or as it came.

    Raises:
        ValueError: no loss has that name.
        TypeError: a class, or nothing that can be called.
    """
    if isinstance(loss, str):
        return LOSSES[_validate.choice(loss, "loss", sorted(LOSSES), "one of the losses")]()
    known = f"or one of the names {', '.join(sorted(LOSSES))}"
    return _validate.function(loss, "loss", f"a function (output, x) -> terms, {known}")  # type: ignore[return-value]


def check_examples(images: Tensor, model: nn.Module, name: str = "images") -> None:
    """Refuse data that is no batch of examples, or that a model's likelihood cannot have made.

    A loss that asks for a range checks it itself, in each batch.

    Raises:
        TypeError, ValueError: another type or shape, NaN, or outside [0, 1] for such a model.
    """
    _validate.examples(images, name)
    if getattr(unwrapped(model), "unit", False):
        _validate.unit(images, name, f"as the model, a {type(model).__name__}, makes them")


def check_likelihood(model: nn.Module, criterion: Loss) -> None:
    """Refuse a loss that would read the decoder's numbers as those of another likelihood.

    Raises:
        ValueError: the two do not go together.
    """
    default = "bernoulli" if isinstance(criterion, BernoulliLoss) else None
    asks = getattr(criterion, "reconstruction", default)
    check_reading(model, asks, "the loss", "or the loss with reconstruction={}")


def check_reading(model: nn.Module, asks: str | None, who: str, remedy: str = "") -> None:
    """Refuse to read a decoder's numbers as those of another likelihood than the model's.

    Args:
        model: says in `likelihood` what its decoder makes; one that does not is not asked.
        asks: the likelihood that they are read as; one that is measured on x_hat may be any.
        who: reads them.
        remedy: what else to do, with {} for the model's likelihood.

    Raises:
        ValueError: the two do not go together.
    """
    has = getattr(unwrapped(model), "likelihood", None)
    raw = (*NLL, "bernoulli")
    if asks in raw and has in LIKELIHOODS and asks != has and (asks, has) != _FROM_X_HAT:
        or_else = f", {remedy.format(repr(has))}" if remedy else ""
        raise ValueError(
            f"{who} reads the decoder's output as {asks!r}, and the model makes {has!r}: make the "
            f"model with likelihood={asks!r}{or_else}"
        )


def check_loss_parameters(criterion: Loss, model: nn.Module) -> None:
    """Refuse a loss that has parameters of its own, for nothing would train them.

    Raises:
        ValueError: it has parameters with a gradient that are not the model's.
    """
    if not isinstance(criterion, nn.Module):
        return
    own = {id(p) for p in model.parameters()}
    lost = [n for n, p in criterion.named_parameters() if p.requires_grad and id(p) not in own]
    if lost:
        raise ValueError(
            f"the loss has parameters that training would not change: {', '.join(lost)}. Make them "
            "part of the model, or freeze them with loss.requires_grad_(False)"
        )


def check_batch(criterion: Loss, n: int, batch_size: int) -> None:
    """Refuse batches with fewer images than a loss needs, as `least_batch` of the loss says.

    Raises:
        ValueError: too few images, or too small a batch_size.
    """
    least = getattr(criterion, "least_batch", 1)
    if n < least:
        raise ValueError(f"{criterion} needs {least} images at least, there are {n}: pass more")
    if batch_size < least:
        raise ValueError(f"{criterion} needs batch_size={least} at least, got {batch_size}")


def check_labels(labels: Tensor, n: int, model: nn.Module, name: str = "labels") -> None:
    """Refuse labels that are none, or that name no class of a conditional model.

    Raises:
        TypeError, ValueError: another type, shape, length or range.
    """
    classes = getattr(model, "classes", 0)
    known_classes = isinstance(classes, int) and classes > 0
    _validate.labels(labels, n, name, classes if known_classes else _validate.MAX_CLASSES)


def check_terms(terms: object) -> dict[str, Tensor]:
    """Return what a loss returned if it is named scalar terms, among them "loss".

    Raises:
        TypeError: no dict of numbers.
        ValueError: no "loss", or a term that is not one number.
    """
    if isinstance(terms, Tensor):
        raise TypeError(
            "the loss returned a tensor; expected named terms: return {'loss': value}, and any "
            "others to be recorded"
        )
    if not isinstance(terms, Mapping):
        raise TypeError(f"the loss returned {type(terms).__name__}; expected a dict of terms")
    if "loss" not in terms:
        raise ValueError(
            f'the loss returned the terms {sorted(map(str, terms))}; expected "loss" among them, '
            "the total to be minimised"
        )
    return {name: _scalar(name, value) for name, value in terms.items()}


def check_gradient(loss: Tensor) -> None:
    """Refuse a loss that no parameter can lower.

    Raises:
        ValueError: it has no gradient.
    """
    if not loss.requires_grad:
        raise ValueError(
            'the term "loss" has no gradient: it does not depend on the parameters that are '
            "trained. Look for .detach(), .item() or torch.no_grad() in the loss or the model"
        )


def make_optimiser(optimiser: Optimiser, model: nn.Module, lr: float) -> Optimizer:
    """Return the optimiser of a model's parameters.

    Raises:
        TypeError: no torch.optim class and no function that returns an optimiser.
        ValueError: LBFGS, whose step wants the loss several times.
    """
    if not callable(optimiser):
        raise TypeError(
            f"optimiser must be a class such as torch.optim.SGD, or a function (parameters, lr=lr) "
            f"that makes one, got {type(optimiser).__name__}"
        )
    try:
        made = optimiser(model.parameters(), lr=lr)
    except Exception as error:
        raise ValueError(
            f"optimiser is {_validate.say(optimiser)}, which could not be made of (parameters, "
            f"lr={lr!r}): {error}"
        ) from error
    if not isinstance(made, Optimizer):
        raise TypeError(f"optimiser returned {type(made).__name__}; expected a torch optimiser")
    if isinstance(made, LBFGS):
        raise ValueError(
            "LBFGS wants the loss several times a step, and fit gives it once: use Adam"
        )
    return made


def make_schedule(
    schedule: str | Schedule | None, optimiser: Optimizer, steps: int
) -> LRScheduler | None:
    """Return the scheduler of an optimiser, stepped once a batch; None for a constant rate.

    One that waits for a measured loss, as ReduceLROnPlateau does, is stepped once an epoch.

    Raises:
        ValueError: no schedule has that name.
        TypeError: not a function (optimiser, steps) that returns a torch scheduler.
    """
    if schedule is None:
        return None
    if isinstance(schedule, str):
        known = sorted(SCHEDULES)
        schedule = SCHEDULES[_validate.choice(schedule, "schedule", known, "one of the schedules")]
    if not callable(schedule):
        raise TypeError(
            "schedule must be a name or a function (optimiser, steps) that returns a torch "
            f"scheduler, got {type(schedule).__name__}"
        )
    try:
        made = schedule(optimiser, steps)
    except Exception as error:
        raise ValueError(
            f"schedule is {_validate.say(schedule)}, which could not be made of (optimiser, "
            f"steps={steps}): {error}"
        ) from error
    if not isinstance(made, LRScheduler):
        raise TypeError(f"schedule returned {type(made).__name__}; expected a torch scheduler")
    return made


def _scalar(name: object, value: object) -> Tensor:
    if not isinstance(name, str):
        raise TypeError(f"a term of the loss is called {name!r}; expected a name, a str")
    if isinstance(value, int | float) and name != "loss":
        return torch.as_tensor(value)  # something to be recorded only
    if not isinstance(value, Tensor):
        raise TypeError(f"the term {name!r} is {type(value).__name__}; expected a scalar tensor")
    if value.ndim:
        raise ValueError(
            f"the term {name!r} has shape {tuple(value.shape)}; expected one number: sum over "
            "pixels, then .mean() over the batch"
        )
    return value
