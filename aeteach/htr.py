"""The digit reader under its older name: `aeteach.htr` is `aeteach.metrics.readability`."""

import sys

from aeteach.metrics import readability as _readability
from aeteach.metrics.readability import *  # noqa: F403 - for type checkers, who read no sys.modules

sys.modules[__name__] = _readability  # one module under two names, not a copy of it
