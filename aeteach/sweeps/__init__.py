"""The tables of results/, by name; `aeteach sweep NAME` makes them."""

from aeteach.sweeps.autoencoders import AUTOENCODERS
from aeteach.sweeps.engine import (
    RESULTS,
    Cell,
    Sweep,
    SweepError,
    finished,
    run,
    starts,
    write_table,
)

SWEEPS: dict[str, Sweep] = {sweep.name: sweep for sweep in (AUTOENCODERS,)}

__all__ = [
    "RESULTS",
    "SWEEPS",
    "Cell",
    "Sweep",
    "SweepError",
    "finished",
    "run",
    "starts",
    "write_table",
]
