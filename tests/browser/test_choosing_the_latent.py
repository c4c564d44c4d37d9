"""The latent line: decoded and moved in the page by mouse, touch and keyboard, held to torch."""

import copy
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from aeteach.models import VAE, build
from aeteach.weights import stored
from aeteach.widgets import LatentLine
from aeteach.widgets.kit.network import decoder_network
from aeteach.widgets.latent_line import FAR, STRIP
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver, close


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.rand(300, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return images, torch.arange(300) % 10


@cache
def model() -> VAE:
    """An untrained model, made such that z matters and that its codes spread as the prior does.

    Its weights are numbers that float16 holds.
    """
    vae: Any = build("keras-vae", latent=1, seed=0)
    with torch.no_grad():
        for layer in vae.decoder:
            if hasattr(layer, "weight"):
                layer.weight.mul_(2)
        mu = vae.encode(digits()[0])
        vae.heads.mu.weight.div_(mu.std())
        vae.heads.mu.bias.sub_(mu.mean()).div_(mu.std())
    kept: VAE = stored(vae).eval()  # type: ignore[assignment]
    return kept


def made() -> LatentLine:
    return LatentLine(model(), *digits(), z=0.4)


@pytest.fixture
def show(look: Show) -> Show:
    return partial(look, made, viewport={"width": 1280, "height": 1200})


def check(figure: FigureDriver) -> float:
    """Everything the page shows belongs to the z and the steps that it names."""
    z = figure.value("z")
    even = figure.root.get_by_role("checkbox").is_checked()
    twin = made()
    twin.z, twin.even = z, even
    assert figure.value("share") == pytest.approx(stats.norm.cdf(z), abs=1e-12)
    assert figure.text("share") == f"{100 * stats.norm.cdf(z):.1f} %"
    assert figure.value("density") == pytest.approx(stats.norm.pdf(z), abs=1e-12)
    assert figure.text("z").replace("-0.00", "0.00") == f"{z:.2f}".replace("-0.00", "0.00")
    shares = twin.shares.numpy()
    close([figure.value(f"p{c}") for c in range(10)], shares, 1e-6)
    likeliest = int(figure.value("likeliest"))
    assert shares[likeliest] == shares.max()
    assert figure.text("likeliest") == f"{likeliest} ({100 * shares.max():.0f} %)"
    away = np.sort(np.abs(twin.codes.double().numpy() - z))
    assert figure.value("reach") == pytest.approx(away[twin.nearest - 1], abs=1e-6)
    pictures = figure.root.locator("canvas.ae-image")
    assert pictures.count() == STRIP + 1
    for i, expected in ((STRIP, twin.x_hat), (0, twin.strip_x_hat[0]), (7, twin.strip_x_hat[7])):
        grey = figure.pixels(pictures.nth(i))[..., 0]
        assert np.abs(grey - 255 * expected[0].numpy()).max() <= 1
    now = figure.handle("cursor on the line").get_attribute("aria-valuenow")
    assert float(now or "nan") == pytest.approx(z, abs=1e-3)
    return z


def test_the_page_decodes_as_torch_does(call: Call) -> None:
    """Golden vectors: the page computes in double precision, from the weights it is given."""
    vae = model()
    net = decoder_network(vae, "decoder")
    arrays = net.arrays
    weights = {k: {"shape": list(v.shape), "data": v.flatten().tolist()} for k, v in arrays.items()}
    z = torch.linspace(-3.5, 3.5, 9)
    body = "a[0].map((z) => m.compute(a[1], [z], a[2], 'decoder'))"
    got = call("network", body, z.tolist(), net.steps, weights)
    with torch.no_grad():
        expected = copy.deepcopy(vae).double().decode(z[:, None].double()).flatten(1)
    assert float(expected.std(0).max()) > 0.01  # z matters
    close(got, expected, 1e-12)


def test_the_histogram_is_a_density(call: Call) -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=500).clip(-3.4, 3.4), rng.integers(0, 10, 500)
    body = "m.histogram(a[0], a[1], [-3.5, 3.5], 40)"
    got = np.array(call("latent_line", body, values.tolist(), labels.tolist()))
    assert got.sum() * 7 / 40 == pytest.approx(1)
    for c in (0, 9):
        expected = np.histogram(values[labels == c], bins=40, range=(-3.5, 3.5))[0]
        close(got[c], expected / (500 * 7 / 40), 1e-12)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_cursor_follows_the_pointer(show: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = show(**options)
    assert check(figure) == pytest.approx(0.4)
    cursor = figure.handle("cursor on the line")
    drag(figure, cursor, *figure.to_window(0, 2.0, 0.2))
    assert check(figure) == pytest.approx(2, abs=0.03)
    x, y = figure.to_window(1, -1.0, 4)  # a lane
    if options:
        figure.page.touchscreen.tap(x, y)
    else:
        figure.page.mouse.click(x, y)
    assert check(figure) == pytest.approx(-1, abs=0.03)
    drag(figure, cursor, 5, 5)  # beyond the end it stops there
    assert check(figure) == -FAR


def test_equal_steps_of_probability(show: Show) -> None:
    figure = show()
    figure.root.get_by_role("checkbox").check()
    assert check(figure) == pytest.approx(0.4)
    assert figure.root.locator(".ae-title", has_text="share u").count() == 2
    figure.drag(figure.handle("cursor on the line"), *figure.to_window(0, 0.9, 1))
    assert figure.value("share") == pytest.approx(0.9, abs=0.01)
    before = figure.value("share")
    figure.keys(figure.handle("cursor on the line"), "ArrowLeft", "ArrowLeft")
    assert figure.value("share") == pytest.approx(before - 0.01, abs=1e-9)
    check(figure)
    figure.page.keyboard.press("End")  # no key of the figure: nothing moves
    check(figure)


def test_the_keyboard_moves_everything(show: Show) -> None:
    figure = show()
    figure.keys(figure.handle("cursor on the line"), "ArrowRight", "Shift+ArrowUp", "ArrowDown")
    assert check(figure) == pytest.approx(0.4 + 10 * 7 / 200)
    figure.keys(figure.root.get_by_label("latent number z", exact=True), "Shift+ArrowLeft")
    assert check(figure) == pytest.approx(0.4)
    figure.keys(figure.root.get_by_label("share of N(0, 1) below z", exact=True), "ArrowRight")
    assert figure.value("share") == pytest.approx(stats.norm.cdf(0.4) + 0.005)
    figure.keys(figure.root.get_by_role("checkbox"), "Space")
    check(figure)
    assert figure.page.evaluate("scrollY") == 0


def test_a_picture_of_the_strip_stands_below_its_z(show: Show) -> None:
    figure = show()
    for even in (False, True):
        figure.root.get_by_role("checkbox").set_checked(even)
        twin = made()
        twin.even = even
        at = stats.norm.cdf(twin.strip_z.numpy()) if even else twin.strip_z.numpy()
        for i in (0, 5, 11):
            x, _ = figure.centre(figure.root.locator("canvas.ae-image").nth(i))
            assert x == pytest.approx(figure.to_window(0, float(at[i]), 0)[0], abs=2)


def test_the_theme_recolours_the_bars(show: Show) -> None:
    figure = show(viewport={"width": 375, "height": 1700})
    check(figure)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 375
    bars = figure.pixels(figure.root.locator(".ae-stack > canvas").first)
    assert (bars[..., 3] > 0).mean() > 0.02  # something is painted
    figure.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    figure.page.wait_for_timeout(200)
    check(figure)
