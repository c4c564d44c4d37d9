"""From strokes to an image like MNIST's, by the rule of `aeteach.data.drawing`."""

import base64

import numpy as np

from aeteach.data import as_mnist, ink
from aeteach.data.drawing import PAD, PEN
from aeteach.widgets.draw_digit import DRAWN
from tests.browser.conftest import Call


def strokes(seed: int) -> list[list[list[float]]]:
    rng = np.random.default_rng(seed)
    return [
        rng.random((int(rng.integers(1, 7)), 2)).round(4).tolist()
        for _ in range(int(rng.integers(1, 4)))
    ]


def test_the_page_draws_scales_and_centres_as_python_does(call: Call) -> None:
    cases = [strokes(seed) for seed in range(25)] + list(DRAWN.values())
    cases += [[[[0.5, 0.5]]], [[[0.0, 0.0], [1.0, 1.0]]], [[[0.02, 0.5], [0.98, 0.5]]]]
    body = """a[0].map((strokes) => {
        const sheet = m.sheetOf(a[1]);
        m.ink(sheet, strokes, a[2]);
        const bytes = btoa(Array.from(sheet.bytes, (v) => String.fromCharCode(v)).join(""));
        return [bytes, Array.from(m.asMnist(sheet))];
    })"""
    worst = 0.0
    for case, (sheet, x) in zip(cases, call("drawing", body, cases, PAD, PEN), strict=True):
        drawn = ink(case)
        assert (drawn * 255).round().byte().numpy().tobytes() == base64.b64decode(sheet)
        worst = max(worst, float(np.abs(as_mnist(drawn, size=28).numpy().ravel() - x).max()))
    print(f"{len(cases)} drawings, largest difference {worst:.1e}")
    assert worst < 1e-7  # Python returns float32


def test_a_sheet_without_ink_is_no_image(call: Call) -> None:
    assert call("drawing", "m.asMnist(m.sheetOf(224))") is None


def test_a_picture_is_enlarged_pixel_by_pixel_and_covers_no_darker_ink(call: Call) -> None:
    picture = np.random.default_rng(0).random((4, 4))
    body = """(() => {
        const sheet = m.sheetOf(12);
        m.enlarge(sheet, a[0]);
        m.enlarge(sheet, a[0].map((v) => v / 2));
        return sheet.bytes;
    })()"""
    found = np.array(call("drawing", body, picture.ravel().tolist())).reshape(12, 12)
    expected = np.floor(255 * picture + 0.5).repeat(3, 0).repeat(3, 1)
    np.testing.assert_array_equal(found, expected)
