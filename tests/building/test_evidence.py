"""A claim made false on purpose is seen: its seeds, its figures, its margin, its text, its mark."""

import importlib
from pathlib import Path

import pytest
from aeteach_book.declarations import MARK, declared, markup, mismatches
from aeteach_book.evidence import (
    Cause,
    Claim,
    Measured,
    OverSeeds,
    Source,
    Theorem,
    number,
    span,
)
from pybtex.database import parse_file

from .conftest import ROOT, SmallBook

CLAIMS = ROOT / "tests" / "claims"
BOOK = declared(CLAIMS)


def over_seeds(**changes: object) -> OverSeeds:
    given = {"measured": "steps", "seeds": 5, "spread": (2, 6), "within": 0.5, "false_at": 1}
    return OverSeeds("grows", "It grows.", **(given | changes))  # type: ignore[arg-type]


def cause(**changes: object) -> Cause:
    given = {"measured": "ink", "changed": "no pen", "seeds": 2, "before": (4, 5)}
    given |= {"after": (0, 1), "within": 0.2}
    return Cause("writes", "The pen writes.", **(given | changes))  # type: ignore[arg-type]


def theorem(**changes: object) -> Theorem:
    given = {"measured": "difference", "proof": "above", "conditions": "all", "cases": 100}
    return Theorem("adds", "It adds up.", **(given | {"at_most": 1e-9} | changes))  # type: ignore[arg-type]


# ---------------------------------------------------------------- what the book claims


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.md")), ids=lambda p: p.stem)
def test_marks_sentences_and_claims_of_a_page_are_the_same(page: Path) -> None:
    assert mismatches(page.stem, page.read_text("utf-8"), BOOK.get(page.stem, {})) == []


def test_every_chapter_with_claims_is_a_page() -> None:
    assert {chapter for chapter in BOOK if not (ROOT / "book" / f"{chapter}.md").is_file()} == set()


@pytest.mark.parametrize("chapter", sorted(BOOK))
def test_every_claim_is_the_test_that_pytest_runs(chapter: str) -> None:
    module = importlib.import_module(f"tests.claims.test_{chapter.replace('-', '_')}")
    for claim in BOOK[chapter].values():
        if isinstance(claim, Measured):
            test = getattr(module, claim.test.rpartition("::")[2])
            assert test.claim == claim
            assert {mark.name for mark in getattr(test, "pytestmark", [])} <= {"slow"}
            assert not claim.table or (ROOT / "results" / claim.table).is_file()


@pytest.mark.parametrize("chapter", sorted(BOOK))
def test_every_source_is_in_the_bibliography_and_cited_by_its_chapter(chapter: str) -> None:
    known = parse_file(str(ROOT / "book" / "references.bib")).entries
    text = (ROOT / "book" / f"{chapter}.md").read_text("utf-8")
    for claim in BOOK[chapter].values():
        if isinstance(claim, Source):
            assert claim.key in known
            assert claim.key in text
            assert "abstract" in claim.place or any(c.isdigit() for c in claim.place)


