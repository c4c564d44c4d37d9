import errno
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from aeteach import _files, _solved, checks


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    path = tmp_path / "some" / "folder" / "progress.json"
    monkeypatch.setenv(_solved.ENVIRONMENT, str(path))
    return path


def test_what_was_right_once_stays_right(kept):
    assert _solved.load() == {}
    _solved.add({"mean": True, "centring": False})
    _solved.add({"mean": False, "covariance": True})
    expected = {"mean": True, "centring": False, "covariance": True}
    assert _solved.load() == expected
    assert json.loads(kept.read_text()) == {"exercises": expected}


def test_two_writers_lose_nothing():
    names = [f"exercise_{i}" for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: _solved.add({name: True}), names))
    assert sorted(_solved.load()) == sorted(names)


def test_a_full_disk_leaves_the_file_as_it_was(kept, monkeypatch):
    _solved.add({"mean": True})
    before = kept.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(_solved.ProgressError, match=r"No space left.*progress\.json"):
        _solved.add({"covariance": True})
    assert kept.read_bytes() == before
    assert [p.name for p in kept.parent.iterdir() if p.suffix != ".lock"] == [kept.name]


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", '{"exercises": [1]}', '{"exercises": {"mean": 3}}', '{"a": 1}']
)
def test_a_file_that_is_not_ours_is_refused_and_kept(kept, content):
    kept.parent.mkdir(parents=True)
    kept.write_text(content)
    for use in (_solved.load, lambda: _solved.add({"mean": True}), _solved.report):
        with pytest.raises(_solved.ProgressError, match="holds no progress"):
            use()
    assert kept.read_text() == content


def test_nothing_new_writes_nothing(kept):
    _solved.add({"mean": True})
    before = kept.stat().st_mtime_ns
    _solved.add({"mean": False})
    assert kept.stat().st_mtime_ns == before


def test_the_user_s_own_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(_solved.ENVIRONMENT)
    monkeypatch.setattr(_solved.sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert _solved.file() == tmp_path / "aeteach" / "progress.json"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _solved.file() == tmp_path / ".local" / "share" / "aeteach" / "progress.json"


def test_the_report_counts_by_chapter():
    _solved.add({"centring": True, "covariance": False, "of another edition": True})
    report = _solved.report()
    assert list(report.chapters) == list(dict.fromkeys(e.chapter for e in checks.index()))
    states = report.chapters["pca-by-hand"]
    assert (states["centring"], states["covariance"], states["projection"]) == (True, False, None)
    line = next(line for line in str(report).splitlines() if line.startswith("pca-by-hand"))
    assert line.split() == ["pca-by-hand", "1", "of", "7", "tried:", "covariance"]
    assert json.loads(report.as_json())["pca-by-hand"]["projection"] is None
