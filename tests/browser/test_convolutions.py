"""Convolution arithmetic in the browser: its numbers are torch's, however it is moved."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aeteach.widgets import ConvSteps, Figure, TrainingPanel
from aeteach.widgets.conv_steps import Setting, output_side, refusal
from tests.browser.conftest import Call, NewPage, Show
from tests.browser.driver import WAYS, Drag, FigureDriver, standalone

NAMES = Setting._fields


def all_settings() -> list[Setting]:
    numbers = itertools.product(range(3, 9), range(1, 5), range(1, 4), range(3), range(3))
    return [Setting(mode, *row) for row in numbers for mode in ("convolution", "transposed")]


def by_torch(setting: Setting, x: Any, w: Any) -> np.ndarray:
    mode, n, k, s, p, extra = setting
    x = torch.as_tensor(np.asarray(x)[:n, :n].copy())[None, None]
    w = torch.as_tensor(np.asarray(w)[:k, :k].copy())[None, None]
    if mode == "convolution":
        return F.conv2d(x, w, stride=s, padding=p)[0, 0].numpy()
    y = F.conv_transpose2d(x, w, stride=s, padding=p, output_padding=extra)
    return y[0, 0].numpy()


# ---------------------------------------------------------------- the numbers


def test_the_javascript_is_torch_in_every_possible_setting(call: Call) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(8, 8)), rng.normal(size=(4, 4))
    possible = [s for s in all_settings() if not refusal(s)]
    assert len(possible) > 400
    body = "a[0].map((setting) => m.outputs(setting, a[1], a[2]))"
    settings = [s._asdict() for s in possible]
    found = call("conv_steps", body, settings, x.tolist(), w.tolist())
    worst = 0.0
    for setting, y in zip(possible, found, strict=True):
        expected = by_torch(setting, x, w)
        assert np.shape(y) == expected.shape, setting
        worst = max(worst, float(np.abs(np.array(y) - expected).max()))
    print(f"{len(possible)} settings, largest difference {worst:.2e}")
    assert worst < 1e-12


def test_the_javascript_refuses_what_python_refuses_in_the_same_words(call: Call) -> None:
    settings = all_settings()
    body = "a[0].map((setting) => [m.refusal(setting), m.outputSide(setting)])"
    found = call("conv_steps", body, [s._asdict() for s in settings])
    assert [words for words, _ in found] == [refusal(s) for s in settings]
    assert [side for _, side in found] == [output_side(s) for s in settings]
    assert 50 < sum(bool(words) for words, _ in found) < len(settings)


def test_rows_left_over_are_those_whose_numbers_meet_nothing(call: Call) -> None:
    possible = [s for s in all_settings() if not refusal(s) and s.n < 6]
    body = "a[0].map(m.leftOver)"
    found = call("conv_steps", body, [s._asdict() for s in possible])
    kinds = set()
    for (mode, n, k, s, p, extra), left in zip(possible, found, strict=True):
        if mode == "convolution":  # a gradient of 0: no output depends on them
            x = torch.ones(1, 1, n + 2 * p, n + 2 * p, requires_grad=True)
            F.conv2d(x, torch.ones(1, 1, k, k), stride=s).sum().backward()
            assert x.grad is not None
            rows, first = x.grad[0, 0].any(1), -p
            if k >= s:  # no gaps between windows: all at the far end, as many as the formula says
                assert len(left) == (n + 2 * p - k) % s
        else:
            ones = by_torch(Setting(mode, n, k, s, p, extra), np.ones((8, 8)), np.ones((4, 4)))
            rows, first = torch.from_numpy(ones).any(1), 0
        assert left == [first + r for r in range(len(rows)) if not rows[r]]
        kinds.add((mode, bool(left)))
    assert len(kinds) == 4


# ---------------------------------------------------------------- the figure, moved


def state(figure: FigureDriver) -> Setting:
    """The setting as the controls show it."""
    checked = figure.root.locator("input[type=radio]").nth(1).is_checked()
    numbers = [int(figure.value(key)) for key in NAMES[1:]]
    return Setting("transposed" if checked else "convolution", *numbers)


def printed_grid(figure: FigureDriver, nth: int) -> np.ndarray:
    """The numbers of a grid's own cells as printed: 0 the input, 1 the kernel, 2 the output."""
    texts = figure.root.locator("svg.ae-plane").nth(nth).locator("text:not([style*=muted])")
    values = [float(t.replace("−", "-")) for t in texts.all_text_contents()]
    side = round(len(values) ** 0.5)
    assert side * side == len(values)
    return np.array(values).reshape(side, side)


