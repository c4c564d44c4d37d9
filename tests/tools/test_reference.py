"""The tool that keeps what nbval compares: it must see what nbval would let pass."""

import importlib.util
import sys

import nbformat
import pytest

from tests.chapters import HEAD
from tests.paths import ROOT

TOOL = ROOT / "tools" / "reference.py"
CHAPTER = (
    HEAD
    + """# Title

```{code-cell} ipython3
a = 2
```

```{code-cell} ipython3
:tags: [nbval-check-output]
print(a + 2)
```
"""
)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("reference_tool", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def chapter(tmp_path):
    path = tmp_path / "chapter.md"
    path.write_text(CHAPTER, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def executed(tool, tmp_path_factory):
    """The chapter, run once for all tests: a kernel takes seconds to start."""
    path = tmp_path_factory.mktemp("once") / "chapter.md"
    path.write_text(CHAPTER, encoding="utf-8")
    return nbformat.writes(tool.execute(path))


@pytest.fixture
def reference(executed, tmp_path):
    path = tmp_path / "chapter.ipynb"
    path.write_text(executed + "\n", encoding="utf-8")  # as nbformat.write leaves it
    return path


def test_only_checked_outputs_are_kept(reference):
    first, second = nbformat.read(reference, as_version=4).cells
    assert not first.outputs
    assert second.outputs[0].text == "4\n"


def test_a_fresh_reference_has_no_problem_and_the_same_bytes_again(tool, chapter, reference):
    assert tool.problems(chapter, reference) == []
    before = reference.read_bytes()
    nbformat.write(tool.execute(chapter), reference)
    assert reference.read_bytes() == before


def test_changed_code_is_found(tool, chapter, reference):
    chapter.write_text(CHAPTER.replace("a = 2", "a = 3"), encoding="utf-8")
    assert "code cells changed" in tool.problems(chapter, reference)[0]


def test_a_checked_cell_that_was_never_executed_is_found(tool, chapter, reference):
    notebook = nbformat.read(reference, as_version=4)
    notebook.cells[1].outputs = []
    nbformat.write(notebook, reference)
    assert "holds no output" in tool.problems(chapter, reference)[0]


def test_a_removed_tag_is_found(tool, chapter, reference):
    chapter.write_text(CHAPTER.replace(":tags: [nbval-check-output]\n", ""), encoding="utf-8")
    assert "tags changed" in tool.problems(chapter, reference)[0]


def test_a_missing_reference_is_found(tool, chapter, tmp_path):
    assert "no reference" in tool.problems(chapter, tmp_path / "none.ipynb")[0]


def test_changed_prose_needs_no_new_reference(tool, chapter, reference):
    chapter.write_text(CHAPTER.replace("# Title", "# Another"), encoding="utf-8")
    assert tool.problems(chapter, reference) == []


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def shown(**data):
    data = {f"text/{kind}" if kind != "png" else "image/png": v for kind, v in data.items()}
    return nbformat.v4.new_output("execute_result", data)


def differences(tool, kept, now):
    """Return the differences of two notebooks of one cell with these outputs."""
    both = [
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs)])
        for outputs in (kept, now)
    ]
    return list(tool.differences(*both))


@pytest.mark.parametrize(
    ("kept", "now"),
    [
        ([stream("a\nb\n")], [stream("a\n"), stream("b\n")]),  # printed in two pieces
        ([shown(plain="a", png="AAAA")], [shown(plain="a", png="BBBB")]),
        ([shown(plain="a")], [shown(png="BBBB"), shown(plain="a")]),
    ],
)
def test_outputs_that_say_the_same_do_not_differ(tool, kept, now):
    assert differences(tool, kept, now) == []


@pytest.mark.parametrize(
    ("kept", "now", "diff"),
    [
        ([stream("a\n0.1\n")], [stream("a\n0.2\n")], "-stdout: 0.1\n+stdout: 0.2"),
        ([stream("a\n")], [stream("a\n", "stderr")], "-stdout: a\n+stderr: a"),
        ([stream("a\n")], [], "-stdout: a"),
        ([stream("a\n"), shown(plain="b")], [shown(plain="b"), stream("a\n")], "+text/plain: b"),
        ([shown(plain="a", html="c")], [shown(plain="b", html="d")], "-text/plain: a"),
        ([shown(plain="a", html="c")], [shown(plain="a", html="d")], "+text/html: d"),
        (
            [stream("a\n")],
            [nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])],
            "+error: ValueError: no",
        ),
    ],
)
def test_outputs_that_differ_are_shown_as_a_diff(tool, kept, now, diff):
    ((number, text),) = differences(tool, kept, now)
    assert number == 0
    assert diff in text
    assert ("html" in text) == ("html" in diff)


@pytest.mark.slow
@pytest.mark.slow
def test_nbval_fails_on_a_changed_number(tool, reference, tmp_path):
    import os
    import subprocess

    def nbval():
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-W", "default",
             "-p", "no:cacheprovider", str(reference)],
            capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ,
        )  # fmt: skip
        return done

    assert nbval().returncode == 0
    reference.write_text(reference.read_text().replace("4\\n", "5\\n"))
    changed = nbval()
    assert changed.returncode == 1
    assert "mismatch 'stdout'" in changed.stdout
