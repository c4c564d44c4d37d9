"""Models by their names."""

import pytest
import torch

from aeteach.models import (
    build,
)

# ---------------------------------------------------------------- build


def test_build_names_the_models_it_knows():
    with pytest.raises(
        ValueError, match=r"name is 'lineer'; expected one of the models 'conv', .*'pca'"
    ):
        build("lineer")


def test_build_depends_on_the_seed_alone_and_leaves_the_global_state():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = build("linear", seed=3, size=8)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    again, other = build("linear", seed=3, size=8), build("linear", seed=4, size=8)
    assert torch.equal(first.encoder_matrix, again.encoder_matrix)
    assert not torch.equal(first.encoder_matrix, other.encoder_matrix)
