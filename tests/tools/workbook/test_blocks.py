"""Fences and directives: cut where CommonMark cuts, and nothing lost."""

import pytest
from markdown_it import MarkdownIt

from tests.paths import BOOK
from tools.workbook.blocks import Fence, Text, blocks


def test_a_directive_is_taken_apart() -> None:
    (block,) = blocks("```{exercise} The gap\n:label: ex-gap\n:class: a b\n\nText.\n\nMore.\n```")
    assert isinstance(block, Fence)
    assert (block.name, block.argument) == ("exercise", "The gap")
    assert block.options == {"label": "ex-gap", "class": "a b"}
    assert block.body == "Text.\n\nMore."


def test_a_longer_fence_holds_a_shorter_one() -> None:
    inner = "```{math}\nx\n```"
    before, block, after = blocks(f"before\n\n````{{admonition}} T\n{inner}\n````\nafter")
    assert isinstance(block, Fence)
    assert block.body == inner
    assert (before, after) == (Text("before\n"), Text("after"))


@pytest.mark.parametrize("fence", ["```", "~~~", ":::"])
def test_every_kind_of_fence(fence: str) -> None:
    (block,) = blocks(f"{fence}{{note}}\nBody.\n{fence}")
    assert isinstance(block, Fence)
    assert (block.name, block.body) == ("note", "Body.")


def test_code_has_no_name_and_no_options() -> None:
    (block,) = blocks("```python\n:label: x\n```")
    assert isinstance(block, Fence)
    assert (block.name, block.options, block.body) == ("", {}, ":label: x")


def test_a_fence_in_a_list_loses_its_indent() -> None:
    _, block = blocks("- item\n\n  ```{math}\n  x\n    y\n  ```")
    assert isinstance(block, Fence)
    assert (block.indent, block.body) == ("  ", "x\n  y")


def test_a_fence_that_is_never_closed_ends_with_the_text() -> None:
    _, block = blocks("a\n```{note}\nb")
    assert isinstance(block, Fence)
    assert block.body == "b"


def test_backticks_in_a_line_open_nothing() -> None:
    text = "```not a fence``` but code"
    assert list(blocks(text)) == [Text(text)]


@pytest.mark.parametrize("path", sorted(BOOK.glob("*.md")), ids=lambda path: path.stem)
def test_the_chapters_are_cut_as_markdown_it_cuts_them(path) -> None:
    text = path.read_text("utf-8")
    cut = list(blocks(text))
    assert "\n".join(b.text if isinstance(b, Text) else b.source for b in cut) == text
    tokens = [t for t in MarkdownIt("commonmark").parse(text) if t.type == "fence"]
    found = [b for b in cut if isinstance(b, Fence)]
    assert [b.source.split("\n")[0].lstrip("`~: ") for b in found] == [t.info for t in tokens]
    assert [b.source.count("\n") + 1 for b in found] == [t.map[1] - t.map[0] for t in tokens]
