"""The figures' Python side: the bundler, the two hosts, the state, and what is refused."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st

from aeteach.widgets import Figure, LinearLoss, PcaAxis, bundle, pack
from aeteach.widgets.kit import host
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.pca_axis import axis_stats
from tests.paths import ROOT
from tests.widgets.test_pca_digit import small_digit

MAKERS: list[Callable[[], Figure]] = [PcaAxis, LinearLoss, small_digit]


# ---------------------------------------------------------------- the bundler


def modules(folder: Path, **sources: str) -> Path:
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)
    return folder


def test_a_bundle_imports_nothing_and_keeps_its_exports(tmp_path: Path) -> None:
    modules(
        tmp_path,
        low="export const one = 1;\nexport function two() { return 2; }\nexport class Three {}\n",
        middle='import { one as uno, two } from "./low.js";\nexport const sum = uno + two();\n',
        top=(
            'import { sum } from "./middle.js";\n'
            'import {\n  Three,\n  one,\n} from "./low.js";\n'
            "export async function later() { return sum; }\n"
            "export default { render() { return new Three(one); } };\n"
        ),
    )
    text = bundle("top", tmp_path)
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert text.count("const low$ = (() => {") == 1  # wrapped once, though imported twice
    assert text.index("const low$") < text.index("const middle$") < text.index("const top$")
    assert "const { one: uno, two } = low$;" in text
    assert "const { Three, one } = low$;" in text
    assert "return { one, two, Three };" in text
    assert text.rstrip().endswith(
        "export default top$.default;\nexport const { later } = top$;"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('import x from "./low.js";', "another form"),
        ('import * as x from "./low.js";', "another form"),
        ('import "./low.js";', "another form"),
        ('import { one } from "./low.js"', "another form"),  # no semicolon
        ("import { one } from './low.js';", "another form"),
        ('import { } from "./low.js";', "not plain names"),
        ('import { one, 2 } from "./low.js";', "not plain names"),
        ('import { one } from "https://example.org/x.js";', "not a module beside it"),
        ('import { one } from "../low.js";', "not a module beside it"),
        ('import { one } from "low.js";', "not a module beside it"),
        ("const x = await import(y);", "runs later"),
        ("console.log(import.meta.url);", "runs later"),
        ("export let x = 1;", "another form"),
        ("export { x };", "another form"),
        ('export * from "./low.js";', "another form"),
        ("export const { a, b } = x;", "another form"),
        ("export default function render() {}", "another form"),
        ("  export const x = 1;", "another form"),
        ("export default {};\nexport default {};", "second default"),
    ],
)
def test_every_other_import_or_export_is_refused_by_line(
    tmp_path: Path, source: str, message: str
) -> None:
    modules(tmp_path, low="export const one = 1;\n", top=f"// a comment\n\n{source}\n")
    with pytest.raises(host.BundleError, match=message) as error:
        bundle("top", tmp_path)
    line = 4 if "second" in message else 3
    assert str(error.value).startswith(f"top.js:{line}: ")
    assert "are bundled" in str(error.value)


def test_names_and_files_that_are_missing_are_named(tmp_path: Path) -> None:
    modules(
        tmp_path,
        low="export const one = 1;\n",
        top='import { one, two } from "./low.js";\n',
        lost='import { one } from "./nowhere.js";\n',
    )
    with pytest.raises(host.BundleError, match=r"top.js imports \['two'\], which low.js does not"):
        bundle("top", tmp_path)
    with pytest.raises(host.BundleError, match=r"no module nowhere.js in .*, imported by lost.js"):
        bundle("lost", tmp_path)
    (tmp_path / "kit").mkdir()
    modules(tmp_path / "kit", shared="export const two = 2;\n")
    modules(tmp_path, near='import { two } from "./shared.js";\n')
    with pytest.raises(host.BundleError, match=r"no module shared.js in .*, imported by near.js"):
        bundle("near", tmp_path)
    with pytest.raises(host.BundleError, match=r"no module typo.js"):
        bundle("typo", tmp_path)


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    modules(
        tmp_path,
        a='import { b } from "./b.js";\nexport const a = 1;\n',
        b='import { a } from "./a.js";\nexport const b = 1;\n',
    )
    with pytest.raises(host.BundleError, match="in a circle: a -> b -> a"):
        bundle("a", tmp_path)


def test_types_are_left_out_and_no_code_with_them(tmp_path: Path) -> None:
    modules(
        tmp_path,
        top="""/** @type {(x: number) => number} */
export const one = (x) =>
  /** @type {number} */ (x) + 1;
/**
 * @type {number}
 */
