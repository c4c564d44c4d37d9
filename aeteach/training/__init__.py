"""The one training loop of the book, and the record it leaves."""

from aeteach.training.checkpoint import CheckpointError
from aeteach.training.contract import Loss
from aeteach.training.history import (
    CallbackWarning,
    History,
    InterruptedWarning,
    NonFiniteLossError,
)
from aeteach.training.loop import OnEpoch, evaluate, fit, interrupts_raise, steps_an_epoch
from aeteach.training.schedules import SCHEDULES, Optimiser, Schedule, adam, cosine, one_cycle

__all__ = [
    "SCHEDULES",
    "CallbackWarning",
    "CheckpointError",
    "History",
    "InterruptedWarning",
    "Loss",
    "NonFiniteLossError",
    "OnEpoch",
    "Optimiser",
    "Schedule",
    "adam",
    "cosine",
    "evaluate",
    "fit",
    "interrupts_raise",
    "one_cycle",
    "steps_an_epoch",
]
