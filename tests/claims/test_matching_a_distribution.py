"""What "Matching a distribution" claims beyond its cells."""

import numpy as np
from aeteach_book.evidence import OverSeeds, Theorem

from aeteach import results


@Theorem(
    "largest-difference-of-means",
    "the MMD is the largest difference of means that it or any function of its class can show.",
    measured="by how much the difference of means of 50 functions of length 1 exceeds the MMD",
    proof="in lines W1 to W3",
    conditions="clouds of 2 to 30 points in 1 to 4 dimensions, Gaussian kernels; the functions are "
    "the witness, changed a little or much, with the kernel at the points and at other places",
    cases=200,
    at_most=1e-9,
)
def test_largest_difference_of_means(case: int) -> float:
    rng = np.random.default_rng(case)
    d, h = int(rng.integers(1, 5)), 10 ** rng.uniform(-0.5, 0.7)
    x, y = (rng.normal(size=(int(rng.integers(2, 31)), d)) * s for s in (1, 1.5))
    places = np.concatenate([x, y, rng.normal(size=(5, d))])
    K = np.exp(-np.square(places[:, None] - places).sum(2) / (2 * h**2))
    witness = np.repeat([1 / len(x), -1 / len(y), 0], [len(x), len(y), 5])
    mmd = np.sqrt(witness @ K @ witness)
    noise = rng.normal(size=(50, len(places))) * 10 ** rng.uniform(-4, 1, (50, 1))
    functions = witness + noise
    length = np.sqrt(np.einsum("fi,ij,fj->f", functions, K, functions))
    return float((functions @ K @ witness / length).max() - mmd)


@OverSeeds(
    "most-bits-most-shapes",
    "With a variance of 2, and so with the most bits, the MMD-VAE is ahead of everything\nelse, "
    "and with 15 only a third of its random images are shapes.",
    measured="per cent of its random images that are recognisable, above the best run of any other "
    "model",
    seeds=3,
    spread=(1.38, 3.3),
    within=0.01,
    false_at=0,
    table="mmd.csv",
)
def test_most_bits_most_shapes(seed: int) -> float:
    table = results.read("mmd")
    (ours,) = table.where(model="MMD-VAE", noise_variance=2, seed=seed)
    others = [row for row in table.rows if row["noise_variance"] != 2]
    for row in others:
        if row["noise_variance"] == 15:
            assert row["recognisable_random"] < 36
    return ours["recognisable_random"] - max(row["recognisable_random"] for row in others)


@OverSeeds(
    "more-noise-more-error",
    "More noise costs more error, as it must, since fewer bits get through.",
    measured="smaller rise of the squared error, from a variance of 2 to 5 and from 5 to 15",
    seeds=3,
    spread=(2.69, 3.45),
    within=0.01,
    false_at=0,
    table="mmd.csv",
)
def test_more_noise_more_error(seed: int) -> float:
    errors = []
    for noise in (2, 5, 15):
        (row,) = results.read("mmd").where(model="MMD-VAE", noise_variance=noise, seed=seed)
        errors.append(row["squared_error"])
    return min(errors[1] - errors[0], errors[2] - errors[1])
