"""The traversal of shapes: its JavaScript against torch, moved by mouse, touch and keyboard."""

import math
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from aeteach.metrics.factors import correlation
from aeteach.weights import load
from aeteach.widgets import ShapeTraversal
from aeteach.widgets.kit.host import pack
from aeteach.widgets.kit.network import network
from aeteach.widgets.shape_traversal import FACTORS, STEPS
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver


@cache
def trained() -> ShapeTraversal:
    return ShapeTraversal()


def tensors(arrays: dict[str, Tensor]) -> dict[str, Any]:
    """Arrays as the page has them: {name: {shape, data}}, rounded to float32 by `pack`."""
    manifest, block = pack(arrays, "float32")
    return {
        name: {
            "shape": entry["shape"],
            "data": np.frombuffer(
                block, "<f4", math.prod(entry["shape"]), entry["offset"]
            ).tolist(),
        }
        for name, entry in manifest.items()
    }


# ---------------------------------------------------------------- the JavaScript against torch


def test_decoder_reader_and_boxes_are_those_of_torch(call: Call) -> None:
    figure = trained()
    model: Any = load("rectangles-vae").eval()
    reader: Any = load("shape-reader").eval()
    z = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    plans = [network(model.decoder, "d"), network(reader, "r")]
    arrays = tensors({**plans[0].arrays, **plans[1].arrays})
    body = """a[0].map((z) => {
        const x = m.decode(a[1], z, a[3]);
        return { x, p: m.read(a[2], x, 32, a[3]), box: m.boxOf(x, 32, 2) };
    })"""
    got = call("shape_traversal", body, z.tolist(), *(p.steps for p in plans), arrays)
    with torch.no_grad():
        x = model.decode(z)
        p = reader(x).softmax(1)
    assert np.abs(np.array([g["x"] for g in got]) - x.flatten(1).numpy()).max() < 1e-5
    assert np.abs(np.array([g["p"] for g in got]) - p.numpy()).max() < 1e-4
    np.testing.assert_array_equal([g["box"] for g in got], figure.factors_of(x).numpy())


def test_turns_correlations_and_distances_are_those_of_torch(call: Call) -> None:
    g = torch.Generator().manual_seed(1)
    codes, factors = torch.randn(40, 3, generator=g), torch.randn(40, 4, generator=g)
    factors[:, 0] += 2 * codes[:, 2]
    z, pair, angle = [0.3, -1.2, 2.0], [2, 0], 30.0
    body = """[m.turn(a[0], a[1], a[2]), m.turnBack(m.turn(a[0], a[1], a[2]), a[1], a[2]),
        m.correlations(a[3].c, a[3].f, a[1], a[2]), m.distance(a[0], a[3].c),
        m.quantile([1, 2, 4, 8], 0.5), m.boxOf(new Float64Array(16), 4, 1).map(String)]"""
    typed = """Object.values(a[3]).forEach((v) => (v.data = Float64Array.from(v.data)))"""
    both = tensors({"c": codes, "f": factors})
    got = call("shape_traversal", f"({typed}, {body})", z, pair, angle, both)
    R = torch.eye(3, dtype=torch.float64)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    R[2, 2], R[2, 0], R[0, 2], R[0, 0] = c, s, -s, c
    u = R @ torch.tensor(z, dtype=torch.float64)
    assert got[0] == pytest.approx(u.tolist(), abs=1e-12)
    assert got[1] == pytest.approx(z, abs=1e-12)
    expected = correlation(factors.double(), codes.double() @ R.T)
    assert np.abs(np.array(got[2]) - expected.numpy()).max() < 1e-12
    assert got[3] == pytest.approx(float((codes.double() - torch.tensor(z)).norm(dim=1).min()))
    assert got[4] == 3
    assert got[5] == ["NaN"] * 4


# ---------------------------------------------------------------- the figure


@pytest.fixture
def show(look: Show) -> Show:
    return partial(look, ShapeTraversal, viewport={"width": 1280, "height": 1500})


