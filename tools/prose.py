"""Ask of every number in the prose where it comes from; list the words that claim much.

    python tools/prose.py              fail where a number of the prose has no source
    python tools/prose.py --chapters   also words of prose, numbers and strong words by chapter
    python tools/prose.py --strong pca-by-hand      the strong words of a chapter, with their lines

Prose is what a reader reads: text, captions, alt texts, tables, without mathematics and code. A
number in it is taken as it stands or rounded. It has a source if

- a cell of the same chapter prints it, whose output is compared (tests/reference),
- it stands in the chapter's code or formulas: a size, a seed, a number of epochs,
- it stands in the evidence of one of the chapter's claims (tests/claims), not rounded, or
- `book/numbers.yml` names the source: a sum, which is computed; a chapter that prints it, which is
  looked into; or words.

Numbers of one digit are not asked about: most name a digit, or count what the sentence lists.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))  # as _config.yml does
from aeteach_book.declarations import MARK, declared  # noqa: E402
from workbook.blocks import Fence, Text, blocks  # noqa: E402

TAG = "nbval-check-output"
# Pages that are made of other pages, or of nothing but entries.
NO_PROSE = {"references", "glossary", "notation"}
# Directives whose body is no prose.
CODE = {"math", "code", "code-block", "index", "bibliography", "claims", "image"}
# Directives whose argument is a name.
NAMED = {"solution", "solution-start", "solution-end", "exercise-end", "deeper-end", "figure"}
STRONG = re.compile(
    r"\b(always|never|every|cannot|because|proves?|therefore|causes?|must|impossible|only|"
    r"better than|worse than|more than any|at all|best|worst|simplest|easiest|hardest|strongest)\b",
    re.IGNORECASE,
)

_ALT = re.compile(
    r"^ +alt: *(?:>-?\n(?P<folded>(?: {4,}[^\n]*\n)+)|\"(?P<quoted>.*)\"[ \t]*$)", re.M
)
_LABEL = re.compile(r"^\([\w:.-]+\)=$|^%.*$", re.M)
_MATHS = re.compile(
    r"\$\$.*?\$\$(?: \([\w:.-]+\))?|(?<![\\$])\$[^$]+?\$|\\begin\{.*?\\end\{\w+\*?\}", re.S
)
_ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<body>[^`]*)`")
_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.S)
_LINK = re.compile(r"\]\([^)\s]*\)|\{#[^}]*\}|<[a-z/][^>]*>|https?://\S+")
_SHOWN = re.compile(r"(?P<text>.*?)\s*<[^<>]+>", re.S)
_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\d_])(?:[x×]\d+)?")
_PRINTED = re.compile(r"(?<![\w.])\d[\d,_]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Number:
    """A number in the prose.

    Attributes:
        text: as it stands.
        line: where.
        share: whether it is a percentage.
    """

    text: str
    line: int
    share: bool

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text.replace(",", ""))

    @property
    def half(self) -> float:
        """Half a unit of its last digit: what rounding may change."""
        return 0.5 * 10 ** -len(self.text.partition(".")[2])

    def is_from(self, values: set[float]) -> bool:
        """Tell whether it is one of the values, or one of them rounded."""
        return any(
            abs(each * scale - self.value) <= self.half * 1.000001
            for each in values
            for scale in ((1, 100) if self.share else (1,))
        )


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def prose(text: str) -> str:
    """Return what a reader reads of a page, with the line breaks of its source."""
    text = re.sub(r"\A---\n.*?\n---\n", lambda m: _blank(m[0]), text, flags=re.S)
    text = _without_code(text)
    for pattern in (_LABEL, _MATHS):
        text = pattern.sub(lambda m: _blank(m[0]), text)
    text = _ROLE.sub(_role, text)
    for pattern in (_SPAN, _LINK):
        text = pattern.sub(lambda m: _blank(m[0]), text)
    return text


def _without_code(text: str) -> str:
    return "\n".join(b.text if isinstance(b, Text) else _fence(b) for b in blocks(text))


def _fence(block: Fence) -> str:
    """Return the title and the text of a directive; of a cell of code its alt text."""
    kept = _blank(block.source)
    if block.name == "code-cell":
        for alt in _ALT.finditer(block.source):
            start, end = alt.span("folded" if alt["folded"] else "quoted")
            kept = kept[:start] + block.source[start:end] + kept[end:]
        return kept
    if not block.name or block.name in CODE:
        return kept
    first, *rest = block.source.split("\n")
    title = "" if block.name in NAMED else block.argument
    inside = rest[len(block.options) : -1]
    return "\n".join(
        [
            _blank(first.removesuffix(title)) + title,
            *map(_blank, rest[: len(block.options)]),
            *(_without_code("\n".join(inside)).split("\n") if inside else []),
            *map(_blank, rest[-1:]),
        ]
    )


def _role(found: re.Match[str]) -> str:
    name, body = found["role"], found["body"]
    if name.startswith(("cite", "eq", "claim", "math", "code", "numref")):
        return _blank(body)
    shown = _SHOWN.fullmatch(body)
    return shown["text"] + _blank(body[len(shown["text"]) :]) if shown else body


def words(text: str) -> int:
    """Count the words of prose of a page."""
    return len(re.findall(r"[A-Za-z][\w'’-]*", prose(text)))


def numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of the prose that have two digits or more; a year is none."""
    read = prose(text)
    for found in _NUMBER.finditer(read):
        share = bool(re.match(r"\s*(%|per cent)", read[found.end() :]))
        line = read.count("\n", 0, found.start()) + 1
        for part in re.split("[x×]", found[0]):
            year = re.fullmatch(r"1[89]\d\d|20[0-4]\d", part) and not share
            if len(part) > 1 and not year:
                yield Number(part, line, share)


