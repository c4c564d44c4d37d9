"""The reader probe: its JavaScript against torch, and moved by mouse, touch and keyboard."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from aeteach.metrics import readability
from aeteach.models import build
from aeteach.widgets import ReaderProbe
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver

LABELS = [7, 2, 5]
NAMES = ["rebuilt by one", "rebuilt by another"]


def pictures(seed: int, n: int = 3) -> torch.Tensor:
    x = torch.zeros(n, 1, 32, 32)
    generator = torch.Generator().manual_seed(seed)
    x[..., 7:25, 7:25] = torch.rand(n, 1, 18, 18, generator=generator)
    return x


def probe(**state: Any) -> ReaderProbe:
    sources = {name: pictures(i) * 1.2 - 0.1 for i, name in enumerate(NAMES, 1)}
    return ReaderProbe(readability.readers()[0], pictures(0), LABELS, sources, **state)


def shown(digit: int, source: int, blend: float, right: int, down: int) -> torch.Tensor:
    """What the reader should be shown, from the weights' and pictures' rounded numbers."""
    original = pictures(0)[digit, 0].double()
    rebuilt = original
    if source:
        rebuilt = (pictures(source)[digit, 0] * 1.2 - 0.1).half().double()
    mixed = original + (blend if source else 0) * (rebuilt - original)
    wide = torch.nn.functional.pad(mixed, (8, 8, 8, 8))
    return wide[8 - down : 40 - down, 8 - right : 40 - right]


def seen(x: torch.Tensor) -> dict[str, Any]:
    """What torch's reader, with autograd, makes of a picture (32, 32)."""
    reader = build("reader").eval()
    reader.load_state_dict(readability.readers()[0].state_dict())
    x = x[None, None].clone().requires_grad_()
    logits = reader.double()(x)[0]
    verdict, second = logits.topk(2).indices.tolist()
    gap = logits[verdict] - logits[second]
    argument = (torch.autograd.grad(gap, x)[0] * x).detach()[0, 0]
    p = logits.detach().softmax(0)
    return {
        "logits": logits.detach().numpy(),
        "probabilities": p.numpy(),
        "entropy": float(torch.special.entr(p).sum()) / np.log(2),
        "argument": argument.numpy().ravel(),
        "rest": gap.item() - argument.sum().item(),
        "verdict": verdict,
        "second": second,
    }


# ---------------------------------------------------------------- golden vectors


def test_the_javascript_reads_as_torch_does(
    call: Call, record_property: Callable[[str, object], None]
) -> None:
    reader = readability.readers()[0]
    first, last = reader.layers[2], reader.layers[4]
    layers = {"W1": first.weight, "b1": first.bias, "W2": last.weight, "b2": last.bias}
    arrays = {
        k: {"shape": list(v.shape), "data": v.detach().flatten().tolist()}
        for k, v in layers.items()
    }
    images = torch.cat([pictures(5, 12), 3 * pictures(6, 4) - 1, torch.zeros(1, 1, 32, 32)])
    images = images[:, 0].double()
    got = call(
        "reader_probe", "a[1].map((x) => m.look(a[0], x))", arrays, images.flatten(1).tolist()
    )
    worst = 0.0
    for found, x in zip(got, images, strict=True):
        want = seen(x)
        assert (found["verdict"], found["second"]) == (want["verdict"], want["second"])
        for key in ("logits", "probabilities", "entropy", "argument", "rest"):
            worst = max(worst, float(np.abs(np.subtract(found[key], want[key])).max()))
    record_property("largest_difference", worst)
    print(f"{len(images)} pictures, largest difference {worst:.2e}")
    assert worst < 1e-10


def test_moving_and_blending_are_those_of_torch(call: Call) -> None:
    original, rebuilt = (pictures(seed)[0, 0].double() for seed in (0, 1))
    body = "a[2].map(([s, r, d]) => m.moved(m.blended(a[0], a[1], s), 32, r, d))"
    states = [(0, 0, 0), (1, 3, 0), (0.4, -8, 8), (0.75, 8, -5), (1, 0, -8)]
    got = call(
        "reader_probe", body, original.flatten().tolist(), rebuilt.flatten().tolist(), states
    )
    for found, (share, right, down) in zip(got, states, strict=True):
        mixed = original + share * (rebuilt - original)
        wide = torch.nn.functional.pad(mixed, (8, 8, 8, 8))
        want = wide[8 - down : 40 - down, 8 - right : 40 - right].flatten()
        np.testing.assert_allclose(found, want, atol=1e-12)


def test_logits_that_are_huge_do_not_overflow(call: Call) -> None:
    rows = [[1000.0, 999.0, -1000.0], [0.0, 0.0, 0.0], [-2000.0, -2001.0, -2000.0]]
    p = torch.tensor(rows, dtype=torch.float64).softmax(1)
    got = call("layers", "a[0].map((l) => [...m.softmax(l)])", rows)
    np.testing.assert_allclose(got, p, atol=1e-14)
    bits = call("reader_probe", "a[0].map((p) => m.entropyBits(p))", got)
    np.testing.assert_allclose(bits, torch.special.entr(p).sum(1) / np.log(2), atol=1e-12)


# ---------------------------------------------------------------- the figure, moved


@pytest.fixture
def look(look: Show) -> Show:
    def opened(figure: Callable[[], ReaderProbe] = probe, **options: Any) -> FigureDriver:
        return look(figure, **options)

    return opened


