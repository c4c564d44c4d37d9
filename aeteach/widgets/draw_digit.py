"""Draw a digit: encoded to a Gaussian, decoded and read by every model of the book, in the page."""

import copy
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import latent
from aeteach.data.drawing import FIELD, PAD, PEN, Stroke, as_mnist, checked_stroke, ink
from aeteach.divergences import kl_to_standard_normal
from aeteach.metrics import readability
from aeteach.models import VAE, Autoencoder
from aeteach.weights import load
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.digits import mnist_test
from aeteach.widgets.kit.host import PackedFigure, kept_in_eight_bits, pack
from aeteach.widgets.kit.inputs import Numbers, StateError, both_or_neither
from aeteach.widgets.kit.network import (
    LARGE,
    Network,
    kept_numbers,
    network,
    without_frame,
    without_frame_in,
)
from aeteach.widgets.kit.reader import reader_network
from aeteach.widgets.kit.traits import PointWithin, WholeWithin
from aeteach.widgets.latent_plane import MARGIN, some_of_each

# Name in the figure -> trained model. The fully connected CVAE would be too heavy for the page.
SHIPPED = {"AE": "mlp-2", "VAE": "vae-2", "CVAE": "conv-cvae-fixed"}
READER = -1  # the label to tell: what the reader makes of the drawing
_START = 4  # the preset shown first
_EACH = 40  # test digits of each class behind the drawing's own code
_SIDE = FIELD + 2 * MARGIN


class Seen(NamedTuple):
    """What one model makes of the drawing.

    Attributes:
        x: the drawing as the model gets it, (1, 1, 32, 32).
        y: the label it is told; None for a model without a condition.
        mu: mean of q(z|x), or the code of a model without a distribution, (1, 2).
        log_var: logarithm of its variances, (1, 2); None for a model without a distribution.
        z: mu + sigma eps, (1, 2), which is decoded.
        x_hat: the reconstruction, its frame of 2 pixels black, (1, 1, 32, 32).
        squared_error: between x and x_hat, summed over pixels.
        kl: KL(q(z|x) || N(0, I)), nats; None for a model without a distribution.
        drawing: the reader's probabilities for x, (10,).
        reconstruction: the reader's probabilities for x_hat, (10,).
    """

    x: Tensor
    y: int | None
    mu: Tensor
    log_var: Tensor | None
    z: Tensor
    x_hat: Tensor
    squared_error: float
    kl: float | None
    drawing: Tensor
    reconstruction: Tensor


