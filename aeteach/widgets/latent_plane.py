"""The latent plane under the cursor: every point of it decoded and read, live, in the page."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import latent
from aeteach.metrics import readability
from aeteach.models import Autoencoder, DigitReader
from aeteach.weights import load
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.digits import mnist_test
from aeteach.widgets.kit.host import PackedFigure, are_grey_levels, kept_in_eight_bits, pack
from aeteach.widgets.kit.inputs import StateError, both_or_neither
from aeteach.widgets.kit.network import Network, decoder_network
from aeteach.widgets.kit.reader import reader_network
from aeteach.widgets.kit.traits import PointWithin, WholeWithin

MARGIN = 2  # the digits are 28 x 28 in a black frame, which the page need not carry
_EACH = 40  # test digits of each class: 400 pictures cost 50 kB


class Plane(NamedTuple):
    """A trained autoencoder with two latent numbers, and the part of its plane to show.

    Attributes:
        title: written over the plane.
        model: its decoder is made of fully connected layers with ReLU between them.
        codes: of the digits of the figure, (N, 2); `model.encode(digits)` if left out.
        low: lower left corner of the part shown; taken from the codes if left out.
        high: upper right corner, likewise.
    """

    title: str
    model: Autoencoder
    codes: Tensor | None = None
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


class LatentPlane(PackedFigure):
    """Move a cursor over one latent plane, or over two at once, and see what is decoded there.

    With `names`, the pictures are a reader's own: squares of any size, grey or in colour, without a
    frame, of as many classes as there are names.

    The decoders (float16 weights) and a digit reader run in the page. Two planes share the cursor:
    it stands at the same share of the width and height of both. Give them the same `low` and
    `high`, and it is the same z.

    The frame of 2 pixels around the digits, black in every one of them, is neither decoded nor
    read; what `mlp-2` leaves there, less than 0.005 for any test digit, changes no verdict.

    **Light decoders.** The matrix to the pixels is nine tenths of a decoder. With `light=True` it
    is kept with 8 bits a weight in place of 16 (`host.eight_bits`), which halves the page's share
    of two decoders. `x_hat` and `probabilities` then say what the page shows. Of `mlp-2` and
    `vae-2`, over 2,000 points of each plane and 2,000 test digits, a pixel is off by 0.0018 and
    0.0012 (root mean square), by 0.15 at most, and the reader's verdict is another at no more than
    two points in a thousand.

    Args:
        models: one or two planes; the nonlinear autoencoder `mlp-2` if left out.
        digits: x, (N, 1, 32, 32), shown as points; the first 40 of each class of the MNIST test
            digits if left out.
        labels: the digit that each shows, (N,), int64; needed with `digits`.
        reader: 1024-50-10, without dropout in use; the package's `reader-0` if left out.
        z: where the cursor starts, in the units of the first plane; at the median code if left
            out.
        names: of the classes, where the pictures are no digits; with one alone nothing is read.
        light: keep the decoders with fewer bits, for a page that must hold two of them.

    Attributes:
        cursor: where it is, [u, v], each 0 to 1, from the lower left to the upper right corner.
        zoom: 1 to 32, a power of two: the figure shows 1 / zoom of the width and height, around
            the cursor.

    Raises:
        TypeError, ValueError: models the page cannot decode, digits or labels out of range, or a
            cursor outside the plane.
    """

    _module = "latent_plane"
    planes = t.List(t.Dict(), help="Title, corners and steps of each.").tag(sync=True)
    names = t.List(t.Unicode(), help="Of the classes; empty for the digits.").tag(sync=True)
    labels = t.List(t.Int()).tag(sync=True)
    pictures = t.Bytes(b"", help="The digits, without their frame, as one PNG.").tag(sync=True)
    side = t.Int(0, help="Height and width of a picture, in pixels.").tag(sync=True)
    cursor = PointWithin([0.5, 0.5], 0, 1, unit=", shares of the plane's width and height")
    zoom = WholeWithin(1, 1, 32, help="Shows 1 / zoom of the plane's width and height.")

    def __init__(
        self,
        models: Sequence[Plane] | None = None,
        digits: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        reader: DigitReader | None = None,
        z: Sequence[float] | None = None,
        names: Sequence[str] = (),
        light: bool = False,
        **kwargs: Any,
    ) -> None:
        both_or_neither(digits=digits, labels=labels)
        if digits is None or labels is None:
            digits, labels = some_of_each(*mnist_test(), each=_EACH)
        if models is None:
            models = [Plane("nonlinear autoencoder", _shipped("mlp-2"))]
        if not 1 <= len(models) <= 2:
            raise StateError(f"there are {len(models)} planes; a figure shows one or two")
        self._models = [_complete(plane, digits) for plane in models]
        if light:
            self._models = [p._replace(model=_rounded(p.model)) for p in self._models]
        self._margin = 0 if names else MARGIN
        own = _own(digits, labels, names, reader) if names else {}
        self._reader = reader if reader is not None or names else readability.readers()[0]
        arrays: dict[str, Any] = {}
        nets: list[Network] = []
        for i, plane in enumerate(self._models):
            nets.append(decoder_network(plane.model, f"d{i}", self._margin))
            arrays |= nets[i].arrays
            arrays[f"z{i}"] = plane.codes
        if self._reader is not None:
            nets.append(reader_network(self._reader, self._margin))
            arrays |= nets[-1].arrays
        kinds = {f"z{i}": "float32" for i in range(len(self._models))}
        if light:
            kept = nets if names else nets[: len(self._models)]
            kinds |= {name: "int8" for net in kept for name in net.large}
        if names:
            arrays["pictures"], kinds["pictures"] = digits.flatten(1), _fewest(digits)
        manifest, weights = pack(arrays, kinds)
        state = {
            "alt": _ALT[len(models) - 1],
            "weights": weights,
            "manifest": manifest,
            "planes": [_described(*pair) for pair in zip(self._models, nets, strict=False)],
            "labels": labels.tolist(),
            "pictures": b"" if names else atlas(_inner(digits), bits=4),
            "side": digits.shape[-1] - 2 * self._margin,
            **own,
        }
        middle = self._models[0].codes.median(0).values  # type: ignore[union-attr]
        state["cursor"] = self._share(middle.tolist() if z is None else z)
        super().__init__(**state | kwargs)

    @t.validate("zoom")
    def _check_zoom(self, proposal: Any) -> int:
        zoom: int = proposal["value"]
        if zoom.bit_count() != 1:
            raise StateError(f"zoom is {zoom}; expected a power of two, 1 to 32")
        return zoom

    @property
    def z(self) -> Tensor:
        """The point under the cursor in each plane, (planes, 2), float32."""
        low = torch.stack([torch.tensor(plane.low) for plane in self._models])
        high = torch.stack([torch.tensor(plane.high) for plane in self._models])
        return low + torch.tensor(self.cursor) * (high - low)

    @property
    def x_hat(self) -> Tensor:
        """What each model decodes there, (planes, 1, 32, 32); the frame of 2 pixels is black.

        Pictures of one's own, with `names`, have their own channels and size, and no frame.
        """
        with torch.no_grad():
            made = [p.model.decode(z[None]) for p, z in zip(self._models, self.z, strict=True)]
        if not self._margin:
            return torch.cat(made)
        inner = _inner(torch.cat(made))
        return torch.nn.functional.pad(inner, [MARGIN] * 4)

    @property
    def probabilities(self) -> Tensor:
        """What the reader says of these images, (planes, classes)."""
        if self.names:
            if self._reader is None:
                raise StateError("the figure has no reader: there is one class")
            with torch.no_grad():
                return self._reader.eval()(self.x_hat).softmax(1)
        assert self._reader is not None  # the digits always have one
        return readability.read(self.x_hat, [self._reader]).probabilities[0]

    def _share(self, z: Sequence[float]) -> list[float]:
        """Return where a point of the first plane lies, as shares of its width and height."""
        low, high = (torch.tensor(end) for end in (self._models[0].low, self._models[0].high))
        point = torch.as_tensor(z, dtype=torch.float32).flatten()
        if point.shape != (2,) or not bool(((point >= low) & (point <= high)).all()):
            raise StateError(
                f"z is {point.tolist()}; expected two numbers within the plane, "
                f"from {low.tolist()} to {high.tolist()}"
            )
        return ((point - low) / (high - low)).tolist()

    def __repr__(self) -> str:
        u, v = self.cursor
        return f"LatentPlane(planes={len(self._models)}, cursor=({u:.2f}, {v:.2f}))"


_READ = (
    "The point under the cursor is decoded, the image is read by a digit reader, and the nearest "
    "test digit is shown beside it with its distance."
)
_ALT = (
    "A plane of two latent numbers with test digits as coloured points, in clusters that touch "
    f"and leave holes. {_READ}",
    "Two planes of two latent numbers with test digits as coloured points, and one cursor over "
    f"both. {_READ}",
)
_ALT_OWN = (
    "A plane of two latent numbers with held-out pictures as coloured points. The point under the "
    "cursor is decoded, and the nearest held-out picture is shown beside it with its distance."
)


def _own(
    pictures: Tensor, labels: Tensor, names: Sequence[str], reader: DigitReader | None
) -> dict[str, Any]:
    """Return what a figure of one's own pictures has in its state; refuse what it cannot show."""
    if pictures.shape[-1] != pictures.shape[-2] or pictures.shape[1] not in (1, 3):
        raise StateError(
            f"the pictures are {tuple(pictures.shape[1:])}; the page shows squares, grey or of "
            "three colours: make them so, as data.folder(path, size=32) does"
        )
    if int(labels.min()) < 0 or int(labels.max()) >= len(names):
        raise StateError(
            f"labels go from {int(labels.min())} to {int(labels.max())}; there are {len(names)} "
            "names"
        )
    told = 1 if reader is None else reader.layers[-1].out_features
    if told != len(names):
        what = "there is no reader" if reader is None else f"the reader tells {told} classes apart"
        raise StateError(f"{what}; there are {len(names)} names")
    return {"names": list(names), "alt": _ALT_OWN}


