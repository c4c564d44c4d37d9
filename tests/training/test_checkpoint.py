"""Checkpoints: what resumes, what is refused and why, and what is never lost."""

import errno
import functools
import os
import random
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo, MmdLoss, SquaredError, WithWeightPenalty
from aeteach.training import CheckpointError, InterruptedWarning, cosine, one_cycle
from aeteach.training import checkpoint as module
from tests.training.helpers import conv_vae, linear, quiet, weights


def stop_after(epoch):
    def on_epoch(now, history, model):
        if now == epoch:
            raise KeyboardInterrupt

    return on_epoch


def interrupted(model, images, after, **arguments):
    with pytest.warns(InterruptedWarning):
        return quiet(model, images, on_epoch=stop_after(after), **arguments)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


# A run that was stopped equals one that was not


@pytest.mark.parametrize("schedule", [None, "one_cycle", "cosine"])
def test_a_run_resumed_from_its_checkpoint_equals_one_that_ran_through(blobs, path, schedule):
    through, killed, resumed = linear(), linear(), linear()
    arguments = {"epochs": 6, "schedule": schedule, "checkpoint": path}
    whole = quiet(through, blobs, epochs=6, schedule=schedule)
    assert interrupted(killed, blobs, 3, **arguments).epochs == 3
    history = quiet(resumed, blobs, **arguments)
    assert history.curve() == whole.curve()
    assert torch.equal(weights(resumed), weights(through))


def test_a_model_that_draws_and_has_running_statistics_resumes_bit_for_bit(blobs, path):
    arguments = {"loss": "elbo", "epochs": 4, "held_out": blobs[:8], "schedule": "one_cycle"}
    through, stopped, resumed = conv_vae(), conv_vae(), conv_vae()
    whole = quiet(through, blobs, **arguments)
    for after in (1, 3):
        interrupted(stopped, blobs, after, checkpoint=path, **arguments)
        stopped = conv_vae()
    history = quiet(resumed, blobs, checkpoint=path, **arguments)
    assert (history.train, history.held_out) == (whole.train, whole.held_out)
    for name, tensor in through.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


@pytest.mark.slow
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


@pytest.mark.parametrize(
    "schedule", [None, lambda opt, steps: torch.optim.lr_scheduler.StepLR(opt, 3)]
)
def test_more_epochs_go_on_unless_the_schedule_is_laid_out_over_them(blobs, path, schedule):
    short, long = linear(), linear()
    quiet(short, blobs, epochs=2, schedule=schedule, checkpoint=path)
    # The model is as the checkpoint has it, as after a first call in a notebook.
    assert quiet(short, blobs, epochs=5, schedule=schedule, checkpoint=path).epochs == 5
    quiet(long, blobs, epochs=5, schedule=schedule)
    assert torch.equal(weights(short), weights(long))


# A loss of one's own, in another process

LOSSES = textwrap.dedent(
    """
    import functools, sys, torch
    from dataclasses import dataclass
    from torch import nn
    from aeteach import models
    from aeteach.training import fit

    SCALE = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0

    def error(output, x):
        return (output.x_hat - x).square().flatten(1).sum(1).mean()

    def function(output, x):
        return {"loss": SCALE * error(output, x)}

    def weighted(output, x, weight=1.0):
        return {"loss": weight * error(output, x)}

    def closure(weight):
        def loss(output, x):
            return {"loss": weight * error(output, x)}
        return loss

    @dataclass
    class Own:
        weight: float
        def __call__(self, output, x):
            return {"loss": self.weight * error(output, x)}
        def method(self, output, x):
            return self(output, x)

    class Module(nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.register_buffer("weight", torch.tensor(weight))
        def forward(self, output, x):
            return {"loss": self.weight * error(output, x)}

    def kinds(scale):
        return {
            "function": function,
            "lambda": lambda output, x: {"loss": scale * error(output, x)},
            "partial": functools.partial(weighted, weight=scale),
            "default": lambda output, x, w=scale: {"loss": w * error(output, x)},
            "method": Own(scale).method,
            "object": Own(scale),
            "closure": closure(torch.tensor(scale)),
            "module": Module(scale),
        }

    images = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    epochs = int(sys.argv[1])
    for name, loss in kinds(SCALE).items():
        model = models.build("linear", size=8)
        try:
            history = fit(model, images, loss=loss, epochs=epochs, progress=False,
                          checkpoint=f"{sys.argv[2]}/{name}")
            print(name, history.curve())
        except ValueError as error_:
            print(name, "refused:", str(error_).splitlines()[0].split("differs in ")[1])
    """
)
KINDS = ["function", "lambda", "partial", "default", "method", "object", "closure", "module"]


