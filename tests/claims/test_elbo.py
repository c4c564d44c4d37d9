"""What "The ELBO" claims beyond its cells."""

import math

import numpy as np
import torch
from aeteach_book.evidence import Theorem
from scipy.stats import multivariate_normal
from torch.distributions import ContinuousBernoulli


@Theorem(
    "em-never-falls",
    "**Neither of its steps lowers\n$\\log p_\\theta(x)$.**",
    measured="nats by which one round lowers the average log p of the data",
    proof="in the sentence after",
    conditions="linear decoders with 1 to 5 pixels and as many latent numbers or fewer, data of "
    "2 to 30 points, noise of a variance between 0.01 and 10, any start",
    cases=200,
    at_most=1e-9,
)
def test_em_never_falls(case: int) -> float:
    rng = np.random.default_rng(case)
    D, N, c = int(rng.integers(1, 6)), int(rng.integers(2, 31)), 10 ** rng.uniform(-2, 1)
    d = int(rng.integers(1, D + 1))
    x = rng.normal(size=(N, D)) * 10 ** rng.uniform(-1, 1)
    W = rng.normal(size=(D, d)) * 10 ** rng.uniform(-1, 1)

    def log_p(W: np.ndarray) -> float:
        return float(multivariate_normal(np.zeros(D), W @ W.T + c * np.eye(D)).logpdf(x).mean())

    left = np.linalg.inv(W.T @ W + c * np.eye(d))
    means = x @ W @ left  # of the posterior, whose covariance is c * left
    new = x.T @ means @ np.linalg.inv(means.T @ means + N * c * left)
    return log_p(W) - log_p(new)


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
