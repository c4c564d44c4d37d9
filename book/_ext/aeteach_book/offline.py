"""Pages that work from a folder, without a network, and say which digits they show."""

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from aeteach_book.surroundings import digits

MATHJAX = "mathjax/tex-chtml-full.js"
NOTICE = (
    "This copy was built without the full digits: its numbers come from a sample of "
    "5,000 images and differ from those of the published book."
)


def setup(app: Sphinx) -> None:
    app.add_config_value("built_with_sample", False, "html", bool)
    app.connect("config-inited", _look_at_the_digits)
    app.connect("config-inited", _use_local_mathjax, priority=900)
    app.connect("html-page-context", _finish_page, priority=900)
    app.connect("build-finished", _copy_mathjax)


def _look_at_the_digits(app: Sphinx, config: Any) -> None:
    config.built_with_sample = digits().is_sample


def _use_local_mathjax(app: Sphinx, config: Any) -> None:
    config.mathjax_path = MATHJAX


def _finish_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    scripts = context.get("script_files", [])
    context["script_files"] = [s for s in scripts if "thebe" not in _text(s).lower()]
    if app.config.built_with_sample:
        context["theme_announcement"] = NOTICE


def _text(script: Any) -> str:
    """Return a script's address and its inline text, whichever it has."""
    return f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', '')}"


def mathjax_folder() -> Path:
    """Return where MathJax is installed."""
    distribution = metadata.distribution("sphinx-mathjax-offline")  # no module has that name
    return Path(str(distribution.locate_file("sphinx-mathjax-offline/static/mathjax")))


def _copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    source = mathjax_folder()
    target = Path(app.outdir) / "_static" / "mathjax"
    fonts = "output/chtml/fonts/woff-v2"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / "tex-chtml-full.js", target)
    shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)
