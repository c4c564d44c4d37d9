"""The stochastic node and the two gradient estimators: their numbers, and how they are moved."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from aeteach.gradients import pathwise, score_function
from aeteach.widgets import Figure, GradientVariance, StochasticNode
from aeteach.widgets.gradient_variance import scatter
from aeteach.widgets.stochastic_node import Pass
from tests.browser.conftest import Call, Show
from tests.browser.driver import FigureDriver, clutter, every_look
from tests.widgets.test_stochastic_node import by_autograd, close, states

KEYS = ("x", "w1", "w_mu", "w_sigma", "eps", "target")
TEXT = (3.0, 2.0, 8.0, 9.0, 0.5, 70.0)  # the chapter's numbers


# ---------------------------------------------------------------- the numbers


def test_the_javascript_is_autograd(call: Call) -> None:
    rows = states()
    got = call(
        "stochastic_node",
        "a[0].map(m.bothWays)",
        [dict(zip(KEYS, r, strict=True)) for r in rows],
    )
    close([[g[k] for k in Pass._fields] for g in got], [by_autograd(*r) for r in rows])


def test_seeds_that_follow_each_other_draw_independent_normals(call: Call) -> None:
    draws = np.array(
        call("stochastic_node", "Array.from({length: 4000}, (_, i) => m.draw(i, [-4, 4]))")
    )
    assert stats.kstest(draws, "norm").pvalue > 0.01
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.06


def test_estimates_and_variances_are_those_of_the_package(call: Call) -> None:
    rng = np.random.default_rng(1)
    for mu, sigma, n, b in [(2.0, 1.0, 1, 0.0), (-1.5, 0.3, 4, 3.3), (0.2, 1.7, 7, 30.0)]:
        eps = rng.normal(size=20 * n)
        body = "[m.estimates(...a), m.theory(...a)]"
        drawn, theory = call("gradient_variance", body, mu, sigma, n, b, eps.tolist())
        arguments: Any = (
            lambda z: ((z - 1) ** 2).sum(-1),
            torch.tensor([mu], dtype=torch.float64),
            torch.tensor([2 * np.log(sigma)], dtype=torch.float64),
            torch.tensor(eps)[:, None],
        )
        path = pathwise(*arguments).mu.reshape(20, n).mean(1)
        score = score_function(*arguments, baseline=b).mu.reshape(20, n).mean(1)
        close(drawn["pathwise"], path)
        close(drawn["score"], score)
        exact = scatter(mu, sigma, n, b)
        close([theory[k] for k in ("gradient", "pathwise", "score", "best")], exact)


def test_moments_and_histogram_are_those_of_numpy(call: Call) -> None:
    values = np.random.default_rng(2).normal(size=500)
    body = "[m.moments(a[0]), m.histogram(a[0], -2, 2, 25)]"
    found, bars = call("gradient_variance", body, values.tolist())
    close([found["mean"], found["variance"]], [values.mean(), values.var(ddof=1)])
    close(bars["shares"], np.histogram(values, 25, (-2, 2))[0] / 500)
    close(bars["beyond"], np.mean(np.abs(values) > 2))


def test_an_arrow_grows_with_its_gradient_and_none_is_none(call: Call) -> None:
    gradients = [0, 1e-3, 0.1, -1, 10, -100, 1e3, 1e9]
    widths = call("stochastic_node", "a[0].map(m.thickness)", gradients)
    assert widths[0] == 0
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)
    assert max(widths) <= 8


# ---------------------------------------------------------------- the figures, moved


def check_node(figure: FigureDriver) -> Pass:
    """Numbers and arrows are those of autograd at the sliders' values."""
    expected = by_autograd(*(figure.value(k) for k in KEYS))
    for key in ("z", "loss", "d_w1", "d_w_mu", "d_w_sigma"):
        assert figure.value(key) == pytest.approx(getattr(expected, key), abs=1e-9)
        assert figure.text(key) == f"{getattr(expected, key):.2f}".replace("-0.00", "0.00")
    broken, mended = (figure.root.locator("svg.ae-plane").nth(i) for i in (0, 1))
    assert broken.locator("[data-edge]").count() == (1 if expected.d_z else 0)
    assert broken.locator(".ae-gradient").all_text_contents().count("none") == 3
    edges = mended.locator("[data-edge]").evaluate_all("(all) => all.map((e) => e.dataset.edge)")
    flows = expected._asdict() | {
        "h_mu": expected.d_mu * figure.value("w_mu"),
        "h_sigma": expected.d_sigma * figure.value("w_sigma"),
    }
    names = ["d_x", "d_w1", "d_w_mu", "d_w_sigma", "h_mu", "h_sigma", "d_mu", "d_sigma", "d_z"]
    assert sorted(edges) == sorted(n for n in names if flows[n] != 0)
    return expected


