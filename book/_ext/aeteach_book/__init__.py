"""What the book needs from Sphinx: offline pages, current numbers, and any choice of chapters.

- `offline`: MathJax is served from the book's own folder, no script is loaded from another host,
  and every page says so when it was built with the sample instead of the full digits.
- `chapters`: the chapters of _toc.yml run side by side, one a core, and what they print is kept.
- `surroundings`, `reads`: what all chapters can see, and what each of them has read; when it
  changes, they run again. `store` keeps what they printed.
- `runner`, `tracer`: run one chapter, and write down which files it opens.
- `pages`: which pages are read and written again.
- `formulas`: each formula carries itself as MathML, for readers without JavaScript.
- `letters`: the notation page lists the letters that mean several things.
- `marks`: the mark of a line, such as C2, is a link to it.
- `answers`: exercises worked on paper are answered in the page.
- `figures`: what the figures of a page have in common is there once.
- `solutions`: where the solutions of the exercises stand, or that they do not.
- `deeper`: boxes that open, for proofs and side-roads.
- `teaching`: how long each chapter takes.
- `ways_out`: where a page leads to: its notebook, its source, its citation, and what runs it.
- `search`: what every section says, in a script that the page of the search looks in.
- `accessible`: what the theme and other extensions write, mended for everyone to use.
- `left_out`, `names`: a link to a page that _toc.yml leaves out becomes plain text.
- `evidence`, `declarations`, `claims`: what is claimed and how it is measured; where that is read
  and held together with the text; the mark that shows it.
"""

from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    # Not at the top: the processes that run the chapters need none of this.
    from aeteach_book import (
        accessible,
        answers,
        chapters,
        claims,
        deeper,
        figures,
        formulas,
        left_out,
        letters,
        marks,
        offline,
        pages,
        search,
        solutions,
        teaching,
        ways_out,
    )

    for part in (
        accessible,
        answers,
        deeper,
        offline,
        pages,
        chapters,
        left_out,
        letters,
        marks,
        claims,
        figures,
        formulas,
        search,
        solutions,
        teaching,
        ways_out,
    ):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
