"""Dependencies point one way. What a module may import is written here, and nowhere else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import BOOK, PACKAGE

# Tools that every layer may use.
SHARED = {
    *("_exact", "_files", "_measure", "_modes", "_progress"),
    *("_on_cpu", "_random", "_validate", "_wrapped"),
}
# layer -> the layers it imports at the top of a module, beside itself and SHARED
IMPORTS: dict[str, set[str] | None] = {
    "_exact": set(),
    "_files": set(),
    "_measure": set(),
    "_modes": set(),
    "_on_cpu": set(),
    "_progress": set(),
    "_random": set(),
    "_moved": set(),
    "_validate": set(),
    "_wrapped": set(),
    "_show": set(),
    "reported": set(),
    "results": set(),
    "scoreboard": {"reported", "results"},
    "data": set(),
    "likelihoods": set(),
    "models": {"likelihoods"},
    "mmd": set(),
    "divergences": {"mmd"},
    "channel": set(),
    "gradients": set(),
    "latent": set(),
    "conditional": {"likelihoods", "models", "latent"},
    "toy": {"divergences"},
    "diffusion": {"divergences"},
    "quantize": set(),
    "losses": {"divergences", "likelihoods", "mmd"},
    "training": {"likelihoods", "losses"},
    "weights": {"models"},
    "architecture": {"models"},
    "sampling": {"training"},
    "keep": {"architecture", "models", "weights"},
    "metrics": {
        *("data", "models", "divergences", "likelihoods", "losses", "training", "weights"),
    },
    "htr": {"metrics"},
    "clinic": {"divergences", "likelihoods", "models"},
    "inpainting": {"losses", "models"},
    "recipes": {"channel", "data", "models", "losses", "training", "weights"},
    "_own_file": {"losses", "models", "recipes", "sweeps", "training"},
    "_report": {"metrics"},
    "study": {
        *("_report", "clinic", "data", "keep", "losses", "metrics", "models", "training"),
        "weights",
    },
    "checks": set(),
    "_grading": {"checks"},
    "_solved": {"checks"},
    "plots": set(),
    "widgets": {
        *("data", "models", "divergences", "gradients", "toy", "weights", "plots", "latent"),
        *("losses", "training", "recipes"),  # the live training panel
        *("clinic", "metrics", "conditional", "diffusion", "inpainting", "channel"),
        *("mmd", "scoreboard"),
    },
    "sweeps": {
        *("recipes", "training", "metrics", "data", "models", "losses", "weights", "results"),
        *("reported", "conditional", "latent", "inpainting", "channel", "divergences"),
    },
    "cli": {
        *("data", "recipes", "training", "weights", "sweeps", "results", "_grading", "_solved"),
        *("study", "_own_file"),
    },
    "__main__": {"cli"},
    "__init__": None,  # the package's front door may name anything light
}


LIGHT = {"torch", "numpy", "tqdm", "safetensors"}  # what the numerical layers may import at the top


STANDARD = sys.stdlib_module_names


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path, *, top: bool) -> set[str]:
    """Full names of imported modules; with top, only those outside functions and type checks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it in full"
            found.add(node.module)
            if node.module == "aeteach":
                found |= {f"aeteach.{alias.name}" for alias in node.names}
    return found


def own_layers(path: Path) -> set[str]:
    names = {n.split(".")[1] for n in imports(path, top=True) if n.startswith("aeteach.")}
    return {
        name for name in names if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()
    }


@pytest.mark.parametrize("name", IMPORTS)
def test_a_layer_imports_what_the_table_says_and_nothing_else(name):
    found = set()
    for path in modules():
        if layer(path) == name:
            found |= own_layers(path)
    if IMPORTS[name] is not None:
        assert found - {name} - SHARED == IMPORTS[name]


def test_the_table_names_every_layer():
    assert {layer(path) for path in modules()} == set(IMPORTS)


def test_the_table_itself_has_no_cycle():
    order, left = [], {name: set(below or ()) for name, below in IMPORTS.items()}
    while left:
        ready = sorted(name for name, below in left.items() if below <= set(order))
        assert ready, f"a cycle among {sorted(left)}"
        order += ready
        for name in ready:
            del left[name]


@pytest.mark.parametrize(
    "name",
    [
        "models",
        "divergences",
        "gradients",
        "latent",
        "losses",
        "mmd",
        "channel",
        "toy",
        "diffusion",
        "quantize",
        "training",
        "metrics",
        "clinic",
        "conditional",
    ],
)
def test_the_numerical_layers_need_torch_and_little_else(name):
    own = [path for path in modules() if layer(path) == name]
    assert own
    for path in own:
        outside = {n.split(".")[0] for n in imports(path, top=True)}
        assert outside - STANDARD - {"aeteach"} <= LIGHT, path


def test_importing_the_package_loads_no_plotting_or_widget_library():
    script = (
        "import sys, aeteach\n"
        "heavy = {'matplotlib', 'ipywidgets', 'anywidget', 'sklearn', 'mlxtend', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_chapter_never_imports_a_private_name():
    import re

    chapters = list(BOOK.glob("*.md"))
    assert chapters
    for chapter in chapters:
        text = chapter.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from|import) aeteach\S*\._|\baeteach\._", text, re.M), chapter
