"""A formula reads without JavaScript: as MathML that browsers draw themselves."""

import re

import pytest
from bs4 import BeautifulSoup

from .conftest import SmallBook


def drawn(tex: str, *, display: bool = False) -> BeautifulSoup:
    from aeteach_book.formulas import mathml

    return BeautifulSoup(mathml(tex, display=display), "html.parser")


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"\mathbb{E}_q[x]", "𝔼q[x]"),
        (r"\mathbb{R}^d", "ℝd"),
        (r"\mathcal{N}(\boldsymbol{\mu}, \sigma^2)", "𝒩(𝝁,σ2)"),
        (r"\mathbf{x}_1 \mathrm{KL}", "𝐱1KL"),
        (r"\mathbf{1}\mathcal{L}", "𝟏ℒ"),
        (r"\tfrac12 \log\det\Sigma", "12log\u2061detΣ"),
    ],
)
def test_letters_stand_in_unicodes_alphabets(tex: str, words: str) -> None:
    found = drawn(tex)
    assert "".join(found.get_text().split()) == words
    assert not found.select("[mathvariant]:not([mathvariant=normal])")


def test_a_tag_stands_at_the_end_of_its_row() -> None:
    found = drawn(r"\begin{align} a &= b \tag{E1} \\ c &= d \tag{E2} \end{align}", display=True)
    rows = [[cell.get_text().strip() for cell in row.select("mtd")] for row in found.select("mtr")]
    assert rows == [["a", "=b", "(E1)"], ["c", "=d", "(E2)"]]
    sides = [cell.get("style") for cell in found.select("mtr")[0].select("mtd")]
    assert sides == ["text-align:right", "text-align:left", None]
    assert not found.select("mlabeledtr")


def test_a_formula_that_cannot_be_read_is_a_warning(book: SmallBook) -> None:
    book.page("index", "Here $\\frac{1}{$ and $\\nonsense x$.")
    book.toc()
    built = book.build_apart()
    assert built.code == 1
    assert "cannot read the formula '\\\\nonsense x': Undefined control sequence" in built.log
    assert built.log.count("cannot read the formula") == 2


def test_each_formula_of_a_page_carries_both_and_its_number_stays(book: SmallBook) -> None:
    book.page(
        "index",
        "A $x < 1$ in a line.\n\n$$y = \\sum_i x_i$$ (eq-sum)\n\nSee {eq}`eq-sum`.\n\n"
        "\\begin{align} a &= b \\\\ c &= d \\end{align}\n",
    )
    book.toc()
    built = book.build_apart()
    assert built.code == 0, built.log
    page = BeautifulSoup(book.html("index").read_text("utf-8"), "html.parser")
    formulas = page.select(".math")
    assert len(formulas) == 3
    assert all(len(each.select("noscript > math")) == 1 for each in formulas)
    assert [bool(each.select("math[display=block]")) for each in formulas] == [False, True, True]
    assert formulas[0].select_one(".tex").get_text() == "\\(x < 1\\)"
    assert re.search(r"See \(1\)\.", page.get_text())
    assert formulas[1].select_one(".eqno").get_text().startswith("(1)")
