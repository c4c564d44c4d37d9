"""The folder on this machine where the digits are kept, and writing there in one step.

A file there may be the user's own: other data sets have files of the same names. So nothing that
is there is ever written over, moved or removed. Where a name is taken by other bytes, the digits
go to a folder of their own beside them.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from aeteach._files import write_whole
from aeteach.data._idx import SHA256, DataError

PLACES = 9  # of a file; more were never made by anything but a fault that writes bad bytes


def folder() -> Path:
    """Return the cache folder: AETEACH_DATA if set, else the user's own (which may not exist).

    Raises:
        DataError: AETEACH_DATA begins with the home of somebody whom this machine does not know; or
            it is not set, and the user has no home, as in some containers.
    """
    chosen = os.environ.get("AETEACH_DATA", "").strip()
    if chosen:
        try:
            return Path(chosen).expanduser().absolute()
        except RuntimeError as error:
            raise DataError(f"AETEACH_DATA is {chosen!r}: {error}; give a whole path") from error
    import pooch  # here, because it is slow to import

    try:
        return Path(pooch.os_cache("aeteach"))
    except RuntimeError as error:
        raise DataError(
            f"there is no folder for the digits ({error}): name one in AETEACH_DATA"
        ) from error


def places(name: str) -> list[Path]:
    """Return where a file may be: the cache folder, then folders that nobody else names like this.

    Their name is that of the four files' contents, so another edition of them has other folders.
    """
    edition = hashlib.sha256("".join(SHA256.values()).encode()).hexdigest()[:8]
    own = [f"aeteach-mnist-{edition}{more}" for more in ("", *(f"-{n}" for n in range(2, PLACES)))]
    return [folder() / name, *(folder() / inner / name for inner in own)]


def free_place(name: str) -> Path:
    """Return the first place of a file where nothing is, not even a folder or a broken link.

    Raises:
        FileExistsError: there is none.
    """
    for place in places(name):
        in_the_way = place.parent != folder() and place.parent.is_file()
        if not os.path.lexists(place) and not in_the_way:
            return place
    raise FileExistsError(f"all {PLACES} places of {name} are taken by other files")


def stored(name: str) -> Iterator[tuple[Path, bytes | OSError]]:
    """Yield each place where something of that name is, with its unverified bytes.

    Something that cannot be read, such as a folder, comes with the error in place of bytes. The
    folders of our own come first: where there are any, the cache folder holds other bytes.
    """
    first, *own = places(name)
    for place in (*own, first):
        try:
            yield place, place.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            yield place, error


def write(name: str, data: bytes) -> Path:
    """Put a file into the cache, where its name is free, in full or not at all; return its place.

    A reader, or a second process that fills the cache too, never sees half a file. What such a
    process has put there in the meantime is not written a second time.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full; no file is left.
    """
    for place, found in stored(name):
        if found == data:
            return place
    if folder().is_file():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder()))
    target = free_place(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, data)
    return target
