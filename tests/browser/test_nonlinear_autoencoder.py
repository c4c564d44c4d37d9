"""The latent plane and the class medians: decoded, read and moved in the page, held to torch."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from aeteach import load, plots
from aeteach.data import mnist
from aeteach.latent import nearest_code
from aeteach.metrics import readability
from aeteach.models import Autoencoder
from aeteach.widgets import ClassMedians, LatentPlane, Plane
from aeteach.widgets.kit.network import decoder_network
from aeteach.widgets.kit.reader import reader_network
from tests.browser.conftest import Call, Show
from tests.browser.driver import TOUCH, WAYS, Drag, FigureDriver, close


@cache
def shipped() -> Autoencoder:
    model = load("mlp-2")
    assert isinstance(model, Autoencoder)
    return model


def some() -> tuple[torch.Tensor, torch.Tensor]:
    images, labels, _ = mnist("test")
    return images[:60], labels[:60]


def small_plane() -> LatentPlane:
    return LatentPlane([Plane("autoencoder", shipped())], *some())


def two_planes() -> LatentPlane:
    wide = Plane("wide", shipped(), low=(-30, -30), high=(30, 30))
    return LatentPlane([wide, Plane("near", shipped(), low=(-3, -3), high=(3, 3))], *some())


# ---------------------------------------------------------------- the numbers


def test_the_page_decodes_and_reads_as_torch_does(call: Call) -> None:
    """Weights are stored as float16; torch runs with the same ones, once in double precision."""
    model, reader = shipped(), readability.readers()[0]
    net = decoder_network(model, "d0", 2)
    arrays = net.arrays | reader_network(reader, 2).arrays
    weights = {k: {"shape": list(v.shape), "data": v.flatten().tolist()} for k, v in arrays.items()}
    z = (torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) - 0.5) * 80
    body = "a[0].map((z) => Array.from(m.compute(a[1], z, a[2], 'd0')))"
    x_js = np.array(call("network", body, z.tolist(), net.steps, weights))
    body = "a[0].map((x) => Array.from(m.read(x, a[1])))"
    p_js = np.array(call("reader", body, x_js.tolist(), weights))
    with torch.no_grad():
        inner = model.decode(z)[..., 2:-2, 2:-2]
        probabilities = readability.read(
            torch.nn.functional.pad(inner, [2] * 4), [reader]
        ).probabilities[0]
        close(x_js, inner.flatten(1), 5e-6)
        close(p_js, probabilities, 5e-6)
        exact = load("mlp-2").double().decode(z.double())[..., 2:-2, 2:-2]
        close(x_js, exact.flatten(1), 1e-12)


def test_the_window_holds_the_cursor_and_stays_in_the_plane(call: Call) -> None:
    rng = np.random.default_rng(0)
    cases = [
        [rng.random(2).tolist(), float(2 ** rng.integers(0, 6)), rng.random(2).tolist()]
        for _ in range(200)
    ]
    body = "a[0].map(([c, zoom, old]) => [m.windowFor(c, zoom), m.windowFor(c, zoom, old, true)])"
    for (cursor, zoom, old), found in zip(cases, call("latent_plane", body, cases), strict=True):
        inside = all(o <= c <= o + 1 / zoom for c, o in zip(cursor, old, strict=True))
        assert (found[1] == old) == inside
        for start in found if not inside else found[:1]:
            for c, s in zip(cursor, start, strict=True):
                assert -1e-12 <= s <= 1 - 1 / zoom + 1e-12
                assert s - 1e-12 <= c <= s + 1 / zoom + 1e-12


# ---------------------------------------------------------------- the plane


def check_plane(figure: FigureDriver, index: int = 0) -> torch.Tensor:
    """Everything shown belongs to the z that the sliders name; returns that z."""
    z = torch.tensor([[figure.value(f"z{i}-{index}") for i in (0, 1)]])
    x, labels = some()
    with torch.no_grad():
        codes = shipped().encode(x)
        inner = shipped().decode(z)[0, 0, 2:-2, 2:-2]
    x_hat = torch.nn.functional.pad(inner, [2] * 4)[None, None]
    p = readability.read(x_hat, [readability.readers()[0]]).probabilities[0, 0]
    shown = [figure.value(f"p{d}-{index}") for d in range(10)]
    close(shown, p, 1e-5)
    verdict = int(p.argmax())
    assert figure.value(f"verdict-{index}") == verdict
    assert figure.text(f"verdict-{index}") == f"{verdict} ({100 * shown[verdict]:.1f} %)"
    found = nearest_code(z, codes)
    assert figure.value(f"distance-{index}") == pytest.approx(float(found.distance), abs=1e-4)
    label = int(labels[found.place])
    assert figure.text(f"label-{index}") == f"a {label}"
    canvases = figure.root.locator(".ae-pictures canvas")
    figure.page.wait_for_function(
        """(i) => {
            const c = document.querySelectorAll(".ae-pictures canvas")[i];
            const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
            return data.some((v, j) => j % 4 < 3 && v > 0);
        }""",
        arg=2 * index + 1,
    )
    for place, image, off in ((0, inner, 1), (1, x[found.place, 0][0][2:-2, 2:-2], 9)):
        grey = figure.pixels(canvases.nth(2 * index + place))[..., 0]
        assert np.abs(grey - 255 * image.numpy()).max() <= off  # the pictures have 16 levels
    said = canvases.nth(2 * index).get_attribute("aria-label") or ""
    assert said.endswith(f"read as {verdict}")
    return z[0]


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_cursor_follows_the_pointer(look: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = look(small_plane, **options)
    check_plane(figure)
    target = (-15.0, 10.0)
    drag(figure, figure.handle("cursor"), *figure.to_window(0, *target))
    assert check_plane(figure).tolist() == pytest.approx(target, abs=0.6)  # two pixels
    drag(figure, figure.handle("cursor"), *figure.to_window(0, 1000, -1000))
    plane = small_plane().planes[0]
    assert check_plane(figure).tolist() == pytest.approx([plane["high"][0], plane["low"][1]])


def test_the_cursor_goes_where_the_plane_is_clicked_or_tapped(look: Show) -> None:
    figure = look(small_plane, **TOUCH)
    figure.page.mouse.click(*figure.to_window(0, 10, 20))
    assert check_plane(figure).tolist() == pytest.approx([10, 20], abs=0.6)
    figure.page.touchscreen.tap(*figure.to_window(0, -20, 5))
    assert check_plane(figure).tolist() == pytest.approx([-20, 5], abs=0.6)


def test_the_cursor_obeys_the_keyboard(look: Show) -> None:
    figure = look(small_plane)
    plane = small_plane().planes[0]
    size = np.subtract(plane["high"], plane["low"])
    before = check_plane(figure).numpy()
    figure.page.keyboard.press("Tab")
    for key in ("ArrowRight", "Shift+ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        figure.page.keyboard.press(key)
    after = check_plane(figure).numpy()
    assert after == pytest.approx(before + size / 200 * [-1, 9], abs=1e-4)
    slider = figure.root.get_by_label("z₁", exact=True)
    figure.keys(slider, "Shift+ArrowRight")
    moved = check_plane(figure).numpy()
    assert moved == pytest.approx(after + size / 200 * [10, 0], abs=1e-4)
    assert figure.page.evaluate("scrollY") == 0


def test_zooming_in_keeps_the_cursor_and_makes_steps_finer(look: Show) -> None:
    figure = look(small_plane)
    plane = small_plane().planes[0]
    size = np.subtract(plane["high"], plane["low"])
    before = check_plane(figure).numpy()
    zoom = figure.root.get_by_label("zoom in at the cursor", exact=True)
    figure.keys(zoom, "ArrowRight", "ArrowRight", "ArrowRight")
    assert figure.text("zoom") == "× 8"
    assert check_plane(figure).numpy() == pytest.approx(before)
    x, y = figure.to_window(0, *before)  # by the new ticks
    assert figure.centre(figure.handle("cursor")) == pytest.approx((x, y), abs=1)
    figure.keys(figure.handle("cursor"), "ArrowRight", "Shift+ArrowUp")
    after = check_plane(figure).numpy()
    assert after == pytest.approx(before + size / 1600 * [1, 10], abs=1e-4)
    figure.drag(figure.handle("cursor"), *figure.to_window(0, 1000, after[1]))
    edge = check_plane(figure).numpy()  # held at the edge of what is shown
    assert 0 < edge[0] - after[0] <= size[0] / 8
    figure.keys(figure.handle("cursor"), *["Shift+ArrowRight"] * 3)  # by key it leaves the window
    beyond = check_plane(figure).numpy()
    assert beyond[0] == pytest.approx(edge[0] + 30 * size[0] / 1600, abs=1e-4)
    x, y = figure.to_window(0, *beyond)
    assert figure.centre(figure.handle("cursor")) == pytest.approx((x, y), abs=1)


def test_points_have_their_digits_colours(look: Show) -> None:
    figure = look(LatentPlane)
    pixels = figure.pixels(figure.root.locator(".ae-stack > canvas"))
    drawn = {tuple(p[:3]) for p in pixels.reshape(-1, 4) if p[3] == 255}
    palette = {tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in plots.DIGITS}
    assert len(palette & drawn) == 10


def test_two_planes_share_one_cursor(look: Show) -> None:
    figure = look(two_planes)
    figure.drag(figure.handle("cursor of the wide"), *figure.to_window(0, 12, -9))
    wide, near = check_plane(figure, 0), check_plane(figure, 1)
    assert wide.tolist() == pytest.approx([12, -9], abs=0.6)
    assert near.tolist() == pytest.approx([v / 10 for v in wide.tolist()], abs=1e-4)
    figure.keys(figure.handle("cursor of the near"), "ArrowLeft")
    assert check_plane(figure, 0)[0] == pytest.approx(float(wide[0]) - 60 / 200, abs=1e-4)


# ---------------------------------------------------------------- the medians


@cache
def medians() -> ClassMedians:
    return ClassMedians()


def check_medians(figure: FigureDriver, b: int, digit: int) -> None:
    made = medians()
    row = made.models[b - 2]
    model = load(f"mlp-{b}")
    assert isinstance(model, Autoencoder)
    with torch.no_grad():
        x_hat = model.decode(torch.tensor(row["median"]))
    p = readability.read(x_hat).probabilities.mean(0)
    read = p.argmax(1).tolist()
    assert figure.text("b") == str(b)
    assert figure.text("right") == f"{sum(r == d for d, r in enumerate(read))} of 10"
    for d in range(10):
        said = figure.root.locator(f'[data-key="verdict-{d}"]')
        assert said.inner_text() == f"{read[d]}: {100 * float(p[d].max()):.0f} %"
        assert ("ae-wrong" in (said.get_attribute("class") or "")) == (read[d] != d)
    close([figure.value(f"p{d}") for d in range(10)], p[digit], 1e-5)
    for i in range(4):
        key = figure.root.locator(f'[data-key="spread-{i}"]')
        assert key.is_visible() == (i < b)
        if i < b:
            shown = [float(v) for v in (key.get_attribute("data-value") or "").split()]
            assert shown == [row[name][digit][i] for name in ("low", "median", "high")]
            low, median, high = shown
            assert figure.text(f"spread-{i}") == f"{median:.2f}, {low:.2f} to {high:.2f}"
    chosen = figure.root.get_by_role("radio", checked=True)
    assert chosen.get_attribute("aria-label") == f"median {digit}"
    canvas = figure.root.locator(".ae-ten canvas").nth(digit)
    figure.page.wait_for_function(
        "() => document.querySelector('.ae-ten canvas').getContext('2d')"
        ".getImageData(0, 0, 32, 32).data.some((v, j) => j % 4 < 3 && v > 0)"
    )
    assert np.abs(figure.pixels(canvas)[..., 0] - 255 * x_hat[digit, 0].numpy()).max() <= 1


def test_the_slider_and_the_pictures_by_keyboard(look: Show) -> None:
    figure = look(medians)
    check_medians(figure, 2, 0)
    figure.keys(figure.root.get_by_label("latent numbers b", exact=True), "ArrowRight")
    check_medians(figure, 3, 0)
    figure.root.get_by_role("radio").nth(0).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        figure.page.keyboard.press(key)
    check_medians(figure, 3, 4)
    figure.keys(figure.root.get_by_label("latent numbers b", exact=True), "End")
    check_medians(figure, 4, 4)


def test_the_slider_and_the_pictures_by_mouse_and_touch(look: Show) -> None:
    figure = look(medians, **TOUCH)
    figure.root.get_by_role("radio").nth(7).click()
    check_medians(figure, 2, 7)
    figure.root.get_by_role("radio").nth(9).tap()
    check_medians(figure, 2, 9)
    slider = figure.root.get_by_label("latent numbers b", exact=True)
    box = slider.bounding_box()
    assert box is not None
    figure.page.mouse.click(box["x"] + box["width"] - 5, box["y"] + box["height"] / 2)
    check_medians(figure, 4, 9)
    figure.page.touchscreen.tap(box["x"] + 5, box["y"] + box["height"] / 2)
    check_medians(figure, 2, 9)
