"""The ways out of a page: its notebook, its source, its citation, and places that run it.

The notebooks, the sources and the package's wheel lie beside the pages, so that they are there
without a network, too. The project's address is `[project.urls] Repository` in pyproject.toml. As
soon as it is set, every page leads to the repository, its issues and the page's source there, and
to Colab, Binder and a JupyterHub, as far as _config.yml names them under `launch_buttons`. Until
then there is no such button.
"""

import json
import shutil
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import nbformat
import yaml
from jinja2 import Environment, FileSystemLoader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.errors import ConfigError

from aeteach_book.solutions import HIDDEN, without_solutions

TOOLS = Path(__file__).resolve().parents[3] / "tools"
NOTEBOOKS, SOURCES = "notebooks", "sources"  # folders beside the pages, and the first one a branch
LICENCES = {"BSD-3-Clause": "BSD 3-clause", "CC-BY-4.0": "CC BY 4.0"}
INSTALL = """\
# Where aeteach is missing, as in Colab or a new environment, install it; elsewhere nothing happens.
import importlib.util
import pathlib

if importlib.util.find_spec("aeteach") is None:
    wheels = [f"./{{wheel}}[chapters]" for wheel in sorted(pathlib.Path().glob("aeteach-*.whl"))]
    found = wheels or {packages}
    if not found:
        raise ModuleNotFoundError(
            "aeteach is not installed: put its wheel, which lies beside this notebook in the book "
            "(aeteach-{version}-py3-none-any.whl), into this folder and run this cell again"
        )
    %pip install --quiet "{{found[-1]}}\""""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Repository:
    """Where the book's sources lie.

    Attributes:
        url: its address, without a slash at the end.
        branch: that the pages are built from.
    """

    url: str
    branch: str

    @property
    def on_github(self) -> bool:
        """Whether Colab and Binder can open it by its name."""
        return urlsplit(self.url).netloc == "github.com"

    @property
    def name(self) -> str:
        """The owner and the name, such as `owner/book`."""
        return urlsplit(self.url).path.strip("/")

    def launches(self, file: str, hosts: dict[str, str]) -> list[tuple[str, str]]:
        """Return (place, address) of where a notebook can be run.

        Args:
            file: the notebook's name.
            hosts: what _config.yml says under `launch_buttons`.
        """
        found = []
        if (colab := hosts.get("colab_url")) and self.on_github:
            found.append(("Colab", f"{colab}/github/{self.name}/blob/{NOTEBOOKS}/{file}"))
        if (binder := hosts.get("binderhub_url")) and self.on_github:
            at = quote(f"lab/tree/workbook/{file}", safe="")
            found.append(("Binder", f"{binder}/v2/gh/{self.name}/{self.branch}?urlpath={at}"))
        if hub := hosts.get("jupyterhub_url"):
            at = quote(f"lab/tree/{self.name.rsplit('/', 1)[-1]}/{file}", safe="")
            where = f"repo={quote(self.url, safe='')}&branch={NOTEBOOKS}&urlpath={at}"
            found.append(("JupyterHub", f"{hub}/hub/user-redirect/git-pull?{where}"))
        return found


def setup(app: Sphinx) -> None:
    ways = WaysOut()
    app.connect("config-inited", ways.configure, priority=940)  # before pages.py looks at it
    app.connect("html-page-context", ways.add, priority=920)
    app.connect("build-finished", ways.write, priority=910)


