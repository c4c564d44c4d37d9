"""Where things are in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "aeteach"
BOOK = ROOT / "book"
HTML = ROOT / "_build" / "html"
