"""Run the chapters and keep what nbval compares; or check that the kept notebooks fit the chapters.

    python tools/reference.py            run every chapter, write tests/reference/<chapter>.ipynb
    python tools/reference.py pca-by-hand linear-autoencoder        only these
    python tools/reference.py --check    run nothing; fail where a reference is missing or stale
    python tools/reference.py --built    run nothing; fail where the built book prints anything else

A reference holds every code cell of its chapter, and the outputs of those cells alone that carry
the tag `nbval-check-output`. Its cell ids are the cells' positions and its metadata are minimal,
so two runs give the same bytes. nbval passes a marked cell that was never executed; `--check` and
`--built` do not.
"""

import argparse
import asyncio
import difflib
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))  # as _config.yml does
from aeteach_book.kernels import private  # noqa: E402

REFERENCE = ROOT / "tests" / "reference"
BUILD = ROOT / "_build"
TAG = "nbval-check-output"
# What nbval does not compare either: pictures, and a widget's random number.
UNCOMPARED = {"image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json"}
LINES = 12  # of a difference, at most


def chapters(names: list[str] | None = None) -> list[Path]:
    """Return the chapters that hold code, in alphabetical order, or those named."""
    found = [
        p for p in sorted((ROOT / "book").glob("*.md")) if "{code-cell}" in p.read_text("utf-8")
    ]
    if not names:
        return found
    known = {path.stem: path for path in found}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no chapter with code is called {unknown[0]!r}; known: {', '.join(known)}")
    return [known[name] for name in names]


def read(chapter: Path) -> nbformat.NotebookNode:
    """Return a chapter's code cells as a notebook with stable ids and no outputs."""
    notebook = jupytext.read(chapter)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells):
        cell.id = f"code-{number:03d}"
        cell.outputs, cell.execution_count = [], None
        cell.metadata = nbformat.from_dict({"tags": sorted(cell.metadata.get("tags", []))})
    notebook.cells = cells
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def checked(cell: nbformat.NotebookNode) -> bool:
    """Tell whether nbval compares this cell's output."""
    return TAG in cell.metadata.get("tags", [])


def execute(
    chapter: Path,
    *,
    environment: Mapping[str, str] | None = None,
    first: str = "",
    stop_at_error: bool = True,
    seconds_a_cell: int = 300,
) -> nbformat.NotebookNode:
    """Run a chapter in its own folder; keep the outputs of checked cells, and errors.

    Args:
        chapter: the chapter's .md file.
        environment: the kernel's environment variables; this process's own by default.
        first: code to run before the chapter; what it prints is kept in metadata.first.
        stop_at_error: raise at the first cell that fails, rather than run the rest.
        seconds_a_cell: how long a cell may take.
    """
    notebook = read(chapter)
    if first:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(first, id="first"))
    environment = dict(os.environ if environment is None else environment)
    with tempfile.TemporaryDirectory() as place:
        client = NotebookClient(
            notebook,
            timeout=seconds_a_cell,
            allow_errors=not stop_at_error,
            coalesce_streams=True,  # or a busy machine cuts the same text into other pieces
            resources={"metadata": {"path": str(chapter.parent)}},
            config=private(Path(place)),
        )
        # An event loop of its own, closed afterwards: chapters may be run in several threads.
        asyncio.run(client.async_execute(env=environment))
    notebook.metadata.pop("language_info", None)
    notebook.metadata.pop("widgets", None)
    if first:
        notebook.metadata["first"] = "".join(text for _, text in content(notebook.cells.pop(0)))
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
        if not checked(cell):
            cell.outputs = [out for out in cell.outputs if out.output_type == "error"]
            cell.execution_count = None
    return notebook


def content(cell: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Return what is compared of a cell's outputs: pairs of kind and text, in order."""
    pieces: list[tuple[str, str]] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            pieces.append((output.name, output.text))
        elif output.output_type == "error":
            pieces.append(("error", f"{output.ename}: {output.evalue}\n"))
        else:
            shown = sorted(output.data.items())
            pieces += [(kind, str(value)) for kind, value in shown if kind not in UNCOMPARED]
    grouped = itertools.groupby(pieces, key=lambda piece: piece[0])
    return [(kind, "".join(text for _, text in texts)) for kind, texts in grouped]


def differences(
    kept: nbformat.NotebookNode, now: nbformat.NotebookNode
) -> Iterator[tuple[int, str]]:
    """Yield the number of each cell whose compared output differs, and the difference as a diff.

    Stricter than nbval: the order of outputs counts too, and a cell whose output is not compared
    differs where it raised an error.
    """
    for number, (old, new) in enumerate(zip(kept.cells, now.cells, strict=True)):
        before, after = content(old), content(new)
        if before != after:
            plain, also_plain = _without_html(before), _without_html(after)
            if plain != also_plain:  # the HTML says the same in more words
                before, after = plain, also_plain
            lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=0)
            yield number, "\n".join(list(lines)[2:])


