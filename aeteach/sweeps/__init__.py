"""The tables of results/, by name; `aeteach sweep NAME` makes them."""

from aeteach.sweeps.autoencoders import AUTOENCODERS
from aeteach.sweeps.conditional import CONDITIONAL
from aeteach.sweeps.cube import CUBE_SNR
from aeteach.sweeps.engine import (
    Cell,
    Sweep,
    SweepError,
    finished,
    run,
    starts,
    write_table,
)
from aeteach.sweeps.inpainting import INPAINTING
from aeteach.sweeps.shapes import MMD_SWEEP, SHAPES_EPOCHS_SWEEP, SHAPES_SWEEP
from aeteach.sweeps.vae import KERAS_VAE, VAE_KL_WEIGHT, VAE_REFERENCE, VAE_WARM_UP

SWEEPS: dict[str, Sweep] = {
    sweep.name: sweep
    for sweep in (
        AUTOENCODERS,
        VAE_KL_WEIGHT,
        VAE_WARM_UP,
        KERAS_VAE,
        VAE_REFERENCE,
        INPAINTING,
        CONDITIONAL,
        SHAPES_SWEEP,
        SHAPES_EPOCHS_SWEEP,
        MMD_SWEEP,
        CUBE_SNR,
    )
}

__all__ = [
    "SWEEPS",
    "Cell",
    "Sweep",
    "SweepError",
    "finished",
    "run",
    "starts",
    "write_table",
]
