"""What "Where to go from here" claims beyond its cells."""

import numpy as np
import pytest
import torch
from aeteach_book.evidence import Cause, OverSeeds

from aeteach.diffusion import Humps, schedule


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


@pytest.mark.slow
@OverSeeds(
    "denoiser-is-learnt",
    "With five seeds the links cost from 0.02 to 0.05 nats more than with the best denoiser.",
    measured="nats that the 39 links of a trained denoiser cost above those of the best one, over "
    "100,000 paths",
    seeds=5,
    spread=(0.027, 0.038),
    within=0.007,
    false_at=0.05,
)
def test_denoiser_is_learnt(seed: int) -> float:
    humps, a = Humps(), schedule(40).float()
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 64),
        torch.nn.SiLU(),
        torch.nn.Linear(64, 64),
        torch.nn.SiLU(),
        torch.nn.Linear(64, 1),
    )
    adam = torch.optim.Adam(net.parameters(), lr=3e-3)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 1500)
    for _ in range(1500):
        left, eps = a[torch.randint(1, 41, (512,))], torch.randn(512)
        x_t = left.sqrt() * humps.sample(512).float() + (1 - left).sqrt() * eps
        seen = torch.stack([x_t, left.logit() / 5], 1)
        loss = (eps - net(seen)[:, 0]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        slower.step()
    g = torch.Generator().manual_seed(seed)
    start, lost = humps.sample(100_000, g), 0.0
    for t in range(2, 41):
        noise = (1 - a[t]).sqrt() * torch.randn(len(start), generator=g)
        x_t = a[t].sqrt() * start + noise
        with torch.no_grad():
            seen = torch.stack([x_t.float(), (a[t].logit() / 5).expand(len(x_t))], 1)
            x_hat = (x_t - (1 - a[t]).sqrt() * net(seen)[:, 0]) / a[t].sqrt()
        away = x_hat - humps.start(x_t, a[t]).mean
        falls = a[t - 1] / (1 - a[t - 1]) - a[t] / (1 - a[t])
        lost += float(0.5 * falls * away.square().mean())
    return lost
