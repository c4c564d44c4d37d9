"""Write files so that a reader sees the old content or the new, never half of it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; put it in place of `path` only when the block succeeds.

    The temporary file lies in the same folder, so the last step is a rename, which is atomic. When
    the block raises, the temporary file is removed and `path` stays as it was.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)  # mkstemp makes the file readable by its owner only
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
