"""`python -m aeteach` does what the command `aeteach` does, wherever that command was put."""

import sys

from aeteach.cli import main

if __name__ == "__main__":
    sys.exit(main())
