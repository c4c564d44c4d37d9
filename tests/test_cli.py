import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch

import aeteach
from aeteach import cli, data, recipes, results, training, weights
from tests.paths import ROOT

SMALL = recipes.Recipe(
    model="linear", model_arguments={"latent": 2, "size": 8}, data="blobs", epochs=2, why={}
)


@pytest.fixture
def small(monkeypatch, blobs):
    """A recipe that trains in a moment."""
    monkeypatch.setitem(recipes.RECIPES, "small", SMALL)
    monkeypatch.setitem(
        recipes.DATA, "blobs", lambda split: blobs[:48] if split == "train" else blobs[48:]
    )


def test_train_writes_weights_and_card_and_evaluate_agrees_with_the_card(small, tmp_path, capsys):
    assert cli.main(["train", "small", "--seed", "3", "--out", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.json", "small.safetensors"]
    card = json.loads((tmp_path / "small.json").read_text())
    assert card["seed"] == 3
    assert card["command"] == "aeteach train small --seed 3"
    assert card["versions"]["aeteach"] == aeteach.__version__
    capsys.readouterr()
    assert cli.main(["evaluate", "small", "--weights", str(tmp_path)]) == 0
    term, measured, *_, on_card = capsys.readouterr().out.splitlines()[0].split()
    assert (term, measured) == ("loss", on_card)


def test_a_killed_training_resumes_and_ends_in_the_same_file(small, tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    cli.main(["train", "small", "--out", str(whole)])

    real = weights.stored
    monkeypatch.setattr(weights, "stored", lambda model: (_ for _ in ()).throw(OSError("killed")))
    assert cli.main(["train", "small", "--out", str(killed)]) == 1
    monkeypatch.setattr(weights, "stored", real)
    assert [p.name for p in killed.iterdir()] == [".small-seed-0-epochs-2.ckpt"]
    assert cli.main(["train", "small", "--out", str(killed)]) == 0
    for name in ("small.json", "small.safetensors"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes()


def test_the_epochs_given_are_on_the_card(small, tmp_path):
    assert cli.main(["train", "small", "--epochs", "1", "--out", str(tmp_path)]) == 0
    card = weights.load("small", tmp_path).card
    assert card.recipe["epochs"] == 1
    assert card.command.endswith("--epochs 1")


def test_the_weights_of_an_installation_are_never_replaced(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "_INSTALLED", tmp_path)
    monkeypatch.setattr(recipes, "RECIPES", {})
    assert cli.main(["train", "--ship"]) == 1
    assert "clone of the repository, or give --out" in capsys.readouterr().err


def test_a_shorter_run_beside_a_killed_one_is_trained_as_its_card_says(small, tmp_path):
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    cli.main(["train", "small", "--epochs", "1", "--out", str(alone)])
    with pytest.MonkeyPatch.context() as context:
        interrupt_in_epoch(context, 2)
        assert cli.main(["train", "small", "--epochs", "5", "--out", str(beside)]) == 130
    assert cli.main(["train", "small", "--epochs", "1", "--out", str(beside)]) == 0
    for name in ("small.json", "small.safetensors"):
        assert (alone / name).read_bytes() == (beside / name).read_bytes()


def interrupt_in_epoch(monkeypatch, number):
    """Press Ctrl-C in an epoch of training."""
    real = training.loop._Training.epoch

    def epoch(self, now, history):
        if now == number:
            raise KeyboardInterrupt
        return real(self, now, history)

    monkeypatch.setattr(training.loop._Training, "epoch", epoch)


def test_ctrl_c_is_one_line_and_the_same_command_goes_on(small, tmp_path, capsys):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    cli.main(["train", "small", "--epochs", "3", "--out", str(whole)])
    argv = ["train", "small", "--epochs", "3", "--out", str(stopped)]
    with pytest.MonkeyPatch.context() as context:
        interrupt_in_epoch(context, 3)
        capsys.readouterr()
        assert cli.main(argv) == 130
        *_, last = capsys.readouterr().err.splitlines()
    assert last == "aeteach: interrupted; the same command goes on after the last whole epoch"
    assert [p.name for p in stopped.iterdir()] == [".small-seed-0-epochs-3.ckpt"]
    assert cli.main(argv) == 0
    for name in ("small.json", "small.safetensors"):
        assert (whole / name).read_bytes() == (stopped / name).read_bytes()


def test_a_real_ctrl_c_in_the_shell(tmp_path):
    script = (
        "import sys, torch\n"
        "from aeteach import cli, recipes\n"
        "recipes.DATA['blobs'] = lambda split: torch.rand(64, 1, 8, 8)\n"
        "recipes.RECIPES['small'] = recipes.Recipe(model='linear', epochs=10**6, batch_size=1,\n"
        "    model_arguments={'latent': 2, 'size': 8}, data='blobs', why={})\n"
        "sys.exit(cli.main(['train', 'small', '--out', sys.argv[1]]))\n"
    )
    process = subprocess.Popen(
        ["env", "--default-signal=INT", sys.executable, "-c", script, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoint = tmp_path / ".small-seed-0-epochs-1000000.ckpt"
    with process:
        deadline = time.monotonic() + 120
        while not checkpoint.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        error = process.stderr.read()
    assert process.returncode == 130
    assert error.splitlines()[-1].startswith("aeteach: interrupted; ")
    assert "Traceback" not in error
    assert [p.name for p in tmp_path.iterdir()] == [checkpoint.name]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("train lineer-2", "no recipe is called 'lineer-2'; known: .*linear-2"),
        ("train", "no recipe was named; known"),
        ("train small --epochs -1", "epochs is -1; expected a whole number, at least 1"),
        ("train small --epochs 0", "epochs is 0; expected a whole number, at least 1"),
        ("train small --epochs 1.5", "epochs is 1.5; expected a whole number"),
        ("train small --seed -1", "seed is -1; expected a whole number, at least 0"),
        ("train small --seed x", "seed is x; expected a whole number"),
        ("train small --list", "--list came with names: leave one of them out"),
        ("train --list --ship", "--list came with --ship"),
        ("train --ship small", "--ship came with names"),
        ("train --ship --epochs 3", "--ship came with --epochs"),
        ("train --ship --seed 0", "--ship came with --seed"),
        ("sweep", "no table was named; known: autoencoders"),
        ("sweep nonsense", "no table is called 'nonsense'; known: "),
        ("sweep shapes --jobs 0", "jobs is 0; expected a whole number, at least 1"),
        ("sweep shapes --jobs 2 --dask tcp://x:1", "--dask came with --jobs"),
        ("sweep shapes --table --jobs 2", "--table came with --jobs"),
        ("sweep --list shapes", "--list came with names"),
        ("evaluate", "the following arguments are required: name"),
        ("", "arguments are required: COMMAND"),
        ("fly", "invalid choice: 'fly'"),
    ],
)
def test_wrong_arguments_end_with_status_2_and_a_sentence(small, argv, message, capsys, tmp_path):
    out = ["--out", str(tmp_path)] if argv.startswith("train small") and "list" not in argv else []
    assert cli.main([*argv.split(), *out]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_an_empty_address_is_not_taken_for_none(capsys):
    assert cli.main(["sweep", "shapes", "--dask", ""]) == 2
    assert "dask is empty" in capsys.readouterr().err


def test_a_model_that_is_not_there_ends_with_status_1(capsys):
    assert cli.main(["evaluate", "nothing"]) == 1
    assert "no trained model is called 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("taken", ["small.json", "small.safetensors"])
def test_a_file_of_the_users_own_is_said_before_training_and_kept(small, tmp_path, capsys, taken):
    (tmp_path / taken).write_text("mine")
    assert cli.main(["train", "small", "--out", str(tmp_path)]) == 1
    assert f"{taken} is there" in capsys.readouterr().err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(taken, "mine")]


def test_a_full_disk_is_a_sentence_that_names_the_file(small, tmp_path, monkeypatch, capsys):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert cli.main(["train", "small", "--out", str(tmp_path)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"No space left.*\.small-seed-0-epochs-2\.ckpt could not.*The disk at /", last)
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_the_command_where_the_command_is_not_found():
    command = [sys.executable, "-m", "aeteach", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"aeteach {aeteach.__version__}\n"


def test_the_version_is_said(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"aeteach {aeteach.__version__}\n"


def test_a_reader_that_has_had_enough_is_no_failure_to_tell(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m aeteach.cli train --list | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("linear-2")
    assert done.stderr == ""


def test_evaluate_says_what_is_not_on_a_card(small, tmp_path, capsys):
    cli.main(["train", "small", "--out", str(tmp_path)])
    path = tmp_path / "small.json"
    card = json.loads(path.read_text())
    del card["metrics"]["reconstruction"]
    path.write_text(json.dumps(card))
    capsys.readouterr()
    assert cli.main(["evaluate", "small", "--weights", str(tmp_path)]) == 0
    loss, reconstruction = capsys.readouterr().out.splitlines()
    assert "on its card" in loss
    assert reconstruction.endswith("not on its card")


def test_list_names_every_recipe(capsys):
    assert cli.main(["train", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(
        recipes.RECIPES
    )


def test_data_prints_a_line_a_file(capsys):
    assert cli.main(["data", "--quiet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_data_that_cannot_be_had_ends_with_status_1(monkeypatch, capsys):
    def nothing(progress):
        raise data.DataError("no source works")

    monkeypatch.setattr(data, "fill", nothing)
    assert cli.main(["data"]) == 1
    assert "no source works" in capsys.readouterr().err


def test_the_installed_command_answers():
    done = subprocess.run(
        [sys.executable, "-m", "aeteach.cli", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("data", "train", "evaluate"):
        assert command in done.stdout
    assert torch.__version__  # the command loads what training needs
