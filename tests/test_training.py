import math
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.training import (
    SCHEDULES,
    History,
    NonFiniteLossError,
    cosine,
    evaluate,
    fit,
    one_cycle,
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


@pytest.mark.parametrize("schedule", [None, "one_cycle", "cosine"])
def test_a_run_resumed_from_its_checkpoint_equals_one_that_ran_through(blobs, tmp_path, schedule):
    through, killed, resumed = linear(), linear(), linear(seed=9)
    arguments = {"epochs": 6, "schedule": schedule, "checkpoint": tmp_path / "run.ckpt"}
    whole = quiet(through, blobs, epochs=6, schedule=schedule)

    def kill(epoch, history, model):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quiet(killed, blobs, on_epoch=kill, **arguments)
    history = quiet(resumed, blobs, **arguments)
    assert history.curve() == whole.curve()
    assert torch.equal(weights(resumed), weights(through))


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path):
    script = textwrap.dedent(
        """
        import os, signal, sys, torch
        from aeteach import models
        from aeteach.training import fit
        def kill(epoch, history, model):
            if epoch == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        images = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        die = kill if sys.argv[2] == "die" else None
        history = fit(models.build("linear", size=8), images, epochs=4, progress=False,
                      checkpoint=sys.argv[1], on_epoch=die)
        print(history.curve())
        """
    )

    def run(name, how):
        return subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / name), how],
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("a", "die").returncode == -9
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]
    assert run("a", "live").stdout == run("b", "live").stdout != ""


def test_a_checkpoint_of_another_run_is_refused_and_kept(blobs, tmp_path):
    path = tmp_path / "run.ckpt"
    quiet(linear(), blobs, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"belongs to another run.*Give another file"):
        quiet(linear(), blobs, checkpoint=path, lr=0.5)
    with pytest.raises(ValueError, match="belongs to another run"):
        quiet(linear(), blobs * 0.5, checkpoint=path)
    assert path.read_bytes() == before


def test_a_longer_run_continues_a_finished_one_when_the_rate_is_constant(blobs, tmp_path):
    short, long = linear(), linear()
    quiet(short, blobs, epochs=2, checkpoint=tmp_path / "run.ckpt")
    assert quiet(short, blobs, epochs=5, checkpoint=tmp_path / "run.ckpt").epochs == 5
    quiet(long, blobs, epochs=5)
    assert torch.equal(weights(short), weights(long))


def test_a_truncated_checkpoint_is_named(blobs, tmp_path):
    path = tmp_path / "run.ckpt"
    quiet(linear(), blobs, checkpoint=path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"run\.ckpt cannot be read"):
        quiet(linear(), blobs, checkpoint=path)


def test_a_full_disk_keeps_the_last_checkpoint(blobs, tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    quiet(linear(), blobs, epochs=2, checkpoint=path)
    before = path.read_bytes()

    def full(state, file):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        quiet(linear(), blobs, epochs=3, checkpoint=path)
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]
    assert path.read_bytes() == before


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
