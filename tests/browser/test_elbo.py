"""The ELBO figure: its integrals against torch, and moved by mouse, touch and keyboard."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aeteach.toy import Toy
from aeteach.widgets import ElboToy
from aeteach.widgets.kit.traits import limits
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver

LIMITS = limits(ElboToy)
KEYS = ("evidence", "reconstruction", "kl", "elbo", "gap")


# ---------------------------------------------------------------- golden vectors


def cases() -> list[tuple[Toy, float, float, float]]:
    """Models, observations and q: the corners of what the figure allows, and 60 draws inside."""
    rng = np.random.default_rng(11)
    corners = [
        (x, mu, sigma) for x in LIMITS["x"] for mu in LIMITS["mu"] for sigma in LIMITS["sigma"]
    ]
    low, high = np.array([LIMITS[k] for k in ("x", "mu", "sigma")]).T
    draws = low + (high - low) * rng.random((60, 3))
    toys = [Toy(), Toy(0.2, -1.0), Toy(2.0, 0.0), Toy(0.7, 1.0)]
    return [
        (toys[i % 4], float(x), float(mu), float(sigma))
        for i, (x, mu, sigma) in enumerate([*corners, *draws])
    ]


def test_every_term_is_that_of_torch(call: Call, record_property: Any) -> None:
    given = [
        [{"variance": t.variance, "bend": t.bend}, x, mu, sigma] for t, x, mu, sigma in cases()
    ]
    got = call("elbo_toy", "a[0].map((c) => m.terms(...c))", given)
    worst = 0.0
    for (toy, x, mu, sigma), js in zip(cases(), got, strict=True):
        log_var = 2 * math.log(sigma)
        terms = toy.elbo_terms(x, mu, log_var)
        prior = Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
        q = Normal(torch.tensor(mu, dtype=torch.float64), sigma)
        expected = {
            "evidence": toy.log_evidence(x),
            "reconstruction": terms.reconstruction,
            "kl": kl_divergence(q, prior),
            "elbo": terms.elbo,
            "gap": toy.gap(x, mu, log_var),
        }
        for key in KEYS:
            difference = abs(js[key] - float(expected[key])) / max(1, abs(float(expected[key])))
            worst = max(worst, difference)
            assert difference < 1e-11, (key, x, mu, sigma)
        assert js["elbo"] + js["gap"] == pytest.approx(js["evidence"], rel=1e-11, abs=1e-11)
    record_property("largest_relative_difference", worst)
    print(f"{5 * len(got)} numbers, largest relative difference {worst:.1e}")


def test_best_q_is_that_of_torch(call: Call) -> None:
    xs = np.linspace(-1.5, 3, 46).tolist()
    for toy in (Toy(), Toy(0.2, -1.0), Toy(2.0, 0.0), Toy(0.7, 1.0)):
        model = {"variance": toy.variance, "bend": toy.bend}
        got = call("elbo_toy", "a[1].map((x) => m.bestQ(a[0], x))", model, xs)
        q = toy.best_q(xs)
        assert [g["mu"] for g in got] == pytest.approx(q.mu.tolist(), abs=1e-11)
        assert [g["sigma"] for g in got] == pytest.approx((q.log_var / 2).exp().tolist(), abs=1e-11)


# ---------------------------------------------------------------- the figure in the page


@pytest.fixture
def show(look: Show) -> Show:
    def opened(options: dict[str, Any] | None = None, **state: Any) -> FigureDriver:
        return look(partial(ElboToy, **state), **(options or {}))

    return opened


def check(figure: FigureDriver, toy: Toy | None = None, unit: str = "nats") -> None:
    """The read-out says what torch says of the state it shows."""
    toy = toy or Toy()
    x, mu, log_var = figure.value("x"), figure.value("mu"), 2 * math.log(figure.value("sigma"))
    terms, evidence = toy.elbo_terms(x, mu, log_var), float(toy.log_evidence(x))
    expected = {
        "surprise": -evidence,
        "evidence": evidence,
        "elbo": float(terms.elbo),
        "reconstruction": float(terms.reconstruction),
        "kl": float(terms.kl),
        "gap": float(toy.gap(x, mu, log_var)),
    }
    scale = 1 / math.log(2) if unit == "bits" else 1
    for key, value in expected.items():
        assert figure.value(key) == pytest.approx(value, rel=1e-10, abs=1e-10)
        assert figure.printed(key) == pytest.approx(scale * value, abs=5.01e-4)
        assert figure.text(key).endswith(f" {unit}")
    bars = figure.root.locator("svg.ae-plane").nth(1).locator("rect")
    widths = [float(b.get_attribute("width") or "nan") for b in bars.all()]
    assert len(widths) == 4
    costs = [expected[key] for key in ("surprise", "gap", "reconstruction", "kl")]
    assert np.array(widths) / sum(widths) == pytest.approx(np.array(costs) / sum(costs), abs=1e-9)
    assert sum(widths[:2]) == pytest.approx(sum(widths[2:]), abs=1e-6)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_q_follows_the_pointer(show: Any, options: dict[str, Any], drag: Drag) -> None:
    figure = show(options)
    check(figure)
    surprise = figure.value("surprise")
    _, y = figure.centre(figure.handle("q, mean"))
    x, _ = figure.to_window(0, 1.1, 0.1)
    drag(figure, figure.handle("q, mean"), x, y)
    assert figure.value("mu") == pytest.approx(1.1, abs=0.03)
    check(figure)
    _, y = figure.centre(figure.handle("q, width"))
    x, _ = figure.to_window(0, figure.value("mu") + 0.5, 0.1)
    drag(figure, figure.handle("q, width"), x, y)
    assert figure.value("sigma") == pytest.approx(0.5, abs=0.03)
    check(figure)
    assert figure.value("surprise") == surprise  # q cannot change how probable x is
    x, _ = figure.to_window(0, 9, 0.1)  # beyond the plane: held at the limit
    drag(figure, figure.handle("q, mean"), x, y)
    assert figure.value("mu") == 3.5
    check(figure)


def test_q_obeys_the_keyboard(show: Any) -> None:
    figure = show(mu=0.2, sigma=0.6)
    page = figure.page
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert figure.value("mu") == pytest.approx(0.31)
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    assert figure.value("sigma") == pytest.approx(0.69)
    check(figure)
    for label, key, low, high in [
        ("observed x", "x", -1.5, 3.0),
        ("mean μ of q", "mu", -3.5, 3.5),
        ("standard deviation σ of q", "sigma", 0.05, 2.0),
    ]:
        for name, value in (("Home", low), ("End", high)):
            figure.keys(figure.handle(label), name)
            assert figure.value(key) == value
            check(figure)
    assert page.evaluate("scrollY") == 0


def test_the_width_handle_stays_in_sight_and_still_widens(show: Any) -> None:
    figure = show(mu=3.4, sigma=1.5)
    x, _ = figure.centre(figure.handle("q, width"))
    assert x == pytest.approx(figure.to_window(0, 1.9, 0)[0], abs=1)
    figure.keys(figure.handle("q, width"), "ArrowLeft")  # away from the mean
    assert figure.value("sigma") == pytest.approx(1.51)
    check(figure)


def test_best_q_leaves_the_smallest_gap_and_the_prior_a_large_one(show: Any) -> None:
    figure = show()
    figure.button("Best q").click()
    q = Toy().best_q(0.5)
    assert figure.value("mu") == pytest.approx(float(q.mu), abs=1e-10)
    assert figure.value("gap") == pytest.approx(float(Toy().gap(0.5, *q)), abs=1e-10)
    check(figure)
    figure.button("q = prior").click()
    assert (figure.value("mu"), figure.value("sigma"), figure.value("x")) == (0, 1, 0.5)
    assert figure.value("kl") == pytest.approx(0, abs=1e-12)
    assert figure.value("gap") > 2
    check(figure)


def test_another_model_and_another_unit(show: Any) -> None:
    figure = show(x=1.0, mu=0.5, sigma=0.7, variance=1.0, bend=0.0)
    figure.button("Best q").click()
    assert figure.value("gap") == pytest.approx(0, abs=1e-10)  # the posterior is normal here
    figure.keys(figure.handle("q, mean"), "Shift+ArrowRight")
    check(figure, Toy(1.0, 0.0))
    figure.button("Show bits").click()
    check(figure, Toy(1.0, 0.0), "bits")
    figure.button("Show nats").click()
    check(figure, Toy(1.0, 0.0))


def test_what_changed_is_said_once_the_figure_rests(show: Any) -> None:
    figure = show(mu=0.2, sigma=0.4)
    live = figure.root.locator("[aria-live=polite]")
    figure.keys(figure.handle("q, mean"), *["ArrowRight"] * 3)
    assert "0.23" not in live.inner_text()
    figure.page.wait_for_timeout(900)
    assert live.inner_text().startswith("q has mean 0.23 and standard deviation 0.40.")
