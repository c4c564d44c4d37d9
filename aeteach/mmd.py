r"""Maximum mean discrepancy: two samples compared by the mean of every feature at once.

A kernel k(x, y) says how alike two points are: 1 where they coincide, less the farther they lie
apart. The squared MMD of two distributions P and Q is

    MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y),    x, x' ~ P and y, y' ~ Q independent:

how alike points of P are, and points of Q, less how alike the two are to each other. For the
kernels here it is 0 if P = Q and positive otherwise. It needs samples alone, no density.

With r the Euclidean distance and h the bandwidth, in the units of x,

    "rbf"  k = exp(-r^2 / (2 h^2)),    "imq"  k = 1 / (1 + r^2 / (2 h^2)).

Both are 1 - r^2 / (2 h^2) near 0, so one bandwidth means the same in both; the inverse
multiquadratic has the longer tail, and so still sees points that lie far off. With several
bandwidths the kernel is their mean. `aeteach.divergences` has all of these names too.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from aeteach import _validate
from aeteach._exact import exact

KERNELS = ("rbf", "imq")
MEDIAN = "median"
_CHUNK = 1024  # rows at once: 1,024 x 10,000 kernel values in float32 are 41 MB
_MOST = 1000  # points of each sample that the median is taken from
_NARROW, _WIDE = 1e-15, 1e15  # bandwidths whose squares float32 can tell from 0 and infinity

Bandwidth = float | Sequence[float] | str


class MmdEstimate(NamedTuple):
    """An unbiased estimate of MMD^2, and how far to trust it.

    Attributes:
        estimate: of MMD^2; it may come out negative.
        standard_error: its standard deviation over repetitions.
    """

    estimate: Tensor
    standard_error: Tensor


def median_distance(x: Tensor, y: Tensor) -> float:
    """Return the median distance between two points of the pooled samples, a usual bandwidth.

    From at most 1,000 evenly spaced points of each. No gradient flows through it.

    Args:
        x: (N, d).
        y: (M, d).

    Returns:
        In the units of x, above 0.

    Raises:
        TypeError, ValueError: as for `mmd`, or all points coincide.

    Source: Gretton et al. (2012), A kernel two-sample test, section 8.
    """
    _check(x, y)
    some = [v.detach()[:: max(1, math.ceil(len(v) / _MOST))] for v in (x, y)]
    middle = torch.pdist(torch.cat(some)).median().item()
    if not middle > 0:
        raise ValueError(
            f"the median distance is {middle}: half of the pairs coincide or are NaN, so it is no "
            "bandwidth; state one"
        )
    return middle


def mmd(
    x: Tensor,
    y: Tensor,
    *,
    kernel: str = "rbf",
    bandwidth: Bandwidth = 1.0,
    unbiased: bool = True,
    chunk: int = _CHUNK,
) -> Tensor:
    r"""Estimate the squared MMD of the distributions that two samples were drawn from.

    biased:    1/N^2 sum_ij k(x_i, x_j) + 1/M^2 sum_ij k(y_i, y_j) - 2/(NM) sum_ij k(x_i, y_j),
    unbiased:  the same without i = j in the first two sums, over N (N - 1) and M (M - 1).

    The biased one is the MMD^2 of the two clouds themselves: never negative, and too large on
    average by (1 - E k)/N for each. The unbiased one is right on average, and so is below 0 about
    half of the time where the distributions are equal. Memory grows with chunk (N + M), never with
    N M, also where gradients flow: then each chunk is computed a second time on the way back.

    Args:
        x: (N, d), float32 or float64, finite; NaN goes through where a model in training has made
            it, with a graph behind it.
        y: (M, d), same dtype.
        kernel: "rbf" or "imq"; see the module.
        bandwidth: h, in the units of x, above 0; several, whose kernels are averaged; or "median",
            the median distance of the pooled samples.
        unbiased: leave out the pairs of a point with itself; needs N, M >= 2.
        chunk: rows at once; changes memory and the last digits, nothing else.

    Returns:
        Scalar MMD^2, without unit; its root is the distance.

    Raises:
        TypeError, ValueError: shapes or dtypes that do not fit, too few points, or an unknown
            kernel or bandwidth.

    Source: Gretton et al. (2012), A kernel two-sample test, lemma 6 and equation 5.
    """
    least = 2 if _validate.flag(unbiased, "unbiased") else 1
    _check(x, y, least=least)
    _validate.count(chunk, "chunk")
    k = _kernel(kernel, bandwidth, x, y)
    n, m = len(x), len(y)
    cross = _total(k, x, y, chunk) / (n * m)
    if not unbiased:
        return _total(k, x, x, chunk) / n**2 + _total(k, y, y, chunk) / m**2 - 2 * cross
    within_x = (_total(k, x, x, chunk) - n) / (n * (n - 1))  # k(x, x) = 1
    within_y = (_total(k, y, y, chunk) - m) / (m * (m - 1))
    return within_x + within_y - 2 * cross


def mmd_with_error(
    x: Tensor,
    y: Tensor,
    *,
    kernel: str = "rbf",
    bandwidth: Bandwidth = 1.0,
    chunk: int = _CHUNK,
) -> MmdEstimate:
    r"""Estimate the squared MMD of two samples of one size, with its standard error.

    With h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i), the estimate is the mean of
    h_ij over i != j. It is unbiased, and differs from `mmd` in leaving out k(x_i, y_i) alone.
    Its variance is that of a U-statistic,

        4 (n - 2) / (n (n - 1)) zeta_1 + 2 / (n (n - 1)) zeta_2,

    zeta_1 the variance of the mean of h_ij over j, zeta_2 that of h_ij. If the distributions are
    equal zeta_1 is 0, and the error falls as 1/n; else it falls as 1/sqrt(n). With s^2 the variance
    of the row means of h (divisor n - 1) and v that of all h_ij (divisor n (n - 1)), both from the
    sample, the variance is estimated without bias by

        [4 (n - 1)^2 s^2 - 2 n v] / (n (n - 2) (n - 3)).

    It may come out too low, and even below 0, so never less is taken than half of what equal
    distributions would give, v / (n (n - 1)). That makes the error a tenth too large on average
    (root mean square) where the distributions are equal, and changes nothing where they differ.

    Args:
        x: (n, d), n >= 4, float32 or float64.
        y: (n, d), the same shape and dtype.
        kernel: as for `mmd`.
        bandwidth: as for `mmd`.
        chunk: rows at once.

    Raises:
        TypeError, ValueError: as for `mmd`, or samples of different sizes.

    Source: Gretton et al. (2012), section 3; Serfling (1980), chapter 5, for the variance.
    """
    _check(x, y, least=4)
    _validate.count(chunk, "chunk")
    if len(x) != len(y):
        raise ValueError(
            f"x has {len(x)} points and y {len(y)}; the error needs samples of one size"
        )
    k, n = _kernel(kernel, bandwidth, x, y), len(x)
    rows, squares = [], exact(x.new_zeros(()))
    with torch.no_grad():
        for i in _rows(n, chunk):
            h = k(x[i], x) + k(y[i], y) - k(x[i], y) - k(y[i], x)
            own = torch.arange(len(h), device=h.device)
            h[own, own + i.start] = 0
            h = exact(h)
            rows.append(h.sum(1) / (n - 1))
            squares += (h**2).sum()
        means = torch.cat(rows)  # (n,)
        estimate = means.mean()
        v = (squares / (n * (n - 1)) - estimate**2).clamp(min=0)
        variance = torch.maximum(_variance(means, v), v / (n * (n - 1)))
    return MmdEstimate(estimate, variance.sqrt())


def _variance(means: Tensor, v: Tensor) -> Tensor:
    """Estimate the variance of the mean of all h_ij without bias, from row means and v.

    With s^2 the variance of the row means, the expectation of (n - 1)^2 / (n - 2) s^2 is
    (n - 4) zeta_1 + zeta_2, and that of v is zeta_2 less the variance sought: two equations.
    """
    n = len(means)
    return (4 * (n - 1) ** 2 * means.var() - 2 * n * v) / (n * (n - 2) * (n - 3))


def witness(
    points: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    kernel: str = "rbf",
    bandwidth: Bandwidth = 1.0,
    chunk: int = _CHUNK,
) -> Tensor:
    r"""Return the witness function: where x has more mass than y, and where less.

    w(t) = 1/N sum_i k(x_i, t) - 1/M sum_j k(y_j, t). Of all functions of one smoothness it is the
    one whose means under the two samples differ most, up to a factor; its mean over x less its mean
    over y is the biased MMD^2.

    Args:
        points: t, (T, d), where to evaluate it.
        x: (N, d).
        y: (M, d).
        kernel: as for `mmd`.
        bandwidth: as for `mmd`; "median" is that of x and y.
        chunk: points at once.

    Returns:
        (T,), without unit, from -1 to 1.

    Raises:
        TypeError, ValueError: as for `mmd`.

    Source: Gretton et al. (2012), section 2.3.
    """
    _check(x, y)
    _check(points, x, "points", "x")
    _validate.count(chunk, "chunk")
    k = _kernel(kernel, bandwidth, x, y)
    parts = [k(points[i], x).mean(1) - k(points[i], y).mean(1) for i in _rows(len(points), chunk)]
    return torch.cat(parts)


def mmd_normal(
    mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor, *, bandwidth: float = 1.0
) -> Tensor:
    r"""Return the exact squared MMD of two diagonal normal distributions, "rbf" kernel.

    For x ~ N(a, S) and y ~ N(b, T) the mean of the kernel is a product over dimensions,
    E k(x, y) = prod_i h / sqrt(h^2 + S_i + T_i) exp(-(a_i - b_i)^2 / (2 (h^2 + S_i + T_i))).

    Args:
        mu_q: means, (..., d), float32 or float64, finite.
        log_var_q: logarithms of the variances, same shape and dtype.
        mu_p: means of the other one, likewise.
        log_var_p: logarithms of its variances, likewise.
        bandwidth: h, from 1e-15 to 1e15.

    Returns:
        MMD^2 of each pair, (...), at least 0.

    Raises:
        TypeError, ValueError: no such tensors, shapes that differ, or a bandwidth out of range.
    """
    given = {"mu_q": mu_q, "log_var_q": log_var_q, "mu_p": mu_p, "log_var_p": log_var_p}
    for name, value in given.items():
        _validate.finite(value, name, "a float tensor (..., d)")
    _validate.same(**given)
    _validate.one_kind(**given)
    h = _validate.number(bandwidth, "bandwidth", least=_NARROW, most=_WIDE)

    def mean(a: Tensor, log_s: Tensor, b: Tensor, log_t: Tensor) -> Tensor:
        log_width = torch.logaddexp(
            torch.logaddexp(log_s, log_t), torch.full_like(a, 2 * math.log(h))
        )
        away = (a - b) * torch.exp(-log_width / 2)
        return torch.exp((2 * math.log(h) - log_width - away**2).sum(-1) / 2)

    within = mean(mu_q, log_var_q, mu_q, log_var_q) + mean(mu_p, log_var_p, mu_p, log_var_p)
    return (within - 2 * mean(mu_q, log_var_q, mu_p, log_var_p)).clamp(min=0)


Kernel = Callable[[Tensor, Tensor], Tensor]


def _kernel(name: str, bandwidth: Bandwidth, x: Tensor, y: Tensor) -> Kernel:
    """Return the function from (n, d) and (m, d) to the kernel's values, (n, m)."""
    _validate.choice(name, "kernel", KERNELS)
    widths = _widths(bandwidth, x, y)

    def k(a: Tensor, b: Tensor) -> Tensor:
        squares = _squared_distances(a, b)
        each = [_profile(name, squares / (2 * h**2)) for h in widths]
        return torch.stack(each).mean(0) if len(each) > 1 else each[0]

    return k


