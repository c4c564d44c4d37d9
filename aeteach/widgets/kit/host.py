"""One source, two hosts: the same ES module runs in Jupyter and in the built page.

A figure is one Python class here and one JavaScript file beside it. In Jupyter it is an anywidget,
so ipywidgets' `jslink`, `HBox` and `observe` work with it. Where the environment variable
AETEACH_HOST is `page` (the book's build sets it) the class opens no channel to a kernel; it shows
itself as HTML that carries the module, its state and its weights, and so works from any web server
and from a folder, with no request at all.
"""

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from aeteach.widgets.kit.still import Still, still
from aeteach.widgets.kit.traits import limits

KIT = Path(__file__).parent
FIGURES = KIT.parent
PALETTE = FIGURES.parent / "palette.json"
VIEW_MIME = "application/vnd.jupyter.widget-view+json"

_NAME = r"[A-Za-z_$][\w$]*"
_STATEMENT = re.compile(r"^[ \t]*(?:import|export)\b", re.MULTILINE)
_DYNAMIC = re.compile(r"\bimport\s*[(.]")
_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"([^"]*)";[ \t]*$', re.MULTILINE)
_SPECIFIER = re.compile(rf"({_NAME})(?:\s+as\s+({_NAME}))?")
_LOCAL = re.compile(r"\./(?:kit/)?([a-z]\w*)\.js")
_EXPORT = re.compile(rf"^export (?=(?:async )?(?:function\*?|class|const) ({_NAME}))", re.MULTILINE)
_DEFAULT = re.compile(r"^export default (?=\{)", re.MULTILINE)
_TYPES = re.compile(r"^[ \t]*/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*\n", re.MULTILINE)  # for tsc alone

_ALLOWED = (
    'only `import { a, b as c } from "./module.js";`, `export function|class|const name` and '
    "`export default { ... };` at the start of a line are bundled"
)


class BundleError(ValueError):
    """A JavaScript module uses an import or export that the bundler does not know."""


def in_page() -> bool:
    """Return whether figures are built for a page without a kernel (AETEACH_HOST=page)."""
    return os.environ.get("AETEACH_HOST", "") == "page"


def bundle(name: str, folder: Path = FIGURES) -> str:
    """Return the ES module `name`.js and all that it imports as one self-contained ES module.

    Every module becomes a function called once, which returns its exports; an import becomes a
    destructuring of what that function returned. The result exports what `name`.js exports.

    Args:
        name: file name of the module, without `.js`; no two modules have the same.
        folder: where the modules lie, those that several share in its sub-folder `kit`.

    Raises:
        BundleError: a missing file, a cycle, a name that is not exported, or any import or export
            of another form; the message gives file and line.
    """
    modules = _collect(name, folder)
    exports = [e for e in modules[name][1] if e != "default"]
    tail = [f"export default {name}$.default;"] if "default" in modules[name][1] else []
    if exports:
        tail.append(f"export const {{ {', '.join(exports)} }} = {name}$;")
    return "\n".join([*(code for code, _ in modules.values()), *tail, ""])


def _collect(entry: str, folder: Path) -> dict[str, tuple[str, list[str]]]:
    """Return {module: (its wrapped code, its exports)}, every module after those it imports."""
    done: dict[str, tuple[str, list[str]]] = {}

    def visit(name: str, path: Path, trail: tuple[str, ...]) -> None:
        if name in trail:
            raise BundleError(
                f"modules import each other in a circle: {' -> '.join(trail)} -> {name}"
            )
        if name in done:
            return
        if not path.is_file():
            wanted_by = f", imported by {trail[-1]}.js" if trail else ""
            raise BundleError(f"no module {name}.js in {path.parent}{wanted_by}")
        source = path.read_text(encoding="utf-8")
        imports = _check(source, path.name)
        for module, place, _ in imports:
            visit(module, path.parent / place, (*trail, name))
        for module, _, names in imports:
            missing = [n for n in names if n not in done[module][1]]
            if missing:
                raise BundleError(f"{name}.js imports {missing}, which {module}.js does not export")
        done[name] = _wrap(name, source)

    beside = folder / f"{entry}.js"
    shared = folder / "kit" / f"{entry}.js"
    visit(entry, shared if shared.is_file() else beside, ())
    return done


