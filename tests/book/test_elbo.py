"""*The ELBO* claims that a cell checks every line of its derivations: hold it to that."""

import re

import nbformat
import pytest

from tests.paths import ROOT


@pytest.fixture(scope="module")
def marks():
    """The marks of the derivation lines, in the order of the page."""
    text = (ROOT / "book" / "elbo.md").read_text(encoding="utf-8")
    return re.findall(r"\\tag\{(\w+)\}", text)


@pytest.fixture(scope="module")
def outputs():
    """What the compared cells print, cell by cell."""
    notebook = nbformat.read(ROOT / "tests" / "reference" / "elbo.ipynb", as_version=4)
    return [
        "".join(output.text for output in cell.outputs if output.output_type == "stream")
        for cell in notebook.cells
    ]


def test_no_mark_is_used_twice(marks):
    assert len(marks) > 40
    assert len(set(marks)) == len(marks)


def test_a_compared_cell_prints_a_value_under_every_mark(marks, outputs):
    printed = {
        line.split()[0]
        for text in outputs
        for line in text.splitlines()
        if re.match(r"[A-Z]\d +-?\d+\.\d{6}", line)
    }
    assert printed == set(marks)


def test_the_recap_counts_them(marks, outputs):
    (recap,) = [text for text in outputs if "lines are marked" in text]
    count, listed = recap.split(" lines are marked in this chapter; a cell checked each:\n")
    assert int(count) == len(marks)
    assert sorted(listed.split()) == sorted(marks)


def test_sums_and_means_can_be_linked_to():
    text = (ROOT / "book" / "elbo.md").read_text(encoding="utf-8")
    assert re.search(r"^\(sum-or-mean\)=\n## ", text, re.M)
