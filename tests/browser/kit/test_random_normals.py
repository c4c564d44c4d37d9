"""Random normals in the page: standard normal, and the same for a seed."""

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