def check(figure: FigureDriver) -> np.ndarray:
    """What is printed is torch's: sizes, every output, the sum that is written out."""
    setting = state(figure)
    default = ConvSteps()
    expected = by_torch(setting, default.x, default.w)
    assert figure.value("size") == len(expected)
    assert figure.text("size").endswith(f"= {len(expected)}")
    np.testing.assert_array_equal(
        printed_grid(figure, 0), np.array(default.x)[: setting.n, : setting.n]
    )
    np.testing.assert_array_equal(printed_grid(figure, 2), expected)
    said = figure.text("sum")
    place = re.match(r"([xy])\[(\d+), (\d+)\]", said)
    assert place is not None
    r, c = int(place[2]), int(place[3])
    if place[1] == "y":
        assert figure.value("value") == expected[r, c]
        if "no stamp" not in said:
            products = said.split(" = ")[1].replace("·", "*")
            assert eval(products) == expected[r, c]
            assert float(said.split(" = ")[-1]) == expected[r, c]
            assert figure.value("products") == products.count("*")
    return expected


def test_every_output_cell_writes_out_its_sum(look: Show) -> None:
    figure = look(ConvSteps)
    seen = []
    for _ in range(9):
        check(figure)
        seen.append(figure.text("sum").split(" = ")[0])
        figure.button("Next").click()
    assert seen == [f"y[{r}, {c}]" for r in range(3) for c in range(3)]
    assert figure.value("cell") == 0  # round again
    figure.button("Back").click()
    assert figure.value("cell") == 8


def test_linked_cells_are_framed(look: Show) -> None:
    figure = look(lambda: ConvSteps(cell=4))
    framed = figure.root.locator("svg.ae-plane").nth(0).locator("[data-linked]")
    cells = framed.evaluate_all("(all) => all.map((e) => e.dataset.cell)")
    assert cells == [f"{r},{c}" for r in (1, 2, 3) for c in (1, 2, 3)]
    assert figure.root.locator("svg.ae-plane").nth(1).locator("[data-linked]").count() == 9
    assert figure.root.locator("svg.ae-plane").nth(2).locator("[data-linked]").count() == 0


def cell(figure: FigureDriver, nth: int, r: int, c: int) -> Any:
    return figure.root.locator("svg.ae-plane").nth(nth).locator(f'[data-cell="{r},{c}"]')


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_chosen_cell_follows_the_pointer(
    look: Show, options: dict[str, Any], drag: Drag
) -> None:
    figure = look(ConvSteps, **options)
    drag(figure, figure.handle("output cell"), *figure.centre(cell(figure, 2, 2, 1)))
    assert figure.value("cell") == 7
    check(figure)
    # Far beyond the grid is its nearest cell.
    drag(figure, figure.handle("output cell"), *figure.centre(figure.button("Back")))
    assert figure.value("cell") in (6, 7)
    target = cell(figure, 0, 3, 2)
    target.tap(force=True) if options else target.click(force=True)
    assert figure.text("sum").startswith("x[3, 2] = 0 adds")
    drag(figure, figure.handle("input cell"), *figure.centre(cell(figure, 0, 1, 4)))
    assert figure.value("cell") == 9
    assert figure.text("sum").startswith("x[1, 4] = 1 adds")
    assert figure.handle("input cell").get_attribute("aria-valuetext") == "row 1, column 4: 1"


def test_the_keyboard_walks_over_both_grids(look: Show) -> None:
    figure = look(ConvSteps)
    output = figure.handle("output cell")
    for key, at in [
        ("ArrowRight", 1), ("ArrowDown", 4), ("ArrowLeft", 3), ("ArrowUp", 0), ("ArrowUp", 0),
        ("End", 8), ("Shift+ArrowUp", 2), ("Home", 0),
    ]:  # fmt: skip
        figure.keys(output, key)
        assert figure.value("cell") == at
        check(figure)
    figure.keys(figure.handle("input cell"), "ArrowDown", "ArrowRight")
    assert figure.text("sum").startswith("x[1, 1]")
    figure.keys(figure.root.get_by_label("chosen cell, row by row", exact=True), "ArrowRight")
    assert figure.text("sum").startswith("x[1, 2]")


