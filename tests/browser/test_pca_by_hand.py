"""The three figures alone on a page, moved by mouse, touch and keyboard, their numbers checked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

from aeteach import widgets
from aeteach.widgets import Figure, LinearLoss, PcaAxis, PcaDigit
from aeteach.widgets.linear_loss import tied_loss
from aeteach.widgets.pca_axis import axis_stats, default_points
from aeteach.widgets.pca_digit import Pca, principal_components
from tests.browser.conftest import NewPage, Show, Watch
from tests.browser.driver import CLUTTER, Drag, FigureDriver, standalone
from tests.browser.test_choosing_the_latent import made as small_line
from tests.browser.test_clinic import make as small_clinic
from tests.browser.test_scoreboard import made as small_scoreboard

TOUCH = {"has_touch": True}
WAYS: list[Any] = [
    pytest.param({}, FigureDriver.drag, id="mouse"),
    pytest.param(TOUCH, FigureDriver.touch_drag, id="touch"),
]


# ---------------------------------------------------------------- an axis through a cloud


def check_axis(figure: FigureDriver, points: np.ndarray) -> None:
    """The read-out says what NumPy says of the points at the angle it shows."""
    captured, residual = axis_stats(points, figure.value("angle"))
    assert figure.value("captured") == pytest.approx(captured, abs=1e-12)
    assert figure.value("residual") == pytest.approx(residual, abs=1e-12)
    total = np.var(points, axis=0, ddof=1).sum()
    assert figure.value("captured") + figure.value("residual") == pytest.approx(total, abs=1e-12)
    assert figure.text("captured") == f"{captured:.3f}"
    assert figure.text("residual") == f"{residual:.3f}"
    assert figure.text("total") == f"{total:.3f}"
    assert figure.text("share") == f"{100 * captured / total:.1f} %"
    assert figure.text("angle") == f"{figure.value('angle'):.1f}°"


@pytest.mark.parametrize(("options", "drag"), WAYS)
@pytest.mark.parametrize("target", [100, 250])
def test_the_axis_follows_the_pointer(
    look: Show, options: dict[str, Any], drag: Drag, target: float
) -> None:
    figure = look(PcaAxis, **options)
    points = np.array(default_points())
    assert figure.value("angle") == 0
    check_axis(figure, points)
    turn = np.deg2rad(target)
    place = points.mean(0) + 1.5 * np.array([np.cos(turn), np.sin(turn)])
    drag(figure, figure.handle("axis"), *figure.to_window(0, *place))
    assert figure.value("angle") == pytest.approx(target % 180, abs=0.7)  # a pixel is 0.5 degrees
    check_axis(figure, points)
    # The handle stays at the end that was pulled.
    _, y = figure.centre(figure.handle("axis"))
    middle = figure.to_window(0, *points.mean(0))
    assert np.sign(y - middle[1]) == -np.sign(np.sin(turn))


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_a_point_follows_the_pointer(look: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = look(lambda: PcaAxis(angle=40), **options)
    points = np.array(default_points())
    outermost = int(np.abs(points - points.mean(0)).sum(1).argmax())
    drag(figure, figure.handle(f"point {outermost + 1}"), *figure.to_window(0, 1.0, -2.0))
    before = figure.value("total")
    said = figure.handle(f"point {outermost + 1}").get_attribute("aria-valuetext")
    assert said is not None
    x, y = (float(part.split()[-1].replace("−", "-")) for part in said.split(","))
    assert (x, y) == pytest.approx((1.0, -2.0), abs=0.05)
    points[outermost] = x, y  # as it says, to two digits
    assert figure.value("captured") == pytest.approx(axis_stats(points, 40).captured, abs=0.02)
    figure.button("Reset points").click()
    check_axis(figure, np.array(default_points()))
    assert figure.value("total") != before


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_of_points_that_crowd_the_one_that_is_pulled_moves(
    look: Show, options: dict[str, Any], drag: Drag
) -> None:
    crowd = [[0, 0], [0.06, 0], [0, 0.06], [0.06, 0.06], [-2, -2], [2, 2]]  # 9 pixels apart
    for i in range(4):
        figure = look(lambda: PcaAxis(crowd, angle=100), **options)
        drag(figure, figure.handle(f"point {i + 1}"), *figure.to_window(0, 1.5, -1.5))
        said = [figure.handle(f"point {j + 1}").get_attribute("aria-valuetext") for j in range(4)]
        moved = [j for j, text in enumerate(said) if "1.5" in str(text)]
        assert moved == [i]


def test_the_axis_and_the_points_obey_the_keyboard(look: Show) -> None:
    figure = look(PcaAxis)
    points = np.array(default_points())
    page = figure.page
    page.keyboard.press("Tab")
    assert focused(page) == "point 1"
    page.keyboard.press("Tab")
    assert focused(page) == "axis"
    for key, angle in [("ArrowUp", 1), ("ArrowRight", 2), ("Shift+ArrowUp", 12), ("ArrowLeft", 11)]:
        page.keyboard.press(key)
        assert figure.value("angle") == pytest.approx(angle)
    figure.keys(figure.handle("axis"), "Shift+ArrowDown", "Shift+ArrowDown")
    assert figure.value("angle") == pytest.approx(171)
    check_axis(figure, points)
    page.keyboard.press("Tab")
    assert focused(page) == "angle of the axis"
    page.keyboard.press("ArrowRight")
    assert figure.value("angle") == pytest.approx(172)
    page.keyboard.press("Shift+ArrowLeft")
    assert figure.value("angle") == pytest.approx(162)

    step = 2 * 1.25 * np.ptp(points, axis=0).max() / 2 / 200  # 1/200 of the plane
    figure.handle("point 1").focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    assert focused(page) == "point 3"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    points[2] += [step, -10 * step]
    check_axis(figure, points)
    page.keyboard.press("PageUp")
    assert focused(page) == "point 2"
    assert page.evaluate("scrollY") == 0


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def test_snap_to_pca_captures_the_largest_eigenvalue(look: Show) -> None:
    figure = look(PcaAxis)
    figure.button("Snap to PCA").click()
    points = np.array(default_points())
    assert figure.value("captured") == pytest.approx(np.linalg.eigvalsh(np.cov(points.T))[-1])
    check_axis(figure, points)


def test_the_slider_turns_the_axis(look: Show) -> None:
    figure = look(PcaAxis)
    box = figure.root.get_by_label("angle of the axis", exact=True).bounding_box()
    assert box is not None
    figure.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert figure.value("angle") == pytest.approx(90, abs=2)
    check_axis(figure, np.array(default_points()))


# ---------------------------------------------------------------- a digit from k components


def small_pca() -> tuple[Pca, np.ndarray]:
    rng = np.random.default_rng(5)
    smooth = rng.random((80, 12, 12)).cumsum(1).cumsum(2)
    images = smooth / smooth.max()
    return principal_components(images[:70], 30), images[70:76]


def small_digit() -> PcaDigit:
    pca, digits = small_pca()
    return PcaDigit(digits=digits, labels=[0, 1, 2, 3, 4, 5], pca=pca, k=4)


def check_digit(figure: FigureDriver, digit: int, k: int) -> None:
    """Numbers and pictures are those of NumPy, up to what float16 weights round away."""
    pca, digits = small_pca()
    mean, W, x = (
        np.asarray(a).astype(kind).astype(np.float64)
        for a, kind in (
            (pca.mean, np.float32),
            (pca.components, np.float16),
            (digits[digit].ravel(), np.float32),
        )
    )
    x_hat = mean + (W @ (x - mean))[:k] @ W[:k]
    error = ((x - x_hat) ** 2).sum()
    assert figure.value("k") == k
    assert figure.value("error") == pytest.approx(error, abs=1e-10)
    assert figure.text("error") == f"{error:.2f}"
    assert figure.text("explained") == f"{100 * pca.explained[k]:.1f} %"
    pictures = figure.root.locator(".ae-pictures canvas")
    for place, image in enumerate((x, x_hat)):
        grey = np.clip(np.round(255 * image), 0, 255).reshape(12, 12)
        assert np.abs(figure.pixels(pictures.nth(place))[..., 0] - grey).max() <= 1
    exact = digits[digit].ravel() - pca.mean
    kept = pca.components[:k] @ exact
    assert error == pytest.approx(exact @ exact - kept @ kept, abs=2e-3)


def test_the_slider_sets_the_number_of_components(look: Show) -> None:
    figure = look(small_digit)
    check_digit(figure, 0, 4)
    slider = figure.root.get_by_label("components k", exact=True)
    figure.keys(slider, "ArrowRight", "ArrowUp")
    check_digit(figure, 0, 6)
    figure.keys(slider, "Shift+ArrowRight")
    check_digit(figure, 0, 16)
    figure.keys(slider, "End")
    check_digit(figure, 0, 30)
    figure.keys(slider, "Home")
    check_digit(figure, 0, 0)
    assert figure.text("score") == "–"


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_slider_follows_the_pointer(look: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = look(small_digit, **options)
    slider = figure.root.get_by_label("components k", exact=True)
    figure.keys(slider, "Home")
    for _ in range(15):
        figure.page.keyboard.press("ArrowRight")
    check_digit(figure, 0, 15)  # the thumb is now in the middle of the slider
    box = slider.bounding_box()
    assert box is not None
    drag(figure, slider, box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    assert 25 <= figure.value("k") <= 29
    check_digit(figure, 0, int(figure.value("k")))


def test_another_digit_by_mouse_touch_and_keyboard(look: Show) -> None:
    figure = look(small_digit, **TOUCH)
    choices = figure.root.get_by_role("radio")
    assert choices.count() == 6
    choices.nth(2).click()
    check_digit(figure, 2, 4)
    choices.nth(4).tap()
    check_digit(figure, 4, 4)
    figure.page.keyboard.press("ArrowRight")
    assert focused(figure.page) == "digit 6, a 5"
    check_digit(figure, 5, 4)


# ---------------------------------------------------------------- the loss of a linear autoencoder


def check_loss(figure: FigureDriver, S: np.ndarray | None = None) -> np.ndarray:
    """The read-out says what torch says of the weights it shows; returns these."""
    if S is None:
        S = LinearLoss().covariance
    shown = figure.root.locator('[data-key="w"]').get_attribute("data-value") or ""
    w = torch.tensor([float(v) for v in shown.split()], dtype=torch.float64, requires_grad=True)
    white = torch.tensor(LinearLoss().white, dtype=torch.float64)
    x = white @ torch.linalg.cholesky(torch.tensor(S)).T  # any data with this covariance
    loss = ((x - (x @ w)[:, None] * w) ** 2).sum(1).mean()
    loss.backward()
    assert w.grad is not None
    assert figure.value("loss") == pytest.approx(loss.item(), abs=1e-12)
    assert figure.text("loss") == f"{loss.item():.4f}"
    assert figure.value("gradient") == pytest.approx(w.grad.norm().item(), abs=1e-12)
    assert figure.value("norm") == pytest.approx(w.detach().norm().item(), abs=1e-12)
    a, b = w.tolist()
    assert figure.text("w") == f"({a:.3f}, {b:.3f})".replace("-0.000", "0.000")
    return np.array([a, b])


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_w_follows_the_pointer(look: Show, options: dict[str, Any], drag: Drag) -> None:
    figure = look(LinearLoss, **options)
    check_loss(figure)
    drag(figure, figure.handle("w"), *figure.to_window(0, 1.2, -0.7))
    assert check_loss(figure) == pytest.approx([1.2, -0.7], abs=0.02)
    drag(
        figure, figure.handle("w"), *figure.to_window(0, -5, 0)
    )  # beyond the map: held at its edge
    assert check_loss(figure) == pytest.approx([-1.6, 0], abs=0.02)


def test_w_goes_where_the_map_is_clicked_or_tapped(look: Show) -> None:
    figure = look(LinearLoss, **TOUCH)
    figure.page.mouse.click(*figure.to_window(0, 0.5, 1.1))
    assert check_loss(figure) == pytest.approx([0.5, 1.1], abs=0.02)
    figure.page.touchscreen.tap(*figure.to_window(0, -1.0, -1.2))
    assert check_loss(figure) == pytest.approx([-1.0, -1.2], abs=0.02)


def test_w_obeys_the_keyboard(look: Show) -> None:
    figure = look(lambda: LinearLoss(w=(0.5, 0.5)))
    figure.page.keyboard.press("Tab")
    assert focused(figure.page) == "w"
    for key in ("ArrowRight", "Shift+ArrowUp", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        figure.page.keyboard.press(key)
    assert check_loss(figure) == pytest.approx([0.48, 0.68])


def test_a_step_is_a_step_of_gradient_descent(look: Show) -> None:
    figure = look(lambda: LinearLoss(w=(0.9, -0.4)))
    w, S = np.array([0.9, -0.4]), LinearLoss().covariance
    rate = 0.05 / np.trace(S)
    assert figure.printed("rate") == round(rate, 4)
    for taken in (1, 2, 3):
        figure.button("Step").click()
        w = w - rate * (-4 * S @ w + 2 * (w @ S @ w) * w + 2 * (w @ w) * S @ w)
        assert check_loss(figure) == pytest.approx(w, abs=1e-12)
        assert figure.value("steps") == taken
    figure.button("Start again").click()
    assert check_loss(figure) == pytest.approx([0.9, -0.4])


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_descent_ends_at_rest_in_a_minimum(look: Show, motion: str) -> None:
    figure = look(LinearLoss, reduced_motion=motion)
    figure.button("Descend").click()
    S = LinearLoss().covariance
    if motion == "reduce":  # no animation: it has arrived when the click returns
        assert figure.value("gradient") < 1e-4 * np.trace(S)
    figure.page.wait_for_function(
        "rest => Number(document.querySelector('[data-key=gradient]').dataset.value) < rest",
        arg=1e-4 * np.trace(S),
    )
    check_loss(figure)
    values = np.linalg.eigvalsh(S)
    assert figure.value("loss") == pytest.approx(values[0], abs=1e-6)
    assert figure.value("norm") == pytest.approx(1, abs=1e-3)
    assert figure.value("tilt") == pytest.approx(0, abs=0.1)
    assert 50 < figure.value("steps") < 1000


def test_the_sliders_change_the_data(look: Show) -> None:
    figure = look(LinearLoss)
    figure.keys(figure.root.get_by_label("standard deviation along u", exact=True), "End")
    figure.keys(figure.root.get_by_label("standard deviation across u", exact=True), "Home")
    figure.keys(figure.root.get_by_label("direction of u", exact=True), "Shift+ArrowRight")
    assert [figure.value(k) for k in ("sd1", "sd2", "angle")] == [2.0, 0.3, 40.0]
    check_loss(figure, LinearLoss(sd1=2, sd2=0.3, angle=40).covariance)
    tags = figure.root.locator(".ae-tag").all_text_contents()
    assert sorted(tags) == ["maximum", "u₁ minimum", "u₂ saddle", "−u₁ minimum", "−u₂ saddle"]


def test_equal_spreads_have_a_ring_of_minima(look: Show) -> None:
    figure = look(lambda: LinearLoss(w=(0.8, -0.6), sd1=1.1, sd2=1.1))
    assert sorted(figure.root.locator(".ae-tag").all_text_contents()) == [
        "maximum",
        "minimum all round",
    ]
    assert figure.value("gradient") == pytest.approx(0, abs=1e-12)
    assert figure.value("loss") == pytest.approx(1.21)


def test_the_map_is_dark_where_the_loss_is_high_and_follows_the_theme(look: Show) -> None:
    figure = look(LinearLoss)
    canvas = figure.root.locator("canvas").first

    def shade(w: np.ndarray) -> np.ndarray:
        pixels = figure.pixels(canvas)
        side = len(pixels)
        column, row = np.round((np.array([w[0], -w[1]]) / 3.2 + 0.5) * (side - 1)).astype(int)
        return pixels[row, column, :3]

    paper = np.array([255, 255, 255])
    places = [
        np.array([np.cos(t), np.sin(t)]) * r for r in (0.5, 0.8, 1.2) for t in (0.6, 2.5, 4.0)
    ]
    places.sort(key=lambda w: tied_loss(LinearLoss().covariance, w))
    depth = [np.abs(shade(w) - paper).sum() for w in places]
    assert np.corrcoef(np.argsort(depth), np.arange(len(depth))[::-1])[0, 1] > 0.8
    light = figure.pixels(canvas)
    figure.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    figure.page.wait_for_timeout(100)
    dark = figure.pixels(canvas)
    assert light[..., :3].mean() > 200
    assert dark[..., :3].mean() < 80


# ---------------------------------------------------------------- all figures

# Every figure of the package, so that a new one cannot be forgotten; some of them need small data.
SMALL = {
    "PcaDigit": small_digit,
    "Clinic": small_clinic,
    "LatentLine": small_line,
    "Scoreboard": small_scoreboard,
}
ALL: list[Any] = [
    pytest.param(SMALL.get(name, cls), id=name)
    for name in widgets.__all__
    if isinstance(cls := getattr(widgets, name), type)
    and issubclass(cls, Figure)
    and cls is not Figure
]


PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}


@pytest.mark.parametrize("make", ALL)
def test_nothing_overlaps_or_overflows(look: Show, make: Callable[[], Figure]) -> None:
    figure = look(make, viewport={"width": 320, "height": 900})
    page = figure.page
    problems = []
    for width in (320, 375, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
            )
            found = figure.root.evaluate(CLUTTER)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append("wider than the page")
            paper = figure.root.evaluate("(e) => getComputedStyle(e).backgroundColor")
            if paper != PAPER[theme]:
                found.append(f"paper {paper}")
            problems += [f"{width} {theme}: {problem}" for problem in found]
    assert problems == []


@pytest.mark.parametrize("make", ALL)
def test_everything_has_a_name_and_a_value(look: Show, make: Callable[[], Figure]) -> None:
    figure = look(make)
    assert figure.root.get_attribute("role") == "group"
    assert len(figure.root.get_attribute("aria-label") or "") > 80
    for handle in figure.root.locator("[role=slider]").all():
        for name in (
            "aria-label",
            "aria-valuetext",
            "aria-valuenow",
            "aria-valuemin",
            "aria-valuemax",
        ):
            assert handle.get_attribute(name), name
    for control in figure.root.locator("input").all():
        assert control.get_attribute("aria-label")
    for canvas in figure.root.locator("canvas").all():
        assert canvas.get_attribute("aria-label") or canvas.get_attribute("aria-hidden") == "true"
    assert figure.root.locator("[aria-live=polite]").count() >= 1


def test_what_changed_is_said_once_the_figure_rests(look: Show) -> None:
    figure = look(PcaAxis)
    live = figure.root.locator("[aria-live=polite]")
    figure.keys(figure.handle("axis"), *["ArrowUp"] * 5)
    said = f"Axis at 5.0 degrees: captured {figure.text('captured')}"
    assert said not in live.inner_text()
    figure.page.wait_for_timeout(900)
    assert live.inner_text().startswith(said)


@pytest.mark.parametrize("make", ALL)
def test_keys_a_figure_uses_do_not_reach_the_page(look: Show, make: Callable[[], Figure]) -> None:
    figure = look(make)
    figure.page.evaluate(
        "() => { window.keys = []; document.addEventListener('keydown', (e) => keys.push(e.key)); }"
    )
    controls = figure.root.locator("[role=slider], input").all()
    assert len(controls) > 2
    for control in controls:
        figure.keys(control, "ArrowRight", "ArrowDown", "Shift+ArrowUp")
    figure.page.keyboard.press("x")
    assert set(figure.page.evaluate("keys")) <= {"Shift", "x"}


def test_the_focus_can_be_seen(look: Show) -> None:
    figure = look(PcaAxis)
    ring = figure.handle("axis").locator(".ae-ring")
    assert ring.evaluate("(e) => getComputedStyle(e).stroke") == "none"
    figure.page.keyboard.press("Tab")
    figure.page.keyboard.press("Tab")
    assert ring.evaluate("(e) => getComputedStyle(e).stroke") == "rgb(9, 105, 218)"
    figure.button("Snap to PCA").focus()
    width = figure.button("Snap to PCA").evaluate("(e) => getComputedStyle(e).outlineWidth")
    assert float(width.removesuffix("px")) >= 2


def test_twins_and_strangers_on_one_page_move_alone(look: Show) -> None:
    first = look(PcaAxis, LinearLoss, PcaAxis)
    page = first.page
    twin = FigureDriver(page, 2)
    first.keys(first.handle("axis"), "Shift+ArrowUp")
    assert first.value("angle") == 10
    assert twin.value("angle") == 0
    twin.keys(twin.handle("axis"), "ArrowUp")
    assert (first.value("angle"), twin.value("angle")) == (10, 1)
    check_loss(FigureDriver(page, 1))
    assert page.locator("style[data-ae-style]").count() == 1


def test_a_figure_that_cannot_start_says_so_and_leaves_its_words(
    monkeypatch: pytest.MonkeyPatch, new_page: NewPage, watch: Watch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    html = PcaAxis().page_html().replace('"points":[[', '"points_lost":[[')
    (tmp_path / "index.html").write_text(standalone(html))
    page = new_page()
    page.goto((tmp_path / "index.html").as_uri())
    said = page.locator(".ae-figure").inner_text()
    assert said.startswith("A cloud of 24 points")
    assert "could not start" in said
    assert len(watch.problems) == 1
    watch.problems.clear()
