"""The state of a run in one file that is always whole, and that no other run resumes."""

import hashlib
import io
import json
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from aeteach._files import check_writable, make_folder, write_whole
from aeteach._random import random_state, set_random_state
from aeteach._wrapped import load_plain_state, plain_parameters, plain_state
from aeteach.training.best import Best
from aeteach.training.fingerprint import (
    Description,
    describe,
    differences,
    names_of,
    optimiser_settings,
    state_hash,
    structure,
)
from aeteach.training.history import History

FORMAT = 2  # raised when files of before can no longer be resumed
_FIRST = b"aeteach checkpoint "  # then the format; the second line is the checksum of the rest
_NAMED = 3  # differences that a message names
_ELSEWHERE = "Give another checkpoint= path; this file is left as it is."


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; says which file, why, and what to do."""


class Run:
    """A run: the objects whose state is kept, and a description of all that makes it this run.

    Args:
        model: as it is before the run, or as the run's checkpoint has it.
        opt: the optimiser, with its schedule if there is one.
        sched: the schedule.
        settings: of the optimiser, before the schedule set rates in it.
        epochs: passes in all. They make no other run, unless a schedule is laid out over them, and
            then it says so itself.
        parts: what else decides the numbers, by name: the images, the loss and so on.
        best: keeps the weights of the best epoch.
    """

    def __init__(
        self,
        model: nn.Module,
        opt: Optimizer,
        sched: LRScheduler | None,
        settings: dict[str, Description],
        epochs: int,
        parts: Mapping[str, object],
        best: Best,
    ) -> None:
        self.model, self.opt, self.sched, self.epochs = model, opt, sched, epochs
        self.best = best
        known = names_of(model) | {id(opt): "the optimiser"}
        first = next(model.parameters())
        self.device = first.device
        schedule = None
        if sched is not None:
            rates = {n: v for n, v in optimiser_settings(opt).items() if settings.get(n) != v}
            schedule = describe(sched, known) | {"rates": rates}
        description = {
            "model": structure(model),
            "frozen": [n for n, p in plain_parameters(model).items() if not p.requires_grad],
            "optimiser": settings,
            "schedule": schedule,
            "dtype": str(first.dtype),
            "device": self.device.type,
            **{name: describe(part, known) for name, part in parts.items()},
        }
        self.parts: dict[str, Description] = json.loads(json.dumps(description))
        self.begun_with = state_hash(plain_state(model))

    def state(self, history: History) -> dict[str, Any]:
        """Return all that it takes to go on after the last epoch of a history."""
        return {
            "parts": json.dumps(self.parts),
            "epochs": self.epochs,
            "begun_with": self.begun_with,
            "model": plain_state(self.model),
            "best": self.best.state,
            "optimiser": self.opt.state_dict(),
            "schedule": self.sched.state_dict() if self.sched is not None else None,
            "random": random_state(self.device),
            "history": {n: getattr(history, n) for n in ("train", "held_out", "seconds")},
        }

    def restore(self, state: dict[str, Any]) -> History:
        """Load a state into the model, the optimiser and all else; return its history."""
        self.begun_with = state["begun_with"]
        load_plain_state(self.model, state["model"])
        self.best.state = state.get("best")  # a file of before has none, and no patience
        self.opt.load_state_dict(state["optimiser"])
        if self.sched is not None:
            self.sched.load_state_dict(state["schedule"])
        set_random_state(self.device, state["random"])
        return History(**state["history"])

    def differs(self, state: dict[str, Any]) -> list[str]:
        """Return in what the run that left a state was another, in words."""
        there = json.loads(state["parts"])
        names = sorted(there.keys() | self.parts.keys())
        # What a reader asks for first comes first; a schedule follows from other things.
        names.sort(key=lambda name: (name == "schedule", name == "optimiser"))
        found = [words for n in names for words in differences(there.get(n), self.parts.get(n), n)]
        if there.get("schedule") != self.parts["schedule"] and state["epochs"] != self.epochs:
            epochs = f"epochs: {state['epochs']} there, {self.epochs} here, and the schedule "
            found.insert(0, epochs + "is laid out over them")
        known = [state_hash(state[n]) for n in ("model", "best") if state.get(n) is not None]
        if self.begun_with not in (state["begun_with"], *known):
            found.append("the model's first weights: other values, as with another seed")
        return found


class Checkpoint:
    """The file of a run, which is written after each epoch.

    Args:
        path: of the file.
        run: what is kept in it.
    """

    def __init__(self, path: str | os.PathLike[str], run: Run) -> None:
        self.path, self.run = Path(path), run
        self._latest = b""
        self._proven = False

    def begin(self) -> History:
        """Put the run where the file left it and return its history; an empty one without a file.

        Raises:
            CheckpointError: the file cannot be read, is another run's, or holds more epochs.
            OSError: there is no file, and none can be written.
        """
        data = _read(self.path)
        if data is None:
            make_folder(self.path.parent)
            check_writable(self.path)
            self._latest = self._packed(History())
            return History()
        state = _unpacked(data, self.path)
        self._check(state)
        self._latest = data
        return self.run.restore(state)

    def write(self, history: History) -> None:
        """Write the state after an epoch.

        Raises:
            CheckpointError: a part of it cannot be stored.
            OSError: the file cannot be written; the one of before is unchanged.
        """
        self._latest = self._packed(history)
        write_whole(self.path, self._latest)

    def back(self) -> History:
        """Put the run back to the end of its last epoch that is in the file."""
        return self.run.restore(_unpacked(self._latest, self.path))

    def _check(self, state: dict[str, Any]) -> None:
        found = self.run.differs(state)
        if found:
            more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            raise CheckpointError(
                f"the checkpoint {self.path} belongs to another run, which differs in "
                f"{'; '.join(found[:_NAMED])}{more}.\n{_ELSEWHERE}"
            )
        done = len(state["history"]["train"])
        if done > self.run.epochs:
            raise CheckpointError(
                f"the checkpoint {self.path} holds {done} finished epochs, and {self.run.epochs} "
                f"were asked for.\nAsk for {done} or more, or give another checkpoint= path; this "
                "file is left as it is."
            )

    def _packed(self, history: History) -> bytes:
        """Return the file's content; at the first time, make sure that it can be read again."""
        inside = io.BytesIO()
        try:
            torch.save(self.run.state(history), inside)
            data = _with_checksum(inside.getvalue())
            if not self._proven:
                _unpacked(data, self.path)
                self._proven = True
        except (pickle.PicklingError, TypeError, AttributeError, CheckpointError) as error:
            raise CheckpointError(
                f"the checkpoint {self.path} cannot be written, for a part of the run's state "
                f"cannot be stored ({error}).\nTrain without checkpoint=, or with an optimiser, a "
                "schedule and a model whose state_dict() holds numbers and tensors alone."
            ) from error
        return data


