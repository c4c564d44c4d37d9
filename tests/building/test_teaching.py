"""How long a chapter takes follows its rule, and leaves out what is not read."""

from tests.paths import BOOK


def test_the_rule() -> None:
    from aeteach_book.teaching import reading

    words = "word " * 1000
    head = "---\nkernelspec:\n  name: python3\n---\n"
    assert reading(head + words) == 5
    assert reading(head + words + "more") == 10  # rounded up
    code = "\n```{code-cell} ipython3\nfrom aeteach.widgets import KlBars, KlNormals\n```\n"
    assert reading(head + words + code) == 10  # two figures: 4 minutes more
    assert reading(head + words + "\n```{code-cell} ipython3\n" + words + "\n```\n") == 5
    assert reading(head + words + "\n$$\nx\n$$\n" * 6) == 15  # 11 minutes
    solution = "\n```{solution-start} ex-a\n```\n" + words + "\n```{solution-end}\n```\n"
    assert reading(head + words + solution) == 5


def test_every_chapter_with_exercises_has_its_row() -> None:
    from aeteach_book.teaching import table

    from aeteach import checks

    rows = table(sorted(BOOK.glob("*.md"))).splitlines()[2:]
    assert len(rows) == len({entry.chapter for entry in checks.index()})
    exercises = [int(row.split("|")[3]) for row in rows]
    assert sum(exercises) == len(checks.index())
