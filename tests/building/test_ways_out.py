"""Every page leads to its notebook, its source, its licence; to a repository once there is one."""

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

from aeteach import __version__
from tests.paths import ROOT

from .conftest import SmallBook

ADDRESS = "https://github.com/someone/a-book"


def made(book: SmallBook, project: str = "") -> SmallBook:
    book.page("index", "Welcome.")
    book.page("one", "Some text.", "print(6 * 7)")
    book.toc("one")
    if project:
        (book.root / "pyproject.toml").write_text(project, encoding="utf-8")
    for name in ("CITATION.cff", "LICENSE"):
        (book.root / name).write_bytes((ROOT / name).read_bytes())
    built = book.build_apart()
    assert built.code == 0, built.log
    return book


def links(book: SmallBook, name: str = "one") -> dict[str, str]:
    """Return {words: address} of what the end of a page leads to."""
    page = BeautifulSoup(book.html(name).read_text("utf-8"), "html.parser")
    (box,) = page.select("aside.ways-out")
    return {a.get_text(): str(a["href"]) for a in box.select("a")}


def test_a_page_offers_its_files_and_without_an_address_leads_to_no_repository(
    book: SmallBook,
) -> None:
    found = links(made(book, "[project]\nname = 'a'\nversion = '1'\n"))
    licences = "BSD 3-clause, CC BY 4.0"
    assert set(found) == {"notebook (.ipynb)", "source (.md)", licences}
    here = book.html("one").parent
    assert (here / found["source (.md)"]).read_text("utf-8") == book.path("one").read_text("utf-8")
    assert (here / found[licences]).read_bytes() == (ROOT / "LICENSE").read_bytes()
    notebook = nbformat.read(here / found["notebook (.ipynb)"], as_version=4)
    nbformat.validate(notebook)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert sources[1:] == ["print(6 * 7)"]
    assert 'find_spec("aeteach") is None' in sources[0]
    assert "git+" not in sources[0]
    text = book.html("one").read_text("utf-8")
    assert not re.findall(r"github\.com|mybinder|colab|jupyter\.org|/issues", text)
    assert f"Version {__version__}," in book.words("one")
    assert "@book{through-the-bottleneck, author" in book.words("one")


def test_an_address_in_one_place_turns_on_every_link(book: SmallBook) -> None:
    config = book.config
    config["launch_buttons"] |= {"jupyterhub_url": "https://hub.example.org/"}
    book.configure(config)
    made(book, f"[project]\nname = 'a'\nurls = {{ Repository = '{ADDRESS}' }}\n")
    found = links(book)
    assert found["repository"] == ADDRESS
    assert found["report an error"] == f"{ADDRESS}/issues"
    assert found["run in Colab"] == (
        "https://colab.research.google.com/github/someone/a-book/blob/notebooks/02-one.ipynb"
    )
    assert unquote(found["run in Binder"]) == (
        "https://mybinder.org/v2/gh/someone/a-book/main?urlpath=lab/tree/workbook/02-one.ipynb"
    )
    assert unquote(found["run in JupyterHub"]) == (
        f"https://hub.example.org/hub/user-redirect/git-pull?repo={ADDRESS}&branch=notebooks"
        "&urlpath=lab/tree/a-book/02-one.ipynb"
    )
    page = book.html("one").read_text("utf-8")
    assert f"{ADDRESS}/edit/main/book/one.md" in page
    notebook = (book.root / "_build" / "html" / "notebooks" / "02-one.ipynb").read_text("utf-8")
    assert f"aeteach[chapters] @ git+{ADDRESS}@main" in notebook


@pytest.mark.parametrize("address", ["github.com/a/b", "http://github.com/a/b", "https://a.org"])
def test_what_is_no_address_of_a_repository_is_refused(address: str, tmp_path: Path) -> None:
    from aeteach_book.ways_out import repository_of
    from sphinx.errors import ConfigError

    project = tmp_path / "pyproject.toml"
    project.write_text(f"[project.urls]\nRepository = '{address}'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"expected https://host/owner/name"):
        repository_of(project)
