"""Autoencoders from PCA to conditional VAEs: the package behind *Through the Bottleneck*.

A chapter needs `load` (a trained model with its card), `show` (a definition from the package, as
the book prints it), `checks` (checkers for the exercises) and `data`. `save` keeps a model of one's
own. Nothing here imports matplotlib or a widget library: `aeteach.plots` and `aeteach.widgets` do,
and are imported by name.
"""

from importlib.metadata import version

from aeteach import _moved, checks, data, divergences, losses, models, recipes, training
from aeteach._show import show
from aeteach.keep import load, save

__version__ = version("aeteach")
_moved.install()
__all__ = [
    "__version__",
    "checks",
    "data",
    "divergences",
    "load",
    "losses",
    "models",
    "recipes",
    "save",
    "show",
    "training",
]
