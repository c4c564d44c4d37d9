"""Run in a chapter's kernel before its first cell: writes down which files the chapter opens.

One line a file: "r" or "w" and its path; or "*" once the chapter starts another program, which
may read anything. What C or Rust opens by itself is not seen. `LOG`, the file to write to, is
given by whoever runs this.
"""

import os
import sys

_log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # type: ignore[name-defined] # noqa: F821
_seen: set[str] = set()
_PROGRAMS = {"os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}


def _write(line: str) -> None:
    if line not in _seen:
        _seen.add(line)
        os.write(_log, (line.replace("\n", " ") + "\n").encode(errors="surrogateescape"))


def _note(event: str, arguments: tuple) -> None:
    if event == "open":
        path, _, flags = arguments
        if not isinstance(path, str | bytes | os.PathLike):  # a descriptor, which is open already
            return
        how = "w" if flags & (os.O_WRONLY | os.O_RDWR) else "r"
        # Not resolved: a name that is a link is a name, too.
        _write(how + os.path.abspath(os.fsdecode(path)))  # noqa: PTH100
    elif event in _PROGRAMS:
        _write("*")


for _module in list(sys.modules.values()):  # what the kernel itself has loaded
    if _file := getattr(_module, "__file__", None):
        _write(f"r{_file}")
sys.addaudithook(_note)
