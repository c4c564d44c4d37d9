"""The live training panel in a real JupyterLab: started, watched and stopped in the browser."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage
from tests.browser.test_jupyterlab import jupyter_lab, run_cell

pytestmark = [pytest.mark.jupyterlab, pytest.mark.slow, pytest.mark.timeout(180)]

CELLS = [
    """
import torch
from aeteach.widgets import TrainingPanel
pixels = torch.rand(700, 1, 32, 32, generator=torch.Generator().manual_seed(0))
options = {"images": pixels[:640], "held_out": pixels[640:]}
panel = TrainingPanel("conv-2", digits=640, epochs=5000, **options)
panel
""",
    "print(panel.state, panel.history.epochs, len(panel.curve), panel.controls.digits.value)",
    "print(6 * 7)",
]


LONG = 60_000  # a busy machine is no failure


def output(page: Page, cell: int) -> Locator:
    return page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea-output")


def points(panel: Locator, curve: str) -> int:
    text = panel.locator(f'polyline[data-curve="{curve}"]').get_attribute("points")
    return len((text or "").split())


def test_a_run_is_started_watched_and_stopped(new_page: NewPage, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, tmp_path / "figures.ipynb")
    with jupyter_lab(tmp_path) as url:
        page = new_page(viewport={"width": 1200, "height": 1600})
        page.set_default_timeout(60_000)
        page.goto(url)
        page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length > 2"
        )
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
        run_cell(page, 0)
        panel = page.locator(".ae-training-panel")
        start = panel.get_by_role("button", name="Start")
        stop = panel.get_by_role("button", name="Stop")
        expect(start).to_be_enabled(timeout=LONG)
        expect(stop).to_be_disabled()

        # A number out of range is explained, and nothing starts.
        digits = panel.get_by_label("digits")
        digits.fill("1")
        digits.press("Tab")
        start.click()
        expect(panel.get_by_role("alert")).to_have_text(
            "digits must be at least 2, got 1", timeout=LONG
        )
        digits.fill("320")
        digits.press("Tab")
        start.click()
        expect(panel.get_by_role("alert")).to_have_count(0, timeout=LONG)

        # The curve grows, and pictures of digits are there.
        expect(stop).to_be_enabled(timeout=LONG)
        expect(panel.locator('polyline[data-curve="training"]')).to_be_attached(timeout=LONG)
        page.wait_for_function(
            """() => (document.querySelector('.ae-training-panel polyline[data-curve="held out"]')
                ?.getAttribute("points") ?? "").split(" ").length > 3"""
        )
        grown = points(panel, "training")
        assert grown > 3
        assert panel.locator("img").count() == 2
        assert all(
            panel.locator("img").nth(i).evaluate("(e) => e.naturalWidth") == 340 for i in (0, 1)
        )
        expect(panel).to_contain_text(re.compile(r"Epoch \d+"))
        # The kernel answers other cells meanwhile.
        run_cell(page, 2)
        expect(output(page, 2)).to_contain_text("42", timeout=LONG)
        page.wait_for_function(
            """(before) => document.querySelector(
                '.ae-training-panel polyline[data-curve="training"]'
            ).getAttribute("points").split(" ").length > before""",
            arg=grown,
        )
        if shots := os.environ.get("AETEACH_SHOTS"):
            page.screenshot(path=Path(shots) / "training-panel.png")

        # Stop stops it; what the page shows is what Python has.
        stop.click()
        expect(panel).to_contain_text("Stopped", timeout=LONG)
        expect(start).to_be_enabled(timeout=LONG)
        run_cell(page, 1)
        expect(output(page, 1)).to_contain_text("stopped", timeout=LONG)
        state, epochs, seen, count = output(page, 1).inner_text().split()
        assert (state, count) == ("stopped", "320")
        assert 2 <= int(epochs) < 5000
        assert points(panel, "training") == int(seen)
        page.context.close()  # before the server goes, or the page complains
