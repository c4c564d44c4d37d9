"""Draw a digit: the rule, the networks and the figure in Chromium, held to Python and torch.

`pytest tests/browser/test_index.py -m slow -rP` takes 1,000 test digits through a canvas and
prints the largest differences, what the reader reads, and the time of a frame.
"""

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from aeteach import load
from aeteach.data import as_mnist, ink, mnist
from aeteach.metrics import readability
from aeteach.widgets import DrawDigit, Figure
from aeteach.widgets.draw_digit import SHIPPED
from aeteach.widgets.kit.host import bundle
from tests.browser.conftest import Show
from tests.browser.driver import TOUCH, WAYS, Drag, FigureDriver
from tests.widgets.test_draw_digit import models, small

NAMES = list(SHIPPED)


@cache
def twin() -> DrawDigit:
    """The default figure in Python, which says what the page must show."""
    return DrawDigit()


UNPACKED = """() => {
    const canvas = document.querySelector(".ae-choice canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
    return data.some((v, i) => i % 4 < 3 && v);
}"""


@pytest.fixture
def look(look: Show) -> Show:
    """Open the figure, and wait until the test digits are unpacked."""

    def opened(make: Callable[[], Figure] = DrawDigit, **options: Any) -> FigureDriver:
        figure = look(make, **options)
        figure.page.wait_for_function(UNPACKED)
        return figure

    return opened


# ---------------------------------------------------------------- the rule


# ---------------------------------------------------------------- the networks

CANVAS = """async ([sources, state, pictures, placed]) => {
    const modules = [];
    for (const source of sources) {
        const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
        modules.push(await import(url));
    }
    const [draw, drawing, store] = modules;
    const bytes = Uint8Array.from(atob(state.weights), (c) => c.charCodeAt(0));
    const weights = store.tensors(
        { get: (key) => key === "weights" ? new DataView(bytes.buffer) : state.manifest });
    const make = (side) => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = side;
        return canvas.getContext("2d", { willReadFrequently: true });
    };
    const [small, large] = [make(28), make(224)];
    const text = (bytes) => btoa(Array.from(bytes, (v) => String.fromCharCode(v)).join(""));
    return pictures.map((picture, i) => {
        const image = small.createImageData(28, 28);
        picture.forEach((v, j) => image.data.set([v, v, v, 255], 4 * j));
        small.putImageData(image, 0, 0);
        large.fillStyle = "black";
        large.fillRect(0, 0, 224, 224);
        const [x, y, side] = placed[i];
        large.imageSmoothingEnabled = side !== 224;
        large.drawImage(small.canvas, x, y, side, side);
        const rgba = large.getImageData(0, 0, 224, 224).data;
        const grey = Uint8Array.from({ length: 224 * 224 }, (_, j) => rgba[4 * j]);
        const sheet = { side: 224, bytes: grey };
        const field = drawing.asMnist(sheet);
        const seen = draw.look(state.models, weights, field, state.eps, state.label);
        return {
            sheet: text(grey), x: text(new Uint8Array(field.buffer)),
            drawing: Array.from(seen.drawing),
            models: seen.models.map((s) => ({
                mu: s.mu, logVar: s.logVar, error: s.error, kl: s.kl,
                x: text(new Uint8Array(s.x.buffer)), p: Array.from(s.p),
            })),
        };
    });
}"""


def through_the_canvas(
    page: Page, figure: DrawDigit, pictures: np.ndarray, placed: list[list[float]] | None = None
) -> list[dict[str, Any]]:
    """Draw pictures (n, 28, 28), bytes, on a canvas, read it, and let the page's models see it."""
    state = {
        "weights": base64.b64encode(figure.weights).decode(),
        "manifest": figure.manifest,
        "models": figure.models,
        "eps": figure.eps,
        "label": figure.label,
    }
    sources = [bundle(name) for name in ("draw_digit", "drawing", "weights")]
    found: list[dict[str, Any]] = []
    for i in range(0, len(pictures), 100):
        some = pictures[i : i + 100].reshape(-1, 784).tolist()
        where = placed[i : i + 100] if placed else [[0, 0, 224]] * len(some)
        found += page.evaluate(CANVAS, [sources, state, some, where])
    for seen in found:
        seen["sheet"] = np.frombuffer(base64.b64decode(seen["sheet"]), np.uint8)
        for part in (seen, *seen["models"]):
            part["x"] = np.frombuffer(base64.b64decode(part["x"]), "<f8")
    return found


