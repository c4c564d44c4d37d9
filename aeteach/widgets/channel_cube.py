"""Points on a cube, sent through a noisy bottleneck: turn them, and turn the noise up."""

from collections.abc import Mapping
from typing import Any

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import channel
from aeteach.data import cube
from aeteach.models import NoisyAutoencoder
from aeteach.weights import load
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.network import network
from aeteach.widgets.kit.traits import WholeWithin, Within

TRAINED = (0, 10, 20, 30)  # dB, of the package's models cube-2-...dB
FACES = ("none", "left", "right", "front", "back", "bottom", "top")
NEAREST = "nearest"
_MEASURED = (10_000, 2)  # how many points the powers are measured on, and their seed
_SHOWN = 600
_ALT = (
    "Two drawings of the unit cube, turned together by dragging or by the arrow keys: points drawn "
    "from its surface, and the same points as an autoencoder rebuilds them from two numbers with "
    "noise. A third drawing shows the two numbers of every point, before and after the noise. A "
    "slider sets the signal-to-noise ratio: with much noise the points shrink to a blob at the "
    "centre, with little they lie on the faces again. The bits that pass, the noise and the "
    "squared error are written beside them."
)


class ChannelCube(PackedFigure):
    """Send points of a cube through a channel whose signal-to-noise ratio the reader sets.

    The decoders run in the page, from their weights in float16; the codes are computed here. The
    power of the signal and the variances in the rate are measured on 10,000 points, the squared
    error on the points that are shown, with the noise that is shown.

    Args:
        models: SNR of training in dB -> a `NoisyAutoencoder` of points with two latent numbers;
            the package's `cube-2-0dB`, 10, 20 and 30 if left out.
        points: x to show, (n, 3), float32, at most 2,000; 600 from the surface if left out.

    Attributes:
        db: SNR of the channel, dB, -10 to 40.
        trained: which model, by its SNR of training as text ("20"), or "nearest" for the one whose
            SNR is nearest to that of the channel.
        face: which face's points stand out, 0 to 6; 0 for none, then left, right, front, back,
            bottom and top (first coordinate 0 and 1, second 0 and 1, third 0 and 1).
        yaw: how far the cube is turned about its vertical axis, degrees, -180 to 180.
        pitch: how far it is tilted towards the reader, degrees, -90 to 90.
        seed: of the noise, 0 to 2147483647.

    Raises:
        ValueError: models or points that do not fit, or a number outside its range.
    """

    _module = "channel_cube"
    networks = t.Dict(help="SNR of training -> layers of its decoder.").tag(sync=True)
    power = t.Dict(help="SNR of training -> variance of each latent number.").tag(sync=True)
    db = Within(20.0, -10, 40)
    trained = t.Unicode(NEAREST).tag(sync=True)
    face = WholeWithin(0, 0, len(FACES) - 1)
    yaw = Within(30.0, -180, 180)
    pitch = Within(25.0, -90, 90)
    seed = WholeWithin(0, 0, 2**31 - 1)

    def __init__(
        self,
        models: Mapping[int, nn.Module] | None = None,
        points: Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        models = {db: load(f"cube-2-{db}dB") for db in TRAINED} if models is None else models
        points = cube(_SHOWN, seed=3) if points is None else points
        self._models = _checked(models, points)
        arrays: dict[str, Any] = {"points": points}
        kinds = {"points": "float32"}
        networks: dict[str, Any] = {}
        power: dict[str, list[float]] = {}
        for name, model in self._models.items():
            with torch.no_grad():
                codes = model.encode(points.view(-1, 1, 1, 3))
                many = model.encode(cube(*_MEASURED).view(-1, 1, 1, 3))
            decoder = network(model.decoder, name)
            networks[name] = decoder.steps
            power[name] = many.var(0, correction=0).tolist()
            arrays |= decoder.arrays | {f"{name}/z": codes}
            kinds |= decoder.kinds | {f"{name}/z": "float32"}
        manifest, weights = pack(arrays, kinds)
        state = {
            "alt": _ALT,
            "weights": weights,
            "manifest": manifest,
            "networks": networks,
            "power": power,
        }
        super().__init__(**state | kwargs)

    @t.validate("trained")
    def _check_trained(self, proposal: Any) -> str:
        known = [NEAREST, *self._models]
        if proposal["value"] not in known:
            raise StateError(f"trained is {proposal['value']!r}; expected one of {known}")
        return str(proposal["value"])

    @property
    def model(self) -> str:
        """The SNR of training, in dB as text, of the model that is shown."""
        if self.trained != NEAREST:
            return self.trained
        return min(self._models, key=lambda name: abs(float(name) - self.db))

    @property
    def noise(self) -> float:
        """Variance of the noise, squared units of z."""
        power = self.power[self.model]
        return float(sum(power) / len(power) / channel.db_to_ratio(self.db))

    @property
    def rate(self) -> float:
        """Bits a point that the formula lets through."""
        variances = torch.tensor(self.power[self.model], dtype=torch.float64)
        return channel.information_rate(variances, self.noise).item()

    def __repr__(self) -> str:
        return f"ChannelCube(db={self.db:g}, trained={self.trained!r})"


def _checked(models: Mapping[int, nn.Module], points: Tensor) -> dict[str, NoisyAutoencoder]:
    """Return the models by name, the noisiest first, or say what does not fit."""
    checked = {}
    if not models:
        raise StateError("models is empty; expected {SNR in dB: model}, at least one")
    for db in sorted(models):
        model = models[db]
        if not isinstance(model, NoisyAutoencoder):
            raise StateError(
                f"the model for {db} dB is a {type(model).__name__}; expected a NoisyAutoencoder, "
                "as aeteach.models.noisy_points makes"
            )
        with torch.no_grad():
            z = model.encode(torch.zeros(1, 1, 1, 3))
        if z.shape != (1, 2):
            raise StateError(
                f"the model for {db} dB has a code of {z.shape[-1]} numbers; the figure draws a "
                "plane of two"
            )
        checked[str(db)] = model.eval()
    wanted = isinstance(points, Tensor) and points.ndim == 2 and points.shape[-1] == 3
    if not wanted or not 1 <= len(points) <= 2000:
        raise StateError(
            f"points has shape {tuple(getattr(points, 'shape', ()))}; expected (n, 3) with n from "
            "1 to 2,000"
        )
    return checked


__all__ = ["FACES", "NEAREST", "TRAINED", "ChannelCube"]
