"""What "Can a machine read it?" claims beyond its cells: all from the table of Experiment 1."""

from aeteach_book.evidence import Cause, OverSeeds
from scipy.stats import spearmanr

from aeteach import results

BOTTLENECKS = (2, 3, 4)


def value(model: str, bottleneck: int, seed: int, column: str = "readability") -> float:
    """Return one figure of one training; PCA has no seed."""
    of = {"seed": seed} if model != "PCA" else {}
    (row,) = results.read("autoencoders").where(model=model, bottleneck=bottleneck, **of)
    return row[column]


@OverSeeds(
    "linear-is-pca",
    "**The linear autoencoder is PCA**, here too, to within half a per cent, whatever the seed.",
    measured="largest difference in readability at 2, 3 and 4 numbers, in points",
    seeds=5,
    spread=(0.08, 0.164),
    within=0.001,
    false_at=0.5,
    table="autoencoders.csv",
)
def test_linear_is_pca(seed: int) -> float:
    return max(abs(value("SimpleAE", b, seed) - value("PCA", b, seed)) for b in BOTTLENECKS)


@OverSeeds(
    "a-bend-is-worth-more",
    "**A bend in the layers is worth more than a number in the bottleneck**: the fully connected "
    "one with two numbers is more readable than\nPCA with four.",
    measured="points of readability by which it is ahead",
    seeds=5,
    spread=(25.36, 28.56),
    within=0.01,
    false_at=0,
    table="autoencoders.csv",
)
def test_a_bend_is_worth_more(seed: int) -> float:
    return value("AE", 2, seed) - value("PCA", 4, seed)


@OverSeeds(
    "convolutions-behind",
    "At the same number of numbers, the convolutional autoencoder is far *behind* the fully "
    "connected one.",
    measured="points of readability by which it is behind, where it is nearest",
    seeds=5,
    spread=(10.52, 11.58),
    within=0.01,
    false_at=0,
    table="autoencoders.csv",
)
def test_convolutions_behind(seed: int) -> float:
    return min(value("AE", b, seed) - value("Conv AE (numbers)", b, seed) for b in BOTTLENECKS)


@Cause(
    "the-wider-bottleneck-won",
    "What won in the report was the wider {term}`bottleneck`.",
    measured="per cent of the reconstructions that are read, with two channels of 4 by 4",
    changed="a linear layer that squeezes these 32 numbers to 2",
    seeds=5,
    before=(91.54, 92.28),
    after=(48.3, 53.55),
    within=0.01,
    table="autoencoders.csv",
)
def test_the_wider_bottleneck_won(seed: int, changed: bool) -> float:
    return value("Conv AE (numbers)" if changed else "Conv AE (channels)", 2, seed)


@OverSeeds(
    "error-ranks-alike",
    "By and large the points fall from left to right: by error, the cells have nearly the order "
    "that they have for the readers.",
    measured="Spearman's rank correlation of minus the squared error with readability, over the "
    "15 cells",
    seeds=5,
    spread=(0.975, 0.988),
    within=0.001,
    false_at=0.9,
    table="autoencoders.csv",
)
def test_error_ranks_alike(seed: int) -> float:
    models = ("PCA", "SimpleAE", "AE", "Conv AE (channels)", "Conv AE (numbers)")
    cells = [(model, b) for model in models for b in BOTTLENECKS]
    errors = [-value(model, b, seed, "squared_error") for model, b in cells]
    return float(spearmanr(errors, [value(model, b, seed) for model, b in cells]).statistic)
