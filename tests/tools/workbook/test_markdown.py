"""Each role and directive has a plain form; what has none is said."""

from pathlib import Path

import pytest

from tools.workbook.book import Book
from tools.workbook.markdown import Plain


@pytest.fixture
def warned() -> list[str]:
    return []


@pytest.fixture
def write(small: Path, warned: list[str]):
    """Write a piece of MyST as it stands on the page `two` of the small book."""
    book = Book.read(small)

    def plain(text: str, page: str = "two") -> str:
        here = book.page(page)
        assert here is not None
        return Plain(book, here, warned.append).markdown(text)

    return plain


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("{term}`Blue`", "[Blue](00-words.ipynb#blue%2C-azure)"),
        ("{term}`blues <azure>`", "[blues](00-words.ipynb#blue%2C-azure)"),
        ("{term}`red\nthings <red\nthing>`", "[red things](00-words.ipynb#red-thing)"),
        ("{term}`unknown`", "unknown"),
        ("{doc}`one`", "[One](01-one.ipynb)"),
        ("{doc}`the first <one>`", "[the first](01-one.ipynb)"),
        ("{doc}`two`", "Two `twos`"),
        ("{doc}`draft`", "A draft"),
        ("{doc}`nowhere`", "nowhere"),
        ("{ref}`one-first`", "[The first $x$](01-one.ipynb)"),
        ("{ref}`there <one-first>`", "[there](01-one.ipynb)"),
        ("{ref}`index <genindex>`", "index"),
        ("{ref}`ex-add`", "[Exercise 1.1](01-one.ipynb#Exercise-1.1-%28Add-%2Aup%2A%29)"),
        ("{numref}`ex-after`", "[Exercise 1](03-after.ipynb#Exercise-1)"),
        ("{eq}`eq-one`", "[(1.1)](01-one.ipynb)"),
        ("{eq}`eq-two`", "(2.1)"),
        ("{eq}`eq-after`", "[(1)](03-after.ipynb)"),
        ("{eq}`eq-draft`", "an equation of “A draft”"),
        ("{ref}`ex-draft`", "an exercise of “A draft”"),
        ("{ref}`draft-part`", "A part"),
        ("[](draft.md#a-part)", "A part"),
        ("[](draft.md)", "A draft"),
        ("{cite}`ab`", "[[Ada and Bell, 2001]](04-sources.ipynb)"),
        ("{cite:p}`z,ab`", "[[Ada and Bell, 2001; van der Zee, 2003]](04-sources.ipynb)"),
        ("{cite:t}`abc`", "[Ås et al. [2002]](04-sources.ipynb)"),
        ("{index}`covariance`", "covariance"),
        ("{index}`it <covariance>`", "it"),
        ("{kbd}`Tab`", "<kbd>Tab</kbd>"),
        ("{math}`a_b`", "$a_b$"),
        ("[there](one.md)", "[there](01-one.ipynb)"),
        ("[there](one.md#second-part)", "[there](01-one.ipynb#Second-part)"),
        ("[there](draft.md#x)", "there"),
        ("[there `x`](one-first)", "[there `x`](01-one.ipynb)"),
        ("[](#ex-add)", "[Exercise 1.1](01-one.ipynb#Exercise-1.1-%28Add-%2Aup%2A%29)"),
        ("[so](eq-one)", "[so](01-one.ipynb)"),
        ("[`a`](one.md)", "[`a`](01-one.ipynb)"),
        ("\\begin{align*}\na\n\\end{align*}", "$$\n\\begin{align*}\na\n\\end{align*}\n$$"),
        ("[web](https://example.org/a.md)", "[web](https://example.org/a.md)"),
        ("(a-label)=\n## Head", "## Head"),
        ("% a comment\nText", "Text"),
        ("```{index} a; b\n```\nText", "Text"),
        ("$$\nc\n$$ (eq-two)", "$$\nc\n\\tag{2.1}\n$$"),
        ("```{math}\n:label: eq-one\na = b\n```", "$$\na = b \\tag{1.1}\n$$"),
        ("```{math}\na \\\\ b\n```", "$$\n\\begin{split}\na \\\\ b\n\\end{split}\n$$"),
        ("```{math}\n\\begin{align}a\\end{align}\n```", "$$\n\\begin{align}a\\end{align}\n$$"),
        ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
        ("- a\n\n  ```{math}\n  x\n  ```", "- a\n\n  $$\n  x\n  $$"),
    ],
)
def test_plain_form(write, warned, myst: str, plain: str) -> None:
    assert write(myst) == plain
    assert warned == []


