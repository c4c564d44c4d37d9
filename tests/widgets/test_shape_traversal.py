"""The traversal of shapes in Python: a small model's turns, and what is refused."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeteach.models import VAE, build
from aeteach.widgets import ShapeTraversal
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.shape_traversal import STEPS

# ---------------------------------------------------------------- Python


def small(**kwargs: Any) -> ShapeTraversal:
    made: Any = build("wide-conv-vae", latent=3, width=4, seed=0)
    g = torch.Generator().manual_seed(0)
    images = torch.rand(12, 1, 32, 32, generator=g)
    factors = torch.randint(3, 20, (12, 5), generator=g)
    factors[:, 0] = torch.arange(12) % 3
    return ShapeTraversal(made.eval(), images, factors, **kwargs)


def test_a_small_model_works_and_dimensions_can_be_chosen() -> None:
    figure = small(pair=(1, 0), angle=90, dimension=1)
    quarter = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]  # from dimension 1 towards dimension 0
    np.testing.assert_allclose(figure.rotation, quarter, atol=1e-12)
    assert figure.traversal.shape == (STEPS, 1, 32, 32)
    assert len(figure.captions) == 6
    nothing = figure.factors_of(torch.zeros(1, 1, 32, 32))
    assert bool(nothing.isnan().all())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ShapeTraversal(nn.Linear(2, 2)), "must be a VAE"),
        (lambda: ShapeTraversal(images=torch.zeros(3, 1, 32, 32)), "belong together"),
        (lambda: small(pair=(1, 1)), "two of the dimensions 0 to 2"),
        (lambda: small(shown=[12]), "0 to 11"),
        (lambda: small(z=[0.0, math.nan, 0.0]), "3 numbers from -5 to 5"),
        (lambda: small(z=[0.0]), "3 numbers"),
        (lambda: small(angle=91), "0 to 90 degrees"),
        (lambda: small(dimension=3), "dimension is 3; expected a whole number, 0 to 2"),
        (lambda: small(start=6), "start is 6; expected a whole number, 0 to 5"),
    ],
)
def test_a_state_that_there_is_not_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(StateError, match=message):
        make()


def test_a_model_of_other_images_is_refused() -> None:
    made: Any = build("mlp-vae", latent=2, hidden=4, size=28)
    assert isinstance(made, VAE)
    with pytest.raises(StateError, match="the model knows 28 pixels"):
        ShapeTraversal(made)
