"""The loss of a linear autoencoder: its surface against torch, and w moved in every way."""

from typing import Any

import numpy as np
import pytest
import torch

from aeteach.widgets import LinearLoss
from aeteach.widgets.linear_loss import tied_loss, white_points
from tests.browser.conftest import Agree, Call, Show
from tests.browser.driver import TOUCH, WAYS, Drag, FigureDriver, focused

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


# ---------------------------------------------------------------- the numbers of the module


def covariances() -> list[tuple[float, float, float, np.ndarray]]:
    cases = []
    for sd1, sd2, angle in [
        (1.5, 0.6, 30),
        (0.4, 1.9, 170),
        (1, 1, 45),
        (2, 0.3, 0),
        (1.2, 1.1, 90),
    ]:
        t = np.deg2rad(angle)
        R = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        cases.append((sd1, sd2, angle, R @ np.diag([sd1**2, sd2**2]) @ R.T))
    return cases


def weights_to_try() -> np.ndarray:
    return np.random.default_rng(2).uniform(-1.6, 1.6, size=(30, 2))


def test_the_loss_surface(call: Call, agree: Agree) -> None:
    white = white_points()
    for sd1, sd2, angle, S in covariances():
        got = call(
            "linear_loss",
            """((S) => ({ S, data: m.dataOf(a[3], a[0], a[1], a[2]),
                loss: a[4].map((w) => m.lossAt(S, w)),
                gradient: a[4].map((w) => m.gradientAt(S, w)),
                step: a[4].map((w) => m.stepFrom(S, w)) }))(m.covarianceOf(a[0], a[1], a[2]))""",
            sd1,
            sd2,
            angle,
            white.tolist(),
            weights_to_try().tolist(),
        )
        data = np.array(got["data"])
        agree(data.T @ data / len(data), S)
        agree([got["S"]["xx"], got["S"]["xy"], got["S"]["yy"]], [S[0, 0], S[0, 1], S[1, 1]])
        # The definition, over the points themselves, and its gradient by automatic differentiation.
        w = torch.tensor(weights_to_try(), requires_grad=True)
        x = torch.tensor(data)
        x_hat = (x @ w.T)[:, :, None] * w  # (points, weights, 2): w w^T x
        loss = ((x[:, None, :] - x_hat) ** 2).sum(2).mean(0)
        loss.sum().backward()
        agree(got["loss"], loss.detach())
        agree(got["loss"], [tied_loss(S, v) for v in weights_to_try()])
        agree(got["gradient"], w.grad)
        agree(got["step"], (w - 0.05 / np.trace(S) * w.grad).detach())


def test_the_critical_points_are_what_the_map_says(call: Call) -> None:
    for sd1, sd2, angle, S in covariances():
        points = call(
            "linear_loss",
            "m.criticalPoints(m.covarianceOf(a[0], a[1], a[2]))",
            sd1,
            sd2,
            angle,
        )
        assert len(points) == 5
        matrix = torch.tensor(S)

        def loss(w: torch.Tensor, S: torch.Tensor = matrix) -> torch.Tensor:
            return torch.trace(S) - 2 * w @ S @ w + (w @ w) * (w @ S @ w)

        for point in points:
            w = torch.tensor(point["w"], dtype=torch.float64)
            gradient = torch.autograd.functional.jacobian(loss, w)
            curvature = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, w))
            assert gradient.abs().max() < 1e-9
            if point["kind"] == "maximum":
                assert (curvature < -1e-9).all()
            elif point["kind"] == "saddle":
                assert curvature[0] < -1e-9 < 1e-9 < curvature[1]
            else:  # along a ring of minima, for equal spreads, the loss is flat
                assert (curvature > (-1e-9 if sd1 == sd2 else 1e-9)).all()


def test_every_step_from_the_map_lowers_the_loss_and_stays_where_python_follows(
    call: Call,
) -> None:
    got = call(
        "linear_loss",
        """(() => { let farthest = 0, rises = 0;
            for (const sd1 of [0.3, 1, 2]) for (const sd2 of [0.3, 1.1, 2])
                for (let t = 0; t < 180; t += 30) {
                    const S = m.covarianceOf(sd1, sd2, t);
                    for (let i = -8; i <= 8; i++) for (let j = -8; j <= 8; j++) {
                        let w = [i / 5, j / 5];
                        for (let k = 0; k < 60; k++) {
                            const next = m.stepFrom(S, w);
                            if (m.lossAt(S, next) > m.lossAt(S, w) + 1e-12) rises++;
                            farthest = Math.max(farthest, Math.abs(next[0]), Math.abs(next[1]));
                            w = next;
                        }
                    }
                }
            return { farthest, rises }; })()""",
    )
    assert 1 < got["farthest"] < 2  # what LinearLoss accepts as w
    assert got["rises"] == 0


def test_angle_to_the_first_eigenvector(call: Call, agree: Agree) -> None:
    for sd1, sd2, angle, S in covariances():
        if sd1 == sd2:
            continue  # every direction is an eigenvector
        u = np.linalg.eigh(S)[1][:, -1]
        w = weights_to_try()
        got = call(
            "linear_loss",
            "a[3].map((w) => m.angleToFirst(m.covarianceOf(a[0], a[1], a[2]), w))",
            sd1,
            sd2,
            angle,
            w.tolist(),
        )
        cosine = np.abs(w @ u) / np.linalg.norm(w, axis=1)
        agree(got, np.rad2deg(np.arccos(np.minimum(cosine, 1))), 1e-5)  # arccos is coarse near 0


def test_contour_lines_lie_on_their_level(call: Call) -> None:
    # f(x, y) = x + 2 y is linear, so every piece must lie on the level exactly.
    pieces = call(
        "linear_loss",
        """m.contour(
            Float64Array.from({ length: 64 }, (_, i) => (i % 8) + 2 * (i >> 3)), 8, 9.5)""",
    )
    ends = np.array(pieces).reshape(-1, 2)
    assert len(ends) > 10
    np.testing.assert_allclose(ends[:, 0] + 2 * ends[:, 1], 9.5, atol=1e-12)
