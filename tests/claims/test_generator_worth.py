"""What "What is a generator worth?" claims beyond its cells."""

import numpy as np
from aeteach_book.evidence import OverSeeds, Theorem
from scipy.stats import binom

from aeteach import results

MODELS = ("VAE", "AE + MMD")


@Theorem(
    "no-generator-below-the-floor",
    "No generator that draws independently can expect fewer bits: $-\\log$ is convex, the mean of "
    "a convex function of a binomial count is convex in the count's chance, and so chances that "
    "are all alike are best.",
    measured="bits by which the expected KL of another generator lies below that of the ideal one",
    proof="in the sentence itself",
    conditions="2 to 12 valid images, 1 to 60 draws, any smoothing, generators with and without "
    "misses",
    cases=300,
    at_most=1e-9,
)
def test_no_generator_below_the_floor(case: int) -> float:
    rng = np.random.default_rng(case)
    N, M, a = int(rng.integers(2, 13)), int(rng.integers(1, 61)), 10 ** rng.uniform(-10, 0)
    counts = np.arange(M + 1)
    bits = np.log2((1 + (N + 1) * a) / (N * (counts / M + a)))

    def expected(chances: np.ndarray) -> float:
        return float((binom.pmf(counts[:, None], M, chances) * bits[:, None]).sum(0).mean())

    near = rng.dirichlet(np.full(N + 1, 10 ** rng.uniform(-1, 3)))[:N]  # the rest are misses
    return expected(np.full(N, 1 / N)) - expected(near)


def value(model: str, seed: int, column: str) -> float:
    (row,) = results.read("shapes").where(model=model, seed=seed)
    return row[column]


@OverSeeds(
    "better-than-reported",
    "All eight numbers are lower or higher than the report's, to the better side, and the spread "
    "over seeds is small beside the difference.",
    measured="per cent by which a number is better than the report's, the least of eight",
    seeds=3,
    spread=(9.1, 10.7),
    within=0.05,
    false_at=0,
    table="shapes.csv",
)
def test_better_than_reported(seed: int) -> float:
    gains = []
    for model in MODELS:
        for column in ("mean_distance", "kl_bits", "reconstruction_bits"):
            reported = value(model, seed, f"reported_{column}")
            gains.append(1 - value(model, seed, column) / reported)
        gains.append(value(model, seed, "coverage") / value(model, seed, "reported_coverage") - 1)
    return 100 * min(gains)


@OverSeeds(
    "held-out-are-covered-less",
    "Of the held-out images both models cover less than of all: part\nof what they cover, they may "
    "have learnt one by one.",
    measured="points of coverage by which it is less, for the model with the smaller gap",
    seeds=3,
    spread=(6.65, 6.77),
    within=0.01,
    false_at=0,
    table="shapes.csv",
)
def test_held_out_are_covered_less(seed: int) -> float:
    return min(value(m, seed, "coverage") - value(m, seed, "coverage_test") for m in MODELS)
