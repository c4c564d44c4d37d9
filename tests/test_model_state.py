"""Whoever runs a model leaves its mode and the random states as they were, even when it fails."""

import copy
import random

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn

from aeteach.metrics import shape_reader
from aeteach.weights import load
from tests.public_functions import CASES, case

mpl.use("Agg")
# They train, or are one call of the model: what it draws is drawn from the global generator.
NOT_MODES = {"training.loop.fit": "it leaves the model in training mode"}
NOT_DRAWS = {"conditional.decode_mixture": "it is a call of the decoder, with its gradient"}
# Those that take a model and do not run it, or only what was copied before the hooks.
NOT_RUN = (
    *("inpainting.fill_by_plane", "inpainting.loadings", "losses.WithWeightPenalty"),
    *("keep.load", "keep.save", "weights.save", "weights.stored"),
)


def models_of(value):
    """Yield the models in an argument: itself, or the readers of a tuple."""
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, tuple | list):
        yield from (item for item in value if isinstance(item, nn.Module))


def taking_a_model():
    """Return the functions with a model among their arguments, beside the makers of models."""
    asked = [name for name in CASES if not name.startswith("models.") and not case(name).slow]
    return [n for n in asked if any(list(models_of(v)) for v in case(n).good.values())]


def mixed(model):
    """Put every second part into the other mode, as where some layers are frozen."""
    model.train()
    for part in list(model.modules())[1::2]:
        part.training = False


def states():
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state().tolist()


def draw():
    """Draw from all that are global, as a model or a loss of one's own may."""
    return random.random() + np.random.rand() + float(torch.rand(()))  # noqa: NPY002


def raised(call, arguments):
    """Return the error that a call ends in, or None."""
    try:
        call(**arguments)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("fails", [False, True], ids=["runs", "raises"])
@pytest.mark.parametrize("name", taking_a_model())
def test_modes_and_random_states_are_put_back_whatever_happens(name, fails, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shape_reader, "reader", lambda: (load("shape-reader"), 1.0))
    function, ran = case(name), []

    def watch(module, inputs):
        ran.append(draw())
        if fails:
            raise ArithmeticError("broken inside")

    arguments = copy.deepcopy(function.good)
    held = [model for value in arguments.values() for model in models_of(value)]
    for model in held:
        mixed(model)
        for part in model.modules():
            part.register_forward_pre_hook(watch)
    modes = [part.training for model in held for part in model.modules()]
    before = states()
    error = raised(function.call, arguments)
    assert (error is not None) is bool(fails and ran), error
    assert error is None or "broken inside" in str(error)
    assert bool(ran) is (name not in NOT_RUN)
    if name not in NOT_MODES:
        assert modes == [part.training for model in held for part in model.modules()]
    if name not in NOT_DRAWS:
        assert states() == before
