"""Put small faults into the package, one at a time, and ask whether a module's tests see them.

    python tools/mutants.py                            some of every module, seed 0
    python tools/mutants.py --modules mmd training/    only these
    python tools/mutants.py --number 30 --seed 7       another, larger sample

A mutant is one changed token of executable code: another comparison, another constant, an argument
left out. Each is written into a copy of the repository in a temporary folder, where the module's
own tests run; the working tree is never touched. A mutant that no test sees is printed as a
difference: it is a missing assertion, or it is equal to the original in all that matters, and then
tools/mutants.toml says why. The exit status is 1 where fewer than 90 % of the others are seen.
"""

import argparse
import ast
import copy
import difflib
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "divergences",
    "losses",
    "mmd",
    "channel",
    "likelihoods",
    "metrics/",
    "training/",
    "models/vae",
    "sweeps/engine",
    "checks/_agree",
    "checks/_edits",
    "checks/_exercise",
    "checks/_run",
    "checks/_search",
    "checks/_source",
    "checks/_trial",
    "widgets/kit/",
    "widgets/",
)
# What takes seconds to import, and is no plugin of pytest, which rewrites those.
PRELOAD = (
    *("torch", "scipy.stats", "sklearn", "pandas", "matplotlib.pyplot", "safetensors.torch"),
    *("nbformat", "jupyter_client", "ipykernel.kernelapp", "IPython", "ipywidgets", "anywidget"),
    *("playwright.sync_api", "PIL.Image", "tqdm.auto", "yaml"),
)
NOT_A_FIGURES = ("test_book", "test_figures", "test_jupyterlab", "test_pages", "test_workbook")
LEAST = 0.9  # of the mutants that are not known to be equivalent
# Of checks/_agree, checks/_edits and so on.
OF_THE_ENGINE = ("test_engine", "test_exercises", "test_search")
NOT_COPIED = (".git", ".venv", "_build", "node_modules", "dist", ".mypy_cache", ".ruff_cache")

COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
}
PAIRS = (("sum", "mean"), ("min", "max"), ("amin", "amax"), ("minimum", "maximum"), ("any", "all"))
NAMES = dict(PAIRS) | {b: a for a, b in PAIRS}

# What a reader of JavaScript skips whole, and the tokens that have a counterpart.
JS_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"""
    r"""|(?<=\ )(?P<operator><=|>=|===|!==|&&|\|\||[<>+*/-])(?=\ )"""
    r"""|(?<![\w.$])(?P<word>Math\.min|Math\.max|true|false|[01])(?![\w.])""",
    re.DOTALL,
)
JS_PAIRS = (
    ("<", "<="),
    (">", ">="),
    ("===", "!=="),
    ("&&", "||"),
    ("+", "-"),
    ("*", "/"),
    ("Math.min", "Math.max"),
    ("true", "false"),
    ("0", "1"),
)
JS_OTHER = dict(JS_PAIRS) | {b: a for a, b in JS_PAIRS}


@dataclass(frozen=True)
class Edit:
    """Bytes start to end of a source, and what they become."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """A file of the package with one edit."""

    file: str
    original: str
    changed: str

    @property
    def difference(self) -> str:
        """Return the change as a unified difference without context."""
        old, new = self.original.splitlines(), self.changed.splitlines()
        return "\n".join(difflib.unified_diff(old, new, self.file, self.file, n=0, lineterm=""))

    def lines(self, sign: str) -> str:
        """Return the lines taken away ("-") or put in ("+"), without indentation, as one."""
        body = self.difference.splitlines()[3:]
        return " ".join(line[1:].strip() for line in body if line.startswith(sign))


# ------------------------------------------------------------------------------ where to edit


def python_edits(source: str) -> Iterator[Edit]:
    """Yield the edits of a Python source: executable code only, no error's text, no annotation."""
    encoded = source.encode()
    starts = [0]
    for line in encoded.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        return start, starts[node.end_lineno - 1] + node.end_col_offset

    def between(left: ast.expr, right: ast.expr, pair: tuple[str, str]) -> Iterator[Edit]:
        start, end = span(left)[1], span(right)[0]
        if (at := encoded.find(pair[0].encode(), start, end)) >= 0:
            yield Edit(at, at + len(pair[0]), pair[1])

    def edits(node: ast.AST) -> Iterator[Edit]:
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
                    yield from between(left, right, COMPARISONS[type(operator)])
            case ast.BinOp() if type(node.op) in ARITHMETIC:
                yield from between(node.left, node.right, ARITHMETIC[type(node.op)])
            case ast.BoolOp():
                pair = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in zip(node.values, node.values[1:], strict=False):
                    yield from between(left, right, pair)
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                yield Edit(span(node)[0], span(node.operand)[0], "")
            case ast.Constant(value=bool() as value):
                yield Edit(*span(node), str(not value))
            case ast.Constant(value=int() as value):
                yield Edit(*span(node), str(value + 1))
                yield Edit(*span(node), str(value - 1))
            case ast.Constant(value=float() as value):
                yield Edit(*span(node), repr(2 * value or 1.0))
            case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
                yield Edit(*span(value), "None")
            case ast.Call():
                yield from call_edits(node)

    def call_edits(node: ast.Call) -> Iterator[Edit]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in NAMES:
            end = span(node.func)[1]
            yield Edit(end - len(name), end, NAMES[name])
        for i, keyword in enumerate(node.keywords):
            if keyword.arg is not None:
                shorter = copy.copy(node)
                shorter.keywords = node.keywords[:i] + node.keywords[i + 1 :]
                yield Edit(*span(node), ast.unparse(shorter))
        if len(node.args) >= 2:
            swapped = copy.copy(node)
            swapped.args = [node.args[1], node.args[0], *node.args[2:]]
            yield Edit(*span(node), ast.unparse(swapped))

    def walk(node: ast.AST) -> Iterator[Edit]:
        yield from edits(node)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                # Python 3.11 places what is inside an f-string wrongly.
                if isinstance(child, ast.AST) and not isinstance(child, ast.Raise | ast.JoinedStr):
                    yield from walk(child)

    return walk(ast.parse(source))


