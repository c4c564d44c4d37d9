"""What does a code still know? Ask a small reader that sees nothing but the code.

A *probe* learns to name a class, or to tell a number, from some codes, and is judged on codes that
it has not seen. Its score is a lower bound on what the code tells: a better probe may find more.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from aeteach import _validate
from aeteach._exact import exact

LINEAR, NEIGHBOURS = "linear", "neighbours"
KINDS = (LINEAR, NEIGHBOURS)
_CHUNK = 2000  # codes at once: bounds the memory, not the result
_MOST_PENALTY = 1e12  # the weights are 0 long before


@dataclass(frozen=True)
class Probe:
    """How well a small reader tells a factor from codes that it has not seen.

    Attributes:
        score: on held-out codes: R^2 for a number (1 is perfect, 0 no better than their mean, below
            0 worse), accuracy for a class (0 to 1).
        baseline: score of saying the same of every code: 0 for a number; for a class the share of
            held-out codes in the commonest class of the others.
        kind: of reader.
        held_out: number of codes it was judged on.
    """

    score: float
    baseline: float
    kind: str
    held_out: int


def probe(
    z: Tensor,
    y: Tensor,
    *,
    held_out: float | tuple[Tensor, Tensor] = 0.2,
    kind: str = LINEAR,
    k: int = 25,
    penalty: float = 1e-3,
    seed: int = 0,
) -> Probe:
    r"""Fit a small reader of a factor on some codes, and judge it on others.

    "linear" fits one weight a dimension. For a number it is least squares: squared error / 2; for
    classes logistic regression: cross-entropy, one straight boundary between any two. Both are
    averaged over codes, and penalty / 2 times the sum of squared weights is added. "neighbours"
    asks the k nearest codes: their mean for a number, their vote for a class (ties go to the
    smaller label). What the first finds lies along a direction; what only the second finds is
    there, but bent. All see codes scaled to mean 0 and variance 1, by the codes they learn from.

    Args:
        z: codes, (N, d).
        y: the factor, (N,): floating point for a number, int64 from 0 for a class.
        held_out: what to judge on: a share of z, above 0 and below 1, drawn with `seed`; or other
            codes (M, d) and their factor (M,), and then all of z is learnt from.
        kind: "linear" or "neighbours".
        k: neighbours that are asked, at least 1.
        penalty: of the squared weights of "linear", at least 0.
        seed: of the division.

    Raises:
        TypeError, ValueError: codes or factors of another kind, too few of them, a factor that is
            constant where it is judged, or numbers out of range.

    Source: Alain and Bengio (2017), linear classifier probes.
    """
    _validate.choice(kind, "kind", KINDS)
    k = _validate.count(k, "k")
    penalty = _validate.number(penalty, "penalty", least=0, most=_MOST_PENALTY)
    seed = _validate.seed(seed)
    _validate.latents(z)
    is_class = _is_class(y, z, "y")
    known, asked = _division(z, y, held_out, seed)
    if kind == NEIGHBOURS and k > len(known[0]):
        raise ValueError(f"k is {k}, but there are only {len(known[0])} codes to ask")
    codes, new = _scaled(known[0], asked[0])
    if is_class:
        return _judge_class(codes, known[1], new, asked[1], kind, k, penalty)
    return _judge_number(codes, known[1], new, asked[1], kind, k, penalty)


def probe_accuracy(
    z: Tensor,
    labels: Tensor,
    held_out: Tensor,
    held_out_labels: Tensor,
    *,
    kind: str = NEIGHBOURS,
    k: int = 25,
    penalty: float = 1e-3,
) -> float:
    """Return the share of held-out codes whose label a probe names, 0 to 1.

    A probe that knows nothing scores the share of the commonest class, 11.35 % of MNIST's test
    digits, or 1 in classes for a guess. See `probe`.

    Args:
        z: codes to learn from, (N, d).
        labels: of these, (N,), int64, from 0.
        held_out: codes to be scored on, (M, d), none of them among z.
        held_out_labels: of these, (M,), int64.
        kind: "linear" or "neighbours".
        k: neighbours that vote, from 1 to N.
        penalty: of the squared weights of "linear", at least 0.

    Raises:
        TypeError, ValueError: codes or labels of another kind, or numbers out of range.
    """
    _validate.latents(z)
    _validate.classes(labels, len(z))
    _validate.latents(held_out, "held_out")  # of as many dimensions as z, says `probe`
    _validate.labels(held_out_labels, len(held_out), "held_out_labels", _validate.MAX_CLASSES)
    asked = (held_out, held_out_labels)
    return probe(z, labels, held_out=asked, kind=kind, k=k, penalty=penalty).score


Pair = tuple[Tensor, Tensor]


def _division(z: Tensor, y: Tensor, held_out: float | Pair, seed: int) -> tuple[Pair, Pair]:
    """Return codes and factor to learn from, and those to be judged on."""
    if isinstance(held_out, tuple):
        return (z, y), _asked(held_out, z, y)
    hint = "a share, as 0.2, or other codes and their factor"
    share = _validate.number(held_out, "held_out", above=0, below=1, hint=hint)
    if len(z) < 10:
        raise ValueError(f"z holds {len(z)} codes to divide; expected at least 10")
    noise = _validate.generator(seed)
    order = torch.randperm(len(z), generator=noise, device="cpu").to(z.device)
    n = min(max(1, round(share * len(z))), len(z) - 1)  # something is left to learn from
    asked, known = order[:n], order[n:]
    return (z[known], y[known]), (z[asked], y[asked])


def _asked(held_out: Pair, z: Tensor, y: Tensor) -> Pair:
    """Return other codes and their factor, if they are of the same kinds as z and y."""
    if len(held_out) != 2:
        raise ValueError(
            f"held_out is {_validate.say(held_out)}; expected a share, as 0.2, or two tensors, "
            "other codes and their factor"
        )
    codes, factor = held_out
    _validate.latents(codes, "held_out", d=z.shape[1])
    _validate.one_device(z=z, held_out=codes)
    _is_class(factor, codes, "y of held_out", like=y)
    return held_out


def _scaled(z: Tensor, held_out: Tensor) -> Pair:
    """Return both, (N, d) and (M, d), scaled so that the first has mean 0 and variance 1."""
    z, held_out = exact(z.detach()), exact(held_out.detach())
    mean, sd = z.mean(0), z.std(0)
    moves = sd > 1e-12 * (1 + mean.abs())  # beyond rounding
    sd = torch.where(moves, sd, 1)  # a dimension that never moves stays at 0
    return (z - mean) / sd, (held_out - mean) / sd


def _judge_class(
    z: Tensor, labels: Tensor, asked: Tensor, answers: Tensor, kind: str, k: int, penalty: float
) -> Probe:
    labels, answers = labels.to(z.device), answers.to(z.device)
    if kind == LINEAR:
        named = _logistic_regression(z, labels, asked, penalty)
    else:
        votes = exact(F.one_hot(labels))  # (N, C)
        named = _neighbours(z, votes, asked, k).argmax(1)
    common = labels.bincount().argmax()
    right, baseline = (exact(said == answers).mean().item() for said in (named, common))
    return Probe(right, baseline, kind, len(asked))


def _judge_number(
    z: Tensor, y: Tensor, asked: Tensor, truth: Tensor, kind: str, k: int, penalty: float
) -> Probe:
    y, truth = exact(y.detach())[:, None], exact(truth.detach())
    spread = (truth - truth.mean()).square().sum().item()
    if spread == 0:
        raise ValueError("the factor y is constant on the held-out codes: R^2 has no meaning")
    guess = _least_squares(z, y, asked, penalty) if kind == LINEAR else _neighbours(z, y, asked, k)
    missed = (truth - guess[:, 0]).square().sum().item()
    return Probe(1 - missed / spread, 0.0, kind, len(asked))


def _logistic_regression(z: Tensor, labels: Tensor, asked: Tensor, penalty: float) -> Tensor:
    """Fit with L-BFGS, for the cost is convex, and name the likeliest classes."""
    classes = int(labels.max()) + 1
    weight = z.new_zeros(classes, z.shape[1]).requires_grad_()
    bias = z.new_zeros(classes).requires_grad_()
    search = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def cost() -> float:
        search.zero_grad()
        loss = F.cross_entropy(z @ weight.T + bias, labels) + penalty / 2 * weight.square().sum()
        loss.backward()
        return loss.item()

    search.step(cost)
    return (asked @ weight.T + bias).detach().argmax(1)


def _least_squares(z: Tensor, y: Tensor, asked: Tensor, penalty: float) -> Tensor:
    """Solve for the weights of codes that have mean 0, and return the numbers told, (M, 1)."""
    gram = z.T @ z + penalty * len(z) * torch.eye(z.shape[1]).to(z)
    weight = torch.linalg.lstsq(gram, z.T @ (y - y.mean())).solution  # penalty 0 may be singular
    return y.mean() + asked @ weight


def _neighbours(z: Tensor, y: Tensor, asked: Tensor, k: int) -> Tensor:
    """Return the mean of y (N, C) over the k nearest codes of each that is asked, (M, C)."""
    found = []
    for some in asked.split(_CHUNK):
        # The quick way, by |a|^2 - 2ab + |b|^2, cancels where codes lie close: not here.
        away = torch.cdist(some, z, compute_mode="donot_use_mm_for_euclid_dist")
        near = away.topk(k, largest=False).indices  # (n, k)
        found.append(y[near].mean(1))
    return torch.cat(found)


def _is_class(y: Tensor, z: Tensor, name: str, like: Tensor | None = None) -> bool:
    """Return whether a factor is a class (True) or a number; refuse what is neither."""
    _validate.tensor(y, name, f"a tensor ({len(z)},), one number for each code")
    if y.ndim != 1 or len(y) != len(z):
        raise ValueError(
            f"{name} is {_validate.say(y)}; expected one number for each of the {len(z)} codes"
        )
    _validate.one_device(z=z, **{name: y})
    if like is not None and (y.dtype == torch.int64) != (like.dtype == torch.int64):
        raise TypeError(f"{name} is {y.dtype}, but y is {like.dtype}: pass both as one kind")
    if y.dtype != torch.int64:
        _validate.finite(y, name, "float numbers, or int64 for classes")
        return False
    if like is None:
        _validate.classes(y, len(z), name)
    else:  # one class alone is enough to be asked
        _validate.labels(y, len(z), name, classes=_validate.MAX_CLASSES)
    return True


__all__ = ["KINDS", "LINEAR", "NEIGHBOURS", "Probe", "probe", "probe_accuracy"]
