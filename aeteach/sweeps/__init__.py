"""The tables of results/, by name; `aeteach sweep NAME` makes them."""

from aeteach.sweeps.autoencoders import AUTOENCODERS
from aeteach.sweeps.conditional import CONDITIONAL
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
from aeteach.sweeps.inpainting import INPAINTING
from aeteach.sweeps.vae import KERAS_VAE, VAE_KL_WEIGHT, VAE_REFERENCE

SWEEPS: dict[str, Sweep] = {
    sweep.name: sweep
    for sweep in (
        AUTOENCODERS,
        VAE_KL_WEIGHT,
        KERAS_VAE,
        VAE_REFERENCE,
        INPAINTING,
        CONDITIONAL,
    )
}

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
