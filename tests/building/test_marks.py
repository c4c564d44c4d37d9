"""The marks of lines lead to their lines, in the page and from another one."""

from bs4 import BeautifulSoup

from tests.building.conftest import SmallBook

LINES = """We see V1 and V2 at once, and `V1` in code; K9 is nobody's.

## V1 in a heading

```{deeper-start} Why V2 holds
```

It does.

```{deeper-end}
```

```{math}
\\begin{align}
a &= b \\tag{V1} \\\\
  &= c . \\tag{V2}
\\end{align}
```

```{math}
:label: eq-after
d = e
```
"""


def test_marks_are_links(book: SmallBook) -> None:
    book.page("index", "Read V2 of {doc}`one`, and V7 of {doc}`one`, which is missing. V1 is none.")
    book.page("one", LINES)
    book.toc("one")
    built = book.build_apart()
    assert built.warnings == []
    one = BeautifulSoup(book.html("one").read_text("utf-8"), "html.parser")
    links = {a.get_text(): a["href"] for a in one.select("article p a") if "line" in a["href"]}
    assert links == {"V1": "#line-v1", "V2": "#line-v2"}
    assert len(one.select("#line-v1")) == len(one.select("#line-v2")) == 1
    assert [eq.get_text()[:3] for eq in one.select(".eqno")] == ["(1)"]  # marks take no number
    index = BeautifulSoup(book.html("index").read_text("utf-8"), "html.parser")
    marks = {a.get_text(): a["href"] for a in index.select("article p a") if "line" in a["href"]}
    assert marks == {"V2": "one.html#line-v2"}


def test_a_mark_at_two_lines_is_refused(book: SmallBook) -> None:
    book.page("index", LINES + "\n$$\nd \\tag{V1}\n$$\n")
    book.toc()
    assert any("the mark V1 stands at two lines" in line for line in book.build_apart().warnings)
