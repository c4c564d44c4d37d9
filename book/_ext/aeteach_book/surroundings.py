"""What every chapter can see beside its own code, as digests: when one changes, all run again."""

import hashlib
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import aeteach
from aeteach import results
from aeteach.data import mnist

PACKAGE = Path(aeteach.__file__).resolve().parent
# A chapter, or a library it uses, takes orders from these variables.
VARIABLES = (
    "AETEACH_", "ATEN_", "CUDA_", "KMP_", "MATPLOTLIB", "MKL_", "MPL", "NUMEXPR_", "OMP_",
    "OPENBLAS_", "PYTHONHASHSEED", "TORCH_",
)  # fmt: skip
OURS = ("images.py", "reads.py", "runner.py", "store.py", "surroundings.py", "tracer.py")
RUNNERS = ("jupyter-cache", "jupyter_client", "myst-nb", "nbclient", "nbformat", "pillow")
FOLDERS = ("AETEACH_DATA", "AETEACH_RESULTS")  # what these folders hold counts, not their names


class Digits(NamedTuple):
    """What `mnist` returns here.

    Attributes:
        digest: of both sets, and of where they come from.
        is_sample: whether they are the 5,000 of the last resort.
    """

    digest: str
    is_sample: bool


def digest(value: Any) -> str:
    """Return the SHA-256 of bytes, or of anything that JSON can hold."""
    if not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.sha256(value).hexdigest()


def digest_files(paths: Iterable[Path]) -> str:
    """Return a digest of the names and contents of files."""
    return digest([[path.name, digest(path.read_bytes())] for path in sorted(paths)])


def files_below(path: Path) -> list[Path]:
    """Return the files of a folder, in order, without hidden ones and Python's own; or the file."""
    if path.is_file():
        return [path]
    found = []
    for here, folders, files in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith(".") and f != "__pycache__"]
        found += [Path(here) / file for file in files if not file.startswith(".")]
    return sorted(found)


def installed_packages() -> list[str]:
    """Return every installed package with its version."""
    return sorted(f"{each.name} {each.version}" for each in metadata.distributions())


def surroundings(settings: Any) -> dict[str, str]:
    """Return {part: its digest}; what a chapter has read by itself is in `reads`.

    Args:
        settings: how chapters are run, plain values.
    """
    ours = [Path(__file__).with_name(name) for name in OURS]
    return {
        "Python": digest([sys.version, platform.machine()]),
        "environment variables": digest(_variables()),
        "digits": digits().digest,
        # Rust opens these, which no tracer in Python sees.
        "trained weights": digest_files((PACKAGE / "weights").glob("*.safetensors")),
        # A chapter may ask whether a file is there without opening it.
        "list of files": digest([_names_below(folder) for folder in (PACKAGE, results.folder())]),
        "way of running": digest([settings, digest_files(ours), [version(p) for p in RUNNERS]]),
    }


@cache
def digits() -> Digits:
    """Return which digits a chapter gets."""
    hashed, sample = hashlib.sha256(), False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the page says it, and `aeteach data` did
        for split in ("train", "test"):
            found = mnist(split)
            sample = sample or found.is_sample
            hashed.update(found.source.encode())
            hashed.update(found.images.numpy().data)
            hashed.update(found.labels.numpy().data)
    return Digits(hashed.hexdigest(), sample)


def _variables() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(VARIABLES) and name not in FOLDERS
    }


def _names_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_below(folder)]
