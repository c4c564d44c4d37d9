r"""Scores that should be large for images of another kind, and how well they tell them apart."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact
from aeteach.losses import squared_error


class Auroc(NamedTuple):
    """The area under a ROC curve.

    Attributes:
        value: the chance that an outlier scores above an inlier, 0 to 1; ties count one half. 1/2
            is a coin, and below 1/2 the score has it backwards.
        standard_error: for other inliers and other outliers of the same kinds.
    """

    value: float
    standard_error: float


def auroc(inliers: Tensor, outliers: Tensor) -> Auroc:
    r"""Return the area under the ROC curve of a score that is large for outliers.

    It is the statistic of Mann and Whitney over the number of pairs,

        A = 1/(n m) sum_i sum_j [o_j > s_i] + 1/2 [o_j = s_i],

    counted by ranks. The error is that of DeLong, DeLong and Clarke-Pearson: with a_i the share of
    outliers below inlier i, b_j the share of inliers below outlier j,
    s^2 = var(a) / n + var(b) / m, ddof 1.

    Args:
        inliers: s, scores of the usual images, (n,), float32 or float64, n >= 2; may be infinite.
        outliers: o, scores of the others, (m,), m >= 2.

    Raises:
        TypeError: not floating-point tensors.
        ValueError: another shape, fewer than two scores, or NaN.

    Source: Mann and Whitney (1947); Hanley and McNeil (1982); DeLong et al. (1988).
    """
    s, o = _scores("inliers", inliers), _scores("outliers", outliers)
    _validate.one_device(inliers=s, outliers=o)
    a = _share_below(s, o)  # for each inlier: outliers below it; those above vary as much
    b = _share_below(o, s)  # for each outlier: inliers below it
    variance = float(a.var()) / len(s) + float(b.var()) / len(o)
    return Auroc(float(b.mean()), math.sqrt(variance))


def _share_below(points: Tensor, among: Tensor) -> Tensor:
    """Return for each point the share of the others below it, equal ones counted half."""
    ordered = among.sort().values
    below = torch.searchsorted(ordered, points)
    up_to = torch.searchsorted(ordered, points, right=True)
    return exact(below + up_to) / (2 * len(among))


def unexplained(x_hat: Tensor, x: Tensor, *, least: float = 1.0) -> Tensor:
    r"""Return the share of each image's ink that was not rebuilt, (N,).

    sum_j (x_j - x_hat_j)^2 / max(sum_j x_j^2, least): 0 for a perfect reconstruction, 1 for a
    black one. An error is judged by how much there was to rebuild, so an image with little ink
    gains nothing by having little.

    Args:
        x_hat: reconstruction, (N, ...), any real numbers.
        x: original, same shape, in [0, 1] for images.
        least: ink that is taken for granted, in squared grey values, above 0: an empty image
            divides by it.

    Raises:
        TypeError, ValueError: as for `squared_error`, or `least` not above 0.
    """
    least = _validate.number(least, "least", above=0, most=1e30)
    return squared_error(x_hat, x) / x.square().flatten(1).sum(1).clamp(min=least)


def _scores(name: str, scores: Tensor) -> Tensor:
    """Return scores, one an image; infinity is above everything, but NaN has no place."""
    _validate.floating(scores, name, "a float tensor (n,) of scores")
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(
            f"{name} has shape {tuple(scores.shape)}; expected (n,) with n >= 2, one score an image"
        )
    if bool(scores.isnan().any()):
        raise ValueError(f"{name} holds NaN, which is neither above nor below: look for its cause")
    return exact(scores.detach())
