"""Kernels that run side by side and do not meet."""

import os
from pathlib import Path

from traitlets.config import Config


def private(place: Path) -> Config:
    """Return settings of nbclient for a kernel that talks through files in a folder of its own.

    Over TCP a kernel is told five ports that were free a moment ago. Where other kernels start at
    the same time, one of them may have such a port by then, and the kernel dies or never answers.
    Windows has no such files.
    """
    if os.name == "nt":
        return Config()
    return Config(KernelManager={"transport": "ipc", "connection_file": str(place / "kernel.json")})
