"""The claims of the book: each is declared as the decorator of the test that measures it."""

import sys

from tests.paths import BOOK

sys.path.insert(0, str(BOOK / "_ext"))  # as _config.yml does