def test_the_stamp_of_an_input_is_its_value_times_the_kernel(look: Show) -> None:
    figure = look(lambda: ConvSteps(mode="transposed", n=4, side="input", cell=6, padding=0))
    x, w = np.array(ConvSteps().x), np.array(ConvSteps().w)
    stamp = np.zeros((4, 4))
    stamp[1, 2] = x[1, 2]
    only = by_torch(Setting("transposed", 4, 3, 2, 0, 0), stamp, w)
    written = re.findall(r"(\(?-?\d+\)?)·(\d+) to y\[(\d+), (\d+)\]", figure.text("sum"))
    assert len(written) == 9
    found = np.zeros_like(only)
    for weight, value, r, c in written:
        found[int(r), int(c)] += float(weight.strip("()")) * float(value)
    np.testing.assert_array_equal(found, only)


@pytest.mark.parametrize("mode", ["convolution", "transposed"])
def test_sliders_change_the_setting_and_the_numbers_are_torchs(look: Show, mode: str) -> None:
    figure = look(lambda: ConvSteps(mode=mode, n=4))
    for label, keys in [
        ("input size n", ["ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowRight"]),
        ("kernel size k", ["Home", "ArrowRight", "End"]),
        ("padding p", ["ArrowRight", "Home", "ArrowRight"]),
        ("stride s", ["ArrowLeft", "ArrowRight"]),
    ]:
        for key in keys:
            figure.keys(figure.root.get_by_label(label, exact=True), key)
            check(figure)
            assert figure.text("refusal") == ""


def test_an_impossible_setting_is_refused_in_words_and_changes_nothing(look: Show) -> None:
    figure = look(lambda: ConvSteps(n=3, padding=0))
    kernel = figure.root.get_by_label("kernel size k", exact=True)
    figure.keys(kernel, "ArrowRight")
    assert figure.text("refusal").startswith("A kernel of 4 does not fit: the input has 3 rows")
    assert figure.value("kernel_size") == 3
    assert kernel.input_value() == "3"
    check(figure)
    figure.keys(figure.root.get_by_label("output padding", exact=True), "ArrowRight")
    assert "belongs to the transposed" in figure.text("refusal")
    figure.root.get_by_role("radio", name="transposed").check(force=True)
    assert figure.text("refusal") == ""
    assert check(figure).shape == (7, 7)
    figure.keys(figure.root.get_by_label("output padding", exact=True), "ArrowRight")
    assert check(figure).shape == (8, 8)
    figure.keys(figure.root.get_by_label("stride s", exact=True), "ArrowLeft")
    assert "must be smaller than the stride 1" in figure.text("refusal")
    assert state(figure).stride == 2
    figure.root.get_by_role("radio", name="convolution", exact=True).check(force=True)
    assert state(figure) == Setting("convolution", 3, 3, 2, 0, 0)
    check(figure)


# ---------------------------------------------------------------- how it looks

EXTREMES: list[Callable[[], Figure]] = [
    lambda: ConvSteps(n=8, padding=2, kernel_size=4, stride=1, cell=40),
    lambda: ConvSteps(
        mode="transposed", n=8, stride=3, kernel_size=4, padding=0, output_padding=2, side="input"
    ),
]


@pytest.mark.parametrize("make", EXTREMES)
@pytest.mark.parametrize("width", [320, 375, 1280])
def test_the_largest_grids_fit(look: Show, make: Callable[[], Figure], width: int) -> None:
    figure = look(make, viewport={"width": width, "height": 900})
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = figure.root.locator("svg.ae-plane text").evaluate_all(
        "(all) => all.map((t) => t.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 10
    clash = figure.root.evaluate(
        """(root) => [...root.querySelectorAll("svg.ae-plane")].some((svg) => {
            const boxes = [...svg.querySelectorAll("text")].map((t) => t.getBoundingClientRect());
            return boxes.some((a, i) => boxes.some((b, j) => j < i && a.left < b.right - 0.5
                && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5));
        })"""
    )
    assert not clash


# ---------------------------------------------------------------- the training panel


def test_in_the_page_the_panel_is_a_picture_that_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, new_page: NewPage, tmp_path: Path
) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
    images = torch.rand(32, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    panel = TrainingPanel("linear-2", digits=32, epochs=2, images=images, held_out=images[:8])
    html = panel._repr_mimebundle_()["text/html"]
    (tmp_path / "index.html").write_text(standalone(html), encoding="utf-8")
    page = new_page(viewport={"width": 375, "height": 900}, color_scheme="dark")
    page.goto((tmp_path / "index.html").as_uri())
    assert "needs a running Jupyter" in page.locator("body").inner_text()
    curve = page.get_by_role("img", name=re.compile("Loss over the epochs. Last values: training"))
    assert curve.is_visible()
    pictures = page.locator(".ae-training img")
    assert [p.evaluate("(e) => e.naturalWidth > 100") for p in pictures.all()] == [True, True]
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
