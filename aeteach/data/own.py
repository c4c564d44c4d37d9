"""A user's own data as tensors: a folder of pictures, an array, a table."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from aeteach import _validate
from aeteach._on_cpu import on_cpu
from aeteach.data._idx import DataError

ENDINGS = (".png", ".jpg", ".jpeg")
_CHANNELS = (1, 3, 4)
_MOST_GREY = 2**16 - 1
_NUMBERS = "biuf"  # kinds of NumPy: true or false, whole and real numbers; no complex, no times
_KINDS = (
    "a tensor, an array or a DataFrame: images (N, C, H, W), (N, H, W, C), (N, H, W); or (N, F)"
)


class Pictures(NamedTuple):
    """The pictures of a folder.

    Attributes:
        images: (N, 3, H, W), or (N, 1, H, W) if grey, float32 in [0, 1].
        labels: (N,), int64, the number of the subfolder; None without subfolders.
        names: of the subfolders, in the order of the labels.
        files: where each picture comes from.
    """

    images: Tensor
    labels: Tensor | None
    names: tuple[str, ...]
    files: tuple[Path, ...]


@on_cpu
def folder(
    path: str | os.PathLike[str], size: int | tuple[int, int] = 32, *, grey: bool = False
) -> Pictures:
    """Return the PNG and JPEG pictures of a folder, all of one size; nothing is written.

    Each is turned as its camera says, cut to the shape asked for around its middle, and resampled.
    Transparent parts become white, and 16-bit grey becomes 8-bit. With subfolders, the name of the
    subfolder is the class; other files, and names that begin with a dot, are passed over. The order
    is that of the names.

    Args:
        path: of the folder.
        size: height and width in pixels, one number if they are the same.
        grey: one channel in place of three.

    Raises:
        DataError: a ValueError; no folder, no pictures, pictures beside subfolders of pictures, or
            a file that is no picture; names it.
        TypeError, ValueError: no path, or no size.
    """
    path, grey = _validate.path(path, "path"), _validate.flag(grey, "grey")
    one = _validate.shape(size)
    if len(one) != 3 or one[0] != 1:
        raise ValueError(f"size is {_validate.say(size)}; expected a side in pixels, or (H, W)")
    if not path.is_dir():
        raise DataError(f"the path {path} is no folder; expected one that holds PNG or JPEG files")
    below = {p.name: _pictures(p) for p in sorted(path.iterdir()) if _is_class(p)}
    below = {name: files for name, files in below.items() if files}
    here = _pictures(path)
    if here and below:
        raise DataError(
            f"the folder at path {path} holds {len(here)} pictures beside subfolders of pictures "
            f"({', '.join(below)}); expected one or the other: move {here[0].name} and the others "
            "into a subfolder"
        )
    files = here or [file for found in below.values() for file in found]
    if not files:
        raise DataError(
            f"the folder at path {path} holds no file that ends in {', '.join(ENDINGS)}"
        )
    channels = 1 if grey else 3
    _validate.room(len(files) * channels * one[1] * one[2], f"{len(files)} pictures, size = {size}")
    images = torch.empty(len(files), channels, *one[1:], dtype=torch.float32)
    for n, file in enumerate(files):
        images[n] = _picture(file, one[1], one[2], grey)
    numbers = [n for n, found in enumerate(below.values()) for _ in found]
    return Pictures(images, torch.tensor(numbers) if below else None, tuple(below), tuple(files))


def examples(data: Any) -> Tensor:
    """Return data as `training.fit` takes it: float32, (N, C, H, W) or (N, F).

    What is done: uint8 is divided by 255; other numbers become float32, their values as they are;
    (N, H, W) gets a channel; (N, H, W, C) with 1, 3 or 4 channels last gets them first; the columns
    of a table are its features, as they are. Nothing is scaled or left out: to standardise, do so
    before. An array is copied, so what is done to it later changes no example.

    Args:
        data: a tensor, a NumPy array or a pandas DataFrame of numbers.

    Raises:
        TypeError: anything else, or a column of a table that holds no numbers; names it.
        ValueError: another shape, empty, NaN or infinite.
    """
    if hasattr(data, "select_dtypes"):
        data = _array_of(data)
    if isinstance(data, np.ndarray) and data.dtype.kind in _NUMBERS:
        data = _copied(data)
    x = _validate.tensor(data, "data", _KINDS)
    if x.is_complex() or x.dtype in (torch.float16, torch.bfloat16):
        raise TypeError(f"data has dtype {x.dtype}; expected whole or real numbers: use .float()")
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    if x.ndim == 4 and x.shape[3] in _CHANNELS and x.shape[1] not in _CHANNELS:
        x = x.permute(0, 3, 1, 2)
    return _validate.examples(x.unsqueeze(1) if x.ndim == 3 else x, "data").contiguous()


def mapped(path: str | os.PathLike[str]) -> Tensor:
    """Return the float32 numbers of an .npy file as a tensor that stays on the disk, unchanged.

    Only what is looked at is read, so the file may be larger than the memory: on a CPU,
    `training.fit` trains on it batch by batch, and comes to the same as with the numbers in memory.
    On another device it would move all of them there. What is written into the tensor is kept in
    memory and does not reach the file. Rows are read in random order: keep the file on a fast disk.

    Args:
        path: ends in .npy, as `numpy.save` or `numpy.lib.format.open_memmap` wrote it: images
            (N, C, H, W) or features (N, F), float32, row by row.

    Raises:
        DataError: no such file, or no numbers that can be mapped; says what to do.
        TypeError: no path.

    Example:
        >>> import tempfile, numpy, torch
        >>> from pathlib import Path
        >>> from aeteach import data
        >>> file = Path(tempfile.mkdtemp()) / "x.npy"
        >>> numpy.save(file, numpy.zeros((5, 3), numpy.float32))
        >>> data.mapped(file).shape
        torch.Size([5, 3])
    """
    path = _validate.path(path, "path")
    try:
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"path {path} is no .npy file that can be mapped: {error}") from error
    if not isinstance(array, np.memmap):
        array.close()
        raise DataError(f"path {path} holds several arrays; expected the one of an .npy file")
    if array.dtype != np.float32 or array.ndim not in (2, 4) or not array.flags.c_contiguous:
        raise DataError(
            f"path {path} holds {array.dtype} of shape {array.shape}; expected float32, "
            "(N, C, H, W) or (N, F), row by row: convert it once, part by part, into a file that "
            "numpy.lib.format.open_memmap makes"
        )
    if not array.size:
        raise DataError(f"path {path} holds no example: its shape is {array.shape}")
    return torch.from_numpy(array)


def _array_of(table: Any) -> Any:
    """Return the numbers of a DataFrame, (N, columns), NaN where one is missing."""
    kinds = zip(table.columns, table.dtypes, strict=True)
    other = [str(name) for name, dtype in kinds if dtype.kind not in _NUMBERS]
    if other:
        raise TypeError(
            f"data has columns that hold no numbers: {', '.join(other[:5])}; expected numbers: "
            "drop them, or make them numbers, such as with pandas.get_dummies"
        )
    return table.to_numpy(dtype=np.float32, na_value=np.nan)


def _copied(array: Any) -> Tensor:
    """Return an array's numbers as a tensor: torch knows one order of bytes, and up to 64 bits."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            "data is a masked array; expected a number in each place: fill what is masked with "
            "data.filled(value), or leave those rows out"
        )
    native = array.dtype.newbyteorder("=")
    wide = native.kind == "f" and native.itemsize > 8
    return torch.from_numpy(np.array(array, np.float64 if wide else native, order="C"))