@pytest.fixture(scope="module")
def run_losses(tmp_path_factory):
    script = tmp_path_factory.mktemp("losses") / "train.py"
    script.write_text(LOSSES)

    def run(epochs, folder, *scale, hash_seed="0", text=None):
        if text is not None:
            script.write_text(text)
        done = subprocess.run(
            [sys.executable, str(script), str(epochs), str(folder), *scale],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        )
        script.write_text(LOSSES)
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())

    return run


@pytest.mark.slow
def test_a_loss_of_ones_own_resumes_in_a_new_process_and_another_is_refused(tmp_path, run_losses):
    (tmp_path / "through").mkdir()
    (tmp_path / "killed").mkdir()
    through = run_losses(4, tmp_path / "through")
    run_losses(2, tmp_path / "killed", hash_seed="1")
    # Other comments and other lines are no other run.
    moved = LOSSES.replace("def error(", "# The squared error.\n\n\ndef error(")
    assert run_losses(4, tmp_path / "killed", hash_seed="2", text=moved) == through
    assert list(through) == KINDS
    # Another value anywhere, in a global, a default, a closure or an attribute, is another run.
    other = run_losses(4, tmp_path / "killed", "2.0")
    for kind in KINDS:
        assert other[kind].startswith("refused: loss"), kind
    assert "loss.globals.SCALE: 1.0 there, 2.0 here" in other["function"]
    assert "loss.keywords.weight: 1.0 there, 2.0 here" in other["partial"]
    assert "loss.defaults[0]: 1.0 there, 2.0 here" in other["default"]
    assert "loss.closure.scale: 1.0 there, 2.0 here" in other["lambda"]
    assert "loss.weight: 1.0 there, 2.0 here" in other["object"]
    assert "loss.of.weight: 1.0 there, 2.0 here" in other["method"]
    assert "loss.closure.weight: other values" in other["closure"]
    # So is other code, in the loss or in what it calls.
    code = run_losses(4, tmp_path / "killed", text=LOSSES.replace(".square()", ".abs()"))
    for kind in KINDS:
        assert code[kind].startswith("refused: loss"), kind
    assert "loss.globals.error: other code" in code["function"]


# What makes it another run


def batch_norm(seed=0, momentum=0.1):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = [nn.Flatten(), nn.BatchNorm1d(64, momentum=momentum), nn.Linear(64, 64)]
        return models.Autoencoder(nn.Sequential(*body), nn.Unflatten(1, (1, 8, 8)), sigmoid=False)


def frozen():
    model = batch_norm()
    model.encoder[1].requires_grad_(False)
    return model


def changed_image(x):
    x = x.clone()
    x[37, 0, 3, 3] += 1 / 255
    return x


