"""Numbers as text, and ticks."""

import numpy as np
import pytest

from tests.browser.conftest import Call


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("m.number(-1.5)", "−1.50"),
        ("m.number(-0.001)", "0.00"),
        ("m.number(2, 0)", "2"),
        ("m.number(NaN)", "–"),
        ("m.number(-Infinity)", "–"),
        ("m.roundUp(2.4)", 3),
        ("m.roundUp(70)", 70),
        ("m.roundUp(0)", 1),
        ("m.roundUp(0.0011)", 0.0015),
    ],
)
def test_numbers_as_text(call: Call, body: str, expected: object) -> None:
    assert call("kit", body) == expected


@pytest.mark.parametrize(
    ("low", "high"), [(0, 100), (-1.6, 1.6), (3.2, 3.9), (-5e-3, 2e-3), (0, 7)]
)
def test_ticks_are_round_and_within_the_axis(call: Call, low: float, high: float) -> None:
    got = call("kit", "m.ticks(a[0], a[1], 5)", low, high)
    values = np.array(got["values"])
    steps = np.diff(values)
    assert 3 <= len(values) <= 12
    assert values.min() >= low - 1e-12
    assert values.max() <= high + 1e-12
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]))
    assert min(abs(mantissa - m) for m in (1, 2, 5, 10)) < 1e-6
    np.testing.assert_allclose(np.round(values, got["digits"]), values, atol=1e-12)


def test_attributes_are_set_unless_there_is_nothing_to_set(call: Call) -> None:
    body = """(() => {
        const clicks = [];
        const nothing = { a: null, b: undefined, c: false };
        const node = m.h("p", { ...nothing, d: true, e: 0, onclick: () => clicks.push(1) }, "text");
        node.click();
        return [node.outerHTML, clicks.length];
    })()"""
    assert call("kit", body) == ['<p d="" e="0">text</p>', 1]


PLANE = """
    const on = m.plane({ x: [0, 10], y: [-5, 5], xLabel: "x", label: "a plane" });
    on.svg.style.width = "340px";
    document.body.append(on.node);
    const inWindow = (x, y) => {
        const p = new DOMPoint(on.px(x), on.py(y)).matrixTransform(on.svg.getScreenCTM());
        return { clientX: p.x, clientY: p.y };
    };
"""


def test_a_place_in_the_window_is_one_of_the_data(call: Call) -> None:
    body = f"""(() => {{ {PLANE}
        const found = on.at(inWindow(7, -3));
        on.node.remove();
        return found;
    }})()"""
    assert call("kit", body) == pytest.approx([7, -3], abs=1e-3)


def test_a_handle_keeps_its_distance_from_the_pointer_and_goes_by_keys(call: Call) -> None:
    body = f"""(() => {{ {PLANE}
        let place = [2, 1];
        const nudges = [];
        const handle = m.handle(on, {{ label: "dot", kind: "dot", range: [0, 10],
            get: () => place, set: (p) => {{ place = p; }}, text: () => "", now: () => place[0],
            nudge: (dx, dy) => nudges.push([dx, dy]) }});
        handle.node.setPointerCapture = () => {{}};
        const send = (type, x, y) => handle.node.dispatchEvent(
            new PointerEvent(type, {{ ...inWindow(x, y), button: 0, cancelable: true }}));
        send("pointermove", 9, 4);
        send("pointerdown", 2.3, 1.4);
        send("pointermove", 5.3, 3.4);
        const moved = [...place];
        send("pointerup", 5.3, 3.4);
        send("pointermove", 9, 4);
        const press = (key, shiftKey) => handle.node.dispatchEvent(
            new KeyboardEvent("keydown", {{ key, shiftKey, cancelable: true }}));
        for (const key of ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"]) press(key, false);
        press("ArrowDown", true);
        on.node.remove();
        return [moved, place, nudges.map((pair) => pair.map((v) => v + 0))];
    }})()"""
    moved, place, nudges = call("kit", body)
    assert moved == pytest.approx([5, 3], abs=1e-3)
    assert place == moved  # it was let go
    assert nudges == [[1, 0], [-1, 0], [0, 1], [0, -1], [0, -10]]


def test_arrow_keys_move_a_slider_from_where_it_is_to_its_ends(call: Call) -> None:
    body = """(() => {
        const heard = [];
        const slider = m.slider({ key: "k", label: "l", min: 0, max: 10, step: 0.5, grain: 1,
            text: String, oninput: (v) => heard.push(v) });
        slider.set(4.25);
        const press = (key, shiftKey) => slider.input.dispatchEvent(
            new KeyboardEvent("keydown", { key, shiftKey, cancelable: true }));
        for (const key of ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"]) press(key, false);
        press("ArrowDown", true);
        slider.set(8);
        press("ArrowRight", true);
        return heard;
    })()"""
    assert call("kit", body) == [4.75, 3.75, 4.75, 3.75, 0, 10]


def test_an_event_is_held_by_the_nodes_around_it_alone(call: Call) -> None:
    body = """(() => {
        const [inner, other] = [m.h("b"), m.h("i")];
        const outer = m.h("p", {}, inner);
        const held = [];
        const hear = (event) => held.push(m.holds(outer, event));
        for (const target of [outer, other, window]) target.addEventListener("x", hear);
        inner.dispatchEvent(new Event("x", { bubbles: true }));
        for (const target of [other, window]) target.dispatchEvent(new Event("x"));
        return held;
    })()"""
    assert call("kit", body) == [True, False, False]


def test_without_motion_every_step_is_made_at_once(call: Call) -> None:
    body = """(() => {
        const before = globalThis.matchMedia;
        globalThis.matchMedia = () => ({ matches: true });
        let steps = 0;
        m.animate(() => ++steps < 5);
        globalThis.matchMedia = before;
        return steps;
    })()"""
    assert call("kit", body) == 5


def test_grey_runs_from_0_to_1_unless_another_limit_is_said(call: Call) -> None:
    body = """(() => {
        const picture = m.image({ width: 4, height: 1, label: "l" });
        const greys = () => [...m.pen(picture.canvas).getImageData(0, 0, 4, 1).data]
            .filter((_, i) => i % 4 === 0);
        picture.draw([-1, 0.2, 1, 2]);
        const plain = greys();
        picture.draw([-1, 0.2, 1, 2], { limit: 2 });
        return [plain, greys()];
    })()"""
    plain, halved = call("kit", body)
    assert plain == [0, 51, 255, 255]
    assert halved == pytest.approx([0, 25.5, 127.5, 255], abs=0.5)
