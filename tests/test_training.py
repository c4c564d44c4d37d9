import math
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo
from aeteach.training import (
    SCHEDULES,
    CallbackWarning,
    History,
    InterruptedWarning,
    NonFiniteLossError,
    _random,
    adam,
    cosine,
    evaluate,
    fit,
    interrupts_raise,
    loop,
    one_cycle,
    steps_an_epoch,
)


def linear(seed=0, latent=2):
    return models.build("linear", latent=latent, size=8, seed=seed)


def quiet(model, images, **arguments):
    return fit(model, images, progress=False, **{"epochs": 3, "batch_size": 16} | arguments)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_loss_falls_and_is_recorded_once_an_epoch(blobs):
    history = quiet(linear(), blobs, epochs=30, lr=1e-2, held_out=blobs[:10])
    assert history.epochs == len(history.held_out) == len(history.seconds) == 30
    assert history.curve()[-1] < 0.1 * history.curve()[0]
    assert history.curve("loss", held_out=True)[-1] < history.curve("loss", held_out=True)[0]


def test_one_step_is_the_textbook_step(blobs):
    model, by_hand = linear(), linear()
    quiet(model, blobs, epochs=1, batch_size=64, lr=0.01, optimiser=torch.optim.SGD)
    loss = (by_hand(blobs).x_hat - blobs).square().flatten(1).sum(1).mean()
    loss.backward()
    with torch.no_grad():
        for p in by_hand.parameters():
            p -= 0.01 * p.grad
    torch.testing.assert_close(weights(model), weights(by_hand), rtol=1e-5, atol=1e-7)


def test_the_recorded_loss_is_the_mean_over_images_also_when_the_last_batch_is_smaller(blobs):
    history = quiet(linear(), blobs, epochs=1, batch_size=60, lr=1e-12)
    expected = (linear()(blobs).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert history.curve()[0] == pytest.approx(expected.item(), rel=1e-5)


def test_same_seed_same_numbers_and_another_seed_others(blobs):
    runs = [linear() for _ in range(3)]
    for model, seed in zip(runs, (5, 5, 6), strict=True):
        torch.rand(3)  # what happened before must not matter
        quiet(model, blobs, seed=seed)
    assert torch.equal(weights(runs[0]), weights(runs[1]))
    assert not torch.equal(weights(runs[0]), weights(runs[2]))


def test_the_global_random_state_is_left_alone(blobs):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    quiet(linear(), blobs)
    assert torch.equal(torch.rand(4), expected)


def test_a_loss_that_is_not_finite_stops_with_place_and_history(blobs):
    def breaks(output, x):
        breaks.calls += 1
        loss = (output.x_hat - x).square().flatten(1).sum(1).mean()
        return {"loss": loss / 0 if breaks.calls == 6 else loss, "part": loss}

    breaks.calls = 0
    with pytest.raises(NonFiniteLossError, match=r"epoch 2, step 2: loss = inf.*Lower lr") as error:
        quiet(linear(), blobs, loss=breaks, batch_size=16)
    assert error.value.history.epochs == 1


def test_too_large_a_rate_is_reported_and_not_hidden(blobs):
    with pytest.raises(NonFiniteLossError, match="Loss of the last finished epoch"):
        quiet(linear(), blobs, lr=1e6, epochs=50, optimiser=torch.optim.SGD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0; expected a whole number"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"batch_size": True}, "batch_size is True"),
        ({"lr": 0.0}, "lr is 0.0; expected a positive number"),
        ({"lr": math.nan}, "lr is nan"),
        ({"loss": "squared"}, "no loss is called 'squared'; known: .*squared_error"),
        (
            {"schedule": "cycle"},
            "no schedule is called 'cycle'; known: cosine, early_peak",
        ),
        ({"labels": torch.zeros(3, dtype=torch.int64)}, "labels"),
        ({"held_out": torch.full((2, 1, 8, 8), torch.nan)}, "held_out"),
    ],
)
def test_a_wrong_argument_is_named(blobs, change, message):
    with pytest.raises(ValueError, match=message):
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


def test_one_cycle_rises_to_its_peak_and_falls_to_nearly_nothing(blobs):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    rates = []
    schedule = one_cycle()(optimiser, 100)
    for _ in range(100):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.3)
    assert rates[0] < 0.05
    assert rates[-1] < 1e-4


@pytest.mark.parametrize(("name", "peak_at"), [("one_cycle", 30), ("early_peak", 10)])
def test_the_peak_comes_after_the_share_of_steps_that_the_name_stands_for(name, peak_at):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = SCHEDULES[name](optimiser, 100)
    rates = []
    for _ in range(100):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert abs(rates.index(max(rates)) - peak_at) <= 1