def _check(source: str, file: str) -> list[tuple[str, str, list[str]]]:
    """Return [(module, its file, imported names)] of a module; refuse all other forms."""

    def refuse(position: int, why: str) -> BundleError:
        line = source.count("\n", 0, position) + 1
        text = source[position:].split("\n", 1)[0].strip()
        return BundleError(f"{file}:{line}: {why}: `{text}`; {_ALLOWED}")

    if dynamic := _DYNAMIC.search(source):
        raise refuse(dynamic.start(), "an import that runs later")
    imports, defaults = [], 0
    for statement in _STATEMENT.finditer(source):
        at = statement.start()
        if match := _IMPORT.match(source, at):
            specifiers = [s.strip() for s in match[1].split(",") if s.strip()]
            found = [_SPECIFIER.fullmatch(s) for s in specifiers]
            if not found or None in found:
                raise refuse(at, "an import list that is not plain names")
            local = _LOCAL.fullmatch(match[2])
            if local is None:
                raise refuse(at, f"an import from {match[2]!r}, which is not a module beside it")
            imports.append((local[1], match[2], [f[1] for f in found if f]))
        elif _DEFAULT.match(source, at):
            defaults += 1
            if defaults > 1:
                raise refuse(at, "a second default export")
        elif not _EXPORT.match(source, at):
            raise refuse(at, "an import or export of another form")
    return imports


def _wrap(name: str, source: str) -> tuple[str, list[str]]:
    """Return a checked module as `const name$ = (() => { ... })();`, and the names it exports."""
    exports = [match[1] for match in _EXPORT.finditer(source)]

    def destructure(match: re.Match[str]) -> str:
        names = re.sub(r"\s+as\s+", ": ", " ".join(match[1].split()))
        local = _LOCAL.fullmatch(match[2])
        assert local is not None  # _check has seen to it
        return f"const {{ {names.rstrip(', ')} }} = {local[1]}$;"

    body = _EXPORT.sub("", _IMPORT.sub(destructure, _TYPES.sub("", source)))
    body, defaults = _DEFAULT.subn("const default$ = ", body)
    returned = ", ".join([*exports, *(["default: default$"] if defaults else [])])
    code = f"const {name}$ = (() => {{\n{body}\nreturn {{ {returned} }};\n}})();"
    return code, [*exports, *(["default"] if defaults else [])]


def style() -> str:
    """Return the figures' CSS: the palette as variables, light and dark, and the kit's rules.

    Dark follows the page's theme (html[data-theme]), JupyterLab's (body[data-jp-theme-light]), or,
    where neither says anything, the reader's system. Every rule is held to `.ae-figure`.
    """
    palette = json.loads(PALETTE.read_text(encoding="utf-8"))

    def variables(mode: str) -> str:
        roles = "".join(f"--ae-{role}:{colour};" for role, colour in palette[mode].items())
        return f"{roles}color-scheme:{mode};"

    digits = "".join(f"--ae-digit-{i}:{colour};" for i, colour in enumerate(palette["digits"]))
    dark = variables("dark")
    silent = "html:not([data-theme]) body:not([data-jp-theme-light]) .ae-figure"
    return "\n".join(
        [
            f".ae-figure{{{variables('light')}{digits}}}",
            f'html[data-theme="dark"] .ae-figure{{{dark}}}',
            f'body[data-jp-theme-light="false"] .ae-figure{{{dark}}}',
            f"@media (prefers-color-scheme:dark){{{silent}{{{dark}}}}}",
            (KIT / "kit.css").read_text(encoding="utf-8"),
        ]
    )


def pack(
    arrays: Mapping[str, ArrayLike], dtype: str | Mapping[str, str] = "float16"
) -> tuple[dict[str, Any], bytes]:
    """Pack named arrays into one block of bytes for a figure's `manifest` and `weights`.

    Args:
        arrays: name -> array of finite numbers, any shape; tensors are read as arrays.
        dtype: `float16` (2 bytes a number, 3 significant digits), `float32`, `int8` (1 byte a
            number, matrices only; see `eight_bits`), or `grey` (1 byte a number, exact, for whole
            multiples of 1/255 from 0 to 1, as pixels are); for all arrays, or name -> dtype, and
            then float16 for those not named.

    Returns:
        The manifest {name: {shape, dtype, offset in bytes}} and the bytes, little-endian. An
        `int8` matrix is stored as the float32 scales of its rows, then its steps.

    Raises:
        ValueError: a dtype of another name, a number that is not finite, one that float16
            cannot hold (beyond 65,504), `int8` for what is no matrix, or `grey` for other numbers
            than grey levels.
    """
    manifest: dict[str, Any] = {}
    packed = bytearray()
    for name, values in arrays.items():
        kind = dtype if isinstance(dtype, str) else dtype.get(name, "float16")
        manifest[name] = {
            "shape": list(np.shape(values)),
            "dtype": kind,
            "offset": len(packed),
        }
        packed += _block(name, values, kind)
        packed += bytes(-len(packed) % 4)  # a float32 may follow, and starts at a multiple of 4
    return manifest, bytes(packed)


