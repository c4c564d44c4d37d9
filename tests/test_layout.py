"""One key for everything: a module's test lies in the same folder under the same name."""

import ast
import re
from pathlib import Path

import pytest

from tests.paths import BOOK, PACKAGE, ROOT

TESTS = ROOT / "tests"
MIRRORED = (
    "",
    "checks",
    "data",
    "metrics",
    "models",
    "scoreboard",
    "sweeps",
    "training",
    "widgets",
)
# Tests of no module: of the whole package, or of how its parts lie.
OF_THE_WHOLE = {
    "bad_input",
    "dependencies",
    "layout",
    "model_state",
    "package",
    "torch_state",
    "widgets",
    "checks/exercises",
    "checks/search",
    "checks/exercise_index",
    "checks/spoilers",
}
# Chapters without exercises. Every other one has its checks.
NO_EXERCISES = {
    "index",
    "notation",
    "how-do-we-know",
    "glossary",
    "references",
    "self-test",
    "all-exercises",
    "for-teachers",
}
# Pages that show no figure of their own. Every other one has its figures' test in a browser.
NO_FIGURE = {
    "notation": "a list",
    "how-do-we-know": "a list",
    "all-exercises": "a list",
    "for-teachers": "plans of courses",
    "glossary": "a list",
    "references": "a list",
    "how-to-use": "shows the axis of pca-by-hand",
}


def modules() -> list[Path]:
    """Modules that define anything: an `__init__` which only names its parts has nothing to ask."""
    return [
        path.relative_to(PACKAGE)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py") or defines(path)
    ]


def defines(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)


def test_of(module: Path) -> Path:
    """Return a module's test: of `data/_idx.py` `data/test_idx.py`, of a package its own name."""
    if module.name == "__init__.py":
        module = module.parent
    if module.parent.name.startswith("_"):  # parts of one machine, asked as a whole
        module = module.parent
    if module == Path("checks") or (module.parent == Path("checks") and module.stem[0] == "_"):
        return TESTS / "checks" / "test_engine.py"  # the same
    return TESTS / module.parent / f"test_{module.stem.lstrip('_')}.py"


test_of.__test__ = False  # type: ignore[attr-defined]  # no test, though it is called so


def holds_tests(path: Path) -> bool:
    return path.is_file() and "\ndef test_" in path.read_text(encoding="utf-8")


def chapters() -> list[str]:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return ["index", *re.findall(r"file: book/([\w-]+)", toc)]


@pytest.mark.parametrize("module", modules(), ids=str)
def test_a_module_has_its_test(module: Path) -> None:
    path = test_of(module)
    assert holds_tests(path), f"aeteach/{module} has no tests in {path.relative_to(ROOT)}"


def test_a_test_is_named_by_a_module_perhaps_with_a_topic() -> None:
    known = {test_of(module).with_suffix("") for module in modules()}
    known |= {(TESTS / name).with_name(f"test_{Path(name).name}") for name in OF_THE_WHOLE}
    strangers = []
    for folder in MIRRORED:
        for path in (TESTS / folder).glob("test_*.py"):
            name = path.with_suffix("")
            if not any(name == k or str(name).startswith(f"{k}_") for k in known):
                strangers.append(str(path.relative_to(ROOT)))
    assert strangers == []


@pytest.mark.parametrize("chapter", chapters())
def test_a_chapter_has_its_checks_and_their_test(chapter: str) -> None:
    name = chapter.replace("-", "_")
    checks = PACKAGE / "checks" / f"{name}.py"
    assert checks.is_file() == (chapter not in NO_EXERCISES)
    text = (BOOK / f"{chapter}.md").read_text(encoding="utf-8")
    assert ("checks." in text) == checks.is_file()
    assert holds_tests(TESTS / "checks" / f"test_{name}.py") == checks.is_file()


@pytest.mark.parametrize("chapter", chapters())
def test_a_chapter_has_its_figures_test(chapter: str) -> None:
    path = TESTS / "browser" / f"test_{chapter.replace('-', '_')}.py"
    assert holds_tests(path) == (chapter not in NO_FIGURE)
    if chapter in NO_FIGURE:
        return
    text = (BOOK / f"{chapter}.md").read_text(encoding="utf-8")
    shown = {
        name.strip()
        for names in re.findall(r"^from aeteach\.widgets import (.+)$", text, re.MULTILINE)
        for name in names.split(",")
    }
    asked = path.read_text(encoding="utf-8")
    assert {name for name in shown if name not in asked} == set()


def test_every_shared_part_in_javascript_has_its_test() -> None:
    parts = {path.stem for path in (PACKAGE / "widgets" / "kit").glob("*.js")}
    assert len(parts) > 5
    folder = TESTS / "browser" / "kit"
    assert {part for part in parts if not holds_tests(folder / f"test_{part}.py")} == set()


def test_every_place_that_contributing_names_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.findall(r"`((?:aeteach|book|tests|tools|results)/[\w./-]*)`", text)
    places = {name for name in found if "/a/" not in name}  # `aeteach/a/b.py` stands for any
    places -= {"tools/mutants.toml"}  # begun with the first mutant that changes nothing
    assert len(places) > 20
    assert [name for name in sorted(places) if not (ROOT / name).exists()] == []
