"""A number of the prose that nothing prints is found, wherever it stands; others are not."""

import json
from pathlib import Path

import pytest

from tests.building.conftest import tool

prose = tool("prose")

PAGE = """---
jupytext: {text: 11}
---

# A page

(label-22)=
Text with 33 and $44$, `55`, {term}`66 things <77>`, {cite}`key1988`, [88](page99.md), in 1988.

```{code-cell} ipython3
---
mystnb:
  image:
    alt: "A curve that ends at 111."
---
x = 122
```

````{exercise} Of 133
:label: ex-144
Take 155.

```{code-block} python
y = 166
```
````

```{solution-start} ex-144
:class: dropdown
```

**Figure.** *Has 177 points.*

| 188 | a |

% a comment of 199
"""
READ = ["8: 33", "8: 66", "8: 88", "14: 111", "19: 133", "21: 155", "32: 177", "34: 188"]


def test_prose_is_what_a_reader_reads_and_keeps_its_lines() -> None:
    assert prose.prose(PAGE).count("\n") == PAGE.count("\n")
    assert [f"{n.line}: {n.text}" for n in prose.numbers(PAGE)] == READ


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("28x28, 32 × 32", ["28", "28", "32", "32"]),
        ("1,024.5 and 12.", ["1,024.5", "12"]),
        ("7 sevens, Exercise 3", []),
        ("conv64, v1.2, 3d", []),
        ("in 2006, but 2006 %", ["2006"]),
        ("–0.35 to 12–14", ["0.35", "12", "14"]),
    ],
)
def test_numbers_are_cut_from_the_text(text: str, found: list[str]) -> None:
    assert [number.text for number in prose.numbers(text)] == found


@pytest.mark.parametrize(
    ("text", "share", "value", "same"),
    [
        ("13.9", False, 13.87, True),
        ("13.8", False, 13.87, False),
        ("87", True, 0.8731, True),
        ("87", False, 0.8731, False),
        ("1,024", False, 1024.4, True),
        ("1,024", False, 1025.0, False),
        ("73", True, 73.4, True),
    ],
)
def test_a_number_may_be_rounded(text: str, share: bool, value: float, same: bool) -> None:
    assert prose.Number(text, 1, share).is_from({value}) == same


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("book", "tests/reference", "tests/claims"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def cell(text: str, *tags: str) -> dict[str, object]:
    output = {"output_type": "stream", "name": "stdout", "text": [text]}
    return {"metadata": {"tags": list(tags)}, "outputs": [output]}


def asked(root: Path, text: str, named: dict[str, dict[str, str]] | None = None, **cells: str):
    kept = [cell(cells.get("compared", ""), prose.TAG), cell(cells.get("other", ""))]
    (root / "tests" / "reference" / "page.ipynb").write_text(json.dumps({"cells": kept}))
    (root / "book" / "page.md").write_text(text)
    sources = prose.Sources(named or {})
    found = prose.without_source(root, "page", sources)
    return found + sources.wrong(root / "tests" / "reference")


def test_what_a_compared_cell_prints_has_a_source(root: Path) -> None:
    assert asked(root, "An error of 13.9.", compared="error: 13.87") == []
    assert asked(root, "An error of 13.9.", other="error: 13.87") == [
        "book/page.md:1: no compared cell prints 13.9"
    ]


def test_code_and_formulas_are_sources(root: Path) -> None:
    assert asked(root, "After 500 steps.\n\n```{code-cell}\nsteps = 500\n```") == []
    assert asked(root, "$k = 500$. After 500 steps.") == []


def test_the_evidence_of_a_claim_is_a_source(root: Path) -> None:
    text = "At most 17.5 times.{claim}`often`"
    assert len(asked(root, text)) == 1
    (root / "tests" / "claims" / "test_page.py").write_text(
        '@OverSeeds("often", "At most 17.5 times.", measured="times", seeds=5, '
        "spread=(2, 17.5), within=0.5, false_at=20)\ndef test_often(seed):\n    ...\n"
    )
    assert asked(root, text) == []
    assert len(asked(root, text.replace("17.5", "18"))) == 1  # other numbers would fit by chance


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ({"page": {"1,034": "= 1024 + 10"}}, 0),
        ({"everywhere": {"1,034": "a source"}}, 0),
        ({"page": {"1,034": "= 1024 + 11"}}, 1),
        ({"page": {"1,034": "printed by page"}}, 1),
        ({"page": {"1,034": "a source", "77": "a source"}}, 1),
        ({"other": {"1,034": "a source"}}, 2),
    ],
)
def test_a_named_source_gives_the_number(root: Path, named, wrong: int) -> None:
    assert len(asked(root, "There are 1,034.", named)) == wrong


def test_strong_words_are_listed_unless_their_sentence_has_a_mark() -> None:
    text = "It always works.\nSo it must. It never fails.{claim}`so` It is best.\n"
    assert prose.strong(text) == [(1, "always"), (2, "must"), (2, "best")]


def test_words_are_counted_without_code() -> None:
    assert prose.words("One two $x$ `three` four.\n\n```python\nfive\n```\n") == 3