@pytest.mark.parametrize("name", ["one_cycle", "early_peak"])
def test_a_cycle_of_any_length_stays_between_nothing_and_its_peak(name):
    for steps in range(1, 41):
        optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
        schedule = SCHEDULES[name](optimiser, steps)
        for _ in range(steps):
            assert 0 < optimiser.param_groups[0]["lr"] <= 0.3 + 1e-12
            optimiser.step()
            schedule.step()


def test_cosine_follows_the_closed_form():
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.2)
    schedule = cosine()(optimiser, 10)
    for step in range(10):
        expected = 0.1 * (1 + math.cos(math.pi * step / 10))
        assert optimiser.param_groups[0]["lr"] == pytest.approx(expected, abs=1e-12)
        optimiser.step()
        schedule.step()


def test_evaluate_does_not_depend_on_the_batch_size_and_keeps_the_mode(blobs):
    model = linear().train()
    whole = evaluate(model, blobs)
    assert whole["loss"] == pytest.approx(evaluate(model, blobs, batch_size=7)["loss"], rel=1e-6)
    assert model.training
    direct = (model(blobs).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert whole["loss"] == pytest.approx(direct.item(), rel=1e-6)


class Conditional(nn.Module):
    """Rebuilds an image from its label alone: the smallest conditional model."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(2, 64))

    def forward(self, x, y):
        return models.Output(x_hat=self.table[y].view(-1, 1, 8, 8), z=self.table[y][:, :1])


def test_labels_reach_a_conditional_model_in_the_order_of_their_images():
    labels = torch.arange(40) % 2
    images = labels.float().view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    history = quiet(Conditional(), images, labels=labels, epochs=60, lr=0.05)
    assert history.curve()[-1] < 1e-2


def test_an_unknown_term_is_named():
    with pytest.raises(KeyError, match=r"no training term 'kl'.*\['loss'\]"):
        History(train=[{"loss": 1.0}]).curve("kl")


# What fit asks of a model, a loss, an optimiser and a schedule


def squared(output, x):
    return (output.x_hat - x).square().flatten(1).sum(1)


def in_meta():
    with torch.device("meta"):
        return linear()


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
    "a string": ({"model": "linear"}, "model must be a torch.nn.Module, got str"),
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
    "a class for a loss": ({"loss": Elbo}, r"loss is the class Elbo: make one, loss=Elbo\(\)"),
    "a number for a loss": (
        {"loss": 3},
        "loss must be a name or a callable .*got int; names: bern",
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
        "returned Output, and .*is the model a classifier",
    ),
    "a classifier as autoencoder": (
        {"model": nn.Sequential(nn.Flatten(), nn.Linear(64, 10))},
        "returned Tensor.*x_hat",
    ),
    "a class too many": (
        {
            "model": nn.Sequential(nn.Flatten(), nn.Linear(64, 9)),
            "loss": "cross_entropy",
            "labels": TEN,
        },
        "labels go up to 9.*9 classes",
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
    "a plateau": ({"schedule": plateau}, "ReduceLROnPlateau waits for a measured loss"),
    "lr as a string": ({"lr": "1e-3"}, "lr is '1e-3'; expected a positive number"),
    "lr as true": ({"lr": True}, "lr is True"),
    "a seed with a fraction": ({"seed": 2.5}, "seed must be a whole number"),
    "a seed as a string": ({"seed": "3"}, "seed must be a whole number"),
    "a negative seed": ({"seed": -1}, "seed must be at least 0"),
    "a huge seed": ({"seed": 2**70}, r"seed must be at most 2\*\*63 - 1"),
    "epochs as a string": ({"epochs": "3"}, "epochs is '3'; expected a whole number"),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"peak": -0.01}, "peak is -0.01; expected a rate above 0"),
        ({"peak": math.inf}, "peak is inf"),
        ({"peak": "0.1"}, "peak is '0.1'"),
        ({"warm_up": 1.0}, "warm_up is 1.0; expected a share"),
        ({"warm_up": 0.0}, "warm_up is 0.0"),
        ({"warm_up": math.nan}, "warm_up is nan"),
    ],
)
def test_a_cycle_with_impossible_numbers_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        one_cycle(**arguments)


def test_other_terms_may_be_plain_numbers(blobs):
    history = quiet(linear(), blobs, loss=lambda o, x: {"loss": squared(o, x).mean(), "n": len(x)})
    assert history.curve("n") == [16.0] * 3


def test_it_trains_inside_no_grad_and_from_evaluation_mode(blobs):
    usual, inside = linear(), linear().eval()
    quiet(usual, blobs)
    with torch.no_grad():
        quiet(inside, blobs)
        assert not torch.is_grad_enabled()
    assert torch.equal(weights(usual), weights(inside))
    assert inside.training


def test_dropout_is_at_work_in_training_also_for_a_model_in_evaluation_mode(blobs):
    def model():
        torch.manual_seed(0)
        return models.Autoencoder(
            nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 2)),
            nn.Sequential(nn.Linear(2, 64), nn.Unflatten(1, (1, 8, 8))),
            sigmoid=False,
        )

    modes = []
    watched = model().eval()
    watched.encoder[1].register_forward_pre_hook(lambda part, _: modes.append(part.training))
    quiet(watched, blobs, epochs=1, held_out=blobs[:4])
    assert modes == [True] * 4 + [False]


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


def test_a_model_in_double_precision_is_given_such_images(blobs):
    model = linear().double()
    history = quiet(model, blobs, epochs=1, batch_size=64, lr=1e-12)
    expected = (linear().double()(blobs.double()).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert history.curve()[0] == pytest.approx(expected.item(), rel=1e-12)
    assert evaluate(model, blobs)["loss"] == pytest.approx(expected.item(), rel=1e-9)


# A batch of one


@pytest.mark.parametrize(
    ("images", "batch", "sizes"),
    [
        (129, 128, [129]),
        (33, 16, [16, 17]),
        (34, 16, [16, 16, 2]),
        (32, 16, [16, 16]),
        (1, 16, [1]),
        (3, 1, [1, 1, 1]),
        (5, 2, [2, 3]),
    ],
)
def test_an_image_left_alone_joins_the_batch_before_it(images, batch, sizes):
    seen = []

    def watch(output, x):
        seen.append(len(x))
        return {"loss": squared(output, x).mean()}

    x = torch.rand(images, 1, 8, 8)
    quiet(linear(), x, loss=watch, batch_size=batch, epochs=1)
    assert seen == sizes
    assert steps_an_epoch(images, batch) == len(sizes)
    seen.clear()
    evaluate(linear(), x, watch, batch_size=batch)
    assert seen == sizes


def test_the_rate_of_a_schedule_ends_at_its_end_when_batches_are_joined():
    made = []

    def schedule(optimiser, steps):
        made.append(cosine()(optimiser, steps))
        return made[0]

    quiet(linear(), torch.rand(33, 1, 8, 8), schedule=schedule, epochs=4)
    assert made[0].get_last_lr() == [0.0]


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        (lambda: linear(), {"loss": "mmd"}),
        (
            lambda: models.build("noisy-mlp", latent=2, size=8, variance=0.1),
            {"loss": "mmd"},
        ),
        (
            lambda: models.Autoencoder(
                nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4)),
                nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8))),
                sigmoid=False,
            ),
            {},
        ),
    ],
    ids=["mmd", "noise", "batch norm"],
)
def test_what_needs_two_images_trains_on_any_number_of_them(model, arguments):
    images = torch.rand(129, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    history = quiet(model(), images, batch_size=128, held_out=images, **arguments)
    assert history.epochs == 3
    assert math.isfinite(evaluate(model(), images, batch_size=128, **arguments)["loss"])


def test_points_in_a_channel_train_on_one_point_too_many():
    points = torch.rand(201, 1, 1, 3)
    model = models.build("noisy-points", latent=2, snr=10.0)
    assert quiet(model, points, batch_size=200).epochs == 3


# Evaluation


def test_evaluate_puts_each_part_back_into_its_mode_whatever_happens(blobs):
    model = conv_vae().train()
    model.encoder[0].eval()
    modes = [part.training for part in model.modules()]

    def fails(output, x):
        raise RuntimeError("no loss today")

    with pytest.raises(RuntimeError, match="no loss today"):
        evaluate(model, blobs, fails)
    assert [part.training for part in model.modules()] == modes
    evaluate(model, blobs, "elbo")
    assert [part.training for part in model.modules()] == modes


def conv_vae():
    return models.build("conv-vae", latent=2, size=8, seed=0)


def test_evaluate_measures_a_fitted_pca(blobs):
    pca = models.PCA(2, size=8).fit(blobs)
    expected = (pca(blobs).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert evaluate(pca, blobs)["loss"] == pytest.approx(expected.item(), abs=1e-6)
    with pytest.raises(RuntimeError, match=r"call fit\(images\) first"):
        evaluate(models.PCA(2, size=8), blobs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": torch.zeros(3, dtype=torch.int64), "loss": "cross_entropy"}, "each of the 64"),
        ({"labels": TEN}, "takes none"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.0}, "batch_size is 2.0"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"loss": Elbo}, "loss is the class Elbo"),
        ({"loss": "l2"}, "no loss is called 'l2'"),
        ({"loss": lambda output, x: squared(output, x)}, "returned a tensor"),
        ({"loss": "mmd", "batch_size": 1}, "needs batch_size=2"),
    ],
)
def test_evaluate_names_a_wrong_argument(blobs, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        evaluate(linear(), blobs, **arguments)
    with pytest.raises(TypeError, match="model is the class"):
        evaluate(models.PCA, blobs)


# Looking on, and coming to an early end


def draws(epoch, history, model):
    torch.rand(epoch)


def leaves_evaluation_mode(epoch, history, model):
    model.eval()


def switches_gradients_off(epoch, history, model):
    torch.set_grad_enabled(False)


def spoils_the_history(epoch, history, model):
    history.train.clear()
    history.seconds.append(0.0)


def leaves_gradients(epoch, history, model):
    model.eval()  # or it would move the running statistics
    model(torch.rand(4, 1, 8, 8)).x_hat.sum().backward()


@pytest.mark.parametrize(
    "on_epoch",
    [draws, leaves_evaluation_mode, switches_gradients_off, spoils_the_history, leaves_gradients],
)
def test_looking_on_changes_nothing(blobs, tmp_path, on_epoch):
    usual, watched, resumed = conv_vae(), conv_vae(), conv_vae()
    arguments = {"loss": "elbo", "held_out": blobs[:8]}
    whole = quiet(usual, blobs, **arguments)
    history = quiet(watched, blobs, on_epoch=on_epoch, **arguments)
    assert (history.train, history.held_out) == (whole.train, whole.held_out)
    assert len(history.seconds) == 3
    assert torch.equal(weights(watched), weights(usual))
    assert all(part.training for part in watched.modules())
    assert torch.is_grad_enabled()
    # A run that was resumed half-way, without the first calls, is the same again.
    path = tmp_path / "run.ckpt"
    quiet(conv_vae(), blobs, epochs=1, checkpoint=path, on_epoch=on_epoch, **arguments)
    quiet(resumed, blobs, checkpoint=path, on_epoch=on_epoch, **arguments)
    assert torch.equal(weights(resumed), weights(usual))


def moves_running_statistics(epoch, history, model):
    model(torch.rand(4, 1, 8, 8))


def changes_weights(epoch, history, model):
    with torch.no_grad():
        next(model.parameters()).mul_(2)


def freezes(epoch, history, model):
    next(model.parameters()).requires_grad_(False)


@pytest.mark.parametrize("on_epoch", [moves_running_statistics, changes_weights, freezes])
def test_what_a_callback_does_to_the_model_is_put_back_and_said(blobs, on_epoch):
    usual, watched = conv_vae(), conv_vae()
    quiet(usual, blobs, loss="elbo")
    with pytest.warns(CallbackWarning, match=r"on_epoch changed the model \(.*put back"):
        quiet(watched, blobs, loss="elbo", on_epoch=on_epoch)
    for name, tensor in usual.state_dict().items():
        assert torch.equal(tensor, watched.state_dict()[name]), name
    assert all(p.requires_grad for p in watched.parameters())


@pytest.mark.parametrize("where", ["loss", "on_epoch"])
def test_an_exception_carries_the_finished_epochs(blobs, where):
    calls = iter(range(100))

    def loss(output, x):
        if where == "loss" and next(calls) == 12:  # five calls an epoch: in the third
            raise ZeroDivisionError("mine")
        return {"loss": squared(output, x).mean()}

    def on_epoch(epoch, history, model):
        if where == "on_epoch" and epoch == 2:
            raise ZeroDivisionError("mine")

    whole = quiet(linear(), blobs, epochs=2).curve()
    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        quiet(linear(), blobs, epochs=5, loss=loss, on_epoch=on_epoch, held_out=blobs[:4])
    history = caught.value.history
    assert history.curve() == whole
    assert len(history.held_out) == len(history.seconds) == history.epochs == 2
    assert not history.interrupted


def presses_ctrl_c(at):
    calls = iter(range(1000))

    def loss(output, x):
        if next(calls) == at:
            raise KeyboardInterrupt
        return {"loss": squared(output, x).mean()}

    return loss


def test_ctrl_c_returns_the_finished_epochs_and_says_so(blobs):
    with pytest.warns(InterruptedWarning, match="interrupted: 2 of 5 epochs are finished. The mod"):
        history = quiet(linear(), blobs, epochs=5, loss=presses_ctrl_c(at=9))
    assert history.interrupted
    assert history.curve() == quiet(linear(), blobs, epochs=2).curve()
    assert not quiet(linear(), blobs).interrupted


def test_ctrl_c_while_measuring_leaves_no_half_an_epoch(blobs):
    with pytest.warns(InterruptedWarning, match="1 of 5"):  # five calls an epoch: in the second's
        history = quiet(linear(), blobs, epochs=5, loss=presses_ctrl_c(at=9), held_out=blobs[:4])
    assert len(history.train) == len(history.held_out) == len(history.seconds) == 1


def test_a_real_ctrl_c_ends_training_and_not_the_script(tmp_path):
    script = textwrap.dedent(
        """
        import torch
        from aeteach import models
        from aeteach.training import fit
        images = torch.rand(64, 1, 8, 8)
        tell = lambda epoch, history, model: print("epoch", epoch, flush=True)
        history = fit(models.build("linear", size=8), images, epochs=10**6, batch_size=1,
                      progress=False, on_epoch=tell)
        print("interrupted", history.interrupted, history.epochs > 0)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "epoch 1\n"
        process.send_signal(signal.SIGINT)
        *_, last = process.stdout.read().splitlines()
    assert process.returncode == 0
    assert last == "interrupted True True"


def test_ctrl_c_raises_where_a_half_trained_model_must_not_be_used(blobs):
    with pytest.raises(KeyboardInterrupt), interrupts_raise():
        quiet(linear(), blobs, loss=presses_ctrl_c(at=9))
    with pytest.warns(InterruptedWarning):
        quiet(linear(), blobs, loss=presses_ctrl_c(at=9))


# Other devices; there is none here, so they are played


class OtherBackend:
    """A second torch.cuda with two devices; it knows which one it was asked about."""

    def __init__(self):
        self.states = {"cuda:0": torch.zeros(1), "cuda:1": torch.ones(1)}
        self.asked = []

    def get_rng_state(self, device):
        self.asked.append(str(device))
        return self.states[str(device)]

    def set_rng_state(self, state, device):
        self.asked.append(str(device))
        self.states[str(device)] = state


def test_the_generator_of_the_models_own_device_is_kept_and_no_other(monkeypatch):
    backend, device = OtherBackend(), torch.device("cuda:1")
    monkeypatch.setattr(torch, "get_device_module", lambda device: backend)
    with _random.random_state_kept(device):
        _random.set_random_state(
            device, {"cpu": torch.get_rng_state(), "cuda": torch.full((1,), 7)}
        )
        assert backend.states["cuda:1"] == 7
    assert backend.states == {"cuda:0": torch.zeros(1), "cuda:1": torch.ones(1)}
    assert set(backend.asked) == {"cuda:1"}


def test_apples_gpu_is_asked_without_a_number(monkeypatch):
    class Mps:
        def get_rng_state(self):
            return torch.zeros(1)

        def set_rng_state(self, state):
            self.state = state

    backend = Mps()
    monkeypatch.setattr(torch, "get_device_module", lambda device: backend)
    with _random.random_state_kept(torch.device("mps")):
        pass
    assert torch.equal(backend.state, torch.zeros(1))


def test_seeding_the_cpu_is_what_torch_does():
    state = torch.get_rng_state()
    try:
        torch.manual_seed(11)
        expected = torch.rand(5)
        _random.seed_all(11, torch.device("cpu"))
        assert torch.equal(torch.rand(5), expected)
    finally:
        torch.set_rng_state(state)


class OnMps:
    """A tensor as Apple's GPU has it: it has no double precision."""

    device = torch.device("mps")

    def detach(self):
        return self

    def cpu(self):
        return torch.tensor(0.1)

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")


def test_sums_are_in_double_precision_where_there_is_one():
    assert loop._exact(OnMps()).dtype == torch.float64
    assert loop._exact(torch.tensor(0.1)).item() == torch.tensor(0.1).double().item()


def test_adam_takes_one_kernel_only_where_there_is_one():
    assert adam(linear().parameters(), 1e-3).defaults["fused"]
    assert not adam(in_meta().parameters(), 1e-3).defaults["fused"]
