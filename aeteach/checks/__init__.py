"""Checkers for the reader's own answers to exercises: `checks.<exercise>(answer)` -> `Verdict`."""

import sys

from aeteach.checks._exercise import Check, Exercise, Judged, Mistake, Quantity, Rounds, Verdict
from aeteach.checks._index import Entry, Index, entries
from aeteach.checks.asking_for_a_nine import (
    code_grid,
    edge_sharpness,
    label_walk,
    told_decoder,
)
from aeteach.checks.bottleneck_as_a_channel import (
    correlated_rate,
    decibels,
    information_rate,
    noise_for_snr,
)
from aeteach.checks.choosing_the_latent import (
    dimensions_needed,
    encoder_parameters,
    even_line,
    fitted_gaussian,
)
from aeteach.checks.clinic import beta_in_force, name_the_fault, repair_loss, sound_draw
from aeteach.checks.convolutions import (
    conv_output_padding,
    conv_parameters,
    conv_size,
    convolve,
)
from aeteach.checks.elbo import (
    bernoulli_nll,
    effective_beta,
    elbo_from_draws,
    elbo_gap,
    gaussian_nll,
)
from aeteach.checks.generator_worth import (
    count_of_shapes,
    coverage,
    hit_count_kl,
    never_hit,
)
from aeteach.checks.how_much_kl import (
    collapsed_dimensions,
    free_bits,
    rate_and_distortion,
    warm_up_weight,
)
from aeteach.checks.how_to_use import mean
from aeteach.checks.latent_meaning import (
    cost_of_a_dimension,
    eta_squared,
    factor_correlation,
    turned_model,
)
from aeteach.checks.linear_autoencoder import (
    axes_from_weights,
    change_of_basis,
    linear_parameters,
    principal_angles,
    shrinkage,
    squared_error,
    tied_gradient,
)
from aeteach.checks.matching_a_distribution import (
    matched_rate,
    mmd_total,
    rbf_kernel,
    unbiased_mmd,
)
from aeteach.checks.nonlinear_autoencoder import (
    class_medians,
    layers_in_one,
    mlp_parameters,
    nearest_code,
    plane_grid,
)
from aeteach.checks.pca_by_hand import (
    centring,
    covariance,
    explained_variance,
    paper_eigenvalues,
    principal_axes,
    projection,
    reconstruction,
)
from aeteach.checks.reading_machine import (
    accuracy_and_confusion,
    judge_variance,
    reader_cross_entropy,
    reader_parameters,
    wilson_interval,
    wrong_winner,
)
from aeteach.checks.reparameterization import (
    baseline,
    graph_gradients,
    pathwise_gradient,
    reparameterize,
    score_gradient,
)
from aeteach.checks.scoreboard import difference_of_means, error_an_image, time_ratio
from aeteach.checks.surprise_and_kl import (
    coin_backwards,
    kl_discrete,
    kl_normals,
    kl_to_prior,
    kl_witness,
    moment_match,
    surprise_in_bits,
)
from aeteach.checks.using_a_vae import (
    area_under_roc,
    iterated_fill,
    keep_known_pixels,
    signal_to_noise,
)
from aeteach.checks.variational_autoencoder import (
    aggregate_variance,
    generate_digits,
    loss_in_nats,
    vae_loss,
)
from aeteach.checks.where_next import noised, straight_through, way_back
from aeteach.checks.your_own_pictures import colour_parameters, middle_square, own_coverage


def exercises() -> dict[str, Check]:
    """Return every exercise of the book by the name under which it is called, in page order."""
    return {name: found for name, found in globals().items() if isinstance(found, Check)}


def index() -> Index:
    """Return the exercises of the book, chapter by chapter: title, page, checker, kind, minutes.

    Minutes are rough, by the rule that `Entry` states.
    """
    prefix = f"{__name__}."
    chapters = {
        name.removeprefix(prefix): module
        for name, module in sys.modules.items()
        if name.startswith(prefix) and not name.startswith(f"{prefix}_")
    }
    return Index(entries(exercises(), dict(sorted(chapters.items()))))
