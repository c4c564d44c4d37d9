"""MNIST's four IDX files: their names, their checksums, and how their bytes become a tensor."""

import hashlib
import math

import torch
from torch import Tensor

# SHA-256 of the decompressed files: whatever the source, these bytes or none.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

IMAGES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABELS = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}


class DataError(RuntimeError):
    """A source of data that does not work, or data that is not what it should be."""


def verify(name: str, data: bytes, source: str) -> None:
    """Refuse the bytes of an IDX file unless their SHA-256 is the published one.

    Args:
        name: which of the four files.
        data: its decompressed bytes.
        source: where they came from; for the message.

    Raises:
        DataError: the checksum differs; names the file, both checksums and the source.
    """
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise DataError(
            f"{name} from {source} is refused, its {len(data):,} bytes are not MNIST's: "
            f"SHA-256 expected {SHA256[name]}, found {found}"
        )


def parse(data: bytes) -> Tensor:
    """Read an IDX file of unsigned bytes into a uint8 tensor.

    The format: two zero bytes, 8 (unsigned byte), the number of dimensions, then each
    dimension as a big-endian 32-bit integer, then the values, row by row.

    Raises:
        DataError: the header is not that of such a file, or the length contradicts it.
    """
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise DataError(f"not an IDX file of unsigned bytes: it starts with {data[:4]!r}")
    start = 4 + 4 * data[3]
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, start, 4)]
    if len(data) != start + math.prod(shape):
        raise DataError(
            f"an IDX file of shape {shape} has {start + math.prod(shape):,} bytes, "
            f"this one has {len(data):,}"
        )
    # A bytearray, because torch refuses to share memory that Python calls read-only.
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)[start:].reshape(shape)
