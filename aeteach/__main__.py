"""`python -m aeteach` does what the command `aeteach` does, wherever that command was put."""

import sys

from aeteach.cli import main

sys.exit(main())
