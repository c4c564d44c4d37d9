"""What a reader has solved, chapter after chapter: one small file in the user's own data folder.

An exercise that was right once stays right. The file is replaced whole, under a lock, so two
processes lose nothing and a full disk leaves it as it was. A file that is not ours is refused, and
never overwritten.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aeteach import checks
from aeteach._files import make_folder, write_whole

ENVIRONMENT = "AETEACH_PROGRESS"
WAIT = 10.0  # seconds for another process that is writing


class ProgressError(OSError):
    """The file cannot be read or written; the message names it and says what to do."""


def file() -> Path:
    """Return where progress is kept: the file that AETEACH_PROGRESS names, else the user's own."""
    chosen = os.environ.get(ENVIRONMENT, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return folder / "aeteach" / "progress.json"


def load() -> dict[str, bool]:
    """Return, for each checker that was ever tried, whether its exercise was ever right.

    Raises:
        ProgressError: there is a file, and it is not one of ours or cannot be read.
    """
    path = file()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["exercises"]
        if not isinstance(found, dict) or not all(isinstance(v, bool) for v in found.values()):
            raise TypeError
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProgressError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ProgressError(
            f"{path} holds no progress of aeteach; move it away, or name another file by "
            f"{ENVIRONMENT}"
        ) from error
    return found


def add(tried: Mapping[str, bool]) -> dict[str, bool]:
    """Add what has been tried, and return all of it; what was right once stays right.

    Args:
        tried: name of each checker, and whether it was satisfied.

    Raises:
        ProgressError: the file is not ours, or cannot be written; it is as it was before.
    """
    path = file()
    try:
        make_folder(path.parent)
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=WAIT):
            known = load()
            merged: dict[str, Any] = dict(known)
            for name, right in tried.items():
                merged[name] = right or known.get(name, False)
            if merged != known:
                text = json.dumps({"exercises": merged}, indent=1, sort_keys=True) + "\n"
                write_whole(path, text)
    except ProgressError:
        raise
    except Timeout as error:
        raise ProgressError(f"{path} is in use by another process; try again") from error
    except OSError as error:
        raise ProgressError(str(error)) from error
    return merged


@dataclass(frozen=True)
class Report:
    """How far a reader has come.

    Attributes:
        chapters: for each chapter that holds exercises, the state of each checker: True where it
            was right once, False where it was tried, None where it was not.
    """

    chapters: Mapping[str, Mapping[str, bool | None]]

    def as_json(self) -> str:
        """Return the chapters, their checkers and the states as JSON; null where none was tried."""
        return json.dumps(self.chapters, indent=2)

    def __str__(self) -> str:
        wide = max(map(len, self.chapters))
        lines = []
        for chapter, states in self.chapters.items():
            right = sum(state is True for state in states.values())
            left = ", ".join(n for n, state in states.items() if state is False)
            line = f"{chapter:{wide}}  {right:2} of {len(states)}"
            lines.append(f"{line}  tried: {left}" if left else line)
        return "\n".join(lines)


def report() -> Report:
    """Return how far a reader has come in every chapter.

    Raises:
        ProgressError: as for `load`.
    """
    known = load()
    chapters: dict[str, dict[str, bool | None]] = {}
    for entry in checks.index():
        chapters.setdefault(entry.chapter, {})[entry.checker] = known.get(entry.checker)
    return Report(chapters)
