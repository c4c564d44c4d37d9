"""The latent plane of pictures that are no digits: their colours, their classes, their reader."""

from typing import Any

import numpy as np
import pytest
import torch

from aeteach.models import build
from aeteach.widgets import LatentPlane, Plane
from tests.browser.conftest import Show
from tests.browser.driver import WAYS, Drag, FigureDriver, close

NAMES = ("sky", "leaf", "sand")
SIZE = (3, 8, 8)


def pictures() -> torch.Tensor:
    noise = torch.rand(30, *SIZE, generator=torch.Generator().manual_seed(0))
    return (255 * noise).round() / 255


def model() -> Any:
    return build("mlp", seed=0, latent=2, size=SIZE, hidden=(16,))


def reader() -> Any:
    return build("reader", seed=0, size=SIZE, classes=3).eval()


def own() -> LatentPlane:
    labels = torch.arange(30) % 3
    return LatentPlane([Plane("mine", model())], pictures(), labels, reader=reader(), names=NAMES)


def unlabelled() -> LatentPlane:
    plane = Plane("mine", model())
    return LatentPlane([plane], pictures(), torch.zeros(30).long(), names=("a picture",))


def check(figure: FigureDriver) -> torch.Tensor:
    """Everything shown belongs to the z that the sliders name; returns that z."""
    z = torch.tensor([[figure.value("z0-0"), figure.value("z1-0")]])
    with torch.no_grad():
        x_hat, codes = model().decode(z), model().encode(pictures())
        p = reader()(x_hat).softmax(1)[0]
    close([figure.value(f"p{d}-0") for d in range(3)], p, 1e-3)  # 16 bits a weight
    verdict = int(p.argmax())
    shown = f"{NAMES[verdict]} ({100 * figure.value(f'p{verdict}-0'):.1f} %)"
    assert figure.text("verdict-0") == shown
    place = int((codes - z).norm(dim=1).argmin())
    assert figure.text("label-0") == NAMES[place % 3]
    canvases = figure.root.locator(".ae-pictures canvas")
    for i, image in ((0, x_hat[0]), (1, pictures()[place])):
        pixels = figure.pixels(canvases.nth(i))[..., :3]
        assert np.abs(pixels - 255 * image.permute(1, 2, 0).numpy()).max() <= 1.01
    return z[0]


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_own_pictures_are_shown_in_colour_and_read_by_their_reader(
    look: Show, options: dict[str, Any], drag: Drag
) -> None:
    figure = look(own, **options)
    first = check(figure)
    (plane,) = own().planes
    target = [
        low + 0.8 * (high - low) for low, high in zip(plane["low"], plane["high"], strict=True)
    ]
    drag(figure, figure.handle("cursor"), *figure.to_window(0, *target))
    moved = check(figure)
    assert not torch.equal(first, moved)
    width = plane["high"][0] - plane["low"][0]
    assert moved.tolist() == pytest.approx(target, abs=0.02 * width)
    text = figure.root.inner_text()
    assert "test digit" not in text
    assert all(name in text for name in NAMES)


def test_pictures_of_one_class_are_not_read(look: Show) -> None:
    figure = look(unlabelled)
    text = figure.root.inner_text()
    assert "the reader says" not in text
    assert figure.text("label-0") == "a picture"
    assert float(figure.value("distance-0")) >= 0
