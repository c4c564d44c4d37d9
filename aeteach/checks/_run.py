"""Running a function that somebody else wrote: bounded in time, quiet, and without a trace.

In the main thread an interval timer interrupts a call that takes too long; where there is none
(another thread, Windows), a trace function looks at the clock at every line. What counts is the
time that the thread itself has worked, so that a busy machine convicts nobody; a call that only
waits is stopped by the clock. All calls of one check share its budget of time and of memory, so
that none of them, and no number of them, can take longer. What no interpreter can interrupt, such
as `sum(range(10**12))`, is out of reach.
"""

import contextlib
import io
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

BUDGET = 1.7  # seconds that all calls of one check may take together
MEMORY = 2 << 30  # bytes that they may add to the process


class TooLong(BaseException):
    """Raised inside a call that has used up its time."""


class EndsProgram(Exception):  # noqa: N818 - stands for what it holds
    """What would have ended the program, SystemExit for one: an error of whoever raised it.

    Attributes:
        original: what was raised.
    """

    def __init__(self, original: BaseException):
        super().__init__(str(original))
        self.original = original


@dataclass
class Deadline:
    """So many seconds of this thread's own time, so that a busy machine changes no hint.

    Five times as many on the clock end it too.
    """

    seconds: float
    worked: float = field(default_factory=time.thread_time)
    start: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that are left; negative once it is over."""
        clock = (time.monotonic() - self.start) / 5
        return self.seconds - max(time.thread_time() - self.worked, clock)


class _Check(threading.local):
    """What is known of the check that runs in this thread."""

    deadline: Deadline | None = None


_CHECK = _Check()


def left() -> float:
    """Return the seconds that are left to the check that runs in this thread."""
    return _CHECK.deadline.left() if _CHECK.deadline else float("inf")


def call(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Return what a function makes of arguments, or raise what it raises.

    Args:
        function: anything that can be called.
        arguments: handed over as they are; copy them first if they must survive.
        seconds: after so long TooLong is raised in the middle of the call.

    Raises:
        TooLong: the time was used up.
        EndsProgram: the function raised what no `except Exception` stops; only the user's own
            KeyboardInterrupt goes through.
    """
    seconds = min(seconds, left())
    if seconds <= 0:
        raise TooLong
    modules, start = len(sys.modules), time.thread_time()
    on_main = threading.current_thread() is threading.main_thread()
    limited = _timed if on_main and hasattr(signal, "setitimer") else _traced
    try:
        return limited(function, arguments, max(seconds, 1e-3))
    except (Exception, TooLong, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise EndsProgram(error) from error
    finally:
        if _CHECK.deadline and len(sys.modules) > modules:  # a first import is nobody's fault
            _CHECK.deadline.seconds += time.thread_time() - start


@contextlib.contextmanager
def undisturbed(seconds: float = BUDGET) -> Iterator[None]:
    """Silence warnings; put back afterwards whatever state of the process a function may move.

    Args:
        seconds: that all calls in here may take together; inside another one, that one's count.
    """
    outer = _CHECK.deadline
    states = generator_states()
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    depth, printing = sys.getrecursionlimit(), np.get_printoptions()
    try:
        _CHECK.deadline = outer or Deadline(seconds)
        quiet = warnings.catch_warnings(), np.errstate(all="ignore")
        with quiet[0], quiet[1], _no_way_out(), at_most(MEMORY):
            warnings.simplefilter("ignore")
            yield
    finally:
        _CHECK.deadline = outer
        set_generators(states)
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        sys.setrecursionlimit(depth)
        np.set_printoptions(**printing)


@contextlib.contextmanager
def at_most(more: int) -> Iterator[None]:
    """Let the process take so many bytes more; beyond it raises MemoryError, as Linux allows."""
    taken = _memory_taken()
    if resource is None or taken is None:
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = taken + more
    if before != resource.RLIM_INFINITY and before < wanted:
        wanted = before
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))


def _memory_taken() -> int | None:
    """Return the bytes of data that the process has, where Linux counts them."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    except (OSError, IndexError, ValueError):
        return None
    return pages * resource.getpagesize()


def generator_states() -> tuple[Any, ...]:
    """Return the states of the generators that are shared by all: Python's, NumPy's, torch's."""
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def set_generators(states: tuple[Any, ...]) -> None:
    """Put the shared random generators into these states."""
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])


@contextlib.contextmanager
def _no_way_out() -> Iterator[None]:
    """Let exit() and quit() raise in a notebook, where they would ask the kernel to stop."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    names = getattr(shell, "user_ns", {})
    before = {name: names[name] for name in ("exit", "quit") if name in names}
    names.update(dict.fromkeys(before, sys.exit))
    try:
        yield
    finally:
        names.update(before)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Swallow what is printed."""
    with contextlib.redirect_stdout(_Nothing()), contextlib.redirect_stderr(_Nothing()):
        yield


class _Nothing(io.TextIOBase):
    """Takes any text, and keeps none of it."""

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def brief(lines: int = 30) -> Iterator[None]:
    """Show so many lines of what is printed, and say how many more there were."""
    shown = _Brief(sys.stdout, lines)
    with contextlib.redirect_stdout(shown):
        yield
    if shown.more:
        print(f"... and {shown.more} more {'line' if shown.more == 1 else 'lines'}")


class _Brief(io.TextIOBase):
    """Hands the first lines on, and counts the others."""

    def __init__(self, out: Any, lines: int):
        self.out, self.left, self.more = out, lines, 0

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if self.left > 0:
                self.out.write(line[:1000])
            ends = line.endswith("\n")
            self.more += ends and self.left <= 0
            self.left -= ends
        return len(text)

    def flush(self) -> None:
        self.out.flush()


class _Watch:
    """Tells when a call has worked, or waited, too long."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.restart()

    def restart(self) -> None:
        self.worked, self.start = time.thread_time(), time.monotonic()

    def over(self) -> bool:
        waited = time.monotonic() - self.start
        worked = time.thread_time() - self.worked
        sleeps = waited >= 1.5 * self.seconds and worked < 0.02 * waited
        return worked >= self.seconds or sleeps or waited >= 10 * self.seconds


def _timed(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    watch, rings = _Watch(seconds), 0

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal rings
        if frame is None or frame.f_code.co_filename == __file__:
            return  # between calls: nothing is running that could be stopped
        if _imports(frame):
            watch.restart()  # a first import may take longer than a call
        if not watch.over():
            return
        rings += 1
        if rings > 3:  # the call catches everything: now every line of it raises
            _trace_all(frame)
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.02)
    try:
        return function(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if rings > 3:
            sys.settrace(None)
        if left:  # somebody else's alarm goes on
            rest = max(left - (time.monotonic() - watch.start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


def _imports(frame: FrameType | None) -> bool:
    """Tell whether the call that is being timed is importing something."""
    while frame is not None and frame.f_code.co_filename != __file__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _trace_all(frame: FrameType | None) -> None:
    """Make every frame of the call raise at its next line."""
    while frame is not None and frame.f_code.co_filename != __file__:
        frame.f_trace = _raise
        frame = frame.f_back
    sys.settrace(_raise)


def _raise(frame: FrameType, event: str, argument: Any) -> Any:
    if frame.f_code.co_filename == __file__:
        return None
    raise TooLong


def _traced(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    watch = _Watch(seconds)
    before = sys.gettrace()

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename == __file__:
            return None
        if watch.over():
            raise TooLong
        return look

    sys.settrace(look)
    try:
        return function(*arguments)
    finally:
        sys.settrace(before)
