"""What "The ELBO" claims beyond its cells."""

import math

import numpy as np
import torch
from aeteach_book.evidence import Theorem
from scipy.optimize import minimize
from torch.distributions import ContinuousBernoulli


@Theorem(
    "used-if-above-c",
    r"**a direction of the data is used if and only if its variance is above $c = \beta/2$.**",
    measured="nats by which K at the minimum of W1, found numerically, differs from W5 and W6",
    proof="in lines W1 to W6",
    conditions="variances and c between 0.03 and 30",
    cases=100,
    at_most=1e-3,
)
def test_used_if_above_c(case: int) -> float:
    rng = np.random.default_rng(case)
    variance, c = 10 ** rng.uniform(-1.5, 1.5, 2)

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        """W1 and its derivatives."""
        w, a, log_s2 = v
        s2, left = np.exp(log_s2), 1 - w * a
        by_w = -2 * a * left * variance + 2 * w * s2
        by_a = -2 * w * left * variance + 2 * c * a * variance
        L = left**2 * variance + w**2 * s2 + c * (s2 + a**2 * variance - 1 - log_s2)
        return L, np.array([by_w, by_a, s2 * (w**2 + c) - c])

    starts = rng.normal(size=(3, 3)) * [1, variance**-0.5, 1]
    found = min((minimize(loss, start, jac=True) for start in starts), key=lambda each: each.fun)
    _, a, log_s2 = found.x
    K = 0.5 * (np.exp(log_s2) + a**2 * variance - 1 - log_s2)
    return abs(K - (0.5 * np.log(variance / c) if variance > c else 0))


@Theorem(
    "grey-cost-is-a-loose-bound",
    r"**So the cross-entropy of a grey pixel lies at least $\log 2$ above minus the log-density of "
    "its continuous Bernoulli.**",
    measured="nats by which it lies less than log 2 above",
    proof="in the sentences before",
    conditions="grey values from 0 to 1, logits from -12 to 12; the density as PyTorch has it",
    cases=500,
    at_most=1e-9,
)
def test_grey_cost_is_a_loose_bound(case: int) -> float:
    rng = np.random.default_rng(case)
    grey = torch.tensor(rng.choice([0.0, 1.0, rng.random()]), dtype=torch.float64)
    logit = torch.tensor(rng.uniform(-12, 12), dtype=torch.float64)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, grey)
    log_density = ContinuousBernoulli(logits=logit).log_prob(grey)
    return math.log(2) - float(loss + log_density)


@Theorem(
    "no-images-vary-so-much",
    "**No set of images whatsoever has a direction with a variance of 512.**",
    measured="largest variance along a direction, over the number of pixels, above one quarter",
    proof="in the sentence before",
    conditions="4 to 40 images of 2 to 30 pixels, black, white or grey, many of them nearly alike",
    cases=300,
    at_most=1e-12,
)
def test_no_images_vary_so_much(case: int) -> float:
    rng = np.random.default_rng(case)
    N, D = int(rng.integers(2, 21)) * 2, int(rng.integers(2, 31))
    images = np.where(np.arange(N)[:, None] < N // 2, 0.0, 1.0) * np.ones(D)  # the worst there is
    changed = rng.random((N, D)) < rng.uniform(0, 0.5)
    images[changed] = rng.choice([0.0, 1.0, 0.5, rng.random()], changed.sum())
    largest = np.linalg.eigvalsh(np.cov(images, rowvar=False, ddof=0))[-1]
    return largest / D - 0.25
