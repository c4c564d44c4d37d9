"""Boxes that open: prose, formulas and cells between two marks."""

import nbformat
import pytest
from aeteach_book.deeper import main_path
from aeteach_book.teaching import reading
from bs4 import BeautifulSoup

from .conftest import SmallBook

TEXT = """Before.

```{deeper-start} Proof that $x^2 \\ge 0$, with *care*
```

A square has no sign, by {eq}`eq-square`.

$$
x \\cdot x = (-x)(-x)
$$ (eq-square)

```{code-cell} ipython3
print("inside", 3 * 3)
```

```{deeper-end}
```

After, with {eq}`eq-square`.
"""


def built(book: SmallBook, text: str) -> str:
    book.page("index", "Welcome.")
    book.page("one", text, "print('last')")
    book.toc("one")
    return book.build_apart().log


def test_a_box_holds_what_stands_between_its_marks(book: SmallBook) -> None:
    log = built(book, TEXT)
    assert "WARNING" not in log
    page = BeautifulSoup(book.html("one").read_text("utf-8"), "html.parser")
    (box,) = page.select("details.ae-deeper")
    assert not box.has_attr("open")
    assert box.summary is not None
    title = box.summary.get_text().strip()
    assert title.startswith("Proof that")
    assert "care" in title
    assert box.summary.select(".math")
    words = box.get_text()
    for inside in ("A square has no sign", "inside 9"):
        assert inside in words
    assert not {"Before.", "After, with", "last"} & set(words.split("\n"))
    (target,) = box.select("[id=equation-eq-square]")
    assert [
        a for a in page.select("a[href='#equation-eq-square']") if a.find_parent("details") is None
    ]
    assert target.name == "div"


def test_the_notebook_folds_a_box_and_goes_on_after_it(book: SmallBook) -> None:
    built(book, TEXT)
    notebook = nbformat.read(
        book.root / "_build" / "html" / "notebooks" / "02-one.ipynb", as_version=4
    )
    sources = [cell.source for cell in notebook.cells]
    start = next(i for i, text in enumerate(sources) if text.startswith("##### Proof that $x^2"))
    assert notebook.cells[start].metadata["jp-MarkdownHeadingCollapsed"]
    inside = [i for i, c in enumerate(notebook.cells) if "deeper" in c.metadata.get("aeteach", {})]
    assert inside == list(range(start, start + 3))
    assert "(continued)" in sources[start + 3]
    assert "After" in sources[start + 4]


@pytest.mark.parametrize(
    "text",
    [
        "```{deeper-start} Open\n```\n\nText.\n",
        "Text.\n\n```{deeper-end}\n```\n",
        "```{deeper-start} Open\n```\n\n## A heading\n\n```{deeper-end}\n```\n",
        "```{deeper-start} A\n```\n\n```{deeper-start} B\n```\n\nText.\n\n```{deeper-end}\n```\n",
    ],
)
def test_a_mark_without_its_other_is_said(book: SmallBook, text: str) -> None:
    log = built(book, text)
    assert "both stand under the same heading" in log
    assert "one.md" in log


def test_a_box_is_no_part_of_the_main_path() -> None:
    assert "sign" not in main_path(TEXT)
    assert "After" in main_path(TEXT)
    long = TEXT.replace("A square has no sign", "word " * 4000)
    assert reading(long) == reading(TEXT)
