"""Modules under the names they once had."""

import importlib
import sys

import pytest

from aeteach import _moved


@pytest.mark.parametrize("old", _moved.MOVED)
def test_an_old_module_name_warns_and_is_the_moved_module(old):
    sys.modules.pop(old, None)
    with pytest.warns(FutureWarning, match=f"{old} is now {_moved.MOVED[old]}"):
        assert importlib.import_module(old) is importlib.import_module(_moved.MOVED[old])
