"""The look at a page: what it must find wrong, it finds; a whole page it leaves alone."""

from pathlib import Path

import pytest

from aeteach.widgets import PcaAxis
from tests.browser.conftest import NewPage, Watch
from tests.browser.driver import standalone
from tests.browser.pages import look, pages_of, redirect, weight

MATHS = '<span class="math">\\(x\\)<mjx-container>x</mjx-container></span>'
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AETEACH_HOST", "page")
    return PcaAxis().page_html()


def problems(new_page: NewPage, tmp_path: Path, body: str, scheme: str = "light") -> list[str]:
    (tmp_path / "index.html").write_text(standalone(body))
    page = new_page(viewport={"width": 375, "height": 800}, color_scheme=scheme)
    page.goto((tmp_path / "index.html").as_uri())
    return look(page, scheme, patience=300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_whole_page_is_left_alone(
    new_page: NewPage, tmp_path: Path, figure: str, scheme: str
) -> None:
    body = (
        f"<p>{MATHS} <code>$$ and \\(y\\)</code></p><img src='{PIXEL}' alt=''>{figure}"
        "<div style='overflow-x: auto'><div style='width: 900px'>wide, but it scrolls</div></div>"
    )
    assert problems(new_page, tmp_path, body, scheme) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<span class='math'>\\(x\\)</span>", "raw mathematics: \\(x\\)"),
        ("<p>the value \\(x\\) is</p>", "raw mathematics in the text: the value \\(x\\) is"),
        ("<p>a $$x$$ b</p>", "raw mathematics in the text: a $$x$$ b"),
        ("<p>\\begin{align}x</p>", "raw mathematics in the text"),
        (
            "<span class='math'><mjx-container><mjx-merror>bad</mjx-merror></mjx-container></span>",
            "MathJax error: bad",
        ),
        ("<div class='ae-figure' aria-label='A cloud'></div>", "empty figure: A cloud"),
        ("<div class='ae-figure'><svg></svg></div>", "empty figure"),
        ("<div class='ae-figure'><svg height=9></svg><b data-key=k>1</b></div>", "flat figure"),
        ("<div style='width: 400px'>wide</div>", "400 px wide in 375: div.null"),
        ("<script>document.documentElement.dataset.theme = 'dark'</script>", "theme is dark, the"),
        ("<script type='application/vnd.jupyter.widget-view+json'>{}</script>", "a widget that"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(
    new_page: NewPage, tmp_path: Path, body: str, problem: str
) -> None:
    found = problems(new_page, tmp_path, f"<style>body {{ margin: 0 }}</style>{body}")
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_broken_image_is_found(new_page: NewPage, watch: Watch, tmp_path: Path) -> None:
    found = problems(new_page, tmp_path, "<img src='missing.png' alt=''>")
    assert found == ["broken image: missing.png"]
    assert any("ERR_FILE_NOT_FOUND" in problem for problem in watch.problems)
    watch.problems.clear()


def test_a_figure_whose_script_fails_is_found(
    new_page: NewPage, watch: Watch, tmp_path: Path, figure: str
) -> None:
    broken = figure.replace("page$.mount(", "page$.lost(")
    found = problems(new_page, tmp_path, broken)
    assert len(found) == 1
    assert found[0].startswith("figure that did not start: A cloud of 24 points")
    assert any("page error" in problem for problem in watch.problems)
    watch.problems.clear()


def test_a_page_weighs_its_html_and_its_own_images(tmp_path: Path) -> None:
    (tmp_path / "_images").mkdir()
    (tmp_path / "part").mkdir()
    (tmp_path / "_images" / "a.png").write_bytes(b"1" * 1000)
    (tmp_path / "_images" / "other.png").write_bytes(b"1" * 5000)
    text = '<img src="_images/a.png"><a href="_images/a.png">a</a><script src="_static/x.js">'
    (tmp_path / "index.html").write_text(text)
    (tmp_path / "part" / "page.html").write_text('<img src="../_images/a.png">')
    assert weight(tmp_path / "index.html") == len(text) + 1000
    assert weight(tmp_path / "part" / "page.html") == 28 + 1000


def test_pages_of_the_theme_and_redirects_are_not_the_books(tmp_path: Path) -> None:
    for name in ("index.html", "book/pca.html", "_static/x.html", "book/_sources/y.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "start.html").write_text(
        '<meta http-equiv="Refresh" content="0; url=book/pca.html" />'
    )
    assert redirect(tmp_path / "start.html") == tmp_path / "book" / "pca.html"
    names = [p.relative_to(tmp_path).as_posix() for p in pages_of(tmp_path)]
    assert names == ["book/pca.html", "index.html"]
