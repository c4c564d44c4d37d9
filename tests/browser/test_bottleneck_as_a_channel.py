"""The cube through a channel: its numbers against torch, and moved by mouse, touch and keyboard."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from aeteach import channel
from aeteach.data import cube, surface_distance
from aeteach.losses import squared_error
from aeteach.widgets import ChannelCube
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver, call_module
from tests.widgets.test_channel_cube import model, powers

SENT, GOT = "view of the points sent", "view of the points received"


SHOWN = cube(600, seed=3)


def codes(db: int) -> torch.Tensor:
    with torch.no_grad():
        return model(db).encode(SHOWN.view(-1, 1, 1, 3))


def test_the_formulas_are_those_of_the_package(call: Call) -> None:
    points = torch.rand(40, 3, generator=torch.Generator().manual_seed(0)) * 2 - 0.5
    body = "a[0].map((p) => m.surfaceDistance(p))"
    away = call("channel_cube", body, points.tolist())
    assert away == pytest.approx(surface_distance(points).tolist(), abs=1e-6)
    variances, noise = [0.3, 2.0, 7.0], 0.4
    rate = call("channel_cube", "m.rate(a[0], a[1])", variances, noise)
    expected = channel.information_rate(torch.tensor(variances, dtype=torch.float64), noise)
    assert rate == pytest.approx(expected.item(), abs=1e-12)
    dbs = [-10.0, 0.0, 3.0, 25.0]
    ratios = call("channel_cube", "a[0].map(m.ratio)", dbs)
    assert ratios == pytest.approx([channel.db_to_ratio(db) for db in dbs])
    on_faces = cube(50, seed=1)
    faces = call("channel_cube", "a[0].map(m.faceOf)", on_faces.tolist())
    for point, face in zip(on_faces, faces, strict=True):
        axis, side = divmod(face - 1, 2)
        assert point[axis] == side


def test_a_view_is_a_rotation(call: Call) -> None:
    """Lengths and angles stay; yaw moves what is in front to the right, pitch moves it down."""
    corners = np.array([[1.5, 0.5, 0.5], [0.5, 1.5, 0.5], [0.5, 0.5, 1.5]])
    body = "a[0].map((p) => m.project(p, a[1], a[2]))"
    for yaw, pitch in ((0, 0), (30, 25), (-170, 80), (90, -90)):
        seen = np.array(call("channel_cube", body, corners.tolist(), yaw, pitch))
        assert seen @ seen.T == pytest.approx(np.eye(3), abs=1e-12)
    front = [[0.5, -0.5, 0.5]]
    right, up, depth = call("channel_cube", body, front, 20, 20)[0]
    assert right > 0 > up
    assert depth > 0


@pytest.fixture
def show(look: Show) -> Show:
    def opened(options: dict[str, Any] | None = None, **state: Any) -> FigureDriver:
        return look(partial(ChannelCube, **state), **(options or {}))

    return opened


def check(figure: FigureDriver, db: float, trained: int, seed: int = 0) -> None:
    """Every number is what torch makes of the same noise, to what float16 weights leave."""
    assert figure.value("db") == db
    assert figure.value("model") == trained
    eps = call_module(figure.page, "random_normals", "m.normals(a[0], a[1])", seed, 2 * len(SHOWN))
    snr = channel.db_to_ratio(db)
    noise = channel.noise_variance(powers(trained), snr)
    received = codes(trained) + noise.sqrt() * torch.tensor(eps).view(-1, 2).float()
    with torch.no_grad():
        x_hat = model(trained).decode(received)
        clean = model(trained).decode(codes(trained))
    x = SHOWN.view(-1, 1, 1, 3)
    expected = {
        "ratio": snr,
        "power": channel.signal_power(powers(trained)).item(),
        "noise": noise.item(),
        "rate": channel.information_rate(powers(trained).var(0, correction=0), noise).item(),
        "error": squared_error(x_hat, x).mean().item(),
        "clean": squared_error(clean, x).mean().item(),
        "distance": surface_distance(x_hat.flatten(1)).mean().item(),
    }
    for key, value in expected.items():
        assert figure.value(key) == pytest.approx(value, rel=2e-3), key
    assert figure.printed("error") == pytest.approx(expected["error"], abs=2e-4)
    assert figure.printed("rate") == pytest.approx(expected["rate"], abs=6e-3)


def angles(figure: FigureDriver) -> tuple[int, int]:
    said = [figure.handle(n).get_attribute("aria-valuetext") for n in (SENT, GOT)]
    assert said[0] == said[1]  # both are turned together
    yaw, pitch = str(said[0]).replace("−", "-").removeprefix("turned ").split("°, tilted ")
    return int(yaw), int(pitch.rstrip("°"))


def reds(figure: FigureDriver, nth: int) -> np.ndarray:
    """Where a drawing shows anything, (height, width)."""
    return figure.pixels(figure.root.locator("canvas").nth(nth))[..., 3] > 0


def test_the_slider_the_models_and_the_noise(show: Any) -> None:
    figure = show()
    check(figure, 20, 20)
    slider = figure.root.get_by_label("SNR of the channel", exact=True)
    figure.keys(slider, "ArrowLeft", "ArrowLeft", "Shift+ArrowLeft")
    check(figure, 8, 10)
    figure.root.get_by_role("radio", name="30", exact=True).click(force=True)
    check(figure, 8, 30)  # a model for a cleaner channel than it gets
    figure.button("New noise").click()
    check(figure, 8, 30, seed=1)
    worse = figure.value("error")
    figure.root.get_by_role("radio", name="nearest", exact=True).click(force=True)
    check(figure, 8, 10, seed=1)
    assert figure.value("error") < worse
    figure.keys(slider, "Home")
    check(figure, -10, 0, seed=1)
    assert figure.text("ratio") == "0.10"
    figure.keys(slider, "End")
    check(figure, 40, 30, seed=1)
    figure.page.wait_for_function(
        "document.querySelector('[aria-live]').textContent.startsWith('40.0 decibels')"
    )


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_cube_turns(show: Any, options: dict[str, Any], drag: Drag) -> None:
    figure = show(options)
    assert angles(figure) == (30, 25)
    before = [reds(figure, i) for i in (0, 1)]
    for name in (SENT, GOT):
        box = figure.handle(name).bounding_box()
        assert box is not None
        middle_x, middle_y = figure.centre(figure.handle(name))
        drag(figure, figure.handle(name), middle_x + box["width"] / 4, middle_y + box["width"] / 9)
    assert angles(figure) == pytest.approx((120, 65), abs=3)  # a quarter of the width: 45 degrees
    for nth, old in enumerate(before):
        assert (reds(figure, nth) != old).mean() > 0.05
    figure.button("Reset view").click()
    assert angles(figure) == (30, 25)
    assert all((reds(figure, i) == before[i]).all() for i in (0, 1))
    check(figure, 20, 20)  # turning changes no number


def test_the_keys_turn_it_too_and_a_face_stands_out(show: Any) -> None:
    figure = show(yaw=-170.0, pitch=80.0)
    view = figure.handle(SENT)
    figure.keys(view, "ArrowLeft", "ArrowDown", "Shift+ArrowDown")
    assert angles(figure) == (-173, 90)  # no farther than from above
    figure.keys(view, "Shift+ArrowLeft")
    assert angles(figure) == (157, 90)
    figure.keys(figure.handle(GOT), "Home", "ArrowUp", "ArrowRight")
    assert angles(figure) == (33, 22)
    green = np.array([0x00, 0x73, 0x5C])
    for face in ("none", "top"):
        figure.root.get_by_role("radio", name=face, exact=True).click(force=True)
        pixels = figure.pixels(figure.root.locator("canvas").nth(0)).astype(int)
        near = (np.abs(pixels[..., :3] - green).max(-1) < 12) & (pixels[..., 3] > 200)
        rows = np.nonzero(near)[0]
        assert (len(rows) > 0) == (face == "top")
    assert rows.max() < len(pixels) * 0.6  # the top is above the middle
    # and the figure follows the theme
    figure.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    figure.page.wait_for_timeout(100)
    dark = figure.pixels(figure.root.locator("canvas").nth(0))
    assert not np.array_equal(dark, pixels)