LABELS = torch.arange(64) % 3
CHANGES = {
    "one pixel of one image": (
        lambda a: a | {"images": changed_image(a["images"])},
        "images: other values",
    ),
    "192 of 256 images": (
        lambda a: a | {"images": torch.cat([a["images"][:16], a["images"][:48]])},
        "images: other values",
    ),
    "fewer images": (
        lambda a: a | {"images": a["images"][:32], "labels": LABELS[:32]},
        r"images\.shape: float32 \(64, 1, 8, 8\) there, float32 \(32, 1, 8, 8\) here",
    ),
    "labels": (lambda a: a | {"labels": LABELS.flip(0)}, "labels: other values"),
    "held-out images added": (
        lambda a: a | {"held_out": a["images"][:4], "held_out_labels": LABELS[:4]},
        r"held_out: none there, float32 \(4, 1, 8, 8\) here",
    ),
    "another seed of the model": (
        lambda a: a | {"model": batch_norm(seed=1)},
        "the model's first weights: other values, as with another seed",
    ),
    "a setting of the model that has no weights": (
        lambda a: a | {"model": batch_norm(momentum=0.2)},
        r"model\.encoder\.1\.momentum: 0\.1 there, 0\.2 here",
    ),
    "frozen parameters": (
        lambda a: a | {"model": frozen()},
        r"frozen: \[\] there, \['encoder\.1\.weight', 'encoder\.1\.bias'\] here",
    ),
    "precision": (lambda a: a | {"model": batch_norm().double()}, r"dtype: torch\.float32 there"),
    "class of the optimiser": (
        lambda a: a | {"optimiser": torch.optim.AdamW},
        r"optimiser\.class: torch\.optim\.adam\.Adam there, torch\.optim\.adamw\.AdamW here",
    ),
    "settings of the optimiser": (
        lambda a: a | {"optimiser": functools.partial(torch.optim.Adam, weight_decay=0.5)},
        r"optimiser\.weight_decay: 0 there, 0\.5 here",
    ),
    "lr": (lambda a: a | {"lr": 0.5}, r"lr: 0\.001 there, 0\.5 here"),
    "batch_size": (lambda a: a | {"batch_size": 8}, "batch_size: 16 there, 8 here"),
    "seed": (lambda a: a | {"seed": 1}, "seed: 0 there, 1 here"),
    "a schedule added": (lambda a: a | {"schedule": cosine()}, "schedule: none there"),
    "another named loss": (
        lambda a: a | {"loss": "bernoulli"},
        r"loss\.class: .*SquaredError there",
    ),
}


def starting(blobs):
    return {
        "model": batch_norm(),
        "images": blobs,
        "labels": LABELS,
        "loss": LabelledError(),
        "optimiser": functools.partial(torch.optim.Adam, weight_decay=0),
        "epochs": 1,
    }


class LabelledError(SquaredError):
    """A loss that is given labels, and the model is not."""

    labelled = True

    def __call__(self, output, x, y):
        return super().__call__(output, x)


def run_with(arguments, path):
    arguments = dict(arguments)
    return quiet(arguments.pop("model"), arguments.pop("images"), checkpoint=path, **arguments)


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_makes_it_another_run_is_refused_in_two_lines_that_name_it(blobs, path, what):
    change, message = CHANGES[what]
    first = starting(blobs)
    if what == "another named loss":
        first |= {"loss": "squared_error", "labels": None}
    run_with(first, path)
    before = path.read_bytes()
    second = change({**first, "model": batch_norm()})
    with pytest.raises(CheckpointError, match=message) as caught:
        run_with(second, path)
    first_line, second_line = str(caught.value).splitlines()
    assert first_line.startswith(f"the checkpoint {path} belongs to another run, which differs in")
    assert second_line == "Give another checkpoint= path; this file is left as it is."
    assert len(first_line) < 500
    assert path.read_bytes() == before
    run_with({**first, "model": batch_norm()}, path)  # and the same run still goes on from it


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            one_cycle(peak=1e-2),
            one_cycle(peak=1.0),
            r"schedule.base_lrs\[0\]: 0.0004 there, 0.04 here",
        ),
        (one_cycle(), one_cycle(warm_up=0.5), "schedule._schedule_phases"),
        (one_cycle(), cosine(), r"schedule\.class: .*OneCycleLR there, .*CosineAnnealingLR here\."),
        (
            lambda opt, steps: torch.optim.lr_scheduler.LambdaLR(opt, lambda step: 0.9**step),
            lambda opt, steps: torch.optim.lr_scheduler.LambdaLR(opt, lambda step: 0.8**step),
            r"schedule.lr_lambdas\[0\]: other code",
        ),
        (
            lambda opt, steps: torch.optim.lr_scheduler.StepLR(opt, 3, gamma=0.5),
            lambda opt, steps: torch.optim.lr_scheduler.StepLR(opt, 3, gamma=0.6),
            "schedule.gamma: 0.5 there, 0.6 here",
        ),
        (
            lambda opt, steps: torch.optim.lr_scheduler.SequentialLR(
                opt, [torch.optim.lr_scheduler.ConstantLR(opt, 0.5), cosine()(opt, steps)], [2]
            ),
            lambda opt, steps: torch.optim.lr_scheduler.SequentialLR(
                opt, [torch.optim.lr_scheduler.ConstantLR(opt, 0.4), cosine()(opt, steps)], [2]
            ),
            "schedule._schedulers",
        ),
    ],
    ids=["peak", "warm-up", "class", "function", "gamma", "sequence"],
)
def test_another_schedule_is_refused_and_the_same_resumes(blobs, path, one, other, message):
    through, stopped = linear(), linear()
    quiet(through, blobs, schedule=one)
    interrupted(stopped, blobs, 1, schedule=one, checkpoint=path)
    with pytest.raises(CheckpointError, match=message):
        quiet(linear(), blobs, schedule=other, checkpoint=path)
    resumed = linear()
    quiet(resumed, blobs, schedule=one, checkpoint=path)
    assert torch.equal(weights(resumed), weights(through))


