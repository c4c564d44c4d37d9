"""Two inputs, moved one at a time: the code z on a plane, the digit by its picture or a mixture."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import conditional
from aeteach.models import VAE
from aeteach.weights import load
from aeteach.widgets import latent_plane
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.network import decoder_network
from aeteach.widgets.kit.traits import PointWithin, WholeWithin, Within

FARTHEST = 3.0  # of z in each dimension, in standard deviations of the prior
MODELS = {"MLP": "cvae", "convolutional": "conv-cvae-fixed"}
_DIGITS = 10


class ConditionalPad(PackedFigure):
    """Hold z and change the digit, or hold the digit and move z; all ten are decoded at once.

    The decoders (float16 weights, float32 where batch normalisation is folded in) run in the page.
    The frame of 2 black pixels around the digits is not shown.

    Args:
        models: title -> a conditional model with two latent numbers whose decoder is that of `cvae`
            or of `conv-cvae`; one or two. The package's `cvae` and `conv-cvae-fixed` if left out.
        z: where to start.
        digit: which digit to start with.
        other: the second digit of a mixture.
        share: how much of the mixture is the second digit, 0 to 1.

    Attributes:
        z: the code, two numbers from -3 to 3.
        digit: the digit asked for, 0 to 9.
        other: the digit that is mixed in, 0 to 9.
        share: of the second digit, 0 to 1.

    Raises:
        TypeError, ValueError: models the page cannot decode, or a code, digit or share that there
            is not.
    """

    _module = "conditional_pad"
    decoders = t.List(t.Dict(), help="Title, steps, picture size and frame.").tag(sync=True)
    z = PointWithin([0.0, 0.0], -FARTHEST, FARTHEST)
    digit = WholeWithin(9, 0, _DIGITS - 1)
    other = WholeWithin(4, 0, _DIGITS - 1)
    share = Within(0.0, 0, 1)

    def __init__(
        self,
        models: Mapping[str, nn.Module] | None = None,
        *,
        z: Sequence[float] = (0.0, 0.0),
        **kwargs: Any,
    ) -> None:
        if models is None:
            models = {title: load(name) for title, name in MODELS.items()}
        if not 1 <= len(models) <= 2:
            raise StateError(f"there are {len(models)} models; the figure shows one or two")
        self._models = {title: _checked(title, model) for title, model in models.items()}
        arrays: dict[str, Any] = {}
        kinds: dict[str, str] = {}
        decoders = []
        for i, (title, model) in enumerate(self._models.items()):
            decoder = decoder_network(model, f"m{i}", latent_plane.MARGIN)
            arrays |= decoder.arrays
            if _is_convolutional(model):
                kinds |= dict.fromkeys(decoder.arrays, "float32")
            decoders.append(
                {
                    "title": title,
                    "steps": decoder.steps,
                    "side": model.size - 2 * latent_plane.MARGIN,
                }
            )
        manifest, weights = pack(arrays, kinds)
        state = {
            "alt": _ALT,
            "weights": weights,
            "manifest": manifest,
            "decoders": decoders,
            "z": z,
        }
        super().__init__(**state | kwargs)

    @property
    def label(self) -> Tensor:
        """What the decoders are told, (10,): one-hot, or a mixture of two digits."""
        label = torch.zeros(_DIGITS)
        label[self.digit] += 1 - self.share
        label[self.other] += self.share
        return label

    @property
    def x_hat(self) -> list[Tensor]:
        """What each model decodes from z and the label, each (1, H, W)."""
        code = torch.tensor([self.z])
        with torch.no_grad():
            return [
                conditional.decode_mixture(model, code, self.label[None])[0]
                for model in self._models.values()
            ]

    @property
    def ten(self) -> Tensor:
        """The code decoded as every digit by the first model, (10, 1, H, W)."""
        return conditional.all_digits(next(iter(self._models.values())), self.z)

    def __repr__(self) -> str:
        return f"ConditionalPad(digit={self.digit}, z=({self.z[0]:.2f}, {self.z[1]:.2f}))"


_ALT = (
    "A plane of two latent numbers with one point, and ten pictures: the point decoded as every "
    "digit. One digit is chosen and shown large, by each model. Moving the point changes slant, "
    "width and thickness of all ten digits alike; choosing another picture changes the digit and "
    "keeps the style. A slider mixes in a second digit."
)


def _checked(title: str, model: nn.Module) -> VAE:
    if not isinstance(model, VAE) or "decoder" not in model.told or model.latent != 2:
        raise StateError(
            f"the model {title!r} is a {type(model).__name__}; expected a conditional VAE with "
            "two latent numbers whose decoder is told the label, such as aeteach.load('cvae')"
        )
    return model.eval()


def _is_convolutional(model: VAE) -> bool:
    return any(isinstance(part, nn.ConvTranspose2d) for part in model.decoder.modules())


__all__ = ["FARTHEST", "ConditionalPad"]
