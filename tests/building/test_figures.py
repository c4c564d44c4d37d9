"""The figures of a page share their style sheet and every module of the kit."""

import re
from pathlib import Path

import pytest

from aeteach.widgets import KlNormals, LinearLoss, PcaAxis
from aeteach.widgets.kit.host import FIGURES

MODULE = re.compile(r"^const (\w+)\$ = \(\(\) => \{$", re.MULTILINE)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("AETEACH_HOST", "page")
    return [make().page_html() for make in (PcaAxis, KlNormals, LinearLoss)]


def test_a_page_has_each_module_once_and_starts_every_figure(figures: list[str]) -> None:
    from aeteach_book.figures import shared

    before = "<p>one</p>".join(figures)
    after = shared(before)
    modules = MODULE.findall(after)
    assert len(modules) == len(set(modules))
    assert set(modules) == set(MODULE.findall(before))
    assert not re.search(r"^\s*//", after, re.MULTILINE)
    assert after.count("<style data-ae-style>") == after.count('<script type="module">') == 1
    assert after.count("page$.mount(") == 3
    assert after.count("<p>one</p>") == 2
    assert len(after) < 0.7 * len(before)
    # What a module needs stands before it.
    for user, used in re.findall(r"(\w+)\$ = \(\(\) => \{\n(?:const \{[^}]*\} = (\w+)\$;)", after):
        assert modules.index(used) < modules.index(user)


def test_a_page_without_a_figure_stays_as_it_is() -> None:
    from aeteach_book.figures import shared

    for page in ("<p>none</p>", '<script type="module">\n  // else\nelse()\n</script>'):
        assert shared(page) == page


@pytest.mark.parametrize("path", sorted(FIGURES.rglob("*.js")), ids=lambda path: path.stem)
def test_no_text_of_a_module_spans_lines(path: Path) -> None:
    # Indents and comments are taken out line by line.
    for line in path.read_text(encoding="utf-8").splitlines():
        code = re.sub(r"//.*|/\*.*?\*/", "", line)
        assert code.count("`") % 2 == 0, line
