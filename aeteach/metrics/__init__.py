"""Numbers that say what a trained model is worth, one idea a module.

`elbo` (rate, distortion, likelihood) and `angles` (between subspaces) are named here in full; the
others are imported by name: `coverage`, `factors`, `probe`, `auroc`, `sharpness`, `readability` (do
digit readers still read it?), `shape_reader` and `intervals`.
"""

from aeteach.metrics.angles import principal_angles
from aeteach.metrics.elbo import (
    LogLikelihood,
    RateDistortion,
    active_units,
    elbo_terms,
    importance_weighted_log_likelihood,
    informative_units,
    kl_by_dimension,
    posteriors,
    rate_distortion,
)

__all__ = [
    "LogLikelihood",
    "RateDistortion",
    "active_units",
    "elbo_terms",
    "importance_weighted_log_likelihood",
    "informative_units",
    "kl_by_dimension",
    "posteriors",
    "principal_angles",
    "rate_distortion",
]
