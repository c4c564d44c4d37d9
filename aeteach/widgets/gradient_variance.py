"""Two estimates of one gradient, drawn again and again: how far do they scatter?"""

from typing import Any, NamedTuple

from aeteach.gradients import best_baseline, quadratic_pathwise, quadratic_score
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.traits import WholeWithin, Within


class Scatter(NamedTuple):
    """What theory says of the two estimates by mu of E[(z - a)^2], n draws each.

    Attributes:
        gradient: the true gradient, the mean of both.
        pathwise: variance of the pathwise estimate.
        score: variance of the score-function estimate with this baseline.
        best: the baseline that makes the latter smallest.
    """

    gradient: float
    pathwise: float
    score: float
    best: float


def scatter(mu: float, sigma: float, samples: int, baseline: float, *, a: float = 1.0) -> Scatter:
    r"""Return the closed forms of `aeteach.gradients`, divided by the number of draws.

    Args:
        mu: mean of q.
        sigma: standard deviation of q, positive.
        samples: draws averaged into one estimate, n.
        baseline: subtracted from f before it weighs the score.
        a: where f(z) = (z - a)^2 is smallest.
    """
    path = quadratic_pathwise(mu - a, sigma)
    score = quadratic_score(mu - a, sigma, baseline=baseline)
    return Scatter(
        float(path.mean),
        float(path.variance) / samples,
        float(score.variance) / samples,
        float(best_baseline(mu - a, sigma)),
    )


class GradientVariance(Figure):
    """Compare pathwise and score-function estimates of the gradient of E[(z - 1)^2] by mu.

    Args:
        mu: mean of q, -3 to 3.
        sigma: standard deviation of q, 0.2 to 2.
        samples: draws averaged into one estimate, 1 to 64.
        baseline: constant subtracted from f for the score function, 0 to 30.
        seed: of the noise, a whole number, 0 to 2147483647; "Draw again" adds 1.

    Raises:
        ValueError: a number outside its range or not finite.
    """

    _module = "gradient_variance"
    mu = Within(2.0, -3, 3)
    sigma = Within(1.0, 0.2, 2)
    samples = WholeWithin(1, 1, 64)
    baseline = Within(0.0, 0, 30)
    seed = WholeWithin(0, 0, 2**31 - 1)

    def __init__(
        self,
        mu: float = 2.0,
        sigma: float = 1.0,
        samples: int = 1,
        baseline: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        alt = (
            "Two histograms of 10,000 estimates of the same gradient, one below the other on the "
            "same axis: the pathwise estimates stand close around the true gradient, the "
            "score-function estimates scatter far to both sides. Sliders set mean and standard "
            "deviation of z, the number of draws in an estimate, and the baseline; the measured "
            "variances stand beside those of the closed forms."
        )
        state = {"mu": mu, "sigma": sigma, "samples": samples, "baseline": baseline, "seed": seed}
        super().__init__(**{"alt": alt} | state | kwargs)

    def __repr__(self) -> str:
        return f"GradientVariance(mu={self.mu:g}, sigma={self.sigma:g}, samples={self.samples})"
