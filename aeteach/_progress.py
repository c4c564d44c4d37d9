"""A progress bar, where there is somebody to see it."""

import sys
from typing import Any

from tqdm.auto import tqdm


def bar(show: bool, **options: Any) -> tqdm:
    """Return a bar of tqdm's; one that shows nothing where none was asked for or none can be seen.

    A process without a console, such as one of Windows' pythonw, has no stderr to write to. And a
    user who has set TQDM_DISABLE is heard, which `disable=False` would prevent.

    Args:
        show: whether to show it.
        options: of tqdm, such as `total` and `unit`.
    """
    silent = {} if show and sys.stderr is not None else {"disable": True}
    return tqdm(**options, **silent)