def _read(path: Path) -> bytes | None:
    """Return the bytes of a file; None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise CheckpointError(
            f"the checkpoint {path} is a folder; expected the path of a file, such as "
            f"{path / 'run.ckpt'}. The folder is left as it is."
        ) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({reason}).\n{_ELSEWHERE}"
        ) from error


def _with_checksum(inside: bytes) -> bytes:
    checksum = hashlib.sha256(inside).hexdigest().encode()
    return b"%s%d\n%s\n%s" % (_FIRST, FORMAT, checksum, inside)


def _unpacked(data: bytes, path: Path) -> dict[str, Any]:
    """Return the state in a file's content, if it is whole and in the present format."""
    first, checksum, inside = [*data.split(b"\n", 2), b"", b""][:3]
    if not first.startswith(_FIRST):
        older = data.startswith(b"PK")  # the zip file of torch.save
        what = ", or by a version before checksums were kept" if older else ""
        raise CheckpointError(f"{path} was not written as a checkpoint{what}.\n{_ELSEWHERE}")
    if first != b"%s%d" % (_FIRST, FORMAT):
        number = first.removeprefix(_FIRST)[:20].decode(errors="replace")
        raise CheckpointError(
            f"the checkpoint {path} has format {number}, and this version of aeteach reads "
            f"{FORMAT}: resume it with the version that wrote it.\n{_ELSEWHERE}"
        )
    if hashlib.sha256(inside).hexdigest().encode() != checksum:
        raise CheckpointError(
            f"the checkpoint {path} is damaged: its content has another checksum than it was "
            f"written with.\n{_ELSEWHERE}"
        )
    try:
        return torch.load(io.BytesIO(inside), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(
            f"the checkpoint {path} cannot be read ({error}).\n{_ELSEWHERE}"
        ) from error
