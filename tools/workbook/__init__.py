"""The student's copy of the book: one notebook a chapter, in plain Jupyter Markdown.

    python -m tools.workbook            make or refresh the folder `workbook`
    python -m tools.workbook --solutions hidden student     the same without solutions, to hand out

What MyST and Sphinx resolve when the pages are built (links, numbers of equations and exercises,
citations, terms) is resolved here from the sources alone, so no built book is needed, and what is
written needs no extension: it reads the same in JupyterLab, Notebook 7, and wherever else
notebooks are shown.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "book" / "_ext"))  # as _config.yml does