def test_another_number_of_epochs_under_a_schedule_is_named_first(blobs, path):
    quiet(linear(), blobs, epochs=2, schedule="one_cycle", checkpoint=path)
    with pytest.raises(CheckpointError, match=r"differs in epochs: 2 there, 3 here, and the sche"):
        quiet(linear(), blobs, epochs=3, schedule="one_cycle", checkpoint=path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Elbo(beta=1.0), Elbo(beta=2.0)),
        (Elbo(), Elbo(free_bits=0.1)),
        (MmdLoss(), MmdLoss(bandwidth=1.0)),
    ],
)
def test_a_loss_of_the_package_with_other_numbers_is_refused(blobs, path, one, other):
    quiet(conv_vae(), blobs, loss=one, epochs=1, checkpoint=path)
    with pytest.raises(CheckpointError, match="differs in loss"):
        quiet(conv_vae(), blobs, loss=other, epochs=1, checkpoint=path)


def test_a_loss_that_holds_the_model_resumes_though_its_weights_change(blobs, path):
    def run(model, after=None, **arguments):
        loss = WithWeightPenalty(SquaredError(), model, 1e-3)
        if after:
            return interrupted(model, blobs, after, loss=loss, **arguments)
        return quiet(model, blobs, loss=loss, **arguments)

    model = linear()
    run(model, after=1, checkpoint=path)
    assert run(model, checkpoint=path).train == run(linear()).train
    with pytest.raises(CheckpointError, match=r"loss\.strength: 0\.001 there"):
        quiet(model, blobs, loss=WithWeightPenalty(SquaredError(), model, 0.1), checkpoint=path)


def test_a_name_and_the_loss_that_it_stands_for_are_the_same_run(blobs, path):
    quiet(linear(), blobs, loss="squared_error", epochs=1, checkpoint=path)
    assert quiet(linear(), blobs, loss=SquaredError(), epochs=2, checkpoint=path).epochs == 2


def test_fewer_epochs_than_the_checkpoint_holds_are_refused(blobs, path):
    quiet(linear(), blobs, epochs=9, checkpoint=path)
    model = linear()
    before = weights(model).clone(), path.read_bytes()
    with pytest.raises(
        CheckpointError, match=r"holds 9 finished epochs, and 2 were asked for\.\nAsk for 9 or more"
    ):
        quiet(model, blobs, epochs=2, checkpoint=path)
    assert torch.equal(weights(model), before[0])
    assert path.read_bytes() == before[1]
    assert quiet(linear(), blobs, epochs=9, checkpoint=path).epochs == 9


# Files that are no good


