"""How the learning rate changes in training, and the optimiser that training uses by default."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

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
    if peak is not None and not (_is_number(peak) and 0 < peak < math.inf):
        raise ValueError(f"peak is {peak!r}; expected a rate above 0, or None for fit's lr")
    if not (_is_number(warm_up) and 0 < warm_up < 1):
        raise ValueError(f"warm_up is {warm_up!r}; expected a share of the steps between 0 and 1")

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
        lr: learning rate.

    Source: Kingma and Ba (2015).
    """
    chosen = list(parameters)
    one_kernel = all(p.device.type in ("cpu", "cuda") for p in chosen)
    return torch.optim.Adam(chosen, lr=lr, fused=one_kernel)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


SCHEDULES: dict[str, Schedule] = {
    "one_cycle": one_cycle(),
    "early_peak": one_cycle(warm_up=0.1),
    "cosine": cosine(),
}
