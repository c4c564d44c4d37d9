"""What other pages can name of a page: found in its text, without running or building it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it.renderer import RendererHTML
from markdown_it.tree import SyntaxTreeNode
from myst_parser.config.main import MdParserConfig
from myst_parser.mdit_to_docutils.base import compute_unique_slug
from myst_parser.parsers.mdit import create_md_parser

# What a label stands for that has no words of its own, by its directive.
THINGS = {
    "math": "an equation",
    "exercise": "an exercise",
    "exercise-start": "an exercise",
    "solution": "a solution",
    "solution-start": "a solution",
    "figure": "a figure",
    "image": "a figure",
    "table": "a table",
    "list-table": "a table",
    "csv-table": "a table",
}
NO_MARKDOWN = {"code", "code-block", "code-cell", "literalinclude", "math", "raw", "glossary"}

_WORDS = {"text", "code_inline", "math_inline"}


@dataclass
class Names:
    """What other pages can name of a page.

    Attributes:
        title: its first heading.
        slugs: {name of a section in a link: its title}.
        labels: {label: words that stand for it}.
        terms: that its glossary explains, in lower case.
        has_sources: whether the list of sources stands there.
    """

    title: str = ""
    slugs: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    terms: set[str] = field(default_factory=set)
    has_sources: bool = False


def names_of(text: str, config: MdParserConfig) -> Names:
    """Return what other pages can name of a page.

    Args:
        text: the page's MyST markup.
        config: which extensions of the markup are on.
    """
    names = Names()
    _collect(text, config, names)
    return names


def _collect(text: str, config: MdParserConfig, names: Names) -> None:
    waiting: list[str] = []  # labels whose words come next
    for node in _blocks(SyntaxTreeNode(create_md_parser(config, RendererHTML).parse(text))):
        if node.type == "myst_target":
            waiting.append(node.content)
            continue
        labels, words = [*waiting, *_ids(node)], ""
        waiting = []
        if node.type == "heading":
            words = _heading(node, config, names)
        elif node.type in {"math_block_label", "amsmath"}:
            labels.append(node.info)
            words = _thing("math", names)
        elif node.type in {"fence", "colon_fence"} and (
            match := re.match(r"\{(\S+)\}\s*(.*)", node.info)
        ):
            directive, content = match[1], node.content
            labels += _labels(content)
            words = _thing(directive, names)
            names.has_sources |= directive == "bibliography"
            if directive == "glossary":
                names.terms |= _terms(content)
            elif directive not in NO_MARKDOWN:
                _collect(_split(content)[1], config, names)
        for label in filter(None, labels):
            names.labels[label] = names.labels[label.lower()] = words or names.title


def _blocks(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    for child in node.children:
        yield child
        if child.type != "heading":
            yield from _blocks(child)


def _ids(node: SyntaxTreeNode) -> list[str]:
    """Return the label that `{#label}` gave to a node or, for a heading, to a part of it."""
    own = [] if node.is_root or node.type == "text" else [str(node.attrs.get("id", ""))]
    return own + [each for child in node.children if node.type == "heading" for each in _ids(child)]


def _heading(node: SyntaxTreeNode, config: MdParserConfig, names: Names) -> str:
    """Note a heading, and return its words."""
    words = "".join(part.content for part in node.walk() if part.type in _WORDS)
    names.title = names.title or words
    if int(node.tag[1]) <= config.heading_anchors:
        names.slugs[compute_unique_slug(node, names.slugs, config.heading_slug_func)] = words
    return words


def _thing(directive: str, names: Names) -> str:
    thing = THINGS.get(directive)
    return f"{thing} of “{names.title}”" if thing else ""


def _split(content: str) -> tuple[list[str], str]:
    """Split what stands in a directive into the lines of its options and the rest."""
    lines = content.splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:]:
        end = lines.index("---", 1)
        return lines[1:end], "\n".join(lines[end + 1 :])
    end = next((i for i, line in enumerate(lines) if not line.startswith(":")), len(lines))
    return [line.removeprefix(":") for line in lines[:end]], "\n".join(lines[end:])


def _labels(content: str) -> list[str]:
    options = [line.partition(":") for line in _split(content)[0]]
    return [value.strip() for key, _, value in options if key.strip() in {"label", "name"}]


def _terms(content: str) -> set[str]:
    """Return the terms of a glossary: its lines that are not indented."""
    lines = _split(content)[1].splitlines()
    found = (line for line in lines if line[:1].strip() and not line.startswith(".. "))
    return {line.partition(" : ")[0].strip().lower() for line in found}