def check(figure: FigureDriver, **state: Any) -> ShapeTraversal:
    """The page shows what torch makes of the code on its sliders; returns torch's figure."""
    mine = trained()
    mine.angle = figure.value("angle")
    for name, value in state.items():
        setattr(mine, name, value)
    u = torch.tensor([figure.value(f"u{k}") for k in range(6)], dtype=torch.float64)
    mine.z = (u @ mine.rotation).tolist()
    x = mine.image
    shown = figure.pixels(figure.root.locator(".ae-picture canvas").first)[..., 0]
    assert np.abs(shown - 255 * x[0].numpy()).max() <= 1.01
    for name, value in zip(FACTORS, mine.factors_of(x[None])[0].tolist(), strict=True):
        assert figure.value(name) == value
        assert figure.text(name) == f"{value:.0f} px"
    p = mine.reading
    assert figure.value("shape") == pytest.approx(float(p.max()), abs=1e-4)
    assert figure.text("shape").startswith(mine.names[int(p.argmax())])
    assert figure.value("distance") == pytest.approx(mine.distance, abs=1e-6)
    for f, row in enumerate(mine.correlation.tolist()):
        for k, r in enumerate(row):
            assert figure.value(f"r-{FACTORS[f]}-{k}") == pytest.approx(r, abs=1e-6)
    strip = figure.root.locator(".ae-picture canvas")
    walk = mine.traversal[:: (STEPS - 1) // 6, 0]
    for i in (0, 3, 6):
        drawn = figure.pixels(strip.nth(1 + i))[..., 0]
        assert np.abs(drawn - 255 * walk[i].numpy()).max() <= 1.01
    return mine


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_a_slider_follows_the_pointer_and_a_turn_changes_no_image(
    show: Show, options: dict[str, Any], drag: Drag
) -> None:
    figure = show(**options)
    first = check(figure, dimension=2)
    assert first.pair == [2, 5]
    before = figure.value("u2")
    grip = figure.root.get_by_label("latent dimension 3", exact=True)
    box = grip.bounding_box()
    assert box is not None
    at = box["x"] + 8 + (box["width"] - 16) * (before + 3) / 6
    session = (at, box["y"] + box["height"] / 2)
    if options:
        figure.page.touchscreen.tap(session[0] + 60, session[1])
    else:
        figure.page.mouse.click(session[0] + 60, session[1])
    check(figure, dimension=2)
    assert figure.value("u2") == pytest.approx(before + 60 * 6 / (box["width"] - 16), abs=0.15)
    drag(figure, grip, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    check(figure, dimension=2)

    z = [figure.value(f"u{k}") for k in range(6)]
    r = figure.value("r-x-2")
    image = figure.pixels(figure.root.locator(".ae-picture canvas").first)
    figure.button("Turn by 45°").click()
    check(figure, dimension=2)
    np.testing.assert_array_equal(
        figure.pixels(figure.root.locator(".ae-picture canvas").first), image
    )
    assert abs(figure.value("r-x-2")) < abs(r) - 0.2
    assert figure.value("u2") == pytest.approx((z[2] + z[5]) * math.sqrt(0.5), abs=1e-9)
    assert figure.text("u2").startswith("u3 =")
    figure.button("Turn back").click()
    assert [figure.value(f"u{k}") for k in range(6)] == pytest.approx(z, abs=1e-9)
    assert figure.value("r-x-2") == r


def test_the_keyboard_reaches_everything(show: Show) -> None:
    figure = show()
    starts = figure.root.get_by_role("radio")
    assert starts.count() == 6
    starts.first.focus()
    figure.page.keyboard.press("ArrowRight")
    check(figure, dimension=2)
    fifth = figure.root.get_by_label("latent dimension 5", exact=True)
    before = figure.value("u4")
    figure.keys(fifth, "ArrowRight", "Shift+ArrowUp", "ArrowLeft", "ArrowLeft")
    check(figure, dimension=4)
    assert figure.value("u4") == pytest.approx(before + 0.9)
    figure.keys(fifth, *["Shift+ArrowRight"] * 6)
    assert figure.value("u4") == 3
    turn = figure.root.get_by_label("turn z3 and z6", exact=True)
    figure.keys(turn, "Shift+ArrowRight", "ArrowRight")
    assert figure.value("angle") == 55
    check(figure, dimension=4)
    figure.keys(figure.root.get_by_label("latent dimension 6", exact=True), "Shift+ArrowDown")
    check(figure, dimension=5)
    figure.page.wait_for_timeout(900)
    said = figure.root.locator("[aria-live=polite]").inner_text()
    assert said.startswith(f"u6 is {figure.value('u5'):.2f}".replace("-", "−"))
    figure.button("Back to the code").focus()
    figure.page.keyboard.press("Enter")
    assert figure.value("u4") == pytest.approx(before, abs=1e-6)
    assert figure.value("distance") == pytest.approx(0, abs=1e-6)
    assert figure.page.evaluate("scrollY") == 0
