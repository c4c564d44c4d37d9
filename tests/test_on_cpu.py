"""A default device other than the CPU is for models: data and numbers are as without."""

import pytest
import torch
from torch import Tensor

from tests.bad_inputs import agree
from tests.pretend_gpu import CPU, GPU, on_gpu
from tests.test_torch_state import CASES

OTHER_NUMBERS = {"fit": "its noise is drawn on the GPU: tests/test_exact_on_gpu.py"}
DATA = ("mnist", "shapes", "rectangles", "cube", "reader_images", "grid", "draw_by_class")


# Drawn as the shapes are, and ten times as long.
SLOW = {"reader_images", "rectangles"}
ASKED = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
    for name in CASES
    if name not in OTHER_NUMBERS
]


@pytest.mark.parametrize("name", ASKED)
def test_a_gpu_by_default_changes_no_number(name: str) -> None:
    want = CASES[name]()
    with on_gpu(double=False):
        with torch.device(GPU):
            made = CASES[name]()
        assert agree(made, want)
        assert not isinstance(made, Tensor) or made.device == (CPU if name in DATA else made.device)
        assert not name.startswith("build ") or {w.device for w in made.values()} == {GPU}
