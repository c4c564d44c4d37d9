import math
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.training import (
    CallbackWarning,
    InterruptedWarning,
    NonFiniteLossError,
    cosine,
    evaluate,
    interrupts_raise,
    steps_an_epoch,
)
from tests.training.helpers import Conditional, conv_vae, linear, quiet, squared, weights


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


def test_evaluate_does_not_depend_on_the_batch_size_and_keeps_the_mode(blobs):
    model = linear().train()
    whole = evaluate(model, blobs)
    assert whole["loss"] == pytest.approx(evaluate(model, blobs, batch_size=7)["loss"], rel=1e-6)
    assert model.training
    direct = (model(blobs).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert whole["loss"] == pytest.approx(direct.item(), rel=1e-6)


def test_labels_reach_a_conditional_model_in_the_order_of_their_images():
    labels = torch.arange(40) % 2
    images = labels.float().view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()
    history = quiet(Conditional(), images, labels=labels, epochs=60, lr=0.05)
    assert history.curve()[-1] < 1e-2


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


def test_a_model_in_double_precision_is_given_such_images(blobs):
    model = linear().double()
    history = quiet(model, blobs, epochs=1, batch_size=64, lr=1e-12)
    expected = (linear().double()(blobs.double()).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert history.curve()[0] == pytest.approx(expected.item(), rel=1e-12)
    assert evaluate(model, blobs)["loss"] == pytest.approx(expected.item(), rel=1e-9)


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


@pytest.mark.parametrize(("images", "batch"), [(1, 16), (4, 1)])
def test_batch_normalisation_of_one_image_is_named(images, batch):
    model = models.Autoencoder(
        nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4)),
        nn.Sequential(nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8))),
        sigmoid=False,
    )
    with pytest.raises(ValueError, match=rf"there are {images} and {batch}"):
        quiet(model, torch.rand(images, 1, 8, 8), batch_size=batch)


def test_points_in_a_channel_train_on_one_point_too_many():
    points = torch.rand(201, 1, 1, 3)
    model = models.build("noisy-points", latent=2, snr=10.0)
    assert quiet(model, points, batch_size=200).epochs == 3


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


def test_evaluate_measures_a_fitted_pca(blobs):
    pca = models.PCA(2, size=8).fit(blobs)
    expected = (pca(blobs).x_hat - blobs).square().flatten(1).sum(1).mean()
    assert evaluate(pca, blobs)["loss"] == pytest.approx(expected.item(), abs=1e-6)
    with pytest.raises(ValueError, match=r"the model, a PCA, .*call fit\(images\) first"):
        evaluate(models.PCA(2, size=8), blobs)


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


def test_a_number_that_is_nan_is_not_taken_for_a_changed_one(blobs):
    model = linear()
    model.register_buffer("unused", torch.tensor(math.nan))
    assert quiet(model, blobs, epochs=1, on_epoch=lambda *_: None).epochs == 1  # without a warning


def test_labels_are_refused_by_a_model_and_a_loss_that_take_none(blobs):
    labels = torch.zeros(len(blobs), dtype=torch.int64)
    with pytest.raises(TypeError, match=r"labels came and .* takes none"):
        evaluate(linear(), blobs, labels=labels)


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
        ["env", "--default-signal=INT", sys.executable, "-W", "ignore", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
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


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_batch_is_laid_out_in_memory_as_the_images_are(layout):
    seen = []
    model = models.build("conv", latent=2, size=8, seed=0)
    model.register_forward_pre_hook(lambda _, told: seen.append(told[0]))
    images = torch.rand(6, 3, 8, 8).to(memory_format=layout)
    with pytest.raises(ValueError, match="x must be"):
        quiet(model, images, epochs=1)
    assert seen[0].is_contiguous(memory_format=layout)
