"""Random normals in the page: standard normal, and the same for a seed."""

import cmath
import math
from collections.abc import Iterator

import numpy as np
from scipy import stats

from tests.browser.conftest import Call


def test_the_noise_is_standard_normal_and_the_same_for_a_seed(call: Call) -> None:
    body = "[m.normals(a[0], a[1]), m.normals(a[0], a[1]), m.normals(a[0] + 1, 3)]"
    eps, again, other = (np.array(e) for e in call("random_normals", body, 7, 50_001))
    assert np.array_equal(eps, again)
    assert not np.isin(other, eps[:3]).any()
    assert stats.kstest(eps, "norm").pvalue > 0.01
    assert abs(np.corrcoef(eps[:-1], eps[1:])[0, 1]) < 0.02


def mulberry32(seed: int) -> Iterator[float]:
    """The generator as its author states it, in whole numbers of 32 bits."""
    while True:
        seed = (seed + 0x6D2B79F5) % 2**32
        t = (seed ^ seed >> 15) * (seed | 1) % 2**32
        t ^= (t + (t ^ t >> 7) * (t | 61)) % 2**32
        yield (t ^ t >> 14) / 2**32


def test_the_numbers_are_box_and_mullers_of_mulberry32(call: Call) -> None:
    for seed, count in ((0, 1), (7, 4), (2**32 - 1, 5)):
        uniform, want = mulberry32(seed), []
        while len(want) < count:
            radius, turn = math.sqrt(-2 * math.log(1 - next(uniform))), 2 * math.pi * next(uniform)
            pair = cmath.rect(radius, turn)
            want += [pair.real, pair.imag]
        got = call("random_normals", "m.normals(a[0], a[1])", seed, count)
        np.testing.assert_allclose(got, want[:count], rtol=1e-12, atol=1e-14)
