import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest

from aeteach import _files
from aeteach._files import atomic_write, write_whole


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def path(tmp_path):
    old = tmp_path / "a.txt"
    old.write_text("old")
    return old


def test_the_new_content_replaces_the_old(path):
    with atomic_write(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(path.parent) == ["a.txt"]


def test_bytes_and_text_are_written_whole(tmp_path):
    write_whole(tmp_path / "bytes", b"\x00\xff")
    write_whole(tmp_path / "text", "é\n")
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"
    assert (tmp_path / "text").read_bytes() == b"\xc3\xa9\n"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_keeps_the_old_content_and_leaves_nothing_behind(path, error):
    with pytest.raises(type(error)), atomic_write(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(path.parent) == ["a.txt"]


def test_the_bytes_are_on_the_disk_before_the_name_is_taken(path, monkeypatch):
    happened = []
    fsync, replace = os.fsync, type(path).replace
    monkeypatch.setattr(os, "fsync", lambda handle: (happened.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(
        type(path), "replace", lambda a, b: (happened.append("rename"), replace(a, b))[1]
    )
    write_whole(path, "new")
    assert happened == ["fsync", "rename", "fsync"]  # the file, its name, the folder


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_obeys_the_umask_and_an_old_one_keeps_its_mode(tmp_path, mask):
    old = tmp_path / "old"
    old.touch()
    old.chmod(0o640)
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "new", "")
        write_whole(old, "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link_and_its_file_is_written(tmp_path, exists):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real", tmp_path / "link"
    if exists:
        real.write_text("old")
    link.symlink_to(real)
    write_whole(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert names(real.parent) == ["real"]


def test_a_name_as_long_as_a_file_system_allows(tmp_path):
    path = tmp_path / ("é" * 125 + "name")
    write_whole(path, "x")
    assert path.read_text() == "x"


WRITER = textwrap.dedent(
    """
    import sys, time
    from aeteach._files import atomic_write
    with atomic_write(sys.argv[1]) as partial:
        partial.write_text("half")
        print("writing", flush=True)
        time.sleep(60)
    """
)


def writer(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writing\n"
    return process


def test_what_a_killed_writer_left_is_removed_and_what_a_live_one_writes_is_not(path, monkeypatch):
    dead, alive = writer(path), writer(path)
    try:
        partials = [name for name in names(path.parent) if name != "a.txt"]
        assert len(partials) == 2
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        # No clock has a say: the live writer's file seems a week old, the dead one's brand new.
        week_ago = time.time() - 7 * 86400
        for name in partials:
            os.utime(path.parent / name, (week_ago, week_ago))
        write_whole(path, "new")
        left = [name for name in names(path.parent) if name != "a.txt"]
        assert len(left) == 1
        assert alive.poll() is None
    finally:
        for process in (dead, alive):
            process.kill()
            process.wait()
            process.stdout.close()
    write_whole(path, "newer")
    assert names(path.parent) == ["a.txt"]


def test_files_that_only_look_like_leftovers_are_kept(path):
    others = [
        ".a.txt.original",
        ".a.txt.12345678",
        f"a.txt{_files.SUFFIX}",
        f".b.txt.1{_files.SUFFIX}",
    ]
    for name in others:
        (path.parent / name).write_text("mine")
    write_whole(path, "new")
    assert names(path.parent) == sorted(["a.txt", *others])


def test_a_file_swept_before_its_writer_could_claim_it_is_begun_anew(path, monkeypatch):
    real, calls = _files.fcntl.flock, []

    def slow(handle, how):
        if not calls:  # another process sweeps between making the file and locking it
            (partial,) = (p for p in path.parent.iterdir() if p.name != "a.txt")
            partial.unlink()
        calls.append(how)
        return real(handle, how)

    monkeypatch.setattr(_files.fcntl, "flock", slow)
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert len(calls) == 2


def test_a_folder_in_the_way_is_named_and_kept(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError, match=r"a\.txt could not be written\. A folder has that"):
        write_whole(tmp_path / "a.txt", "x")
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").is_dir()


def test_a_missing_folder_is_an_error_before_anything_is_written(tmp_path):
    missing = tmp_path / "no" / "a.txt"
    with (
        pytest.raises(FileNotFoundError, match=rf"There is no folder {missing.parent}: make it"),
        atomic_write(missing),
    ):
        pytest.fail("the block must not run")


def test_a_file_in_place_of_a_folder_is_named(path):
    with pytest.raises(NotADirectoryError, match=r"A part of .*a\.txt is a file, not a folder"):
        write_whole(path / "below", "x")


def test_a_read_only_file_is_not_replaced(path, monkeypatch):
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, who may all
    with pytest.raises(PermissionError, match=r"a\.txt could not be written\. Choose a file in"):
        write_whole(path, "x")
    assert path.read_text() == "old"


def full(handle):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_names_the_file_and_the_disk(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(path, "new")
    for part in (str(path), "The disk at /", "bytes free", "make room", "before is unchanged"):
        assert part in str(caught.value)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert names(path.parent) == ["a.txt"]


def test_an_error_about_another_file_is_left_as_it_is(path):
    with pytest.raises(FileNotFoundError, match="elsewhere") as caught, atomic_write(path):
        (path.parent / "elsewhere").read_text()
    assert "could not be written" not in str(caught.value)
