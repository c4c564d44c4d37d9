"""The page's stand-in for the kernel's model: Jupyter's names, its events, and bytes."""

import base64
from typing import Any

import pytest

from tests.browser.conftest import Call


def model(call: Call, body: str, **state: Any) -> Any:
    """Evaluate `body` with a model of this state and a list `heard` of what it told."""
    return call(
        "page",
        f"""((model) => {{
            const heard = [];
            const hear = (name) => (...values) => heard.push([name, ...values.slice(1)]);
            {body}
            return heard;
        }})(m.pageModel(a[0]))""",
        state,
    )


def test_a_change_is_told_by_its_name_and_then_in_general(call: Call) -> None:
    heard = model(
        call,
        """model.on("change:angle", hear("angle"));
        model.on("change", hear("any"));
        model.set("angle", 20);
        model.set("other", 1);
        heard.push(model.get("angle"));""",
        angle=10,
        other=0,
    )
    assert heard == [["angle", 20], ["any"], ["any"], 20]


def test_what_holds_the_same_is_no_change(call: Call) -> None:
    heard = model(
        call,
        """model.on("change", hear("any"));
        model.set("points", [[1, 2], [3, 4]]);
        model.set("angle", 10);
        model.set("points", [[1, 2], [3, 5]]);""",
        points=[[1, 2], [3, 4]],
        angle=10,
    )
    assert heard == [["any"]]


def test_bytes_arrive_as_a_view_and_are_compared_by_identity(call: Call) -> None:
    data = {"$bytes": base64.b64encode(bytes([0, 1, 254, 255])).decode()}
    heard = model(
        call,
        """const bytes = model.get("weights");
        heard.push(bytes instanceof DataView, new Uint8Array(bytes.buffer));
        model.on("change", hear("any"));
        model.set("weights", bytes);
        model.set("weights", new DataView(new ArrayBuffer(4)));
        model.set("weights", {});
        model.set("weights", new DataView(new ArrayBuffer(4)));""",
        weights=data,
    )
    assert heard == [True, [0, 1, 254, 255], ["any"], ["any"], ["any"]]


def test_what_is_no_bytes_arrives_as_it_is(call: Call) -> None:
    state = {"nothing": None, "text": "$bytes", "inside": {"$bytes": 5}, "flag": False}
    body = "for (const key of Object.keys(a[0])) heard.push(model.get(key));"
    assert model(call, body, **state) == list(state.values())


def test_a_listener_goes_alone_or_with_all_of_its_event(call: Call) -> None:
    heard = model(
        call,
        """const [one, two] = [hear("one"), hear("two")];
        model.on("change:x", one);
        model.on("change:x", two);
        model.set("x", 1);
        model.off("change:x", one);
        model.set("x", 2);
        model.on("change:x", one);
        model.off("change:x");
        model.off("change:y", one);
        model.set("x", 3);""",
        x=0,
    )
    assert heard == [["one", 1], ["two", 1], ["two", 2]]


def test_a_listener_that_leaves_while_it_listens_silences_no_other(call: Call) -> None:
    heard = model(
        call,
        """const once = () => { heard.push("once"); model.off("change:x", once); };
        model.on("change:x", once);
        model.on("change:x", hear("after"));
        model.set("x", 1);
        model.set("x", 2);""",
        x=0,
    )
    assert heard == ["once", ["after", 1], ["after", 2]]


MOUNT = """((holder) => {
    document.body.append(holder);
    const part = "<style data-ae-style>.x { color: red }</style><div data-ae-figure='k'>a</div>";
    holder.innerHTML = part + part;
    const drawn = { render({ model, el }) { el.textContent = `angle ${model.get("angle")}`; } };
    const lost = { render: () => { throw new Error("no ink"); } };
    const problems = [];
    const attempt = (figure, state) => {
        try { m.mount("k", state, figure); }
        catch (error) { problems.push(error.message); }
    };
    attempt(drawn, { angle: 5 });
    attempt(lost, { alt: "A cloud." });
    attempt(drawn, { angle: 6 });
    const found = { texts: [...holder.querySelectorAll("div")].map((e) => e.textContent), problems,
        sheets: holder.querySelectorAll("style").length };
    holder.remove();
    return found;
})(document.createElement("div"))"""


def test_figures_start_in_turn_with_one_style_and_a_failure_keeps_its_words(call: Call) -> None:
    found = call("page", MOUNT)
    assert found["texts"] == ["angle 5", "A cloud. (The figure could not start: no ink)"]
    assert found["problems"] == ["no ink", "no element waits for the figure k"]
    assert found["sheets"] == 1


def test_saving_and_sending_are_there_and_do_nothing(call: Call) -> None:
    assert (
        model(call, "model.on('change', hear('any')); model.save_changes(); model.send({});") == []
    )


def test_an_unknown_event_has_no_listener(call: Call) -> None:
    with pytest.raises(Exception, match="not a function"):
        model(call, "model.on('change:x', 5); model.set('x', 1);")