def javascript_edits(source: str) -> Iterator[Edit]:
    """Yield the edits of a JavaScript source, outside comments and texts."""
    for match in JS_TOKEN.finditer(source):
        if match["skip"] is None:
            start = len(source[: match.start()].encode())
            yield Edit(start, start + len(match[0]), JS_OTHER[match[0]])


def mutants(root: Path, file: str, seed: int = 0) -> Iterator[Mutant]:
    """Yield every mutant of a file that can be parsed, in an order drawn with the seed."""
    original = (root / file).read_text(encoding="utf-8")
    encoded = original.encode()
    python = file.endswith(".py")
    edits = list(dict.fromkeys((python_edits if python else javascript_edits)(original)))
    # The same seed draws the same ones, whatever other files are asked for.
    random.Random(f"{seed} {file}").shuffle(edits)
    for edit in edits:
        changed = (encoded[: edit.start] + edit.text.encode() + encoded[edit.end :]).decode()
        if not python or parses(changed):
            yield Mutant(file, original, changed)


def parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


# ------------------------------------------------------------------------- which tests, and run


def files_of(root: Path, package: str, name: str) -> list[str]:
    """Return the files that a name stands for: a module, a folder with "/", a figure's script."""
    path = root / package / name
    if path.is_dir():
        kind = "*.js" if any(path.glob("*.js")) else "*.py"
        found = sorted(p for p in path.glob(kind) if p.name != "__init__.py")
    else:
        found = [p for p in (path, path.with_suffix(".py")) if p.is_file()][:1]
    if not found:
        raise SystemExit(f"{package}/{name}: no such module; give a name as in {MODULES[0]!r}")
    return [str(p.relative_to(root)) for p in found]


def tests_of(root: Path, file: str) -> list[str]:
    """Return the tests of a module: those that mirror it, or the browser's that name a figure."""
    module = Path(*Path(file).parts[1:])
    if module.parent.name == "kit" and file.endswith(".js"):
        found = [root / "tests/browser/kit" / f"test_{module.stem}.py"]
    elif file.endswith(".js"):
        figure = (root / file).with_suffix(".py").read_text(encoding="utf-8")
        names = [*re.findall(r"^class (\w+)\(", figure, re.M), f"widgets.{module.stem}"]
        named = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
        tests = sorted((root / "tests/browser").glob("test_*.py"))
        named_by = [p for p in tests if named.search(p.read_text(encoding="utf-8"))]
        found = [p for p in named_by if p.stem not in NOT_A_FIGURES] or named_by
    else:
        folder = root / "tests" / module.parent
        stem = module.stem.lstrip("_")
        found = sorted({*folder.glob(f"test_{stem}.py"), *folder.glob(f"test_{stem}_*.py")})
        if module.stem.startswith("_") and folder / f"test_{stem}.py" not in found:
            # A part of one machine: test_exercise_index.py asks the table, not _exercise.py.
            found = [p for p in folder.glob("test_e*.py") if p.stem in OF_THE_ENGINE]
    if not found:
        raise SystemExit(f"{file}: no test mirrors it")
    return [str(p.relative_to(root)) for p in found]


