"""The folder on this machine where the digits are kept, and writing there in one step."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from aeteach._files import atomic_write

STALE = 3600.0  # seconds; nobody takes an hour to write 47 MB


def folder() -> Path:
    """Return the cache folder: AETEACH_DATA if set, else the user's own (which may not exist)."""
    chosen = os.environ.get("AETEACH_DATA", "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import pooch  # here, because it is slow to import

    return Path(pooch.os_cache("aeteach"))


def stored(names: Sequence[str], progress: bool = False) -> Iterator[tuple[str, bytes]]:
    """Yield the named files that are in the cache, unverified, with their bytes.

    A file that is not there is left out. `progress` is there because every source takes it.

    Raises:
        OSError: a file is there and cannot be read.
    """
    for name in names:
        try:
            yield name, (folder() / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue


def write(name: str, data: bytes) -> Path:
    """Put a file into the cache so that it is there in full or not at all.

    The bytes go to a file of their own in the same folder, which then takes the name in one
    step. A reader, or a second process that fills the cache too, never sees half a file.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; nothing is left.
    """
    target = folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    with atomic_write(target) as partial, partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # some file systems find out only here that the disk is full
    return target


def _sweep(target: Path) -> None:
    """Remove what a process that was killed while writing this file left behind."""
    for partial in target.parent.glob(f".{target.name}.*"):
        try:
            if time.time() - partial.stat().st_mtime > STALE:
                partial.unlink()
        except OSError:
            continue  # another process was faster, or it is not ours to remove
