"""The axis through a cloud and a digit from k components: against NumPy, and moved in every way."""

from typing import Any

import numpy as np
import pytest
import torch

from aeteach.widgets import PcaAxis, PcaDigit
from aeteach.widgets.pca_axis import axis_stats, default_points
from aeteach.widgets.pca_digit import Pca, principal_components
from tests.browser.conftest import Agree, Call, Show
from tests.browser.driver import TOUCH, WAYS, Drag, FigureDriver, focused
from tests.browser.kit.test_layers import tensor
from tests.browser.kit.test_maths import clouds

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
    scores, least = W @ (x - mean), ((x - mean) ** 2).sum()
    assert figure.value("start") == pytest.approx(least, abs=1e-10)
    assert figure.text("start") == f"{least:.2f}"
    assert figure.text("score") == (f"{round(scores[k - 1], 2) + 0.0:.2f}" if k else "–")
    names = figure.root.locator(".ae-pictures .ae-title").all_inner_texts()
    assert names[1] == ("rebuilt" if k else "rebuilt: the mean")
    drawn = figure.pixels(pictures.nth(3))[..., :3].reshape(144, 3).astype(float)
    if k == 0:
        assert np.ptp(drawn, axis=0).max() == 0  # nothing
    else:  # the stronger, the further from paper, on either side
        w = W[k - 1] / np.abs(W[k - 1]).max()
        far = np.abs(drawn - drawn[np.abs(w).argmin()]).sum(1)
        for side in (w > 0, w < 0):
            assert np.corrcoef(far[side], np.abs(w[side]))[0, 1] > 0.99
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


# ---------------------------------------------------------------- the numbers of the module


def test_captured_and_residual_variance(call: Call, agree: Agree) -> None:
    cases = [(c, 9.7 * i % 180) for i, c in enumerate(clouds())]
    got = call(
        "pca_axis",
        "a[0].map(([p, t]) => m.axisStats(p, t))",
        [(c.tolist(), t) for c, t in cases],
    )
    agree(
        [[g["captured"], g["residual"], g["total"], g["share"], *g["mean"]] for g in got],
        [
            [*(s := axis_stats(c, t)), sum(s), s.captured / sum(s), *c.mean(0)]
            for c, t in cases
        ],
    )  # fmt: skip


def test_projections_on_the_axis(call: Call, agree: Agree) -> None:
    for i, cloud in enumerate(clouds(8)):
        angle = 23.0 * i % 180
        u = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        expected = cloud.mean(0) + (cloud - cloud.mean(0)) @ np.outer(u, u)
        agree(call("pca_axis", "m.project(a[0], a[1])", cloud.tolist(), angle), expected)


def test_snap_to_pca_finds_the_first_principal_component(call: Call, agree: Agree) -> None:
    data = clouds()
    angles = call("pca_axis", "a[0].map((p) => m.pcaAngle(p))", [c.tolist() for c in data])
    for cloud, angle in zip(data, angles, strict=True):
        first = np.linalg.svd(cloud - cloud.mean(0))[2][0]
        agree(axis_stats(cloud, angle).captured, np.linalg.eigvalsh(np.cov(cloud.T))[-1])
        assert (
            abs(np.cos(np.deg2rad(angle)) * first[1] - np.sin(np.deg2rad(angle)) * first[0]) < 1e-9
        )


def test_a_digit_rebuilt_from_its_components(call: Call, agree: Agree) -> None:
    rng = np.random.default_rng(4)
    images = rng.random((60, 8, 8)) ** 2
    pca = principal_components(images, 20)
    x = rng.random(64)
    got = call(
        "pca_digit",
        """{ z: m.scores(a[0], a[1], a[2]), errors: m.errorCurve(a[0], a[1], a[2]),
            images: a[3].map((k) => m.rebuild(m.scores(a[0], a[1], a[2]), a[1], a[2], k)) }""",
        x.tolist(),
        pca.mean.tolist(),
        tensor(torch.tensor(pca.components.copy())),
        [0, 1, 7, 20],
    )
    z = pca.components @ (x - pca.mean)
    agree(got["z"], z)
    hats = [pca.mean + z[:k] @ pca.components[:k] for k in range(21)]
    agree(got["images"], [hats[k] for k in (0, 1, 7, 20)])
    agree(got["errors"], [((x - hat) ** 2).sum() for hat in hats])