export const two = 2;
""",
    )
    assert bundle("top", tmp_path).splitlines()[1:5] == [
        "const one = (x) =>",
        "  /** @type {number} */ (x) + 1;",
        "const two = 2;",
        "",
    ]


def test_no_two_modules_have_one_name():
    names = [path.stem for path in host.FIGURES.rglob("*.js")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", sorted(host.FIGURES.rglob("*.js")), ids=lambda p: p.stem)
def test_every_module_of_the_package_bundles(path: Path) -> None:
    assert len(bundle(path.stem)) >= 0.9 * len(host._TYPES.sub("", path.read_text("utf-8")))


@pytest.mark.parametrize("path", sorted(host.FIGURES.rglob("*.js")), ids=lambda p: p.stem)
def test_no_module_reaches_for_the_network(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|importScripts|sendBeacon", source)
    assert set(re.findall(r"https?://[^\s\"']+", source)) <= {"http://www.w3.org/2000/svg"}


# ---------------------------------------------------------------- the page


@pytest.mark.usefixtures("in_page")
@pytest.mark.parametrize("make", MAKERS)
def test_in_the_page_a_figure_is_html_and_nothing_else(make: Callable[[], Figure]) -> None:
    figure = make()
    assert figure.comm is None
    data, metadata = figure._repr_mimebundle_()
    assert list(data) == ["text/html"]
    assert metadata == {}
    parts = Parts()
    parts.feed(data["text/html"])
    assert (parts.starts[:2], parts.starts[-1]) == (["style", "div"], "script")
    assert parts.starts.count("script") == parts.starts.count("style") == 1
    assert parts.first["div"]["role"] == "group"
    assert parts.first["div"]["aria-label"] == figure.alt
    assert parts.attributes["script"] == {"type": "module"}
    drawn = figure.still()
    assert drawn is not None
    assert drawn.html in data["text/html"]
    assert len(drawn.numbers) >= 3
    assert len(data["text/html"]) < 600_000


class Parts(HTMLParser):
    """The elements of a piece of HTML in their order, their attributes and their text."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.first: dict[str, dict[str, str | None]] = {}
        self.text: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append(tag)
        self.attributes[tag] = dict(attrs)
        self.first.setdefault(tag, dict(attrs))

    def handle_data(self, data: str) -> None:
        if self.starts:
            self.text[self.starts[-1]] = self.text.get(self.starts[-1], "") + data.strip()


@pytest.mark.usefixtures("in_page")
@pytest.mark.parametrize("make", MAKERS)
def test_the_same_figure_gives_the_same_html(make: Callable[[], Figure]) -> None:
    assert make().page_html() == make().page_html()


@pytest.mark.usefixtures("in_page")
def test_nothing_in_a_figure_can_end_its_script() -> None:
    hostile = 'a </script><script>alert("x")</script> <!-- & b'
    html = PcaAxis(alt=hostile).page_html()
    assert html.count("</script>") == 1
    assert html.rstrip().endswith("</script>")
    assert "<!--" not in html
    parts = Parts()
    parts.feed(html)
    assert parts.first["div"]["aria-label"] == hostile


@pytest.mark.usefixtures("in_page")
def test_state_that_json_cannot_hold_is_an_error_not_a_broken_page() -> None:
    class Odd(Figure):
        _module = "pca_axis"
        thing = traitlets.Any().tag(sync=True)

    with pytest.raises(ValueError, match="not JSON compliant"):
        Odd(thing=float("nan")).page_html()
    with pytest.raises(TypeError, match=r"a figure's state holds a set"):
        Odd(thing={1}).page_html()


@pytest.mark.usefixtures("in_page")
def test_a_page_figure_inside_a_live_layout_says_why_it_cannot_be() -> None:
    with pytest.raises(RuntimeError, match="show the figure by itself, not inside HBox"):
        _ = PcaAxis().model_id


RUN_NOTEBOOK = """
import json, sys, nbformat
from nbclient import NotebookClient
source = "from aeteach.widgets import PcaAxis\\nPcaAxis()"
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
kinds = [sorted(o["data"]) for o in notebook.cells[0].outputs]
text = notebook.cells[0].outputs[0]["data"].get("text/plain")
print(json.dumps({"kinds": kinds, "stored": "widgets" in notebook.metadata, "text": text}))
"""


