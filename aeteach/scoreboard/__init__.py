"""Every model of the book in one list, put together from the tables of results/."""

from aeteach.scoreboard.board import (
    CUBE,
    HOLE,
    MNIST,
    MNIST_28,
    MNIST_28_SQUARED,
    QUANTITIES,
    RECTANGLES,
    SHAPES,
    Board,
    Claim,
    Entry,
    Quantity,
    Seen,
    cell,
    quantity,
    show,
)
from aeteach.scoreboard.sources import SOURCES, Source, gather

__all__ = [
    "CUBE",
    "HOLE",
    "MNIST",
    "MNIST_28",
    "MNIST_28_SQUARED",
    "QUANTITIES",
    "RECTANGLES",
    "SHAPES",
    "SOURCES",
    "Board",
    "Claim",
    "Entry",
    "Quantity",
    "Seen",
    "Source",
    "cell",
    "gather",
    "quantity",
    "show",
]
