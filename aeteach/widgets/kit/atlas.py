"""Many small grey images as one PNG, which every browser unpacks by itself."""

import struct
import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aeteach.widgets.kit.inputs import StateError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS = (1, 2, 4, 8)


def atlas(images: ArrayLike, *, columns: int = 25, bits: int = 8) -> bytes:
    """Return images as one grey PNG, row by row, `columns` of them side by side.

    Args:
        images: (N, H, W) or (N, 1, H, W), in [0, 1]; values a little outside are clipped.
        columns: images in a row of the atlas.
        bits: a pixel, 1, 2, 4 or 8: it takes the nearest of L = 2^bits evenly spaced grey levels,
            so it is off by at most 1 / (2 (L - 1)). Fewer make the picture smaller.

    Raises:
        ValueError: another shape, no image, numbers that are not finite, or other bits.

    Source: Portable Network Graphics specification, third edition.
    """
    pixels = _grey(images)
    if bits not in _BITS:
        raise StateError(f"bits is {bits}; a grey PNG knows {', '.join(map(str, _BITS))}")
    count, height, width = pixels.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, height, width))
    sheet[:count] = pixels
    sheet = sheet.reshape(rows, columns, height, width).swapaxes(1, 2)
    steps = np.round(sheet.reshape(rows * height, columns * width) * (2**bits - 1))
    return _png(steps.astype(np.uint8), bits)


def _grey(images: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(images, dtype=np.float64)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3 or array.size == 0:
        raise StateError(
            f"images have shape {np.shape(images)}; expected (N, H, W) or (N, 1, H, W), N >= 1"
        )
    if not np.isfinite(array).all():
        raise StateError("images hold NaN or infinity; pass finite grey values in [0, 1]")
    return array.clip(0, 1)


def _png(steps: NDArray[np.uint8], bits: int) -> bytes:
    """Return (H, W) grey steps of so many bits as a PNG."""
    height, width = steps.shape
    packed = np.unpackbits(steps[:, :, None], axis=2)[:, :, 8 - bits :].reshape(height, -1)
    lines = np.packbits(packed, axis=1)  # a line starts at a byte
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1)  # filter 0: none
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)  # colour type 0: grey
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(filtered.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
