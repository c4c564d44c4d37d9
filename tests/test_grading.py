import json

import pytest

from aeteach import _grading, _solved, checks, cli


def notebook(path, *cells):
    """Write a notebook of code cells; a tuple is (code, metadata of the cell)."""
    whole = [(cell, {}) if isinstance(cell, str) else cell for cell in cells]
    made = [
        {"cell_type": "code", "source": code.splitlines(True), "metadata": about, "outputs": []}
        for code, about in whole
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": made}))
    return path


START = "import numpy as np\nfrom aeteach import checks\nimport beside"
CELLS = (
    START,
    "checks.centring(lambda X: X)",
    "checks.covariance(lambda X: np.cov(X, rowvar=False))",
    "raise ValueError('a cell of the reader')",
    "checks.centring(lambda X: X - X.mean(0)); print('not the last thing of its cell')",
    "if False:\n    checks.projection(None)",
    "checks.paper_eigenvalues((1, 2))",
    ("checks.paper_eigenvalues((6, 2)); y = 1", {"aeteach": {"solution": "ex-paper"}}),
    "checks.no_such(1)",
    "%time 1 + 1",
    "input()",
    "exit",
)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graded")
    (folder / "beside.py").write_text("")
    return _grading.grade(notebook(folder / "one.ipynb", *CELLS))


def test_the_last_verdict_of_each_checker_counts(graded):
    states = {row.checker: row.state for row in graded.rows}
    assert states == {
        "centring": "right",
        "covariance": "right",
        "projection": "not tried",
        "paper_eigenvalues": "not yet",
    }
    assert not graded.passed


def test_a_wrong_answer_keeps_the_checker_s_hint(graded):
    row = graded.rows[-1]
    assert row.exercise == checks.paper_eigenvalues.name
    assert row.hint == checks.paper_eigenvalues((1, 2)).hint


def test_a_cell_that_raises_is_named_and_does_not_stop_the_rest(graded):
    first, second, third, *_ = graded.errors
    assert first == "cell 4 raised ValueError: a cell of the reader"
    assert second.startswith("cell 9 raised AttributeError: ")
    assert third.startswith("cell 11 raised EOFError")


def test_the_table_and_the_json_say_the_same(graded):
    lines = str(graded).splitlines()
    assert lines[0].split() == [*checks.centring.name.split(), "right"]
    assert lines[2].endswith("not tried")
    assert lines[3].endswith(graded.rows[-1].hint)
    assert lines[4] == "2 of 4 right"
    found = json.loads(graded.as_json())
    assert [row["state"] for row in found["exercises"]] == [row.state for row in graded.rows]
    assert found["errors"] == list(graded.errors)
    assert found["passed"] is False


MYST = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
---

```{code-cell} ipython3
checks.mean(mean)
```

```{solution-start} ex-first
```

```{code-cell} ipython3
checks.mean(right)
```

```{solution-end}
```

```{code-cell} ipython3
x = 1
```
"""


def test_cells_between_the_fences_of_a_solution_belong_to_it(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(MYST)
    cells = _grading.read(path)
    assert [(cell.code, cell.number, cell.solution) for cell in cells] == [
        ("checks.mean(mean)", 1, False),
        ("checks.mean(right)", 2, True),
        ("x = 1", 3, False),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.ipynb", "no JSON", "no notebook of format 4"),
        ("a.ipynb", '{"worksheets": []}', "no notebook of format 4"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": 3}]}', "no notebook of format 4"),
        ("a.ipynb", "[1, 2]", "no notebook of format 4"),
        ("a.pdf", "words", "no notebook that jupytext can read"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path, name, content, said, capsys):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(_grading.NotebookError, match=said):
        _grading.grade(path)
    assert cli.main(["check", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_not_there_or_is_not_text_is_refused(tmp_path):
    with pytest.raises(_grading.NotebookError, match="cannot be read"):
        _grading.grade(tmp_path / "none.ipynb")
    (tmp_path / "bytes.ipynb").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(_grading.NotebookError, match="UTF-8"):
        _grading.grade(tmp_path / "bytes.ipynb")


@pytest.mark.slow  # each starts Python and imports torch
@pytest.mark.parametrize(
    ("cell", "seconds", "said"),
    [
        ("while True:\n    pass", 20, "stopped in cell 2 after 20 seconds; the rest was not run"),
        ("import os; os._exit(0)", 100, "Python ended in cell 2; the rest was not run"),
    ],
)
def test_a_run_that_ends_early_keeps_what_is_known(tmp_path, cell, seconds, said):
    first = "from aeteach import checks; checks.centring(lambda X: X - X.mean(0))"
    report = _grading.grade(notebook(tmp_path / "n.ipynb", first, cell, "checks.x(1)"), seconds)
    assert [(row.checker, row.state) for row in report.rows] == [("centring", "right")]
    assert report.errors == (said,)


# ---------------------------------------------------------------- the command


@pytest.fixture
def kept(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    monkeypatch.setenv(_solved.ENVIRONMENT, str(path))
    return path


def report(*rows):
    return _grading.Report("n.ipynb", tuple(_grading.Row(n, n, s, "") for n, s in rows), ())


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([("centring", "right"), ("covariance", "right")], 0),
        ([("centring", "right"), ("covariance", "not yet")], 1),
        ([("centring", "right"), ("covariance", "not tried")], 1),
    ],
)
def test_the_exit_status_says_whether_all_are_right(rows, status, kept, monkeypatch, capsys):
    monkeypatch.setattr(_grading, "grade", lambda path, seconds: report(*rows))
    assert cli.main(["check", "n.ipynb", "--json"]) == status
    assert json.loads(capsys.readouterr().out)["passed"] is (status == 0)
    tried = {name: state == "right" for name, state in rows if state != "not tried"}
    assert _solved.load() == tried


def test_progress_is_shown_and_noted_no_more_than_it_can_be(kept, monkeypatch, capsys):
    monkeypatch.setattr(_grading, "grade", lambda path, seconds: report(("centring", "right")))
    assert cli.main(["check", "n.ipynb"]) == 0
    assert cli.main(["check", "--progress"]) == 0
    assert "pca-by-hand" in capsys.readouterr().out
    assert cli.main(["check", "--progress", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pca-by-hand"]["centring"] is True
    kept.write_text("not ours")
    assert cli.main(["check", "n.ipynb"]) == 0  # the verdict stands
    assert "progress was not noted" in capsys.readouterr().err
    assert kept.read_text() == "not ours"
    assert cli.main(["check", "--progress"]) == 1


def test_a_notebook_or_progress_is_asked_for_and_not_both(kept, capsys):
    assert cli.main(["check"]) == 2
    assert "name a notebook" in capsys.readouterr().err
    assert cli.main(["check", "n.ipynb", "--progress"]) == 2
    assert "leave one of them out" in capsys.readouterr().err
