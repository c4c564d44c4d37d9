"""A slider for each latent dimension of a VAE of shapes, and what each does to the factors."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import metrics
from aeteach.data import shapes
from aeteach.metrics import shape_reader
from aeteach.metrics.factors import correlation
from aeteach.models import VAE
from aeteach.weights import load
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.host import PackedFigure, pack
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.network import network
from aeteach.widgets.kit.traits import WholeWithin, Within

MODEL, READER = "rectangles-vae", "shape-reader"
FACTORS = ("x", "y", "width", "height")
STEPS = 25  # of a traversal, from -3 to 3
_FARTHEST = 3.0  # of a slider, in units of z
_BEYOND = 5.0  # of a code: two sliders at 3, turned back, are at 4.2 in one dimension


class ShapeTraversal(PackedFigure):
    """Move through the latent space of a VAE of shapes, and read the factors off what is decoded.

    The decoder and the shape reader run in the page, from float32 weights with the batch
    normalisation folded in. Two dimensions can be turned: the sliders then move along u = R z,
    the decoder sees z = R^T u, and no image changes. What is computed here is for comparison.

    Args:
        model: a VAE whose decoder `aeteach.widgets.kit.network` knows, with a sigmoid at the end;
            the package's `rectangles-vae` if left out.
        images: x, (N, 1, size, size), of the model's size, whose codes are looked at; the test
            images of `shapes(rectangles=True)` if left out.
        factors: of these, (N, 5): shape, x, y, width, height, in pixels; x and y without the
            margin. Needed with `images`.
        shown: places of the images to start from; two of each shape if left out.
        margin: black pixels that were put around each image.
        pair: the two dimensions that can be turned; if left out, those that correlate most with x
            and with y.

    Attributes:
        start: which of the images shown the sliders started from.
        z: the code that is decoded, d numbers.
        u: what the sliders show, each -3 to 3; z may lie beyond.
        angle: by how much the pair is turned, 0 to 90 degrees.
        dimension: the slider that the traversal moves.

    Raises:
        TypeError, ValueError: a model that the page cannot run, images or factors that do not fit
            it, or a state that there is not.
    """

    _module = "shape_traversal"
    _limits: ClassVar = {"u": (-_FARTHEST, _FARTHEST)}
    decoder = t.List(t.Dict(), help="Steps of the decoder.").tag(sync=True)
    reader = t.List(t.Dict(), help="Steps of the shape reader.").tag(sync=True)
    names = t.List(t.Unicode(), help="What the reader can see.").tag(sync=True)
    pictures = t.Bytes(b"", help="The images to start from, as one PNG.").tag(sync=True)
    captions = t.List(t.Unicode(), help="What each of them shows.").tag(sync=True)
    size = t.Int(0, help="Height and width of an image, in pixels.").tag(sync=True)
    margin = t.Int(0).tag(sync=True)
    pair = t.List(t.Int()).tag(sync=True)
    usual = t.Float(0.0, help="Median distance from a code to the nearest other.").tag(sync=True)
    start = WholeWithin(0, 0, lambda figure: len(figure._starts) - 1)
    z = t.List(t.Float()).tag(sync=True)
    angle = Within(0.0, 0, 90, unit=" degrees")
    dimension = WholeWithin(0, 0, lambda figure: figure._model.latent - 1)

    def __init__(
        self,
        model: nn.Module | None = None,
        images: Tensor | None = None,
        factors: Tensor | None = None,
        *,
        shown: Sequence[int] | None = None,
        margin: int = 2,
        pair: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        if (images is None) != (factors is None):
            raise StateError("images and factors belong together: pass both or neither")
        model = load(MODEL) if model is None else model
        self._reader = load(READER).eval()
        if not isinstance(model, VAE) or not model.sigmoid or model.classes:
            raise StateError("the model must be a VAE with a sigmoid at the end and without labels")
        if images is None or factors is None:
            images, factors = _test_images(margin)
        self._model = model.eval()
        self._factors = _checked(images, factors, model.size)[:, 1:].double()
        self._codes, _ = metrics.posteriors(model, images)
        places = _of_each(factors[:, 0]) if shown is None else list(shown)
        if not places or not all(0 <= p < len(images) for p in places):
            raise StateError(f"shown is {places}; expected places from 0 to {len(images) - 1}")
        self._starts = self._codes[places]
        strongest = correlation(self._factors[:, :2], self._codes).abs().argmax(1)
        turned = strongest.tolist() if pair is None else [int(p) for p in pair]
        d = model.latent
        if pair is None and turned[0] == turned[1]:
            turned[1] = (turned[0] + 1) % d
        if len(set(turned)) != 2 or not all(0 <= p < d for p in turned):
            raise StateError(f"pair is {turned}; expected two of the dimensions 0 to {d - 1}")
        plan, judge = network(model.decoder, "d"), network(self._reader, "r")
        arrays: dict[str, Any] = {**plan.arrays, **judge.arrays, "codes": self._codes}
        arrays |= {"factors": self._factors, "starts": self._starts}
        manifest, weights = pack(arrays, "float32")
        state = {
            "alt": _ALT,
            "weights": weights,
            "manifest": manifest,
            "decoder": plan.steps,
            "reader": judge.steps,
            "names": list(shape_reader.NAMES),
            "pictures": atlas(images[places], bits=8),
            "captions": [shape_reader.NAMES[int(k)] for k in factors[places, 0]],
            "size": model.size,
            "margin": margin,
            "pair": turned,
            "usual": _usual(self._codes),
            "z": self._starts[0].tolist(),
            "dimension": turned[0],
        }
        super().__init__(**state | kwargs)

    @t.validate("z")
    def _check_z(self, proposal: Any) -> list[float]:
        z, d = [float(v) for v in proposal["value"]], self._model.latent
        if len(z) != d or not all(abs(v) <= _BEYOND for v in z):  # NaN fails this too
            raise StateError(f"z is {z}; expected {d} numbers from {-_BEYOND:g} to {_BEYOND:g}")
        return z

    @property
    def rotation(self) -> Tensor:
        """R, (d, d), float64: the sliders show u = R z."""
        R = torch.eye(self._model.latent, dtype=torch.float64)
        i, j = self.pair
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        R[i, i], R[i, j], R[j, i], R[j, j] = c, s, -s, c
        return R

    @property
    def u(self) -> Tensor:
        """What the sliders show, R z, (d,), float64."""
        return self.rotation @ torch.tensor(self.z, dtype=torch.float64)

    @property
    def image(self) -> Tensor:
        """What is decoded from z, (1, size, size)."""
        return self._decode(torch.tensor([self.z]))[0]

    @property
    def traversal(self) -> Tensor:
        """What is decoded while one slider goes from -3 to 3, (25, 1, size, size)."""
        u = self.u.repeat(STEPS, 1)
        u[:, self.dimension] = torch.linspace(-_FARTHEST, _FARTHEST, STEPS, dtype=torch.float64)
        return self._decode((u @ self.rotation).float())

    @property
    def correlation(self) -> Tensor:
        """Correlation of x, y, width and height with what each slider shows, (4, d)."""
        return correlation(self._factors, self._codes.double() @ self.rotation.T)

    @property
    def distance(self) -> float:
        """How far z is from the nearest code of the images."""
        z = torch.tensor(self.z, dtype=torch.float64)
        return float((self._codes.double() - z).norm(dim=1).min())

    @property
    def reading(self) -> Tensor:
        """The probabilities of NAMES that the reader gives the decoded image, (4,).

        As its logits have it, without the temperature of 0.96 that `shape_reader.read` fits: that
        takes seconds, and moves no probability by more than 0.02.
        """
        with torch.no_grad():
            return self._reader(self.image[None])[0].softmax(0)

    def factors_of(self, images: Tensor) -> Tensor:
        """Return x, y, width and height of the bright box, (N, 4), NaN where nothing is bright."""
        boxes = shape_reader.boxes(images)
        found = torch.stack(boxes, 1).double()
        nothing = boxes.width < 0
        found[:, :2] -= self.margin
        found[nothing] = math.nan
        return found

    def _decode(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            return self._model.decode(z)

    def __repr__(self) -> str:
        return f"ShapeTraversal(dimension={self.dimension}, angle={self.angle:g})"


_ALT = (
    "A slider for each latent dimension of a variational autoencoder of white shapes on black. The "
    "decoded image is shown, with the place, width and height of its bright box and with what a "
    "shape reader sees in it; so is what one slider does between -3 and 3, as images and as curves "
    "of the four factors. Two of the dimensions can be turned: the image stays, but each of the "
    "two sliders then changes what both did, and the table of correlations is another one."
)


def _usual(codes: Tensor) -> float:
    """Return the median distance from a code to the nearest of the others."""
    away = torch.cdist(codes.double(), codes.double())
    return float(away.fill_diagonal_(math.inf).min(1).values.median())


def _of_each(labels: Tensor) -> list[int]:
    """Return the places of two images of each shape: a third and two thirds of the way through."""
    places = [(labels == c).nonzero()[:, 0] for c in labels.unique()]
    return [int(rows[len(rows) * k // 3]) for rows in places for k in (1, 2)]


def _test_images(margin: int) -> tuple[Tensor, Tensor]:
    images, factors = shapes("test", rectangles=True)
    return nn.functional.pad(images, [margin] * 4), factors


def _checked(images: Tensor, factors: Tensor, size: int) -> Tensor:
    if size != 32:
        raise StateError(f"the model knows {size} pixels; the figure and its shape reader take 32")
    if images.ndim != 4 or images.shape[1:] != (1, size, size) or len(images) < 3:
        raise StateError(
            f"images have shape {tuple(images.shape)}; expected at least 3 of the model's size, "
            f"(N, 1, {size}, {size})"
        )
    if factors.shape != (len(images), 1 + len(FACTORS)):
        raise StateError(
            f"factors have shape {tuple(factors.shape)}; expected ({len(images)}, 5): shape, x, y, "
            "width, height"
        )
    return factors


__all__ = ["FACTORS", "STEPS", "ShapeTraversal"]
