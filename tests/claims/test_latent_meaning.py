"""What "What does a latent dimension mean?" claims beyond its cells."""

import numpy as np
from aeteach_book.evidence import Source, Theorem


def kl_to_standard_normal(mu: np.ndarray, covariance: np.ndarray) -> float:
    """KL of a normal distribution with any covariance, in nats."""
    sign, log_det = np.linalg.slogdet(covariance)
    assert sign > 0
    return 0.5 * (np.trace(covariance) + mu @ mu - len(mu) - log_det)


@Theorem(
    "nobody-can-tell-them-apart",
    "**The new model has the same ELBO on every image, and no data will ever tell the two apart.**",
    measured="difference in KL, in nats, or in the decoded images, whichever is larger",
    proof="in lines R1 to R3",
    conditions="1 to 8 dimensions, any mean and variances, rotations drawn evenly, decoders with a "
    "nonlinear layer",
    cases=200,
    at_most=1e-9,
)
def test_nobody_can_tell_them_apart(case: int) -> float:
    rng = np.random.default_rng(case)
    d = int(rng.integers(1, 9))
    mu, variance = rng.normal(size=d), 10 ** rng.uniform(-3, 0.5, d)
    Q, R = np.linalg.qr(rng.normal(size=(d, d)))
    turn = Q * np.sign(np.diag(R))
    W1, W2 = rng.normal(size=(16, d)), rng.normal(size=(20, 16))

    def decode(z: np.ndarray, first: np.ndarray) -> np.ndarray:
        return W2 @ np.maximum(first @ z, 0)

    z = mu + np.sqrt(variance) * rng.normal(size=d)
    images = np.abs(decode(z, W1) - decode(turn @ z, W1 @ turn.T)).max()
    turned = kl_to_standard_normal(turn @ mu, turn * variance @ turn.T)
    return max(images, abs(turned - kl_to_standard_normal(mu, np.diag(variance))))


@Theorem(
    "taken-away-by-the-mean",
    "**A dimension is taken away by setting it to its mean.**",
    measured="relative error that the mean has above the best of 200 other constants",
    proof="in the lines before",
    conditions="linear decoders, 2 to 6 uncorrelated dimensions of any means and variances",
    cases=100,
    at_most=1e-9,
)
def test_taken_away_by_the_mean(case: int) -> float:
    rng = np.random.default_rng(case)
    d = int(rng.integers(2, 7))
    z = rng.normal(size=(400, d)) * 10 ** rng.uniform(-1, 1, d) + rng.normal(size=d)
    column = rng.normal(size=12)  # of the decoder, for the dimension that is taken away
    i = int(rng.integers(0, d))
    mean = z[:, i].mean()
    constants = np.append(mean, mean + rng.normal(size=200) * 10 ** rng.uniform(-4, 1, 200))
    errors = np.square(z[:, i, None] - constants).mean(0) * (column @ column)
    return errors[0] / errors.min() - 1


Source(
    "no-loss-brings-it-about",
    "Locatello and others {cite}`locatello2019challenging` proved that it cannot.",
    key="locatello2019challenging",
    place="theorem 1",
    says="for a prior with independent dimensions there are infinitely many maps of the latent "
    "space that entangle all of them and leave the distribution of z, and of the data, as it is.",
)
