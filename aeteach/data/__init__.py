"""The book's data, as tensors: MNIST, every small shape, points on a cube; and a reader's own.

Importing this module reads and fetches nothing.
"""

from aeteach.data._idx import DataError
from aeteach.data.cube import cube, surface_distance
from aeteach.data.drawing import as_mnist, ink
from aeteach.data.mnist import CacheWarning, Digits, Filled, SampleWarning, fill, mnist
from aeteach.data.own import Pictures, examples, folder, mapped
from aeteach.data.shapes import (
    FACTOR_NAMES,
    RECTANGLE_FACTOR_NAMES,
    RECTANGLE_SHAPE_NAMES,
    SHAPE_NAMES,
    Shapes,
    shapes,
)

__all__ = [
    "FACTOR_NAMES",
    "RECTANGLE_FACTOR_NAMES",
    "RECTANGLE_SHAPE_NAMES",
    "SHAPE_NAMES",
    "CacheWarning",
    "DataError",
    "Digits",
    "Filled",
    "Pictures",
    "SampleWarning",
    "Shapes",
    "as_mnist",
    "cube",
    "examples",
    "fill",
    "folder",
    "ink",
    "mapped",
    "mnist",
    "shapes",
    "surface_distance",
]
