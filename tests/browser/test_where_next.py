"""The chain of noise: its integrals against torch, and moved by mouse, touch and keyboard."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from aeteach.diffusion import average_terms, noise_added, schedule
from aeteach.widgets import DiffusionChain
from aeteach.widgets.diffusion_chain import DATA
from aeteach.widgets.kit.traits import limits
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver

HUMPS = {name: {"centres": list(h.centres), "sd": h.sd} for name, h in DATA.items()}

MOST = int(limits(DiffusionChain)["steps"][1])


@pytest.mark.parametrize("name", DATA)
def test_every_term_is_that_of_torch(call: Call, name: str) -> None:
    lengths = [1, 2, 3, 7, 19, MOST]
    got = call(
        "diffusion_chain",
        "a[1].map((T) => m.terms(a[0], m.schedule(T)))",
        HUMPS[name],
        lengths,
    )
    worst = 0.0
    for T, js in zip(lengths, got, strict=True):
        terms = average_terms(DATA[name], schedule(T))
        expected = [terms.reconstruction, *terms.steps, terms.prior, terms.negative_elbo]
        found = [js["reconstruction"], *js["steps"], js["prior"], js["sum"]]
        worst = max(worst, *(abs(float(e) - f) for e, f in zip(expected, found, strict=True)))
    assert worst < 1e-12
    print(f"largest difference {worst:.1e}")


@pytest.mark.parametrize("name", DATA)
def test_density_entropy_and_schedule_are_those_of_torch(call: Call, name: str) -> None:
    xs = np.linspace(-4, 4, 33).tolist()
    body = "[m.entropy(a[0]), a[1].map((x) => m.density(a[0], x, a[2])), m.schedule(9)]"
    entropy, density, signal = call("diffusion_chain", body, HUMPS[name], xs, 0.37)
    assert entropy == pytest.approx(float(DATA[name].entropy()), abs=1e-12)
    x = torch.tensor(xs, dtype=torch.float64)
    assert density == pytest.approx(DATA[name].log_density(x, 0.37).exp().tolist(), rel=1e-11)
    assert signal == pytest.approx(schedule(9).tolist(), rel=1e-12)


def test_a_path_takes_the_steps_of_the_chain(call: Call) -> None:
    rng = np.random.default_rng(4)
    eps = rng.normal(size=12)
    body = "m.walk(a[0], m.schedule(10), a[1])"
    xs = call("diffusion_chain", body, HUMPS["two humps"], eps.tolist())
    v = noise_added(schedule(10)).numpy()
    side = 1 if eps[0] > 0 else -1
    expected = [0.95 * side + DATA["two humps"].sd * eps[1]]
    for t in range(10):
        expected.append(np.sqrt(1 - v[t]) * expected[-1] + np.sqrt(v[t]) * eps[t + 2])
    assert xs == pytest.approx(expected, abs=1e-12)


@pytest.fixture
def show(look: Show) -> Show:
    def opened(options: dict[str, Any] | None = None, **state: Any) -> FigureDriver:
        return look(partial(DiffusionChain, **state), **(options or {}))

    return opened


def check(figure: FigureDriver, data: str = "two humps") -> None:
    """The read-out and the bars say what torch says of the state the figure shows."""
    T, t = int(figure.value("steps")), int(figure.value("t"))
    terms, a = average_terms(DATA[data], schedule(T)), schedule(T)
    all_terms = [float(terms.reconstruction), *terms.steps.tolist(), float(terms.prior)]
    expected = {
        "reconstruction": all_terms[0],
        "links": float(terms.steps.sum()),
        "prior": all_terms[-1],
        "sum": float(terms.negative_elbo),
        "entropy": float(DATA[data].entropy()),
        "gap": float(terms.negative_elbo - DATA[data].entropy()),
    }
    for key, value in expected.items():
        assert figure.value(key) == pytest.approx(value, abs=1e-12)
        assert figure.printed(key) == pytest.approx(value, abs=5.01e-5)
    assert figure.value("signal") == pytest.approx(float(a[t]))
    if t > 0:
        assert figure.value("cost") == pytest.approx(all_terms[t - 1], abs=1e-12)
    drawn = figure.root.locator("svg.ae-plane").nth(2)
    heights = drawn.evaluate(
        """(svg) => [...svg.querySelectorAll("path.ae-fill")]
            .filter((p) => !p.matches(".ae-latent:not([opacity])"))  // drawn over its own bar
            .flatMap((p) => p.getAttribute("d").split("Z").filter((d) => d !== ""))
            .map((d) => [...d.matchAll(/[ML]([\\d.-]+) ([\\d.-]+)/g)].map((m) => [+m[1], +m[2]]))
            .map((q) => [q[0][0], q[0][1] - q[1][1]])"""
    )
    heights.sort()
    assert len(heights) == len(all_terms)
    ratio = np.array([h for _, h in heights]) / np.array(all_terms)
    large = np.abs(all_terms) > 0.05  # a bar is drawn to a hundredth of a pixel
    assert ratio[large] == pytest.approx(ratio[large][0], rel=2e-3)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_dot_follows_the_pointer_along_the_path(
    show: Callable[..., FigureDriver], options: dict[str, Any], drag: Drag
) -> None:
    figure = show(options)
    check(figure)
    drag(figure, figure.handle("path"), *figure.to_window(0, 7.2, 0.0))
    assert figure.value("t") == 7
    check(figure)
    drag(figure, figure.handle("path"), *figure.to_window(0, 14, 0.0))
    assert figure.value("t") == 10
    drag(figure, figure.handle("path"), *figure.to_window(0, -3, 0.0))
    assert figure.value("t") == 0
    assert figure.text("cost") == "– nats"
    # the dot stands where the path does
    x, y = figure.centre(figure.handle("path"))
    assert (x, y) == pytest.approx(figure.to_window(0, 0, figure.value("x")), abs=1)


def test_the_keyboard_moves_everything(show: Callable[..., FigureDriver]) -> None:
    figure = show(t=3)
    figure.keys(figure.handle("path"), "ArrowRight", "ArrowUp", "ArrowLeft")
    assert figure.value("t") == 4
    figure.keys(figure.root.get_by_label("step t", exact=True), "Shift+ArrowRight")
    assert figure.value("t") == 10
    check(figure)
    length = figure.root.get_by_label("number of steps T", exact=True)
    figure.keys(length, "Shift+ArrowRight", "ArrowRight")
    assert [figure.value(k) for k in ("steps", "t")] == [21, 21]
    check(figure)
    figure.keys(length, "Home")
    assert [figure.value(k) for k in ("steps", "t")] == [1, 1]
    check(figure)
    figure.keys(length, "End")
    assert figure.value("steps") == MOST
    check(figure)


@pytest.mark.parametrize("way", ["mouse", "touch"])
def test_data_length_and_path(show: Callable[..., FigureDriver], way: str) -> None:
    figure = show({"has_touch": True})
    act = "tap" if way == "touch" else "click"
    getattr(figure.root.get_by_role("radio", name="one normal", exact=True), act)(force=True)
    check(figure, "one normal")
    assert abs(figure.value("gap")) < 1e-9
    before = figure.value("x")
    getattr(figure.button("New path"), act)()
    assert figure.value("x") != before
    length = figure.root.get_by_label("number of steps T", exact=True)
    box = length.bounding_box()
    assert box is not None
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if way == "touch":
        figure.page.touchscreen.tap(*at)
    else:
        figure.page.mouse.click(*at)
    assert 18 <= figure.value("steps") <= 23
    check(figure, "one normal")
