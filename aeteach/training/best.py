"""The weights of the best epoch so far, and when it is time to stop."""

import copy
from typing import Any

from torch import nn

from aeteach._wrapped import load_plain_state, plain_state
from aeteach.training.history import History


class Best:
    """Keeps the weights of the epoch after which the held-out loss was least.

    Args:
        model: that is trained.
        patience: epochs in a row without a smaller held-out loss, after which training ends; None
            keeps nothing and never ends.
    """

    def __init__(self, model: nn.Module, patience: int | None) -> None:
        self.model, self.patience = model, patience
        self.state: dict[str, Any] | None = None  # of the model's own names; None before an epoch

    def look(self, history: History) -> None:
        """Keep the weights, if the epoch that has just ended is the best."""
        if self.patience is not None and history.best_epoch == len(history.held_out):
            self.state = copy.deepcopy(plain_state(self.model))

    def over(self, history: History) -> bool:
        """Tell whether patience is at its end."""
        best = history.best_epoch
        if self.patience is None or best is None:
            return False
        return len(history.held_out) - best >= self.patience

    def put_back(self) -> None:
        """Give the model the weights of the best epoch."""
        if self.state is not None:
            load_plain_state(self.model, self.state)
