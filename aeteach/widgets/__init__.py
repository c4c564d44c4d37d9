"""Interactive figures: one Python class and one ES module each, in Jupyter and in the page."""

from aeteach.widgets.beta_slider import BetaSlider
from aeteach.widgets.channel_cube import ChannelCube
from aeteach.widgets.class_medians import ClassMedians
from aeteach.widgets.clinic_cards import Clinic
from aeteach.widgets.conditional_pad import ConditionalPad
from aeteach.widgets.conv_steps import ConvSteps
from aeteach.widgets.coverage_balls import CoverageBalls
from aeteach.widgets.diffusion_chain import DiffusionChain
from aeteach.widgets.draw_digit import DrawDigit
from aeteach.widgets.elbo_toy import ElboToy
from aeteach.widgets.gradient_variance import GradientVariance
from aeteach.widgets.inpainter import Inpainter
from aeteach.widgets.kit.host import Figure, bundle, pack
from aeteach.widgets.kl_bars import KlBars
from aeteach.widgets.kl_normals import KlNormals
from aeteach.widgets.latent_line import LatentLine
from aeteach.widgets.latent_plane import LatentPlane, Plane
from aeteach.widgets.linear_loss import LinearLoss
from aeteach.widgets.pca_axis import PcaAxis
from aeteach.widgets.pca_digit import PcaDigit
from aeteach.widgets.quiz import SelfTest
from aeteach.widgets.reader_probe import ReaderProbe
from aeteach.widgets.scoreboard import Scoreboard
from aeteach.widgets.shape_traversal import ShapeTraversal
from aeteach.widgets.stochastic_node import StochasticNode
from aeteach.widgets.training_panel import TrainingPanel
from aeteach.widgets.witness_pad import WitnessPad

__all__ = [
    "BetaSlider",
    "ChannelCube",
    "ClassMedians",
    "Clinic",
    "ConditionalPad",
    "ConvSteps",
    "CoverageBalls",
    "DiffusionChain",
    "DrawDigit",
    "ElboToy",
    "Figure",
    "GradientVariance",
    "Inpainter",
    "KlBars",
    "KlNormals",
    "LatentLine",
    "LatentPlane",
    "LinearLoss",
    "PcaAxis",
    "PcaDigit",
    "Plane",
    "ReaderProbe",
    "Scoreboard",
    "SelfTest",
    "ShapeTraversal",
    "StochasticNode",
    "TrainingPanel",
    "WitnessPad",
    "bundle",
    "pack",
]
