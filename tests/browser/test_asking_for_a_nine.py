"""The conditional pad: two inputs moved by mouse, touch and keyboard, decoded as torch does."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from aeteach import conditional
from aeteach.metrics.sharpness import sharpness
from aeteach.widgets import ConditionalPad
from aeteach.widgets.kit.network import decoder_network
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver, close
from tests.widgets.test_conditional_pad import models


@pytest.fixture
def show(look: Show) -> Show:
    def made() -> ConditionalPad:
        return ConditionalPad(models(), z=(0.5, -0.25), digit=3, other=8)

    return partial(look, made, viewport={"width": 1280, "height": 1200})


def inner(image: torch.Tensor) -> torch.Tensor:
    return image[..., 2:-2, 2:-2]


def check(figure: FigureDriver) -> tuple[float, float, int, int, float]:
    """Everything shown is what torch makes of the code and the label that the page names."""
    z = [figure.value(f"z{i}") for i in range(2)]
    second, share = int(figure.value("other")), figure.value("share")
    radios = figure.root.get_by_role("radio")
    digit = next(i for i in range(radios.count()) if radios.nth(i).is_checked())
    pad = ConditionalPad(models(), z=z, digit=digit, other=second, share=share)
    assert figure.value("asked") == digit
    if share == 0 or second == digit:
        assert figure.text("asked") == f"{digit}"
    else:
        parts = f"{100 * (1 - share):.0f} % {digit}, {100 * share:.0f} % {second}"
        assert figure.text("asked") == parts
    farther = np.exp(-(z[0] ** 2 + z[1] ** 2) / 2)
    assert figure.value("farther") == pytest.approx(farther, rel=1e-9)
    canvases = figure.root.locator("canvas")
    assert canvases.count() == 12
    dense, conv = pad.x_hat
    shown = [*inner(pad.ten), inner(dense), inner(conv)]
    for i in (0, digit, 9, 10, 11):
        grey = figure.pixels(canvases.nth(i))[..., 0]
        assert np.abs(grey - 255 * shown[i][0].numpy()).max() <= 1
    for i in (0, 1):
        expected = float(sharpness(shown[10 + i][None].contiguous()))
        assert figure.value(f"sharpness-{i}") == pytest.approx(expected, abs=1e-4)
    return z[0], z[1], digit, second, share


def test_the_page_decodes_as_torch_does(call: Call) -> None:
    generator = torch.Generator().manual_seed(0)
    z = 1.5 * torch.randn(24, 2, generator=generator)
    label = torch.eye(10)[torch.arange(24) % 10]
    label[20:] = torch.rand(4, 10, generator=generator).softmax(1)  # mixtures as well
    for name, model in models().items():
        net = decoder_network(model, "m0", 2)
        weights = {
            k: {"shape": list(v.shape), "data": v.flatten().tolist()} for k, v in net.arrays.items()
        }
        body = "a[0].map((z) => m.compute(a[1], z, a[2], 'm0'))"
        both = torch.cat([z, label], 1).tolist()
        got = call("network", body, both, net.steps, weights)
        with torch.no_grad():
            expected = conditional.decode_mixture(models()[name], z, label)
        expected = inner(expected).flatten(1)
        assert float(expected.std()) > 0.05
        close(got, expected, 5e-6)


def test_labels_mix_and_the_prior_has_so_many_draws_farther_out(call: Call) -> None:
    body = "[m.labelOf(3, 8, 0.25), m.labelOf(3, 3, 0.25), m.fartherOut([0.6, -0.8])]"
    mixed, one, farther = call("conditional_pad", body)
    assert mixed == [0, 0, 0, 0.75, 0, 0, 0, 0, 0.25, 0]
    assert one == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    draws = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    assert farther == pytest.approx(float((draws.norm(dim=1) > 1).float().mean()), abs=0.006)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_code_follows_the_pointer_and_a_picture_is_chosen(
    show: Show, options: dict[str, Any], drag: Drag
) -> None:
    figure = show(**options)
    assert check(figure)[:3] == (0.5, -0.25, 3)
    drag(figure, figure.handle("code z"), *figure.to_window(0, -1.5, 2.0))
    z1, z2, digit, *_ = check(figure)
    assert (z1, z2) == (pytest.approx(-1.5, abs=0.05), pytest.approx(2.0, abs=0.05))
    assert digit == 3  # held
    box = figure.root.locator("canvas").nth(7).bounding_box()
    assert box is not None
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if options:
        figure.page.touchscreen.tap(*at)
    else:
        figure.page.mouse.click(*at)
    assert check(figure)[:3] == (z1, z2, 7)  # and now z is held


def test_the_keyboard_moves_everything(show: Show) -> None:
    figure = show()
    figure.keys(figure.handle("code z"), "ArrowRight", "Shift+ArrowUp")
    assert check(figure)[:2] == (pytest.approx(0.55), pytest.approx(0.25))
    figure.keys(figure.root.get_by_label("z₂", exact=True), "ArrowLeft")
    assert check(figure)[:2] == (pytest.approx(0.55), pytest.approx(0.2))
    figure.root.get_by_role("radio").nth(3).focus()
    figure.page.keyboard.press("ArrowRight")
    assert check(figure)[2] == 4
    figure.keys(figure.root.get_by_label("second digit", exact=True), "ArrowRight")
    share = figure.root.get_by_label("share of the second digit", exact=True)
    figure.keys(share, "Shift+ArrowRight", "ArrowLeft")
    assert check(figure)[2:] == (4, 9, pytest.approx(0.45))
    figure.keys(share, "Shift+ArrowRight", "Shift+ArrowRight")
    assert check(figure)[4] == 1
    figure.keys(figure.handle("code z"), *["Shift+ArrowRight"] * 12)  # it stops at the edge
    assert check(figure)[0] == 3
    assert figure.page.evaluate("scrollY") == 0


def test_narrow_and_dark_nothing_sticks_out(show: Show) -> None:
    figure = show(viewport={"width": 375, "height": 2000}, color_scheme="dark")
    check(figure)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 375
    figure.handle("code z").focus()
    figure.page.keyboard.press("ArrowUp")
    live = figure.root.locator("[aria-live=polite]")
    figure.page.wait_for_timeout(900)
    assert live.inner_text() == "Asked for 3, at z one 0.50, z two −0.20."
