"""The normal distribution in the page: SciPy's density, distribution and quantiles."""

from functools import partial

import numpy as np
from scipy import stats

from tests.browser.conftest import Call
from tests.browser.driver import close


def test_the_normal_distribution_is_scipys(call: Call) -> None:
    z = np.linspace(-6, 6, 241)
    ask = partial(call, "normal_distribution")
    close(ask("a[0].map(m.density)", z.tolist()), stats.norm.pdf(z), 1e-15)
    close(ask("a[0].map(m.cdf)", z.tolist()), stats.norm.cdf(z), 1e-14)
    u = np.array([1e-6, 1e-3, 0.02, 0.25, 0.5, 0.75, 0.9, 0.999, 1 - 1e-6])
    got = ask("a[0].map(m.quantile)", u.tolist())
    close(got, stats.norm.ppf(u), 1e-8)
    assert ask("[m.cdf(-40), m.cdf(40)]") == [0, 1]
