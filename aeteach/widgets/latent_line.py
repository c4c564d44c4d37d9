"""A latent line: one number under the cursor, decoded live among the codes of the test digits."""

import math
from typing import Any

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach.metrics import posteriors
from aeteach.models import VAE
from aeteach.weights import load
from aeteach.widgets.kit.digits import mnist_test
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError, both_or_neither
from aeteach.widgets.kit.network import decoder_network
from aeteach.widgets.kit.traits import Within

FAR = 3.5  # the line's ends: 0.05 % of the prior lies beyond them
NEAREST = 50  # codes that say what is near the cursor
STRIP = 12  # pictures along the line
EVERY = 5  # of the 10,000 test digits: 2,000 codes are shown


class LatentLine(PackedFigure):
    r"""Move along the one latent number of a VAE and see what is decoded there, live in the page.

    Under the cursor: the image decoded from z, and what the test digits with the nearest codes
    are. Along the line: the codes of the test digits, each kind in its colour, over the density of
    the prior N(0, 1), and a strip of decoded pictures. With `even` the line is measured in shares
    of the prior, u = Phi(z), in place of z: equal steps are then equally likely.

    The decoder runs in the page, with float16 weights: for a shipped model, which is stored so,
    that changes nothing.

    Args:
        model: a VAE with one latent number and the decoder of `aeteach.models.keras_vae`; the
            package's `keras-vae-1` if left out.
        images: x, (N, 1, 28, 28), whose codes are shown; every fifth MNIST test digit if left
            out.
        labels: the digit that each shows, (N,), int64, 0 to 9; needed with `images`.
        z: where the cursor starts, -3.5 to 3.5.
        even: equal steps of probability in place of equal steps of z.

    Attributes:
        z: where the cursor is.
        even: which steps the axis and the strip have.

    Raises:
        TypeError, ValueError: a model the page cannot decode, images or labels out of range, or a
            cursor that is not on the line.
    """

    _module = "latent_line"
    steps = t.List(t.Dict(), help="The decoder's layers, in order.").tag(sync=True)
    labels = t.List(t.Int(), help="The digit each code belongs to.").tag(sync=True)
    side = t.Int(0, help="Height and width of a decoded image, in pixels.").tag(sync=True)
    nearest = t.Int(NEAREST, help="Codes that say what is near.").tag(sync=True)
    strip = t.Int(STRIP, help="Pictures along the line.").tag(sync=True)
    z = Within(0.0, -FAR, FAR, unit=", the ends of the line")
    even = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        model: nn.Module | None = None,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        both_or_neither(images=images, labels=labels)
        if images is None or labels is None:
            images, labels = (t[::EVERY] for t in mnist_test(28))
        if labels.shape != (len(images),) or not bool(((labels >= 0) & (labels <= 9)).all()):
            raise StateError(
                f"labels have shape {tuple(labels.shape)}; expected one digit, 0 to 9, for each "
                f"of the {len(images)} images"
            )
        self._model = _checked(load("keras-vae-1") if model is None else model)
        self.codes = posteriors(self._model, images)[0][:, 0]
        decoder = decoder_network(self._model, "decoder")
        manifest, weights = pack(decoder.arrays | {"codes": self.codes}, {"codes": "float32"})
        state = {
            "alt": _ALT,
            "weights": weights,
            "manifest": manifest,
            "steps": decoder.steps,
            "labels": labels.tolist(),
            "side": images.shape[-1],
            "nearest": min(NEAREST, len(images)),
        }
        super().__init__(**state | kwargs)

    @property
    def x_hat(self) -> Tensor:
        """What is decoded under the cursor, (1, 28, 28)."""
        return self._decode(torch.tensor([[self.z]]))[0]

    @property
    def strip_z(self) -> Tensor:
        """Where the pictures of the strip stand, (12,): in the middles of 12 equal parts."""
        middles = (torch.arange(STRIP, dtype=torch.float64) + 0.5) / STRIP
        parts = torch.special.ndtri(middles) if self.even else FAR * (2 * middles - 1)
        return parts.float()

    @property
    def strip_x_hat(self) -> Tensor:
        """The pictures of the strip, (12, 1, 28, 28)."""
        return self._decode(self.strip_z[:, None])

    @property
    def shares(self) -> Tensor:
        """The share of each digit, 0 to 9, among the nearest codes, (10,)."""
        away = (self.codes.double() - self.z).abs()
        near = away.sort(stable=True).indices[: self.nearest]
        return torch.tensor(self.labels)[near].bincount(minlength=10) / len(near)

    def _decode(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            return self._model.decode(z)

    def __repr__(self) -> str:
        steps = "probability" if self.even else "z"
        return f"LatentLine(z={self.z:.2f}, steps of {steps})"


_ALT = (
    "A line of one latent number from -3.5 to 3.5 with the bell curve of the prior and the codes "
    "of test digits, coloured by digit: each kind of digit has a stretch or two, and neighbours "
    "overlap. The number under the cursor is decoded into an image; below the line is a strip of "
    "decoded digits."
)


def _checked(model: nn.Module) -> VAE:
    """Return the model if it is a VAE with one latent number."""
    if not isinstance(model, VAE):
        raise StateError(f"the model is a {type(model).__name__}, no VAE")
    if model.latent != 1:
        raise StateError(
            f"the model has {model.latent} latent numbers; a line shows one: use 'keras-vae-1'"
        )
    if not all(math.isfinite(float(p.detach().abs().max())) for p in model.parameters()):
        raise StateError("the model's weights hold NaN or infinity")
    return model.eval()


__all__ = ["EVERY", "FAR", "NEAREST", "STRIP", "LatentLine"]
