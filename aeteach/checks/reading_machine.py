"""Checkers for the exercises of *Can a machine read it?*."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict, agree

__all__ = [
    "accuracy_and_confusion",
    "judge_variance",
    "reader_cross_entropy",
    "reader_parameters",
    "wilson_interval",
    "wrong_winner",
]

Array = NDArray[Any]


def reader_parameters(answer: Any) -> Verdict:
    """Check how many parameters a reader 784-100-10 has."""
    return _PARAMETERS.check(answer)


def reader_cross_entropy(answer: Any) -> Verdict:
    """Check a function (logits, labels) -> cross-entropy in nats, averaged over the images."""
    return _CROSS_ENTROPY.check(answer)


def accuracy_and_confusion(answer: Any) -> Verdict:
    """Check a function (digits, labels) -> accuracy from 0 to 1, confusion matrix (10, 10)."""
    return _CONFUSION.check(answer)


def wilson_interval(answer: Any) -> Verdict:
    """Check a function (k, n, t) -> ends of Wilson's interval for k right answers of n."""
    return _WILSON.check(answer)


def judge_variance(answer: Any) -> Verdict:
    """Check a function of right (R, N) -> variance of the accuracy, images plus readers."""
    return _JUDGES.check(answer)


def wrong_winner(answer: Any) -> Verdict:
    """Check a function (a, b) -> share of seed pairs that the model with the lower mean wins."""
    return _WINNER.check(answer)


def _close(got: Any, want: Any) -> bool:
    """Compare to 4 digits, so that an answer worked out in float32 counts as right."""
    return agree(got, want, 1e-4)


# ---------------------------------------------------------------- parameters

_PARAMETERS = Quantity(
    name="A wider reader",
    right=784 * 100 + 100 + 100 * 10 + 10,
    mistakes=(
        (784 * 100 + 100 * 10, "The two matrices are right. Each layer also adds biases."),
        (784 * 100 + 100, "That is the first layer. A second one leads to the ten digits."),
        (100 * 10 + 10, "That is the last layer. A larger one comes before it."),
        (784 * 100 + 100 + 100 * 10, "One vector of biases is missing: that of the ten logits."),
        (784 * 100 + 100 * 10 + 10, "One vector of biases is missing: that of the hidden layer."),
        (
            784 * 100 + 784 + 100 * 10 + 100,
            "A layer has one bias for each number that comes out of it, not for each that goes in.",
        ),
        (1024 * 100 + 100 + 100 * 10 + 10, "That is for 32 by 32 pixels. Here they are 28 by 28."),
        (784 * 50 + 50 + 50 * 10 + 10, "That is for 50 hidden numbers. Here there are 100."),
        (51_760, "That is the reader of the chapter. This one has other widths."),
    ),
    praise="Nearly all of it looks at pixels: one template of the whole image for every hidden "
    "number.",
    tolerance=1e-9,  # a count is exact
)

# ---------------------------------------------------------------- cross-entropy