def test_every_flipped_bit_and_every_truncation_is_found(blobs, path):
    quiet(linear(), blobs, epochs=1, checkpoint=path)
    good = path.read_bytes()
    chance = random.Random(0)
    flips = [(chance.randrange(len(good)), 1 << chance.randrange(8)) for _ in range(60)]
    flips += [(place, 1) for place in range(90)]  # the lines at the head
    for place, bit in flips:
        path.write_bytes(good[:place] + bytes([good[place] ^ bit]) + good[place + 1 :])
        with pytest.raises(CheckpointError, match=str(path)):
            quiet(linear(), blobs, epochs=1, checkpoint=path)
    for length in [0, 1, 20, 90, 200, len(good) // 2, len(good) - 1]:
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError, match=r"left as it is"):
            quiet(linear(), blobs, epochs=1, checkpoint=path)
        assert path.read_bytes() == good[:length]
    path.write_bytes(good)
    assert quiet(linear(), blobs, epochs=1, checkpoint=path).epochs == 1


def a_torch_file(path):
    torch.save({"model": {}}, path)


def a_version_ahead(path):
    path.write_bytes(b"aeteach checkpoint 99\nchecksum\nthe rest")


def a_long_first_line(path):
    path.write_bytes(b"aeteach checkpoint " + b"7" * 5000 + b"\nchecksum\nthe rest")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "was not written as a checkpoint"),
        (lambda path: path.write_text("notes\n"), "was not written as a checkpoint"),
        (a_torch_file, "not written as a checkpoint, or by a version before checksums"),
        (a_version_ahead, r"has format 99, and this version of aeteach reads \d: resume it with"),
        (a_long_first_line, r"has format 7{20}, and"),
        (
            lambda path: path.mkdir(),
            r"is a folder; expected the path of a file, such as .*run\.ckpt",
        ),
        (lambda path: path.symlink_to(path.name), r"cannot be read \(Too many levels"),
    ],
    ids=["empty", "text", "torch", "newer", "long", "folder", "circle"],
)
def test_a_foreign_file_is_named_and_kept(blobs, path, make, message):
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(CheckpointError, match=message) as caught:
        quiet(linear(), blobs, checkpoint=path)
    assert str(path) in str(caught.value)
    assert "delete" not in str(caught.value)
    assert path.is_dir() or path.is_symlink() or path.read_bytes() == before


def test_a_hostile_pickle_with_a_right_checksum_is_not_executed(blobs, path):
    import io

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {path}.executed",)

    inside = io.BytesIO()
    torch.save(Evil(), inside)
    path.write_bytes(module._with_checksum(inside.getvalue()))
    with pytest.raises(CheckpointError, match="cannot be read"):
        quiet(linear(), blobs, checkpoint=path)
    assert not path.with_name("run.ckpt.executed").exists()


@pytest.mark.parametrize("where", ["a file/run.ckpt", "a file/below/run.ckpt"])
def test_a_file_in_place_of_the_folder_is_said_before_the_first_step(blobs, tmp_path, where):
    (tmp_path / "a file").write_text("mine")
    model = linear()
    before = weights(model).clone()
    with pytest.raises((OSError, CheckpointError), match="a file"):
        quiet(model, blobs, checkpoint=tmp_path / where)
    assert torch.equal(weights(model), before)
    assert (tmp_path / "a file").read_text() == "mine"


def test_a_full_disk_keeps_the_last_checkpoint_and_names_file_and_disk(blobs, path, monkeypatch):
    quiet(linear(), blobs, epochs=2, checkpoint=path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=rf"No space left.*{path}.*The disk at /") as caught:
        quiet(linear(), blobs, epochs=4, checkpoint=path)
    assert caught.value.history.epochs == 3
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"]
    assert path.read_bytes() == before


def test_a_checkpoint_that_is_a_link_stays_one(blobs, tmp_path):
    real, link = tmp_path / "real.ckpt", tmp_path / "link.ckpt"
    link.symlink_to(real)
    quiet(linear(), blobs, epochs=1, checkpoint=link)
    assert link.is_symlink()
    assert quiet(linear(), blobs, epochs=2, checkpoint=real).epochs == 2