def in_bytes(x: torch.Tensor) -> np.ndarray:
    return (x[:, 0] * 255).round().numpy().astype(int)


def test_every_kind_of_network_runs_as_in_torch(page: Page) -> None:
    """Dense, convolutional and conditional stand-ins with strong weights, all ten labels."""
    figure = small(eps=[0.7, -1.3])
    digits = mnist("test", size=28).images[:10]
    for label in (-1, *range(0, 10, 3)):
        figure.label = label
        for picture, found in zip(
            digits, through_the_canvas(page, figure, in_bytes(digits)), strict=True
        ):
            x = torch.nn.functional.pad(picture, [2] * 4)[None]
            for name, got in zip(models(), found["models"], strict=True):
                seen = figure.see(name, x)
                assert np.abs(got["mu"] - seen.mu[0].numpy()).max() < 1e-4
                inner = seen.x_hat[..., 2:-2, 2:-2].numpy().ravel()
                assert np.abs(got["x"] - inner).max() < 1e-4, name
                assert got["error"] == pytest.approx(seen.squared_error, rel=1e-4)
                assert np.abs(got["p"] - seen.reconstruction.numpy()).max() < 1e-4
                if seen.log_var is not None:
                    assert np.abs(got["logVar"] - seen.log_var[0].numpy()).max() < 1e-4
                    assert got["kl"] == pytest.approx(seen.kl, rel=1e-4)


def check_digits(page: Page, count: int) -> None:
    """The issue's figures: test digits through the canvas, against torch, and read again."""
    digits = mnist("test", size=28)
    x, y = digits.images[:count], digits.labels[:count]
    figure = twin()
    found = through_the_canvas(page, figure, in_bytes(x))
    got_x = np.array([f["x"] for f in found])
    worst = float(np.abs(got_x - x.numpy().reshape(count, -1)).max())
    rule = float(np.abs(got_x - as_mnist(x, size=28).numpy().reshape(count, -1)).max())
    print(f"{count} test digits through the canvas, largest differences")
    print(f"  (a) image: {worst:.1e} from the test digit, {rule:.1e} from as_mnist")
    assert rule < 1e-7
    padded = torch.nn.functional.pad(x, [2] * 4)
    reader = [readability.readers()[0]]
    original = readability.read(padded, reader).verdict
    page_says = torch.tensor([int(np.argmax(f["drawing"])) for f in found])
    for i, name in enumerate(NAMES):
        made = [f["models"][i] for f in found]
        same = [figure.see(name, as_mnist(picture[0], size=32)) for picture in x]
        full: Any = load(SHIPPED[name])
        told = (original,) if getattr(full, "classes", 0) else ()
        with torch.no_grad():
            if same[0].log_var is None:
                mu, log_var = full.encode(padded), None
            else:
                mu, log_var = full.posterior(padded, *told)
            x_hat = full.decode(mu, *told)
        inner = x_hat[..., 2:-2, 2:-2].reshape(count, -1).numpy()
        rows = {
            "mu": ([m["mu"] for m in made], torch.cat([s.mu for s in same]), mu),
            "x_hat": (
                [m["x"] for m in made],
                torch.cat([s.x_hat[..., 2:-2, 2:-2].flatten(1) for s in same]),
                torch.from_numpy(inner),
            ),
        }
        if log_var is not None:
            torch_lv = torch.cat([s.log_var for s in same if s.log_var is not None])
            rows["log_var"] = ([m["logVar"] for m in made], torch_lv, log_var)
        for what, (js, rounded, exact) in rows.items():
            a = np.array(js)
            off = float(np.abs(a - rounded.numpy()).max())
            light = np.abs(a - exact.numpy())
            rms = float(np.sqrt((light**2).mean()))
            print(
                f"  {name} {what}: {off:.1e} with the same weights; 8 bits a weight: "
                f"{light.max():.3f}, root mean square {rms:.4f}"
            )
            assert off < (1e-5 if what != "mu" else 1e-4)
            assert rms < {"mu": 0.1, "log_var": 0.05, "x_hat": 0.01}[what]
        read = torch.tensor([int(np.argmax(m["p"])) for m in made])
        before = readability.read(x_hat, reader).verdict
        print(
            f"  {name}: reconstructions read right {(read == y).float().mean():.1%}, "
            f"in torch with all bits {(before == y).float().mean():.1%}"
        )
        assert abs(float((read == y).float().mean() - (before == y).float().mean())) < 0.02
    share, own = ((verdict == y).float().mean() for verdict in (page_says, original))
    agree = float((page_says == original).float().mean())
    print(f"  drawings read right {share:.1%}, originals in torch {own:.1%}, agree {agree:.1%}")
    assert agree > 0.99


