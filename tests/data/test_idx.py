"""IDX files: read as written, and refused when cut or of another kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aeteach.data import DataError
from aeteach.data import _idx as idx
from tests.data.tiny import FILES, TEST_LABELS, idx_bytes


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_parse_reads_what_was_written(values):
    tensor = idx.parse(idx_bytes(values))
    assert tensor.shape == values.shape
    np.testing.assert_array_equal(tensor.numpy(), values)


@given(st.integers(0, len(FILES[TEST_LABELS]) - 1))
def test_parse_refuses_every_truncation(length):
    with pytest.raises(DataError, match="IDX file"):
        idx.parse(FILES[TEST_LABELS][:length])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it starts with b''"),
        (b"<html>", "not an IDX file of unsigned bytes: it starts with b'<htm'"),
        (b"\0\0\x0d" + FILES[TEST_LABELS][3:], "not an IDX file of unsigned bytes"),  # floats
        (FILES[TEST_LABELS] + b"\0", r"shape \[10\] has 18 bytes, this one has 19"),
    ],
)
def test_parse_refuses_what_is_no_idx_file(data, message):
    with pytest.raises(DataError, match=message):
        idx.parse(data)
