"""The clinic's figure: plots, pictures and verdicts, moved by mouse, touch and keyboard."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from aeteach.clinic import Finding, Report, Vitals
from aeteach.widgets import Clinic
from aeteach.widgets.clinic_cards import BEDS, FAULTS
from tests.browser.conftest import Call, Show
from tests.browser.driver import FigureDriver, clutter, every_look

MEASURED = {f.key: 1.0 for f in FAULTS.values()} | {"highest": 0.9, "draws_repeat": 0.0}


def chart(seed: int, moments: int = 3) -> list[Vitals]:
    g = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=g)

    return [
        Vitals(
            50 * i,
            40 + 20 * uniform(2),
            44 + 20 * uniform(2),
            0.1 + uniform(4),
            torch.softmax(3 * uniform(24), 0),
            torch.softmax(3 * uniform(24), 0),
            uniform(3, 1, 6, 6),
            uniform(2, 3, 1, 6, 6),
        )
        for i in range(moments)
    ]


CHARTS = {name: chart(i, 2 if name == "sign" else 3) for i, name in enumerate((*BEDS, "healthy"))}
CHARTS["sign"] = [
    v._replace(seen=v.seen * torch.tensor([1, 3000.0]), unseen=v.unseen * torch.tensor([1, 3000.0]))
    for v in CHARTS["sign"]
]  # it diverged
REPORTS = {name: Report((Finding(FAULTS[name].finding, ""),), MEASURED) for name in BEDS}
ORIGINALS = {name: torch.rand(3, 1, 6, 6) for name in BEDS}


def make(**kwargs: Any) -> Clinic:
    return Clinic(CHARTS, REPORTS, ORIGINALS, **kwargs)


@pytest.fixture
def look(look: Show) -> Show:
    def opened(state: dict[str, Any] | None = None, **options: Any) -> FigureDriver:
        return look(partial(make, **(state or {})), **options)

    return opened


def press(figure: FigureDriver, target: Any, way: str) -> None:
    """Work a button or a radio button as a reader does."""
    if way == "keyboard":
        figure.keys(target, "Space")
    elif way == "touch":
        target.tap(force=True)
    else:
        target.click(force=True)


def radio(figure: FigureDriver, name: str) -> Any:
    return figure.root.get_by_role("radio", name=name, exact=True)


def check(figure: FigureDriver, bed: int, moment: int) -> None:
    """Numbers and pictures are those of the chart."""
    v, control = CHARTS[BEDS[bed]][moment], CHARTS["healthy"][moment]
    expected = {
        "seen": v.seen[0], "unseen": v.unseen[0], "klSeen": v.seen[1], "klUnseen": v.unseen[1],
        "controlSeen": control.seen[0], "controlKl": control.seen[1],
    }  # fmt: skip
    for key, value in expected.items():
        assert figure.value(key) == pytest.approx(float(value), rel=1e-6)
        assert figure.printed(key) == pytest.approx(
            float(value), abs=0.051 if value < 1e4 else 0.51
        )
    assert figure.text("moment") == f"step {v.step}"
    rows = [ORIGINALS[BEDS[bed]], v.x_hat, *v.generated]
    canvases = figure.root.locator("canvas.ae-image")
    assert canvases.count() == 4
    for i, images in enumerate(rows):
        grey = figure.pixels(canvases.nth(i))[..., 0] / 255
        want = torch.cat(list(images[:, 0]), dim=1).numpy()
        assert np.abs(grey - want).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("way", ["mouse", "touch", "keyboard"])
def test_a_reader_makes_the_rounds(look: Show, way: str) -> None:
    figure = look(has_touch=True)
    check(figure, 0, 2)
    assert "Look at the plots first" in figure.text("verdict")
    wrong, right = FAULTS[BEDS[1]], FAULTS[BEDS[0]]
    press(figure, figure.button(wrong.label), way)
    assert figure.text("verdict").startswith(f"It does not fit: {wrong.label}.")
    assert f"This fault needs {wrong.needs}." in figure.text("verdict")
    press(figure, figure.button(wrong.label), way)  # the same guess again is no new guess
    assert [figure.value(k) for k in ("solved", "first", "guesses")] == [0, 0, 1]
    press(figure, figure.button(right.label), way)
    assert figure.text("verdict").startswith(f"It fits: {right.label}.")
    assert right.why in figure.text("verdict")
    press(figure, figure.button(FAULTS[BEDS[3]].label), way)  # the case is closed
    assert "does not count" in figure.text("verdict")
    assert [figure.value(k) for k in ("solved", "first", "guesses")] == [1, 0, 2]
    press(figure, figure.button("Next bed"), way)
    check(figure, 1, 2)
    press(figure, figure.button(wrong.label), way)
    assert figure.text("verdict").startswith("It fits")
    assert [figure.value(k) for k in ("solved", "first", "guesses")] == [2, 1, 3]
    assert figure.text("solved") == "2 of 10"
    press(figure, radio(figure, "bed A"), way)
    assert figure.text("verdict") == f"Solved: {right.label}."
    assert figure.button(right.label).get_attribute("aria-pressed") == "true"
    press(figure, figure.button("Start again"), way)
    assert [figure.value(k) for k in ("solved", "first", "guesses")] == [0, 0, 0]


def test_time_views_and_the_control(look: Show) -> None:
    figure = look()
    slider = figure.root.get_by_label("moment of training", exact=True)
    figure.keys(slider, "ArrowLeft")
    check(figure, 0, 1)
    box = slider.bounding_box()
    assert box is not None
    figure.drag(slider, box["x"] + 2, box["y"] + box["height"] / 2)
    check(figure, 0, 0)
    figure.keys(slider, "End")
    check(figure, 0, 2)
    radio(figure, "bed J").click(force=True)  # a shorter chart, for it diverged
    check(figure, 9, 1)
    drawn = figure.root.locator("svg.ae-plane path.ae-ink")
    for name in ("reconstruction", "KL", "KL per dimension", "grey levels", "noise in z"):
        radio(figure, name).click(force=True)
        tick = figure.root.get_by_role("checkbox")
        assert any(drawn.evaluate_all("(all) => all.map((p) => p.getAttribute('d'))"))
        tick.uncheck()
        assert not any(drawn.evaluate_all("(all) => all.map((p) => p.getAttribute('d'))"))
        tick.check()


def test_the_curve_runs_through_the_numbers(look: Show) -> None:
    figure = look(state={"view": "kl"})
    line = figure.root.locator("svg.ae-plane path.ae-line").last  # training, above held out
    ends = line.evaluate(
        """(p) => {
            const m = p.ownerSVGElement.ownerSVGElement.getScreenCTM();
            const points = p.getAttribute("d").matchAll(/[ML]([\\d.-]+) ([\\d.-]+)/g);
            return [...points].map(([, x, y]) => [m.a * x + m.e, m.d * y + m.f]);
        }"""
    )
    values = [(v.step, float(v.seen[1])) for v in CHARTS[BEDS[0]]]
    assert len(ends) == len(values)
    for place, value in zip(ends, values, strict=True):
        assert place == pytest.approx(figure.to_window(0, *value), abs=0.6)


BARS = """(p) => {
    const m = p.ownerSVGElement.ownerSVGElement.getScreenCTM();
    return p.getAttribute("d").split(/(?=M)/).map((bar) =>
        [...bar.matchAll(/[ML]([\\d.-]+) ([\\d.-]+)/g)].map(([, x, y]) =>
            [m.a * x + m.e, m.d * y + m.f]));
}"""


@pytest.mark.parametrize(
    ("view", "values", "ends", "gap"),
    [
        ("dimensions", lambda v: v.kl, (0.5, 4.5), 0.2),
        ("pixels", lambda v: 100 * v.pixels, (0, 1), 0.02),
        ("noise", lambda v: 100 * v.noise, (-3, 3), 0.02),
    ],
)
def test_each_bar_stands_over_its_place_as_high_as_its_number(
    look: Show, view: str, values: Any, ends: tuple[float, float], gap: float
) -> None:
    figure = look(state={"view": view})
    bars = figure.root.locator("svg.ae-plane path.ae-fill").first.evaluate(BARS)
    numbers = values(CHARTS[BEDS[0]][-1]).tolist()
    assert len(bars) == len(numbers)
    width = (ends[1] - ends[0]) / len(numbers)
    for i, (bar, number) in enumerate(zip(bars, numbers, strict=True)):
        left, right = (ends[0] + width * (i + share) for share in (gap, 1 - gap))
        low, high = (figure.to_window(0, left, 0), figure.to_window(0, right, number))
        (a, bottom), (b, top), (c, _), (d, _) = bar
        assert (a, bottom) == pytest.approx(low, abs=0.6)
        assert (c, top) == pytest.approx(high, abs=0.6)
        assert (b, d) == (a, c)


def test_scores_and_guesses_in_javascript(call: Call) -> None:
    body = "[m.score(...a[0]), ...a[1].map((b) => m.guess(...b))]"
    guessed = [[[[], [2]], 1, 3, 2], [[[], [2]], 0, 3, 1], [[[3], []], 0, 3, 1]]
    rounds = [[[1], [3, 2], [0], []], [1, 2, 3, 0]]
    found = call("clinic_cards", body, rounds, guessed)
    assert found[0] == {"solved": 2, "first": 1, "guesses": 4}
    assert found[1] == [[], [2]]  # solved: nothing counts any more
    assert found[2] == [[3], [2]]
    assert found[3] == [[3], []]  # nothing counts twice


def test_the_axis_leaves_out_the_first_moment_and_holds_the_rest(call: Call) -> None:
    curves = [[140, 60, 42], [139, 55, 41]]
    low, high = call("clinic_cards", "m.range(a[0], 1)", curves)
    assert low < 41
    assert 60 < high < 100
    low, high = call("clinic_cards", "m.range(a[0], 1)", [[0.1, 2, 40], [0, 1, 4]])
    assert low == 0
    assert high >= 40
    assert call("clinic_cards", "m.range(a[0], 5)", curves)[1] < 50  # a short chart


def test_nothing_overlaps_or_overflows(look: Show) -> None:
    figure = look()
    problems = []
    for width, theme in every_look(figure, (320, 1280)):
        radio(figure, "bed A").click(force=True)
        for name in ("KL", "KL per dimension", "grey levels", "noise in z"):
            radio(figure, name).click(force=True)
            problems += [f"{width} {theme}, {name}: {found}" for found in clutter(figure)]
        radio(figure, "bed J").click(force=True)
        radio(figure, "KL").click(force=True)
        problems += [f"{width} {theme}, bed J: {found}" for found in clutter(figure)]
        titles = figure.root.locator("svg.ae-plane .ae-title").all_text_contents()
        assert titles == ["step", "KL (1,000 nats)"]
    assert problems == []


def test_everything_has_a_name_in_words(look: Show) -> None:
    figure = look()
    assert figure.root.get_attribute("role") == "group"
    assert len(figure.root.get_attribute("aria-label") or "") > 80
    for control in figure.root.locator("input:not([type=checkbox]), svg.ae-plane, canvas").all():
        assert control.get_attribute("aria-label")
    assert figure.root.get_by_label("show the healthy control").is_checked()
    figure.button("Next bed").click()
    figure.page.wait_for_timeout(900)
    assert "Bed B" in figure.root.locator(".ae-live").first.inner_text()
