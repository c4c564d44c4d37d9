"""The witness figure: its mathematics, and every way to move it, against `aeteach.mmd`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aeteach.mmd import KERNELS, median_distance, mmd, mmd_normal, witness
from aeteach.widgets import WitnessPad
from tests.browser.conftest import Call, NewPage
from tests.browser.driver import FigureDriver, standalone

TOUCH = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 1700}}


Open = Callable[..., FigureDriver]


@pytest.fixture
def open_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, new_page: NewPage) -> Open:
    """Write a figure into a page and open it from the folder."""

    def opened(make: Callable[[], Any] = WitnessPad, **options: Any) -> FigureDriver:
        monkeypatch.setenv("AETEACH_HOST", "page")
        html = make().page_html()
        assert len(html.encode()) < 120_000
        (tmp_path / "index.html").write_text(standalone(html), encoding="utf-8")
        page = new_page(**options)
        page.goto((tmp_path / "index.html").as_uri())
        return FigureDriver(page)

    return opened


def column(points: Any) -> torch.Tensor:
    return torch.tensor(points, dtype=torch.float64)[:, None]


def clouds(count: int = 40) -> list[tuple[list[float], list[float], str, float]]:
    """Clouds of different sizes, kernels in turn, bandwidths from one end to the other."""
    rng = np.random.default_rng(0)
    return [
        (
            rng.normal(size=int(rng.integers(2, 30))).tolist(),
            rng.normal(0.5, 1.4, size=int(rng.integers(2, 30))).tolist(),
            KERNELS[i % 2],
            float(10 ** rng.uniform(-1.3, 1.3)),
        )
        for i in range(count)
    ]


# ------------------------------------------------------------------ golden vectors


def test_estimates_and_witness_against_torch(call: Call) -> None:
    cases = clouds()
    places = [-3.1, -0.4, 0.0, 1.7]
    body = """a[0].map(([x, y, kernel, bandwidth]) => ({
        ...m.estimates(x, y, { kernel, bandwidth }), median: m.medianDistance(x, y),
        at: a[1].map((t) => m.witnessAt(t, x, y, { kernel, bandwidth })),
    }))"""
    for got, case in zip(call("witness_pad", body, cases, places), cases, strict=True):
        x, y = column(case[0]), column(case[1])
        options: dict[str, Any] = {"kernel": case[2], "bandwidth": case[3]}
        for name, unbiased in (("biased", False), ("unbiased", True)):
            want = float(mmd(x, y, unbiased=unbiased, **options))
            assert got[name] == pytest.approx(want, abs=1e-12)
        assert got["median"] == pytest.approx(median_distance(x, y), abs=1e-12)
        np.testing.assert_allclose(
            got["at"], witness(column(places), x, y, **options), atol=1e-12, rtol=0
        )


def test_the_closed_form_against_torch(call: Call) -> None:
    rng = np.random.default_rng(1)
    cases = rng.uniform([-3, 0.2, -3, 0.2, 0.05], [3, 2, 3, 2, 20], size=(40, 5)).tolist()
    body = """a[0].map(([mu, sigma, mu_y, sigma_y, bandwidth]) =>
        m.closedForm({ mu, sigma }, { mu: mu_y, sigma: sigma_y }, { bandwidth }))"""
    for got, (mu, sigma, mu_y, sigma_y, h) in zip(
        call("witness_pad", body, cases), cases, strict=True
    ):
        numbers = [torch.tensor([v], dtype=torch.float64) for v in (mu, sigma, mu_y, sigma_y)]
        a, s, b, t = numbers
        want = float(mmd_normal(a, 2 * s.log(), b, 2 * t.log(), bandwidth=h))
        assert got == pytest.approx(want, abs=1e-13)


# ------------------------------------------------------------------ the figure on a page


def points(figure: FigureDriver, which: str) -> list[float]:
    """Where the points are, from what each of them says to those who cannot see."""
    dots = figure.root.locator(f'[role=slider][aria-label^="point"][aria-label$="of {which}"]')
    return [float(v) for v in dots.evaluate_all("(n) => n.map((d) => d.ariaValueNow)")]


def check(figure: FigureDriver, kernel: str = "rbf") -> float:
    """Compare what is printed with torch, given the points that are shown; return the gap."""
    x, y = column(points(figure, "x")), column(points(figure, "y"))
    assert (figure.value("n_x"), figure.value("n_y")) == (len(x), len(y))
    h = 10 ** figure.value("log_bandwidth")
    for key, unbiased in (("biased", False), ("unbiased", True)):
        want = float(mmd(x, y, kernel=kernel, bandwidth=h, unbiased=unbiased))
        assert figure.value(key) == pytest.approx(want, abs=2e-3)  # points are told to 3 digits
        assert figure.printed(key) == pytest.approx(figure.value(key), abs=5.1e-5)
    assert figure.value("witnessed") == pytest.approx(figure.value("biased"), abs=1e-12)
    assert figure.text("witnessed") == figure.text("biased")
    return float(x.mean() - y.mean())


def test_by_keyboard(open_figure: Open) -> None:
    figure = open_figure()
    pad = WitnessPad()
    check(figure)
    assert figure.value("exact") == pytest.approx(pad.exact, abs=1e-12)
    assert figure.value("biased") == pytest.approx(pad.mmd(unbiased=False), abs=1e-12)
    assert figure.value("median") == pytest.approx(pad.median, abs=1e-12)

    figure.keys(figure.handle("mean of y"), "Shift+ArrowRight", "ArrowRight", "ArrowDown")
    assert figure.handle("mean of y").get_attribute("aria-valuetext") == "0.50"
    moved = WitnessPad(mu_y=0.5)  # the same noise, another mean
    assert figure.value("exact") == pytest.approx(moved.exact, abs=1e-12)
    assert figure.value("unbiased") == pytest.approx(moved.mmd(), abs=2e-4)
    figure.keys(figure.handle("spread of y"), "ArrowUp", "Shift+ArrowLeft")
    assert figure.value("exact") == pytest.approx(WitnessPad(0, 0.5, 0.5, 1.05).exact, abs=1e-12)
    check(figure)

    first = figure.handle("point 1 of x")
    before = points(figure, "x")
    figure.keys(first, "Shift+ArrowRight")
    after = points(figure, "x")
    assert after[0] == pytest.approx(before[0] + 1, abs=0.006)
    assert after[1:] == before[1:]
    assert figure.text("exact") == "none, moved by hand"
    check(figure)
    page = figure.page
    page.keyboard.press("PageDown")
    assert page.evaluate("document.activeElement.ariaLabel") == "point 2 of x"
    page.keyboard.press("Delete")
    assert len(points(figure, "x")) == 11
    page.keyboard.press("+")
    assert len(points(figure, "x")) == 12
    check(figure)
    reached = figure.root.locator('[aria-label^="point"][tabindex="0"]')
    assert reached.count() == 2  # one stop of the Tab key a cloud

    slider = figure.root.get_by_label("bandwidth h", exact=True)
    figure.keys(slider, "Shift+ArrowRight", "ArrowLeft")
    assert figure.value("log_bandwidth") == pytest.approx(0.45, abs=2e-3)
    page.get_by_role("radio", name="inverse multiquadratic").focus()
    page.keyboard.press("Space")
    check(figure, "imq")
    figure.button("Start again").click()
    assert figure.value("unbiased") == pytest.approx(pad.mmd(), abs=1e-12)


def test_after_the_last_point_is_removed_tab_reaches_the_new_last(open_figure: Open) -> None:
    figure = open_figure()
    count = len(points(figure, "x"))
    figure.handle(f"point {count} of x").focus()
    figure.page.keyboard.press("Delete")
    assert len(points(figure, "x")) == count - 1
    reached = figure.root.locator('[aria-label$="of x"][aria-label^="point"][tabindex="0"]')
    assert reached.get_attribute("aria-label") == f"point {count - 1} of x"
    figure.handle("point 3 of x").focus()
    figure.page.keyboard.press("Delete")  # in the middle: the place stays
    assert reached.get_attribute("aria-label") == "point 3 of x"


def test_by_mouse_points_clouds_and_draws(open_figure: Open) -> None:
    figure = open_figure()
    row = figure.centre(figure.handle("point 1 of y"))[1]
    outer = int(np.argmax(np.abs(points(figure, "y"))))
    figure.drag(figure.handle(f"point {outer + 1} of y"), figure.to_window(0, 4.0, 0)[0], row)
    assert points(figure, "y")[outer] == pytest.approx(4.0, abs=0.05)
    check(figure)
    figure.page.mouse.click(figure.to_window(0, -4.4, 0)[0], row)
    assert points(figure, "y")[-1] == pytest.approx(-4.4, abs=0.05)
    assert figure.value("n_y") == 13
    figure.handle("point 13 of y").focus()
    figure.button("Remove point").click()
    assert figure.value("n_y") == 12
    mean = figure.handle("mean of x")
    gap = check(figure)
    x, y = figure.centre(mean)
    unit = figure.to_window(0, 1, 0)[0] - figure.to_window(0, 0, 0)[0]
    figure.drag(mean, x + 2 * unit, y)
    assert check(figure) == pytest.approx(gap + 2, abs=0.05)
    figure.button("h = median distance").click()
    assert 10 ** figure.value("log_bandwidth") == pytest.approx(figure.value("median"), rel=6e-3)

    figure.page.get_by_role("radio", name="24", exact=True).check()
    first = points(figure, "x")
    assert len(first) == 24
    assert figure.text("exact")[0].isdigit()  # drawn from two normals again
    check(figure)
    figure.button("Draw again").click()
    assert points(figure, "x") != first
    figure.page.get_by_role("radio", name="100", exact=True).check()
    assert points(figure, "x") == []  # too many to be taken one by one
    assert figure.value("n_x") == 100
    assert figure.value("unbiased") == pytest.approx(figure.value("exact"), abs=0.15)
    assert figure.value("biased") > figure.value("unbiased")


def test_by_finger_and_the_two_ends_of_the_bandwidth(open_figure: Open) -> None:
    figure = open_figure(**TOUCH)
    unit = figure.to_window(0, 1, 0)[0] - figure.to_window(0, 0, 0)[0]
    spread = figure.handle("spread of y")
    x, y = figure.centre(spread)
    figure.touch_drag(spread, x - 0.5 * unit, y)
    assert figure.handle("spread of y").get_attribute("aria-valuetext") == "1.00"
    gap = check(figure)
    slider = figure.root.get_by_label("bandwidth h", exact=True)
    figure.keys(slider, "End")
    h = 10 ** figure.value("log_bandwidth")
    assert h == pytest.approx(20, rel=0.01)
    assert figure.value("biased") == pytest.approx(gap**2 / h**2, rel=0.02)  # means alone
    figure.keys(slider, "Home")
    assert figure.value("biased") == pytest.approx(2 / 12, abs=0.05)  # all are strangers
    assert abs(figure.value("unbiased")) < 0.05
    check(figure)
