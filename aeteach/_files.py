"""Write files so that a reader sees the old content or the new, never half of it."""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows, where nothing is swept
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".aeteach-part"  # of files that are being written; nobody else's file ends like this


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; put it in place of `path` only when the block succeeds.

    The temporary file lies in the same folder, so the last step is a rename, which is atomic; it
    comes after the bytes are on the disk. When the block raises, the temporary file is removed and
    `path` stays as it was. What a process that was killed in the block left behind is removed by
    the next write of the same file. A link is followed: the file it stands for is replaced. An old
    file keeps its permissions, a new one gets those of any new file.

    Raises:
        OSError: the folder cannot be written, the disk is full, or `path` is a folder; the message
            names the file and says what to do.
    """
    target = Path(os.path.realpath(path))
    try:
        _check_target(target)
        _sweep(target)
        partial, claim = _begin(target)
        try:
            yield partial
            _finish(partial, target)
        finally:
            if claim is not None:
                os.close(claim)
            partial.unlink(missing_ok=True)
    except OSError as error:
        if not _concerns(error, target):
            raise
        raise _explained(error, Path(path), target) from error


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together; all are on the disk before the first takes its name.

    So a full disk leaves every one as it was. The last one named takes its name first.

    Raises:
        OSError: as for `atomic_write`.
    """
    with ExitStack() as stack:
        for path, data in files.items():
            partial = stack.enter_context(atomic_write(path))
            partial.write_bytes(data)
            _flush(partial)


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file that is there in full or as it was before; text becomes UTF-8.

    Raises:
        OSError: as for `atomic_write`.
    """
    data = content.encode() if isinstance(content, str) else content
    with atomic_write(path) as partial, partial.open("wb") as file:
        file.write(data)


def make_folder(folder: str | os.PathLike[str]) -> None:
    """Make a folder and those above it, unless it is there.

    Raises:
        OSError: it cannot be made; names it and says what to do.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        if isinstance(error, FileExistsError | NotADirectoryError):
            error, reason = NotADirectoryError(errno.ENOTDIR), "a file is in the way"
        text = f"{reason}: the folder {folder} could not be made. Choose another folder."
        raise OSError(error.errno or errno.ENOTDIR, text) from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before a long computation whether a file can be written, without writing it.

    Raises:
        OSError: as for `atomic_write`.
    """
    target = Path(os.path.realpath(path))
    try:
        _check_target(target)
        partial, claim = _begin(target)
        partial.unlink(missing_ok=True)
        if claim is not None:
            os.close(claim)
    except OSError as error:
        raise _explained(error, Path(path), target) from error


def _check_target(target: Path) -> None:
    """Refuse a folder, and a file that its owner has made read-only: a rename would not."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def _begin(target: Path) -> tuple[Path, int | None]:
    """Make the temporary file; a lock on it says, without any clock, that its writer is alive."""
    while True:
        partial = target.parent / f"{_prefix(target)}{secrets.token_hex(4)}{SUFFIX}"
        try:  # by the rule for any new file, so the user's umask is kept
            handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        if fcntl is None:
            os.close(handle)
            return partial, None
        with suppress(OSError):  # a file system without locks: then nothing is swept either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if partial.exists():
            return partial, handle
        os.close(handle)  # somebody swept it between the two calls


def _finish(partial: Path, target: Path) -> None:
    """Bring the bytes to the disk, which may find only here that it is full, and rename."""
    if target.exists():
        partial.chmod(stat.S_IMODE(target.stat().st_mode))
    _flush(partial)
    partial.replace(target)
    with suppress(OSError):  # not every system can flush a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _flush(partial: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())


def _prefix(target: Path) -> str:
    return f".{target.name[:40]}."  # cut, for the name of a file may not be longer than 255 bytes


def _sweep(target: Path) -> None:
    """Remove what processes that were killed while they wrote this file have left behind."""
    if fcntl is None:
        return
    with suppress(OSError):  # there is no such folder, or it may not be listed
        for path in target.parent.iterdir():
            if path.name.startswith(_prefix(target)) and path.name.endswith(SUFFIX):
                _remove_if_abandoned(path)


def _remove_if_abandoned(partial: Path) -> None:
    """Remove a temporary file that nobody holds: the system lets go of a dead process's lock."""
    with suppress(OSError):  # it is gone, is not ours to open, or its writer is alive
        handle = os.open(partial, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
        finally:
            os.close(handle)


def _concerns(error: OSError, target: Path) -> bool:
    """Return whether an error is about this file: the system names none when a disk is full."""
    if getattr(error, "explained", False):
        return False  # by a write inside this one
    if error.filename is None:
        return True
    named = Path(os.fsdecode(error.filename))
    return named in (target, target.parent) or named.name.startswith(_prefix(target))


def _explained(error: OSError, path: Path, target: Path) -> OSError:
    """Return the error with the file, the disk, and what to do."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    kept = " What was there before is unchanged." if target.exists() else ""
    text = f"{reason}: {path} could not be written. {_cure(error.errno, target)}{kept}"
    explained = OSError(error.errno, text) if error.errno else OSError(text)
    explained.explained = True  # type: ignore[attr-defined]
    return explained


def _cure(code: int | None, target: Path) -> str:
    folder = target.parent
    if code in (errno.ENOSPC, errno.EDQUOT):
        disk = next(place for place in (target, *target.parents) if place.is_mount())
        free = shutil.disk_usage(disk).free
        return (
            f"The disk at {disk} has {free:,} bytes free, too few for it: make room, or choose "
            "another folder."
        )
    if code == errno.ENOENT:
        return f"There is no folder {folder}: make it, or choose another."
    if code == errno.EISDIR:
        return "A folder has that name: choose another name for the file."
    if code == errno.ENOTDIR:
        return f"A part of {folder} is a file, not a folder: choose another folder."
    return f"Choose a file in a folder that you may write to; {folder} is the one that was tried."
