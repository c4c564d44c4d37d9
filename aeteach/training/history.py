"""What happened in training, and how training may come to an end before its last epoch."""

import dataclasses

from aeteach import _validate


@dataclasses.dataclass
class History:
    """What happened in training, one entry an epoch.

    Attributes:
        train: loss terms by name, averaged over the training images seen in the epoch.
        held_out: the same terms on the held-out images after the epoch; empty without them.
        seconds: wall-clock time of each epoch's training pass, in seconds.
        interrupted: whether training was stopped by Ctrl-C before its last epoch.
    """

    train: list[dict[str, float]] = dataclasses.field(default_factory=list)
    held_out: list[dict[str, float]] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    interrupted: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs are finished."""
        return len(self.train)

    @property
    def best_epoch(self) -> int | None:
        """The epoch, from 1, after which the held-out loss was least; None without held-out images.

        Of equal ones the first.
        """
        if not self.held_out:
            return None
        losses = [row["loss"] for row in self.held_out]
        return losses.index(min(losses)) + 1

    def curve(self, term: str = "loss", *, held_out: bool = False) -> list[float]:
        """Return one term of the loss, epoch by epoch.

        Raises:
            KeyError: there is no such term; names those that there are.
        """
        rows = self.held_out if _validate.flag(held_out, "held_out") else self.train
        known = sorted(rows[0]) if rows else []
        if not isinstance(term, str) or term not in known:
            which = "held-out" if held_out else "training"
            raise KeyError(f"no {which} term {_validate.say(term)} in this history; it has {known}")
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


class InterruptedWarning(UserWarning):
    """Training was stopped by Ctrl-C; the epochs that were finished are returned."""


class CallbackWarning(UserWarning):
    """`on_epoch` changed the model; it was put back, for a callback only looks on."""
