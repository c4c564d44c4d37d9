"""Matplotlib figures in the book's one style: axes in, axes out, no mathematics."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from aeteach import _validate

PALETTE: dict[str, Any] = json.loads(
    Path(__file__).with_name("palette.json").read_text(encoding="utf-8")
)
DIGITS: list[str] = PALETTE["digits"]
ROLES: dict[str, str] = PALETTE["light"]
_FAR = 5.0  # reconstructions leave [0, 1] a little; grey levels up to 255 go far


def use_style() -> None:
    """Set the book's style for all later figures; a chapter calls it once."""
    ink, rule, paper = ROLES["ink"], ROLES["rule"], ROLES["paper"]
    mpl.rcParams.update(
        {
            "figure.facecolor": paper,
            "axes.facecolor": paper,
            "savefig.facecolor": paper,
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.edgecolor": rule,
            "axes.labelcolor": ink,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": rule,
            "grid.linewidth": 0.6,
            "text.color": ink,
            "xtick.color": ROLES["muted"],
            "ytick.color": ROLES["muted"],
            "legend.frameon": False,
            "image.cmap": "gray",
            "axes.prop_cycle": cycler(
                color=[ROLES[r] for r in ("data", "reconstruction", "latent", "good", "muted")]
            ),
        }
    )


