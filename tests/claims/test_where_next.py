"""What "Where to go from here" claims beyond its cells."""

import numpy as np
from aeteach_book.evidence import Cause


@Cause(
    "small-steps-are-normal",
    "**The smaller the step, the more nearly normal is the way back.**",
    measured="nats from the true way back to the normal with its mean and variance, averaged over "
    "all places, for a first step that adds half of the variance (by a grid, without the "
    "chapter's formulas)",
    changed="a step that adds a hundredth",
    seeds=1,
    before=(0.3394, 0.3394),
    after=(0.0001, 0.0001),
    within=0.0001,
)
def test_small_steps_are_normal(seed: int, changed: bool) -> float:
    added = 0.01 if changed else 0.5
    x = np.linspace(-4, 4, 1601)[:, None]  # before the step
    y = np.linspace(-4.5, 4.5, 1801)[None]  # after it
    dx, dy = x[1, 0] - x[0, 0], y[0, 1] - y[0, 0]

    def normal(at: np.ndarray, mean: np.ndarray | float, variance: np.ndarray | float):
        return np.exp(-((at - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    humps = 0.5 * (normal(x, -0.95, 0.1) + normal(x, 0.95, 0.1))
    joint = humps * normal(y, np.sqrt(1 - added) * x, added)
    after = joint.sum(0) * dx
    back = joint / np.maximum(after, 1e-300)
    mean = (back * x).sum(0) * dx
    variance = (back * (x - mean) ** 2).sum(0) * dx
    ratio = np.log(np.maximum(back, 1e-300) / np.maximum(normal(x, mean, variance), 1e-300))
    kl = np.where(back > 1e-30, back * ratio, 0).sum(0) * dx
    return float((kl * after).sum() * dy)