def test_the_node_opens_on_the_numbers_of_the_text(look: Show) -> None:
    figure = look(StochasticNode)
    found = check_node(figure)
    assert (found.mu, found.sigma, found.z, found.loss) == (48, 54, 75, 12.5)
    assert (found.d_w_mu, found.d_w_sigma, found.d_h, found.d_w1) == (30, 15, 62.5, 187.5)
    written = figure.root.locator("svg.ae-plane").nth(1).locator(".ae-gradient").all_text_contents()
    wanted = ["125.0", "187.5", "30.00", "40.00", "22.50", "15.00", "5.00", "2.50", "5.00"]
    assert sorted(written) == sorted(wanted)


@pytest.mark.parametrize("way", ["mouse", "touch", "keyboard"])
def test_resample_draws_new_noise_and_start_again_returns(look: Show, way: str) -> None:
    figure = look(StochasticNode, has_touch=True)
    seen = [figure.value("eps")]
    button = figure.button("Resample eps")
    for n in range(1, 5):
        if way == "keyboard":
            figure.keys(button, "Enter")
        else:
            button.click() if way == "mouse" else button.tap()
        check_node(figure)
        assert figure.value("draws") == n
        seen.append(figure.value("eps"))
    assert len(set(seen)) == 5
    figure.button("Start again").click()
    assert tuple(figure.value(k) for k in KEYS) == TEXT


def test_sliders_move_the_node(look: Show) -> None:
    figure = look(StochasticNode)
    slider = figure.root.get_by_label("noise ε", exact=True)
    figure.keys(slider, *["ArrowLeft"] * 5)
    assert figure.value("eps") == 0
    assert check_node(figure).d_w_sigma == 0  # without noise, sigma does not matter
    figure.keys(figure.root.get_by_label("weight of μ", exact=True), "Home")
    figure.keys(figure.root.get_by_label("target of z", exact=True), "End")
    assert (figure.value("w_mu"), figure.value("target")) == (-10, 100)
    check_node(figure)
    box = slider.bounding_box()
    assert box is not None
    figure.drag(slider, box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    assert figure.value("eps") > 2.5
    check_node(figure)


def check_variance(figure: FigureDriver) -> None:
    state = [figure.value(k) for k in ("mu", "sigma", "samples", "baseline")]
    exact = scatter(state[0], state[1], int(state[2]), state[3])
    assert figure.value("gradient") == pytest.approx(exact.gradient)
    assert figure.value("path_exact") == pytest.approx(exact.pathwise)
    assert figure.value("score_exact") == pytest.approx(exact.score)
    assert figure.value("path_measured") == pytest.approx(exact.pathwise, rel=0.08)
    assert figure.value("score_measured") == pytest.approx(exact.score, rel=0.25)
    for key, variance in (("path_mean", exact.pathwise), ("score_mean", exact.score)):
        assert abs(figure.value(key) - exact.gradient) < 4.5 * np.sqrt(variance / 10_000)
    assert figure.text("score_exact") == f"{exact.score:.3f}"


@pytest.mark.parametrize("way", ["mouse", "touch", "keyboard"])
def test_the_estimators_are_drawn_again_and_obey_the_sliders(look: Show, way: str) -> None:
    figure = look(GradientVariance, has_touch=True)
    check_variance(figure)
    before = figure.value("path_measured")
    button = figure.button("Draw again")
    if way == "keyboard":
        figure.keys(button, "Enter")
    else:
        button.click() if way == "mouse" else button.tap()
    check_variance(figure)
    assert figure.value("path_measured") != before
    figure.button("Best baseline").click()
    assert figure.value("baseline") == pytest.approx(4)
    check_variance(figure)
    assert figure.value("score_exact") == pytest.approx(14)
    figure.keys(figure.root.get_by_label("draws in an estimate", exact=True), "Shift+ArrowRight")
    figure.keys(figure.root.get_by_label("standard deviation σ", exact=True), "ArrowLeft")
    figure.keys(figure.root.get_by_label("mean μ", exact=True), "Home")
    assert [figure.value(k) for k in ("samples", "sigma", "mu")] == pytest.approx([11, 0.9, -3])
    check_variance(figure)
    figure.button("No baseline").click()
    assert figure.value("baseline") == 0
    check_variance(figure)


# ---------------------------------------------------------------- how they look


@pytest.mark.parametrize(
    ("make", "again"), [(StochasticNode, "Resample eps"), (GradientVariance, "Draw again")]
)
def test_nothing_overlaps_or_overflows(look: Show, make: Callable[[], Figure], again: str) -> None:
    figure = look(make)
    problems = []
    for width, theme in every_look(figure):
        for draw in range(4):  # other numbers have other widths
            figure.button(again).click()
            problems += [f"{width} {theme}, draw {draw}: {found}" for found in clutter(figure)]
    assert problems == []


@pytest.mark.parametrize("make", [StochasticNode, GradientVariance])
def test_everything_has_a_name_in_words(look: Show, make: Callable[[], Figure]) -> None:
    figure = look(make)
    assert figure.root.get_attribute("role") == "group"
    assert len(figure.root.get_attribute("aria-label") or "") > 80
    for control in figure.root.locator("input, svg.ae-plane").all():
        assert control.get_attribute("aria-label")
    figure.root.locator("input").first.press("ArrowRight")
    figure.page.wait_for_timeout(900)
    assert "radient" in figure.root.locator("[aria-live=polite]").inner_text()