# ---------------------------------------------------------------- a false claim


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: over_seeds(seeds=4), "4 seeds are fewer than 5"),
        (lambda: over_seeds(seeds=2, table="mmd.csv"), "2 seeds are fewer than 3"),
        (lambda: over_seeds(spread=(1.2, 6)), "may be false"),
        (lambda: over_seeds(spread=(-6, 0.6)), "may be false"),
        (lambda: over_seeds(spread=(6, 2)), "not from the least"),
        (lambda: over_seeds(at_least=5, true="above"), "no part of them"),
        (lambda: over_seeds(at_least=3, true="above", seeds=10), "too small"),
        (lambda: over_seeds(at_least=4), "on which side"),
        (lambda: over_seeds(true="above"), "on which side"),
        (lambda: cause(before=(1.3, 5)), "cannot be told apart"),
        (lambda: cause(seeds=0), "at least once"),
        (lambda: theorem(cases=99), "at least 100"),
        (lambda: theorem(at_most=0), "rounding"),
        (lambda: Source("A b", "So it is.", key="k", place="page 1", says="so"), "no name"),
        (lambda: Source("ab", "So it", key="k", place="page 1", says="so"), "whole sentence"),
    ],
)
def test_a_claim_that_cannot_carry_its_sentence_is_refused(make, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        make()


@pytest.mark.parametrize(
    ("claim", "measure"),
    [
        (over_seeds(), lambda seed: seed + 2.6),  # both ends of the spread
        (over_seeds(), lambda seed: 2 + 0.8 * seed),  # the largest
        (over_seeds(), lambda seed: 6 - 0.8 * seed),  # the least
        (over_seeds(), lambda seed: float("nan")),
        (over_seeds(seeds=7), lambda seed: seed + 2),  # seeds that were not tried
        (over_seeds(at_least=4, true="above", spread=(0, 6)), lambda seed: 6 * (seed > 1)),
        (over_seeds(at_least=4, true="below", spread=(0, 6)), lambda seed: 6 * (seed > 2)),
        (cause(), lambda seed, changed: 4 + seed),  # what was changed is no cause
        (cause(), lambda seed, changed: (0 if changed else 4) + 2 * seed),
        (theorem(), lambda case: 1e-8 if case == 99 else 0),
        (theorem(), lambda case: float("nan")),
    ],
)
def test_other_figures_than_the_claim_s_are_seen(claim: Measured, measure) -> None:
    with pytest.raises(AssertionError, match=f"claim {claim.name}"):
        claim(measure)()


@pytest.mark.parametrize(
    ("claim", "measure"),
    [
        (over_seeds(), lambda seed: seed + 2.4),
        (over_seeds(false_at=7), lambda seed: seed + 2),
        (over_seeds(at_least=4, true="above", spread=(0, 6)), lambda seed: 6 * (seed > 0)),
        (over_seeds(at_least=4, true="below", spread=(0, 6)), lambda seed: 6 * (seed > 3)),
        (cause(), lambda seed, changed: (0.1 if changed else 4) + seed),
        (theorem(), lambda case: 1e-10),
    ],
)
def test_a_claim_passes_whose_figures_are_measured(claim: Measured, measure) -> None:
    claim(measure)()


@pytest.mark.parametrize(
    ("claim", "measure", "passes"),
    [
        (over_seeds(), lambda seed: seed + 4, True),  # 4 and 5 lie within 2 to 6
        (over_seeds(), lambda seed: 2 - 0.8 * seed, False),  # the second lies outside
        (over_seeds(), lambda seed: seed + 4 if seed < 2 else float("nan"), True),  # not run
        (cause(seeds=3), lambda seed, changed: 0.4 if changed else 4.4, True),
        (cause(seeds=3), lambda seed, changed: 4.4, False),
    ],
)
def test_few_seeds_of_many_lie_within_the_spread(claim, measure, passes, monkeypatch) -> None:
    monkeypatch.setenv("AETEACH_SEEDS", "2")
    if passes:
        claim(measure)()
    else:
        with pytest.raises(AssertionError, match=f"claim {claim.name}"):
            claim(measure)()


CLAIM = Source("so-it-is", "So *it* is, $x$.", key="k", place="page 1", says="so")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("So *it* is, $x$.{claim}`so-it-is`", []),
        ("Yes. So *it*\nis, $x$.{claim}`so-it-is` And more.", []),
        ("So *it* was, $x$.{claim}`so-it-is`", ["not its sentence"]),
        ("So *it* is, $x$. Not so.{claim}`so-it-is`", ["not its sentence"]),
        ("So *it* is, $x$.", ["has no mark"]),
        ("So *it* is, $x$.{claim}`so-it-was`", ["has no claim", "has no mark"]),
        ("So *it* is, $x$.{claim}`so-it-is` So *it* is, $x$.{claim}`so-it-is`", ["2 times"]),
    ],
)
def test_text_mark_and_claim_are_held_together(text: str, why: list[str]) -> None:
    found = mismatches("page", text, {CLAIM.name: CLAIM})
    assert len(found) == len(why)
    for each, part in zip(found, why, strict=True):
        assert part in each


# ---------------------------------------------------------------- reading declarations

SEEDS = (
    '@OverSeeds("grows", "It grows.", measured="steps", seeds=5, spread=(2, 6), within=0.5, '
    "false_at=1)\ndef test_grows(seed):\n    return seed + 2\n"
)
SAID = 'Source("said", "It is said.", key="knuth", place="page 3", says="it is so")\n'


