"""How two independent answers are compared."""

import numpy as np


def agree(what, ours, theirs, within=1e-10):
    """Compare with an independent answer, and print the largest relative difference."""
    ours, theirs = (np.asarray(v, dtype=np.float64) for v in (ours, theirs))
    assert ours.shape == theirs.shape
    assert ours.size > 0
    difference = float(np.max(np.abs(ours - theirs) / np.abs(theirs)))
    print(f"{what}: largest relative difference {difference:.1e} over {ours.size} numbers")
    assert difference < within
