import dataclasses
import errno
import json
import math
import os
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

import aeteach
from aeteach import models, recipes, weights
from aeteach.weights import Card, WeightsError

SHIPPED = [name for name, recipe in recipes.RECIPES.items() if recipe.shipped]


def small_card(name="small", **arguments):
    recipe = recipes.Recipe(
        model="linear", model_arguments={"latent": 2, "size": 8} | arguments, why={}
    )
    return Card(name, recipe.as_dict(), 0, {}, {"loss": 1.0}, weights.versions(), "none")


def test_what_is_saved_comes_back(tmp_path):
    model = weights.stored(models.build("linear", latent=2, size=8))
    card = weights.save(model, small_card(), tmp_path)
    back = weights.load("small", tmp_path)
    assert not back.training
    assert (
        back.card == card == dataclasses.replace(small_card(), weights_sha256=card.weights_sha256)
    )
    for a, b in zip(model.state_dict().values(), back.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_stored_rounds_to_half_precision_and_changes_little():
    model = models.build("linear", latent=2, size=8)
    before = model.encoder_matrix.detach().clone()
    after = weights.stored(model).encoder_matrix.detach()
    assert not torch.equal(before, after)
    assert torch.equal(after, before.half().float())


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'linear-3'; known: .*linear-2.*aeteach train linear-3"):
        aeteach.load("linear-3")


def test_weights_that_do_not_fit_their_card_are_named(tmp_path):
    weights.save(models.build("linear", latent=2, size=8), small_card(), tmp_path)
    card = json.loads((tmp_path / "small.json").read_text())
    card["recipe"]["model_arguments"]["latent"] = 3
    (tmp_path / "small.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="weights of 'small' do not fit"):
        weights.load("small", tmp_path)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (models.build("linear", latent=3, size=8), r"shape \(64, 3\), and there \(64, 2\)"),
        (
            models.build("mlp", latent=2, size=8),
            r"'linear' with .*decoder.0.bias has shape \(32,\)",
        ),
        (nn.Identity(), r"has shape none, and there \(64,\)"),
    ],
)
def test_a_model_that_is_not_the_one_on_the_card_is_never_written(tmp_path, model, message):
    with pytest.raises(WeightsError, match=message):
        weights.save(model, small_card(), tmp_path)
    assert contents(tmp_path) == {}


def in_part(model):
    model.encoder = torch.compile(model.encoder, backend="eager")
    return model


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: torch.compile(model, backend="eager"),
        nn.DataParallel,
        lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
        in_part,
    ],
    ids=["compiled", "parallel", "both", "in part"],
)
def test_a_wrapped_model_is_stored_as_it_was_before(tmp_path, wrap):
    model = models.build("linear", latent=2, size=8)
    weights.save(model, small_card(), tmp_path / "plain")
    weights.save(wrap(model), small_card(), tmp_path / "wrapped")
    assert contents(tmp_path / "wrapped") == contents(tmp_path / "plain")
    assert weights.load("small", tmp_path / "wrapped").card.name == "small"


