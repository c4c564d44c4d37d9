"""Seven trained VAEs on one slider: rate, distortion, KL by dimension, digits and samples."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import metrics
from aeteach.divergences import kl_to_standard_normal, nats_to_bits
from aeteach.losses import squared_error
from aeteach.metrics import readability
from aeteach.models import VAE
from aeteach.weights import load
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.digits import first_places, mnist_test
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError, both_or_neither
from aeteach.widgets.kit.network import decoder_network
from aeteach.widgets.kit.traits import WholeWithin, Within

BETAS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
MEASURED = 2000  # test digits that the numbers are averaged over
_SAMPLES = 6
_CHUNK = 1000  # images at once: bounds the memory, not the result


class BetaSlider(PackedFigure):
    """Move through VAEs that differ in the weight beta of the KL, and see everything move with it.

    The decoders run in the page (weights in float32, batch normalisation folded into the
    convolutions); the codes of a few digits, and the numbers, are made here.

    Args:
        models: beta -> a convolutional VAE, all with the same number of latent dimensions; the
            package's `conv-vae-10-beta-W` if left out.
        images: x, (N, 1, 32, 32), that are measured; the first 2,000 MNIST test digits if left
            out.
        labels: the digit that each shows, (N,), int64; needed with `images`.
        shown: places of the images to show; the first one of each of six digits if left out.
        seed: of the draw behind each distortion, and of the noise of the samples.
        place: which model to start with, counted from the smallest beta.
        digit: which of the images shown is walked.
        dimension: which latent dimension is walked, counted from the one with the largest KL.
        walk: how far, in units of z, -3 to 3.

    Attributes:
        place: the model shown.
        digit: the image whose code is walked.
        dimension: the latent dimension that is walked, by its rank.
        walk: what is added to mu in this dimension, -3 to 3.

    Raises:
        TypeError, ValueError: models the page cannot decode, images or labels out of range, or a
            place, digit, dimension or walk that there is not.
    """

    _module = "beta_slider"
    models = t.List(t.Dict(), help="Numbers of each model, from the smallest beta.").tag(sync=True)
    labels = t.List(t.Int(), help="The digit each image shown is.").tag(sync=True)
    pictures = t.Bytes(b"", help="The images shown, as one PNG.").tag(sync=True)
    side = t.Int(0, help="Height and width of a picture, in pixels.").tag(sync=True)
    place = WholeWithin(3, 0, lambda figure: len(figure._models) - 1, unit=", one of the models")
    digit = WholeWithin(0, 0, lambda figure: figure._count - 1, unit=", one of the images shown")
    dimension = WholeWithin(0, 0, lambda figure: figure._d - 1, unit=", a latent dimension")
    walk = Within(0.0, -3, 3)  # in standard deviations of the prior

    def __init__(
        self,
        models: Mapping[float, nn.Module] | None = None,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        shown: Sequence[int] | None = None,
        seed: int = 0,
        place: int | None = None,
        **kwargs: Any,
    ) -> None:
        both_or_neither(images=images, labels=labels)
        if images is None or labels is None:
            images, labels = (t[:MEASURED] for t in mnist_test())
        if models is None:
            models = {beta: load(f"conv-vae-10-beta-{beta:g}") for beta in BETAS}
        self._models = _checked(models)
        places = (
            first_places(labels, labels.unique()[:_SAMPLES].tolist())
            if shown is None
            else list(shown)
        )
        if not places or not all(0 <= p < len(images) for p in places):
            raise StateError(
                f"shown is {places}; expected places of images, 0 to {len(images) - 1}"
            )
        self._d = next(iter(self._models.values())).latent
        noise = torch.Generator().manual_seed(seed)
        eps = torch.randn(_SAMPLES, self._d, generator=noise)
        arrays: dict[str, Any] = {"eps": eps}
        rows = []
        for i, (beta, model) in enumerate(self._models.items()):
            row, mu = _measure(beta, model, images, labels, seed)
            rows.append(row)
            decoder = decoder_network(model, f"m{i}")
            row["decoder"] = decoder.steps
            arrays |= decoder.arrays
            arrays[f"mu{i}"] = mu[places]
        manifest, weights = pack(arrays, "float32")
        self._count = len(places)
        self._codes = [torch.as_tensor(arrays[f"mu{i}"]) for i in range(len(rows))]
        self._eps = eps
        state = {
            "alt": _ALT,
            "weights": weights,
            "manifest": manifest,
            "models": rows,
            "labels": labels[places].tolist(),
            "pictures": atlas(images[places], bits=8),
            "side": images.shape[-1],
            "place": len(rows) // 2 if place is None else place,
        }
        super().__init__(**state | kwargs)

    @property
    def x_hat(self) -> Tensor:
        """The reconstructions decode(mu) that are shown, (n, 1, 32, 32)."""
        return self._decode(self._codes[self.place])

    @property
    def samples(self) -> Tensor:
        """What is decoded from the fixed draws of N(0, I), (6, 1, 32, 32)."""
        return self._decode(self._eps)

    @property
    def walked(self) -> Tensor:
        """What is decoded from the chosen image's mu, moved in one dimension, (1, 32, 32)."""
        z = self._codes[self.place][self.digit].clone()
        z[self.models[self.place]["order"][self.dimension]] += self.walk
        return self._decode(z[None])[0]

    def _decode(self, z: Tensor) -> Tensor:
        model = list(self._models.values())[self.place]
        with torch.no_grad():
            return model.decode(z)

    def __repr__(self) -> str:
        return f"BetaSlider(models={len(self._models)}, beta={self.models[self.place]['beta']:g})"