def scatter_digits(
    z: Any, labels: Any, ax: Axes | None = None, *, names: Sequence[str] = ("z1", "z2")
) -> Axes:
    """Draw points of a plane, each digit in its own colour and named in the legend.

    Args:
        z: (N, 2) coordinates.
        labels: (N,) digits 0 to 9.
        ax: axes to draw in; new ones without.
        names: names of the two axes, with units where they have one.

    Raises:
        TypeError, ValueError: points, labels or names of another kind.
    """
    points = _numbers(z, "z", "finite numbers (N, 2)")
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"z is {_validate.say(z)}; expected finite numbers (N, 2)")
    digits = _labels(labels, len(points))
    horizontal, vertical = _names(names)
    ax = _axes(ax, (5, 4.2))
    for digit in np.unique(digits):
        x, y = points[digits == digit].T
        ax.scatter(x, y, s=5, alpha=0.55, lw=0, color=DIGITS[digit], label=str(digit))
    ax.set(xlabel=horizontal, ylabel=vertical)
    ax.legend(title="digit", markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def image_rows(
    rows: Mapping[str, Any], *, limits: tuple[float, float] | None = (0.0, 1.0), size: float = 0.75
) -> Figure:
    """Draw rows of images, one named row each.

    Args:
        rows: name of the row -> images (n, 1, H, W) or (n, H, W); every row the same n.
        limits: grey values drawn black and white; None takes each row's own extremes, centred on 0.
        size: width of an image in inches.

    Raises:
        TypeError, ValueError: no rows, images that are none, or numbers out of range.
    """
    pictures = _rows(rows)
    ends = None if limits is None else _limits(limits)
    size = _validate.number(size, "size", above=0, most=20, hint="inches")
    columns = max(map(len, pictures.values()))
    figure, axes = plt.subplots(
        len(pictures), columns, figsize=(size * columns + 1.2, size * len(pictures)), squeeze=False
    )
    for axis_row, (name, images) in zip(axes, pictures.items(), strict=True):
        top = np.abs(images).max() if ends is None else ends[1]
        low, cmap = (-top, "PuOr") if ends is None else (ends[0], "gray")
        for ax, image in zip(axis_row, images, strict=False):
            ax.imshow(image, vmin=low, vmax=top, cmap=cmap, interpolation="nearest")
        for ax in axis_row:
            ax.axis("off")
        axis_row[0].text(-0.15, 0.5, name, transform=axis_row[0].transAxes, ha="right", va="center")
    return figure


def image_grid(
    images: Any,
    ax: Axes | None = None,
    *,
    low: Sequence[float] = (-1, -1),
    high: Sequence[float] = (1, 1),
    names: Sequence[str] = ("z1", "z2"),
) -> Axes:
    """Draw n x n images as one picture over the part of the plane they were decoded from.

    Args:
        images: (n * n, 1, H, W) or (n * n, H, W), row by row from the top, in [0, 1].
        ax: axes to draw in; new ones without.
        low: the point of the lower left image, two numbers.
        high: the point of the upper right image.
        names: names of the two axes, with units where they have one.

    Raises:
        TypeError, ValueError: images that are no square of them, or ends that are no points.
    """
    pictures = _pictures(images, "images", far=_FAR)
    n = math.isqrt(len(pictures))
    if n * n != len(pictures):
        raise ValueError(f"images are {len(pictures)}; expected n x n of them, such as {n * n}")
    (left, bottom), (right, top) = _validate.pair(low, "low"), _validate.pair(high, "high")
    if not (left < right and bottom < top):
        raise ValueError(f"low is {(left, bottom)} and high {(right, top)}; expected low < high")
    horizontal, vertical = _names(names)
    height, width = pictures.shape[-2:]
    picture = pictures.reshape(n, n, height, width).swapaxes(1, 2).reshape(n * height, n * width)
    across, up = ((b - a) / (2 * max(n - 1, 1)) for a, b in ((left, right), (bottom, top)))
    extent = (left - across, right + across, bottom - up, top + up)
    ax = _axes(ax, (5, 5))
    ax.imshow(picture, vmin=0, vmax=1, extent=extent, aspect="auto", interpolation="nearest")
    ax.grid(visible=False)
    ax.set(xlabel=horizontal, ylabel=vertical)
    return ax


def curves(
    lines: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    xlabel: str = "epoch",
    ylabel: str = "loss",
) -> Axes:
    """Draw named curves over 1, 2, 3, ...; each is named in the legend.

    Args:
        lines: name -> values, one an epoch.
        ax: axes to draw in; new ones without.
        xlabel: what the counter counts.
        ylabel: what the values are, with their unit.

    Raises:
        TypeError, ValueError: no lines, or what is no list of numbers.
    """
    known = {
        name: _numbers(v, f"lines[{name!r}]", "numbers (n,)", axes=1)
        for name, v in _named(lines, "lines").items()
    }
    xlabel, ylabel = _validate.text(xlabel, "xlabel"), _validate.text(ylabel, "ylabel")
    ax = _axes(ax, (5, 3.2))
    for name, values in known.items():
        ax.plot(np.arange(1, len(values) + 1), values, label=name, lw=1.6)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def confusion(counts: Any, ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix, each cell in per cent of its row.

    Args:
        counts: (K, K), row i, column j: how often the digit i was read as j; no row empty.
        ax: axes to draw in; new ones without.

    Raises:
        TypeError, ValueError: no such counts.
    """
    want = "counts (K, K) of at least 0, no row empty"
    table = _numbers(counts, "counts", want).astype(float)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"counts is {_validate.say(counts)}; expected {want}")
    if table.min() < 0 or not (table.sum(1) > 0).all():
        raise ValueError(f"counts runs from {table.min():g} to {table.max():g}; expected {want}")
    ax = _axes(ax, (4.4, 4.2))
    share = 100 * table / table.sum(1, keepdims=True)
    ax.imshow(share, vmin=0, vmax=100, cmap="Blues")
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.5:
            colour = ROLES["paper"] if value > 55 else ROLES["ink"]
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color=colour)
    ticks = range(len(share))
    ax.set(xlabel="read as", ylabel="written as", xticks=ticks, yticks=ticks)
    ax.grid(visible=False)
    return ax


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw in, or new ones of a size in inches."""
    return plt.subplots(figsize=size)[1] if ax is None else _validate.record(ax, "ax", Axes)


def _numbers(value: Any, name: str, want: str, axes: int | None = None) -> Any:
    """Return numbers as an array, wherever they are."""
    return _validate.numbers(value, name, want, axes=axes).numpy(force=True)


def _labels(labels: Any, n: int) -> Any:
    """Return digits as an array."""
    try:
        y = labels if isinstance(labels, torch.Tensor) else torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"labels is {_validate.say(labels)}; expected digits 0 to 9 (N,), int64"
        ) from error
    return _validate.labels(y, n).numpy(force=True)


def _names(names: Sequence[str]) -> tuple[str, str]:
    """Return the names of two axes."""
    found = _validate.several(names, "names", "two texts, one for each axis")
    if len(found) != 2:
        raise ValueError(f"names is {_validate.say(names)}; expected two, one for each axis")
    first, second = (_validate.text(name, "each of names") for name in found)
    return first, second


def _named(things: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a mapping with names for keys, and something in it."""
    if not isinstance(things, Mapping) or not things:
        raise TypeError(f"{name} is {_validate.say(things)}; expected {{name: numbers}}, not empty")
    for key in things:
        _validate.text(key, f"each key of {name}")
    return things


def _rows(rows: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _pictures(v, f"rows[{name!r}]") for name, v in _named(rows, "rows").items()}


def _pictures(images: Any, name: str, far: float = math.inf) -> Any:
    """Return images (n, H, W) as an array, of any numbers that are not farther off than this."""
    want = "images (n, 1, H, W) or (n, H, W)"
    found = _numbers(images, name, want)
    if found.ndim == 4 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 3:
        raise ValueError(f"{name} is {_validate.say(images)}; expected {want}, grey")
    if np.abs(found).max() > far:
        raise ValueError(
            f"{name} runs from {found.min():g} to {found.max():g}; expected [0, 1]: divide grey "
            "levels by 255"
        )
    return found


def _limits(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = _validate.pair(limits, "limits")
    if not low < high:
        raise ValueError(f"limits is {(low, high)}; expected black below white, as (0.0, 1.0)")
    return low, high