def _fewest(pictures: Tensor) -> str:
    """Return how pixels are packed: a byte each if that changes none."""
    return "grey" if are_grey_levels(pictures.numpy(force=True)) else "float16"


def some_of_each(images: Tensor, labels: Tensor, each: int = _EACH) -> tuple[Tensor, Tensor]:
    """Return the first few images of every class and their labels, in the images' order."""
    places = torch.cat([(labels == c).nonzero().flatten()[:each] for c in labels.unique()])
    places = places.sort().values
    return images[places], labels[places]


def _inner(images: Tensor) -> Tensor:
    """Return images without their frame."""
    return images[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def _complete(plane: Plane, digits: Tensor) -> Plane:
    """Return a plane with its codes and corners filled in, or say what does not fit."""
    with torch.no_grad():
        codes = plane.model.encode(digits) if plane.codes is None else plane.codes.detach()
    if codes.shape != (len(digits), 2):
        raise StateError(
            f"the codes of {plane.title!r} have shape {tuple(codes.shape)}; expected "
            f"({len(digits)}, 2): two numbers for each digit"
        )
    low, high = latent.bounds(codes)
    room = 0.05 * (high - low)
    low = _corner(plane.low) if plane.low is not None else low - room
    high = _corner(plane.high) if plane.high is not None else high + room
    if not bool((low < high).all()):
        raise StateError(
            f"{plane.title!r} goes from {low.tolist()} to {high.tolist()}; expected low < high"
        )
    return plane._replace(codes=codes, low=low.tolist(), high=high.tolist())


def _corner(values: Sequence[float]) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


def _described(plane: Plane, decoder: Network) -> dict[str, Any]:
    return {"title": plane.title, "low": plane.low, "high": plane.high, "steps": decoder.steps}


def _rounded(model: Autoencoder) -> Autoencoder:
    """Return a copy whose matrix to the pixels is what 8 bits a weight keep of it."""
    model = copy.deepcopy(model)
    *_, last = (p for p in model.decoder.modules() if isinstance(p, nn.Linear))
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(kept_in_eight_bits(last.weight.detach().numpy())))
    return model


def _shipped(name: str) -> Autoencoder:
    model = load(name)
    assert isinstance(model, Autoencoder)
    return model


__all__ = [
    "MARGIN",
    "LatentPlane",
    "Plane",
    "some_of_each",
]
