"""One setting moves the solutions or leaves them out: pages, notebooks, sources."""

import nbformat

from .conftest import SmallBook

TEXT = """Some text.

```{exercise} Try
:label: ex-try
Do it.
```

```{solution-start} ex-try
:class: dropdown
```

The secret words.

```{code-cell} ipython3
secret_code = 1
```

```{solution-end}
```

## After

Last words.
"""


def made(book: SmallBook, **setting: str) -> tuple[str, str, str]:
    """Build with a setting; return the words of the page, of its notebook and of its source."""
    config = book.config
    config["sphinx"]["config"] |= setting
    book.configure(config)
    book.page("index", "Welcome.")
    book.page("one", TEXT, "print(1)")
    book.toc("one")
    built = book.build_apart()
    assert built.code == 0, built.log
    html = book.root / "_build" / "html"
    notebook = nbformat.read(html / "notebooks" / "02-one.ipynb", as_version=4)
    cells = "\n".join(cell.source for cell in notebook.cells)
    return book.words("one"), cells, (html / "sources" / "one.md").read_text("utf-8")


def test_hidden_solutions_are_nowhere(book: SmallBook) -> None:
    for words in made(book, solutions="hidden"):
        assert "secret" not in words
        assert "Do it." in words
        assert "Last words." in words
    found = (book.root / "_build" / "html").rglob("*.html")
    assert not [path.name for path in found if "secret" in path.read_text("utf-8")]
    assert "secret" not in (book.root / "_build" / "html" / "searchindex.js").read_text("utf-8")


def test_solutions_at_the_end_come_last(book: SmallBook) -> None:
    page, notebook, source = made(book, solutions="at the end")
    for words in (page, notebook):
        places = [words.index(part) for part in ("Do it.", "Last words.", "Solutions", "secret")]
        assert places == sorted(places)
    assert "secret_code" in source


def test_solutions_stand_in_place_unless_told_otherwise(book: SmallBook) -> None:
    for words in made(book):
        assert words.index("Do it.") < words.index("The secret words.") < words.index("Last words.")


def test_another_place_is_refused(book: SmallBook) -> None:
    config = book.config
    config["sphinx"]["config"]["solutions"] = "somewhere"
    book.configure(config)
    book.page("index", "Welcome.")
    book.toc()
    built = book.build_apart()
    assert built.code != 0
    assert "expected one of in place, at the end, hidden" in built.log
