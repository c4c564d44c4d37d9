"""What "The scoreboard" claims beyond its cells."""

from fractions import Fraction
from itertools import combinations

import numpy as np
from aeteach_book.evidence import Theorem


@Theorem(
    "more-runs-win",
    "The best of $n$ runs beats the best of $m$ with probability $n/(n+m)$ if nothing is better.",
    measured="difference of the probability from n/(n+m), where all orders of the runs are counted",
    proof="in the chapter: the best of all runs is equally likely to be any of them",
    conditions="1 to 6 runs each",
    cases=100,
    at_most=1e-12,
)
def test_more_runs_win(case: int) -> float:
    n, m = (int(k) for k in np.random.default_rng(case).integers(1, 7, 2))
    ours = list(combinations(range(n + m), n))  # the ranks that our runs have
    wins = sum(max(ranks) > max({-1, *range(n + m)} - {*ranks}) for ranks in ours)
    return abs(float(Fraction(wins, len(ours)) - Fraction(n, n + m)))
