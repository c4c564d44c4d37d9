"""Matplotlib figures in the book's one style: axes in, axes out, no mathematics."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

PALETTE: dict[str, Any] = json.loads(
    Path(__file__).with_name("palette.json").read_text(encoding="utf-8")
)
DIGITS: list[str] = PALETTE["digits"]
ROLES: dict[str, str] = PALETTE["light"]


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
    """
    ax = ax or plt.subplots(figsize=(5, 4.2))[1]
    z, labels = np.asarray(z), np.asarray(labels)
    for digit in np.unique(labels):
        at = labels == digit
        ax.scatter(z[at, 0], z[at, 1], s=5, alpha=0.55, lw=0, color=DIGITS[digit], label=str(digit))
    ax.set(xlabel=names[0], ylabel=names[1])
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
    """
    columns = max(len(images) for images in rows.values())
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(size * columns + 1.2, size * len(rows)), squeeze=False
    )
    for axis_row, (name, images) in zip(axes, rows.items(), strict=True):
        images = np.asarray(images)
        if images.ndim == 4:
            images = images[:, 0]
        top = np.abs(images).max() if limits is None else limits[1]
        low, cmap = (-top, "PuOr") if limits is None else (limits[0], "gray")
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
    """
    ax = ax or plt.subplots(figsize=(5, 5))[1]
    images = np.asarray(images)
    height, width = images.shape[-2:]
    n = math.isqrt(len(images))
    picture = images.reshape(n, n, height, width).swapaxes(1, 2).reshape(n * height, n * width)
    half = (np.asarray(high, dtype=float) - np.asarray(low, dtype=float)) / (2 * max(n - 1, 1))
    extent = (low[0] - half[0], high[0] + half[0], low[1] - half[1], high[1] + half[1])
    ax.imshow(picture, vmin=0, vmax=1, extent=extent, aspect="auto", interpolation="nearest")
    ax.grid(visible=False)
    ax.set(xlabel=names[0], ylabel=names[1])
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
    """
    ax = ax or plt.subplots(figsize=(5, 3.2))[1]
    for name, values in lines.items():
        ax.plot(np.arange(1, len(values) + 1), values, label=name, lw=1.6)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def confusion(counts: Any, ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix, each cell in per cent of its row.

    Args:
        counts: (K, K), row i, column j: how often the digit i was read as j; no row empty.
        ax: axes to draw in; new ones without.
    """
    ax = ax or plt.subplots(figsize=(4.4, 4.2))[1]
    counts = np.asarray(counts, dtype=float)
    share = 100 * counts / counts.sum(1, keepdims=True)
    ax.imshow(share, vmin=0, vmax=100, cmap="Blues")
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.5:
            colour = ROLES["paper"] if value > 55 else ROLES["ink"]
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color=colour)
    ticks = range(len(share))
    ax.set(xlabel="read as", ylabel="written as", xticks=ticks, yticks=ticks)
    ax.grid(visible=False)
    return ax
