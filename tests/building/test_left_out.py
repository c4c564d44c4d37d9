"""A link to a page that is left out becomes plain text; one that leads nowhere is a warning."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from aeteach_book.left_out import _SCRIPT_OR_LINK
from aeteach_book.names import names_of
from myst_parser.config.main import MdParserConfig

from .conftest import ROOT, SmallBook

LEFT = r"""# The *left* page

(left-label)=
## Its section

$$
a = b
$$ (eq-dollar)

```{math}
:label: eq-math
c = d
```

```{exercise} Count
:label: ex-left
How many?
```

```{figure} static/dot.svg
:name: fig-left
A dot.
```

````{admonition} A note
```{math}
:label: eq-nested
e = f
```
````

(left-paragraph)=
A paragraph with a [span]{#left-span}.

### Part `two` of $x$
"""
GLOSSARY = """# Words

```{glossary}
gadget
  A thing.

Big gadget
widget
  A larger one.
```
"""
SOURCES = "# Sources\n\n```{bibliography}\n```\n"
BIBTEX = "@book{knuth, author={Knuth, Donald}, title={The book}, year={1984}, publisher={AW}}\n"

# markup -> what remains of it; each is tried in the whole book, too, where nothing may be amiss
LINKS = {
    "{doc}`left`": "The left page",
    "{doc}`own words <left>`": "own words",
    "{doc}`/book/left`": "The left page",
    "[own *words*](left.md)": "own words",
    "[](left.md)": "The left page",
    "[own words](left.md#its-section)": "own words",
    "[](left.md#its-section)": "Its section",
    "[own words](left.md#part-two-of-)": "own words",
    "{ref}`left-label`": "Its section",
    "{ref}`own words <left-label>`": "own words",
    "{ref}`own words <left-paragraph>`": "own words",
    "[own words](left-label)": "own words",
    "[](left-label)": "Its section",
    "[own words](#left-label)": "own words",
    "[own words](#left-span)": "own words",
    "{any}`left-label`": "Its section",
    "{eq}`eq-dollar`": "an equation of “The left page”",
    "{eq}`eq-math`": "an equation of “The left page”",
    "{eq}`eq-nested`": "an equation of “The left page”",
    "[own words](#eq-math)": "own words",
    "{numref}`fig-left`": "a figure of “The left page”",
    "{numref}`Figure %s <fig-left>`": "a figure of “The left page”",
    "{ref}`ex-left`": "an exercise of “The left page”",
    "{ref}`own words <ex-left>`": "own words",
    "{term}`gadget`": "gadget",
    "{term}`Gadget`": "Gadget",
    "{term}`own words <big gadget>`": "own words",
    "{term}`widget`": "widget",
    "{cite}`knuth`": "[Knuth, 1984]",
    "{cite:t}`knuth`": "Knuth [1984]",
    '<a class="x" href="left.html#its-section">own <b>words</b></a>': "own words",
}
MISTAKES = [
    "{doc}`lefd`",
    "[own words](lefd.md)",
    "[own words](left.md#no-section)",
    "{ref}`no-label`",
    "[own words](no-label)",
    "[own words](#no-label)",
    "{any}`no-label`",
    "{eq}`eq-no`",
    "{numref}`fig-no`",
    "{ref}`ex-no`",
    "{term}`gizmo`",
    "{cite}`nobody`",
]


@pytest.fixture
def full(book: SmallBook) -> SmallBook:
    """A book with a page that can be linked to in all ways."""
    (book.root / "book" / "references.bib").write_text(BIBTEX)
    (book.root / "book" / "static" / "dot.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'
    )
    book.page("left", LEFT)
    book.page("words", GLOSSARY)
    book.page("sources", SOURCES)
    items = "".join(f"\n- item {i:02d}: {link} end\n" for i, link in enumerate(LINKS))
    book.page("index", f"# Start\n{items}")
    return book


def items(book: SmallBook) -> list[str]:
    """Return what can be read in place of each link."""
    return re.findall(r"item \d\d: (.*?) end", book.words("index"))


def dead_links(html: Path) -> list[str]:
    """Return the links of built pages that lead to no page, or to no place in it."""
    pages = {path: path.read_text("utf-8") for path in sorted(html.rglob("*.html"))}
    dead = []
    for path, text in pages.items():
        for href in re.findall(r"<a\b[^>]*?\bhref=\"([^\"]*)\"", text):
            link = urlsplit(href)
            if link.scheme or link.netloc:
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            where = pages.get(target, target.exists())
            found = where and (
                not isinstance(where, str)
                or not link.fragment
                or re.search(rf'\b(id|name)="{re.escape(unquote(link.fragment))}"', where)
            )
            if not found:
                dead.append(f"{path.name}: {href}")
    return dead


def test_in_the_whole_book_every_link_leads_somewhere(full: SmallBook) -> None:
    full.toc("left", "words", "sources")
    built = full.build()
    assert (built.code, built.warnings) == (0, []), built.log
    assert dead_links(full.root / "_build" / "html") == []
    shown = dict(zip(LINKS, items(full), strict=True))
    numbers = {  # these have a number that only the whole book knows
        "{eq}`eq-dollar`": "(1)",
        "{eq}`eq-math`": "(2)",
        "{eq}`eq-nested`": "(3)",
        "[own words](#eq-math)": "(2)",
        "{numref}`fig-left`": "Fig. 1",
        "{numref}`Figure %s <fig-left>`": "Figure 1",
        "{ref}`ex-left`": "Exercise 1",
    }
    assert shown == LINKS | numbers
    assert len(re.findall(r"<a\b", full.article("index"))) > len(LINKS)


@pytest.mark.parametrize(
    "kept", [[], ["left"], ["words"], ["sources"], ["sources", "words"], ["sources", "left"]]
)
def test_links_to_what_is_left_out_become_their_words(full: SmallBook, kept: list[str]) -> None:
    full.toc(*kept)
    built = full.build()
    assert (built.code, built.warnings) == (0, []), built.log
    assert dead_links(full.root / "_build" / "html") == []
    shown = dict(zip(LINKS, items(full), strict=True))
    gone = {"left": r"left|eq-", "words": "{term}", "sources": "{cite"}
    for name, pattern in gone.items():
        if name not in kept:
            chosen = {link for link in LINKS if re.search(pattern, link)}
            assert chosen
            assert {link: shown[link] for link in chosen} == {link: LINKS[link] for link in chosen}
            assert f"{name}.html" not in full.article("index")
        else:
            assert f"{name}.html" in full.article("index")


@pytest.mark.parametrize("kept", [["left", "words", "sources"], []])
def test_a_link_that_leads_nowhere_is_a_warning_whatever_is_left_out(
    full: SmallBook, kept: list[str]
) -> None:
    full.page("index", "# Start\n" + "".join(f"\n{mistake}\n" for mistake in MISTAKES))
    full.toc(*kept)
    built = full.build()
    assert built.code == 1
    lines = [int(n) for n in re.findall(r"index\.md:(\d+): WARNING", built.log)]
    missed = [m for i, m in enumerate(MISTAKES) if 3 + 2 * i not in lines]
    assert missed == []
    assert len(lines) == len(MISTAKES)


def test_links_in_what_a_cell_prints_become_words_too(book: SmallBook) -> None:
    table = "<table><tr><td><a href='left.html#x'>The <i>left</i></a></td></tr></table>"
    code = f"from IPython.display import HTML\nHTML({table!r})"
    script = "<script>const text = \"<a href='left.html'>kept</a>\";</script>"
    book.page(
        "index", "See {doc}`one`.", code, f"from IPython.display import HTML\nHTML({script!r})"
    )
    book.page("left", "(x)=\n## X")
    book.page("one", "Nothing.")
    book.toc("left", "one")
    assert book.build().code == 0
    assert "<a href='left.html#x'>The <i>left</i></a>" in book.article("index")
    book.toc("one")
    built = book.build()
    assert (built.code, built.warnings) == (0, []), built.log
    assert "<td><span>The <i>left</i></span></td>" in book.article("index")
    assert script in book.article("index")


def test_a_page_of_the_book_goes_before_a_draft_of_the_same_names(full: SmallBook) -> None:
    full.page("draft", LEFT.replace("left", "other", 1))
    full.toc("left", "words", "sources")
    built = full.build()
    assert (built.code, built.warnings) == (0, []), built.log
    assert full.article("index").count('href="left.html') > 15


def test_a_new_title_of_a_page_that_is_left_out_is_noticed(book: SmallBook) -> None:
    book.page("index", "See {doc}`left`.")
    book.page("left", "# First")
    book.toc()
    assert book.build().code == 0
    assert "See First." in book.words("index")
    book.page("left", "# Second")
    assert book.build().code == 0
    assert "See Second." in book.words("index")


def test_the_names_of_a_page_are_those_that_sphinx_finds() -> None:
    extensions = {"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"}
    config = MdParserConfig(enable_extensions=extensions, heading_anchors=3)
    names = names_of(LEFT, config)
    assert names.title == "The left page"
    assert set(names.slugs) == {"the-left-page", "its-section", "part-two-of-"}
    assert set(names.labels) == {
        *("left-label", "left-paragraph", "left-span", "eq-dollar", "eq-math", "eq-nested"),
        *("ex-left", "fig-left"),
    }
    assert names_of(GLOSSARY, config).terms == {"gadget", "big gadget", "widget"}
    assert names_of(SOURCES, config).has_sources


def test_links_of_html_are_found_in_all_their_forms() -> None:
    found = [
        m["page"]
        for m in _SCRIPT_OR_LINK.finditer(
            '<a href=a.html>x</a> <A HREF=\'b.html\'>x</A><a id="i" href="c.html#d" rel="n">x</a>'
            '<script>\'<a href="e.html">x</a>\'</script><a href="https://f.org/g.html">x</a>'
        )
        if m["page"]
    ]
    assert found == ["a", "b", "c", "https://f.org/g"]


@pytest.mark.skipif(not (ROOT / "book").is_dir(), reason="needs the book")
def test_the_real_pages_can_be_read_for_their_names() -> None:
    config = MdParserConfig(
        enable_extensions={"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"},
        heading_anchors=3,
    )
    pages = {p.stem: names_of(p.read_text("utf-8"), config) for p in (ROOT / "book").glob("*.md")}
    assert pages["references"].has_sources
    assert len(pages["glossary"].terms) > 100
    labels = set().union(*(page.labels for page in pages.values()))
    wanted = {
        label
        for path in (ROOT / "book").glob("*.md")
        for label in re.findall(r"{eq}`([^`]+)`", path.read_text("utf-8"))
    }
    assert wanted
    assert wanted <= labels
