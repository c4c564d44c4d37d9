"""Run the chapters of _toc.yml side by side, each only when it has to."""

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import Any

from myst_nb.core.read import create_nb_reader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging

from aeteach_book.reads import Reads
from aeteach_book.runner import run
from aeteach_book.store import Store
from aeteach_book.surroundings import digest, surroundings

ENVIRONMENT = {
    "AETEACH_HOST": "page",  # figures inline themselves
    "OMP_NUM_THREADS": "1",  # the same digits on any number of cores
    "PYTHONHASHSEED": "0",
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """The state of a page of the book.

    Attributes:
        source: digest of its file.
        code: name of its outputs in the cache; empty if nothing in it is executed.
        output: digest of its outputs; empty likewise.
    """

    source: str
    code: str = ""
    output: str = ""


def setup(app: Sphinx) -> None:
    os.environ.update(ENVIRONMENT)


def bring_up_to_date(app: Sphinx, env: Any) -> tuple[Store, dict[str, Page]]:
    """Run those chapters of the book whose outputs are not kept, or not right any more.

    myst-nb is told to take the outputs from the store.

    Returns:
        The store, and every page of the book by its name.

    Raises:
        ExtensionError: a cell failed; says where, for every chapter that did.
    """
    config = env.mystnb_config
    settings = [config.execution_timeout, config.execution_allow_errors, ENVIRONMENT]
    reads = Reads(Path(app.srcdir))
    store = Store(Path(config.execution_cache_path), surroundings(settings), reads)
    env.mystnb_config = config.copy(execution_cache_path=str(store.folder))

    pages = {docname: _look_up(docname, env, store) for docname in sorted(env.found_docs)}
    missing = {page.code: name for name, page in pages.items() if page.code and not page.output}
    if not missing:
        return store, pages
    _run_all(list(missing.values()), env, store, reads)
    return store, {docname: _look_up(docname, env, store) for docname in pages}


def _look_up(docname: str, env: Any, store: Store) -> Page:
    path = Path(env.doc2path(docname))
    text = path.read_text("utf-8")
    source = digest(text.encode())
    if any(PurePosixPath(path).match(p) for p in env.mystnb_config.execution_excludepatterns):
        return Page(source)
    code = store.code(source, lambda: _read(path, text, env))
    return Page(source, code, store.output(code, docname) if code else "")


def _read(path: Path, text: str, env: Any) -> NotebookNode | None:
    """Return a page's cells as myst-nb reads them; None if it will not look into the cache."""
    config = env.mystnb_config
    reader = create_nb_reader(str(path), env.myst_config, config, text)
    if reader is None:
        return None
    notebook = reader.read(text)
    own = notebook.metadata.get(config.metadata_key, {})
    mode = own.get("execution_mode", config.execution_mode)
    return notebook if mode == "cache" else None


def _run_all(docnames: list[str], env: BuildEnvironment, store: Store, reads: Reads) -> None:
    """Run chapters side by side, one a core; keep what they print."""
    config: Any = env.mystnb_config  # type: ignore[attr-defined]
    options = {"timeout": config.execution_timeout, "allow_errors": config.execution_allow_errors}
    paths = {docname: Path(env.doc2path(docname)) for docname in docnames}
    notebooks: dict[str, Any] = {
        name: _read(path, path.read_text("utf-8"), env) for name, path in paths.items()
    }
    longest_first = sorted(docnames, key=lambda name: -paths[name].stat().st_size)
    workers = min(len(docnames), os.cpu_count() or 1)
    failures = {}
    # Spawned: a fork would copy torch and Sphinx, with whatever they hold.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = {
            pool.submit(run, notebooks[name], paths[name].parent, options): name
            for name in longest_first
        }
        try:
            for job in as_completed(jobs):
                name, ran = jobs[job], job.result()
                if ran.error:
                    failures[name] = ran.error
                else:
                    store.put(ran.notebook, reads.of(ran.traced, ran.started), ran.seconds)
                verb = "failed after" if ran.error else "ran"
                logger.info("%s %s %.0f s", name, verb, ran.seconds)
        except BaseException:  # Ctrl-C, a full disk: do not begin what has not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failures:
        raise ExtensionError(
            "\n\n".join(f"{name}: {error}" for name, error in sorted(failures.items()))
        )
