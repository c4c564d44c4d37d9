"""Run one chapter, in a process of its own."""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode

from aeteach_book import images
from aeteach_book.kernels import private

TRACER = Path(__file__).with_name("tracer.py")


@dataclass(frozen=True)
class Run:
    """What came of running a chapter.

    Attributes:
        notebook: with its outputs.
        started: seconds since the epoch.
        seconds: that it took.
        traced: lines of the tracer.
        error: what stopped it; empty if nothing did.
    """

    notebook: NotebookNode
    started: float
    seconds: float
    traced: list[str]
    error: str


def _environment(place: Path) -> dict[str, str]:
    """Return the environment without what the user has IPython and matplotlib read at the start."""
    (place / "matplotlibrc").touch()
    ours = {"IPYTHONDIR": str(place), "MATPLOTLIBRC": str(place)}
    return {k: v for k, v in os.environ.items() if k != "PYTHONSTARTUP"} | ours


def run(notebook: NotebookNode, folder: Path, options: dict[str, Any]) -> Run:
    """Run a chapter in its folder.

    Args:
        notebook: its cells, which get their outputs.
        folder: that its relative paths begin from.
        options: of nbclient, such as the time that a cell may take.
    """
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        trace = f"exec(open({str(TRACER)!r}).read(), {{'LOG': {str(log)!r}}})"
        client = NotebookClient(
            notebook,
            resources={"metadata": {"path": str(folder)}},
            coalesce_streams=True,  # on a busy machine the text of one print arrives in pieces
            record_timing=False,
            config=private(Path(place)),
            extra_arguments=[f"--IPKernelApp.exec_lines={trace}", "--IPKernelApp.log_level=ERROR"],
            **options,
        )
        started = time.time()
        try:
            client.execute(env=_environment(Path(place)))
            error = ""
        except Exception as failure:  # a cell's error, a time limit, a kernel that died
            error = f"{type(failure).__name__}\n{failure}"
        images.in_fewer_bytes(notebook)
        text = log.read_text(encoding="utf-8", errors="surrogateescape") if log.exists() else ""
    return Run(notebook, started, time.time() - started, text.splitlines(), error)