def _profile(name: str, u: Tensor) -> Tensor:
    return torch.exp(-u) if name == "rbf" else 1 / (1 + u)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return |a_i - b_j|^2, (n, m), from the differences themselves.

    The quick way, by |a|^2 - 2 a.b + |b|^2, cancels where points lie close and far from the mean.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist") ** 2


def _total(k: Kernel, x: Tensor, y: Tensor, chunk: int) -> Tensor:
    """Return the sum of k(x_i, y_j) over all pairs, with one chunk of rows in memory at a time."""
    rows = _rows(len(x), chunk)
    if not (torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)):
        return torch.stack([k(x[i], y).sum() for i in rows]).sum()

    def part(some: Tensor, others: Tensor) -> Tensor:
        return k(some, others).sum()

    if len(x) <= chunk:  # one chunk: keep it, and spare the second computation
        return part(x, y)
    return torch.stack([checkpoint(part, x[i], y, use_reentrant=False) for i in rows]).sum()


def _rows(n: int, chunk: int) -> Iterator[slice]:
    return (slice(i, i + chunk) for i in range(0, n, chunk))


def _widths(bandwidth: Bandwidth, x: Tensor, y: Tensor) -> list[float]:
    """Return bandwidths as a list of numbers."""
    if isinstance(bandwidth, str):
        return [median_distance(x, y)] if _validate.choice(bandwidth, "bandwidth", [MEDIAN]) else []
    if isinstance(bandwidth, Sequence) or getattr(bandwidth, "shape", None):
        want = f"a number, several, or {MEDIAN!r}"
        values = _validate.numbers(bandwidth, "bandwidth", want, axes=1).tolist()
    else:
        values = [bandwidth]
    return [_validate.number(h, "bandwidth", least=_NARROW, most=_WIDE) for h in values]


def _check(x: Tensor, y: Tensor, first: str = "x", second: str = "y", least: int = 1) -> None:
    for name, v in ((first, x), (second, y)):
        _validate.finite(v, name, "a float tensor (N, d)", graph=True)
        if v.ndim != 2 or len(v) < least:
            raise ValueError(
                f"{name} has shape {tuple(v.shape)}; expected (N, d) with N >= {least}: flatten "
                f"images with {name}.flatten(1)"
            )
    if x.shape[1] != y.shape[1] or x.dtype != y.dtype or x.device != y.device:
        raise ValueError(
            f"{first} is {tuple(x.shape)} {x.dtype} on {x.device}, {second} is {tuple(y.shape)} "
            f"{y.dtype} on {y.device}; expected points of one space, dtype and device"
        )
