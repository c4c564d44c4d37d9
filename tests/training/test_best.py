"""Early stopping, gradient clipping, and a rate that waits for the held-out loss."""

import pytest
import torch

from aeteach.training import InterruptedWarning, evaluate
from tests.training.helpers import linear, quiet, weights

NOISE = torch.rand(24, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def noisy(**more):
    return linear(latent=8, **more)


def wandering(model, **more):
    """Train on noise: the loss on other noise goes down at first, then up and down."""
    return quiet(model, NOISE[8:], held_out=NOISE[:8], **({"batch_size": 8, "lr": 0.03} | more))


def test_the_model_ends_with_the_weights_of_its_best_epoch():
    plain, model, seen = noisy(), noisy(), {}
    every = wandering(
        plain, epochs=30, on_epoch=lambda n, _, m: seen.update({n: weights(m).clone()})
    )
    history = wandering(model, epochs=30, patience=2)
    losses = every.curve(held_out=True)
    best = min(range(30), key=losses.__getitem__)
    stop = next(
        n for n in range(1, 31) if n - 1 - min(range(n), key=losses.__getitem__) >= 2 or n == 30
    )
    assert history.epochs == stop < 30
    assert history.curve(held_out=True) == losses[:stop]
    best = min(range(stop), key=losses.__getitem__)
    assert history.best_epoch == best + 1 < stop
    assert torch.equal(weights(model), seen[best + 1])
    assert evaluate(model, NOISE[:8])["loss"] == losses[best]


def test_without_an_end_of_patience_the_best_weights_come_back_too():
    model = noisy()
    history = wandering(model, epochs=30, patience=30)
    assert history.epochs == 30
    assert history.best_epoch < 30
    assert evaluate(model, NOISE[:8])["loss"] == min(history.curve(held_out=True))


def test_without_held_out_images_there_is_no_best_epoch(blobs):
    assert quiet(linear(), blobs).best_epoch is None


@pytest.mark.parametrize("after", [1, 3, 6])
def test_a_killed_run_with_patience_resumes_to_the_same_end(tmp_path, after):
    def stop(now, history, model):
        if now == after:
            raise KeyboardInterrupt

    arguments = {"epochs": 30, "patience": 2}
    through, killed, resumed = noisy(), noisy(), noisy()
    whole = wandering(through, **arguments)
    arguments["checkpoint"] = tmp_path / "run.ckpt"
    with pytest.warns(InterruptedWarning):
        wandering(killed, on_epoch=stop, **arguments)
    for _ in range(2):  # and a run that has ended is at its end at once, from either model
        assert wandering(resumed, **arguments).curve() == whole.curve()
        assert torch.equal(weights(resumed), weights(through))


def test_another_patience_is_another_run(tmp_path):
    path = tmp_path / "run.ckpt"
    wandering(noisy(), epochs=2, patience=2, checkpoint=path)
    with pytest.raises(ValueError, match="patience: 2 there, 5 here"):
        wandering(noisy(), epochs=2, patience=5, checkpoint=path)
    with pytest.raises(ValueError, match="clip_grad_norm: none there, 1"):
        wandering(noisy(), epochs=2, patience=2, clip_grad_norm=1.0, checkpoint=path)


def test_a_long_gradient_is_shortened_and_a_short_one_is_left(blobs):
    step = {"epochs": 1, "batch_size": 64, "lr": 1.0, "optimiser": torch.optim.SGD}
    free, short, left = linear(), linear(), linear()
    before = weights(free).clone()
    quiet(free, blobs, **step)
    length = float((weights(free) - before).norm())
    quiet(short, blobs, clip_grad_norm=length / 3, **step)
    moved = weights(short) - before
    torch.testing.assert_close(moved, (weights(free) - before) / 3, rtol=1e-4, atol=1e-6)
    quiet(left, blobs, clip_grad_norm=length * 3, **step)
    assert torch.equal(weights(left), weights(free))


def test_a_rate_that_waits_is_lowered_where_the_held_out_loss_stays():
    rates, losses = [], []

    def plateau(optimiser, steps):
        made = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=1)
        plateau.optimiser = optimiser
        return made

    def look(now, history, model):
        rates.append(plateau.optimiser.param_groups[0]["lr"])

    history = wandering(noisy(), epochs=25, schedule=plateau, on_epoch=look)
    losses = history.curve(held_out=True)
    alone = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.03)
    same = torch.optim.lr_scheduler.ReduceLROnPlateau(alone, factor=0.5, patience=1)
    for loss, rate in zip(losses, rates, strict=True):
        same.step(loss)
        assert rate == alone.param_groups[0]["lr"]
    assert rates[-1] < rates[0]
