"""Confidence intervals of a share: of images alone, or of images and the readers that judge."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact

_MOST = 10**15  # trials: more are beyond a float's whole numbers


@dataclass(frozen=True)
class Share:
    """A share of images, with Wilson's 95 % interval for other images of the same kind.

    Attributes:
        share: 0 to 1.
        low: lower end of the interval.
        high: upper end.
        n: number of images.
    """

    share: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.share:.1%} [{self.low:.1%}, {self.high:.1%}] of {self.n:,}"


def wilson(successes: int, n: int, confidence: float = 0.95) -> Share:
    """Return a share with Wilson's confidence interval, which stays in [0, 1].

    Args:
        successes: 0 to n.
        n: number of trials, at least 1.
        confidence: above 0 and below 1.

    Source: Wilson (1927).
    """
    n = _validate.count(n, "n", most=_MOST)
    successes = _validate.count(successes, "successes", least=0, most=n)
    confidence = _confidence(confidence)
    t, p = NormalDist().inv_cdf((1 + confidence) / 2), successes / n
    return Share(p, *_wilson(p, n, t), n)


def interval(right: Tensor, confidence: float = 0.95) -> tuple[float, float]:
    r"""Return a confidence interval of the accuracy, for other images *and* other readers.

    With a_i the share of the R readers that read image i, and p_r the share of the N images that
    reader r read, the mean p of all has the variance

        s^2 = var_i(a_i) / N + var_r(p_r) / R,

    images plus readers (ddof 1; what belongs to both is counted twice, which errs on the wide
    side). A reader has few equals, so the normal quantile gives way to Student's t with
    the degrees of freedom of Welch and Satterthwaite; s^2 says how many independent answers
    the N R ones are worth, n = p (1 - p) / s^2, and Wilson's interval for n answers follows, which
    stays in [0, 1]. One reader's spread cannot be known: then it is Wilson's binomial interval,
    which speaks of other images only.

    Args:
        right: whether reader r read image i correctly, (R, N), bool, N >= 2.
        confidence: above 0 and below 1.

    Raises:
        TypeError, ValueError: another shape or type, or a confidence out of range.

    Source: Wilson (1927); Satterthwaite (1946); n as in Korn and Graubard (1998).
    """
    _validate.mask(right, "right", "a bool tensor (R, N), a row for each reader")
    if right.ndim != 2 or right.shape[0] < 1 or right.shape[1] < 2:
        raise ValueError(
            f"right has shape {tuple(right.shape)}; expected (R, N): at least one reader, at "
            "least two images"
        )
    confidence = _confidence(confidence)
    by_image, by_reader = exact(right).mean(0), exact(right).mean(1)  # (N,), (R,)
    p, n = by_reader.mean().item(), right.shape[1]
    from_images = by_image.var().item() / n
    from_readers = by_reader.var().item() / len(by_reader) if len(by_reader) > 1 else 0.0
    variance = from_images + from_readers
    if len(by_reader) == 1 or variance == 0:  # all alike: the images alone speak
        t = NormalDist().inv_cdf((1 + confidence) / 2)
        worth = float(n)
    else:
        freedom = variance**2 / (from_images**2 / (n - 1) + from_readers**2 / (len(by_reader) - 1))
        t = _student(confidence, freedom)
        worth = p * (1 - p) / variance
    return _wilson(p, worth, t)


def _confidence(confidence: float) -> float:
    return _validate.number(confidence, "confidence", above=0, below=1, hint="as 0.95")


def _wilson(p: float, n: float, t: float) -> tuple[float, float]:
    """Return the ends of Wilson's interval of a share p of n answers, t standard errors wide."""
    middle = (p + t * t / (2 * n)) / (1 + t * t / n)
    half = t * math.sqrt(p * (1 - p) / n + (t / (2 * n)) ** 2) / (1 + t * t / n)
    # At 0 and at 1 the ends are the share itself, but for rounding.
    return min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half))


def _student(confidence: float, freedom: float) -> float:
    """Return t such that a Student variable is within +-t with this probability.

    With t = sqrt(nu) tan(theta) the density becomes cos(theta)^(nu - 1) up to a constant.
    """
    theta = torch.linspace(0, math.pi / 2, 100_001, dtype=torch.float64, device="cpu")
    mass = torch.cumulative_trapezoid(theta.cos() ** (min(freedom, 1e5) - 1), theta)
    place = int(torch.searchsorted(mass, confidence * mass[-1])) + 1
    return math.sqrt(min(freedom, 1e5)) * math.tan(theta[place].item())