_ALT = (
    "Variational autoencoders that differ in the weight beta of the KL, on a curve of squared "
    "error against rate. Along the curve from a small beta to a large one, the rate falls, the "
    "squared error grows, the KL bars of more and more latent dimensions vanish, and "
    "reconstructions and samples blur until they are all alike."
)


def _checked(models: Mapping[float, nn.Module]) -> dict[float, VAE]:
    """Return VAEs by beta, smallest first, or say what does not fit."""
    found: dict[float, VAE] = {}
    for beta in sorted(models):
        model = models[beta]
        if not isinstance(model, VAE):
            raise StateError(f"the model for beta = {beta:g} is a {type(model).__name__}, no VAE")
        found[float(beta)] = model.eval()
    if len(found) < 2:
        raise StateError(f"there are {len(found)} models; a slider needs at least two")
    widths = {model.latent for model in found.values()}
    if len(widths) > 1:
        raise StateError(f"the models have {sorted(widths)} latent dimensions; expected one number")
    return found


def _measure(
    beta: float, model: VAE, images: Tensor, labels: Tensor, seed: int
) -> tuple[dict[str, Any], Tensor]:
    """Return what the page says of one model, and mu of the images (N, d).

    Each image is encoded once; rate and distortion are those of `metrics.rate_distortion` with
    one draw, up to the noise of that draw.
    """
    mu, log_var = metrics.posteriors(model, images)
    noise = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
    drawn = mu + torch.exp(log_var / 2) * noise
    with torch.no_grad():
        error = torch.cat(
            [
                squared_error(model.decode(z), x)
                for z, x in zip(drawn.split(_CHUNK), images.split(_CHUNK), strict=True)
            ]
        )
        x_hat = torch.cat([model.decode(z) for z in mu.split(_CHUNK)])
    kl = metrics.kl_by_dimension(mu, log_var)
    kl, order = kl.sort(descending=True)
    rate = float(kl_to_standard_normal(mu, log_var).double().mean())
    distortion = float(error.double().mean())
    row = {
        "beta": beta,
        "rate": rate,
        "bits": float(nats_to_bits(rate)),
        "distortion": distortion,
        "kl": kl.tolist(),
        "order": order.tolist(),
        "variance": mu.double().var(0)[order].tolist(),
        "log_var": log_var.double().mean(0)[order].tolist(),
        "active": int(metrics.active_units(mu).sum()),
        "informative": int(metrics.informative_units(mu, log_var).sum()),
        "readability": readability.score(x_hat, labels).accuracy,
    }
    if not all(math.isfinite(v) for v in (rate, distortion)):
        raise StateError(f"the model for beta = {beta:g} gives NaN or infinity")
    return row, mu


__all__ = ["BETAS", "MEASURED", "BetaSlider"]
