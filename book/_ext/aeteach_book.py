"""What the book needs from Sphinx: pages that work offline, and never show an old number.

- MathJax is served from the book's own folder, and no script is loaded from another host.
- Interactive figures are written into the page (AETEACH_HOST=page) instead of sent to a kernel.
- The execution cache is emptied when the package changes: it looks at code cells alone.
- Chapters that are not in it run side by side, one a core, before the pages are read.
- Every page says so when the book was built with the sample instead of the full digits.
"""

import hashlib
import logging
import os
import shutil
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from nbclient import NotebookClient
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
MATHJAX = "mathjax/tex-chtml-full.js"
SECONDS_A_CELL = 300
ENVIRONMENT = {
    "AETEACH_HOST": "page",  # figures inline themselves
    "OMP_NUM_THREADS": "1",  # the same digits on any number of cores
    "PYTHONHASHSEED": "0",
}


def setup(app: Sphinx) -> dict[str, Any]:
    os.environ.update(ENVIRONMENT)
    # On a busy machine the text of one print arrives in pieces, which the page would show as lines.
    NotebookClient.class_traits()["coalesce_streams"].default_value = True
    cache = Path(app.outdir).parent / ".jupyter_cache"
    _forget_old_outputs(cache)
    _run_chapters(cache)
    app.add_config_value("built_with_sample", False, "html", bool)
    app.connect("config-inited", _use_local_mathjax, priority=900)
    app.connect("config-inited", _look_at_the_digits)
    app.connect("html-page-context", _finish_page, priority=900)
    app.connect("build-finished", _copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _forget_old_outputs(cache: Path) -> None:
    """Empty jupyter-cache when anything a chapter imports has changed since it was filled."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "aeteach").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update((ROOT / "constraints.txt").read_bytes())
    stamp = cache / "aeteach.sha256"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest.hexdigest())


def _run_chapters(folder: Path) -> None:
    """Fill jupyter-cache; a chapter that fails is left to Sphinx, which says where it failed."""
    cache = get_cache(folder)
    for path in sorted((ROOT / "book").glob("*.md")):
        if "{code-cell}" in path.read_text("utf-8"):
            cache.add_nb_to_project(str(path), read_data={"name": "myst_nb_md", "type": "plugin"})
    logger = logging.getLogger(__name__)
    logger.setLevel(logging.WARNING)
    load_executor("local-parallel", cache, logger=logger).run_and_cache(timeout=SECONDS_A_CELL)


def _use_local_mathjax(app: Sphinx, config: Any) -> None:
    config.mathjax_path = MATHJAX


def _look_at_the_digits(app: Sphinx, config: Any) -> None:
    from aeteach.data import mnist  # not at the top: Sphinx also imports this to read its options

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config.built_with_sample = mnist("test").is_sample


def _finish_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    scripts = context.get("script_files", [])
    context["script_files"] = [s for s in scripts if "thebe" not in _text(s).lower()]
    if app.config.built_with_sample:
        context["theme_announcement"] = (
            "This copy was built without the full digits: its numbers come from a sample of "
            "5,000 images and differ from those of the published book."
        )


def _text(script: Any) -> str:
    """Return a script's address and its inline text, whichever it has."""
    return f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', '')}"


def _copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    distribution = metadata.distribution("sphinx-mathjax-offline")  # no module has that name
    source = Path(str(distribution.locate_file("sphinx-mathjax-offline/static/mathjax")))
    target = Path(app.outdir) / "_static" / "mathjax"
    fonts = "output/chtml/fonts/woff-v2"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / "tex-chtml-full.js", target)
    shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)
