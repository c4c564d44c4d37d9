"""The planes of an autoencoder and a VAE under one cursor, moved and held to torch."""

import base64
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from aeteach import load
from aeteach.data import mnist
from aeteach.latent import bounds, nearest_code
from aeteach.metrics import readability
from aeteach.widgets import LatentPlane, Plane
from aeteach.widgets.kit.host import bundle
from tests.browser.conftest import Show
from tests.browser.driver import WAYS, Drag, FigureDriver, close

NAMES = ("mlp-2", "vae-2")


@cache
def some() -> tuple[torch.Tensor, torch.Tensor]:
    images, labels, _ = mnist("test")
    return images[:80], labels[:80]


@cache
def decoders() -> list[Any]:
    """The shipped models with the matrix to the pixels in 8 bits, rounded here once more."""
    models = [load(name) for name in NAMES]
    for model in models:
        weight = model.decoder[-2].weight  # type: ignore[index, union-attr]
        exact = weight.detach().double()
        scale = (exact.abs().amax(1, keepdim=True) / 127).float().double()
        with torch.no_grad():
            weight.copy_((exact / scale).round() * scale)
    return models


def two_planes() -> LatentPlane:
    titles = ("autoencoder", "VAE")
    models: Any = [Plane(t, load(n)) for t, n in zip(titles, NAMES, strict=True)]  # type: ignore[arg-type]
    return LatentPlane(models, *some(), light=True)


@pytest.fixture
def show(look: Show) -> Show:
    return partial(look, two_planes)


def check(figure: FigureDriver) -> list[torch.Tensor]:
    """Both sides say what torch says at the z of their sliders; returns the two z."""
    x, labels = some()
    places = []
    for i, model in enumerate(decoders()):
        z = torch.tensor([[figure.value(f"z{j}-{i}") for j in (0, 1)]])
        with torch.no_grad():
            codes = model.encode(x)
            inner = model.decode(z)[..., 2:-2, 2:-2]
        x_hat = torch.nn.functional.pad(inner, [2] * 4)
        p = readability.read(x_hat, [readability.readers()[0]]).probabilities[0, 0]
        shown = [figure.value(f"p{d}-{i}") for d in range(10)]
        close(shown, p, 1e-5)
        verdict = int(p.argmax())
        assert figure.value(f"verdict-{i}") == verdict
        assert figure.text(f"verdict-{i}") == f"{verdict} ({100 * shown[verdict]:.1f} %)"
        found = nearest_code(z, codes)
        assert figure.value(f"distance-{i}") == pytest.approx(float(found.distance), abs=2e-4)
        assert figure.text(f"label-{i}") == f"a {int(labels[found.place])}"
        grey = figure.pixels(figure.root.locator(".ae-pictures canvas").nth(2 * i))[..., 0]
        assert np.abs(grey - 255 * inner[0, 0].numpy()).max() <= 1
        low, high = bounds(codes)
        room = 0.05 * (high - low)
        places.append((z[0] - low + room) / (high - low + 2 * room))
    close(places[0], places[1], 1e-5)  # one cursor: the same share of both planes
    return [torch.tensor([figure.value(f"z{j}-{i}") for j in (0, 1)]) for i in (0, 1)]


MODULES = [bundle("weights"), bundle("network")]
DECODE = """async ([weights, network, steps, manifest, base64, i, points]) => {
    const load = (source) =>
        import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const [{ tensors }, { compute }] = [await load(weights), await load(network)];
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const unpacked = tensors({ get: (key) => (key === "weights" ? bytes : manifest) });
    return points.map((z) => Array.from(compute(steps, z, unpacked, `d${i}`)));
}"""


def figure_bytes(figure: LatentPlane) -> str:
    return base64.b64encode(figure.weights).decode()


def test_the_page_unpacks_8_bits_and_decodes_as_torch_does(page: Page) -> None:
    """The very bytes of the figure, unpacked and decoded in the page, at 60 points of each."""
    figure = two_planes()
    for i, vae in enumerate(decoders()):
        low, high = (torch.tensor(figure.planes[i][end]) for end in ("low", "high"))
        share = torch.rand(60, 2, generator=torch.Generator().manual_seed(i))
        z = low + share * (high - low)
        decoded = page.evaluate(
            DECODE,
            [
                *MODULES,
                figure.planes[i]["steps"],
                figure.manifest,
                figure_bytes(figure),
                i,
                z.tolist(),
            ],
        )
        with torch.no_grad():
            exact = vae.double().decode(z.double())[..., 2:-2, 2:-2].flatten(1)
            vae.float()
        close(decoded, exact, 1e-6)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_one_cursor_moves_in_both_planes(show: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = show(**options)
    check(figure)
    drag(figure, figure.handle("cursor of the VAE"), *figure.to_window(1, -1.2, 0.8))
    assert check(figure)[1].tolist() == pytest.approx([-1.2, 0.8], abs=0.06)  # two pixels
    drag(figure, figure.handle("cursor of the autoencoder"), *figure.to_window(0, 12, -9))
    assert check(figure)[0].tolist() == pytest.approx([12, -9], abs=0.9)


def test_the_keyboard_moves_both(show: Show) -> None:
    figure = show()
    before = check(figure)
    figure.page.keyboard.press("Tab")
    for key in ("ArrowRight", "Shift+ArrowUp", "ArrowLeft", "ArrowLeft"):
        figure.page.keyboard.press(key)
    after = check(figure)
    for i, plane in enumerate(two_planes().planes):
        step = np.subtract(plane["high"], plane["low"]) / 200
        assert after[i].tolist() == pytest.approx((before[i].numpy() + step * [-1, 10]), abs=1e-4)
    assert figure.page.evaluate("scrollY") == 0
