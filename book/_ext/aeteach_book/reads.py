"""Which files a chapter has read, with their digests: when one changes, the chapter runs again."""

import importlib.util
import os
import site
import sys
import sysconfig
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

from aeteach import results
from aeteach_book.surroundings import PACKAGE, digest, files_below, installed_packages

EVERYTHING = "*"  # the tracer lost sight of the chapter: it may have read any file
INSTALLED = "all packages"  # while they are the same, no single one need be looked at
CHANGED = "changed while the chapter ran"
_NOT_OURS = {"_build", "__pycache__", ".git", ".venv", ".ipynb_checkpoints"}
_SYSTEM = ("/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var")


class Reads:
    """Names and digests of what chapters read.

    A name does not change when the folder of the book is moved: "results:mmd.csv",
    "aeteach:widgets/kit.js", "book:book/ages.csv", "file:/home/me/ages.csv"; and "package:torch"
    for all that is installed under this name.

    Args:
        srcdir: folder of _config.yml.
    """

    def __init__(self, srcdir: Path) -> None:
        # The first that holds a file names it.
        self._roots = {"results": results.folder(), "aeteach": PACKAGE, "book": srcdir.resolve()}
        self._known = {INSTALLED: digest(installed_packages())}

    def of(self, traced: list[str], started: float) -> dict[str, str]:
        """Return {name: digest} of what a chapter opened.

        Args:
            traced: lines of the tracer.
            started: when the chapter began, in seconds since the epoch. A file that is younger
                gets a digest that it never has again: nobody knows what the chapter saw.
        """
        lines = dict.fromkeys(traced)
        names = {self._name(line[1:]) for line in lines if f"w{line[1:]}" not in lines}
        names |= {INSTALLED} | ({EVERYTHING} if EVERYTHING in lines else set())
        return {name: self._at_that_time(name, started) for name in sorted(filter(None, names))}

    def changed(self, reads: dict[str, str]) -> list[str]:
        """Return the names of what is not as it was."""
        same = reads[INSTALLED] == self.digest(INSTALLED)
        passed = (INSTALLED, "package:") if same else (INSTALLED,)
        look = {name: before for name, before in reads.items() if not name.startswith(passed)}
        return [name for name, before in look.items() if self.digest(name) != before]

    def digest(self, name: str) -> str:
        """Return a digest, each found once; a missing file or package has one, too."""
        if name not in self._known:
            self._known[name] = self._digest(name)
        return self._known[name]

    def _at_that_time(self, name: str, started: float) -> str:
        path = self._path(name)
        young = path is not None and path.is_file() and path.stat().st_mtime >= started
        return CHANGED if young else self.digest(name)

    def _digest(self, name: str) -> str:
        if name == EVERYTHING:
            files = [path for root in self._roots.values() for path in files_below(root)]
            names = {self._name(str(path)) for path in files} - {None}
            return digest([[each, self.digest(each)] for each in sorted(filter(None, names))])
        path = self._path(name)
        if path is None:
            providers = _providers().get(name.partition(":")[2], [])
            return ", ".join(sorted({f"{each} {metadata.version(each)}" for each in providers}))
        return digest(path.read_bytes()) if path.is_file() else "missing"

    def _name(self, opened: str) -> str | None:
        """Return a file's name; None for a file of Python, of the system or of the build."""
        file = _source(Path(opened))
        for name, root in self._roots.items():
            if file.is_relative_to(root):
                inner = file.relative_to(root)
                return None if _NOT_OURS & set(inner.parts) else f"{name}:{inner.as_posix()}"
        for folder in _packages():
            if file.is_relative_to(folder):
                first = file.relative_to(folder).parts[0]
                about = first.endswith((".dist-info", ".egg-info", ".pth"))
                return None if about else f"package:{first.partition('.')[0]}"
        hidden = any(part.startswith(".") for part in file.parts)
        return None if hidden or _is_foreign(file) else f"file:{file.as_posix()}"

    def _path(self, name: str) -> Path | None:
        """Return where a named file is; None for a package, or for many files."""
        root, _, inner = name.partition(":")
        if root in self._roots:
            return self._roots[root] / inner
        return Path(inner) if root == "file" else None


def _source(file: Path) -> Path:
    """Return the source of a compiled module, and any other file itself."""
    if file.suffix != ".pyc":
        return file
    try:
        return Path(importlib.util.source_from_cache(str(file)))
    except ValueError:
        return file


def _is_foreign(file: Path) -> bool:
    """Tell whether a file outside the book belongs to Python, to the system, or is temporary."""
    return any(file.is_relative_to(folder) for folder in _foreign())


@cache
def _packages() -> list[Path]:
    """Return the folders that packages are installed in."""
    paths = sysconfig.get_paths()
    return _as_named_and_as_linked([paths["purelib"], paths["platlib"], site.getusersitepackages()])


@cache
def _foreign() -> list[Path]:
    digits = os.environ.get("AETEACH_DATA")  # what it holds is in the surroundings
    paths = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), site.getuserbase()]
    return _as_named_and_as_linked(
        [*paths, *_SYSTEM, tempfile.gettempdir(), *([digits] if digits else [])]
    )


@cache
def _providers() -> dict[str, list[str]]:
    """Return {name that is imported: the packages that have it}."""
    return {name: list(found) for name, found in metadata.packages_distributions().items()}


def _as_named_and_as_linked(folders: list[str]) -> list[Path]:
    paths = [Path(folder).absolute() for folder in folders]
    return list(dict.fromkeys([*paths, *(path.resolve() for path in paths)]))