def _values(text: str) -> set[float]:
    return {float(re.sub("[,_]", "", each).rstrip(".")) for each in _PRINTED.findall(text)}


def in_source(text: str) -> set[float]:
    """Return the numbers of a page's code and formulas."""
    code = list(_code(text))
    text = _without_code(text)
    return _values("\n".join([*code, *_MATHS.findall(text), *(m[0] for m in _SPAN.finditer(text))]))


def _code(text: str) -> Iterator[str]:
    for block in blocks(text):
        if isinstance(block, Text):
            continue
        if block.name == "code-cell" or block.name in CODE or not block.name:
            yield block.body
        else:
            yield from _code(block.body)


def printed(reference: Path) -> set[float]:
    """Return the numbers that the compared cells of a chapter print."""
    if not reference.is_file():
        return set()
    found: set[float] = set()
    for cell in json.loads(reference.read_text("utf-8"))["cells"]:
        if TAG not in cell["metadata"].get("tags", []):
            continue
        for output in cell["outputs"]:
            data = output.get("data", {})
            for piece in (output.get("text"), data.get("text/plain"), data.get("text/html")):
                found |= _values("".join(piece or ""))
    return found


@dataclass
class Sources:
    """Where numbers come from that no cell prints: book/numbers.yml.

    Attributes:
        named: {chapter, or "everywhere": {number: source}}.
    """

    named: dict[str, dict[str, str]]

    def __post_init__(self) -> None:
        self._used: set[tuple[str, str]] = set()

    @classmethod
    def read(cls, path: Path) -> "Sources":
        """Read the file; numbers are text, as they stand in the prose."""
        return cls(yaml.safe_load(path.read_text("utf-8")) or {})

    def know(self, chapter: str, number: str) -> bool:
        """Tell whether the source of a number is named; note that it was asked for."""
        for group in (chapter, "everywhere"):
            if number in self.named.get(group, {}):
                self._used.add((group, number))
                return True
        return False

    def wrong(self, references: Path) -> list[str]:
        """Say which entries nothing asks for, and which sources do not give their number."""
        return [*self._unused(), *self._refuted(references)]

    def _refuted(self, references: Path) -> Iterator[str]:
        for group, entries in self.named.items():
            for text, source in entries.items():
                number = Number(text, 0, share=False)
                if sum_ := re.match(r"= ([\d .+*/()e-]+)", source):
                    values = {float(eval(sum_[1]))}  # digits and signs alone
                elif chapter := re.match(r"printed by ([\w-]+)", source):
                    values = printed(references / f"{chapter[1]}.ipynb")
                else:
                    continue
                if not number.is_from(values):
                    yield f"book/numbers.yml: {group}: {text!r} is not {source!r}"

    def _unused(self) -> list[str]:
        return [
            f"book/numbers.yml: {group}: {number!r} is asked for nowhere"
            for group, entries in self.named.items()
            for number in entries or ()
            if (group, number) not in self._used
        ]


def without_source(root: Path, chapter: str, sources: Sources) -> list[str]:
    """Say which numbers of a chapter's prose have no source."""
    text = (root / "book" / f"{chapter}.md").read_text("utf-8")
    values = printed(root / "tests" / "reference" / f"{chapter}.ipynb") | in_source(text)
    claims = declared(root / "tests" / "claims").get(chapter, {}).values()
    claimed = set().union(*(_values(claim.evidence) for claim in claims))
    return [
        f"book/{chapter}.md:{number.line}: no compared cell prints {number.text}"
        for number in numbers(text)
        if not (number.is_from(values) or number.value in claimed)
        and not sources.know(chapter, number.text)
    ]


def strong(text: str) -> list[tuple[int, str]]:
    """Return the strong words outside sentences with a mark: their lines, and themselves."""
    read = prose(text)
    for mark in MARK.finditer(text):  # the prose has the places of its source
        start = max(text.rfind(end, 0, mark.start() - 2) for end in (". ", ".\n", "? ", "\n\n"))
        read = read[: start + 1] + _blank(read[start + 1 : mark.start()]) + read[mark.start() :]
    return [(read.count("\n", 0, m.start()) + 1, m[0]) for m in STRONG.finditer(read)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapters", action="store_true", help="count by chapter")
    parser.add_argument("--strong", metavar="CHAPTER", help="list the strong words of a chapter")
    arguments = parser.parse_args()
    if arguments.strong:
        for line, word in strong((ROOT / "book" / f"{arguments.strong}.md").read_text("utf-8")):
            print(f"book/{arguments.strong}.md:{line}: {word}")
        return 0
    sources = Sources.read(ROOT / "book" / "numbers.yml")
    bad: list[str] = []
    if arguments.chapters:
        print("  words  numbers  strong  chapter")
    for path in sorted((ROOT / "book").glob("*.md")):
        if path.stem in NO_PROSE:
            continue
        bad += without_source(ROOT, path.stem, sources)
        if arguments.chapters:
            text = path.read_text("utf-8")
            print(
                f"{words(text):7,} {len(list(numbers(text))):8} {len(strong(text)):7}  {path.stem}"
            )
    bad += sources.wrong(ROOT / "tests" / "reference")
    print("\n".join(bad) or "every number of the prose has its source")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
