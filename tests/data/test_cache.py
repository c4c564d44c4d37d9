"""The cache: what is refused, kept, written whole, and shared by processes."""

import errno
import hashlib
import io
import multiprocessing
import os
import time
import warnings
from functools import partial
from pathlib import Path

import pooch
import pytest

from aeteach._files import write_whole
from aeteach.data import CacheWarning, DataError, fill, mnist
from aeteach.data import _cache as cache
from aeteach.data import _idx as idx
from aeteach.data import _sources as sources
from tests.data.tiny import (
    CHECKSUMS,
    DAMAGE,
    FILES,
    NAMES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    Supply,
    assert_tiny,
    connect,
    contents,
    files_of,
    flipped,
    own_folder,
)


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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch, tmp_path):
    # As in a container that runs as a user whom its system does not know.
    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "XDG_CACHE_HOME", "AETEACH_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"no folder for the digits .*name one in AETEACH_DATA"):
        cache.folder()
    assert not list(tmp_path.iterdir())
