"""A small book of its own, and the real one as notebooks."""

from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.chapters import HEAD
from tests.paths import ROOT
from tools.workbook.book import Book
from tools.workbook.notebook import notebook

TOC = """\
format: jb-book
root: book/index
parts:
  - caption: Before
    chapters:
      - file: book/words
  - caption: The middle
    numbered: true
    chapters:
      - file: book/one
      - file: book/two
  - caption: After
    chapters:
      - file: book/after
      - file: book/sources
"""
PAGES = {
    "index": "# All\n\nHello.\n",
    "words": """# Words

```{glossary}
blue
azure
  A colour of $x$. See {term}`red thing`.

red thing
  Another.

  Of two paragraphs.
```
""",
    "one": r"""# One

(one-first)=
## The first $x$

```{math}
:label: eq-one
a = b
```

```{exercise} Add *up*
:label: ex-add
Add $a$ to {eq}`eq-one`.
```

```{code-cell} ipython3
:tags: [nbval-check-output]
add = 1
```

```{solution-start} ex-add
:class: dropdown
```

It is so.

```{code-cell} ipython3
add = 2
```

```{solution-end}
```

The text goes on.

## Second part

```{code-cell} ipython3
:tags: [hide-input]
print(add)
```
""",
    "two": """# Two `twos`

Second. See {doc}`one`, {ref}`one-first`, {eq}`eq-one` and {ref}`ex-add`.

$$
c
$$ (eq-two)
""",
    "after": """# After

```{exercise}
:label: ex-after
Think.
```

```{math}
:label: eq-after
d
```
""",
    "sources": "# Sources\n\n```{bibliography}\n```\n",
    "draft": """# A draft

Not in the book. It cites {cite}`never`.

(draft-part)=
## A part

```{math}
:label: eq-draft
x
```

```{exercise} Later
:label: ex-draft
Not yet.
```
""",
}
BIBLIOGRAPHY = r"""
@article{ab, author = {Ada, A. and Bell, B.}, title = {T}, journal = {J}, year = {2001}}
@article{abc, author = {{\AA}s, A. and Bell, B. and van der Zee, C.},
  title = {T}, journal = {J}, year = {2002}}
@article{z, author = {van der Zee, C.}, title = {T}, journal = {J}, year = {2003}}
@article{never, author = {Never, N.}, title = {T}, journal = {J}, year = {2004}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The root of a small book: a glossary, two chapters with numbers, and two pages without."""
    root = tmp_path / "small"
    (root / "book").mkdir(parents=True)
    (root / "_config.yml").write_text("title: Small\nbibtex_bibfiles: [book/references.bib]\n")
    (root / "_toc.yml").write_text(TOC)
    (root / "book" / "references.bib").write_text(BIBLIOGRAPHY)
    for name, text in PAGES.items():
        (root / "book" / f"{name}.md").write_text(HEAD + text)
    return root


@pytest.fixture(scope="session")
def book() -> Book:
    """The real book."""
    return Book.read(ROOT)


@pytest.fixture(scope="session")
def warnings() -> list[str]:
    """What was said while the real book was made into notebooks."""
    return []


@pytest.fixture(scope="session")
def notebooks(book: Book, warnings: list[str]) -> dict[str, NotebookNode]:
    """Every page of the real book as a notebook, by its name."""
    return {page.name: notebook(book, page, warnings.append) for page in book.pages}