def _without_html(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in pieces if kind != "text/html"]


def _lines(pieces: list[tuple[str, str]]) -> list[str]:
    return [f"{kind}: {line}" for kind, text in pieces for line in text.splitlines()]


def problems(chapter: Path, reference: Path) -> list[str]:
    """Say where a reference does not fit its chapter."""
    if not reference.exists():
        return [f"{chapter.name}: no reference; run `make reference`"]
    kept, now = nbformat.read(reference, as_version=4), read(chapter)
    if [cell.source for cell in kept.cells] != [cell.source for cell in now.cells]:
        return [f"{chapter.name}: code cells changed since the reference; run `make reference`"]
    if [cell.metadata.tags for cell in kept.cells] != [cell.metadata.tags for cell in now.cells]:
        return [f"{chapter.name}: tags changed since the reference; run `make reference`"]
    found = [
        f"{chapter.name}: {cell.id} is marked {TAG} but the reference holds no output for it"
        for cell in kept.cells
        if checked(cell) and not cell.outputs
    ]
    if not any(checked(cell) for cell in kept.cells):
        found.append(f"{chapter.name}: no cell has its output compared; tag one {TAG}")
    return found


def contradictions(name: str, built: Path, reference: Path) -> list[str]:
    """Say where the outputs of a built chapter are not those of its reference."""
    if not reference.exists():
        return [f"{name}: no reference; run `make reference`"]
    if not built.exists():
        return [f"{name}: its outputs are lost; run `make book`"]
    kept, now = nbformat.read(reference, as_version=4), nbformat.read(built, as_version=4)
    if [cell.source for cell in kept.cells] != [cell.source for cell in now.cells]:
        return [f"{name}: built from other code than the reference; run `make reference`"]
    for old, new in zip(kept.cells, now.cells, strict=True):
        if not checked(old):
            new.outputs = []
    found = []
    for number, difference in differences(kept, now):
        where = f"{name}, {kept.cells[number].id}"
        if now.cells[number].outputs:
            lines = [f"    {line}" for line in difference.splitlines()][:LINES]
            found.append("\n".join([f"{where}: the built page differs (+)", *lines]))
        else:
            found.append(f"{where}: marked {TAG}, but the build has no output for it")
    return found


def compare_built(build: Path, names: list[str], references: Path) -> tuple[list[str], str]:
    """Compare what the last build printed with the references.

    Returns:
        What is wrong, and a sentence that sums up.
    """
    try:
        record = json.loads((build / ".html.json").read_text("utf-8"))
    except (OSError, ValueError):
        return [f"there is no built book in {build}; run `make book`"], ""
    if not record.get("complete"):
        return ["the last build stopped or warned; run `make book`"], ""
    if record["sample"]:
        return [], "the book was built with the sample of the digits: its outputs are not compared"
    pages = {name: page for name, page in record["pages"].items() if page["code"]}
    bad, compared = [], 0
    for docname, page in pages.items():
        name = Path(docname).name
        if names and name not in names:
            continue
        reference = references / f"{name}.ipynb"
        built = build / record["outputs"] / "executed" / page["code"] / "base.ipynb"
        bad += contradictions(name, built, reference)
        if reference.exists():
            compared += sum(map(checked, nbformat.read(reference, as_version=4).cells))
    return bad, f"{compared} cells of {len(pages)} built chapters print what tests/reference has"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="names without .md; all by default")
    parser.add_argument("--check", action="store_true", help="run nothing, compare")
    parser.add_argument("--built", action="store_true", help="run nothing, compare the built book")
    arguments = parser.parse_args()
    if arguments.built:
        bad, summary = compare_built(BUILD, arguments.chapters, REFERENCE)
        print("\n".join(bad) or summary)
        return 1 if bad else 0
    REFERENCE.mkdir(exist_ok=True)
    bad, compared = [], 0
    for chapter in chapters(arguments.chapters):
        target = REFERENCE / f"{chapter.stem}.ipynb"
        if not arguments.check:
            print(f"running {chapter.name}", flush=True)
            nbformat.write(execute(chapter), target)
        bad += problems(chapter, target)
        if target.exists():
            compared += sum(map(checked, nbformat.read(target, as_version=4).cells))
    if not arguments.chapters:
        names = {chapter.stem for chapter in chapters()}
        for extra in sorted(REFERENCE.glob("*.ipynb")):
            if extra.stem not in names:
                bad.append(f"{extra.name}: its chapter is gone; delete it")
    print("\n".join(bad) or f"{compared} cells are compared")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
