"""The figures in a real JupyterLab with a live kernel: moved in the browser, read in Python."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from aeteach.widgets.linear_loss import LinearLoss, tied_loss
from aeteach.widgets.pca_axis import axis_stats, default_points
from tests.browser.conftest import NewPage
from tests.browser.driver import FigureDriver
from tests.browser.jupyter import jupyter

pytestmark = [pytest.mark.jupyterlab, pytest.mark.slow, pytest.mark.timeout(180)]

CELLS = [
    """
import ipywidgets
from aeteach.widgets import LinearLoss, PcaAxis, PcaDigit
axis = PcaAxis(angle=20)
slider = ipywidgets.FloatSlider(min=0, max=180, step=0.5, description="linked")
link = ipywidgets.jslink((axis, "angle"), (slider, "value"))
ipywidgets.HBox([axis, slider])
""",
    "loss = LinearLoss()\nloss",
    """
import numpy as np
from aeteach.widgets.pca_digit import principal_components
pictures = np.random.default_rng(0).random((40, 8, 8))
pca = principal_components(pictures, 20)
digit = PcaDigit(digits=pictures[:4], labels=[0, 1, 2, 3], pca=pca, k=10)
digit
""",
    """
print("axis", repr(axis.angle), repr(axis.captured), repr(axis.residual), axis.points[0])
print("loss", *loss.w, repr(loss.loss))
print("digit", digit.k, digit.digit, repr(digit.squared_error))
""",
    "axis.angle = 135.0",
]


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """Run JupyterLab; gives the address of the notebook `figures.ipynb` in the folder."""
    with jupyter(folder) as server:
        yield server.url("lab/tree/figures.ipynb")


def run_cell(page: Page, nth: int) -> None:
    """Run one cell and wait until the kernel has answered."""
    page.evaluate(
        """async (nth) => {
            const panel = window.jupyterapp.shell.currentWidget;
            panel.content.activeCellIndex = nth;
            await window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        nth,
    )
    expect(page.locator(".jp-Notebook .jp-InputPrompt").nth(nth)).to_have_text(
        re.compile(r"\[\d+\]:"), timeout=60_000
    )


def read_back(page: Page, arrived: Callable[[dict[str, list[str]]], bool]) -> dict[str, list[str]]:
    """Run the cell that prints the traits until they have arrived, five times at the most.

    ipywidgets holds back a change while an earlier one is under way, so Python may be a moment
    behind. Returns {first word of a line: the other words}, arrived or not: assert on it.
    """
    for _ in range(5):
        got = print_traits(page)
        if arrived(got):
            break
        page.wait_for_timeout(500)
    return got


