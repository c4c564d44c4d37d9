"""Which pages are read and written again, so that none shows what is no longer so.

Sphinx looks at the time of a page's own file, and at nothing else. Here

- a build after one that stopped, warned or had other means (settings, packages, style sheets, the
  order of chapters, another folder) begins from nothing;
- a page is read again when its text or its outputs are other ones;
- all pages are written again when something changed that they can name of each other: a title, a
  label, a number;
- the pages of chapters that are gone are removed.

What the last build knew is in `_build/.html.json`, which `tools/reference.py --built` reads, too.
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.nodes import clean_astext

from aeteach_book import chapters, left_out
from aeteach_book.declarations import declared
from aeteach_book.surroundings import (
    digest,
    digest_files,
    digits,
    files_below,
    installed_packages,
)


def setup(app: Sphinx) -> None:
    build = Build(app)
    app.connect("config-inited", build.begin, priority=950)  # after _toc.yml has been read
    app.connect("env-get-outdated", build.outdated)
    app.connect("env-get-updated", build.to_write, priority=900)  # after all have their numbers
    app.connect("build-finished", build.finish, priority=900)


class Build:
    """One build, and what the last one left behind.

    Args:
        app: Sphinx.
    """

    def __init__(self, app: Sphinx) -> None:
        self._html = Path(app.outdir)
        self._file = self._html.parent / f".{self._html.name}.json"
        self._last = _load(self._file)
        self._now: dict[str, Any] = {}

    def begin(self, app: Sphinx, config: Any) -> None:
        """Forget what earlier builds have read, where they had other means."""
        self._now = {"complete": False, "means": _means(app, config)}
        self._fresh = not self._last.get("complete") or self._last["means"] != self._now["means"]
        if not self._last and (self._html / ".buildinfo").is_file():  # Sphinx made this folder
            shutil.rmtree(self._html)
            self._html.mkdir()
        if self._fresh:
            (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)
        # Until it is finished, this build counts as one that stopped.
        self._save({**self._now, "pages": self._last.get("pages", {})})

    def outdated(
        self, app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]
    ) -> Iterable[str]:
        """Run the chapters; return the pages to read again."""
        store, pages = chapters.bring_up_to_date(app, env)
        self._now |= {
            "sample": bool(app.config.built_with_sample),
            "outputs": os.path.relpath(store.folder, self._html.parent),
            "pages": {name: asdict(page) for name, page in pages.items()},
        }
        # If this build fails, the next one must still know what both have written.
        self._save({**self._now, "pages": self._last.get("pages", {}) | self._now["pages"]})
        before = {} if self._fresh else self._last["pages"]
        return [name for name, page in self._now["pages"].items() if before.get(name) != page]

    def to_write(self, app: Sphinx, env: Any) -> Iterable[str]:
        """Return all pages if something is new that they can name of each other."""
        self._now["names"] = _names(env) + left_out.digest_left_out(env)
        return [] if self._last.get("names") == self._now["names"] else sorted(env.found_docs)

    def finish(self, app: Sphinx, error: Exception | None) -> None:
        """Remove what is left of pages that are gone; a build without a warning is complete."""
        if error is not None or app._warncount:
            return
        for name in set(self._last.get("pages", {})) - set(self._now["pages"]):
            (self._html / f"{name}.html").unlink(missing_ok=True)
        self._save({**self._now, "complete": True})

    def _save(self, record: dict[str, Any]) -> None:
        self._file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _load(file: Path) -> dict[str, Any]:
    """Return what the last build knew; nothing if it left no record, or a damaged one."""
    try:
        record = json.loads(file.read_text("utf-8"))
        return {"pages": {**record["pages"]}, **record}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _means(app: Sphinx, config: Any) -> str:
    """Return a digest of what every page is made with."""
    folder = Path(app.srcdir).resolve()
    named = [*config.html_static_path, *config.templates_path, *config.bibtex_bibfiles]
    paths = {folder / name for name in ["_config.yml", "pyproject.toml", "CITATION.cff", *named]}
    own = [path for path in sorted(paths) if path.is_relative_to(folder)]  # others: in packages
    toc = getattr(config, "external_site_map", None)
    return digest(
        [
            str(folder),
            toc.as_json() if toc else None,
            installed_packages(),
            digits().digest,
            digest_files(files_below(Path(__file__).parent)),
            [digest_files(files_below(path)) for path in own],
            repr(declared(folder / "tests" / "claims")),
        ]
    )


def _names(env: Any) -> str:
    """Return a digest of what pages name of each other: titles, labels, numbers, citations."""
    labels, maths, citations = env.domains["std"], env.domains["math"], env.domains["cite"]
    return digest(
        [
            {name: clean_astext(title) for name, title in env.titles.items()},
            {name: toc.pformat() for name, toc in env.tocs.items()},
            {name: data.get("myst_slugs") for name, data in env.metadata.items()},
            [labels.labels, labels.anonlabels, sorted(map(str, labels.objects.items()))],
            [maths.equations, str(env.toc_secnumbers), str(env.toc_fignumbers)],
            sorted((cited.key, cited.formatted_entry.label) for cited in citations.citations),
        ]
    )
