"""The two figures of *Surprise and KL*: their mathematics, and every way to move them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch.distributions import Categorical, Normal, kl_divergence

from aeteach.widgets import KlBars, KlNormals
from tests.browser.conftest import Call, NewPage
from tests.browser.driver import FigureDriver, standalone
from tests.widgets.test_kl_bars import true_kl
from tests.widgets.test_kl_normals import normal_kl

TOUCH = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 1900}}
LARGEST = 1_000_000  # bytes of a figure in the page


@pytest.fixture
def open_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, new_page: NewPage
) -> Callable[..., FigureDriver]:
    """Write a figure into a page and open it from the folder."""

    def opened(make: Callable[[], Any], **options: Any) -> FigureDriver:
        monkeypatch.setenv("AETEACH_HOST", "page")
        html = make().page_html()
        assert len(html.encode()) < LARGEST
        (tmp_path / "index.html").write_text(standalone(html), encoding="utf-8")
        page = new_page(**options)
        page.goto((tmp_path / "index.html").as_uri())
        return FigureDriver(page)

    return opened


def pairs(count: int = 60) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [tuple(rng.dirichlet(np.ones(int(k)), size=2)) for k in rng.integers(2, 7, count)]


def quadruples(count: int = 60) -> list[list[float]]:
    rng = np.random.default_rng(1)
    low, high = [-4, 0.3, -4, 0.3], [4, 3, 4, 3]
    return [rng.uniform(low, high).tolist() for _ in range(count)]


# ------------------------------------------------------------------ golden vectors


def test_entropies_and_divergences_of_bars(call: Call) -> None:
    data = [(p.tolist(), q.tolist()) for p, q in pairs()]
    got = call("kl_bars", "a[0].map(([p, q]) => m.measures(p, q))", data)
    for measures, (p, q) in zip(got, data, strict=True):
        P, Q = (Categorical(torch.tensor(v, dtype=torch.float64)) for v in (p, q))
        entropy, kl = float(P.entropy()), float(kl_divergence(P, Q))
        assert measures["entropy"] == pytest.approx(entropy, abs=1e-14)
        assert measures["kl"] == pytest.approx(kl, abs=1e-14)
        assert measures["crossEntropy"] == pytest.approx(entropy + kl, abs=1e-14)


def test_zeros_of_bars_are_as_the_definition_says(call: Call) -> None:
    def kl(p: list[float], q: list[float]) -> float:
        return float(call("kl_bars", "m.measures(a[0], a[1]).kl", p, q))

    assert kl([1, 0], [0.5, 0.5]) == pytest.approx(math.log(2), abs=1e-15)
    assert kl([0.5, 0.5], [1, 0]) == math.inf
    assert kl([0.5, 0.5, 0], [0.5, 0.5, 0]) == 0
    assert kl([0, 1], [1, 0]) == math.inf
    assert call("kl_bars", "Object.is(m.surprise(1), 0)")  # and not -0


def test_a_moved_bar_leaves_the_others_their_proportions(call: Call) -> None:
    rng = np.random.default_rng(2)
    for p, _ in pairs(30):
        i, v = int(rng.integers(len(p))), float(rng.uniform())
        got = np.array(call("kl_bars", "m.moved(a[0], a[1], a[2])", p.tolist(), i, v))
        assert got[i] == v
        assert got.sum() == pytest.approx(1, abs=1e-14)
        others = np.arange(len(p)) != i
        np.testing.assert_allclose(got[others] / got[others].sum(), p[others] / p[others].sum())
    assert call("kl_bars", "m.moved([0, 1, 0], 1, 0.5)") == [0.25, 0.5, 0.25]


def test_areas_and_closed_forms_of_normals(call: Call) -> None:
    cases = quadruples()
    body = """a[0].map(([mu, sigma, mu_p, sigma_p]) => {
        const [q, p] = [{ mu, sigma }, { mu: mu_p, sigma: sigma_p }];
        return { closed: m.closedForm(q, p), area: m.area(q, p) };
    })"""
    got = call("kl_normals", body, cases)
    worst = 0.0
    for result, case in zip(got, cases, strict=True):
        expected = normal_kl(*case)
        assert result["closed"] == pytest.approx(expected, rel=1e-12, abs=1e-13)
        worst = max(worst, abs(result["area"]["total"] - expected) / max(1, expected))
        assert result["area"]["positive"] >= -result["area"]["negative"] >= 0
    print(f"{len(cases)} areas, largest difference from torch {worst:.1e}")
    assert worst < 1e-12


def test_the_two_signs_of_an_area_against_another_integrator(call: Call) -> None:
    for case in quadruples(8):
        mu_q, sigma_q, mu_p, sigma_p = case
        body = "m.area({ mu: a[0], sigma: a[1] }, { mu: a[2], sigma: a[3] })"
        got = call("kl_normals", body, *case)
        q, p = Normal(mu_q, sigma_q), Normal(mu_p, sigma_p)

        def integrand(x: float, q: Normal = q, p: Normal = p) -> float:
            at = torch.tensor(x, dtype=torch.float64)
            log_q = q.log_prob(at)
            return float(log_q.exp() * (log_q - p.log_prob(at)))

        ends = mu_q - 12 * sigma_q, mu_q + 12 * sigma_q
        positive = quad(lambda x, f=integrand: max(f(x), 0.0), *ends, limit=400, points=[mu_q])[0]
        assert got["positive"] == pytest.approx(positive, rel=1e-4, abs=1e-5)


# ------------------------------------------------------------------ the bars


def printed_p(driver: FigureDriver, which: str, count: int) -> list[float]:
    return [driver.value(f"{which}-{i + 1}") for i in range(count)]


def assert_bars_agree(driver: FigureDriver, count: int, unit: str = "bits") -> None:
    """Compare every number of the figure with torch, given the bars as the figure has them."""
    p, q = printed_p(driver, "p", count), printed_p(driver, "q", count)
    scale = math.log(2) if unit == "bits" else 1.0
    assert sum(p) == pytest.approx(1, abs=1e-12)
    assert sum(q) == pytest.approx(1, abs=1e-12)
    for key, first, second in (("kl_pq", p, q), ("kl_qp", q, p)):
        expected = true_kl(first, second) / scale
        assert driver.value(key) == pytest.approx(expected, abs=1e-12)
        if math.isinf(expected):
            assert driver.text(key) == f"∞ {unit}"
        else:
            assert driver.printed(key) == pytest.approx(expected, abs=5.1e-5)
            assert driver.text(key).endswith(unit)
    for a, entropy, cross, kl in (("p", "h_p", "h_pq", "kl_pq"), ("q", "h_q", "h_qp", "kl_qp")):
        values = torch.tensor(printed_p(driver, a, count), dtype=torch.float64)
        expected = float(Categorical(values).entropy()) / scale
        assert driver.value(entropy) == pytest.approx(expected, abs=1e-9)
        total = driver.value(entropy) + driver.value(kl)
        assert driver.value(cross) == pytest.approx(total, abs=1e-12)


def test_the_coin_at_first(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(KlBars)
    assert driver.text("kl_pq") == "0.1258 bits"
    driver.page.get_by_role("radio", name="nats").check()
    assert driver.text("kl_pq") == "0.0872 nats"
    assert driver.text("h_p") == "0.6931 nats"
    assert_bars_agree(driver, 2, "nats")
    assert sum(driver.value(f"term-{i}") for i in (1, 2)) == pytest.approx(driver.value("kl_pq"))
    driver.page.get_by_role("radio", name="Q true, P believed").check()
    assert sum(driver.value(f"term-{i}") for i in (1, 2)) == pytest.approx(driver.value("kl_qp"))


def test_a_bar_by_mouse_to_a_place_and_to_zero(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(KlBars)
    top = driver.handle("Q, outcome 1")
    driver.drag(top, *driver.to_window(0, 1.2, 0.25))
    assert driver.value("q-1") == pytest.approx(0.25, abs=0.011)
    assert_bars_agree(driver, 2)
    driver.drag(top, *driver.to_window(0, 1.2, -0.1))  # below the axis is 0
    assert driver.value("q-1") == 0
    assert driver.text("kl_pq") == "∞ bits"
    assert driver.text("surprise_q-1") == "∞"
    assert_bars_agree(driver, 2)
    assert driver.root.locator("svg.ae-plane").nth(1).get_by_text("∞").count() == 1


def test_a_bar_by_finger(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(lambda: KlBars([1 / 6] * 6, [0.1] * 5 + [0.5]), **TOUCH)
    driver.touch_drag(driver.handle("Q, outcome 6"), *driver.to_window(0, 6.2, 0.8))
    assert driver.value("q-6") == pytest.approx(0.8, abs=0.011)
    np.testing.assert_allclose(printed_p(driver, "q", 5), (1 - driver.value("q-6")) / 5)
    assert_bars_agree(driver, 6)


def test_bars_by_keyboard(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(lambda: KlBars([0.2, 0.3, 0.5], [0.5, 0.3, 0.2]))
    first = driver.handle("P, outcome 1")
    driver.keys(first, "ArrowUp", "ArrowRight", "Shift+ArrowUp")
    assert driver.value("p-1") == pytest.approx(0.32)
    assert driver.value("p-2") / driver.value("p-3") == pytest.approx(0.6)
    assert first.get_attribute("aria-valuetext") == "probability 0.320"
    assert_bars_agree(driver, 3)
    driver.page.keyboard.press("End")  # all others 0 ...
    assert printed_p(driver, "p", 3) == [1, 0, 0]
    assert_bars_agree(driver, 3)
    driver.page.keyboard.press("Shift+ArrowDown")  # ... and their proportions are not forgotten
    np.testing.assert_allclose(printed_p(driver, "p", 3), [0.9, 0.0375, 0.0625])
    driver.page.keyboard.press("PageDown")
    driver.page.keyboard.press("Home")
    assert driver.value("p-2") == 0
    assert driver.value("kl_qp") == math.inf
    assert driver.value("kl_pq") < math.inf
    assert_bars_agree(driver, 3)
    for which in "PQ":  # one stop of the Tab key each
        bars = [driver.handle(f"{which}, outcome {i}") for i in (1, 2, 3)]
        assert sorted(bar.get_attribute("tabindex") for bar in bars) == ["-1", "-1", "0"]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_outcomes_buttons_and_the_number_of_bars(
    open_figure: Callable[..., FigureDriver], count: int
) -> None:
    driver = open_figure(lambda: KlBars([0.25] * 4, [0.4, 0.3, 0.2, 0.1]))
    name = {2: "2, a coin", 6: "6, a die"}.get(count, f"{count}")
    driver.page.get_by_role("radio", name=name, exact=True).check()
    np.testing.assert_allclose(printed_p(driver, "p", count), 1 / count)
    assert driver.root.get_by_role("slider").count() == 2 * count
    assert_bars_agree(driver, count)
    driver.button("Make Q equal to P").click()
    assert driver.text("kl_pq") == driver.text("kl_qp") == "0.0000 bits"
    driver.button("Start again").click()
    assert printed_p(driver, "q", 4) == [0.4, 0.3, 0.2, 0.1]
    assert_bars_agree(driver, 4)


def test_the_areas_of_the_code_lengths_are_the_kl(open_figure: Callable[..., FigureDriver]) -> None:
    p, q = [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]
    driver = open_figure(lambda: KlBars(p, q))
    signed = 0.0
    for path, sign in ((".ae-latent", 1), (".ae-good", -1)):
        d = driver.root.locator(f"svg.ae-plane path.ae-fill{path}").get_attribute("d") or ""
        for box in filter(None, d.split("M")):
            x0, y0 = map(float, box.split("H")[0].split())
            x1, y1 = (float(v) for v in box.split("H")[1].split("V"))
            signed += sign * abs((x1 - x0) * (y1 - y0))
    x, y = driver.to_window(1, 1, 1), driver.to_window(1, 0, 0)
    pixel = driver.root.locator("svg.ae-plane").nth(1).evaluate("(s) => s.getScreenCTM().a")
    unit = abs((x[0] - y[0]) * (x[1] - y[1])) / pixel**2
    assert signed / unit == pytest.approx(true_kl(p, q) / math.log(2), abs=2e-3)


# ------------------------------------------------------------------ the normals


def assert_normals_agree(driver: FigureDriver, unit: str = "nats", *, forward: bool = True) -> None:
    q = driver.value("mu_q"), driver.value("sigma_q")
    p = driver.value("mu_p"), driver.value("sigma_p")
    a, b = (q, p) if forward else (p, q)
    scale = math.log(2) if unit == "bits" else 1.0
    there, back = normal_kl(*a, *b), normal_kl(*b, *a)
    for key, expected in (("closed", there), ("area", there), ("other", back)):
        assert driver.value(key) == pytest.approx(expected / scale, rel=1e-11, abs=1e-12)
        assert driver.printed(key) == pytest.approx(expected / scale, abs=5.1e-5)
    assert driver.text("area") == driver.text("closed")  # side by side and equal
    assert driver.text("gap") == "less than 10⁻¹⁰"
    parts = driver.value("positive") + driver.value("negative")
    assert parts == pytest.approx(driver.value("area"), abs=1e-12)


def test_normals_by_mouse(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(KlNormals)
    assert_normals_agree(driver)
    driver.drag(driver.handle("mean of q"), *driver.to_window(0, -2.5, 0.3))
    assert driver.value("mu_q") == pytest.approx(-2.5, abs=0.06)
    assert_normals_agree(driver)
    driver.drag(driver.handle("standard deviation of p"), *driver.to_window(0, 2.2, 0.1))
    assert driver.value("sigma_p") == pytest.approx(2.2, abs=0.06)
    assert_normals_agree(driver)
    driver.drag(driver.handle("standard deviation of p"), *driver.to_window(0, -6, 0.1))
    assert driver.value("sigma_p") == 0.3  # never 0 or below
    assert_normals_agree(driver)


def test_normals_by_finger(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(KlNormals, **TOUCH)
    driver.touch_drag(driver.handle("mean of q"), *driver.to_window(0, 3.0, 0.3))
    assert driver.value("mu_q") == pytest.approx(3.0, abs=0.08)
    assert_normals_agree(driver)
    driver.touch_drag(driver.handle("standard deviation of q"), *driver.to_window(0, 5.0, 0.3))
    assert driver.value("sigma_q") == pytest.approx(2.0, abs=0.15)
    assert_normals_agree(driver)


def test_normals_by_keyboard_in_bits_and_the_other_way(
    open_figure: Callable[..., FigureDriver],
) -> None:
    driver = open_figure(lambda: KlNormals(0.5, 1.0, -0.5, 2.0))
    driver.keys(driver.handle("mean of p"), "ArrowRight", "Shift+ArrowLeft")
    assert driver.value("mu_p") == pytest.approx(-0.95)
    driver.keys(driver.handle("standard deviation of q"), "ArrowUp", "ArrowUp", "ArrowDown")
    assert driver.value("sigma_q") == pytest.approx(1.05)
    assert_normals_agree(driver)
    driver.page.get_by_role("radio", name="bits").check()
    driver.page.get_by_role("radio", name="KL(p‖q)").check()
    assert_normals_agree(driver, "bits", forward=False)
    driver.keys(driver.handle("mean of p"), *["Shift+ArrowRight"] * 12)
    assert driver.value("mu_p") == 4  # the end of its range
    assert_normals_agree(driver, "bits", forward=False)


def test_normals_buttons(open_figure: Callable[..., FigureDriver]) -> None:
    driver = open_figure(lambda: KlNormals(1.2, 0.5, -1.0, 2.0))
    driver.button("Make q equal to p").click()
    assert driver.text("area") == driver.text("closed") == "0.0000 nats"
    driver.button("Start again").click()
    driver.button("Let p be N(0, 1)").click()
    expected = (0.5**2 + 1.2**2 - 1 - 2 * math.log(0.5)) / 2
    assert driver.value("closed") == pytest.approx(expected, abs=1e-12)
    assert_normals_agree(driver)


# ------------------------------------------------------------------ frame, themes and Python


@pytest.mark.parametrize("make", [lambda: KlBars([1 / 6] * 6, [0.1] * 5 + [0.5]), KlNormals])
@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_is_wider_than_the_window(
    open_figure: Callable[..., FigureDriver], make: Callable[[], Any], width: int
) -> None:
    driver = open_figure(make, viewport={"width": width, "height": 900})
    assert driver.page.evaluate("document.documentElement.scrollWidth") <= width
    wide = driver.page.evaluate(
        """() => [...document.querySelectorAll(".ae-figure *")].filter((e) => {
            const r = e.getBoundingClientRect();
            return r.width > 1 && r.right > innerWidth + 0.5 && !e.closest(".ae-live");
        }).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []


@pytest.mark.parametrize("make", [KlBars, KlNormals])
def test_dark_mode_and_a_text_alternative(
    open_figure: Callable[..., FigureDriver], make: Callable[[], Any]
) -> None:
    driver = open_figure(make, color_scheme="dark")
    assert driver.root.evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(20, 24, 30)"
    assert len(driver.root.get_attribute("aria-label") or "") > 100
    live = driver.root.locator('[aria-live="polite"]')
    driver.page.wait_for_function("(e) => e.textContent.includes('K L')", arg=live.element_handle())
