"""What is made of a seed or of plain numbers is made on the CPU, whatever torch's default device.

Data are moved to a model when it is run, and generators are the CPU's: both are alike on any
machine. Only models follow the default device.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def on_cpu(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that makes its tensors on the CPU."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with torch.device("cpu"):
            return function(*args, **kwargs)

    return call
