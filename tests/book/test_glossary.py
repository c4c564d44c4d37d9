"""Every entry of the glossary stands alone, and leads to the first chapter that uses its term."""

import re

import pytest

from tests.paths import BOOK

NOT_READ = {"glossary", "references", "all-exercises", "how-do-we-know", "for-teachers", "notation"}


def entries() -> dict[str, str]:
    """Each term with what its entry says."""
    text = (BOOK / "glossary.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^```\{glossary\}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^(\S.*)\n((?:[ ]{2}.*\n?)+)", listed, re.MULTILINE)
    return {term: " ".join(entry.split()) for term, entry in found}


def pages() -> dict[str, str]:
    """The pages that a reader goes through, in their order."""
    order = re.findall(r"file: book/(\S+)", (BOOK.parent / "_toc.yml").read_text(encoding="utf-8"))
    read = [name for name in order if name not in NOT_READ]
    return {name: (BOOK / f"{name}.md").read_text(encoding="utf-8") for name in read}


def uses(term: str, text: str) -> bool:
    """Tell whether a page links to a term, by its name or with other words."""
    name = r"\s+".join(map(re.escape, term.split()))
    return bool(re.search(rf"\{{term\}}`(?:{name}|[^`<]*<{name}>)`", text, re.IGNORECASE))


def test_no_entry_is_missed() -> None:
    assert len(entries()) > 100


@pytest.mark.parametrize("term", entries())
def test_an_entry_says_where_its_term_is_met_first(term: str) -> None:
    first = next((name for name, text in pages().items() if uses(term, text)), None)
    assert first, f"no page links to {term!r}: link to it, or drop the entry"
    assert entries()[term].endswith(f" Met in {{doc}}`{first}`."), (
        f"{term!r} is met in {first} first"
    )


@pytest.mark.parametrize("term", entries())
def test_an_entry_stands_alone(term: str) -> None:
    said = entries()[term].split(" Met in ")[0]
    assert len(said.split()) >= 5, f"{term!r}: {said!r} explains nothing"
    assert not re.search(
        r"\b[Tt]he same\b (with|as)\b|\b(see|above|below|as before)\b[:,.]", said
    ), said
    assert said.endswith((".", ")")), f"{term!r} ends within a sentence: {said!r}"
