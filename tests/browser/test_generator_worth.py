"""Coverage balls: the numbers of `aeteach.metrics.coverage`, moved by mouse, touch and keyboard."""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from aeteach.widgets import CoverageBalls
from aeteach.widgets.coverage_balls import GENERATORS, MOST, draw, valid_points
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver


def expected(figure: CoverageBalls) -> dict[str, float]:
    """What the package says of the state of a figure, by the names that the module uses."""
    worth = figure.worth
    return {
        "coverage": worth.coverage,
        "coverageHeldOut": figure.coverage_held_out,
        "meanDistance": worth.mean_distance,
        "validShare": worth.valid_share,
        "hit": worth.hit,
        "kl": worth.kl_bits,
        "ideal": figure.ideal_kl,
    }


def test_every_number_is_that_of_the_package(call: Call) -> None:
    points, held = valid_points()
    states = [
        (name, threshold, number, k)
        for (name, threshold), (number, k) in zip(
            itertools.product(GENERATORS, (0.01, 0.05, 0.0625, 0.22)),
            itertools.cycle([(1, -1), (60, -10), (61, -4), (MOST, -12), (7, -13)]),
            strict=False,
        )
    ]
    body = """a[2].map(({ points, t, a: smoothing }) => {
        const { kl, ideal, ...rest } = m.measure(a[0], a[1], points, t, smoothing);
        return { ...rest, kl: String(kl), ideal: String(ideal) };
    })"""
    sent = [
        {"points": draw(name)[:n].tolist(), "t": t, "a": 10.0**k if k > -13 else 0}
        for name, t, n, k in states
    ]
    got = call("coverage_balls", body, points.tolist(), held.tolist(), sent)
    seen = set()
    for (name, t, n, k), js in zip(states, got, strict=True):
        for key, value in expected(CoverageBalls(name, t, n, k)).items():
            assert float(js[key]) == pytest.approx(value, rel=1e-12, abs=1e-12), (name, t, n, key)
        seen.add(round(js["coverage"], 3))
    assert len(seen) > 10


def test_of_equals_the_first_is_nearest_and_the_threshold_itself_is_too_far(call: Call) -> None:
    body = "[m.nearest(a[0], a[1]), m.measure(a[1], [true, false], a[0], 0.25, 0).coverage]"
    found, share = call("coverage_balls", body, [[0.5, 0.5]], [[0.25, 0.5], [0.75, 0.5]])
    assert found == [{"distance": 0.25, "place": 0}]
    assert share == 0


@pytest.fixture
def show(look: Show) -> Show:
    def opened(options: dict[str, Any] | None = None, **state: Any) -> FigureDriver:
        return look(partial(CoverageBalls, **state), **(options or {}))

    return opened


def check(figure: FigureDriver, generator: str, place: tuple[float, ...] = ()) -> CoverageBalls:
    """The read-out says what the package says of the state that the controls show."""
    names = ("threshold", "number", "smoothing")
    threshold, number, smoothing = (figure.value(name) for name in names)
    same = CoverageBalls(generator, threshold, int(number), int(smoothing), place)
    keys = {"coverageHeldOut": "held", "meanDistance": "distance", "validShare": "valid"}
    for name, value in expected(same).items():
        key = keys.get(name, name)
        assert figure.value(key) == pytest.approx(value, rel=1e-12, abs=1e-12), name
        if key in ("coverage", "held", "valid", "hit"):
            assert figure.printed(key) == pytest.approx(100 * value, abs=0.0501)
        elif math.isinf(value):
            assert figure.text(key) == "infinite"
        else:
            assert figure.printed(key) == pytest.approx(value, abs=6e-4)
    filled = figure.root.locator("path.ae-fill.ae-data").first.get_attribute("d") or ""
    assert filled.count("Z") == round(48 * same.worth.coverage)
    return same


def where(figure: FigureDriver) -> tuple[float, float]:
    """Where the first generated point says that it is."""
    said = figure.handle("first generated point").get_attribute("aria-valuetext") or ""
    x, y = (float(part.split()[-1]) for part in said.split(","))
    return round(x * 1024) / 1024, round(y * 1024) / 1024


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_a_point_is_dragged_and_generators_are_chosen(
    show: Callable[..., FigureDriver], options: dict[str, Any], drag: Drag
) -> None:
    figure = show({"has_touch": True}, generator="collapsed", number=1, threshold=0.05)
    check(figure, "collapsed")
    point = figure.handle("first generated point")
    lonely = valid_points()[0][-1]
    drag(figure, point, *figure.to_window(0, *lonely))
    assert where(figure) == pytest.approx(tuple(lonely), abs=0.006)
    check(figure, "collapsed", where(figure))
    assert figure.value("coverage") == pytest.approx(1 / 48)
    drag(figure, point, *figure.to_window(0, -0.3, 0.5))  # held at the edge
    assert where(figure) == pytest.approx((0, 0.5), abs=0.006)
    assert figure.value("coverage") == 0
    check(figure, "collapsed", where(figure))
    act = "tap" if options else "click"
    getattr(figure.button("Put the point back"), act)()
    check(figure, "collapsed")
    for name in GENERATORS:
        getattr(figure.root.get_by_role("radio", name=name, exact=True), act)(force=True)
        check(figure, name)


def test_the_keyboard_moves_everything(show: Callable[..., FigureDriver]) -> None:
    figure = show(generator="ideal", number=10)
    figure.keys(figure.handle("first generated point"), "ArrowRight", "Shift+ArrowUp")
    x, y = draw("ideal")[0] + [1 / 128, 10 / 128]
    assert where(figure) == (x, y)
    check(figure, "ideal", (x, y))
    figure.button("Put the point back").press("Enter")

    def slider(label: str) -> Any:
        return figure.root.get_by_label(label, exact=True)

    figure.keys(slider("threshold (radius of a ball)"), "Shift+ArrowRight", "ArrowLeft")
    assert figure.value("threshold") == pytest.approx(0.14)
    figure.keys(slider("number generated"), "End")
    assert figure.value("number") == MOST
    check(figure, "ideal")
    figure.keys(slider("number generated"), "Home")
    assert figure.value("number") == 1
    figure.keys(slider("smoothing a of the KL"), "ArrowRight")
    assert figure.text("smoothing") == "10^-9"
    check(figure, "ideal")
    figure.keys(slider("smoothing a of the KL"), "Home")
    assert (figure.text("smoothing"), figure.text("kl")) == ("none", "infinite")
    check(figure, "ideal")
    figure.root.get_by_role("radio", name="ideal", exact=True).focus()
    figure.page.keyboard.press("ArrowRight")
    assert figure.root.get_by_role("radio", name="blurred", exact=True).is_checked()
    check(figure, "blurred")
    # a pointer on the slider: the middle of its track
    x, y = figure.centre(slider("threshold (radius of a ball)"))
    figure.page.mouse.click(x, y)
    assert figure.value("threshold") == pytest.approx(0.155, abs=0.02)
    check(figure, "blurred")
