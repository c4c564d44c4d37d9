"""A small book, built with the settings and the extension of the real one."""

import html
import importlib.util
import io
import multiprocessing
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.chapters import HEAD
from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))  # as _config.yml does
sys.path.append(str(ROOT / "tools"))  # tools import each other by name
STAMP = "import time; print('ran at', time.time_ns())"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:  # Sphinx and its extensions warn of much that is theirs
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            if item.get_closest_marker("timeout") is None:  # several builds on a busy machine
                item.add_marker(pytest.mark.timeout(900))


def tool(name: str) -> ModuleType:
    """Return a module of tools/."""
    spec = importlib.util.spec_from_file_location(f"tool_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Sphinx and all that it needs is imported once, in a process that is copied for each build.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["jupyter_book.cli.main", "myst_nb.sphinx_ext", "sphinx.application", "sphinx_book_theme",
     "sphinx_exercise", "sphinxcontrib.bibtex", "sphinx.search", "nbformat", "jupyter_client"]
)  # fmt: skip


def _build(root: str, log: str, environment: dict[str, str]) -> None:
    """Build a book as `make book` does, and end with its code; what it says is written down."""
    os.environ.clear()
    os.environ.update(environment)
    with Path(log).open("w") as said:
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
    sys.exit(tool("book").build(Path(root)))


@dataclass(frozen=True)
class Built:
    """What came of a build."""

    code: int
    log: str

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.log.splitlines() if re.search("WARNING|ERROR", line)]


class SmallBook:
    """A book in a folder of its own; its first page is `index`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "book" / "static").mkdir(parents=True)
        (root / "book" / "references.bib").touch()
        config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
        config["sphinx"]["local_extensions"] = {"aeteach_book": str(ROOT / "book" / "_ext")}
        del config["logo"], config["html"]["favicon"]
        for files in ("html_css_files", "html_js_files"):
            del config["sphinx"]["config"][files]
        self.configure(config)

    @property
    def config(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.root / "_config.yml").read_text("utf-8")))

    def configure(self, config: dict[str, Any]) -> None:
        (self.root / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def path(self, name: str) -> Path:
        return self.root / "book" / f"{name}.md"

    def page(self, name: str, text: str, *cells: str) -> None:
        """Write a page: its text below a title, then cells of code."""
        title = "" if text.lstrip().startswith("# ") else f"# The {name}\n\n"
        code = "".join(f"\n```{{code-cell}} ipython3\n{cell}\n```\n" for cell in cells)
        self.path(name).write_text((HEAD if cells else "") + title + text + "\n" + code, "utf-8")

    def toc(self, *names: str, **parts: list[str]) -> None:
        """Say which pages are in the book after the first one."""
        files = {part: [{"file": f"book/{n}"} for n in each] for part, each in parts.items()}
        toc: dict[str, Any] = {"format": "jb-book", "root": "book/index"}
        if names:
            toc["chapters"] = [{"file": f"book/{name}"} for name in names]
        if files:
            toc["parts"] = [
                {"caption": part, "numbered": True, "chapters": each or None}
                for part, each in files.items()
            ]
        (self.root / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")

    def build(self, *options: str) -> Built:
        log = io.StringIO()
        with redirect_stdout(log), redirect_stderr(log):
            code = tool("book").build(self.root, *options)
        print(log.getvalue())  # pytest shows it where the test fails
        return Built(code, re.sub(r"\x1b\[[\d;]*m", "", log.getvalue()))

    def build_apart(self) -> Built:
        """Build in a process of its own: in one process, packages add to Sphinx's defaults."""
        log = self.root / "build.log"
        process = SERVER.Process(target=_build, args=(str(self.root), str(log), dict(os.environ)))
        process.start()
        process.join()
        assert process.exitcode is not None
        return Built(process.exitcode, log.read_text("utf-8"))

    def html(self, name: str) -> Path:
        return self.root / "_build" / "html" / "book" / f"{name}.html"

    def article(self, name: str) -> str:
        """Return the HTML of a built page's own part."""
        found = re.search(
            r'<article class="bd-article.*?</article>', self.html(name).read_text(), re.S
        )
        assert found is not None
        return found[0]

    def ran(self, name: str) -> str:
        """Return when the chapter ran whose cells contain STAMP."""
        return re.findall(r"ran at (\d+)", self.words(name))[-1]

    def words(self, name: str) -> str:
        """Return what can be read in a built page's own part."""
        plain = re.sub(r"<[^>]*>", "", self.article(name))
        return re.sub(r"\s+", " ", html.unescape(plain))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SmallBook]:
    before = dict(os.environ)
    os.environ.pop("AETEACH_RESULTS", None)
    yield SmallBook(tmp_path / "small")
    os.environ.clear()
    os.environ.update(before)
