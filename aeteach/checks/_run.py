"""Running a function that somebody else wrote: bounded in time, quiet, and without a trace.

In the main thread an interval timer interrupts a call that takes too long; where there is none
(another thread, Windows), a trace function looks at the clock at every line.
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
from types import FrameType
from typing import Any

import numpy as np
import torch


class TooLong(BaseException):
    """Raised inside a call that has used up its time."""


def call(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Return what a function makes of arguments, or raise what it raises.

    Args:
        function: anything that can be called.
        arguments: handed over as they are; copy them first if they must survive.
        seconds: after so long TooLong is raised in the middle of the call.

    Raises:
        TooLong: the time was used up.
    """
    with _limited(max(seconds, 1e-3)):
        return function(*arguments)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Silence warnings, and put the random generators back when it is over."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    grad = torch.is_grad_enabled()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        torch.set_grad_enabled(grad)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Swallow what is printed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        limit = _by_timer(seconds)
    else:
        limit = _by_tracing(seconds)
    with limit:
        yield


@contextlib.contextmanager
def _by_timer(seconds: float) -> Iterator[None]:
    fired = 0

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal fired
        fired += 1
        if fired > 3:  # the call catches everything: now every line of it raises
            _trace_all(frame, _raise)
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.02)
    start = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if fired > 3:
            sys.settrace(None)
        if left:  # somebody else's alarm goes on
            rest = max(left - (time.monotonic() - start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


def _trace_all(frame: FrameType | None, trace: Callable[..., Any]) -> None:
    while frame is not None and frame.f_code is not call.__code__:
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(trace)


def _raise(frame: FrameType, event: str, argument: Any) -> Any:
    if frame.f_code.co_filename == __file__:
        return None
    raise TooLong


@contextlib.contextmanager
def _by_tracing(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    before = sys.gettrace()

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename == __file__:
            return None
        if time.monotonic() > end:
            raise TooLong
        return look

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)
