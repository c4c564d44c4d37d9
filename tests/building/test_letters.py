"""The index of letters says what the tables of the notation page say."""

from tests.building.conftest import SmallBook
from tests.paths import BOOK

from aeteach_book import letters  # isort: skip

TABLES = """# Notation

| symbol | in code | meaning | shape |
|---|---|---|---|
| $N, z_1$ | `N` | images | |

## One

| symbol | in code | meaning | shape |
|---|---|---|---|
| $a, N$ | | both | |
| $\\beta$ | `beta` | a weight | |

## Two

| symbol | in code | meaning | shape |
|---|---|---|---|
| $a$ | `a` | a share | |
| $\\beta$ | | a weight | |
"""


def test_letters_with_other_words_beside_them_are_listed() -> None:
    lines = letters.index(TABLES).splitlines()[4:]
    assert lines == [
        "| $a$ | One | both |",
        "|  | Two | a share |",
        "| $N$ | the whole book | images |",
        "|  | One | both |",
    ]


def test_the_book_has_letters_with_several_meanings() -> None:
    page = (BOOK / "notation.md").read_text("utf-8")
    assert letters.TITLE not in page  # made when the page is read
    assert len(letters.index(page).splitlines()) > 50


def test_the_page_ends_with_them(book: SmallBook) -> None:
    book.page("index", "Welcome.")
    book.path("notation").write_text(TABLES, encoding="utf-8")
    book.toc("notation")
    built = book.build_apart()
    assert built.warnings == []
    assert letters.TITLE in book.html("notation").read_text("utf-8")