def _block(name: str, values: ArrayLike, dtype: str) -> bytes:
    """Return one array's numbers as bytes, or say why it cannot be packed."""
    if dtype not in ("float16", "float32", "int8", "grey"):
        raise ValueError(f"dtype is {dtype!r}; expected 'float16', 'float32', 'int8' or 'grey'")
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} holds NaN or infinity; pack finite numbers only")
    if dtype == "int8":
        if array.ndim != 2:
            raise ValueError(f"array {name!r} has shape {array.shape}; int8 packs matrices only")
        steps, scales = eight_bits(array)
        return scales.astype("<f4").tobytes() + steps.tobytes()
    if dtype == "grey":
        if not are_grey_levels(array):
            raise ValueError(
                f"array {name!r} holds numbers that are no whole multiples of 1/255 from 0 to 1; "
                "pass dtype='float32'"
            )
        return np.round(255 * array).astype(np.uint8).tobytes()
    largest = np.abs(array).max(initial=0)
    if largest > np.finfo(dtype).max:
        raise ValueError(
            f"array {name!r} reaches {largest:.6g}, beyond what {dtype} holds; scale it or pass "
            "dtype='float32'"
        )
    return array.astype(np.dtype(dtype).newbyteorder("<")).tobytes()


def are_grey_levels(values: ArrayLike) -> bool:
    """Tell whether numbers are whole multiples of 1/255 from 0 to 1, as float32 has them."""
    levels = np.round(255 * np.asarray(values, dtype=np.float64))
    if not ((levels >= 0) & (levels <= 255)).all():
        return False
    return bool(((levels / 255).astype(np.float32) == np.asarray(values, dtype=np.float32)).all())


def kept_in_eight_bits(matrix: ArrayLike) -> NDArray[np.float32]:
    """Return what `eight_bits` keeps of a matrix, as numbers again."""
    steps, scales = eight_bits(matrix)
    return steps * scales[:, None]