def check(
    figure: FigureDriver, digit: int, source: int, blend: float, right: int, down: int
) -> None:
    """Every number, bar and picture is torch's for this state."""
    x = shown(digit, source, blend, right, down)
    want = seen(x)
    p, verdict, second = want["probabilities"], want["verdict"], want["second"]
    mark = "right" if verdict == LABELS[digit] else "wrong"
    assert figure.text("verdict") == f"{verdict}, {mark}, {100 * p[verdict]:.1f} %"
    assert figure.text("second") == f"{second}, {100 * p[second]:.1f} %"
    assert figure.text("label") == str(LABELS[digit])
    assert figure.value("entropy") == pytest.approx(want["entropy"], abs=1e-9)
    assert figure.text("entropy") == f"{want['entropy']:.3f} bits"
    argument = want["argument"]
    assert figure.value("pro") == pytest.approx(argument.clip(min=0).sum(), abs=1e-8)
    assert figure.value("contra") == pytest.approx(-argument.clip(max=0).sum(), abs=1e-8)
    assert figure.value("rest") == pytest.approx(want["rest"], abs=1e-8)
    error = float(((x - pictures(0)[digit, 0]) ** 2).sum())
    assert figure.value("error") == pytest.approx(error, abs=1e-8)
    assert figure.text("error") == f"{error:.2f}"
    bars = figure.root.locator("rect[data-p]")
    assert bars.count() == 10
    found = bars.evaluate_all("(e) => e.map((b) => Number(b.dataset.p))")
    np.testing.assert_allclose(found, p, atol=1e-9)
    heights = bars.evaluate_all("(e) => e.map((b) => Number(b.getAttribute('height')))")
    np.testing.assert_allclose(np.array(heights) / max(heights), p / p.max(), atol=1e-6)
    grey = np.clip(np.round(255 * x.numpy()), 0, 255)
    canvas = figure.root.locator(".ae-pictures canvas")
    assert np.abs(figure.pixels(canvas.nth(0))[..., 0] - grey).max() <= 1
    strongest = int(np.abs(argument).argmax())
    colour = figure.pixels(canvas.nth(1)).reshape(-1, 4)[strongest, :3].tolist()
    assert colour == ([163, 62, 140] if argument[strongest] > 0 else [193, 75, 0])


def test_it_starts_with_an_original_where_it_stands(look: Any) -> None:
    figure = look()
    check(figure, 0, 0, 1.0, 0, 0)
    assert figure.text("blend") == "original only"


def test_digit_and_source_by_mouse_touch_and_keyboard(look: Any) -> None:
    figure = look(has_touch=True)
    digits = figure.root.get_by_role("group", name="Choose a test digit").get_by_role("radio")
    sources = figure.root.get_by_role("group", name="Show the reader").get_by_role("radio")
    assert (digits.count(), sources.count()) == (3, 3)
    digits.nth(1).click()
    check(figure, 1, 0, 1.0, 0, 0)
    sources.nth(2).tap()
    check(figure, 1, 2, 1.0, 0, 0)
    figure.page.keyboard.press("ArrowLeft")
    check(figure, 1, 1, 1.0, 0, 0)
    figure.keys(digits.nth(1), "ArrowRight")
    check(figure, 2, 1, 1.0, 0, 0)


def test_the_sliders_obey_the_keyboard_and_the_button_puts_back(look: Any) -> None:
    figure = look(lambda: probe(digit=2, source=2))
    named = {
        k: figure.root.get_by_label(k, exact=True)
        for k in ("share of the reconstruction", "moved right", "moved down")
    }
    figure.keys(named["moved right"], "ArrowRight", "ArrowUp", "ArrowUp")
    check(figure, 2, 2, 1.0, 3, 0)
    figure.keys(named["moved down"], "ArrowLeft", "ArrowDown")
    check(figure, 2, 2, 1.0, 3, -2)
    figure.keys(named["share of the reconstruction"], "ArrowLeft", "Shift+ArrowLeft")
    check(figure, 2, 2, 0.45, 3, -2)
    assert figure.text("blend") == "45 %"
    figure.keys(named["moved right"], "Shift+ArrowRight")
    check(figure, 2, 2, 0.45, 8, -2)  # as far as it goes
    figure.button("Put it back").click()
    check(figure, 2, 2, 1.0, 0, 0)


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_sliders_follow_the_pointer(look: Any, options: dict[str, Any], drag: Drag) -> None:
    figure = look(lambda: probe(source=1), **options)
    for label, key, share in (("moved right", "right", 0.75), ("moved down", "down", 0.25)):
        slider = figure.root.get_by_label(label, exact=True)
        box = slider.bounding_box()
        assert box is not None
        drag(figure, slider, box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        assert abs(figure.value(key) - 16 * (share - 0.5)) <= 1
    check(figure, 0, 1, 1.0, int(figure.value("right")), int(figure.value("down")))


def test_the_verdict_is_said_once_the_figure_rests(look: Any) -> None:
    figure = look(lambda: probe(source=1))
    live = figure.root.locator("[aria-live=polite]")
    figure.keys(figure.root.get_by_label("moved right", exact=True), "ArrowRight", "ArrowRight")
    figure.page.wait_for_timeout(900)
    verdict = figure.text("verdict").split(",")[0]
    assert live.inner_text().startswith(f"The reader sees a {verdict}, ")
