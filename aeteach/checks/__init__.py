"""Checkers for the reader's own answers to exercises: `checks.<exercise>(answer)` -> `Verdict`."""

from aeteach.checks._engine import Exercise, Mistake, Quantity, Verdict
from aeteach.checks.beta import *  # noqa: F403 - each module names its checkers once
from aeteach.checks.channel import *  # noqa: F403
from aeteach.checks.clinic import *  # noqa: F403
from aeteach.checks.conditional import *  # noqa: F403
from aeteach.checks.convolutions import *  # noqa: F403
from aeteach.checks.elbo import *  # noqa: F403
from aeteach.checks.first import *  # noqa: F403
from aeteach.checks.kl import *  # noqa: F403
from aeteach.checks.latent import *  # noqa: F403
from aeteach.checks.linear import *  # noqa: F403
from aeteach.checks.meaning import *  # noqa: F403
from aeteach.checks.mmd import *  # noqa: F403
from aeteach.checks.nonlinear import *  # noqa: F403
from aeteach.checks.outlook import *  # noqa: F403
from aeteach.checks.pca import *  # noqa: F403
from aeteach.checks.reading import *  # noqa: F403
from aeteach.checks.reparameterization import *  # noqa: F403
from aeteach.checks.scoreboard import *  # noqa: F403
from aeteach.checks.using import *  # noqa: F403
from aeteach.checks.vae import *  # noqa: F403
from aeteach.checks.worth import *  # noqa: F403

__all__ = ["Exercise", "Mistake", "Quantity", "Verdict"]
