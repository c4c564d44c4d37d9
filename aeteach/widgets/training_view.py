"""What a training run looks like as HTML: the loss so far, and digits with their reconstructions.

The same piece of HTML is shown live in Jupyter and once and for all in the page. Text takes the
colour of its surroundings, so it can be read on any theme.
"""

import base64
import html
import math
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from matplotlib.image import imsave
from numpy.typing import ArrayLike

from aeteach.plots import ROLES

Curve = Sequence[tuple[float, float]]  # (epochs done, loss)

COLOURS = {"training": ROLES["data"], "held out": ROLES["reconstruction"]}
WIDTH, HEIGHT = 380, 246
LEFT, RIGHT, TOP, BOTTOM = 48, 18, 48, 40


def view(curves: Mapping[str, Curve], epochs: int, rows: Mapping[str, ArrayLike]) -> str:
    """Return the loss curves and the rows of digits as one piece of HTML.

    Args:
        curves: "training" and "held out" -> points (epochs done, loss), loss above 0.
        epochs: where the axis ends.
        rows: name of the row -> images (n, 1, H, W), grey values in [0, 1].
    """
    return (
        '<div class="ae-training" style="max-width: 34rem">'
        f"{curve_svg(curves, epochs)}{''.join(digit_row(*row) for row in rows.items())}</div>"
    )


def curve_svg(curves: Mapping[str, Curve], epochs: int) -> str:
    """Return the curves over the epochs as SVG, the loss on a logarithmic axis."""
    losses = [loss for points in curves.values() for _, loss in points if loss > 0]
    low, high = (min(losses), max(losses)) if losses else (1.0, 10.0)
    low, high = low / 1.05, high * 1.05
    ticks = log_ticks(low, high)

    def px(epoch: float) -> float:
        return LEFT + epoch / epochs * (WIDTH - LEFT - RIGHT)

    def py(loss: float) -> float:
        share = math.log(loss / low) / math.log(high / low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = []
    for v in ticks:
        parts.append(_line(LEFT, py(v), WIDTH - RIGHT, py(v)))
        parts.append(_text(LEFT - 6, py(v) + 4, f"{v:g}", "end"))
    for e in range(0, epochs + 1, max(1, math.ceil(epochs / 8))):
        parts.append(_text(px(e), HEIGHT - BOTTOM + 16, str(e)))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "epochs done"))
    parts.append(_text(LEFT, 34, "squared error, an image (log scale)", "start"))
    for i, (name, points) in enumerate(curves.items()):
        places = [(px(e), py(v)) for e, v in points if v > 0]
        parts.append(_curve(name, places))
        parts.append(_legend(name, LEFT + 110 * i))
    said = "; ".join(f"{name} {points[-1][1]:.3g}" for name, points in curves.items() if points)
    label = html.escape(f"Loss over the epochs. Last values: {said or 'none yet'}.")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" '
        'style="width: 100%; max-width: 27rem; height: auto; color: inherit">'
        f"{''.join(parts)}</svg>"
    )


def digit_row(name: str, images: ArrayLike) -> str:
    """Return images side by side as one PNG in HTML, with their name below."""
    array = np.clip(np.asarray(images, dtype=np.float64), 0, 1)[:, 0]  # (n, H, W)
    strip = np.concatenate(list(np.pad(array, ((0, 0), (1, 1), (1, 1)), constant_values=0.4)), 1)
    file = BytesIO()
    imsave(file, strip, format="png", cmap="gray", vmin=0, vmax=1)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    text = html.escape(name)
    return (
        f'<div style="margin: 0.4rem 0"><img src="data:image/png;base64,{data}" '
        f'alt="{len(array)} digits: {text}" style="width: 100%; image-rendering: pixelated; '
        'background: none; padding: 0"><div style="font-size: 13px; color: inherit">'
        f"{text}</div></div>"
    )


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten from low to high, or both ends if these are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return values if len(values) > 1 else [float(f"{v:.3g}") for v in (low * 1.02, high / 1.02)]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    where = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {where} stroke="currentColor" stroke-opacity="0.25"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="currentColor" font-size="13">{html.escape(text)}</text>'


def _curve(name: str, places: Sequence[tuple[float, float]]) -> str:
    """Return a line through the places, with dots where they are few."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    line = f'<polyline data-curve="{name}" points="{points}" fill="none" stroke-width="2" '
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    dots = dots if len(places) < 30 else ""
    colour = COLOURS[name]
    return f'{line}stroke="{colour}"/><g fill="{colour}">{dots}</g>'


def _legend(name: str, x: float) -> str:
    swatch = f'<rect x="{x}" y="5" width="12" height="10" rx="2" fill="{COLOURS[name]}"/>'
    return swatch + _text(x + 17, 14, name, "start")
