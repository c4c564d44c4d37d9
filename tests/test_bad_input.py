"""Bad input to any public function is a clear error or a right result: one test asks them all.

`python -m tests.test_bad_input` prints how many calls ended how; with names of functions behind it,
what came of each call.
"""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from aeteach.metrics import shape_reader
from aeteach.weights import load
from tests.bad_inputs import ask, counts
from tests.public_functions import CASES, case, names

mpl.use("Agg")


def _reader():
    """The shape reader with a temperature of 1, which takes no time to fit."""
    return load("shape-reader"), 1.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AETEACH_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(shape_reader, "reader", _reader)
    yield
    plt.close("all")


def test_the_table_names_every_public_function():
    assert set(CASES) == set(names())


@pytest.mark.parametrize("name", list(CASES))
def test_bad_input_is_a_clear_error_or_a_right_result(name):
    failed = [str(outcome) for outcome in ask(case(name)) if not outcome.passed]
    assert not failed, f"{len(failed)} calls of {name}:\n" + "\n".join(failed)


if __name__ == "__main__":
    import os
    import resource
    import tempfile
    import warnings

    os.chdir(tempfile.mkdtemp())
    os.environ["AETEACH_RESULTS"] = tempfile.mkdtemp()

    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    warnings.simplefilter("ignore")
    shape_reader.reader = _reader
    chosen = [n for n in CASES if not sys.argv[1:] or any(n.startswith(a) for a in sys.argv[1:])]
    found = {}
    for name in chosen:
        found[name] = list(ask(case(name)))
        plt.close("all")
        if sys.argv[1:]:
            print(name, *(f"\n    {outcome}" for outcome in found[name] if not outcome.passed))
    print(counts(found))
