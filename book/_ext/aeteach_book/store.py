"""What chapters printed, kept in jupyter-cache.

jupyter-cache finds a chapter by its code alone. So there is one cache for each state of the
surroundings, and what a chapter printed is dropped once a file that it had read is another one.
Nothing in it is bound to a path: a chapter may be renamed, and the folder of the book moved.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase
from nbformat import NotebookNode
from sphinx.util import logging

from aeteach_book.reads import Reads
from aeteach_book.surroundings import digest

KEPT = 3  # caches: of the present state and of earlier ones, so that going back costs nothing
PARTS = "surroundings.json"
CODES = "codes.json"
logger = logging.getLogger(__name__)


class Store:
    """The outputs of chapters that ran in these surroundings.

    Args:
        base: folder of the caches.
        parts: the surroundings, {part: digest}.
        reads: knows whether files have changed.

    Attributes:
        folder: of the cache for these surroundings.
    """

    def __init__(self, base: Path, parts: dict[str, str], reads: Reads) -> None:
        self._reads, self._parts = reads, parts
        self._say_what_is_new(base, parts)
        self.folder = base / digest(parts)[:16]
        self._codes: dict[str, str] = {}
        self._cache = JupyterCacheBase(self.folder)
        try:
            self._open()
        except Exception as error:  # whatever a damaged database leads to
            self._start_anew(error)
        _prune(base)

    def code(self, source: str, read: Callable[[], NotebookNode | None]) -> str:
        """Return the name of a page's code; empty if nothing in it is executed.

        Args:
            source: digest of the page's file.
            read: reads the page, which takes a moment, and is called once for each source.
        """
        if source not in self._codes:
            notebook = read()
            self._codes[source] = "" if notebook is None else self._hashed(notebook)[1]
            (self.folder / CODES).write_text(json.dumps(self._codes), encoding="utf-8")
        return self._codes[source]

    def output(self, code: str, who: str) -> str:
        """Return the digest of what this code printed; empty if that has to be found anew."""
        try:
            record = NbCacheRecord.record_from_hashkey(code, self._cache.db)
        except KeyError:
            return ""
        except Exception as error:  # whatever a damaged database leads to
            self._start_anew(error)
            return ""
        if changed := self._reads.changed(record.data["reads"]):
            logger.info("%s runs again: it reads %s", who, ", ".join(changed))
        elif not self._is_whole(record):
            logger.info("%s runs again: its outputs in the cache are damaged", who)
        else:
            return str(record.data["output"])
        self._drop(record)
        return ""

    def put(self, notebook: NotebookNode, reads: dict[str, str], seconds: float) -> str:
        """Keep what a chapter printed, and return its digest."""
        for number, cell in enumerate(notebook.cells):
            cell.id = f"cell-{number:03d}"  # or the same outputs would have another digest
        output = digest(nbformat.writes(self._hashed(notebook)[0]).encode())
        data = {"execution_seconds": seconds, "reads": reads, "output": output}
        bundle = CacheBundleIn(notebook, "", data=data)
        self._cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        return output

    def _hashed(self, notebook: NotebookNode) -> tuple[NotebookNode, str]:
        hashed, code = self._cache.create_hashed_notebook(notebook)
        return hashed, str(code)

    def _file(self, record: Any) -> Path:
        return self.folder / "executed" / str(record.hashkey) / "base.ipynb"

    def _is_whole(self, record: Any) -> bool:
        file = self._file(record)
        return file.is_file() and digest(file.read_bytes()) == record.data["output"]

    def _drop(self, record: Any) -> None:
        shutil.rmtree(self._file(record).parent, ignore_errors=True)
        NbCacheRecord.remove_records([record.pk], self._cache.db)

    def _open(self) -> None:
        self._cache.list_cache_records()  # makes the database, or meets its damage
        if (self.folder / CODES).exists():
            self._codes = json.loads((self.folder / CODES).read_text("utf-8"))
        (self.folder / PARTS).write_text(json.dumps(self._parts), encoding="utf-8")

    def _start_anew(self, error: Exception) -> None:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        logger.info("the cache %s is damaged (%s): its chapters run again", self.folder, reason)
        _remove(self.folder)
        self._codes = {}
        self._cache = JupyterCacheBase(self.folder)
        self._open()

    def _say_what_is_new(self, base: Path, parts: dict[str, str]) -> None:
        if (base / digest(parts)[:16]).exists() or not (before := _caches(base)):
            return
        try:
            old = json.loads((before[0] / PARTS).read_text("utf-8"))
            new = [part for part in parts if old.get(part) != parts[part]]
            logger.info("the chapters run again, for these are new: %s", ", ".join(new))
        except ValueError:
            pass


def _caches(base: Path) -> list[Path]:
    """Return the caches, the one last used first."""
    stamps = base.glob(f"*/{PARTS}")
    return [s.parent for s in sorted(stamps, key=lambda s: s.stat().st_mtime, reverse=True)]


def _prune(base: Path) -> None:
    for cache in _caches(base)[KEPT:]:
        _remove(cache)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
