"""The inpainter: a hole moved and resized by mouse, touch and keyboard, filled as torch does."""

from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aeteach.inpainting import hole, inpaint
from aeteach.models import VAE, build
from aeteach.widgets import Inpainter
from aeteach.widgets.kit.network import decoder_network, network
from tests.browser.conftest import Call, Show
from tests.browser.driver import WAYS, Drag, FigureDriver

SIZE = 32


@cache
def model() -> VAE:
    """Strong weights, each a float16, so that the page computes with the same numbers."""
    made: Any = build("vae", latent=3, hidden=(12, 6), seed=0)
    with torch.no_grad():
        for part in made.modules():
            if isinstance(part, nn.Linear):
                part.weight.mul_(2.5)
        for tensor in made.state_dict().values():
            tensor.copy_(tensor.half().float())
    vae: VAE = made.eval()
    return vae


@cache
def judge() -> nn.Module:
    made = build("reader", seed=1)
    with torch.no_grad():
        for tensor in made.state_dict().values():
            tensor.copy_((4 * tensor).half().float())
    return made.eval()


@cache
def digits() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    coarse = torch.rand(3, 1, 8, 8, generator=g)
    images = nn.functional.interpolate(coarse, size=SIZE, mode="bilinear")
    return (255 * images).round() / 255, torch.tensor([3, 1, 4])


@pytest.fixture
def show(look: Show) -> Show:
    def made() -> Inpainter:
        return Inpainter(model(), *digits(), reader=judge(), iterations=6)

    return partial(look, made, viewport={"width": 1280, "height": 1300})


def state(figure: FigureDriver) -> tuple[int, int, int, int, int]:
    """Digit, top, left, side and iterations, as a reader is told them."""
    radios = figure.root.get_by_role("radio")
    digit = next(i for i in range(radios.count()) if radios.nth(i).is_checked())
    place = int(float(figure.handle("hole").get_attribute("aria-valuenow") or "nan"))
    return digit, *divmod(place, SIZE), int(figure.value("side")), int(figure.value("iterations"))


def check(figure: FigureDriver) -> tuple[int, int, int, int, int]:
    """Wait until the rounds are done, and hold numbers, pictures and verdicts to torch."""
    figure.page.wait_for_function(
        """() => document.querySelector('[data-key=done]').dataset.value
            === document.querySelector('[data-key=iterations]').dataset.value"""
    )
    digit, top, left, side, rounds = found = state(figure)
    x, label = digits()[0][[digit]], int(digits()[1][digit])
    mask = hole(SIZE, (top, top + side), (left, left + side))
    made = inpaint(model(), x, mask, iterations=rounds, history=True)
    assert made.history is not None
    errors = [float(((step - x) ** 2).sum()) for step in made.history]
    assert figure.value("black") == pytest.approx(errors[0], rel=1e-5)
    assert figure.value("once") == pytest.approx(errors[1], rel=1e-4)
    assert figure.value("filled") == pytest.approx(errors[-1], rel=1e-4)
    assert figure.value("pixel") == pytest.approx(errors[-1] / side**2, rel=1e-4)
    canvases = figure.root.locator("canvas")
    shown = [made.history[0], x, made.history[1], made.images]
    assert canvases.count() == 3 + len(shown)
    for i, image in enumerate(shown):
        grey = figure.pixels(canvases.nth(3 + i))[..., 0]
        assert np.abs(grey - 255 * image[0, 0].numpy()).max() <= 1
    for key, image in (
        ("readOriginal", x),
        ("readOnce", made.history[1]),
        ("readFilled", shown[3]),
    ):
        with torch.no_grad():
            p = judge()(image).softmax(1)[0]
        assert figure.value(key) == int(p.argmax())
        mark = "right" if int(p.argmax()) == label else "wrong"
        assert figure.text(key) == f"{int(p.argmax())}, {mark}, {100 * float(p.max()):.0f} %"
    outline = figure.root.locator('[data-part="hole"]')
    box = [float(outline.get_attribute(k) or "nan") for k in ("x", "y", "width", "height")]
    assert box == [10 * left, 10 * top, 10 * side, 10 * side]
    return found


def to_pixel(figure: FigureDriver, row: float, column: float) -> tuple[float, float]:
    """Return where a pixel of the large picture lies in the window."""
    box = figure.root.locator("svg").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] * column / SIZE, box["y"] + box["height"] * row / SIZE


