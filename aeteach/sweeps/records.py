"""What is kept of a finished cell, in a file of its own, and the log of when cells were run.

A file that is damaged, or was put there by somebody else, is named and left as it is: its cell
counts as not finished, is run again, and goes to a file beside it.
"""

import hashlib
import json
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aeteach._files import write_whole

PLACES = 9  # of a cell's record
LOG = "runs.log"
_WANTED: dict[str, Any] = {
    "measured": dict,
    "versions": dict,
    "wall_seconds": (int, float),
    "finished": str,
}


class RecordWarning(UserWarning):
    """A cell's file cannot be used, so the cell is run again; the file is left as it is."""


def places(cells: Path, key: str) -> list[Path]:
    """Return where the record of a cell may be; the first is the usual place."""
    return [cells / f"{key}.json", *(cells / f"{key}.{n}.json" for n in range(2, PLACES + 1))]


def read(cells: Path, key: str) -> dict[str, Any] | None:
    """Return the record of a cell from the first place that has a whole one; None if none has."""
    return next((found for _, found in _found(cells, key) if isinstance(found, dict)), None)


def write(cells: Path, key: str, record: Mapping[str, Any]) -> None:
    """Write the record of a cell, with a checksum, to the first place where nothing is.

    Raises:
        OSError: it cannot be written, or all places are taken; names the file.
    """
    plain = json.loads(json.dumps(record))  # as it is read again
    for place in places(cells, key):
        if not os.path.lexists(place):
            write_whole(place, json.dumps({**plain, "checksum": _checksum(plain)}) + "\n")
            return
    raise FileExistsError(f"all {PLACES} files for the cell {key} in {cells} are taken by others")


def warn_of_damage(cells: Path, keys: Iterable[str]) -> None:
    """Name the files that stand in the place of a record and are none.

    Warns:
        RecordWarning: once a file.
    """
    for key in keys:
        found = list(_found(cells, key))
        if not any(isinstance(record, dict) for _, record in found):
            for place, reason in found:
                warnings.warn(
                    f"{place} is no record of a finished cell ({reason}): the cell counts as not "
                    "finished, and the file is left as it is",
                    RecordWarning,
                    stacklevel=3,
                )


def log(cells: Path, line: str) -> None:
    """Append a line; a single short write in append mode is never mixed with another's."""
    path = cells / LOG
    with path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        torn = file.read(1) not in (b"", b"\n")  # a line that was cut short stays one of its own
        file.write((f"\n{line}\n" if torn else f"{line}\n").encode())


def counts(cells: Path) -> Counter[tuple[str, str]]:
    """Return how often each (event, key) is in the log; lines that are none are passed over."""
    try:
        text = (cells / LOG).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return Counter()
    words = (line.split() for line in text.splitlines())
    return Counter((first, second) for first, second, *_ in (w for w in words if len(w) > 1))


def _found(cells: Path, key: str) -> Iterator[tuple[Path, dict[str, Any] | str]]:
    """Yield each place where something is, with the record in it, or what is wrong with it."""
    for place in places(cells, key):
        try:
            yield place, _checked(json.loads(place.read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            yield place, os.strerror(error.errno) if error.errno else str(error)
        except ValueError as error:  # of decoding and of what was decoded
            yield place, str(error)


def _checked(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError("it is no record")
    for name, kind in _WANTED.items():
        if not isinstance(found.get(name), kind):
            raise ValueError(f"it lacks {name}")
    checksum = found.pop("checksum", None)  # records of before had none
    if checksum not in (None, _checksum(found)):
        raise ValueError("its checksum does not match")
    return found


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
