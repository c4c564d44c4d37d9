"""What does a code still know? Ask a small classifier that sees nothing but the code.

A *probe* is trained on codes and their labels, and scored on codes that it has not seen. Its
accuracy is a lower bound on what the code tells of the label: a better probe may find more.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from aeteach import _validate

_CHUNK = 2000  # codes at once: bounds the memory, not the result
LINEAR, NEIGHBOURS = "linear", "neighbours"


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
    r"""Return the share of held-out codes whose label a probe names, 0 to 1.

    "linear" is logistic regression: one straight boundary between any two classes, fitted by
    minimising cross-entropy + penalty / 2 times the sum of squared weights. "neighbours" lets the k
    nearest codes vote (ties go to the smaller label): it finds clusters of any shape. Both see
    codes scaled to mean 0 and variance 1 in each dimension, by the first set.

    A probe that knows nothing scores the share of the commonest class, 11.35 % of MNIST's test
    digits, or 1 in classes for a guess.

    Args:
        z: codes to learn from, (N, d).
        labels: of these, (N,), int64, 0 to 9.
        held_out: codes to be scored on, (M, d), none of them among z.
        held_out_labels: of these, (M,), int64.
        kind: "linear" or "neighbours".
        k: neighbours that vote, from 1 to N.
        penalty: of the squared weights of "linear", at least 0.

    Raises:
        TypeError, ValueError: codes or labels of another kind, or numbers out of range.

    Source: Alain and Bengio (2017), linear classifier probes.
    """
    _validate.latents(z)
    _validate.labels(labels, len(z))
    _validate.latents(held_out, "held_out", d=z.shape[1])
    _validate.labels(held_out_labels, len(held_out), "held_out_labels")
    mean, sd = z.double().mean(0), z.double().std(0).clamp(min=1e-12)
    known, asked = (z.double() - mean) / sd, (held_out.double() - mean) / sd
    if kind == LINEAR:
        if not penalty >= 0:
            raise ValueError(f"penalty is {penalty!r}; expected at least 0")
        named = _linear(known, labels, asked, penalty)
    elif kind == NEIGHBOURS:
        if _validate.count(k, "k") > len(z):
            raise ValueError(f"k is {k}, but there are only {len(z)} codes to vote")
        named = _neighbours(known, labels, asked, k)
    else:
        raise ValueError(f"kind is {kind!r}; expected 'linear' or 'neighbours'")
    return (named == held_out_labels).double().mean().item()


def _linear(z: Tensor, labels: Tensor, asked: Tensor, penalty: float) -> Tensor:
    """Fit logistic regression with L-BFGS, which is convex, and name the likeliest classes."""
    classes = int(labels.max()) + 1
    weight = torch.zeros(classes, z.shape[1], dtype=z.dtype, requires_grad=True)
    bias = torch.zeros(classes, dtype=z.dtype, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def cost() -> float:
        search.zero_grad()
        loss = F.cross_entropy(z @ weight.T + bias, labels) + penalty / 2 * weight.square().sum()
        loss.backward()
        return loss.item()

    search.step(cost)
    return (asked @ weight.T + bias).detach().argmax(1)


def _neighbours(z: Tensor, labels: Tensor, asked: Tensor, k: int) -> Tensor:
    """Let the k nearest codes vote."""
    named = []
    for some in asked.split(_CHUNK):
        near = torch.cdist(some, z).topk(k, largest=False).indices  # (n, k)
        named.append(F.one_hot(labels[near], int(labels.max()) + 1).sum(1).argmax(1))
    return torch.cat(named)