@pytest.mark.parametrize("name", ["vae", "conv-vae", "keras-vae"])
def test_the_page_computes_the_network_as_torch_does(call: Call, name: str) -> None:
    small = {"hidden": (16, 8)} if name == "vae" else {}
    made: Any = build(name, latent=4, seed=3, **small).eval()
    norms: list[Any] = [p for p in made.modules() if isinstance(p, nn.BatchNorm2d)]
    for part in norms:
        part.running_var.fill_(0.3)
        part.running_mean.fill_(0.1)
    down = network(nn.Sequential(made.encoder, made.heads.mu), "e")
    up = decoder_network(made, "d")
    arrays = {
        k: {"shape": list(v.shape), "data": v.flatten().tolist()}
        for k, v in (down.arrays | up.arrays).items()
    }
    x = torch.rand(2, 1, made.size, made.size, generator=torch.Generator().manual_seed(0))
    plan = {"encoder": down.steps, "decoder": up.steps}
    body = "a[0].map((x) => m.rebuild(a[1], a[2], x, a[3]))"
    flat = x.flatten(1).double().tolist()
    got = call("inpainter", body, flat, plan, arrays, made.size)
    with torch.no_grad():
        expected = made.double().reconstruct(x.double()).flatten(1).numpy()
    worst = float(np.abs(np.array(got) - expected).max())
    print(f"{expected.size} numbers, largest difference {worst:.2e}")
    assert worst < 1e-10


def test_masks_and_errors(call: Call) -> None:
    error = "m.errorInHole([1, 2, 3], [0, 0, 1], new Uint8Array([1, 0, 1]))"
    body = f"[m.maskOf(6, 2, 3, 2), m.maskOf(6, 4, 5, 3), {error}]"
    inside, cut, total = call("inpainter", body)
    want = hole(6, (2, 4), (3, 5)).flatten().int().tolist()
    assert list(inside) == want
    assert list(cut) == hole(6, (4, 6), (5, 6)).flatten().int().tolist()
    assert total == 5


@pytest.mark.parametrize(("options", "drag"), WAYS)
def test_the_hole_follows_the_pointer_and_its_corner_resizes_it(
    show: Show, options: dict[str, Any], drag: Drag
) -> None:
    figure = show(**options)
    assert check(figure) == (0, 10, 10, 10, 6)
    drag(figure, figure.handle("hole"), *to_pixel(figure, 8, 21))
    assert check(figure)[1:4] == (3, 16, 10)
    drag(figure, figure.handle("corner of the hole"), *to_pixel(figure, 3 + 6, 16 + 6))
    assert check(figure)[1:4] == (3, 16, 6)
    drag(figure, figure.handle("hole"), *to_pixel(figure, 45, -9))  # it stays within the image
    assert check(figure)[1:4] == (SIZE - 6, 0, 6)


def test_the_keyboard_moves_and_resizes_it(show: Show) -> None:
    figure = show()
    check(figure)
    grip, corner = figure.handle("hole"), figure.handle("corner of the hole")
    figure.keys(grip, "ArrowUp", "ArrowUp", "ArrowRight", "Shift+ArrowRight")
    assert check(figure)[1:4] == (8, 21, 10)
    figure.keys(corner, "ArrowRight", "ArrowDown", "ArrowDown")
    assert check(figure)[1:4] == (8, 19, 13)  # pushed back from the border
    figure.keys(corner, "Shift+ArrowUp", "Shift+ArrowUp")
    assert check(figure)[3] == 2
    rounds = figure.root.get_by_label("iterations", exact=True)
    figure.keys(rounds, "Shift+ArrowRight", "ArrowLeft")
    assert check(figure)[4] == 15
    figure.keys(rounds, *["Shift+ArrowLeft"] * 3)
    assert check(figure)[4] == 1
    assert figure.value("once") == figure.value("filled")
    side = figure.root.get_by_label("side of the hole", exact=True)
    figure.keys(side, "Shift+ArrowRight")
    assert check(figure)[3] == 12
    figure.root.get_by_role("radio").first.focus()
    figure.page.keyboard.press("ArrowRight")
    assert check(figure)[0] == 1
    assert figure.page.evaluate("scrollY") == 0


def test_the_two_handles_stand_in_the_middle_of_the_hole_and_at_its_corner(show: Show) -> None:
    figure = show()
    figure.keys(figure.handle("hole"), "ArrowUp", "Shift+ArrowRight")
    figure.keys(figure.handle("corner of the hole"), "ArrowLeft", "ArrowLeft")
    _, top, left, side, _ = check(figure)
    middle, corner = (figure.centre(figure.handle(n)) for n in ("hole", "corner of the hole"))
    assert middle == pytest.approx(to_pixel(figure, top + side / 2, left + side / 2), abs=1)
    assert corner == pytest.approx(to_pixel(figure, top + side, left + side), abs=1)


def test_what_is_filled_in_is_said(show: Show) -> None:
    figure = show()
    check(figure)
    figure.page.wait_for_timeout(900)
    said = figure.root.locator("[aria-live=polite]").inner_text()
    assert said.startswith(f"Squared error in the hole: once through {figure.text('once')}")
    assert "rows 10 to 19, columns 10 to 19" in (
        figure.handle("hole").get_attribute("aria-valuetext") or ""
    )


def test_narrow_and_dark_nothing_sticks_out(show: Show) -> None:
    figure = show(viewport={"width": 375, "height": 1900}, color_scheme="dark")
    check(figure)
    assert figure.page.evaluate("document.documentElement.scrollWidth") <= 375