def _is_class(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _pictures(path: Path) -> list[Path]:
    return sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in ENDINGS and not file.name.startswith(".") and file.is_file()
    )


def _picture(file: Path, height: int, width: int, grey: bool) -> Tensor:
    """Return one picture, (C, H, W)."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            turned = _eight_bits(ImageOps.exif_transpose(opened)).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{file} is no picture that can be read ({error}): take it out of the folder"
        ) from error
    page = Image.new("RGBA", turned.size, "white")
    page.alpha_composite(turned)
    cut = ImageOps.fit(page.convert("L" if grey else "RGB"), (width, height))
    return (
        torch.from_numpy(np.array(cut)).float().div(255).reshape(height, width, -1).permute(2, 0, 1)
    )


def _eight_bits(picture: Any) -> Any:
    """Return a picture of 16-bit grey as one of 8 bits: Pillow's conversion cuts it off at 255."""
    from PIL import Image

    if not picture.mode.startswith(("I", "F")):
        return picture
    grey = np.asarray(picture)
    if grey.dtype.kind == "f" or grey.min() < 0 or grey.max() > _MOST_GREY:
        raise ValueError(f"grey levels of Pillow's mode {picture.mode}, of which white is unknown")
    return Image.fromarray((grey / (_MOST_GREY / 255)).round().astype(np.uint8))