def pair(folder, seed=0):
    """Save a small model and return what is in the folder."""
    weights.save(models.build("linear", latent=2, size=8, seed=seed), small_card(), folder)
    return contents(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("at", range(6))
def test_a_full_disk_leaves_the_old_pair_and_names_the_file(tmp_path, monkeypatch, at):
    before = pair(tmp_path)
    flush, calls = os.fsync, iter(range(100))

    def full(handle):
        if next(calls) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    monkeypatch.setattr(os, "fsync", full)
    model = models.build("linear", latent=2, size=8, seed=1)
    if at in (0, 1, 2):  # weights, card, and the card once more before it takes its name
        with pytest.raises(
            OSError, match=r"No space left.*small\.(safetensors|json).*The disk at /"
        ):
            weights.save(model, small_card(), tmp_path)
        assert contents(tmp_path) == before
    else:  # a folder that cannot be flushed, or a file that was: never an old card, new weights
        try:
            weights.save(model, small_card(), tmp_path)
        except OSError:
            with pytest.raises(WeightsError, match="does not hold the weights that its card"):
                weights.load("small", tmp_path)


def test_a_kill_between_the_two_renames_is_found_when_the_model_is_loaded(tmp_path):
    pair(tmp_path)
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from aeteach import models, weights
        rename, done = Path.replace, []
        def killed(self, target):
            rename(self, target)
            os.kill(os.getpid(), signal.SIGKILL)
        Path.replace = killed
        card = weights.read_card(sys.argv[1] + "/small.json")
        weights.save(models.build("linear", latent=2, size=8, seed=1), card, sys.argv[1])
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -9
    with pytest.raises(
        WeightsError, match=r"small\.safetensors does not hold the weights that its"
    ):
        weights.load("small", tmp_path)
    after = pair(tmp_path, seed=2)  # saving again puts both right, and what was left is gone
    assert sorted(after) == ["small.json", "small.safetensors"]
    weights.load("small", tmp_path)


def changed_card(change):
    def damage(folder):
        path = folder / "small.json"
        card = json.loads(path.read_text())
        change(card)
        path.write_text(json.dumps(card))

    return damage


def with_bytes(name, change):
    def damage(folder):
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return damage


def gone(name):
    return lambda folder: (folder / name).unlink()


def a_folder(name):
    def damage(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


STATE, CARD = "small.safetensors", "small.json"
DAMAGE = {
    "a bit": (with_bytes(STATE, lambda d: d[:-5] + bytes([d[-5] ^ 1]) + d[-4:]), "does not hold"),
    "zeros": (with_bytes(STATE, lambda d: d[:-99] + bytes(99)), "does not hold"),
    "truncated": (with_bytes(STATE, lambda d: d[:50]), "does not hold the weights"),
    "longer": (with_bytes(STATE, lambda d: d + b"x"), "does not hold the weights"),
    "empty weights": (with_bytes(STATE, lambda d: b""), "does not hold the weights"),
    "a folder for weights": (a_folder(STATE), r"small\.safetensors cannot be read \(Is a dir"),
    "no card": (gone(CARD), r"small\.json is missing; a model is two files"),
    "a folder for a card": (a_folder(CARD), r"small\.json cannot be read \(Is a directory\)"),
    "an empty card": (with_bytes(CARD, lambda d: b""), r"small\.json is damaged, or no card"),
    "half a card": (with_bytes(CARD, lambda d: d[: len(d) // 2]), r"small\.json is damaged"),
    "no text": (with_bytes(CARD, lambda d: b"\xff\xfe\x00"), r"small\.json is damaged, or no card"),
    "a list": (with_bytes(CARD, lambda d: b"[1, 2]"), r"small\.json is no card of a trained model"),
    "another's json": (with_bytes(CARD, lambda d: b'{"name": 1}'), "is no card of a trained model"),
    "an older card": (
        changed_card(lambda card: card.pop("weights_sha256")),
        r"card of another version of aeteach, .*lacks weights_sha256 .*aeteach train small --out",
    ),
    "a newer card": (
        changed_card(lambda card: card.update(colour="blue")),
        "card of another version of aeteach, .*lacks nothing and has colour more",
    ),
    "an unknown model": (
        changed_card(lambda card: card["recipe"].update(model="transformer")),
        r"small\.json does not describe a model that .*name is 'transformer'; expected one of",
    ),
    "unknown arguments": (
        changed_card(lambda card: card["recipe"]["model_arguments"].update(wings=2)),
        r"small\.json does not describe a model .*wings",
    ),
    "a recipe without a model": (
        changed_card(lambda card: card["recipe"].pop("model")),
        r"small\.json does not describe a model .*it lacks 'model'",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_a_value_error_that_names_the_file_and_changes_nothing(tmp_path, what):
    damage, message = DAMAGE[what]
    pair(tmp_path)
    damage(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(WeightsError, match=message) as caught:
        weights.load("small", tmp_path)
    assert isinstance(caught.value, ValueError)
    assert str(tmp_path) in str(caught.value)
    assert contents(tmp_path) == before


def test_safetensors_that_are_none_under_a_right_checksum_are_named(tmp_path):
    pair(tmp_path)
    (tmp_path / STATE).write_bytes(b"no tensors")
    import hashlib

    checksum = hashlib.sha256(b"no tensors").hexdigest()
    changed_card(lambda card: card.update(weights_sha256=checksum))(tmp_path)
    with pytest.raises(
        WeightsError, match=r"do not fit the model on its card: .*small\.safetensors"
    ):
        weights.load("small", tmp_path)


@pytest.mark.parametrize("name", [CARD, STATE])
def test_a_file_of_the_users_own_is_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("notes")
    for call in (
        lambda: weights.check_free("small", tmp_path),
        lambda: weights.save(models.build("linear", latent=2, size=8), small_card(), tmp_path),
    ):
        with pytest.raises(WeightsError, match=f"{name} is there .*left as it is: choose another"):
            call()
    assert contents(tmp_path) == {name: b"notes"}


def test_the_card_of_another_version_may_be_replaced(tmp_path):
    pair(tmp_path)
    changed_card(lambda card: card.pop("machine"))(tmp_path)
    assert pair(tmp_path) is not None
    weights.load("small", tmp_path)


@pytest.mark.parametrize("name", ["", "../small", "a/b", ".hidden", "/tmp/x"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(WeightsError, match="becomes a file name"):
        weights.save(models.build("linear", latent=2, size=8), small_card(name), tmp_path / "in")
    assert not (tmp_path / "in").exists()


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"a file is in the way: the folder .*file could not be made"):
        pair(tmp_path / "file")


@pytest.mark.parametrize("value", [65_504.0, 65_520.0, 1e5, -1e30])
def test_a_number_too_large_for_float16_is_kept_as_float32(tmp_path, value):
    model = models.build("linear", latent=2, size=8)
    with torch.no_grad():
        next(model.parameters())[0, 0] = value
    weights.save(model, small_card(), tmp_path)
    back = weights.load("small", tmp_path)
    assert next(back.parameters())[0, 0].item() == pytest.approx(value, rel=1e-7)
    for a, b in zip(weights.stored(model).parameters(), back.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_not_saved(tmp_path, value):
    model = models.build("linear", latent=2, size=8)
    with torch.no_grad():
        next(model.parameters())[0, 0] = value
    with pytest.raises(
        WeightsError, match=r"encoder\.1\.weight holds 1 numbers that are NaN or inf"
    ):
        weights.save(model, small_card(), tmp_path)
    assert contents(tmp_path) == {}


def test_tensors_that_share_memory_are_saved_and_come_back(tmp_path, monkeypatch):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(torch.full((2,), 1e6))
            self.b = self.a

    monkeypatch.setitem(models.MODELS, "tied", Tied)
    recipe = recipes.Recipe(model="tied", model_arguments={}, why={})
    card = dataclasses.replace(small_card(), recipe=recipe.as_dict())
    weights.save(Tied(), card, tmp_path)
    back = weights.load("small", tmp_path)
    assert back.a is back.b
    assert torch.equal(back.a, torch.full((2,), 1e6))


def test_the_machine_is_named():
    name = weights.machine()
    assert torch.backends.cpu.get_cpu_capability() in name
    assert len(name.split(",")[0]) > 2


def test_every_shipped_recipe_has_weights_and_every_file_a_recipe():
    on_disk = {path.stem for path in weights.FOLDER.glob("*.safetensors")}
    assert on_disk == set(SHIPPED)
    assert {path.stem for path in weights.FOLDER.glob("*.json")} == on_disk


def test_all_weights_together_stay_below_8_megabytes():
    assert sum(path.stat().st_size for path in weights.FOLDER.iterdir() if path.is_file()) < 8e6


@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_holds_its_recipe_as_it_is_now(name):
    card = json.loads((weights.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(recipes.RECIPES[name].as_dict()))
    assert card["recipe"] == now, "the recipe changed: run `make weights`"
    assert set(card) == {field.name for field in dataclasses.fields(Card)}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_a_card_tells_the_truth_about_its_model(name):
    model = aeteach.load(name)
    for term, value in recipes.RECIPES[name].measure(model).items():
        # Five digits are claimed: half a unit of the fifth, and the processor's 1e-5.
        assert math.isclose(value, model.card.metrics[term], rel_tol=6e-5), term