class DrawDigit(PackedFigure):
    r"""Draw a digit by mouse, finger or keyboard, and see what autoencoders make of it.

    The drawing is scaled and centred by the rule of `aeteach.data.drawing.as_mnist`, encoded,
    moved to z = mu + sigma eps, decoded, and read by a digit reader, all of it in the page.

    **Weights.** Matrices of 20,000 numbers or more are kept with 8 bits a number
    (`host.eight_bits`), other layers as float16, and a convolution with a normalisation folded
    into it as float32. The frame of 2 pixels around the digits, always black, is left out of
    the matrices that take or make pixels, and out of every reconstruction. `look` says what the
    page shows, computed by torch with the same weights.

    Args:
        models: name -> a model with two latent numbers: an `Autoencoder`, a `VAE`, or a `VAE` with
            a condition, made of layers that `network` knows; those in `SHIPPED` if left out.
        digits: x, (N, 1, 32, 32), points of the plane; the first of each class is a preset. The
            first 40 of each class of the MNIST test digits if left out.
        labels: the digit that each shows, (N,), int64; needed with `digits`.
        reader: 1024-50-10, without dropout in use; the package's `reader-0` if left out.

    Attributes:
        preset: the place of the preset on the sheet, test digits first, then `drawn` strokes;
            -1 for none.
        strokes: drawn on top of it: each a list of points [x, y], shares of the sheet's sides
            from its upper left corner.
        model: the name of the one whose plane is shown.
        eps: two numbers from -3 to 3, in standard deviations of q(z|x).
        label: told to models with a condition, -1 to 9; -1 for the reader's verdict on the drawing.

    Raises:
        TypeError, ValueError: models the page cannot run, digits or labels out of range, or a
            state that is none.
    """

    _module = "draw_digit"
    models = t.List(t.Dict(), help="Name, layers and corners of each.").tag(sync=True)
    labels = t.List(t.Int(), help="Of the points of the planes.").tag(sync=True)
    presets = t.List(t.Int(), help="Labels of the test digits to start from.").tag(sync=True)
    pictures = t.Bytes(b"", help="These, without their frame, as one PNG.").tag(sync=True)
    drawn = t.List(t.Dict(), help="Name and strokes of other presets.").tag(sync=True)
    sheet = t.Int(PAD, help="Height and width of the sheet, in pixels.").tag(sync=True)
    pen = t.Float(PEN, help="Radius of the pen, as a share of the sheet.").tag(sync=True)
    preset = WholeWithin(_START, -1, lambda figure: len(figure._pictures) + len(DRAWN) - 1)
    strokes = Numbers(help="Points [x, y] of every stroke.").tag(sync=True)
    model = t.Unicode("").tag(sync=True)
    eps = PointWithin([0.0, 0.0], -3, 3)
    label = WholeWithin(READER, READER, 9)

    def __init__(
        self,
        models: Mapping[str, nn.Module] | None = None,
        digits: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        reader: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        both_or_neither(digits=digits, labels=labels)
        if digits is None or labels is None:
            digits, labels = some_of_each(*mnist_test(), each=_EACH)
        if models is None:
            models = {name: load(shipped) for name, shipped in SHIPPED.items()}
        if not models:
            raise StateError("there is no model; pass at least one by name")
        reader = readability.readers()[0] if reader is None else reader
        self._models: dict[str, Any] = {
            name: rounded(_checked(name, m)) for name, m in models.items()
        }
        judge = reader_network(reader, MARGIN)
        arrays, kinds = dict(judge.arrays), dict(judge.kinds)
        specs = []
        for i, (name, model) in enumerate(self._models.items()):
            spec, nets = _spec(name, model, f"m{i}")
            codes = _codes(model, digits, labels)
            low, high = latent.bounds(codes)
            room = 0.05 * (high - low)
            spec |= {"low": (low - room).tolist(), "high": (high + room).tolist()}
            specs.append(spec)
            arrays[f"m{i}/z"] = codes
            for net in nets:
                arrays |= net.arrays
                kinds |= net.kinds
        self._reader = rounded(reader)
        manifest, weights = pack(arrays, kinds)
        first = [int((labels == c).nonzero()[0]) for c in labels.unique()]
        self._pictures = digits[first]
        state: dict[str, Any] = {
            "alt": "A sheet to draw a digit on. The drawing, scaled and centred like the digits of "
            f"MNIST, is encoded, decoded and read again by {', '.join(models)}. A plane of two "
            "latent numbers shows where it is encoded, as a point or as a Gaussian, among test "
            "digits as coloured points; a table gives reconstruction error, KL and what a digit "
            "reader sees.",
            "weights": weights,
            "manifest": manifest,
            "models": specs,
            "labels": labels.tolist(),
            "presets": labels[first].tolist(),
            "pictures": atlas(self._pictures[..., MARGIN:-MARGIN, MARGIN:-MARGIN]),
            "drawn": [{"name": name, "strokes": strokes} for name, strokes in DRAWN.items()],
            "preset": min(_START, len(first) - 1),
            "strokes": [],
            "model": "VAE" if "VAE" in models else next(iter(models)),
        }
        super().__init__(**state | kwargs)

    @t.validate("strokes")
    def _check_strokes(self, proposal: Any) -> list[Stroke]:
        try:
            return [checked_stroke(stroke) for stroke in proposal["value"]]
        except TypeError as error:
            raise StateError(f"strokes are no lists of points ({error})") from None
        except ValueError as error:
            raise StateError(str(error)) from None

    @t.validate("model")
    def _check_model(self, proposal: Any) -> str:
        if proposal["value"] not in self._models:
            raise StateError(f"model is {proposal['value']!r}; there are {', '.join(self._models)}")
        return str(proposal["value"])

    def drawing(self) -> Tensor:
        """Return the sheet, (224, 224), 0 (paper) to 1 (ink)."""
        sheet = ink(self.strokes)
        test_digits = len(self._pictures)
        if self.preset >= test_digits:
            return torch.maximum(sheet, ink(list(DRAWN.values())[self.preset - test_digits]))
        if self.preset < 0:
            return sheet
        small = self._pictures[self.preset, 0, MARGIN:-MARGIN, MARGIN:-MARGIN]
        times = PAD // FIELD
        large = small.repeat_interleave(times, 0).repeat_interleave(times, 1)
        return torch.maximum(sheet, large)

    def look(self, name: str | None = None) -> Seen:
        """Return what a model makes of the drawing.

        Args:
            name: of the model; the one whose plane is shown if left out.

        Raises:
            ValueError: nothing is drawn, or there is no such model.
        """
        name = self.model if name is None else name
        if name not in self._models:
            raise StateError(f"there is no model {name!r}, only {', '.join(self._models)}")
        return self.see(name, as_mnist(self.drawing(), size=_SIDE))

    def see(self, name: str, x: Tensor) -> Seen:
        """Return what a model makes of an image x, (1, 1, 32, 32), with the figure's eps and label.

        Args:
            name: of the model.
            x: in [0, 1], its frame of 2 pixels black.
        """
        model = self._models[name]
        drawing = readability.read(x, [self._reader]).probabilities[0, 0]
        conditional = isinstance(model, VAE) and model.classes > 0
        y = (int(drawing.argmax()) if self.label == READER else self.label) if conditional else None
        told = () if y is None else (torch.tensor([y]),)
        log_var = None
        with torch.no_grad():
            if isinstance(model, VAE):
                mu, log_var = model.posterior(x, *told)
                z = mu + torch.exp(log_var / 2) * torch.tensor([self.eps])
            else:
                z = mu = model.encode(x)
            inner = model.decode(z, *told)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        x_hat = nn.functional.pad(inner, [MARGIN] * 4)
        return Seen(
            x,
            y,
            mu,
            log_var,
            z,
            x_hat,
            float((x - x_hat).double().square().sum()),
            None if log_var is None else float(kl_to_standard_normal(mu, log_var)),
            drawing,
            readability.read(x_hat, [self._reader]).probabilities[0, 0],
        )

    def __repr__(self) -> str:
        return f"DrawDigit({', '.join(self._models)})"


# ---------------------------------------------------------------- presets


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[list[float]]:
    """Return 25 points of an ellipse around (x, y), from one angle to another, in degrees."""
    turns = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [[round(x + rx * math.cos(a), 4), round(y + ry * math.sin(a), 4)] for a in turns]


# Shapes that MNIST has few of, or none.
DRAWN: dict[str, list[Stroke]] = {
    "a three in two arcs": [
        _arc(0.48, 0.34, 0.18, 0.16, -160, 90),
        _arc(0.48, 0.68, 0.22, 0.18, -90, 160),
    ],
    "a seven with a bar": [[[0.3, 0.2], [0.72, 0.2], [0.42, 0.85]], [[0.38, 0.53], [0.68, 0.53]]],
    "a four, open at the top": [
        [[0.36, 0.2], [0.3, 0.55], [0.72, 0.55]],
        [[0.64, 0.28], [0.58, 0.85]],
    ],
    "a house, which is no digit": [
        [[0.3, 0.8], [0.3, 0.45], [0.5, 0.22], [0.7, 0.45], [0.7, 0.8], [0.3, 0.8]],
        [[0.3, 0.45], [0.7, 0.45]],
    ],
}


# ---------------------------------------------------------------- what the page computes with


def rounded(model: nn.Module) -> Any:
    """Return a copy with the weights that the page keeps.

    Matrices of 20,000 numbers or more take whole steps of 1/127 of the largest number in their
    row, all others the nearest float16. The columns of a first layer that see the black frame are
    set to 0: it does not matter, and the steps get finer.

    Args:
        model: an `Autoencoder`, or a reader.
    """
    model = copy.deepcopy(model).eval()
    first = _first(model)
    with torch.no_grad():
        if isinstance(first, nn.Linear):
            framed = torch.ones(first.in_features, dtype=torch.bool)
            framed[kept_numbers(first.in_features, MARGIN)] = False
            first.weight[:, framed] = 0
        for part in model.modules():
            if not isinstance(part, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                continue
            if part.weight.ndim == 2 and part.weight.numel() >= LARGE:
                part.weight.copy_(
                    torch.from_numpy(kept_in_eight_bits(part.weight.detach().numpy()))
                )
            else:
                part.weight.copy_(part.weight.half().float())
            if part.bias is not None:
                part.bias.copy_(part.bias.half().float())
    return model


def _spec(name: str, model: Any, prefix: str) -> tuple[dict[str, Any], list[Network]]:
    """Return how the page runs a model, and its networks."""
    told = list(model.told) if isinstance(model, VAE) else []
    encoder = network(model.encoder, f"{prefix}/e")
    if _sees_pixels(model):
        encoder = without_frame_in(encoder, MARGIN)
    decoder = without_frame(network(model.decoder, f"{prefix}/d"), MARGIN)
    if model.sigmoid:
        decoder.steps.append({"op": "sigmoid"})
    heads = []
    if isinstance(model, VAE):
        parts: Any = model.heads
        heads = [network(parts.mu, f"{prefix}/mu"), network(parts.log_var, f"{prefix}/lv")]
    spec = {
        "name": name,
        "prefix": prefix,
        "framed": not _sees_pixels(model),
        "encoder": encoder.steps,
        "heads": bool(heads),
        "decoder": decoder.steps,
        "classes": model.classes if isinstance(model, VAE) else 0,
        "told": told,
    }
    return spec, [encoder, decoder, *heads]


def _sees_pixels(model: nn.Module) -> bool:
    """Return whether a model's first layer is a matrix that takes the flat image."""
    return isinstance(_first(model), nn.Linear)


def _first(model: Any) -> nn.Module:
    """Return the first layer that computes anything."""
    body = model.encoder if isinstance(model, Autoencoder) else model
    parts = [p for p in body.modules() if not list(p.children())]
    return next(p for p in parts if not isinstance(p, nn.Flatten))


def _checked(name: str, model: nn.Module) -> nn.Module:
    if not isinstance(model, Autoencoder):
        raise TypeError(
            f"{name!r} is a {type(model).__name__}; the figure runs an Autoencoder, or a VAE"
        )
    return model


def _codes(model: Any, digits: Tensor, labels: Tensor) -> Tensor:
    """Return the codes of the test digits, each with its own label, (N, 2)."""
    told = (labels,) if isinstance(model, VAE) and model.classes else ()
    with torch.no_grad():
        codes = model.encode(digits, *told)
    if codes.shape != (len(digits), 2):
        raise StateError(
            f"a model's codes have shape {tuple(codes.shape)}; expected ({len(digits)}, 2): the "
            "figure shows a plane, so each digit needs two numbers"
        )
    return codes


__all__ = ["DRAWN", "SHIPPED", "DrawDigit", "Seen", "rounded"]