def print_traits(page: Page) -> dict[str, list[str]]:
    run_cell(page, 3)
    # The output is replaced when the kernel sends the first line; wait until all three are there.
    output = page.locator(".jp-Notebook .jp-Cell").nth(3).locator(".jp-OutputArea-output")
    expect(output).to_contain_text(re.compile(r"axis .*loss .*digit .*", re.DOTALL))
    lines = output.inner_text().strip().splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_figures_move_in_jupyterlab_and_python_knows(new_page: NewPage, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, tmp_path / "figures.ipynb")
    with jupyter_lab(tmp_path) as url:
        page = new_page(viewport={"width": 1400, "height": 2800})
        page.set_default_timeout(60_000)
        page.goto(url)
        page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length > 3"
        )
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
        for cell in range(3):
            run_cell(page, cell)
        axis, loss, digit = (FigureDriver(page, nth) for nth in range(3))

        # One stays as Python made it.
        points = np.array(default_points())
        assert axis.value("angle") == 20
        assert print_traits(page)["axis"][0] == "20.0"

        # By mouse: the axis, a weight, the number of components.
        turn = np.deg2rad(75)
        place = points.mean(0) + 1.5 * np.array([np.cos(turn), np.sin(turn)])
        axis.drag(axis.handle("axis"), *axis.to_window(0, *place))
        loss.drag(loss.handle("w"), *loss.to_window(0, 0.9, -0.6))
        box = digit.root.get_by_label("components k", exact=True).bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
        digit.root.get_by_role("radio").nth(2).click()
        shown = {key: axis.value(key) for key in ("angle", "captured", "residual")}
        assert shown["angle"] == pytest.approx(75, abs=1)
        got = read_back(
            page,
            lambda got: (
                float(got["axis"][0]) == shown["angle"]
                and float(got["loss"][0]) > 0.8
                and got["digit"][1] == "2"
            ),
        )
        assert float(got["axis"][0]) == shown["angle"]
        expected = axis_stats(points, shown["angle"])
        assert [float(v) for v in got["axis"][1:3]] == pytest.approx(expected, abs=1e-12)
        assert shown["captured"] == pytest.approx(expected.captured, abs=1e-12)
        w = [float(v) for v in got["loss"][:2]]
        assert w == pytest.approx([0.9, -0.6], abs=0.02)
        assert float(got["loss"][2]) == pytest.approx(tied_loss(LinearLoss().covariance, w))
        assert float(got["loss"][2]) == pytest.approx(loss.value("loss"), abs=1e-12)
        assert [int(v) for v in got["digit"][:2]] == [digit.value("k"), 2]
        assert 13 <= int(got["digit"][0]) <= 17
        assert float(got["digit"][2]) == pytest.approx(digit.value("error"), abs=2e-3)  # float16

        # ipywidgets' own slider, linked in the browser, has followed; and it leads as well.
        linked = page.locator(".widget-slider .widget-readout")
        assert float(linked.inner_text()) == pytest.approx(shown["angle"], abs=0.01)
        linked.fill("120")
        linked.press("Enter")
        expect(axis.root.locator('[data-key="angle"]')).to_have_text("120.0°")
        assert read_back(page, lambda got: got["axis"][0] == "120.0")["axis"][0] == "120.0"

        # By keyboard, which JupyterLab must leave to the figure, though the notebook has commands.
        axis.keys(axis.handle("axis"), "ArrowDown", "Shift+ArrowDown")
        assert axis.value("angle") == pytest.approx(109)
        active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
        before = page.evaluate(active)
        axis.keys(axis.root.get_by_label("angle of the axis", exact=True), "ArrowUp", "ArrowUp")
        assert page.evaluate(active) == before
        assert axis.text("angle") == "111.0°"
        got = read_back(page, lambda got: float(got["axis"][0]) == axis.value("angle"))
        assert float(got["axis"][0]) == pytest.approx(111)

        # A point dragged in the browser moves in Python.
        axis.drag(axis.handle("point 1"), *axis.to_window(0, 1.0, 1.0))

        def first_point(got: dict[str, list[str]]) -> list[float]:
            return [float(v) for v in re.findall(r"-?\d+\.\d+", " ".join(got["axis"][3:]))]

        got = read_back(page, lambda got: first_point(got)[0] > 0.95)
        assert first_point(got) == pytest.approx([1.0, 1.0], abs=0.05)

        # And from Python to the browser.
        run_cell(page, 4)
        expect(axis.root.locator('[data-key="angle"]')).to_have_text("135.0°")

        # The dark theme reaches the figure.
        light = axis.root.evaluate("(e) => getComputedStyle(e).backgroundColor")
        page.evaluate(
            """() => window.jupyterapp.commands.execute(
                "apputils:change-theme", { theme: "JupyterLab Dark" })"""
        )
        page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
        dark = axis.root.evaluate("(e) => getComputedStyle(e).backgroundColor")
        assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 24, 30)")
        if shots := os.environ.get("AETEACH_SHOTS"):
            page.screenshot(path=Path(shots) / "jupyterlab.png")
        page.context.close()  # before the server goes, or the page complains
