"""What the search looks in: every section of a book with its place, its words and its signs."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .conftest import SmallBook


@pytest.fixture(scope="module")
def search() -> ModuleType:
    import aeteach_book.search

    return sys.modules[aeteach_book.search.__name__]


@pytest.mark.parametrize(
    ("tex", "shown"),
    [
        (r"\beta", "β"),
        (r"\hat x", "x̂"),
        (r"p_\theta(x \mid z)", "p_θ(x|z)"),
        (r"\mathbb{E}_{q}\left[\log p(x|z)\right]", "E_q[log p(x|z)]"),
        (r"D_{\mathrm{KL}}(q \,\|\, p)", "D_KL(q‖p)"),
        (r"\begin{aligned} a &= b \\ c &= \sigma^2 \end{aligned}", "a=b c=σ^2"),
        (r"\frac{1}{2}\sum_i x_i \label{eq:sum}", "1 2 ∑_i x_i"),
    ],
)
def test_a_formula_is_kept_as_a_reader_would_type_it(
    search: ModuleType, tex: str, shown: str
) -> None:
    assert search.signs(tex) == shown


def texts(book: SmallBook) -> list[dict[str, Any]]:
    script = Path(book.root / "_build/html/_static/search_texts.js").read_text("utf-8")
    return list(json.loads(script.removeprefix("aeSearch.start(").removesuffix(");\n")))


def test_every_section_is_there_with_its_place_and_without_those_below(book: SmallBook) -> None:
    book.page(
        "index", "First words.\n\n## A part\n\nIts *wo*rds, and $\\sigma^2$.\n\n### Below\n\nDeep."
    )
    book.page("one", "Alone.\n\n```python\nprint('code')\n```")
    book.toc("one")
    assert book.build().code == 0
    index, one = texts(book)
    assert (index["page"], index["title"]) == ("book/index.html", "The index")
    assert index["sections"] == [
        ["", "The index", "First words."],
        ["a-part", "A part", "Its words, and σ^2 ."],
        ["below", "Below", "Deep."],
    ]
    assert one["sections"] == [["", "The one", "Alone. print('code')"]]
    page = (book.root / "_build/html/search.html").read_text("utf-8")
    assert page.index("_static/search.js") < page.index("_static/search_texts.js")
    assert "searchtools.js" not in page.partition('id="search-results"')[2]
