r"""What a generator is worth, where every valid image is known.

With a list of all N valid images, quality need not be looked at: it can be counted. For each
generated image there is a nearest valid one, for each valid image a nearest generated one, both by
Euclidean distance over all pixels. The first says whether what is drawn is *valid*, the second
whether everything valid is *drawn*. No one number says both.

All distances are exact: float32 products find the candidates, of which each is measured again in
float64. Memory is bounded by blocks, whatever the number of images.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from aeteach import _validate
from aeteach._exact import exact, own_precision
from aeteach._measure import images_of, measuring, moved, part_of
from aeteach._on_cpu import on_cpu
from aeteach.divergences import nats_to_bits
from aeteach.losses import bernoulli_nll, bernoulli_nll_from_x_hat
from aeteach.training import evaluate
from aeteach.training.contract import check_reading

THRESHOLD = 3.0  # Euclidean distance, in grey values: nine pixels wholly wrong
_QUERIES, _REFERENCES = 512, 4096  # a block of distances: 8 MB in float32
_MOST = 10**15  # counts: more are beyond a float's whole numbers
_PAIRS = 2048  # candidates measured again at once: 2 * 2,048 * 784 numbers in float64 are 26 MB


class Nearest(NamedTuple):
    """The nearest of some images to each of others.

    Both are where the images are, or on the CPU if there is no float64.

    Attributes:
        distance: Euclidean, (N,), float64, in grey values.
        place: which of them, (N,), int64; the first one where several are equally near.
    """

    distance: Tensor
    place: Tensor


@dataclass(frozen=True)
class Worth:
    """What generated images are worth, against a list of all valid ones.

    Attributes:
        coverage: share of the valid images with a generated one nearer than the threshold.
        mean_distance: of a valid image to its nearest generated one, in grey values.
        valid_share: share of the generated images with a valid one nearer than the threshold.
        mean_error: distance of a generated image to its nearest valid one, mean, in grey values.
        hit: share of the valid images that are the nearest one of some generated image, within
            the threshold.
        kl_bits: KL of the uniform distribution over valid images from the hit counts; `hit_kl`.
        kl_bits_ideal: the same for an ideal generator, which draws as many valid images, each
            equally likely: the mean of 20 seeded repetitions. No fewer bits can be expected.
        smoothing: hits added to each valid image, as a share of the generated ones.
        threshold: Euclidean, in grey values.
        generated: number of generated images.
    """

    coverage: float
    mean_distance: float
    valid_share: float
    mean_error: float
    hit: float
    kl_bits: float
    kl_bits_ideal: float
    smoothing: float
    threshold: float
    generated: int


def nearest(images: Tensor, among: Tensor) -> Nearest:
    """Return for each image the nearest one among others, exactly, in bounded memory.

    Beside its arguments it needs about 100 MB for images of 784 pixels, however many there are.

    Args:
        images: (N, C, H, W), float32 in [0, 1].
        among: (M, C, H, W), of the same size.

    Raises:
        TypeError, ValueError: images of another kind, or of different sizes.
    """
    _comparable(images=images, among=among)
    return _search(images, among)[0]


def nearest_both(a: Tensor, b: Tensor, *, back: bool = True) -> tuple[Nearest, Nearest]:
    """Return the nearest in b of each image in a, and the nearest in a of each image in b.

    One pass for both: half the time of two calls of `nearest`.

    Args:
        a: (N, C, H, W), float32 in [0, 1].
        b: (M, C, H, W), of the same size.
        back: whether the second is wanted; without, it is empty.

    Raises:
        TypeError, ValueError: as for `nearest`.
    """
    _comparable(a=a, b=b)
    return _search(a, b, back=_validate.flag(back, "back"))


def coverage(valid: Tensor, generated: Tensor, threshold: float = THRESHOLD) -> float:
    """Return the share of the valid images that have a generated one nearer than the threshold.

    It grows with the number of generated images: state it.

    Args:
        valid: (N, C, H, W), float32 in [0, 1].
        generated: (M, C, H, W), likewise.
        threshold: Euclidean distance in grey values, above 0.

    Raises:
        TypeError, ValueError: as for `nearest`, or a threshold out of range.
    """
    threshold = _threshold(threshold)
    _comparable(valid=valid, generated=generated)
    return _share(_search(valid, generated)[0].distance < threshold)


def mean_nearest_distance(valid: Tensor, generated: Tensor) -> float:
    """Return how far the nearest generated image is from a valid one, mean, in grey values.

    Args:
        valid: (N, C, H, W), float32 in [0, 1].
        generated: (M, C, H, W), likewise.

    Raises:
        TypeError, ValueError: as for `nearest`.
    """
    _comparable(valid=valid, generated=generated)
    return _search(valid, generated)[0].distance.mean().item()


def hits(to_valid: Nearest, n_valid: int, threshold: float = THRESHOLD) -> Tensor:
    """Count for each valid image how many generated ones hit it.

    A generated image hits its nearest valid one, if that is nearer than the threshold, and no
    other.

    Args:
        to_valid: nearest valid image of each generated one: `nearest(generated, valid)`.
        n_valid: number N of valid images.
        threshold: Euclidean distance in grey values, above 0.

    Returns:
        (N,), int64; their sum is at most the number of generated images.

    Raises:
        TypeError, ValueError: nothing that `nearest` gives, or of other images; or a threshold or
            a number out of range.
    """
    threshold = _threshold(threshold)
    n_valid = _validate.count(n_valid, "n_valid")
    _check_nearest(to_valid, "to_valid", n_valid, "n_valid")
    return torch.bincount(to_valid.place[to_valid.distance < threshold], minlength=n_valid)


def hit_kl(counts: Tensor, generated: int | None = None, *, smoothing: float = 1e-10) -> float:
    r"""Return the KL of the data, uniform over N valid images, from a model's hit counts, in bits.

    With c_i hits of image i out of M generated images and p_i = 1/N,

        q_i = (c_i / M + a) / (1 + (N + 1) a),    KL = sum_i p_i log2(p_i / q_i).

    What hits nothing is an outcome of its own, with p = 0: q is normalised over the N images and
    that one, so misses cost. An image that is never hit has q = 0 and makes the KL infinite,
    unless a little is added, the smoothing a. It decides the result: each unhit image costs about
    log2(1/(N a)) / N bits. With a = 1e-10 and N = 8,340 that is 20 bits for every share of 1 that
    is unhit.

    Args:
        counts: c, hits of each valid image, (N,), int64.
        generated: M; the sum of the counts if it is left out, as if there were no misses.
        smoothing: a, at least 0; 0 gives infinity where an image has no hit.

    Raises:
        TypeError, ValueError: counts that are none, fewer generated images than hits, or none.
    """
    _check_counts(counts)
    total = int(counts.sum())
    m = total if generated is None else _validate.count(generated, "generated", most=_MOST)
    if m < max(total, 1):
        raise ValueError(
            f"{len(counts)} counts with the sum {total} of {m} generated images; expected counts "
            "of at least 0 and at least as many generated images as hits, at least 1"
        )
    smoothing = _smoothing(smoothing)
    n = len(counts)
    q = (exact(counts) / m + smoothing) / (1 + (n + 1) * smoothing)
    return (-torch.log2(q * n)).mean().item()


@on_cpu
def ideal_hit_kl(n_valid: int, generated: int, *, smoothing: float = 1e-10, seed: int = 0) -> float:
    """Return what `hit_kl` gives an ideal generator, mean of 20 repetitions, in bits.

    It draws as many images as the model, independently, each valid one equally likely. Some are
    still drawn twice and some never, so this is not 0: about e^(-M/N) of the N are never hit.

    Args:
        n_valid: number N of valid images.
        generated: number M of generated images.
        smoothing: as for `hit_kl`.
        seed: of the draws.

    Raises:
        TypeError, ValueError: numbers out of range.
    """
    n_valid = _validate.count(n_valid, "n_valid")
    generated = _validate.count(generated, "generated")
    smoothing, generator = _smoothing(smoothing), _validate.generator(_validate.seed(seed))
    found = []
    for _ in range(20):
        drawn = torch.randint(n_valid, (generated,), generator=generator)
        counts = torch.bincount(drawn, minlength=n_valid)
        found.append(hit_kl(counts, generated, smoothing=smoothing))
    return math.fsum(found) / len(found)


def worth(
    valid: Tensor,
    generated: Tensor,
    *,
    threshold: float = THRESHOLD,
    smoothing: float = 1e-10,
) -> Worth:
    """Measure generated images against a list of all valid ones.

    Args:
        valid: every valid image, or a part that was held out, (N, C, H, W), float32 in [0, 1].
        generated: (M, C, H, W), likewise.
        threshold: Euclidean distance in grey values, above 0.
        smoothing: as for `hit_kl`.

    Raises:
        TypeError, ValueError: as for `nearest`, or numbers out of range.
    """
    threshold, smoothing = _threshold(threshold), _smoothing(smoothing)
    _comparable(valid=valid, generated=generated)
    found = _search(valid, generated, back=True)
    return judge(*found, threshold=threshold, smoothing=smoothing)


def judge(
    of_valid: Nearest,
    of_generated: Nearest,
    *,
    threshold: float = THRESHOLD,
    smoothing: float = 1e-10,
) -> Worth:
    """Make the same of distances that are known already: `nearest_both(valid, generated)`.

    Args:
        of_valid: the nearest generated image of each valid one.
        of_generated: the nearest valid image of each generated one.
        threshold: Euclidean distance in grey values, above 0.
        smoothing: as for `hit_kl`.

    Raises:
        TypeError, ValueError: as for `hits`.
    """
    threshold, smoothing = _threshold(threshold), _smoothing(smoothing)
    for name, record in (("of_valid", of_valid), ("of_generated", of_generated)):
        _check_nearest(record, name)
    n, m = len(of_valid.distance), len(of_generated.distance)
    _check_nearest(of_valid, "of_valid", m, "the generated images")
    _check_nearest(of_generated, "of_generated", n, "the valid images")
    counts = hits(of_generated, n, threshold)
    return Worth(
        coverage=_share(of_valid.distance < threshold),
        mean_distance=of_valid.distance.mean().item(),
        valid_share=_share(of_generated.distance < threshold),
        mean_error=of_generated.distance.mean().item(),
        hit=_share(counts > 0),
        kl_bits=hit_kl(counts, m, smoothing=smoothing),
        kl_bits_ideal=ideal_hit_kl(n, m, smoothing=smoothing),
        smoothing=smoothing,
        threshold=threshold,
        generated=m,
    )


def generate(
    model: nn.Module, n: int, latent: int, *, scale: float = 1.0, seed: int = 0, chunk: int = 2000
) -> Tensor:
    """Decode n draws from N(0, scale^2 I), in evaluation mode.

    Args:
        model: has `decode(z)`.
        n: number of images, at least 1.
        latent: number of latent dimensions d.
        scale: standard deviation of the prior in each dimension, above 0.
        seed: of the draws, all made before the first is decoded.
        chunk: images decoded at once: bounds the memory, not the result.

    Returns:
        (n, C, H, W), where the model is.

    Raises:
        TypeError, ValueError: numbers out of range, or a model that cannot decode such codes.
    """
    _validate.model(model, "decode")
    n, latent = _validate.count(n, "n"), _validate.count(latent, "latent")
    chunk = _validate.count(chunk, "chunk")
    scale = _validate.number(scale, "scale", above=0, most=1e30)
    _validate.room(n * latent, f"n = {n}, latent = {latent}")
    noise = _validate.generator(_validate.seed(seed))
    # Drawn as float32 on the CPU: a seed means the same on any device, in any precision.
    z = scale * torch.randn(n, latent, generator=noise, dtype=torch.float32, device="cpu")
    with measuring(model) as place:
        return torch.cat(
            [images_of(model, "decode", z=moved(place, some)) for some in z.split(chunk)]
        )


def reconstruction_bits(model: nn.Module, images: Tensor, *, seed: int = 0) -> float:
    """Return the binary cross-entropy of reconstructions in bits an image, summed over pixels.

    From logits where the model gives them, so no x_hat is rounded to 0 or 1. For black-and-white
    images it is how many bits the image costs one who knows the reconstruction. What `forward`
    draws is drawn once an image.

    Args:
        model: has `forward(x) -> Output`.
        images: x, (N, C, H, W), float32 in [0, 1].
        seed: of what the model draws.

    Raises:
        TypeError, ValueError: as for `evaluate`, or the model gives no reconstructions in [0, 1],
            or logits of another likelihood.
    """
    check_reading(_validate.model(model), "bernoulli", "this measure")

    def cost(output: object, x: Tensor) -> dict[str, Tensor]:
        if getattr(output, "logits", None) is None:
            each = bernoulli_nll_from_x_hat(part_of(output, "x_hat", len(x)), x)
        else:
            each = bernoulli_nll(part_of(output, "logits", len(x)), x)
        return {"loss": each.mean()}

    return nats_to_bits(evaluate(model, images, cost, seed=seed)["loss"])


@own_precision()
def _search(a: Tensor, b: Tensor, *, back: bool = False) -> tuple[Nearest, Nearest]:
    """Return the nearest in b of each image in a, and the other way round if that is wanted."""
    flat_a, flat_b = a.detach().flatten(1), b.detach().flatten(1)  # (N, D), (M, D)
    there, here = _Best(flat_a), _Best(flat_b if back else flat_b[:0])
    for i in _blocks(len(a), _QUERIES):
        for j in _blocks(len(b), _REFERENCES):
            _one_block(flat_a, flat_b, i, j, there, here if back else None)
    return there.result(), here.result()


class _Best:
    """The nearest found so far: squared distances in float64, and where."""

    def __init__(self, flat: Tensor) -> None:
        self.squared = torch.full_like(exact(flat[:, 0]), math.inf)
        self.place = torch.zeros_like(self.squared, dtype=torch.int64)

    def update(self, rows: Tensor, places: Tensor, squared: Tensor) -> None:
        """Take in measured pairs; of equals the first place wins."""
        rows, places = rows.to(squared.device), places.to(squared.device)
        # By row, then distance, then place; the first of each row is the row's best.
        order = torch.argsort(places, stable=True)
        order = order[torch.argsort(squared[order], stable=True)]
        order = order[torch.argsort(rows[order], stable=True)]
        rows, places, squared = rows[order], places[order], squared[order]
        first = torch.ones_like(rows, dtype=torch.bool)
        first[1:] = rows[1:] != rows[:-1]
        rows, places, squared = rows[first], places[first], squared[first]
        old, at = self.squared[rows], self.place[rows]
        better = (squared < old) | ((squared == old) & (places < at))
        self.squared[rows[better]] = squared[better]
        self.place[rows[better]] = places[better]

    def rough(self, rows: slice, like: Tensor) -> Tensor:
        """Return the squared distances of some rows, float32, where some images are."""
        return self.squared[rows].float().to(like.device)

    def result(self) -> Nearest:
        return Nearest(self.squared.sqrt(), self.place)


def _one_block(a: Tensor, b: Tensor, i: slice, j: slice, there: _Best, here: _Best | None) -> None:
    """Compare the rows i of a with the rows j of b."""
    x, y = a[i], b[j]
    norms_x, norms_y = ((exact(v) ** 2).sum(1) for v in (x, y))
    rough = torch.addmm(norms_y.float().to(x.device)[None, :], x, y.T, alpha=-2)
    rough += norms_x.float().to(x.device)[:, None]  # |x|^2 + |y|^2 - 2 x.y (n, m), which cancels
    # Rounding of a sum of D products in any order, and of the two additions: never more than this.
    slack = (x.shape[1] + 4) * torch.finfo(torch.float32).eps
    slack *= float((norms_x.max().sqrt() + norms_y.max().sqrt()) ** 2)
    limit = torch.minimum(rough.min(1).values + slack, there.rough(i, x)) + slack
    wanted = rough <= limit[:, None]
    if here is not None:
        limit = torch.minimum(rough.min(0).values + slack, here.rough(j, x)) + slack
        wanted |= rough <= limit[None, :]
    pairs = wanted.nonzero()  # (P, 2): about one a row and one a column
    for some in pairs.split(_PAIRS):
        rows, columns = some.T
        squared = ((exact(x[rows]) - exact(y[columns])) ** 2).sum(1)
        there.update(rows + i.start, columns + j.start, squared)
        if here is not None:
            here.update(columns + j.start, rows + i.start, squared)


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _share(true: Tensor) -> float:
    return exact(true).mean().item()


def _comparable(**two: Tensor) -> None:
    """Refuse two sets of images that have no distances from each other."""
    for name, images in two.items():
        _validate.images(images, name, colour=True)
    (first, a), (second, b) = two.items()
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"{first} have shape {tuple(a.shape)}, {second} {tuple(b.shape)}; expected one size: "
            "pad or crop one of them"
        )
    _validate.one_device(**two)


def _check_nearest(record: Nearest, name: str, n: int | None = None, of: str = "") -> None:
    """Refuse what `nearest` has not made, or not of n images."""
    _validate.record(record, name, Nearest, "what nearest(images, among) returns")
    _validate.finite(record.distance, f"{name}.distance")
    _validate.labels(record.place, len(record.distance), f"{name}.place", _validate.MAX_COUNT)
    _validate.one_device(**{f"{name}.distance": record.distance, f"{name}.place": record.place})
    if n is not None and int(record.place.max()) >= n:
        raise ValueError(
            f"{name} has as nearest image {int(record.place.max())} of {n}, {of}; expected the "
            "other way round, nearest(generated, valid) for the generated ones, or the same images"
        )


def _check_counts(counts: Tensor) -> None:
    want = "an int64 tensor (N,), hits(nearest(generated, valid), N)"
    _validate.tensor(counts, "counts", want)
    if counts.dtype != torch.int64 or counts.ndim != 1:
        raise TypeError(f"counts must be {want}, got {_validate.say(counts)}")
    if len(counts) == 0 or int(counts.min()) < 0 or int(counts.max()) > _MOST:
        raise ValueError("counts is empty, or one of them is negative or huge; expected " + want)


def _threshold(threshold: float) -> float:
    return _validate.number(threshold, "threshold", above=0, hint="a distance, as 3.0")


def _smoothing(smoothing: float) -> float:
    return _validate.number(smoothing, "smoothing", least=0, most=1, hint="a share, as 1e-10")