class WaysOut:
    """What every page of one build leads to."""

    repository: Repository | None = None

    def configure(self, app: Sphinx, config: Any) -> None:
        """Find the repository's address; tell it the theme, which has buttons of its own for it."""
        self.root = Path(app.srcdir)
        self.solutions = config.solutions
        # Not from the theme's options: Jupyter Book puts its own repository there, if none is
        # given, and the theme's launch buttons cannot open a .md in Colab.
        options = config.html_theme_options
        for name in ("launch_buttons", "repository_url"):
            options.pop(name, None)
        settings = self.root / "_config.yml"
        said = yaml.safe_load(settings.read_text("utf-8")) if settings.is_file() else {}
        hosts = said.get("launch_buttons") or {}
        self.hosts = {
            name: str(value).rstrip("/")
            for name, value in hosts.items()
            if name.endswith("_url") and value
        }
        if url := repository_of(self.root / "pyproject.toml"):
            self.repository = Repository(url, (said.get("repository") or {}).get("branch", "main"))
            options |= {"repository_url": url, "repository_branch": self.repository.branch}
            options |= {
                f"use_{what}_button": True for what in ("repository", "issues", "edit_page")
            }

    @cached_property
    def book(self) -> Any:
        """The book as the workbook reads it."""
        sys.path.append(str(TOOLS))
        from workbook.book import Book

        return Book.read(self.root)

    @cached_property
    def citation(self) -> dict[str, str]:
        """What a citation of the book says; empty without a CITATION.cff."""
        path = self.root / "CITATION.cff"
        if not path.is_file():
            return {}
        said = yaml.safe_load(path.read_text("utf-8"))
        names = [
            author.get("name") or f"{author['given-names']} {author['family-names']}"
            for author in said["authors"]
        ]
        return {
            "title": said["title"],
            "authors": " and ".join(names),
            "version": str(said["version"]),
            "date": str(said["date-released"]),
            "year": str(said["date-released"])[:4],
            "licences": ", ".join(LICENCES.get(each, each) for each in said["license"]),
        }

    @property
    def bibtex(self) -> str:
        """The citation as BibTeX."""
        fields = {"author": f"{{{self.citation['authors']}}}", "title": self.citation["title"]}
        fields |= {key: self.citation[key] for key in ("year", "version")}
        if self.repository:
            fields["url"] = self.repository.url
        lines = [f"  {key} = {{{value}}}," for key, value in fields.items()]
        return "\n".join(["@book{through-the-bottleneck,", *lines, "}"])

    @cached_property
    def wheel(self) -> str:
        """The name of the package's wheel; empty if the package is not beside the book."""
        project = self.root / "pyproject.toml"
        if not project.is_file() or not (self.root / "aeteach").is_dir():
            return ""
        return f"aeteach-{version('aeteach')}-py3-none-any.whl"

    def add(
        self, app: Sphinx, name: str, template: str, context: dict[str, Any], tree: Any
    ) -> None:
        """Put the links at the end of a page, and buttons into its head."""
        page = next((p for p in self.book.pages if p.path == self.root / f"{name}.md"), None)
        if page is None or tree is None:
            return
        to = context["pathto"]
        links = {
            "notebook": to(f"{NOTEBOOKS}/{page.file}", 1),
            "source": to(f"{SOURCES}/{page.path.name}", 1),
            "wheel": self.wheel and to(f"{NOTEBOOKS}/{self.wheel}", 1),
            "licence": to("LICENSE.txt", 1) if (self.root / "LICENSE").is_file() else "",
        }
        launches = self.repository.launches(page.file, self.hosts) if self.repository else []
        context["body"] += _templates.get_template("ways_out.html").render(
            page=page, links=links, cite=self.citation, launches=launches,
            bibtex=self.bibtex if self.citation else "",
            url=self.repository.url if self.repository else "",
        )  # fmt: skip
        context.setdefault("header_buttons", [])
        context["header_buttons"][:0] = _buttons(links, launches)

    def write(self, app: Sphinx, error: Exception | None) -> None:
        """Lay the notebooks, the sources, the wheel and the licence beside the pages."""
        if error is not None or app.builder.name != "html":
            return
        html = Path(app.outdir)
        for folder in (NOTEBOOKS, SOURCES):
            shutil.rmtree(html / folder, ignore_errors=True)
            (html / folder).mkdir()
        for page, made in self.notebooks():
            _write(html / NOTEBOOKS / page.file, nbformat.writes(made) + "\n")
            text = page.path.read_text("utf-8")
            shown = text if self.solutions != HIDDEN else without_solutions(text)
            _write(html / SOURCES / page.path.name, shown)
        if (self.root / "LICENSE").is_file():
            shutil.copyfile(self.root / "LICENSE", html / "LICENSE.txt")
        if self.wheel:
            from hatchling.builders.wheel import WheelBuilder

            made = WheelBuilder(str(self.root)).build(
                directory=str(html / NOTEBOOKS), versions=["standard"]
            )
            assert [Path(each).name for each in made] == [self.wheel]

    def notebooks(self) -> Any:
        """Yield each page and its notebook, which begins by installing what is missing."""
        # The book first: it says where workbook lies, also where no page has been written.
        pages = self.book.pages
        from workbook.notebook import notebook

        for page in pages:
            made = notebook(self.book, page, lambda warning: None, self.solutions)
            if any(cell.cell_type == "code" for cell in made.cells):
                made.cells.insert(0, self._install())
            yield page, made

    def _install(self) -> NotebookNode:
        url = self.repository and f"git+{self.repository.url}@{self.repository.branch}"
        packages = [f"aeteach[chapters] @ {url}"] if url else []
        text = INSTALL.format(packages=packages, version=version("aeteach"))
        cell = nbformat.v4.new_code_cell(text, metadata={"jupyter": {"source_hidden": True}})
        cell.id = "install"
        return cell


def repository_of(project: Path) -> str:
    """Return the address of the repository that a pyproject.toml names, or nothing.

    Raises:
        ConfigError: it is no address of a repository.
    """
    if not project.is_file():
        return ""
    urls = tomllib.loads(project.read_text("utf-8")).get("project", {}).get("urls", {})
    url = str(urls.get("Repository", "")).rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme != "https" or parts.path.count("/") < 2):
        raise ConfigError(
            f"{project.name} gives {url!r} as [project.urls] Repository; expected "
            "https://host/owner/name, or no such line"
        )
    return url


def _write(file: Path, text: str) -> None:
    """Write a file, and its twin for a page that was opened from a folder: from_a_folder.js."""
    file.write_text(text, encoding="utf-8")
    twin = f"aeFile({json.dumps(file.name)}, {json.dumps(text)});\n"
    file.with_name(f"{file.name}.js").write_text(twin, encoding="utf-8")


def _buttons(links: dict[str, str], launches: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the groups of buttons in the head of a page, as the theme wants them."""
    files = [
        {"type": "link", "url": links["notebook"], "text": ".ipynb", "icon": "fas fa-code"},
        {"type": "link", "url": links["source"], "text": ".md", "icon": "fas fa-file"},
        {
            "type": "javascript", "javascript": "window.print()", "text": "Print",
            "icon": "fas fa-print",
        },
    ]  # fmt: skip
    groups = [
        {
            "type": "group", "tooltip": "Download this page", "icon": "fas fa-download",
            "buttons": files, "label": "download-buttons",
        }
    ]  # fmt: skip
    if launches:
        places = [
            {"type": "link", "url": address, "text": place, "icon": "fas fa-rocket"}
            for place, address in launches
        ]
        groups.insert(
            0,
            {
                "type": "group", "tooltip": "Run this page", "icon": "fas fa-rocket",
                "buttons": places, "label": "launch-buttons",
            },
        )  # fmt: skip
    return groups
