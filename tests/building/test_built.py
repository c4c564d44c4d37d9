"""What the build printed is compared with the references: a page that contradicts them is found."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

from .conftest import SmallBook, tool

TAGGED = ":tags: [nbval-check-output]\n"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return tool("reference")


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def result(**data: str) -> NotebookNode:
    mimes = {key.replace("_", "/"): value for key, value in data.items()}
    return nbformat.v4.new_output("execute_result", data=mimes)


def write(path: Path, *cells: tuple[str, bool, list[NotebookNode]]) -> None:
    """Write a notebook; a cell is its code, whether it is compared, and its outputs."""
    notebook = nbformat.v4.new_notebook()
    for number, (code, compared, outputs) in enumerate(cells):
        tags = ["nbval-check-output"] if compared else []
        cell = nbformat.v4.new_code_cell(code, metadata={"tags": tags}, outputs=outputs)
        cell.id = f"code-{number:03d}"
        notebook.cells.append(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def record(build: Path, **changes: object) -> None:
    page = {"source": "0", "code": "abc", "output": "0"}
    known = {"complete": True, "sample": False, "outputs": "kept", "pages": {"book/one": page}}
    build.mkdir(exist_ok=True)
    (build / ".html.json").write_text(json.dumps({**known, **changes}))


KEPT = [
    ("a = 1", False, []),
    ("print(a)", True, [stream("1\n2\n")]),
    ("a", True, [result(text_plain="1")]),
]


@pytest.mark.parametrize(
    ("outputs", "difference"),
    [
        ([stream("1\n2\n")], ""),
        ([stream("1\n"), stream("2\n")], ""),  # it came in two pieces
        ([stream("1\n3\n")], "-stdout: 2"),
        ([stream("1\n2\n3\n")], "+stdout: 3"),
        ([stream("1\n2\n"), stream("a warning", "stderr")], "+stderr: "),
        ([stream("1\n2\n"), result(text_plain="1")], "+text/plain: 1"),
        ([stream("1\n2\n", "stderr")], "+stderr: "),
        ([], "marked nbval-check-output, but the build has no output for it"),
    ],
)
def test_any_difference_of_a_compared_cell_is_found_and_shown(
    reference: ModuleType, tmp_path: Path, outputs: list[NotebookNode], difference: str
) -> None:
    record(tmp_path / "build")
    write(tmp_path / "references" / "one.ipynb", *KEPT)
    built = [KEPT[0], ("print(a)", True, outputs), KEPT[2]]
    write(tmp_path / "build" / "kept" / "executed" / "abc" / "base.ipynb", *built)
    bad, summary = reference.compare_built(tmp_path / "build", [], tmp_path / "references")
    if not difference:
        assert bad == []
        assert summary == "2 cells of 1 built chapters print what tests/reference has"
    else:
        assert len(bad) == 1
        assert bad[0].startswith("one, code-001")
        assert difference in bad[0]


def no_build(build: Path) -> None:
    (build / ".html.json").unlink()


def stopped(build: Path) -> None:
    record(build, complete=False)


def other_code(build: Path) -> None:
    write(build / "kept/executed/abc/base.ipynb", ("a = 2", False, []), *KEPT[1:])


def no_reference(build: Path) -> None:
    (build.parent / "references" / "one.ipynb").unlink()


def lost(build: Path) -> None:
    (build / "kept/executed/abc/base.ipynb").unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (no_build, "run `make book`"),
        (stopped, "the last build stopped or warned"),
        (other_code, "built from other code"),
        (no_reference, "no reference; run `make reference`"),
        (lost, "run `make book`"),
    ],
)
def test_what_cannot_be_compared_is_a_failure(
    reference: ModuleType, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    build = tmp_path / "build"
    record(build)
    write(tmp_path / "references" / "one.ipynb", *KEPT)
    write(build / "kept" / "executed" / "abc" / "base.ipynb", *KEPT)
    assert reference.compare_built(build, [], tmp_path / "references")[0] == []
    spoil(build)
    bad, _ = reference.compare_built(build, [], tmp_path / "references")
    assert len(bad) == 1
    assert said in bad[0]


def test_a_book_of_the_sample_is_not_compared_and_that_is_said(
    reference: ModuleType, tmp_path: Path
) -> None:
    record(tmp_path, sample=True)
    bad, summary = reference.compare_built(tmp_path, [], tmp_path / "none")
    assert bad == []
    assert "sample" in summary
    assert "not compared" in summary


def test_a_real_build_is_compared_with_the_chapters_that_it_has(
    reference: ModuleType, book: SmallBook, tmp_path: Path
) -> None:
    book.page("index", "Welcome.")
    look = f"{TAGGED}print(1)\nos.environ.get('AETEACH_TEST', 'as before')"
    book.page("one", "", "import os", look)
    book.page("two", "", f"{TAGGED}print(2)")
    book.toc("one")
    assert book.build().code == 0
    references = tmp_path / "references"
    references.mkdir()
    nbformat.write(reference.execute(book.path("one")), references / "one.ipynb")
    build = book.root / "_build"
    bad, summary = reference.compare_built(build, [], references)
    assert bad == []
    assert summary.startswith("1 cells of 1 built chapters")

    os_environ = pytest.MonkeyPatch()
    os_environ.setenv("AETEACH_TEST", "another word")
    assert book.build().code == 0
    os_environ.undo()
    (bad,), _ = reference.compare_built(build, ["one"], references)
    assert "another word" in bad
    assert reference.compare_built(build, ["another"], references)[0] == []