@pytest.mark.parametrize("page", [True, False])
def test_a_notebook_run_for_the_page_stores_html_and_no_widget_state(page: bool) -> None:
    # In a process of its own, because a browser test may hold this one's event loop.
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    env.pop("AETEACH_HOST", None)
    if page:
        env["AETEACH_HOST"] = "page"
    done = subprocess.run(
        [sys.executable, "-c", RUN_NOTEBOOK], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    kind = "text/html" if page else host.VIEW_MIME
    assert got == {
        "kinds": [sorted([kind, "text/plain"])],
        "stored": not page,
        "text": repr(PcaAxis()) if page else PcaAxis().text,  # no address in memory
    }


# ---------------------------------------------------------------- Jupyter


@pytest.mark.parametrize("make", MAKERS)
def test_in_jupyter_a_figure_is_a_widget_view_and_nothing_else(make: Callable[[], Figure]) -> None:
    figure = make()
    data, _ = figure._repr_mimebundle_()
    assert list(data) == [host.VIEW_MIME, "text/plain"]
    assert data["text/plain"] == figure.text
    assert data["text/plain"].startswith(f"{figure.alt} ")
    assert data[host.VIEW_MIME]["model_id"] == figure.comm.comm_id
    state = figure.get_state()
    assert state["_esm"] == bundle(figure._module)
    assert state["_css"] == host.style()
    assert state["alt"] == figure.alt
    json.dumps({k: v for k, v in state.items() if not isinstance(v, bytes | ipywidgets.Widget)})


def test_ipywidgets_links_and_boxes_take_a_figure() -> None:
    figure, slider = PcaAxis(angle=20), ipywidgets.FloatSlider(max=180)
    link = ipywidgets.jslink((figure, "angle"), (slider, "value"))
    box = ipywidgets.HBox([figure, slider])
    assert link.source == (figure, "angle")
    assert box.children == (figure, slider)
    both = ipywidgets.link((figure, "angle"), (slider, "value"))
    slider.value = 75.0
    assert figure.angle == 75.0
    assert figure.captured == pytest.approx(axis_stats(figure.points, 75).captured)
    both.unlink()


def test_what_the_browser_sends_arrives_in_python() -> None:
    figure, seen = PcaAxis(), []
    figure.observe(lambda change: seen.append(change["new"]), "captured")
    moved = [[p[0], -p[1]] for p in figure.points]
    figure.set_state({"points": moved, "angle": 33.5})
    assert figure.points == moved
    assert figure.angle == 33.5
    assert seen[-1] == figure.captured == pytest.approx(axis_stats(moved, 33.5).captured)
    before = (figure.points, figure.angle, figure.captured)
    with pytest.raises(StateError, match="expected a finite number of degrees"):
        figure.set_state({"angle": float("nan")})
    assert (figure.points, figure.angle, figure.captured) == before


# ---------------------------------------------------------------- style


def test_no_rule_of_the_style_reaches_beyond_a_figure() -> None:
    css = re.sub(r"/\*.*?\*/", "", host.style(), flags=re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", css)
    assert len(selectors) > 30
    for selector in selectors:
        if not selector.strip().startswith("@media"):
            parts = re.split(r",(?![^(]*\))", selector)  # the commas that are in no :is()
            assert all(".ae-figure" in part for part in parts), selector


def test_the_braces_of_the_style_match() -> None:
    depth = 0
    for brace in re.findall(r"[{}]", host.style()):
        depth += 1 if brace == "{" else -1
        assert 0 <= depth <= 2
    assert depth == 0


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_the_palette_is_legible(mode: str, ground: str) -> None:
    # WCAG 2.2: 4.5 to 1 for text, 3 to 1 for what must be told apart in a picture.
    palette = json.loads(host.PALETTE.read_text())[mode]
    least = {"ink": 7.0, "muted": 4.5} | dict.fromkeys(
        ["data", "latent", "reconstruction", "good", "focus"], 4.5
    )
    for role, bound in least.items():
        light, dark = sorted([luminance(palette[role]), luminance(palette[ground])], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= bound, role


# ---------------------------------------------------------------- packed weights


KINDS = ["float16", "float32"]


@given(
    st.lists(st.integers(1, 4), max_size=3),
    st.one_of(
        st.sampled_from(KINDS),
        st.dictionaries(st.sampled_from(["first", "second"]), st.sampled_from(KINDS)),
    ),
    st.integers(0, 2**32 - 1),
)
def test_packed_arrays_are_found_by_their_manifest(
    shape: list[int], dtype: str | dict[str, str], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    arrays = {"first": rng.normal(size=shape), "second": rng.normal(size=(2, 3))}
    manifest, block = pack(arrays, dtype)
    for name, array in arrays.items():
        kind = dtype if isinstance(dtype, str) else dtype.get(name, "float16")
        entry = manifest[name]
        assert entry["dtype"] == kind
        assert entry["offset"] % 4 == 0
        read = np.frombuffer(block, kind, int(np.prod(entry["shape"])), entry["offset"])
        np.testing.assert_array_equal(read.reshape(entry["shape"]), array.astype(kind))


def test_tensors_can_be_packed() -> None:
    manifest, block = pack({"w": torch.eye(2)})
    assert manifest == {"w": {"shape": [2, 2], "dtype": "float16", "offset": 0}}
    assert np.frombuffer(block, np.float16).tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("arrays", "dtype", "message"),
    [
        ({"w": [1.0, np.nan]}, "float16", "'w' holds NaN"),
        ({"w": [np.inf]}, "float32", "'w' holds NaN or infinity"),
        ({"w": [70_000.0]}, "float16", "'w' reaches 70000, beyond what float16 holds"),
        ({"w": [70_000.0]}, {"v": "float32"}, "beyond what float16 holds"),
        ({"w": [1.0]}, {"w": "float64"}, "dtype is 'float64'"),
        ({"w": [1.0]}, "int4", "dtype is 'int4'; expected 'float16', 'float32', 'int8' or 'grey'"),
        ({"w": [0.3]}, "grey", "'w' holds numbers that are no whole multiples of 1/255"),
        ({"w": [256 / 255]}, "grey", "'w' holds numbers that are no whole multiples of 1/255"),
    ],
)
def test_pack_refuses_what_it_would_change(arrays: Any, dtype: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pack(arrays, dtype)
