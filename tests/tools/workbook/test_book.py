"""Names and numbers of pages, equations and exercises, as _toc.yml orders them."""

from pathlib import Path

import pytest

from tools.workbook.book import Book


def test_pages_in_reading_order_under_names_that_sort(small: Path) -> None:
    pages = Book.read(small).pages
    assert [page.file for page in pages] == [
        "00-index.ipynb",
        "00-words.ipynb",
        "01-one.ipynb",
        "02-two.ipynb",
        "03-after.ipynb",
        "04-sources.ipynb",
    ]
    assert [page.number for page in pages] == [None, None, 1, 2, None, None]
    assert [page.part for page in pages] == ["", "Before", *["The middle"] * 2, *["After"] * 2]
    assert pages[3].title == "Two `twos`"


def test_without_numbered_chapters_all_pages_count(small: Path) -> None:
    toc = small / "_toc.yml"
    toc.write_text(toc.read_text().replace("    numbered: true\n", ""))
    files = [page.file for page in Book.read(small).pages]
    assert files[0], files[-1] == ("01-index.ipynb", "06-sources.ipynb")
    assert files == sorted(files)


def test_numbers_count_within_chapters_and_through_the_other_pages(small: Path) -> None:
    words = small / "book" / "words.md"
    words.write_text(words.read_text() + "\n```{math}\n:label: eq-words\ne\n```\n")
    book = Book.read(small)
    numbers = {label: e.text for label, e in book.equations.items() if e.page.file}
    assert numbers == {"eq-words": "1", "eq-one": "1.1", "eq-two": "2.1", "eq-after": "2"}
    assert {label: e.number for label, e in book.exercises.items() if e.page.file} == {
        "ex-add": "1.1",
        "ex-after": "1",
    }


def test_a_page_that_is_not_in_the_toc_is_not_in_the_book(small: Path) -> None:
    book = Book.read(small)
    draft = book.page("draft")
    assert draft is not None
    assert (draft.file, draft.title) == ("", "A draft")
    assert book.left_out == [draft]
    assert "never" not in book.cited
    assert {page.name for page in book.pages} == {
        "index",
        "words",
        "one",
        "two",
        "after",
        "sources",
    }


def test_a_part_without_chapters_is_left_out(small: Path) -> None:
    toc = small / "_toc.yml"
    text = toc.read_text()
    assert "      - file: book/words\n" in text
    toc.write_text(text.replace("      - file: book/words\n", ""))
    pages = Book.read(small).pages
    assert [page.name for page in pages] == ["index", "one", "two", "after", "sources"]
    toc.write_text("format: jb-book\nroot: book/index\nparts:\n  - caption: A\n    chapters:\n")
    assert [page.name for page in Book.read(small).pages] == ["index"]


def test_a_page_that_is_not_there_is_an_error(small: Path) -> None:
    (small / "book" / "one.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"names a page that is not there: .*one\.md"):
        Book.read(small)


def test_the_real_book_has_every_page_of_the_toc(book: Book) -> None:
    assert len(book.pages) > 20
    assert all(page.title for page in book.pages)
    files = [page.file for page in book.pages if page.number]
    assert files == sorted(files)
    assert [page.number for page in book.pages if page.number] == list(range(1, len(files) + 1))
