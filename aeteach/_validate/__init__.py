"""Checks of arguments: what arrived, what was expected, what to do. Each returns its argument.

Bad input must never become a wrong number, so every public function asks here first. One rule holds
in the whole package:

- **A tensor is never converted.** It comes back as it is or is refused, with the call that converts
  it. Images are float32 in [0, 1]; other numbers float32 or float64; labels int64. Whether grey
  levels are 0 to 255 or float64 was a slip, only the caller knows. What holds no numbers (the meta
  device), not all of them (sparse), or too coarse ones (half precision) is refused too.
- **One number may be in whatever holds exactly one**: Python's, NumPy's, a tensor without axes. It
  comes back as Python's own. True and False are no numbers, and a text never is.
- **Several numbers** may be a list, an array or a tensor where a function says so (`numbers`).
- **NaN is nowhere an answer**, and infinity only where a function says so, as a KL may be infinite.

`ValueError` says that a value is out of range, `TypeError` that it is of no such kind. A message
begins with the name of the argument.
"""

from aeteach._validate.plain import (
    MAX_CLASSES,
    MAX_COUNT,
    MAX_SEED,
    MAX_SIDE,
    choice,
    count,
    counts,
    flag,
    function,
    generator,
    number,
    pair,
    path,
    record,
    room,
    say,
    seed,
    several,
    shape,
    text,
)
from aeteach._validate.tensors import (
    broadcast,
    can_look,
    classes,
    examples,
    finite,
    fits,
    floating,
    images,
    labels,
    latents,
    made,
    mask,
    model,
    numbers,
    one_device,
    one_kind,
    pixels,
    same,
    tensor,
    unit,
)

__all__ = [
    "MAX_CLASSES",
    "MAX_COUNT",
    "MAX_SEED",
    "MAX_SIDE",
    "broadcast",
    "can_look",
    "choice",
    "classes",
    "count",
    "counts",
    "examples",
    "finite",
    "fits",
    "flag",
    "floating",
    "function",
    "generator",
    "images",
    "labels",
    "latents",
    "made",
    "mask",
    "model",
    "number",
    "numbers",
    "one_device",
    "one_kind",
    "pair",
    "path",
    "pixels",
    "record",
    "room",
    "same",
    "say",
    "seed",
    "several",
    "shape",
    "tensor",
    "text",
    "unit",
]
