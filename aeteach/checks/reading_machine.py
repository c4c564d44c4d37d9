"""The exercises of *Can a machine read it?*."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeteach.checks._exercise import Exercise, Mistake, Quantity

Array = NDArray[Any]


# ---------------------------------------------------------------- parameters

reader_parameters = Quantity(
    "A wider reader",
    784 * 100 + 100 + 100 * 10 + 10,
    about="how many parameters a reader 784-100-10 has.",
    praise="Nearly all of it looks at pixels: one template of the whole image for every hidden "
    "number.",
    digits=None,
    mistakes=[
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
    ],
)


# ---------------------------------------------------------------- cross-entropy


def _verdicts(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield logits that are neither centred nor sure, and any labels: as many as digits, one."""
    for n, spread in ((7, 2.0), (12, 1.0), (10, 1.5), (1, 2.0), (2, 0.3), (25, 3.0)):
        yield spread * rng.normal(size=(n, 10)) + 0.7, rng.integers(0, 10, size=n)
    yield np.zeros((4, 10)), np.array([0, 3, 9, 3])
    yield np.arange(30.0).reshape(3, 10) / 4, np.array([9, 0, 9])


def _cross_entropy(logits: Array, labels: Array) -> Any:
    powers = np.exp(logits)
    q = powers / powers.sum(axis=1, keepdims=True)
    own = q[np.arange(len(labels)), labels]
    return -np.log(own).mean()


def _softmax(logits: Array, axis: int = 1) -> Array:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis, keepdims=True))


def _own(table: Array, labels: Array) -> Array:
    """Return the entry of each row that belongs to its label."""
    return np.asarray(table[np.arange(len(labels)), labels])


reader_cross_entropy = Exercise(
    "Cross-entropy of a reader",
    _cross_entropy,
    inputs=_verdicts,
    about="logits (N, 10), labels (N,) -> cross-entropy in nats, averaged over the images.",
    praise="The reader pays for each image the surprise of the right digit, in nats.",
    mistakes=[
        Mistake(
            "You added up the images. The loss is their average.",
            lambda logits, labels: _cross_entropy(logits, labels) * len(labels),
        ),
        Mistake(
            "You averaged over the ten digits as well. A one-hot label leaves one term an image, "
            "and its weight is 1.",
            lambda logits, labels: _cross_entropy(logits, labels) / 10,
        ),
        Mistake(
            "That is the average logit of the right digit. A logit is no logarithm of a "
            "probability yet: the ten do not add up to anything.",
            lambda logits, labels: -_own(logits, labels).mean(),
        ),
        Mistake(
            "That is the average logit of the right digit. A logit is no logarithm of a "
            "probability yet: the ten do not add up to anything.",
            lambda logits, labels: _own(logits, labels).mean(),
        ),
        Mistake(
            "That is the average probability of the right digit. Surprise is a logarithm of it.",
            lambda logits, labels: _own(_softmax(logits), labels).mean(),
        ),
        Mistake(
            "You took the logarithm of the average probability. Each image has a surprise of its "
            "own; average these.",
            lambda logits, labels: -np.log(_own(_softmax(logits), labels).mean()),
        ),
        Mistake(
            "That is the entropy of the verdicts: the reader's own doubt. The label does not "
            "come into it, so a reader that is sure and wrong would pay nothing.",
            lambda logits, labels: -(_softmax(logits) * np.log(_softmax(logits))).sum(1).mean(),
        ),
        Mistake(
            "The softmax runs over the images. It belongs to each image: its ten probabilities "
            "add up to 1.",
            lambda logits, labels: -np.log(_own(_softmax(logits, 0), labels)).mean(),
        ),
        Mistake(
            "That is the surprise of the digit that the reader prefers. The label says which "
            "surprise counts.",
            lambda logits, labels: -np.log(_softmax(logits).max(1)).mean(),
        ),
        Mistake(
            "The softmax is taken twice: F.cross_entropy takes the logits as they are.",
            lambda logits, labels: _cross_entropy(_softmax(logits), labels),
        ),
    ],
)


# ---------------------------------------------------------------- accuracy and confusion


