"""What "Twenty questions" claims beyond its cells."""

import itertools
import math

import numpy as np
from aeteach_book.evidence import Theorem


@Theorem(
    "rank-of-the-narrowest",
    "Its layers together are then one matrix and one bias, and the matrix has at most the rank of "
    "the narrowest layer.",
    measured="singular values beyond the width of the narrowest layer, over the largest, of the "
    "differences that the whole network makes between random inputs",
    proof="by the rank of a product of matrices",
    conditions="2 to 5 linear layers with biases, 1 to 12 numbers wide",
    cases=200,
    at_most=1e-9,
)
def test_rank_of_the_narrowest(case: int) -> float:
    rng = np.random.default_rng(case)
    widths = rng.integers(1, 13, size=int(rng.integers(3, 7)))
    x = rng.normal(size=(40, widths[0]))
    for before, after in itertools.pairwise(widths):
        x = x @ rng.normal(size=(before, after)) + rng.normal(size=after)
    values = np.linalg.svd(x[1:] - x[0], compute_uv=False)
    beyond = values[min(widths) :]
    return float(beyond.max() / values[0]) if len(beyond) else 0.0


@Theorem(
    "a-rotation-leaves-a-trace",
    r"If a linear function of $d$ uncorrelated numbers is exactly the size, then at least one of "
    r"them correlates with it by $1/\sqrt d$ or more, in absolute value.",
    measured="by how much the largest correlation is below 1 over the root of d",
    proof="in the sentence after",
    conditions="2 to 12 numbers, normal or not, of any scale; the linear function is random, or "
    "weighs all of them alike",
    cases=300,
    at_most=1e-9,
)
def test_a_rotation_leaves_a_trace(case: int) -> float:
    rng = np.random.default_rng(case)
    d = int(rng.integers(2, 13))
    z = rng.normal(size=(200, d)) if case % 2 else rng.exponential(size=(200, d)) ** 2
    z = z - z.mean(0)
    z = np.linalg.qr(z)[0]  # uncorrelated, equal variances
    weights = np.ones(d) if case % 3 == 0 else rng.normal(size=d)
    size = z @ weights
    z = z * 10 ** rng.uniform(-2, 2, d)
    r = [np.corrcoef(column, size)[0, 1] for column in z.T]
    return 1 / math.sqrt(d) - float(np.abs(r).max())
