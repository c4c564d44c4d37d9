"""What is installed and what is handed on: the two archives, and the wheel on its own."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "aeteach"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# In the sdist and not in the repository: what every sdist has.
ADDED = {"PKG-INFO"}
# In the repository and not in the sdist. An entry needs a reason; there is none.
LEFT_OUT: set[str] = set()


def git_files(*arguments: str) -> set[str]:
    """Paths that git knows and that are there."""
    if not (ROOT / ".git").exists():
        pytest.skip("no clone: an unpacked sdist holds what it holds")
    done = subprocess.run(
        ["git", "ls-files", "-z", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()}


@dataclass(frozen=True)
class Archives:
    sdist: Path
    wheel: Path

    def sources(self) -> set[str]:
        with tarfile.open(self.sdist) as tar:
            return {m.name.partition("/")[2] for m in tar.getmembers() if m.isfile()}

    def installed(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as file:
            return {name for name in file.namelist() if ".dist-info/" not in name}


def build(source: Path, target: Path) -> Archives:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(target)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (sdist,) = target.glob("*.tar.gz")
    (wheel,) = target.glob("*.whl")
    return Archives(sdist, wheel)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


# ------------------------------------------------------------------------------- the archives


def test_the_sdist_holds_all_that_git_does(archives: Archives) -> None:
    known = git_files("--cached") | git_files("--others", "--exclude-standard")
    assert archives.sources() - ADDED == known - LEFT_OUT


def test_what_git_ignores_is_in_neither_archive(tmp_path: Path, archives: Archives) -> None:
    with tarfile.open(archives.sdist) as tar:
        tar.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    left = ["results/.cells/mmd/a.json", "_build/html/index.html", "aeteach/run.ckpt", ".venv/x.py"]
    for name in [*left, "aeteach/__pycache__/x.pyc"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("left behind")
    again = build(source, tmp_path / "dist")
    assert again.sources() == archives.sources()
    assert again.installed() == archives.installed()


def test_the_wheel_holds_the_package_and_the_tables(archives: Archives) -> None:
    known = git_files("--cached") | git_files("--others", "--exclude-standard")
    package = {name for name in known if name.startswith("aeteach/")}
    tables = {name for name in known if name.startswith("results/")}
    assert len(tables) > 30
    moved = {name.replace("results/", "aeteach/_tables/", 1) for name in tables}
    assert archives.installed() == package | moved
    assert "aeteach/py.typed" in package


def test_an_editable_installation_has_no_second_copy_of_the_tables() -> None:
    # `aeteach._tables` tells an installed package from a clone.
    assert not (PACKAGE / "_tables").exists()


# ------------------------------------------------------------------ what is imported is declared


def declared(requirements: list[str]) -> set[str]:
    """Names of distributions, those of this package's own extras included."""
    names: set[str] = set()
    for requirement in map(Requirement, requirements):
        if requirement.name == PROJECT["name"]:
            for extra in requirement.extras:
                names |= declared(EXTRAS[extra])
        else:
            names.add(canonicalize_name(requirement.name))
    return names


CORE = declared(PROJECT["dependencies"])


OWNERS = importlib.metadata.packages_distributions()


def distributions(module: str) -> set[str]:
    """Who may bring a module along, by the metadata of what is installed."""
    return {canonicalize_name(name) for name in OWNERS.get(module, [])}