def test_a_state_that_cannot_be_stored_is_said_before_the_first_step(blobs, path):
    class Odd(torch.optim.SGD):
        def state_dict(self):
            return super().state_dict() | {"odd": object()}

    model = linear()
    before = weights(model).clone()
    with pytest.raises(CheckpointError, match=r"cannot be written.*cannot be stored"):
        quiet(model, blobs, optimiser=Odd, checkpoint=path)
    assert torch.equal(weights(model), before)
    assert not path.exists()


# Ctrl-C


def test_ctrl_c_with_a_checkpoint_puts_the_model_back_and_the_same_call_goes_on(blobs, path):
    model, calls = linear(), []

    def loss(output, x):
        calls.append(1)
        if len(calls) == 10:  # in the middle of epoch 3, after steps that count for nothing
            raise KeyboardInterrupt
        return SquaredError()(output, x)

    def same_loss(output, x):
        return SquaredError()(output, x)

    whole = linear()
    curve = quiet(whole, blobs, loss=same_loss).curve()
    with pytest.warns(InterruptedWarning, match=r"2 of 3 epochs are finished.*goes on from .*run"):
        history = quiet(model, blobs, loss=loss, checkpoint=path)
    assert history.interrupted
    assert history.curve() == curve[:2]
    calls[:] = range(100)  # the same loss, whose list is part of it, would now run through
    two = linear()
    quiet(two, blobs, loss=same_loss, epochs=2)
    assert torch.equal(weights(model), weights(two))


def test_ctrl_c_in_the_first_epoch_puts_the_first_weights_back(blobs, path):
    model, calls = linear(), iter(range(100))

    def loss(output, x):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return SquaredError()(output, x)

    before = weights(model).clone()
    with pytest.warns(InterruptedWarning, match="0 of 3 epochs are finished"):
        history = quiet(model, blobs, loss=loss, checkpoint=path)
    assert history.epochs == 0
    assert torch.equal(weights(model), before)
    assert not path.exists()


# Wrapped models


def compiled(model):
    return torch.compile(model, backend="eager")


def compiled_in_part(model):
    model.encoder = compiled(model.encoder)
    return model


WRAPPERS = {"compiled": compiled, "in part": compiled_in_part, "parallel": nn.DataParallel}


@pytest.mark.parametrize("how", WRAPPERS)
def test_a_wrapped_model_resumes_the_plain_ones_run_and_the_other_way_round(blobs, tmp_path, how):
    through = linear()
    whole = quiet(through, blobs, epochs=4)
    for number, kinds in enumerate([(linear, WRAPPERS[how]), (WRAPPERS[how], linear)]):
        first, second = (kind() if kind is linear else kind(linear()) for kind in kinds)
        path = tmp_path / f"{number}.ckpt"
        interrupted(first, blobs, 2, epochs=4, checkpoint=path)
        assert quiet(second, blobs, epochs=4, checkpoint=path).curve() == whole.curve()
        assert torch.equal(weights(second), weights(through))


def test_a_compiled_model_of_another_seed_or_size_is_refused_like_a_plain_one(blobs, path):
    quiet(linear(), blobs, epochs=1, checkpoint=path)
    for other, message in [
        (linear(seed=1), "the model's first weights: other values"),
        (linear(latent=3), r"model\..*latent: 2 there, 3 here"),
    ]:
        with pytest.raises(CheckpointError, match=message):
            quiet(compiled(other), blobs, epochs=2, checkpoint=path)


def test_a_penalty_on_the_compiled_model_is_that_on_the_plain_one(blobs, path):
    def penalised(model, names):
        return WithWeightPenalty(SquaredError(), model, 0.1, names)

    through, plain, wrapped = linear(), linear(), compiled(linear())
    whole = quiet(through, blobs, epochs=3, loss=penalised(through, ()))
    interrupted(plain, blobs, 1, epochs=3, checkpoint=path, loss=penalised(plain, ()))
    history = quiet(wrapped, blobs, epochs=3, checkpoint=path, loss=penalised(wrapped, ()))
    assert history.curve() == whole.curve()
    names = [name for name, _ in wrapped.named_parameters()]
    assert (
        penalised(wrapped, names).names == penalised(plain, [*dict(plain.named_parameters())]).names
    )
