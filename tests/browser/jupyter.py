"""A Jupyter server of its own, with the project's settings and none of this machine's."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

LIMIT = 180  # seconds for a server to start on a busy machine
OWN = {
    "PYTHONPATH": str(ROOT),
    "OMP_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "JUPYTER_CONFIG_PATH": str(ROOT / "tools" / "jupyter"),
}
# A kernel that starts at once and never answers: enough to look at a notebook.
NO_KERNEL = {"argv": ["sleep", "600"], "display_name": "Python 3 (ipykernel)", "language": "python"}


@dataclass(frozen=True)
class Server:
    """Where a server listens."""

    port: int
    token: str

    def url(self, path: str) -> str:
        """Return the address of a page of the server."""
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which Jupyter finds nothing of this machine's user."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "AETEACH_HOST"))}
    (home / "home").mkdir(exist_ok=True)
    return env | OWN | {
        "HOME": str(home / "home"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }  # fmt: skip


def write_settings(home: Path, settings: dict[str, dict[str, Any]]) -> None:
    """Write settings as the menu of JupyterLab does, by the names of their plug-ins."""
    for plugin, values in settings.items():
        package, name = plugin.split(":")
        path = home / "settings" / package / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


@contextmanager
def jupyter(
    folder: Path, *, app: str = "jupyterlab", home: Path | None = None, kernel: bool = True
) -> Iterator[Server]:
    """Run JupyterLab or Notebook 7 on a free port.

    Args:
        folder: what it shows.
        app: `jupyterlab` or `notebook`.
        home: where its settings and its log go; the folder itself by default.
        kernel: whether Python starts behind a notebook.
    """
    home = home or folder
    server = Server(free_port(), secrets.token_hex(16))
    env = environment(home)
    if not kernel:
        spec = home / "share" / "kernels" / "python3"
        spec.mkdir(parents=True, exist_ok=True)
        (spec / "kernel.json").write_text(json.dumps(NO_KERNEL))
        env["JUPYTER_PATH"] = str(home / "share")
    command = [
        sys.executable, "-m", app, "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={server.port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={server.token}", f"--ServerApp.root_dir={folder}",
        "--expose-app-in-browser",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]  # fmt: skip
    with running(command, env, folder, home / "server.log", server):
        yield server


@contextmanager
def running(
    command: list[str], env: dict[str, str], folder: Path, log: Path, server: Server
) -> Iterator[None]:
    """Run a command that starts a server, until the block ends."""
    with log.open("w") as out:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=out, stderr=out)
        try:
            _wait_for(server.url("api/status"), process, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"Jupyter did not start:\n{log.read_text()[-2000:]}")
