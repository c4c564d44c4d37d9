"""Read the declarations of claims, hold them and the text of a chapter together, and list them."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aeteach_book.evidence import KINDS, Claim, Measured, Source, capital

LIST = "how-do-we-know"  # the page that has them all
MARK = re.compile(r"\{claim\}`(?P<name>[^`]*)`")


def chapter_of(file: Path) -> str:
    """Return the chapter whose claims a file declares."""
    return file.stem.removeprefix("test_").replace("_", "-")


def declared(folder: Path) -> dict[str, dict[str, Claim]]:
    """Return {chapter: {name: claim}} of the tests in a folder, in their order; nothing is run.

    Raises:
        ValueError: if a declaration cannot be read, or a name stands twice.
    """
    found: dict[str, dict[str, Claim]] = {}
    seen: dict[str, str] = {}
    for file in sorted(folder.glob("test_*.py")):
        claims = {claim.name: claim for claim in _claims_in(file, seen)}
        if claims:
            found[chapter_of(file)] = claims
    return found


def _claims_in(file: Path, seen: dict[str, str]) -> Iterator[Claim]:
    functions: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        test, calls, slow = "", [], False
        if isinstance(node, ast.FunctionDef):
            calls = [each for each in node.decorator_list if _kind(each)]
            slow = any(ast.unparse(each) == "pytest.mark.slow" for each in node.decorator_list)
            test = f"tests/claims/{file.name}::{node.name}"
            if calls and (node.name in functions or not node.name.startswith("test_")):
                raise ValueError(f"{test}: each claim has a test_ of its own name")
            functions.add(node.name)
        elif isinstance(node, ast.Expr) and _kind(node.value):
            calls = [node.value]
        for call in calls:
            claim = _read(call, f"{file.name}:{call.lineno}", test, slow)
            if claim.name in seen:
                raise ValueError(f"claim {claim.name}: declared in {seen[claim.name]}, too")
            if isinstance(claim, Measured) != bool(test):
                raise ValueError(f"claim {claim.name}: it stands above a test, unless a source")
            seen[claim.name] = file.name
            yield claim


def _kind(node: ast.expr) -> type[Claim] | None:
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return KINDS.get(node.func.id) if named else None  # type: ignore[attr-defined]


def _read(call: Any, where: str, test: str, slow: bool) -> Claim:
    kind = _kind(call)
    assert kind is not None
    try:
        given = [ast.literal_eval(each) for each in call.args]
        named = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    except ValueError:
        raise ValueError(f"{where}: a claim is written out, without names or sums") from None
    return kind(*given, **named, test=test, slow=slow)


def plain(text: str) -> str:
    """Return text with single blanks, as it reads."""
    return " ".join(text.split())


def mismatches(chapter: str, text: str, claims: dict[str, Claim]) -> list[str]:
    """Say where the marks and the sentences of a chapter are not those of its claims."""
    found = []
    marks = [(mark["name"], plain(text[: mark.start()])) for mark in MARK.finditer(text)]
    names = [name for name, _ in marks]
    for name, before in marks:
        if name not in claims:
            found.append(f"{chapter}: the mark {name} has no claim")
        elif not before.endswith(plain(claims[name].sentence)):
            end = before[-len(claims[name].sentence) - 20 :]
            found.append(f"{chapter}: the text of {name} ends with {end!r}: not its sentence")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            found.append(f"{chapter}: the mark {name} stands {names.count(name)} times")
    found += [f"{chapter}: the claim {name} has no mark" for name in claims if name not in names]
    return found


def counts(claims: Iterable[Claim]) -> dict[str, int]:
    """Return {kind: how many claims}, of every kind."""
    kinds = [claim.kind for claim in claims]
    return {kind.kind: kinds.count(kind.kind) for kind in KINDS.values()}


def markup(claims: dict[str, dict[str, Claim]], chapters: list[str], *, linked: bool = True) -> str:
    """Return the list of claims as MyST markup.

    Args:
        claims: those of each chapter.
        chapters: which are listed, in their order.
        linked: whether each claim leads to its mark, and the other way round.
    """
    kinds = [kind.kind for kind in KINDS.values()]
    shown = {chapter: claims[chapter] for chapter in chapters if chapter in claims}
    lines = [f"| chapter | {' | '.join(kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    for chapter, own in shown.items():
        numbers = " | ".join(str(n or "") for n in counts(own.values()).values())
        lines.append(f"| {{doc}}`{chapter}` | {numbers} |")
    whole = counts(claim for own in shown.values() for claim in own.values())
    lines += [f"| **all** | {' | '.join(map(str, whole.values()))} |", ""]
    for chapter, own in shown.items():
        lines += [f"**{{doc}}`{chapter}`**", ""]
        for claim in own.values():
            lines += [*entry(chapter, claim, linked=linked), ""]
    return "\n".join(lines)


def entry(chapter: str, claim: Claim, *, linked: bool) -> list[str]:
    """Return a claim's own lines in the list."""
    here = f'<span id="list-{claim.name}"></span>' if linked else ""
    there = f' <a href="{chapter}.html#mark-{claim.name}">in the text</a>' if linked else ""
    cited = f" {{cite}}`{claim.key}`" if isinstance(claim, Source) else ""
    test = f" `{claim.test}`" if claim.test else ""
    return [
        f"- {here}{claim.sentence}{there}\\",
        f"  *{capital(claim.kind)}*. {claim.evidence}{cited}\\",
        f"  {capital(claim.state)}.{test}",
    ]
