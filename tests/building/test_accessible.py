"""What the theme writes is mended on every page of a book."""

from aeteach_book.accessible import mended

from .conftest import SmallBook


def test_what_is_mended_and_what_is_left() -> None:
    assert mended('<div role="doc-biblioentry">') == '<div role="listitem">'
    assert mended('<summary aria-label="Toggle hidden content"><p>') == "<summary><p>"
    assert mended('<summary aria-label="mine">') == '<summary aria-label="mine">'


def test_the_frame_of_a_page_says_what_it_is(book: SmallBook) -> None:
    book.page("index", "Words.")
    book.toc()
    assert book.build().code == 0
    page = book.html("index").read_text("utf-8")
    assert '<nav aria-label="Front page">' in page
    assert page.count('<button class="btn search-button-field') == 1
    assert 'aria-label="Light, dark or as the system"' in page
    assert 'title="System Settings"' not in page