def third_party(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            root = name.split(".")[0]
            if root != "aeteach" and root not in sys.stdlib_module_names:
                yield node, root


def guards(tree: ast.AST) -> dict[ast.stmt, str]:
    """Imports inside `try: ... except ImportError`, each with the source of what is done then."""
    found: dict[ast.stmt, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Try):
            continue
        caught = [h for h in node.handlers if h.type and "ImportError" in ast.unparse(h.type)]
        for inner in (n for part in node.body for n in ast.walk(part)):
            if caught and isinstance(inner, ast.Import | ast.ImportFrom):
                found[inner] = "\n".join(map(ast.unparse, caught))
    return found


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_every_import_is_declared_or_says_which_extra_brings_it(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = guards(tree)
    for node, module in third_party(tree):
        owners = distributions(module)
        if owners & CORE:
            continue
        assert node in guarded, f"{module} is not declared: add it to the dependencies"
        named = re.findall(r"aeteach\[(\w+)\]", guarded[node])
        if not named:  # then it must do without, and not fail
            assert "raise" not in guarded[node], f"{module}: name the extra that brings it"
        for extra in named:
            assert owners & declared(EXTRAS[extra]), f"{module} is not in the extra {extra!r}"


def test_every_extra_that_is_named_exists() -> None:
    files = git_files("--cached", "--others", "--exclude-standard")
    for name in sorted(files - {Path(__file__).relative_to(ROOT).as_posix()}):
        if not name.endswith((".py", ".md", ".toml", ".yml", "Makefile", "run")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for extras in re.findall(r"aeteach\[([\w, ]+)\]|(?<=[' ])\.\[([\w, ]+)\]", text):
            for extra in re.split(r", *", extras[0] or extras[1]):
                assert extra in EXTRAS, f"{name} names the extra {extra!r}"


def test_every_dependency_is_imported() -> None:
    used: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for _, module in third_party(ast.parse(path.read_text(encoding="utf-8"))):
            used |= distributions(module)
    assert used >= CORE, f"nothing imports {CORE - used}"


# ------------------------------------------------------------------------------------- encodings

SOURCES = [p for place in ("aeteach", "book/_ext", "tools") for p in (ROOT / place).rglob("*.py")]


@pytest.mark.parametrize("path", sorted(SOURCES), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_file_is_opened_in_an_encoding_that_is_named(path: Path) -> None:
    # Python's default is the machine's: on Windows a text in UTF-8 comes back as something else.
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = ast.unparse(node.func).rpartition(".")[0]
        others = ("os", "tarfile", "super()", "Image")
        if name not in ("open", "read_text", "write_text") or owner in others:
            continue
        given = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
        modes = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        text = name != "open" or not any("b" in mode for mode in modes)
        named = any(word.arg == "encoding" for word in node.keywords) or "utf-8" in modes
        assert named or not text, f"{path.name}:{node.lineno}: {ast.unparse(node)}"


# ------------------------------------------------------------------------- the project's address

HOSTS = r"(?:github\.com|[\w-]+\.github\.io|gitlab\.com|codeberg\.org|[\w-]+\.readthedocs\.io)"


def test_the_projects_address_is_given_once_or_nowhere() -> None:
    own = {url.rstrip("/") for url in PROJECT.get("urls", {}).values()}
    for name in sorted(git_files("--cached", "--others", "--exclude-standard")):
        if name.startswith("tests/") or Path(name).suffix in (".safetensors", ".png", ".woff2"):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for address in re.findall(rf"https?://{HOSTS}/[\w./-]+", text):
            assert any(address.startswith(url) for url in own), (
                f"{name} gives {address}; the one place for the project's address is "
                "[project.urls] in pyproject.toml"
            )


# -------------------------------------------------------------------------- the wheel on its own


class Bare:
    """A virtual environment with the wheel and what it declares, and nothing else."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder / "venv"
        self.work = folder / "work"
        self.work.mkdir()
        venv.create(self.folder, with_pip=False, symlinks=True)
        self.site = next(self.folder.glob("lib/python*/site-packages"))
        link(closure(PROJECT["dependencies"]), self.site)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "--python", str(self.folder / "bin" / "python")),
                *("install", "--quiet", "--no-deps", "--no-index", str(wheel)),
            ],
            check=True,
        )

    def environment(self, **more: str) -> dict[str, str]:
        left_out = ("PYTHONPATH", "AETEACH_RESULTS", "MYPYPATH")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        return kept | {"OMP_NUM_THREADS": "1"} | more

    def run(self, program: str, *arguments: str, ok: bool = True, **more: str) -> str:
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.work,
            env=self.environment(**more),
            capture_output=True,
            text=True,
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def python(self, script: str, *arguments: str, ok: bool = True, **more: str) -> str:
        return self.run("python", "-c", textwrap.dedent(script), *arguments, ok=ok, **more)


def closure(requirements: list[str]) -> set[str]:
    """Names of all distributions that installing these would bring."""
    names: set[str] = set()
    todo = [Requirement(text) for text in requirements]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in names and not requirement.extras:
            continue
        names.add(name)
        for below in map(Requirement, importlib.metadata.requires(name) or []):
            extras = ["", *requirement.extras]
            if below.marker is None or any(below.marker.evaluate({"extra": e}) for e in extras):
                todo.append(below)
    return names


def link(names: set[str], site: Path) -> None:
    """Make what is installed here visible there, by links."""
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(str(distribution.locate_file(top)))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, archives: Archives) -> Bare:
    made = Bare(tmp_path_factory.mktemp("bare"), archives.wheel)
    where = made.python("import aeteach; print(aeteach.__file__)").strip()
    assert Path(where).is_relative_to(made.folder), f"{where} is not the wheel"
    for absent in ("joblib", "distributed", "mlxtend", "sklearn"):
        assert "ModuleNotFoundError" in made.python(f"import {absent}", ok=False)
    return made


@pytest.mark.slow
def test_every_module_of_the_wheel_imports_with_what_it_declares(bare: Bare) -> None:
    bare.python(
        """
        import importlib, pkgutil, aeteach
        names = [m.name for m in pkgutil.walk_packages(aeteach.__path__, "aeteach.")]
        assert len(names) > 80, names
        for name in names:
            importlib.import_module(name)
        """
    )


@pytest.mark.slow
def test_the_wheel_has_the_tables_and_the_command(bare: Bare) -> None:
    rows = bare.python("from aeteach import scoreboard; print(len(scoreboard.gather().entries))")
    assert int(rows) > 50
    said = bare.run("aeteach", "--help")
    assert all(command in said for command in ("data", "train", "evaluate", "sweep"))
    assert "cube_snr" in bare.run("aeteach", "sweep", "--list")
    said = bare.run("aeteach", "train", "--ship", ok=False)
    assert "clone of the repository" in said
    assert "Traceback" not in said


CELL = """
    import sys
    from dataclasses import replace
    from aeteach import results, scoreboard, sweeps

    jobs = int(sys.argv[1])
    whole = sweeps.SWEEPS["cube_snr"]
    cells = tuple(
        replace(cell, recipe=replace(cell.recipe, epochs=1)) for cell in whole.cells[:jobs]
    )
    before = results.find("cube_snr")
    shipped = before.read_bytes()
    path = sweeps.run(replace(whole, cells=cells), jobs=jobs, progress=False)
    assert results.find("cube_snr") == path != before, path
    assert before.read_bytes() == shipped
    assert len(results.read("cube_snr")) == jobs
    assert len(results.read("mmd")) > 1  # not made here: the one that came with the package
    assert {s.finished for s in scoreboard.gather().seen if s.table == "cube_snr"} == {jobs}
    print(path)
"""


@pytest.mark.slow
def test_a_sweep_from_the_wheel_writes_beside_the_user_and_is_read_back(bare: Bare) -> None:
    shutil.rmtree(bare.work / "results", ignore_errors=True)
    assert bare.python(CELL, "1").strip() == str(bare.work / "results" / "cube_snr.csv")
    elsewhere = bare.work / "elsewhere"
    assert bare.python(CELL, "1", AETEACH_RESULTS=str(elsewhere)).strip() == str(
        elsewhere / "cube_snr.csv"
    )


@pytest.mark.slow
def test_several_jobs_need_the_extra_that_is_named(bare: Bare, tmp_path: Path) -> None:
    shutil.rmtree(bare.work / "results", ignore_errors=True)
    said = bare.run("aeteach", "sweep", "cube_snr", "--jobs", "2", ok=False)
    assert "pip install 'aeteach[sweep]'" in said
    assert "Traceback" not in said
    said = bare.run("aeteach", "sweep", "cube_snr", "--dask", "tcp://127.0.0.1:1", ok=False)
    assert "pip install 'aeteach[sweep]'" in said
    link(closure(EXTRAS["sweep"]), tmp_path)
    bare.python(CELL, "2", PYTHONPATH=str(tmp_path))


@pytest.mark.slow
def test_the_installed_tables_are_never_written_over(bare: Bare) -> None:
    tables = next(bare.folder.glob("lib/python*/site-packages/aeteach/_tables"))
    for name in (tables, tables / "mine"):
        said = bare.run("aeteach", "sweep", "cube_snr", "--out", str(name), ok=False)
        assert "installed with the package" in said
        assert "Traceback" not in said
    assert not [path for path in tables.iterdir() if path.suffix not in (".csv", ".json", ".md")]


@pytest.mark.slow
def test_the_readmes_snippet_runs_from_the_wheel(bare: Bare) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert "'loss'" in bare.python(snippet)


@pytest.mark.slow
def test_a_type_checker_knows_what_load_returns(bare: Bare) -> None:
    script = bare.work / "user.py"
    script.write_text(
        textwrap.dedent(
            """
            import torch

            import aeteach

            model = aeteach.load("vae-2")
            images = torch.rand(4, 1, 32, 32)
            z: torch.Tensor = model.encode(images)
            x_hat: torch.Tensor = model.decode(z)
            error: float = model.card.metrics["loss"]
            history = aeteach.training.fit(model, images, epochs=1, progress=False)
            losses: list[float] = history.curve()
            model.card.mertics  # type: ignore[attr-defined]
            aeteach.load(2)  # type: ignore[call-overload]
            """
        )
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(bare.work / "cache")),
            *("--python-executable", str(bare.folder / "bin" / "python"), str(script)),
        ],
        cwd=bare.work,
        env=bare.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
