"""Cut MyST Markdown into text and fenced blocks, and read what a directive says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPEN = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}(?!.*`)|~{3,}|:{3,})(?P<info>.*)$")
_DIRECTIVE = re.compile(r"^\{(?P<name>[\w:.+-]+)\}[ \t]*(?P<argument>.*)$")
_OPTION = re.compile(r"^:(?P<key>[\w-]+):[ \t]*(?P<value>.*)$")


@dataclass(frozen=True)
class Text:
    """Lines outside any fence."""

    text: str


@dataclass(frozen=True)
class Fence:
    """A fenced block: code, or a directive when `name` is not empty.

    Attributes:
        source: the block as it stands.
        name: the directive's name, or "".
        argument: what follows the name on its line.
        options: its `:key: value` lines.
        body: the rest, without the fence.
        indent: the white space before the fence.
    """

    source: str
    name: str
    argument: str
    options: dict[str, str]
    body: str
    indent: str


def blocks(text: str) -> Iterator[Text | Fence]:
    """Yield the text and the fenced blocks of a piece of Markdown, in order.

    A block that is never closed ends with the text, as in CommonMark.
    """
    lines = text.split("\n")
    loose: list[str] = []
    at = 0
    while at < len(lines):
        opening = _OPEN.match(lines[at])
        if opening is None:
            loose.append(lines[at])
            at += 1
            continue
        end = _closing(lines, at, opening["fence"])
        if loose:
            yield Text("\n".join(loose))
            loose = []
        yield _fence(lines[at : end + 1], opening, closed=end < len(lines))
        at = end + 1
    if loose:
        yield Text("\n".join(loose))


def _closing(lines: list[str], start: int, fence: str) -> int:
    """Return the line that closes a fence opened at `start`, or the number of lines."""
    close = re.compile(rf"^[ \t]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
    for at in range(start + 1, len(lines)):
        if close.match(lines[at]):
            return at
    return len(lines)


def _fence(lines: list[str], opening: re.Match[str], *, closed: bool) -> Fence:
    indent = opening["indent"]
    body = [line.removeprefix(indent) for line in lines[1 : -1 if closed else None]]
    directive = _DIRECTIVE.match(opening["info"].strip())
    options = _take_options(body) if directive else {}
    return Fence(
        source="\n".join(lines),
        name=directive["name"] if directive else "",
        argument=directive["argument"].strip() if directive else "",
        options=options,
        body="\n".join(body).strip("\n"),
        indent=indent,
    )


def _take_options(body: list[str]) -> dict[str, str]:
    """Remove the options at the top of a directive's body and return them."""
    options = {}
    while body and (option := _OPTION.match(body[0])):
        options[option["key"]] = option["value"].strip()
        del body[0]
    return options
