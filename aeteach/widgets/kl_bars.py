"""Two distributions over a few outcomes, dragged by hand: entropies and KL in both directions."""

from typing import Any, ClassVar

import torch
import traitlets as t
from numpy.typing import ArrayLike

from aeteach.divergences import TOLERANCE, kl
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError, read_array
from aeteach.widgets.kit.traits import OneOf

_OUTCOMES = (2, 6)


class KlBars(Figure):
    r"""Drag the bars of two distributions P and Q and watch what believing Q costs.

    Args:
        p: P, the probabilities of the outcomes: 2 to 6 that sum to 1.
        q: Q, as many.
        unit: "bits" or "nats", of everything the figure prints.
        direction: "pq" draws the code lengths behind KL(P || Q), "qp" those behind KL(Q || P).

    Attributes:
        p: P as it stands now, a list; set both with `compare` where their number changes.
        q: Q as it stands now.
        kl_pq: KL(P || Q) in nats; infinite where Q rules out what happens under P.
        kl_qp: KL(Q || P) in nats.

    Raises:
        ValueError: p or q is not a distribution over 2 to 6 outcomes, or their lengths differ; an
            unknown unit or direction.
    """

    _module = "kl_bars"
    _limits: ClassVar = {"outcomes": _OUTCOMES}
    p = t.Any().tag(sync=True)
    q = t.Any().tag(sync=True)
    start = t.Any(help="What 'Start again' returns to.").tag(sync=True)
    unit = OneOf("bits", "nats")
    direction = OneOf("pq", "qp")

    def __init__(self, p: ArrayLike = (0.5, 0.5), q: ArrayLike = (0.7, 0.3), **kwargs: Any) -> None:
        state = {"p": _check("p", p), "q": _check("q", q)}
        alt = (
            f"Two distributions P and Q over {len(state['p'])} outcomes as bars that can be "
            "dragged. Beside them every outcome is a column as wide as it is probable and as high "
            "as its code is long, in a code made for P and in one made for Q. The average of the "
            "first is the entropy, of the second the cross-entropy; their difference is the KL "
            "divergence. It is 0 only if P and Q are equal, differs between the two directions, "
            "and is infinite where the believed probability is 0 and the true one is not."
        )
        super().__init__(**{"alt": alt, "start": state} | state | kwargs)

    @property
    def kl_pq(self) -> float:
        """KL(P || Q) in nats."""
        return _kl(self.p, self.q)

    @property
    def kl_qp(self) -> float:
        """KL(Q || P) in nats."""
        return _kl(self.q, self.p)

    def compare(self, p: ArrayLike, q: ArrayLike) -> None:
        """Set both distributions at once, also to another number of outcomes."""
        with self.hold_trait_notifications():
            self.p, self.q = p, q

    @t.validate("p", "q")
    def _check_distribution(self, proposal: Any) -> list[float]:
        name = proposal["trait"].name
        values = _check(name, proposal["value"])
        other = "q" if name == "p" else "p"
        if len(getattr(self, other) or values) != len(values):
            raise StateError(
                f"{name} has {len(values)} outcomes and {other} has {len(getattr(self, other))}; "
                "expected as many: set both at once with compare(p, q)"
            )
        return values

    def __repr__(self) -> str:
        p, q = (", ".join(f"{v:.2f}" for v in values) for values in (self.p, self.q))
        return f"KlBars(p=({p}), q=({q}))"


def _kl(p: list[float], q: list[float]) -> float:
    return float(kl(torch.tensor(p, dtype=torch.float64), torch.tensor(q, dtype=torch.float64)))


def _check(name: str, values: ArrayLike) -> list[float]:
    """Return a distribution as a list of floats, or say what is wrong with it."""
    array = read_array(name, values)
    fewest, most = _OUTCOMES
    if array.ndim != 1 or not fewest <= len(array) <= most:
        raise StateError(
            f"{name} has shape {array.shape}; expected ({fewest},) to ({most},): one probability "
            "for each outcome"
        )
    if array.min() < 0 or abs(array.sum() - 1) > TOLERANCE[torch.float64]:
        raise StateError(
            f"{name} is {array.tolist()}, which sums to {array.sum():.9g}; expected probabilities "
            f"of at least 0 that sum to 1: divide {name} by its sum"
        )
    return [float(v) for v in array]