def check_moved_digits(page: Page, count: int) -> None:
    """Digits drawn small, large and off the centre are read; without the rule they are not."""
    digits = mnist("test", size=28)
    x, y = digits.images[:count], digits.labels[:count]
    rng = np.random.default_rng(0)
    sides = rng.integers(90, 224, count)
    placed = [[*rng.integers(0, 224 - side, 2).tolist(), int(side)] for side in sides]
    found = through_the_canvas(page, twin(), in_bytes(x), placed)
    read = torch.tensor([int(np.argmax(f["drawing"])) for f in found])
    sheets = torch.from_numpy(np.stack([f["sheet"] for f in found])) / 255
    sheets = sheets.view(count, 1, 224, 224)
    rule = as_mnist(sheets, size=28).numpy().reshape(count, -1)
    worst = float(np.abs(np.array([f["x"] for f in found]) - rule).max())
    plain = torch.nn.functional.avg_pool2d(sheets, 8)  # the sheet as it is, at 28x28
    untouched = readability.read(
        torch.nn.functional.pad(plain, [2] * 4), [readability.readers()[0]]
    ).verdict
    with_rule, without = ((v == y).float().mean() for v in (read, untouched))
    print(
        f"{count} digits at 40 to 100 % of their size, anywhere: image off by {worst:.1e} from "
        f"as_mnist; read right {with_rule:.1%}, without the rule {without:.1%}"
    )
    assert worst < 1e-7
    assert with_rule > 0.9 > 0.6 > without


def test_test_digits_through_the_canvas(page: Page) -> None:
    check_digits(page, 100)
    check_moved_digits(page, 100)


@pytest.mark.slow
@pytest.mark.release  # two minutes, for what a hundred of them show
def test_a_thousand_test_digits_through_the_canvas(page: Page) -> None:
    check_digits(page, 1000)
    check_moved_digits(page, 1000)


# ---------------------------------------------------------------- the figure


def sheet_of(figure: FigureDriver) -> torch.Tensor:
    """The sheet as the canvas shows it, (224, 224)."""
    return torch.from_numpy(figure.pixels(figure.root.locator(".ae-pad"))[..., 0] / 255.0)


def check(figure: FigureDriver, state: DrawDigit | None = None) -> DrawDigit:
    """All that is shown belongs to what is on the canvas; `state` has model, eps and label."""
    state = state or twin()
    x = as_mnist(sheet_of(figure))
    picture = figure.root.locator(".ae-picture canvas")
    grey = figure.pixels(picture)[..., 0]
    assert np.abs(grey - 255 * x[0, 0, 2:-2, 2:-2].numpy()).max() <= 1
    chosen = figure.root.get_by_role("radio", name=state.model, exact=True)
    assert chosen.is_checked()
    for i, spec in enumerate(state.models):
        seen = state.see(spec["name"], x)
        verdict = int(seen.reconstruction.argmax())
        assert figure.value(f"verdict-{i}") == verdict
        share = 100 * float(seen.reconstruction[verdict])
        assert figure.printed(f"error-{i}") == pytest.approx(seen.squared_error, abs=0.051)
        assert figure.value(f"error-{i}") == pytest.approx(seen.squared_error, rel=1e-4)
        assert figure.text(f"verdict-{i}") in {
            f"{verdict} ({v:.1f} %)" for v in (share - 0.01, share, share + 0.01)
        }
        grey = figure.pixels(figure.root.locator(".ae-cards canvas").nth(i))[..., 0]
        assert np.abs(grey - 255 * seen.x_hat[0, 0, 2:-2, 2:-2].numpy()).max() <= 1
        if seen.kl is None:
            assert figure.text(f"nats-{i}") == figure.text(f"bits-{i}") == "none"
        else:
            assert figure.value(f"nats-{i}") == pytest.approx(seen.kl, abs=1e-3)
            assert figure.value(f"bits-{i}") == pytest.approx(seen.kl / np.log(2), abs=1e-3)
        if spec["name"] != state.model:
            continue
        read = int(seen.drawing.argmax())
        assert figure.text("drawing").startswith(f"read as {read} (")
        for key, expected in (("mu", seen.mu), ("z", seen.z)):
            assert numbers(figure, key) == pytest.approx(expected[0].tolist(), abs=1e-3)
        if seen.log_var is None:
            assert figure.text("sigma") == figure.text("kl") == "none: a point"
        else:
            sigma = (seen.log_var / 2).exp()[0].tolist()
            assert numbers(figure, "sigma") == pytest.approx(sigma, abs=1e-3)
            assert figure.value("kl") == pytest.approx(seen.kl, abs=1e-3)
    return state


