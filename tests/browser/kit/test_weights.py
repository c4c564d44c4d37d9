"""Packed weights in the page: every float16, and tensors as they were packed."""

from typing import Any

import numpy as np
import pytest

from aeteach.widgets.kit.host import pack
from tests.browser.conftest import Agree, Call


def test_all_float16_bit_patterns(call: Call) -> None:
    got = np.array(call("weights", "Array.from(m.halfTable())"))
    expected = np.arange(65_536, dtype=np.uint16).view(np.float16).astype(np.float64)
    np.testing.assert_array_equal(got, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(expected[number]))
    assert np.isinf(got).sum() == 2
    assert np.isnan(got).sum() == 2 * 1023


@pytest.mark.parametrize("dtype", ["float16", "float32", {"b": "float32"}])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_tensors_come_out_as_they_were_packed(call: Call, dtype: Any, start: int) -> None:
    rng = np.random.default_rng(0)
    arrays = {"a": rng.normal(size=(3, 5)), "b": rng.normal(size=7), "c": np.float64(2.5)}
    manifest, block = pack(arrays, dtype)
    got = call(
        "weights",
        """m.tensors({ get: (key) => key === "manifest" ? a[0]
            : new DataView(Uint8Array.from(a[1]).buffer, a[2], a[3]) })""",
        manifest,
        [*([255] * start), *block, 255],  # a view into the middle of a message, as in Jupyter
        start,
        len(block),
    )
    for name, array in arrays.items():
        assert got[name]["shape"] == list(np.shape(array))
        stored = np.asarray(array).astype(manifest[name]["dtype"]).astype(np.float64).ravel()
        np.testing.assert_array_equal(got[name]["data"], stored)


def test_rows_of_8_bits_are_unpacked(call: Call, agree: Agree) -> None:
    arrays = {"W": np.random.default_rng(0).normal(size=(3, 5)), "v": np.arange(4.0)}
    manifest, data = pack(arrays, {"W": "int8", "v": "float32"})
    model = "{ get: (k) => k === 'weights' ? new Uint8Array(a[1]) : a[0] }"
    got = call("weights", f"m.tensors({model})", manifest, list(data))
    assert got["v"]["data"] == [0, 1, 2, 3]
    scale = np.abs(arrays["W"]).max(1, keepdims=True) / 127
    agree(got["W"]["data"], (np.round(arrays["W"] / scale) * scale).ravel(), 1e-6)


def test_grey_levels_are_unpacked_exactly(call: Call) -> None:
    levels = (np.arange(256) / 255).astype(np.float32)
    manifest, data = pack({"v": [2.0], "x": levels}, {"v": "float32", "x": "grey"})
    model = "{ get: (k) => k === 'weights' ? new Uint8Array(a[1]) : a[0] }"
    got = call("weights", f"m.tensors({model})", manifest, list(data))
    assert got["x"]["data"] == levels.astype(np.float64).tolist()


def test_a_row_is_cut_out_of_a_table_that_is_not_square(call: Call) -> None:
    table = {"shape": [3, 4], "data": list(range(12))}
    body = "a[1].map((i) => m.rowOf({ ...a[0], data: Float32Array.from(a[0].data) }, i))"
    expected = np.arange(12).reshape(3, 4)[[2, 0, 1]].tolist()
    assert call("weights", body, table, [2, 0, 1]) == expected