def test_declarations_are_read_without_running_anything(tmp_path: Path) -> None:
    text = f"import nothing_there\n{SEEDS}\n{SAID}\n@pytest.mark.slow\n" + SEEDS.replace(
        "grows", "rises"
    )
    (tmp_path / "test_a_page.py").write_text(text)
    (tmp_path / "test_other.py").write_text("def test_nothing():\n    pass\n")
    read = declared(tmp_path)
    assert list(read) == ["a-page"]
    assert list(read["a-page"]) == ["grows", "said", "rises"]
    grows, said, rises = read["a-page"].values()
    assert grows == over_seeds()
    assert grows.test == "tests/claims/test_a_page.py::test_grows"
    assert (grows.slow, said.slow, rises.slow) == (False, False, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SEEDS + SEEDS, "name of its own|its own name"),
        (SEEDS + SEEDS.replace("test_grows", "test_again"), "declared in"),
        (SEEDS.replace("test_grows", "grows"), "its own name"),
        (SEEDS.replace("seeds=5", "seeds=FIVE"), "written out"),
        (SEEDS.replace("seeds=5", "seeds=3"), "fewer than 5"),
        (SEEDS.partition("\n")[0][1:], "above a test"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "test_page.py").write_text(text)
    with pytest.raises(ValueError, match=why):
        declared(tmp_path)


def test_numbers_read_well() -> None:
    assert [number(n) for n in (10000, 0.25, -3, 1e-9, 0)] == ["10,000", "0.25", "−3", "1e-9", "0"]
    assert [span((1, 2)), span((3, 3))] == ["1 to 2", "3"]


# ---------------------------------------------------------------- in a built page


def test_a_mark_shows_its_evidence_and_the_list_has_all_claims(book: SmallBook) -> None:
    folder = book.root / "tests" / "claims"
    folder.mkdir(parents=True)
    (folder / "test_one.py").write_text(SEEDS)
    (folder / "test_two.py").write_text(SAID.replace("It", "In a < b it"))
    (folder / "test_out.py").write_text(SEEDS.replace("grows", "shrinks"))
    (book.root / "book" / "references.bib").write_text(
        "@book{knuth, author={Knuth, Donald}, title={The book}, year={1984}, publisher={AW}}\n"
    )
    book.page("index", "Words.")
    book.page("one", "A plant. It grows.{claim}`grows` More.")
    book.page("two", "In a < b it is said.{claim}`said`")
    book.page("how-do-we-know", "```{claims}\n```\n\n```{bibliography}\n```")
    book.toc("two", "one", "how-do-we-know")
    built = book.build()
    assert (built.code, built.warnings) == (0, [])
    one = book.article("one")
    assert 'popovertarget="claim-grows"' in one
    assert "Steps: 2 to 6 over 5 seeds (within 0.5 on another machine)." in one
    assert "tests/claims/test_one.py::test_grows" in one
    assert 'href="how-do-we-know.html#list-grows"' in one
    listed = book.words("how-do-we-know")
    assert listed.index("In a < b it is said.") < listed.index("It grows.")  # the book's order
    assert "Page 3 of the source says: it is so [Knuth, 1984]" in listed
    assert "It shrinks" not in listed  # its page is not in the book
    whole = book.article("how-do-we-know")
    assert 'href="one.html#mark-grows"' in whole
    assert 'id="list-grows"' in whole

    # A figure is changed, and no page is: both pages say the new one.
    (folder / "test_one.py").write_text(SEEDS.replace("(2, 6)", "(2, 7)"))
    assert book.build().code == 0
    assert "2 to 7 over 5" in book.words("one")
    assert "2 to 7 over 5" in book.words("how-do-we-know")

    # The list is left out: its links become words.
    book.toc("two", "one")
    book.page("two", "In a < b it is said {cite}`knuth`.{claim}`said`\n\n```{bibliography}\n```")
    assert book.build().code == 0
    assert "how-do-we-know" not in book.article("one")

    # A mark without a claim.
    book.page("one", "A plant. It grows.{claim}`grow`")
    broken = book.build()
    assert broken.code != 0
    assert "no claim 'grow' in tests/claims/test_one.py" in broken.log


def test_the_list_has_each_claim_once_in_the_order_of_the_chapters() -> None:
    chapters = list(reversed(BOOK))
    text = markup(BOOK, chapters)
    places = [text.index(f'id="list-{claim.name}"') for c in chapters for claim in _of(c)]
    assert places == sorted(places)
    assert text.count('id="list-') == sum(len(own) for own in BOOK.values())


def _of(chapter: str) -> list[Claim]:
    return list(BOOK[chapter].values())


def test_a_mark_is_found_as_sphinx_finds_it() -> None:
    assert [m["name"] for m in MARK.finditer("x{claim}`a-b` {term}`c` {claim}`d`")] == ["a-b", "d"]
