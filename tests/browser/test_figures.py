"""What every figure keeps: nothing cut, names for all, keys to itself, words if it fails."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aeteach import widgets
from aeteach.widgets import Figure, LinearLoss, PcaAxis
from aeteach.widgets.kit.inputs import StateError
from tests.browser.conftest import NewPage, Show, Watch
from tests.browser.driver import FigureDriver, clutter, every_look, standalone
from tests.browser.test_choosing_the_latent import made as small_line
from tests.browser.test_clinic import make as small_clinic
from tests.browser.test_linear_autoencoder import check_loss
from tests.browser.test_pca_by_hand import small_digit
from tests.browser.test_scoreboard import made as small_scoreboard

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
def test_a_figure_keeps_its_manners(
    look: Show,
    make: Callable[[], Figure],
    subtests: pytest.Subtests,
    request: pytest.FixtureRequest,
) -> None:
    # Opened once, narrow as on a phone, and asked five things.
    made = make()
    figure = look(lambda: made, viewport={"width": 320, "height": 900})
    with subtests.test("Python and the page keep the same limits"):
        keeps_its_limits(figure, made, request.node.callspec.id)
    with subtests.test("everything has a name and a value"):
        has_names_and_values(figure)
    with subtests.test("nothing overlaps or overflows"):
        lies_well(figure)
    with subtests.test("keys that it uses do not reach the page"):
        keeps_its_keys(figure)
    with subtests.test("colours that are data stay in high contrast and on paper"):
        keeps_its_colours(figure)


# Where a limit is kept by controls of other names: sliders with these keys, handles with these
# labels, choices with these legends.
ELSEWHERE: dict[str, dict[str, list[str]]] = {
    "BetaSlider": {
        "digit": ["Test digits: choose one to walk from"],
        "place": ["beta", "model on the curve"],
    },
    "ChannelCube": {
        "face": ["A face that stands out"],
        "yaw": ["view of the points sent", "view of the points received"],
    },
    "ClassMedians": {"digit": ["Decoded from the median code of each digit. Choose one."]},
    "Clinic": {"patient": ["Bed"]},
    "ConditionalPad": {
        "digit": ["One code, ten digits (MLP): choose the one to ask for"],
        "z": ["z0", "z1", "code z"],
    },
    "CoverageBalls": {"place": ["first generated point"]},
    "DiffusionChain": {"t": ["path"]},
    "DrawDigit": {"eps": ["eps-0", "eps-1", "z"], "label": ["The label that the CVAE is told"]},
    "ElboToy": {"mu": ["mu", "q, mean"], "sigma": ["sigma", "q, width"]},
    "Inpainter": {"digit": ["Test digit"], "side": ["side", "corner of the hole"]},
    "KlBars": {"outcomes": ["Outcomes"]},
    "KlNormals": {
        "mu_p": ["mean of p"],
        "mu_q": ["mean of q"],
        "sigma_p": ["standard deviation of p"],
        "sigma_q": ["standard deviation of q"],
    },
    "LatentLine": {"z": ["z", "cursor on the line"]},
    "PcaDigit": {"digit": ["Choose a test digit"]},
    "ReaderProbe": {"digit": ["Choose a test digit"], "source": ["Show the reader"]},
    "SelfTest": {"current": ["Question"]},
    "ShapeTraversal": {
        "start": ["Start from the code of"],
        "u": [f"u{i}" for i in range(6)],
    },
    "WitnessPad": {
        "bandwidth": ["log_bandwidth"],
        "mu_x": ["mean of x"],
        "mu_y": ["mean of y"],
        "sigma_x": ["spread of x"],
        "sigma_y": ["spread of y"],
    },
}
# What no control shows as a range, and why.
UNSHOWN = {
    "ChannelCube": {"pitch": "the handle's numbers are those of yaw", "seed": "is counted up"},
    "Clinic": {"looked": "shown by the plot", "moment": "a patient may have fewer"},
    "DiffusionChain": {"seed": "is counted up"},
    "DrawDigit": {"preset": "-1 is a drawing by hand"},
    "ElboToy": {"variance": "fixed when the figure is made"},
    "GradientVariance": {"seed": "is counted up"},
    "Inpainter": {"left": "one handle moves both", "top": "one handle moves both"},
    "LatentPlane": {"cursor": "shown in units of z"},
    "LinearLoss": {"w": "the map ends earlier"},
    "Scoreboard": {"row": "chosen in the table"},
    "ShapeTraversal": {"dimension": "the slider that has the focus"},
    "WitnessPad": {"n": "points are added and taken away", "seed": "is counted up"},
}
# What a control shows of a number that is not the number itself.
SCALES: dict[tuple[str, str], Callable[[float], float]] = {
    ("DrawDigit", "label"): lambda label: label + 1,  # the first of a list is -1
    ("KlBars", "outcomes"): lambda outcomes: outcomes - 2,  # the first of a list is 2
    ("LatentPlane", "zoom"): math.log2,
    ("WitnessPad", "bandwidth"): lambda bandwidth: round(math.log10(bandwidth), 1),
}

# JavaScript of a figure's root: {name of a control: the smallest and the largest value}.
REACH = """(root) => {
    const found = {};
    for (const e of root.querySelectorAll("input[type=range]"))
        found[e.parentElement.querySelector("[data-key]").dataset.key] = [e.min, e.max];
    for (const e of root.querySelectorAll("[role=slider]"))
        found[e.ariaLabel] = [e.ariaValueMin, e.ariaValueMax];
    for (const e of root.querySelectorAll("fieldset"))
        found[e.querySelector("legend").textContent] = [0, e.querySelectorAll("input").length - 1];
    return found;
}"""


def keeps_its_limits(figure: FigureDriver, made: Figure, kind: str) -> None:
    reach = figure.root.evaluate(REACH)
    for name, ends in made.limits.items():
        if name not in UNSHOWN.get(kind, {}):
            scale = SCALES.get((kind, name), float)
            for control in ELSEWHERE.get(kind, {}).get(name, [name]):
                assert [float(v) for v in reach[control]] == [scale(v) for v in ends], control
        if name not in made._limits:  # else of no single trait: the figure's own tests hold it
            refuses_beyond(made, name, *ends)


def refuses_beyond(made: Figure, name: str, low: float, high: float) -> None:
    before = getattr(made, name)
    for wrong in (low - 1e-6, high + 1e-6, low - 1, high + 1, math.nan):
        with pytest.raises(StateError, match=f"^{name} is .*expected"):
            setattr(made, name, [wrong, low] if isinstance(before, list) else wrong)
        assert getattr(made, name) == before


def has_names_and_values(figure: FigureDriver) -> None:
    assert figure.root.get_attribute("role") == "group"
    assert len(figure.root.get_attribute("aria-label") or "") > 80
    for handle in figure.root.locator("[role=slider]").all():
        for name in ("label", "valuetext", "valuenow", "valuemin", "valuemax"):
            assert handle.get_attribute(f"aria-{name}"), name
    for control in figure.root.locator("input").all():
        assert control.get_attribute("aria-label")
    for canvas in figure.root.locator("canvas").all():
        assert canvas.get_attribute("aria-label") or canvas.get_attribute("aria-hidden") == "true"
    assert figure.root.locator("[aria-live=polite]").count() >= 1


def lies_well(figure: FigureDriver) -> None:
    problems = []
    for width, theme in every_look(figure):
        found = clutter(figure)
        paper = figure.root.evaluate("(e) => getComputedStyle(e).backgroundColor")
        if paper != PAPER[theme]:
            found.append(f"paper {paper}")
        problems += [f"{width} {theme}: {problem}" for problem in found]
    assert problems == []


def keeps_its_keys(figure: FigureDriver) -> None:
    figure.page.evaluate(
        "() => { window.keys = []; document.addEventListener('keydown', (e) => keys.push(e.key)); }"
    )
    controls = figure.root.locator("[role=slider], input").all()
    assert len(controls) > 2
    for control in controls:
        figure.keys(control, "ArrowRight", "ArrowDown", "Shift+ArrowUp")
    figure.page.keyboard.press("x")
    assert set(figure.page.evaluate("keys")) <= {"Shift", "x"}


# Of every element what its colour says: backgrounds other than paper and panel, and all of an SVG.
COLOURS = """(root) => {
    const style = (node) => getComputedStyle(node);
    const plain = new Set(["rgba(0, 0, 0, 0)"]);
    for (const role of ["paper", "panel"]) {
        const probe = root.appendChild(document.createElement("span"));
        probe.style.cssText = `background: var(--ae-${role}); forced-color-adjust: none`;
        plain.add(style(probe).backgroundColor);
        probe.remove();
    }
    const html = [...root.querySelectorAll("*")].filter(
        (node) => !node.closest("svg") && !plain.has(style(node).backgroundColor));
    window.coloured ??= html;
    return {
        back: window.coloured.map((node) => [node.className, style(node).backgroundColor]),
        svg: [...root.querySelectorAll("svg *")].map(
            (node) => [style(node).fill, style(node).stroke]),
        print: window.coloured.map((node) => style(node).printColorAdjust),
        paper: [...root.querySelectorAll(".ae-stack")].map((node) => style(node).backgroundColor),
        chosen: [...root.querySelectorAll(".ae-choice input:checked + *")].map(
            (node) => style(node).outlineStyle),
    };
}"""


def keeps_its_colours(figure: FigureDriver) -> None:
    """Colours that are data stay in high contrast and on paper."""
    figure.page.emulate_media(color_scheme="light")
    before = figure.root.evaluate(COLOURS)
    assert set(before["print"]) <= {"exact"}, before["back"]
    figure.page.emulate_media(forced_colors="active")
    after = figure.root.evaluate(COLOURS)
    assert (after["back"], after["svg"]) == (before["back"], before["svg"])
    assert set(after["paper"]) <= {PAPER["light"]}  # beneath what is drawn in those colours
    assert set(after["chosen"]) <= {"solid"}


def test_what_changed_is_said_once_the_figure_rests(look: Show) -> None:
    figure = look(PcaAxis)
    live = figure.root.locator("[aria-live=polite]")
    figure.keys(figure.handle("axis"), *["ArrowUp"] * 5)
    said = f"Axis at 5.0 degrees: captured {figure.text('captured')}"
    assert said not in live.inner_text()
    figure.page.wait_for_timeout(900)
    assert live.inner_text().startswith(said)


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