def _logits(n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return 2 * rng.normal(size=(n, 10)), rng.integers(0, 10, size=n)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def _own(table: Array, labels: Array) -> Array:
    """Return the entry of each row that belongs to its label."""
    return table[np.arange(len(labels)), labels]


def _surprises(logits: Array, labels: Array) -> Array:
    return -_own(_log_softmax(logits), labels)


_CROSS_ENTROPY = Exercise(
    name="Cross-entropy of a reader",
    right=lambda logits, labels: _surprises(logits, labels).mean(),
    inputs=(_logits(7, 0), _logits(12, 1)),
    mistakes=(
        Mistake(
            "The sign is wrong: surprise is the logarithm of one over the probability, and is "
            "never negative.",
            lambda logits, labels: -_surprises(logits, labels).mean(),
        ),
        Mistake(
            "These are bits. Which logarithm gives nats?",
            lambda logits, labels: _surprises(logits, labels).mean() / math.log(2),
        ),
        Mistake(
            "You added up the images. The loss is their average.",
            lambda logits, labels: _surprises(logits, labels).sum(),
        ),
        Mistake(
            "You averaged over the ten digits as well. A one-hot label leaves one term an image, "
            "and its weight is 1.",
            lambda logits, labels: _surprises(logits, labels).mean() / 10,
        ),
        Mistake(
            "There is one number for each image. The loss is their average.",
            _surprises,
        ),
        Mistake(
            "That is the average logit of the right digit. A logit is no logarithm of a "
            "probability yet: the ten do not add up to anything.",
            lambda logits, labels: -_own(logits, labels).mean(),
        ),
        Mistake(
            "That is the average probability of the right digit. Surprise is a logarithm of it.",
            lambda logits, labels: np.exp(-_surprises(logits, labels)).mean(),
        ),
        Mistake(
            "You took the logarithm of the average probability. Each image has a surprise of its "
            "own; average these.",
            lambda logits, labels: -np.log(np.exp(-_surprises(logits, labels)).mean()),
        ),
        Mistake(
            "That is the entropy of the verdicts: the reader's own doubt. The label does not "
            "come into it, so a reader that is sure and wrong would pay nothing.",
            lambda logits, labels: (
                -(np.exp(_log_softmax(logits)) * _log_softmax(logits)).sum(1).mean()
            ),
        ),
        Mistake(
            "The softmax runs over the images. It belongs to each image: its ten probabilities "
            "add up to 1.",
            lambda logits, labels: -_own(_log_softmax(logits.T).T, labels).mean(),
        ),
        Mistake(
            "That is the surprise of the digit that the reader prefers. The label says which "
            "surprise counts.",
            lambda logits, labels: -_log_softmax(logits).max(1).mean(),
        ),
    ),
    praise="The reader pays for each image the surprise of the right digit, in nats.",
    same=_close,
)

# ---------------------------------------------------------------- accuracy and confusion


def _readings(n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 9, size=n)  # no 9 is written, and none is read in the first input
    digits = np.where(rng.random(n) < 0.6, labels, rng.integers(0, 9 + seed, size=n))
    return digits, labels


def _counts(digits: Array, labels: Array) -> Array:
    counts = np.zeros((10, 10))
    np.add.at(counts, (labels, digits), 1)
    return counts


def _right_share(digits: Array, labels: Array) -> float:
    return float((digits == labels).mean())


def _by_row(digits: Array, labels: Array) -> Array:
    counts = _counts(digits, labels)
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def _present(digits: Array, labels: Array) -> Array:
    keep = np.union1d(digits, labels)
    return _counts(digits, labels)[np.ix_(keep, keep)]


_CONFUSION = Exercise(
    name="Accuracy and confusion matrix",
    right=lambda d, y: (_right_share(d, y), _counts(d, y)),
    inputs=(_readings(40, 0), _readings(61, 1)),
    mistakes=(
        Mistake(
            "The matrix is on its side: a row belongs to the digit that was written, a column to "
            "the digit that was read.",
            lambda d, y: (_right_share(d, y), _counts(d, y).T),
        ),
        Mistake(
            "The accuracy is in per cent. Return a share.",
            lambda d, y: (100 * _right_share(d, y), _counts(d, y)),
        ),
        Mistake(
            "That is the share of errors beside the right matrix.",
            lambda d, y: (1 - _right_share(d, y), _counts(d, y)),
        ),
        Mistake(
            "The accuracy is a number of images. Divide by how many there are.",
            lambda d, y: (_right_share(d, y) * len(y), _counts(d, y)),
        ),
        Mistake(
            "The matrix holds shares. It should count, so that several readers can be added up.",
            lambda d, y: (_right_share(d, y), _by_row(d, y)),
        ),
        Mistake(
            "The matrix holds shares of all images. It should count.",
            lambda d, y: (_right_share(d, y), _counts(d, y) / len(y)),
        ),
        Mistake(
            "The matrix has no row for a digit that does not occur. It must have ten of each, "
            "whatever is in the images.",
            lambda d, y: (_right_share(d, y), _present(d, y)),
        ),
        Mistake(
            "Your matrix holds the errors only: its diagonal is empty. What was read correctly "
            "stands there.",
            lambda d, y: (_right_share(d, y), _counts(d, y) * (1 - np.eye(10))),
        ),
        Mistake(
            "Each cell is 1 or 0: a pair that comes again is not counted again. With "
            "fancy indexing, counts[y, d] += 1 adds once for each different cell.",
            lambda d, y: (_right_share(d, y), np.minimum(_counts(d, y), 1)),
        ),
        Mistake(
            "That is the average of the accuracies of the single digits. Here every image counts "
            "the same, so a digit that is rarer counts less.",
            lambda d, y: (
                np.mean([(d[y == k] == k).mean() for k in np.unique(y)]),
                _counts(d, y),
            ),
        ),
    ),
    praise="The accuracy is the sum of the diagonal over the sum of everything; the rest of the "
    "matrix says which errors they were.",
)

# ---------------------------------------------------------------- Wilson's interval


def _pair(got: Any) -> Any:
    """Take the two ends in an array, too."""
    return tuple(got) if isinstance(got, np.ndarray) and got.shape == (2,) else got


def _wilson(k: float, n: float, t: float) -> tuple[float, float]:
    p = k / n
    middle = (p + t * t / (2 * n)) / (1 + t * t / n)
    half = t * math.sqrt(p * (1 - p) / n + (t / (2 * n)) ** 2) / (1 + t * t / n)
    return middle - half, middle + half


def _wald(k: float, n: float, t: float) -> tuple[float, float]:
    half = t * math.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


def _undivided(k: float, n: float, t: float) -> tuple[float, float]:
    grow = 1 + t * t / n
    low, high = _wilson(k, n, t)
    return low * grow, high * grow


def _uncentred(k: float, n: float, t: float) -> tuple[float, float]:
    low, high = _wilson(k, n, t)
    half = (high - low) / 2
    return k / n - half, k / n + half


def _plain_root(k: float, n: float, t: float) -> tuple[float, float]:
    p, middle = k / n, sum(_wilson(k, n, t)) / 2
    half = t * math.sqrt(p * (1 - p) / n) / (1 + t * t / n)
    return middle - half, middle + half


def _adjusted(k: float, n: float, t: float) -> tuple[float, float]:
    """Agresti and Coull: the right centre, and a width that is only nearly right."""
    return _wald(k + t * t / 2, n + t * t, t)


_WILSON = Exercise(
    name="Wilson's interval",
    right=_wilson,
    inputs=((45, 50, 1.96), (20, 20, 1.96), (3, 12, 2.576)),
    mistakes=(
        Mistake(
            "That puts the estimate into its own standard error. With every answer right the "
            "interval has no width. Put the unknown p there, and solve for it.",
            _wald,
        ),
        Mistake(
            "The same, cut off at 0 and 1: still no width where every answer is right.",
            lambda k, n, t: tuple(np.clip(_wald(k, n, t), 0, 1)),
        ),
        Mistake(
            "Both ends miss the same factor: the quadratic's leading coefficient is not 1.",
            _undivided,
        ),
        Mistake(
            "The width is right, the middle is not: it does not lie at the estimate, but is "
            "drawn towards one half.",
            _uncentred,
        ),
        Mistake(
            "The middle is right. Under the root a term is missing, the one that does not vanish "
            "where every answer is right.",
            _plain_root,
        ),
        Mistake(
            "That is the interval of Agresti and Coull, which is near. Wilson's solves the "
            "quadratic equation exactly.",
            _adjusted,
        ),
        Mistake(
            "The interval is for t standard errors to either side; you took one.",
            lambda k, n, t: _wilson(k, n, 1),
        ),
        Mistake(
            "The t is squared where it stands for itself, or the other way round.",
            lambda k, n, t: _wilson(k, n, t * t),
        ),
        Mistake(
            "The ends are swapped: the lower one comes first.",
            lambda k, n, t: _wilson(k, n, t)[::-1],
        ),
        Mistake(
            "That is the interval of the wrong answers: the share of those that were missed.",
            lambda k, n, t: _wilson(n - k, n, t),
        ),
        Mistake(
            "You return the middle and half the width; asked for are the two ends.",
            lambda k, n, t: (
                sum(_wilson(k, n, t)) / 2,
                (_wilson(k, n, t)[1] - _wilson(k, n, t)[0]) / 2,
            ),
        ),
    ),
    praise="It never leaves 0 and 1, and it has a width even where every answer was right.",
    same=lambda got, want: agree(_pair(got), want, 1e-4),
)

# ---------------------------------------------------------------- readers are random, too


def _answers(readers: int, images: int, seed: int) -> tuple[Array]:
    rng = np.random.default_rng(seed)
    skill = rng.normal(size=(readers, 1))
    return (skill + rng.normal(size=images) + rng.normal(size=(readers, images)) > 0,)


def _images_part(right: Array, ddof: int = 1) -> float:
    return float(right.mean(0).var(ddof=ddof)) / right.shape[1]


def _readers_part(right: Array, ddof: int = 1) -> float:
    return float(right.mean(1).var(ddof=ddof)) / right.shape[0]


def _judges(right: Array) -> float:
    return _images_part(right) + _readers_part(right)


def _binomial(right: Array) -> float:
    return float(right.mean() * (1 - right.mean())) / right.size


_JUDGES = Exercise(
    name="The judge is random too",
    right=_judges,
    inputs=(_answers(4, 30, 0), _answers(6, 25, 1)),
    mistakes=(
        Mistake(
            "That is the images' part. The readers are a sample as well: other seeds, other "
            "scores.",
            _images_part,
        ),
        Mistake(
            "That is the readers' part. The images are a sample as well.",
            _readers_part,
        ),
        Mistake(
            "That takes every answer for an independent one. Two readers stumble over the same "
            "images, and two images are read by the same reader.",
            _binomial,
        ),
        Mistake(
            "That is p (1 - p) / N: one reader, and a spread between readers of nothing.",
            lambda right: float(right.mean() * (1 - right.mean())) / right.shape[1],
        ),
        Mistake(
            "The divisors are swapped: the spread among images shrinks with the number of "
            "images, that among readers with the number of readers.",
            lambda right: (
                _images_part(right) * right.shape[1] / right.shape[0]
                + _readers_part(right) * right.shape[0] / right.shape[1]
            ),
        ),
        Mistake(
            "These are the spreads of single images and readers. The accuracy is a mean, and a "
            "mean of n values has an n-th of their variance.",
            lambda right: (
                _images_part(right) * right.shape[1] + _readers_part(right) * right.shape[0]
            ),
        ),
        Mistake(
            "The spread of the readers is not divided by their number.",
            lambda right: _images_part(right) + _readers_part(right) * right.shape[0],
        ),
        Mistake(
            "The spread of the images is not divided by their number.",
            lambda right: _images_part(right) * right.shape[1] + _readers_part(right),
        ),
        Mistake(
            "You divided by n where the mean itself was estimated. With few readers it matters: "
            "n - 1.",
            lambda right: _images_part(right, 0) + _readers_part(right, 0),
        ),
        Mistake(
            "That is the standard error. Asked for is its square.",
            lambda right: math.sqrt(_judges(right)),
        ),
        Mistake(
            "You added standard errors. Of independent parts, variances add up.",
            lambda right: math.sqrt(_images_part(right)) + math.sqrt(_readers_part(right)),
        ),
    ),
    praise="Two samples, two sources of chance: more images shrink the first, more readers the "
    "second, and neither helps the other.",
    same=_close,
)

# ---------------------------------------------------------------- what one seed hides


def _wrong_share(a: Array, b: Array) -> float:
    if np.mean(a) < np.mean(b):
        a, b = b, a
    return float(np.mean([y > x for x in a for y in b]))


def _other_way(a: Array, b: Array) -> float:
    return float(np.mean([y > x for x in a for y in b]))


_WINNER = Exercise(
    name="One seed against one seed",
    right=_wrong_share,
    inputs=(
        (np.array([70.0, 71, 72, 74, 75]), np.array([69.0, 70.5, 72.5, 73, 68])),
        (np.array([80.0, 83, 81]), np.array([82.0, 84, 83.5, 82.5])),
        (np.array([50.0, 51]), np.array([60.0, 59, 58])),
    ),
    mistakes=(
        Mistake(
            "That is how often the better model wins. Asked for is how often the other one does.",
            lambda a, b: 1 - _wrong_share(a, b),
        ),
        Mistake(
            "You always count the wins of b. The wrong winner is the model with the lower mean, "
            "and that may be a.",
            _other_way,
        ),
        Mistake(
            "You always count the wins of a. The wrong winner is the model with the lower mean, "
            "and that may be b.",
            lambda a, b: float(np.mean([x > y for x in a for y in b])),
        ),
        Mistake(
            "You compared the first seed with the first, the second with the second. Any seed of "
            "one may meet any seed of the other.",
            lambda a, b: float(
                np.mean(
                    [
                        (y > x) == (np.mean(b) < np.mean(a)) and x != y
                        for x, y in zip(a, b, strict=False)
                    ]
                )
            ),
        ),
        Mistake(
            "That is a number of pairs. Asked for is their share.",
            lambda a, b: _wrong_share(a, b) * len(a) * len(b),
        ),
        Mistake(
            "That is in per cent. Return a share.",
            lambda a, b: 100 * _wrong_share(a, b),
        ),
    ),
    praise="So often would a study with one seed a model have named the wrong winner.",
    same=_close,
)
