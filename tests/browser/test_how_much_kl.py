"""The beta slider: decoded and moved in the page by mouse, touch and keyboard, held to torch."""

from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from aeteach.models import VAE
from aeteach.models.vae import conv_vae
from aeteach.widgets import BetaSlider
from aeteach.widgets.kit.network import decoder_network
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver, close

BETAS = (0.5, 1.0, 4.0)


@cache
def model(seed: int) -> VAE:
    """A VAE with strong weights; dimension 1 is read by nobody and says nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made: Any = conv_vae(4)
        for part in made.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean = torch.randn(part.num_features)
                part.running_var = 0.2 + 2.8 * torch.rand(part.num_features)
                part.weight.data.uniform_(0.5, 2)
        with torch.no_grad():
            made.decoder[0].weight.mul_(4)
            made.decoder[-1].weight.mul_(4)
            made.decoder[0].weight[:, 1] = 0
            made.heads.mu.weight.mul_(4 / (seed + 1))
            for head in (made.heads.mu, made.heads.log_var):
                head.weight[1], head.bias[1] = 0, 0
    vae: VAE = made.eval()
    return vae


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    inner = torch.rand(30, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return F.pad(inner, [2] * 4), torch.arange(30) % 10


@cache
def made() -> BetaSlider:
    return BetaSlider({b: model(i) for i, b in enumerate(BETAS)}, *digits(), place=0)


@pytest.fixture
def show(look: Show) -> Show:
    return partial(look, made, viewport={"width": 1280, "height": 1800})


def check(figure: FigureDriver) -> tuple[int, int, int, float]:
    """Everything shown belongs to the model, digit, dimension and walk that the page names."""
    place, rank, walk = (figure.value(key) for key in ("beta", "dimension", "walk"))
    place, rank = int(place), int(rank)
    radios = figure.root.get_by_role("radio")
    digit = next(i for i in range(radios.count()) if radios.nth(i).is_checked())
    row, vae = made().models[place], model(place)
    assert figure.text("beta") == f"{BETAS[place]:g}"
    for key in ("rate", "distortion", "readability", "active", "informative"):
        assert figure.value(key) == pytest.approx(row[key], rel=1e-9)
    assert figure.text("rate") == f"{row['rate']:.2f} nats = {row['bits']:.2f} bits"
    top = max(max(m["kl"]) for m in made().models)
    close([figure.value(f"kl-{i}") for i in range(4)], np.array(row["kl"]) / top, 1e-12)
    assert figure.value("kl") == pytest.approx(row["kl"][rank])
    assert figure.value("variance") == pytest.approx(row["variance"][rank])
    assert figure.value("log_var") == pytest.approx(row["log_var"][rank])
    with torch.no_grad():
        mu = vae.encode(digits()[0][:6])
        z = mu[digit].clone()
        z[row["order"][rank]] += walk
        x_hat, walked = vae.decode(mu), vae.decode(z[None])[0]
        samples = vae.decode(made()._eps)
    moved = float(((walked - x_hat[digit]) ** 2).sum())
    assert figure.value("change") == pytest.approx(moved, rel=1e-3, abs=1e-4)
    canvases = figure.root.locator("canvas")
    expected = [*x_hat, *samples, x_hat[digit], walked]
    assert canvases.count() == 6 + len(expected)
    for i in (0, digit, 5, 6, 11, 12, 13):  # of the reconstructions, samples, and the walk
        grey = figure.pixels(canvases.nth(6 + i))[..., 0]
        assert np.abs(grey - 255 * expected[i][0].numpy()).max() <= 1
    return place, digit, rank, walk


def test_the_page_decodes_as_torch_does(call: Call) -> None:
    """The page computes in double precision, from the weights that it is given."""
    vae = model(0)
    net = decoder_network(vae, "m0")
    arrays = {k: v.float() for k, v in net.arrays.items()}
    weights = {k: {"shape": list(v.shape), "data": v.flatten().tolist()} for k, v in arrays.items()}
    z = 2 * torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    body = "a[0].map((z) => m.compute(a[1], z, a[2], 'm0'))"
    got = call("network", body, z.tolist(), net.steps, weights)
    with torch.no_grad():
        expected = vae.decode(z).flatten(1)
    assert float(expected.std()) > 0.05
    close(got, expected, 5e-6)


def test_the_tangent_has_slope_minus_beta_through_its_point(call: Call) -> None:
    rows = [{"beta": b, "rate": 7.5, "distortion": 31.0} for b in BETAS]
    body = "a[0].map((r) => m.tangent(r, [0, 15]))"
    for (start, end), b in zip(call("beta_slider", body, rows), BETAS, strict=True):
        assert (end - start) / 15 == pytest.approx(-b)
        assert (start + end) / 2 == pytest.approx(31)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_point_follows_the_pointer_along_the_curve(
    show: Show, options: dict[str, Any], drag: Drag
) -> None:
    figure = show(**options)
    assert check(figure)[0] == 0
    last = made().models[2]
    point = figure.handle("model on the curve")
    drag(figure, point, *figure.to_window(0, last["rate"], last["distortion"]))
    assert check(figure)[0] == 2
    walk = figure.root.get_by_label("walk: added to μ there", exact=True)
    box = walk.bounding_box()
    assert box is not None
    x, y = box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2
    if options:
        figure.page.touchscreen.tap(x, y)
    else:
        figure.page.mouse.click(x, y)
    assert check(figure)[3] == pytest.approx(1.8, abs=0.2)


def test_the_keyboard_moves_everything(show: Show) -> None:
    figure = show()
    weight = figure.root.get_by_label("weight β of the KL", exact=True)
    figure.keys(weight, "ArrowRight")
    assert check(figure)[0] == 1
    figure.keys(weight, "ArrowRight", "ArrowRight", "ArrowRight")  # it stops at the last
    assert check(figure)[0] == 2
    figure.keys(figure.handle("model on the curve"), "ArrowRight")  # to the right: a larger rate
    assert check(figure)[0] == 1
    figure.keys(figure.handle("model on the curve"), "ArrowUp")  # upwards: a larger squared error
    assert check(figure)[0] == 2
    figure.root.get_by_role("radio").first.focus()
    figure.page.keyboard.press("ArrowRight")
    figure.page.keyboard.press("ArrowRight")
    assert check(figure)[1] == 2
    assert figure.page.evaluate("scrollY") == 0


def test_a_collapsed_dimension_does_nothing_and_another_one_does(show: Show) -> None:
    figure = show()
    dimension = figure.root.get_by_label("latent dimension, by its KL", exact=True)
    walk = figure.root.get_by_label("walk: added to μ there", exact=True)
    figure.keys(dimension, "ArrowRight", "ArrowRight", "ArrowRight")
    figure.keys(walk, "Shift+ArrowRight", "Shift+ArrowRight", "ArrowLeft")
    assert check(figure)[2:] == (3, pytest.approx(1.9))
    assert figure.value("kl") == figure.value("change") == 0
    figure.keys(dimension, "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert check(figure)[2] == 0
    assert figure.value("change") > 0.01


def test_narrow_and_dark_nothing_sticks_out(show: Show) -> None:
    figure = show(viewport={"width": 375, "height": 2400}, color_scheme="dark")
    check(figure)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 375
    said = figure.root.get_attribute("aria-label") or ""
    assert "the rate falls" in said
