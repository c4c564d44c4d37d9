"""How the learning rate changes in training, and the optimiser that training uses by default."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from aeteach import _validate

Optimiser = Callable[..., Optimizer]
Schedule = Callable[[Optimizer, int], LRScheduler]


def one_cycle(peak: float | None = None, warm_up: float = 0.3) -> Schedule:
    """Return a schedule that warms up to a peak rate, then anneals to nearly 0.

    Args:
        peak: largest learning rate, above 0; by default the `lr` given to `fit`.
        warm_up: share of the steps before the peak, above 0 and below 1.

    Raises:
        TypeError: the peak is an optimiser: `one_cycle` was passed where `one_cycle()` is meant.
        ValueError: a number out of range.

    Source: Smith and Topin (2018), "Super-convergence".
    """
    if isinstance(peak, Optimizer):
        raise TypeError("one_cycle makes a schedule when it is called: pass schedule=one_cycle()")
    if peak is not None:
        peak = _validate.number(peak, "peak", above=0, hint="a rate, or None for fit's lr")
    warm_up = _validate.number(warm_up, "warm_up", above=0, below=1, hint="a share of the steps")

    def make(optimiser: Optimizer, steps: int) -> LRScheduler:
        top = peak if peak is not None else optimiser.param_groups[0]["lr"]
        total = max(steps, 3)
        share = max(warm_up, 2 / total)  # one step up at least, for torch divides by their number
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, top, total_steps=total, pct_start=share
        )

    return make


def cosine() -> Schedule:
    """Return a schedule that lowers the rate from `lr` to 0 along half a cosine."""

    def make(optimiser: Optimizer, steps: int) -> LRScheduler:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=max(steps, 1))

    return make


def adam(parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """Return Adam with all of a step in one kernel: up to a third of an epoch less on small models.

    Args:
        parameters: to change.
        lr: learning rate, above 0.

    Raises:
        TypeError, ValueError: no parameters, or no rate.

    Source: Kingma and Ba (2015).
    """
    chosen = list(_validate.several(parameters, "parameters", "what model.parameters() gives"))
    for p in chosen:
        if not isinstance(p, Tensor):
            raise TypeError(f"one of parameters is {_validate.say(p)}; expected tensors to change")
    lr = _validate.number(lr, "lr", above=0)
    one_kernel = all(p.device.type in ("cpu", "cuda") for p in chosen)
    return torch.optim.Adam(chosen, lr=lr, fused=one_kernel)


SCHEDULES: dict[str, Schedule] = {
    "one_cycle": one_cycle(),
    "early_peak": one_cycle(warm_up=0.1),
    "cosine": cosine(),
}
