import pytest
from torch import nn

from aeteach._modes import evaluation_mode, modes_kept


def mixed():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()))
    model.train()
    model[1][0].eval()
    return model


def modes(model):
    return [part.training for part in model.modules()]


def test_a_model_evaluates_in_the_block_and_has_its_modes_back():
    model = mixed()
    before = modes(model)
    with evaluation_mode(model):
        assert not any(modes(model))
    assert modes(model) == before == [True, True, True, False, True]


@pytest.mark.parametrize("context", [evaluation_mode, modes_kept])
def test_the_modes_come_back_also_when_the_block_fails(context):
    model = mixed()
    before = modes(model)
    with pytest.raises(KeyError), context(model):  # noqa: PT012
        model.train(not model.training)
        raise KeyError
    assert modes(model) == before
