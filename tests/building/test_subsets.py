"""Any choice of the real book's chapters, in any order, builds without a warning."""

import warnings
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, tool

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Jupyter Book uses what click will drop
    book, subsets = tool("book"), tool("subsets")
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))


def pages(toc: dict) -> list[str]:
    return [Path(c["file"]).name for part in toc["parts"] for c in part["chapters"]]


def test_five_chapters_of_the_book_are_a_book(tmp_path: Path) -> None:
    toc = subsets.copy(tmp_path)
    assert subsets.warnings(subsets.choices(toc)["five chapters"], tmp_path) == []


def test_a_link_of_the_book_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    toc = subsets.copy(tmp_path)
    page = tmp_path / "book" / "elbo.md"
    page.write_text(page.read_text("utf-8") + "\nSee {eq}`eq-none`.\n", encoding="utf-8")
    (found,) = subsets.warnings(subsets.only(toc, {"elbo"}), tmp_path)
    assert "eq-none" in found


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.timeout(1800)
def test_every_choice_is_a_book(tmp_path: Path) -> None:
    toc = subsets.copy(tmp_path)
    tried = subsets.choices(toc)
    assert len(tried) == len(pages(TOC)) + 4
    assert {what: subsets.warnings(each, tmp_path) for what, each in tried.items()} == {
        what: [] for what in tried
    }


def test_choices_hold_what_they_say() -> None:
    tried = subsets.choices(TOC)
    assert set(pages(TOC)) - set(pages(tried["without elbo"])) == {"elbo"}
    assert pages(tried["five chapters"]) == list(subsets.FIVE)
    assert pages(tried["backwards"]) == pages(TOC)[::-1]


def test_parts_without_a_chapter_are_left_out_and_the_users_file_is_kept(tmp_path: Path) -> None:
    text = yaml.safe_dump(subsets.only(TOC, {"elbo"}))
    (tmp_path / "_toc.yml").write_text(text)
    (part,) = yaml.safe_load(book.trimmed(tmp_path).read_text("utf-8"))["parts"]
    assert part["chapters"] == [{"file": "book/elbo"}]
    assert (tmp_path / "_toc.yml").read_text() == text
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(TOC))
    assert book.trimmed(tmp_path) == tmp_path / "_toc.yml"
    assert book.without_empty_parts({"root": "a", "parts": [{"chapters": None}]}) == {"root": "a"}
    assert book.without_empty_parts({"root": "a", "chapters": None}) == {"root": "a"}