def numbers(figure: FigureDriver, key: str) -> list[float]:
    said = figure.root.locator(f'[data-key="{key}"]').get_attribute("data-value") or ""
    return [float(v) for v in said.split()]


def on_sheet(figure: FigureDriver, x: float, y: float) -> tuple[float, float]:
    box = figure.root.locator(".ae-pad").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_a_stroke_by_pointer(look: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = look(**options)
    twin().set_trait("eps", [0.0, 0.0])
    check(figure)
    figure.button("Clear").click()
    assert figure.text("drawing") == "Nothing drawn yet"
    assert figure.text("error-0") == figure.text("kl") == "–"
    pad = figure.root.locator(".ae-pad")
    drag(figure, pad, *on_sheet(figure, 0.5, 0.9))
    expected = ink([[[0.5, 0.5], [0.5, 0.9]]])
    off = (sheet_of(figure) - expected).abs()
    assert float(off.sum()) < 0.1 * float(expected.sum())  # a pixel of the window here or there
    check(figure)
    drag(figure, pad, *on_sheet(figure, 0.45, 0.1))
    assert float(sheet_of(figure).sum()) > 1.8 * float(expected.sum())
    check(figure)
    assert figure.text("drawing").startswith("read as 1 ")
    figure.button("Undo").click()
    assert float((sheet_of(figure) - expected).abs().sum()) == pytest.approx(float(off.sum()))
    check(figure)
    assert figure.page.evaluate("scrollY") == 0


def test_numbers_follow_while_the_pen_is_down(look: Show) -> None:
    figure = look()
    figure.button("Clear").click()
    page = figure.page
    page.mouse.move(*on_sheet(figure, 0.3, 0.2))
    page.mouse.down()
    said = set()
    for x, y in ((0.5, 0.2), (0.7, 0.2), (0.6, 0.5), (0.5, 0.8)):
        page.mouse.move(*on_sheet(figure, x, y), steps=3)
        check(figure)
        said.add(figure.text("mu"))
    page.mouse.up()
    check(figure)
    assert len(said) == 4
    assert figure.text("drawing").startswith("read as 7 ")


def test_a_pointer_that_leaves_the_sheet_draws_along_its_edge(look: Show) -> None:
    figure = look()
    figure.button("Clear").click()
    figure.drag(figure.root.locator(".ae-pad"), *on_sheet(figure, 1.3, 0.5))
    sheet = sheet_of(figure)
    assert float(sheet[112, -1]) == 1
    check(figure)


def test_a_second_finger_draws_nothing(look: Show) -> None:
    figure = look(**TOUCH)
    figure.button("Clear").click()
    session = figure.page.context.new_cdp_session(figure.page)
    points = [dict(zip("xy", on_sheet(figure, x, 0.3), strict=True)) for x in (0.2, 0.8)]

    def touch(kind: str, *fingers: dict[str, float]) -> None:
        named = [f | {"id": i} for i, f in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": named})

    touch("touchStart", points[0])
    touch("touchStart", *points)
    touch("touchMove", *({**p, "y": p["y"] + 60} for p in points))
    touch("touchEnd")
    sheet = sheet_of(figure)
    assert float(sheet[:, :112].sum()) > 0
    assert float(sheet[:, 112:].sum()) == 0
    check(figure)


def test_only_the_sheet_and_the_dot_keep_the_finger_from_scrolling(look: Show) -> None:
    figure = look()
    held = figure.root.evaluate(
        "(e) => [...e.querySelectorAll('*')].filter((n) =>"
        " getComputedStyle(n).touchAction === 'none').map((n) => n.getAttribute('class'))"
    )
    assert set(held) == {"ae-pad", "ae-handle ae-latent"}


def test_the_sheet_by_keyboard(look: Show) -> None:
    figure = look()
    page = figure.page
    page.evaluate(
        "() => { window.keys = []; document.addEventListener('keydown', (e) => keys.push(e.key)); }"
    )
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('class')") == "ae-pad"
    page.keyboard.press("Delete")
    assert figure.text("drawing") == "Nothing drawn yet"
    assert figure.root.locator(".ae-pen").is_visible()
    down = ["ArrowDown"] * 14
    page.keyboard.press(" ")
    for key in down:
        page.keyboard.press(key)
    check(figure)  # while the pen is down
    page.keyboard.press(" ")
    line = [[0.5, 0.25]]
    for _ in down:  # a pixel of MNIST a key
        line.append([0.5, round(line[-1][1] + 1 / 28, 4)])
    expected = ink([line])
    assert float((sheet_of(figure) - expected).abs().max()) <= 1 / 255
    check(figure)
    assert figure.text("drawing").startswith("read as 1 ")
    page.keyboard.press("Shift+ArrowRight")  # the pen is up: nothing is drawn
    assert float((sheet_of(figure) - expected).abs().max()) <= 1 / 255
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    assert float(sheet_of(figure).sum()) > 1.1 * float(expected.sum())
    page.keyboard.press("Backspace")
    assert float((sheet_of(figure) - expected).abs().max()) <= 1 / 255
    check(figure)
    page.wait_for_timeout(900)
    assert "Read as 1" in figure.root.locator("[aria-live]").inner_text()
    assert set(page.evaluate("keys")) <= {"Tab", "Shift"}
    page.keyboard.press("Tab")
    assert not figure.root.locator(".ae-pen").is_visible()


def test_presets_by_keyboard_mouse_and_touch(look: Show) -> None:
    figure = look(**TOUCH)
    radios = figure.root.locator(".ae-choice").first.get_by_role("radio")
    assert radios.count() == 14
    radios.nth(4).focus()
    figure.page.keyboard.press("ArrowRight")
    drawn = [5]
    for place in drawn:
        assert radios.nth(place).is_checked()
        assert torch.equal(
            (sheet_of(figure) * 255).round(),
            (preset(place) * 255).round().double(),
        )
    check(figure)
    radios.nth(11).click()
    assert float((sheet_of(figure) - preset(11)).abs().max()) <= 1 / 255
    check(figure)
    radios.nth(0).tap()
    check(figure)
    figure.drag(figure.root.locator(".ae-pad"), *on_sheet(figure, 0.9, 0.9))  # on top of it
    assert float(sheet_of(figure).sum()) > float(preset(0).sum()) * 1.05
    assert radios.nth(0).is_checked()
    check(figure)
    figure.button("Undo").click()
    assert torch.equal((sheet_of(figure) * 255).round(), (preset(0) * 255).round().double())
    figure.button("Undo").click()
    assert figure.text("drawing") == "Nothing drawn yet"
    assert not radios.nth(0).is_checked()


def preset(place: int) -> torch.Tensor:
    figure = twin()
    figure.preset = place
    return figure.drawing()


def test_noise_by_slider_button_and_dot(look: Show) -> None:
    figure = look()
    state = DrawDigit(eps=[0.0, 0.0])
    first = figure.root.get_by_label("noise ε₁", exact=True)
    figure.keys(first, "Shift+ArrowRight", "ArrowRight")
    state.eps = [1.1, 0.0]
    check(figure, state)
    figure.keys(figure.handle("z"), "ArrowUp", "ArrowUp", "ArrowLeft")
    state.eps = [1.0, 0.2]
    check(figure, state)
    figure.button("Draw ε").click()
    state.eps = [figure.value("eps-0"), figure.value("eps-1")]
    assert state.eps != [1.0, 0.2]
    check(figure, state)
    figure.button("ε = 0").click()
    state.eps = [0.0, 0.0]
    check(figure, state)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_z_is_dragged_in_sigmas(look: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = look(**options)
    mu, sigma = (np.array(numbers(figure, key)) for key in ("mu", "sigma"))
    x, y = mu + sigma * [-1.5, 1.0]
    drag(figure, figure.handle("z"), *figure.to_window(1, x, y))
    assert numbers(figure, "z") == pytest.approx([x, y], abs=0.05 * sigma.max())
    state = DrawDigit(eps=[figure.value("eps-0"), figure.value("eps-1")])
    assert state.eps == pytest.approx([-1.5, 1.0], abs=0.1)
    check(figure, state)
    drag(figure, figure.handle("z"), *figure.to_window(1, *(mu + sigma * 40)))
    assert [figure.value("eps-0"), figure.value("eps-1")] == [3, 3]
    ellipse = figure.root.locator("ellipse.ae-latent").nth(1)
    middle = figure.centre(ellipse)
    assert middle == pytest.approx(figure.to_window(1, *mu), abs=1)
    box = ellipse.bounding_box()
    assert box is not None
    right, _ = figure.to_window(1, mu[0] + sigma[0], mu[1])
    assert box["width"] / 2 == pytest.approx(right - middle[0], abs=3)  # the line is 2 wide


def test_another_model_shows_its_plane(look: Show) -> None:
    figure = look()
    figure.root.get_by_role("radio", name="VAE", exact=True).focus()
    figure.page.keyboard.press("ArrowLeft")
    state = DrawDigit(model="AE")
    check(figure, state)
    assert not figure.handle("z").is_visible()
    assert figure.root.get_by_label("noise ε₁", exact=True).is_disabled()
    assert figure.button("Draw ε").is_disabled()
    figure.root.get_by_role("radio", name="VAE", exact=True).click()
    assert figure.handle("z").is_visible()
    check(figure)


def test_the_label_is_told_to_models_with_a_condition(look: Show) -> None:
    figure = look(small)
    state = small()
    assert state.model == "VAE"
    check(figure, state)
    figure.root.get_by_role("radio", name="CVAE", exact=True).click()
    state.model = "CVAE"
    check(figure, state)
    before = numbers(figure, "mu")
    other = 3 if figure.value("drawing") != 3 else 5
    figure.root.get_by_role("radio", name=f"told that it is a {other}", exact=True).click()
    state.label = other
    check(figure, state)
    assert numbers(figure, "mu") != before
    figure.page.keyboard.press("ArrowRight")
    state.label = other + 1
    check(figure, state)
    figure.root.get_by_role("radio", name="told what the reader reads", exact=True).click()
    state.label = -1
    check(figure, state)
    assert numbers(figure, "mu") == before


def test_points_have_their_digits_colours_in_both_planes(look: Show) -> None:
    from aeteach import plots

    figure = look()
    pixels = figure.pixels(figure.root.locator(".ae-stack > canvas").first)
    drawn = {tuple(p[:3]) for p in pixels.reshape(-1, 4) if p[3] == 255}
    palette = {tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in plots.DIGITS}
    assert len(palette & drawn) == 10


def test_a_frame_is_quick(look: Show) -> None:
    """From a pointer's move to the last number on the page, layout included."""
    figure = look()
    figure.button("Clear").click()
    figure.page.mouse.move(*on_sheet(figure, 0.3, 0.3))
    figure.page.mouse.down()
    session = figure.page.context.new_cdp_session(figure.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        """Seconds that the page's thread has worked: what else the machine does is not in it."""
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

    before = busy()
    times = figure.root.evaluate(
        """(root) => {
            const pad = root.querySelector(".ae-pad");
            const box = pad.getBoundingClientRect();
            const times = [];
            for (let i = 0; i < 120; i++) {
                const [x, y] = [0.5 + 0.25 * Math.cos(i / 15), 0.5 + 0.35 * Math.sin(i / 15)];
                const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
                const before = performance.now();
                pad.dispatchEvent(new PointerEvent("pointermove", { ...at, pointerId: 1 }));
                root.getBoundingClientRect();
                times.push(performance.now() - before);
            }
            return times;
        }"""
    )
    work = 1000 * (busy() - before) / len(times)
    figure.page.mouse.up()
    check(figure)
    print(f"{work:.1f} ms of work a frame; by the clock, median {np.median(times):.1f} ms")
    assert 0 < work < 40  # 11 were seen; a screen shows a frame in 16.7 ms
