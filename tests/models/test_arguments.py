"""What every model asks of its arguments, and when it looks at the numbers."""

import math

import pytest
import torch
from torch import nn

from aeteach.models._arguments import check_codes, check_images, check_parts

NAN = torch.tensor([[math.nan, 0.0]])


def test_what_is_asked_comes_back_as_it_is(images):
    assert check_images(nn.Linear(2, 2), images, 8) is images
    codes = torch.zeros(3, 2)
    assert check_codes(nn.Linear(2, 2), codes, 2) is codes


def test_a_model_looks_where_it_measures_and_not_where_it_learns():
    model = nn.Linear(2, 2)
    assert check_codes(model, NAN) is NAN
    with pytest.raises(ValueError, match="z must be finite"):
        check_codes(model.eval(), NAN)
    with torch.no_grad(), pytest.raises(ValueError, match="z must be finite"):
        check_codes(model.train(), NAN)
    with pytest.raises(ValueError, match="z must be finite"):
        check_codes(nn.Flatten(), NAN)  # nothing to learn


def test_codes_have_the_precision_of_the_weights_where_there_are_any():
    codes = torch.zeros(3, 2, dtype=torch.float64)
    for model in (nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)):
        with pytest.raises(ValueError, match=r"use z\.float\(\)"):
            check_codes(model, codes)
        with pytest.raises(ValueError, match=r"use z\.double\(\)"):
            check_codes(model.double(), codes.float())
    assert check_codes(nn.Flatten(), codes) is codes


def test_a_part_is_a_module():
    check_parts(encoder=nn.Flatten(), decoder=nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"decoder is the class Linear; expected a Module"):
        check_parts(encoder=nn.Flatten(), decoder=nn.Linear)
