import json
import subprocess
import sys

import pytest
import safetensors.torch
import torch
from torch import nn

import aeteach
from aeteach import architecture, keep, models, training
from aeteach.weights import WeightsError


def own(size=(3, 8, 12)):
    return models.VAE(
        nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten()),
        models.Heads(4 * 3 * 5, 2),
        nn.Sequential(nn.Linear(2, 3 * 8 * 12), nn.Unflatten(1, (3, 8, 12))),
        latent=2,
        size=size,
    )


def images(n=20, *one):
    return torch.rand(n, *(one or (3, 8, 12)), generator=torch.Generator().manual_seed(0))


def test_a_model_of_own_bodies_comes_back_bit_for_bit_with_its_card(tmp_path):
    model = own()
    training.fit(model, images(), loss="elbo", epochs=1, progress=False)
    model.encoder[0].weight.requires_grad_(False)
    told = {"data": "noise", "notes": "by hand", "metrics": {"loss": 3.5}}
    card = aeteach.save(model, tmp_path / "deeper" / "own.safetensors", **told)
    back = aeteach.load(tmp_path / "deeper" / "own.safetensors")
    assert torch.equal(back.encode(images()), model.eval().encode(images()))
    assert not back.training
    assert back.card == card
    assert (card.name, card.data, card.metrics) == ("own", {"source": "noise"}, {"loss": 3.5})
    assert card.recipe["notes"] == "by hand"
    frozen = [n for n, p in back.named_parameters() if not p.requires_grad]
    assert frozen == ["encoder.0.weight"]


@pytest.mark.parametrize("name", sorted(models.MODELS))
def test_every_named_model_is_kept_exactly(tmp_path, name):
    model = models.build(name, seed=3)
    aeteach.save(model, tmp_path / "m.safetensors")
    back = aeteach.load(str(tmp_path / "m.safetensors"))
    assert type(back) is type(model)
    for key, value in model.state_dict().items():
        assert torch.equal(back.state_dict()[key], value)


def test_double_precision_and_large_numbers_are_kept_as_they_are(tmp_path):
    model = models.build("linear", size=4).double()
    with torch.no_grad():
        model.encoder[1].bias.fill_(1e200)
    aeteach.save(model, tmp_path / "m.safetensors")
    assert torch.equal(
        aeteach.load(tmp_path / "m.safetensors").encoder[1].bias,
        torch.tensor([1e200, 1e200], dtype=torch.float64),
    )


class Mine(nn.Sequential):
    pass


def test_a_class_of_ones_own_is_loaded_into_a_model_of_it(tmp_path):
    def make():
        return models.Autoencoder(
            Mine(nn.Flatten(), nn.Linear(16, 2)),
            nn.Sequential(nn.Linear(2, 16), nn.Unflatten(1, (1, 4, 4))),
            sigmoid=True,
        )

    model = make()
    aeteach.save(model, tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match=r"encoder is a Mine.*load\(path, into=model\)"):
        aeteach.load(tmp_path / "m.safetensors")
    back = aeteach.load(tmp_path / "m.safetensors", into=make())
    assert torch.equal(back.encoder[1].weight, model.encoder[1].weight)
    assert back.card.name == "m"
    with pytest.raises(WeightsError, match=r"do not fit into, a MLPAutoencoder: decoder.0"):
        aeteach.load(tmp_path / "m.safetensors", into=models.build("mlp", size=4))


def test_a_model_of_the_book_is_loaded_by_name_or_into_another():
    model = aeteach.load("linear-2")
    into = aeteach.load("linear-2", into=models.build("linear"))
    assert torch.equal(model.encoder[1].weight, into.encoder[1].weight)


def test_infinity_is_never_kept_and_the_file_of_before_stays(tmp_path):
    model = models.build("linear", size=4)
    path = tmp_path / "m.safetensors"
    aeteach.save(model, path)
    before = path.read_bytes()
    with torch.no_grad():
        model.decoder[0].bias[0] = float("inf")
    with pytest.raises(WeightsError, match=r"decoder.0.bias holds 1 numbers that are NaN"):
        aeteach.save(model, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["text", "other"])
