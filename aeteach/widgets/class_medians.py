"""Ten digits decoded from the medians of their codes, with two, three or four latent numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import traitlets as t
from torch import Tensor, nn

from aeteach import latent
from aeteach.metrics import readability
from aeteach.models import Autoencoder
from aeteach.weights import load
from aeteach.widgets.kit.atlas import atlas
from aeteach.widgets.kit.digits import mnist_test
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError, both_or_neither
from aeteach.widgets.kit.traits import WholeWithin

_CHUNK = 2000  # images encoded at once: bounds the memory, not the result


class ClassMedians(Figure):
    """Decode the median code of each digit, and look at the spread it stands for.

    The images are made here, once, and travel as grey levels 0 to 255; the readers' verdicts are
    those of the exact images.

    Args:
        models: number of latent numbers b -> an autoencoder with so many; the package's `mlp-2`,
            `mlp-3` and `mlp-4` if left out.
        images: x, (N, 1, 32, 32), that are encoded; the 10,000 MNIST test digits if left out.
        labels: the digit that each shows, (N,), int64, every digit at least once; needed with
            `images`.
        readers: whose mean probabilities give the verdict; as for `metrics.readability.read`.
        b: which model to start with.
        digit: which digit to start with, 0 to 9.

    Attributes:
        b: latent numbers of the model shown.
        digit: the digit whose median and quartiles are shown.

    Raises:
        TypeError, ValueError: images, labels or models that do not fit each other, or a `b` or
            `digit` that there is not.
    """

    _module = "class_medians"
    models = t.List(t.Dict(), help="Spread and probabilities, model by model.").tag(sync=True)
    pictures = t.Bytes(b"", help="Ten decoded medians a model, as one PNG.").tag(sync=True)
    side = t.Int(0, help="Height and width of a picture, in pixels.").tag(sync=True)
    b = t.Int(2).tag(sync=True)
    digit = WholeWithin(0, 0, 9)

    def __init__(
        self,
        models: Mapping[int, Autoencoder] | None = None,
        images: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        readers: Sequence[nn.Module] | None = None,
        b: int = 2,
        digit: int = 0,
        **kwargs: Any,
    ) -> None:
        both_or_neither(images=images, labels=labels)
        if images is None or labels is None:
            images, labels = mnist_test()
        if models is None:
            models = {d: load(f"mlp-{d}") for d in (2, 3, 4)}  # type: ignore[misc]
        if not models:
            raise StateError("there is no model; pass at least one, as {2: aeteach.load('mlp-2')}")
        rows, decoded = [], []
        for d, model in sorted(models.items()):
            row, x_hat = _row(d, model, images, labels, readers)
            rows.append(row)
            decoded.append(x_hat)
        self._known = [row["b"] for row in rows]
        state = {
            "alt": _ALT,
            "models": rows,
            "pictures": atlas(torch.cat(decoded), columns=10),
            "side": images.shape[-1],
            "b": b,
            "digit": digit,
        }
        super().__init__(**state | kwargs)

    @t.validate("b")
    def _check_b(self, proposal: Any) -> int:
        if proposal["value"] not in self._known:
            raise StateError(f"b is {proposal['value']}; the models have {self._known} numbers")
        return int(proposal["value"])

    def __repr__(self) -> str:
        return f"ClassMedians(b={self.b}, digit={self.digit})"


_ALT = (
    "Ten digits, each decoded from the median of its codes in every latent dimension, with what "
    "the digit readers make of it. For the digit chosen, its median and its quartiles in each "
    "dimension, among those of the other digits. With more latent numbers, more medians are read "
    "as what they are."
)


def _row(
    d: int,
    model: Autoencoder,
    images: Tensor,
    labels: Tensor,
    readers: Sequence[nn.Module] | None,
) -> tuple[dict[str, Any], Tensor]:
    """Return what the page shows of one model, and its ten decoded medians (10, 1, H, W)."""
    with torch.no_grad():
        z = torch.cat([model.encode(x) for x in images.split(_CHUNK)])
        if z.ndim != 2 or z.shape[1] != d:
            raise StateError(
                f"the model given for b = {d} has codes of shape {tuple(z.shape)}; expected "
                f"({len(images)}, {d})"
            )
        spread = latent.class_quartiles(z, labels)
        x_hat = model.decode(spread.median)
    row = {
        "b": d,
        **{name: values.tolist() for name, values in spread._asdict().items()},
        "probabilities": readability.read(x_hat, readers).probabilities.mean(0).tolist(),
    }
    return row, x_hat
