"""A page is written again when what it shows or names has changed; nothing is left of old pages."""

import json
import re
import shutil
from pathlib import Path

import pytest

from .conftest import STAMP, SmallBook


def written(book: SmallBook) -> dict[str, int]:
    """Return when each page was written."""
    folder = book.root / "_build" / "html" / "book"
    return {page.stem: page.stat().st_mtime_ns for page in folder.glob("*.html")}


@pytest.mark.slow
def test_only_what_has_changed_is_written(book: SmallBook) -> None:
    book.page("index", "See {doc}`one`.")
    book.page("one", "# First title\n\nOld words.", STAMP)
    book.page("two", "Nothing.\n\n```{exercise} Try\nThis.\n```\n\n$$a$$ (eq-two)")
    book.toc(Part=["one", "two"])
    assert book.build_apart().code == 0
    first, stamp = written(book), book.ran("one")

    assert book.build_apart().code == 0
    assert written(book) == first

    book.page("one", "# First title\n\nNew words.", STAMP)
    assert book.build_apart().code == 0
    again = {name for name, when in written(book).items() if when != first[name]}
    assert again == {"one", "index"}  # Sphinx writes the page with the list of pages, too
    assert "New words." in book.words("one")

    book.page("one", "# Second title\n\nNew words.", STAMP)
    assert book.build_apart().code == 0
    assert "See Second title." in book.words("index")
    assert "Second title" in book.html("two").read_text("utf-8")  # in the list of pages
    assert book.ran("one") == stamp


def test_an_older_text_with_an_older_date_is_noticed(book: SmallBook) -> None:
    book.page("index", "New words.")
    book.page("one", "Nothing.")
    book.toc("one")
    assert book.build().code == 0
    book.page("index", "Old words.")
    shutil.copystat(book.root / "_config.yml", book.path("index"))  # as `cp -a` or `mv` leave it
    assert book.build().code == 0
    assert "Old words." in book.words("index")


def test_a_build_that_warned_warns_again_until_its_cause_is_gone(book: SmallBook) -> None:
    book.page("index", "See {ref}`there`.")
    book.page("one", "(there)=\n## There")
    book.toc("one")
    assert book.build().code == 0

    book.page("one", "(elsewhere)=\n## There")  # the page that links to it is not touched
    for _ in range(2):
        failed = book.build()
        assert failed.code == 1
        assert "undefined label: 'there'" in failed.log

    book.page("one", "(there)=\n## There")
    assert book.build().code == 0
    assert "See There." in book.words("index")


def test_a_page_that_is_taken_out_or_renamed_leaves_nothing(book: SmallBook) -> None:
    book.page("index", "Welcome.")
    book.page("one", "", STAMP)
    book.page("two", "", STAMP)
    book.page("three", "", STAMP)
    book.toc("one", "two", "three")
    assert book.build().code == 0
    one, three = book.ran("one"), book.ran("three")

    book.path("one").rename(book.path("first"))
    book.path("two").unlink()
    book.toc("three", "first")
    built = book.build()
    assert (built.code, built.warnings) == (0, [])
    assert sorted(written(book)) == ["first", "index", "three"]
    assert (book.ran("first"), book.ran("three")) == (one, three)  # neither ran again
    assert "one.html" not in book.html("index").read_text("utf-8")


def test_a_page_of_a_build_that_failed_leaves_nothing(book: SmallBook) -> None:
    book.page("index", "Welcome.")
    book.page("one", "")
    book.toc("one")
    assert book.build().code == 0

    book.page("short-lived", "See {ref}`nowhere`.")
    book.toc("short-lived")
    assert book.build().code == 1
    assert "short-lived" in written(book)

    book.toc("one")
    assert book.build().code == 0
    assert sorted(written(book)) == ["index", "one"]


def test_the_folder_may_be_copied_and_its_twin_changed(book: SmallBook, tmp_path: Path) -> None:
    book.page("index", "Welcome.")
    book.page("one", "Old words.", STAMP)
    book.toc("one")
    assert book.build().code == 0
    twin = SmallBook.__new__(SmallBook)
    twin.root = tmp_path / "elsewhere" / "twin"
    shutil.copytree(book.root, twin.root)
    shutil.rmtree(book.root / "book")  # nothing of the first is needed
    twin.page("one", "New words.", STAMP)
    built = twin.build()
    assert (built.code, built.warnings) == (0, [])
    assert "New words." in twin.words("one")
    assert twin.ran("one") == book.ran("one")


def test_other_settings_and_other_files_of_the_site_reach_every_page(book: SmallBook) -> None:
    style = book.root / "book" / "static" / "own.css"
    style.write_text("a {}")
    book.page("index", "Welcome.")
    book.toc()
    assert book.build().code == 0
    style.write_text("b {}")
    assert book.build().code == 0
    assert (book.root / "_build" / "html" / "_static" / "own.css").read_text() == "b {}"
    book.configure({**book.config, "title": "Another title"})
    assert book.build().code == 0
    assert "Another title" in book.html("index").read_text("utf-8")


@pytest.mark.parametrize("damaged", ["one.doctree", "environment.pickle", ".html.json"])
@pytest.mark.slow
def test_a_build_after_one_that_was_cut_off_is_whole(book: SmallBook, damaged: str) -> None:
    book.page("index", "See {doc}`one`.")
    book.page("one", "Words.", STAMP)
    book.toc("one")
    assert book.build().code == 0
    stamp = book.ran("one")
    # What a build leaves behind that is killed while it writes.
    record = book.root / "_build" / ".html.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "complete": False}))
    (file,) = (book.root / "_build").rglob(damaged)
    file.write_bytes(file.read_bytes()[:50])
    book.html("one").write_text("half a pa")
    built = book.build()
    assert (built.code, built.warnings) == (0, [])
    assert "Words." in book.words("one")
    assert book.ran("one") == stamp


def test_any_order_and_an_empty_part(book: SmallBook) -> None:
    book.page("index", "See {doc}`a`.")
    for name in "abc":
        book.page(
            name, f"See {{doc}}`index`.\n\n```{{exercise}} Try\n:label: ex-{name}\nThis.\n```"
        )
    book.toc(First=["a", "b"], Second=["c"])
    assert book.build().code == 0
    assert "1. The a" in menu(book)
    assert "Exercise 3.1" in book.words("c")
    book.toc(Second=["c"], First=[])
    built = book.build()
    assert (built.code, built.warnings) == (0, [])
    assert "1. The c" in menu(book)
    assert "Exercise 1.1" in book.words("c")
    assert sorted(written(book)) == ["c", "index"]
    book.toc(Second=["c", "b"], First=["a"])
    assert book.build().code == 0
    assert [line for line in menu(book) if line[:1].isdigit()] == [
        "1. The c",
        "2. The b",
        "3. The a",
    ]


def menu(book: SmallBook) -> list[str]:
    """Return the names of pages in the list beside the text."""
    page = book.html("index").read_text("utf-8")
    (nav,) = re.findall(r'<nav class="bd-links.*?</nav>', page, re.S)
    links = re.findall(r"<a [^>]*>(.*?)</a>", nav, re.S)
    return [" ".join(re.sub(r"<[^>]*>", "", link).split()) for link in links]