@pytest.mark.parametrize(
    "text",
    [
        "``{term}`blue` ``",
        "`{eq}` and `x`",
        "`[a](one.md)`",
        "```python\n{term}`blue` (x)= [a](one.md)\n```",
        "```sh\nmake lab\n```",
        "$$\n\\begin{align}\na\n\\end{align}\n$$",
        "[elsewhere](unknown)",
        "Prices of $5 and 5 %, `code` and $p(x|z)$.",
        "| a | b |\n|---|---|\n| $p \\mid q$ | `x` |",
    ],
)
def test_what_is_no_markup_stays(write, warned, text: str) -> None:
    assert write(text) == text
    assert warned == []


@pytest.mark.parametrize(
    ("myst", "plain", "said"),
    [
        ("{strange}`a <b>`", "a", "two.md: the role {strange} is shown as plain text"),
        (
            "```{strange}\nText of {doc}`one`.\n```",
            "Text of [One](01-one.ipynb).",
            "two.md: the directive {strange} is shown as plain text",
        ),
        (
            "{cite}`gone`",
            "[[gone]](04-sources.ipynb)",
            "two.md: no entry gone in the bibliography",
        ),
        ("{eq}`eq-gone`", "eq-gone", "two.md: there is no equation eq-gone"),
        ("It is.{claim}`gone`", "It is.", "two.md: there is no claim gone"),
        ("![a](gone.png)", "![a](gone.png)", "two.md: there is no picture gone.png"),
    ],
)
def test_what_has_no_plain_form_is_said(write, warned, myst: str, plain: str, said: str) -> None:
    assert write(myst) == plain
    assert warned == [said]


def test_a_remark_is_framed_and_a_folded_one_folded(write) -> None:
    framed = write(":::{admonition} Why {term}`blue`\n{doc}`one`.\n\n$x$\n:::")
    assert framed.startswith("<div style=")
    assert (
        "\n\n**Why [blue](00-words.ipynb#blue%2C-azure)**\n\n[One](01-one.ipynb).\n\n$x$\n\n</div>"
        in framed
    )
    folded = write("```{admonition} Why\n:class: dropdown tip\n$x$\n```")
    assert folded == "<details>\n<summary>Why</summary>\n\n$x$\n\n</details>"
    assert "**Note**" in write("```{note}\nText.\n```")


def test_the_glossary_has_a_heading_for_each_entry(write) -> None:
    entries = "blue\nazure\n  A colour.\n\nred thing\n  One.\n\n  Two."
    text = write(f"```{{glossary}}\n{entries}\n```", "words")
    assert text == "#### blue, azure\n\nA colour.\n\n#### red thing\n\nOne.\n\nTwo."


def test_the_bibliography_lists_what_is_cited(small: Path) -> None:
    (small / "book" / "two.md").write_text("# Two\n\n{cite}`z,ab`\n")
    book = Book.read(small)
    page = book.page("sources")
    assert page is not None
    lines = Plain(book, page, pytest.fail).markdown(page.text).split("\n")
    assert lines[2:] == ["- A. Ada and B. Bell. T. *J*, 2001.", "- C. van der Zee. T. *J*, 2003."]


CLAIM = (
    '@OverSeeds("{name}", "Second.", measured="steps of $x$", seeds=5, spread=(2, 6), within=0.5, '
    "false_at=1)\ndef test_it(seed):\n    return seed + 2\n"
)


@pytest.fixture
def claimed(small: Path) -> Book:
    folder = small / "tests" / "claims"
    folder.mkdir(parents=True)
    (folder / "test_two.py").write_text(CLAIM.format(name="second"))
    (folder / "test_draft.py").write_text(CLAIM.format(name="draft"))
    (small / "book" / "how-do-we-know.md").write_text("# All claims\n\n```{claims}\n```\n")
    toc = (small / "_toc.yml").read_text()
    (small / "_toc.yml").write_text(toc + "      - file: book/how-do-we-know\n")
    return Book.read(small)


def plain(book: Book, name: str) -> str:
    page = book.page(name)
    assert page is not None
    return Plain(book, page, pytest.fail).markdown(page.text + "{claim}`second`" * (name == "two"))


def test_a_mark_says_kind_and_figures_and_leads_to_all_claims(claimed: Book) -> None:
    link = "05-how-do-we-know.ipynb"
    assert plain(claimed, "two").endswith(f" ([over 5 seeds: 2 to 6]({link}))")


def test_the_list_of_claims_is_plain_markdown(claimed: Book) -> None:
    text = plain(claimed, "how-do-we-know")
    assert "| [Two `twos`](02-two.ipynb) | 1 |" in text
    assert "- Second.\\\n  *Over seeds*. Steps of $x$: 2 to 6 over 5 seeds" in text
    assert "`tests/claims/test_two.py::test_it`" in text
    assert "<" not in text
    assert "{" not in text
    assert "draft" not in text  # it is not in the book