# Imports what is slow to import, then runs pytest in a copy of itself for each line of arguments.
SERVER = """
import importlib, json, os, sys
from contextlib import suppress
import pytest
for name in sys.argv[1:]:
    with suppress(ImportError):
        importlib.import_module(name)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            code = pytest.main(json.loads(line))
        finally:
            os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Runner:
    """Runs tests in a copy of the repository.

    Args:
        tree: the copy.
        preload: modules of other packages to import once for all runs; none that is mutated.
    """

    def __init__(self, tree: Path, preload: Sequence[str] = ()) -> None:
        self.tree = tree
        environment = os.environ | {
            "PYTHONPATH": str(tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
        }
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER, *preload],
            cwd=tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # so that nothing waits in a buffer where select() does not see it
        )

    def run(self, tests: Sequence[str], seconds: float) -> str:
        """Run tests: "passed", "failed" or "timed out"."""
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", "--hypothesis-seed=0"]
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps([*options, *tests]).encode() + b"\n")
        child = int(self.server.stdout.readline())
        in_time, _, _ = select.select([self.server.stdout], [], [], seconds)
        with suppress(ProcessLookupError):  # a test's own processes too: browsers, workers
            os.killpg(child, signal.SIGKILL)
        code = int(self.server.stdout.readline())
        return ("passed" if code == 0 else "failed") if in_time else "timed out"

    def close(self) -> None:
        """End the server."""
        self.server.communicate()


def judge(runner: Runner, mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
    """Return "killed", "timed out" or "survived", and leave the copy as it was."""
    path = runner.tree / mutant.file
    path.write_text(mutant.changed, encoding="utf-8")
    try:
        outcome = runner.run(tests, seconds)
    finally:
        path.write_text(mutant.original, encoding="utf-8")
    return {"passed": "survived", "failed": "killed"}.get(outcome, outcome)


def known_equivalent(path: Path) -> dict[tuple[str, str, str], str]:
    """Return the reasons of mutants that no test can see, by file, line and changed line."""
    if not path.exists():
        return {}
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
    return {(e["file"], e["was"], e["becomes"]): e["reason"] for e in entries}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--modules", nargs="+", default=MODULES, help="names as losses, training/")
    parser.add_argument("--number", type=int, default=10, help="mutants of each file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--time", type=float, default=600, help="seconds for a mutant, at most")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    parser.add_argument("--preload", nargs="*", default=PRELOAD, help=argparse.SUPPRESS)
    parser.add_argument("--package", default="aeteach", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root
    equivalent = known_equivalent(root / "tools" / "mutants.toml")
    files = [f for name in options.modules for f in files_of(root, options.package, name)]

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as ended:
        runners: SimpleQueue[Runner] = SimpleQueue()
        for i in range(options.jobs):
            tree = Path(folder, str(i))
            shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
            runner = Runner(tree, options.preload)
            ended.callback(runner.close)
            runners.put(runner)

        def look_at(file: str) -> tuple[str, Counter[str], list[str]]:
            tests, runner = tests_of(root, file), runners.get()
            try:
                started = time.monotonic()
                if (outcome := runner.run(tests, options.time)) != "passed":
                    raise SystemExit(f"{file}: {' '.join(tests)} {outcome} without a change")
                limit = min(options.time, 30 + 5 * (time.monotonic() - started))
                counts: Counter[str] = Counter()
                survivors = []
                for mutant in islice(mutants(root, file, options.seed), options.number):
                    outcome = judge(runner, mutant, tests, limit)
                    reason = equivalent.get((file, mutant.lines("-"), mutant.lines("+")))
                    if outcome == "survived" and reason is not None:
                        outcome = "equivalent"
                    elif outcome == "survived":
                        survivors.append(mutant.difference)
                    counts[outcome] += 1
            finally:
                runners.put(runner)
            return file, counts, survivors

        least = 1.0
        columns = ("killed", "timed out", "equivalent", "survived")
        print(f"{'':36}" + "".join(f"{c:>12}" for c in columns) + f"{'seen':>8}", flush=True)
        with ThreadPoolExecutor(options.jobs) as pool:
            for file, counts, survivors in pool.map(look_at, files):
                seen = counts["killed"] + counts["timed out"]
                share = seen / (seen + counts["survived"]) if seen + counts["survived"] else 1.0
                least = min(least, share)
                numbers = "".join(f"{counts[c]:12}" for c in columns)
                print(f"{file:36}{numbers}{share:8.0%}", *survivors, sep="\n", flush=True)
    return int(least < LEAST)


if __name__ == "__main__":
    sys.exit(main())