def test_a_file_that_save_did_not_write_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "m.safetensors"
    data = b"mine" if content == "text" else safetensors.torch.save({"a": torch.ones(2)})
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="left as it is: choose another path"):
        aeteach.save(models.build("linear", size=4), path)
    assert path.read_bytes() == data


def damaged(path, change):
    with safetensors.safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()["aeteach"])
        state = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - no mapping
    told = change(told, state) or told
    text = told if isinstance(told, str) else json.dumps(told)
    path.write_bytes(safetensors.torch.save(state, {"aeteach": text}))


DAMAGE = {
    "numbers": (lambda told, state: state["encoder.1.bias"].add_(1), "is damaged: its numbers"),
    "format": (lambda told, state: told.update(format=99), "has format 99"),
    "card": (lambda told, state: told["card"].pop("name"), "has format"),
    "text": (lambda told, state: "{", "the card in .* is damaged"),
    "part": (
        lambda told, state: told["card"]["recipe"].update(architecture={"part": "os.system"}),
        "does not describe a model .* 'os.system', which is none",
    ),
    "arguments": (
        lambda told, state: told["card"]["recipe"]["architecture"]["arguments"].update(size=5),
        r"do not fit the model, a LinearAutoencoder: decoder.0.bias has shape \(16,\) there",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named(tmp_path, what):
    path = tmp_path / "m.safetensors"
    aeteach.save(models.build("linear", size=4), path)
    change, message = DAMAGE[what]

    def once(told, state):
        made = change(told, state)
        return made if made == "{" else None

    damaged(path, once)
    with pytest.raises(WeightsError, match=message):
        aeteach.load(path)


def test_a_file_cut_short_or_missing_is_named(tmp_path):
    path = tmp_path / "m.safetensors"
    with pytest.raises(WeightsError, match="there is no file"):
        aeteach.load(path)
    aeteach.save(models.build("linear", size=4), path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(WeightsError, match="cannot be read, or is damaged"):
        aeteach.load(path)


def test_a_path_without_the_ending_is_told_the_right_one(tmp_path):
    with pytest.raises(WeightsError, match=r"ends in .safetensors: 'm.safetensors'"):
        aeteach.save(models.build("linear", size=4), tmp_path / "m.pt")


def test_a_file_of_a_recipe_is_loaded_by_its_name():
    with pytest.raises(WeightsError, match=r"aeteach.load\('linear-2'"):
        aeteach.load(keep.FOLDER / "linear-2.safetensors")


def test_nothing_in_a_file_is_run(tmp_path, monkeypatch):
    import pickle

    monkeypatch.setattr(pickle, "loads", lambda *a, **k: pytest.fail("a pickle was read"))
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("a pickle was read"))
    aeteach.save(own(), tmp_path / "m.safetensors")
    aeteach.load(tmp_path / "m.safetensors")
    assert architecture.DEEP > 5


SCRIPT = """
from pathlib import Path

import torch
from torch import Tensor, nn

import aeteach


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)


model = aeteach.load("linear-2")
z: Tensor = model.encode(torch.rand(1, 1, 32, 32))
x_hat: Tensor = model.decode(z)
print(model.card.metrics["reconstruction"], model.card.seed)
card = aeteach.save(model, Path("m.safetensors"), metrics={"loss": 1.0})
print(card.weights_sha256)
mine: Net = aeteach.load("m.safetensors", into=Net())
print(mine.layer)
history = aeteach.training.fit(model, torch.rand(4, 1, 32, 32), epochs=1)
print(history.curve("loss")[-1], aeteach.training.evaluate(model, torch.rand(4, 1, 32, 32)))
vae = aeteach.models.build("vae", latent=2)
"""


@pytest.mark.slow
def test_a_users_script_is_clean_to_mypy_and_its_slips_are_not(tmp_path):
    for name, text in {
        "good": SCRIPT,
        "bad": SCRIPT + "model.card.metric\nmine.encode(z)\nz.nothing\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--cache-dir", str(tmp_path / "cache"), "--config-file", "/dev/null"]
    done = {
        name: subprocess.run(
            [*command, f"{name}.py"], cwd=tmp_path, capture_output=True, text=True, check=False
        ).stdout
        for name in ("good", "bad")
    }
    assert "Success" in done["good"], done["good"]
    assert done["bad"].count('error: "') == 3, done["bad"]
