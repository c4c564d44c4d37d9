import math

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo, MmdLoss
from aeteach.training import contract, cosine, evaluate, one_cycle
from tests.training.helpers import Conditional, in_meta, linear, quiet, squared, weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, "epochs must be a whole number .*1.5"),
        ({"batch_size": True}, "batch_size must be a whole number .*True"),
        ({"lr": 0.0}, "lr is 0.0; expected a number above 0"),
        ({"lr": math.nan}, "lr is nan"),
        ({"loss": "squared"}, "loss is 'squared'; expected one of .*squared_error"),
        (
            {"schedule": "cycle"},
            "schedule is 'cycle'; expected one of .*'cosine', 'early_peak'",
        ),
        ({"labels": torch.zeros(3, dtype=torch.int64)}, "labels"),
        ({"held_out": torch.full((2, 1, 8, 8), torch.nan)}, "held_out"),
    ],
)
def test_a_wrong_argument_is_named(blobs, change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        quiet(linear(), blobs, **change)


@pytest.mark.parametrize(
    "images",
    [
        torch.rand(4, 8, 8),
        torch.rand(0, 1, 8, 8),
        torch.rand(4, 1, 8, 8) * 255,
        torch.full((4, 1, 8, 8), torch.nan),
        torch.zeros(4, 1, 8, 8, dtype=torch.uint8),
        [[0.0]],
    ],
    ids=["shape", "empty", "range", "nan", "dtype", "list"],
)
def test_wrong_images_are_refused_before_a_step(images):
    model = linear()
    before = weights(model)
    with pytest.raises((ValueError, TypeError), match=r"images (must|is|holds|has)"):
        quiet(model, images)
    assert torch.equal(weights(model), before)


def all_frozen():
    return linear().requires_grad_(False)


class Norm(nn.Module):
    """A loss with a parameter that nobody trains."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, output, x):
        return {"loss": self.scale * squared(output, x).mean()}


def plateau(optimiser, steps):
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser)


def changing_terms(output, x):
    loss = squared(output, x).mean()
    changing_terms.calls += 1
    return {"loss": loss} | ({"other": loss} if changing_terms.calls % 2 else {})


changing_terms.calls = 0


TEN = torch.arange(64) % 10


BROKEN = {
    "a class for a model": ({"model": nn.Linear}, "model is the class Linear: make one, Linear"),
    "a string": ({"model": "linear"}, "model is 'linear'; expected a torch.nn.Module"),
    "PCA": ({"model": models.PCA(2, size=8)}, r"a PCA, has no parameters .*model\.fit\(images\)"),
    "no parameters": ({"model": nn.Flatten()}, "a Flatten, has no parameters that training could"),
    "all frozen": ({"model": all_frozen()}, "all 4 parameters of the model are frozen"),
    "meta": ({"model": in_meta()}, "on the meta device"),
    "labels for a plain model": (
        {"labels": TEN},
        r"labels came and LinearAutoencoder\.forward\(x.*takes none: leave labels out",
    ),
    "a model that needs labels": (
        {"model": Conditional()},
        r"Conditional\.forward\(x, y\) cannot be called with images alone",
    ),
    "a class for a loss": ({"loss": Elbo}, r"loss is the class Elbo; .*make one, Elbo\(\)"),
    "a number for a loss": (
        {"loss": 3},
        "loss is 3; expected a function .*or one of the names bern",
    ),
    "a loss that returns a tensor": (
        {"loss": lambda output, x: squared(output, x).mean()},
        "the loss returned a tensor; expected named terms: return {'loss': value}",
    ),
    "a loss that returns nothing": ({"loss": lambda output, x: None}, "the loss returned NoneType"),
    "no term called loss": (
        {"loss": lambda output, x: {"total": squared(output, x).mean()}},
        r"""terms \['total'\]; expected "loss" among them""",
    ),
    "one number an image": (
        {"loss": lambda output, x: {"loss": squared(output, x)}},
        r"'loss' has shape \(16,\); expected one number: sum over pixels, then \.mean\(\)",
    ),
    "a float": (
        {"loss": lambda output, x: {"loss": squared(output, x).mean().item()}},
        "'loss' is float; expected a scalar tensor",
    ),
    "detached": (
        {"loss": lambda output, x: {"loss": squared(output, x).mean().detach()}},
        r'"loss" has no gradient.*Look for \.detach\(\)',
    ),
    "terms that come and go": ({"loss": changing_terms}, "expected the same terms in every step"),
    "a loss with parameters": ({"loss": Norm()}, r"training would not change: scale\. Make them"),
    "labels missing": ({"loss": "cross_entropy"}, "compares with labels and there are none"),
    "an autoencoder as classifier": (
        {"loss": "cross_entropy", "labels": TEN},
        "logits are .*Output, and .*is the model a classifier",
    ),
    "a classifier as autoencoder": (
        {"model": nn.Sequential(nn.Flatten(), nn.Linear(64, 10))},
        "returned a float32 tensor .* without x_hat",
    ),
    "a class too many": (
        {
            "model": nn.Sequential(nn.Flatten(), nn.Linear(64, 9)),
            "loss": "cross_entropy",
            "labels": TEN,
        },
        "y must be from 0 to 8, got . to 9",
    ),
    "an optimiser already made": (
        {"optimiser": torch.optim.SGD(linear().parameters())},
        "optimiser must be a class such as torch.optim.SGD.*got SGD",
    ),
    "an optimiser by name": ({"optimiser": "adam"}, "optimiser must be a class .*got str"),
    "no optimiser": ({"optimiser": lambda p, lr: None}, "optimiser returned NoneType"),
    "LBFGS": ({"optimiser": torch.optim.LBFGS}, "LBFGS wants the loss several times"),
    "one_cycle not called": ({"schedule": one_cycle}, r"pass schedule=one_cycle\(\)"),
    "cosine not called": ({"schedule": lambda o, s: cosine()}, "schedule returned function; exp"),
    "a number for a schedule": ({"schedule": 0.1}, "schedule must be a name or a function"),
    "a plateau": ({"schedule": plateau}, "ReduceLROnPlateau watches .* pass held_out="),
    "patience alone": ({"patience": 3}, "patience watches .* pass held_out="),
    "no patience": ({"patience": 0}, "patience must be"),
    "no gradient": (
        {"clip_grad_norm": 0.0},
        "clip_grad_norm is 0.0; expected a finite number above 0",
    ),
    "lr as a string": ({"lr": "1e-3"}, "lr is '1e-3'; expected a number above 0"),
    "lr as true": ({"lr": True}, "lr is True"),
    "a seed with a fraction": ({"seed": 2.5}, "seed must be a whole number"),
    "a seed as a string": ({"seed": "3"}, "seed must be a whole number"),
    "a negative seed": ({"seed": -1}, "seed must be at least 0"),
    "a huge seed": ({"seed": 2**70}, r"seed must be at most 2\*\*63 - 1"),
    "epochs as a string": ({"epochs": "3"}, "epochs must be a whole number .*'3'"),
    "held-out labels alone": ({"held_out_labels": TEN}, "held_out_labels came without held_out"),
    "held-out labels without labels": (
        {"held_out": torch.rand(10, 1, 8, 8), "held_out_labels": TEN[:10]},
        "held_out_labels came without labels",
    ),
    "held-out images of another size": (
        {"held_out": torch.rand(4, 1, 9, 9)},
        r"held_out has images of \(9, 9\) pixels, and images of \(8, 8\)",
    ),
    "MMD of single images": (
        {"loss": "mmd", "batch_size": 1},
        "needs batch_size=2 at least, got 1",
    ),
    "MMD of one image": ({"loss": "mmd", "images": torch.rand(1, 1, 8, 8)}, "needs 2 images at"),
    "MMD of one held-out image": (
        {"loss": "mmd", "held_out": torch.rand(1, 1, 8, 8)},
        "needs 2 images at least",
    ),
}


def test_a_loss_gets_the_least_batch_that_it_asks_for():
    contract.check_batch(MmdLoss(), n=2, batch_size=2)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_contract_is_named_before_a_step(blobs, what):
    change, message = BROKEN[what]
    arguments = {"model": linear(), "images": blobs, **change}
    model = arguments.pop("model")
    trained = isinstance(model, nn.Module) and what != "meta"
    before = [p.clone() for p in model.parameters()] if trained else []
    with pytest.raises((TypeError, ValueError), match=message):
        quiet(model, arguments.pop("images"), **arguments)
    if what != "terms that come and go":
        after = model.parameters() if trained else []
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_other_terms_may_be_plain_numbers(blobs):
    history = quiet(linear(), blobs, loss=lambda o, x: {"loss": squared(o, x).mean(), "n": len(x)})
    assert history.curve("n") == [16.0] * 3


@pytest.mark.parametrize("classes", [26, 2])
def test_the_classes_are_the_models_own_and_not_ten(classes):
    images = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % classes
    model = models.VAE(
        nn.Sequential(nn.Flatten(), nn.Linear(64 + classes, 8)),
        models.Heads(8, 2),
        nn.Sequential(nn.Linear(2 + classes, 64), nn.Unflatten(1, (1, 8, 8))),
        latent=2,
        size=8,
        classes=classes,
    )
    quiet(model, images, loss="elbo", labels=labels, held_out=images, held_out_labels=labels)
    evaluate(model, images, "elbo", labels=labels)
    for call in (quiet, evaluate):
        with pytest.raises(ValueError, match=f"labels must be from 0 to {classes - 1}, got"):
            call(model, images, loss="elbo", labels=labels + 1)
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
    quiet(classifier, images, loss="cross_entropy", labels=labels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": torch.zeros(3, dtype=torch.int64), "loss": "cross_entropy"}, "each of the 64"),
        ({"labels": TEN}, "takes none"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"batch_size": 2.0}, "batch_size must be a whole number .*2.0"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"loss": Elbo}, "loss is the class Elbo"),
        ({"loss": "l2"}, "loss is 'l2'; expected one of"),
        ({"loss": lambda output, x: squared(output, x)}, "returned a tensor"),
        ({"loss": "mmd", "batch_size": 1}, "needs batch_size=2"),
    ],
)
def test_evaluate_names_a_wrong_argument(blobs, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        evaluate(linear(), blobs, **arguments)
    with pytest.raises(TypeError, match="model is the class"):
        evaluate(models.PCA, blobs)