def _readings(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield readings that are right more often than not, mostly without one digit or another."""
    for n, digits in ((60, 10), (40, 9), (25, 7), (12, 10), (10, 10), (1, 10), (90, 4)):
        labels = rng.integers(0, digits, size=n)
        read = np.where(rng.random(n) < 0.6, labels, rng.integers(0, 10, size=n))
        yield read, labels
    yield np.arange(9, -1, -1), np.arange(10)  # none is right
    yield np.array([3, 3, 3, 8]), np.array([3, 3, 3, 8])  # all are


def _confusion(digits: Array, labels: Array) -> tuple[Any, Any]:
    counts = np.zeros((10, 10))
    for read, written in zip(digits, labels, strict=True):
        counts[written, read] += 1
    return (digits == labels).mean(), counts


def _counts(digits: Array, labels: Array) -> Array:
    return np.asarray(_confusion(digits, labels)[1])


def _share(digits: Array, labels: Array) -> float:
    return float((digits == labels).mean())


def _present(digits: Array, labels: Array) -> Array:
    keep = np.union1d(digits, labels)
    return _counts(digits, labels)[np.ix_(keep, keep)]


accuracy_and_confusion = Exercise(
    "Accuracy and confusion matrix",
    _confusion,
    inputs=_readings,
    about="digits (N,), labels (N,) -> accuracy from 0 to 1, confusion matrix (10, 10).",
    praise="The accuracy is the sum of the diagonal over the sum of everything; the rest of the "
    "matrix says which errors they were.",
    mistakes=[
        Mistake(
            "The matrix is on its side: a row belongs to the digit that was written, a column to "
            "the digit that was read.",
            lambda d, y: (_share(d, y), _counts(d, y).T),
        ),
        Mistake(
            "The accuracy is in per cent. Return a share.",
            lambda d, y: (100 * _share(d, y), _counts(d, y)),
        ),
        Mistake(
            "That is the share of errors beside the right matrix.",
            lambda d, y: (1 - _share(d, y), _counts(d, y)),
        ),
        Mistake(
            "The accuracy is a number of images, and not their share.",
            lambda d, y: (_share(d, y) * len(y), _counts(d, y)),
        ),
        Mistake(
            "The matrix holds shares. It should count, so that several readers can be added up.",
            lambda d, y: (
                _share(d, y),
                _counts(d, y) / np.maximum(_counts(d, y).sum(1, keepdims=True), 1),
            ),
        ),
        Mistake(
            "The matrix holds shares of all images. It should count.",
            lambda d, y: (_share(d, y), _counts(d, y) / len(y)),
        ),
        Mistake(
            "The matrix has no row for a digit that does not occur. It must have ten of each, "
            "whatever is in the images.",
            lambda d, y: (_share(d, y), _present(d, y)),
        ),
        Mistake(
            "Your matrix holds the errors only: its diagonal is empty. What was read correctly "
            "stands there.",
            lambda d, y: (_share(d, y), _counts(d, y) * (1 - np.eye(10))),
        ),
        Mistake(
            "Each cell is 1 or 0: a pair that comes again is not counted again. Adding 1 to an "
            "array at a list of places adds it once to each different place.",
            lambda d, y: (_share(d, y), np.minimum(_counts(d, y), 1)),
        ),
        Mistake(
            "That is the average of the accuracies of the single digits. Here every image counts "
            "the same, so a digit that is rarer counts less.",
            lambda d, y: (
                np.mean([(d[y == k] == k).mean() for k in np.unique(y)]),
                _counts(d, y),
            ),
        ),
        Mistake(
            "The two results are exchanged: first the accuracy, then the matrix.",
            lambda d, y: (_counts(d, y), _share(d, y)),
        ),
        Mistake("The accuracy is missing: return two results, it and the matrix.", _counts),
        Mistake("The matrix is missing: return two results, the accuracy and it.", _share),
    ],
)


# ---------------------------------------------------------------- Wilson's interval


def _scores(rng: np.random.Generator) -> Iterator[tuple[int, int, float]]:
    yield 45, 60, 1.96
    yield 20, 20, 1.96
    yield 3, 12, 2.576
    yield 0, 7, 1.5
    yield 1, 2, 1.0
    yield 9_500, 10_000, 3.0
    yield 2, 3, 0.2
    for _ in range(6):
        n = int(rng.integers(4, 400))
        yield int(rng.integers(0, n + 1)), n, float(rng.uniform(0.3, 3.5))


def _wilson(k: float, n: float, t: float) -> tuple[float, float]:
    p = k / n
    middle = p + t**2 / (2 * n)
    half = t * math.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    return (middle - half) / (1 + t**2 / n), (middle + half) / (1 + t**2 / n)


def _wald(k: float, n: float, t: float) -> tuple[float, float]:
    half = t * math.sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


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


wilson_interval = Exercise(
    "Wilson's interval",
    _wilson,
    inputs=_scores,
    about="k, n, t -> both ends of Wilson's interval for k right answers of n, t errors wide.",
    praise="It never leaves 0 and 1, and it has a width even where every answer was right.",
    mistakes=[
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
            "Both ends miss the same divisor: the quadratic's leading coefficient is not 1.",
            lambda k, n, t: tuple(end * (1 + t * t / n) for end in _wilson(k, n, t)),
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
            "That is the interval of Agresti and Coull, cut off at 0 and 1. Wilson's solves the "
            "quadratic equation exactly, and needs no cutting.",
            lambda k, n, t: tuple(np.clip(_adjusted(k, n, t), 0, 1)),
        ),
        Mistake(
            "The interval is for t standard errors to either side; you took one.",
            lambda k, n, t: _wilson(k, n, 1),
        ),
        Mistake(
            "The interval is for t standard errors to either side; you always take 1.96.",
            lambda k, n, t: _wilson(k, n, 1.96),
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
    ],
)


# ---------------------------------------------------------------- readers are random, too


def _answers(rng: np.random.Generator) -> Iterator[tuple[Array]]:
    """Yield answers of good and bad readers to easy and hard images."""
    for readers, images in ((4, 30), (6, 25), (9, 9), (12, 5), (2, 14), (3, 2), (2, 2), (5, 60)):
        skill, ease = rng.normal(size=(readers, 1)), rng.normal(size=images)
        yield (skill + ease + rng.normal(size=(readers, images)) > -0.4,)
    yield (np.ones((3, 8), dtype=bool),)
    yield (np.arange(12).reshape(3, 4) % 4 > 0,)  # all readers are alike


def _variance(right: Array) -> Any:
    images, readers = right.mean(axis=0), right.mean(axis=1)
    return images.var(ddof=1) / len(images) + readers.var(ddof=1) / len(readers)


def _images_part(right: Array) -> float:
    return float(right.mean(0).var(ddof=1)) / right.shape[1]


def _readers_part(right: Array) -> float:
    return float(right.mean(1).var(ddof=1)) / right.shape[0]


def _both(right: Array, images: float, readers: float) -> float:
    """Return both parts, each times a factor."""
    return images * _images_part(right) + readers * _readers_part(right)


_INDEPENDENT = (
    "That takes every answer for an independent one. Two readers stumble over the same images, "
    "and two images are read by the same reader."
)
_ONE_READER = "That is one reader's variance, and a spread between readers of nothing."

judge_variance = Exercise(
    "The judge is random too",
    _variance,
    inputs=_answers,
    about="right (R, N), true or false -> variance of the accuracy, images plus readers.",
    praise="Two samples, two sources of chance: more images shrink the first, more readers the "
    "second, and neither helps the other.",
    mistakes=[
        Mistake(
            "That is the images' part. The readers are a sample as well: other seeds, other "
            "scores.",
            _images_part,
        ),
        Mistake("That is the readers' part. The images are a sample as well.", _readers_part),
        Mistake(_INDEPENDENT, lambda right: right.var() / right.size),
        Mistake(_INDEPENDENT, lambda right: right.var(ddof=1) / right.size),
        Mistake(_ONE_READER, lambda right: right.var() / right.shape[1]),
        Mistake(_ONE_READER, lambda right: right.var(ddof=1) / right.shape[1]),
        Mistake(
            "The divisors are swapped: the spread among images shrinks with the number of "
            "images, that among readers with the number of readers.",
            lambda right: _both(
                right, right.shape[1] / right.shape[0], right.shape[0] / right.shape[1]
            ),
        ),
        Mistake(
            "These are the spreads of single images and readers. The accuracy is a mean, and a "
            "mean of n values has an n-th of their variance.",
            lambda right: _both(right, right.shape[1], right.shape[0]),
        ),
        Mistake(
            "Both sums are divided by how many values there are. The mean was estimated from the "
            "same values, which leaves one free deviation fewer; with few readers it matters.",
            lambda right: _both(right, 1 - 1 / right.shape[1], 1 - 1 / right.shape[0]),
        ),
        Mistake(
            "That is the standard error. Asked for is its square.",
            lambda right: math.sqrt(_variance(right)),
        ),
        Mistake(
            "You added standard errors. Of independent parts, variances add up.",
            lambda right: math.sqrt(_images_part(right)) + math.sqrt(_readers_part(right)),
        ),
    ],
)


# ---------------------------------------------------------------- what one seed hides


def _seeds(rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield the scores of two models, with ties between them; no two means are equal.

    The model with the higher mean is not always the one with the higher median, best seed, worst
    seed or sum.
    """
    yield np.array([70.0, 71, 72, 74, 75]), np.array([69.0, 70.5, 72.5, 73, 68])
    yield np.array([80.0, 83, 81]), np.array([82.0, 84, 83.5, 82.5])
    yield np.array([50.0, 51]), np.array([60.0, 59, 58])
    yield np.array([90.0, 90, 60]), np.array([89.0, 89, 88])  # the median says the reverse
    yield np.array([60.0, 61, 62, 99]), np.array([70.0, 70, 69, 69])
    yield np.array([1.0, 1, 1, 9, 9]), np.array([0.0, 0, 2, 2, 2])  # here the median alone does
    yield np.array([5.0, 6, 7]), np.array([6.0, 7, 8])  # a seed of one is as good as the other's
    yield np.array([0.0, -1, 2]), np.array([-1.0, -1, -2, 0, 2])
    yield np.array([70.0, 71]), np.array([70.2, 70.4, 70.3])  # close
    yield np.array([70.3, 69.1, 73]), np.array([71.0, 72.4, 69.6])
    yield np.array([-5.0, -4]), np.array([-1.0, 3, -2])
    yield np.array([2.0, 1, -1]), np.array([-8.0, -1, 1])
    yield np.array([3.0]), np.array([4.0])
    yield np.array([0.75]), np.array([0.25, 0.5, 0.75, 0.8])
    for n, m in ((5, 5), (8, 3), (4, 9)):
        yield np.round(rng.normal(70, 2, n), 0), np.round(rng.normal(71, 3, m), 0) + 0.0


def _upset(a: Array, b: Array) -> Any:
    better, worse = (a, b) if a.mean() > b.mean() else (b, a)
    return (worse[:, None] > better[None, :]).mean()


def _upset_by(middle: Any, a: Array, b: Array) -> Any:
    better, worse = (a, b) if middle(a) > middle(b) else (b, a)
    return (worse[:, None] > better[None, :]).mean()


wrong_winner = Exercise(
    "One seed against one seed",
    _upset,
    inputs=_seeds,
    about="a (n,), b (m,) -> share of seed pairs that the model with the lower mean wins.",
    praise="So often would a study with one seed a model have named the wrong winner.",
    mistakes=[
        Mistake(
            "That is how often the better model wins. Asked for is how often the other one does.",
            lambda a, b: _upset_by(lambda s: -s.mean(), a, b),
        ),
        Mistake(
            "That is how often the better model does not lose. Asked for is how often the other "
            "one wins; where two seeds are equal, neither does.",
            lambda a, b: 1 - _upset(a, b),
        ),
        Mistake(
            "You always count the wins of b. The wrong winner is the model with the lower mean, "
            "and that may be a.",
            lambda a, b: (b[:, None] > a[None, :]).mean(),
        ),
        Mistake(
            "You always count the wins of a. The wrong winner is the model with the lower mean, "
            "and that may be b.",
            lambda a, b: (a[:, None] > b[None, :]).mean(),
        ),
        Mistake(
            "You take the smaller of the two shares. The model with the lower mean may win most "
            "of the pairs: one very good seed lifts a mean.",
            lambda a, b: min((a[:, None] > b).mean(), (b[:, None] > a).mean()),
        ),
        Mistake(
            "You decide by the median which model is the better one. Asked for is the mean.",
            lambda a, b: _upset_by(np.median, a, b),
        ),
        Mistake(
            "You decide by the best seed which model is the better one. Asked for is the mean.",
            lambda a, b: _upset_by(np.max, a, b),
        ),
        Mistake(
            "You decide by the sum which model is the better one. With more seeds it is larger.",
            lambda a, b: _upset_by(np.sum, a, b),
        ),
        *(
            Mistake("Two equal seeds are a win for neither; you count them as one.", wrong)
            for wrong in (
                lambda a, b: 1 - _upset_by(lambda s: -s.mean(), a, b),
                lambda a, b: ((b > a[:, None]) == (a.mean() > b.mean())).mean(),
                lambda a, b: ((a[:, None] > b) == (b.mean() > a.mean())).mean(),
            )
        ),
        Mistake(
            "Two equal seeds are a win for neither; you count them as half of one.",
            lambda a, b: (1 + _upset(a, b) - _upset_by(lambda s: -s.mean(), a, b)) / 2,
        ),
        *(
            Mistake(
                "You compared the first seed with the first, the second with the second. Any seed "
                "of one may meet any seed of the other.",
                lambda a, b, wins=wins: np.mean(
                    [wins(x, y, b.mean() < a.mean()) for x, y in zip(a, b, strict=False)]
                ),
            )
            for wins in (
                lambda x, y, a_leads: (y > x) if a_leads else (x > y),
                lambda x, y, a_leads: (y > x) == a_leads,
            )
        ),
        Mistake(
            "That is a number of pairs. Asked for is their share.",
            lambda a, b: _upset(a, b) * len(a) * len(b),
        ),
        Mistake("That is in per cent. Return a share.", lambda a, b: 100 * _upset(a, b)),
    ],
)
