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
    Transparent parts become white. With subfolders, the name of the subfolder is the class; other
    files, and names that begin with a dot, are passed over. The order is that of the names.

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
    images = torch.empty(len(files), channels, *one[1:])
    for n, file in enumerate(files):
        images[n] = _picture(file, one[1], one[2], grey)
    numbers = [n for n, found in enumerate(below.values()) for _ in found]
    return Pictures(images, torch.tensor(numbers) if below else None, tuple(below), tuple(files))


def examples(data: Any) -> Tensor:
    """Return data as `training.fit` takes it: float32, (N, C, H, W) or (N, F).

    What is done: uint8 is divided by 255; other numbers become float32, their values as they are;
    (N, H, W) gets a channel; (N, H, W, C) with 1, 3 or 4 channels last gets them first; the columns
    of a table are its features. Nothing is scaled or left out: to standardise, do so before.

    Args:
        data: a tensor, a NumPy array or a pandas DataFrame of numbers.

    Raises:
        TypeError: anything else, or a column of a table that holds no numbers; names it.
        ValueError: another shape, empty, NaN or infinite.
    """
    if hasattr(data, "select_dtypes"):
        other = [str(name) for name in data.columns.difference(_numeric(data))]
        if other:
            raise TypeError(
                f"data has columns that hold no numbers: {', '.join(other[:5])}; expected numbers: "
                "drop them, or make them numbers, such as with pandas.get_dummies"
            )
        data = data.to_numpy(dtype=np.float32)
    if isinstance(data, np.ndarray) and data.dtype.kind in "biuf":
        data = torch.as_tensor(np.ascontiguousarray(data))
    x = _validate.tensor(data, "data", _KINDS)
    if x.is_complex() or x.dtype in (torch.float16, torch.bfloat16):
        raise TypeError(f"data has dtype {x.dtype}; expected whole or real numbers: use .float()")
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    if x.ndim == 4 and x.shape[3] in _CHANNELS and x.shape[1] not in _CHANNELS:
        x = x.permute(0, 3, 1, 2)
    return _validate.examples(x.unsqueeze(1) if x.ndim == 3 else x, "data").contiguous()


def _numeric(table: Any) -> Any:
    return table.select_dtypes(include=["number", "bool"]).columns


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
            turned = ImageOps.exif_transpose(opened).convert("RGBA")
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
