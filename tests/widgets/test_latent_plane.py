"""The latent plane's Python side: what it packs, what it measures, and what it refuses."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeteach.metrics import readability
from aeteach.models import Autoencoder, ConvReader, DigitReader, LinearAutoencoder, build
from aeteach.models.mlp import mlp_decoder, mlp_encoder
from aeteach.widgets import LatentPlane, Plane
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.latent_plane import some_of_each
from tests.widgets.small import framed_digits, mlp


def small_plane(count: int = 1, **kwargs: Any) -> LatentPlane:
    planes = [Plane(f"model {i}", mlp(seed=i)) for i in range(count)]
    x, labels = framed_digits()
    return LatentPlane(planes, x, labels, **kwargs)


def test_the_point_its_image_and_its_verdict_are_torchs() -> None:
    figure = small_plane(2, z=None)
    for cursor in ([0.0, 0.0], [1.0, 0.25], [0.3, 0.9]):
        figure.cursor = cursor
        for i, z in enumerate(figure.z):
            plane = figure.planes[i]
            expected = [
                low + c * (high - low)
                for low, high, c in zip(plane["low"], plane["high"], cursor, strict=True)
            ]
            assert z.tolist() == pytest.approx(expected, abs=1e-5)
            x_hat = mlp(seed=i).decode(z[None])[0].detach()
            assert torch.equal(figure.x_hat[i][:, 2:-2, 2:-2], x_hat[:, 2:-2, 2:-2])
            assert float(figure.x_hat[i].sum()) == pytest.approx(
                float(x_hat[:, 2:-2, 2:-2].sum()), rel=1e-5
            )
        read = readability.read(figure.x_hat, [readability.readers()[0]]).probabilities[0]
        torch.testing.assert_close(figure.probabilities, read)


def test_the_plane_holds_nearly_all_codes_and_the_cursor_starts_among_them() -> None:
    figure = small_plane()
    z = mlp().encode(framed_digits()[0])
    (plane,) = figure.planes
    low, high = torch.tensor(plane["low"]), torch.tensor(plane["high"])
    assert ((z > low) & (z < high)).float().mean() > 0.9
    torch.testing.assert_close(figure.z[0], z.median(0).values, rtol=1e-4, atol=1e-5)


def test_planes_with_the_same_corners_share_z() -> None:
    x, labels = framed_digits()
    planes = [Plane(f"m{i}", mlp(seed=i), low=(-3, -3), high=(3, 3)) for i in (0, 1)]
    figure = LatentPlane(planes, x, labels, z=(1.5, -0.75))
    assert figure.z[0].tolist() == figure.z[1].tolist() == [1.5, -0.75]
    assert figure.cursor == [0.75, 0.375]


def test_codes_may_be_given() -> None:
    x, labels = framed_digits()
    codes = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    figure = LatentPlane([Plane("given", mlp(), codes=codes)], x, labels)
    offset = figure.manifest["z0"]["offset"]
    stored = np.frombuffer(figure.weights, "<f4", 80, offset).reshape(40, 2)
    assert np.array_equal(stored, codes.numpy())


@pytest.mark.usefixtures("in_page")
def test_the_default_figure_leaves_room_on_its_page() -> None:
    assert 400_000 < len(LatentPlane().page_html()) < 560_000


@pytest.mark.usefixtures("in_page")
@pytest.mark.parametrize("make", [small_plane, lambda: small_plane(2)])
def test_the_same_figure_gives_the_same_html(make: Any) -> None:
    assert make().page_html() == make().page_html()


def test_some_of_each_takes_the_first_in_their_order() -> None:
    labels = torch.tensor([1, 0, 1, 1, 0, 2, 0])
    images = torch.arange(7).float().view(7, 1, 1, 1)
    chosen, names = some_of_each(images, labels, each=2)
    assert chosen.flatten().tolist() == [0, 1, 2, 4, 5]
    assert names.tolist() == [1, 0, 1, 0, 2]


def silu() -> Plane:
    body = nn.Sequential(nn.Linear(2, 1024), nn.SiLU(), nn.Unflatten(1, (1, 32, 32)))
    return Plane("silu", Autoencoder(mlp_encoder(2), body, sigmoid=True))


def no_sigmoid() -> Plane:
    return Plane("bare", Autoencoder(mlp_encoder(2), mlp_decoder(2), sigmoid=False))


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: LatentPlane([silu()], *framed_digits()), StateError, "there is a SiLU among"),
    (lambda: LatentPlane([no_sigmoid()], *framed_digits()), StateError, "has no sigmoid at the"),
    (
        lambda: LatentPlane([Plane("line", LinearAutoencoder(2))], *framed_digits()),
        StateError,
        "LinearAutoencoder has no sigmoid",
    ),
    (
        lambda: LatentPlane([Plane("three", mlp(3))], *framed_digits()),
        StateError,
        r"codes of 'three' have shape \(40, 3\); expected \(40, 2\)",
    ),
    (lambda: LatentPlane([], *framed_digits()), StateError, "there are 0 planes"),
    (lambda: small_plane(3), StateError, "there are 3 planes"),
    (lambda: LatentPlane(digits=framed_digits()[0]), StateError, "pass both or neither"),
    (
        lambda: LatentPlane([Plane("m", mlp(), low=(3, 3), high=(3, 3))], *framed_digits()),
        StateError,
        r"goes from \[3.0, 3.0\] to \[3.0, 3.0\]; expected low < high",
    ),
    (lambda: small_plane(z=(1e6, 0)), StateError, "expected two numbers within the plane"),
    (lambda: small_plane(reader=ConvReader()), TypeError, "runs a DigitReader only"),
    (lambda: small_plane(cursor=[0.5, 1.5]), StateError, "two numbers from 0 to 1"),
    (lambda: small_plane(cursor=[0.5, float("nan")]), StateError, "two numbers from 0 to 1"),
    (lambda: small_plane(zoom=3), StateError, "zoom is 3; expected a power of two, 1 to 32"),
]


@pytest.mark.parametrize(("make", "kind", "message"), REFUSED)
def test_what_cannot_be_shown_is_refused_by_name(
    make: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_a_refused_cursor_leaves_the_old_one() -> None:
    figure = small_plane(cursor=[0.25, 0.75])
    with pytest.raises(StateError, match="two numbers from 0 to 1"):
        figure.cursor = [2.0, 0.0]
    assert figure.cursor == [0.25, 0.75]
    assert repr(figure) == "LatentPlane(planes=1, cursor=(0.25, 0.75))"


def own_plane(
    names: tuple[str, ...] = ("sky", "leaf"), side: int = 8, **kwargs: Any
) -> LatentPlane:
    size = (3, side, side)
    pixels = torch.rand(12, *size, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(12) % len(names)
    model = build("mlp", seed=0, latent=2, size=size, hidden=(16,))
    several = len(names) > 1
    reader = build("reader", seed=0, size=size, classes=len(names)).eval() if several else None
    pictures = (255 * pixels).round() / 255
    given = {"reader": reader, "names": names} | kwargs
    return LatentPlane([Plane("mine", model)], pictures, labels, **given)


def test_own_pictures_keep_their_colours_and_their_reader() -> None:
    figure = own_plane()
    assert figure.x_hat.shape == (1, 3, 8, 8)
    reader = build("reader", seed=0, size=(3, 8, 8), classes=2).eval()
    with torch.no_grad():
        expected = reader(figure.x_hat).softmax(1)
    torch.testing.assert_close(figure.probabilities, expected)
    place = figure.manifest["pictures"]
    assert place["dtype"] == "grey"
    stored = np.frombuffer(figure.weights, np.uint8, 12 * 192, place["offset"])
    pixels = torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(stored, (255 * pixels).round().byte().flatten().numpy())
    assert figure.names == ["sky", "leaf"]


def test_one_class_needs_no_reader() -> None:
    figure = own_plane(("a picture",))
    assert not [name for name in figure.manifest if name.startswith("reader")]
    with pytest.raises(StateError, match="there is one class"):
        _ = figure.probabilities


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: own_plane(names=("a", "b", "c"), reader=DigitReader()), "tells 10 classes apart"),
        (lambda: own_plane(reader=None), "there is no reader; there are 2 names"),
    ],
)
def test_own_pictures_and_reader_must_fit(make: Any, message: str) -> None:
    with pytest.raises(StateError, match=message):
        make()
