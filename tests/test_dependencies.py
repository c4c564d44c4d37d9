"""Dependencies point one way. What a module may import is written here, and nowhere else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "aeteach"
# layer -> layers it may import from, beside itself, `_files` and `_validate`
ALLOWED = {
    "_files": set(),
    "_validate": set(),
    "_show": set(),
    "results": set(),
    "scoreboard": {"results"},
    "data": set(),
    "models": set(),
    "divergences": {"mmd"},
    "mmd": set(),
    "channel": set(),
    "meaning": set(),
    "gradients": set(),
    "latent": set(),
    "conditional": {"models", "latent"},
    "sharpness": set(),
    "probe": set(),
    "toy": {"divergences"},
    "diffusion": {"divergences"},
    "quantize": set(),
    "losses": {"divergences", "mmd", "models"},
    "training": {"losses", "models"},
    "htr": {"training", "divergences", "models", "data", "weights"},
    "metrics": {"training", "divergences", "losses", "models"},
    "generation": {"training", "divergences", "losses"},
    "shape_reader": {"data", "models", "weights"},
    "clinic": {"divergences", "models"},
    "inpainting": {"losses", "models"},
    "outliers": {"losses"},
    "recipes": {"channel", "data", "models", "losses", "training"},
    "weights": {"models"},
    "checks": {"divergences", "losses", "metrics", "models"},
    "plots": {"data", "models", "training", "metrics"},
    "widgets": {
        *("data", "models", "divergences", "gradients", "toy", "weights", "plots", "htr", "latent"),
        *("losses", "training", "recipes"),  # the live training panel
        *("clinic", "metrics", "conditional", "diffusion", "inpainting", "channel"),
        *("generation", "meaning", "mmd", "scoreboard", "shape_reader"),
    },
    "sweeps": {
        *("recipes", "training", "metrics", "htr", "data", "models", "losses", "weights"),
        *("conditional", "latent", "sharpness", "probe", "inpainting"),
        *("channel", "divergences", "generation", "meaning", "shape_reader"),
    },
    "cli": {"data", "recipes", "training", "weights", "losses", "sweeps", "metrics", "htr"},
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


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_the_layers_below_it(path):
    allowed = ALLOWED[layer(path)]
    if allowed is None:
        return
    beyond = own_layers(path) - allowed - {layer(path), "_files", "_validate"}
    assert not beyond, f"{path.name} imports {sorted(beyond)}; allowed: {sorted(allowed)}"


def test_the_table_itself_has_no_cycle():
    order, left = [], {name: set(below or ()) for name, below in ALLOWED.items()}
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
        "meaning",
        "generation",
        "toy",
        "diffusion",
        "quantize",
        "training",
        "metrics",
        "clinic",
        "conditional",
        "sharpness",
        "probe",
    ],
)
def test_the_numerical_layers_need_torch_and_little_else(name):
    for path in modules():
        if layer(path) == name:
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

    for chapter in (PACKAGE.parent / "book").glob("*.md"):
        text = chapter.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from|import) aeteach\S*\._|\baeteach\._", text, re.M), chapter
