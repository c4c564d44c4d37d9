"""The workbook in a real JupyterLab and Notebook 7: what a student sees, does and keeps."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Locator, Page, expect

from aeteach.data import _cache
from tests.browser.conftest import NewPage, Watch
from tests.browser.jupyter import (
    Server,
    environment,
    free_port,
    jupyter,
    running,
    write_settings,
)  # fmt: skip
from tests.paths import ROOT
from tests.tools.workbook.markup import count_maths, raw
from tools.workbook.__main__ import update
from tools.workbook.start import START

pytestmark = [
    pytest.mark.slow,
    pytest.mark.release,
    pytest.mark.jupyterlab,
    pytest.mark.timeout(900),
]

VIEW = {"width": 1400, "height": 1600}
LONG = 120_000  # a busy machine is no failure
# Notebook 7 says these of itself, whatever is open: it asks for a setting and a renderer that are
# not there.
NOTEBOOK_7 = {
    "page error: Cannot read properties of undefined (reading 'schema')",
    "console error: Cannot read properties of null (reading 'updateRenderOption')",
}
# All cells are drawn at once, so that they can be read without scrolling.
DRAW_ALL = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}

CELLS = "window.jupyterapp.shell.currentWidget.content.widgets"
# Each paragraph of the notebook that is open, with a bar for code and formulas; and what is hidden.
READ = """() => {
    const apart = "pre, code, mjx-container, style, script";
    const block = "p, li, td, th, h1, h2, h3, h4, h5, h6, summary, blockquote, div";
    return CELLS.map((cell) => {
        const output = cell.node.querySelector(".jp-MarkdownOutput");
        const texts = new Map();
        const walk = output && document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
        while (walk && walk.nextNode()) {
            const parent = walk.currentNode.parentElement;
            const owner = (parent.closest(apart)?.parentElement ?? parent).closest(block);
            const text = parent.closest(apart) ? "|" : walk.currentNode.data;
            texts.set(owner, (texts.get(owner) ?? "") + text);
        }
        return {
            source: cell.model.sharedModel.getSource(),
            markdown: cell.model.type === "markdown",
            about: cell.model.getMetadata("aeteach") ?? {},
            paragraphs: [...texts.values()],
            formulas: cell.node.querySelectorAll("mjx-container").length,
            errors: cell.node.querySelectorAll("mjx-merror, [data-mjx-error]").length,
            languages: [...cell.node.querySelectorAll(".jp-MarkdownOutput code")]
                .map((code) => code.className),
            height: cell.node.offsetHeight,
            framed: Boolean(output?.querySelector("div[style*='border']")),
        };
    });
}""".replace("CELLS", CELLS)
PATH = "window.jupyterapp?.shell?.currentWidget?.context?.path"
DRAWN = f"""({{ name, cells, first, formulas }}) => {PATH} === name && {CELLS}.length === cells
    && {CELLS}[0].model.sharedModel.getSource() === first
    && {CELLS}.every((cell) => cell.model.type !== "markdown"
        || cell.node.querySelector(".jp-MarkdownOutput")?.textContent.trim())
    && document.querySelectorAll("mjx-container").length >= formulas"""


@dataclass(frozen=True)
class Workbook:
    """A workbook, and the server that shows it."""

    folder: Path
    server: Server

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.ipynb"))

    def read(self, name: str) -> NotebookNode:
        return nbformat.read(self.folder / name, as_version=4)


@pytest.fixture(scope="module", params=["jupyterlab", "notebook"])
def workbook(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workbook]:
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("workbook")
    update(ROOT, folder)
    write_settings(home, DRAW_ALL)
    with jupyter(folder, app=request.param, home=home, kernel=False) as server:
        yield Workbook(folder, server)


def wait_until_drawn(page: Page, name: str, made: NotebookNode) -> None:
    """Wait until a notebook is open and drawn, to its last formula."""
    formulas = sum(count_maths(c.source) for c in made.cells if c.cell_type == "markdown")
    cells = {"cells": len(made.cells), "first": made.cells[0].source, "formulas": formulas}
    page.wait_for_function(DRAWN, arg={"name": name} | cells)


def complaints(page: Page, name: str, made: NotebookNode) -> list[str]:
    """Look at the notebook that is open; say what a student should not see."""
    wait_until_drawn(page, name, made)
    found = []
    for cell in page.evaluate(READ):
        hidden = cell["height"] == 0
        heading = cell["source"].startswith("##### ")
        if hidden != (bool({"solution", "deeper"} & set(cell["about"])) and not heading):
            found.append(f"{'hidden' if hidden else 'open'}: {cell['source'][:60]}")
        if "exercise" in cell["about"] and not cell["framed"]:
            found.append(f"no frame: {cell['source'][-60:]}")
        if cell["markdown"]:
            found += [line for text in cell["paragraphs"] for line in raw(text)]
            found += [f"directive: {name}" for name in cell["languages"] if "{" in name]
            if cell["errors"] or cell["formulas"] != count_maths(cell["source"]):
                found.append(
                    f"{cell['formulas']} formulas, {cell['errors']} in error: {cell['source'][:60]}"
                )
            if not cell["paragraphs"]:
                found.append(f"empty: {cell['source'][:60]}")
    return [f"{name}: {line}" for line in found]


def shot(page: Page, name: str) -> None:
    if shots := os.environ.get("AETEACH_SHOTS"):
        page.screenshot(path=Path(shots) / f"{name}.png")


def double_click(page: Page, server: Server, name: str) -> Page:
    """Open a notebook from the list of files; returns the page that it is on."""
    page.goto(server.url("") + "&reset")  # without what was open before
    item = page.locator(".jp-DirListing-item", has_text=name)
    if "/lab" in page.url:
        item.dblclick()
        return page
    with page.context.expect_page() as window:
        item.dblclick()
    window.value.set_default_timeout(LONG)
    return window.value


def test_a_double_click_opens_each_chapter_as_it_should_look(
    workbook: Workbook, new_page: NewPage, watch: Watch
) -> None:
    page = new_page(viewport=VIEW)
    page.set_default_timeout(LONG)
    found = []
    for name in workbook.names():
        opened = double_click(page, workbook.server, name)
        found += complaints(opened, name, workbook.read(name))
        if opened is not page:
            opened.close()
    watch.problems[:] = [problem for problem in watch.problems if problem not in NOTEBOOK_7]
    assert found == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the book's own .gitignore, in which a workbook may lie."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    git(clone, "init", "--quiet")
    git(clone, "add", ".gitignore")
    return clone


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def make(target: str, workbook: Path, options: str = "") -> list[str]:
    """Return the command that makes a target, without installing and fetching anything."""
    done = ["-o", ".venv/.installed", "-o", "data"]
    return ["make", *done, target, f"WORKBOOK={workbook}", f"OPTIONS={options}"]


@contextmanager
def make_lab(workbook: Path, home: Path) -> Iterator[Server]:
    server = Server(free_port(), secrets.token_hex(16))
    options = (
        f"--no-browser --ip=127.0.0.1 --port={server.port} --ServerApp.port_retries=0 "
        f"--IdentityProvider.token={server.token} --expose-app-in-browser"
    )
    env = environment(home) | {"AETEACH_DATA": str(_cache.folder())}
    with running(make("lab", workbook, options), env, ROOT, home / "make.log", server):
        yield server


def cell_of(page: Page, text: str) -> Locator:
    return page.locator(".jp-Notebook:visible .jp-Cell", has_text=text)


def test_an_answer_is_checked_kept_and_counted(
    new_page: NewPage, clone: Path, tmp_path: Path
) -> None:
    folder = clone / "workbook"
    name = "00-how-to-use.ipynb"
    with make_lab(folder, tmp_path) as server:
        page = new_page(viewport=VIEW)
        page.set_default_timeout(LONG)
        # The first page opens by itself; a click on a chapter's name opens the chapter.
        page.goto(server.url(""))
        start = page.locator(".jp-MarkdownOutput", has_text="This folder is your workbook")
        expect(start.get_by_role("heading", name="The distribution")).to_be_visible(timeout=LONG)
        shot(page, "workbook-start")
        start.get_by_role("link", name="How to use this book").first.click()
        wait_until_drawn(page, name, nbformat.read(folder / name, as_version=4))
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
        assert page.evaluate("window.jupyterapp.shell.currentWidget.context.model.dirty") is False

        # Run all, then answer the exercise.
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        answer = cell_of(page, "(len(numbers) - 1)")
        expect(answer).to_contain_text("A mean by hand: not yet", timeout=LONG)
        answer.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text("aeteach.checks.mean(lambda n: sum(n) / len(n))")
        page.keyboard.press("Control+Enter")
        mine = cell_of(page, "lambda n:")
        expect(mine).to_contain_text("A mean by hand: right", timeout=LONG)
        shot(page, "workbook-answer")
        page.keyboard.press("Control+s")
        page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")

        # It is on disk, git sees nothing, and it is there after the page is opened again.
        saved = (folder / name).read_bytes()
        assert b"lambda n: sum(n) / len(n)" in saved
        assert b"A mean by hand: right" in saved
        assert git(clone, "status", "--porcelain", "--untracked-files=all") == "A  .gitignore\n"
        page.reload()
        expect(mine).to_contain_text("A mean by hand: right", timeout=LONG)
        page.context.close()  # before the server goes, or the page complains

    # The next time, the work is still there, and it counts.
    subprocess.run(make("workbook", folder), cwd=ROOT, check=True)
    assert (folder / name).read_bytes() == saved
    first = nbformat.read(folder / START, as_version=4).cells[0].source
    assert "[How to use this book](00-how-to-use.ipynb): 1 of 1 exercises solved" in first


def test_only_root_is_told_to_allow_root(tmp_path: Path) -> None:
    dry = subprocess.run(
        [*make("lab", tmp_path), "-n"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ("--allow-root" in dry.stdout) == (os.geteuid() == 0)
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    dry = subprocess.run(
        [*make("lab", tmp_path), "-n"],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--allow-root" not in dry.stdout