def eight_bits(matrix: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a matrix as whole steps, and the length of a step in each of its rows.

    The largest number of a row becomes 127 or -127 steps, so every number is off by at most half
    a step, 1/254 of the largest in its row: `steps * scales[:, None]` is what is kept.

    Args:
        matrix: (rows, columns), finite.

    Returns:
        Steps, (rows, columns), and scales, (rows,).
    """
    array = np.asarray(matrix, dtype=np.float64)
    scales = (np.abs(array).max(axis=1, initial=0) / 127).astype(np.float32)
    steps = array / np.where(scales > 0, scales, 1)[:, None]  # a row of zeros stays one
    return np.round(steps).clip(-127, 127).astype(np.int8), scales


class Figure(anywidget.AnyWidget):
    """An interactive figure that runs in Jupyter and in a page without a kernel.

    A subclass names its JavaScript module in `_module`, declares its state as traits tagged
    `sync=True`, and sets `alt`, the text a reader gets who cannot see the figure. Ranges are
    declared once: by the traits of kit/traits.py, or in `_limits`; `limits` takes them to the page.
    """

    _module = ""
    _limits: ClassVar[dict[str, tuple[float, float]]] = {}  # of what is no trait by itself: points
    alt = traitlets.Unicode("", help="What the figure shows, in words.").tag(sync=True)
    limits = traitlets.Dict(
        read_only=True, help="Of each trait with a range: its smallest and its largest value."
    ).tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_module" in cls.__dict__:  # and not in the copy that anywidget makes for an instance
            cls._esm = bundle(cls._module)
            cls._css = style()

    @traitlets.default("limits")
    def _default_limits(self) -> dict[str, list[float]]:
        return limits(self) | {k: list(v) for k, v in self._limits.items()}

    def open(self) -> None:
        """Open the channel to the front end; in the page there is none to open."""
        if not in_page():
            super().open()

    @property
    def model_id(self) -> str:
        """Return the id of the channel to the front end."""
        if self.comm is None:
            raise RuntimeError(
                f"{type(self).__name__} was made for a page (AETEACH_HOST=page), which has no "
                "kernel: show the figure by itself, not inside HBox or a link; in Jupyter, unset "
                "AETEACH_HOST and make it again"
            )
        return str(super().model_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"  # no address in memory: outputs are compared

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        # One of the two, never both: with both, the weights would be stored twice.
        if in_page():
            return {"text/html": self.page_html()}, {}
        view = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        # What a front end without widgets shows, and a saved notebook where none runs.
        return {VIEW_MIME: view, "text/plain": self.text}, {}

    def page_html(self) -> str:
        """Return the figure as a piece of HTML that needs nothing else: no kernel, no request.

        The same figure in the same state always gives the same text, so builds can be compared.
        """
        state = _json(self._page_state())
        # What the module looks for: twins with the same content may swap places unnoticed.
        key = hashlib.sha256(f"{self._module}{state}".encode()).hexdigest()[:12]
        modules = _collect("page", FIGURES) | _collect(self._module, FIGURES)
        call = f'page$.mount("{key}", {state}, {self._module}$.default);'
        code = "\n".join(code for code, _ in modules.values())
        # `</script>` anywhere in the code would end it; `<\/` means the same inside a string.
        script = code.replace("</", "<\\/").replace("<!--", "<\\!--")
        drawn = self.still()
        shown = f'<div class="ae-still">{drawn.html}</div>' if drawn else ""
        alt = html.escape(self.alt)
        return (
            f"<style data-ae-style>{style()}</style>\n"
            f'<div class="ae-figure" data-ae-figure="{key}" role="group" aria-label="{alt}">'
            f"{shown or alt}<noscript><p>This figure moves with JavaScript.</p></noscript></div>\n"
            f'<script type="module">\n{script}\n{call}\n</script>\n'
        )

    def still(self) -> Still | None:
        """Return what the figure shows before it starts; None where V8 is not installed."""
        values = self._page_state()
        parts = ("page", "paper", self._module)
        modules = {name: code for part in parts for name, code in _collect(part, FIGURES).items()}
        code = "\n".join(code for code, _ in modules.values())
        return still(self._module, code, _json(values), values, _colours())

    @property
    def text(self) -> str:
        """What the figure shows, in words, and its numbers where they can be drawn."""
        drawn = self.still()
        return f"{self.alt} {drawn.text}" if drawn else self.alt

    def _page_state(self) -> dict[str, Any]:
        """Return what the module may read, {trait: value}, without the widget's own machinery."""
        machinery = set(anywidget.AnyWidget.class_trait_names(sync=True))
        names = [n for n in self.keys if n not in machinery and not n.startswith("_")]
        state = {name: getattr(self, name) for name in names}
        return state if self.limits else {k: v for k, v in state.items() if k != "limits"}


class PackedFigure(Figure):
    """A figure that carries arrays to its page, as `pack` writes them."""

    weights = traitlets.Bytes(b"", help="All arrays, one after the other.").tag(sync=True)
    manifest = traitlets.Dict(help="Of each: shape, dtype, offset in bytes.").tag(sync=True)


def _colours() -> dict[str, str]:
    """Return the variables of the light style sheet, as a figure's JavaScript asks for them."""
    palette = json.loads(PALETTE.read_text(encoding="utf-8"))
    digits = {f"--ae-digit-{i}": colour for i, colour in enumerate(palette["digits"])}
    return digits | {f"--ae-{role}": colour for role, colour in palette["light"].items()}


def _json(value: Any) -> str:
    """Return a value as JSON that may stand inside a script: no `<`, no NaN, bytes as base64."""

    def encode(item: Any) -> Any:
        if isinstance(item, bytes):
            return {"$bytes": base64.b64encode(item).decode("ascii")}
        raise TypeError(
            f"a figure's state holds a {type(item).__name__}: {item!r}; use plain values"
        )

    text = json.dumps(value, default=encode, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
