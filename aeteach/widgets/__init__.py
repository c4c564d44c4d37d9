"""Interactive figures: one Python class and one ES module each, in Jupyter and in the page."""

from aeteach.widgets.elbo_toy import ElboToy
from aeteach.widgets.gradient_variance import GradientVariance
from aeteach.widgets.host import Figure, bundle, pack
from aeteach.widgets.kl_bars import KlBars
from aeteach.widgets.kl_normals import KlNormals
from aeteach.widgets.linear_loss import LinearLoss
from aeteach.widgets.pca_axis import PcaAxis
from aeteach.widgets.pca_digit import PcaDigit
from aeteach.widgets.reader_probe import ReaderProbe
from aeteach.widgets.stochastic_node import StochasticNode

__all__ = [
    "ElboToy",
    "Figure",
    "GradientVariance",
    "KlBars",
    "KlNormals",
    "LinearLoss",
    "PcaAxis",
    "PcaDigit",
    "ReaderProbe",
    "StochasticNode",
    "bundle",
    "pack",
]
