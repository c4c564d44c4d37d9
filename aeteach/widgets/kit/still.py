"""What a figure shows before anything moves: drawn once, without a browser.

The figure's own JavaScript runs in V8 on a sheet of paper (`paper.js`) instead of a document, in
the state that its page starts from. What it drew is HTML that needs no script. It stands where the
figure will be: for readers without JavaScript, and until the figure starts.
"""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, IdentityTransform
from PIL import Image

PNG = b"\x89PNG"
LARGEST = 480  # pixels of a painted canvas' longer side; sharp enough at the width of a column
FEW = 32  # colours of a painted canvas, enough for shades of the palette


@dataclass(frozen=True)
class Still:
    """What a figure drew.

    Attributes:
        html: its picture and its numbers, without a script.
        numbers: (name, text) of every number that it shows, in their order.
    """

    html: str
    numbers: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The numbers in one line."""
        return "; ".join(f"{name}: {value}" for name, value in self.numbers)


def still(
    module: str, code: str, state: str, values: Mapping[str, Any], colours: Mapping[str, str]
) -> Still | None:
    """Return what a figure draws, or None where V8 is not installed.

    Args:
        module: the figure's module.
        code: it and all that it imports, and `page` and `paper`, as the bundler writes them.
        state: of the figure, as JSON, bytes as base64.
        values: the same as Python has it; pictures among them are unpacked here.
        colours: {variable of the style sheet: colour}.
    """
    try:
        from py_mini_racer import MiniRacer
    except ImportError:  # a figure can do without
        return None
    script = f"""(() => {{
{code}
paper$.unroll({json.dumps(colours)}, {json.dumps(_picture(values))});
const root = globalThis.root = new paper$.Sheet("div");
{module}$.default.render({{ model: page$.pageModel({state}), el: root }});
globalThis.finish = () => {{
  const again = paper$.rest();
  return JSON.stringify(again ? null : paper$.drawn(root));
}};
}})()"""
    with MiniRacer() as engine:
        engine.eval(script)
        while (said := json.loads(str(engine.eval("finish()")))) is None:
            pass  # what a promise put off comes after each call
    html = said["html"]
    for number, drawing in enumerate(said["drawings"]):
        if drawing["steps"]:
            width, height = drawing["size"]
            painted = paint(width, height, drawing["steps"])
            html = html.replace(f'"drawing:{number}"', f'"{painted}"')
    return Still(html, tuple((name, value) for name, value in said["numbers"]))


def _picture(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the grey values of the PNG in a figure's state, a character each, if there is one."""
    found = [v for v in values.values() if isinstance(v, bytes) and v.startswith(PNG)]
    if not found:
        return None
    (png,) = found  # one atlas a figure
    with Image.open(io.BytesIO(png)) as image:
        grey = image.convert("L")
    return {"width": grey.width, "height": grey.height, "grey": grey.tobytes().decode("latin-1")}


def paint(width: int, height: int, steps: list[dict[str, Any]]) -> str:
    """Return what was done on a canvas as an image, in the address of a PNG.

    Args:
        width: of the canvas, in pixels.
        height: likewise.
        steps: as paper.js keeps them.
    """
    if len(steps) == 1 and steps[0]["kind"] == "pixels":
        return _address(_pixels(steps[0]))
    agg = RendererAgg(width, height, 72)
    flip = Affine2D().scale(1, -1).translate(0, height)
    for step in steps:
        if step["kind"] == "pixels":
            _place(agg, step, width, height)
        else:
            _draw(agg, flip, step)
    image = Image.fromarray(np.asarray(agg.buffer_rgba()))
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return _address(image.quantize(FEW, Image.Quantize.FASTOCTREE))


def _pixels(step: dict[str, Any]) -> Image.Image:
    return Image.frombytes("RGBA", (step["width"], step["height"]), step["data"].encode("latin-1"))


def _place(agg: RendererAgg, step: dict[str, Any], width: int, height: int) -> None:
    """Put pixels into their box, cut at the canvas."""
    x, y, *size = (round(each) for each in step["box"])
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(size[0], width - x), min(size[1], height - y)
    shown = _pixels(step).resize((size[0], size[1]), Image.Resampling.BILINEAR)
    cut = np.ascontiguousarray(np.asarray(shown.crop((left, top, right, bottom)))[::-1])
    agg.draw_image(agg.new_gc(), x + left, height - (y + bottom), cut)


def _draw(agg: RendererAgg, flip: Affine2D, step: dict[str, Any]) -> None:
    """Fill or stroke a path: 0 x y begins a part, 1 x y goes on, 2 x y r is a circle."""
    gc = agg.new_gc()
    gc.set_alpha(step["alpha"])
    colour = _colour(step["colour"])
    gc.set_foreground(colour)
    gc.set_linewidth(step["line"] if step["kind"] == "stroke" else 0)
    filled = (*colour, step["alpha"]) if step["kind"] == "fill" else None
    corners: list[tuple[float, float]] = []
    codes: list[np.uint8] = []
    for kind, x, y, *more in step["parts"]:
        if kind == 2:
            place = Affine2D().scale(more[0]).translate(x, y) + flip
            agg.draw_path(gc, Path.unit_circle(), place, filled)
        else:
            corners.append((x, y))
            codes.append(Path.LINETO if kind else Path.MOVETO)
    if corners:
        agg.draw_path(gc, Path(corners, codes), IdentityTransform() + flip, filled)


def _colour(text: str) -> tuple[float, float, float]:
    """Return a CSS colour, `#rrggbb` or `rgb(r,g,b)`, as numbers from 0 to 1."""
    if text.startswith("rgb("):
        red, green, blue = (float(part) / 255 for part in text[4:-1].split(","))
        return red, green, blue
    return to_rgb(text)


def _address(image: Image.Image) -> str:
    file = io.BytesIO()
    grey = image.mode == "RGBA" and _is_grey(image)
    (image.convert("L") if grey else image).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _is_grey(image: Image.Image) -> bool:
    red, green, blue, alpha = (np.asarray(channel) for channel in image.split())
    return bool((red == green).all() and (green == blue).all() and (alpha == 255).all())
