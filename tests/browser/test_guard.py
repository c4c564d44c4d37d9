"""The guard itself: what it must catch, it catches; and Chromium is found or asked for."""

from pathlib import Path

import pytest

from tests.browser.conftest import NewPage, Watch
from tests.browser.driver import LOCAL, find_chromium, serve, standalone


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<script>console.error('no')</script>", "console error: no"),
        ("<script>throw new Error('broken')</script>", "page error: broken"),
        ("<script>fetch('https://example.org/x').catch(() => 0)</script>", "request to https"),
        ("<img src='http://example.org/x.png'>", "request to http://example.org/x.png"),
        ("<script>new WebSocket('wss://example.org/')</script>", "websocket to wss://example.org/"),
    ],
)
def test_every_problem_is_written_down(
    new_page: NewPage, watch: Watch, tmp_path: Path, body: str, problem: str
) -> None:
    (tmp_path / "index.html").write_text(standalone(body))
    page = new_page()
    with serve(tmp_path) as url:
        page.goto(f"{url}/index.html")
        page.wait_for_timeout(150)
    assert any(p.startswith(problem) for p in watch.problems), watch.problems
    watch.problems.clear()


def test_a_clean_page_has_no_problem(new_page: NewPage, watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(standalone("<p>text</p>"))
    new_page().goto((tmp_path / "index.html").as_uri())
    assert watch.problems == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/", "file:///x", "data:,", "blob:null/1"])
def test_local_addresses(url: str) -> None:
    assert LOCAL.match(url)


@pytest.mark.parametrize(
    "url", ["https://example.org/", "http://127.0.0.1.example.org/", "ws://example.org/127.0.0.1"]
)
def test_addresses_elsewhere(url: str) -> None:
    assert not LOCAL.match(url)


def test_chromium_named_by_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("AETEACH_CHROMIUM", raising=False)
    assert find_chromium() is None
    assert find_chromium(str(own)) == str(own)
    system = tmp_path / "chromium"
    system.touch(mode=0o755)
    assert find_chromium(str(own)) == str(system)
    monkeypatch.setenv("AETEACH_CHROMIUM", str(own))
    assert find_chromium() == str(own)
    monkeypatch.setenv("AETEACH_CHROMIUM", str(tmp_path / "missing"))
    assert find_chromium(str(own)) is None
